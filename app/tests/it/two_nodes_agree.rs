//! Two processes execute the same random blocks: one on a single core, block after block; the other on four, with
//! checks, proposals and restarts in between. Hash tables have other seeds in each.

use super::test_chain::{CHAIN_ID, FUNDS, Person, TestChain, coin, genesis};
use cosmrs::tx::Fee;
use prost::Message as _;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::process::Command;
use zektra_proto::tendermint::abci::ResponseFinalizeBlock;

/// Where a child writes what it found; nothing for the parent.
const REPORT: &str = "ZEKTRA_TEST_REPORT";
const PEOPLE: u64 = 6;
/// Gas of a block: some of its transactions find none left.
const BLOCK_GAS: i64 = 700_000;

/// SplitMix64 (Steele, Lea, Flood 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }
}

/// A transaction of somebody, often wrong.
fn transaction(random: &mut Random, people: &mut [Person]) -> Vec<u8> {
    let to = Person::new(&format!("receiver {}", random.below(40)), 0).id();
    let k = random.below(PEOPLE) as usize;
    let kind = random.below(16);
    let person = &mut people[k];
    let amount = if kind == 0 { FUNDS } else { 1 + u128::from(random.below(50)) };
    let count = if kind < 4 { 1 + random.below(5) } else { 1 };
    let messages = (0..count).map(|m| person.pay(&to, if m == 0 { 1 } else { amount })).collect();
    // Below some 60,000 gas ends in a message, below 30,000 before it.
    let gas = if kind == 5 { 20_000 + random.below(60_000) } else { 90_000 + 40_000 * count };
    let fee = Fee::from_amount_and_gas(coin(u128::from(random.below(3_000))), gas);
    let (sequence, chain_id) = match kind {
        // One that was used, or is not next.
        6 => (person.sequence.saturating_sub(1 + random.below(3)), CHAIN_ID),
        7 => (person.sequence + 1 + random.below(3), CHAIN_ID),
        8 => (person.sequence, "other-1"),
        _ => (person.sequence, CHAIN_ID),
    };
    let mut bytes = person.sign_with(messages, sequence, fee, chain_id);
    match kind {
        9 => {
            let at = random.below(bytes.len() as u64) as usize;
            bytes[at] ^= 1 << random.below(8);
        }
        10 => bytes.truncate(random.below(bytes.len() as u64) as usize),
        // Two of the same sequence: only the first is taken.
        11 => {}
        6..=8 => {}
        _ => person.sequence += 1,
    }
    bytes
}

/// Executes the blocks as a child, and writes a line for each.
fn execute(blocks: u64, alone: bool) -> String {
    let mut people: Vec<_> = (0..PEOPLE).map(|k| Person::new(&format!("person {k}"), k)).collect();
    let mut chain = TestChain::with(genesis(&people.iter().collect::<Vec<_>>()), BLOCK_GAS);
    let (mut random, mut out) = (Random(7), String::new());
    for height in 1..=blocks {
        let txs: Vec<_> = (0..random.below(9)).map(|_| transaction(&mut random, &mut people)).collect();
        if !alone {
            txs.iter().for_each(|tx| drop(chain.check(tx)));
            let proposal = chain.propose(&txs, 1 << 20);
            assert!(chain.accepts(&proposal), "an honest proposal of block {height} is refused");
            if height % 50 == 0 {
                chain.reopen();
            }
            // Executed twice, as after a round that did not decide.
            chain.finalize(&txs[txs.len() / 2..]);
        }
        let done: ResponseFinalizeBlock = chain.block(&txs);
        let mut codes = BTreeMap::<u32, u32>::new();
        done.tx_results.iter().for_each(|r| *codes.entry(r.code).or_default() += 1);
        let rest = hex::encode(Sha256::digest(done.encode_to_vec()));
        out.push_str(&format!("{height} {} {rest} {codes:?}\n", hex::encode(&done.app_hash)));
        // What a block refused is asked for again from where the account stands.
        for (k, person) in people.iter_mut().enumerate() {
            person.sequence = sequence(&chain, person, k as u64);
        }
    }
    out
}

fn sequence(chain: &TestChain, person: &Person, number: u64) -> u64 {
    use zektra_proto::cosmos::auth::v1beta1::{BaseAccount, QueryAccountRequest, QueryAccountResponse};
    let asked = QueryAccountRequest { address: person.address() }.encode_to_vec();
    let answer = chain.query("/cosmos.auth.v1beta1.Query/Account", asked, 0);
    let any = QueryAccountResponse::decode(answer.value).unwrap().account.unwrap();
    let account = BaseAccount::decode(&any.value[..]).unwrap();
    assert_eq!(account.account_number, number);
    account.sequence
}

/// Runs the test `name` of this program in two processes, and compares.
fn agree(name: &str, blocks: u64) {
    if let Some(path) = std::env::var_os(REPORT) {
        let alone = std::env::var("RAYON_NUM_THREADS").is_ok_and(|n| n == "1");
        std::fs::write(path, execute(blocks, alone)).unwrap();
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let children = ["1", "4"].map(|threads| {
        let report = folder.path().join(threads);
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", &format!("two_nodes_agree::{name}"), "--include-ignored", "--quiet"]);
        command.env(REPORT, &report).env("RAYON_NUM_THREADS", threads).stdout(std::process::Stdio::null());
        (command.spawn().unwrap(), report)
    });
    let [one, four] = children.map(|(mut child, report)| {
        assert!(child.wait().unwrap().success());
        std::fs::read_to_string(report).unwrap()
    });
    assert_eq!(one.lines().count() as u64, blocks);
    for (one, four) in one.lines().zip(four.lines()) {
        assert_eq!(one, four);
    }
    // Decoding, signatures, funds, gas, gas limits and sequences all were refused somewhere.
    for code in [0, 2, 4, 5, 11, 32] {
        let with = one.lines().filter(|l| l.contains(&format!("{{{code}: ")) || l.contains(&format!(", {code}: ")));
        assert!(with.count() >= 3, "code {code} is too rare");
    }
}

#[test]
fn over_200_random_blocks() {
    agree("over_200_random_blocks", 200);
}

#[test]
#[ignore = "long: run by `make soak`"]
fn over_1000_random_blocks() {
    agree("over_1000_random_blocks", 1000);
}
