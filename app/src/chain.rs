//! The modules of the chain, and what they make of blocks and transactions.

use crate::ante::{self, GasPrice, Mode};
use crate::section::Section;
use crate::sign::{Known, Signer};
use crate::tx::{self, Handlers, Signed, Tx};
use prost::Message as _;
use rayon::prelude::*;
use std::collections::BTreeMap;
use zektra_modules::MODULES;
use zektra_modules::address::Prefix;
use zektra_modules::auth::{self, Account, account};
use zektra_modules::bank;
use zektra_modules::context::{Block, Context};
use zektra_modules::error::{Sdk, TxError};
use zektra_modules::gas::{Meter, Metered};
use zektra_modules::module::{Message, Module};
use zektra_modules::query::Service;
use zektra_proto::cosmos::base::abci::v1beta1::TxMsgData;
use zektra_proto::tendermint::abci::{Event, EventAttribute, ExecTxResult};
use zektra_state::{Changes, Layer, StateDelta, StateRead, StateWrite};

/// What the modules handle and answer.
#[derive(Debug)]
pub struct Chain {
    handlers: BTreeMap<String, Message>,
    services: BTreeMap<&'static str, Service>,
    /// Signatures that are known to be right.
    known: Known,
    /// What the node takes into its mempool.
    prices: Vec<GasPrice>,
}

impl Handlers for Chain {
    fn handler(&self, name: &str) -> Option<Message> {
        self.handlers.get(name).copied()
    }
}

/// What a transaction did.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Why it failed, if it did.
    pub error: Option<TxError>,
    /// The responses of its messages, as `TxMsgData`.
    pub data: Vec<u8>,
    /// What happened.
    pub events: Vec<Event>,
    /// The gas limit.
    pub gas_wanted: u64,
    /// The gas used.
    pub gas_used: u64,
    /// Its place in the mempool.
    pub priority: i64,
    /// The responses of its messages.
    pub responses: Vec<zektra_proto::Any>,
}

impl Outcome {
    fn failed(error: TxError) -> Self {
        Self { error: Some(error), ..Self::default() }
    }

    /// As blocks hold it.
    pub fn into_result(self) -> ExecTxResult {
        let signed = |gas: u64| i64::try_from(gas).unwrap_or(i64::MAX);
        let (code, codespace, log) = match self.error {
            Some(e) => (e.code, e.codespace.to_string(), e.log),
            None => (0, String::new(), String::new()),
        };
        ExecTxResult {
            code,
            data: self.data.into(),
            log,
            info: String::new(),
            gas_wanted: signed(self.gas_wanted),
            gas_used: signed(self.gas_used),
            events: self.events,
            codespace,
        }
    }
}

impl Chain {
    /// The chain's modules, with the prices of a node.
    pub fn new(prices: Vec<GasPrice>) -> Self {
        let messages = MODULES.iter().flat_map(|m| m.messages());
        let services = MODULES.iter().flat_map(|m| m.services());
        Self {
            handlers: messages.map(|m| (m.name(), m)).collect(),
            services: services.map(|s| (s.name(), s)).collect(),
            known: Known::default(),
            prices,
        }
    }

    /// The services of modules, by full name.
    pub fn services(&self) -> &BTreeMap<&'static str, Service> {
        &self.services
    }

    /// Reads transactions on all cores.
    pub fn read(&self, txs: &[impl AsRef<[u8]> + Sync], prefix: &Prefix) -> Vec<Result<Tx, TxError>> {
        txs.par_iter().map(|bytes| tx::decode(bytes.as_ref(), self, prefix)).collect()
    }

    /// Executes a transaction on `state`, which keeps what it may keep.
    ///
    /// # Errors
    /// The database fails: nothing can be executed any more.
    pub fn execute(
        &self,
        state: &mut impl Layer,
        tx: &Result<Tx, TxError>,
        mode: Mode,
        block: &Block,
        prefix: &Prefix,
    ) -> Result<Outcome, TxError> {
        match tx {
            Ok(tx) if mode == Mode::Genesis => self.execute_tx(state, tx, mode, u64::MAX, block, prefix),
            Ok(tx) => self.execute_tx(state, tx, mode, tx.gas_limit(), block, prefix),
            Err(e) if e.is_internal() => Err(e.clone()),
            Err(e) => Ok(Outcome::failed(e.clone())),
        }
    }

    /// Executes a transaction as [`Chain::execute`] does, without its signatures and its gas limit: `most` is the limit.
    ///
    /// # Errors
    /// The database fails.
    pub fn simulate(
        &self,
        state: &mut impl Layer,
        tx: &Result<Tx, TxError>,
        most: u64,
        block: &Block,
        prefix: &Prefix,
    ) -> Result<Outcome, TxError> {
        let Ok(tx) = tx else { return self.execute(state, tx, Mode::Simulate, block, prefix) };
        let outcome = self.execute_tx(state, tx, Mode::Simulate, most, block, prefix)?;
        // Clients know a simulation by this.
        Ok(Outcome { gas_wanted: u64::MAX, ..outcome })
    }

    fn execute_tx(
        &self,
        state: &mut impl Layer,
        tx: &Tx,
        mode: Mode,
        limit: u64,
        block: &Block,
        prefix: &Prefix,
    ) -> Result<Outcome, TxError> {
        let meter = Meter::new(limit);
        let mut out = Outcome { gas_wanted: limit, ..Outcome::default() };
        let before = |ctx: &mut Context<'_>| {
            if mode != Mode::Genesis {
                ante::demand_gas_limit(ctx, tx, mode)?;
            }
            ante::ante(ctx, tx, mode, &self.known, &self.prices)
        };
        let paid = layer(state, &meter, block, prefix, before)?;
        // Proofs cost more than they pay for: a false one never enters the mempool, and one that nobody waits for any more
        // leaves it.
        let paid = match paid {
            Ok(paid) if matches!(mode, Mode::Check | Mode::Recheck) => match verify(state, block, tx) {
                Ok(_) => Ok(paid),
                Err(e) if e.is_internal() => return Err(e),
                Err(e) => Err(e),
            },
            paid => paid,
        };
        match paid {
            // A proof that does not fit the block is left out of it with all that it would have paid.
            Ok(((), changes, _)) if mode == Mode::Propose && Section::of(tx) == Section::Proofs => {
                let mut both = StateDelta::with(&*state, changes);
                match layer(&both, &meter, block, prefix, |ctx| run_messages(ctx, tx))? {
                    Ok((_, more, _)) => {
                        both.apply(more);
                        let changes = both.into_changes();
                        state.apply(changes);
                    }
                    Err(error) => out.error = Some(error),
                }
                out.gas_used = meter.used();
                return Ok(out);
            }
            Ok(((), changes, events)) => {
                state.apply(changes);
                out.events = events;
            }
            Err(error) => {
                out.gas_used = meter.used();
                out.error = Some(error);
                return Ok(out);
            }
        }
        out.priority = ante::priority(&tx.fee, tx.gas_limit());
        if matches!(mode, Mode::Check | Mode::Recheck | Mode::Propose) {
            out.gas_used = meter.used();
            return Ok(out);
        }
        match layer(state, &meter, block, prefix, |ctx| run_messages(ctx, tx))? {
            Ok((responses, changes, events)) => {
                state.apply(changes);
                out.events.extend(events);
                out.data = TxMsgData { msg_responses: responses.clone(), ..TxMsgData::default() }.encode_to_vec();
                out.responses = responses;
            }
            Err(error) => out.error = Some(error),
        }
        out.gas_used = meter.used();
        Ok(out)
    }

    /// Reads on all cores what messages are going to read, so that execution finds it known.
    pub fn read_ahead(&self, state: &(dyn StateRead + Sync), txs: &[Result<Tx, TxError>], prefix: &Prefix) {
        txs.par_iter().flatten().flat_map_iter(|tx| &tx.messages).for_each(|(message, any)| {
            // A read that fails here fails again, with its reason, when the transaction is executed.
            message.reads(&any.value, prefix).iter().for_each(|key| drop(state.get(key)));
        });
    }

    /// Verifies the proofs of a block's transactions on all cores, so that execution finds it known: each on the state
    /// before the block, as it most often is when its turn comes.
    pub fn prove_ahead(&self, state: &(dyn StateRead + Sync), block: &Block, txs: &[Result<Tx, TxError>]) {
        let proofs = txs.par_iter().flatten().filter(|tx| Section::of(tx) == Section::Proofs);
        // A proof that is false here is looked at again, with its reason, when the transaction is executed.
        proofs.for_each(|tx| drop(verify(state, block, tx)));
    }

    /// Checks signatures of a block's transactions on all cores, and reads who pays and signs, so that execution finds
    /// it known. What cannot be checked yet is left to execution.
    pub fn verify_ahead(&self, state: &(dyn StateRead + Sync), txs: &[Result<Tx, TxError>], chain_id: &str) {
        // More signatures than this are refused when the transaction is executed.
        let most = auth::params(state).map_or(0, |params| params.tx_sig_limit);
        txs.par_iter().flatten().for_each(|tx| {
            let mut count = 0;
            for (denom, _) in tx.fee.iter() {
                let _ = bank::balance(state, &tx.payer, denom);
            }
            for (k, address) in tx.signers.iter().enumerate() {
                let (Some(info), Some(signature)) = (tx.auth.signer_infos.get(k), tx.raw.signatures.get(k)) else {
                    break;
                };
                let Ok(Some(Account::Base(account))) = account(state, address) else { continue };
                let Some(mode) = &info.mode_info else { continue };
                // A key that the account does not have is refused when the transaction is executed.
                let brought = tx.key(k).filter(|_| account.pub_key.is_none() || account.pub_key == info.public_key);
                let held;
                let key = match (brought, &account.pub_key) {
                    (Some(key), _) => key,
                    (None, Some(any)) => {
                        held = crate::sign::Key::from_any(any);
                        &held
                    }
                    (None, None) => continue,
                };
                let Ok(key) = key else { continue };
                count += key.count() as u64;
                if count > most {
                    break;
                }
                let (account_number, sequence) = (account.account_number, info.sequence);
                let signer = Signer { chain_id, account_number, sequence };
                // A wrong signature is found again, with its reason, when the transaction is executed.
                if crate::sign::verify(&self.known, tx, &signer, key, mode, signature).is_ok() {
                    tx.note_right(k, Signed { key: key.clone(), account_number, sequence });
                }
            }
        });
    }
}

/// Verifies the proofs of a transaction; what that costs in verification units.
///
/// # Errors
/// A false one, or one that cannot be used now.
pub fn verify(state: &dyn StateRead, block: &Block, tx: &Tx) -> Result<u64, TxError> {
    let costs = tx.messages.iter().map(|(message, any)| message.verify(&any.value, state, block));
    costs.sum::<Result<u64, TxError>>()
}

type Layered<T> = Result<(T, Changes, Vec<Event>), TxError>;

/// Runs `work` on a layer of its own over `state`: its changes and events, or its error.
fn layer<T>(
    state: &impl StateRead,
    meter: &Meter,
    block: &Block,
    prefix: &Prefix,
    work: impl FnOnce(&mut Context<'_>) -> Result<T, TxError>,
) -> Result<Layered<T>, TxError> {
    let mut delta = StateDelta::new(state);
    let mut events = vec![];
    let done = {
        let mut metered = Metered::new(&mut delta, meter);
        work(&mut Context { state: &mut metered, events: &mut events, block, prefix, gas: meter })
    };
    match done {
        Ok(value) => Ok(Ok((value, delta.into_changes(), events))),
        Err(e) if e.is_internal() => Err(e),
        Err(e) => Ok(Err(e)),
    }
}

fn run_messages(ctx: &mut Context<'_>, tx: &Tx) -> Result<Vec<zektra_proto::Any>, TxError> {
    let mut responses = vec![];
    let sender = tx.signers.first().map(|a| ctx.text(a)).unwrap_or_default();
    for (k, (message, any)) in tx.messages.iter().enumerate() {
        let module = any.type_url.split('.').nth(1).unwrap_or_default().to_string();
        let first = ctx.events.len();
        let about = [("action", any.type_url.clone()), ("sender", sender.clone()), ("module", module)];
        ctx.emit("message", about);
        let done = message.run(&any.value, ctx);
        let what = format!("failed to execute message; message index: {k}");
        responses.push(done.map_err(|e| if e.is_internal() { e } else { e.within(what) })?);
        let index = EventAttribute { key: "msg_index".into(), value: k.to_string(), index: true };
        ctx.events[first..].iter_mut().for_each(|e| e.attributes.push(index.clone()));
    }
    Ok(responses)
}

/// Runs a block's beginning or end: `each` module in order, on `state` itself.
///
/// # Errors
/// A module fails: the node stops.
pub fn at_block<T>(
    state: &mut dyn StateWrite,
    block: &Block,
    prefix: &Prefix,
    mode: &str,
    mut each: impl FnMut(&'static dyn Module, &mut Context<'_>) -> Result<Vec<T>, TxError>,
) -> Result<(Vec<T>, Vec<Event>), TxError> {
    let (meter, mut events, mut out) = (Meter::endless(), vec![], vec![]);
    for module in MODULES {
        let mut ctx = Context { state: &mut *state, events: &mut events, block, prefix, gas: &meter };
        out.extend(each(module, &mut ctx)?);
    }
    let mark = EventAttribute { key: "mode".into(), value: mode.into(), index: true };
    events.iter_mut().for_each(|e: &mut Event| e.attributes.push(mark.clone()));
    Ok((out, events))
}

/// The result of a transaction that the block has no gas for.
pub fn out_of_block_gas() -> Outcome {
    Outcome::failed(Sdk::OutOfGas.wrap("no block gas left to run tx"))
}
