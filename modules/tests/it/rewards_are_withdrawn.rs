use crate::rewards_world::{ACCOUNTS, FEE, STAKE, World, account};
use prost::Message as _;
use serde_json::json;
use zektra_modules::Module as _;
use zektra_modules::address::Address;
use zektra_modules::authority::authority;
use zektra_modules::bank;
use zektra_modules::coin::coin;
use zektra_modules::dec_coins::DecCoins;
use zektra_modules::decimal::Dec;
use zektra_modules::distribution::{Distribution, community_pool, params};
use zektra_modules::query::Code;
use zektra_modules::staking::{self, slash};
use zektra_proto::cosmos::distribution::v1beta1::{
    MsgCommunityPoolSpend, MsgFundCommunityPool, MsgSetWithdrawAddress, MsgUpdateParams, MsgWithdrawDelegatorReward,
    MsgWithdrawValidatorCommission, Params, QueryDelegationRewardsRequest, QueryDelegationRewardsResponse,
    QueryDelegatorWithdrawAddressRequest, QueryDelegatorWithdrawAddressResponse, QueryValidatorDistributionInfoRequest,
    QueryValidatorDistributionInfoResponse, QueryValidatorSlashesRequest, QueryValidatorSlashesResponse,
};

fn reward(world: &World, d: u8, v: u8) -> MsgWithdrawDelegatorReward {
    MsgWithdrawDelegatorReward { delegator_address: world.text(d), validator_address: world.operator(v) }
}

fn event(world: &World, kind: &str) -> Vec<(String, String)> {
    let found = world.events.iter().rev().find(|e| e.r#type == kind).unwrap();
    found.attributes.iter().map(|a| (a.key.clone(), a.value.clone())).collect()
}

fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter().map(|&(k, v)| (k.into(), v.into())).collect()
}

/// Powers are 10, 20 and 30; the second validator keeps a tenth.
#[test]
fn with_the_events_of_the_sdk() {
    let mut world = World::new();
    world.events.clear();
    world.next(6000);
    let [_, one, _] = [0, 1, 2].map(|v| world.operator(v));
    let of_one: Vec<_> = world
        .events
        .iter()
        .filter(|e| e.attributes.iter().any(|a| a.value == one))
        .map(|e| (e.r#type.clone(), e.attributes[0].value.clone()))
        .collect();
    // 6000 · 0.98 · 0.333333333333333333
    let wanted = [("commission", "195.999999999999999804ufee"), ("rewards", "1959.999999999999998040ufee")];
    assert_eq!(of_one, pairs(&wanted));
    let paid = world.run(reward(&world, 1, 1)).unwrap();
    assert_eq!(paid.amount, [coin(FEE, 1763)]);
    let wanted = [("amount", "1763ufee"), ("validator", &one[..]), ("delegator", &world.text(1)[..])];
    assert_eq!(event(&world, "withdraw_rewards"), pairs(&wanted));
    // Nothing is left: a coin of amount 0.
    let paid = world.run(reward(&world, 1, 1)).unwrap();
    assert_eq!(paid.amount, [coin(STAKE, 0)]);
    assert_eq!(event(&world, "withdraw_rewards")[0].1, "0uzektra");
    let message = MsgWithdrawValidatorCommission { validator_address: one.clone() };
    let paid = world.run(message.clone()).unwrap();
    assert_eq!(paid.amount, [coin(FEE, 195)]);
    assert_eq!(event(&world, "withdraw_commission"), pairs(&[("amount", "195ufee")]));
    // A rest below one coin is still commission; then there is none.
    assert_eq!(world.run(message).unwrap().amount, []);
    let none = MsgWithdrawValidatorCommission { validator_address: world.operator(0) };
    let refused = world.run(none).unwrap_err();
    assert_eq!((refused.codespace, refused.code), ("distribution", 7));
    let refused = world.run(reward(&world, 3, 1)).unwrap_err();
    assert_eq!((refused.codespace, refused.code), ("staking", 19));
    let refused = world.run(reward(&world, 3, 3)).unwrap_err();
    assert_eq!((refused.codespace, refused.code), ("staking", 3));
    assert_eq!(bank::balance(&world.state, &account(1), FEE).unwrap(), 1763 + 195);
    world.check();
}

#[test]
fn from_the_second_block_on() {
    let mut world = World::new();
    world.block.height = 0;
    world.next(1000);
    assert!(community_pool(&world.state).unwrap().is_empty());
    // What was not shared out waits.
    world.next(0);
    assert!(community_pool(&world.state).unwrap().amount(FEE) >= Dec::whole(20));
    // Without votes all is the community's.
    world.block.votes.clear();
    let before = community_pool(&world.state).unwrap().amount(FEE);
    world.next(500);
    assert_eq!(community_pool(&world.state).unwrap().amount(FEE), before.plus(Dec::whole(500)).unwrap());
}

#[test]
fn to_where_the_delegator_says() {
    let mut world = World::new();
    let to =
        |world: &World, to: String| MsgSetWithdrawAddress { delegator_address: world.text(0), withdraw_address: to };
    let module = world.prefix.text(&Address::of_module("distribution"));
    let refused = world.run(to(&world, module.clone())).unwrap_err();
    assert_eq!(refused.log, format!("{module} is not allowed to receive external funds: unauthorized"));
    let other = world.text(4);
    world.run(to(&world, other.clone())).unwrap();
    assert_eq!(event(&world, "set_withdraw_address"), pairs(&[("withdraw_address", &other)]));
    let q = QueryDelegatorWithdrawAddressRequest { delegator_address: world.text(0) };
    let found: QueryDelegatorWithdrawAddressResponse = world.ask("DelegatorWithdrawAddress", &q).unwrap();
    assert_eq!(found.withdraw_address, other);
    world.next(6000);
    world.run(reward(&world, 0, 0)).unwrap();
    assert_eq!(bank::balance(&world.state, &account(0), FEE).unwrap(), 0);
    assert_eq!(bank::balance(&world.state, &account(4), FEE).unwrap(), 979);
    let params = Params { withdraw_addr_enabled: false, ..params(&world.state).unwrap() };
    let authority = world.prefix.text(&authority());
    world.run(MsgUpdateParams { authority, params: Some(params) }).unwrap();
    let refused = world.run(to(&world, world.text(3))).unwrap_err();
    assert_eq!((refused.codespace, refused.code), ("distribution", 8));
}

#[test]
fn the_community_gives_what_it_has() {
    let mut world = World::new();
    let fund = MsgFundCommunityPool { depositor: world.text(ACCOUNTS), amount: vec![coin(FEE, 70)] };
    world.run(fund).unwrap();
    let spend = |world: &World, authority: &Address, recipient: String, amount: u128| MsgCommunityPoolSpend {
        authority: world.prefix.text(authority),
        recipient,
        amount: vec![coin(FEE, amount)],
    };
    let refused = world.run(spend(&world, &account(0), world.text(0), 10)).unwrap_err();
    assert_eq!((refused.codespace, refused.code), ("gov", 13));
    let refused = world.run(spend(&world, &authority(), world.text(0), 71)).unwrap_err();
    assert_eq!((refused.codespace, refused.code), ("distribution", 9));
    let module = world.prefix.text(&Address::of_module("fee_collector"));
    assert_eq!(world.run(spend(&world, &authority(), module, 10)).unwrap_err().code, 4);
    world.run(spend(&world, &authority(), world.text(0), 70)).unwrap();
    assert_eq!(bank::balance(&world.state, &account(0), FEE).unwrap(), 70);
    assert_eq!(community_pool(&world.state).unwrap(), DecCoins::none());
    let empty = MsgFundCommunityPool { depositor: world.text(ACCOUNTS), amount: vec![] };
    assert_eq!(world.run(empty).unwrap_err().code, 10);
    world.check();
}

#[test]
#[allow(deprecated)]
fn parameters_are_parts() {
    let mut world = World::new();
    let authority = world.prefix.text(&authority());
    let good = params(&world.state).unwrap();
    let with = |params: Params| MsgUpdateParams { authority: authority.clone(), params: Some(params) };
    let deprecated = Params { base_proposer_reward: "1".into(), ..good.clone() };
    let why = "cannot update base or bonus proposer reward because these are deprecated fields: invalid request";
    assert_eq!(world.run(with(deprecated)).unwrap_err().log, why);
    let large = Params { community_tax: Dec::percent(101).digits(), ..good.clone() };
    let why = "community tax too large: 1.010000000000000000: invalid request";
    assert_eq!(world.run(with(large)).unwrap_err().log, why);
    let none = Params { community_tax: String::new(), ..good.clone() };
    assert_eq!(world.run(with(none)).unwrap_err().log, "community tax must be not nil: invalid request");
    let all = Params { community_tax: Dec::one().digits(), base_proposer_reward: String::new(), ..good };
    world.run(with(all)).unwrap();
    world.next(1000);
    assert_eq!(community_pool(&world.state).unwrap().amount(FEE), Dec::whole(1000));
}

#[test]
fn questions_have_the_answers_of_the_sdk() {
    let mut world = World::new();
    world.next(6000);
    let q = QueryValidatorDistributionInfoRequest { validator_address: world.operator(1) };
    let found: QueryValidatorDistributionInfoResponse = world.ask("ValidatorDistributionInfo", &q).unwrap();
    assert_eq!(found.operator_address, world.text(1));
    assert_eq!(DecCoins::read(&found.commission).unwrap().to_string(), "195.999999999999999804ufee");
    let q = |delegator_address: String, validator_address: String| {
        let q = QueryDelegationRewardsRequest { delegator_address, validator_address };
        world.ask::<_, QueryDelegationRewardsResponse>("DelegationRewards", &q)
    };
    assert_eq!(q(world.text(1), world.operator(1)).unwrap().rewards, found.self_bond_rewards);
    let wrong = |e: zektra_modules::query::QueryError| (e.code, e.message);
    let empty = q(world.text(1), String::new()).unwrap_err();
    assert_eq!(wrong(empty), (Code::InvalidArgument, "empty validator address".into()));
    let empty = q(String::new(), world.operator(1)).unwrap_err();
    assert_eq!(wrong(empty), (Code::InvalidArgument, "empty delegator address".into()));
    let missing = q(world.text(3), world.operator(1)).unwrap_err();
    assert_eq!(wrong(missing), (Code::NotFound, "delegation does not exist".into()));
    let missing = q(world.text(3), world.operator(3)).unwrap_err();
    assert_eq!(wrong(missing), (Code::NotFound, format!("{}: validator does not exist", world.operator(3))));
}

#[test]
fn slashes_are_found_by_height() {
    let mut world = World::new();
    let consensus = staking::known(&world.state, &account(2)).unwrap().consensus();
    for percent in [1, 2, 3] {
        world.next(100);
        let (height, fraction) = (world.block.height, Dec::percent(percent));
        world.act(|ctx| slash::slash(ctx, &consensus, height, 10, fraction)).unwrap();
        world.check();
    }
    let last = world.block.height;
    let q = |starting_height, ending_height| {
        let validator_address = world.operator(2);
        let q = QueryValidatorSlashesRequest { validator_address, starting_height, ending_height, pagination: None };
        world.ask::<_, QueryValidatorSlashesResponse>("ValidatorSlashes", &q)
    };
    assert_eq!(q(0, last).unwrap().slashes.len(), 3);
    let found = q(last - 1, last - 1).unwrap().slashes;
    assert_eq!((found.len(), found[0].validator_period), (1, 3));
    let refused = q(5, 4).unwrap_err().message;
    assert_eq!(refused, "starting height greater than ending height (5 > 4)");
}

#[test]
fn a_genesis_with_a_wrong_record_names_the_field() {
    let mut world = World::new();
    world.next(6000);
    let good = Distribution.export_genesis(&world.state, &world.prefix).unwrap();
    Distribution.check_genesis(&good, &world.prefix).unwrap();
    let with = |field: &str, value: serde_json::Value| {
        let mut genesis = good.clone();
        *genesis.pointer_mut(field).unwrap() = value;
        Distribution.check_genesis(&genesis, &world.prefix).unwrap_err().field
    };
    for (field, value, named) in [
        ("/params/community_tax", json!("1.5"), "params.community_tax"),
        ("/params", json!(null), "params"),
        ("/outstanding_rewards/1/validator_address", json!(world.text(0)), "outstanding_rewards[1].validator_address"),
        ("/validator_current_rewards/0/rewards/period", json!("0"), "validator_current_rewards[0].rewards.period"),
        (
            "/validator_historical_rewards/0/rewards/reference_count",
            json!(0),
            "validator_historical_rewards[0].rewards.reference_count",
        ),
        ("/delegator_starting_infos/2/delegator_address", json!(""), "delegator_starting_infos[2].delegator_address"),
        ("/fee_pool/community_pool/0/denom", json!("x"), "fee_pool.community_pool"),
    ] {
        assert_eq!(with(field, value), format!("distribution.{named}"));
    }
    // All of it is what clients read, too.
    let bytes = zektra_proto::json::read::<zektra_proto::cosmos::distribution::v1beta1::GenesisState>(&good).unwrap();
    assert_eq!(bytes.outstanding_rewards.len(), 3);
    assert!(!bytes.encode_to_vec().is_empty());
}
