use crate::stage::{begin, small_cast};
use zektra_he::rehearsal::{Cast, Failure, round};
use zektra_he::release::{ReleaseError, Sealed, combine, open, seal};
use zektra_statement::digest::{Commitment, Fingerprint};
use zektra_statement::field::{F, Field};

/// cap 37: the weights of a finished job open with the developer's key, and with nobody else's.
#[test]
fn a_release_opens_for_one_key_job_and_member() {
    let cast = small_cast(71);
    let mut logs = cast.logs();
    let (mut members, mut node) = begin(&cast, &mut logs);
    while !node.finished() {
        round(&mut node, &mut members).unwrap();
    }
    let program = node.program().clone();
    let (table, lock) = (&program.table, &program.lock);
    let developer = cast.seats[2].release_secret();
    let released = members[0].release().unwrap();
    let recorded: Vec<Commitment> = table.released.iter().map(|&s| node.shares(s)[0]).collect();
    let key = developer.public();
    assert_eq!(key, cast.seats[2].public().release_key);
    let sealed = seal(&released, &key, lock, 0).unwrap();
    assert_eq!(open(&sealed, developer, table, lock, 0, &recorded).unwrap(), released);

    for other in [&cast.seats[0], &cast.seats[1]] {
        assert_eq!(open(&sealed, other.release_secret(), table, lock, 0, &recorded), Err(ReleaseError::Open(0)));
    }
    assert_eq!(open(&sealed, developer, table, lock, 1, &recorded), Err(ReleaseError::Open(1)));
    let other_lock = Fingerprint([1; 32]);
    assert_eq!(open(&sealed, developer, table, &other_lock, 0, &recorded), Err(ReleaseError::Open(0)));
    for at in 0..sealed.ciphertext.len() {
        let mut s = sealed.clone();
        s.ciphertext[at] ^= 1 << (at % 8);
        assert_eq!(open(&s, developer, table, lock, 0, &recorded), Err(ReleaseError::Open(0)), "byte {at}");
    }
    for at in 0..32 {
        let mut s = sealed.clone();
        s.encapped[at] ^= 1 << (at % 7);
        assert_eq!(open(&s, developer, table, lock, 0, &recorded), Err(ReleaseError::Open(0)), "key byte {at}");
    }
    for length in [0, 1, 31, sealed.ciphertext.len() - 1] {
        let s = Sealed { ciphertext: sealed.ciphertext[..length].to_vec(), ..sealed.clone() };
        assert_eq!(open(&s, developer, table, lock, 0, &recorded), Err(ReleaseError::Open(0)));
        let s = Sealed { encapped: sealed.encapped[..length.min(31)].to_vec(), ..sealed.clone() };
        assert_eq!(open(&s, developer, table, lock, 0, &recorded), Err(ReleaseError::Open(0)));
    }
    assert_eq!(seal(&released, &[0; 32], lock, 0), Err(ReleaseError::Key), "a key without a secret");

    // Sealed properly, but not what the transcript recorded.
    let state = table.released[0];
    let changes: [&dyn Fn(&mut zektra_he::release::Released); 2] =
        [&|r| r.states[0].0[5] += F::ONE, &|r| r.states[0].1[0] += F::ONE];
    for change in changes {
        let mut other = released.clone();
        change(&mut other);
        let s = seal(&other, &key, lock, 0).unwrap();
        assert_eq!(open(&s, developer, table, lock, 0, &recorded), Err(ReleaseError::Commitment { member: 0, state }));
    }
    let s = seal(&members[1].release().unwrap(), &key, lock, 0).unwrap();
    assert!(matches!(open(&s, developer, table, lock, 0, &recorded), Err(ReleaseError::Commitment { .. })));
    let mut short = released.clone();
    short.states[0].0.pop();
    let s = seal(&short, &key, lock, 0).unwrap();
    assert!(matches!(open(&s, developer, table, lock, 0, &recorded), Err(ReleaseError::Form(0, _, _))));
    // Without the recorded commitments nothing would be checked.
    assert_eq!(open(&sealed, developer, table, lock, 0, &[]), Err(ReleaseError::Recorded(0, 1)));

    let opened = vec![node.opened(state).to_vec()];
    assert_eq!(combine(&opened, &[released], 3), Err(ReleaseError::Count(1, 3)));
}

/// cap 37: two of three members' shares leave a mask that is far wider than the weights.
#[test]
fn all_shares_but_one_tell_nothing_of_the_weights() {
    let cast = small_cast(72);
    let mut logs = cast.logs();
    let (mut members, mut node) = begin(&cast, &mut logs);
    while !node.finished() {
        round(&mut node, &mut members).unwrap();
    }
    let all: Vec<_> = members.iter().map(|m| m.release().unwrap()).collect();
    let opened = vec![node.opened(0).to_vec()];
    let weights = combine(&opened, &all, 3).unwrap().remove(0);
    assert!(weights.iter().all(|w| w.abs() < 1 << 20));
    let without = combine(&opened, &all[1..], 2).unwrap().remove(0);
    // A mask of 2^62 divided by 2^shift: the weights are below its last bits.
    let shift = node.program().table.phases[1].shift;
    let narrow = without.iter().filter(|v| v.unsigned_abs() < 1 << (62 - shift - 10)).count();
    assert!(narrow < 4, "{narrow} of 32");
}

#[test]
fn a_developer_with_another_key_gets_nothing() {
    let mut cast = small_cast(73);
    cast.job.seats[2].release_key = cast.seats[0].public().release_key;
    assert!(matches!(Cast::train(&cast), Err(Failure::Release(ReleaseError::Open(0)))));
}
