use crate::stage::{Chance, begin, difference, integers, key_of, monomial, small_cast, sum};
use std::io::{Seek, SeekFrom, Write};
use zektra_he::log::{LabelLog, LogError};
use zektra_he::member::{Member, Refusal};
use zektra_he::rehearsal::{Cast, Memory, round};
use zektra_he::share;
use zektra_he::tile::{Sealer, tile_label, tile_randomness};
use zektra_he::transcript::{Answer, Claim, Program, Transcript};
use zektra_he::xof::{Kind, Use};
use zektra_statement::digest::Fingerprint;
use zektra_statement::field::centred;
use zektra_statement::packing::row_positions;
use zektra_statement::record::{Dataset, Plane};

const BITS: u32 = 61;

/// A member whose masks depend on its label alone, asked with `c` and `c + Z^k`: the difference is the key.
#[test]
fn masks_that_do_not_depend_on_c_give_the_key_away() {
    let mut chance = Chance::new(1);
    let (s, c) = (chance.ternary(), chance.uniform());
    let key = s.eval();
    let positions = row_positions(32);
    let masks = chance.masks(positions.len(), BITS);
    let weak = |c: &zektra_he::ring::Poly| share::masked(&key, &c.eval(), &positions, &masks);
    let first = weak(&c);
    let mut recovered = vec![9; 4096];
    for k in 0..32 {
        let second = weak(&sum(&c, &monomial(k, 1)));
        for ((&a, &b), &p) in first.iter().zip(&second).zip(&positions) {
            let (from, value) = (usize::from(p), centred(b - a));
            // (Z^k·s)[p] = s[p − k], negative where it wraps.
            recovered[(from + 4096 - k) % 4096] = if from < k { -value } else { value };
        }
    }
    assert_eq!(recovered, integers(&s));
}

/// The node says something else of the past, so that the member's next `c` is another.
fn other_history(answers: &[Answer]) -> Vec<Answer> {
    let mut other = answers.to_vec();
    other[2].g[0].add_assign(&monomial(5, 1));
    other
}

/// The job up to the second phase, as a member with another log sees it.
fn second_phase<'a>(
    cast: &'a Cast,
    log: &'a mut LabelLog,
    memory: &Memory,
    program: &std::sync::Arc<Program>,
    answers: &[Answer],
) -> (Member<'a, Memory>, Claim) {
    let mut member = Member::join(&cast.seats[0], log, 0, program.clone(), memory.clone()).unwrap();
    let mut node = Transcript::new(program.clone(), memory.clone());
    let claim = node.evaluate().unwrap().1;
    assert_eq!(member.answer(&claim).unwrap(), answers[0], "asking again gives the same bytes");
    member.advance(answers).unwrap();
    node.advance(answers).unwrap();
    let claim = node.evaluate().unwrap().1;
    (member, claim)
}

#[test]
fn another_c_is_refused_even_after_a_crash() {
    let cast = small_cast(11);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("labels");
    let key = cast.seats[0].commitment();
    let mut logs = cast.logs();
    logs[0] = LabelLog::create(&path, &key).unwrap();

    let (mut members, mut node) = begin(&cast, &mut logs);
    let answers = round(&mut node, &mut members).unwrap();
    let claim = node.evaluate().unwrap().1;
    let given = members[0].answer(&claim).unwrap();
    let program = node.program().clone();
    let memory = node.source_mut().clone();
    // The process ends at once: the lock goes, nothing is flushed by the member.
    drop(members);
    drop(logs);

    let mut log = LabelLog::open(&path, &key).unwrap();
    let (mut member, claim_again) = second_phase(&cast, &mut log, &memory, &program, &answers);
    assert_eq!(claim_again, claim);
    assert_eq!(member.answer(&claim).unwrap(), given, "the same request gives the same bytes");
    drop(member);
    drop(log);

    let mut log = LabelLog::open(&path, &key).unwrap();
    let (mut member, other) = second_phase(&cast, &mut log, &memory, &program, &other_history(&answers));
    assert_ne!(other, claim);
    assert!(matches!(member.answer(&other), Err(Refusal::Log(LogError::Used { .. }))));
}

fn uses(count: u64) -> Vec<Use> {
    let make = |tile| Use {
        kind: Kind::Tile,
        label: tile_label(Fingerprint([1; 32]), Plane::Features, tile, 0),
        multiplier: Fingerprint([2; 32]),
        message: Fingerprint::NONE,
    };
    (0..count).map(make).collect()
}

fn other(usage: &Use) -> Use {
    Use { multiplier: Fingerprint([3; 32]), ..*usage }
}

#[test]
fn a_torn_claim_is_dropped_and_all_before_it_are_kept() {
    let key = small_cast(12).seats[0].commitment();
    let folder = tempfile::tempdir().unwrap();
    for (name, cut, zeros) in [("cut", 30u64, 0u64), ("whole", 0, 0), ("zeros", 72, 72), ("half zeros", 40, 40)] {
        let path = folder.path().join(name);
        let mut log = LabelLog::create(&path, &key).unwrap();
        log.claim(&uses(5)).unwrap();
        drop(log);
        let mut file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
        let length = file.metadata().unwrap().len();
        file.set_len(length - cut).unwrap();
        file.seek(SeekFrom::End(0)).unwrap();
        file.write_all(&vec![0; zeros as usize]).unwrap();
        drop(file);

        let mut log = LabelLog::open(&path, &key).unwrap();
        let kept = if cut == 0 { 5 } else { 4 };
        assert_eq!(log.len(), kept, "{name}");
        for usage in &uses(kept as u64) {
            assert!(matches!(log.claim(&[other(usage)]), Err(LogError::Used { .. })), "{name}");
        }
        log.claim(&uses(7)).unwrap();
        drop(log);
        assert_eq!(LabelLog::open(&path, &key).unwrap().len(), 7, "{name}: it goes on behind whole records");
    }
}

/// A record that was changed is no torn one, not even the last: its label may have been answered.
#[test]
fn a_changed_log_is_refused() {
    let key = small_cast(13).seats[0].commitment();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("labels");
    LabelLog::create(&path, &key).unwrap().claim(&uses(3)).unwrap();
    let good = std::fs::read(&path).unwrap();
    for at in (0..good.len()).step_by(3) {
        let mut bytes = good.clone();
        bytes[at] ^= 1 << (at % 8);
        std::fs::write(&path, &bytes).unwrap();
        assert!(matches!(LabelLog::open(&path, &key), Err(LogError::Damaged { .. })), "byte {at}");
    }
    for length in 0..good.len() {
        std::fs::write(&path, &good[..length]).unwrap();
        // Never a panic, and never more than was written.
        if let Ok(log) = LabelLog::open(&path, &key) {
            assert_eq!(log.len(), (length - 40) / 72);
        }
    }
}

#[test]
fn a_lost_log_ends_the_key() {
    let cast = small_cast(14);
    let (mine, other) = (cast.seats[0].commitment(), cast.seats[1].commitment());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("labels");
    let log = LabelLog::create(&path, &mine).unwrap();
    assert!(matches!(LabelLog::open(&path, &mine), Err(LogError::Locked { .. })), "one process at a time");
    drop(log);
    assert!(matches!(LabelLog::open(&path, &other), Err(LogError::Damaged { .. })), "another key's log");
    assert!(matches!(LabelLog::create(&path, &mine), Err(LogError::Io { .. })), "a log is never replaced");
    std::fs::remove_file(&path).unwrap();
    assert!(matches!(LabelLog::open(&path, &mine), Err(LogError::Lost { .. })));
}

#[test]
fn a_claim_is_all_or_nothing() {
    let mut log = LabelLog::in_memory(&small_cast(15).seats[0].commitment());
    let all = uses(3);
    log.claim(&all[1..2]).unwrap();
    assert!(log.claim(&[all[0], other(&all[1]), all[2]]).is_err());
    assert!(log.claim(&[all[0], other(&all[0])]).is_err(), "twice within a claim");
    assert_eq!(log.len(), 1);
    log.claim(&[other(&all[0])]).unwrap();
}

/// A dataset under another owner's id asks that owner for a second share on the `a` of its own tile.
#[test]
fn an_extension_share_on_an_own_tile_is_refused() {
    let cast = small_cast(16);
    let victim = &cast.seats[0];
    let own = &cast.job.datasets[0].dataset;
    let message = &cast.groups[0][0].planes[0][0];
    let mut log = LabelLog::in_memory(&victim.commitment());
    let sealer = Sealer { seat: victim, chain_id: "rehearsal", dataset: own.id, attempt: 0 };
    let b = sealer.seal(&mut log, &[(0, Plane::Features, message)]).unwrap();
    let asked = zektra_he::member::extend(victim, &mut log, "rehearsal", own, 0..1);
    assert!(matches!(asked, Err(Refusal::OwnDataset(_))));
    // Under another owner's key the same id stands for other randomness.
    let forged = Dataset { owner_key: cast.seats[1].commitment(), ..own.clone() };
    let x = zektra_he::member::extend(victim, &mut log, "rehearsal", &forged, 0..1).unwrap();
    let shown = integers(&difference(&difference(&b[0], &x[0]), message));
    assert!(shown.iter().filter(|v| v.abs() < 1 << 40).count() < 5, "the difference must look random");
    // And should the two ever meet, the log knows them as one label.
    let label = tile_label(sealer.object(), Plane::Features, 0, 0);
    let extension = Use { kind: Kind::Extension, label, multiplier: Fingerprint::NONE, message: Fingerprint::NONE };
    assert!(matches!(log.claim(&[extension]), Err(LogError::Used { .. })));

    // What a member without these rules would tell: b − x = m + e − e', the rows up to 4 units.
    let a = tile_randomness("rehearsal", sealer.object(), Plane::Features, 0, 0);
    let noise = crate::stage::Chance::new(5).noise();
    let x = zektra_he::share::encrypt(
        &crate::stage::poly(&key_of(victim)).eval(),
        &a.eval(),
        &zektra_he::ring::Poly::zero(),
        &noise,
    );
    let off = integers(&difference(&difference(&b[0], &x), message)).into_iter().map(i64::abs).max().unwrap();
    assert!(off <= 4, "{off}");
}

/// Whoever names a dataset after a lock gets no share on that job's `a''`.
#[test]
fn a_dataset_named_after_a_lock_has_other_randomness() {
    let cast = small_cast(17);
    let program = Program::new(cast.job.clone(), &vec![Fingerprint::NONE; cast.job.extension_streams()]).unwrap();
    for plane in Plane::ALL {
        let tile = tile_randomness(&cast.job.chain_id, program.lock, plane, 0, 0);
        assert_ne!(tile, program.state_randomness(plane as u16, 0));
    }
}

/// The tests' ground truth: a share minus its key's part is noise.
#[test]
fn the_tests_know_the_keys() {
    let cast = small_cast(18);
    let mut logs = cast.logs();
    let d = &cast.job.datasets[0].dataset;
    let x = zektra_he::member::extend(&cast.seats[1], &mut logs[1], "rehearsal", d, 0..1).unwrap();
    let a = tile_randomness("rehearsal", d.object("rehearsal"), Plane::Features, 0, 0);
    let key = crate::stage::poly(&key_of(&cast.seats[1]));
    let noise = integers(&sum(&x[0], &crate::stage::product(&a, &key)));
    assert!(noise.iter().all(|e| e.abs() <= 2));
}
