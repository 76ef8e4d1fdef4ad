//! The records that everyone hashes, as protobuf and back: the chain and the parties read them alike.
//!
//! Reading checks every length and every element, so that what comes out can be trusted to have the
//! right form; whether it says the right thing is the receiver's business.

use prost::bytes::Bytes;
use zektra_proto::training::v1 as pb;
use zektra_proto::vault::v1 as vault;
use zektra_statement::chain::{Entry, States};
use zektra_statement::digest::{Commitment, Fingerprint};
use zektra_statement::record::{Dataset, Job, JobDataset, Seat};
use zektra_statement::template::{Kind, Params, Template};

/// Bytes that are not the message they should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {value}, expected {expected}")]
pub struct WireError {
    /// Where in the message.
    pub field: String,
    /// What was there.
    pub value: String,
    /// What should be.
    pub expected: String,
}

/// What is read of a message.
pub type Result<T> = std::result::Result<T, WireError>;

/// An error of a field.
///
/// # Errors
/// Always.
pub fn error<T>(field: &str, value: impl ToString, expected: &str) -> Result<T> {
    Err(WireError { field: field.into(), value: value.to_string(), expected: expected.into() })
}

/// A part that must be there.
///
/// # Errors
/// It is not.
pub fn present<T>(field: &str, value: Option<T>) -> Result<T> {
    value.map_or_else(|| error(field, "missing", "a value"), Ok)
}

/// A fingerprint of a message.
///
/// # Errors
/// Another length.
pub fn fingerprint(field: &str, bytes: &[u8]) -> Result<Fingerprint> {
    Fingerprint::from_bytes(bytes).map_or_else(|| error(field, format!("{} bytes", bytes.len()), "32 bytes"), Ok)
}

/// A commitment of a message.
///
/// # Errors
/// Another length, or an element that is none of the field.
pub fn commitment(field: &str, bytes: &[u8]) -> Result<Commitment> {
    let expected = "32 bytes, four elements below 2^64 − 2^32 + 1";
    Commitment::from_bytes(bytes).map_or_else(|| error(field, format!("{} bytes", bytes.len()), expected), Ok)
}

/// 32 bytes of a message.
///
/// # Errors
/// Another length.
pub fn array32(field: &str, bytes: &[u8]) -> Result<[u8; 32]> {
    bytes.try_into().or_else(|_| error(field, format!("{} bytes", bytes.len()), "32 bytes"))
}

/// A fingerprint as messages hold it.
pub fn print(f: &Fingerprint) -> Bytes {
    Bytes::copy_from_slice(&f.0)
}

/// A commitment as messages hold it.
pub fn commit(c: &Commitment) -> Bytes {
    Bytes::copy_from_slice(&c.to_bytes())
}

/// Seat to message.
pub fn seat_to_pb(s: &Seat) -> vault::Seat {
    let Seat { name, key, epoch, release_key, operator_keys } = s;
    vault::Seat {
        name: name.clone(),
        key: commit(key),
        epoch: *epoch,
        release_key: Bytes::copy_from_slice(release_key),
        operator_keys: operator_keys.iter().map(|k| Bytes::copy_from_slice(k)).collect(),
    }
}

/// Seat from message.
///
/// # Errors
/// The first field of another form.
pub fn seat_from_pb(s: &vault::Seat) -> Result<Seat> {
    if s.name.is_empty() || s.name.len() > 64 || s.name.chars().any(char::is_control) {
        return error("seat.name", format!("{:?}", s.name), "1 to 64 bytes of printable text");
    }
    Ok(Seat {
        name: s.name.clone(),
        key: commitment("seat.key", &s.key)?,
        epoch: s.epoch,
        release_key: array32("seat.release_key", &s.release_key)?,
        operator_keys: s.operator_keys.iter().map(|k| array32("seat.operator_keys", k)).collect::<Result<_>>()?,
    })
}

/// Dataset to message.
pub fn dataset_to_pb(d: &Dataset) -> vault::Dataset {
    vault::Dataset {
        id: print(&d.id),
        owner_key: commit(&d.owner_key),
        attempt: d.attempt,
        schema: print(&d.schema),
        rows: d.rows,
        groups: d.groups,
        columns: d.columns,
        blocks: d.blocks,
        classes: d.classes,
        scale_x: d.scale_x,
        scale_r: d.scale_r,
        row_norm: d.row_norm,
        range: d.range,
        root: commit(&d.root),
        content_root: print(&d.content_root),
    }
}

/// Dataset from message.
///
/// # Errors
/// The first field of another form.
pub fn dataset_from_pb(d: &vault::Dataset) -> Result<Dataset> {
    Ok(Dataset {
        id: fingerprint("dataset.id", &d.id)?,
        owner_key: commitment("dataset.owner_key", &d.owner_key)?,
        attempt: d.attempt,
        schema: fingerprint("dataset.schema", &d.schema)?,
        rows: d.rows,
        groups: d.groups,
        columns: d.columns,
        blocks: d.blocks,
        classes: d.classes,
        scale_x: d.scale_x,
        scale_r: d.scale_r,
        row_norm: d.row_norm,
        range: d.range,
        root: commitment("dataset.root", &d.root)?,
        content_root: fingerprint("dataset.content_root", &d.content_root)?,
    })
}

/// Template to message.
pub fn template_to_pb(t: &Template) -> pb::Template {
    let p = &t.params;
    let params = pb::Params {
        features: p.features,
        classes: p.classes,
        groups: p.groups,
        full_batch: p.full_batch,
        iterations: p.iterations,
        fan_in: p.fan_in,
        scale_x: p.scale_x,
        scale_w: p.scale_w,
        scale_r: p.scale_r,
        shift_w: p.shift_w,
        row_norm: p.row_norm,
        range: p.range,
    };
    pb::Template { id: t.kind.id().into(), params: Some(params) }
}

/// Template from message; its ranges are checked when the job is.
///
/// # Errors
/// An unknown template.
pub fn template_from_pb(t: &pb::Template) -> Result<Template> {
    let Some(kind) = Kind::from_id(&t.id) else {
        let known = Kind::ALL.map(Kind::id).join(", ");
        return error("template.id", format!("{:?}", t.id), &format!("one of {known}"));
    };
    let p = present("template.params", t.params.as_ref())?;
    let params = Params {
        features: p.features,
        classes: p.classes,
        groups: p.groups,
        full_batch: p.full_batch,
        iterations: p.iterations,
        fan_in: p.fan_in,
        scale_x: p.scale_x,
        scale_w: p.scale_w,
        scale_r: p.scale_r,
        shift_w: p.shift_w,
        row_norm: p.row_norm,
        range: p.range,
    };
    Ok(Template { kind, params })
}

/// Job to message.
pub fn job_to_pb(j: &Job) -> pb::Job {
    let dataset = |d: &JobDataset| pb::JobDataset { dataset: Some(dataset_to_pb(&d.dataset)), owner: d.owner };
    pb::Job {
        chain_id: j.chain_id.clone(),
        id: j.id,
        attempt: j.attempt,
        max_attempts: j.max_attempts,
        template: Some(template_to_pb(&j.template)),
        seats: j.seats.iter().map(seat_to_pb).collect(),
        developer: j.developer,
        datasets: j.datasets.iter().map(dataset).collect(),
        beacon: Bytes::copy_from_slice(&j.beacon),
        trusted_inputs: j.trusted_inputs,
        circuits: j.circuits.map_or(Bytes::new(), |c| Bytes::copy_from_slice(&c.to_bytes())),
    }
}

/// Job from message, checked.
///
/// # Errors
/// The first field of another form, or a record that contradicts itself.
pub fn job_from_pb(j: &pb::Job) -> Result<Job> {
    let dataset = |d: &pb::JobDataset| {
        let record = present("job.datasets.dataset", d.dataset.as_ref())?;
        Ok(JobDataset { dataset: dataset_from_pb(record)?, owner: d.owner })
    };
    let job = Job {
        chain_id: j.chain_id.clone(),
        id: j.id,
        attempt: j.attempt,
        max_attempts: j.max_attempts,
        template: template_from_pb(present("job.template", j.template.as_ref())?)?,
        seats: j.seats.iter().map(seat_from_pb).collect::<Result<_>>()?,
        developer: j.developer,
        datasets: j.datasets.iter().map(dataset).collect::<Result<_>>()?,
        beacon: array32("job.beacon", &j.beacon)?,
        trusted_inputs: j.trusted_inputs,
        circuits: match &j.circuits[..] {
            [] => None,
            bytes => Some(commitment("job.circuits", bytes)?),
        },
    };
    match job.validate() {
        Ok(()) => Ok(job),
        Err(e) => error(&format!("job.{}", e.field), e.value, &e.expected),
    }
}

/// The seats whose extension roots a lock holds, in its order: dataset by dataset, members in the order of their seats.
fn extending(job: &Job) -> impl Iterator<Item = usize> {
    job.datasets.iter().flat_map(|d| (0..job.seats.len()).filter(|seat| *seat != d.owner as usize))
}

/// All extension roots in the lock's order, of the members in the order of their seats.
///
/// # Errors
/// A root that is missing or of another length.
pub fn roots_from_pb(members: &[pb::Member], job: &Job) -> Result<Vec<Fingerprint>> {
    let mut left: Vec<_> = members.iter().map(|m| m.extension_roots.iter()).collect();
    let next = |seat: usize| {
        let field = format!("members[{seat}].extension_roots");
        fingerprint(&field, present(&field, left.get_mut(seat).and_then(Iterator::next))?)
    };
    extending(job).map(next).collect()
}

/// The extension roots of one seat, in the order in which its member sends them, of all in the lock's order.
pub fn roots_to_pb(roots: &[Fingerprint], job: &Job, seat: usize) -> Vec<Bytes> {
    extending(job).zip(roots).filter(|(of, _)| *of == seat).map(|(_, root)| print(root)).collect()
}

/// States to message.
pub fn states_to_pb(states: &States) -> pb::StateList {
    let entry = |e: &Entry| pb::StateEntry {
        c0: commit(&e.cipher.0),
        a: commit(&e.cipher.1),
        opened: commit(&e.opened),
        shares: e.shares.iter().map(commit).collect(),
    };
    pb::StateList { groups: states.groups.clone(), entries: states.entries.iter().map(entry).collect() }
}

/// States from message; whether they are those of a proof is the receiver's business.
///
/// # Errors
/// The first commitment of another form.
pub fn states_from_pb(list: &pb::StateList) -> Result<States> {
    let entry = |e: &pb::StateEntry| {
        Ok(Entry {
            cipher: (commitment("states.c0", &e.c0)?, commitment("states.a", &e.a)?),
            opened: commitment("states.opened", &e.opened)?,
            shares: e.shares.iter().map(|s| commitment("states.shares", s)).collect::<Result<_>>()?,
        })
    };
    Ok(States { groups: list.groups.clone(), entries: list.entries.iter().map(entry).collect::<Result<_>>()? })
}
