use crate::stage::{Chance, begin, difference, integers, poly, quotient, small_cast};
use std::sync::Arc;
use zektra_he::log::{LabelLog, LogError};
use zektra_he::member::{Member, Refusal};
use zektra_he::rehearsal::rows::{classifier, rows};
use zektra_he::rehearsal::{Cast, Memory};
use zektra_he::share;
use zektra_he::transcript::{Multipliers, Program};
use zektra_statement::digest::Fingerprint;
use zektra_statement::record::Job;

/// Fresh noise on the same `d2`: the mean of 144 shares has a twelfth of the noise, and rounds to `d2·s`.
#[test]
fn fresh_noise_on_one_multiplier_gives_the_key_away() {
    let mut chance = Chance::new(5);
    let (s, d2) = (chance.ternary(), chance.uniform());
    let (key, eval) = (s.eval(), d2.eval());
    let first = share::offline(&key, &eval, &chance.noise());
    let count = 144;
    let mut total = vec![0i64; 4096];
    for _ in 1..count {
        let other = share::offline(&key, &eval, &chance.noise());
        total.iter_mut().zip(integers(&difference(&other, &first))).for_each(|(t, d)| *t += d);
    }
    // Σ (e_k − e_0)/count tends to −e_0.
    let noise: Vec<i64> = total.iter().map(|&t| -(t as f64 / f64::from(count)).round() as i64).collect();
    let exact = difference(&first, &poly(&noise));
    assert_eq!(quotient(&exact, &d2), s);
}

#[test]
fn the_same_request_gives_the_same_bytes() {
    let cast = small_cast(51);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("labels");
    let key = cast.seats[0].commitment();
    let mut logs = cast.logs();
    let (memory, roots) = cast.extend(&mut logs).unwrap();
    let program = Arc::new(Program::new(cast.job.clone(), &roots).unwrap());
    drop(LabelLog::create(&path, &key).unwrap());
    let ask = || {
        let mut log = LabelLog::open(&path, &key).unwrap();
        let mut member = Member::join(&cast.seats[0], &mut log, 0, program.clone(), memory.clone()).unwrap();
        let mut multipliers = Multipliers::new(program.clone());
        (0..2).flat_map(|phase| member.offline(&mut multipliers, 1, phase).unwrap()).collect::<Vec<_>>()
    };
    let first = ask();
    assert_eq!(ask(), first);
    // No two of them share their noise.
    assert_eq!(first.len(), 4);
    let again = cast.extend(&mut cast.logs()).unwrap();
    assert_eq!(again.1, roots, "extension shares depend on the key and the dataset alone");
}

#[test]
fn a_new_attempt_has_other_multipliers() {
    let mut cast = small_cast(52);
    cast.job.max_attempts = 2;
    let mut logs = cast.logs();
    let (memory, roots) = cast.extend(&mut logs).unwrap();
    let mut seen = Vec::new();
    for attempt in 0..2 {
        let program = Arc::new(Program::new(Job { attempt, ..cast.job.clone() }, &roots).unwrap());
        let mut member = Member::join(&cast.seats[0], &mut logs[0], 0, program.clone(), memory.clone()).unwrap();
        let mut multipliers = Multipliers::new(program.clone());
        let d2 = multipliers.phase(0, 1)[0].clone().into_poly();
        let p = member.offline(&mut multipliers, 0, 1).unwrap().remove(0);
        seen.push((program.lock, program.state_randomness(2, 0), d2, p));
    }
    assert!(seen[0].0 != seen[1].0 && seen[0].1 != seen[1].1 && seen[0].2 != seen[1].2 && seen[0].3 != seen[1].3);
    // The difference of two shares is no multiple of the key with small noise.
    let guess = quotient(&difference(&seen[0].3, &seen[1].3), &difference(&seen[0].2, &seen[1].2));
    assert!(integers(&guess).iter().any(|v| v.abs() > 1));
}

#[test]
fn attempts_beyond_the_record_are_refused() {
    let cast = small_cast(53);
    for (attempt, max_attempts) in [(1, 1), (8, 8), (0, 9), (0, 0)] {
        let job = Job { attempt, max_attempts, ..cast.job.clone() };
        assert!(Program::new(job, &[]).unwrap_err().field.contains("attempt"), "{attempt} of {max_attempts}");
    }
}

/// A retry among other members, or with other shares, is not the same job.
#[test]
fn a_retry_with_another_set_is_refused() {
    let mut cast = small_cast(54);
    cast.job.max_attempts = 8;
    let mut logs = cast.logs();
    let (memory, roots) = cast.extend(&mut logs).unwrap();
    let mut join = |job: Job, roots: &[Fingerprint]| {
        let roots = &roots[..job.extension_streams()];
        let program = Arc::new(Program::new(job, roots).unwrap());
        Member::join(&cast.seats[0], &mut logs[0], 0, program, memory.clone()).map(|_| ())
    };
    join(cast.job.clone(), &roots).unwrap();
    join(cast.job.clone(), &roots).unwrap();
    let other_developer = Cast::new(99, 3, &[rows(1, 9, &cast.job.template.params)], classifier(31, 1, 3)).unwrap();
    let mut fewer = cast.job.clone();
    fewer.datasets.truncate(1);
    fewer.template.params.groups = 1;
    let mut replaced = cast.job.clone();
    replaced.seats[2] = other_developer.job.seats[2].clone();
    let mut longer = cast.job.clone();
    longer.template.params.iterations += 1;
    let mut beacon = cast.job.clone();
    beacon.beacon[0] ^= 1;
    for (name, job) in [("members", replaced), ("datasets", fewer), ("template", longer), ("beacon", beacon)] {
        for attempt in [0, 1] {
            let refused = join(Job { attempt, ..job.clone() }, &roots);
            assert!(matches!(refused, Err(Refusal::Log(LogError::Used { .. }))), "{name}: {refused:?}");
        }
    }
    let refused = join(cast.job.clone(), &[Fingerprint([1; 32]); 8]);
    assert!(matches!(refused, Err(Refusal::Log(LogError::Used { .. }))), "extension shares");
    join(Job { attempt: 1, ..cast.job.clone() }, &roots).unwrap();
}

#[test]
fn a_job_that_names_another_key_is_refused() {
    let cast = small_cast(55);
    let mut logs = cast.logs();
    let (memory, roots) = cast.extend(&mut logs).unwrap();
    let program = Arc::new(Program::new(cast.job.clone(), &roots).unwrap());
    for index in [1, 2, 3, u32::MAX] {
        let refused = Member::join(&cast.seats[0], &mut logs[0], index, program.clone(), memory.clone()).map(|_| ());
        assert!(matches!(refused, Err(Refusal::NotMySeat { .. })), "{index}");
    }
    let rotated = cast.seats[0].rotate().unwrap();
    let mut log = LabelLog::in_memory(&rotated.commitment());
    let refused = Member::join(&rotated, &mut log, 0, program, Memory::default()).map(|_| ());
    assert!(matches!(refused, Err(Refusal::NotMySeat { .. })), "a rotated key");
    assert!(log.is_empty());
}

/// All shares of a job are noise under different labels: no two streams repeat.
#[test]
fn no_two_offline_shares_have_the_same_noise() {
    let cast = small_cast(56);
    let mut logs = cast.logs();
    let (mut members, mut node) = begin(&cast, &mut logs);
    let key = poly(&crate::stage::key_of(&cast.seats[0])).into_eval();
    let program = node.program().clone();
    assert_eq!(node.source_mut().offline.len(), 3 * 4);
    let mut multipliers = Multipliers::new(program);
    let mut seen: Vec<Vec<i64>> = Vec::new();
    for (iteration, phase) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
        let d2 = multipliers.phase(iteration, phase);
        for (d2, p) in d2.iter().zip(members[0].offline(&mut multipliers, iteration, phase).unwrap()) {
            let noise = integers(&difference(&p, &d2.mul(&key).into_poly()));
            assert!(noise.iter().all(|e| e.abs() <= 2));
            assert!(!seen.contains(&noise));
            seen.push(noise);
        }
    }
}
