use crate::ground::{Ground, person};
use crate::work::{DENOM, FORTUNE, TOKEN, check, ground, held, round_trip};
use zektra_modules::address::Address;
use zektra_modules::bank;
use zektra_modules::error::TxError;
use zektra_modules::market::{self, Line, Market, price};
use zektra_proto::market::v1::*;

pub const MIB: u64 = 1 << 20;
const NOTICE: u64 = 24 * 720;

pub fn tier(name: &str, schedule: &[(u64, u64)]) -> Tier {
    let schedule = schedule.iter().map(|&(from_height, rate)| Rate { from_height, rate }).collect();
    let output = Output::Weights.into();
    Tier { name: name.into(), licence: "research".into(), max_passes: 10, output, schedule }
}

pub fn list(ground: &Ground, who: u8, kind: Kind) -> MsgList {
    MsgList { seller: ground.text(who), kind: kind.into(), target: 7, tiers: vec![tier("basic", &[(0, 250)])] }
}

fn quoted(ground: &Ground, height: u64, tier: &str, passes: u64) -> Result<Vec<Line>, TxError> {
    market::quote(&ground.state, height, 1, tier, &[(7, person(1), 512 * MIB)], passes)
}

fn rate(ground: &mut Ground, from_height: u64, rate: u64) -> Result<(), TxError> {
    let message = MsgSchedule { seller: ground.text(1), listing: 1, tier: "basic".into(), from_height, rate };
    ground.send(message).map(drop)
}

#[test]
fn by_the_known_example() {
    // ⌊250 · 11250 · 8000 / 10^8⌋ for 512 MiB and three passes.
    assert_eq!(price(250, 11_250, 8000), 225);
    assert_eq!(512 * 3 * price(250, 11_250, 8000), 345_600);
    assert_eq!((price(1, 5000, 2500), price(u64::MAX, u32::MAX, u32::MAX)), (1, u64::MAX));
}

#[test]
fn from_size_passes_rate_and_demand() {
    let mut ground = ground();
    let supply = bank::supply(&ground.state, DENOM).unwrap();
    let listed = ground.send(list(&ground, 1, Kind::Dataset)).unwrap();
    assert_eq!(listed.listing, 1);
    assert_eq!(bank::supply(&ground.state, DENOM).unwrap(), supply - TOKEN);
    assert_eq!(held(&ground, 1), FORTUNE - TOKEN);
    let line = quoted(&ground, 11, "basic", 3).unwrap().remove(0);
    let wanted = Line {
        dataset: 7,
        owner: person(1),
        mib: 512,
        units: 1536,
        price: 250,
        fee: 384_000,
        demand: 10_000,
        quality: 10_000,
        rated: false,
    };
    assert_eq!(line, wanted);
    let request = QueryQuoteRequest { listing: 1, tier: "basic".into(), dataset: 7, bytes: 511 * MIB + 1, passes: 3 };
    let answer: QueryQuoteResponse = ground.ask(&Market, "Quote", &request).unwrap();
    let found = answer.line.unwrap();
    assert_eq!((found.mib, found.units, &found.fee[..], found.rated), (512, 1536, "384000", false));
    // Of a set each dataset has a line, with its own demand.
    ground.send(list(&ground, 2, Kind::Set)).unwrap();
    for units in [1000, 5000] {
        ground.with(|ctx| market::use_demand(ctx, &[(line.dataset, units)])).unwrap();
        ground.with(market::end_epoch).unwrap();
    }
    let parts = [(7, person(1), MIB), (9, person(3), 1)];
    let lines = market::quote(&ground.state, 11, 2, "basic", &parts, 2).unwrap();
    let short: Vec<_> = lines.iter().map(|l| (l.dataset, l.units, l.price, l.fee)).collect();
    assert_eq!(short, [(7, 2, 281, 562), (9, 2, 250, 500)]);
    let request = QueryListingsBySellerRequest { seller: ground.text(2), pagination: None };
    let answer: QueryListingsBySellerResponse = ground.ask(&Market, "ListingsBySeller", &request).unwrap();
    assert_eq!(answer.listings.iter().map(|l| l.number).collect::<Vec<_>>(), [2]);
    let answer: QueryListingsResponse = ground.ask(&Market, "Listings", &QueryListingsRequest::default()).unwrap();
    assert_eq!(answer.listings.len(), 2);
    let answer: QueryListingResponse = ground.ask(&Market, "Listing", &QueryListingRequest { listing: 2 }).unwrap();
    assert_eq!(answer.listing.unwrap().kind(), Kind::Set);
    round_trip(&ground, &Market);
    check(&ground);
}

#[test]
fn a_new_rate_binds_only_orders_after_its_height_and_a_higher_one_needs_notice() {
    let mut ground = ground();
    ground.send(list(&ground, 1, Kind::Dataset)).unwrap();
    let price = |ground: &Ground, height| quoted(ground, height, "basic", 1).unwrap()[0].price;
    let code = |done: Result<(), TxError>| done.unwrap_err().code;
    // The block is at height 10: it and what was before never change.
    assert_eq!(code(rate(&mut ground, 10, 200)), 4);
    rate(&mut ground, 11, 200).unwrap();
    assert_eq!((price(&ground, 10), price(&ground, 11)), (250, 200));
    assert_eq!(code(rate(&mut ground, 12, 201)), 10);
    assert_eq!(code(rate(&mut ground, 10 + NOTICE - 1, 201)), 10);
    rate(&mut ground, 10 + NOTICE, 300).unwrap();
    assert_eq!((price(&ground, 9 + NOTICE), price(&ground, 10 + NOTICE)), (200, 300));
    // What was announced can be lowered, and not taken back without notice.
    rate(&mut ground, 50, 100).unwrap();
    assert_eq!(code(rate(&mut ground, 50, 101)), 10);
    rate(&mut ground, 50, 90).unwrap();
    assert_eq!((price(&ground, 49), price(&ground, 50)), (200, 90));
    assert_eq!(code(rate(&mut ground, 60, 200)), 10);
    // What no order can pay any more makes room.
    ground.block.height = 100;
    for k in 0..14 {
        rate(&mut ground, 101 + k, 80 - k).unwrap();
    }
    assert_eq!(code(rate(&mut ground, 200, 1)), 4);
    assert_eq!(market::listing(&ground.state, 1).unwrap().unwrap().tiers[0].schedule.len(), 16);
    ground.block.height = 105;
    rate(&mut ground, 200, 1).unwrap();
    round_trip(&ground, &Market);
}

#[test]
fn tiers_change_for_orders_from_now_on() {
    let mut ground = ground();
    ground.send(list(&ground, 1, Kind::Dataset)).unwrap();
    let update = |ground: &Ground, tier| MsgUpdateTier { seller: ground.text(1), listing: 1, tier: Some(tier) };
    ground.send(update(&ground, tier("gold", &[(20, 5), (30, 7)]))).unwrap();
    assert_eq!(quoted(&ground, 19, "gold", 1).unwrap_err().code, 11);
    assert_eq!(quoted(&ground, 29, "gold", 1).unwrap()[0].price, 5);
    assert_eq!(quoted(&ground, 30, "gold", 10).unwrap()[0].price, 7);
    ground.send(update(&ground, Tier { max_passes: 9, ..tier("gold", &[]) })).unwrap();
    assert_eq!(quoted(&ground, 30, "gold", 10).unwrap_err().code, 12);
    assert_eq!(quoted(&ground, 30, "gold", 9).unwrap()[0].price, 7);
    ground.send(MsgClose { seller: ground.text(1), listing: 1 }).unwrap();
    assert_eq!(quoted(&ground, 30, "gold", 9).unwrap_err().code, 8);
    ground.send(MsgReopen { seller: ground.text(1), listing: 1 }).unwrap();
    quoted(&ground, 30, "gold", 9).unwrap();
}

#[test]
fn or_refused_by_name() {
    let mut ground = ground();
    ground.send(list(&ground, 1, Kind::Dataset)).unwrap();
    ground.send(list(&ground, 2, Kind::Set)).unwrap();
    let code = |listing, tier: &str, parts: &[(u64, Address, u64)], passes| {
        market::quote(&ground.state, 11, listing, tier, parts, passes).map(drop).unwrap_err().code
    };
    let right = [(7, person(1), MIB)];
    assert_eq!(code(3, "basic", &right, 1), 5);
    assert_eq!(code(1, "gold", &right, 1), 6);
    assert_eq!((code(1, "basic", &right, 0), code(1, "basic", &right, 11)), (12, 12));
    assert_eq!((code(1, "basic", &[], 1), code(1, "basic", &[(8, person(1), MIB)], 1)), (13, 13));
    assert_eq!(
        (code(1, "basic", &[(7, person(1), 0)], 1), code(1, "basic", &[(7, person(1), MIB << 32)], 1)),
        (13, 13)
    );
    assert_eq!(code(2, "basic", &vec![(7, person(1), MIB); 65], 1), 13);
}
