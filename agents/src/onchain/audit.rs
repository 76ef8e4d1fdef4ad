//! How a model came to be, from the chain's data and one trusted header alone.
//!
//! Every record is read with a Merkle proof against the header's app hash, and everything that follows from the records
//! is computed again: the record's digest, the lock, the proof of the last part. Nothing that a node says is believed but
//! that bytes are there.

use super::part;
use crate::chain::client::Client;
use crate::rejected::Rejected;
use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cosmrs::tendermint::block::Header;
use ics23::HostFunctionsManager;
use prost::Message as _;
use serde_json::{Value, json};
use zektra_proto::proofs::v1::Circuit;
use zektra_proto::training::v1 as pb;
use zektra_proto::vault::v1::{DatasetRecord, SeatRecord};
use zektra_records::{commitment, dataset_from_pb, job_from_pb, roots_from_pb, seat_from_pb, states_from_pb};
use zektra_verify::known::Trusted;
use zektra_verify::part::{First, check_states, verify_part};

/// A header that is believed: its height and its hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// The height.
    pub height: u64,
    /// The hash, in hexadecimal digits.
    pub hash: String,
}

impl std::str::FromStr for Anchor {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?}, expected HEIGHT:HASH");
        let (height, hash) = text.split_once(':').ok_or_else(wrong)?;
        let height = height.parse().map_err(|_| wrong())?;
        let is_hash = hash.len() == 64 && hash.bytes().all(|b| b.is_ascii_hexdigit());
        is_hash.then(|| Self { height, hash: hash.to_uppercase() }).ok_or_else(wrong)
    }
}

/// One link of a model's provenance.
#[derive(Clone, Debug)]
pub struct Link {
    /// What it is.
    pub what: &'static str,
    /// What was found, in words.
    pub found: String,
}

/// What an audit found.
#[derive(Clone, Debug)]
pub struct Audit {
    /// The chain.
    pub chain_id: String,
    /// The header that everything was proven against.
    pub anchor: Anchor,
    /// The links, model first.
    pub links: Vec<Link>,
    /// The same as data.
    pub facts: Value,
}

/// The state of one height, as its header proves it.
struct Proven<'a> {
    client: &'a Client,
    height: u64,
    app_hash: Vec<u8>,
}

fn hash_of(bytes: &[u8]) -> String {
    hex::encode(bytes)
}

impl Proven<'_> {
    /// The value under a key, shown to stand there.
    fn get(&self, key: &[u8], what: &str) -> Result<Vec<u8>> {
        let (data, height) = (hex::encode(key), self.height.to_string());
        let params = json!({"path": "/store/state/key", "data": data, "height": height, "prove": true});
        let answer = self.client.rpc("abci_query", params)?;
        let answer = &answer["response"];
        let value = STANDARD.decode(answer["value"].as_str().unwrap_or_default())?;
        if value.is_empty() {
            return Err(Rejected::Refused(format!("{what} is not there")).into());
        }
        let proof = answer.pointer("/proofOps/ops/0/data").or_else(|| answer.pointer("/proof_ops/ops/0/data"));
        let proof = STANDARD.decode(proof.and_then(Value::as_str).context("an answer without a proof")?)?;
        let proof = ics23::CommitmentProof::decode(&proof[..])?;
        let root = self.app_hash.clone();
        let stands = ics23::verify_membership::<HostFunctionsManager>(&proof, &jmt::ics23_spec(), &root, key, &value);
        ensure!(stands, "{what}: its Merkle proof is not one of the header at {}", self.height + 1);
        Ok(value)
    }

    fn read<M: prost::Message + Default>(&self, key: &[u8], what: &str) -> Result<M> {
        Ok(M::decode(&self.get(key, what)?[..])?)
    }
}

fn key(prefix: &str, rest: &[u8]) -> Vec<u8> {
    [prefix.as_bytes(), rest].concat()
}

/// The header of a height; it must have this hash, if one is trusted.
fn header(client: &Client, height: u64, trusted: Option<&str>) -> Result<(Header, String)> {
    let answer = client.rpc("commit", json!({"height": height.to_string()}))?;
    let header: Header = serde_json::from_value(answer["signed_header"]["header"].clone()).context("a header")?;
    ensure!(header.height.value() == height, "the header of height {}, expected {height}", header.height);
    let hash = header.hash().to_string();
    if let Some(trusted) = trusted {
        ensure!(hash == trusted, "the header of height {height} has the hash {hash}, {trusted} is trusted");
    }
    Ok((header, hash))
}

/// Audits a job, model first.
///
/// # Errors
/// Whatever contradicts the chain's own rules, the header, or the proofs.
pub fn audit(client: &Client, number: u64, anchor: Option<&Anchor>) -> Result<Audit> {
    let last = crate::chain::client::height(client)?;
    let at = anchor.map_or(last, |a| a.height);
    let (header, hash) = header(client, at, anchor.map(|a| &a.hash[..]))?;
    let chain_id = header.chain_id.to_string();
    // A header holds the app hash of the block before it.
    let state = Proven { client, height: at - 1, app_hash: header.app_hash.as_bytes().to_vec() };
    let mut links = vec![];
    let mut say = |what, found: String| links.push(Link { what, found });

    let job: pb::ChainJob = state.read(&key("training/job/", &number.to_be_bytes()), &format!("job {number}"))?;
    let proven = job.proven.clone().context("nothing of the job is proven yet")?;
    let record = job_from_pb(job.record.as_ref().context("a job without a record")?)?;
    record.validate()?;
    ensure!(record.chain_id == chain_id, "the record is of the chain {}", record.chain_id);
    let roots = roots_from_pb(&job.members, &record)?;
    let lock = record.lock_id(&roots);
    ensure!(job.lock[..] == lock.0, "the lock {} does not follow from the record: {lock}", hash_of(&job.lock));

    let circuits = record.circuits.context("the record names no circuits")?;
    let circuit: Circuit = state.read(&key("proofs/circuit/", &circuits.to_bytes()), "the line of the circuits")?;
    let line = format!("job {circuits} {}", circuit.shape);
    let trusted = Trusted::none().know_line(&line).context("the line of the circuits names none of this program")?;
    let pinned = Trusted::pinned().known().iter().any(|k| k.digest == circuits);

    let stored: pb::Part = {
        let rest = [&number.to_be_bytes()[..], b"/", &proven.iteration.to_be_bytes()].concat();
        state.read(&key("training/part/", &rest), "the last part")?
    };
    ensure!((stored.state == proven.state) && (stored.hash == proven.hash), "the last part is not what is proven");
    let shown = part::fetch(client, &proven)?;
    // Nothing of them is fixed while a job that lost its node has no part of the next.
    let first = match job.offline.last() {
        None => None,
        Some(made) => {
            Some(First { tile_top: commitment("tile_top", &job.tile_top)?, made: commitment("offline", made)? })
        }
    };
    let node = part::fingerprint_of(&chain_id, &stored.node)?;
    let report = verify_part(&record, &roots, &node, &shown, first.as_ref(), &trusted)?;
    let iterations = record.template.params.iterations;
    if let Some(list) = &job.states {
        let table = record.template.compile()?;
        check_states(&record, &table, &shown, &states_from_pb(list)?)?;
        let opened = list.entries.iter().map(|e| hash_of(&e.opened)).collect::<Vec<_>>();
        say("model", format!("commitments of the opened states {}", opened.join(", ")));
    }
    let how = if report.complete { "all" } else { "the first" };
    say(
        "proof",
        format!(
            "{how} {} of {iterations} iterations are proven by node {}, proof {} in block {}",
            report.iteration,
            stored.node,
            hash_of(&proven.hash),
            proven.height
        ),
    );
    say(
        "circuits",
        format!(
            "{circuits}, {}",
            if pinned { "known to this program" } else { "known to the chain, not to this program" }
        ),
    );
    say("job", format!("{number}, {}, digest {}, lock {lock}", job.status().as_str_name(), record.digest()));
    say("template", format!("{}, {iterations} iterations, {} members", record.template.kind.id(), record.members()));
    let mut sets = vec![];
    for (line, d) in job.data.iter().zip(&record.datasets) {
        let what = format!("dataset {}", line.dataset);
        let stored: DatasetRecord = state.read(&key("vault/dataset/", &line.dataset.to_be_bytes()), &what)?;
        let held = dataset_from_pb(&stored.dataset.clone().unwrap_or_default())?;
        ensure!(held == d.dataset, "{what} is another than the job's record names");
        let seat: SeatRecord =
            state.read(&key("vault/seat/", &held.owner_key.to_bytes()), &format!("the seat of {what}"))?;
        ensure!(seat.owner == stored.owner && stored.owner == line.owner, "{what} has another owner than its seat");
        let named = seat_from_pb(&seat.seat.clone().unwrap_or_default())?;
        let vouched = stored.attestations.iter().map(|a| a.voucher.clone()).collect::<Vec<_>>();
        say(
            "dataset",
            format!(
                "{}, {} rows, root {}, sealed in block {}, vouched for by {}",
                line.dataset,
                held.rows,
                held.root,
                stored.sealed_height,
                vouched.join(", ")
            ),
        );
        say("owner", format!("{} ({:?}), key {}", stored.owner, named.name, named.key));
        sets.push(json!({
            "dataset": line.dataset,
            "owner": stored.owner,
            "seat": named.name,
            "key": named.key.to_string(),
            "rows": held.rows,
            "root": held.root.to_string(),
            "content_root": held.content_root.to_string(),
            "sealed_height": stored.sealed_height,
            "vouchers": vouched,
        }));
    }
    let facts = json!({
        "chain_id": chain_id,
        "anchor": {"height": at, "hash": hash},
        "job": number,
        "status": job.status().as_str_name(),
        "developer": job.developer,
        "node": stored.node,
        "lost_nodes": job.lost,
        "digest": record.digest().to_string(),
        "lock": lock.to_string(),
        "template": record.template.kind.id(),
        "iterations": iterations,
        "proven_iterations": report.iteration,
        "complete": report.complete,
        "circuits": circuits.to_string(),
        "circuits_known_here": pinned,
        "proof": hash_of(&proven.hash),
        "state": hash_of(&proven.state),
        "datasets": sets,
    });
    Ok(Audit { chain_id, anchor: Anchor { height: at, hash }, links, facts })
}
