//! Messages to protobuf and back; the records in them are [`zektra_records`].
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
use zektra_records::{WireError, commit, commitment, error, fingerprint, present, print};
use zektra_statement::digest::{Commitment, Fingerprint};
use zektra_statement::field::{F, from_bytes, to_bytes};

type Result<T> = std::result::Result<T, WireError>;

fn elements(field: &str, bytes: &[u8]) -> Result<Vec<F>> {
    let expected = "elements of 8 bytes below 2^64 − 2^32 + 1";
    from_bytes(bytes).or_else(|at| error(field, format!("bad element at byte {at}"), expected))
}

fn poly(field: &str, bytes: &[u8]) -> Result<Poly> {
    Poly::from_bytes(bytes).or_else(|e| error(field, e, "a polynomial of 32768 bytes"))
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
