//! What a user gets wrong is named with its place, its value and what was expected; the exit code says whose turn
//! it is (2: the user's input, 3: a rule refused, 1: the machine); and nothing half-written is left behind.

use crate::parties::{JobText, Parties, breast_cancer, table};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use zektra_agents::vault::Home;

const TRAIN: [&str; 3] = ["train", "--job", "job.toml"];
const SCHEMA: [&str; 6] = ["schema", "bad.csv", "--target", "y", "--out", "bad.toml"];
const ENCRYPT: [&str; 8] = ["encrypt", "bad.csv", "--schema", "schema.toml", "--home", "alice", "--name", "bad"];

fn label(row: &[f64]) -> String {
    String::from(if row[0] > row[1] { "1" } else { "0" })
}

/// A seat and a schema with the columns c0, c1, c2 and the labels 0 and 1.
fn prepared() -> Parties {
    let parties = Parties::new();
    parties.seats(&["alice"]);
    parties.write("alice.csv", table(1, 100, 3, label));
    parties.schema("alice.csv", "y");
    parties
}

/// `prepared`, and a job that is not run yet.
fn with_a_job(iterations: u32) -> Parties {
    let parties = prepared();
    parties.seats(&["bob", "developer"]);
    parties.write("bob.csv", table(2, 100, 3, label));
    parties.encrypt(&["alice", "bob"]);
    parties.job(&JobText::of(&["alice", "bob"], iterations));
    parties
}

#[test]
fn tables_with_errors_are_refused_by_line_and_column() {
    let parties = prepared();
    let before = parties.files("");
    let head = "c0,c1,c2,y\n1,2,3,0\n";
    let cases: [(&str, String, &[&str]); 12] = [
        ("ragged", format!("{head}1,2,0\n"), &["line 3", "3 cells", "expected 4"]),
        ("too long", format!("{head}1,2,3,0,9\n"), &["line 3", "5 cells", "expected 4"]),
        ("text", format!("{head}1,two,3,0\n"), &["line 3", "c1", "two", "expected one such as"]),
        ("NaN", format!("{head}1,2,NaN,0\n"), &["line 3", "c2", "NaN", "expected a finite number"]),
        ("infinite", format!("{head}1,2,-inf,0\n"), &["line 3", "c2", "-inf", "expected a finite number"]),
        ("too large", format!("{head}1,2,1e999,0\n"), &["line 3", "c2", "1e999", "expected a finite number"]),
        ("empty cell", format!("{head}1,,3,0\n"), &["line 3", "c1", "empty, expected a value"]),
        ("label", format!("{head}1,2,3,maybe\n"), &["line 3", "\\\"y\\\"", "maybe", "expected one of"]),
        ("empty", String::new(), &["the table is empty, expected a header"]),
        ("header only", "c0,c1,c2,y\n".into(), &["has a header but no rows, expected at least one"]),
        ("missing column", "c0,c2,y\n1,2,0\n".into(), &["c1", "is missing, the header has", "c0", "c2"]),
        ("twice", "c0,c1,c1,c2,y\n1,2,3,4,0\n".into(), &["c1", "appears twice, expected distinct names"]),
    ];
    for (case, text, fragments) in cases {
        parties.write("bad.csv", text);
        let ran = parties.run(&ENCRYPT);
        assert_eq!(ran.code, Some(2), "{case}: {}", ran.err);
        ran.failed(2, fragments);
        ran.failed(2, &["bad.csv"]);
        fs::remove_file(parties.path("bad.csv")).unwrap();
        assert_eq!(parties.files(""), before, "{case}");
        assert!(!parties.path("alice/vault/bad").exists(), "{case}");
    }
    // Not a single label was spent.
    assert_eq!(parties.read("alice/labels.zklog").len(), 40);
}

#[test]
fn numbers_beyond_the_targets_bounds_are_refused() {
    let parties = prepared();
    let number = |row: &[f64]| format!("{}", row[0]);
    parties.write("numbers.csv", table(1, 60, 3, number));
    parties.done(&["schema", "numbers.csv", "--target", "y", "--out", "numbers.toml"]);
    parties.write("bad.csv", "c0,c1,c2,y\n0,0,0,0.5\n0,0,0,7.25\n");
    let mut command = ENCRYPT;
    command[3] = "numbers.toml";
    parties.run(&command).failed(2, &["line 3", "target 7.25", "expected a number from"]);
    assert!(!parties.path("alice/vault/bad").exists());
}

#[test]
fn schemas_are_not_drafted_from_bad_tables() {
    let parties = prepared();
    let wide: String = (0..1024).map(|c| format!("c{c},")).collect();
    let wide_rows: String = (0..2).map(|r| format!("{}{r}\n", format!("{r},").repeat(1024))).collect();
    let many: String = (0..20).map(|r| format!("{r},0,0,label{r}\n")).collect();
    let cases: [(String, &[&str]); 7] = [
        ("c0,c1,y\n1,5,0\n2,5,1\n".into(), &["c1", "is 5 in every row", "exclude it"]),
        ("c0,y\n1,a\n2,a\n".into(), &["target", "\\\"a\\\" in every row", "at least two values"]),
        ("c0,y\n".into(), &["no rows", "expected at least two"]),
        (String::new(), &["the table is empty, expected a header"]),
        ("c0,z\n1,2\n".into(), &["\\\"y\\\" is missing", "c0"]),
        (format!("{wide}y\n{wide_rows}"), &["columns", "1024 columns", "1 to 1023 feature columns"]),
        (format!("c0,c1,c2,y\n{many}"), &["more than 10 distinct values", "label"]),
    ];
    for (text, fragments) in cases {
        parties.write("bad.csv", text);
        parties.run(&SCHEMA).failed(2, fragments);
        assert!(!parties.path("bad.toml").exists());
    }
    let wide_target: Vec<&str> = SCHEMA.iter().copied().chain(["--spread", "-1"]).collect();
    parties.run(&wide_target[..6]).failed(2, &["bad.csv"]);
    // A schema is not overwritten.
    let old = parties.read("schema.toml");
    let again = ["schema", "alice.csv", "--target", "y", "--out", "schema.toml"];
    parties.run(&again).failed(2, &["schema.toml exists: it is not overwritten"]);
    assert_eq!(parties.read("schema.toml"), old);
    // A schema with a field that does not exist.
    parties.write("bad.toml", [&old[..], b"\n[target.more]\n"].concat());
    let mut command = ENCRYPT;
    (command[1], command[3]) = ("alice.csv", "bad.toml");
    parties.run(&command).failed(2, &["the schema is not a valid document"]);
}

#[test]
fn files_that_are_not_there_or_not_ours_are_named() {
    let parties = with_a_job(2);
    parties.run(&ENCRYPT).failed(2, &["cannot read bad.csv"]);
    fs::create_dir(parties.path("bad.csv")).unwrap();
    parties.run(&ENCRYPT).failed(2, &["bad.csv"]);
    parties.run(&["seat", "show", "--home", "nobody"]).failed(2, &["nobody/seat.zekey does not exist", "seat new"]);
    parties.run(&["inspect", "nothing"]).failed(2, &["cannot read nothing"]);
    parties.run(&["inspect", "alice.csv"]).failed(2, &["alice.csv is not a file of this system"]);
    parties.run(&["train", "--job", "nothing.toml"]).failed(2, &["cannot read nothing.toml"]);
    parties.run(&["predict", "alice.csv", "--model", "nothing.json"]).failed(2, &["cannot read nothing.json"]);
    parties.write("model.json", "{}");
    parties.run(&["predict", "alice.csv", "--model", "model.json"]).failed(2, &["cannot use the model", "format"]);
    parties.run(&["decrypt-model", "--home", "alice", "--job-id", "9", "--out", "x"]).failed(2, &["9-0/outcome.zk"]);
    assert!(!parties.path("x").exists());
    let to_nowhere = ["schema", "alice.csv", "--target", "y", "--out", "no/where.toml"];
    parties.run(&to_nowhere).failed(2, &["cannot write no/where.toml"]);
    // Not by usage either.
    assert_eq!(parties.run(&["encrypt"]).code, Some(2));
    assert_eq!(parties.run(&["unknown"]).code, Some(2));
}

#[test]
fn seats_that_cannot_be_used_are_named() {
    let parties = prepared();
    parties.run(&["seat", "new", "--home", "alice", "--name", "x"]).failed(2, &["exists: a seat is never overwritten"]);
    for name in ["", "\u{7}bell", &"x".repeat(65)] {
        let ran = parties.run(&["seat", "new", "--home", "other", "--name", name]);
        ran.failed(2, &["expected 1 to 64 bytes of printable text"]);
        assert!(!parties.path("other").exists());
    }
    let whole = parties.read("alice/seat.zekey");
    let mut flipped = whole.clone();
    flipped[20] ^= 4;
    let damaged: [(&[u8], &str); 5] = [
        (b"", "does not start with ZKSEAT1"),
        (b"# a foreign file, long enough to be one of ours, perhaps a seat", "does not start with ZKSEAT1"),
        (&whole[..14], "ends early"),
        (&whole[..whole.len() - 1], "length does not fit"),
        (&flipped, "checksum does not fit"),
    ];
    for (bytes, problem) in damaged {
        parties.write("alice/seat.zekey", bytes);
        for command in [vec!["seat", "show", "--home", "alice"], vec!["seat", "rotate", "--home", "alice"]] {
            parties.run(&command).failed(2, &["cannot use alice/seat.zekey", problem]);
        }
        let mut command = ENCRYPT;
        command[1] = "alice.csv";
        parties.run(&command).failed(2, &["alice/seat.zekey", problem]);
    }
    // Another's seat in this folder: its log is not that key's.
    parties.seats(&["bob"]);
    parties.write("alice/seat.zekey", parties.read("bob/seat.zekey"));
    let mut command = ENCRYPT;
    command[1] = "alice.csv";
    parties.run(&command).failed(3, &["labels.zklog", "belongs to another key"]);
    assert!(!parties.path("alice/vault").exists());
}

#[test]
fn a_lost_label_log_is_named_and_rotation_repairs() {
    let parties = with_a_job(2);
    fs::remove_file(parties.path("alice/labels.zklog")).unwrap();
    let lost = ["label log", "alice/labels.zklog is missing", "must not answer any more", "rotate it"];
    parties.run(&TRAIN).failed(3, &lost);
    parties.done(&["seat", "rotate", "--home", "alice"]);
    // The old tiles are under the old key; encrypted again, all is well.
    parties.run(&TRAIN).failed(2, &["datasets[0].owner_key", "expected the key of seat 0"]);
    parties.encrypt(&["alice"]);
    parties.run(&TRAIN).failed(3, &["another job under this number", "another id"]);
    parties.job(&JobText { id: 2, ..JobText::of(&["alice", "bob"], 2) });
    parties.done(&TRAIN);
    assert_eq!(Home::open(&parties.path("alice")).unwrap().public().unwrap().epoch, 1);
    // A log that was changed is not used either.
    let mut bytes = parties.read("bob/labels.zklog");
    bytes[50] ^= 1;
    parties.write("bob/labels.zklog", bytes);
    parties.run(&TRAIN).failed(3, &["bob/labels.zklog was changed at record 0"]);
}

#[test]
fn a_log_in_use_is_not_used_twice() {
    let parties = with_a_job(2);
    let home = Home::open(&parties.path("alice")).unwrap();
    let seat = home.seat().unwrap();
    let log = home.log(&seat).unwrap();
    let used = ["alice/labels.zklog is in use by another process"];
    let mut command = ENCRYPT;
    command[1] = "alice.csv";
    parties.run(&command).failed(3, &used);
    parties.run(&TRAIN).failed(3, &used);
    parties.run(&["seat", "rotate", "--home", "alice"]).failed(3, &used);
    assert_eq!(home.seat().unwrap().commitment(), seat.commitment());
    drop(log);
    parties.done(&TRAIN);
}

#[test]
fn rotation_that_was_cut_off_is_repeated() {
    let before = prepared();
    parties_rotate(&before.copy(), 1);
    // After each step that a rotation takes: the log was moved; the key was kept; the new log was made.
    let parties = before.copy();
    fs::rename(parties.path("alice/labels.zklog"), parties.path("alice/labels-epoch-0.zklog")).unwrap();
    parties_rotate(&parties.copy(), 1);
    fs::copy(parties.path("alice/seat.zekey"), parties.path("alice/seat-epoch-0.zekey")).unwrap();
    parties_rotate(&parties.copy(), 1);
    before.seats(&["bob"]);
    fs::copy(before.path("bob/labels.zklog"), parties.path("alice/labels.zklog")).unwrap();
    parties_rotate(&parties, 1);
    // A new seat that was cut off after its log.
    fs::remove_file(before.path("bob/seat.zekey")).unwrap();
    before.done(&["seat", "new", "--home", "bob", "--name", "bob"]);
    // But a log that has answered is kept for its key.
    fs::remove_file(parties.path("alice/seat.zekey")).unwrap();
    parties.run(&["seat", "new", "--home", "alice", "--name", "alice"]).failed(1, &["alice/labels.zklog"]);
}

/// Rotates, and encrypts with what came of it.
#[track_caller]
fn parties_rotate(parties: &Parties, epoch: u32) {
    parties.done(&["seat", "rotate", "--home", "alice"]);
    parties.encrypt(&["alice"]);
    assert_eq!(Home::open(&parties.path("alice")).unwrap().public().unwrap().epoch, epoch);
    let mode = |file: &str| fs::metadata(parties.path(file)).unwrap().permissions().mode() & 0o777;
    for file in ["alice/seat.zekey", "alice/labels.zklog", "alice/seat-epoch-0.zekey", "alice/labels-epoch-0.zklog"] {
        assert_eq!(mode(file), 0o600, "{file}");
    }
}

#[test]
fn job_files_with_errors_are_refused_by_field() {
    let parties = with_a_job(4);
    let whole = String::from_utf8(parties.read("job.toml")).unwrap();
    let beacon = "5a".repeat(32);
    let replaced = |from: &str, to: &str| {
        assert!(whole.contains(from));
        whole.replacen(from, to, 1)
    };
    let added = |line: &str| format!("{line}\n{whole}");
    let cases: Vec<(String, i32, Vec<&str>)> = vec![
        (added("colour = 1"), 2, vec!["unknown field `colour`", "expected one of"]),
        (replaced("iterations = 4\n", ""), 2, vec!["missing field `iterations`"]),
        (replaced("iterations = 4", "iterations = \"4\""), 2, vec!["iterations", "expected u32"]),
        (replaced("iterations = 4", "iterations = 0"), 2, vec!["iterations: 0, expected 1 to 4096"]),
        (replaced("iterations = 4", "iterations = 4097"), 2, vec!["iterations: 4097, expected 1 to 4096"]),
        (replaced("iterations = 4", "iterations = 4000"), 3, vec!["no scales reach the floors", "lower iterations"]),
        (replaced("version = 1", "version = 2"), 2, vec!["version is 2, expected 1"]),
        (replaced(&beacon, "5a"), 2, vec!["beacon: ", "\\\"5a\\\"", "64 hexadecimal digits"]),
        (replaced("5a5a", "zz5a"), 2, vec!["beacon: ", "64 hexadecimal digits"]),
        (replaced("linear-classifier/1", "forest/1"), 2, vec!["template: ", "forest/1", "one of linear-regression/1"]),
        (replaced("linear-classifier/1", "cubic-classifier/1"), 3, vec!["trusted_inputs = true"]),
        (added("chain_id = \"other\""), 2, vec!["chain_id: ", "other", "was encrypted for"]),
        (added("prove = true"), 2, vec!["datasets: ", "not proven", "--prove"]),
        (added("batch_rows = 100"), 2, vec!["batch_rows: 100", "a multiple of 128"]),
        (added("batch_rows = 0"), 2, vec!["batch_rows: 0", "a multiple of 128"]),
        (added("learning_rate = -1.0"), 2, vec!["learning_rate: -1", "a positive number"]),
        (added("learning_rate = nan"), 2, vec!["learning_rate: NaN", "a positive number"]),
        (added("weight_bits = 7"), 2, vec!["weight_bits: 7", "8 to 20"]),
        (added("weight_bits = 4000000000"), 2, vec!["weight_bits: 4000000000", "8 to 20"]),
        (added("fan_in = 3"), 2, vec!["fan_in: 3", "a divisor of the 2 row groups"]),
        (added("fan_in = 0"), 2, vec!["fan_in: 0", "a divisor of"]),
        (added("max_attempts = 9"), 2, vec!["max_attempts is 9", "1 to 8"]),
        (added("attempt = 1"), 2, vec!["attempt is 1", "below max_attempts = 1"]),
        (replaced("name = \"alice\"", "name = \"nothing\""), 2, vec!["nothing/manifest.zk"]),
        (replaced("owner = \"bob\"", "owner = \"nobody\""), 2, vec!["nobody/seat.zekey does not exist"]),
        (replaced("developer = \"developer\"", "developer = \"nobody\""), 2, vec!["nobody/seat.zekey"]),
        (replaced("\"bob\"\nname = \"bob\"", "\"alice\"\nname = \"alice\""), 2, vec!["each dataset once"]),
        (whole.split("[[").next().unwrap().into(), 2, vec!["missing field `datasets`"]),
        (format!("datasets = []\n{}", whole.split("[[").next().unwrap()), 2, vec!["at least one [[datasets]]"]),
        ("\u{0}".into(), 2, vec!["cannot use job.toml"]),
    ];
    for (text, code, fragments) in cases {
        parties.write("job.toml", &text);
        let ran = parties.run(&TRAIN);
        assert_eq!(ran.code, Some(code), "{text}\n{}", ran.err);
        ran.failed(code, &["job.toml"]);
        ran.failed(code, &fragments);
        assert!(!parties.path("node").exists(), "{text}");
        assert!(!parties.path("alice/jobs").exists(), "{text}");
    }
    parties.write("job.toml", whole);
    parties.done(&TRAIN);
    // Another job under a used number.
    parties.job(&JobText::of(&["alice", "bob"], 5));
    parties.run(&TRAIN).failed(3, &["holds another job under this number", "another id"]);
}

#[test]
fn owners_with_other_schemas_do_not_train_together() {
    let parties = with_a_job(4);
    parties.done(&["schema", "bob.csv", "--target", "y", "--out", "other.toml"]);
    let mut command = ["encrypt", "bob.csv", "--schema", "other.toml", "--home", "bob", "--name", "other"];
    parties.done(&command);
    let mut job = JobText::of(&["alice", "bob"], 4);
    job.datasets[1] = ("bob", "other");
    parties.job(&job);
    let expected = ["\\\"other\\\" of bob has another schema than \\\"alice\\\" of alice", "the same file"];
    parties.run(&TRAIN).failed(2, &expected);
    command[7] = "no/name";
    parties.run(&command).failed(2, &["no/name", "expected 1 to 64 letters, digits, - or _"]);
}

#[test]
fn other_rows_need_another_attempt() {
    let parties = with_a_job(4);
    let manifest = parties.read("alice/vault/alice/manifest.zk");
    let mut command = vec!["encrypt", "alice.csv", "--schema", "schema.toml", "--home", "alice", "--name", "alice"];
    parties.write("alice.csv", table(9, 100, 3, label));
    parties.run(&command).failed(3, &["\\\"alice\\\" is encrypted already", "--attempt 1"]);
    // Also where only the label log remembers the first rows.
    fs::remove_dir_all(parties.path("alice/vault")).unwrap();
    let ran = parties.run(&command);
    ran.failed(3, &["the rows differ from those that were encrypted before", "higher --attempt", "used before"]);
    assert!(!parties.path("alice/vault/alice/manifest.zk").exists());
    command.extend(["--attempt", "1"]);
    let done = parties.done(&command);
    assert_eq!(done["dataset"]["attempt"], 1);
    assert_ne!(parties.read("alice/vault/alice/manifest.zk"), manifest);
    parties.done(&TRAIN);
    parties.run(&command).failed(3, &["--attempt 2"]);
    // The first rows again, under their attempt: the same bytes as ever.
    fs::remove_dir_all(parties.path("alice/vault")).unwrap();
    parties.write("alice.csv", table(1, 100, 3, label));
    parties.done(&command[..8]);
    assert_eq!(parties.read("alice/vault/alice/manifest.zk"), manifest);
}

#[test]
fn an_outcome_is_opened_by_its_developer_alone_and_unchanged() {
    let parties = with_a_job(2);
    parties.done(&TRAIN);
    let outcome = "developer/jobs/1-0/outcome.zk";
    let open = |home: &str, file: &str| {
        let ran = parties.run(&["decrypt-model", "--home", home, "--outcome", file, "--out", "x.json"]);
        assert_eq!(parties.path("x.json").exists(), ran.code == Some(0));
        ran
    };
    open("alice", outcome).failed(3, &["the model was made for the key", "\\\"developer\\\"", "this seat's key is"]);
    open("developer", "alice/vault/alice/manifest.zk").failed(2, &["is not the outcome of a job"]);
    open("developer", "alice.csv").failed(2, &["cannot use alice.csv", "starts with ZKFILE1"]);
    let whole = parties.read(outcome);
    // Every kind of damage ends in a named error, whatever it hits.
    for at in (0..whole.len()).step_by(61).chain(whole.len() - 1000..whole.len()) {
        let mut changed = whole.clone();
        changed[at] ^= 1 << (at % 8);
        parties.write("changed.zk", &changed);
        let home = Home::open(&parties.path("developer")).unwrap();
        match zektra_agents::model::decrypt_file(&home, &parties.path("changed.zk")) {
            // Digests that are only shown, and an unknown field, change nothing of the weights.
            Ok(model) => assert_eq!(model.weights[0].len(), 4),
            Err(e) => assert!(!format!("{e:#}").is_empty()),
        }
    }
    // The end of the file before the schema's text is a sealed release: it does not open.
    let text = whole.windows(9).position(|w| w == b"version =").unwrap();
    let mut changed = whole.clone();
    changed[text - 10] ^= 1;
    parties.write("changed.zk", &changed);
    open("developer", "changed.zk").failed(3, &["the release of member 2 does not open"]);
    parties.write("changed.zk", &whole[..whole.len() - 7]);
    open("developer", "changed.zk").failed(2, &["cannot use changed.zk", "expected a message of this protocol"]);
    assert_eq!(open("developer", outcome).code, Some(0));
}

#[test]
fn answers_with_commas_and_quotes_are_still_a_table() {
    let parties = Parties::new();
    parties.seats(&["alice"]);
    let label = |row: &[f64]| String::from(if row[0] > 0.0 { "\"yes, \"\"surely\"\"\"" } else { "no" });
    parties.write("alice.csv", table(1, 100, 3, label));
    parties.schema("alice.csv", "y");
    parties.encrypt(&["alice"]);
    parties.job(&JobText { developer: "alice", ..JobText::of(&["alice"], 3) });
    parties.done(&TRAIN);
    parties.done(&["decrypt-model", "--home", "alice", "--job-id", "1", "--out", "m.json"]);
    parties.done(&["predict", "alice.csv", "--model", "m.json", "--out", "answers.csv"]);
    let text = parties.read("answers.csv");
    let mut answers = csv::Reader::from_reader(&text[..]);
    assert_eq!(answers.headers().unwrap(), vec!["y", "score_yes, \"surely\""]);
    let answers: Vec<csv::StringRecord> = answers.records().map(Result::unwrap).collect();
    assert_eq!(answers.len(), 100);
    assert!(answers.iter().any(|a| &a[0] == "yes, \"surely\""));
    // A table that does not fit the model.
    parties.write("bad.csv", "c0,c1\n1,2\n");
    parties.run(&["predict", "bad.csv", "--model", "m.json", "--out", "b.csv"]).failed(2, &["c2", "bad.csv"]);
    assert!(!parties.path("b.csv").exists());
}

#[test]
fn damaged_manifests_never_crash_a_plan() {
    let parties = with_a_job(2);
    let whole = parties.read("alice/vault/alice/manifest.zk");
    let job = zektra_agents::local::JobFile::load(&parties.path("job.toml")).unwrap();
    for at in 0..whole.len().min(600) {
        let mut changed = whole.clone();
        changed[at] ^= 1 << (at % 8);
        parties.write("alice/vault/alice/manifest.zk", &changed);
        if let Err(e) = job.plan(&parties.path(""), &mut |_| {}) {
            assert!(!format!("{e:#}").is_empty());
        }
    }
    parties.write("alice/vault/alice/manifest.zk", &whole[..whole.len() / 2]);
    parties.run(&TRAIN).failed(2, &["cannot use", "alice/vault/alice/manifest.zk"]);
}

#[test]
fn a_full_disk_stops_with_a_reason_and_nothing_is_lost() {
    let before = prepared();
    before.write("alice.csv", breast_cancer(0..569));
    fs::remove_file(before.path("schema.toml")).unwrap();
    before.schema("alice.csv", "benign");
    let command = ["encrypt", "alice.csv", "--schema", "schema.toml", "--home", "alice", "--name", "alice"];
    let undisturbed = before.copy();
    let expected = undisturbed.done(&command);
    // Nothing fits; a tile and a half; all but the end.
    for kib in [0, 48, 300] {
        let parties = before.copy();
        let ran = parties.run_on_a_full_disk(kib, &command);
        ran.failed(1, &["cannot", "File too large"]);
        assert!(!parties.path("alice/vault/alice/manifest.zk").exists());
        assert_eq!(parties.done(&command)["dataset"], expected["dataset"], "{kib} KiB");
    }

    undisturbed.job(&JobText { developer: "alice", ..JobText::of(&["alice"], 4) });
    let before = undisturbed.copy();
    let expected = undisturbed.done(&TRAIN);
    let rounds = undisturbed.read("node/jobs/1-0/rounds.bin");
    let sizes = [0, 200, rounds.len() as u32 / 2048, rounds.len() as u32 / 1024];
    for kib in sizes {
        let parties = before.copy();
        let ran = parties.run_on_a_full_disk(kib, &TRAIN);
        assert!(matches!(ran.code, Some(1 | 3)), "{kib} KiB: {ran:?}");
        ran.failed(ran.code.unwrap(), &["cannot", "File too large"]);
        assert!(!parties.path("alice/jobs/1-0/outcome.zk").exists());
        assert_eq!(parties.done(&TRAIN)["transcript"], expected["transcript"], "{kib} KiB");
        assert_eq!(parties.read("node/jobs/1-0/rounds.bin"), rounds);
    }

    // A seat and a schema.
    let parties = Parties::new();
    let new = ["seat", "new", "--home", "carol", "--name", "carol"];
    parties.run_on_a_full_disk(0, &new).failed(1, &["cannot", "File too large"]);
    assert!(parties.files("carol").is_empty());
    parties.done(&new);
    parties.write("table.csv", table(1, 10, 3, label));
    let draft = ["schema", "table.csv", "--target", "y", "--out", "s.toml"];
    parties.run_on_a_full_disk(0, &draft).failed(1, &["cannot write s.toml", "File too large"]);
    assert_eq!(parties.files("").iter().filter(|f| f.starts_with("s.toml")).count(), 0);
}
