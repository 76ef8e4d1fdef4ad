//! An account that sends messages and waits until they are in a block.

use super::amounts;
use super::client::{Broadcast, Client};
use super::transaction::{self, Signing};
use anyhow::{Context as _, Result};
use prost::{Message, Name};
use std::time::Duration;
use zektra_proto::Any;
use zektra_proto::cosmos::base::abci::v1beta1::{TxMsgData, TxResponse};
use zektra_wallet::key::Key;
use zektra_wallet::rejected::{Rejected, allow};

/// How much more gas is paid for than a simulation takes.
const MORE: f64 = 1.4;
/// How long a message may take into a block.
const LONGEST: Duration = Duration::from_secs(120);

/// An account with its key.
pub struct Account {
    client: Client,
    chain_id: String,
    key: Key,
    address: String,
    prices: String,
}

/// A message in its envelope.
pub fn any<M: Message + Name>(message: &M) -> Any {
    Any { type_url: format!("/{}", M::full_name()), value: message.encode_to_vec() }
}

impl Account {
    /// An account that pays these prices of gas.
    ///
    /// # Errors
    /// A key without an address.
    pub fn new(client: Client, chain_id: &str, key: Key, prefix: &str, prices: &str) -> Result<Self> {
        let address = zektra_wallet::keyring::address(&key.public(), prefix)?;
        Ok(Self { client, chain_id: chain_id.into(), key, address, prices: prices.into() })
    }

    /// Its address.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The chain.
    pub fn chain_id(&self) -> &str {
        &self.chain_id
    }

    /// The node that it asks.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Sends messages in one transaction and waits until it is in a block.
    ///
    /// # Errors
    /// What they fail with, or no block that takes them.
    pub fn send(&self, messages: Vec<Any>) -> Result<TxResponse> {
        let account = self.client.account(&self.address)?;
        let mut least = amounts::fee(&self.prices, 1_000_000)?;
        least.iter_mut().for_each(|c| c.amount = "1".into());
        let draft = transaction::unsigned(messages.clone(), "", 0, least, 0);
        let draft = transaction::named(&draft, &self.key.public(), account.sequence)?;
        let simulated = self.client.simulate(&draft).map_err(|e| {
            let Some(why) = e.simulated() else { return anyhow::Error::from(e) };
            let why = why.strip_prefix("failed to execute message; message index: 0: ").unwrap_or(why);
            Rejected::Refused(format!("the chain refuses it: {why}")).into()
        })?;
        let used = simulated.gas_info.unwrap_or_default().gas_used;
        let gas = (used as f64 * MORE) as u64;
        let tx = transaction::unsigned(messages, "", 0, amounts::fee(&self.prices, gas)?, gas);
        let signing =
            Signing { chain_id: &self.chain_id, account_number: account.account_number, sequence: account.sequence };
        let tx = transaction::sign(&tx, &self.key, &signing)?;
        let sent = self.client.broadcast(&tx.encode_to_vec(), Broadcast::Sync)?;
        accepted(&sent)?;
        let found = self.client.wait(&sent.txhash, LONGEST)?.tx_response.unwrap_or_default();
        accepted(&found)?;
        Ok(found)
    }
}

fn accepted(response: &TxResponse) -> Result<()> {
    let TxResponse { code, codespace, raw_log, .. } = response;
    Ok(allow(*code == 0, || format!("the chain refuses it: {raw_log} (code {code}, codespace {codespace})"))?)
}

/// What the messages of a transaction answered.
///
/// # Errors
/// Bytes that are no answers.
pub fn answers(response: &TxResponse) -> Result<Vec<Any>> {
    let bytes = hex::decode(&response.data).context("the transaction's data")?;
    Ok(TxMsgData::decode(&bytes[..])?.msg_responses)
}

/// What the first message of a transaction answered.
///
/// # Errors
/// An answer of another type.
pub fn answer<M: Message + Name + Default>(response: &TxResponse) -> Result<M> {
    let answers = answers(response)?;
    let first = answers.first().context("a transaction without answers")?;
    let expected = format!("/{}", M::full_name());
    anyhow::ensure!(first.type_url == expected, "an answer of type {}, expected {expected}", first.type_url);
    Ok(M::decode(&first.value[..])?)
}
