use super::test_chain::{Person, TestChain};
use prost::Message as _;
use serde_json::{Value, json};
use std::sync::Arc;
use zektra_comet::{Comet, RpcError};
use zektra_proto::cosmos::base::tendermint::v1beta1::{GetLatestValidatorSetRequest, GetLatestValidatorSetResponse};

/// A CometBFT with two validators.
struct Two;

impl Comet for Two {
    fn call(&self, _: &str, _: Value) -> Result<Value, RpcError> {
        let validator = |byte: u8, priority: &str| {
            let key = ed25519_consensus::SigningKey::from([byte; 32]).verification_key();
            let key = tendermint::PublicKey::from_ed25519_consensus(key);
            let address = tendermint::account::Id::from(key);
            json!({"address": address, "pub_key": key, "voting_power": "5", "proposer_priority": priority})
        };
        let both = [validator(1, "-2499997"), validator(2, "1500000")];
        Ok(json!({"block_height": "1", "validators": both, "count": "2", "total": "2"}))
    }
}

#[test]
fn over_the_service() {
    let mut chain = TestChain::new(&[&Person::new("alice", 0)]);
    chain.block(&[]);
    chain.app.attach(Arc::new(Two));
    let path = "/cosmos.base.tendermint.v1beta1.Service/GetLatestValidatorSet";
    let answer = chain.query(path, GetLatestValidatorSetRequest::default().encode_to_vec(), 0);
    assert_eq!(answer.code, 0, "{}", answer.log);
    let set = GetLatestValidatorSetResponse::decode(&answer.value[..]).unwrap();
    let priorities: Vec<_> = set.validators.iter().map(|v| v.proposer_priority).collect();
    assert_eq!(priorities, [-2499997, 1500000]);
}
