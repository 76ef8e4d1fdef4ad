//! A chain without a node: all modules over a state in memory, and consensus as far as it is told of validators.

use super::chance::Chance;
use super::genesis::{self, CONSENSUS_KEYS, NATIVE};
use std::collections::{BTreeMap, BTreeSet};
use zektra_modules::address::{Address, Prefix};
use zektra_modules::coin::{Coins, coin, parse_amount};
use zektra_modules::context::{Block, Context, Vote};
use zektra_modules::error::TxError;
use zektra_modules::gas::Meter;
use zektra_modules::module::handler_of;
use zektra_modules::staking::validator::address_of;
use zektra_modules::{MODULES, auth, bank, consensus, feegrant, power, staking};
use zektra_proto::tendermint::abci::{Event, Misbehavior, MisbehaviorType, Validator, ValidatorUpdate};
use zektra_proto::tendermint::crypto::public_key::Sum;
use zektra_proto::{Any, Timestamp, comet};
use zektra_state::{Empty, Layer as _, StateDelta};

/// Heights whose validators are remembered: those of which evidence may come.
const REMEMBERED: u64 = 300;
/// CometBFT's bound of the sum of all powers.
const MAX_TOTAL_POWER: u64 = (i64::MAX / 8) as u64;

/// A validator of a height.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    pub operator: Address,
    pub power: u64,
    pub weight: u64,
}

pub struct World {
    pub state: StateDelta<Empty>,
    pub block: Block,
    pub prefix: Prefix,
    /// Of this block.
    pub events: Vec<Event>,
    /// Who signs at a height, by consensus address.
    pub sets: BTreeMap<u64, BTreeMap<Address, Member>>,
    pub times: BTreeMap<u64, Timestamp>,
    /// Who does not sign.
    pub offline: BTreeSet<Address>,
    /// What the next block brings.
    pub accused: Vec<Misbehavior>,
    /// When validators were made, by their operators' texts.
    pub created: BTreeMap<String, u64>,
}

impl Clone for World {
    fn clone(&self) -> Self {
        let Self { state, block, prefix, events, sets, times, offline, accused, created } = self;
        Self {
            state: StateDelta::with(Empty, state.changes().clone()),
            block: block.clone(),
            prefix: prefix.clone(),
            events: events.clone(),
            sets: sets.clone(),
            times: times.clone(),
            offline: offline.clone(),
            accused: accused.clone(),
            created: created.clone(),
        }
    }
}

pub fn account(k: u64) -> Address {
    Address::new(vec![k as u8 + 1; 20]).unwrap()
}

/// The first validator, which does all it should: so the set is never empty.
pub fn guardian() -> Address {
    account(0)
}

fn key_of(update: &ValidatorUpdate) -> [u8; 32] {
    match update.pub_key.as_ref().and_then(|k| k.sum.as_ref()) {
        Some(Sum::Ed25519(key)) => key[..].try_into().unwrap(),
        other => panic!("consensus is told of the key {other:?}"),
    }
}

impl World {
    /// A chain with some validators at its first height.
    pub fn new() -> Self {
        let time = Timestamp { seconds: 1_800_000_000, nanos: 0 };
        let mut world = Self {
            state: StateDelta::new(Empty),
            block: Block { chain_id: "simulation".into(), height: 0, time, ..Block::default() },
            prefix: Prefix::new("zektra").unwrap(),
            events: vec![],
            sets: BTreeMap::new(),
            times: BTreeMap::new(),
            offline: BTreeSet::new(),
            accused: vec![],
            created: BTreeMap::new(),
        };
        let updates = genesis::begin(&mut world);
        world.sets.insert(1, BTreeMap::new());
        world.told(0, &updates);
        world.note_created();
        world.sets.insert(1, world.sets[&2].clone());
        world.check();
        world
    }

    /// Does something on the state itself.
    pub fn with<T>(&mut self, act: impl FnOnce(&mut Context<'_>) -> T) -> T {
        let gas = Meter::endless();
        let Self { state, block, prefix, events, .. } = self;
        act(&mut Context { state, events, block, prefix, gas: &gas })
    }

    /// Does something that leaves nothing behind if it fails, as the transactions of a block do.
    pub fn attempt<T>(&mut self, act: impl FnOnce(&mut Context<'_>) -> Result<T, TxError>) -> Result<T, TxError> {
        let (mut layer, mut events, gas) = (StateDelta::new(&self.state), vec![], Meter::endless());
        let mut ctx =
            Context { state: &mut layer, events: &mut events, block: &self.block, prefix: &self.prefix, gas: &gas };
        let out = act(&mut ctx);
        if let Err(error) = &out {
            assert!(!error.is_internal(), "a transaction damages the state: {error}");
        }
        let out = out?;
        let changes = layer.into_changes();
        self.state.apply(changes);
        self.events.append(&mut events);
        Ok(out)
    }

    /// Executes a transaction: the fee is paid, by the granter if there is one, whether the messages succeed or not.
    pub fn deliver(&mut self, fee: &Coins, granter: Option<&Address>, messages: &[Any]) -> Result<(), TxError> {
        let mut signers = vec![];
        for any in messages {
            signers.extend(handler_of(any)?.check(&any.value, &self.prefix)?);
        }
        let signer = signers.first().expect("a message has a signer").clone();
        for signer in &signers {
            // Of modules there are no signatures.
            let account = auth::account(&self.state, signer).unwrap();
            assert!(!matches!(account, Some(auth::Account::Module(_))), "{messages:?} is signed by a module");
        }
        self.attempt(|ctx| {
            let names: Vec<&str> = messages.iter().map(|any| &any.type_url[..]).collect();
            if let Some(granter) = granter {
                feegrant::pay(ctx, granter, &signer, fee, &names)?;
            }
            let collector = Address::of_module(auth::FEE_COLLECTOR);
            if fee.is_empty() {
                return Ok(());
            }
            bank::transfer(ctx, granter.unwrap_or(&signer), &collector, fee)
        })?;
        self.attempt(|ctx| messages.iter().try_for_each(|any| handler_of(any)?.run(&any.value, ctx).map(drop)))
    }

    /// Begins the next block, so many seconds later.
    pub fn begin(&mut self, seconds: u64, chance: &mut Chance) {
        let height = self.block.height + 1;
        let time = Timestamp { seconds: self.block.time.seconds + seconds as i64, nanos: 0 };
        let none = BTreeMap::new();
        // The commit is that of the block before; the first block has none.
        let signers = if height > 1 { &self.sets[&(height - 1)] } else { &none };
        let vote = |(validator, member): (&Address, &Member)| Vote {
            validator: validator.clone(),
            power: member.power,
            signed: !self.offline.contains(validator),
        };
        let votes: Vec<Vote> = signers.iter().map(vote).collect();
        let proposer = chance.of(&votes).map(|v| v.validator.bytes().to_vec()).unwrap_or_default();
        let hash = height.to_be_bytes().repeat(4);
        let misbehavior = std::mem::take(&mut self.accused);
        let chain_id = self.block.chain_id.clone();
        self.block = Block { chain_id, height, time, hash, proposer, votes, misbehavior, migrations: &[] };
        self.times.insert(height, time);
        let oldest = height.saturating_sub(REMEMBERED);
        self.sets = self.sets.split_off(&oldest);
        self.times = self.times.split_off(&oldest);
        if height > 1 {
            self.check_weights(height - 1);
            self.check_weights(chance.between(oldest.max(1), height - 1));
        }
        for module in MODULES {
            let begun = self.with(|ctx| module.begin_block(ctx));
            begun.unwrap_or_else(|e| panic!("{} stops the beginning of block {height}: {e}", module.name()));
        }
    }

    /// Ends the block, and checks all that must hold; how many validators were forgotten in it.
    pub fn end(&mut self, supply_before: &BTreeMap<String, u128>) -> u64 {
        let height = self.block.height;
        let mut updates = vec![];
        for module in MODULES {
            let ended = self.with(|ctx| module.end_block(ctx));
            updates.extend(ended.unwrap_or_else(|e| panic!("{} stops block {height}: {e}", module.name())));
        }
        self.told(height, &updates);
        let forgotten = self.note_created();
        // What was deleted long ago is gone from a database, too.
        let state = std::mem::replace(&mut self.state, StateDelta::new(Empty));
        let mut changes = state.into_changes();
        changes.retain(|_, value| value.is_some());
        // The store refuses them: of an empty value there is no proof.
        let empty = changes.iter().find(|(_, value)| value.as_ref().is_some_and(Vec::is_empty));
        assert_eq!(empty.map(|(key, _)| String::from_utf8_lossy(key)), None);
        self.state = StateDelta::with(Empty, changes);
        self.check();
        self.check_supply(supply_before);
        forgotten
    }

    /// Consensus hears of validators at the end of a block: they sign from the second block after it on.
    fn told(&mut self, height: u64, updates: &[ValidatorUpdate]) {
        let mut powers: BTreeMap<Address, u64> =
            self.sets[&(height + 1)].iter().map(|(a, m)| (a.clone(), m.power)).collect();
        let mut named = BTreeSet::new();
        for update in updates {
            let (address, power) = (address_of(&key_of(update)), u64::try_from(update.power).unwrap());
            assert!(named.insert(address.clone()), "consensus stops: {address:?} is named twice");
            match power {
                0 => {
                    assert!(powers.remove(&address).is_some(), "consensus stops: {address:?} is removed and not there")
                }
                _ => drop(powers.insert(address, power)),
            }
        }
        assert!(!powers.is_empty(), "consensus stops: nobody is left");
        assert!(powers.values().sum::<u64>() <= MAX_TOTAL_POWER, "consensus stops: too much power");
        let held = staking::set::last_powers(&self.state).unwrap().into_iter().map(|(operator, power)| {
            let validator = staking::known(&self.state, &operator).unwrap();
            (validator.consensus(), Member { operator, power, weight: validator.weight() })
        });
        let held: BTreeMap<Address, Member> = held.collect();
        let of_held: BTreeMap<Address, u64> = held.iter().map(|(a, m)| (a.clone(), m.power)).collect();
        assert_eq!(powers, of_held, "consensus knows another set than staking at height {height}");
        self.sets.insert(height + 2, held);
    }

    /// All modules' invariants.
    pub fn check(&self) {
        for module in MODULES {
            let holds = module.check_invariants(&self.state);
            holds.unwrap_or_else(|e| panic!("after block {}, {}: {e}", self.block.height, module.name()));
        }
    }

    /// A vote of an earlier height still says which stake was behind it, as long as evidence of it is taken.
    fn check_weights(&self, height: u64) {
        let limits = consensus::params(&self.state).unwrap().evidence.unwrap();
        let age = self.block.time.seconds - self.times.get(&height).map_or(0, |time| time.seconds);
        let blocks = (self.block.height - height) as i64;
        if age > limits.max_age_duration.unwrap().seconds && blocks > limits.max_age_num_blocks {
            return;
        }
        for Member { operator, power, weight } in self.sets[&height].values() {
            // Multipliers go with their validator.
            let text = self.operator_text(operator);
            if staking::validator(&self.state, operator).unwrap().is_some() && self.created[&text] < height {
                let found = power::weight(&self.state, operator, *power, height).unwrap();
                assert_eq!(found, *weight, "the weight of {text}'s vote {power} at height {height}");
            }
        }
    }

    fn note_created(&mut self) -> u64 {
        for event in self.events.iter().filter(|e| e.r#type == "create_validator") {
            self.created.insert(event.attributes[0].value.clone(), self.block.height);
        }
        let Self { created, prefix, state, .. } = self;
        let there = |text: &str| staking::validator(state, &prefix.parse_operator(text).unwrap()).unwrap().is_some();
        let all = created.len();
        created.retain(|text, _| there(text));
        (all - created.len()) as u64
    }

    pub fn supply(&self) -> BTreeMap<String, u128> {
        [NATIVE, genesis::FEE].map(|denom| (denom.into(), bank::supply(&self.state, denom).unwrap())).into()
    }

    /// The supply changes by what is minted and burned, and by nothing else.
    fn check_supply(&self, before: &BTreeMap<String, u128>) {
        let mut expected = before.clone();
        for event in &self.events {
            let sign = match &event.r#type[..] {
                "coinbase" => 1,
                "burn" => -1,
                _ => continue,
            };
            let amount = &event.attributes.iter().find(|a| a.key == "amount").unwrap().value;
            for part in amount.split(',').filter(|part| !part.is_empty()) {
                let at = part.find(|c: char| !c.is_ascii_digit()).unwrap();
                let (digits, denom) = part.split_at(at);
                let supply = expected.get_mut(denom).unwrap();
                let amount = parse_amount(digits).unwrap();
                *supply = if sign > 0 { *supply + amount } else { *supply - amount };
            }
        }
        assert_eq!(self.supply(), expected);
    }

    /// Evidence of two votes at a height, by a validator of it.
    pub fn accuse(&mut self, chance: &mut Chance) -> Option<()> {
        let heights: Vec<u64> = self.times.keys().copied().collect();
        // Mostly soon after.
        let near = heights.len().saturating_sub(chance.one([3, 20, 300]));
        let height = *chance.of(&heights[near..])?;
        let guardian = address_of(&genesis::key(0));
        let set: Vec<_> = self.sets.get(&height)?.iter().filter(|(a, _)| **a != guardian).collect();
        let (address, member) = *chance.of(&set)?;
        let kinds =
            [MisbehaviorType::DuplicateVote, MisbehaviorType::DuplicateVote, MisbehaviorType::LightClientAttack];
        let time = self.times[&height];
        self.accused.push(Misbehavior {
            r#type: chance.one(kinds).into(),
            validator: Some(Validator { address: address.bytes().to_vec().into(), power: member.power as i64 }),
            height: height as i64,
            time: Some(comet::Timestamp { seconds: time.seconds, nanos: time.nanos }),
            total_voting_power: 0,
        });
        Some(())
    }

    /// A key of consensus by chance: one that a validator has or had, now and then.
    pub fn any_key(&self, chance: &mut Chance) -> [u8; 32] {
        genesis::key(chance.below(CONSENSUS_KEYS))
    }

    pub fn text(&self, address: &Address) -> String {
        self.prefix.text(address)
    }

    pub fn operator_text(&self, address: &Address) -> String {
        self.prefix.operator_text(address)
    }

    pub fn balance(&self, address: &Address, denom: &str) -> u128 {
        bank::balance(&self.state, address, denom).unwrap()
    }

    /// A part of what an account holds of the native coin.
    pub fn some_of(&self, chance: &mut Chance, address: &Address) -> Option<zektra_proto::cosmos::base::v1beta1::Coin> {
        Some(coin(NATIVE, chance.amount(self.balance(address, NATIVE))?))
    }
}
