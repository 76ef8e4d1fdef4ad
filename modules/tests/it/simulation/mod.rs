//! A chain on which things happen by chance: everything that its messages can do, validators that do not sign or sign
//! twice, and time that goes by in seconds and in weeks. After each block all must hold that ever must.

pub mod chance;
mod contents;
mod data;
mod genesis;
mod grants;
mod jobs;
mod messages;
mod proposals;
mod stake;
mod world;

use chance::Chance;
use genesis::ACCOUNTS;
use messages::{Kind, MESSAGES, SENT};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;
use world::{World, account};
use zektra_modules::address::Address;
use zektra_modules::staking::validator::address_of;
use zektra_modules::{power, staking};
use zektra_proto::Any;

/// Blocks from one way through a genesis file to the next, and those for which both chains go on.
const TRIP: (u64, u64) = (25, 3);

/// Operations of one chain.
const LIFE: u64 = 10_000;

pub fn any<M: prost::Name>(message: &M) -> Any {
    Any { type_url: format!("/{}", M::full_name()), value: message.encode_to_vec() }
}

/// How often something was tried, and succeeded.
pub type Counts = BTreeMap<String, [u64; 2]>;

#[derive(Clone)]
pub struct Simulation {
    world: World,
    chance: Chance,
    /// How often messages and other things were tried, and succeeded.
    pub counts: Counts,
    /// How often modules said something.
    pub said: BTreeMap<String, u64>,
    operation: Rc<Cell<u64>>,
}

/// Says how a failure is seen again.
struct Replay {
    seed: u64,
    operation: Rc<Cell<u64>>,
}

impl Drop for Replay {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let operation = self.operation.get();
            eprintln!("to see it again: ZEKTRA_SIM_SEED={} ZEKTRA_SIM_OPERATIONS={operation}", self.seed);
        }
    }
}

/// Lets this many things happen, on a chain after another: on an old chain most validators are jailed for ever.
pub fn run(seed: u64, operations: u64) -> Simulation {
    let mut all = of_chain(seed, operations.min(LIFE));
    for past in (LIFE..operations).step_by(LIFE as usize) {
        println!("{past} operations");
        let more = of_chain(seed.wrapping_add(past), (operations - past).min(LIFE));
        for (what, [tried, done]) in more.counts {
            let [t, d] = all.counts.entry(what).or_default();
            (*t, *d) = (*t + tried, *d + done);
        }
        more.said.into_iter().for_each(|(what, count)| *all.said.entry(what).or_default() += count);
    }
    all
}

/// Lets this many things happen on one chain.
fn of_chain(seed: u64, operations: u64) -> Simulation {
    let operation = Rc::new(Cell::new(0));
    let _replay = Replay { seed, operation: operation.clone() };
    let (counts, said) = (Counts::new(), BTreeMap::new());
    let mut simulation = Simulation { world: World::new(), chance: Chance::new(seed), counts, said, operation };
    while simulation.operation.get() < operations {
        if !simulation.world.block.height.is_multiple_of(TRIP.0) {
            simulation.block();
            continue;
        }
        // A chain of the genesis file goes on as this one does.
        let mut other = simulation.clone();
        other.operation = Rc::new(Cell::new(simulation.operation.get()));
        other.world = genesis::round_trip(&simulation.world);
        for _ in 0..TRIP.1 {
            simulation.block();
            other.block();
            genesis::demand_same(&simulation.world, &other.world);
        }
        simulation.count("a way through a genesis file", true);
    }
    simulation
}

impl Simulation {
    /// Seconds until the next block.
    fn pause(&mut self) -> u64 {
        match self.chance.below(100) {
            0..80 => self.chance.between(1, 30),
            80..92 => self.chance.between(1, 12) * 3600,
            92..98 => self.chance.between(1, 5) * 24 * 3600,
            _ => self.chance.between(6, 30) * 24 * 3600,
        }
    }

    fn block(&mut self) {
        let pause = self.pause();
        let before = self.world.supply();
        self.world.events.clear();
        self.world.begin(pause, &mut self.chance);
        if self.world.block.height == 1 {
            jobs::begin(&mut self.world, &mut self.chance);
        }
        for _ in 0..self.chance.below(10) {
            self.operation.set(self.operation.get() + 1);
            self.operate();
        }
        let gone = self.world.end(&before);
        jobs::demand_paid(&self.world);
        *self.said.entry("validators that are forgotten".into()).or_default() += gone;
        for event in &self.world.events {
            let about = |name: &str| event.attributes.iter().find(|a| a.key == name).map(|a| a.value.as_str());
            let more = match &event.r#type[..] {
                "training_status" => about("to"),
                _ => about("reason").or(about("proposal_result")),
            };
            let more = more.map(|m| format!(" {m}")).unwrap_or_default();
            *self.said.entry(format!("{}{more}", event.r#type)).or_default() += 1;
        }
    }

    fn count(&mut self, what: &str, succeeded: bool) {
        let [tried, done] = self.counts.entry(what.into()).or_default();
        (*tried, *done) = (*tried + 1, *done + u64::from(succeeded));
    }

    fn operate(&mut self) {
        let mut at = self.chance.below(MESSAGES.iter().map(|k| k.often).sum());
        let kind = MESSAGES.iter().find(|kind| match at.checked_sub(kind.often) {
            Some(rest) => {
                at = rest;
                false
            }
            None => true,
        });
        match kind.unwrap() {
            Kind { url: "something else", .. } => self.happen(),
            Kind { url: "a seal", .. } => {
                let Some(sealed) = data::seal(&mut self.world, &mut self.chance) else { return };
                self.count("a seal", sealed);
            }
            Kind { url: "an offer", .. } => {
                let Some(offered) = data::offer(&mut self.world, &mut self.chance) else { return };
                self.count("an offer", offered);
            }
            Kind { url: "a part", .. } => {
                let Some(what) = jobs::part(&mut self.world, &mut self.chance) else { return };
                self.count(what, true);
            }
            Kind { url: "a fee paid by another", .. } => {
                let all = grants::allowances(&self.world);
                let Some((granter, grantee)) = self.chance.of(&all).cloned() else { return };
                let Some(message) = self.something(&grantee) else { return };
                let fee = grants::fee(&mut self.chance);
                let paid = self.world.deliver(&fee, Some(&granter), &[message]);
                self.count("a fee paid by another", paid.is_ok());
            }
            kind => self.send(kind),
        }
    }

    /// A message that somebody could send.
    fn something(&mut self, who: &Address) -> Option<Any> {
        let kind = &MESSAGES[self.chance.below(SENT) as usize];
        (kind.make)(&self.world, &mut self.chance, who)
    }

    /// Sends a message of somebody who has something to say, now and then with another one.
    fn send(&mut self, kind: &Kind) {
        for _ in 0..20 {
            let who = match kind.url {
                url if url.contains("Vote") => proposals::voter(&self.world, &mut self.chance),
                url if url.starts_with("/zektra.") => {
                    account(self.chance.between(jobs::PARTIES.start, jobs::PARTIES.end - 1))
                }
                _ => account(self.chance.below(ACCOUNTS)),
            };
            let Some(message) = (kind.make)(&self.world, &mut self.chance, &who) else { continue };
            let mut messages = vec![message];
            if self.chance.one_in(8) {
                messages.extend(self.something(&who));
            }
            let fee = grants::fee(&mut self.chance);
            let sent = self.world.deliver(&fee, None, &messages);
            if let (Err(error), true) = (&sent, std::env::var_os("ZEKTRA_SIM_SHOWN").is_some()) {
                eprintln!("{} {}: {error}", self.operation.get(), messages[0].type_url);
            }
            for message in messages {
                self.count(&message.type_url, sent.is_ok());
            }
            return;
        }
    }

    /// What happens without a transaction.
    fn happen(&mut self) {
        let validators = staking::validators(&self.world.state).unwrap();
        let Some(validator) = self.chance.of(&validators).cloned() else { return };
        match self.chance.below(8) {
            6 => {
                let left = stake::leave(&self.world, &mut self.chance).filter(|messages| !messages.is_empty());
                let Some(messages) = left else { return };
                let left = self.world.deliver(&Default::default(), None, &messages);
                self.count("all leave a validator", left.is_ok());
            }
            7 => {
                let Some(votes) = proposals::campaign(&self.world, &mut self.chance) else { return };
                let voted = self.world.deliver(&Default::default(), None, &votes);
                self.count("a campaign", voted.is_ok());
            }
            0..3 => {
                let multiplier = self.chance.between(10_000, 21_000) as u32;
                let set = self.world.attempt(|ctx| power::set(ctx, &validator.operator, multiplier));
                self.count("a multiplier", set.is_ok());
            }
            3 if validator.consensus() != address_of(&genesis::key(0)) => {
                let begins = self.world.offline.insert(validator.consensus());
                self.count("a validator stops to sign", begins);
            }
            4 => {
                let Some(back) = self.world.offline.pop_first() else { return };
                let signs = staking::by_consensus(&self.world.state, &back).unwrap().is_some();
                self.count("a validator signs again", signs);
            }
            _ if self.chance.one_in(6) => {
                let accused = self.world.accuse(&mut self.chance).is_some();
                self.count("two votes", accused);
            }
            _ => {}
        }
    }
}

/// What modules say of all that must happen now and then, beside messages that succeed.
const SAID: [&str; 25] = [
    "active_proposal expedited_proposal_rejected",
    "active_proposal proposal_failed",
    "active_proposal proposal_passed",
    "active_proposal proposal_rejected",
    "cancel_unbonding_delegation",
    "complete_redelegation",
    "complete_unbonding",
    "compute_return",
    "compute_slash",
    "inactive_proposal proposal_dropped",
    "liveness",
    "slash double_sign",
    "slash missing_signature",
    "training_forfeit",
    "training_status aborted",
    "training_status delivered",
    "training_status expired",
    "training_status failed",
    "training_status locked",
    "training_status open",
    "training_status proven",
    "training_status rescue",
    "training_status settled",
    "training_status stalled",
    "validators that are forgotten",
];

impl Simulation {
    /// Refuses a run in which something never succeeded: it shows nothing of that.
    pub fn demand_all(&self) {
        let often = MESSAGES.iter().filter(|kind| kind.often > 0 && kind.url.starts_with('/'));
        let others = [
            "a campaign",
            "all leave a validator",
            "a fee paid by another",
            "a multiplier",
            "a part",
            "a seal",
            "a validator signs again",
            "an offer",
            "two votes",
        ];
        for what in often.map(|kind| kind.url).chain(others) {
            let [tried, done] = self.counts.get(what).copied().unwrap_or_default();
            assert!(done > 0, "{what} was tried {tried} times and never succeeded");
        }
        for what in SAID {
            assert!(self.said.get(what).is_some_and(|&count| count > 0), "there was never a {what}");
        }
    }
}
