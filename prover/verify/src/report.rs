//! What an accepted bundle proves, in words, and what it does not.

use crate::settings::{CHAIN, PUBLIC, SHARE, Setting, WRAP};
use serde_json::{Value, json};
use std::fmt;
use zektra_statement::digest::{Commitment, Fingerprint};
use zektra_statement::record::Job;

/// What no bundle proves.
pub const NOT_PROVEN: [&str; 12] = [
    "that rows are true, that padding is zero, that the constant feature is constant: norms and ranges hold for \
     whatever stands there",
    "that the record's number of rows is the number of true rows, or that the schema's bounds fit them",
    "that each member's noise is drawn as it should be: it is bounded, and the model moves within that bound",
    "that public randomness is what the record gives: a wrong one changes how well keys are hidden, not what was \
     computed; each member derives it itself before it answers",
    "that a dataset's root and content root are of the same bytes, and that the extension roots are of the shares \
     that were used: members check the bytes that they use",
    "that the keys in a dataset's leaves are all its owner's: whoever takes the dataset in checks its leaves, as members \
     do",
    "that the seats' keys are registered and whose they are, and that this job was not settled before: a chain's \
     records say so",
    "that the beacon was drawn after the datasets were fixed",
    "that hiding is above the floors: each member checks it before it joins",
    "that the developer got releases that open the model's commitments: the developer checks it",
    "how good the model is, and that it leaks no more than any model does",
    "who runs the node that the proof names, or which nodes made the steps before it: a node may go on from the proof \
     of another",
];

/// A released vector of the model: its entries are `U` minus the sum of all shares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Released {
    /// The state's number in the phase table.
    pub state: u16,
    /// Its entries.
    pub length: u16,
    /// Commitment of the public vector `U`.
    pub opened: Commitment,
    /// Commitment of each member's share, in the order of the seats.
    pub shares: Vec<Commitment>,
}

/// What an accepted bundle proves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The record.
    pub job: Job,
    /// Its lock.
    pub lock: Fingerprint,
    /// The compute node.
    pub node: Fingerprint,
    /// The digest of the chain's circuits.
    pub circuits: Commitment,
    /// Whether this build knows what they prove; else the caller answers for it.
    pub circuits_known: bool,
    /// The model's commitments.
    pub model: Vec<Released>,
    /// Binary logarithm of the rows of the chain's links.
    pub chain_rows_log2: u32,
    /// Binary logarithm of the rows of the last circuit.
    pub wrap_rows_log2: u32,
    /// Bytes of the proof.
    pub proof_bytes: usize,
    /// Bytes of the bundle; 0 if it was not read from bytes.
    pub bundle_bytes: usize,
}

/// What one family of circuits proves in this job.
#[derive(Clone, Debug, PartialEq)]
pub struct Bits {
    /// The setting's name.
    pub family: &'static str,
    /// What it is used for.
    pub role: &'static str,
    /// Binary logarithms of the smallest and largest number of rows that it may have here.
    pub rows_log2: (u32, u32),
    /// Proven bits of the weakest round, at the size where they are fewest.
    pub proven: f64,
}

impl Report {
    /// Proven bits of every family of circuits.
    pub fn bits(&self) -> [Bits; 4] {
        let bits = |setting: &Setting, role, (low, high): (u32, u32)| {
            let proven = (low..=high).map(|r| setting.proven_bits(r)).fold(f64::INFINITY, f64::min);
            Bits { family: setting.name, role, rows_log2: (low, high), proven }
        };
        let all = |s: &Setting| (*s.rows_log2().start(), *s.rows_log2().end());
        let one = |rows| (rows, rows);
        [
            bits(&SHARE, "members' statements", all(&SHARE)),
            bits(&PUBLIC, "the node's statements", all(&PUBLIC)),
            bits(&CHAIN, "links of the chain", one(self.chain_rows_log2)),
            bits(&WRAP, "the last proof", one(self.wrap_rows_log2)),
        ]
    }

    /// What was proven, a sentence each.
    pub fn proven(&self) -> Vec<String> {
        let (job, p) = (&self.job, &self.job.template.params);
        let groups = job.groups();
        let batch = if p.full_batch {
            "all of them".to_string()
        } else {
            format!("{} of them, drawn from the beacon", p.groups)
        };
        vec![
            format!(
                "{} datasets with the roots of the record were read whole, in its order: {groups} row groups, each \
                 encrypted under the key in its leaf, that of a seat, features and labels within the template's norm \
                 and range",
                job.datasets.len()
            ),
            format!(
                "{} steps of {} were made, one after the other, each on {batch}",
                p.iterations,
                job.template.kind.id()
            ),
            "in every step each of the members answered with the key of its seat, and the node computed what the \
             template says, rounding included"
                .into(),
            "every offline share was made for this job and used once".into(),
            format!(
                "the commitments below are the model after step {}: entries are U minus the sum of all shares",
                p.iterations
            ),
        ]
    }

    /// The report for programs.
    pub fn to_json(&self) -> Value {
        let (job, p) = (&self.job, &self.job.template.params);
        let seats: Vec<Value> = job
            .seats
            .iter()
            .enumerate()
            .map(|(i, s)| {
                json!({ "name": s.name, "key": s.key.to_string(), "epoch": s.epoch,
                        "developer": i == job.developer as usize })
            })
            .collect();
        let datasets: Vec<Value> = job
            .datasets
            .iter()
            .map(|d| {
                json!({ "id": d.dataset.id.to_string(), "owner": d.owner, "root": d.dataset.root.to_string(),
                        "rows": d.dataset.rows, "row_groups": d.dataset.groups })
            })
            .collect();
        let model: Vec<Value> = self
            .model
            .iter()
            .map(|m| {
                let shares: Vec<String> = m.shares.iter().map(Commitment::to_string).collect();
                json!({ "state": m.state, "length": m.length, "opened": m.opened.to_string(), "shares": shares })
            })
            .collect();
        let bits: Vec<Value> = self
            .bits()
            .iter()
            .map(|b| {
                json!({ "family": b.family, "rows_log2": [b.rows_log2.0, b.rows_log2.1],
                        "proven_bits": (b.proven * 10.0).floor() / 10.0 })
            })
            .collect();
        json!({
            "job": { "chain_id": job.chain_id, "id": job.id, "attempt": job.attempt,
                     "digest": job.digest().to_string(), "lock": self.lock.to_string() },
            "template": { "id": job.template.kind.id(), "features": p.features, "classes": p.classes,
                          "groups": p.groups, "full_batch": p.full_batch, "iterations": p.iterations,
                          "fan_in": p.fan_in, "scale_x": p.scale_x, "scale_w": p.scale_w, "scale_r": p.scale_r,
                          "shift_w": p.shift_w, "row_norm": p.row_norm, "range": p.range,
                          "learning_rate": p.learning_rate() },
            "members": seats,
            "datasets": datasets,
            "node": self.node.to_string(),
            "circuits": { "digest": self.circuits.to_string(), "known": self.circuits_known },
            "steps": p.iterations,
            "model": model,
            "proven": self.proven(),
            "proven_bits": bits,
            "not_proven": NOT_PROVEN,
            "proof_bytes": self.proof_bytes,
            "bundle_bytes": self.bundle_bytes,
        })
    }
}

/// Text of others, safe to show.
fn shown(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(64).collect()
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (job, p) = (&self.job, &self.job.template.params);
        writeln!(f, "job        {} on {}, attempt {}", job.id, job.chain_id, job.attempt)?;
        writeln!(f, "record     {}", job.digest())?;
        writeln!(f, "lock       {}", self.lock)?;
        writeln!(f, "template   {}, {} iterations", job.template.kind.id(), p.iterations)?;
        writeln!(
            f,
            "           features {}, classes {}, row groups a step {}, fan_in {}, scale_x {}, scale_w {}, scale_r {}, \
             shift_w {} (learning rate {:.4}), row_norm {}/256, range {}/256",
            p.features,
            p.classes,
            p.groups,
            p.fan_in,
            p.scale_x,
            p.scale_w,
            p.scale_r,
            p.shift_w,
            p.learning_rate(),
            p.row_norm,
            p.range
        )?;
        for (i, s) in job.seats.iter().enumerate() {
            let role = if i == job.developer as usize { ", the developer" } else { "" };
            writeln!(f, "member {i}   {}, key {}{role}", shown(&s.name), s.key)?;
        }
        for (i, d) in job.datasets.iter().enumerate() {
            let (d, owner) = (&d.dataset, d.owner);
            writeln!(f, "dataset {i}  of member {owner}, {} rows in {} row groups, root {}", d.rows, d.groups, d.root)?;
        }
        writeln!(f, "node       {}", self.node)?;
        let trust = if self.circuits_known {
            "known to this verifier"
        } else {
            "named by the caller, who answers for their being those of this template and these members"
        };
        writeln!(f, "circuits   {}, {trust}", self.circuits)?;
        writeln!(f, "\nproven")?;
        for sentence in self.proven() {
            writeln!(f, "  - {sentence}")?;
        }
        writeln!(f, "\nmodel")?;
        for m in &self.model {
            writeln!(f, "  state {}, {} entries: U {}", m.state, m.length, m.opened)?;
            for (i, s) in m.shares.iter().enumerate() {
                writeln!(f, "    share of member {i} {s}")?;
            }
        }
        writeln!(f, "\nproven bits of the weakest round")?;
        for b in self.bits() {
            let (low, high) = b.rows_log2;
            let rows = if low == high { format!("2^{low}") } else { format!("2^{low} to 2^{high}") };
            writeln!(f, "  {:<8}{:.1}  ({}, {rows} rows)", b.family, (b.proven * 10.0).floor() / 10.0, b.role)?;
        }
        writeln!(f, "\nnot proven")?;
        for sentence in NOT_PROVEN {
            writeln!(f, "  - {sentence}")?;
        }
        write!(f, "\nproof of {} bytes in a bundle of {} bytes", self.proof_bytes, self.bundle_bytes)
    }
}
