//! A ground with the modules that work needs, accounts with coins, and dataset 7 and set 7 of persons 1 and 2.

use crate::ground::{Ground, person};
use zektra_modules::coin::Coins;
use zektra_modules::context::save;
use zektra_modules::error::TxError;
use zektra_modules::module::Handler;
use zektra_modules::{Module, auth, bank, compute, distribution, market, reputation, vault};
use zektra_proto::cosmos::base::v1beta1::Coin;
use zektra_proto::vault::v1::{DatasetRecord, DatasetSet};

pub const DENOM: &str = "uzektra";
pub const TOKEN: u128 = 1_000_000;
/// What persons 1 to 9 have.
pub const FORTUNE: u128 = 1_000_000 * TOKEN;

const MODULES: [&dyn Module; 6] = [
    &auth::Auth,
    &bank::Bank,
    &distribution::Distribution,
    &compute::Compute,
    &reputation::Reputation,
    &market::Market,
];

pub fn ground() -> Ground {
    let mut ground = Ground::new();
    for module in MODULES {
        let genesis = module.default_genesis(DENOM);
        module.check_genesis(&genesis, &ground.prefix).unwrap();
        ground.with(|ctx| Ok(module.init_genesis(ctx, &genesis).unwrap())).unwrap();
    }
    for who in 1..10 {
        ground.with(|ctx| bank::mint(ctx, &person(who), &Coins::one(DENOM, FORTUNE))).unwrap();
    }
    // What they may list.
    let dataset = DatasetRecord { number: 7, owner: ground.text(1), ..DatasetRecord::default() };
    let set = DatasetSet { number: 7, curator: ground.text(2), ..DatasetSet::default() };
    ground.with(|ctx| Ok(save(ctx.state, vault::keys::dataset(7), &dataset)?)).unwrap();
    ground.with(|ctx| Ok(save(ctx.state, vault::keys::set(7), &set)?)).unwrap();
    ground
}

pub fn coin(amount: u128) -> Coin {
    zektra_modules::coin::coin(DENOM, amount)
}

pub fn held(ground: &Ground, who: u8) -> u128 {
    bank::balance(&ground.state, &person(who), DENOM).unwrap()
}

/// What must hold after whatever happened.
pub fn check(ground: &Ground) {
    for module in MODULES {
        module.check_invariants(&ground.state).unwrap();
    }
}

/// Its part of the genesis file gives all keys of the module again.
pub fn round_trip(ground: &Ground, module: &dyn Module) {
    ground.round_trip_after(&[&auth::Auth, &bank::Bank], module);
}

/// A message that is refused and changes nothing: its error.
fn refused<M: Handler + Clone>(ground: &mut Ground, message: &M) -> TxError {
    let before = ground.state.changes().clone();
    let error = ground.send(message.clone()).expect_err("it is refused");
    assert_eq!(ground.state.changes(), &before);
    assert!(!error.is_internal(), "{error}");
    error
}

/// Codespace and code of a message that is refused, which says `text`.
fn refusal<M: Handler + Clone>(ground: &mut Ground, message: &M, text: &str) -> (&'static str, u32) {
    let error = refused(ground, message);
    assert!(error.log.contains(text), "{}", error.log);
    (error.codespace, error.code)
}

type Change<'a, M> = &'a dyn Fn(&mut M);

/// A right message with one thing wrong at a time: what is changed, codespace and code, a part of the text.
pub fn each_refused<M: Handler + Clone>(
    ground: &mut Ground,
    right: &M,
    cases: &[(Change<'_, M>, (&'static str, u32), &str)],
) {
    for (change, code, text) in cases {
        let mut message = right.clone();
        change(&mut message);
        assert_eq!(refusal(ground, &message, text), *code, "{text}");
    }
}
