//! A solo chain in this process, without servers, on a clock that tests set.

use super::test_chain::{DENOM, PREFIX, Person};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tendermint::Time;
use zektra_app::app::{APP_VERSION, App};
use zektra_app::node::founding::found;
use zektra_app::node::run::{Endpoints, open, open_solo};
use zektra_app::node::{Config, Home, dev};
use zektra_app::solo::{Limits, Solo};
use zektra_comet::Comet as _;
use zektra_genesis::{DEVNET, Genesis, Spec};
use zektra_modules::address::{Address, Prefix};
use zektra_modules::decimal::Dec;
use zektra_modules::staking::{self, Description, pool};

pub const START: i64 = 1_760_000_000;

/// A description of the development chain with the addresses' prefix of these tests.
pub fn genesis(home: &Home) -> Genesis {
    let time = Time::from_unix_timestamp(START, 0).unwrap();
    found(&Spec::read(DEVNET).unwrap(), time, &[(home, "solo".into())]).unwrap()
}

/// The same, with these validators staked instead of named: the `k`-th of account `k`, with so many millions of tokens.
pub fn staked(validators: &[(tendermint::PublicKey, u128)]) -> Value {
    let time = Time::from_unix_timestamp(START, 0).unwrap();
    let mut document = Spec::read(DEVNET).unwrap().genesis(time, APP_VERSION).unwrap().document;
    let prefix = Prefix::new(PREFIX).unwrap();
    let (mut all, mut delegations, mut sum) = (vec![], vec![], 0);
    for (k, (key, millions)) in (0..).zip(validators) {
        let (operator, tokens) = (dev::account(k).address, millions * 1_000_000);
        let description = Description { moniker: k.to_string(), ..Description::default() };
        let mut new = staking::Validator::new(operator.clone(), key.to_bytes().try_into().unwrap(), description);
        (new.tokens, new.shares) = (tokens, Dec::whole(tokens));
        let (text, shares) = (prefix.operator_text(&operator), new.shares.to_string());
        all.push(zektra_proto::json::write(&new.to_proto(text.clone())).unwrap());
        let delegator = prefix.text(&operator);
        delegations.push(json!({"delegator_address": delegator, "validator_address": text, "shares": shares}));
        sum += tokens;
    }
    let state = &mut document["app_state"];
    state["staking"]["validators"] = all.into();
    state["staking"]["delegations"] = delegations.into();
    let pool = prefix.text(&Address::of_module(pool::NOT_BONDED));
    let held = json!({"address": pool, "coins": [{"denom": DENOM, "amount": sum.to_string()}]});
    state["bank"]["balances"].as_array_mut().unwrap().push(held);
    document
}

/// A test account of the development chain, to sign with.
pub fn person(index: u32) -> Person {
    Person::with_key(&dev::account(index).secret, u64::from(index), "zektra-dev-1")
}

pub struct SoloChain {
    pub folder: TempDir,
    pub solo: Arc<Solo>,
    seconds: i64,
}

impl SoloChain {
    pub fn new() -> Self {
        Self::of(|home| genesis(home).document)
    }

    /// A chain of this genesis file.
    pub fn of(document: impl FnOnce(&Home) -> Value) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::new(folder.path());
        home.prepare(&Config::default()).unwrap();
        home.write_genesis(&Genesis::check(document(&home)).unwrap()).unwrap();
        let solo = Self::open(&home);
        Self { folder, solo, seconds: START }
    }

    /// As after a restart.
    pub fn reopened(self) -> Self {
        let Self { folder, solo, seconds } = self;
        drop(solo);
        let solo = Self::open(&Home::new(folder.path()));
        Self { folder, solo, seconds }
    }

    pub fn open(home: &Home) -> Arc<Solo> {
        Self::try_open(home).unwrap()
    }

    pub fn try_open(home: &Home) -> anyhow::Result<Arc<Solo>> {
        let app = open(home, &Config::default())?;
        open_solo(home, &app, "", &Endpoints::default(), Limits::default())
    }

    pub fn app(&self) -> &App {
        self.solo.app()
    }

    pub fn now(&mut self) -> Time {
        self.seconds += 5;
        Time::from_unix_timestamp(self.seconds, 0).unwrap()
    }

    /// Makes the next block of what is pending.
    pub fn block(&mut self) -> u64 {
        let now = self.now();
        self.solo.produce(now).unwrap()
    }

    pub fn call(&self, method: &str, params: serde_json::Value) -> serde_json::Value {
        self.solo.call(method, params).unwrap()
    }

    /// The time from genesis to the last block.
    pub fn age(&self) -> Duration {
        Duration::from_secs(self.seconds.abs_diff(START))
    }
}
