use crate::ground::person;
use crate::vault_world::{NATIVE, OTHER, OWNER, World, hash, seat, terms};
use zektra_modules::Module as _;
use zektra_modules::authority::authority;
use zektra_modules::coin::coin;
use zektra_modules::module::Handler;
use zektra_modules::vault::{Vault, error::Vault as Code};
use zektra_proto::vault::v1::{
    MsgActivateDataset, MsgAdmitToSet, MsgAttest, MsgCreateDataset, MsgCreateSet, MsgDropDraft, MsgGrantUse,
    MsgJoinSet, MsgLeaveSet, MsgNameVouchers, MsgPauseDataset, MsgRaiseAttempt, MsgRegisterSeat, MsgReportErasure,
    MsgRevokeDataset, MsgRotateSeat, MsgSealDataset, MsgUnpauseDataset, MsgUpdateParams, MsgWithdrawGrant, Params,
    Seat, Terms,
};

/// A dataset that is a draft, 1, and an active one, 2.
fn world() -> World {
    let mut world = World::new();
    world.register(OWNER, 1).unwrap();
    world.create(OWNER, 1, "draft").unwrap();
    world.active(OWNER, 1, "rows");
    world
}

/// Sends a message that is refused by this code and this beginning of a text, without the state if `early`.
fn refused<M: Handler>(world: &mut World, message: M, code: Code, begins: &str, early: bool) {
    assert_eq!(message.check(&world.ground.prefix).is_err(), early, "{begins}");
    let error = world.send(message).map(drop).unwrap_err();
    assert_eq!((error.codespace, error.code), ("vault", code as u32), "{error}");
    assert!(error.log.starts_with(begins), "{:?} does not begin with {begins:?}", error.log);
}

#[test]
fn of_seats() {
    let mut world = world();
    let owner = world.text(OWNER);
    let bytes = |n: usize| vec![255u8; n].into();
    let long = "a".repeat(65);
    let operators = |n: usize| vec![hash(1); n];
    let cases: [(Option<Seat>, &str); 9] = [
        (None, "seat: missing, expected a seat"),
        (Some(Seat { name: String::new(), ..seat(2, 0) }), r#"seat.name: "", expected 1 to 64 bytes"#),
        (Some(Seat { name: long, ..seat(2, 0) }), "seat.name: "),
        (Some(Seat { name: "a\n".into(), ..seat(2, 0) }), "seat.name: "),
        (Some(Seat { key: bytes(32), ..seat(2, 0) }), "seat.key: 32 bytes, expected 32 bytes, four elements below"),
        (Some(Seat { key: bytes(31), ..seat(2, 0) }), "seat.key: 31 bytes"),
        (Some(Seat { release_key: bytes(33), ..seat(2, 0) }), "seat.release_key: 33 bytes, expected 32 bytes"),
        (Some(Seat { operator_keys: vec![bytes(3)], ..seat(2, 0) }), "seat.operator_keys: 3 bytes"),
        (Some(Seat { operator_keys: operators(17), ..seat(2, 0) }), "seat.operator_keys: 17, expected at most 16"),
    ];
    for (seat, begins) in cases {
        let (owner, old_key) = (owner.clone(), seat_key());
        let message = MsgRegisterSeat { owner: owner.clone(), seat: seat.clone() };
        refused(&mut world, message, Code::InvalidSeat, begins, true);
        refused(&mut world, MsgRotateSeat { owner, old_key, seat }, Code::InvalidSeat, begins, true);
    }
    let message = MsgRegisterSeat { owner: owner.clone(), seat: Some(seat(2, 1)) };
    refused(&mut world, message, Code::InvalidSeat, "seat.epoch: 1, expected 0", true);
    let message = MsgRotateSeat { owner: owner.clone(), old_key: bytes(1), seat: Some(seat(2, 1)) };
    refused(&mut world, message, Code::InvalidSeat, "old_key: 1 bytes", true);
    let most = Seat { operator_keys: operators(16), name: "é".repeat(32), ..seat(2, 0) };
    world.send(MsgRegisterSeat { owner, seat: Some(most) }).unwrap();
}

fn seat_key() -> prost::bytes::Bytes {
    crate::vault_world::key(1).to_bytes().to_vec().into()
}

#[test]
fn of_datasets() {
    type Change = fn(&mut MsgCreateDataset);
    let mut world = world();
    let good = world.creation(OWNER, 1, "more");
    let cases: [(Change, &str); 22] = [
        (|m| m.name = String::new(), r#"name: "", expected 1 to 64 letters"#),
        (|m| m.name = "a/b".into(), r#"name: "a/b""#),
        (|m| m.name = "a".repeat(65), "name: "),
        (|m| m.id = vec![0; 31].into(), "id: 31 bytes, expected 32 bytes"),
        (|m| m.owner_key = vec![].into(), "owner_key: 0 bytes"),
        (|m| m.schema = String::new(), "schema: 0 bytes, expected 1 to 65536 bytes"),
        (|m| m.schema = "a".repeat(65_537), "schema: 65537 bytes"),
        (|m| m.schema_digest = vec![1].into(), "schema_digest: 1 bytes"),
        (|m| m.columns = 0, "features: 0, expected 2 to 1024"),
        (|m| m.columns = 33, "columns, blocks: 33, 1, expected those of 2 to 1024 features"),
        (|m| m.blocks = 2, "columns, blocks: 32, 2"),
        (|m| m.blocks = 33, "features: 1056"),
        (|m| (m.columns, m.blocks) = (64, 2), "columns, blocks: 64, 2"),
        (|m| (m.columns, m.blocks) = (1 << 16, 1 << 16), "columns, blocks: 65536, 65536"),
        (|m| m.classes = 0, "classes: 0, expected 1 to 10"),
        (|m| m.classes = 2, "classes: 2, expected 1 for two classes, or 3 to 10"),
        (|m| m.classes = 11, "classes: 11"),
        (|m| m.scale_x = 13, "scale_x: 13, expected 6 to 12"),
        (|m| m.scale_r = 3, "scale_r: 3, expected 4 to 12"),
        (|m| m.row_norm = 1025, "row_norm: 1025, expected 64 to 1024"),
        (|m| m.range = 15, "range: 15, expected 16 to 512"),
        (|m| m.range = 513, "range: 513"),
    ];
    for (change, begins) in cases {
        let mut message = good.clone();
        change(&mut message);
        refused(&mut world, message, Code::InvalidDataset, begins, true);
    }
    let id = prost::bytes::Bytes::copy_from_slice(&[1; 32]);
    let begins = format!("id: {}, expected ", "01".repeat(32));
    refused(&mut world, MsgCreateDataset { id, ..good.clone() }, Code::InvalidDataset, &begins, false);
    // An id of another chain is another id.
    world.ground.block.chain_id = "test-2".into();
    refused(&mut world, good.clone(), Code::InvalidDataset, "id: ", false);
    world.ground.block.chain_id = "test-1".into();
    for (k, (columns, blocks)) in [(32, 1), (32, 3), (32, 32), (64, 1)].into_iter().enumerate() {
        let wide = MsgCreateDataset { columns, blocks, classes: 10, ..world.creation(OWNER, 1, &format!("wide-{k}")) };
        world.send(wide).unwrap();
    }
}

#[test]
fn of_seals() {
    type Change = fn(&mut MsgSealDataset);
    let mut world = world();
    let good = world.sealing(OWNER, 1);
    let cases: [(Change, &str); 10] = [
        (|m| m.rows = 0, "rows: 0, expected at least 1"),
        (|m| m.groups = 0, "groups: 0, expected 1 to 1048576 row groups"),
        (|m| m.groups = (1 << 20) + 1, "groups: 1048577"),
        (|m| m.root = vec![1; 33].into(), "root: 33 bytes"),
        (|m| m.root = vec![255; 32].into(), "root: 32 bytes, expected 32 bytes, four elements"),
        (|m| m.content_root = vec![].into(), "content_root: 0 bytes"),
        (|m| m.rows_log2 = 0, "rows_log2: 0, expected 1 to 20"),
        (|m| m.rows_log2 = 21, "rows_log2: 21"),
        (|m| m.proof = vec![].into(), "proof: 0 bytes, expected 1 to 524288 bytes"),
        (|m| m.proof = vec![0; 524_289].into(), "proof: 524289 bytes"),
    ];
    for (change, begins) in cases {
        let mut message = good.clone();
        change(&mut message);
        refused(&mut world, message, Code::InvalidSeal, begins, true);
    }
    let message = MsgSealDataset { rows: 1025, ..good };
    refused(&mut world, message, Code::InvalidSeal, "rows: 1025, expected 897 to 1024", false);
}

#[test]
fn of_grants() {
    type Change = fn(&mut Terms);
    let mut world = world();
    let owner = world.text(OWNER);
    let cases: [(Change, &str); 9] = [
        (|t| t.templates.clear(), "templates: 0, expected 1 to 3 templates"),
        (|t| t.templates = vec![String::new(); 4], "templates: 4"),
        (
            |t| t.templates = vec!["free/1".into()],
            r#"templates[0]: "free/1", expected linear-regression/1 or linear-c"#,
        ),
        (
            |t| t.templates.push(t.templates[0].clone()),
            "templates[1]: linear-classifier/1, expected each template once",
        ),
        (|t| t.max_passes = 0, "max_passes: 0, expected at least 1"),
        (|t| t.privacy_budget = 0, "privacy_budget: 0"),
        (|t| (t.from_height, t.until_height) = (20, 19), "until_height: 19, expected 0 or from_height 20 and above"),
        (|t| t.on_revoke = 0, "on_revoke: 0, expected 1, finish, or 2, abort"),
        (|t| t.on_revoke = 3, "on_revoke: 3"),
    ];
    for (change, begins) in cases {
        let mut terms = terms();
        change(&mut terms);
        let message = MsgGrantUse { owner: owner.clone(), dataset: 2, terms: Some(terms) };
        refused(&mut world, message, Code::InvalidGrant, begins, true);
    }
    let message = MsgGrantUse { owner: owner.clone(), dataset: 2, terms: None };
    refused(&mut world, message, Code::InvalidGrant, "terms: missing", true);
    let terms = Some(Terms { until_height: 9, ..terms() });
    let message = MsgGrantUse { owner: owner.clone(), dataset: 2, terms };
    refused(&mut world, message, Code::InvalidGrant, "until_height: 9, expected 0 or 10 and above", false);
    let message = MsgWithdrawGrant { owner, grant: 1 };
    refused(&mut world, message, Code::UnknownGrant, "grant 1: unknown grant", false);
}

#[test]
fn of_statements_bonds_sets_and_parameters() {
    let mut world = world();
    let owner = world.text(OWNER);
    let short: prost::bytes::Bytes = vec![1; 31].into();
    let message = MsgAttest { voucher: owner.clone(), dataset: 2, statement_hash: short.clone() };
    refused(&mut world, message, Code::InvalidStatement, "statement_hash: 31 bytes, expected 32 bytes", true);
    let message = MsgReportErasure { owner: owner.clone(), dataset: 2, statement_hash: short.clone() };
    refused(&mut world, message, Code::InvalidStatement, "statement_hash: 31 bytes", true);
    for (bond, begins) in [
        (None, "bond: missing, expected a coin"),
        (Some(coin(NATIVE, 0)), "bond: 0, expected a positive amount"),
        (Some(zektra_proto::cosmos::base::v1beta1::Coin { amount: "-1".into(), ..coin(NATIVE, 0) }), "bond: amount"),
    ] {
        let message = MsgActivateDataset { owner: owner.clone(), dataset: 2, bond };
        refused(&mut world, message, Code::InvalidBond, begins, true);
    }
    let message = MsgCreateSet { curator: owner.clone(), name: "ä".into(), schema: hash(1), open: true };
    refused(&mut world, message, Code::InvalidSet, "name: ", true);
    let message = MsgCreateSet { curator: owner.clone(), name: "a".into(), schema: short, open: true };
    refused(&mut world, message, Code::InvalidSet, "schema: 31 bytes, expected 32 bytes", true);
    let authority = world.ground.prefix.text(&authority());
    let params = |denom: &str, min_bond: &str| Some(Params { denom: denom.into(), min_bond: min_bond.into() });
    for (params, begins) in [
        (None, "params: missing"),
        (params("1", "5"), r#"denom: "1", expected a denomination"#),
        (params(NATIVE, "0"), "min_bond: 0, expected at least 1"),
        (params(NATIVE, "05"), "min_bond: amount"),
    ] {
        let message = MsgUpdateParams { authority: authority.clone(), params };
        refused(&mut world, message, Code::InvalidParams, begins, true);
    }
    let other = MsgUpdateParams { authority: owner.clone(), params: params(NATIVE, "5") };
    let error = world.send(other).unwrap_err();
    assert_eq!((error.codespace, error.code), ("gov", 13));
    // A bond that was enough stays; the next one is as large as it is now.
    world.send(MsgUpdateParams { authority, params: params("uother", "5") }).unwrap();
    let dataset = world.create(OWNER, 1, "more").unwrap();
    world.seal(OWNER, dataset).unwrap();
    world.attest(OWNER, dataset).unwrap();
    refused(
        &mut world,
        MsgActivateDataset { owner: owner.clone(), dataset, bond: Some(coin(NATIVE, 5)) },
        Code::InvalidBond,
        "bond: 5uzektra, expected at least 5uother",
        false,
    );
    world.send(MsgActivateDataset { owner, dataset, bond: Some(coin("uother", 5)) }).unwrap();
    world.round_trip();
}

#[test]
fn of_addresses() {
    let world = world();
    let prefix = &world.ground.prefix;
    let text = || "zektra1xyz".to_string();
    let (old_key, statement_hash, name) = (seat_key(), hash(1), "a".to_string());
    let bond = Some(coin(NATIVE, 5));
    let errors = [
        MsgRegisterSeat { owner: text(), seat: Some(seat(2, 0)) }.check(prefix),
        MsgRotateSeat { owner: text(), old_key, seat: Some(seat(2, 1)) }.check(prefix),
        MsgCreateDataset { owner: text(), ..world.creation(OWNER, 1, "more") }.check(prefix),
        MsgRaiseAttempt { owner: text(), dataset: 1 }.check(prefix),
        MsgDropDraft { owner: text(), dataset: 1 }.check(prefix),
        MsgSealDataset { owner: text(), ..world.sealing(OWNER, 1) }.check(prefix),
        MsgNameVouchers { owner: text(), dataset: 1, vouchers: vec![] }.check(prefix),
        MsgNameVouchers { owner: prefix.text(&person(1)), dataset: 1, vouchers: vec![text()] }.check(prefix),
        MsgAttest { voucher: text(), dataset: 1, statement_hash: statement_hash.clone() }.check(prefix),
        MsgActivateDataset { owner: text(), dataset: 1, bond }.check(prefix),
        MsgPauseDataset { owner: text(), dataset: 1 }.check(prefix),
        MsgUnpauseDataset { owner: text(), dataset: 1 }.check(prefix),
        MsgRevokeDataset { owner: text(), dataset: 1 }.check(prefix),
        MsgReportErasure { owner: text(), dataset: 1, statement_hash }.check(prefix),
        MsgGrantUse { owner: text(), dataset: 1, terms: Some(terms()) }.check(prefix),
        MsgGrantUse { owner: prefix.text(&person(1)), dataset: 1, terms: Some(Terms { grantee: text(), ..terms() }) }
            .check(prefix),
        MsgWithdrawGrant { owner: text(), grant: 1 }.check(prefix),
        MsgCreateSet { curator: text(), name, schema: hash(1), open: true }.check(prefix),
        MsgAdmitToSet { curator: text(), set: 1, dataset: 1 }.check(prefix),
        MsgJoinSet { owner: text(), set: 1, dataset: 1 }.check(prefix),
        MsgLeaveSet { sender: text(), set: 1, dataset: 1 }.check(prefix),
        MsgUpdateParams { authority: text(), params: None }.check(prefix),
    ];
    for (k, done) in errors.into_iter().enumerate() {
        let error = done.unwrap_err();
        assert_eq!((error.codespace, error.code), ("sdk", 7), "{k}: {error}");
        assert!(error.log.starts_with("invalid "), "{error}");
    }
}

/// Puts the first of a list into it once more.
fn again(list: &mut serde_json::Value) {
    let first = list[0].clone();
    list.as_array_mut().unwrap().push(first);
}

#[test]
fn of_genesis_files() {
    type Change = fn(&mut serde_json::Value);
    let mut world = world();
    world.grant(OWNER, 2, Terms { grantee: world.text(OTHER), ..terms() }).unwrap();
    let set = world.new_set(OTHER);
    world.join(OWNER, set, 2).unwrap();
    let owner = world.text(OWNER);
    world.send(MsgDropDraft { owner, dataset: 1 }).unwrap();
    let good = Vault.export_genesis(&world.ground.state, &world.ground.prefix).unwrap();
    Vault.check_genesis(&good, &world.ground.prefix).unwrap();
    let cases: [(Change, &str); 25] = [
        (|g| g["more"] = 1.into(), "vault.more"),
        (|g| g["params"]["min_bond"] = "0".into(), "vault.params"),
        (|g| g["next_set"] = "0".into(), "vault.next_set"),
        (|g| g["seats"][0]["owner"] = "x".into(), "vault.seats[0]"),
        (|g| g["seats"][0]["owner"] = g["seats"][0]["owner"].as_str().unwrap().to_uppercase().into(), "vault.seats[0]"),
        (|g| g["seats"][0]["seat"]["key"] = "".into(), "vault.seats[0]"),
        (|g| again(&mut g["seats"]), "vault.seats[1]"),
        (|g| g["seats"][0]["retired_height"] = "5".into(), "vault"),
        (|g| g["seats"][0]["seat"]["epoch"] = 1.into(), "vault"),
        (|g| g["datasets"][0]["schema"] = "".into(), "vault.datasets[0]"),
        (|g| g["datasets"][0]["record"]["dataset"]["range"] = 1.into(), "vault.datasets[0]"),
        (|g| g["datasets"][0]["record"]["attestations"][0]["voucher"] = "".into(), "vault.datasets[0]"),
        (|g| g["datasets"][0]["record"]["attestations"] = serde_json::json!([]), "vault"),
        (|g| g["datasets"][0]["record"]["bond"]["amount"] = "0".into(), "vault.datasets[0]"),
        (|g| g["datasets"][0]["record"]["bond"] = serde_json::Value::Null, "vault"),
        (|g| g["datasets"][0]["record"]["status"] = "DATASET_STATUS_DRAFT".into(), "vault"),
        (|g| g["datasets"][0]["record"]["number"] = "9".into(), "vault"),
        (|g| again(&mut g["datasets"]), "vault.datasets[1]"),
        (|g| again(&mut g["dropped"]), "vault.dropped[1]"),
        (|g| g["grants"][0]["terms"]["max_passes"] = "0".into(), "vault.grants[0]"),
        (|g| g["grants"][0]["passes_used"] = "11".into(), "vault"),
        (|g| g["grants"][0]["dataset"] = "1".into(), "vault"),
        (|g| g["sets"][0]["schema"] = "".into(), "vault.sets[0]"),
        (|g| again(&mut g["sets"][0]["datasets"]), "vault"),
        (|g| g["seats"] = serde_json::json!([]), "vault"),
    ];
    for (k, (change, field)) in cases.into_iter().enumerate() {
        let mut genesis = good.clone();
        change(&mut genesis);
        let error = Vault.check_genesis(&genesis, &world.ground.prefix).unwrap_err();
        assert_eq!(error.field, field, "{k}: {error}");
    }
    // A bond that the module's account does not hold.
    let mut other = World::new();
    let error = other.ground.with(|ctx| Ok(Vault.init_genesis(ctx, &good).unwrap_err())).unwrap();
    assert_eq!((&error.field[..], &error.found[..]), ("vault.datasets", "bonds of 10000000uzektra"));
}
