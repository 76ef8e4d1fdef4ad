//! A bundle whose record fits itself and whose proof is none.

use plonky2::field::types::Field;
use zektra_statement::chain::{ELEMENTS, States};
use zektra_statement::digest::{Commitment, Fingerprint};
use zektra_statement::field::F;
use zektra_statement::record::{Dataset, Job, JobDataset, Seat};
use zektra_statement::template::{Kind, Params, Template};
use zektra_verify::bundle::Bundle;
use zektra_verify::envelope::{Envelope, SYSTEM};
use zektra_verify::known::Known;
use zektra_verify::pinned::wrap_id;

pub fn template() -> Template {
    let params = Params {
        features: 31,
        classes: 1,
        groups: 2,
        full_batch: false,
        iterations: 5,
        fan_in: 1,
        scale_x: 8,
        scale_w: 14,
        scale_r: 8,
        shift_w: 10,
        row_norm: 832,
        range: 256,
    };
    Template { kind: Kind::LinearClassifier, params }
}

/// Digest of the sample's circuits.
pub const CIRCUITS: Commitment = Commitment([1, 2, 3, 4]);

/// What a verifier knows of them.
pub fn known() -> Known {
    Known { digest: CIRCUITS, rows_log2: 15, members: 2, template: template() }
}

pub fn bundle() -> Bundle {
    let template = template();
    let p = template.params;
    let seat = |v: u64| Seat {
        name: format!("member {v}"),
        key: Commitment([v; 4]),
        epoch: 0,
        release_key: [v as u8; 32],
        operator_keys: vec![],
    };
    let dataset = |v: u8, owner: u32, groups: u32| JobDataset {
        dataset: Dataset {
            id: Fingerprint([v; 32]),
            owner_key: Commitment([u64::from(owner); 4]),
            attempt: 0,
            schema: Fingerprint([7; 32]),
            rows: u64::from(groups) * 128 - 3,
            groups,
            columns: p.columns(),
            blocks: p.blocks(),
            classes: p.classes,
            scale_x: p.scale_x,
            scale_r: p.scale_r,
            row_norm: p.row_norm,
            range: p.range,
            root: Commitment([u64::from(v); 4]),
            content_root: Fingerprint([v; 32]),
        },
        owner,
    };
    let job = Job {
        chain_id: "test".into(),
        id: 3,
        attempt: 1,
        max_attempts: 2,
        template,
        seats: vec![seat(0), seat(1)],
        developer: 1,
        datasets: vec![dataset(1, 0, 4), dataset(2, 1, 3)],
        beacon: [6; 32],
        trusted_inputs: false,
        circuits: Some(CIRCUITS),
    };
    Bundle {
        states: States::start(&template.compile().unwrap(), 2),
        extension_roots: vec![Fingerprint([4; 32]), Fingerprint([5; 32])],
        job,
        node: Fingerprint([8; 32]),
        rows_log2: 15,
        proof: Envelope {
            system: SYSTEM.into(),
            circuit: wrap_id(15),
            public_inputs: vec![F::ZERO; ELEMENTS],
            proof: vec![0; 100],
        },
    }
}
