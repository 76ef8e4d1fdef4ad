//! A decrypted model is a file that other programs can use: it keeps every bit of the weights, and the pipeline of
//! `scripts/zektra_sklearn.py` gives the answers of `zektra predict`.

use crate::parties::{JobText, Parties, Random, table};
use std::process::Command;
use zektra_agents::model::{Model, Prediction};

const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts");

/// Trains on `table.csv` and decrypts to `model.json`.
fn trained(template: &str, answer: impl Fn(&[f64]) -> String) -> Parties {
    let parties = Parties::new();
    parties.seats(&["alice"]);
    let text = table(1, 150, 5, answer);
    // Rows beyond all bounds, to be clipped and scaled; their answers are those of the first rows.
    let mut random = Random(2);
    let far: String = text.lines().skip(1).take(20).fold(String::new(), |mut out, line| {
        let answer = line.rsplit(',').next().unwrap();
        let cells: Vec<String> = (0..5).map(|_| format!("{}", random.unit() * 50.0)).collect();
        out.push_str(&format!("{},{answer}\n", cells.join(",")));
        out
    });
    parties.write("alice.csv", &text);
    parties.write("table.csv", text + &far);
    parties.schema("alice.csv", "y");
    parties.encrypt(&["alice"]);
    parties.job(&JobText { template, developer: "alice", ..JobText::of(&["alice"], 6) });
    parties.done(&["train", "--job", "job.toml"]);
    parties.done(&["decrypt-model", "--home", "alice", "--job-id", "1", "--out", "model.json"]);
    parties.done(&["predict", "table.csv", "--model", "model.json", "--out", "answers.csv"]);
    parties
}

fn two(row: &[f64]) -> String {
    String::from(if row[0] > row[1] { "over" } else { "below" })
}

fn three(row: &[f64]) -> String {
    format!("{}", if row[0] > 0.3 { 3 } else { 1 + u8::from(row[1] > 0.0) })
}

fn number(row: &[f64]) -> String {
    format!("{:.3}", 100.0 + 30.0 * row[0] + 8.0 * row[3])
}

/// Predicts with the pipeline, by names and by position, and prints answers and scores as JSON.
const PREDICT: &str = r#"
import csv, json, pickle, sys
import numpy as np
from zektra_sklearn import load

class Table:  # what a DataFrame is to the pipeline: columns by name, here in another order
    def __init__(self, names, rows):
        self.columns, self.rows = names[::-1], rows
        self.names = names
    def __getitem__(self, wanted):
        return self.rows[:, [self.names.index(n) for n in wanted]]

with open("table.csv", newline="") as file:
    lines = list(csv.reader(file))
names = lines[0][:-1]
rows = np.array([line[:-1] for line in lines[1:]], dtype=float)
pipeline = pickle.loads(pickle.dumps(load("model.json")))
answers = pipeline.predict(rows)
by_name = pipeline.predict(Table(names, rows))
# Numbers may differ in their last bit: another memory order sums in another order.
same = np.allclose(by_name, answers, rtol=1e-12) if answers.dtype.kind == "f" else (by_name == answers).all()
assert same
scores = pipeline.decision_function(rows) if hasattr(pipeline, "decision_function") else answers
for bad in (rows[:, 1:], np.full((1, rows.shape[1]), np.nan)):
    try:
        pipeline.predict(bad)
    except ValueError as error:
        assert "expected" in str(error), error
    else:
        raise AssertionError("a bad table was not refused")
print(json.dumps({"answers": [str(a) for a in answers], "scores": np.reshape(scores, (len(rows), -1)).tolist()}))
"#;

#[test]
fn scikit_learn_gives_the_same_answers() {
    let python = std::env::var("ZEKTRA_PYTHON").unwrap_or_else(|_| "python3".into());
    let found = Command::new(&python).args(["-c", "import sklearn"]).output();
    if !found.is_ok_and(|o| o.status.success()) {
        eprintln!("skipped: {python} has no scikit-learn (set ZEKTRA_PYTHON)");
        return;
    }
    let cases: [(&str, fn(&[f64]) -> String); 3] =
        [("linear-classifier/1", two), ("linear-classifier/1", three), ("linear-regression/1", number)];
    for (template, answer) in cases {
        let parties = trained(template, answer);
        let output = Command::new(&python)
            .args(["-c", PREDICT])
            .current_dir(parties.path(""))
            .env("PYTHONPATH", SCRIPTS)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let theirs: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let text = parties.read("answers.csv");
        let ours: Vec<csv::StringRecord> = csv::Reader::from_reader(&text[..]).records().map(Result::unwrap).collect();
        assert_eq!(ours.len(), 170);
        let mut distinct: Vec<&str> = ours.iter().map(|r| &r[0]).collect();
        distinct.sort_unstable();
        distinct.dedup();
        assert!(distinct.len() >= 2);
        for (i, record) in ours.iter().enumerate() {
            let scores = theirs["scores"][i].as_array().unwrap();
            let numbers = template == "linear-regression/1";
            let shown: Vec<&str> = record.iter().skip(usize::from(!numbers)).collect();
            assert_eq!(shown.len(), scores.len());
            for (shown, score) in shown.iter().zip(scores) {
                let off = shown.parse::<f64>().unwrap() - score.as_f64().unwrap();
                assert!(off.abs() < 1e-6, "row {i} of {template}: {shown} and {score}");
            }
            if !numbers {
                assert_eq!(theirs["answers"][i], record[0], "row {i} of {template}");
            }
        }
    }
}

#[test]
fn a_model_file_keeps_every_bit() {
    let cases: [(&str, fn(&[f64]) -> String); 2] = [("linear-classifier/1", three), ("linear-regression/1", number)];
    for (template, answer) in cases {
        let parties = trained(template, answer);
        let model = Model::load(&parties.path("model.json")).unwrap();
        assert_eq!(model.to_json().unwrap().into_bytes(), parties.read("model.json"));
        let mut other = model.clone();
        // Weights that decimal text must not round.
        other.weights[0][0] = 0.1 + 0.2;
        other.weights[0][1] = -f64::MIN_POSITIVE;
        parties.write("other.json", other.to_json().unwrap());
        assert_eq!(Model::load(&parties.path("other.json")).unwrap(), other);
        // The library and the command say the same.
        let text = parties.read("answers.csv");
        let mut ours = csv::Reader::from_reader(&text[..]).into_records();
        let rows = model
            .predict_table(&parties.read("table.csv")[..], |prediction| {
                let record = ours.next().unwrap()?;
                match prediction {
                    Prediction::Class(k, _) => assert_eq!(model.class_name(k), &record[0]),
                    Prediction::Number(v) => assert_eq!(format!("{v:.6}"), record[0]),
                }
                Ok(())
            })
            .unwrap();
        assert_eq!(rows, 170);
    }
}

#[test]
fn a_model_file_that_does_not_fit_is_refused() {
    let parties = trained("linear-classifier/1", two);
    let whole = String::from_utf8(parties.read("model.json")).unwrap();
    let model: serde_json::Value = serde_json::from_str(&whole).unwrap();
    type Change = fn(&mut serde_json::Value);
    let cases: [(Change, &str); 7] = [
        (|m| m["format"] = "zektra-linear-model/2".into(), "format is"),
        (|m| m["colour"] = 1.into(), "unknown field `colour`"),
        (|m| drop(m["weights"][0].as_array_mut().unwrap().pop()), "the weights do not fit the schema"),
        (|m| m["weights"] = serde_json::json!([]), "the weights do not fit the schema"),
        (|m| m["weights"][0][0] = serde_json::Value::Null, "cannot use the model"),
        (|m| m["schema"]["gain"] = (-1).into(), "schema field gain is -1"),
        (|m| m["schema"]["target"]["values"] = serde_json::json!(["over"]), "2 to 10 values"),
    ];
    for (change, reason) in cases {
        let mut changed = model.clone();
        change(&mut changed);
        parties.write("bad.json", changed.to_string());
        parties.run(&["predict", "table.csv", "--model", "bad.json"]).failed(2, &["bad.json", reason]);
    }
    parties.write("bad.json", &whole[..whole.len() / 2]);
    parties.run(&["predict", "table.csv", "--model", "bad.json"]).failed(2, &["cannot use the model bad.json", "EOF"]);
}
