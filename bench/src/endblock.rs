//! What begins and ends blocks of a large set of validators, on the database.

use crate::driven::folder;
use crate::report::{Bar, Report, Samples};
use serde_json::{Value, json};
use std::path::Path;
use std::time::{Duration, Instant};
use zektra_app::chain::at_block;
use zektra_modules::address::{Address, Prefix};
use zektra_modules::coin::coin;
use zektra_modules::context::{Block, Context, Vote};
use zektra_modules::decimal::Dec;
use zektra_modules::gas::Meter;
use zektra_modules::module::Handler;
use zektra_modules::staking::{self, Description, Status, Validator};
use zektra_modules::{MODULES, TxError, bank, consensus, power};
use zektra_proto::Timestamp;
use zektra_proto::cosmos::bank::v1beta1::{Balance, GenesisState as BankState};
use zektra_proto::cosmos::staking::v1beta1::{Delegation, GenesisState, MsgDelegate, MsgUndelegate};
use zektra_proto::tendermint::types::{BlockParams, ConsensusParams, EvidenceParams, ValidatorParams};
use zektra_state::{Changes, Held, Memo, StateDelta, StateRead};
use zektra_store::{Options, Snapshot, Store};

const NATIVE: &str = "uzektra";
const VALIDATORS: u64 = 100;
/// Delegations of each validator.
const EACH: u64 = 1000;
/// Tokens of a delegation.
const TOKENS: u128 = 10_000_000;
/// Powers that change in a block, and unbondings that end in one.
const CHANGED: u64 = 10;
const MATURING: u64 = 1000;
/// Blocks that find empty caches.
const WARM: usize = 3;
const UNBONDING: i64 = 21 * 24 * 3600;

/// Begins and ends of blocks in which nothing ends, in which powers change, and in which unbondings end.
///
/// # Errors
/// A module fails; a full disk.
pub fn run(report: &mut Report) -> anyhow::Result<()> {
    let blocks = if report.quick { 10 } else { 40 };
    let place = folder("endblock")?;
    let mut chain = Chain::begin(place.path())?;
    report.note(format!("  {VALIDATORS} validators, {} delegations", VALIDATORS * EACH));
    let mut rows = vec![];
    let mut figures = vec![];
    for (name, powers) in [("a block", 0), ("10 powers change", CHANGED)] {
        let mut times: [Samples; 3] = Default::default();
        for block in 0..WARM + blocks {
            let took = chain.block(5, |block| block.delegate(powers))?;
            if block >= WARM {
                times.iter_mut().zip([took.begin, took.end, took.staking]).for_each(|(s, t)| s.push_micros(t));
            }
        }
        for (part, samples) in ["begin", "end", "end of staking"].into_iter().zip(&times) {
            let cells = [samples.min(), samples.median(), samples.max()].map(|us| format!("{:.2}", us / 1e3));
            rows.push([vec![format!("{name}: {part}")], cells.to_vec()].concat());
        }
        figures.push(times.map(|samples| samples.median() / 1e3));
    }
    // All begin to leave in one block, and are free in another.
    chain.block(5, |block| block.undelegate())?;
    let took = chain.block(UNBONDING + 1, |_| Ok(()))?;
    for (part, time) in [("begin", took.begin), ("end", took.end)] {
        rows.push(vec![format!("1,000 unbondings end: {part}"), format!("{:.2}", time.as_secs_f64() * 1e3)]);
    }
    report.table(&["ms", "least", "median", "most"], &rows);
    let [quiet, changed] = figures[..] else { anyhow::bail!("two kinds of blocks were measured") };
    report.figure("endblock", quiet[0] + quiet[1], "ms begin and end", Some(Bar::AtMost(20.0)))?;
    report.figure("endblock.update", changed[2], "ms", Some(Bar::AtMost(5.0)))?;
    report.figure("endblock.unbondings", took.end.as_secs_f64() * 1e3, "ms", None)
}

/// What parts of a block took.
struct Taken {
    begin: Duration,
    end: Duration,
    /// Of the end: changes of validators and what leaves.
    staking: Duration,
}

/// A chain without transactions of its own.
struct Chain {
    store: Store,
    prefix: Prefix,
    block: Block,
}

type State = Memo<StateDelta<Snapshot>>;

fn operator(k: u64) -> Address {
    Address::of_module(&format!("validator {k}"))
}

fn delegator(k: u64) -> Address {
    Address::of_module(&format!("delegator {k}"))
}

fn key(k: u64) -> [u8; 32] {
    std::array::from_fn(|i| if i < 8 { k.to_be_bytes()[i] } else { 1 })
}

fn validator(k: u64) -> Validator {
    let mut v = Validator::new(operator(k), key(k), Description { moniker: k.to_string(), ..Description::default() });
    // No two weigh the same.
    v.tokens = u128::from(EACH) * TOKENS + u128::from(k) * 1_000_000;
    v.shares = Dec::whole(v.tokens);
    v.status = Status::Unbonded;
    v.commission.rate = Dec::percent(5);
    v
}

impl Chain {
    fn begin(folder: &Path) -> anyhow::Result<Self> {
        let store = Store::open(folder, Options::default())?;
        let prefix = Prefix::new("zektra").map_err(anyhow::Error::msg)?;
        let time = Timestamp { seconds: 1_760_000_000, nanos: 0 };
        let mut chain = Self { store, prefix, block: Block { time, ..Block::default() } };
        let mut state = chain.state()?;
        consensus::set_params(&mut state, &params())?;
        let (meter, mut events) = (Meter::endless(), vec![]);
        for module in MODULES {
            let mut part = module.default_genesis(NATIVE);
            match module.name() {
                bank::NAME => part = chain.balances(part)?,
                staking::NAME => part = chain.delegations(part)?,
                _ => {}
            }
            let Self { block, prefix, .. } = &chain;
            let mut ctx = Context { state: &mut state, events: &mut events, block, prefix, gas: &meter };
            module.init_genesis(&mut ctx, &part)?;
        }
        // Votes are not the weights.
        for k in 0..VALIDATORS {
            let Self { block, prefix, .. } = &chain;
            let mut ctx = Context { state: &mut state, events: &mut events, block, prefix, gas: &meter };
            power::set(&mut ctx, &operator(k), 10_000 + 20 * k as u32)?;
        }
        chain.commit(state)?;
        Ok(chain)
    }

    fn balances(&self, part: Value) -> anyhow::Result<Value> {
        let mut state: BankState = zektra_proto::json::read(&part)?;
        let held = |address: Address, amount| Balance {
            address: self.prefix.text(&address),
            coins: vec![coin(NATIVE, amount)],
        };
        let staked = (0..VALIDATORS).map(|k| validator(k).tokens).sum();
        state.balances = (0..VALIDATORS * EACH).map(|k| held(delegator(k), TOKENS * 100)).collect();
        state.balances.push(held(staking::pool::address(staking::pool::NOT_BONDED), staked));
        Ok(zektra_proto::json::write(&state)?)
    }

    fn delegations(&self, mut part: Value) -> anyhow::Result<Value> {
        part["params"]["max_validators"] = json!(VALIDATORS);
        let mut state: GenesisState = zektra_proto::json::read(&part)?;
        for k in 0..VALIDATORS {
            let v = validator(k);
            let validator_address = self.prefix.operator_text(&v.operator);
            for d in 0..EACH {
                // The first has what the others leave.
                let tokens = if d == 0 { v.tokens - u128::from(EACH - 1) * TOKENS } else { TOKENS };
                state.delegations.push(Delegation {
                    delegator_address: self.prefix.text(&delegator(k * EACH + d)),
                    validator_address: validator_address.clone(),
                    shares: Dec::whole(tokens).digits(),
                });
            }
            state.validators.push(v.to_proto(validator_address));
        }
        Ok(zektra_proto::json::write(&state)?)
    }

    /// The state as a block's execution has it.
    fn state(&self) -> anyhow::Result<State> {
        Ok(Memo::new(StateDelta::with(self.store.latest()?, Changes::new())))
    }

    fn commit(&mut self, state: State) -> anyhow::Result<()> {
        let (changes, held): (Changes, Held) = state.into_changes();
        let staged = self.store.stage(self.block.height, changes, &held, None)?;
        Ok(self.store.commit(&[staged], self.store.index_batch())?)
    }

    /// A block that comes so many seconds after the one before, all of whose votes are in.
    fn block(
        &mut self,
        seconds: i64,
        act: impl FnOnce(&mut Working<'_>) -> anyhow::Result<()>,
    ) -> anyhow::Result<Taken> {
        let mut state = self.state()?;
        let votes = votes(&state)?;
        let height = self.block.height + 1;
        let time = Timestamp { seconds: self.block.time.seconds + seconds, nanos: 0 };
        let proposer = votes.first().map(|v| v.validator.bytes().to_vec()).unwrap_or_default();
        self.block = Block { height, time, votes, proposer, hash: vec![7; 32], ..Block::default() };
        let Self { block, prefix, .. } = &*self;
        let begun = Instant::now();
        at_block(&mut state, block, prefix, "BeginBlock", |m, ctx| m.begin_block(ctx).map(|()| Vec::<()>::new()))?;
        let begin = begun.elapsed();
        act(&mut Working { state: &mut state, block, prefix })?;
        let mut of_staking = Duration::ZERO;
        let begun = Instant::now();
        at_block(&mut state, block, prefix, "EndBlock", |m, ctx| {
            let begun = Instant::now();
            let updates = m.end_block(ctx);
            if m.name() == staking::NAME {
                of_staking = begun.elapsed();
            }
            updates
        })?;
        let end = begun.elapsed();
        self.commit(state)?;
        Ok(Taken { begin, end, staking: of_staking })
    }
}

/// A block in which messages are executed.
struct Working<'a> {
    state: &'a mut State,
    block: &'a Block,
    prefix: &'a Prefix,
}

impl Working<'_> {
    fn run<M: Handler>(&mut self, message: M) -> Result<(), TxError> {
        let (meter, mut events) = (Meter::endless(), vec![]);
        let Self { state, block, prefix } = self;
        let mut ctx = Context { state: &mut **state, events: &mut events, block, prefix, gas: &meter };
        message.handle(&mut ctx).map(drop)
    }

    /// Changes as many powers by one.
    fn delegate(&mut self, powers: u64) -> anyhow::Result<()> {
        for k in 0..powers {
            let delegator_address = self.prefix.text(&delegator(k * EACH + 1));
            let validator_address = self.prefix.operator_text(&operator(k));
            let amount = Some(coin(NATIVE, 1_000_000));
            self.run(MsgDelegate { delegator_address, validator_address, amount })?;
        }
        Ok(())
    }

    /// Some delegators of all validators leave.
    fn undelegate(&mut self) -> anyhow::Result<()> {
        for k in (0..VALIDATORS * EACH).step_by((VALIDATORS * EACH / MATURING) as usize) {
            let delegator_address = self.prefix.text(&delegator(k));
            let validator_address = self.prefix.operator_text(&operator(k / EACH));
            let amount = Some(coin(NATIVE, TOKENS / 2));
            self.run(MsgUndelegate { delegator_address, validator_address, amount })?;
        }
        Ok(())
    }
}

fn params() -> ConsensusParams {
    let age = zektra_proto::comet::Duration { seconds: UNBONDING, nanos: 0 };
    ConsensusParams {
        block: Some(BlockParams { max_bytes: 1 << 20, max_gas: -1 }),
        evidence: Some(EvidenceParams { max_age_num_blocks: 100_000, max_age_duration: Some(age), max_bytes: 1 << 16 }),
        validator: Some(ValidatorParams { pub_key_types: vec!["ed25519".into()] }),
        ..ConsensusParams::default()
    }
}

/// Votes of all that consensus was told of.
fn votes(state: &dyn StateRead) -> anyhow::Result<Vec<Vote>> {
    let vote = |(operator, power): (Address, u64)| {
        let validator = staking::known(state, &operator)?.consensus();
        Ok(Vote { validator, power, signed: true })
    };
    staking::set::last_powers(state)?.into_iter().map(vote).collect()
}
