//! From messages to a block: simulation, fee, signature, broadcast.

use super::own::Made;
use super::{All, Gas, Mode, Sent, Sign, Signed, file, messages};
use crate::cli::chain::Shown;
use crate::cli::chain::settings::{Bech, Settings};
use crate::cli::chain::yaml;
use anyhow::Result;
use cosmrs::AccountId;
use prost::Message as _;
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use zektra_agents::chain::amounts;
use zektra_agents::chain::client::Broadcast;
use zektra_agents::chain::keyring::Entry;
use zektra_agents::chain::transaction::{self, Signing};
use zektra_agents::files;
use zektra_agents::rejected::{Rejected, allow, expect};
use zektra_proto::cosmos::base::abci::v1beta1::TxResponse;
use zektra_proto::cosmos::tx::v1beta1::Tx as Transaction;
use zektra_proto::json as wire;
use zektra_wallet::ask;

/// Gas where nothing else is said, as in the SDK.
const GAS: u64 = 200_000;

/// Gas that an estimate may have where nobody is asked: ten times what a transaction without an estimate has. A node
/// may claim anything, and the fee follows.
const UNASKED_GAS: u64 = 10 * GAS;

/// Makes a transaction, signs it and hands it to the node, or stops where a flag says so.
///
/// # Errors
/// What the flags do not allow, and what the node says.
pub fn send(shown: Shown, settings: &Settings, all: &All, made: Made) -> Result<()> {
    match signed(shown, settings, all, made)? {
        Some(tx) => broadcast(shown, settings, &all.sent, &tx),
        None => Ok(()),
    }
}

/// Makes a transaction and signs it; `None` where a flag says to stop before that.
///
/// # Errors
/// What the flags do not allow, and what the node says.
pub fn signed(shown: Shown, settings: &Settings, all: &All, made: Made) -> Result<Option<Transaction>> {
    let All { place: _, node: _, making, signed, sent: _, yes } = all;
    let Made { signer, messages } = made;
    if let Some(from) = &making.from {
        let from = settings.address(from)?;
        expect(from == signer, || format!("--from {from}: the message is signed by {signer}"))?;
    }
    let account = |named: &Option<String>| named.as_ref().map_or(Ok(String::new()), |text| settings.address(text));
    let (granter, payer) = (account(&making.fee_granter)?, account(&making.fee_payer)?);
    allow(payer.is_empty() || payer == signer || making.generate_only, || {
        format!(
            "--fee-payer {payer}: it signs, too, and one key signs here, {signer}; --generate-only makes it for both"
        )
    })?;
    let draft = |fee, gas| {
        let mut tx = transaction::unsigned(messages.clone(), &making.note, making.timeout_height, fee, gas);
        let fee = tx.auth_info.get_or_insert_default().fee.get_or_insert_default();
        (fee.granter, fee.payer) = (granter.clone(), payer.clone());
        tx
    };
    let entry = || settings.keyring.get(&signer, &settings.prefix);

    let prices = making.gas_prices.as_ref().or(settings.gas_prices.as_ref());
    let fee_of = |gas| match (&making.fees, prices) {
        (Some(fees), _) => amounts::coins(fees),
        (None, Some(prices)) => amounts::fee(prices, gas),
        (None, None) => Ok(vec![]),
    };

    let auto = matches!(making.gas, Gas::Auto);
    allow(!(auto && signed.offline), || "--gas auto asks a node, --offline none: give a number".into())?;
    let mut gas = match making.gas {
        Gas::Most(gas) => gas,
        Gas::Auto => GAS,
    };
    let chain_id = || settings.chain_id(signed.chain_id.as_deref());
    if auto && !making.dry_run && !making.generate_only {
        settings.demand_chain(&chain_id()?)?;
    }
    if auto || making.dry_run {
        // A fee costs gas whatever its amount; the least of each coin asks for no more than the payer has.
        let mut least = fee_of(GAS)?;
        least.iter_mut().for_each(|c| c.amount = "1".into());
        let info = simulate(settings, &entry()?, &draft(least, 0))?.gas_info.unwrap_or_default();
        gas = adjusted(info.gas_used, making.gas_adjustment)?;
        eprintln!("gas estimate: {gas}");
        if making.dry_run {
            return Ok(None);
        }
        let most = making.max_gas.or((*yes && !making.generate_only).then_some(UNASKED_GAS)).unwrap_or(u64::MAX);
        allow(gas <= most, || {
            format!("gas estimate {gas}: expected at most {most}; --max-gas takes more, and so does a yes when asked")
        })?;
    }
    let tx = draft(fee_of(gas)?, gas);
    if making.generate_only {
        shown.text(&file::document(&tx)?.to_string());
        return Ok(None);
    }
    let (chain_id, entry) = (chain_id()?, entry()?);
    if !yes {
        eprintln!("{}", yaml::yaml(&file::document(&tx)?));
        if !ask::confirm(&format!("Sign this for the chain {chain_id} and send it?"))? {
            return Err(ask::declined().into());
        }
    }
    signed_by(settings, &entry, &tx, signed, &chain_id).map(Some)
}

fn adjusted(used: u64, factor: f64) -> Result<u64, Rejected> {
    let fits = (1.0..=100.0).contains(&factor);
    expect(fits, || format!("--gas-adjustment {factor}: expected a number from 1 to 100"))?;
    Ok((used as f64 * factor).ceil() as u64)
}

/// What a transaction of this key would do.
///
/// # Errors
/// What it would fail with.
pub fn simulate(
    settings: &Settings,
    entry: &Entry,
    tx: &Transaction,
) -> Result<zektra_proto::cosmos::tx::v1beta1::SimulateResponse> {
    let client = settings.client();
    let account = client.account(&entry.address(&settings.prefix)?)?;
    let tx = transaction::named(tx, &entry.pubkey, account.sequence)?;
    client.simulate(&tx).map_err(|e| match e.simulated() {
        Some(why) => Rejected::Refused(format!("the simulation fails: {why}")).into(),
        None => anyhow::Error::from(e).context("the simulation fails"),
    })
}

/// Signs a transaction with a key of the keyring.
fn signed_by(
    settings: &Settings,
    entry: &Entry,
    tx: &Transaction,
    signed: &Signed,
    chain_id: &str,
) -> Result<Transaction> {
    let (account_number, sequence) = match (signed.account_number, signed.sequence) {
        (Some(number), Some(sequence)) => (number, sequence),
        (number, sequence) => {
            let account = settings.client().account(&entry.address(&settings.prefix)?)?;
            (number.unwrap_or(account.account_number), sequence.unwrap_or(account.sequence))
        }
    };
    let key = entry.open(&ask::passphrase(settings.backend, entry)?)?;
    transaction::sign(tx, &key, &Signing { chain_id, account_number, sequence })
}

/// `zektra tx sign`.
///
/// # Errors
/// A file that is no transaction, or that another key signs.
pub(super) fn sign(shown: Shown, sign: Sign) -> Result<()> {
    let Sign { file, from, output_document, place, node, signed } = sign;
    let settings = Settings::new(&place, Some(&node))?;
    let chain_id = settings.chain_id(signed.chain_id.as_deref())?;
    let entry = settings.keyring.get(&from, &settings.prefix)?;
    let tx = file::read(&file)?;
    let (address, signers) = (entry.address(&settings.prefix)?, signers(&settings, &tx)?);
    allow(signers.iter().all(|s| *s == address), || {
        format!(
            "{}: signed by {}, not by {from} ({address})",
            file.display(),
            signers.iter().cloned().collect::<Vec<_>>().join(", ")
        )
    })?;
    let tx = signed_by(&settings, &entry, &tx, &signed, &chain_id)?;
    let text = file::document(&tx)?.to_string();
    match output_document {
        Some(path) => files::write(&path, text.as_bytes()),
        None => {
            shown.text(&text);
            Ok(())
        }
    }
}

/// Hands a signed transaction to the node, and waits for its block if that is wanted.
///
/// # Errors
/// No answer. What the chain says of the transaction is in the response's `code`.
pub fn delivered(settings: &Settings, sent: &Sent, tx: &Transaction) -> Result<TxResponse> {
    let how = match sent.broadcast_mode {
        Mode::Sync => Broadcast::Sync,
        Mode::Async => Broadcast::Async,
    };
    let client = settings.client();
    let response = client.broadcast(&tx.encode_to_vec(), how)?;
    if !sent.wait || response.code != 0 {
        return Ok(response);
    }
    Ok(client.wait(&response.txhash, std::time::Duration::from_secs(30))?.tx_response.unwrap_or_default())
}

/// What the chain says of a transaction, if it refuses it.
///
/// # Errors
/// It does.
pub fn demand_accepted(response: &TxResponse) -> Result<(), Rejected> {
    let TxResponse { code, codespace, raw_log, txhash, .. } = response;
    allow(*code == 0, || {
        format!("the chain refuses transaction {txhash}: {raw_log} (code {code}, codespace {codespace})")
    })
}

/// Hands a signed transaction to the node, and shows what it says.
///
/// # Errors
/// What the chain says of it.
pub fn broadcast(shown: Shown, settings: &Settings, sent: &Sent, tx: &Transaction) -> Result<()> {
    let response = delivered(settings, sent, tx)?;
    let full = wire::write(&response)?;
    // A block has a height.
    shown.value(&if shown.json { full } else { short(&full, response.height > 0) });
    Ok(demand_accepted(&response)?)
}

/// What became of a transaction, in a few lines.
fn short(response: &Value, in_block: bool) -> Value {
    let names = ["height", "txhash", "code", "gas_used", "gas_wanted"];
    let names = if in_block { &names[..] } else { &names[1..3] };
    let log = (response["code"] != 0).then_some("raw_log");
    let mut out: Map<String, Value> =
        names.iter().copied().chain(log).map(|name| (name.to_string(), response[name].clone())).collect();
    // What is made here is asked for by its number.
    let events = response["events"].as_array().into_iter().flatten();
    let attributes =
        events.filter(|e| e["type"] == "submit_proposal").filter_map(|e| e["attributes"].as_array()).flatten();
    if let Some(made) = attributes.into_iter().find(|a| a["key"] == "proposal_id") {
        out.insert("proposal_id".into(), made["value"].clone());
    }
    out.into()
}

/// The accounts that sign the messages of a transaction.
fn signers(settings: &Settings, tx: &Transaction) -> Result<BTreeSet<String>> {
    let mut out = BTreeSet::new();
    for any in tx.body.iter().flat_map(|b| &b.messages) {
        let name = any.type_url.trim_start_matches('/');
        let message = wire::from_bytes(name, &any.value)?;
        let Some((.., field)) = messages().find(|(_, _, m, _)| m.full_name() == name) else { continue };
        match &message[field.name()] {
            Value::Array(inputs) => out.extend(inputs.iter().filter_map(|i| i["address"].as_str()).map(String::from)),
            value => out.extend(value.as_str().map(String::from)),
        }
    }
    out.extend(tx.auth_info.iter().filter_map(|a| a.fee.as_ref()).map(|f| f.payer.clone()).filter(|p| !p.is_empty()));
    // A validator's operator is an account.
    let operator = format!("{}valoper", settings.prefix);
    let account = |text: String| match text.parse::<AccountId>() {
        Ok(id) if id.prefix() == operator => Bech::Account.encode(&settings.prefix, &id.to_bytes()),
        _ => Ok(text),
    };
    out.into_iter().map(account).collect()
}
