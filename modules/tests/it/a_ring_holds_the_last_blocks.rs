use proptest::prelude::*;
use std::collections::VecDeque;
use zektra_modules::address::Address;
use zektra_modules::slashing::ring;
use zektra_state::{Empty, Order, StateDelta, StateRead as _};

#[derive(Clone, Debug)]
enum Act {
    /// So many blocks in a row, missed or signed.
    Blocks(u64, bool),
    /// Another window.
    Window(u64),
    /// All is forgotten.
    Clear,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let window = prop_oneof![1u64..20, 1020u64..1030, 2000u64..2100];
    let blocks = prop_oneof![4 => 1u64..12, 1 => 500u64..1500];
    let act = prop_oneof![
        8 => (blocks, any::<bool>()).prop_map(|(n, missed)| Act::Blocks(n, missed)),
        3 => window.prop_map(Act::Window),
        1 => Just(Act::Clear),
    ];
    prop::collection::vec(act, 1..25)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn whatever_its_window_was_before(first in 1u64..2100, acts in acts()) {
        let mut state = StateDelta::new(Empty);
        let consensus = Address::new(vec![7; 20]).unwrap();
        // The newest block first, as many as the window holds.
        let mut model: VecDeque<bool> = VecDeque::new();
        let (mut window, mut blocks, mut counter) = (first, 0u64, 0u64);
        for act in acts {
            match act {
                Act::Blocks(n, missed) => for _ in 0..n {
                    if ring::set(&mut state, &consensus, blocks % window, missed).unwrap() {
                        counter = if missed { counter + 1 } else { counter - 1 };
                    }
                    blocks += 1;
                    model.push_front(missed);
                    model.truncate(window as usize);
                },
                Act::Window(after) => {
                    counter = ring::resize(&mut state, &consensus, blocks, window, after).unwrap();
                    model.truncate(after as usize);
                    window = after;
                }
                Act::Clear => {
                    ring::clear(&mut state, &consensus).unwrap();
                    model.clear();
                    (blocks, counter) = (0, 0);
                }
            }
            let missed = ring::missed(&state, &consensus).unwrap();
            prop_assert_eq!(counter, missed.len() as u64);
            let ages = |index: &u64| (blocks % window + window - 1 - index) % window;
            let mut found: Vec<u64> = missed.iter().map(ages).collect();
            found.sort();
            let wanted: Vec<u64> = (0..).zip(&model).filter_map(|(age, &missed)| missed.then_some(age)).collect();
            prop_assert_eq!(found, wanted);
            for entry in state.scan(&[], None, Order::Ascending) {
                prop_assert!((1..=128).contains(&entry.unwrap().1.len()));
            }
        }
    }
}

#[test]
fn of_one_validator_and_no_other() {
    let mut state = StateDelta::new(Empty);
    let [short, long] = [vec![1], vec![1, 1]].map(|bytes| Address::new(bytes).unwrap());
    for (address, index) in [(&short, 5000), (&long, 3)] {
        assert!(ring::set(&mut state, address, index, true).unwrap());
        assert!(!ring::set(&mut state, address, index, true).unwrap());
    }
    ring::clear(&mut state, &short).unwrap();
    assert!(ring::missed(&state, &short).unwrap().is_empty());
    assert_eq!(ring::missed(&state, &long).unwrap(), [3]);
}
