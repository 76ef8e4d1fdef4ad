use crate::signers::{Chain, STAKE, coin, operator};
use prost::{Message as _, Name as _};
use zektra_modules::evidence::{self, Evidence};
use zektra_modules::query::Code;
use zektra_modules::{Module as _, slashing, staking};
use zektra_proto::cosmos::evidence::v1beta1::{
    Equivocation, MsgSubmitEvidence, QueryAllEvidenceRequest, QueryAllEvidenceResponse, QueryEvidenceRequest,
    QueryEvidenceResponse,
};
use zektra_proto::cosmos::slashing::v1beta1::MsgUnjail;
use zektra_proto::cosmos::staking::v1beta1::MsgUndelegate;
use zektra_proto::tendermint::abci::{self, Misbehavior, MisbehaviorType};
use zektra_proto::{Any, Timestamp, comet};
use zektra_state::StateWrite as _;

fn accused(chain: &Chain, k: u8, blocks: u64, seconds: i64) -> Misbehavior {
    let address = staking::validator::address_of(&[k; 32]).bytes().to_vec();
    let Timestamp { seconds: now, nanos } = chain.block.time;
    Misbehavior {
        r#type: MisbehaviorType::DuplicateVote.into(),
        validator: Some(abci::Validator { address: address.into(), power: 1000 }),
        // Of the block that is to come.
        height: (chain.block.height + 1 - blocks) as i64,
        time: Some(comet::Timestamp { seconds: now + 5 - seconds, nanos }),
        total_voting_power: 3000,
    }
}

fn proof(chain: &Chain, of: &Misbehavior, k: u8) -> Equivocation {
    let time = of.time.as_ref().map(|t| Timestamp { seconds: t.seconds, nanos: t.nanos });
    let power = of.validator.as_ref().map_or(0, |v| v.power);
    Equivocation { height: of.height, time, power, consensus_address: chain.consensus_text(k) }
}

fn unjail(chain: &mut Chain, k: u8) -> (u32, &'static str) {
    let message = MsgUnjail { validator_addr: chain.prefix.operator_text(&operator(k)) };
    let e = chain.run(message).unwrap_err();
    (e.code, e.codespace)
}

#[test]
fn and_never_comes_back() {
    let mut chain = Chain::new(3);
    for _ in 0..5 {
        chain.next(&[], vec![]);
    }
    let first = accused(&chain, 2, 2, 10);
    let wanted = proof(&chain, &first, 2);
    // Two proofs in a block, and one of another kind in the next.
    let second = accused(&chain, 2, 1, 5);
    chain.next(&[], vec![first.clone(), second.clone()]);
    let (text, burned) = (chain.consensus_text(2), (STAKE / 20).to_string());
    let slash = vec![("address", &text[..]), ("power", "1000"), ("reason", "double_sign"), ("burned_coins", &burned)];
    assert_eq!(chain.events("slash"), [slash, vec![("jailed", &text)]]);
    let check = |chain: &Chain| {
        let (validator, info) = (chain.validator(2), chain.info(2));
        assert!(validator.jailed && !validator.is_bonded() && info.tombstoned);
        assert_eq!(validator.tokens, STAKE - STAKE / 20);
        assert_eq!(info.jailed_until, Some(Timestamp { seconds: 253_402_300_799, nanos: 0 }));
    };
    check(&chain);
    let attack = Misbehavior { r#type: MisbehaviorType::LightClientAttack.into(), ..second };
    chain.next(&[], vec![attack]);
    check(&chain);
    assert_eq!(chain.events("slash").len(), 0);
    chain.block.time.seconds += 1_000_000_000;
    assert_eq!(unjail(&mut chain, 2), (4, "slashing"));

    // What was punished can be asked for.
    let all: QueryAllEvidenceResponse =
        chain.query(&Evidence, "AllEvidence", &QueryAllEvidenceRequest::default()).unwrap();
    let any = Any { type_url: Equivocation::type_url(), value: wanted.encode_to_vec() };
    assert_eq!(all.evidence, std::slice::from_ref(&any));
    #[allow(deprecated)]
    let ask = |hash: String| {
        let request = QueryEvidenceRequest { hash, ..QueryEvidenceRequest::default() };
        chain.query::<_, QueryEvidenceResponse>(&Evidence, "Evidence", &request)
    };
    assert_eq!(ask(hex(&evidence::hash(&wanted))).unwrap().evidence, Some(any));
    let missing = "00".repeat(32);
    let e = ask(missing.clone()).unwrap_err();
    assert_eq!((e.code, e.message), (Code::NotFound, format!("evidence {missing} not found")));
    assert_eq!(ask(String::new()).unwrap_err().message, "invalid request; hash is empty");

    // It goes through a genesis file.
    let exported = Evidence.export_genesis(&chain.state, &chain.prefix).unwrap();
    let mut again = Chain::new(1);
    Evidence.check_genesis(&exported, &again.prefix).unwrap();
    again.with(|ctx| Evidence.init_genesis(ctx, &exported)).unwrap();
    assert_eq!(Evidence.export_genesis(&again.state, &again.prefix).unwrap(), exported);
    let mut twice = exported.clone();
    let entry = twice["evidence"][0].clone();
    twice["evidence"].as_array_mut().unwrap().push(entry);
    assert_eq!(Evidence.check_genesis(&twice, &again.prefix).unwrap_err().field, "evidence.evidence[1]");
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02X}")).collect()
}

#[test]
fn not_even_when_all_its_stake_is_gone() {
    let mut chain = Chain::new(3);
    chain.next(&[], vec![]);
    chain.next(&[], vec![accused(&chain, 2, 1, 5)]);
    let undelegate = MsgUndelegate {
        delegator_address: chain.prefix.text(&operator(2)),
        validator_address: chain.prefix.operator_text(&operator(2)),
        amount: Some(coin(chain.validator(2).tokens)),
    };
    chain.run(undelegate).unwrap();
    chain.end();
    chain.block.time.seconds += 22 * 86_400;
    chain.next(&[], vec![]);
    assert!(staking::validator(&chain.state, &operator(2)).unwrap().is_none());
    assert!(chain.info(2).tombstoned);
    let e = chain.run(chain.creation(2)).unwrap_err();
    assert_eq!((e.codespace, e.code), ("slashing", 9));
}

#[test]
fn unless_it_is_long_ago_in_blocks_and_in_time() {
    for (blocks, seconds, is_punished) in
        [(100, 1000, true), (101, 1000, true), (100, 1001, true), (101, 1001, false), (1, 1_000_000, true)]
    {
        let mut chain = Chain::new(3);
        chain.block.height = 500;
        let accused = accused(&chain, 1, blocks, seconds);
        chain.next(&[], vec![accused]);
        assert_eq!(chain.validator(1).jailed, is_punished, "{blocks} blocks, {seconds} s");
        assert_eq!(chain.info(1).tombstoned, is_punished);
    }
}

#[test]
fn unless_nobody_knows_it() {
    let mut chain = Chain::new(3);
    let consensus = staking::validator::address_of(&[1; 32]);
    chain.next(&[], vec![]);
    let nobody = Misbehavior { validator: None, ..accused(&chain, 1, 1, 5) };
    let other = Misbehavior { r#type: 0, ..accused(&chain, 1, 1, 5) };
    let unnamed = abci::Validator { address: vec![].into(), power: 1 };
    let unnamed = Misbehavior { validator: Some(unnamed), ..accused(&chain, 1, 1, 5) };
    chain.next(&[], vec![accused(&chain, 9, 1, 5), nobody, other, unnamed]);
    assert_eq!(chain.events("slash").len(), 0);
    // Without signing info nothing happens, and nothing fails.
    chain.state.delete(slashing::keys::signing_info(&consensus)).unwrap();
    let accused = accused(&chain, 1, 1, 5);
    chain.block.misbehavior = vec![accused];
    chain.with(|ctx| Evidence.begin_block(ctx)).unwrap();
    assert_eq!(chain.validator(1).tokens, STAKE);
}

#[test]
fn whoever_else_says_so() {
    let mut chain = Chain::new(2);
    chain.next(&[], vec![]);
    let found = accused(&chain, 1, 1, 5);
    let wanted = proof(&chain, &found, 1);
    let code = |chain: &mut Chain, evidence: Option<Any>| {
        let submitter = chain.prefix.text(&operator(2));
        let e = chain.run(MsgSubmitEvidence { submitter, evidence }).unwrap_err();
        assert_eq!(e.codespace, "evidence");
        (e.code, e.log)
    };
    let any = |e: &Equivocation| Some(Any { type_url: Equivocation::type_url(), value: e.encode_to_vec() });
    let unregistered = "equivocation: unregistered handler for evidence type";
    assert_eq!(code(&mut chain, any(&wanted)), (2, unregistered.into()));
    assert_eq!(code(&mut chain, None), (3, "missing evidence: invalid evidence".into()));
    let wrong = "failed basic validation: invalid equivocation height: 0: invalid evidence";
    assert_eq!(code(&mut chain, any(&Equivocation { height: 0, ..wanted.clone() })), (3, wrong.into()));
    chain.next(&[], vec![found]);
    assert_eq!(
        code(&mut chain, any(&wanted)),
        (5, format!("{}: evidence already exists", hex(&evidence::hash(&wanted))))
    );
}
