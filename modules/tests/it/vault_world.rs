//! A vault with accounts that have coins; what fails in it leaves nothing behind.

use crate::ground::{Ground, person};
use zektra_modules::address::Address;
use zektra_modules::coin::coin;
use zektra_modules::error::TxError;
use zektra_modules::module::Handler;
use zektra_modules::vault::{self, Granted, Use, Vault, seal};
use zektra_modules::{Module, auth, bank};
use zektra_proto::cosmos::bank::v1beta1::{Balance, GenesisState};
use zektra_proto::vault::v1::{
    DatasetRecord, DatasetStatus as Status, MsgActivateDataset, MsgAttest, MsgCreateDataset, MsgCreateSet, MsgGrantUse,
    MsgJoinSet, MsgNameVouchers, MsgPauseDataset, MsgRegisterSeat, MsgReportErasure, MsgRevokeDataset, MsgSealDataset,
    RevocationPolicy, Seat, Terms,
};
use zektra_state::{Empty, StateDelta, StateWrite as _};
use zektra_statement::digest::Commitment;
use zektra_statement::record::Dataset;

pub const NATIVE: &str = "uzektra";
pub const FORTUNE: u128 = 1_000_000_000;
pub const BOND: u128 = 10_000_000;
pub const LINEAR: &str = "linear-classifier/1";

/// The owner of most datasets, somebody else, a developer.
pub const OWNER: u8 = 1;
pub const OTHER: u8 = 2;
pub const DEVELOPER: u8 = 3;

pub fn key(k: u64) -> Commitment {
    Commitment([k, 1, 2, 3])
}

pub fn seat(k: u64, epoch: u32) -> Seat {
    Seat {
        name: "alice".into(),
        key: key(k).to_bytes().to_vec().into(),
        epoch,
        release_key: vec![7; 32].into(),
        operator_keys: vec![vec![8; 32].into()],
    }
}

pub fn hash(k: u8) -> prost::bytes::Bytes {
    vec![k; 32].into()
}

/// What a use is of that every job of these tests could make.
pub fn wanted(developer: &Address) -> Use<'_> {
    Use { developer, template: LINEAR, rows: 1000, passes: 2, opened: 10 }
}

/// Terms that allow ten passes to anyone.
pub fn terms() -> Terms {
    Terms {
        templates: vec![LINEAR.into()],
        min_rows: 100,
        max_passes: 10,
        privacy_budget: 1000,
        on_revoke: RevocationPolicy::Finish.into(),
        ..Terms::default()
    }
}

pub struct World {
    pub ground: Ground,
}

impl World {
    pub fn new() -> Self {
        let mut ground = Ground::new();
        let mut held: GenesisState = zektra_proto::json::read(&bank::Bank.default_genesis(NATIVE)).unwrap();
        let balance = |k| Balance { address: ground.text(k), coins: vec![coin(NATIVE, FORTUNE), coin("uother", 5)] };
        held.balances = (1..=20)
            .map(balance)
            .map(|mut b| {
                b.coins.sort_by(|x, y| x.denom.cmp(&y.denom));
                b
            })
            .collect();
        let held = zektra_proto::json::write(&held).unwrap();
        ground
            .with(|ctx| {
                auth::Auth.init_genesis(ctx, &auth::Auth.default_genesis(NATIVE)).unwrap();
                bank::Bank.init_genesis(ctx, &held).unwrap();
                Vault.init_genesis(ctx, &Vault.default_genesis(NATIVE)).unwrap();
                Ok(())
            })
            .unwrap();
        let world = Self { ground };
        world.check();
        world
    }

    pub fn check(&self) {
        Vault.check_invariants(&self.ground.state).unwrap();
        bank::Bank.check_invariants(&self.ground.state).unwrap();
    }

    /// Does something; what fails is no fault of the program, and changes nothing.
    pub fn act<T>(&mut self, act: impl FnOnce(&mut Ground) -> Result<T, TxError>) -> Result<T, TxError> {
        let before = self.ground.state.changes().clone();
        let done = act(&mut self.ground);
        if let Err(error) = &done {
            assert!(!error.is_internal(), "{error}");
            assert_eq!(*self.ground.state.changes(), before);
        }
        self.check();
        done
    }

    pub fn send<M: Handler>(&mut self, message: M) -> Result<M::Response, TxError> {
        self.act(|ground| ground.send(message))
    }

    pub fn text(&self, k: u8) -> String {
        self.ground.text(k)
    }

    pub fn register(&mut self, owner: u8, k: u64) -> Result<(), TxError> {
        self.send(MsgRegisterSeat { owner: self.text(owner), seat: Some(seat(k, 0)) }).map(drop)
    }

    pub fn creation(&self, owner: u8, k: u64, name: &str) -> MsgCreateDataset {
        let id = Dataset::object_id(&self.ground.block.chain_id, &key(k), name);
        MsgCreateDataset {
            owner: self.text(owner),
            name: name.into(),
            id: id.0.to_vec().into(),
            owner_key: key(k).to_bytes().to_vec().into(),
            schema: "version = 1\n".into(),
            schema_digest: hash(9),
            columns: 32,
            blocks: 1,
            classes: 1,
            scale_x: 8,
            scale_r: 8,
            row_norm: 832,
            range: 256,
        }
    }

    pub fn create(&mut self, owner: u8, k: u64, name: &str) -> Result<u64, TxError> {
        self.send(self.creation(owner, k, name)).map(|r| r.dataset)
    }

    pub fn sealing(&self, owner: u8, dataset: u64) -> MsgSealDataset {
        MsgSealDataset {
            owner: self.text(owner),
            dataset,
            rows: 1000,
            groups: 8,
            root: key(77).to_bytes().to_vec().into(),
            content_root: hash(78),
            rows_log2: 15,
            proof: vec![1].into(),
        }
    }

    /// Seals by a proof that convinces.
    pub fn seal(&mut self, owner: u8, dataset: u64) -> Result<(), TxError> {
        let message = self.sealing(owner, dataset);
        self.act(|ground| {
            message.check(&ground.prefix)?;
            ground.with(|ctx| seal::seal(ctx, &message, |_, _, _, _| Ok(()))).map(drop)
        })
    }

    pub fn name(&mut self, owner: u8, dataset: u64, vouchers: &[u8]) -> Result<(), TxError> {
        let vouchers = vouchers.iter().map(|k| self.text(*k)).collect();
        self.send(MsgNameVouchers { owner: self.text(owner), dataset, vouchers }).map(drop)
    }

    pub fn attest(&mut self, voucher: u8, dataset: u64) -> Result<(), TxError> {
        self.send(MsgAttest { voucher: self.text(voucher), dataset, statement_hash: hash(5) }).map(drop)
    }

    pub fn activate(&mut self, owner: u8, dataset: u64) -> Result<(), TxError> {
        let bond = Some(coin(NATIVE, BOND));
        self.send(MsgActivateDataset { owner: self.text(owner), dataset, bond }).map(drop)
    }

    pub fn pause(&mut self, owner: u8, dataset: u64) -> Result<(), TxError> {
        self.send(MsgPauseDataset { owner: self.text(owner), dataset }).map(drop)
    }

    pub fn revoke(&mut self, owner: u8, dataset: u64) -> Result<(), TxError> {
        self.send(MsgRevokeDataset { owner: self.text(owner), dataset }).map(drop)
    }

    pub fn erase(&mut self, owner: u8, dataset: u64) -> Result<(), TxError> {
        self.send(MsgReportErasure { owner: self.text(owner), dataset, statement_hash: hash(6) }).map(drop)
    }

    pub fn grant(&mut self, owner: u8, dataset: u64, terms: Terms) -> Result<u64, TxError> {
        self.send(MsgGrantUse { owner: self.text(owner), dataset, terms: Some(terms) }).map(|r| r.grant)
    }

    /// A set that whoever wants may join.
    pub fn new_set(&mut self, curator: u8) -> u64 {
        let curator = self.text(curator);
        self.send(MsgCreateSet { curator, name: "all".into(), schema: hash(9), open: true }).unwrap().set
    }

    pub fn join(&mut self, owner: u8, set: u64, dataset: u64) -> Result<(), TxError> {
        self.send(MsgJoinSet { owner: self.text(owner), set, dataset }).map(drop)
    }

    pub fn granted(&self, dataset: u64, wanted: &Use<'_>) -> Result<Granted, TxError> {
        vault::granted(&self.ground.state, self.ground.block.height, dataset, wanted)
    }

    /// A job locks a dataset.
    pub fn take(&mut self, dataset: u64, wanted: &Use<'_>) -> Result<Granted, TxError> {
        let granted = self.granted(dataset, wanted)?;
        self.act(|ground| ground.with(|ctx| vault::take(ctx, &granted, wanted)))?;
        Ok(granted)
    }

    pub fn record(&self, dataset: u64) -> DatasetRecord {
        vault::dataset(&self.ground.state, dataset).unwrap().unwrap()
    }

    /// An active dataset of the owner under this key, without grants.
    pub fn active(&mut self, owner: u8, k: u64, name: &str) -> u64 {
        let number = self.create(owner, k, name).unwrap();
        self.seal(owner, number).unwrap();
        self.attest(owner, number).unwrap();
        self.activate(owner, number).unwrap();
        number
    }

    pub fn status(&self, dataset: u64) -> Option<Status> {
        vault::dataset(&self.ground.state, dataset).unwrap().map(|r| r.status())
    }

    pub fn balance(&self, address: &Address) -> u128 {
        bank::balance(&self.ground.state, address, NATIVE).unwrap()
    }

    /// Through a genesis file and back, to the same keys.
    pub fn round_trip(&self) -> Self {
        let genesis = Vault.export_genesis(&self.ground.state, &self.ground.prefix).unwrap();
        Vault.check_genesis(&genesis, &self.ground.prefix).unwrap();
        let mut other = Ground { state: StateDelta::new(Empty), block: self.ground.block.clone(), ..Ground::new() };
        for (key, value) in self.ground.state.changes() {
            if let (false, Some(value)) = (key.starts_with(b"vault/"), value) {
                other.state.put(key.clone(), value.clone()).unwrap();
            }
        }
        other.with(|ctx| Ok(Vault.init_genesis(ctx, &genesis).unwrap())).unwrap();
        let kept = |ground: &Ground| {
            let there = ground.state.changes().iter().filter_map(|(k, v)| Some((k.clone(), v.clone()?)));
            there.collect::<Vec<_>>()
        };
        assert_eq!(kept(&self.ground), kept(&other));
        let other = Self { ground: other };
        other.check();
        other
    }
}

pub fn code<T>(done: Result<T, TxError>) -> u32 {
    done.map_or_else(
        |e| {
            assert_eq!(e.codespace, "vault", "{e}");
            e.code
        },
        |_| 0,
    )
}

pub fn developer() -> Address {
    person(DEVELOPER)
}
