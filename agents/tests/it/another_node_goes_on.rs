//! A node dies in the middle of a proven job; another one, with an empty folder, goes on from the last accepted part by
//! what members kept.

use crate::ledger::Chain;
use crate::parties::{JobText, Parties, table};
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::mpsc::channel;
use std::sync::{Arc, LazyLock};
use zektra_agents::archive::Archive;
use zektra_agents::local::{Plan, Traffic, train_on};
use zektra_agents::node::Finished;
use zektra_agents::proofs::ProofStore;
use zektra_agents::prover::{Accepted, Ledger, PhaseTask, Prover, Task, round_proofs};
use zektra_agents::vault::Home;
use zektra_he::transcript::{Program, Transcript};
use zektra_statement::chain::Elements;
use zektra_statement::digest::Fingerprint;
use zektra_verify::known::Trusted;
use zektra_verify::part::Part;
use zektra_verify::verify::verify;

const FIRST: Fingerprint = Fingerprint([1; 32]);
const SECOND: Fingerprint = Fingerprint([2; 32]);
const MEMBERS: [&str; 2] = ["alice", "developer"];

struct Stopped {
    parties: Parties,
    plan: Plan,
    chain: Chain,
}

/// One owner with one row group, a developer, two iterations; the first node died when its first part was accepted.
static STOPPED: LazyLock<Stopped> = LazyLock::new(|| {
    let parties = Parties::new();
    parties.seats(&MEMBERS);
    let label = |row: &[f64]| String::from(if row[0] > row[1] { "1" } else { "0" });
    parties.write("alice.csv", table(1, 100, 5, label));
    parties.schema("alice.csv", "y");
    parties.done(&["encrypt", "alice.csv", "--schema", "schema.toml", "--home", "alice", "--name", "alice", "--prove"]);
    parties.job(&JobText { more: "prove = true", ..JobText::of(&["alice"], 2) });
    let plan = parties.plan();
    let chain = Chain::new(&plan);
    chain.draw(FIRST);
    let died = |parts| format!("{:#}", run(&parties, &plan, "first", &chain.to(FIRST, parts)).unwrap_err());
    // What it could not bring it brings as soon as it is there again, and not with the next part.
    let why = died(0);
    assert!(why.contains("nobody answers"), "{why}");
    let why = died(1);
    assert!(why.contains("the node has died"), "{why}");
    assert_eq!(chain.state.lock().unwrap().paid, [(FIRST, 1)]);
    Stopped { parties, plan, chain }
});

fn run(parties: &Parties, plan: &Plan, node: &str, ledger: &dyn Ledger) -> anyhow::Result<Finished> {
    let plan = Plan {
        homes: MEMBERS.iter().map(|name| Home::open(&parties.path(name)).unwrap()).collect(),
        node: parties.path(node),
        job: plan.job.clone(),
        profile: plan.profile.clone(),
        schema: plan.schema.clone(),
        circuits: plan.circuits.clone(),
    };
    train_on(&plan, &Traffic::new(MEMBERS.len(), false), Some(ledger), &mut |_, _, _| {})
}

/// The developer's proof of its first answer, as every party keeps it.
const ANSWER: &str = "proofs/answer-0-1.zkp";

fn damage(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(path, bytes).unwrap();
}

fn rounds(parties: &Parties, folder: &str) -> u64 {
    Archive::open(&parties.path(folder), &STOPPED.plan.job).unwrap().replay(|_| Ok(())).unwrap()
}

#[test]
fn the_second_node_goes_on_from_the_last_accepted_part() {
    let Stopped { parties, plan, chain } = &*STOPPED;
    let (parties, chain) = (parties.copy(), chain.copy());
    let phases = plan.job.template.compile().unwrap().phases.len() as u64;
    let kept: Vec<u64> = MEMBERS.iter().map(|m| rounds(&parties, &format!("{m}/jobs/1-0"))).collect();
    assert!(kept.iter().all(|rounds| *rounds >= phases), "{kept:?}");
    let before = parties.read("first/rounds.bin");
    let labels: Vec<_> = MEMBERS.iter().map(|m| parties.read(&format!("{m}/labels.zklog"))).collect();
    // One member's copy of a proof is damaged: another's is not.
    let whole = parties.read(&format!("developer/jobs/1-0/{ANSWER}"));
    damage(&parties.path(&format!("alice/jobs/1-0/{ANSWER}")));

    chain.draw(SECOND);
    let finished = run(&parties, plan, "second", &chain.to(SECOND, u64::MAX)).unwrap();

    // The first keeps the pay of its part, the second gets the rest.
    let state = chain.state.lock().unwrap().clone();
    // The developer's own share stays at home.
    assert_eq!((state.paid, state.released), (vec![(FIRST, 1), (SECOND, 1)], 1));
    let bundle = finished.bundle.unwrap();
    let report = verify(&bundle, &Trusted::none().name(plan.job.circuits.unwrap())).unwrap();
    assert_eq!((report.node, &report.job), (SECOND, &plan.job));
    let file = "developer/jobs/1-0/bundle.zkb";
    assert_eq!(bundle, parties.read(file));
    // By the user's program as by `verify`.
    let circuits = report.circuits.to_string();
    let verified = parties.done(&["bundle", "verify", file, "--circuits", &circuits]);
    assert_eq!((&verified["accepted"], &verified["report"]), (&true.into(), &report.to_json()));
    parties.run(&["bundle", "verify", file]).failed(3, &["the bundle is refused", "circuits"]);
    assert_eq!(parties.done(&["bundle", "show", file])["job"]["id"], 1);
    parties.run(&["bundle", "show", "alice.csv"]).failed(2, &["alice.csv", "magic"]);

    assert!(parties.read(&format!("second/{ANSWER}")) == whole);

    // It proved its own iteration alone.
    let proofs = parties.files("second/proofs");
    let own = |name: &str| proofs.iter().any(|f| f.ends_with(name));
    for round in 0..2 * phases {
        assert_eq!(own(&format!("/step-{round}.zkp")), round >= phases, "{proofs:?}");
    }
    assert!(!proofs.iter().any(|f| f.contains("/extend-")), "{proofs:?}");

    // What was answered once stands: all parties have the first node's rounds and then the same ones, and the label logs
    // were only added to.
    let after = parties.read("second/rounds.bin");
    assert!(after.starts_with(&before));
    for (name, labels) in MEMBERS.iter().zip(labels) {
        assert!(parties.read(&format!("{name}/jobs/1-0/rounds.bin")) == after, "{name}");
        assert!(parties.read(&format!("{name}/labels.zklog")).starts_with(&labels), "{name}");
    }
    parties.done(&["decrypt-model", "--home", "developer", "--job-id", "1", "--out", "model.json"]);
    let score = parties.done(&["predict", "alice.csv", "--model", "model.json", "--score"]);
    assert!(score["accuracy"].as_f64().unwrap() > 0.7, "{score}");
}

/// The first node's part, but of a chain that counts the batch of offline shares twice: the proof holds, and nobody brings
/// such a chain to its end.
fn ending_nowhere(parties: &Parties, plan: &Plan, chain: &Chain) -> Accepted {
    let parties = parties.copy();
    fs::remove_file(parties.path("first/proofs/chain.zkp")).unwrap();
    let archive = Archive::open(&parties.path("first"), &plan.job).unwrap();
    let store = ProofStore::open(&archive).unwrap();
    let roots = chain.state.lock().unwrap().roots.clone();
    let program = Arc::new(Program::new(plan.job.clone(), &roots).unwrap());
    let circuits = plan.circuits.as_ref().unwrap();
    let prover = Prover {
        circuits,
        archive: &archive,
        store: store.clone(),
        program: program.clone(),
        roots,
        node: FIRST,
        ledger: None,
    };
    let (tasks, waiting) = channel();
    let data = [Task::Group { dataset: 0, group: 0 }, Task::Offline(0), Task::Offline(0)];
    data.into_iter().for_each(|task| tasks.send(task).unwrap());
    let phases = program.table.phases.len() as u64;
    let mut transcript = Transcript::new(program.clone(), archive.source(&plan.job, &program.table).unwrap());
    let mut round = 0;
    archive
        .replay(|answers| {
            if round < phases {
                let proofs = round_proofs(&store, round, MEMBERS.len() as u32)?;
                let view = transcript.view()?;
                tasks.send(Task::Phase(Box::new(PhaseTask { round, view, answers: answers.clone(), proofs })))?;
            }
            transcript.advance(&answers)?;
            round += 1;
            Ok(())
        })
        .unwrap();
    drop(tasks);
    let (proof, _) = prover.run(&waiting, &AtomicU64::new(0), &AtomicBool::new(false)).unwrap();
    let e = Elements::from_slice(proof.public_inputs()).unwrap();
    let rows_log2 = u8::try_from(circuits.link_rows_log2()).unwrap();
    let (tile_top, made, used, state) = (e.tile_top, e.made, e.used, e.state);
    let proof = proof.to_envelope(circuits.wrap.id());
    Accepted { node: FIRST, part: Part { iteration: e.iteration, tile_top, made, used, state, rows_log2, proof } }
}

#[test]
fn the_second_node_begins_anew_where_the_first_ones_chain_ends_nowhere() {
    let Stopped { parties, plan, chain } = &*STOPPED;
    let poison = ending_nowhere(parties, plan, chain);
    let (parties, chain) = (parties.copy(), chain.copy());
    chain.draw(SECOND);
    chain.state.lock().unwrap().proven = Some(poison);
    let finished = run(&parties, plan, "second", &chain.to(SECOND, u64::MAX)).unwrap();
    let paid = chain.state.lock().unwrap().paid.clone();
    assert_eq!(paid, [(FIRST, 1), (SECOND, 1)]);
    let report = verify(&finished.bundle.unwrap(), &Trusted::none().name(plan.job.circuits.unwrap())).unwrap();
    assert_eq!((report.node, &report.job), (SECOND, &plan.job));
    // All its own, from the first row group on.
    let proofs = parties.files("second/proofs");
    for name in ["/extend-0-0.zkp", "/step-0.zkp"] {
        assert!(proofs.iter().any(|f| f.ends_with(name)), "{proofs:?}");
    }
}

#[test]
fn a_part_that_is_not_the_jobs_is_not_gone_on_from() {
    let Stopped { parties, plan, chain } = &*STOPPED;
    let (parties, chain) = (parties.copy(), chain.copy());
    chain.draw(SECOND);
    let change = |change: &dyn Fn(&mut Accepted)| {
        let chain = chain.copy();
        change(chain.state.lock().unwrap().proven.as_mut().unwrap());
        format!("{:#}", run(&parties.copy(), plan, "second", &chain.to(SECOND, u64::MAX)).unwrap_err())
    };
    let why = change(&|accepted| accepted.part.state.0[0] ^= 1);
    assert!(why.contains("the accepted part up to iteration 1"), "{why}");
    let why = change(&|accepted| accepted.node = SECOND);
    assert!(why.contains("the accepted part up to iteration 1"), "{why}");
}

#[test]
fn a_round_that_nobody_has_whole_is_not_gone_on_from() {
    let Stopped { parties, plan, chain } = &*STOPPED;
    let (parties, chain) = (parties.copy(), chain.copy());
    chain.draw(SECOND);
    let [alice, developer] = MEMBERS.map(|name| parties.path(&format!("{name}/jobs/1-0/{ANSWER}")));
    damage(&alice);
    fs::remove_file(&developer).unwrap();
    let why = format!("{:#}", run(&parties, plan, "second", &chain.to(SECOND, u64::MAX)).unwrap_err());
    for fragment in ["the rounds from 0 on that member \"alice\" keeps", "answer of \"developer\" in iteration 0"] {
        assert!(why.contains(fragment), "{why}");
    }
    assert!(!parties.path("second/rounds.bin").exists());
    assert_eq!(chain.state.lock().unwrap().paid, [(FIRST, 1)]);
}
