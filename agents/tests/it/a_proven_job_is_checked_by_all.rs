//! A job with proofs by the real commands; and what happens when one of them is missing, late or false.

use crate::parties::{JobText, Parties, table};
use std::collections::BTreeMap;
use std::fs;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, LazyLock};
use zektra_agents::local::Plan;
use zektra_agents::member::{Connection, serve};
use zektra_agents::node::{Finished, Link, Node};
use zektra_agents::wire;
use zektra_proto::node::v1 as pb;
use zektra_proto::node::v1::envelope::Body;
use zektra_proto::node::v1::reply::Reply;
use zektra_proto::node::v1::request::Request;
use zektra_verify::bundle::Bundle;
use zektra_verify::known::Trusted;
use zektra_verify::verify::verify;

const TRAIN: [&str; 3] = ["train", "--job", "job.toml"];
const ENCRYPT: [&str; 9] =
    ["encrypt", "alice.csv", "--schema", "schema.toml", "--home", "alice", "--name", "alice", "--prove"];

/// An owner with one row group, a developer, one iteration.
static PREPARED: LazyLock<Parties> = LazyLock::new(|| {
    let parties = Parties::new();
    parties.seats(&["alice", "developer"]);
    let label = |row: &[f64]| String::from(if row[0] > row[1] { "1" } else { "0" });
    parties.write("alice.csv", table(1, 100, 5, label));
    parties.schema("alice.csv", "y");
    let done = parties.done(&ENCRYPT);
    assert_eq!(done["proofs"], 1);
    parties.job(&JobText { more: "prove = true", ..JobText::of(&["alice"], 1) });
    parties
});

/// Its record and circuits, which all tests share.
static PLAN: LazyLock<Plan> = LazyLock::new(|| PREPARED.plan());

fn proofs(parties: &Parties) -> BTreeMap<String, Vec<u8>> {
    let files = parties.files("node/jobs/1-0/proofs");
    files.into_iter().map(|f| (f.clone(), parties.read(&f))).collect()
}

/// caps 6 to 9, 52, 65: the job is proven through a kill −9, no finished proof is made twice, the bundle is
/// accepted and is the developer's too, and what it commits to is what the developer decrypts.
#[test]
fn a_killed_node_repeats_no_finished_proof() {
    let parties = PREPARED.copy();
    let mut child = parties.start(&TRAIN);
    let step = parties.path("node/jobs/1-0/proofs/step-0.zkp");
    while !step.exists() && child.try_wait().unwrap().is_none() {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    assert!(child.try_wait().unwrap().is_none(), "done before it was killed");
    child.kill().unwrap();
    child.wait().unwrap();
    let before = proofs(&parties);
    assert!(before.len() > 6, "{:?}", before.keys());
    assert!(!parties.path("node/jobs/1-0/bundle.zkb").exists());

    let done = parties.done(&TRAIN);
    let after = proofs(&parties);
    for (file, bytes) in before.iter().filter(|(f, _)| !f.ends_with("chain.zkp") && !f.ends_with(".partial")) {
        assert!(after[file] == *bytes, "{file} was made again");
    }
    let bytes = parties.read("node/jobs/1-0/bundle.zkb");
    assert_eq!(done["bundle"]["bytes"], bytes.len());
    assert_eq!(bytes, parties.read("developer/jobs/1-0/bundle.zkb"));
    let circuits = Bundle::decode(&bytes).unwrap().job.circuits.unwrap();
    let report = verify(&bytes, &Trusted::none().name(circuits)).unwrap();
    assert_eq!(report.job, PLAN.job);
    assert_eq!(report.model.len(), 1);
    parties.done(&["decrypt-model", "--home", "developer", "--job-id", "1", "--out", "model.json"]);

    // A job that is proven is only delivered again.
    let again = parties.done(&TRAIN);
    assert_eq!(again["transcript"], done["transcript"]);
    assert_eq!(bytes, parties.read("node/jobs/1-0/bundle.zkb"));
    assert!(proofs(&parties) == after);
}

/// A rotated key's tiles get proofs of their own, whatever stood there.
#[test]
fn a_rotated_key_proves_its_tiles_again() {
    let parties = PREPARED.copy();
    let proof = "alice/vault/alice/proofs/tile-0-0.zkp";
    let before = parties.read(proof);
    parties.done(&ENCRYPT);
    assert!(parties.read(proof) == before, "it was made again for the same key");
    parties.done(&["seat", "rotate", "--home", "alice"]);
    assert_eq!(parties.done(&ENCRYPT)["proofs"], 1);
    let after = parties.read(proof);
    assert!(after != before);
    // Under the new key it is not made twice.
    parties.done(&ENCRYPT);
    assert!(parties.read(proof) == after);
}

/// Requests on their way to a member, and replies on their way back, to be changed; `None` loses a request.
trait Meddler: Send + Sync {
    fn request(&self, _member: usize, request: Request) -> Option<Request> {
        Some(request)
    }
    fn reply(&self, _member: usize, reply: Reply) -> Reply {
        reply
    }
}

struct Between {
    member: usize,
    meddler: Arc<dyn Meddler>,
    requests: Sender<Vec<u8>>,
    replies: Receiver<Vec<u8>>,
    /// What is answered for a member that never got the request.
    instead: Option<Reply>,
}

impl Link for Between {
    fn send(&mut self, bytes: Vec<u8>) -> anyhow::Result<()> {
        let Body::Request(pb::Request { request: Some(request) }) = wire::decode(&bytes)? else { panic!("no request") };
        let lost = match request {
            Request::PushProof(_) => Reply::PushProof(pb::PushProofReply {}),
            _ => Reply::Push(pb::PushReply {}),
        };
        match self.meddler.request(self.member, request) {
            Some(request) => {
                let bytes = wire::encode(Body::Request(pb::Request { request: Some(request) }));
                Ok(self.requests.send(bytes)?)
            }
            None => {
                self.instead = Some(lost);
                Ok(())
            }
        }
    }

    fn receive(&mut self) -> anyhow::Result<Vec<u8>> {
        if let Some(reply) = self.instead.take() {
            return Ok(wire::encode(Body::Reply(pb::Reply { reply: Some(reply) })));
        }
        let Body::Reply(pb::Reply { reply: Some(reply) }) = wire::decode(&self.replies.recv()?)? else {
            panic!("no reply")
        };
        let reply = self.meddler.reply(self.member, reply);
        Ok(wire::encode(Body::Reply(pb::Reply { reply: Some(reply) })))
    }
}

struct Member(Receiver<Vec<u8>>, Sender<Vec<u8>>);

impl Connection for Member {
    fn receive(&mut self) -> anyhow::Result<Option<Vec<u8>>> {
        Ok(self.0.recv().ok())
    }
    fn send(&mut self, bytes: Vec<u8>) -> anyhow::Result<()> {
        let _ = self.1.send(bytes);
        Ok(())
    }
}

/// Runs the job on fresh folders with someone in the middle.
fn train(meddler: impl Meddler + 'static) -> (Parties, anyhow::Result<Finished>) {
    go_on(PREPARED.copy(), meddler)
}

/// Runs the job, or goes on with it, with someone in the middle.
fn go_on(parties: Parties, meddler: impl Meddler + 'static) -> (Parties, anyhow::Result<Finished>) {
    let meddler: Arc<dyn Meddler> = Arc::new(meddler);
    let circuits = PLAN.circuits.as_ref().unwrap();
    let approved = PLAN.job.digest();
    let ended = std::thread::scope(|scope| {
        let mut links: Vec<Box<dyn Link>> = vec![];
        for (member, name) in ["alice", "developer"].into_iter().enumerate() {
            let (requests, to_member) = channel();
            let (to_node, replies) = channel();
            links.push(Box::new(Between { member, meddler: meddler.clone(), requests, replies, instead: None }));
            let home = zektra_agents::vault::Home::open(&parties.path(name)).unwrap();
            let approved = &approved;
            scope.spawn(move || {
                serve(&home, approved, Some(&circuits.shares), &mut Member(to_member, to_node)).unwrap()
            });
        }
        let folder = parties.path("node/jobs/1-0");
        fs::create_dir_all(&folder).unwrap();
        let node = Node::open(&folder, PLAN.job.clone(), Some(circuits), links);
        node.and_then(|n| n.run(PLAN.schema.to_toml(), &mut |_, _, _| {}))
    });
    (parties, ended)
}

/// Asserts that nobody answered a phase that was not reached, and that the error says who owes what.
#[track_caller]
fn stopped((parties, ended): (Parties, anyhow::Result<Finished>), rounds: bool, fragments: &[&str]) -> Parties {
    let error = format!("{:#}", ended.unwrap_err());
    for fragment in fragments {
        assert!(error.contains(fragment), "{fragment:?} is not in {error:?}");
    }
    assert_eq!(parties.path("node/jobs/1-0/rounds.bin").exists(), rounds, "{error}");
    assert!(!parties.path("developer/jobs/1-0/outcome.zk").exists());
    parties
}

/// Changes pushed proofs.
struct Pushes(fn(&mut pb::PushProofRequest) -> bool, usize);

impl Meddler for Pushes {
    fn request(&self, member: usize, request: Request) -> Option<Request> {
        match request {
            Request::PushProof(mut push) if member == self.1 => (self.0)(&mut push).then_some(Request::PushProof(push)),
            other => Some(other),
        }
    }
}

fn flip(bytes: &prost::bytes::Bytes) -> prost::bytes::Bytes {
    let mut changed = bytes.to_vec();
    let middle = changed.len() / 2;
    changed[middle] ^= 1;
    changed.into()
}

fn is(push: &pb::PushProofRequest, kind: zektra_proto::training::v1::Proof) -> bool {
    push.id.as_ref().unwrap().proof() == kind
}

/// The proofs before the phases: no member answers without each of them, true.
#[test]
fn a_proof_that_is_missing_or_false_before_the_phases() {
    use zektra_proto::training::v1::Proof;
    let missing = |push: &mut pb::PushProofRequest| !is(push, Proof::Tile);
    stopped(train(Pushes(missing, 1)), false, &["\"developer\" refuses", "Tile", "\"alice\" is missing"]);
    let false_tile = |push: &mut pb::PushProofRequest| {
        push.proof = flip(&push.proof);
        true
    };
    stopped(train(Pushes(false_tile, 1)), false, &["\"developer\" refuses", "Tile", "alice"]);
    let parties = stopped(train(Pushes(false_tile, 0)), false, &["\"alice\" refuses", "Extension", "developer"]);
    // The proof or the shares are false: the shares are dropped, and come again when the job goes on.
    let shares = "alice/jobs/1-0/extension-0-1.bin";
    assert!(parties.read(shares).is_empty());
    let missing = |push: &mut pb::PushProofRequest| !is(push, Proof::Offline);
    let refused = &["\"alice\" refuses", "Offline", "\"developer\" is missing"];
    let parties = stopped(go_on(parties, Pushes(missing, 0)), false, refused);
    assert_eq!(parties.read(shares), parties.read("node/jobs/1-0/extension-0-1.bin"));
    let false_offline = |push: &mut pb::PushProofRequest| {
        if is(push, Proof::Offline) {
            push.proof = flip(&push.proof);
        }
        true
    };
    stopped(train(Pushes(false_offline, 0)), false, &["\"alice\" refuses", "Offline", "developer"]);
}

/// Changes the rounds that a member is told of.
struct Rounds(fn(&mut zektra_proto::training::v1::Round));

impl Meddler for Rounds {
    fn request(&self, member: usize, request: Request) -> Option<Request> {
        match request {
            Request::Phase(mut phase) if member == 0 => {
                phase.rounds.iter_mut().for_each(self.0);
                Some(Request::Phase(phase))
            }
            other => Some(other),
        }
    }
}

/// Changes a member's answers on their way to the node.
struct Answers(fn(&mut pb::PhaseReply));

impl Meddler for Answers {
    fn reply(&self, member: usize, reply: Reply) -> Reply {
        match reply {
            Reply::Phase(mut phase) if member == 1 => {
                (self.0)(&mut phase);
                Reply::Phase(phase)
            }
            other => other,
        }
    }
}

/// The proof behind another's answer: alice does not answer the next phase, and the node records no round
/// whose proofs are not all true.
#[test]
fn a_proof_that_is_missing_or_false_behind_an_answer() {
    let refuses = &["\"alice\" refuses", "answer of \"developer\" in iteration 0, phase 0"];
    stopped(train(Rounds(|round| round.proofs.truncate(1))), true, &[refuses[0], refuses[1], "missing"]);
    stopped(train(Rounds(|round| round.proofs[1] = flip(&round.proofs[1]))), true, refuses);
    // A true proof, and an answer that is not the one that it is of.
    let other_answer = |round: &mut zektra_proto::training::v1::Round| {
        let mut y = round.answers[1].y[0].to_vec();
        y[0] ^= 1;
        round.answers[1].y[0] = y.into();
    };
    stopped(train(Rounds(other_answer)), true, refuses);
    let owes = &["member \"developer\" owes a true answer", "in iteration 0, phase 0"];
    stopped(train(Answers(|reply| reply.proof = flip(&reply.proof))), false, owes);
}
