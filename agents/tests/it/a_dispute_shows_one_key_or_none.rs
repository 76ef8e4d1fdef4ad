//! `zektra job dispute` against a chain that begins with delivered jobs, and release keys in a developer's folder.

use super::a_wallet_moves_coins_on_a_chain::{ALICE, CHAIN, Chain, WORDS, Wallet};
use super::parties::{JobText, Parties, ZEKTRA, breast_cancer};
use base64::Engine as _;
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use zektra_agents::local::{Traffic, train};
use zektra_agents::model::decrypt;
use zektra_agents::onchain::dispute::wrong;
use zektra_agents::vault::Home;
use zektra_he::release::{Released, commit_share, seal};
use zektra_he::seat::SeatSecret;
use zektra_proto::training::v1 as pb;
use zektra_records::job_to_pb;
use zektra_statement::digest::{Commitment, Fingerprint};
use zektra_statement::field::{F, Field};
use zektra_statement::record::{Dataset, Job, JobDataset, Seat};
use zektra_statement::template::{Kind, Params, Template};

const LOCK: Fingerprint = Fingerprint([5; 32]);

fn dataset(owner: &Seat, k: u8) -> Dataset {
    Dataset {
        id: Fingerprint([k; 32]),
        owner_key: owner.key,
        attempt: 0,
        schema: Fingerprint([9; 32]),
        rows: 128,
        groups: 1,
        columns: 32,
        blocks: 1,
        classes: 1,
        scale_x: 8,
        scale_r: 8,
        row_norm: 832,
        range: 256,
        root: Commitment([k.into(); 4]),
        content_root: Fingerprint([k; 32]),
    }
}

fn owners() -> [Seat; 2] {
    [1, 2].map(|k| SeatSecret::from_seed("owner", 0, [k; 32].into()).public())
}

/// The record of a job of two owners and a developer with this release key.
fn record(number: u64, owners: [Seat; 2], developer: &Home, release_key: [u8; 32]) -> Job {
    let params = Params {
        features: 32,
        classes: 1,
        groups: 1,
        full_batch: false,
        iterations: 2,
        fan_in: 1,
        scale_x: 8,
        scale_w: 14,
        scale_r: 8,
        shift_w: 10,
        row_norm: 832,
        range: 256,
    };
    let datasets = (0u32..).zip(&owners).map(|(owner, s)| JobDataset { dataset: dataset(s, owner as u8 + 1), owner });
    Job {
        chain_id: CHAIN.into(),
        id: number,
        attempt: 0,
        max_attempts: 1,
        template: Template { kind: Kind::LinearClassifier, params },
        datasets: datasets.collect(),
        seats: owners.into_iter().chain([Seat { release_key, ..developer.public().unwrap() }]).collect(),
        developer: 2,
        beacon: [1; 32],
        trusted_inputs: false,
        circuits: None,
    }
}

/// A delivered job of which these seats have sealed another share than was proven.
fn delivered(record: &Job, members: [&str; 3], wrong: &[u32]) -> pb::ChainJob {
    let share = |seat: u32| {
        let element = |k: u64| F::from_canonical_u64(record.id << 32 | u64::from(seat) << 16 | k);
        ((0..32).map(element).collect::<Vec<F>>(), [40, 41, 42, 43].map(element))
    };
    let bytes = |c: Commitment| c.to_bytes().to_vec().into();
    let none = || bytes(Commitment([1; 4]));
    let table = record.template.compile().unwrap();
    let entry = |_| pb::StateEntry {
        c0: none(),
        a: none(),
        opened: none(),
        shares: (0..3).map(|seat| bytes(commit_share(&share(seat).0, &share(seat).1))).collect(),
    };
    let sealed = |seat: u32| {
        let (mut entries, salt) = share(seat);
        entries[0] += F::from_bool(wrong.contains(&seat));
        let released = Released { states: vec![(entries, salt)] };
        let sealed = seal(&released, &record.seats[2].release_key, &LOCK, seat).unwrap();
        pb::Sealed { encapsulated: sealed.encapped.into(), ciphertext: sealed.ciphertext.into() }
    };
    let member = |(seat, address): (u32, &str)| pb::Member {
        address: address.into(),
        joined: 1,
        release: (seat != 2).then(|| sealed(seat)),
        released: (seat != 2).into(),
        ..pb::Member::default()
    };
    pb::ChainJob {
        number: record.id,
        status: pb::JobStatus::Delivered.into(),
        developer: members[2].into(),
        record: Some(job_to_pb(record)),
        members: (0..3).zip(members).map(member).collect(),
        lock: LOCK.0.to_vec().into(),
        states: Some(pb::StateList { groups: vec![0], entries: table.states.iter().map(entry).collect() }),
        ordered: 1,
        locked: 1,
        due: 1_000_000,
        deadline: 1_000_000,
        ..pb::ChainJob::default()
    }
}

/// Makes a chain's home that begins with these jobs.
fn begin(home: &Path, jobs: &[pb::ChainJob]) {
    let zektrad = Path::new(ZEKTRA).with_file_name("zektrad");
    assert!(Command::new(zektrad).args(["init", "--home"]).arg(home).output().unwrap().status.success());
    let path = home.join("config/genesis.json");
    let mut genesis: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let state = &mut genesis["app_state"];
    state["training"]["jobs"] = jobs.iter().map(|job| zektra_proto::json::write(job).unwrap()).collect();
    state["training"]["next_job"] = "100".into();
    let escrow = |job: &pb::ChainJob| {
        json!({"job": job.number.to_string(), "payer": job.developer, "data": "0", "compute": "0", "credits": "0",
            "data_used": "0", "compute_used": "0", "paid": "0", "refunded": "0", "burned": "0", "held": "0",
            "payouts": "0", "closed": false})
    };
    state["market"]["escrows"] = jobs.iter().map(escrow).collect();
    std::fs::write(&path, genesis.to_string()).unwrap();
}

#[test]
fn of_the_job_whose_release_does_not_open() {
    let folder = tempfile::tempdir().unwrap();
    let (chain, developer) = (folder.path().join("chain"), folder.path().join("developer"));
    let home = Home::create(&developer, "developer").unwrap();
    let keyring = folder.path().join("wallet");
    let wallet = Wallet { home: &keyring, node: "", backend: "test" };
    assert_eq!(wallet.run(&["keys", "add", "alice", "--recover"], &format!("{WORDS}\n")).0, 0);
    let [bob, carol] = ["bob", "carol"].map(|name| wallet.json(&["keys", "add", name])["address"].clone());
    let members = [bob.as_str().unwrap(), carol.as_str().unwrap(), ALICE];

    let keys: Vec<[u8; 32]> = (0..5).map(|_| home.new_release_key().unwrap()).collect();
    let of = |number: u64, owners| record(number, owners, &home, keys[number as usize - 1]);
    let job = |number: u64, wrong: &[u32]| delivered(&of(number, owners()), members, wrong);
    let mut foreign = job(4, &[0]);
    foreign.developer = members[1].into();
    let owners = ["first", "second"].map(|name| Home::create(&folder.path().join(name), name).unwrap());
    let run = pb::ChainJob {
        node: members[1].into(),
        node_fingerprint: vec![1; 32].into(),
        ..delivered(&of(5, owners.each_ref().map(|home| home.public().unwrap())), members, &[1])
    };
    let jobs = [job(1, &[1]), job(2, &[]), job(3, &[0, 1]), foreign, run];
    begin(&chain, &jobs);
    let chain = Chain::start(&chain);
    let wallet = Wallet { home: &keyring, node: &chain.rpc, backend: "test" };
    let party = format!("{}:alice", developer.display());
    let paid = ["--chain-id", CHAIN, "--gas-prices", "0.025uzektra"];
    let dispute = |job: &str, more: &[&str]| {
        wallet.run(&[&["job", "dispute", job, "--developer", &party, "--json"], more, &paid[..]].concat(), "")
    };
    let refused = |job: &str, more: &[&str], code: i32, says: &str| {
        let (found, out, err) = dispute(job, more);
        assert_eq!((found, err.contains(says)), (code, true), "{out}{err}");
    };
    let facts = |ran: (i32, String, String)| -> Value {
        assert_eq!(ran.0, 0, "{}", ran.2);
        serde_json::from_str(&ran.1).unwrap()
    };

    // Nothing is sent, so nothing is paid for.
    let fortune = wallet.balance(ALICE);
    refused("1", &["--seat", "0"], 3, "seat 0 has released what was proven: there is nothing to dispute");
    refused("1", &["--seat", "1", "--seat", "0"], 3, "seat 0 has released what was proven");
    refused("1", &["--seat", "2"], 3, "seat 2 is the developer's own");
    refused("1", &["--seat", "3"], 3, "seat 3 is not there");
    refused("4", &[], 3, "job 4 was ordered by");
    refused("9", &[], 1, "job 9");
    assert_eq!(facts(dispute("2", &[])), json!({"job": 2, "disputed": []}));
    let (_, text, _) = wallet.run(&[&["job", "dispute", "2", "--developer", &party], &paid[..]].concat(), "");
    assert_eq!(text, "all releases of job 2 open: nothing was sent, and no key was shown\n");
    let file = developer.join("release-keys").join(format!("{}.zkrel", hex::encode(keys[2])));
    let kept = std::fs::read(&file).unwrap();
    std::fs::remove_file(&file).unwrap();
    refused("3", &[], 2, "the secret of the release key");
    std::fs::write(&file, &kept[..39]).unwrap();
    refused("3", &[], 2, "is not the secret that its name says");
    std::fs::write(&file, &kept).unwrap();
    assert_eq!(wallet.balance(ALICE), fortune);

    // What does not open is found and disputed, the seats of one job together.
    let reason = |seat| format!("the release of member {seat} does not open its recorded commitment of state 0");
    let of = |seat: u32| json!({"seat": seat, "reason": reason(seat)});
    assert_eq!(facts(dispute("1", &[])), json!({"job": 1, "disputed": [of(1)]}));
    assert_eq!(facts(dispute("3", &[])), json!({"job": 3, "disputed": [of(0), of(1)]}));
    assert!(wallet.balance(ALICE) < fortune);
    for (job, seats) in [("1", "1"), ("3", "0, 1")] {
        let shown = wallet.json(&["job", "show", job, "--json"]);
        assert_eq!(shown["status"], "JOB_STATUS_FAILED");
        assert_eq!(shown["reason"], format!("disputed: what seat {seats} released does not open"));
        refused(job, &[], 3, &format!("job {job} is JOB_STATUS_FAILED: releases are disputed while it is delivered"));
    }
    let found = wallet.json(&["query", "txs", "--query", "training_dispute.job='3'"]);
    let message = &found["txs"][0]["tx"]["body"]["messages"][0];
    let secret = base64::engine::general_purpose::STANDARD.encode(&kept[8..]);
    assert_eq!((&message["seats"], &message["release_secret"]), (&json!([0, 1]), &secret.into()));

    // Whoever runs a job as its developer disputes without being told to, whatever stops the run itself.
    let names = ["first:bob", "second:carol", "developer:alice"].map(|n| folder.path().join(n).display().to_string());
    let node = format!("{}:carol", folder.path().join("node").display());
    let run =
        ["job", "run", "5", "--node-party", &node, "--member", &names[0], "--member", &names[1], "--member", &names[2]];
    let (code, out, err) = wallet.run(&[&run[..], &paid[..]].concat(), "");
    assert!(
        code == 3 && err.contains("job 5 was disputed and has failed: the release of member 1"),
        "{code:?} {out}{err}"
    );
    assert_eq!(wallet.json(&["job", "show", "5", "--json"])["status"], "JOB_STATUS_FAILED");

    // By hand, of what opens: the chain refuses it, and the key is shown for nothing.
    let file = developer.join("release-keys").join(format!("{}.zkrel", hex::encode(keys[1])));
    let secret = base64::engine::general_purpose::STANDARD.encode(&std::fs::read(file).unwrap()[8..]);
    let by_hand = ["tx", "training", "dispute", "2", &secret, "0", "1", "--from", "alice", "--gas", "auto", "--yes"];
    let (code, _, err) = wallet.run(&[&by_hand[..], &paid[..]].concat(), "");
    assert!(code == 3 && err.contains("seat 0 of job 2: the release opens its commitment"), "{err}");
    assert_eq!(wallet.json(&["job", "show", "2", "--json"])["status"], "JOB_STATUS_DELIVERED");
}

#[test]
fn whose_secret_its_developer_keeps() {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::create(&folder.path().join("developer"), "developer").unwrap();
    let seat = home.seat().unwrap();
    let keys = [(); 2].map(|()| home.new_release_key().unwrap());
    assert!(keys[0] != keys[1] && !keys.contains(&seat.public().release_key));
    for key in keys.iter().chain([&seat.public().release_key]) {
        assert_eq!(home.release_secret(&seat, key).unwrap().public(), *key);
    }
    let keeps = home.path().join("release-keys");
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&keeps), 0o700);
    let files: Vec<_> = std::fs::read_dir(&keeps).unwrap().map(|e| e.unwrap().path()).collect();
    assert_eq!((files.len(), files.iter().all(|f| mode(f) == 0o600)), (2, true));
    // One key's secret under another's name.
    let [first, second] = keys.map(|key| keeps.join(format!("{}.zkrel", hex::encode(key))));
    std::fs::copy(&first, &second).unwrap();
    let error = home.release_secret(&seat, &keys[1]).unwrap_err().to_string();
    assert!(error.ends_with("is not the secret that its name says"), "{error}");
    // As the chain keeps it: what opens is not wrong, whatever another's lock would say.
    let found = delivered(&record(7, owners(), &home, keys[0]), ["a", "b", "c"], &[0]);
    let secret = home.release_secret(&seat, &keys[0]).unwrap();
    assert_eq!(wrong(&found, &secret).unwrap().iter().map(|w| w.seat).collect::<Vec<_>>(), [0]);
    let elsewhere = pb::ChainJob { lock: vec![6; 32].into(), ..found };
    assert_eq!(wrong(&elsewhere, &secret).unwrap().len(), 2);
}

/// A job's model is sealed to a key of its own, and decrypted with what the developer kept.
#[test]
fn and_which_opens_that_jobs_model() {
    let parties = Parties::new();
    for name in ["alice", "bob", "developer"] {
        parties.done(&["seat", "new", "--home", name, "--name", name]);
    }
    parties.write("alice.csv", breast_cancer(0..140));
    parties.write("bob.csv", breast_cancer(140..260));
    parties.schema("alice.csv", "benign");
    parties.encrypt(&["alice", "bob"]);
    parties.job(&JobText::of(&["alice", "bob"], 2));
    let mut plan = parties.plan();
    let home = Home::open(&parties.path("developer")).unwrap();
    let developer = plan.job.developer as usize;
    let key = home.new_release_key().unwrap();
    plan.job.seats[developer].release_key = key;

    // Without the secret the developer's member does not begin.
    let file = parties.path(&format!("developer/release-keys/{}.zkrel", hex::encode(key)));
    let kept = std::fs::read(&file).unwrap();
    std::fs::remove_file(&file).unwrap();
    let traffic = Traffic::new(plan.homes.len(), false);
    let error = format!("{:#}", train(&plan, &traffic, &mut |_, _, _| {}).unwrap_err());
    assert!(error.contains("the secret of the release key") && error.contains("is missing"), "{error}");
    std::fs::write(&file, &kept).unwrap();

    let outcome = train(&plan, &traffic, &mut |_, _, _| {}).unwrap().outcome;
    assert!(outcome.releases.iter().all(|release| release.member as usize != developer));
    let model = decrypt(&home, 1, 0).unwrap();
    let other = parties.copy();
    std::fs::remove_dir_all(parties.path("developer/release-keys")).unwrap();
    parties
        .run(&["decrypt-model", "--home", "developer", "--job-id", "1", "--out", "model.json"])
        .failed(2, &["the secret of the release key", &hex::encode(key), "is missing"]);
    other.done(&["decrypt-model", "--home", "developer", "--job-id", "1", "--out", "model.json"]);
    assert_eq!(zektra_agents::model::Model::load(&other.path("model.json")).unwrap(), model);
}
