//! Parts of a job's proof as the chain accepted them, and what stands beside them.

use crate::chain::client::Client;
use crate::prover::Accepted;
use anyhow::{Context as _, Result, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cosmrs::AccountId;
use prost::Message as _;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use zektra_proto::cosmos::base::query::v1beta1::PageRequest;
use zektra_proto::cosmos::tx::v1beta1::{Tx, TxRaw};
use zektra_proto::training::v1 as pb;
use zektra_records::commitment;
use zektra_statement::digest::Fingerprint;
use zektra_statement::record::node_fingerprint;
use zektra_verify::envelope::Envelope;
use zektra_verify::part::Part;

/// The transaction that brought a part: found by its event, believed by its hash.
fn message(client: &Client, hash: &[u8]) -> Result<pb::MsgSubmitPart> {
    let query = format!("training_part.hash='{}'", hex::encode(hash));
    let answer = client.rpc("tx_search", json!({"query": query, "prove": false, "page": "1", "per_page": "5"}))?;
    for tx in answer["txs"].as_array().into_iter().flatten() {
        let raw = TxRaw::decode(&STANDARD.decode(tx["tx"].as_str().unwrap_or_default())?[..])?;
        let body = Tx::decode(&raw.encode_to_vec()[..])?.body.unwrap_or_default();
        for any in body.messages.iter().filter(|m| m.type_url == "/zektra.training.v1.MsgSubmitPart") {
            let message = pb::MsgSubmitPart::decode(&any.value[..])?;
            if Sha256::digest(&message.proof)[..] == *hash {
                return Ok(message);
            }
        }
    }
    bail!("no transaction brings the proof {}", hex::encode(hash))
}

/// The part that the chain says was proven last. Its proof is the one with the hash that the chain keeps; it is not
/// verified here.
///
/// # Errors
/// A node that does not have the transaction; fields of another form.
pub fn fetch(client: &Client, proven: &pb::Proven) -> Result<Part> {
    let message = message(client, &proven.hash)?;
    Ok(Part {
        iteration: proven.iteration,
        tile_top: commitment("tile_top", &proven.tile_top)?,
        made: commitment("made", &proven.made)?,
        used: commitment("used", &proven.used)?,
        state: commitment("state", &proven.state)?,
        rows_log2: u8::try_from(proven.rows_log2)?,
        proof: Envelope::decode(&message.proof)?,
    })
}

/// The last part of a job with the node that it names: not always the one that the job has now.
///
/// # Errors
/// As [`fetch`].
pub fn accepted(client: &Client, chain_id: &str, number: u64, proven: &pb::Proven) -> Result<Accepted> {
    let pagination = Some(PageRequest { limit: 1, reverse: true, ..Default::default() });
    let request = pb::QueryPartsRequest { job: number, pagination };
    let found: pb::QueryPartsResponse = client.query("/zektra.training.v1.Query/Parts", &request)?;
    let last = found.parts.first().context("a job with a proof and without parts")?;
    ensure!(last.hash == proven.hash, "the last part is not what is proven");
    Ok(Accepted { node: fingerprint_of(chain_id, &last.node)?, part: fetch(client, proven)? })
}

/// What proofs call the node of an operator.
///
/// # Errors
/// Text that is no address.
pub fn fingerprint_of(chain_id: &str, operator: &str) -> Result<Fingerprint> {
    let account: AccountId = operator.parse().map_err(|e| anyhow::anyhow!("node {operator:?}: {e}"))?;
    Ok(node_fingerprint(chain_id, &account.to_bytes()))
}
