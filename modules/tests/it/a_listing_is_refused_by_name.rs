use crate::a_quote_is_fixed_when_it_is_made::{list, tier};
use crate::work::{coin, each_refused as each, ground};
use zektra_modules::Module as _;
use zektra_modules::authority::authority;
use zektra_modules::coin::coin as any_coin;
use zektra_modules::market::{self, Market};
use zektra_proto::market::v1::*;

#[test]
fn with_the_code_of_what_is_wrong() {
    let mut ground = ground();
    let right = list(&ground, 1, Kind::Dataset);
    let poor = ground.text(77);
    each(
        &mut ground,
        &right,
        &[
            (&|m| m.seller = "x".into(), ("sdk", 7), "decoding"),
            (&|m| m.seller = poor.clone(), ("vault", 7), "owned by"),
            (&|m| m.target = 8, ("vault", 10), "dataset 8"),
            (&|m| m.kind = Kind::Set.into(), ("vault", 7), "set 7: owned by"),
            (&|m| m.kind = 0, ("market", 2), "kind 0: expected a dataset or a set"),
            (&|m| m.kind = 9, ("market", 2), "kind 9"),
            (&|m| m.target = 0, ("market", 2), "target 0"),
            (&|m| m.tiers.clear(), ("market", 3), "0 tiers: expected 1 to 16"),
            (&|m| m.tiers = vec![m.tiers[0].clone(); 17], ("market", 3), "17 tiers"),
            (&|m| m.tiers = vec![m.tiers[0].clone(); 2], ("market", 3), "expected each name once"),
            (&|m| m.tiers[0].name = "Gold".into(), ("market", 3), "lower-case letters"),
            (&|m| m.tiers[0].name = "g".repeat(33), ("market", 3), "name of 33 bytes"),
            (&|m| m.tiers[0].licence = "l".repeat(65), ("market", 3), "licence of 65 bytes: expected at most 64"),
            (&|m| m.tiers[0].max_passes = 0, ("market", 3), "max_passes 0"),
            (&|m| m.tiers[0].output = 0, ("market", 3), "output 0"),
            (&|m| m.tiers[0].schedule.clear(), ("market", 4), "0 rates of tier \"basic\": expected 1 to 16"),
            (&|m| m.tiers[0].schedule[0].rate = 0, ("market", 4), "rate 0"),
            (&|m| m.tiers[0].schedule[0].rate = (1 << 48) + 1, ("market", 4), "expected 1 to"),
            (&|m| m.tiers[0] = tier("t", &[(5, 1), (5, 2)]), ("market", 4), "from_height 5: expected more than 5"),
            (&|m| m.tiers[0] = tier("t", &[(1, 1); 17]), ("market", 4), "17 rates"),
        ],
    );
    ground.send(right).unwrap();
    let (seller, other) = (ground.text(1), ground.text(2));
    let update = MsgUpdateTier { seller: seller.clone(), listing: 1, tier: Some(tier("gold", &[(0, 1)])) };
    each(
        &mut ground,
        &update,
        &[
            (&|m| m.seller = other.clone(), ("market", 7), "the listing is another's"),
            (&|m| m.listing = 0, ("market", 5), "listing 0"),
            (&|m| m.listing = 2, ("market", 5), "listing 2: no such listing"),
            (&|m| m.tier = None, ("market", 3), "tier: missing"),
            (&|m| m.tier = Some(tier("gold", &[])), ("market", 4), "0 rates"),
            (&|m| m.tier = Some(tier("basic", &[(0, 1)])), ("market", 4), "schedule of the known tier"),
        ],
    );
    let schedule = MsgSchedule { seller: seller.clone(), listing: 1, tier: "basic".into(), from_height: 11, rate: 1 };
    each(
        &mut ground,
        &schedule,
        &[
            (&|m| m.seller = other.clone(), ("market", 7), "another's"),
            (&|m| m.listing = 9, ("market", 5), "listing 9"),
            (&|m| m.tier = "gold".into(), ("market", 6), "tier \"gold\" of listing 1: no such tier"),
            (&|m| m.rate = 0, ("market", 4), "rate 0"),
            (&|m| m.from_height = 10, ("market", 4), "from_height 10: expected more than 10"),
            (&|m| m.rate = 251, ("market", 10), "a higher rate needs notice"),
        ],
    );
    let close = MsgClose { seller: seller.clone(), listing: 1 };
    let reopen = MsgReopen { seller, listing: 1 };
    each(
        &mut ground,
        &reopen,
        &[
            (&|_| {}, ("market", 9), "the listing is open"),
            (&|m| m.seller = other.clone(), ("market", 7), "another's"),
            (&|m| m.listing = 0, ("market", 5), "listing 0"),
        ],
    );
    each(
        &mut ground,
        &close,
        &[
            (&|m| m.seller = other.clone(), ("market", 7), "another's"),
            (&|m| m.listing = 3, ("market", 5), "listing 3"),
        ],
    );
    ground.send(close.clone()).unwrap();
    each(&mut ground, &close, &[(&|_| {}, ("market", 8), "the listing is closed")]);
}

#[test]
fn and_so_are_credits() {
    let mut ground = ground();
    let buy = MsgBuyCredits { buyer: ground.text(1), amount: Some(coin(10)) };
    each(
        &mut ground,
        &buy,
        &[
            (&|m| m.buyer.clear(), ("sdk", 7), "empty address"),
            (&|m| m.amount = None, ("sdk", 10), "amount: nothing"),
            (&|m| m.amount = Some(coin(0)), ("sdk", 10), "positive amount"),
            (&|m| m.amount = Some(any_coin("uatom", 1)), ("sdk", 10), "expected uzektra"),
            (&|m| m.amount = Some(coin(u128::MAX)), ("sdk", 5), "spendable balance"),
        ],
    );
    ground.send(buy).unwrap();
    let back = MsgReturnCredits { holder: ground.text(1), amount: Some(coin(10)) };
    let other = ground.text(2);
    each(
        &mut ground,
        &back,
        &[
            (&|m| m.holder = other.clone(), ("market", 18), "amount 10: expected at most 0: too few credits"),
            (&|m| m.amount = Some(coin(11)), ("market", 18), "amount 11: expected at most 10"),
            (&|m| m.amount = None, ("sdk", 10), "amount: nothing"),
        ],
    );
    ground.send(back).unwrap();
}

#[test]
fn and_parameters_and_genesis_files() {
    let mut ground = ground();
    let authority = ground.prefix.text(&authority());
    let right = MsgUpdateParams { authority, params: Some(market::params(&ground.state).unwrap()) };
    let someone = ground.text(1);
    let with = |change: fn(&mut Params)| move |m: &mut MsgUpdateParams| change(m.params.as_mut().unwrap());
    each(
        &mut ground,
        &right,
        &[
            (&|m| m.authority = someone.clone(), ("gov", 13), "invalid authority"),
            (&|m| m.params = None, ("market", 19), "params: missing"),
            (&with(|p| p.denom = "uatom".into()), ("market", 19), "denom uatom: expected uzektra"),
            (&with(|p| p.denom.clear()), ("market", 19), "expected a denomination"),
            (&with(|p| p.data_owners += 1), ("market", 19), "parts of data of 10001: expected 10000 basis points"),
            (&with(|p| p.compute_node = u32::MAX), ("market", 19), "parts of compute"),
            (&with(|p| p.protocol_burn -= 1), ("market", 19), "parts of protocol of 9999"),
            (&with(|p| p.demand_min = 0), ("market", 19), "demand_min 0"),
            (&with(|p| p.demand_max = 2_000_000), ("market", 19), "demand_max 2000000"),
            (&with(|p| p.demand_start = 4999), ("market", 19), "demand_start 4999: expected 5000 to 40000"),
            (&with(|p| p.notice_blocks = u64::MAX), ("market", 19), "notice_blocks"),
            (&with(|p| p.listing_fee = "1.5".into()), ("market", 19), "listing_fee"),
            (&with(|p| p.treasury = "x".into()), ("sdk", 7), "treasury"),
        ],
    );
    ground.send(right).unwrap();
    ground.send(list(&ground, 1, Kind::Dataset)).unwrap();
    ground.with(|ctx| market::open(ctx, 5, &crate::ground::person(1), 7, 8, false)).unwrap();
    ground.send(MsgBuyCredits { buyer: ground.text(1), amount: Some(coin(10)) }).unwrap();
    let right = Market.export_genesis(&ground.state, &ground.prefix).unwrap();
    let wrong = |change: &dyn Fn(&mut serde_json::Value), field: &str| {
        let mut genesis = right.clone();
        change(&mut genesis);
        let error = Market.check_genesis(&genesis, &ground.prefix).unwrap_err();
        assert!(error.field.starts_with(field), "{error}");
    };
    wrong(&|g| g["params"]["data_owners"] = 1.into(), "market.params");
    wrong(&|g| g["next_listing"] = "1".into(), "market.listings[0].number");
    wrong(&|g| g["listings"][0]["seller"] = "x".into(), "market.listings[0].seller");
    wrong(&|g| g["listings"][0]["tiers"][0]["name"] = "".into(), "market.listings[0].tiers");
    wrong(&|g| g["escrows"][0]["held"] = "".into(), "market.escrows[0].amounts");
    wrong(&|g| g["escrows"][0]["payer"] = "".into(), "market.escrows[0].payer");
    wrong(&|g| g["payouts"] = serde_json::json!([{"job": "6", "amount": "1"}]), "market.payouts[0].job");
    wrong(&|g| g["credits"][0]["amount"] = "0".into(), "market.credits[0].amount");
    let mut empty = crate::ground::Ground::new();
    let found = empty.with(|ctx| Ok(Market.init_genesis(ctx, &right).unwrap_err().found)).unwrap();
    assert!(found.contains("of 25"), "{found}");
}
