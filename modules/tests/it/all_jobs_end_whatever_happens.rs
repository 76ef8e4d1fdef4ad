//! Random histories: what holds after each step, and that everything comes to its end.

use crate::ground::person;
use crate::jobs::*;
use crate::simulation::chance::Chance;
use crate::vault_world::{World, hash, key};
use crate::work::{TOKEN, coin};
use std::collections::BTreeMap;
use zektra_modules::authority::authority;
use zektra_modules::context::save;
use zektra_modules::error::TxError;
use zektra_modules::{compute, market, reputation, training, vault};
use zektra_proto::compute::v1::{MsgAddBond, MsgLeave, MsgRegisterNode, MsgUpdateNode};
use zektra_proto::market::v1::MsgBuyCredits;
use zektra_proto::training::v1::{ChainJob, JobStatus as Status, Member, MsgCancel, MsgOrder, MsgUpdateParams, Rules};
use zektra_proto::vault::v1::{
    DatasetStatus, MsgGrantUse, MsgLeaveSet, MsgPauseDataset, MsgReportErasure, MsgRevokeDataset, MsgUnpauseDataset,
    MsgWithdrawGrant, RevocationPolicy as Policy, Terms,
};

const CAROL: u8 = 6;
const OWNERS: [u8; 3] = [ALICE, BOB, CAROL];
const WORKERS: [u8; 5] = [4, 5, 10, 11, 12];

struct History {
    jobs: Jobs,
    chance: Chance,
    /// The newest dataset of each owner, and how many there are.
    datasets: [u64; 3],
    made: u64,
    live: Vec<u64>,
    /// How often each thing was done.
    done: BTreeMap<&'static str, u64>,
    ends: BTreeMap<String, u64>,
}

impl History {
    fn new(seed: u64) -> Self {
        let mut jobs = Jobs::with(Policy::Abort, &WORKERS);
        let mut params = compute::params(&jobs.ground.state).unwrap();
        params.unbonding_blocks = 5;
        jobs.ground.with(|ctx| Ok(save(ctx.state, compute::keys::PARAMS.to_vec(), &params)?)).unwrap();
        let mut out = Self {
            jobs,
            chance: Chance::new(seed),
            datasets: [1, 2, 0],
            made: 2,
            live: vec![],
            done: BTreeMap::new(),
            ends: BTreeMap::new(),
        };
        out.vault(|v| v.register(CAROL, CAROL.into())).unwrap();
        out.renew(2).unwrap();
        out
    }

    /// Something in the vault's own world.
    fn vault<T>(&mut self, act: impl FnOnce(&mut World) -> T) -> T {
        let ground = std::mem::replace(&mut self.jobs.ground, crate::ground::Ground::new());
        let mut world = World { ground };
        let done = act(&mut world);
        self.jobs.ground = world.ground;
        done
    }

    /// Another dataset in place of an owner's.
    fn renew(&mut self, k: usize) -> Result<(), TxError> {
        let (owner, old, name) = (OWNERS[k], self.datasets[k], format!("rows{}", self.made));
        let terms = self.terms();
        self.datasets[k] = self.vault(|v| {
            let number = v.active(owner, owner.into(), &name);
            let _ = v.send(MsgLeaveSet { sender: v.text(owner), set: 1, dataset: old });
            v.join(owner, 1, number).unwrap();
            v.grant(owner, number, terms).unwrap();
            number
        });
        self.made += 1;
        Ok(())
    }

    fn terms(&mut self) -> Terms {
        let mut terms = generous(self.chance.one([Policy::Abort, Policy::Finish]));
        if self.chance.one_in(3) {
            terms.until_height = self.jobs.height() + self.chance.between(10, 60);
        }
        terms
    }

    fn any(&mut self) -> Option<ChainJob> {
        let live = std::mem::take(&mut self.live);
        let found = self.chance.of(&live).map(|job| self.jobs.job(*job));
        self.live = live;
        found
    }

    /// Owners see to it that their data can be used.
    fn mend(&mut self) -> Result<(), TxError> {
        for (k, owner) in OWNERS.into_iter().enumerate() {
            let (owner, dataset) = (self.jobs.text(owner), self.datasets[k]);
            match vault::dataset(&self.jobs.ground.state, dataset)?.unwrap().status() {
                DatasetStatus::Revoked => self.renew(k)?,
                DatasetStatus::Paused => drop(self.jobs.send(MsgUnpauseDataset { owner, dataset })?),
                _ => {
                    let terms = Some(self.terms());
                    self.jobs.send(MsgGrantUse { owner, dataset, terms })?;
                }
            }
        }
        Ok(())
    }

    fn order(&mut self) -> Result<(), TxError> {
        if self.chance.one_in(2) {
            self.mend()?;
        }
        let own = self.chance.one_in(4);
        let developer = if own { *self.chance.of(&OWNERS).unwrap() } else { DEVELOPER };
        let mut datasets = self.datasets.to_vec();
        if !own {
            datasets.remove(self.chance.below(3) as usize);
        }
        let order = MsgOrder {
            developer: self.jobs.text(developer),
            seat: key(developer.into()).to_bytes().to_vec().into(),
            datasets,
            max_unit_price: self.chance.between(0, 12),
            deadline: self.jobs.height() + self.chance.between(13, 120),
            use_credits: self.chance.one_in(2),
            ..self.jobs.order()
        };
        let job = self.jobs.send(order)?.job;
        self.live.push(job);
        Ok(())
    }

    fn node(&mut self) -> Result<(), TxError> {
        let who = *self.chance.of(&WORKERS).unwrap();
        let operator = self.jobs.text(who);
        match self.chance.below(4) {
            0 => self.jobs.send(MsgLeave { operator }).map(drop),
            1 => self.jobs.send(MsgAddBond { operator, amount: Some(coin(500 * TOKEN)) }).map(drop),
            2 => {
                let price = self.chance.between(0, 10);
                let (endpoint, validator) = ("x".into(), String::new());
                let paused = self.chance.one_in(4);
                self.jobs.send(MsgUpdateNode { operator, endpoint, price, max_jobs: 3, paused, validator }).map(drop)
            }
            _ => {
                let (moniker, endpoint, validator) = ("n".into(), "x".into(), String::new());
                let (bond, price) = (Some(coin(BOND)), self.chance.between(0, 10));
                let message = MsgRegisterNode { operator, moniker, endpoint, validator, bond, price, max_jobs: 2 };
                self.jobs.send(message).map(drop)
            }
        }
    }

    fn owner(&mut self) -> Result<(), TxError> {
        let k = self.chance.below(3) as usize;
        let (owner, dataset) = (self.jobs.text(OWNERS[k]), self.datasets[k]);
        let status = vault::dataset(&self.jobs.ground.state, dataset)?.unwrap().status();
        match self.chance.below(8) {
            _ if status == DatasetStatus::Revoked && self.chance.one_in(2) => self.renew(k),
            _ if status == DatasetStatus::Paused && self.chance.one_in(2) => {
                self.jobs.send(MsgUnpauseDataset { owner, dataset }).map(drop)
            }
            0 => self.jobs.send(MsgRevokeDataset { owner, dataset }).map(drop),
            1 => {
                // One that a job uses.
                let line = self.any().and_then(|job| job.data.into_iter().next());
                let (owner, grant) = line.map_or((owner, 1), |line| (line.owner, line.grant));
                self.jobs.send(MsgWithdrawGrant { owner, grant }).map(drop)
            }
            2 => self.jobs.send(MsgPauseDataset { owner, dataset }).map(drop),
            3 => self.jobs.send(MsgUnpauseDataset { owner, dataset }).map(drop),
            5 => {
                let dataset = self.chance.between(1, self.made + 1);
                self.jobs.send(MsgReportErasure { owner, dataset, statement_hash: hash(6) }).map(drop)
            }
            _ => {
                let terms = Some(self.terms());
                self.jobs.send(MsgGrantUse { owner, dataset, terms }).map(drop)
            }
        }
    }

    fn rules(&mut self) -> Result<(), TxError> {
        let params = Rules {
            draw_delay: self.chance.between(1, 5),
            part_blocks: self.chance.between(5, 15),
            last_slice: self.chance.between(0, 10_000) as u32,
            deposit: Some(coin(u128::from(self.chance.between(0, 20_000_000)))),
            ..rules()
        };
        let authority = self.jobs.ground.prefix.text(&authority());
        self.jobs.send(MsgUpdateParams { authority, params: Some(params) }).map(drop)
    }

    /// One thing; what it was, and whether it was done.
    fn step(&mut self) -> (&'static str, Result<(), TxError>) {
        let what = self.chance.below(100);
        match what {
            0..25 => {
                let blocks = self.chance.between(1, 4);
                self.jobs.pass_many(blocks);
                return ("time", Ok(()));
            }
            25..35 => return ("order", self.order()),
            35..38 => return ("owner", self.owner()),
            38..40 => return ("node", self.node()),
            40 => return ("rules", self.rules()),
            41 => {
                let amount = Some(coin(u128::from(self.chance.between(1, 200))));
                let buyer = self.jobs.text(DEVELOPER);
                return ("credits", self.jobs.send(MsgBuyCredits { buyer, amount }).map(drop));
            }
            _ => {}
        }
        let Some(job) = self.any() else { return ("nothing", Ok(())) };
        let number = job.number;
        let mut seat = self.chance.below(job.members.len() as u64) as u32;
        // Mostly what the job waits for.
        let mut what = what;
        if !self.chance.one_in(4) {
            let waits = |m: &Member| match job.status() {
                Status::Open => m.joined == 0,
                _ => m.released == 0,
            };
            seat = job.members.iter().position(waits).map_or(seat, |k| k as u32);
            what = match job.status() {
                Status::Open => 43,
                Status::Locked => self.chance.one([70, 70, 70, 82, 85]),
                Status::Stalled => self.chance.one([70, 88, 88]),
                Status::Proven => 91,
                Status::Delivered => self.chance.one([97, what]),
                _ => what,
            };
        }
        match what {
            42 => {
                let developer = job.developer;
                ("cancel", self.jobs.send(MsgCancel { developer, job: number }).map(drop))
            }
            43..70 => {
                let message = self.jobs.joining(number, seat);
                ("join", self.jobs.send(message).map(drop))
            }
            70..82 => {
                let done = job.proven.as_ref().map_or(0, |p| p.iteration);
                if !matches!(job.status(), Status::Locked | Status::Stalled) {
                    let message = self.jobs.part(number, done + 1);
                    return ("late part", self.jobs.handle(message).map(drop));
                }
                let iteration = self.chance.between(done + 1, ALL);
                ("part", self.jobs.accept(number, iteration).map(drop))
            }
            82..85 => {
                let message = self.jobs.part(number, ALL);
                ("part without a proof", self.jobs.handle(message).map(drop))
            }
            85..88 => {
                let message = self.jobs.stalling(number, seat);
                ("stall", self.jobs.send(message).map(drop))
            }
            88..91 => {
                let owed = job.stall.map_or(seat, |s| s.member);
                let message = self.jobs.answering(number, owed);
                ("answer", self.jobs.send(message).map(drop))
            }
            91..97 => {
                let wrong = self.chance.one_in(4);
                let message = match wrong {
                    true => self.jobs.releasing_another(number, seat),
                    false => self.jobs.releasing(number, seat),
                };
                ("release", self.jobs.send(message).map(drop))
            }
            _ => ("dispute", self.dispute(number, seat)),
        }
    }

    /// Of what is wrong, or of anything.
    fn dispute(&mut self, number: u64, seat: u32) -> Result<(), TxError> {
        let delivered = self.jobs.status(number) == Status::Delivered;
        let wrong = if delivered { self.jobs.wrong(number) } else { vec![] };
        let seats = if wrong.is_empty() || self.chance.one_in(4) { vec![seat] } else { wrong.clone() };
        let message = self.jobs.disputing(number, &seats);
        let done = self.jobs.send(message).map(drop);
        assert_eq!(done.is_ok(), delivered && seats.iter().all(|seat| wrong.contains(seat)));
        done
    }

    fn prune(&mut self) {
        let Self { jobs, live, ends, .. } = self;
        live.retain(|number| {
            let job = jobs.job(*number);
            if job.due == 0 {
                jobs.demand_over(*number, job.status());
                *ends.entry(format!("{:?}", job.status())).or_default() += 1;
            }
            job.due > 0
        });
    }

    fn run(mut self, steps: u64) -> Self {
        for k in 0..steps {
            let (what, done) = self.step();
            match done {
                Ok(()) => *self.done.entry(what).or_default() += 1,
                Err(e) => *self.ends.entry(format!("{what} refused: {} {}", e.codespace, e.code)).or_default() += 1,
            }
            self.jobs.check();
            self.prune();
            if k % 100 == 0 {
                self.jobs.round_trip();
                let epoch = reputation::epoch(&self.jobs.ground.state).unwrap();
                self.jobs
                    .ground
                    .with(|ctx| compute::end_epoch(ctx).and_then(|()| reputation::end_epoch(ctx, epoch)))
                    .unwrap();
            }
        }
        // Nobody does anything any more: time alone ends all.
        for _ in 0..300 {
            self.jobs.pass();
        }
        self.prune();
        self.jobs.check();
        assert_eq!(self.live, Vec::<u64>::new());
        let state = &self.jobs.ground.state;
        assert_eq!(self.jobs.balance(&training::account()), 0);
        let credits: u128 = (1..20).map(|who| market::credits(state, &person(who)).unwrap()).sum();
        assert_eq!(self.jobs.balance(&market::module()), credits);
        for dataset in 1..=self.made {
            assert_eq!(vault::dataset(state, dataset).unwrap().map_or(0, |d| d.live_jobs), 0);
        }
        for who in WORKERS {
            assert_eq!(compute::node(state, &person(who)).unwrap().map_or(0, |n| n.live_jobs), 0);
        }
        println!("{:?}\n{:?}", self.done, self.ends);
        self
    }
}

fn seed() -> u64 {
    let seed = std::env::var("ZEKTRA_SIM_SEED").ok().map_or(1, |text| text.parse().unwrap());
    println!("ZEKTRA_SIM_SEED={seed}");
    seed
}

#[test]
fn in_five_hundred_operations() {
    let history = History::new(seed()).run(500);
    for what in ["time", "order", "join", "part", "release"] {
        assert!(history.done.contains_key(what), "never: {what}");
    }
}

#[test]
#[ignore = "long: run by `make soak`"]
fn in_ten_thousand_operations() {
    let mut ends: BTreeMap<String, u64> = BTreeMap::new();
    let mut done: BTreeMap<&str, u64> = BTreeMap::new();
    for part in 0..10 {
        let history = History::new(seed().wrapping_add(part)).run(1000);
        history.ends.into_iter().for_each(|(end, n)| *ends.entry(end).or_default() += n);
        history.done.into_iter().for_each(|(what, n)| *done.entry(what).or_default() += n);
    }
    println!("{done:?}\n{ends:?}");
    for end in ["Settled", "Aborted", "Expired", "Failed"] {
        assert!(ends.contains_key(end), "never {end}");
    }
    for what in ["cancel", "stall", "answer", "dispute", "owner", "node", "rules"] {
        assert!(done.contains_key(what), "never: {what}");
    }
}
