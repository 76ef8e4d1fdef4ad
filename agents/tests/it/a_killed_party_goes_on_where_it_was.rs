//! A killed command loses nothing that it had said: it goes on, and what comes out is byte for byte what an
//! undisturbed run gives.

use crate::parties::{JobText, Parties, table};
use std::fs::{self, OpenOptions};
use zektra_agents::archive::Archive;
use zektra_agents::wire;
use zektra_proto::node::v1::envelope::Body;
use zektra_proto::training::v1::Outcome;

const TRAIN: [&str; 3] = ["train", "--job", "job.toml"];
const NODE: &str = "node/jobs/1-0";

fn label(row: &[f64]) -> String {
    String::from(if row[0] > row[1] { "1" } else { "0" })
}

/// Two owners with encrypted tables of a tile and of two, and a job of so many iterations.
fn prepared(iterations: u32) -> Parties {
    let parties = Parties::new();
    parties.seats(&["alice", "bob", "developer"]);
    parties.write("alice.csv", table(1, 100, 5, label));
    parties.write("bob.csv", table(2, 200, 5, label));
    parties.schema("alice.csv", "y");
    parties.encrypt(&["alice", "bob"]);
    parties.job(&JobText::of(&["alice", "bob"], iterations));
    parties
}

fn outcome(parties: &Parties) -> Outcome {
    match wire::decode_file(&parties.read("developer/jobs/1-0/outcome.zk")).unwrap() {
        Body::Outcome(outcome) => outcome,
        _ => panic!("not an outcome"),
    }
}

fn size(parties: &Parties, file: &str) -> u64 {
    fs::metadata(parties.path(file)).map_or(0, |m| m.len())
}

/// Kills the command once `file` has at least `bytes`; gives the folders as the killed command left them. Tries
/// again on fresh copies of `before` if the command was done first.
fn killed_when(before: &Parties, command: &[&str], file: &str, bytes: u64) -> Parties {
    for _ in 0..20 {
        let parties = before.copy();
        let mut child = parties.start(command);
        while size(&parties, file) < bytes && child.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        let ended = child.try_wait().unwrap().is_some();
        child.kill().unwrap();
        child.wait().unwrap();
        if !ended {
            return parties;
        }
    }
    panic!("the command is always done before it is killed");
}

fn rounds(parties: &Parties, folder: &str) -> u64 {
    let plan = parties.plan();
    Archive::open(&parties.path(folder), &plan.job).unwrap().replay(|_| Ok(())).unwrap()
}

/// Asserts that the job's outcome, and what every party recorded, is that of `undisturbed`.
#[track_caller]
fn same_job(parties: &Parties, undisturbed: &Parties) {
    let (a, b) = (outcome(parties), outcome(undisturbed));
    assert_eq!(a.transcript, b.transcript);
    assert_eq!(a.lock, b.lock);
    // U and the commitments of every member's share.
    assert_eq!(a.states, b.states);
    for party in ["node", "alice", "bob", "developer"] {
        for stream in ["rounds.bin", "offline-0.bin", "offline-1.bin", "offline-2.bin", "extension-0-1.bin"] {
            let file = format!("{party}/jobs/1-0/{stream}");
            assert!(parties.read(&file) == undisturbed.read(&file), "{file} differs");
        }
    }
}

#[test]
fn training_that_was_killed_goes_on() {
    let before = prepared(30);
    let undisturbed = before.copy();
    undisturbed.done(&TRAIN);
    let whole = undisturbed.read("node/jobs/1-0/rounds.bin");
    let all_rounds = rounds(&undisturbed, NODE);
    assert_eq!(all_rounds, 60);

    let file = format!("{NODE}/rounds.bin");
    let parties = killed_when(&before, &TRAIN, &file, whole.len() as u64 / 8);
    let left = rounds(&parties, NODE);
    assert!(left > 0 && left < all_rounds, "{left} of {all_rounds} rounds");
    let prefix = parties.read(&file);
    assert!(whole.starts_with(&prefix), "what was recorded before the kill is another run's");
    assert!(!parties.path("developer/jobs/1-0/outcome.zk").exists());
    parties.done(&TRAIN);
    same_job(&parties, &undisturbed);

    // Once more, later in the same job, and then a run after the end: it says the same again.
    let parties = killed_when(&before, &TRAIN, &file, whole.len() as u64 / 2);
    parties.done(&TRAIN);
    same_job(&parties, &undisturbed);
    parties.done(&TRAIN);
    same_job(&parties, &undisturbed);
    parties.done(&["decrypt-model", "--home", "developer", "--job-id", "1", "--out", "a.json"]);
    undisturbed.done(&["decrypt-model", "--home", "developer", "--job-id", "1", "--out", "a.json"]);
    assert_eq!(parties.read("a.json"), undisturbed.read("a.json"));
}

#[test]
fn collecting_and_offline_shares_that_were_killed_go_on() {
    let before = prepared(30);
    let undisturbed = before.copy();
    undisturbed.done(&TRAIN);
    for stream in ["extension-0-1.bin", "offline-0.bin", "offline-2.bin"] {
        let parties = killed_when(&before, &TRAIN, &format!("{NODE}/{stream}"), 1);
        assert_eq!(size(&parties, &format!("{NODE}/rounds.bin")), 0, "{stream} came after the rounds");
        parties.done(&TRAIN);
        same_job(&parties, &undisturbed);
    }
}

#[test]
fn torn_records_are_cut_off_and_made_again() {
    let undisturbed = prepared(5);
    undisturbed.done(&TRAIN);
    let cut = |parties: &Parties, file: &str, bytes: u64| {
        let file = OpenOptions::new().write(true).open(parties.path(file)).unwrap();
        let length = file.metadata().unwrap().len();
        file.set_len(length - bytes).unwrap();
    };
    // A member's last round is torn, or missing: the node tells it again.
    let round = undisturbed.read("node/jobs/1-0/rounds.bin").len() as u64 / 10;
    for (member, bytes) in [("alice", 1), ("bob", round / 2), ("developer", 3 * round)] {
        let parties = undisturbed.copy();
        cut(&parties, &format!("{member}/jobs/1-0/rounds.bin"), bytes);
        parties.done(&TRAIN);
        same_job(&parties, &undisturbed);
    }
    // More than one message of missed rounds, for members at different places.
    let parties = undisturbed.copy();
    for (member, missed) in [("alice", 9), ("bob", 3), ("developer", 5)] {
        cut(&parties, &format!("{member}/jobs/1-0/rounds.bin"), missed * round);
    }
    parties.done(&TRAIN);
    same_job(&parties, &undisturbed);
    // All of them and the node.
    let parties = undisturbed.copy();
    for party in ["node", "alice", "bob", "developer"] {
        cut(&parties, &format!("{party}/jobs/1-0/rounds.bin"), 1);
    }
    parties.done(&TRAIN);
    same_job(&parties, &undisturbed);
    // Polynomials of streams, torn in the middle.
    let parties = undisturbed.copy();
    for file in ["node/jobs/1-0/offline-1.bin", "alice/jobs/1-0/offline-0.bin", "bob/jobs/1-0/extension-0-1.bin"] {
        cut(&parties, file, 40_000);
    }
    parties.done(&TRAIN);
    same_job(&parties, &undisturbed);
    // A label log whose last record was torn.
    let parties = undisturbed.copy();
    cut(&parties, "alice/labels.zklog", 5);
    parties.done(&TRAIN);
    same_job(&parties, &undisturbed);
}

#[test]
fn a_node_that_lost_rounds_takes_them_from_a_member() {
    let undisturbed = prepared(5);
    undisturbed.done(&TRAIN);
    // The last one, and all: the folder is gone, as on another node's machine.
    let parties = undisturbed.copy();
    let rounds = OpenOptions::new().write(true).open(parties.path("node/jobs/1-0/rounds.bin")).unwrap();
    rounds.set_len(rounds.metadata().unwrap().len() - 1).unwrap();
    parties.done(&TRAIN);
    same_job(&parties, &undisturbed);
    fs::remove_dir_all(parties.path(NODE)).unwrap();
    parties.done(&TRAIN);
    same_job(&parties, &undisturbed);
}

#[test]
fn a_record_that_was_changed_is_not_used() {
    let parties = prepared(5);
    parties.done(&TRAIN);
    for party in ["node", "alice"] {
        let parties = parties.copy();
        let file = format!("{party}/jobs/1-0/rounds.bin");
        let mut bytes = parties.read(&file);
        bytes[1000] ^= 1;
        parties.write(&file, bytes);
        let ran = parties.run(&TRAIN);
        assert_ne!(ran.code, Some(0));
        assert!(ran.err.contains("was changed at round 0"), "{}", ran.err);
    }
    // Tiles that are not those of the record.
    let changed = parties.copy();
    let mut bytes = changed.read("alice/vault/alice/tiles.bin");
    bytes[40_000] ^= 1;
    changed.write("alice/vault/alice/tiles.bin", bytes);
    changed.run(&TRAIN).failed(3, &["the tiles of dataset 0 have the root", "the job's record says"]);
}

#[test]
fn encryption_that_was_killed_goes_on() {
    let before = Parties::new();
    before.seats(&["alice"]);
    before.write("alice.csv", table(3, 40_000, 31, label));
    before.schema("alice.csv", "y");
    let command = ["encrypt", "alice.csv", "--schema", "schema.toml", "--home", "alice", "--name", "alice"];
    let undisturbed = before.copy();
    let expected = undisturbed.done(&command);
    let parties = killed_when(&before, &command, "alice/vault/alice/tiles-0.partial", 100_000);
    assert!(!parties.path("alice/vault/alice/manifest.zk").exists());
    assert!(size(&parties, "alice/vault/alice/tiles-0.partial") < size(&undisturbed, "alice/vault/alice/tiles.bin"));
    let done = parties.done(&command);
    assert_eq!(done["dataset"], expected["dataset"]);
    assert!(parties.read("alice/vault/alice/tiles.bin") == undisturbed.read("alice/vault/alice/tiles.bin"));
    assert_eq!(parties.files("alice/vault"), ["alice/vault/alice/manifest.zk", "alice/vault/alice/tiles.bin"]);
}

#[test]
fn what_another_key_left_is_not_mixed_into_a_dataset() {
    let before = Parties::new();
    before.seats(&["alice"]);
    before.write("alice.csv", table(3, 40_000, 31, label));
    before.schema("alice.csv", "y");
    let command = ["encrypt", "alice.csv", "--schema", "schema.toml", "--home", "alice", "--name", "alice"];
    let mut elsewhere = command.to_vec();
    elsewhere.extend(["--chain-id", "elsewhere"]);
    let undisturbed = before.copy();
    let expected = undisturbed.done(&command);
    // Cut off on another chain, where every `a` is another.
    let parties = killed_when(&before, &elsewhere, "alice/vault/alice/tiles-0.partial", 1_000_000);
    assert_eq!(parties.done(&command)["dataset"], expected["dataset"]);
    assert!(parties.read("alice/vault/alice/tiles.bin") == undisturbed.read("alice/vault/alice/tiles.bin"));
    // Cut off, then the key was rotated: everything under the old one is gone.
    let parties = killed_when(&before, &command, "alice/vault/alice/tiles-0.partial", 1_000_000);
    parties.done(&["seat", "rotate", "--home", "alice"]);
    let after = parties.copy();
    std::fs::remove_dir_all(after.path("alice/vault")).unwrap();
    assert_eq!(parties.done(&command)["dataset"], after.done(&command)["dataset"]);
}
