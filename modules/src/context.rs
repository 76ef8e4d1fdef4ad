//! What a handler sees of its surroundings.

use crate::address::{Address, Prefix};
use crate::error::TxError;
use crate::gas::Meter;
use crate::upgrade::Migration;
use zektra_proto::Timestamp;
use zektra_proto::tendermint::abci::{Event, EventAttribute, Misbehavior};
use zektra_state::{Order, StateError, StateRead, StateWrite, scan_prefix};

/// The block that is executed, or after whose predecessor is simulated.
#[derive(Clone, Debug, Default)]
pub struct Block {
    /// The chain's id.
    pub chain_id: String,
    /// The block's height.
    pub height: u64,
    /// The block's time.
    pub time: Timestamp,
    /// The block's hash; empty outside blocks.
    pub hash: Vec<u8>,
    /// The proposer's consensus address; empty outside blocks.
    pub proposer: Vec<u8>,
    /// Who signed the block before, and who did not; empty outside blocks.
    pub votes: Vec<Vote>,
    /// What validators are accused of in this block.
    pub misbehavior: Vec<Misbehavior>,
    /// The upgrades that the program knows which executes it.
    pub migrations: &'static [Migration],
}

/// A validator's part in the commit of the block before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vote {
    /// Its consensus address.
    pub validator: Address,
    /// Its voting power then.
    pub power: u64,
    /// Whether its signature is in the commit, for the block or for none.
    pub signed: bool,
}

/// State, events, gas and block of what is being executed.
pub struct Context<'a> {
    /// The state.
    pub state: &'a mut dyn StateWrite,
    /// What happened, in order.
    pub events: &'a mut Vec<Event>,
    /// The block.
    pub block: &'a Block,
    /// The chain's address prefix.
    pub prefix: &'a Prefix,
    /// The transaction's gas.
    pub gas: &'a Meter,
}

impl Context<'_> {
    /// Emits an event.
    pub fn emit<'b>(&mut self, kind: &str, attributes: impl IntoIterator<Item = (&'b str, String)>) {
        self.events.push(event(kind, attributes));
    }

    /// An address as text.
    pub fn text(&self, address: &Address) -> String {
        self.prefix.text(address)
    }

    /// A validator's operator address as text.
    pub fn operator_text(&self, address: &Address) -> String {
        self.prefix.operator_text(address)
    }

    /// Reads an address.
    ///
    /// # Errors
    /// Text that is no address of this chain.
    pub fn parse(&self, text: &str) -> Result<Address, TxError> {
        self.prefix.parse(text)
    }
}

/// An event whose attributes are all indexed.
pub fn event<'a>(kind: &str, attributes: impl IntoIterator<Item = (&'a str, String)>) -> Event {
    let attribute = |(key, value): (&str, String)| EventAttribute { key: key.into(), value, index: true };
    Event { r#type: kind.into(), attributes: attributes.into_iter().map(attribute).collect() }
}

/// Reads a stored message.
///
/// # Errors
/// The database fails or is damaged.
pub fn load<M: prost::Message + Default>(state: &dyn StateRead, key: &[u8]) -> Result<Option<M>, StateError> {
    state.get(key)?.map(|bytes| decode(key, &bytes)).transpose()
}

fn decode<M: prost::Message + Default>(key: &[u8], bytes: &[u8]) -> Result<M, StateError> {
    M::decode(bytes).map_err(|e| StateError::Damaged(format!("{}: {e}", String::from_utf8_lossy(key))))
}

/// Reads all stored messages behind a prefix, in the order of their keys.
///
/// # Errors
/// The database fails or is damaged.
pub fn load_all<M: prost::Message + Default>(state: &dyn StateRead, prefix: &[u8]) -> Result<Vec<M>, StateError> {
    let each = |entry: Result<(Vec<u8>, Vec<u8>), StateError>| entry.and_then(|(key, value)| decode(&key, &value));
    scan_prefix(state, prefix, Order::Ascending).map(each).collect()
}

/// Reads all stored messages behind a prefix, with what follows it in their keys.
///
/// # Errors
/// The database fails or is damaged.
pub fn load_all_keyed<M: prost::Message + Default>(
    state: &dyn StateRead,
    prefix: &[u8],
) -> Result<Vec<(Vec<u8>, M)>, StateError> {
    let each = |entry: Result<(Vec<u8>, Vec<u8>), StateError>| {
        let (mut key, value) = entry?;
        let message = decode(&key, &value)?;
        Ok((key.split_off(prefix.len()), message))
    };
    scan_prefix(state, prefix, Order::Ascending).map(each).collect()
}

/// A big-endian number of a key or a value.
///
/// # Errors
/// Not eight bytes: the database is damaged.
pub fn number(bytes: &[u8]) -> Result<u64, StateError> {
    let damaged = |_| StateError::Damaged(format!("a number of {} bytes, expected 8", bytes.len()));
    bytes.try_into().map(u64::from_be_bytes).map_err(damaged)
}

/// The big-endian number that a key ends with.
///
/// # Errors
/// Fewer than eight bytes: the database is damaged.
pub fn last_number(key: &[u8]) -> Result<u64, StateError> {
    number(&key[key.len().saturating_sub(8)..])
}

/// Reads a stored number; 0 if there is none.
///
/// # Errors
/// The database fails or is damaged.
pub fn load_number(state: &dyn StateRead, key: &[u8]) -> Result<u64, StateError> {
    state.get(key)?.map_or(Ok(0), |bytes| number(&bytes))
}

/// Stores a message. One whose fields all have their defaults has no bytes: it is taken away, as an empty value has no
/// ICS-23 proof, and [`load`] gives none.
///
/// # Errors
/// A meter has run out.
pub fn save<M: prost::Message>(state: &mut dyn StateWrite, key: Vec<u8>, message: &M) -> Result<(), StateError> {
    match message.encode_to_vec() {
        bytes if bytes.is_empty() => state.delete(key),
        bytes => state.put(key, bytes),
    }
}
