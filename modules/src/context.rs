//! What a handler sees of its surroundings.

use crate::address::{Address, Prefix};
use crate::error::TxError;
use crate::gas::Meter;
use crate::upgrade::Migration;
use zektra_proto::Timestamp;
use zektra_proto::tendermint::abci::{Event, EventAttribute, Misbehavior};
use zektra_state::{StateError, StateRead, StateWrite};

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
    let Some(bytes) = state.get(key)? else { return Ok(None) };
    let damaged = |e| StateError::Damaged(format!("{}: {e}", String::from_utf8_lossy(key)));
    M::decode(&bytes[..]).map(Some).map_err(damaged)
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
