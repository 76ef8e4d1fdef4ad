//! A solo chain in this process, without servers, on a clock that tests set.

use super::test_chain::Person;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tendermint::Time;
use zektra_app::app::{APP_VERSION, App};
use zektra_app::node::home::public;
use zektra_app::node::run::{Endpoints, open, open_solo};
use zektra_app::node::{Config, Home, dev};
use zektra_app::solo::{Limits, Solo};
use zektra_comet::Comet as _;
use zektra_genesis::{DEVNET, Genesis, Spec, Validator};

pub const START: i64 = 1_760_000_000;

/// A description of the development chain with the addresses' prefix of these tests.
pub fn genesis(home: &Home) -> Genesis {
    let validators = [Validator { key: public(&home.validator_key().unwrap()), power: 10, name: "solo".into() }];
    let time = Time::from_unix_timestamp(START, 0).unwrap();
    Spec::read(DEVNET).unwrap().genesis(time, APP_VERSION, &validators).unwrap()
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
        let folder = tempfile::tempdir().unwrap();
        let home = Home::new(folder.path());
        home.prepare(&Config::default()).unwrap();
        home.write_genesis(&genesis(&home)).unwrap();
        let solo = Self::open(&home);
        Self { folder, solo, seconds: START }
    }

    pub fn open(home: &Home) -> Arc<Solo> {
        let config = Config::default();
        let app = open(home, &config).unwrap();
        open_solo(home, &app, "", &Endpoints::default(), Limits::default()).unwrap()
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
