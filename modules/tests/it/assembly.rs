//! A small chain that votes: accounts with coins, validators with delegations, blocks of governance alone.

use serde_json::Value;
use std::collections::BTreeMap;
use zektra_modules::address::{Address, Prefix};
use zektra_modules::authority::authority;
use zektra_modules::coin::{Coins, coin};
use zektra_modules::context::{Block, Context, save};
use zektra_modules::decimal::Dec;
use zektra_modules::error::TxError;
use zektra_modules::gas::Meter;
use zektra_modules::gov::Gov;
use zektra_modules::module::Handler;
use zektra_modules::query::{Query, QueryError};
use zektra_modules::staking::{self, Description, Status, Validator};
use zektra_modules::{Module as _, auth, bank};
use zektra_proto::cosmos::bank::v1beta1::{Balance, GenesisState as BankGenesis};
use zektra_proto::cosmos::gov::v1::{GenesisState, Params, Proposal};
use zektra_proto::tendermint::abci::Event;
use zektra_proto::{Any, Timestamp, json};
use zektra_state::{Empty, Layer as _, StateDelta};

/// The chain's own denomination.
pub const NATIVE: &str = "uzektra";
/// What every account holds at first.
pub const FORTUNE: u128 = 1_000_000_000;
/// Accounts with a fortune: 0 to this.
pub const ACCOUNTS: u8 = 8;

pub fn who(k: u8) -> Address {
    Address::new(vec![k + 1; 20]).unwrap()
}

pub fn prefix() -> Prefix {
    Prefix::new("zektra").unwrap()
}

pub fn text(k: u8) -> String {
    prefix().text(&who(k))
}

pub fn gov_text() -> String {
    prefix().text(&authority())
}

pub fn any<M: prost::Name>(message: &M) -> Any {
    Any { type_url: format!("/{}", M::full_name()), value: message.encode_to_vec() }
}

pub struct Assembly {
    pub state: StateDelta<Empty>,
    pub block: Block,
    pub events: Vec<Event>,
}

impl Assembly {
    /// A chain with default parameters but for `change`.
    pub fn new(change: impl FnOnce(&mut Params)) -> Self {
        let mut genesis: GenesisState = json::read(&Gov.default_genesis(NATIVE)).unwrap();
        change(genesis.params.as_mut().unwrap());
        let balances: BTreeMap<_, _> = (0..ACCOUNTS).map(|k| (text(k), FORTUNE)).collect();
        Self::of(&json::write(&genesis).unwrap(), &balances)
    }

    /// A chain of this part of a genesis file and these balances.
    pub fn of(genesis: &Value, balances: &BTreeMap<String, u128>) -> Self {
        let time = Timestamp { seconds: 1_800_000_000, nanos: 0 };
        let block = Block { chain_id: "assembly".into(), height: 1, time, ..Block::default() };
        let mut out = Self { state: StateDelta::new(Empty), block, events: vec![] };
        let balance = |(address, amount): (&String, &u128)| Balance {
            address: address.clone(),
            coins: vec![coin(NATIVE, *amount)],
        };
        let mut held: BankGenesis = json::read(&bank::Bank.default_genesis(NATIVE)).unwrap();
        held.balances = balances.iter().filter(|(_, a)| **a > 0).map(balance).collect();
        Gov.check_genesis(genesis, &prefix()).unwrap();
        out.with(|ctx| {
            auth::Auth.init_genesis(ctx, &auth::Auth.default_genesis(NATIVE)).unwrap();
            bank::Bank.init_genesis(ctx, &json::write(&held).unwrap()).unwrap();
            Gov.init_genesis(ctx, genesis).unwrap();
            staking::Staking.init_genesis(ctx, &staking::Staking.default_genesis(NATIVE)).unwrap();
        });
        out.check();
        out
    }

    pub fn with<T>(&mut self, act: impl FnOnce(&mut Context<'_>) -> T) -> T {
        let (prefix, gas) = (prefix(), Meter::endless());
        let Self { state, block, events } = self;
        act(&mut Context { state, events, block, prefix: &prefix, gas: &gas })
    }

    /// Executes a message as a transaction does: what fails leaves nothing behind.
    pub fn run<M: Handler>(&mut self, message: M) -> Result<M::Response, TxError> {
        message.check(&prefix())?;
        let (prefix, gas, mut events) = (prefix(), Meter::endless(), vec![]);
        let mut layer = StateDelta::new(&self.state);
        let mut ctx =
            Context { state: &mut layer, events: &mut events, block: &self.block, prefix: &prefix, gas: &gas };
        let response = message.handle(&mut ctx)?;
        let changes = layer.into_changes();
        self.state.apply(changes);
        self.events = events;
        Ok(response)
    }

    /// A block that ends `seconds` later.
    pub fn end_block(&mut self, seconds: i64) {
        self.block.time.seconds += seconds;
        self.block.height += 1;
        self.events.clear();
        self.with(|ctx| Gov.end_block(ctx)).unwrap();
        self.check();
    }

    pub fn check(&self) {
        Gov.check_invariants(&self.state).unwrap();
        bank::Bank.check_invariants(&self.state).unwrap();
    }

    /// Puts a validator into the set, with the delegations on it; its tokens are worth more or less than its shares.
    pub fn seat(&mut self, k: u8, tokens: u128, delegations: &[(u8, u128)]) {
        let mut validator = Validator::new(who(k), [k; 32], Description::default());
        validator.status = Status::Bonded;
        validator.tokens = tokens;
        self.with(|ctx| {
            for &(delegator, shares) in delegations {
                let shares = Dec::whole(shares);
                validator.shares = validator.shares.plus(shares).unwrap();
                let (delegator, operator) = (who(delegator), who(k));
                ctx.state.put(staking::keys::delegation(&delegator, &operator), shares.digit_bytes()).unwrap();
                ctx.state.put(staking::keys::delegator(&operator, &delegator), vec![1]).unwrap();
            }
            let operator = validator.operator.clone();
            let stored = validator.to_proto(ctx.operator_text(&operator));
            save(ctx.state, staking::keys::validator(&operator), &stored).unwrap();
            let place = staking::keys::by_power(validator.weight(), &operator);
            ctx.state.put(place, operator.bytes().to_vec()).unwrap();
            ctx.state.put(staking::keys::last(&operator), validator.weight().to_be_bytes().to_vec()).unwrap();
            let pool = staking::pool::address(staking::pool::BONDED);
            bank::mint(ctx, &pool, &Coins::one(NATIVE, tokens)).unwrap();
        });
    }

    pub fn balance(&self, address: &Address) -> u128 {
        bank::balance(&self.state, address, NATIVE).unwrap()
    }

    pub fn proposal(&self, id: u64) -> Option<Proposal> {
        zektra_modules::gov::proposal::proposal(&self.state, id).unwrap()
    }

    /// Asks one of the module's services.
    pub fn ask<Q: prost::Name, R: prost::Message + Default>(&self, method: &str, request: &Q) -> Result<R, QueryError> {
        let query = Query { state: &self.state, block: &self.block, prefix: &prefix() };
        let service = format!("{}.Query", Q::PACKAGE);
        let services = Gov.services();
        let service = services.iter().find(|s| s.name() == service).unwrap();
        let answer = service.call(method, &query, &request.encode_to_vec()).unwrap()?;
        Ok(R::decode(&answer[..]).unwrap())
    }

    /// Types of the last events of governance, with the attributes' values.
    pub fn said(&self) -> Vec<String> {
        const OTHERS: [&str; 6] = ["coin_spent", "coin_received", "transfer", "message", "burn", "coinbase"];
        let shown = |e: &Event| {
            let attributes = e.attributes.iter().map(|a| format!("{}={}", a.key, a.value));
            format!("{} {}", e.r#type, attributes.collect::<Vec<_>>().join(" "))
        };
        self.events.iter().filter(|e| !OTHERS.contains(&&e.r#type[..])).map(shown).collect()
    }
}
