//! A whole job on four real CometBFTs, one of whose validators proposes blocks with proofs that must not stand there: the
//! parties are `zektra`'s own commands, and their proofs are kept back until each attack has been refused.

use super::devnet::Devnet;
use super::node::zektrad;
use super::test_chain::PREFIX;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use prost::Message as _;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use zektra_app::node::dev;
use zektra_drive::job::{self, NODES, OWNERS, Shape};
use zektra_drive::signed::{Signed, Signer};
use zektra_drive::tap::Tap;
use zektra_drive::{CHAIN, Drive, PEOPLE, Running, beside};
use zektra_modules::address::Prefix;
use zektra_proto::cosmos::tx::v1beta1::{TxBody, TxRaw};
use zektra_proto::tendermint::abci::ResponsePrepareProposal;
use zektra_proto::training::v1::MsgSubmitPart;
use zektra_proto::vault::v1::MsgSealDataset;

/// The validator that breaks the rules.
const DISHONEST: u16 = 3;
/// The job: each iteration is a part of its proof.
const SHAPE: Shape = Shape { iterations: 2, part: 1, batch_rows: 128 };
/// Rows of each owner: one tile.
const ROWS: usize = 100;

fn address(name: &str) -> String {
    let index = PEOPLE.iter().position(|p| *p == name).unwrap();
    Prefix::new(PREFIX).unwrap().text(&dev::account(index as u32).address)
}

/// Periods that no slow machine misses; one proof a block, and bytes of no three.
fn patient(net: &Devnet) {
    net.run(&["make"]);
    for node in 0..4 {
        let path = net.home(node).join("config/genesis.json");
        let mut genesis: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        for (module, name, value) in [
            ("training", "part_blocks", json!("100000")),
            ("training", "dispute_blocks", json!("4")),
            ("proofs", "max_section_cost", json!("1")),
            ("proofs", "max_section_bytes", json!("300000")),
            ("proofs", "max_proof_bytes", json!("200000")),
            ("slashing", "signed_blocks_window", json!("100000")),
        ] {
            let field = &mut genesis["app_state"][module]["params"][name];
            assert!(!field.is_null(), "{module}.{name}");
            *field = value;
        }
        fs::write(path, genesis.to_string()).unwrap();
    }
    net.run(&["up"]);
    // The same home and the same keys, another program.
    net.run(&["kill", "3"]);
    let zektrad = Path::new(env!("CARGO_BIN_EXE_zektrad"));
    net.run_with(&beside(zektrad, "examples/zektrad-dishonest").unwrap(), &["start", "3"]);
    net.wait(DISHONEST, net.height(0));
}

/// A proof that was kept back, with its sender.
fn signed(net: &Devnet, bytes: Vec<u8>) -> Signed {
    let any = TxBody::decode(&TxRaw::decode(&bytes[..]).unwrap().body_bytes[..]).unwrap().messages[0].clone();
    let text = match any.type_url.as_str() {
        "/zektra.vault.v1.MsgSealDataset" => MsgSealDataset::decode(&any.value[..]).unwrap().owner,
        "/zektra.training.v1.MsgSubmitPart" => MsgSubmitPart::decode(&any.value[..]).unwrap().node,
        other => panic!("{other}"),
    };
    let who = PEOPLE.into_iter().find(|name| address(name) == text).unwrap();
    Signed::new(bytes, account(net, who).0, CHAIN)
}

/// An account with its sequence.
fn account(net: &Devnet, who: &str) -> (Signer, u64) {
    let found = net.ask(&format!("/cosmos/auth/v1beta1/account_info/{}", address(who)))["info"].take();
    let number = |name: &str| found[name].as_str().unwrap().parse().unwrap();
    let index = PEOPLE.iter().position(|p| *p == who).unwrap();
    (Signer { secret: dev::account(index as u32).secret, number: number("account_number") }, number("sequence"))
}

/// The network and what its parties do on it.
struct World {
    net: Devnet,
    tap: Tap,
    /// Its commands send through the tap.
    drive: Drive,
}

impl World {
    fn new() -> Self {
        let net = Devnet::new();
        patient(&net);
        let tap = Tap::before(&net.at(0).rpc).unwrap();
        let zektra = beside(Path::new(env!("CARGO_BIN_EXE_zektrad")), "zektra").unwrap();
        let drive = Drive::new(zektra, net.folder.path(), &tap.address);
        Self { net, tap, drive }
    }

    /// Runs a command to its end: what it prints.
    #[track_caller]
    fn run(&self, arguments: &[&str]) -> Value {
        self.drive.ask(arguments).unwrap_or_else(|e| panic!("{e:#}\n{}", self.net.logs()))
    }

    /// The next proof that a command wants to send.
    #[track_caller]
    fn kept(&self, running: &mut Running) -> Signed {
        signed(&self.net, self.tap.next(running).unwrap())
    }

    /// Lets the dishonest validator propose a block of just these until all others have said why not.
    #[track_caller]
    fn refused(&self, what: &str, txs: &[&[u8]], why: &str) {
        let net = &self.net;
        let log = |node: u16| fs::read_to_string(net.home(node).join("zektrad.log")).unwrap();
        let seen: Vec<usize> = (0..DISHONEST).map(|node| log(node).len()).collect();
        let from = net.height(0);
        let orders = net.home(DISHONEST).join("orders");
        fs::create_dir_all(&orders).unwrap();
        let (written, order) = (net.folder.path().join("order"), orders.join("order"));
        let txs: Vec<_> = txs.iter().map(|tx| tx.to_vec().into()).collect();
        fs::write(&written, ResponsePrepareProposal { txs: txs.clone() }.encode_to_vec()).unwrap();
        fs::rename(written, &order).unwrap();
        for node in 0..DISHONEST {
            net.until(&format!("{what}: node {node} says {why:?}"), || {
                let new = log(node)[seen[usize::from(node)]..].to_string();
                let refusals = new.lines().filter(|line| line.contains("a proposal is refused"));
                let refusals: Vec<_> = refusals.collect();
                let other = refusals.iter().find(|line| !line.contains(why));
                assert_eq!(other, None, "{what}: expected {why:?}");
                (!refusals.is_empty()).then_some(())
            });
        }
        fs::remove_file(order).unwrap();
        // Blocks go on, and none of them has taken it.
        net.wait(0, net.height(0) + 2);
        for height in from + 1..=net.height(0) {
            let held = net.call("block", json!({"height": height.to_string()}))["block"]["data"]["txs"].take();
            let held: Vec<&str> = held.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            assert!(txs.iter().all(|tx| !held.contains(&&STANDARD.encode(tx)[..])), "{what}: stands in block {height}");
        }
    }

    /// The mempool's word on a transaction: its error's codespace and number.
    #[track_caller]
    fn unwanted(&self, what: &str, tx: &[u8], codespace: &str, code: u32) {
        let said = self.tap.send(tx).unwrap();
        assert_eq!((&said["codespace"], &said["code"]), (&codespace.into(), &code.into()), "{what}: {said}");
    }

    /// Lets a proof go its way.
    #[track_caller]
    fn release(&self, tx: &Signed) {
        let said = self.tap.send(&tx.bytes).unwrap();
        assert_eq!(said["code"], 0, "{said}");
    }
}

/// Two owners' rows, sealed: one proof a block, each once.
fn publish(world: &World) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let table = fs::read_to_string(root.join("data/breast_cancer.csv")).unwrap();
    let schema = root.join("data/breast_cancer.schema.toml");
    let mut lines = table.lines();
    let header = lines.next().unwrap();
    job::begin(&world.drive).unwrap();
    let mut running = vec![];
    for name in OWNERS {
        let rows: Vec<_> = lines.by_ref().take(ROWS).collect();
        let csv = world.net.folder.path().join(format!("{name}.csv"));
        fs::write(&csv, format!("{header}\n{}\n", rows.join("\n"))).unwrap();
        job::encrypt(&world.drive, name, &csv, &schema).unwrap();
        let mut publishing = job::publish(&world.drive, name).unwrap();
        let seal = world.kept(&mut publishing);
        running.push((publishing, seal));
    }
    let [alices, bobs] = [running[0].1.clone(), running[1].1.clone()];
    attack_seals(world, &alices, &bobs);
    world.release(&alices);
    world.release(&bobs);
    running.into_iter().map(|(publishing, _)| publishing.end().unwrap()["dataset"].to_string()).collect()
}

fn attack_seals(world: &World, alices: &Signed, bobs: &Signed) {
    let forged = alices.later::<MsgSealDataset>(0, |m| flip(&mut m.proof)).unwrap();
    let anothers =
        alices.later::<MsgSealDataset>(0, |m| m.proof = bobs.message::<MsgSealDataset>().unwrap().proof).unwrap();
    let again = alices.later::<MsgSealDataset>(1, |_| {}).unwrap();
    let refusals: [(&str, &[&[u8]], &str); 6] = [
        ("a forged proof", &[&forged], "the proof does not show"),
        ("the proof of other rows", &[&anothers], "the proof does not show"),
        ("a proof twice", &[&alices.bytes, &alices.bytes], "transaction 1"),
        ("a proof twice, signed again", &[&alices.bytes, &again], "transaction 1"),
        ("true proofs beyond the cost", &[&alices.bytes, &bobs.bytes], "transaction 1: its proofs are more than"),
        ("proofs beyond the bytes", &[&alices.bytes, &bobs.bytes, &again], "its proofs take"),
    ];
    for (what, txs, why) in refusals {
        world.refused(what, txs, why);
    }
    world.unwanted("a forged proof", &forged, "proofs", 7);
}

fn flip(proof: &mut prost::bytes::Bytes) {
    let mut bytes = proof.to_vec();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    *proof = bytes.into();
}

/// What it is, the transaction, why it is refused in a block, the mempool's codespace and code.
type Refusal<'a> = (&'a str, &'a [u8], &'a str, Option<(&'a str, u32)>);

/// The first part of the proof, before and after it stands in a block.
fn attack_parts(world: &World, node: &'static str, other: &str, part: &Signed) {
    let message = part.message::<MsgSubmitPart>().unwrap();
    assert_eq!((message.job, message.iteration), (1, 1));
    let forged = part.later::<MsgSubmitPart>(0, |m| flip(&mut m.proof)).unwrap();
    let further = part.later::<MsgSubmitPart>(0, |m| m.iteration = 2).unwrap();
    let beyond = part.later::<MsgSubmitPart>(0, |m| m.iteration = u64::from(SHAPE.iterations) + 1).unwrap();
    let job = part.later::<MsgSubmitPart>(0, |m| m.job = 2).unwrap();
    let taken = MsgSubmitPart { node: address(other), ..message.clone() };
    let (thief, sequence) = account(&world.net, other);
    let taken = part.with(&taken, thief, sequence).unwrap();
    let unsigned = {
        let mut raw = TxRaw::decode(&part.bytes[..]).unwrap();
        let mut signature = raw.signatures[0].to_vec();
        signature[0] ^= 1;
        raw.signatures[0] = signature.into();
        raw.encode_to_vec()
    };
    let refusals: [Refusal<'_>; 6] = [
        ("a forged proof", &forged, "the proof does not show", Some(("proofs", 7))),
        ("more than it shows", &further, "not the offline shares that were made", Some(("training", 18))),
        ("more than the job has", &beyond, "the proof shows more iterations", None),
        ("the proof of another job", &job, "the job's status does not allow it", None),
        ("another node's proof", &taken, "the job is assigned to another node", None),
        ("nobody's proof", &unsigned, "signature verification failed", Some(("sdk", 4))),
    ];
    for (what, tx, why, code) in refusals {
        world.refused(what, &[tx], why);
        if let Some((codespace, code)) = code {
            world.unwanted(what, tx, codespace, code);
        }
    }
    world.refused("a part twice", &[&part.bytes, &part.later::<MsgSubmitPart>(1, |_| {}).unwrap()], "transaction 1");
    world.release(part);
    world.net.until("the first part in a block", || {
        let parts = world.net.ask("/zektra/training/v1/jobs/1/parts")["parts"].take();
        (parts[0]["iteration"] == "1").then_some(())
    });
    let (_, sequence) = account(&world.net, node);
    let replayed = part.with(&message, part.signer, sequence).unwrap();
    world.refused("a part of before", &[&part.bytes], "transaction 0: ");
    world.refused("a part of before, signed again", &[&replayed], "the proof shows nothing new");
}

#[test]
fn and_a_job_is_proven_paid_and_audited_on_four_validators() {
    let world = World::new();
    let datasets = publish(&world);
    job::offer(&world.drive, &datasets).unwrap();
    // The second is there to be proven by the first one's proofs.
    for number in 1..=2 {
        assert_eq!(job::order(&world.drive, &datasets, SHAPE).unwrap(), number);
    }
    let net = &world.net;
    let node = job::drawn(&world.drive, 1).unwrap();
    let other = NODES.into_iter().find(|name| *name != node).unwrap();
    let mut running = job::run(&world.drive, 1, node, SHAPE).unwrap();
    let part = world.kept(&mut running);
    attack_parts(&world, node, other, &part);
    let last = world.kept(&mut running);
    assert_eq!(last.message::<MsgSubmitPart>().unwrap().iteration, u64::from(SHAPE.iterations));
    world.release(&last);
    running.end().unwrap();
    job::settled(&world.drive, 1).unwrap();

    // Paid to the unit.
    let payouts = world.run(&["query", "market", "payouts", "1"])["payouts"].take();
    let amount = |v: &Value| v.as_str().unwrap().parse::<u128>().unwrap();
    let paid: u128 = payouts.as_array().unwrap().iter().map(|p| amount(&p["amount"])).sum();
    let escrow = world.run(&["query", "market", "escrow", "1"])["escrow"].take();
    let put = amount(&escrow["data"]) + amount(&escrow["compute"]);
    assert!(put > 0 && paid == put, "{payouts} of {escrow}");
    assert_eq!((&escrow["held"], &escrow["closed"]), (&"0".into(), &true.into()), "{escrow}");
    let model = ["decrypt-model", "--home", "developer", "--job-id", "1", "--out", "model.json"];
    world.run(&model);
    // By another validator's word, and against a header of its own.
    let audit = ["audit", "1", "--node", &net.at(1).rpc];
    assert_eq!(world.run(&audit)["job"], 1);

    let last = (0..4).map(|node| net.height(node)).max().unwrap();
    (0..4).for_each(|node| net.wait(node, last));
    let header = net.header(0, last);
    (1..4).for_each(|node| assert_eq!(net.header(node, last), header, "block {last} of node {node}"));
    net.run(&["down"]);
    for node in 0..4 {
        let done = zektrad().args(["doctor", "--home"]).arg(net.home(node)).output().unwrap();
        let said = String::from_utf8(done.stdout).unwrap();
        assert!(said.contains("ok     invariants: all invariants hold"), "node {node}: {said}");
    }
}
