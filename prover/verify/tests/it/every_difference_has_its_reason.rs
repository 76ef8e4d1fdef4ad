//! What a proof shows against what the record says, as if the proof held.

use super::sample::{CIRCUITS, bundle, known, template};
use zektra_statement::chain::Elements;
use zektra_statement::digest::Commitment;
use zektra_verify::bundle::Bundle;
use zektra_verify::known::{Known, Trusted, parse_digest};
use zektra_verify::verify::{Refused, compare, expected_elements, verify_bundle};

fn elements(bundle: &Bundle) -> Elements {
    let table = bundle.job.template.compile().unwrap();
    expected_elements(bundle, &table, bundle.job.circuits.unwrap())
}

/// A name, a change, its reason.
type Row<T> = (&'static str, fn(&mut T), &'static str);

#[test]
fn a_proof_that_shows_something_else_is_refused() {
    let expected = elements(&bundle());
    assert_eq!(compare(&expected, &expected), Ok(()));
    let c = Commitment([7; 4]);
    assert_ne!(c, expected.state);
    let rows: [Row<Elements>; 12] = [
        ("circuits", |e| e.circuits.0[0] += 1, "the proof is of other circuits than the record names"),
        ("datasets", |e| e.datasets.0[3] ^= 1, "a dataset's root, owner's key or number of row groups"),
        ("dataset top", |e| e.dataset_top.0[0] ^= 1, "a dataset beyond those of the record was begun: 0"),
        ("dataset groups", |e| e.dataset_groups = 1, "a dataset beyond those of the record was begun: 1"),
        ("a row group more", |e| e.tile_groups += 1, "the proof is of 8 row groups, the record's datasets have 7"),
        ("a row group less", |e| e.tile_groups -= 1, "the proof is of 6 row groups, the record's datasets have 7"),
        ("T − 1", |e| e.iteration -= 1, "the proof is of 4 iterations, the record's template has 5"),
        ("batches", |e| e.batches.0[1] ^= 1, "the batches are not those of the beacon"),
        ("a share left over", |e| e.made.0[0] ^= 1, "the offline shares that were used are not those that were made"),
        ("a share used twice", |e| e.used.0[0] ^= 1, "the offline shares that were used are not those that were made"),
        ("states", |e| e.state.0[2] ^= 1, "the list of states, and with it the model's commitments"),
        ("context", |e| e.context.0[2] ^= 1, "the proof is of another job record, other extension roots"),
    ];
    for (name, change, reason) in rows {
        let mut shown = expected;
        change(&mut shown);
        let refused = compare(&expected, &shown).unwrap_err().to_string();
        assert!(refused.starts_with(reason), "{name}: {refused}");
    }
    // Neither follows from the record.
    let shown = Elements { tile_top: c, made: c, used: c, ..expected };
    assert_eq!(compare(&expected, &shown), Ok(()));
}

/// Every field of the record reaches something that the proof shows.
#[test]
fn another_record_is_another_statement() {
    let honest = elements(&bundle());
    let rows: [Row<Bundle>; 17] = [
        ("chain", |b| b.job.chain_id.push('x'), "context"),
        ("id", |b| b.job.id += 1, "context"),
        ("attempt", |b| b.job.attempt = 0, "context"),
        ("max_attempts", |b| b.job.max_attempts = 3, "context"),
        ("shift_w", |b| b.job.template.params.shift_w += 1, "context"),
        ("iterations", |b| b.job.template.params.iterations += 1, "iteration"),
        ("a seat's name", |b| b.job.seats[0].name.push('x'), "context"),
        ("a release key", |b| b.job.seats[1].release_key[0] ^= 1, "context"),
        ("developer", |b| b.job.developer = 0, "context"),
        ("root", |b| b.job.datasets[0].dataset.root.0[0] += 1, "datasets"),
        ("rows", |b| b.job.datasets[0].dataset.rows += 1, "context"),
        ("content root", |b| b.job.datasets[0].dataset.content_root.0[0] += 1, "context"),
        ("order of datasets", |b| b.job.datasets.swap(0, 1), "datasets"),
        ("beacon", |b| b.job.beacon[0] ^= 1, "batches"),
        ("an extension root", |b| b.extension_roots[1].0[0] ^= 1, "context"),
        ("node", |b| b.node.0[0] ^= 1, "context"),
        ("states", |b| b.states.entries[0].opened.0[0] ^= 1, "state"),
    ];
    for (name, change, first) in rows {
        let mut other = bundle();
        change(&mut other);
        let expected = elements(&other);
        let differs = match compare(&expected, &honest) {
            Err(Refused::Context) => "context",
            Err(Refused::Iterations { .. }) => "iteration",
            Err(Refused::Datasets) => "datasets",
            Err(Refused::Batches) => "batches",
            Err(Refused::States) => "state",
            other => panic!("{name}: {other:?}"),
        };
        assert_eq!(differs, first, "{name}");
    }
}

#[test]
fn a_record_that_cannot_be_proven_is_refused_before_the_proof() {
    let trusted = Trusted::none().know(known());
    let refused = |b: &Bundle, t: &Trusted| verify_bundle(b, t).unwrap_err();
    let mut b = bundle();
    assert!(matches!(refused(&b, &trusted), Refused::Envelope(_)), "the sample's proof is none");
    assert_eq!(refused(&b, &Trusted::none()), Refused::UnknownCircuits { digest: CIRCUITS });
    assert_eq!(refused(&b, &Trusted::pinned()), Refused::UnknownCircuits { digest: CIRCUITS });
    assert!(matches!(refused(&b, &Trusted::none().name(CIRCUITS)), Refused::Envelope(_)));
    b.job.circuits = None;
    assert_eq!(refused(&b, &trusted), Refused::Unproven);
    b = bundle();
    b.job.seats[1].key = b.job.seats[0].key;
    assert!(matches!(refused(&b, &trusted), Refused::Record(_)));
    b = bundle();
    b.extension_roots.pop();
    assert_eq!(refused(&b, &trusted), Refused::ExtensionRoots { found: 1, expected: 2 });
    for rows_log2 in [0, 14, 18, 255] {
        b = Bundle { rows_log2, ..bundle() };
        assert_eq!(refused(&b, &trusted), Refused::Size { found: rows_log2 });
    }
    b = bundle();
    for d in &mut b.job.datasets {
        (d.dataset.groups, d.dataset.rows) = (1 << 20, 1 << 27);
    }
    assert_eq!(refused(&b, &trusted), Refused::TooManyGroups { found: 1 << 21 });
}

/// A digest of circuits that are known is worth nothing for another template.
#[test]
fn circuits_of_another_template_are_refused() {
    let trusted = Trusted::none().know(known());
    let rows: [Row<Bundle>; 4] = [
        ("shift_w", |b| b.job.template.params.shift_w += 1, "shift_w is 11, the circuits are for 10"),
        ("scale_w", |b| b.job.template.params.scale_w += 1, "scale_w is 15, the circuits are for 14"),
        ("groups", |b| b.job.template.params.groups = 3, "groups is 3, the circuits are for 2"),
        ("size", |b| b.rows_log2 = 16, "rows_log2 is 16, the circuits are for 15"),
    ];
    for (name, change, reason) in rows {
        let mut b = bundle();
        change(&mut b);
        // Also if the caller names them: what is known of them is known.
        let refused = verify_bundle(&b, &trusted.clone().name(CIRCUITS)).unwrap_err().to_string();
        assert_eq!(refused, format!("the circuits are those of other jobs: {reason}"), "{name}");
    }
    // Circuits do not depend on how many of a tile's columns are features.
    for features in [2, 5, 32] {
        let mut b = bundle();
        b.job.template.params.features = features;
        assert!(matches!(verify_bundle(&b, &trusted), Err(Refused::Envelope(_))), "{features} features");
    }
    let mut b = bundle();
    b.job.template.params.features = 33;
    assert_eq!(known().differs(&b.job, 15), Some(("columns", "64".into(), "32".into())));
    let mut b = bundle();
    b.job.template.params.iterations = 7;
    assert!(matches!(verify_bundle(&b, &trusted), Err(Refused::Envelope(_))), "iterations are no part of circuits");
    let other = Known { digest: CIRCUITS, ..known() };
    assert_eq!(other.template, template());
}

#[test]
fn a_list_of_states_of_another_form_is_refused() {
    let trusted = Trusted::none().know(known());
    let rows: [Row<Bundle>; 3] = [
        ("groups", |b| b.states.groups.push(0), "row groups are 3, expected 2"),
        ("entries", |b| drop(b.states.entries.pop()), "states are "),
        ("shares", |b| b.states.entries[1].shares.push(Commitment([0; 4])), "shares of state 1 are 3, expected 2"),
    ];
    for (name, change, reason) in rows {
        let mut b = bundle();
        change(&mut b);
        let table = b.job.template.compile().unwrap();
        let refused =
            zektra_verify::verify::check_states(&b.states, &table, b.job.seats.len()).unwrap_err().to_string();
        assert!(refused.starts_with(&format!("the list of states: {reason}")), "{name}: {refused}");
    }
    assert!(verify_bundle(&bundle(), &trusted).is_err());
}

#[test]
fn digests_are_read_in_one_form() {
    let digest = Commitment([1, 2, 3, 4]);
    assert_eq!(parse_digest(&digest.to_string()), Some(digest));
    assert_eq!(parse_digest(&digest.to_string()[1..]), None);
    assert_eq!(parse_digest(&"f".repeat(64)), None, "beyond p");
    assert_eq!(parse_digest(&"A".repeat(64)), None);
    assert_eq!(parse_digest(&"é".repeat(32)), None);
}
