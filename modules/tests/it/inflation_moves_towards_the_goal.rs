use proptest::prelude::*;
use serde_json::json;
use zektra_modules::address::Prefix;
use zektra_modules::coin::Coins;
use zektra_modules::context::{Block, Context};
use zektra_modules::decimal::Dec;
use zektra_modules::gas::Meter;
use zektra_modules::mint::Mint;
use zektra_modules::mint::inflation::Rates;
use zektra_modules::module::Handler as _;
use zektra_modules::query::Query;
use zektra_modules::{Module as _, auth, authority, bank, staking};
use zektra_proto::cosmos::mint::v1beta1::{MsgUpdateParams, QueryInflationResponse};
use zektra_state::{Empty, StateDelta};

/// Blocks of a year, one in five seconds.
const BLOCKS: u64 = 6_311_520;

fn rates() -> Rates {
    let [change, max, min, goal] = [13, 20, 7, 67].map(Dec::percent);
    Rates { change, max, min, goal, blocks: BLOCKS }
}

fn dec(text: &str) -> Dec {
    let (whole, rest) = text.split_once('.').unwrap();
    Dec::read(&format!("{whole}{rest:0<18}")).unwrap()
}

/// Reckoned with integers of any size and a sign, rounded as the Cosmos SDK's `LegacyDec`.
#[test]
fn up_and_down_as_in_the_sdk() {
    for (inflation, bonded, next) in [
        ("0.07", "0.0", "0.070000020597257079"),
        ("0.20", "1.0", "0.199999989855082334"),
        ("0.10", "0.5", "0.100000005226169707"),
        ("0.10", "1.0", "0.099999989855082334"),
        ("0.07", "1.0", "0.070000000000000000"),
        ("0.20", "0.0", "0.200000000000000000"),
        ("0.15", "0.67", "0.150000000000000000"),
        ("0.13", "0.333333", "0.130000010349875745"),
        ("0.13", "0.999999", "0.129999989855113076"),
    ] {
        assert_eq!(rates().next(dec(inflation), dec(bonded)).unwrap(), dec(next), "{inflation} with {bonded}");
    }
}

#[test]
fn a_block_mints_whole_coins_of_its_part_of_a_year() {
    let blocks = u128::from(BLOCKS);
    for (year, coins) in [(blocks, 1), (blocks + 1, 1), (blocks * 2, 2), (blocks / 2, 0)] {
        assert_eq!(rates().of_block(Dec::whole(year)).unwrap(), coins);
    }
}

proptest! {
    /// The exact value is a fraction of small numbers, for rates in ten thousandths.
    #[test]
    fn by_the_distance_to_the_goal(
        [inflation, bonded, change, a, b] in [0i128..=10_000, 0..=10_000, 0..=10_000, 0..=10_000, 0..=10_000],
        goal in 1i128..=10_000,
        blocks in 1u64..10_000_000,
    ) {
        let points = |n: i128| Dec::basis_points(u32::try_from(n).unwrap());
        let units = |n: i128| n * 100_000_000_000_000;
        let rates = Rates { change: points(change), max: points(a.max(b)), min: points(a.min(b)), goal: points(goal), blocks };
        let next = rates.next(points(inflation), points(bonded)).unwrap();
        let step = units((goal - bonded) * change) / (goal * i128::from(blocks));
        let exact = (units(inflation) + step).clamp(units(a.min(b)), units(a.max(b)));
        let found: i128 = next.digits().parse().unwrap();
        prop_assert!((found - exact).abs() <= 2, "{found}, exactly {exact}");
        // What is minted in a year is never more than the year's part of the supply.
        let supply = 1_000_000_007u128;
        let year = Rates::of_year(next, supply).unwrap();
        let coins = rates.of_block(year).unwrap();
        prop_assert!(Dec::whole(coins).times_whole(blocks.into()).unwrap() <= year);
    }

    #[test]
    fn parameters_are_read_or_refused(digits in prop::array::uniform4("[0-9]{0,20}|.{0,3}"), blocks in 0u64..3, denom in "[a-z]{0,5}") {
        let [change, max, min, goal] = digits;
        let params = zektra_proto::cosmos::mint::v1beta1::Params {
            mint_denom: denom, inflation_rate_change: change, inflation_max: max, inflation_min: min, goal_bonded: goal, blocks_per_year: blocks,
        };
        if let Ok(rates) = Rates::read(&params) {
            prop_assert!(rates.min <= rates.max && rates.max <= Dec::one() && !rates.goal.is_zero() && rates.blocks > 0);
            prop_assert!(rates.next(Dec::one(), Dec::one()).unwrap() <= rates.max);
        }
    }
}

/// A chain whose supply is 10^12, none of it bonded.
fn chain(state: &mut StateDelta<Empty>, run: impl FnOnce(&mut Context<'_>)) {
    let (prefix, meter, block) =
        (Prefix::new("zektra").unwrap(), Meter::endless(), Block { height: 1, ..Block::default() });
    let mut events = vec![];
    let mut ctx = Context { state, events: &mut events, block: &block, prefix: &prefix, gas: &meter };
    auth::Auth.init_genesis(&mut ctx, &auth::Auth.default_genesis("uzektra")).unwrap();
    staking::Staking.init_genesis(&mut ctx, &staking::Staking.default_genesis("uzektra")).unwrap();
    bank::mint(&mut ctx, &authority::authority(), &Coins::one("uzektra", 1_000_000_000_000)).unwrap();
    Mint.init_genesis(&mut ctx, &Mint.default_genesis("uzektra")).unwrap();
    run(&mut ctx);
}

#[test]
fn new_coins_go_to_the_fee_collector() {
    let mut state = StateDelta::new(Empty);
    chain(&mut state, |ctx| {
        ctx.events.clear();
        Mint.begin_block(ctx).unwrap();
        let last = ctx.events.last().unwrap();
        let attributes: Vec<_> = last.attributes.iter().map(|a| (&a.key[..], &a.value[..])).collect();
        let wanted = [
            ("bonded_ratio", "0.000000000000000000"),
            ("inflation", "0.130000020597257079"),
            ("annual_provisions", "130000020597.257079000000000000"),
            ("amount", "20597"),
        ];
        assert_eq!((&last.r#type[..], attributes), ("mint", wanted.to_vec()));
        let kinds: Vec<_> = ctx.events.iter().map(|e| &e.r#type[..]).collect();
        let all = ["coin_received", "coinbase", "coin_spent", "coin_received", "transfer", "message", "mint"];
        assert_eq!(kinds, all);
    });
    let collector = zektra_modules::address::Address::of_module(auth::FEE_COLLECTOR);
    assert_eq!(bank::balance(&state, &collector, "uzektra").unwrap(), 20597);
    assert_eq!(bank::supply(&state, "uzektra").unwrap(), 1_000_000_020_597);
    let (prefix, block) = (Prefix::new("zektra").unwrap(), Block::default());
    let query = Query { state: &state, block: &block, prefix: &prefix };
    let answer = Mint.services()[0].call("Inflation", &query, &[]).unwrap().unwrap();
    let answer = <QueryInflationResponse as prost::Message>::decode(&answer[..]).unwrap();
    assert_eq!(&answer.inflation[..], b"130000020597257079");
    // What is exported brings the same state.
    let exported = Mint.export_genesis(&state, &prefix).unwrap();
    assert_eq!(exported["minter"]["inflation"], "0.130000020597257079");
    Mint.check_genesis(&exported, &prefix).unwrap();
    let mut again = StateDelta::new(Empty);
    chain(&mut again, |ctx| {
        Mint.init_genesis(ctx, &exported).unwrap();
    });
    assert_eq!(Mint.export_genesis(&again, &prefix).unwrap(), exported);
}

#[test]
fn the_authority_changes_parameters() {
    let mut state = StateDelta::new(Empty);
    chain(&mut state, |ctx| {
        let params = zektra_modules::mint::params(ctx.state).unwrap();
        let other = zektra_proto::cosmos::mint::v1beta1::Params { blocks_per_year: 7, ..params };
        let message = |authority: String| MsgUpdateParams { authority, params: Some(other.clone()) };
        let stranger = ctx.text(&zektra_modules::address::Address::of_module("stranger"));
        let refused = message(stranger).handle(ctx).unwrap_err();
        assert_eq!((refused.codespace, refused.code), ("gov", 13));
        let message = message(ctx.text(&authority::authority()));
        message.check(ctx.prefix).unwrap();
        message.handle(ctx).unwrap();
        assert_eq!(zektra_modules::mint::params(ctx.state).unwrap().blocks_per_year, 7);
    });
}

#[test]
fn a_genesis_with_wrong_rates_names_the_field() {
    let prefix = Prefix::new("zektra").unwrap();
    let with = |field: &str, value: serde_json::Value| {
        let mut genesis = Mint.default_genesis("uzektra");
        *genesis.pointer_mut(field).unwrap() = value;
        Mint.check_genesis(&genesis, &prefix).unwrap_err().field
    };
    assert_eq!(with("/params/goal_bonded", json!("0.000000000000000000")), "mint.params.goal_bonded");
    assert_eq!(with("/params/inflation_max", json!("0.060000000000000000")), "mint.params.inflation_max");
    assert_eq!(
        with("/params/inflation_rate_change", json!("1.000000000000000001")),
        "mint.params.inflation_rate_change"
    );
    assert_eq!(with("/params/blocks_per_year", json!("0")), "mint.params.blocks_per_year");
    assert_eq!(with("/params/mint_denom", json!("")), "mint.params.mint_denom");
    assert_eq!(with("/minter/inflation", json!("")), "mint.minter.inflation");
}

#[test]
fn and_stops_where_the_supply_cannot_grow() {
    let mut state = StateDelta::new(Empty);
    chain(&mut state, |ctx| {
        let params = zektra_modules::mint::params(ctx.state).unwrap();
        let params = zektra_proto::cosmos::mint::v1beta1::Params { blocks_per_year: 1, ..params };
        MsgUpdateParams { authority: ctx.text(&authority::authority()), params: Some(params) }.handle(ctx).unwrap();
        let most = Coins::one("uzektra", u128::MAX - 1_000_000_000_000 - 5);
        bank::mint(ctx, &authority::authority(), &most).unwrap();
        for _ in 0..2 {
            Mint.begin_block(ctx).unwrap();
        }
    });
    assert_eq!(bank::supply(&state, "uzektra").unwrap(), u128::MAX);
}
