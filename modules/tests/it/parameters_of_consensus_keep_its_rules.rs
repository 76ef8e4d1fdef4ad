use super::ground::Ground;
use zektra_modules::Module as _;
use zektra_modules::authority::authority;
use zektra_modules::consensus::{self, Consensus};
use zektra_modules::error::TxError;
use zektra_proto::comet::Duration;
use zektra_proto::cosmos::consensus::v1::MsgUpdateParams;
use zektra_proto::tendermint::types::{
    AbciParams, BlockParams, ConsensusParams, EvidenceParams, ValidatorParams, VersionParams,
};

fn params() -> ConsensusParams {
    ConsensusParams {
        block: Some(BlockParams { max_bytes: 1 << 20, max_gas: -1 }),
        evidence: Some(EvidenceParams {
            max_age_num_blocks: 1000,
            max_age_duration: Some(Duration { seconds: 3600, nanos: 0 }),
            max_bytes: 1 << 16,
        }),
        validator: Some(ValidatorParams { pub_key_types: vec!["ed25519".into()] }),
        version: Some(VersionParams { app: 3 }),
        abci: Some(AbciParams { vote_extensions_enable_height: 0 }),
    }
}

fn ground() -> Ground {
    let mut ground = Ground::new();
    ground.with(|ctx| Ok(consensus::set_params(ctx.state, &params())?)).unwrap();
    ground
}

fn update(ground: &mut Ground, change: impl Fn(&mut MsgUpdateParams)) -> Result<(), TxError> {
    let ConsensusParams { block, evidence, validator, .. } = params();
    let authority = ground.prefix.text(&authority());
    let mut message = MsgUpdateParams { authority, block, evidence, validator, abci: None };
    change(&mut message);
    let done = ground.send(message).map(drop);
    Consensus.check_invariants(&ground.state).unwrap();
    done
}

#[test]
fn and_consensus_is_told_of_changes() {
    let mut ground = ground();
    update(&mut ground, |_| {}).unwrap();
    assert_eq!(consensus::changed(&params(), &ground.state).unwrap(), None);
    update(&mut ground, |m| m.block = Some(BlockParams { max_bytes: -1, max_gas: 5 })).unwrap();
    let changed = consensus::changed(&params(), &ground.state).unwrap().unwrap();
    assert_eq!(changed, ConsensusParams { block: Some(BlockParams { max_bytes: -1, max_gas: 5 }), ..params() });
    assert_eq!(consensus::max_gas(&ground.state).unwrap(), Some(5));
}

#[test]
fn each_broken_rule_is_named() {
    type Change = fn(&mut MsgUpdateParams);
    let cases: [(Change, &str); 17] = [
        (|m| m.block = None, "all parameters must be present"),
        (|m| m.evidence = None, "all parameters must be present"),
        (|m| m.validator = None, "all parameters must be present"),
        (|m| m.block.as_mut().unwrap().max_bytes = 0, "block.MaxBytes cannot be 0"),
        (|m| m.block.as_mut().unwrap().max_bytes = -2, "block.MaxBytes must be -1 or greater than 0. Got -2"),
        (|m| m.block.as_mut().unwrap().max_bytes = (100 << 20) + 1, "block.MaxBytes is too big. 104857601 > 104857600"),
        (|m| m.block.as_mut().unwrap().max_gas = -2, "block.MaxGas must be greater or equal to -1. Got -2"),
        (
            |m| m.evidence.as_mut().unwrap().max_age_num_blocks = 0,
            "evidence.MaxAgeNumBlocks must be greater than 0. Got 0",
        ),
        (|m| m.evidence.as_mut().unwrap().max_age_duration = None, "evidence.MaxAgeDuration must be greater than 0"),
        (|m| m.evidence.as_mut().unwrap().max_bytes = -1, "evidence.MaxBytes must be non negative. Got: -1"),
        (
            |m| m.block.as_mut().unwrap().max_bytes = 1 << 15,
            "evidence.MaxBytesEvidence is greater than upper bound, 65536 > 32768",
        ),
        (
            |m| m.evidence.as_mut().unwrap().max_bytes = (1 << 20) - (1 << 17),
            "block.MaxBytes leaves 131072 bytes beside evidence.MaxBytes (917504)",
        ),
        (
            |m| m.validator.as_mut().unwrap().pub_key_types = vec!["secp256k1".into()],
            "params.Validator.PubKeyTypes, secp256k1: expected ed25519 among them",
        ),
        (|m| m.validator = Some(ValidatorParams::default()), "len(Validator.PubKeyTypes) must be greater than 0"),
        (
            |m| m.validator.as_mut().unwrap().pub_key_types.push("sr25519".into()),
            "params.Validator.PubKeyTypes[1], sr25519, is an unknown pubkey type",
        ),
        (
            |m| m.abci = Some(AbciParams { vote_extensions_enable_height: -1 }),
            "ABCI.VoteExtensionsEnableHeight cannot be negative. Got: -1",
        ),
        (
            |m| m.abci = Some(AbciParams { vote_extensions_enable_height: 10 }),
            "vote extensions cannot be updated to a past or current height",
        ),
    ];
    let mut ground = ground();
    for (change, text) in cases {
        let wrong = update(&mut ground, change).unwrap_err();
        assert!(wrong.log.starts_with(text), "{wrong}");
        assert_eq!(consensus::params(&ground.state).unwrap(), params());
    }
    let somebody = ground.text(1);
    let refused = update(&mut ground, |m| m.authority = somebody.clone()).unwrap_err();
    assert_eq!((refused.codespace, refused.code), ("gov", 13));
}

#[test]
fn vote_extensions_begin_once() {
    let mut ground = ground();
    let mut set = |height: u64, at: i64| {
        ground.block.height = height;
        update(&mut ground, |m| m.abci = Some(AbciParams { vote_extensions_enable_height: at })).is_ok()
    };
    // The height, what is asked for, whether it may be: put off and taken back before it comes, never after.
    for (height, at, may) in [
        (10, 10, false),
        (10, 12, true),
        (11, 14, true),
        (11, 0, true),
        (11, 13, true),
        (13, 13, true),
        (13, 0, false),
        (13, 15, false),
    ] {
        assert_eq!(set(height, at), may, "at {height}: {at}");
    }
    // Whoever does not speak of them leaves them.
    update(&mut ground, |_| {}).unwrap();
    assert_eq!(consensus::params(&ground.state).unwrap().abci.unwrap().vote_extensions_enable_height, 13);
}
