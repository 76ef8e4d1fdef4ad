//! Amino's JSON of messages: as CosmJS makes it, and as the Cosmos SDK does where CosmJS has none.

use super::clients_from_registries_find_a_cosmos_chain::cosmjs_amino;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use prost::{Message, Name};
use serde_json::{Value, json};
use zektra_app::amino::message_bytes;
use zektra_proto::cosmos::authz::v1beta1 as authz;
use zektra_proto::cosmos::bank::v1beta1::SendAuthorization;
use zektra_proto::cosmos::base::v1beta1::Coin;
use zektra_proto::cosmos::crypto::multisig::LegacyAminoPubKey;
use zektra_proto::cosmos::crypto::secp256k1::PubKey;
use zektra_proto::cosmos::distribution::v1beta1 as distribution;
use zektra_proto::cosmos::feegrant::v1beta1 as feegrant;
use zektra_proto::cosmos::gov::v1 as gov;
use zektra_proto::cosmos::slashing::v1beta1 as slashing;
use zektra_proto::cosmos::staking::v1beta1::{self as staking, stake_authorization};
use zektra_proto::cosmos::upgrade::v1beta1 as upgrade;
use zektra_proto::{Any, Duration, Timestamp};

fn any<M: Message + Name>(message: &M) -> Any {
    Any { type_url: format!("/{}", M::full_name()), value: message.encode_to_vec() }
}

#[track_caller]
fn shown(any: &Any) -> String {
    String::from_utf8(message_bytes(any).unwrap()).unwrap()
}

/// Compares with JSON whose keys may stand in any order.
#[track_caller]
fn shows<M: Message + Name>(message: &M, kind: &str, value: Value) {
    let found: Value = serde_json::from_str(&shown(&any(message))).unwrap();
    assert_eq!(found, json!({"type": kind, "value": value}));
}

fn coin(amount: &str) -> Coin {
    Coin { denom: "uzektra".into(), amount: amount.into() }
}

fn time(seconds: i64, nanos: i32) -> Option<Timestamp> {
    Some(Timestamp { seconds, nanos })
}

#[test]
fn as_cosmjs_makes_it() {
    let lines = cosmjs_amino();
    assert_eq!(lines.lines().count(), 16);
    for line in lines.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let text = |name: &str| line[name].as_str().unwrap();
        let message = Any { type_url: text("typeUrl").into(), value: BASE64.decode(text("value")).unwrap() };
        assert_eq!(shown(&message), text("shown"));
    }
}

#[test]
fn staking_and_slashing() {
    let delegate = || staking::MsgDelegate {
        delegator_address: "a".into(),
        validator_address: "v".into(),
        // No text is nought.
        amount: Some(coin("")),
    };
    let inner =
        json!({"delegator_address": "a", "validator_address": "v", "amount": {"denom": "uzektra", "amount": "0"}});
    shows(&delegate(), "cosmos-sdk/MsgDelegate", inner);
    let unset = staking::MsgDelegate { amount: None, ..delegate() };
    assert!(message_bytes(&any(&unset)).unwrap_err().log.contains("MsgDelegate without amount"));
    // What is empty is left out, but for what is kept.
    let created = staking::MsgCreateValidator {
        description: Some(staking::Description { moniker: "m".into(), ..Default::default() }),
        commission: Some(staking::CommissionRates { rate: "50000000000000000".into(), ..Default::default() }),
        value: Some(coin("1")),
        ..Default::default()
    };
    let value = json!({
        "description": {"moniker": "m"}, "min_self_delegation": "0", "value": {"denom": "uzektra", "amount": "1"},
        "commission": {"rate": "0.050000000000000000", "max_rate": "0", "max_change_rate": "0"},
    });
    shows(&created, "cosmos-sdk/MsgCreateValidator", value);
    // One decimal has one form.
    for digits in ["0x10", "007", "0.5", "-0", "+1"] {
        let rates = Some(staking::CommissionRates { rate: digits.into(), ..Default::default() });
        assert!(message_bytes(&any(&staking::MsgCreateValidator { commission: rates, ..created.clone() })).is_err());
    }
    shows(&slashing::MsgUnjail { validator_addr: "v".into() }, "cosmos-sdk/MsgUnjail", json!({"address": "v"}));
    let params = slashing::Params {
        signed_blocks_window: 100,
        min_signed_per_window: b"500000000000000000".to_vec().into(),
        downtime_jail_duration: Some(Duration { seconds: 600, nanos: 5 }),
        slash_fraction_double_sign: b"50000000000000000".to_vec().into(),
        slash_fraction_downtime: Default::default(),
    };
    let value = json!({"authority": "g", "params": {
        "signed_blocks_window": "100", "min_signed_per_window": "0.500000000000000000",
        "downtime_jail_duration": "600000000005", "slash_fraction_double_sign": "0.050000000000000000",
        "slash_fraction_downtime": "0",
    }});
    let update = slashing::MsgUpdateParams { authority: "g".into(), params: Some(params) };
    shows(&update, "cosmos-sdk/x/slashing/MsgUpdateParams", value);
}

#[test]
fn distribution_upgrade_and_governance() {
    let withdraw = distribution::MsgWithdrawValidatorCommission { validator_address: "v".into() };
    shows(&withdraw, "cosmos-sdk/MsgWithdrawValCommission", json!({"validator_address": "v"}));
    let spend = distribution::MsgCommunityPoolSpend { authority: "g".into(), recipient: "a".into(), amount: vec![] };
    let value = json!({"authority": "g", "recipient": "a", "amount": []});
    shows(&spend, "cosmos-sdk/distr/MsgCommunityPoolSpend", value.clone());
    // A proposal holds messages with their names, too.
    #[allow(deprecated)]
    let plan = upgrade::Plan { name: "v2".into(), time: time(-62_135_596_800, 0), height: 7, ..Default::default() };
    let upgrade = upgrade::MsgSoftwareUpgrade { authority: "g".into(), plan: Some(plan) };
    let cancel = upgrade::MsgCancelUpgrade { authority: "g".into() };
    let proposal = gov::MsgSubmitProposal {
        messages: vec![any(&upgrade), any(&cancel), any(&spend)],
        initial_deposit: vec![coin("5")],
        proposer: "a".into(),
        title: "t".into(),
        expedited: true,
        ..Default::default()
    };
    let plan = json!({"name": "v2", "time": "0001-01-01T00:00:00Z", "height": "7"});
    let value = json!({
        "messages": [
            {"type": "cosmos-sdk/MsgSoftwareUpgrade", "value": {"authority": "g", "plan": plan}},
            {"type": "cosmos-sdk/MsgCancelUpgrade", "value": {"authority": "g"}},
            {"type": "cosmos-sdk/distr/MsgCommunityPoolSpend", "value": value},
        ],
        "initial_deposit": [{"denom": "uzektra", "amount": "5"}], "proposer": "a", "title": "t", "expedited": true,
    });
    shows(&proposal, "cosmos-sdk/v1/MsgSubmitProposal", value);
    let vote = gov::MsgVoteWeighted {
        proposal_id: 0,
        voter: "a".into(),
        options: vec![gov::WeightedVoteOption { option: 1, weight: "0.5".into() }],
        metadata: String::new(),
    };
    let value = json!({"proposal_id": "0", "voter": "a", "options": [{"option": 1, "weight": "0.5"}]});
    shows(&vote, "cosmos-sdk/v1/MsgVoteWeighted", value);
    let cancel = gov::MsgCancelProposal { proposal_id: 2, proposer: "a".into() };
    shows(&cancel, "/cosmos.gov.v1.MsgCancelProposal", json!({"proposal_id": "2", "proposer": "a"}));
}

#[test]
fn grants_and_allowances() {
    let grant = |authorization: Any| authz::MsgGrant {
        granter: "a".into(),
        grantee: "b".into(),
        grant: Some(authz::Grant { authorization: Some(authorization), expiration: time(1_600_000_000, 500_000_000) }),
    };
    let granted = |kind: &str, value: Value| {
        let grant = json!({"authorization": {"type": kind, "value": value}, "expiration": "2020-09-13T12:26:40.5Z"});
        json!({"granter": "a", "grantee": "b", "grant": grant})
    };
    let generic = authz::GenericAuthorization { msg: "/cosmos.gov.v1.MsgVote".into() };
    let value = granted("cosmos-sdk/GenericAuthorization", json!({"msg": "/cosmos.gov.v1.MsgVote"}));
    shows(&grant(any(&generic)), "cosmos-sdk/MsgGrant", value);
    let send = SendAuthorization { spend_limit: vec![coin("1")], allow_list: vec!["c".into()] };
    let value = json!({"spend_limit": [{"denom": "uzektra", "amount": "1"}], "allow_list": ["c"]});
    shows(&grant(any(&send)), "cosmos-sdk/MsgGrant", granted("cosmos-sdk/SendAuthorization", value));
    let stake = |policy| staking::StakeAuthorization { max_tokens: None, policy, authorization_type: 1 };
    let list = stake_authorization::Validators { address: vec!["v".into()] };
    let list = stake(Some(stake_authorization::Policy::AllowList(list)));
    let allowed =
        json!({"type": "cosmos-sdk/StakeAuthorization/AllowList", "value": {"allow_list": {"address": ["v"]}}});
    let value = granted("cosmos-sdk/StakeAuthorization", json!({"Validators": allowed, "authorization_type": 1}));
    shows(&grant(any(&list)), "cosmos-sdk/MsgGrant", value);
    let value = granted("cosmos-sdk/StakeAuthorization", json!({"Validators": null, "authorization_type": 1}));
    shows(&grant(any(&stake(None))), "cosmos-sdk/MsgGrant", value);
    let exec =
        authz::MsgExec { grantee: "b".into(), msgs: vec![any(&slashing::MsgUnjail { validator_addr: "v".into() })] };
    let value = json!({"grantee": "b", "msgs": [{"type": "cosmos-sdk/MsgUnjail", "value": {"address": "v"}}]});
    shows(&exec, "cosmos-sdk/MsgExec", value);

    let basic = feegrant::BasicAllowance { spend_limit: vec![], expiration: time(1_600_000_000, 0) };
    let periodic = feegrant::PeriodicAllowance {
        basic: Some(basic),
        period: Some(Duration { seconds: 3600, nanos: 0 }),
        period_spend_limit: vec![coin("1")],
        period_can_spend: vec![],
        period_reset: time(1_600_000_000, 1),
    };
    let allowed =
        feegrant::AllowedMsgAllowance { allowance: Some(any(&periodic)), allowed_messages: vec!["/m".into()] };
    let allowance =
        feegrant::MsgGrantAllowance { granter: "a".into(), grantee: "b".into(), allowance: Some(any(&allowed)) };
    let periodic = json!({"type": "cosmos-sdk/PeriodicAllowance", "value": {
        "basic": {"spend_limit": [], "expiration": "2020-09-13T12:26:40Z"}, "period": "3600000000000",
        "period_spend_limit": [{"denom": "uzektra", "amount": "1"}], "period_can_spend": [],
        "period_reset": "2020-09-13T12:26:40.000000001Z",
    }});
    let value = json!({"granter": "a", "grantee": "b", "allowance": {
        "type": "cosmos-sdk/AllowedMsgAllowance", "value": {"allowance": periodic, "allowed_messages": ["/m"]},
    }});
    shows(&allowance, "cosmos-sdk/MsgGrantAllowance", value);
}

#[test]
fn keys() {
    let key = PubKey { key: vec![2; 33].into() };
    let inner = json!({"type": "tendermint/PubKeySecp256k1", "value": BASE64.encode([2; 33])});
    let many = LegacyAminoPubKey { threshold: 1, public_keys: vec![any(&key)] };
    shows(&many, "tendermint/PubKeyMultisigThreshold", json!({"threshold": "1", "pubkeys": [inner]}));
}
