//! What the chain begins with, and its way through a genesis file and back.

use super::world::{World, account};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use zektra_modules::coin::coin;
use zektra_modules::decimal::Dec;
use zektra_modules::staking::validator::key_any;
use zektra_modules::{MODULES, Module as _, bank, consensus, gov, slashing, staking};
use zektra_proto::cosmos::bank::v1beta1::{Balance, GenesisState as BankState};
use zektra_proto::cosmos::base::v1beta1::Coin;
use zektra_proto::cosmos::gov::v1::GenesisState as GovState;
use zektra_proto::cosmos::slashing::v1beta1::GenesisState as SlashingState;
use zektra_proto::cosmos::staking::v1beta1::{CommissionRates, Description, MsgCreateValidator};
use zektra_proto::tendermint::abci::ValidatorUpdate;
use zektra_proto::tendermint::types::{BlockParams, ConsensusParams, EvidenceParams, ValidatorParams};
use zektra_proto::training::v1::Rules;
use zektra_proto::{Duration, comet};
use zektra_state::{Empty, StateDelta, StateRead as _, StateWrite as _};

pub const NATIVE: &str = "uzektra";
/// Another coin: fees are paid in both.
pub const FEE: &str = "ufee";
pub const ACCOUNTS: u64 = 40;
/// Keys of consensus that validators choose from.
pub const CONSENSUS_KEYS: u64 = 150;
const FORTUNE: u128 = 1_000_000_000_000;
const DAY: i64 = 24 * 3600;

/// What a genesis file does not hold of the state: headers of the last heights, and where the numbers of unbondings go on.
const NOT_IN_FILES: [&[u8]; 2] = [b"staking/history", staking::keys::NEXT_UNBONDING];

pub fn key(k: u64) -> [u8; 32] {
    [k as u8 + 101; 32]
}

pub fn span(seconds: i64) -> Option<Duration> {
    Some(Duration { seconds, nanos: 0 })
}

pub fn creation(world: &World, k: u64, key: &[u8; 32], percent: u64, value: Coin) -> MsgCreateValidator {
    let rate = |percent| Dec::percent(percent).digits();
    #[allow(deprecated)]
    MsgCreateValidator {
        description: Some(Description { moniker: format!("number {k}"), ..Description::default() }),
        commission: Some(CommissionRates { rate: rate(percent), max_rate: rate(50), max_change_rate: rate(10) }),
        min_self_delegation: "1000".into(),
        delegator_address: String::new(),
        validator_address: world.operator_text(&account(k)),
        pubkey: Some(key_any(key)),
        value: Some(value),
    }
}

/// Short times for jobs, and enough for members to join.
fn rules() -> Value {
    zektra_proto::json::write(&Rules { join_blocks: 40, ..crate::jobs::rules() }).unwrap()
}

/// Default genesis files with shorter times, and accounts with coins.
fn part(world: &World, module: &dyn zektra_modules::Module) -> Value {
    let mut part = module.default_genesis(NATIVE);
    match module.name() {
        bank::NAME => {
            let mut state: BankState = zektra_proto::json::read(&part).unwrap();
            let held = |k| Balance {
                address: world.text(&account(k)),
                coins: vec![coin(FEE, FORTUNE), coin(NATIVE, FORTUNE)],
            };
            state.balances = (0..ACCOUNTS).map(held).collect();
            part = zektra_proto::json::write(&state).unwrap();
        }
        gov::NAME => {
            let mut state: GovState = zektra_proto::json::read(&part).unwrap();
            let params = state.params.as_mut().unwrap();
            params.max_deposit_period = span(DAY);
            params.voting_period = span(DAY);
            params.expedited_voting_period = span(DAY / 2);
            part = zektra_proto::json::write(&state).unwrap();
        }
        slashing::NAME => {
            let mut state: SlashingState = zektra_proto::json::read(&part).unwrap();
            state.params.as_mut().unwrap().signed_blocks_window = 20;
            part = zektra_proto::json::write(&state).unwrap();
        }
        staking::NAME => {
            part["params"]["unbonding_time"] = json!(format!("{}s", 5 * DAY));
            part["params"]["max_validators"] = json!(8);
            part["params"]["historical_entries"] = json!(20);
        }
        "training" => part["params"] = rules(),
        "compute" => {
            part["params"]["unbonding_blocks"] = json!("30");
            // Whoever has missed gets work again: there are few nodes.
            part["params"]["min_reputation"] = json!(0);
        }
        "market" => part["params"]["notice_blocks"] = json!("10"),
        "proofs" => part["params"]["epoch_blocks"] = json!("25"),
        "mint" => part["params"]["blocks_per_year"] = json!("20000"),
        _ => {}
    }
    part
}

/// Fills the state of a new chain, with four validators.
pub fn begin(world: &mut World) -> Vec<ValidatorUpdate> {
    let age = comet::Duration { seconds: 5 * DAY, nanos: 0 };
    let params = ConsensusParams {
        block: Some(BlockParams { max_bytes: 1 << 20, max_gas: -1 }),
        evidence: Some(EvidenceParams { max_age_num_blocks: 100, max_age_duration: Some(age), max_bytes: 1 << 10 }),
        validator: Some(ValidatorParams { pub_key_types: vec!["ed25519".into()] }),
        ..ConsensusParams::default()
    };
    consensus::set_params(&mut world.state, &params).unwrap();
    let parts: Vec<_> = MODULES.iter().map(|module| (*module, part(world, *module))).collect();
    for (module, part) in parts {
        module.check_genesis(&part, &world.prefix).unwrap();
        world.with(|ctx| module.init_genesis(ctx, &part)).unwrap();
    }
    for k in 0..4 {
        let message = creation(world, k, &key(k), 5 * k, coin(NATIVE, FORTUNE / 10));
        let message = super::any(&message);
        world.deliver(&Default::default(), None, &[message]).unwrap();
    }
    world.with(|ctx| staking::Staking.end_block(ctx)).unwrap()
}

fn export(world: &World) -> Vec<(&'static str, Value)> {
    let part = |module: &&dyn zektra_modules::Module| {
        let part = module.export_genesis(&world.state, &world.prefix);
        (module.name(), part.unwrap_or_else(|e| panic!("{} cannot be exported: {e}", module.name())))
    };
    MODULES.iter().map(part).collect()
}

/// All keys with what they hold, but for what a file does not hold.
fn kept(world: &World) -> BTreeMap<&[u8], &[u8]> {
    let of_file = |key: &[u8]| NOT_IN_FILES.iter().all(|other| !key.starts_with(other));
    let entries = world.state.changes().iter().filter_map(|(k, v)| Some((&k[..], v.as_deref()?)));
    entries.filter(|(k, _)| of_file(k)).collect()
}

/// The chain that a genesis file of this one begins: in the same state, at the same height.
pub fn round_trip(world: &World) -> World {
    let parts = export(world);
    let mut other = World { state: StateDelta::new(Empty), events: vec![], ..world.clone() };
    consensus::set_params(&mut other.state, &consensus::params(&world.state).unwrap()).unwrap();
    let mut updates = vec![];
    for (module, (name, part)) in MODULES.iter().zip(&parts) {
        let wrong = |e| panic!("the genesis of {name} is refused: {e}");
        module.check_genesis(part, &other.prefix).unwrap_or_else(wrong);
        updates.extend(other.with(|ctx| module.init_genesis(ctx, part)).unwrap_or_else(|e| panic!("{e}")));
    }
    other.check();
    for ((name, before), (_, after)) in parts.iter().zip(&export(&other)) {
        assert_eq!(before, after, "{name} is not the same after a genesis file");
    }
    let told = updates.iter().map(|u| u.power as u64).sum::<u64>();
    assert_eq!(told, staking::set::last_powers(&world.state).unwrap().values().sum::<u64>());
    if let Some(next) = world.state.get(staking::keys::NEXT_UNBONDING).unwrap() {
        other.state.put(staking::keys::NEXT_UNBONDING.to_vec(), next).unwrap();
    }
    other.events = world.events.clone();
    demand_same(world, &other);
    other
}

/// Refuses states that differ in what a file holds.
pub fn demand_same(one: &World, other: &World) {
    let (one, other) = (kept(one), kept(other));
    if one == other {
        return;
    }
    let keys: std::collections::BTreeSet<_> = one.keys().chain(other.keys()).collect();
    for key in keys {
        let shown = |v: Option<&&[u8]>| v.map(|v| String::from_utf8_lossy(v).into_owned());
        let (before, after) = (shown(one.get(*key)), shown(other.get(*key)));
        assert_eq!(before, after, "{}", String::from_utf8_lossy(key));
    }
}
