use super::solo_chain::{SoloChain, person};
use serde_json::json;
use std::time::Duration;
use tendermint::block::Height;
use tendermint::block::signed_header::SignedHeader;
use tendermint::validator::{Info, Set};
use tendermint_light_client_verifier::options::Options;
use tendermint_light_client_verifier::types::{TrustThreshold, TrustedBlockState, UntrustedBlockState};
use tendermint_light_client_verifier::{ProdVerifier, Verdict, Verifier as _};
use zektra_comet::Comet;

/// Who signs a height.
pub fn validators(chain: &dyn Comet, height: u64) -> Set {
    let answer = chain.call("validators", json!({"height": height.to_string()})).unwrap();
    let validators: Vec<Info> = serde_json::from_value(answer["validators"].clone()).unwrap();
    Set::without_proposer(validators)
}

/// What a light client gets of a height.
fn signed(chain: &dyn Comet, height: u64) -> SignedHeader {
    let commit = chain.call("commit", json!({"height": height.to_string()})).unwrap();
    serde_json::from_value(commit["signed_header"].clone()).unwrap()
}

/// Whether a light client that trusts one height follows to another.
pub fn follow(chain: &dyn Comet, trusted: u64, next: u64) -> Verdict {
    let signed = signed(chain, next);
    assert_eq!(signed.header.hash(), signed.commit.block_id.hash);
    verify(chain, trusted, &signed)
}

fn verify(chain: &dyn Comet, trusted: u64, untrusted: &SignedHeader) -> Verdict {
    let height = untrusted.header.height.value();
    let (at, after) = (signed(chain, trusted), validators(chain, trusted + 1));
    let (own, next) = (validators(chain, height), validators(chain, height + 1));
    let options = Options {
        trust_threshold: TrustThreshold::TWO_THIRDS,
        trusting_period: Duration::from_secs(86_400),
        clock_drift: Duration::from_secs(1),
    };
    let trusted = TrustedBlockState {
        chain_id: &at.header.chain_id,
        header_time: at.header.time,
        height: at.header.height,
        next_validators: &after,
        next_validators_hash: at.header.next_validators_hash,
    };
    let untrusted = UntrustedBlockState { signed_header: untrusted, validators: &own, next_validators: Some(&next) };
    let now = untrusted.signed_header.header.time.checked_add(Duration::from_secs(1)).unwrap();
    ProdVerifier::default().verify_update_header(untrusted, trusted, &options, now)
}

#[test]
fn from_block_to_block_and_over_many() {
    let mut chain = SoloChain::new();
    let (mut alice, bob) = (person(0), person(1));
    for _ in 0..6 {
        let tx = alice.sign(vec![alice.pay(&bob.id(), 7)]);
        assert_eq!(chain.solo.submit(tx).unwrap().code, 0);
        chain.block();
    }
    for (trusted, next) in [(1, 2), (2, 3), (1, 6), (3, 6)] {
        assert_eq!(follow(&*chain.solo, trusted, next), Verdict::Success, "{trusted} to {next}");
    }
    // A header that was changed is not followed.
    let signed = signed(&*chain.solo, 4);
    let mut header = signed.header.clone();
    header.app_hash = vec![1; 32].try_into().unwrap();
    let forged = SignedHeader::new(header, signed.commit.clone()).unwrap();
    assert!(matches!(verify(&*chain.solo, 3, &forged), Verdict::Invalid(_)));
    assert_eq!(signed.header.height, Height::from(4u32));
}

/// What a header says of the block before it and of its own parts.
#[test]
fn headers_hold_what_they_say() {
    let mut chain = SoloChain::new();
    let (mut alice, bob) = (person(0), person(1));
    let mut roots = vec![];
    for k in 0..4 {
        for _ in 0..k {
            let tx = alice.sign(vec![alice.pay(&bob.id(), 7)]);
            assert_eq!(chain.solo.submit(tx).unwrap().code, 0);
        }
        chain.block();
        roots.push(chain.app().committed().root.clone());
    }
    for height in 2..=4 {
        let block = chain.call("block", json!({"height": height}));
        let before = chain.call("block", json!({"height": height - 1}));
        assert_eq!(block["block"]["header"]["last_block_id"], before["block_id"]);
        let root = hex::encode_upper(&roots[height - 2]);
        assert_eq!(block["block"]["header"]["app_hash"], root);
        assert_eq!(block["block"]["data"]["txs"].as_array().unwrap().len(), height - 1);
        let by_hash = chain.call("block_by_hash", json!({"hash": block["block_id"]["hash"]}));
        assert_eq!(by_hash, block);
    }
    // A transaction's proof leads to the header's root of them.
    let block = chain.call("block", json!({"height": "4"}));
    let found = chain.call("tx_search", json!({"query": "tx.height=4", "prove": true}));
    assert_eq!(found["total_count"], "3");
    for tx in found["txs"].as_array().unwrap() {
        assert_eq!(tx["proof"]["root_hash"], block["block"]["header"]["data_hash"]);
        let proof: tendermint::merkle::Proof = serde_json::from_value(tx["proof"]["proof"].clone()).unwrap();
        assert_eq!(proof.total, 3);
        assert_eq!(proof.index, tx["index"].as_u64().unwrap());
        assert_eq!(proof.aunts.len(), if proof.index == 2 { 1 } else { 2 });
    }
}
