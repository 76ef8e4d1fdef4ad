//! From a table to a model by the commands that a user types: the weights are those of the same schedule on
//! exact integers, up to the bound that the job's record states.

use crate::parties::{JobText, Parties, breast_cancer, table};
use serde_json::Value;

/// What the commands say of a finished job.
struct Outcome {
    /// The score of the decrypted model on `test.csv`.
    score: f64,
    by_integers: f64,
    by_floats: f64,
    /// Distance of each weight vector to that of the integers.
    distances: Vec<f64>,
}

fn last(list: &Value) -> &Value {
    list.as_array().unwrap().last().unwrap()
}

fn vectors(list: &Value) -> Vec<Vec<f64>> {
    serde_json::from_value(list.clone()).unwrap()
}

/// Trains `job.toml`, decrypts, predicts and computes the reference on the owners' tables.
fn outcome(parties: &Parties, developer: &str, tables: &[&str]) -> Outcome {
    parties.done(&["train", "--job", "job.toml"]);
    let out = format!("{developer}/model.json");
    parties.done(&["decrypt-model", "--home", developer, "--job-id", "1", "--out", &out]);
    let scored = parties.done(&["predict", "test.csv", "--model", &out, "--score"]);
    let mut arguments = vec!["reference", "--job", "job.toml", "--test", "test.csv", "--tables"];
    arguments.extend(tables);
    let reference = parties.done(&arguments);
    let model: Value = serde_json::from_slice(&parties.read(&out)).unwrap();
    let (trained, integers) = (vectors(&model["weights"]), vectors(&reference["weights_by_integers"]));
    assert_eq!(trained.len(), integers.len());
    let distance = |(a, b): (&Vec<f64>, &Vec<f64>)| {
        assert_eq!(a.len(), b.len());
        a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt()
    };
    Outcome {
        score: scored.as_object().unwrap().values().next().unwrap().as_f64().unwrap(),
        by_integers: last(&reference["score_by_integers"]).as_f64().unwrap(),
        by_floats: last(&reference["score_by_floats"]).as_f64().unwrap(),
        distances: trained.iter().zip(&integers).map(distance).collect(),
    }
}

impl Outcome {
    /// Within `rows` rows of the integers' accuracy, and within the record's bound of their weights.
    #[track_caller]
    fn agrees(&self, parties: &Parties, rows: usize, test_rows: usize) {
        let bound = parties.plan().profile.payload.weight_error;
        assert!(bound.is_finite());
        for d in &self.distances {
            assert!(d <= &bound, "weights are {d} from the integers', the bound is {bound}");
        }
        let off = (self.score - self.by_integers).abs() * test_rows as f64;
        assert!(off <= rows as f64 + 1e-9, "{} by ciphertexts, {} by integers", self.score, self.by_integers);
    }
}

/// Two classes by a plane through the first columns.
fn half_space(row: &[f64]) -> String {
    let side = row[0] + 0.7 * row[1] - 0.5 * row[2] > 0.0;
    String::from(if side { "yes" } else { "no" })
}

#[test]
fn two_owners_of_the_breast_cancer_table_train_one_model() {
    let parties = Parties::new();
    parties.seats(&["alice", "bob", "developer"]);
    parties.write("alice.csv", breast_cancer(0..200));
    parties.write("bob.csv", breast_cancer(200..400));
    parties.write("test.csv", breast_cancer(400..569));
    parties.schema("alice.csv", "benign");
    parties.encrypt(&["alice", "bob"]);
    parties.job(&JobText::of(&["alice", "bob"], 12));
    let outcome = outcome(&parties, "developer", &["alice.csv", "bob.csv"]);
    outcome.agrees(&parties, 1, 169);
    assert!(outcome.score > 0.93, "{}", outcome.score);
    assert!((outcome.score - outcome.by_floats).abs() * 169.0 <= 2.0);
}

#[test]
fn a_number_is_learnt_by_regression() {
    let parties = Parties::new();
    let answer = |row: &[f64]| format!("{:.4}", 50.0 + 20.0 * row[0] - 10.0 * row[1] + 5.0 * row[2]);
    parties.seats(&["alice", "bob", "developer"]);
    parties.write("alice.csv", table(1, 128, 6, answer));
    parties.write("bob.csv", table(2, 100, 6, answer));
    parties.write("test.csv", table(3, 60, 6, answer));
    // Bounds that hold for all three tables.
    parties.write("all.csv", table(1, 128, 6, answer) + "0,0,0,0,0,0,10\n0,0,0,0,0,0,90\n");
    parties.schema("all.csv", "y");
    parties.encrypt(&["alice", "bob"]);
    parties.job(&JobText { template: "linear-regression/1", ..JobText::of(&["alice", "bob"], 12) });
    let outcome = outcome(&parties, "developer", &["alice.csv", "bob.csv"]);
    let bound = parties.plan().profile.payload.weight_error;
    assert!(outcome.distances[0] <= bound, "{} of {bound}", outcome.distances[0]);
    assert!((outcome.score - outcome.by_integers).abs() < 1.0, "{} {}", outcome.score, outcome.by_integers);
    // The numbers' own standard deviation is 13.
    assert!(outcome.score < 8.0, "{}", outcome.score);
}

#[test]
fn three_classes_are_one_against_the_rest() {
    let parties = Parties::new();
    let answer = |row: &[f64]| {
        let angle = row[1].atan2(row[0]);
        String::from(["one", "three", "two"][(angle * 3.0 / std::f64::consts::TAU + 1.5).floor() as usize % 3])
    };
    parties.seats(&["alice", "bob", "developer"]);
    parties.write("alice.csv", table(4, 128, 4, answer));
    parties.write("bob.csv", table(5, 128, 4, answer));
    parties.write("test.csv", table(6, 80, 4, answer));
    parties.schema("alice.csv", "y");
    parties.encrypt(&["alice", "bob"]);
    parties.job(&JobText::of(&["alice", "bob"], 8));
    let outcome = outcome(&parties, "developer", &["alice.csv", "bob.csv"]);
    assert_eq!(outcome.distances.len(), 3);
    outcome.agrees(&parties, 1, 80);
    assert!(outcome.score > 0.8, "{}", outcome.score);
}

#[test]
fn mini_batches_follow_the_beacon() {
    let parties = Parties::new();
    parties.seats(&["alice", "bob", "developer"]);
    parties.write("alice.csv", table(7, 3 * 128, 5, half_space));
    parties.write("bob.csv", table(8, 2 * 128 + 17, 5, half_space));
    parties.write("test.csv", table(9, 80, 5, half_space));
    parties.schema("alice.csv", "y");
    parties.encrypt(&["alice", "bob"]);
    parties.job(&JobText { more: "batch_rows = 256", ..JobText::of(&["alice", "bob"], 9) });
    assert_eq!(parties.plan().job.template.params.groups, 2);
    assert!(!parties.plan().job.template.params.full_batch);
    let outcome = outcome(&parties, "developer", &["alice.csv", "bob.csv"]);
    outcome.agrees(&parties, 1, 80);
    assert!(outcome.score > 0.85, "{}", outcome.score);
}

#[test]
fn the_cubic_link_is_for_members_who_trust_each_other() {
    let parties = Parties::new();
    parties.seats(&["alice", "bob", "developer"]);
    parties.write("alice.csv", table(10, 128, 5, half_space));
    parties.write("bob.csv", table(11, 128, 5, half_space));
    parties.write("test.csv", table(12, 80, 5, half_space));
    parties.schema("alice.csv", "y");
    parties.encrypt(&["alice", "bob"]);
    let cubic = JobText { template: "cubic-classifier/1", ..JobText::of(&["alice", "bob"], 6) };
    parties.job(&cubic);
    let refused = parties.run(&["train", "--job", "job.toml"]);
    refused.failed(3, &["template is cubic-classifier/1", "trusted_inputs = true"]);
    assert!(!parties.path("node").exists());
    parties.job(&JobText { more: "trusted_inputs = true", ..cubic });
    let outcome = outcome(&parties, "developer", &["alice.csv", "bob.csv"]);
    let off = (outcome.score - outcome.by_integers).abs() * 80.0;
    assert!(off <= 1.0 + 1e-9, "{} by ciphertexts, {} by integers", outcome.score, outcome.by_integers);
    assert!(outcome.distances[0] < 0.05, "{}", outcome.distances[0]);
    assert!(outcome.score > 0.85, "{}", outcome.score);
}

#[test]
fn a_wide_table_has_several_column_blocks() {
    let parties = Parties::new();
    parties.seats(&["alice", "bob", "developer"]);
    // Rows of 70 columns are short in each of them: the answer must be spread over all three blocks.
    let answer = |row: &[f64]| half_space(&[row[0] + row[31], row[1] + row[40], row[69] - row[32]]);
    parties.write("alice.csv", table(13, 140, 70, answer));
    parties.write("bob.csv", table(14, 128, 70, answer));
    parties.write("test.csv", table(15, 80, 70, answer));
    parties.schema("alice.csv", "y");
    parties.encrypt(&["alice", "bob"]);
    parties.job(&JobText::of(&["alice", "bob"], 8));
    assert_eq!(parties.plan().job.template.params.blocks(), 3);
    outcome(&parties, "developer", &["alice.csv", "bob.csv"]).agrees(&parties, 1, 80);
}

#[test]
fn one_owner_may_be_the_developer_too() {
    let parties = Parties::new();
    parties.done(&["seat", "new", "--home", "alice", "--name", "St. Alice's"]);
    parties.write("alice.csv", table(16, 128, 5, half_space));
    parties.write("test.csv", table(17, 80, 5, half_space));
    parties.schema("alice.csv", "y");
    parties.encrypt(&["alice"]);
    parties.job(&JobText { developer: "alice", ..JobText::of(&["alice"], 8) });
    assert_eq!(parties.plan().job.members(), 1);
    let outcome = outcome(&parties, "alice", &["alice.csv"]);
    // A new seat's noise is new in every run.
    outcome.agrees(&parties, 2, 80);
    assert!(outcome.score > 0.85, "{}", outcome.score);
}

#[test]
fn four_owners_and_several_datasets_of_one() {
    let parties = Parties::new();
    let owners = ["alice", "bob", "carol", "dave"];
    parties.seats(&owners);
    parties.seats(&["developer"]);
    for (seed, name) in (18..).zip(owners.iter().chain(&["second"])) {
        parties.write(&format!("{name}.csv"), table(seed, 60, 5, half_space));
    }
    parties.write("test.csv", table(30, 80, 5, half_space));
    parties.schema("alice.csv", "y");
    parties.encrypt(&owners);
    parties.encrypt_as("bob", "second");
    let mut job = JobText::of(&owners, 6);
    job.datasets.push(("bob", "second"));
    parties.job(&job);
    assert_eq!(parties.plan().job.members(), 5);
    let tables = ["alice.csv", "bob.csv", "carol.csv", "dave.csv", "second.csv"];
    outcome(&parties, "developer", &tables).agrees(&parties, 1, 80);
}
