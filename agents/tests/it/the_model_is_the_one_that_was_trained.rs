use crate::parties::{JobText, Parties, table};
use zektra_agents::wire;
use zektra_proto::node::v1::envelope::Body;

fn trained() -> Parties {
    let parties = Parties::new();
    parties.seats(&["alice", "developer"]);
    parties.write("alice.csv", table(1, 150, 3, |row| String::from(if row[0] > 0.0 { "1" } else { "0" })));
    parties.schema("alice.csv", "y");
    parties.encrypt(&["alice"]);
    parties.job(&JobText::of(&["alice"], 2));
    parties.done(&["train", "--job", "job.toml"]);
    parties
}

const OUTCOME: &str = "developer/jobs/1-0/outcome.zk";
const DECRYPT: [&str; 7] = ["decrypt-model", "--home", "developer", "--job-id", "1", "--out", "model.json"];

/// One bit of a released state would move a weight by any amount, and its commitments lie in the same file.
#[test]
fn a_changed_outcome_is_not_decrypted() {
    let parties = trained();
    let Body::Outcome(outcome) = wire::decode_file(&parties.read(OUTCOME)).unwrap() else { panic!("an outcome") };
    let mut changed = outcome.clone();
    let mut opened = changed.states[0].opened.to_vec();
    opened[1] ^= 1;
    changed.states[0].opened = opened.into();
    let mut unsigned = outcome;
    unsigned.authenticator.clear();
    for false_one in [changed, unsigned] {
        parties.write("false.zk", wire::encode_file(Body::Outcome(false_one)));
        let ran =
            parties.run(&["decrypt-model", "--home", "developer", "--outcome", "false.zk", "--out", "model.json"]);
        ran.failed(3, &["false.zk", "changed since"]);
        assert!(!parties.path("model.json").exists());
    }
    parties.done(&DECRYPT);
}

#[test]
fn a_model_stays_readable_after_a_rotation() {
    let parties = trained();
    parties.done(&["seat", "rotate", "--home", "developer"]);
    parties.done(&DECRYPT);
}

#[test]
fn a_node_does_not_live_in_a_members_folder() {
    let parties = trained();
    let text = String::from_utf8(parties.read("job.toml")).unwrap();
    parties.write("job.toml", text.replace("node = \"node\"", "node = \"alice\""));
    parties.run(&["train", "--job", "job.toml"]).failed(2, &["node: alice", "a folder that is no member's"]);
}
