//! After a job every folder and every message is searched for every secret of every party, in all encodings that
//! this program has ever had a reason to use, and for planted ones to show that the search finds them.
//!
//! The node's memory is searched in [`crate::a_node_in_its_own_process_holds_no_secret`].

use crate::parties::{JobText, Parties, breast_cancer};
use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use zektra_agents::archive::Archive;
use zektra_agents::local::{Message, Traffic, train};
use zektra_agents::node::{Link, Node};
use zektra_agents::schema::Schema;
use zektra_agents::table::{TableReader, Target};
use zektra_agents::wire;
use zektra_he::ring::{Eval, Poly};
use zektra_he::seat::SeatSecret;
use zektra_he::tile::RowGroup;
use zektra_he::transcript::{Program, Transcript};
use zektra_he::{release, share};
use zektra_proto::node::v1::envelope::Body;
use zektra_statement::field::{F, Field as _, N, centred, from_i64, to_bytes};
use zektra_statement::record::Job;

/// Byte strings that must not be anywhere, found by their first eight bytes.
#[derive(Default)]
pub struct Needles {
    pub list: Vec<(Vec<u8>, String)>,
    by_start: BTreeMap<[u8; 8], Vec<usize>>,
    /// A bit for each hash of a start: most positions need no look-up.
    seen: Vec<u64>,
}

const SEEN_BITS: u32 = 22;

fn place(start: [u8; 8]) -> (usize, u64) {
    let hash = u64::from_le_bytes(start).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - SEEN_BITS);
    ((hash / 64) as usize, 1 << (hash % 64))
}

impl Needles {
    fn add(&mut self, what: &str, bytes: Vec<u8>) {
        let start: [u8; 8] = bytes[..8].try_into().unwrap();
        self.seen.resize(1 << (SEEN_BITS - 6), 0);
        let (word, bit) = place(start);
        self.seen[word] |= bit;
        self.by_start.entry(start).or_default().push(self.list.len());
        self.list.push((bytes, what.to_owned()));
    }

    /// What is in the bytes.
    pub fn find(&self, bytes: &[u8]) -> BTreeSet<&str> {
        let mut found = BTreeSet::new();
        for (at, window) in bytes.windows(8).enumerate() {
            let start: [u8; 8] = window.try_into().unwrap();
            let (word, bit) = place(start);
            if self.seen[word] & bit == 0 {
                continue;
            }
            for &i in self.by_start.get(&start).into_iter().flatten() {
                if bytes[at..].starts_with(&self.list[i].0) {
                    found.insert(&self.list[i].1[..]);
                }
            }
        }
        found
    }

    /// Numbers as floats of both widths and byte orders, and as text.
    fn floats(&mut self, what: &str, values: &[f64]) {
        self.add(what, values.iter().flat_map(|v| v.to_le_bytes()).collect());
        self.add(what, values.iter().flat_map(|v| v.to_be_bytes()).collect());
        self.add(what, values.iter().flat_map(|v| (*v as f32).to_le_bytes()).collect());
        self.add(what, values.iter().flat_map(|v| (*v as f32).to_be_bytes()).collect());
        self.texts(what, values);
    }

    fn texts(&mut self, what: &str, values: &[impl ToString]) {
        let values: Vec<String> = values.iter().map(ToString::to_string).collect();
        for separator in [",", ", ", " ", "\n"] {
            let text = values.join(separator);
            if text.len() >= 8 {
                self.add(what, text.into_bytes());
            }
        }
    }

    /// Integers of the widths that hold them, as field elements, and as text.
    fn integers(&mut self, what: &str, values: &[i64]) {
        if values.iter().all(|v| i16::try_from(*v).is_ok()) {
            self.add(what, values.iter().flat_map(|v| (*v as i16).to_le_bytes()).collect());
        }
        if values.iter().all(|v| i32::try_from(*v).is_ok()) {
            self.add(what, values.iter().flat_map(|v| (*v as i32).to_le_bytes()).collect());
            self.add(what, values.iter().flat_map(|v| (*v as i32).to_be_bytes()).collect());
        }
        self.add(what, values.iter().flat_map(|v| v.to_le_bytes()).collect());
        self.add(what, values.iter().flat_map(|v| v.to_be_bytes()).collect());
        self.add(what, to_bytes(&values.iter().map(|v| from_i64(*v)).collect::<Vec<F>>()));
        self.texts(what, values);
    }

    /// Runs of four values of a row that say something: small integers alone occur by chance.
    fn row(&mut self, what: &str, floats: Option<&[f64]>, integers: &[i64]) {
        for at in (0..integers.len().saturating_sub(3)).step_by(2) {
            let run = &integers[at..at + 4];
            let mut distinct = run.to_vec();
            distinct.sort_unstable();
            distinct.dedup();
            if distinct.len() < 3 || run.iter().filter(|v| v.abs() > 3).count() < 3 {
                continue;
            }
            self.integers(what, run);
            if let Some(floats) = floats {
                self.floats(what, &floats[at..at + 4]);
            }
        }
    }

    /// Labels of consecutive rows, of which both occur often.
    fn labels(&mut self, what: &str, labels: &[i64]) {
        for run in labels.chunks_exact(48) {
            let ones = run.iter().filter(|v| **v == 1).count();
            if (8..=40).contains(&ones) {
                let signs: Vec<i64> = run.iter().map(|v| 2 * v - 1).collect();
                let halves: Vec<f64> = run.iter().map(|v| *v as f64 - 0.5).collect();
                self.add(what, run.iter().map(|v| *v as u8).collect());
                self.integers(what, run);
                self.integers(what, &signs);
                self.integers(what, &signs.iter().map(|v| 128 * v).collect::<Vec<_>>());
                self.floats(what, &halves);
                self.floats(what, &run.iter().map(|v| *v as f64).collect::<Vec<_>>());
                self.texts(what, run);
                self.add(what, run.iter().map(|v| b'0' + *v as u8).collect());
            }
        }
    }

    /// Random field elements: two in a row cannot occur by chance.
    fn elements(&mut self, what: &str, elements: &[F]) {
        for pair in elements.chunks_exact(2) {
            self.add(what, to_bytes(pair));
            let integers: Vec<i64> = pair.iter().map(|e| centred(*e)).collect();
            self.add(what, integers.iter().flat_map(|v| v.to_le_bytes()).collect());
            self.texts(what, &integers);
        }
    }
}

/// A key share: its ternary digits, derived here once more from the seed.
pub fn digits(seed: &[u8; 32]) -> Vec<i64> {
    let key = blake3::derive_key("zektra 2026 ternary key share v1", seed);
    let mut bytes = vec![0; N * 8];
    blake3::Hasher::new_keyed(&key).finalize_xof().fill(&mut bytes);
    let digit = |b: &[u8]| ((u128::from(u64::from_le_bytes(b.try_into().unwrap())) * 3) >> 64) as i64 - 1;
    bytes.chunks_exact(8).map(digit).collect()
}

pub fn key_of(digits: &[i64]) -> Poly {
    Poly::from_coefficients(digits.iter().map(|d| from_i64(*d)).collect())
}

/// Adds a table's rows, raw, scaled, rounded and packed, and its labels.
pub fn add_table(needles: &mut Needles, owner: &str, parties: &Parties) {
    let text = String::from_utf8(parties.read(&format!("{owner}.csv"))).unwrap();
    for line in text.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        let features = &cells[..cells.len() - 1];
        let raw: Vec<f64> = features.iter().map(|c| c.parse().unwrap()).collect();
        let fixed: Vec<i64> = raw.iter().map(|v| (v * 256.0).round() as i64).collect();
        needles.row(&format!("raw row of {owner}"), Some(&raw), &fixed);
        for cells in features.windows(4).step_by(4) {
            needles.texts(&format!("raw row of {owner}"), cells);
        }
    }
    let schema = Schema::load(parties.path("schema.toml")).unwrap();
    let mut table = TableReader::new(text.as_bytes(), &schema, schema.feature_bits).unwrap();
    let (mut labels, mut rows) = (Vec::new(), Vec::new());
    while let Some(row) = table.next_scaled() {
        let row = row.unwrap();
        let integers = table.scaler().quantise(&row.x);
        let wide: Vec<i64> = integers.iter().map(|v| i64::from(*v)).collect();
        needles.row(&format!("scaled row of {owner}"), Some(&row.x), &wide);
        let Target::Class(class) = row.target else { panic!("a class") };
        labels.push(i64::from(class));
        rows.push((integers, vec![if class == 1 { 128 } else { -128 }]));
    }
    needles.labels(&format!("labels of {owner}"), &labels);
    for rows in rows.chunks(128) {
        let group = RowGroup::pack(rows, 32, 1, 1);
        let moment: Vec<i64> = group.planes[0][1].coefficients()[..32].iter().map(|c| centred(*c)).collect();
        needles.row(&format!("moment of {owner}"), None, &moment);
    }
}

/// Adds a seat's seed and everything that is derived from it.
pub fn add_seat(needles: &mut Needles, name: &str, seed: &[u8; 32]) {
    let what = format!("seed of {name}");
    for context in ["zektra 2026 ternary key share v1", "zektra 2026 stream key v1", "zektra 2026 release key v1"] {
        needles.add(&what, blake3::derive_key(context, seed).to_vec());
    }
    needles.add(&what, seed.to_vec());
    needles.add(&what, hex::encode(seed).into_bytes());
    let what = format!("key share of {name}");
    let digits = digits(seed);
    for run in digits.chunks_exact(40) {
        // As they are, shifted to 0, 1, 2, and as the packed elements of the commitment.
        needles.add(&what, run.iter().map(|d| *d as i8 as u8).collect());
        needles.add(&what, run.iter().map(|d| (d + 1) as u8).collect());
        needles.add(&what, run.iter().map(|d| b'0' + (d + 1) as u8).collect());
        needles.integers(&what, run);
        needles.add(&what, run.iter().rev().fold(0u64, |sum, d| 3 * sum + (d + 1) as u64).to_le_bytes().to_vec());
    }
    // The key's transform, from which it is one step back.
    let one = Poly::from_coefficients([&[F::ONE][..], &vec![F::ZERO; N - 1]].concat()).into_eval();
    assert_eq!(one.mul(&key_of(&digits).into_eval()).into_poly(), key_of(&digits));
}

/// Adds all masks and shares `S` of a member, which its key gives from what everyone saw; the last shares.
pub fn add_shares(needles: &mut Needles, job: &Job, folder: &Path, member: usize, key: &Eval) -> BTreeMap<u16, Vec<F>> {
    let archive = Archive::open(folder, job).unwrap();
    let program = Arc::new(Program::new(job.clone(), &archive.roots(job).unwrap()).unwrap());
    let source = archive.source(job, &program.table).unwrap();
    let mut transcript = Transcript::new(program.clone(), source);
    let mut shares: BTreeMap<u16, Vec<F>> = BTreeMap::new();
    let name = &job.seats[member].name;
    archive
        .replay(|answers| {
            let phase = &program.table.phases[transcript.position().1 as usize];
            let (evaluated, _) = transcript.evaluate()?;
            let mut masks = Vec::new();
            for ((e, opening), y) in evaluated.iter().zip(&phase.openings).zip(&answers[member].y) {
                let product = e.c.mul(key).into_poly().at(&opening.positions);
                let mask: Vec<F> = y.iter().zip(product).map(|(y, p)| *y - p).collect();
                needles.elements(&format!("masks of {name}"), &mask);
                masks.push(mask.into_iter().map(centred).collect::<Vec<i64>>());
            }
            for o in &phase.outputs {
                let length = usize::from(program.table.states[usize::from(o.state)].length);
                let before = shares.remove(&o.state).unwrap_or_else(|| vec![F::ZERO; length]);
                let parts: Vec<&[i64]> = o.openings.iter().map(|&i| &masks[usize::from(i)][..]).collect();
                let next = share::next_share(&before, o.carry, o.negate, phase.shift, &parts);
                needles.elements(&format!("share of {name}"), &next);
                shares.insert(o.state, next);
            }
            transcript.advance(&answers)?;
            Ok(())
        })
        .unwrap();
    shares
}

/// Everything that is searched: files by name, and messages.
fn haystacks(parties: &Parties, messages: &[Message]) -> Vec<(String, Vec<u8>)> {
    let folders = ["node", "alice", "bob", "developer"];
    let files = folders.iter().flat_map(|f| parties.files(f));
    let mut all: Vec<(String, Vec<u8>)> = files.map(|f| (f.clone(), parties.read(&f))).collect();
    for (i, m) in messages.iter().enumerate() {
        all.push((format!("message {i} from {:?} to {:?}", m.from, m.to), m.bytes.clone()));
    }
    all
}

/// cap 1, cap 2, cap 23, cap 43: nobody but its owner holds a row, a label, a share or a key, in any file or message.
#[test]
fn no_folder_and_no_message_holds_another_partys_secret() {
    let parties = Parties::new();
    parties.done(&["seat", "new", "--home", "alice", "--name", "alice"]);
    parties.done(&["seat", "new", "--home", "bob", "--name", "bob"]);
    parties.done(&["seat", "new", "--home", "developer", "--name", "developer"]);
    parties.write("alice.csv", breast_cancer(0..140));
    parties.write("bob.csv", breast_cancer(140..260));
    parties.schema("alice.csv", "benign");
    parties.encrypt(&["alice", "bob"]);
    parties.job(&JobText::of(&["alice", "bob"], 3));
    let plan = parties.plan();
    let traffic = Traffic::new(plan.homes.len(), true);
    let outcome = train(&plan, &traffic, &mut |_, _, _| {}).unwrap().outcome;
    parties.done(&["decrypt-model", "--home", "developer", "--job-id", "1", "--out", "developer/model.json"]);
    let messages = traffic.wire_log.as_ref().unwrap().lock().unwrap().clone();
    assert!(messages.len() > 50);

    let mut needles = Needles::default();
    for owner in ["alice", "bob"] {
        add_table(&mut needles, owner, &parties);
    }
    let members = ["alice", "bob", "developer"];
    let mut released = Vec::new();
    for (member, name) in members.into_iter().enumerate() {
        let file = parties.read(&format!("{name}/seat.zekey"));
        let seed: [u8; 32] = file[file.len() - 40..file.len() - 8].try_into().unwrap();
        add_seat(&mut needles, name, &seed);
        let key = key_of(&digits(&seed)).into_eval();
        released.push(add_shares(&mut needles, &plan.job, &plan.node, member, &key));
    }
    // Nobody got a share of the developer's, sealed or not: a key that is shown opens none.
    assert_eq!(outcome.releases.iter().map(|r| r.member).collect::<Vec<_>>(), [0, 1]);
    let Body::Outcome(kept) = wire::decode_file(&parties.read("developer/jobs/1-0/outcome.zk")).unwrap() else {
        panic!("an outcome")
    };
    // These shares are the real ones: the developer got the same, sealed.
    let developer = SeatSecret::from_file(&parties.read("developer/seat.zekey")).unwrap();
    let table = plan.job.template.compile().unwrap();
    let lock = zektra_records::fingerprint("lock", &outcome.lock).unwrap();
    let states = wire::states_from_pb(&outcome.states).unwrap();
    for (member, shares) in released.iter().enumerate() {
        let (_, sealed) = wire::release_from_pb(&kept.releases[member]);
        let recorded: Vec<_> = states.iter().map(|(_, _, s)| s[member]).collect();
        let opened =
            release::open(&sealed, developer.release_secret(), &table, &lock, member as u32, &recorded).unwrap();
        for (state, (share, salt)) in table.released.iter().zip(&opened.states) {
            assert_eq!(share, &shares[state]);
            needles.elements(&format!("salt of {}", members[member]), salt);
        }
    }
    let model: serde_json::Value = serde_json::from_slice(&parties.read("developer/model.json")).unwrap();
    let weights: Vec<f64> = serde_json::from_value(model["weights"][0].clone()).unwrap();
    let unit = (1u64 << plan.job.template.params.scale_w) as f64;
    let integers: Vec<i64> = weights.iter().map(|w| (w * unit).round() as i64).collect();
    needles.row("model", Some(&weights), &integers);
    for run in weights.chunks_exact(4) {
        needles.texts("model", &run.iter().map(|w| format!("{w:?}")).collect::<Vec<_>>());
    }
    for weight in weights.iter().map(ToString::to_string).filter(|w| w.len() >= 12) {
        needles.add("model", weight.into_bytes());
    }

    let all = haystacks(&parties, &messages);
    let kinds = |prefix: &str| needles.list.iter().filter(|(_, what)| what.starts_with(prefix)).count();
    for kind in ["raw", "scaled", "labels", "moment", "seed", "key", "masks", "share", "salt", "model"] {
        assert!(kinds(kind) > 0, "nothing to search for: {kind}");
    }
    for (name, bytes) in &all {
        let found = needles.find(bytes);
        // A seed is in its own seat's file and nowhere else, so is the model in the developer's folder.
        let owner = name.strip_suffix("/seat.zekey");
        if let Some(owner) = owner {
            assert_eq!(found, BTreeSet::from([&format!("seed of {owner}")[..]]));
        } else if name == "developer/model.json" {
            assert_eq!(found, BTreeSet::from(["model"]));
        } else {
            assert!(found.is_empty(), "{name} holds {found:?}");
        }
    }

    // The same search finds what is planted.
    let largest = messages.iter().max_by_key(|m| m.bytes.len()).unwrap();
    let mut planted: BTreeMap<&str, &[u8]> = BTreeMap::new();
    for (bytes, what) in &needles.list {
        planted.insert(what, bytes);
    }
    assert!(planted.len() >= 20, "{}", planted.len());
    for (what, secret) in planted {
        let mut message = largest.bytes.clone();
        let at = message.len() / 2 + 3;
        message[at..at + secret.len()].copy_from_slice(secret);
        assert_eq!(needles.find(&message), BTreeSet::from([what]));
    }
    // Also a whole row as a program that leaks would write it, into a file of the node.
    let row: Vec<u8> = [17.99f64, 10.38, 122.8, 1001.0, 0.1184].iter().flat_map(|v| v.to_le_bytes()).collect();
    let mut rounds = parties.read("node/jobs/1-0/rounds.bin");
    rounds.extend(row);
    assert_eq!(needles.find(&rounds), BTreeSet::from(["raw row of alice"]));
}

#[test]
fn secrets_and_models_are_readable_by_their_owner_alone() {
    let parties = Parties::new();
    parties.done(&["seat", "new", "--home", "alice", "--name", "alice"]);
    parties.write("alice.csv", breast_cancer(0..100));
    parties.schema("alice.csv", "benign");
    parties.encrypt(&["alice"]);
    parties.job(&JobText { developer: "alice", ..JobText::of(&["alice"], 2) });
    parties.done(&["train", "--job", "job.toml"]);
    // Also where something else was left under the name that is written first.
    parties.write("alice/model.json.partial", "left");
    parties.done(&["decrypt-model", "--home", "alice", "--job-id", "1", "--out", "alice/model.json"]);
    parties.done(&["seat", "rotate", "--home", "alice"]);
    let mode = |file: &str| std::fs::metadata(parties.path(file)).unwrap().permissions().mode() & 0o777;
    let secrets = [
        "alice/model.json",
        "alice/seat.zekey",
        "alice/labels.zklog",
        "alice/seat-epoch-0.zekey",
        "alice/labels-epoch-0.zklog",
    ];
    for file in secrets {
        assert_eq!(mode(file), 0o600, "{file}");
    }
    for folder in ["alice", "alice/vault/alice", "alice/jobs/1-0", "node/jobs/1-0"] {
        assert_eq!(mode(folder), 0o700, "{folder}");
    }
    assert_eq!(parties.files("node").iter().filter(|f| f.contains("model") || f.contains("outcome")).count(), 0);
}

#[test]
fn a_secret_is_not_written_through_a_planted_link() {
    let parties = Parties::new();
    parties.seats(&["alice"]);
    parties.write("alice.csv", breast_cancer(0..100));
    parties.schema("alice.csv", "benign");
    parties.encrypt(&["alice"]);
    parties.job(&JobText { developer: "alice", ..JobText::of(&["alice"], 2) });
    parties.done(&["train", "--job", "job.toml"]);
    parties.write("elsewhere", "");
    std::os::unix::fs::symlink(parties.path("elsewhere"), parties.path("alice/model.json.partial")).unwrap();
    parties.done(&["decrypt-model", "--home", "alice", "--job-id", "1", "--out", "alice/model.json"]);
    assert!(parties.read("elsewhere").is_empty());
    assert!(parties.read("alice/model.json").starts_with(b"{"));
}

/// The signature is the check: no home, no seat, no label log, no path but the node's own.
#[test]
fn a_node_gets_a_folder_the_record_and_links() {
    type Circuits = std::sync::Arc<zektra_prove::chain::NodeCircuits>;
    type Open<'a> = fn(&Path, Job, Option<&Circuits>, Vec<Box<dyn Link + 'a>>) -> anyhow::Result<Node<'a>>;
    let open: Open<'_> = Node::open;
    // The record holds no path either: a home's folder is not in its bytes.
    let parties = Parties::new();
    parties.seats(&["alice"]);
    parties.write("alice.csv", breast_cancer(0..100));
    parties.schema("alice.csv", "benign");
    parties.encrypt(&["alice"]);
    parties.job(&JobText { developer: "alice", ..JobText::of(&["alice"], 2) });
    let plan = parties.plan();
    let record = wire::encode(Body::Job(zektra_records::job_to_pb(&plan.job)));
    let folder = parties.path("").to_str().unwrap().as_bytes().to_vec();
    assert!(!record.windows(folder.len()).any(|w| w == folder));
    // Without a link for every seat there is no node.
    let error = open(&parties.path("node"), plan.job, None, Vec::new()).err().unwrap();
    assert!(error.to_string().contains("0 links for 1 seats"), "{error}");
}
