//! A block's execution: its transactions, its root, what searches need.

use crate::ante::Mode;
use crate::app::{App, AppError, Executed, Identity, TIME};
use crate::chain::at_block;
use crate::index::Writer;
use crate::tx::Tx;
use std::sync::mpsc::Sender;
use std::time::Instant;
use zektra_modules::context::{Block, save};
use zektra_modules::error::TxError;
use zektra_modules::{consensus, upgrade};
use zektra_proto::tendermint::abci::{Event, ExecTxResult, ValidatorUpdate};
use zektra_proto::tendermint::types::ConsensusParams;
use zektra_state::{Changes, Held, Memo, StateDelta, StateError, StateRead};
use zektra_store::IndexBatch;

/// Results that go from one thread to another at once: their entries in the index are sorted together.
const TOLD_AT_ONCE: usize = 2048;

/// What executing a block gave.
#[derive(Clone, Debug)]
pub struct BlockOutcome {
    /// A result for each transaction.
    pub results: Vec<ExecTxResult>,
    /// Events of the block itself.
    pub events: Vec<Event>,
    /// Changes of validators.
    pub validators: Vec<ValidatorUpdate>,
    /// The parameters of consensus from the next height on, if they changed.
    pub params: Option<ConsensusParams>,
    /// The root of the state after it.
    pub root: Vec<u8>,
}

/// What a block does, its transactions' results aside.
struct Done {
    events: Vec<Event>,
    validators: Vec<ValidatorUpdate>,
    params: Option<ConsensusParams>,
    changes: Changes,
    /// What the changed keys held before.
    held: Held,
}

impl App {
    /// Executes a block on the last committed state; nothing is written.
    ///
    /// # Errors
    /// A height that does not follow; the database or a module fails; the chain waits for another program.
    pub fn execute(&self, block: Block, txs: &[impl AsRef<[u8]> + Sync]) -> Result<BlockOutcome, AppError> {
        let identity = self.known()?;
        let block = Block { migrations: self.0.config.migrations, ..block };
        let mut working = self.working();
        // Whatever was executed before and not committed is forgotten.
        working.block = None;
        let last = self.0.store.last()?.map(|(height, _)| height);
        let expected = match (&working.genesis, last) {
            (_, Some(last)) => last.saturating_add(1),
            (Some(genesis), None) => genesis.block.height,
            (None, None) => return Err(AppError::Order("a block before the genesis".into())),
        };
        if block.height != expected {
            let (height, chain) = (block.height, &identity.chain_id);
            return Err(AppError::Order(format!("block {height} of {chain}, expected block {expected}")));
        }
        let genesis = working.genesis.as_ref().filter(|_| last.is_none());
        let base = StateDelta::with(self.0.store.latest()?, genesis.map(|g| g.changes.clone()).unwrap_or_default());
        let begun = Instant::now();
        let (tell, told) = std::sync::mpsc::channel::<Vec<ExecTxResult>>();
        let take_in = || -> Result<(Vec<ExecTxResult>, IndexBatch), StateError> {
            let mut index = Writer::new(&self.0.store, &block);
            let mut results = Vec::with_capacity(txs.len());
            for some in told {
                index.add(&txs[results.len()..], &some)?;
                results.extend(some);
            }
            Ok((results, index.into_batch()))
        };
        // One thread executes and makes the tree; another makes what searches need of the results. It is none of
        // rayon's: one that waits here could be the one that execution waits for.
        let (done, taken_in) = std::thread::scope(|threads| {
            let taken_in = threads.spawn(take_in);
            let done = self.execute_on(base, &block, txs, &identity, tell).and_then(|done| {
                let Done { events, validators, params, changes, held } = done;
                let staged = self.0.store.stage(block.height, changes, &held, genesis.map(|g| &g.staged))?;
                dropped_aside(held);
                Ok((events, validators, params, staged))
            });
            (done, taken_in.join())
        });
        let (events, validators, params, staged) = done?;
        let (results, index) = taken_in.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        let root = staged.root().to_vec();
        let failed = results.iter().filter(|r| r.code != 0).count() as u64;
        let gas = results.iter().map(|r| r.gas_used.unsigned_abs()).fold(0u64, u64::saturating_add);
        self.0.metrics.executed(txs.len() as u64, failed, gas, begun.elapsed());
        working.block = Some(Executed { staged, block, index });
        Ok(BlockOutcome { results, events, validators, params, root })
    }

    /// Executes a block and tells the results of its transactions, in their order.
    fn execute_on<S: StateRead + Send + Sync>(
        &self,
        base: S,
        block: &Block,
        txs: &[impl AsRef<[u8]> + Sync],
        identity: &Identity,
        tell: Sender<Vec<ExecTxResult>>,
    ) -> Result<Done, AppError> {
        let (chain, prefix) = (&self.0.chain, &identity.prefix);
        let module = |when| {
            move |error: TxError| match upgrade::is_halt(&error) {
                true => AppError::Halt(error.log),
                false => AppError::Module { when, error },
            }
        };
        let read = chain.read(txs, prefix);
        let mut state = Memo::new(base);
        let before = consensus::params(&state)?;
        chain.verify_ahead(&state, &read, &identity.chain_id);
        chain.read_ahead(&state, &read, prefix);
        chain.prove_ahead(&state, block, &read);
        let begin =
            at_block(&mut state, block, prefix, "BeginBlock", |m, ctx| m.begin_block(ctx).map(|()| Vec::<()>::new()));
        let (_, mut events) = begin.map_err(module("beginning"))?;
        self.execute_txs(&mut state, block, &read, identity, tell).map_err(module("transactions"))?;
        let end = at_block(&mut state, block, prefix, "EndBlock", |m, ctx| m.end_block(ctx));
        let (validators, more) = end.map_err(module("end"))?;
        events.extend(more);
        save(&mut state, TIME.to_vec(), &block.time)?;
        let params = consensus::changed(&before, &state)?;
        dropped_aside(read);
        let (changes, held) = state.into_changes();
        Ok(Done { events, validators, params, changes, held })
    }

    fn execute_txs<S: StateRead>(
        &self,
        state: &mut Memo<S>,
        block: &Block,
        txs: &[Result<Tx, TxError>],
        identity: &Identity,
        tell: Sender<Vec<ExecTxResult>>,
    ) -> Result<(), TxError> {
        let most = consensus::max_gas(state)?;
        let mut used = 0u64;
        for some in txs.chunks(TOLD_AT_ONCE) {
            let mut results = Vec::with_capacity(some.len());
            for tx in some {
                let outcome = if most.is_some_and(|most| used >= most) {
                    crate::chain::out_of_block_gas()
                } else {
                    self.0.chain.execute(state, tx, Mode::Deliver, block, &identity.prefix)?
                };
                used = used.saturating_add(outcome.gas_used);
                results.push(outcome.into_result());
            }
            // Whoever listens does so until the end, or says itself why not.
            let _ = tell.send(results);
        }
        Ok(())
    }
}

/// What a large block leaves takes as long to drop as some of its parts to compute.
pub(crate) fn dropped_aside(left: impl Send + 'static) {
    rayon::spawn(move || drop(left));
}
