//! A small chain with validators whose rewards are in a coin of their own.

use serde_json::json;
use zektra_modules::address::{Address, Prefix};
use zektra_modules::coin::{Coins, coin};
use zektra_modules::context::{Block, Context, Vote};
use zektra_modules::decimal::Dec;
use zektra_modules::distribution::Distribution;
use zektra_modules::gas::Meter;
use zektra_modules::module::Handler;
use zektra_modules::query::{Query, QueryError};
use zektra_modules::staking::{self, Staking, validator::key_any};
use zektra_modules::{Module, TxError, auth, bank};
use zektra_proto::cosmos::staking::v1beta1::{CommissionRates, Description, MsgCreateValidator};
use zektra_proto::tendermint::abci::Event;
use zektra_state::{Empty, Layer as _, StateDelta};

/// What is staked.
pub const STAKE: &str = "uzektra";
/// What fees are paid in.
pub const FEE: &str = "ufee";
/// Accounts; the first of them run validators.
pub const ACCOUNTS: u8 = 5;
/// What validators keep, in percent.
pub const RATES: [u64; 3] = [0, 10, 33];

pub fn account(k: u8) -> Address {
    Address::new(vec![k + 1; 20]).unwrap()
}

pub struct World {
    pub state: StateDelta<Empty>,
    pub block: Block,
    pub prefix: Prefix,
    /// What happened since it was last cleared.
    pub events: Vec<Event>,
}

impl World {
    /// Nothing, in this block.
    pub fn fresh(block: &Block) -> Self {
        let prefix = Prefix::new("zektra").unwrap();
        Self { state: StateDelta::new(Empty), block: block.clone(), prefix, events: vec![] }
    }

    /// Accounts with stake and fee coins, and no validators.
    pub fn empty() -> Self {
        let mut world = Self::fresh(&Block { height: 1, ..Block::default() });
        let mut staking = Staking.default_genesis(STAKE);
        staking["params"]["unbonding_time"] = json!("60s");
        staking["params"]["max_validators"] = json!(2);
        world
            .act(|ctx| {
                auth::Auth.init_genesis(ctx, &auth::Auth.default_genesis(STAKE)).unwrap();
                bank::Bank.init_genesis(ctx, &bank::Bank.default_genesis(STAKE)).unwrap();
                Distribution.init_genesis(ctx, &Distribution.default_genesis(STAKE)).unwrap();
                Staking.init_genesis(ctx, &staking).unwrap();
                for k in 0..ACCOUNTS {
                    bank::mint(ctx, &account(k), &Coins::one(STAKE, 1_000_000_000_000))?;
                }
                bank::mint(ctx, &account(ACCOUNTS), &Coins::one(FEE, 1_000_000_000_000))
            })
            .unwrap();
        world
    }

    /// With validators of accounts 0, 1 and 2.
    pub fn new() -> Self {
        let mut world = Self::empty();
        for (k, rate) in (0..).zip(RATES) {
            let rates = [Dec::percent(rate), Dec::one(), Dec::one()].map(|d| d.digits());
            let [rate, max_rate, max_change_rate] = rates;
            #[allow(deprecated)]
            let message = MsgCreateValidator {
                description: Some(Description { moniker: format!("v{k}"), ..Description::default() }),
                commission: Some(CommissionRates { rate, max_rate, max_change_rate }),
                min_self_delegation: "1".into(),
                delegator_address: String::new(),
                validator_address: world.prefix.operator_text(&account(k)),
                pubkey: Some(key_any(&[k + 1; 32])),
                value: Some(coin(STAKE, 10_000_000 * u128::from(k + 1))),
            };
            world.run(message).unwrap();
        }
        world.end();
        world
    }

    /// Does something on a layer that is dropped if it fails.
    pub fn act<T>(&mut self, what: impl FnOnce(&mut Context<'_>) -> Result<T, TxError>) -> Result<T, TxError> {
        let mut layer = StateDelta::new(&self.state);
        let (mut events, meter) = (vec![], Meter::endless());
        let mut ctx =
            Context { state: &mut layer, events: &mut events, block: &self.block, prefix: &self.prefix, gas: &meter };
        let out = what(&mut ctx)?;
        let changes = layer.into_changes();
        self.state.apply(changes);
        self.events.extend(events);
        Ok(out)
    }

    /// Runs a message.
    pub fn run<M: Handler>(&mut self, message: M) -> Result<M::Response, TxError> {
        message.check(&self.prefix)?;
        self.act(|ctx| message.handle(ctx))
    }

    /// Ends a block: who was to sign it is known.
    pub fn end(&mut self) {
        self.act(|ctx| Staking.end_block(ctx).map(drop)).unwrap();
        let validators = staking::validators(&self.state).unwrap();
        let vote = |v: &staking::Validator| Vote { validator: v.consensus(), power: v.weight(), signed: true };
        self.block.votes = validators.iter().map(vote).collect();
    }

    /// Goes to the next block, in which so much was collected.
    pub fn next(&mut self, fees: u128) {
        self.block.height += 1;
        self.block.time.seconds += 20;
        let collector = Address::of_module(auth::FEE_COLLECTOR);
        self.act(|ctx| {
            if fees > 0 {
                bank::mint(ctx, &collector, &Coins::one(FEE, fees))?;
            }
            Distribution.begin_block(ctx)
        })
        .unwrap();
    }

    /// Asks the module's service.
    pub fn ask<Q: prost::Message, R: prost::Message + Default>(&self, method: &str, q: &Q) -> Result<R, QueryError> {
        let query = Query { state: &self.state, block: &self.block, prefix: &self.prefix };
        let answer = Distribution.services()[0].call(method, &query, &q.encode_to_vec()).unwrap();
        Ok(R::decode(&answer?[..]).unwrap())
    }

    pub fn text(&self, k: u8) -> String {
        self.prefix.text(&account(k))
    }

    pub fn operator(&self, k: u8) -> String {
        self.prefix.operator_text(&account(k))
    }

    pub fn check(&self) {
        for module in [&bank::Bank as &dyn Module, &Staking, &Distribution] {
            module.check_invariants(&self.state).unwrap();
        }
    }
}
