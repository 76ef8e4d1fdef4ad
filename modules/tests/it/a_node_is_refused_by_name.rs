use crate::a_bond_returns_when_its_jobs_are_done::registration;
use crate::ground::Ground;
use crate::work::{TOKEN, coin, each_refused as each, ground};
use zektra_modules::Module as _;
use zektra_modules::authority::authority;
use zektra_modules::coin::coin as any_coin;
use zektra_modules::compute::{self, Compute};
use zektra_proto::compute::v1::*;

#[test]
fn with_the_code_of_what_is_wrong() {
    let mut ground = ground();
    let right = registration(&ground, 1);
    let operator = ground.prefix.operator_text(&crate::ground::person(9));
    each(
        &mut ground,
        &right,
        &[
            (&|m| m.operator = "zektra1x".into(), ("sdk", 7), "decoding bech32 failed"),
            (&|m| m.moniker.clear(), ("compute", 2), "moniker of 0 bytes: expected 1 to 64"),
            (&|m| m.moniker = "m".repeat(65), ("compute", 2), "moniker of 65 bytes"),
            (&|m| m.moniker = "a\nb".into(), ("compute", 2), "without control characters"),
            (&|m| m.endpoint = "e".repeat(257), ("compute", 2), "endpoint of 257 bytes: expected 1 to 256"),
            (&|m| m.endpoint = "a b".into(), ("compute", 2), "printable"),
            (&|m| m.max_jobs = 0, ("compute", 2), "max_jobs 0: expected 1 to 1024"),
            (&|m| m.max_jobs = 1025, ("compute", 2), "max_jobs 1025"),
            (&|m| m.validator = "x".into(), ("sdk", 7), "validator"),
            (&|m| m.validator = operator.clone(), ("compute", 11), "no such validator"),
            (&|m| m.bond = None, ("sdk", 10), "bond: nothing, expected a coin"),
            (&|m| m.bond = Some(any_coin("uatom", 1)), ("sdk", 10), "bond: denomination uatom, expected uzektra"),
            (&|m| m.bond = Some(coin(0)), ("sdk", 10), "expected a positive amount"),
            (
                &|m| m.bond = Some(coin(1000 * TOKEN - 1)),
                ("compute", 9),
                "bond 999999999: expected at least 1000000000",
            ),
            (&|m| m.bond = Some(coin((1 << 96) + 1)), ("compute", 10), "expected at most"),
            (&|m| m.bond = Some(coin(1 << 90)), ("sdk", 5), "spendable balance"),
        ],
    );
    ground.send(right.clone()).unwrap();
    each(&mut ground, &right, &[(&|_| {}, ("compute", 3), "the operator has a node")]);
    let update = MsgUpdateNode {
        operator: ground.text(1),
        endpoint: "e".into(),
        price: 1,
        max_jobs: 1,
        paused: false,
        validator: String::new(),
    };
    let other = ground.text(2);
    each(
        &mut ground,
        &update,
        &[
            (&|m| m.operator = other.clone(), ("compute", 4), "the operator has no node"),
            (&|m| m.operator.clear(), ("sdk", 7), "empty address"),
            (&|m| m.endpoint.clear(), ("compute", 2), "endpoint of 0 bytes"),
            (&|m| m.max_jobs = 0, ("compute", 2), "max_jobs 0"),
            (&|m| m.validator = operator.clone(), ("compute", 11), "no such validator"),
        ],
    );
    let add = MsgAddBond { operator: ground.text(1), amount: Some(coin(1)) };
    each(
        &mut ground,
        &add,
        &[
            (&|m| m.operator = other.clone(), ("compute", 4), "the operator has no node"),
            (&|m| m.amount = None, ("sdk", 10), "amount: nothing"),
            (&|m| m.amount = Some(any_coin("uatom", 1)), ("sdk", 10), "expected uzektra"),
            (&|m| m.amount = Some(coin(1 << 96)), ("compute", 10), "expected at most"),
            (&|m| m.amount = Some(coin(1 << 95)), ("sdk", 5), "spendable balance"),
        ],
    );
    let leave = MsgLeave { operator: ground.text(1) };
    each(
        &mut ground,
        &leave,
        &[
            (&|m| m.operator = other.clone(), ("compute", 4), "the operator has no node"),
            (&|m| m.operator = "x".into(), ("sdk", 7), "decoding"),
        ],
    );
    ground.send(leave.clone()).unwrap();
    each(&mut ground, &leave, &[(&|_| {}, ("compute", 5), "the node is leaving")]);
    each(&mut ground, &update, &[(&|_| {}, ("compute", 5), "the node is leaving")]);
    each(&mut ground, &add, &[(&|_| {}, ("compute", 5), "the node is leaving")]);
}

#[test]
fn and_so_are_its_parameters() {
    let mut ground = ground();
    let authority = ground.prefix.text(&authority());
    let right = MsgUpdateParams { authority, params: Some(compute::params(&ground.state).unwrap()) };
    let someone = ground.text(1);
    let with = |change: fn(&mut Params)| move |m: &mut MsgUpdateParams| change(m.params.as_mut().unwrap());
    each(
        &mut ground,
        &right,
        &[
            (&|m| m.authority = someone.clone(), ("gov", 13), "invalid authority"),
            (&|m| m.authority.clear(), ("sdk", 7), "invalid authority address"),
            (&|m| m.params = None, ("compute", 12), "params: missing"),
            (&with(|p| p.denom = "uatom".into()), ("compute", 12), "denom uatom: expected uzektra"),
            (&with(|p| p.denom = "!".into()), ("compute", 12), "expected a denomination"),
            (&with(|p| p.min_bond = "-1".into()), ("compute", 12), "min_bond"),
            (&with(|p| p.registration_fee = String::new()), ("compute", 12), "registration_fee"),
            (&with(|p| p.unbonding_blocks = 0), ("compute", 12), "unbonding_blocks 0"),
            (&with(|p| p.share_cap_bps = 0), ("compute", 12), "share_cap_bps 0: expected 1 to 10000"),
            (&with(|p| p.min_reputation = 10_001), ("compute", 12), "min_reputation 10001"),
            (&with(|p| p.slash_burn_bps = 10_001), ("compute", 12), "slash_burn_bps 10001"),
        ],
    );
    ground.send(right).unwrap();
}

#[test]
fn and_a_genesis_file_too() {
    let mut ground = ground();
    ground.send(registration(&ground, 1)).unwrap();
    let right = Compute.export_genesis(&ground.state, &ground.prefix).unwrap();
    let wrong = |change: &dyn Fn(&mut serde_json::Value), field: &str| {
        let mut genesis = right.clone();
        change(&mut genesis);
        let error = Compute.check_genesis(&genesis, &ground.prefix).unwrap_err();
        assert!(error.field.starts_with(field), "{error}");
    };
    wrong(&|g| g["params"]["share_cap_bps"] = 0.into(), "compute.params");
    wrong(&|g| g["nodes"][0]["operator"] = "x".into(), "compute.nodes[0].operator");
    wrong(&|g| g["nodes"][0]["bond"]["denom"] = "uatom".into(), "compute.nodes[0].bond.denom");
    wrong(&|g| g["nodes"][0]["bond"]["amount"] = "x".into(), "compute.nodes[0].bond.amount");
    wrong(&|g| g["nodes"][0]["fingerprint"] = "".into(), "compute.nodes[0].fingerprint");
    wrong(&|g| g["nodes"][0]["status"] = 0.into(), "compute.nodes[0].status");
    wrong(&|g| g["nodes"][0]["max_jobs"] = 0.into(), "compute.nodes[0]");
    wrong(
        &|g| {
            let again = g["nodes"][0].clone();
            g["nodes"].as_array_mut().unwrap().push(again);
        },
        "compute.nodes[1].operator",
    );
    // The bond is not in the account of the module.
    let mut empty = Ground::new();
    let found = empty.with(|ctx| Ok(Compute.init_genesis(ctx, &right).unwrap_err().found)).unwrap();
    assert!(found.contains("bonds of"), "{found}");
}
