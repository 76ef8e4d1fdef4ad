//! A member alone with a node that lies: the requests of a real job are played to it again, and between them what
//! a dishonest or broken node may send. It refuses with a reason, never panics, and still gives the answers of the
//! real job, byte for byte.

use crate::parties::{JobText, Parties, Random, table};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use zektra_agents::archive::StreamId;
use zektra_agents::local::{Message, Plan, Traffic, train};
use zektra_agents::member::{Connection, serve};
use zektra_agents::vault::Home;
use zektra_agents::wire;
use zektra_he::seat::SeatSecret;
use zektra_he::tile::tile_randomness;
use zektra_proto::node::v1 as pb;
use zektra_proto::node::v1::envelope::Body;
use zektra_proto::node::v1::reply::Reply;
use zektra_proto::node::v1::request::Request;
use zektra_proto::training::v1 as training;
use zektra_statement::digest::Fingerprint;
use zektra_statement::field::POLY_BYTES;
use zektra_statement::record::{Job, Plane};

const ALICE: usize = 0;
const DEVELOPER: usize = 1;

/// A job of alice, who owns the rows, and the developer, up to its end; the folders as they were before it.
struct Recorded {
    before: Parties,
    plan: Plan,
    messages: Vec<Message>,
}

fn recorded() -> Recorded {
    let label = |row: &[f64]| String::from(if row[0] > 0.0 { "1" } else { "0" });
    let before = Parties::new();
    before.seats(&["alice", "developer"]);
    before.write("alice.csv", table(1, 200, 3, label));
    before.schema("alice.csv", "y");
    before.encrypt(&["alice"]);
    before.job(&JobText::of(&["alice"], 2));
    let parties = before.copy();
    let plan = parties.plan();
    let traffic = Traffic::new(plan.homes.len(), true);
    train(&plan, &traffic, &mut |_, _, _| {}).unwrap();
    let messages = traffic.wire_log.unwrap().lock().unwrap().clone();
    Recorded { before, plan, messages }
}

impl Recorded {
    /// Requests to a member with their replies, in order.
    fn talk(&self, member: usize) -> Vec<(Request, Reply)> {
        let of = |m: &&Message| m.from == Some(member) || m.to == Some(member);
        let own: Vec<&Message> = self.messages.iter().filter(of).collect();
        own.chunks(2).map(|pair| (request_of(&pair[0].bytes), reply_of(&pair[1].bytes))).collect()
    }
}

fn request_of(bytes: &[u8]) -> Request {
    match wire::decode(bytes).unwrap() {
        Body::Request(pb::Request { request: Some(r) }) => r,
        _ => panic!("not a request"),
    }
}

fn reply_of(bytes: &[u8]) -> Reply {
    match wire::decode(bytes).unwrap() {
        Body::Reply(pb::Reply { reply: Some(r) }) => r,
        _ => panic!("not a reply"),
    }
}

/// A member in its own thread.
struct Served {
    requests: Sender<Vec<u8>>,
    replies: Receiver<Vec<u8>>,
    thread: JoinHandle<anyhow::Result<()>>,
}

struct End {
    requests: Receiver<Vec<u8>>,
    replies: Sender<Vec<u8>>,
}

impl Connection for End {
    fn receive(&mut self) -> anyhow::Result<Option<Vec<u8>>> {
        Ok(self.requests.recv().ok())
    }

    fn send(&mut self, bytes: Vec<u8>) -> anyhow::Result<()> {
        Ok(self.replies.send(bytes)?)
    }
}

impl Served {
    /// The member of a folder, whose owner approved the job of the folder's `job.toml`.
    fn start(parties: &Parties, name: &str) -> Self {
        Self::approving(parties, name, parties.plan().job.digest())
    }

    fn approving(parties: &Parties, name: &str, approved: Fingerprint) -> Self {
        let home = Home::open(&parties.path(name)).unwrap();
        let (requests, receive) = channel();
        let (send, replies) = channel();
        let mut end = End { requests: receive, replies: send };
        Self { requests, replies, thread: std::thread::spawn(move || serve(&home, &approved, None, &mut end)) }
    }

    /// Sends bytes and waits for the reply; a panic of the member is one here.
    fn ask_bytes(&self, bytes: Vec<u8>) -> Reply {
        self.requests.send(bytes).unwrap();
        reply_of(&self.replies.recv().expect("the member has gone"))
    }

    fn ask(&self, request: &Request) -> Reply {
        self.ask_bytes(wire::encode(Body::Request(pb::Request { request: Some(request.clone()) })))
    }

    /// Asserts that a request is refused, and why.
    #[track_caller]
    fn refuses(&self, request: &Request, reason: &str) {
        match self.ask(request) {
            Reply::Refused(r) => assert!(r.reason.contains(reason), "{:?} does not say {reason:?}", r.reason),
            reply => panic!("not refused: {}", name(&reply)),
        }
    }

    /// Asserts that a real request gets the real reply. Releases are sealed anew each time.
    #[track_caller]
    fn plays(&self, (request, reply): &(Request, Reply)) {
        let got = self.ask(request);
        if !matches!((&got, reply), (Reply::Finish(_), Reply::Finish(_))) {
            assert!(got == *reply, "{} instead of {}", name(&got), name(reply));
        }
    }

    fn ends(self) {
        drop(self.requests);
        self.thread.join().unwrap().unwrap();
    }
}

fn name(reply: &Reply) -> String {
    match reply {
        Reply::Refused(r) => format!("refused: {}", r.reason),
        reply => format!("{reply:?}").chars().take(60).collect(),
    }
}

fn pull(id: StreamId, first: u64, count: u32) -> Request {
    Request::Pull(pb::PullRequest { id: Some(id.to_pb()), first, count })
}

fn rounds(first: u64, count: u32) -> Request {
    Request::PullRounds(pb::PullRoundsRequest { first, count })
}

fn push(id: StreamId, first: u64, bytes: Vec<u8>) -> Request {
    let chunk = training::Chunk { id: Some(id.to_pb()), first, polynomials: bytes.into() };
    Request::Push(pb::PushRequest { chunk: Some(chunk) })
}

fn position(talk: &[(Request, Reply)], wanted: fn(&Request) -> bool) -> usize {
    talk.iter().position(|(r, _)| wanted(r)).unwrap()
}

fn is_lock(request: &Request) -> bool {
    matches!(request, Request::Lock(_))
}

fn is_phase(request: &Request) -> bool {
    matches!(request, Request::Phase(_))
}

fn is_finish(request: &Request) -> bool {
    matches!(request, Request::Finish(_))
}

#[test]
fn the_same_requests_get_the_same_bytes() {
    let recorded = recorded();
    for (member, folder) in [(ALICE, "alice"), (DEVELOPER, "developer")] {
        let parties = recorded.before.copy();
        let served = Served::start(&parties, folder);
        for step in recorded.talk(member) {
            served.plays(&step);
            // Asked once more, where that fits: opening and locking happen once.
            if !matches!(step.0, Request::Open(_) | Request::Lock(_)) {
                served.plays(&step);
            }
        }
        served.ends();
    }
}

#[test]
fn a_job_that_is_not_the_members_is_not_opened() {
    let recorded = recorded();
    let parties = recorded.before.copy();
    let served = Served::start(&parties, "alice");
    let talk = recorded.talk(ALICE);
    for (request, _) in &talk[1..] {
        served.refuses(request, "does not fit here: open a job first");
    }
    let job = &recorded.plan.job;
    let open = |job: &Job| Request::Open(pb::OpenRequest { job: Some(zektra_records::job_to_pb(job)) });
    served.refuses(&Request::Open(pb::OpenRequest { job: None }), "open.job: missing");
    type Change = fn(&mut Job);
    let cases: [(Change, &str); 9] = [
        (|j| j.seats[0].epoch += 1, "no seat of the job is this member's current one"),
        (|j| j.seats[0].release_key = [1; 32], "no seat of the job is this member's current one"),
        (|j| j.seats[0].name = "mallory".into(), "no seat of the job is this member's current one"),
        (|j| j.developer = 2, "job.developer: 2, expected below 2"),
        (|j| j.template.params.iterations = 4000, "are required: lower"),
        (|j| j.template.params.shift_w = 1, "the update map may expand"),
        (|j| j.datasets[0].dataset.rows += 1, "the job's record of dataset"),
        (|j| j.datasets[0].dataset.attempt += 1, "the job's record of dataset"),
        (|j| j.datasets[0].dataset.id.0[0] ^= 1, "is not in this vault"),
    ];
    let changed = cases.map(|(change, reason)| {
        let mut changed = job.clone();
        change(&mut changed);
        (changed, reason)
    });
    // Nothing of this vault is told to who asks with another job than the one that was approved.
    for (changed, _) in changed.iter().filter(|(j, _)| j.validate().is_ok()) {
        served.refuses(&open(changed), "is not the one that this member approved");
    }
    served.ends();
    for (changed, reason) in changed {
        let approving = Served::approving(&parties, "alice", changed.digest());
        approving.refuses(&open(&changed), reason);
        approving.ends();
        // The number is still free.
        assert!(!parties.path("alice/jobs").exists());
    }
    // Still usable.
    let served = Served::start(&parties, "alice");
    for step in &talk {
        served.plays(step);
    }
    served.ends();
}

/// `b − x` of one key under one `a` is the rows: a node that names alice's own dataset as another's gets no `x`.
#[test]
fn own_tiles_are_never_extended() {
    let recorded = recorded();
    let parties = recorded.before.copy();
    let mallory = SeatSecret::generate("mallory").unwrap().public();
    let mut job = recorded.plan.job.clone();
    (job.seats[1], job.id) = (mallory.clone(), 8);
    job.datasets[0].owner = 1;
    job.datasets[0].dataset.owner_key = mallory.key;
    let served = Served::approving(&parties, "alice", job.digest());
    let open = Request::Open(pb::OpenRequest { job: Some(zektra_records::job_to_pb(&job)) });
    served.refuses(&open, "is this member's own, the job says another's");
    served.refuses(&pull(StreamId::Extension { dataset: 0, member: 0 }, 0, 1), "open a job first");
    served.ends();
}

#[test]
fn streams_are_exchanged_within_their_bounds() {
    let recorded = recorded();
    let parties = recorded.before.copy();
    let served = Served::start(&parties, "developer");
    let talk = recorded.talk(DEVELOPER);
    let lock = position(&talk, is_lock);
    let total = 4;
    let own = StreamId::Extension { dataset: 0, member: 1 };
    let tiles = StreamId::Tiles { dataset: 0, member: 0 };
    let poly = vec![0; POLY_BYTES];
    served.plays(&talk[0]);
    served.refuses(&talk[0].0, "open does not fit here");
    served.refuses(&talk[lock].0, "it is too early to lock");
    served.refuses(&talk[position(&talk, is_phase)].0, "phase does not fit here");
    served.refuses(&talk[position(&talk, is_finish)].0, "finish does not fit here");
    let uniform = tile_randomness("local", Fingerprint::NONE, Plane::Features, 0, 0).to_bytes();
    for (request, reason) in [
        (pull(own, 0, 0), "expected within 0..4"),
        (pull(own, total, 1), "expected within 0..4"),
        (pull(own, 1, total as u32), "expected within 0..4"),
        (pull(own, u64::MAX, 1), "the range overflows"),
        (pull(own, 0, u32::MAX), "expected within 0..4"),
        (pull(StreamId::Extension { dataset: 1, member: 1 }, 0, 1), "is no stream of this stage"),
        (pull(StreamId::Extension { dataset: u32::MAX, member: 1 }, 0, 1), "is no stream of this stage"),
        (pull(StreamId::Extension { dataset: 0, member: 0 }, 0, 1), "is no stream of this stage"),
        (pull(StreamId::Offline { member: 1 }, 0, 1), "is no stream of this stage"),
        (pull(tiles, 0, 1), "is another member's stream"),
        (Request::Pull(pb::PullRequest { id: None, first: 0, count: 1 }), "pull.id: missing"),
        (push(own, 0, poly.clone()), "is this member's own stream"),
        (push(tiles, 0, vec![0; POLY_BYTES - 8]), "a multiple of 32768 bytes"),
        (push(tiles, 0, vec![0xff; POLY_BYTES]), "chunk.polynomials"),
        (push(tiles, 0, vec![]), "expected within 0..4"),
        (push(tiles, 0, vec![0; 5 * POLY_BYTES]), "expected within 0..4"),
        (push(tiles, 0, vec![0; 300 * POLY_BYTES]), "expected within 0..4"),
        (push(tiles, 0, poly.clone()), "looks like plaintext"),
        (push(tiles, 1, uniform), "polynomial 1 came, expected 0"),
        (push(tiles, u64::MAX, poly.clone()), "the range overflows"),
        (push(StreamId::Tiles { dataset: 3, member: 0 }, 0, poly.clone()), "is no stream of this stage"),
        (Request::Push(pb::PushRequest { chunk: None }), "push.chunk: missing"),
        (rounds(0, 1), "pull rounds does not fit here: open a job first"),
    ] {
        served.refuses(&request, reason);
    }
    let stage = talk[..lock].iter().filter(|(r, _)| !matches!(r, Request::Open(_)));
    stage.for_each(|step| served.plays(step));
    // More than there is, once all is there.
    served.refuses(&push(tiles, total, poly.clone()), "expected within 0..4");

    // The lock: other roots, none, one more; another id.
    let Request::Lock(pb::LockRequest { lock: Some(real) }) = &talk[lock].0 else { panic!("a lock") };
    let changed = |change: &dyn Fn(&mut training::Lock)| {
        let mut lock = real.clone();
        change(&mut lock);
        Request::Lock(pb::LockRequest { lock: Some(lock) })
    };
    let differ = "extension roots differ from the shares that this member received";
    served.refuses(&changed(&|l| l.extension_roots[0] = vec![1; 32].into()), differ);
    served.refuses(&changed(&|l| l.extension_roots.clear()), differ);
    served.refuses(&changed(&|l| l.extension_roots.push(vec![1; 32].into())), differ);
    served.refuses(&changed(&|l| l.extension_roots[0] = vec![1; 31].into()), "lock.extension_roots: 31 bytes");
    served.refuses(&changed(&|l| l.lock = vec![1; 32].into()), "differs from this member's");
    served.refuses(&Request::Lock(pb::LockRequest { lock: None }), "lock.lock: missing");
    served.plays(&talk[lock]);

    // Locked: nothing of the first stage any more, and nothing of the last too early.
    for (request, reason) in [
        (talk[0].0.clone(), "open does not fit here: the job is locked"),
        (talk[lock].0.clone(), "lock does not fit here: the job is locked"),
        (pull(own, 0, 1), "is no stream of this stage"),
        (push(tiles, 0, poly.clone()), "is no stream of this stage"),
        (push(StreamId::Offline { member: 1 }, 0, poly.clone()), "is this member's own stream"),
        (pull(StreamId::Offline { member: 0 }, 0, 1), "is another member's stream"),
        (pull(StreamId::Offline { member: 1 }, u64::MAX, 9), "the range overflows"),
        (rounds(0, 0), "0 rounds at once, expected 1 to 4"),
        (rounds(0, 5), "5 rounds at once, expected 1 to 4"),
        (rounds(0, 1), "rounds 0..1, expected within 0..0"),
        (rounds(u64::MAX, 1), "the range overflows"),
        (talk[position(&talk, is_phase)].0.clone(), "it is too early for a phase"),
        (talk[position(&talk, is_finish)].0.clone(), "it is too early for a phase"),
        (talk.last().unwrap().0.clone(), "it is too early for a phase"),
    ] {
        served.refuses(&request, reason);
    }
    talk[lock + 1..].iter().for_each(|step| served.plays(step));
    served.ends();
}

/// A changed `c` under a used label, or a claim about another state, is how a key would be drawn out.
#[test]
fn a_claim_must_be_the_members_own() {
    let recorded = recorded();
    let parties = recorded.before.copy();
    let served = Served::start(&parties, "alice");
    let talk = recorded.talk(ALICE);
    let phases: Vec<usize> = (0..talk.len()).filter(|i| is_phase(&talk[*i].0)).collect();
    talk[..phases[0]].iter().for_each(|step| served.plays(step));
    let mut earlier: Option<(Request, Reply)> = None;
    for at in phases {
        let Request::Phase(real) = &talk[at].0 else { panic!("a phase") };
        let with = |change: &dyn Fn(&mut training::Claim)| {
            let mut claim = real.claim.clone().unwrap();
            change(&mut claim);
            Request::Phase(pb::PhaseRequest { rounds: real.rounds.clone(), claim: Some(claim) })
        };
        let other = || vec![7; 32].into();
        served.refuses(&with(&|c| c.table = other()), "the node's phase table differs");
        served.refuses(&with(&|c| c.opened = other()), "the node's opened values U differs");
        served.refuses(&with(&|c| c.multipliers = other()), "the node's multipliers c differs");
        served.refuses(&with(&|c| c.iteration += 1), "the node's position differs");
        served.refuses(&with(&|c| c.phase ^= 1), "the node's position differs");
        served.refuses(&with(&|c| c.table = vec![7; 5].into()), "claim.table: 5 bytes");
        let missing = Request::Phase(pb::PhaseRequest { rounds: real.rounds.clone(), claim: None });
        served.refuses(&missing, "phase.claim: missing");
        if let Some((request, _)) = &earlier {
            served.refuses(request, "the node's position differs");
        }
        served.plays(&talk[at]);
        served.plays(&talk[at]);
        earlier = Some(talk[at].clone());
    }
    talk[position(&talk, is_finish)..].iter().for_each(|step| served.plays(step));
    served.ends();
}

#[test]
fn rounds_must_be_whole_and_hold_the_own_answer() {
    let recorded = recorded();
    let parties = recorded.before.copy();
    let served = Served::start(&parties, "alice");
    let talk = recorded.talk(ALICE);
    let second = position(&talk, is_phase) + 1;
    talk[..second].iter().for_each(|step| served.plays(step));
    let Request::Phase(real) = &talk[second].0 else { panic!("a phase") };
    let with = |change: &dyn Fn(&mut training::Round)| {
        let mut rounds = real.rounds.clone();
        change(&mut rounds[0]);
        Request::Phase(pb::PhaseRequest { rounds, claim: real.claim.clone() })
    };
    let finish_early = Request::Finish(pb::FinishRequest { rounds: vec![], bundle: Default::default() });
    let changed = "this member's own answer came back changed";
    let flip = |bytes: &mut prost::bytes::Bytes| {
        let mut changed = bytes.to_vec();
        changed[0] ^= 1;
        *bytes = changed.into();
    };
    let large = |bytes: &mut prost::bytes::Bytes| {
        let mut changed = bytes.to_vec();
        changed[..8].copy_from_slice(&(1u64 << 63).to_le_bytes());
        *bytes = changed.into();
    };
    for (request, reason) in [
        (with(&|r| r.answers.clear()), "a round without answers"),
        (with(&|r| drop(r.answers.pop())), "is missing, expected one answer a member"),
        (with(&|r| r.answers.push(r.answers[1].clone())), "number of"),
        (with(&|r| r.answers.swap(0, 1)), changed),
        (with(&|r| flip(&mut r.answers[0].y[0])), changed),
        (with(&|r| flip(&mut r.answers[0].g[0])), changed),
        (with(&|r| flip(&mut r.answers[0].shares[0])), changed),
        (with(&|r| r.answers[0].attempt = 1), changed),
        (with(&|r| r.answers[1].member = 0), "member is 0, expected 1"),
        (with(&|r| r.answers[1].iteration = 1), "iteration is 1, expected 0"),
        (with(&|r| r.answers[1].attempt = 1), "attempt is 1, expected 0"),
        (with(&|r| drop(r.answers[1].y.pop())), "number of y"),
        (with(&|r| r.answers[1].y[0] = vec![0; 8].into()), "length of y"),
        (with(&|r| r.answers[1].y[0] = vec![0xff; 8].into()), "answer.y"),
        (with(&|r| r.answers[1].g[0] = vec![0; 8].into()), "answer.g"),
        (with(&|r| r.answers[1].shares[0] = vec![0xff; 32].into()), "answer.shares"),
        (with(&|r| large(&mut r.answers[1].y[0])), "a member's share is malformed"),
        (finish_early, "the job is not finished: iteration 0 of 2"),
    ] {
        match served.ask(&request) {
            // An answer too many is refused by its place or its form, whichever comes first.
            Reply::Refused(r) if reason == "number of" => {
                assert!(r.reason.contains("answer of member 2"), "{}", r.reason)
            }
            Reply::Refused(r) => assert!(r.reason.contains(reason), "{:?} does not say {reason:?}", r.reason),
            reply => panic!("not refused ({reason}): {}", name(&reply)),
        }
    }
    // Nothing of it was recorded.
    talk[second..].iter().for_each(|step| served.plays(step));
    served.ends();
}

#[test]
fn a_false_outcome_is_not_taken() {
    let recorded = recorded();
    let parties = recorded.before.copy();
    let talk = recorded.talk(DEVELOPER);
    let served = Served::start(&parties, "developer");
    let (real, last) = talk.split_last().unwrap();
    last.iter().for_each(|step| served.plays(step));
    let Request::Deliver(pb::DeliverRequest { outcome: Some(outcome) }) = &real.0 else { panic!("an outcome") };
    let not_ours = "the outcome is not that of the job this member took part in";
    type Change = fn(&mut training::Outcome);
    let other_weights: Change = |o| {
        let mut opened = o.states[0].opened.to_vec();
        opened[0] ^= 1;
        o.states[0].opened = opened.into();
    };
    let cases: [(Change, &str); 9] = [
        (other_weights, not_ours),
        (|o| o.states[0].shares.swap(0, 1), not_ours),
        (|o| o.states.clear(), not_ours),
        (|o| o.transcript = vec![1; 32].into(), not_ours),
        (|o| o.lock = vec![1; 32].into(), not_ours),
        (|o| o.job.as_mut().unwrap().id += 1, not_ours),
        (|o| o.schema = o.schema.replace("gain = 2", "gain = 3"), not_ours),
        (|o| o.job = None, "outcome.job: missing"),
        (|o| drop(o.releases.pop()), "there are 0 releases, expected one of each of the 1 other members"),
    ];
    for (change, reason) in cases {
        let mut changed = outcome.clone();
        change(&mut changed);
        assert_ne!(&changed, outcome, "{reason}");
        served.refuses(&Request::Deliver(pb::DeliverRequest { outcome: Some(changed) }), reason);
    }
    served.refuses(&Request::Deliver(pb::DeliverRequest { outcome: None }), "deliver.outcome: missing");
    assert!(!parties.path("developer/jobs/1-0/outcome.zk").exists());
    served.plays(real);
    assert!(parties.path("developer/jobs/1-0/outcome.zk").exists());
    served.ends();
    // Only the developer takes it.
    let alice = Served::start(&parties, "alice");
    recorded.talk(ALICE).iter().for_each(|step| alice.plays(step));
    alice.refuses(&real.0, "a model is delivered to the developer alone");
    alice.ends();
}

/// A node chooses neither developer nor template nor beacon: a job that the owner did not approve is not opened.
#[test]
fn a_job_that_was_not_approved_is_not_opened() {
    let recorded = recorded();
    let parties = recorded.before.copy();
    let talk = recorded.talk(ALICE);
    let Request::Open(pb::OpenRequest { job: Some(job) }) = &talk[0].0 else { panic!("a job") };
    let served = Served::start(&parties, "alice");
    let stranger = zektra_records::seat_to_pb(&SeatSecret::generate("stranger").unwrap().public());
    let changes: [&dyn Fn(&mut training::Job); 4] = [
        &|j| j.beacon = vec![1; 32].into(),
        &|j| j.seats[DEVELOPER] = stranger.clone(),
        &|j| j.template.as_mut().unwrap().params.as_mut().unwrap().iterations += 1,
        &|j| {
            j.template.as_mut().unwrap().id = "cubic-classifier/1".into();
            j.trusted_inputs = true;
        },
    ];
    for change in changes {
        let mut other = job.clone();
        change(&mut other);
        served
            .refuses(&Request::Open(pb::OpenRequest { job: Some(other) }), "is not the one that this member approved");
    }
    assert!(!parties.path("alice/jobs").exists(), "a refused job leaves nothing");
    talk.iter().for_each(|step| served.plays(step));
    served.ends();
}

/// A second job under the same number and attempt, with other shares: the label log remembers the first.
#[test]
fn a_number_stands_for_one_job_even_without_its_folder() {
    let recorded = recorded();
    let parties = recorded.before.copy();
    let talk = recorded.talk(ALICE);
    let served = Served::start(&parties, "alice");
    talk.iter().for_each(|step| served.plays(step));
    served.ends();
    // The folder is lost, the log is not.
    std::fs::remove_dir_all(parties.path("alice/jobs")).unwrap();
    let Request::Open(pb::OpenRequest { job: Some(job) }) = &talk[0].0 else { panic!("a job") };
    let mut other = job.clone();
    other.beacon = vec![1; 32].into();
    let served = Served::approving(&parties, "alice", zektra_records::job_from_pb(&other).unwrap().digest());
    assert!(matches!(served.ask(&Request::Open(pb::OpenRequest { job: Some(other.clone()) })), Reply::Open(_)));
    let lock = position(&talk, is_lock);
    talk[1..lock].iter().for_each(|step| served.plays(step));
    let Request::Lock(pb::LockRequest { lock: Some(real) }) = &talk[lock].0 else { panic!("a lock") };
    let (roots, _) = wire::lock_from_pb(real).unwrap();
    let id = zektra_records::job_from_pb(&other).unwrap().lock_id(&roots);
    let request = Request::Lock(pb::LockRequest { lock: Some(wire::lock_to_pb(&roots, &id)) });
    served.refuses(&request, "was used before with another content");
    served.ends();
    // The first job itself may be played again from the start.
    std::fs::remove_dir_all(parties.path("alice/jobs")).unwrap();
    let served = Served::start(&parties, "alice");
    talk.iter().for_each(|step| served.plays(step));
    served.ends();
}

#[test]
fn no_bytes_make_a_member_panic() {
    let recorded = recorded();
    let talk = recorded.talk(ALICE);
    let bytes_of = |r: &Request| wire::encode(Body::Request(pb::Request { request: Some(r.clone()) }));
    let mut random = Random(5);
    // Between the requests of the real job: noise, ends cut off, requests of other stages, replies, other objects.
    let parties = recorded.before.copy();
    let served = Served::start(&parties, "alice");
    for step in &talk {
        for _ in 0..20 {
            let length = random.word() % 200;
            let noise: Vec<u8> = (0..length).map(|_| random.word() as u8).collect();
            assert!(matches!(served.ask_bytes(noise), Reply::Refused(_)));
        }
        let whole = bytes_of(&step.0);
        for _ in 0..10 {
            let end = random.word() as usize % whole.len();
            assert!(matches!(served.ask_bytes(whole[..end].to_vec()), Reply::Refused(_)));
        }
        for reply in [&step.1, &Reply::Push(pb::PushReply {})] {
            let reply = wire::encode(Body::Reply(pb::Reply { reply: Some(reply.clone()) }));
            assert!(matches!(served.ask_bytes(reply), Reply::Refused(_)));
        }
        assert!(matches!(
            served.ask_bytes(wire::encode(Body::Request(pb::Request { request: None }))),
            Reply::Refused(_)
        ));
        served.plays(step);
    }
    served.ends();
    // Every request with bits turned, in every stage: whatever it answers, it answers.
    for stage in 0..talk.len() {
        let parties = recorded.before.copy();
        let served = Served::start(&parties, "alice");
        talk[..stage].iter().for_each(|step| served.plays(step));
        for (request, _) in &talk[stage..] {
            let whole = bytes_of(request);
            for _ in 0..3 {
                let mut changed = whole.clone();
                // Mostly at the start, where lengths and numbers are.
                let reach = if random.word().is_multiple_of(2) { whole.len().min(200) } else { whole.len() };
                let at = random.word() as usize % reach;
                changed[at] ^= 1 << (random.word() % 8);
                if let Reply::Lock(_) = served.ask_bytes(changed) {
                    break;
                }
            }
        }
        served.ends();
    }
}
