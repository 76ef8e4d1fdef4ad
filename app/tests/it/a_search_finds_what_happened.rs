use super::solo_chain::{SoloChain, person};
use super::test_chain::{Person, TestChain};
use proptest::prelude::*;
use serde_json::{Value, json};
use zektra_app::index::{self, Query, search, search_among};
use zektra_app::solo::find_blocks;
use zektra_state::Order;

fn hashes(chain: &SoloChain, query: &str, order: Order, skip: u64, take: u64) -> (Vec<(i64, u32)>, u64) {
    let query: Query = query.parse().unwrap();
    let (found, total) = search(chain.app().store(), &query, order, skip, take).unwrap();
    (found.iter().map(|r| (r.height, r.index)).collect(), total)
}

#[test]
fn by_events_heights_and_hash_forwards_and_backwards() {
    let mut chain = SoloChain::new();
    let (mut alice, mut bob) = (person(0), person(1));
    let (to_alice, to_bob) = (alice.id(), bob.id());
    let mut all = vec![];
    for height in 1..=6i64 {
        for k in 0..3u32 {
            let tx =
                if k == 2 { bob.sign(vec![bob.pay(&to_alice, 5)]) } else { alice.sign(vec![alice.pay(&to_bob, 5)]) };
            assert_eq!(chain.solo.submit(tx).unwrap().code, 0);
        }
        chain.block();
        all.extend((0..3).map(|k| (height, k)));
    }
    // Which place a transaction took its sender's fee decides: ask the records.
    let every = hashes(&chain, "tx.height>0", Order::Ascending, 0, 100);
    assert_eq!(every, (all.clone(), 18));
    let sender = |who: &str| format!("message.sender='{who}' AND message.action='/cosmos.bank.v1beta1.MsgSend'");
    let of_alice = hashes(&chain, &sender(&alice.address()), Order::Ascending, 0, 100);
    let of_bob = hashes(&chain, &sender(&bob.address()), Order::Ascending, 0, 100);
    assert_eq!((of_alice.1, of_bob.1), (12, 6));
    let mut both = [of_alice.0.clone(), of_bob.0.clone()].concat();
    both.sort_unstable();
    assert_eq!(both, all);
    let mut backwards = of_alice.0.clone();
    backwards.reverse();
    assert_eq!(hashes(&chain, &sender(&alice.address()), Order::Descending, 0, 100).0, backwards);
    assert_eq!(hashes(&chain, &sender(&alice.address()), Order::Descending, 3, 4), (backwards[3..7].to_vec(), 12));
    // Of all conditions at once.
    let asked = format!("{} AND tx.height>=3 AND tx.height<5", sender(&alice.address()));
    let expected: Vec<_> = of_alice.0.iter().copied().filter(|(h, _)| (3..5).contains(h)).collect();
    assert_eq!(hashes(&chain, &asked, Order::Ascending, 0, 100), (expected, 4));
    for nothing in ["transfer.recipient='nobody'", "tx.height>6", "tx.hash='00'", "x.y EXISTS"] {
        assert_eq!(hashes(&chain, nothing, Order::Ascending, 0, 100), (vec![], 0), "{nothing}");
    }
    assert_eq!(hashes(&chain, "transfer.amount CONTAINS '5uzektra' AND tx.height=2", Order::Ascending, 0, 9).1, 3);
    // A search ends, whatever it asks.
    let among = |query: &str, most| {
        let found = search_among(chain.app().store(), &query.parse().unwrap(), Order::Ascending, 0, 9, most);
        found.map(|(_, total)| total).map_err(|e| e.to_string())
    };
    let (wide, narrow) = ("transfer.amount CONTAINS 'q'", "transfer.amount CONTAINS 'q' AND tx.height = 2");
    let refused = |query: &str| {
        format!(
            "query {query:?}: looked at 10 transactions, which is the limit; narrow it by tx.height or by equal values"
        )
    };
    assert_eq!((among(wide, 10), among(wide, 19), among(narrow, 10)), (Err(refused(wide)), Ok(0), Ok(0)));
    let hash = index::get(chain.app().store(), &[0; 32]).unwrap();
    assert!(hash.is_none());
}

/// So many in a block that an entry of the index has not room for all.
#[test]
fn all_of_a_large_block() {
    let mut chain = SoloChain::new();
    let (mut alice, mut bob) = (person(0), person(1));
    let (to_alice, to_bob) = (alice.id(), bob.id());
    for count in [3, 400] {
        for k in 0..count {
            let tx = if k % 3 == 0 {
                bob.sign(vec![bob.pay(&to_alice, 5)])
            } else {
                alice.sign(vec![alice.pay(&to_bob, 5)])
            };
            assert_eq!(chain.solo.submit(tx).unwrap().code, 0);
        }
        chain.block();
    }
    let backwards = |(found, total): (Vec<_>, u64)| (found.into_iter().rev().collect::<Vec<_>>(), total);
    let action = "message.action='/cosmos.bank.v1beta1.MsgSend'";
    let all = hashes(&chain, action, Order::Ascending, 0, 1000);
    let expected = (0..3).map(|k| (1, k)).chain((0..400).map(|k| (2, k))).collect::<Vec<_>>();
    assert_eq!(all, (expected, 403));
    assert_eq!(backwards(hashes(&chain, action, Order::Descending, 0, 1000)), all);
    let of = |who: &Person| format!("{action} AND message.sender='{}'", who.address());
    let (of_alice, of_bob) = (of(&alice), of(&bob));
    let both = [&of_alice, &of_bob].map(|query| hashes(&chain, query, Order::Ascending, 0, 1000));
    assert_eq!((both[0].1, both[1].1), (268, 135));
    let mut together = [&both[0].0[..], &both[1].0].concat();
    together.sort_unstable();
    assert_eq!(together, all.0);
    assert_eq!(backwards(hashes(&chain, &of_bob, Order::Descending, 0, 1000)), both[1]);
    assert_eq!(hashes(&chain, &of_bob, Order::Ascending, 100, 30).0, both[1].0[100..130]);
}

#[test]
fn pages_of_the_rpc_are_bounded() {
    let chain = SoloChain::new();
    let refused = |params: Value| {
        use zektra_comet::Comet as _;
        chain.solo.call("tx_search", params).unwrap_err().data
    };
    assert_eq!(refused(json!({"query": "tx.height=1", "page": "2"})), "page should be within [1, 1] range, given 2");
    let far = i64::MAX.to_string();
    let none = format!("page should be within [1, 1] range, given {far}");
    assert_eq!(refused(json!({"query": "tx.height=1", "page": far})), none);
    assert_eq!(refused(json!({"query": "tx.height=1", "page": "0"})), "page should be within [1, 1] range, given 0");
    assert_eq!(
        refused(json!({"query": "tx.height"})),
        "query \"tx.height\": expected =, <, <=, >, >=, CONTAINS or EXISTS at character 9"
    );
    assert!(refused(json!({"query": "a.b='x' OR c.d='y'"})).contains("expected AND"));
    assert!(refused(json!({"query": "a.b='x"})).contains("a quote that does not end"));
    assert!(refused(json!({"query": ""})).contains("expected a condition"));
    assert!(refused(json!({"query": "a.b=c"})).contains("expected a number or a value in single quotes"));
}

#[test]
fn blocks_by_height_and_by_what_happened_in_them() {
    let mut chain = SoloChain::new();
    let mut alice = person(0);
    let to = person(1).id();
    for _ in 0..5 {
        // Results of some KiB.
        let tx = alice.sign((0..5).map(|_| alice.pay(&to, 1)).collect());
        assert_eq!(chain.solo.submit(tx).unwrap().code, 0);
        chain.block();
    }
    let among = |query: &str, order, most| {
        find_blocks(chain.app(), 1, &query.parse().unwrap(), order, most).map_err(|e| e.to_string())
    };
    let (up, down) = (Order::Ascending, Order::Descending);
    assert_eq!(among("block.height>2 AND tm.event='NewBlock'", up, 3), Ok(vec![3, 4, 5]));
    assert_eq!(among("block.height<=2", down, 2), Ok(vec![2, 1]));
    assert_eq!(among("block.height>5", up, 0), Ok(vec![]));
    assert_eq!(among("x.y EXISTS", up, 1000), Ok(vec![]));
    let refused = |query: &str, most| {
        format!(
            "query {query:?}: looked at {most} blocks and KiB of their results, which is the limit; narrow it by block.height"
        )
    };
    assert_eq!(among("block.height > 2", up, 2), Err(refused("block.height > 2", 2)));
    // Results count with their size: five blocks are more than ten of them.
    assert_eq!(among("x.y EXISTS", up, 10), Err(refused("x.y EXISTS", 10)));
    let found = chain.call("block_search", json!({"query": "block.height>1", "order_by": "desc", "per_page": "3"}));
    let heights: Vec<_> =
        found["blocks"].as_array().unwrap().iter().map(|b| b["block"]["header"]["height"].clone()).collect();
    assert_eq!((heights, &found["total_count"]), (vec!["5".into(), "4".into(), "3".into()], &"4".into()));
}

/// Pages are refused by their bytes, unless one transaction has them all.
#[test]
fn a_page_that_is_too_large_is_refused() {
    let query: Query = "tx.height>0".parse().unwrap();
    let most = index::MAX_PAGE_BYTES;
    assert!(index::demand_page(&query, 5, most).is_ok() && index::demand_page(&query, 1, most + 1).is_ok());
    let refused = index::demand_page(&query, 2, most + 1).unwrap_err().to_string();
    assert_eq!(
        refused,
        "query \"tx.height > 0\": the first 2 of the page have 33554433 bytes, expected at most 33554432; ask for fewer at once"
    );
}

proptest! {
    #[test]
    fn a_query_is_read_as_it_was_written(text in ".{0,60}") {
        if let Ok(query) = text.parse::<Query>() {
            prop_assert!(!query.conditions().is_empty());
        }
    }

    #[test]
    fn a_shown_query_is_the_same(names in prop::collection::vec(("[a-z_]{1,8}\\.[a-z_]{1,8}", 0..7u8, any::<u32>()), 1..5)) {
        let written: Vec<String> = names
            .iter()
            .map(|(name, operation, value)| match operation {
                0 => format!("{name} = '{value}'"),
                1 => format!("{name} < {value}"),
                2 => format!("{name} <= {value}"),
                3 => format!("{name} > {value}"),
                4 => format!("{name} >= {value}"),
                5 => format!("{name} CONTAINS '{value}'"),
                _ => format!("{name} EXISTS"),
            })
            .collect();
        let query: Query = written.join(" AND ").parse().unwrap();
        prop_assert_eq!(query.to_string(), written.join(" AND "));
        prop_assert_eq!(query.to_string().parse::<Query>().unwrap(), query);
    }
}

#[test]
fn the_same_bytes_again_do_not_hide_what_they_did() {
    let (mut alice, bob) = (Person::new("alice", 0), Person::new("bob", 1));
    let mut chain = TestChain::new(&[&alice, &bob]);
    let tx = alice.sign(vec![alice.pay(&bob.id(), 1)]);
    let codes = [1, 2].map(|_| chain.block(std::slice::from_ref(&tx)).tx_results[0].code);
    assert_eq!(codes, [0, 32]);
    let kept = index::get(chain.app.store(), &zektra_app::tx::hash(&tx)).unwrap().unwrap();
    assert_eq!((kept.height, kept.result.unwrap().code), (1, 0));
}
