use crate::stage::{Chance, difference, integers, key_of, poly, product, quotient, small_cast, sum, usage};
use zektra_he::log::{LabelLog, LogError};
use zektra_he::share;
use zektra_he::tile::{Sealer, tile_randomness};
use zektra_he::xof::{Kind, Prf, Use};
use zektra_statement::digest::Commitment;
use zektra_statement::record::Plane;
use zeroize::Zeroizing;

/// Noise that does not depend on the message: `b − b' = m − m'`, without any noise left.
#[test]
fn a_tile_encrypted_again_under_the_same_noise_shows_what_changed() {
    let mut chance = Chance::new(6);
    let (key, a, noise) = (chance.ternary().eval(), chance.uniform().eval(), chance.noise());
    let rows = poly(&(0..4096).map(|i| i % 200 - 100).collect::<Vec<_>>());
    let other = poly(&(0..4096).map(|i| i % 190 - 95).collect::<Vec<_>>());
    let (b, b2) = (share::encrypt(&key, &a, &rows, &noise), share::encrypt(&key, &a, &other, &noise));
    assert_eq!(difference(&b, &b2), difference(&rows, &other));
}

#[test]
fn other_rows_need_the_next_attempt() {
    let cast = small_cast(61);
    let seat = &cast.seats[0];
    let id = cast.job.datasets[0].dataset.id;
    let (first, second) = (&cast.groups[0][0].planes[0][0], &cast.groups[1][0].planes[0][0]);
    let mut log = LabelLog::in_memory(&seat.commitment());
    let sealer = |attempt| Sealer { seat, chain_id: "rehearsal", dataset: id, attempt };
    let b = sealer(0).seal(&mut log, &[(0, Plane::Features, first)]).unwrap().remove(0);
    let again = sealer(0).seal(&mut log, &[(0, Plane::Features, first)]).unwrap().remove(0);
    assert_eq!(again, b, "the same rows give the same bytes");
    let refused = sealer(0).seal(&mut log, &[(0, Plane::Features, second)]);
    assert!(matches!(refused, Err(LogError::Used { .. })));
    let refused = sealer(0).seal(&mut log, &[(1, Plane::Features, first), (0, Plane::Features, second)]);
    assert!(matches!(refused, Err(LogError::Used { .. })));
    assert_eq!(log.len(), 1, "nothing is claimed of a refused batch");

    let next = sealer(1).seal(&mut log, &[(0, Plane::Features, second)]).unwrap().remove(0);
    let shown = integers(&difference(&b, &next));
    let small = shown.iter().filter(|v| v.abs() < 1 << 40).count();
    assert!(small < 5, "{small} small coefficients of 4096: the difference must look random");
    // It is an encryption of the new rows all the same.
    let a = tile_randomness("rehearsal", sealer(1).object(), Plane::Features, 0, 1);
    let opened = sum(&next, &product(&a, &poly(&key_of(seat))));
    assert!(integers(&difference(&opened, second)).iter().all(|e| e.abs() <= 2));
}

/// Noise that does not depend on the key: rotating under the same labels gives `s − s'` exactly.
#[test]
fn a_stream_that_outlives_its_key_gives_the_difference_away() {
    let mut chance = Chance::new(7);
    let (old, new, a) = (chance.ternary(), chance.ternary(), chance.uniform());
    let (noise, rows) = (chance.noise(), chance.ternary());
    let b = share::encrypt(&old.eval(), &a.eval(), &rows, &noise);
    let b2 = share::encrypt(&new.eval(), &a.eval(), &rows, &noise);
    assert_eq!(quotient(&difference(&b2, &b), &a), difference(&old, &new));
}

#[test]
fn a_rotated_key_makes_other_noise_under_the_same_label() {
    let key = || Zeroizing::new([3; 32]);
    let (old, new) = (Prf::new(key(), Commitment([1; 4])), Prf::new(key(), Commitment([2; 4])));
    for kind in [Kind::Tile, Kind::Extension, Kind::Offline, Kind::Mask, Kind::Refresh, Kind::Salt] {
        let label = usage(kind, 0);
        assert_ne!(old.stream(&label).noise(), new.stream(&label).noise(), "{kind:?}");
        assert_eq!(old.stream(&label).noise(), Prf::new(key(), Commitment([1; 4])).stream(&label).noise());
    }
    // And whatever else the bytes may depend on does change them.
    let base = usage(Kind::Tile, 0);
    let print = zektra_statement::digest::Fingerprint([1; 32]);
    let others = [
        usage(Kind::Extension, 0),
        usage(Kind::Tile, 1),
        Use { multiplier: print, ..base },
        Use { message: print, ..base },
    ];
    for other in others {
        assert_ne!(old.stream(&base).noise(), old.stream(&other).noise(), "{other:?}");
    }
    let cast = small_cast(62);
    let rotated = cast.seats[0].rotate().unwrap();
    assert_ne!(rotated.commitment(), cast.seats[0].commitment());
    assert_eq!(rotated.public().epoch, 1);
    assert_ne!(rotated.public().release_key, cast.seats[0].public().release_key);
}
