use proptest::prelude::*;
use std::collections::BTreeMap;
use zektra_modules::address::{Address, Prefix};
use zektra_modules::coin::Coins;
use zektra_modules::context::{Block, Context};
use zektra_modules::gas::Meter;
use zektra_modules::{Module as _, bank};
use zektra_state::{Empty, Layer as _, StateDelta};

const DENOMS: [&str; 2] = ["aaa", "bbb"];

#[derive(Clone, Debug)]
enum Act {
    Mint(u8, usize, u128),
    Burn(u8, usize, u128),
    Send(u8, u8, usize, u128),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let who = 0u8..4;
    let amount = prop_oneof![4 => 1u128..1000, 1 => Just(u128::MAX - 500)];
    let act = prop_oneof![
        (who.clone(), 0..2usize, amount.clone()).prop_map(|(w, d, a)| Act::Mint(w, d, a)),
        (who.clone(), 0..2usize, amount.clone()).prop_map(|(w, d, a)| Act::Burn(w, d, a)),
        (who.clone(), who, 0..2usize, amount).prop_map(|(f, t, d, a)| Act::Send(f, t, d, a)),
    ];
    prop::collection::vec(act, 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn after_whatever_happens(acts in acts()) {
        let mut state = StateDelta::new(Empty);
        let (prefix, block, meter) = (Prefix::new("zektra").unwrap(), Block::default(), Meter::endless());
        let address = |k: u8| Address::new(vec![k; 20]).unwrap();
        let mut model: BTreeMap<(u8, usize), u128> = BTreeMap::new();
        for act in acts {
            // A refused act changes nothing: it runs on a layer that is dropped.
            let mut layer = StateDelta::new(&state);
            let mut events = vec![];
            let mut ctx = Context { state: &mut layer, events: &mut events, block: &block, prefix: &prefix, gas: &meter };
            let held = |k: u8, d: usize| model.get(&(k, d)).copied().unwrap_or(0);
            let supply = |d: usize| (0..4).map(|k| held(k, d)).fold(0u128, u128::saturating_add);
            let (done, wanted) = match act {
                Act::Mint(w, d, a) => (bank::mint(&mut ctx, &address(w), &Coins::one(DENOMS[d], a)), supply(d).checked_add(a).is_some()),
                Act::Burn(w, d, a) => (bank::burn(&mut ctx, &address(w), &Coins::one(DENOMS[d], a)), held(w, d) >= a),
                Act::Send(f, t, d, a) => (bank::transfer(&mut ctx, &address(f), &address(t), &Coins::one(DENOMS[d], a)), held(f, d) >= a),
            };
            prop_assert_eq!(done.is_ok(), wanted, "{:?}: {:?}", act, done);
            if done.is_ok() {
                let changes = layer.into_changes();
                state.apply(changes);
                match act {
                    Act::Mint(w, d, a) => *model.entry((w, d)).or_default() += a,
                    Act::Burn(w, d, a) => *model.entry((w, d)).or_default() -= a,
                    Act::Send(f, t, d, a) => {
                        *model.entry((f, d)).or_default() -= a;
                        *model.entry((t, d)).or_default() += a;
                    }
                }
            }
            for ((k, d), amount) in &model {
                prop_assert_eq!(bank::balance(&state, &address(*k), DENOMS[*d]).unwrap(), *amount);
            }
            bank::Bank.check_invariants(&state).unwrap();
        }
        for (k, wanted) in (0..4).map(|k| (k, (0..2).map(|d| model.get(&(k, d)).copied().unwrap_or(0)).collect::<Vec<_>>())) {
            let coins = bank::balances(&state, &address(k)).unwrap();
            prop_assert_eq!(DENOMS.map(|d| coins.amount(d)).to_vec(), wanted);
        }
    }
}
