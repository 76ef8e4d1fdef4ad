//! Records and messages to protobuf and back.
//!
//! Decoding checks every length and every element, so that what comes out can be trusted to have the
//! right form; whether it says the right thing is the receiver's business.

use prost::Message as _;
use prost::bytes::Bytes;
use zektra_he::release::Sealed;
use zektra_he::ring::Poly;
use zektra_he::transcript::{Answer, Claim};
use zektra_proto::node::v1 as node;
use zektra_proto::node::v1::envelope::Body;
use zektra_proto::training::v1 as pb;
use zektra_proto::vault::v1 as vault;
use zektra_statement::digest::{Commitment, Fingerprint};
use zektra_statement::field::{F, from_bytes, to_bytes};
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

type Result<T> = std::result::Result<T, WireError>;

fn error<T>(field: &str, value: impl ToString, expected: &str) -> Result<T> {
    Err(WireError { field: field.into(), value: value.to_string(), expected: expected.into() })
}

fn present<T>(field: &str, value: Option<T>) -> Result<T> {
    value.map_or_else(|| error(field, "missing", "a value"), Ok)
}

fn fingerprint(field: &str, bytes: &[u8]) -> Result<Fingerprint> {
    Fingerprint::from_bytes(bytes).map_or_else(|| error(field, format!("{} bytes", bytes.len()), "32 bytes"), Ok)
}

fn commitment(field: &str, bytes: &[u8]) -> Result<Commitment> {
    let expected = "32 bytes, four elements below 2^64 − 2^32 + 1";
    Commitment::from_bytes(bytes).map_or_else(|| error(field, format!("{} bytes", bytes.len()), expected), Ok)
}

fn array32(field: &str, bytes: &[u8]) -> Result<[u8; 32]> {
    bytes.try_into().or_else(|_| error(field, format!("{} bytes", bytes.len()), "32 bytes"))
}

fn elements(field: &str, bytes: &[u8]) -> Result<Vec<F>> {
    let expected = "elements of 8 bytes below 2^64 − 2^32 + 1";
    from_bytes(bytes).or_else(|at| error(field, format!("bad element at byte {at}"), expected))
}

fn poly(field: &str, bytes: &[u8]) -> Result<Poly> {
    Poly::from_bytes(bytes).or_else(|e| error(field, e, "a polynomial of 32768 bytes"))
}

fn print(f: &Fingerprint) -> Bytes {
    Bytes::copy_from_slice(&f.0)
}

fn commit(c: &Commitment) -> Bytes {
    Bytes::copy_from_slice(&c.to_bytes())
}

/// What every stored file of ours starts with.
pub const FILE_MAGIC: &[u8; 8] = b"ZKFILE1\n";

/// An envelope's bytes.
pub fn encode(body: Body) -> Vec<u8> {
    node::Envelope { version: 1, body: Some(body) }.encode_to_vec()
}

/// The body of an envelope.
///
/// # Errors
/// Bytes that are no envelope, another version, an empty one.
pub fn decode(bytes: &[u8]) -> Result<Body> {
    let envelope = node::Envelope::decode(bytes).or_else(|e| error("envelope", e, "a message of this protocol"))?;
    if envelope.version != 1 {
        return error("envelope.version", envelope.version, "1");
    }
    present("envelope.body", envelope.body)
}

/// A stored file's bytes: magic and envelope.
pub fn encode_file(body: Body) -> Vec<u8> {
    let mut out = FILE_MAGIC.to_vec();
    out.extend(encode(body));
    out
}

/// The body of a stored file.
///
/// # Errors
/// A foreign file, or one that does not decode.
pub fn decode_file(bytes: &[u8]) -> Result<Body> {
    match bytes.strip_prefix(FILE_MAGIC) {
        Some(rest) => decode(rest),
        None => error("file", "foreign", "a file that starts with ZKFILE1"),
    }
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

/// Polynomials to one run of bytes.
pub fn polys_to_bytes(polys: &[Poly]) -> Vec<u8> {
    polys.iter().flat_map(Poly::to_bytes).collect()
}

/// A claim to a message.
pub fn claim_to_pb(c: &Claim) -> pb::Claim {
    pb::Claim {
        iteration: c.iteration,
        phase: c.phase,
        table: print(&c.table),
        opened: print(&c.opened),
        multipliers: print(&c.multipliers),
    }
}

/// A claim from a message.
///
/// # Errors
/// The first field of another form.
pub fn claim_from_pb(c: &pb::Claim) -> Result<Claim> {
    Ok(Claim {
        iteration: c.iteration,
        phase: c.phase,
        table: fingerprint("claim.table", &c.table)?,
        opened: fingerprint("claim.opened", &c.opened)?,
        multipliers: fingerprint("claim.multipliers", &c.multipliers)?,
    })
}

/// An answer to a message.
pub fn answer_to_pb(a: &Answer) -> pb::Answer {
    pb::Answer {
        member: a.member,
        iteration: a.iteration,
        phase: a.phase,
        attempt: a.attempt,
        y: a.y.iter().map(|y| to_bytes(y).into()).collect(),
        g: a.g.iter().map(|g| g.to_bytes().into()).collect(),
        shares: a.shares.iter().map(commit).collect(),
    }
}

/// An answer from a message.
///
/// # Errors
/// The first field of another form.
pub fn answer_from_pb(a: &pb::Answer) -> Result<Answer> {
    Ok(Answer {
        member: a.member,
        iteration: a.iteration,
        phase: a.phase,
        attempt: a.attempt,
        y: a.y.iter().map(|y| elements("answer.y", y)).collect::<Result<_>>()?,
        g: a.g.iter().map(|g| poly("answer.g", g)).collect::<Result<_>>()?,
        shares: a.shares.iter().map(|s| commitment("answer.shares", s)).collect::<Result<_>>()?,
    })
}

/// A round to a message.
pub fn round_to_pb(answers: &[Answer]) -> pb::Round {
    pb::Round { answers: answers.iter().map(answer_to_pb).collect(), proofs: vec![] }
}

/// A round with the proofs of its answers to a message.
pub fn proven_round_to_pb(answers: &[Answer], proofs: &[Vec<u8>]) -> pb::Round {
    let proofs = proofs.iter().map(|p| Bytes::copy_from_slice(p)).collect();
    pb::Round { proofs, ..round_to_pb(answers) }
}

/// A round from a message.
///
/// # Errors
/// The first field of another form.
pub fn round_from_pb(r: &pb::Round) -> Result<Vec<Answer>> {
    r.answers.iter().map(answer_from_pb).collect()
}

/// A sealed release to a message.
pub fn release_to_pb(member: u32, s: &Sealed) -> pb::Release {
    pb::Release { member, encapped: s.encapped.clone().into(), ciphertext: s.ciphertext.clone().into() }
}

/// A sealed release from a message.
pub fn release_from_pb(r: &pb::Release) -> (u32, Sealed) {
    (r.member, Sealed { encapped: r.encapped.to_vec(), ciphertext: r.ciphertext.to_vec() })
}

/// A lock to a message.
pub fn lock_to_pb(roots: &[Fingerprint], lock: &Fingerprint) -> pb::Lock {
    pb::Lock { extension_roots: roots.iter().map(print).collect(), lock: print(lock) }
}

/// A lock from a message.
///
/// # Errors
/// The first field of another form.
pub fn lock_from_pb(l: &pb::Lock) -> Result<(Vec<Fingerprint>, Fingerprint)> {
    let roots = l.extension_roots.iter().map(|r| fingerprint("lock.extension_roots", r)).collect::<Result<_>>()?;
    Ok((roots, fingerprint("lock.lock", &l.lock)?))
}

/// The outcome's states: for each released state `U` and the members' commitments.
pub type OpenedStates = Vec<(u16, Vec<F>, Vec<Commitment>)>;

/// Opened states to messages.
pub fn states_to_pb(states: &OpenedStates) -> Vec<pb::OpenedState> {
    let one = |(state, u, shares): &(u16, Vec<F>, Vec<Commitment>)| pb::OpenedState {
        state: u32::from(*state),
        opened: to_bytes(u).into(),
        shares: shares.iter().map(commit).collect(),
    };
    states.iter().map(one).collect()
}

/// Opened states from messages.
///
/// # Errors
/// The first field of another form.
pub fn states_from_pb(states: &[pb::OpenedState]) -> Result<OpenedStates> {
    let one = |s: &pb::OpenedState| {
        let Ok(state) = u16::try_from(s.state) else {
            return error("outcome.states.state", s.state, "below 65536");
        };
        let shares = s.shares.iter().map(|c| commitment("outcome.states.shares", c)).collect::<Result<_>>()?;
        Ok((state, elements("outcome.states.opened", &s.opened)?, shares))
    };
    states.iter().map(one).collect()
}

/// Polynomials of a chunk.
///
/// # Errors
/// Bytes that are no whole number of polynomials.
pub fn polys_from_bytes(bytes: &[u8]) -> Result<Vec<Poly>> {
    if !bytes.len().is_multiple_of(zektra_statement::field::POLY_BYTES) {
        return error("chunk.polynomials", format!("{} bytes", bytes.len()), "a multiple of 32768 bytes");
    }
    bytes.chunks_exact(zektra_statement::field::POLY_BYTES).map(|b| poly("chunk.polynomials", b)).collect()
}

/// A 32-byte value of a message.
///
/// # Errors
/// Another length.
pub fn print_from(field: &str, bytes: &[u8]) -> Result<Fingerprint> {
    fingerprint(field, bytes)
}
