//! A wrap in the middle of a job proves the iterations so far, and nothing else.

use super::played::{NODE, middle, played};
use std::time::Instant;
use zektra_prove::circuit::Proof;
use zektra_statement::chain::Elements;
use zektra_statement::digest::Fingerprint;
use zektra_statement::field::{F, Field};
use zektra_statement::record::Job;
use zektra_verify::envelope::{Envelope, EnvelopeError, envelope_fits};
use zektra_verify::known::Trusted;
use zektra_verify::part::{First, Part, check_states, check_used, offline_after, verify_part};
use zektra_verify::pinned::wrap_id;
use zektra_verify::verify::Refused;

fn part(wrap: &Proof) -> Part {
    let p = played();
    let e = Elements::from_slice(wrap.public_inputs()).unwrap();
    let Elements { iteration, tile_top, made, used, state, .. } = e;
    let (rows_log2, proof) = (p.bundle.rows_log2, wrap.to_envelope(p.circuits.wrap.id()));
    Part { iteration, tile_top, made, used, state, rows_log2, proof }
}

fn refused(job: &Job, node: Fingerprint, part: &Part, first: Option<&First>) -> Refused {
    verify_part(job, &played().job.roots, &node, part, first, &Trusted::pinned()).unwrap_err()
}

#[test]
fn a_part_proves_its_iterations_and_the_last_one_all() {
    let p = played();
    let (job, roots, trusted) = (&p.cast.job, &p.job.roots, Trusted::pinned());
    let (middle, last) = (part(middle()), part(&p.last));
    let clock = Instant::now();
    let report = verify_part(job, roots, &NODE, &middle, None, &trusted).unwrap();
    println!("a part: {:?}", clock.elapsed());
    assert_eq!((report.iteration, report.complete, report.circuits_known), (1, false, true));
    assert_eq!(report.lock, p.job.program.lock);
    let report = verify_part(job, roots, &NODE, &last, Some(&report.first), &trusted).unwrap();
    assert_eq!((report.iteration, report.complete), (2, true));
    assert!(matches!(
        verify_part(job, roots, &NODE, &middle, None, &Trusted::none()),
        Err(Refused::UnknownCircuits { .. })
    ));

    let table = job.template.compile().unwrap();
    assert_eq!(check_states(job, &table, &middle, p.links[5].states()), Ok(()));
    assert_eq!(check_states(job, &table, &last, p.links[5].states()), Err(Refused::States));
    let mut short = p.links[5].states().clone();
    short.entries.pop();
    assert!(matches!(check_states(job, &table, &middle, &short), Err(Refused::StatesForm { .. })));
}

#[test]
fn a_part_used_the_first_of_the_offline_shares_that_were_made() {
    let p = played();
    let table = p.cast.job.template.compile().unwrap();
    let leaves = p.links[3].offline_leaves().to_vec();
    let (middle, last) = (part(middle()), part(&p.last));
    assert_ne!(middle.made, middle.used);
    let used = |part: &Part, after: &[_]| check_used(after, part.iteration, &part.made, &part.used);
    let after = offline_after(&table, &leaves).unwrap();
    assert_eq!(after.len() as u32, table.iterations);
    assert_eq!(used(&middle, &after), Ok(()));
    assert_eq!(used(&last, &after), Ok(()));
    let mut swapped = leaves.clone();
    swapped.swap(0, 1);
    let swapped = offline_after(&table, &swapped).unwrap();
    assert_eq!(used(&middle, &swapped), Err(Refused::Offline));
    let other = Part { used: last.used, ..middle.clone() };
    assert_eq!(used(&other, &after), Err(Refused::Offline));
    for iteration in [0, 2, u64::MAX] {
        let other = Part { iteration, ..middle.clone() };
        assert_eq!(used(&other, &after), Err(Refused::Offline), "{iteration}");
    }
    // Too few for the job, too many, none: then its chain cannot be brought to its end, by anyone.
    let twice = [&leaves[..], &leaves[..]].concat();
    for wrong in [&leaves[..leaves.len() / 2], &twice, &[]] {
        assert!(matches!(offline_after(&table, wrong), Err(Refused::OfflineLeaves { .. })));
    }
}

#[test]
fn a_part_is_of_one_iteration_node_and_state() {
    let honest = part(middle());
    let job = &played().cast.job;
    let first = First { tile_top: honest.tile_top, made: honest.made };
    let because = |change: &dyn Fn(&mut Part)| {
        let mut other = honest.clone();
        change(&mut other);
        refused(job, NODE, &other, Some(&first))
    };
    assert_eq!(because(&|p| p.iteration = 2), Refused::Iterations { found: 1, expected: 2 });
    for found in [0, 3, 1 << 32, u64::MAX] {
        assert_eq!(because(&|p| p.iteration = found), Refused::PartIterations { found, most: 2 });
    }
    assert_eq!(because(&|p| p.state.0[0] ^= 1), Refused::States);
    assert!(matches!(because(&|p| p.used.0[0] ^= 1), Refused::Part { .. }));
    assert!(matches!(because(&|p| p.made.0[0] ^= 1), Refused::OtherFirst { .. }));
    assert!(matches!(because(&|p| p.tile_top.0[0] ^= 1), Refused::OtherFirst { .. }));
    assert!(matches!(because(&|p| p.rows_log2 = 16), Refused::CircuitsOfOtherTemplate { field: "rows_log2", .. }));
    assert_eq!(because(&|p| p.rows_log2 = 18), Refused::Size { found: 18 });
    assert_eq!(because(&|p| p.proof.public_inputs[44] = F::ONE), Refused::Spare);
    assert_eq!(refused(job, Fingerprint([10; 32]), &honest, None), Refused::Context);
    for change in [|p: &mut Part| p.made.0[0] ^= 1, |p: &mut Part| p.tile_top.0[0] ^= 1] {
        let mut other = honest.clone();
        change(&mut other);
        assert!(matches!(refused(job, NODE, &other, None), Refused::Part { .. }));
    }
    // A whole job of one iteration uses all that was made.
    let mut short = job.clone();
    short.template.params.iterations = 1;
    assert_eq!(refused(&short, NODE, &honest, None), Refused::Offline);
    let mut other = job.clone();
    other.id += 1;
    assert_eq!(refused(&other, NODE, &honest, None), Refused::Context);
}

/// Public inputs that fit what was changed: then the proof itself does not hold.
#[test]
fn a_part_with_fitting_public_inputs_does_not_verify() {
    let honest = part(middle());
    let shown = Elements::from_slice(middle().public_inputs()).unwrap();
    let rows: [(&str, fn(&mut Part, &mut Elements)); 3] = [
        ("another state", |p, e| {
            p.state.0[0] ^= 1;
            e.state = p.state;
        }),
        ("other offline shares", |p, e| {
            p.used.0[0] ^= 1;
            e.used = p.used;
        }),
        ("other row groups", |p, e| {
            p.tile_top.0[0] ^= 1;
            e.tile_top = p.tile_top;
        }),
    ];
    for (name, change) in rows {
        let (mut other, mut e) = (honest.clone(), shown);
        change(&mut other, &mut e);
        other.proof.public_inputs = e.to_vec();
        assert!(matches!(refused(&played().cast.job, NODE, &other, None), Refused::Proof(_)), "{name}");
    }
    // The last proof under the inputs of the first part, and the other way round.
    let mut other = honest.clone();
    other.proof.proof = played().bundle.proof.proof.clone();
    assert!(matches!(refused(&played().cast.job, NODE, &other, None), Refused::Proof(_)));
    let mut bytes = honest;
    let middle = bytes.proof.proof.len() / 2;
    bytes.proof.proof[middle] ^= 1;
    assert!(matches!(refused(&played().cast.job, NODE, &bytes, None), Refused::Proof(_) | Refused::Envelope(_)));
}

#[test]
fn an_envelope_is_measured_before_it_is_read() {
    let honest = &played().bundle.proof;
    let with = |change: &dyn Fn(&mut Envelope)| {
        let mut e = honest.clone();
        change(&mut e);
        envelope_fits(&e, 15).unwrap_err()
    };
    assert_eq!(envelope_fits(honest, 15), Ok(()));
    assert_eq!(envelope_fits(honest, 14), Err(EnvelopeError::Size(14)));
    assert!(matches!(envelope_fits(honest, 16), Err(EnvelopeError::Circuit { .. })));
    assert!(matches!(with(&|e| e.system.push('x')), EnvelopeError::System(_)));
    assert!(matches!(with(&|e| e.circuit = wrap_id(17)), EnvelopeError::Circuit { .. }));
    assert_eq!(with(&|e| e.public_inputs.push(F::ZERO)), EnvelopeError::PublicInputs { found: 46, expected: 45 });
    let found = honest.proof.len();
    assert_eq!(with(&|e| e.proof.push(0)), EnvelopeError::Proof { found: found + 1, what: "are too many" });
    assert_eq!(with(&|e| e.proof.truncate(found - 1)), EnvelopeError::Proof { found: found - 1, what: "are too few" });
    // What fits need not be a proof.
    let mut zeros = honest.clone();
    zeros.proof.fill(0);
    assert_eq!(envelope_fits(&zeros, 15), Ok(()));
}
