//! A world in which jobs run: owners with datasets in a listed set, a developer, compute nodes, a validator.

use crate::ground::{Ground, person};
use crate::releases::{secret, states};
use crate::vault_world::{World, hash, key, terms};
use crate::work::{DENOM, FORTUNE, TOKEN, coin};
use sha2::{Digest as _, Sha256};
use zektra_modules::address::Address;
use zektra_modules::coin::Coins;
use zektra_modules::context::save;
use zektra_modules::decimal::Dec;
use zektra_modules::error::TxError;
use zektra_modules::module::Handler;
use zektra_modules::proofs::{self, Accepted};
use zektra_modules::staking::validator::{address_of, key_any};
use zektra_modules::training::{self, Training, keys};
use zektra_modules::{MODULES, Module as _, bank, beacon, compute, market};
use zektra_proto::compute::v1::MsgRegisterNode;
use zektra_proto::cosmos::staking::v1beta1::{CommissionRates, Description, MsgCreateValidator};
use zektra_proto::market::v1::{Kind, MsgList, Output, Rate, Tier};
use zektra_proto::training::v1::{
    ChainJob, JobStatus as Status, MsgAnswerStall, MsgJoin, MsgOrder, MsgReportStall, MsgSubmitPart, Rules,
};
use zektra_proto::vault::v1::{RevocationPolicy, Terms};
use zektra_records::{job_from_pb, template_to_pb};
use zektra_state::{Empty, StateDelta};
use zektra_statement::digest::Commitment;
use zektra_statement::template::{Kind as Model, Params, Template};
use zektra_verify::part::offline_after;

pub const DEVELOPER: u8 = 1;
/// Owners of the datasets 1 and 2, whose seats are 0 and 1; the developer's is 2.
pub const ALICE: u8 = 2;
pub const BOB: u8 = 3;
pub const NODES: [u8; 2] = [4, 5];
/// Who runs the validator that proposes all blocks.
pub const VALIDATOR: u8 = 7;
pub const STRANGER: u8 = 8;
pub const CURATOR: u8 = 9;

pub const BOND: u128 = 2000 * TOKEN;
pub const DEPOSIT: u128 = 10_000_000;
/// What nodes ask for a unit, and what is paid at most.
pub const PRICE: u64 = 7;
pub const MOST_PRICE: u64 = 10;
pub const RATE: u64 = 1_000_003;
/// Iterations of a job.
pub const ALL: u64 = 4;

/// The leaves of all offline shares of a job.
pub fn leaves() -> Vec<Commitment> {
    let table = template(ALL as u32).compile().unwrap();
    let all = table.phases.iter().map(|p| p.openings.len() as u64).sum::<u64>() * ALL;
    (0..all).map(|k| key(1000 + k)).collect()
}

/// A part whose proof is none, without states.
pub fn part(job: &ChainJob, iteration: u64) -> MsgSubmitPart {
    let (leaves, value) = (leaves(), |c: Commitment| c.to_bytes().to_vec().into());
    let after = offline_after(&template(ALL as u32).compile().unwrap(), &leaves).unwrap();
    let used = iteration.checked_sub(1).and_then(|last| after.get(last as usize)).copied();
    let first = job.offline.is_empty();
    MsgSubmitPart {
        node: job.node.clone(),
        job: job.number,
        iteration,
        tile_top: value(key(100)),
        made: value(after[ALL as usize - 1]),
        used: value(used.unwrap_or(key(102))),
        state: value(key(202 + iteration)),
        rows_log2: 15,
        leaves: leaves.into_iter().filter(|_| first).map(value).collect(),
        ..MsgSubmitPart::default()
    }
}

/// Short times.
pub fn rules() -> Rules {
    Rules {
        draw_delay: 3,
        join_blocks: 20,
        part_blocks: 10,
        stall_blocks: 8,
        release_blocks: 12,
        dispute_blocks: 6,
        last_slice: 1000,
        deposit: Some(coin(DEPOSIT)),
        miss_slash: 1000,
        max_rescues: 2,
        max_stalls: 2,
        cancel_fee: 1000,
        max_links: 400,
    }
}

pub fn template(iterations: u32) -> Template {
    let params = Params {
        features: 32,
        classes: 1,
        groups: 1,
        full_batch: false,
        iterations,
        fan_in: 1,
        scale_x: 8,
        scale_w: 14,
        scale_r: 8,
        shift_w: 10,
        row_norm: 832,
        range: 256,
    };
    Template { kind: Model::LinearClassifier, params }
}

/// Terms that allow much to anyone.
pub fn generous(on_revoke: RevocationPolicy) -> Terms {
    Terms { max_passes: 1000, privacy_budget: 1 << 40, on_revoke: on_revoke.into(), ..terms() }
}

/// The circuits of the small job of the tests.
pub fn circuits() -> Vec<u8> {
    hex::decode("c9bf914783ec116d4e41ca0acdbe27a46fcfc61efaf15aed902f131df190ec30").unwrap()
}

pub struct Jobs {
    pub ground: Ground,
}

impl Jobs {
    /// Both datasets let jobs go on that run when they are revoked.
    pub fn new() -> Self {
        Self::with(RevocationPolicy::Finish, &NODES)
    }

    pub fn with(on_revoke: RevocationPolicy, nodes: &[u8]) -> Self {
        let mut ground = Ground::new();
        for module in MODULES {
            let genesis = module.default_genesis(DENOM);
            module.check_genesis(&genesis, &ground.prefix).unwrap();
            ground.with(|ctx| Ok(module.init_genesis(ctx, &genesis).unwrap())).unwrap();
        }
        for who in 1..20 {
            ground.with(|ctx| bank::mint(ctx, &person(who), &Coins::one(DENOM, FORTUNE))).unwrap();
        }
        let mut vault = World { ground };
        vault.register(DEVELOPER, DEVELOPER.into()).unwrap();
        for (number, owner) in [(1, ALICE), (2, BOB)] {
            vault.register(owner, owner.into()).unwrap();
            assert_eq!(vault.active(owner, owner.into(), "rows"), number);
            vault.grant(owner, number, generous(on_revoke)).unwrap();
        }
        let set = vault.new_set(CURATOR);
        vault.join(ALICE, set, 1).unwrap();
        vault.join(BOB, set, 2).unwrap();
        let mut jobs = Self { ground: vault.ground };
        jobs.set_rules(&rules());
        jobs.list(set);
        jobs.validator();
        for node in nodes {
            jobs.register(*node, PRICE);
        }
        jobs.check();
        jobs
    }

    pub fn set_rules(&mut self, rules: &Rules) {
        self.ground.with(|ctx| Ok(save(ctx.state, keys::RULES.to_vec(), rules)?)).unwrap();
    }

    fn list(&mut self, set: u64) {
        let schedule = vec![Rate { from_height: 0, rate: RATE }];
        let output = Output::Weights.into();
        let tier = Tier { name: "basic".into(), licence: "research".into(), max_passes: 10, output, schedule };
        let seller = self.text(CURATOR);
        self.send(MsgList { seller, kind: Kind::Set.into(), target: set, tiers: vec![tier] }).unwrap();
    }

    fn validator(&mut self) {
        let rate = |percent| Dec::percent(percent).digits();
        #[allow(deprecated)]
        let message = MsgCreateValidator {
            description: Some(Description { moniker: "v".into(), ..Description::default() }),
            commission: Some(CommissionRates { rate: rate(10), max_rate: rate(50), max_change_rate: rate(10) }),
            min_self_delegation: "1".into(),
            delegator_address: String::new(),
            validator_address: self.ground.prefix.operator_text(&person(VALIDATOR)),
            pubkey: Some(key_any(&[VALIDATOR; 32])),
            value: Some(coin(TOKEN)),
        };
        self.send(message).unwrap();
        self.ground.block.proposer = address_of(&[VALIDATOR; 32]).bytes().to_vec();
    }

    pub fn register(&mut self, who: u8, price: u64) {
        let validator = self.ground.prefix.operator_text(&person(VALIDATOR));
        let message = MsgRegisterNode {
            operator: self.text(who),
            moniker: "node".into(),
            endpoint: "http://node:1".into(),
            validator,
            bond: Some(coin(BOND)),
            price,
            max_jobs: 3,
        };
        self.send(message).unwrap();
    }

    pub fn text(&self, who: u8) -> String {
        self.ground.text(who)
    }

    pub fn held(&self, who: u8) -> u128 {
        self.balance(&person(who))
    }

    pub fn balance(&self, address: &Address) -> u128 {
        bank::balance(&self.ground.state, address, DENOM).unwrap()
    }

    /// What must hold after whatever happened.
    pub fn check(&self) {
        for module in MODULES {
            module.check_invariants(&self.ground.state).unwrap_or_else(|e| panic!("{}: {e}", module.name()));
        }
    }

    /// Does something; what fails is no fault of the program, and changes nothing.
    pub fn act<T>(&mut self, act: impl FnOnce(&mut Ground) -> Result<T, TxError>) -> Result<T, TxError> {
        let before = self.ground.state.changes().clone();
        let done = act(&mut self.ground);
        if let Err(error) = &done {
            assert!(!error.is_internal(), "{error}");
            assert!(*self.ground.state.changes() == before, "{error}: and the state has changed");
        }
        done
    }

    pub fn send<M: Handler>(&mut self, message: M) -> Result<M::Response, TxError> {
        self.act(|ground| ground.send(message))
    }

    /// Handles a message whose form is not looked at.
    pub fn handle<M: Handler>(&mut self, message: M) -> Result<M::Response, TxError> {
        self.act(|ground| ground.with(|ctx| message.handle(ctx)))
    }

    /// Ends this block, and begins the next.
    pub fn pass(&mut self) {
        for module in [&compute::Compute as &dyn zektra_modules::Module, &Training, &proofs::Proofs] {
            let done = self.ground.with(|ctx| module.end_block(ctx));
            done.unwrap_or_else(|e| panic!("the chain stops at {}: {e}", self.height()));
        }
        self.ground.block.height += 1;
        self.ground.block.hash = Sha256::digest(self.height().to_be_bytes()).to_vec();
        self.ground.with(|ctx| beacon::Beacon.begin_block(ctx)).unwrap();
    }

    pub fn pass_many(&mut self, blocks: u64) {
        (0..blocks).for_each(|_| self.pass());
    }

    /// Passes the blocks up to the one in whose end a job's time comes, and that one.
    pub fn pass_due(&mut self, job: u64) {
        self.pass_many(self.job(job).due + 1 - self.height());
    }

    pub fn height(&self) -> u64 {
        self.ground.block.height
    }

    pub fn job(&self, number: u64) -> ChainJob {
        training::known(&self.ground.state, number).unwrap()
    }

    pub fn status(&self, number: u64) -> Status {
        self.job(number).status()
    }

    pub fn order(&self) -> MsgOrder {
        MsgOrder {
            developer: self.text(DEVELOPER),
            seat: key(DEVELOPER.into()).to_bytes().to_vec().into(),
            release_key: secret().public().to_vec().into(),
            listing: 1,
            tier: "basic".into(),
            datasets: vec![1, 2],
            template: Some(template_to_pb(&template(ALL as u32))),
            circuits: circuits().into(),
            max_attempts: 1,
            max_data_fee: Some(coin(TOKEN * 1000)),
            max_unit_price: MOST_PRICE,
            min_rows: 2000,
            deadline: self.height() + 60,
            use_credits: false,
        }
    }

    pub fn joining(&self, job: u64, seat: u32) -> MsgJoin {
        let job = self.job(job);
        let record = job_from_pb(job.record.as_ref().unwrap()).unwrap();
        let others = record.datasets.iter().filter(|d| d.owner != seat).count();
        MsgJoin {
            member: job.members[seat as usize].address.clone(),
            job: job.number,
            seat,
            digest: record.digest().0.to_vec().into(),
            extension_roots: vec![hash(50 + seat as u8); others],
        }
    }

    /// A part whose proof is none.
    pub fn part(&self, job: u64, iteration: u64) -> MsgSubmitPart {
        let job = self.job(job);
        MsgSubmitPart { states: (iteration == ALL).then(|| states(&job)), ..part(&job, iteration) }
    }

    /// Accepts a part as if its proof were verified.
    pub fn accept(&mut self, job: u64, iteration: u64) -> Result<u64, TxError> {
        self.accept_part(self.part(job, iteration))
    }

    /// The same for a part that was changed.
    pub fn accept_part(&mut self, message: MsgSubmitPart) -> Result<u64, TxError> {
        let (job, iteration) = (message.job, message.iteration);
        let circuit = proofs::circuit(&self.ground.state, &circuits()).unwrap().unwrap();
        let hash = Sha256::new().chain_update(job.to_be_bytes()).chain_update(iteration.to_be_bytes());
        let accepted = Accepted { circuit, hash: hash.finalize().into() };
        let mut job = self.job(job);
        let last = iteration == ALL;
        self.act(|ground| ground.with(|ctx| training::accept(message, ctx, &mut job, &accepted, last))).map(|r| r.units)
    }

    pub fn stalling(&self, job: u64, member: u32) -> MsgReportStall {
        let iteration = self.job(job).proven.map_or(0, |p| p.iteration);
        MsgReportStall { node: self.job(job).node, job, member, iteration, phase: 0 }
    }

    pub fn answering(&self, job: u64, seat: u32) -> MsgAnswerStall {
        MsgAnswerStall { member: self.member(job, seat), job, answer: vec![1].into() }
    }

    pub fn member(&self, job: u64, seat: u32) -> String {
        self.job(job).members[seat as usize].address.clone()
    }

    /// What was put aside is all given away, and nobody holds anything of a job that is over.
    pub fn demand_over(&self, job: u64, status: Status) {
        self.check();
        let found = self.job(job);
        assert_eq!(found.status(), status, "{}", found.reason);
        assert_eq!((found.due, found.stall, found.ended > 0), (0, None, true));
        assert!(found.members.iter().all(|m| m.deposit.is_empty()));
        let escrow = market::escrow(&self.ground.state, job).unwrap().unwrap();
        assert!(escrow.closed && escrow.held == "0");
    }

    /// Through a genesis file and back, to the same keys.
    pub fn round_trip(&self) {
        let state = StateDelta::new(Empty);
        let mut other = Ground { state, block: self.ground.block.clone(), ..Ground::new() };
        for name in ["auth", "bank", "compute", "training"] {
            let module = MODULES.iter().find(|m| m.name() == name).unwrap();
            let genesis = module.export_genesis(&self.ground.state, &self.ground.prefix).unwrap();
            module.check_genesis(&genesis, &self.ground.prefix).unwrap();
            other.with(|ctx| Ok(module.init_genesis(ctx, &genesis).unwrap())).unwrap();
        }
        let own = |ground: &Ground| {
            let of_module = |(k, v): (&Vec<u8>, &Option<Vec<u8>>)| {
                v.clone().filter(|_| k.starts_with(b"training/")).map(|v| (k.clone(), v))
            };
            ground.state.changes().iter().filter_map(of_module).collect::<Vec<_>>()
        };
        assert_eq!(own(&self.ground), own(&other));
        Training.check_invariants(&other.state).unwrap();
    }
}

/// Codespace and code of what is refused.
pub fn code<T>(done: Result<T, TxError>) -> (&'static str, u32) {
    done.map_or_else(|e| (e.codespace, e.code), |_| ("", 0))
}
