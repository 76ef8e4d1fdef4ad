use crate::stage::{Chance, Rogue, begin, difference, integers, key_of, monomial, poly, small_cast};
use std::sync::Arc;
use zektra_he::member::Refusal;
use zektra_he::rehearsal::Memory;
use zektra_he::share;
use zektra_he::transcript::{Multipliers, Program, Transcript};
use zektra_statement::digest::Fingerprint;
use zektra_statement::field::centred;
use zektra_statement::packing::row_positions;

/// `y = 2^62·s + M` with `|M| ≤ 2^61`: rounding tells the key.
fn read(y: i64) -> i64 {
    ((i128::from(y) + (1 << 61)) >> 62) as i64
}

#[test]
fn a_member_that_answers_any_c_gives_the_key_away() {
    let mut chance = Chance::new(2);
    let s = chance.ternary();
    let key = s.eval();
    let positions = row_positions(32);
    let mut recovered = vec![9; 4096];
    for k in 0..32 {
        let masks = chance.masks(positions.len(), 61);
        let y = share::masked(&key, &monomial(k, 1 << 62).eval(), &positions, &masks);
        for (&y, &p) in y.iter().zip(&positions) {
            let (from, value) = (usize::from(p), read(centred(y)));
            recovered[(from + 4096 - k) % 4096] = if from < k { -value } else { value };
        }
    }
    assert_eq!(recovered, integers(&s));
}

#[test]
fn a_claim_that_differs_is_refused_by_name() {
    let cast = small_cast(21);
    let mut logs = cast.logs();
    let (mut members, mut node) = begin(&cast, &mut logs);
    let claim = node.evaluate().unwrap().1;
    let print = Fingerprint([9; 32]);
    let claims = [
        ("position", zektra_he::transcript::Claim { iteration: 1, ..claim }),
        ("position", zektra_he::transcript::Claim { phase: 1, ..claim }),
        ("phase table", zektra_he::transcript::Claim { table: print, ..claim }),
        ("opened values U", zektra_he::transcript::Claim { opened: print, ..claim }),
        ("multipliers c", zektra_he::transcript::Claim { multipliers: print, ..claim }),
    ];
    for (name, claim) in claims {
        match members[0].answer(&claim) {
            Err(Refusal::Claim { what, .. }) => assert_eq!(what, name),
            other => panic!("{name}: {other:?}"),
        }
    }
    members[0].answer(&claim).unwrap();
}

/// The node puts `P = 2^62·Z^k − …` into its own store: its `c` is the crafted one, and its claim says so.
#[test]
fn a_node_with_a_crafted_c_is_refused() {
    let cast = small_cast(22);
    let mut logs = cast.logs();
    let (mut members, mut node) = begin(&cast, &mut logs);
    let memory = node.source_mut().clone();
    let mut offline = (*memory.offline).clone();
    offline.insert((0, 0, 0), monomial(0, 1 << 62));
    let crafted = Memory { offline: Arc::new(offline), ..memory };
    let claim = Transcript::new(node.program().clone(), crafted).evaluate().unwrap().1;
    for m in &mut members {
        let refused = m.answer(&claim);
        assert!(matches!(refused, Err(Refusal::Claim { what: "multipliers c", .. })), "{refused:?}");
    }
}

/// `d2` comes from the member's own job, whoever hands over the multipliers.
#[test]
fn a_d2_of_another_job_is_refused() {
    let cast = small_cast(23);
    let mut logs = cast.logs();
    let (mut members, node) = begin(&cast, &mut logs);
    let other = Program::new(cast.job.clone(), &vec![Fingerprint([1; 32]); cast.job.extension_streams()]).unwrap();
    assert_ne!(other.lock, node.program().lock);
    let mut multipliers = Multipliers::new(Arc::new(other));
    let refused = members[0].offline(&mut multipliers, 0, 1);
    assert!(matches!(refused, Err(Refusal::Claim { what: "job behind d2", .. })), "{refused:?}");
}

/// What members cannot see yet. An offline share is taken on trust until its proof is checked: one member
/// that publishes `P − 2^62·Z^k…` in place of noise makes every other member answer a crafted `c` in the
/// first phase, where `c` is nothing but the sum of these shares. A proof that `P − d2·s` is noise ends this.
#[test]
fn until_offline_shares_are_proven_one_member_can_read_a_key() {
    let cast = small_cast(24);
    let mut logs = cast.logs();
    let (mut members, mut node) = begin(&cast, &mut logs);
    let memory = node.source_mut().clone();
    let mut offline = (*memory.offline).clone();
    for opening in 0..2 {
        offline.get_mut(&(0, 0, opening)).unwrap().add_assign(&monomial(opening as usize, 1 << 62));
    }
    let crafted = Memory { offline: Arc::new(offline), ..memory };
    *members[0].source_mut() = crafted.clone();
    let mut node = Transcript::new(node.program().clone(), crafted);
    let answer = members[0].answer(&node.evaluate().unwrap().1).unwrap();
    let key = key_of(&cast.seats[0]);
    for (k, y) in answer.y.iter().enumerate() {
        for (&y, p) in y.iter().zip(row_positions(32)) {
            let p = usize::from(p);
            let expected = if p < k { -key[p + 4096 - k] } else { key[p - k] };
            assert_eq!(read(centred(y)), expected);
        }
    }
}

/// With the same noise, key and randomness the rogue of these tests is a real member.
#[test]
fn the_rogue_computes_as_a_member_does() {
    let cast = small_cast(25);
    let mut logs = cast.logs();
    let (mut members, mut node) = begin(&cast, &mut logs);
    let key = poly(&key_of(&cast.seats[2])).into_eval();
    let mut rogue = Rogue::new(2, key, node.program().clone(), node.source_mut().clone());
    let claim = node.evaluate().unwrap().1;
    let (real, toy) = (members[2].answer(&claim).unwrap(), rogue.answer(&mut |_| monomial(0, 0)));
    // The shares differ by masks and noise only: both are below 2^62, where random elements are not.
    for (a, b) in real.y.iter().flatten().zip(toy.y.iter().flatten()) {
        assert!(centred(*a - *b).unsigned_abs() <= 1 << 62);
    }
    assert!(
        difference(&real.g[0], &toy.g[0]).coefficients().iter().skip(1).step_by(32).all(|&c| centred(c).abs() <= 2)
    );
}
