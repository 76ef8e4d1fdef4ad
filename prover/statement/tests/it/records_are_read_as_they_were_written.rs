use proptest::prelude::*;
use zektra_statement::digest::{Commitment, Fingerprint};
use zektra_statement::field::P;
use zektra_statement::record::{Dataset, Job, JobDataset, Seat};
use zektra_statement::template::{Kind, Params, Template};

prop_compose! {
    fn commitment()(e in prop::array::uniform4(0..P)) -> Commitment {
        Commitment(e)
    }
}

prop_compose! {
    fn seat()(
        name in ".{0,12}",
        key in commitment(),
        epoch in any::<u32>(),
        release_key in any::<[u8; 32]>(),
        operator_keys in prop::collection::vec(any::<[u8; 32]>(), 0..3),
    ) -> Seat {
        Seat { name, key, epoch, release_key, operator_keys }
    }
}

prop_compose! {
    fn dataset()(
        id in any::<[u8; 32]>(),
        owner_key in commitment(),
        schema in any::<[u8; 32]>(),
        rows in any::<u64>(),
        n in any::<[u32; 10]>(),
        root in commitment(),
        content_root in any::<[u8; 32]>(),
    ) -> JobDataset {
        let [attempt, groups, columns, blocks, classes, scale_x, scale_r, row_norm, range, owner] = n;
        let (id, schema, content_root) = (Fingerprint(id), Fingerprint(schema), Fingerprint(content_root));
        let dataset = Dataset {
            id, owner_key, attempt, schema, rows, groups, columns, blocks, classes, scale_x, scale_r, row_norm,
            range, root, content_root,
        };
        JobDataset { dataset, owner }
    }
}

prop_compose! {
    fn job()(
        chain_id in ".{0,12}",
        id in any::<u64>(),
        n in any::<[u32; 14]>(),
        kind in prop::sample::select(Kind::ALL.to_vec()),
        seats in prop::collection::vec(seat(), 0..4),
        datasets in prop::collection::vec(dataset(), 0..4),
        beacon in any::<[u8; 32]>(),
        flags in any::<[bool; 2]>(),
        circuits in prop::option::of(commitment()),
    ) -> Job {
        let [attempt, max_attempts, developer, features, classes, groups, iterations, fan_in, scale_x, scale_w,
             scale_r, shift_w, row_norm, range] = n;
        let [full_batch, trusted_inputs] = flags;
        let params = Params {
            features, classes, groups, full_batch, iterations, fan_in, scale_x, scale_w, scale_r, shift_w, row_norm,
            range,
        };
        let template = Template { kind, params };
        Job {
            chain_id, id, attempt, max_attempts, template, seats, developer, datasets, beacon, trusted_inputs,
            circuits,
        }
    }
}

proptest! {
    #[test]
    fn a_job_round_trips(job in job()) {
        prop_assert_eq!(Job::decode(&job.encode()), Ok(job));
    }

    /// Nothing shorter, nothing longer.
    #[test]
    fn a_cut_or_longer_record_is_refused(job in job(), cut in any::<prop::sample::Index>(), more in any::<u8>()) {
        let mut bytes = job.encode();
        prop_assert!(Job::decode(&bytes[..cut.index(bytes.len())]).is_err());
        bytes.push(more);
        let e = Job::decode(&bytes).unwrap_err();
        prop_assert_eq!((e.field.as_str(), e.value.as_str()), ("end", "1 more bytes"));
    }

    /// Whatever is read has these bytes and no others.
    #[test]
    fn a_flipped_bit_is_refused_or_another_record(job in job(), at in any::<prop::sample::Index>(), bit in 0u8..8) {
        let mut bytes = job.encode();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        if let Ok(other) = Job::decode(&bytes) {
            prop_assert_eq!(other.encode(), bytes);
            prop_assert_ne!(other.digest(), job.digest());
        }
    }

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        if let Ok(job) = Job::decode(&bytes) {
            prop_assert_eq!(job.encode(), bytes);
        }
    }
}

/// The number of items is checked against the bytes behind it before there is room for them.
#[test]
fn a_long_list_without_items_is_refused() {
    let empty = Job {
        chain_id: "x".into(),
        id: 0,
        attempt: 0,
        max_attempts: 1,
        template: Template {
            kind: Kind::LinearClassifier,
            params: Params {
                features: 2,
                classes: 1,
                groups: 1,
                full_batch: true,
                iterations: 1,
                fan_in: 1,
                scale_x: 8,
                scale_w: 14,
                scale_r: 8,
                shift_w: 1,
                row_norm: 832,
                range: 256,
            },
        },
        seats: vec![],
        developer: 0,
        datasets: vec![],
        beacon: [0; 32],
        trusted_inputs: false,
        circuits: None,
    };
    let mut bytes = empty.encode();
    // Behind the seats: developer, datasets, beacon, two flags.
    let at = bytes.len() - 34 - 8 - 4;
    bytes[at..at + 4].copy_from_slice(&u32::MAX.to_le_bytes());
    let e = Job::decode(&bytes).unwrap_err();
    assert_eq!((e.field.as_str(), e.offset), ("seats", at));
    assert_eq!(
        e.to_string(),
        format!("seats, byte {at}: 4294967295, expected at most 0, what the bytes behind it hold")
    );
}
