//! A proven job in one file: all that a verifier needs without a network. Bytes: `docs/formats.md`, section 14.

use crate::envelope::Envelope;
use zektra_statement::chain::{Entry, States};
use zektra_statement::codec::{DecodeError, Reader, Writer};
use zektra_statement::digest::Fingerprint;
use zektra_statement::record::Job;

/// The first bytes of a bundle.
pub const MAGIC: &[u8; 8] = b"ZKBUNDLE";

/// The version of the format.
pub const VERSION: u32 = 1;

/// The largest bundle, in bytes.
pub const MAX_BYTES: usize = 16 << 20;

/// A proven job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bundle {
    /// The record.
    pub job: Job,
    /// Roots of the extension shares: datasets in the job's order, for each the members that do not own it.
    pub extension_roots: Vec<Fingerprint>,
    /// The compute node.
    pub node: Fingerprint,
    /// The states after the last iteration.
    pub states: States,
    /// Binary logarithm of the rows of the chain's links.
    pub rows_log2: u8,
    /// The last proof.
    pub proof: Envelope,
}

impl Bundle {
    /// The bundle's bytes.
    pub fn encode(&self) -> Vec<u8> {
        let Self { job, extension_roots, node, states, rows_log2, proof } = self;
        let mut w = Writer::default();
        w.raw(MAGIC).u32(VERSION).bytes(&job.encode()).count(extension_roots.len());
        for r in extension_roots {
            w.raw(&r.0);
        }
        w.raw(&node.0);
        let States { groups, entries } = states;
        w.count(groups.len());
        for &g in groups {
            w.u32(g);
        }
        w.count(entries.len());
        for Entry { cipher, opened, shares } in entries {
            w.commitment(&cipher.0).commitment(&cipher.1).commitment(opened).count(shares.len());
            for s in shares {
                w.commitment(s);
            }
        }
        let mut out = w.u8(*rows_log2).bytes(&proof.encode()).finish();
        let checksum = blake3::hash(&out);
        out.extend(checksum.as_bytes());
        out
    }

    /// Reads what [`Bundle::encode`] wrote.
    ///
    /// # Errors
    /// The first field that is malformed.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::new(bytes);
        if bytes.len() > MAX_BYTES {
            return Err(r.error("size", 0, format!("{} bytes", bytes.len()), format!("at most {MAX_BYTES}")));
        }
        let magic = r.raw("magic", 8)?;
        if magic != MAGIC {
            return Err(r.error("magic", 8, magic.escape_ascii().to_string(), MAGIC.escape_ascii().to_string()));
        }
        let version = r.u32("version")?;
        if version != VERSION {
            return Err(r.error("version", 4, version.to_string(), VERSION.to_string()));
        }
        let Some((body, checksum)) = bytes.split_last_chunk::<32>().filter(|(body, _)| body.len() >= 12) else {
            return Err(r.error("checksum", 0, format!("{} bytes", r.left()), "32 bytes at the end"));
        };
        let expected = blake3::hash(body);
        if expected != *checksum {
            let found = blake3::Hash::from_bytes(*checksum).to_hex().to_string();
            let expected = format!("{}, the BLAKE3 of all bytes before: the file is damaged", expected.to_hex());
            return Err(DecodeError { field: "checksum".into(), offset: body.len(), value: found, expected });
        }
        let mut r = Reader::new(body);
        r.raw("head", 12)?;
        let record = r.bytes("job")?;
        let start = body.len() - r.left() - record.len();
        let job = Job::decode(record).map_err(|e| within("job", start, e))?;
        let count = r.count("extension_roots", 32)?;
        let extension_roots = (0..count).map(|_| r.fingerprint("extension_roots")).collect::<Result<_, _>>()?;
        let node = r.fingerprint("node")?;
        let count = r.count("states.groups", 4)?;
        let groups = (0..count).map(|_| r.u32("states.groups")).collect::<Result<_, _>>()?;
        let mut entries = vec![];
        for i in 0..r.count("states", 100)? {
            r.scope(format!("states[{i}]"));
            let cipher = (r.commitment("c0")?, r.commitment("a")?);
            let opened = r.commitment("opened")?;
            let count = r.count("shares", 32)?;
            let shares = (0..count).map(|_| r.commitment("shares")).collect::<Result<_, _>>()?;
            entries.push(Entry { cipher, opened, shares });
        }
        let rows_log2 = r.scope("").u8("rows_log2")?;
        let envelope = r.bytes("proof")?;
        let start = body.len() - r.left() - envelope.len();
        let proof = Envelope::decode(envelope).map_err(|e| within("proof", start, e))?;
        r.finish()?;
        Ok(Self { job, extension_roots, node, states: States { groups, entries }, rows_log2, proof })
    }
}

/// An error of a part that begins at `start`.
fn within(part: &str, start: usize, e: DecodeError) -> DecodeError {
    DecodeError { field: format!("{part}.{}", e.field), offset: start + e.offset, ..e }
}
