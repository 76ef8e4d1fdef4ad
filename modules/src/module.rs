//! How modules, messages and services are declared.

use crate::MODULES;
use crate::address::{Address, Prefix};
use crate::context::{Block, Context};
use crate::error::{Sdk, TxError};
use crate::query::Service;
use prost::{Message as _, Name};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::LazyLock;
use zektra_proto::Any;
use zektra_proto::tendermint::abci::ValidatorUpdate;
use zektra_state::StateRead;

/// A state machine.
pub trait Module: Sync {
    /// Its name: the key of its part of the genesis file, the codespace of its errors.
    fn name(&self) -> &'static str;

    /// The version of its state: it goes up with an upgrade that changes what its keys hold.
    fn version(&self) -> u64 {
        1
    }

    /// The messages that it handles.
    fn messages(&self) -> Vec<Message> {
        vec![]
    }

    /// The services that it answers.
    fn services(&self) -> Vec<Service> {
        vec![]
    }

    /// What a genesis file holds for it if nothing else is said, on a chain whose own coin has this denomination.
    fn default_genesis(&self, native: &str) -> Value;

    /// Checks its part of a genesis file, without a state.
    ///
    /// # Errors
    /// Which field holds what, and what was expected.
    fn check_genesis(&self, genesis: &Value, prefix: &Prefix) -> Result<(), GenesisError>;

    /// Writes the state from its part of the genesis file, which was checked.
    ///
    /// # Errors
    /// A contradiction between modules; the database fails.
    fn init_genesis(&self, ctx: &mut Context<'_>, genesis: &Value) -> Result<Vec<ValidatorUpdate>, GenesisError>;

    /// Its part of a genesis file that gives this state again.
    ///
    /// # Errors
    /// The database fails.
    fn export_genesis(&self, state: &dyn StateRead, prefix: &Prefix) -> Result<Value, GenesisError>;

    /// What it does before the transactions of a block.
    ///
    /// # Errors
    /// A failure stops the node.
    fn begin_block(&self, _ctx: &mut Context<'_>) -> Result<(), TxError> {
        Ok(())
    }

    /// What it does after the transactions of a block; changes of validators.
    ///
    /// # Errors
    /// A failure stops the node.
    fn end_block(&self, _ctx: &mut Context<'_>) -> Result<Vec<ValidatorUpdate>, TxError> {
        Ok(vec![])
    }

    /// Checks what must hold after every block.
    ///
    /// # Errors
    /// What does not hold.
    fn check_invariants(&self, _state: &dyn StateRead) -> Result<(), TxError> {
        Ok(())
    }
}

/// A genesis file that is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("app_state.{field}: {found}, expected {expected}")]
pub struct GenesisError {
    /// Where, from the module's name on.
    pub field: String,
    /// What stands there.
    pub found: String,
    /// What was expected.
    pub expected: String,
}

impl GenesisError {
    /// An error of a field.
    pub fn new(field: impl Into<String>, found: impl ToString, expected: impl Into<String>) -> Self {
        Self { field: field.into(), found: found.to_string(), expected: expected.into() }
    }
}

/// Reads a module's part of the genesis file into its message.
///
/// # Errors
/// A field that is unknown or of another type.
pub fn read_genesis<M: prost::Message + Name + Default>(module: &str, genesis: &Value) -> Result<M, GenesisError> {
    zektra_proto::json::read(genesis).map_err(|e| {
        let expected = format!("a {}", M::full_name());
        match zektra_proto::json::culprit(&M::full_name(), genesis) {
            Some((path, found)) => {
                GenesisError::new(format!("{module}.{path}"), format!("{found}: {}", e.why), expected)
            }
            None => GenesisError::new(module, e.why, expected),
        }
    })
}

/// An error while a module's part is written or exported.
pub fn failed<E: std::fmt::Display>(module: &'static str) -> impl Fn(E) -> GenesisError {
    // A file that contradicts itself makes a state that looks damaged; no database is.
    move |e| {
        let found = e.to_string();
        let found = found.strip_prefix("the database is damaged: ").unwrap_or(&found);
        GenesisError::new(module, found, "parts that fit together and a state that can be written and read")
    }
}

/// A message that can stand in a transaction.
pub trait Handler: prost::Message + Name + Default {
    /// What its handler gives back.
    type Response: prost::Message + Name;

    /// Whether it carries a proof. Such a message stands in a transaction of its own, never within another message: only
    /// there proposers and validators find it, count what it takes, and verify it before they vote.
    const CARRIES_PROOF: bool = false;

    /// Who must sign, as text.
    fn signers(&self) -> Vec<&str>;

    /// What can be said without the state.
    ///
    /// # Errors
    /// Fields that no state could make right.
    fn check(&self, prefix: &Prefix) -> Result<(), TxError>;

    /// Keys that its handler is going to read, so that they can be read ahead on all cores: what is left out costs time
    /// and nothing else.
    fn reads(&self, _prefix: &Prefix) -> Vec<Vec<u8>> {
        vec![]
    }

    /// Verifies the proof that the message carries, as its handler is going to: the answer is remembered. Gives what that
    /// costs in verification units, 0 without a proof.
    ///
    /// # Errors
    /// The handler would refuse it.
    fn verify(&self, _state: &dyn StateRead, _block: &Block) -> Result<u64, TxError> {
        Ok(0)
    }

    /// Executes the message. What it wrote is dropped if it fails.
    ///
    /// # Errors
    /// The message does not fit the state.
    fn handle(self, ctx: &mut Context<'_>) -> Result<Self::Response, TxError>;
}

type Check = fn(&[u8], &Prefix) -> Result<Vec<Address>, TxError>;
type Reads = fn(&[u8], &Prefix) -> Vec<Vec<u8>>;
type Verify = fn(&[u8], &dyn StateRead, &Block) -> Result<u64, TxError>;
type Run = fn(&[u8], &mut Context<'_>) -> Result<Any, TxError>;

/// A message's functions, by its type's name.
#[derive(Clone, Copy, Debug)]
pub struct Message {
    name: fn() -> String,
    carries_proof: bool,
    check: Check,
    reads: Reads,
    verify: Verify,
    run: Run,
}

impl Message {
    /// The functions of a message type.
    pub fn of<M: Handler>() -> Self {
        Self {
            name: M::full_name,
            carries_proof: M::CARRIES_PROOF,
            check: |bytes, prefix| {
                let message = decode::<M>(bytes)?;
                message.check(prefix)?;
                let mut signers: Vec<Address> = vec![];
                for text in message.signers() {
                    let address = prefix.parse_signer(text)?;
                    if !signers.contains(&address) {
                        signers.push(address);
                    }
                }
                Ok(signers)
            },
            reads: |bytes, prefix| decode::<M>(bytes).map(|message| message.reads(prefix)).unwrap_or_default(),
            verify: |bytes, state, block| decode::<M>(bytes)?.verify(state, block),
            run: |bytes, ctx| {
                let response = decode::<M>(bytes)?.handle(ctx)?;
                let type_url = format!("/{}", M::Response::full_name());
                Ok(Any { type_url, value: response.encode_to_vec() })
            },
        }
    }

    /// The full name of its type: `cosmos.bank.v1beta1.MsgSend`.
    pub fn name(&self) -> String {
        (self.name)()
    }

    /// Whether it carries a proof: [`Handler::CARRIES_PROOF`].
    pub fn carries_proof(&self) -> bool {
        self.carries_proof
    }

    /// Checks what needs no state, and gives the signers, each once.
    ///
    /// # Errors
    /// The message can never be executed.
    pub fn check(&self, bytes: &[u8], prefix: &Prefix) -> Result<Vec<Address>, TxError> {
        (self.check)(bytes, prefix)
    }

    /// Keys that it is going to read, as far as it says so.
    pub fn reads(&self, bytes: &[u8], prefix: &Prefix) -> Vec<Vec<u8>> {
        (self.reads)(bytes, prefix)
    }

    /// Verifies the proof that it carries: [`Handler::verify`].
    ///
    /// # Errors
    /// The handler would refuse it.
    pub fn verify(&self, bytes: &[u8], state: &dyn StateRead, block: &Block) -> Result<u64, TxError> {
        (self.verify)(bytes, state, block)
    }

    /// Executes it and gives its response.
    ///
    /// # Errors
    /// It does not fit the state.
    pub fn run(&self, bytes: &[u8], ctx: &mut Context<'_>) -> Result<Any, TxError> {
        (self.run)(bytes, ctx)
    }
}

/// The functions of a message type by its full name; `None` if no module handles it.
pub fn handler(name: &str) -> Option<Message> {
    static ALL: LazyLock<BTreeMap<String, Message>> =
        LazyLock::new(|| MODULES.iter().flat_map(|m| m.messages()).map(|m| (m.name(), m)).collect());
    ALL.get(name).copied()
}

/// The functions of the message in an `Any`.
///
/// # Errors
/// No module handles it.
pub fn handler_of(any: &Any) -> Result<Message, TxError> {
    let name = any.type_url.strip_prefix('/').unwrap_or(&any.type_url);
    let unknown = || Sdk::UnknownRequest.wrap(format!("no message handler found for {}", any.type_url));
    handler(name).ok_or_else(unknown)
}

fn decode<M: Handler>(bytes: &[u8]) -> Result<M, TxError> {
    M::decode(bytes).map_err(|e| Sdk::TxDecode.wrap(format!("{}: {e}", M::full_name())))
}
