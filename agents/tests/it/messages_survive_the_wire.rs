//! What is encoded is decoded to the same; what is not a message is an error, never a panic.

use crate::parties::{JobText, Parties, table};
use proptest::collection::vec;
use proptest::prelude::*;
use zektra_agents::archive::StreamId;
use zektra_agents::inspect::inspect;
use zektra_agents::local::{Traffic, train};
use zektra_agents::wire::{self, FILE_MAGIC};
use zektra_he::release::Sealed;
use zektra_he::ring::Poly;
use zektra_he::transcript::{Answer, Claim};
use zektra_proto::node::v1 as node;
use zektra_proto::node::v1::envelope::Body;
use zektra_proto::node::v1::reply::Reply;
use zektra_proto::node::v1::request::Request;
use zektra_proto::training::v1 as pb;
use zektra_statement::digest::{Commitment, Fingerprint};
use zektra_statement::field::{F, Field as _, N, P};
use zektra_statement::record::{Dataset, Job, JobDataset, Seat};
use zektra_statement::template::{Kind, Params, Template, columns_for};

fn element() -> impl Strategy<Value = u64> {
    prop_oneof![0..P, 0..4u64, P - 4..P]
}

fn elements(count: impl Into<proptest::collection::SizeRange>) -> impl Strategy<Value = Vec<F>> {
    vec(element().prop_map(F::from_canonical_u64), count)
}

fn commitment() -> impl Strategy<Value = Commitment> {
    [element(), element(), element(), element()]
        .prop_map(|e| Commitment::from_bytes(&e.map(u64::to_le_bytes).concat()).unwrap())
}

fn fingerprint() -> impl Strategy<Value = Fingerprint> {
    any::<[u8; 32]>().prop_map(Fingerprint)
}

/// A polynomial of the repetition of a few elements: a whole one of random elements takes long to make.
fn poly() -> impl Strategy<Value = Poly> {
    elements(1..8).prop_map(|e| Poly::from_coefficients(e.into_iter().cycle().take(N).collect()))
}

fn seat() -> impl Strategy<Value = Seat> {
    ("[^\\p{Cc}]{1,16}", commitment(), any::<u32>(), any::<[u8; 32]>(), vec(any::<[u8; 32]>(), 0..3)).prop_map(
        |(name, key, epoch, release_key, operator_keys)| Seat { name, key, epoch, release_key, operator_keys },
    )
}

fn dataset() -> impl Strategy<Value = Dataset> {
    let ids = (fingerprint(), commitment(), fingerprint(), commitment(), fingerprint());
    (ids, any::<u64>(), any::<[u32; 9]>()).prop_map(|((id, owner_key, schema, root, content_root), rows, n)| {
        let [attempt, groups, columns, blocks, classes, scale_x, scale_r, row_norm, range] = n;
        Dataset {
            id,
            owner_key,
            attempt,
            schema,
            rows,
            groups,
            columns,
            blocks,
            classes,
            scale_x,
            scale_r,
            row_norm,
            range,
            root,
            content_root,
        }
    })
}

fn template() -> impl Strategy<Value = Template> {
    (prop::sample::select(&Kind::ALL[..]), any::<[u32; 11]>(), any::<bool>()).prop_map(|(kind, n, full_batch)| {
        let [features, classes, groups, iterations, fan_in, scale_x, scale_w, scale_r, shift_w, row_norm, range] = n;
        let params = Params {
            features,
            classes,
            groups,
            full_batch,
            iterations,
            fan_in,
            scale_x,
            scale_w,
            scale_r,
            shift_w,
            row_norm,
            range,
        };
        Template { kind, params }
    })
}

prop_compose! {
    /// A job whose parts fit: only such a one is decoded.
    fn job()(
        seats in vec(seat(), 1..5),
        mut sets in vec((dataset(), any::<prop::sample::Index>(), 1..4u32), 1..4),
        kind in prop::sample::select(&[Kind::LinearClassifier, Kind::CubicClassifier][..]),
        (features, classes, iterations) in (2..200u32, prop_oneof![Just(1u32), 3..10u32], 1..50u32),
        (scale_x, scale_w, scale_r, shift_w) in (6..12u32, 8..20u32, 4..12u32, 1..40u32),
        (row_norm, range) in (64..1024u32, 16..512u32),
        (chain_id, id, beacon, trusted) in ("[a-z0-9-]{0,20}", any::<u64>(), any::<[u8; 32]>(), any::<bool>()),
        (developer, attempt, later) in (any::<prop::sample::Index>(), 0..4u32, 1..4u32),
    ) -> Job {
        let groups = sets.iter().map(|(_, _, groups)| groups).sum();
        let params = Params {
            features, classes, groups, full_batch: true, iterations, fan_in: 1, scale_x, scale_w, scale_r, shift_w,
            row_norm, range,
        };
        let schema = sets[0].0.schema;
        let datasets = sets.drain(..).map(|(d, owner, groups)| {
            let owner = owner.index(seats.len());
            let columns = columns_for(features);
            let dataset = Dataset {
                owner_key: seats[owner].key, schema, groups, columns, blocks: features.div_ceil(columns),
                classes, scale_x, scale_r, row_norm, range, ..d
            };
            JobDataset { dataset, owner: owner as u32 }
        }).collect();
        let trusted_inputs = trusted || !kind.governed();
        let developer = developer.index(seats.len()) as u32;
        let template = Template { kind, params };
        let max_attempts = attempt + later;
        let circuits = trusted.then(|| seats[developer as usize].key);
        Job {
            chain_id, id, attempt, max_attempts, template, seats, developer, datasets, beacon, trusted_inputs, circuits,
        }
    }
}

fn answer() -> impl Strategy<Value = Answer> {
    (any::<[u32; 4]>(), vec(elements(0..20), 0..4), vec(poly(), 0..3), vec(commitment(), 0..3)).prop_map(
        |([member, iteration, phase, attempt], y, g, shares)| Answer {
            member,
            iteration,
            phase,
            attempt,
            y,
            g,
            shares,
        },
    )
}

fn claim() -> impl Strategy<Value = Claim> {
    (any::<[u32; 2]>(), [fingerprint(), fingerprint(), fingerprint()]).prop_map(
        |([iteration, phase], [table, opened, multipliers])| Claim { iteration, phase, table, opened, multipliers },
    )
}

fn stream() -> impl Strategy<Value = StreamId> {
    (any::<u32>(), any::<u32>(), 0..3).prop_map(|(dataset, member, kind)| match kind {
        0 => StreamId::Tiles { dataset, member },
        1 => StreamId::Extension { dataset, member },
        _ => StreamId::Offline { member },
    })
}

/// Through the bytes of an envelope and back.
fn through(body: Body) -> Body {
    let bytes = wire::encode(body.clone());
    let back = wire::decode(&bytes).unwrap();
    assert_eq!(back, body);
    assert_eq!(wire::encode(back.clone()), bytes, "an encoding is not canonical");
    assert_eq!(wire::decode_file(&wire::encode_file(body)).unwrap(), back);
    back
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn records_come_back(seat in seat(), dataset in dataset(), template in template(), job in job()) {
        let Body::Seat(message) = through(Body::Seat(zektra_records::seat_to_pb(&seat))) else { panic!("a seat") };
        prop_assert_eq!(zektra_records::seat_from_pb(&message).unwrap(), seat);
        prop_assert_eq!(zektra_records::dataset_from_pb(&zektra_records::dataset_to_pb(&dataset)).unwrap(), dataset);
        prop_assert_eq!(zektra_records::template_from_pb(&zektra_records::template_to_pb(&template)).unwrap(), template);
        if job.validate().is_ok() {
            let Body::Job(message) = through(Body::Job(zektra_records::job_to_pb(&job))) else { panic!("a job") };
            prop_assert_eq!(zektra_records::job_from_pb(&message).unwrap(), job);
        } else {
            // Two seats or datasets happened to be equal.
            prop_assert!(zektra_records::job_from_pb(&zektra_records::job_to_pb(&job)).is_err());
        }
    }

    #[test]
    fn messages_come_back(
        answers in vec(answer(), 0..3),
        claim in claim(),
        stream in stream(),
        (roots, lock) in (vec(fingerprint(), 0..5), fingerprint()),
        (member, encapped, ciphertext) in (any::<u32>(), vec(any::<u8>(), 0..40), vec(any::<u8>(), 0..99)),
        states in vec((any::<u16>(), elements(0..9), vec(commitment(), 0..3)), 0..3),
        polys in vec(poly(), 0..3),
        print in fingerprint(),
    ) {
        let Body::Round(round) = through(Body::Round(wire::round_to_pb(&answers))) else { panic!("a round") };
        prop_assert_eq!(wire::round_from_pb(&round).unwrap(), answers);
        prop_assert_eq!(wire::claim_from_pb(&wire::claim_to_pb(&claim)).unwrap(), claim);
        prop_assert_eq!(StreamId::from_pb(&stream.to_pb()).unwrap(), stream);
        prop_assert_eq!(wire::lock_from_pb(&wire::lock_to_pb(&roots, &lock)).unwrap(), (roots, lock));
        let sealed = Sealed { encapped, ciphertext };
        prop_assert_eq!(wire::release_from_pb(&wire::release_to_pb(member, &sealed)), (member, sealed));
        prop_assert_eq!(wire::states_from_pb(&wire::states_to_pb(&states)).unwrap(), states);
        prop_assert_eq!(wire::polys_from_bytes(&wire::polys_to_bytes(&polys)).unwrap(), polys);
        prop_assert_eq!(zektra_records::fingerprint("print", &print.0).unwrap(), print);
    }

    #[test]
    fn no_bytes_make_decoding_panic(bytes in vec(any::<u8>(), 0..300)) {
        read_all(&bytes);
        read_all(&[&FILE_MAGIC[..], &bytes].concat());
    }
}

/// Decodes bytes as far as they go; whether that is an error says the caller's test.
fn read_all(bytes: &[u8]) {
    let _ = wire::decode_file(bytes);
    let Ok(body) = wire::decode(bytes) else { return };
    match body {
        Body::Seat(s) => drop(zektra_records::seat_from_pb(&s)),
        Body::Manifest(m) => drop(m.dataset.as_ref().map(zektra_records::dataset_from_pb)),
        Body::Job(j) => drop(zektra_records::job_from_pb(&j)),
        Body::Round(r) => drop(wire::round_from_pb(&r)),
        Body::Outcome(o) => {
            drop(wire::states_from_pb(&o.states));
            drop(o.job.as_ref().map(zektra_records::job_from_pb));
        }
        Body::Request(node::Request { request }) => match request {
            Some(Request::Open(r)) => drop(r.job.as_ref().map(zektra_records::job_from_pb)),
            Some(Request::Push(r)) => drop(r.chunk.map(|c| wire::polys_from_bytes(&c.polynomials))),
            Some(Request::Pull(r)) => drop(r.id.as_ref().map(StreamId::from_pb)),
            Some(Request::Lock(r)) => drop(r.lock.as_ref().map(wire::lock_from_pb)),
            Some(Request::Phase(r)) => {
                drop(r.claim.as_ref().map(wire::claim_from_pb));
                r.rounds.iter().for_each(|r| drop(wire::round_from_pb(r)));
            }
            _ => {}
        },
        Body::Reply(node::Reply { reply }) => match reply {
            Some(Reply::Pull(r)) => drop(r.chunk.map(|c| wire::polys_from_bytes(&c.polynomials))),
            Some(Reply::Phase(r)) => drop(r.answer.as_ref().map(wire::answer_from_pb)),
            _ => {}
        },
    }
}

#[test]
fn damaged_messages_of_a_real_job_are_errors() {
    let label = |row: &[f64]| String::from(if row[0] > 0.0 { "1" } else { "0" });
    let parties = Parties::new();
    parties.seats(&["alice", "developer"]);
    parties.write("alice.csv", table(1, 60, 3, label));
    parties.schema("alice.csv", "y");
    parties.encrypt(&["alice"]);
    parties.job(&JobText::of(&["alice"], 1));
    let plan = parties.plan();
    let traffic = Traffic::new(plan.homes.len(), true);
    train(&plan, &traffic, &mut |_, _, _| {}).unwrap();
    let messages = traffic.wire_log.unwrap().lock().unwrap().clone();
    for m in &messages {
        read_all(&m.bytes);
        // A message that ends early is no message. (Only the empty one is one of an unknown version.)
        let step = m.bytes.len() / 40 + 1;
        for end in (0..m.bytes.len()).step_by(step) {
            assert!(wire::decode(&m.bytes[..end]).is_err(), "{end} of {} bytes", m.bytes.len());
        }
        for at in (0..m.bytes.len().min(400)).chain((400..m.bytes.len()).step_by(step)) {
            let mut changed = m.bytes.clone();
            changed[at] ^= 1 << (at % 8);
            read_all(&changed);
        }
    }
    // Our files, damaged, in words.
    let files = ["alice/seat.zekey", "alice/seat.zkpub", "alice/labels.zklog", "alice/vault/alice/manifest.zk"];
    for file in
        files.iter().chain(&["developer/jobs/1-0/outcome.zk", "node/jobs/1-0/job.zk", "schema.toml", "job.toml"])
    {
        inspect(&parties.path(file)).unwrap();
        let whole = parties.read(file);
        for at in (0..whole.len()).step_by(whole.len() / 150 + 1) {
            let mut changed = whole.clone();
            changed[at] ^= 1 << (at % 8);
            parties.write("changed", &changed);
            let _ = inspect(&parties.path("changed"));
            parties.write("changed", &whole[..at]);
            let _ = inspect(&parties.path("changed"));
        }
    }
}

#[test]
fn what_does_not_fit_is_named() {
    let error = |body: Body| wire::decode(&wire::encode(body)).unwrap();
    let named = |result: Result<String, zektra_records::WireError>, field: &str| {
        assert_eq!(result.unwrap_err().field, field);
    };
    let seat =
        Seat { name: "a".into(), key: Commitment([0; 4]), epoch: 0, release_key: [0; 32], operator_keys: vec![] };
    let Body::Seat(whole) = error(Body::Seat(zektra_records::seat_to_pb(&seat))) else { panic!("a seat") };
    type Change = fn(&mut zektra_proto::vault::v1::Seat);
    let changes: [(&str, Change); 4] = [
        ("seat.name", |s| s.name = "\n".into()),
        ("seat.key", |s| s.key = vec![0xff; 32].into()),
        ("seat.release_key", |s| s.release_key = vec![0; 31].into()),
        ("seat.operator_keys", |s| s.operator_keys = vec![vec![1].into()]),
    ];
    for (field, change) in changes {
        let mut changed = whole.clone();
        change(&mut changed);
        named(zektra_records::seat_from_pb(&changed).map(|s| s.name), field);
    }
    let envelope = node::Envelope { version: 2, body: Some(Body::Seat(whole)) };
    named(wire::decode(&prost::Message::encode_to_vec(&envelope)).map(|_| String::new()), "envelope.version");
    let envelope = node::Envelope { version: 1, body: None };
    named(wire::decode(&prost::Message::encode_to_vec(&envelope)).map(|_| String::new()), "envelope.body");
    named(wire::decode(b"\xff").map(|_| String::new()), "envelope");
    named(wire::decode_file(b"PK\x03\x04").map(|_| String::new()), "file");
    named(wire::polys_from_bytes(&[0; 32_767]).map(|_| String::new()), "chunk.polynomials");
    named(wire::polys_from_bytes(&[0xff; 32_768]).map(|_| String::new()), "chunk.polynomials");
    let template = pb::Template { id: "forest/1".into(), params: None };
    named(zektra_records::template_from_pb(&template).map(|_| String::new()), "template.id");
    let template = pb::Template { id: "linear-classifier/1".into(), params: None };
    named(zektra_records::template_from_pb(&template).map(|_| String::new()), "template.params");
    assert!(StreamId::from_pb(&pb::StreamId { stream: 9, dataset: 0, member: 0 }).is_err());
}
