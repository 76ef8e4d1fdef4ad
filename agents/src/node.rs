//! The compute node's side of a job: collects what members make, evaluates, asks, records.
//!
//! The node holds no secret. What it has is on disk before it is used, so that a killed job goes on
//! from its last finished phase.

use crate::archive::{Archive, ArchiveSource, CHUNK, StreamId, data_streams, offline_streams, refuse_plaintext};
use crate::proofs::{self, ProofId, ProofStore, data_proofs, offline_proofs};
use crate::prover::{self, Ledger, PhaseTask, Prover, QUEUE, Task};
use crate::wire;
use anyhow::{Context as _, Result, bail, ensure};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::sync_channel;
use zektra_he::transcript::{Answer, PhaseView, Program, Transcript};
use zektra_proto::node::v1 as pb;
use zektra_proto::node::v1::envelope::Body;
use zektra_proto::node::v1::reply::Reply;
use zektra_proto::node::v1::request::Request;
use zektra_proto::training::v1 as training;
use zektra_prove::chain::NodeCircuits;
use zektra_prove::circuit::Proof;
use zektra_statement::chain::States;
use zektra_statement::digest::Fingerprint;
use zektra_statement::record::Job;

/// Characters of a member's refusal that are kept.
const MAX_REASON: usize = 1000;
/// Recorded rounds in one message, of some 750 KB each if they are proven.
pub(crate) const ROUNDS: usize = 4;

/// How the node reaches one member. Requests may be sent to several members before replies are read.
pub trait Link {
    /// Sends a request.
    ///
    /// # Errors
    /// A broken link.
    fn send(&mut self, bytes: Vec<u8>) -> Result<()>;

    /// Waits for the reply.
    ///
    /// # Errors
    /// A broken link.
    fn receive(&mut self) -> Result<Vec<u8>>;
}

/// Where a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Tiles and extension shares, in polynomials.
    Collecting,
    /// Proofs of tiles and extension shares.
    DataProofs,
    /// Offline shares, in polynomials.
    Offline,
    /// Proofs of offline shares.
    OfflineProofs,
    /// Phases.
    Training,
    /// The node's own proofs that are still to be made.
    Proving,
    /// A node is to be drawn: blocks.
    Waiting,
    /// Circuits that are built, or read where they were built before.
    Circuits,
    /// Releases.
    Releasing,
}

impl Stage {
    /// What people read.
    pub fn name(self) -> &'static str {
        match self {
            Self::Collecting => "tiles and extension shares",
            Self::DataProofs => "proofs of tiles and shares",
            Self::Offline => "offline shares",
            Self::OfflineProofs => "proofs of offline shares",
            Self::Training => "training on ciphertext",
            Self::Proving => "proving what was computed",
            Self::Waiting => "waiting for a node",
            Self::Circuits => "circuits",
            Self::Releasing => "releases",
        }
    }
}

/// Is told how far a job is: stage, done, total.
pub type Progress<'a> = &'a mut dyn FnMut(Stage, u64, u64);

/// A node's work on one job.
pub struct Node<'a> {
    job: Job,
    archive: Archive,
    links: Vec<Box<dyn Link + 'a>>,
    /// What each member has of each stream.
    have: Vec<BTreeMap<StreamId, u64>>,
    /// Which proofs each member has.
    known: Vec<BTreeSet<ProofId>>,
    proving: Option<Proving>,
    ledger: Option<&'a dyn Ledger>,
}

/// What a node has for a job that is proven.
#[derive(Clone)]
struct Proving {
    circuits: Arc<NodeCircuits>,
    store: ProofStore,
}

impl<'a> Node<'a> {
    /// Opens the job with all members, one link a seat in the order of the seats.
    ///
    /// # Errors
    /// A member that refuses; a folder that cannot be used.
    pub fn open(
        folder: &Path,
        job: Job,
        circuits: Option<&Arc<NodeCircuits>>,
        links: Vec<Box<dyn Link + 'a>>,
    ) -> Result<Self> {
        ensure!(links.len() == job.seats.len(), "{} links for {} seats", links.len(), job.seats.len());
        let archive = Archive::open(folder, &job)?;
        let proving = match (&job.circuits, circuits) {
            (None, _) => None,
            (Some(named), Some(circuits)) => {
                let own = circuits.digest();
                ensure!(own == *named, "the job names the circuits {named}, those at hand are {own}");
                Some(Proving { circuits: circuits.clone(), store: ProofStore::open(&archive)? })
            }
            (Some(_), None) => bail!("the job is to be proven, and this node has no circuits for it"),
        };
        let mut node = Self { job, archive, links, have: Vec::new(), known: Vec::new(), proving, ledger: None };
        let open = Request::Open(pb::OpenRequest { job: Some(zektra_records::job_to_pb(&node.job)) });
        for reply in node.ask_all(|_| Some(open.clone()))?.into_iter().flatten() {
            let Reply::Open(reply) = reply else {
                bail!("a member answered something else than was asked");
            };
            let one = |h: pb::Have| Ok((StreamId::from_pb(h.id.as_ref().context("have.id: missing")?)?, h.polynomials));
            node.have.push(reply.have.into_iter().map(one).collect::<Result<_>>()?);
            node.known.push(reply.proofs.iter().map(ProofId::from_pb).collect::<Result<_>>()?);
        }
        Ok(node)
    }

    /// Records the job on a ledger as it goes on.
    #[must_use]
    pub fn on(mut self, ledger: &'a dyn Ledger) -> Self {
        self.ledger = Some(ledger);
        self
    }

    /// What proofs call this node.
    fn name(&self) -> Fingerprint {
        self.ledger.map_or_else(|| proofs::local_node(&self.job), |ledger| ledger.node())
    }

    /// Sends each member its request, if it has one, then reads all replies.
    fn ask_all(&mut self, request: impl Fn(usize) -> Option<Request>) -> Result<Vec<Option<Reply>>> {
        let mut asked = Vec::new();
        for (i, link) in self.links.iter_mut().enumerate() {
            let request = request(i);
            asked.push(request.is_some());
            if let Some(request) = request {
                link.send(wire::encode(Body::Request(pb::Request { request: Some(request) })))?;
            }
        }
        // All replies are read before any refusal is reported: no link may be left in the middle.
        let mut replies = Vec::new();
        for (i, link) in self.links.iter_mut().enumerate() {
            replies.push(if asked[i] { Some(link.receive()?) } else { None });
        }
        let seats = &self.job.seats;
        let decode = |(i, bytes): (usize, Option<Vec<u8>>)| {
            let Some(bytes) = bytes else {
                return Ok(None);
            };
            let who = || format!("member {:?}", seats[i].name);
            match wire::decode(&bytes).with_context(who)? {
                Body::Reply(pb::Reply { reply: Some(Reply::Refused(r)) }) => {
                    // Shown to people: no control sequences from another party's text.
                    let reason = r.reason.chars().filter(|c| !c.is_control()).take(MAX_REASON).collect();
                    Err(Refused { member: seats[i].name.clone(), reason }.into())
                }
                Body::Reply(pb::Reply { reply: Some(reply) }) => Ok(Some(reply)),
                _ => bail!("{} sent no reply", who()),
            }
        };
        replies.into_iter().enumerate().map(decode).collect()
    }

    /// Makes every party have all of `streams`.
    fn exchange(&mut self, streams: &[(StreamId, u64)], stage: Stage, progress: Progress<'_>) -> Result<()> {
        let total: u64 = streams.iter().map(|(_, count)| count).sum();
        loop {
            let done: u64 = streams.iter().map(|(id, _)| self.archive.have(*id)).sum();
            progress(stage, done, total);
            // One chunk of each member's first unfinished stream at a time: all members work at once.
            let wanted: Vec<Option<(StreamId, u64, u64)>> = (0..self.links.len() as u32)
                .map(|m| {
                    let own = streams.iter().filter(|(id, _)| id.member() == m);
                    let mut missing = own.map(|&(id, count)| (id, self.archive.have(id), count));
                    missing
                        .find(|(_, have, count)| have < count)
                        .map(|(id, have, count)| (id, have, CHUNK.min(count - have)))
                })
                .collect();
            if wanted.iter().all(Option::is_none) {
                break;
            }
            let replies = self.ask_all(|m| {
                wanted[m].map(|(id, first, count)| {
                    Request::Pull(pb::PullRequest { id: Some(id.to_pb()), first, count: count as u32 })
                })
            })?;
            for (reply, wanted) in replies.into_iter().zip(&wanted) {
                let (Some(reply), Some((id, first, count))) = (reply, wanted) else { continue };
                let Reply::Pull(pb::PullReply { chunk: Some(chunk) }) = reply else {
                    bail!("a member answered something else than was asked");
                };
                let polys = wire::polys_from_bytes(&chunk.polynomials)?;
                ensure!(
                    chunk.first == *first && polys.len() as u64 == *count,
                    "{id:?}: polynomials {}..+{} came, {first}..+{count} were asked for",
                    chunk.first,
                    polys.len()
                );
                refuse_plaintext(*id, *first, &polys)?;
                self.archive.append(*id, *first, &chunk.polynomials)?;
            }
        }
        self.distribute(streams, total, stage, progress)
    }

    fn distribute(
        &mut self,
        streams: &[(StreamId, u64)],
        total: u64,
        stage: Stage,
        progress: Progress<'_>,
    ) -> Result<()> {
        loop {
            let wanted: Vec<Option<(StreamId, u64, u64)>> = (0..self.links.len())
                .map(|m| {
                    let others = streams.iter().filter(|(id, _)| id.member() as usize != m);
                    let mut missing =
                        others.map(|&(id, count)| (id, self.have[m].get(&id).copied().unwrap_or(0), count));
                    missing
                        .find(|(_, have, count)| have < count)
                        .map(|(id, have, count)| (id, have, CHUNK.min(count - have)))
                })
                .collect();
            if wanted.iter().all(Option::is_none) {
                return Ok(());
            }
            let mut chunks = Vec::new();
            for want in &wanted {
                chunks.push(match want {
                    Some((id, first, count)) => {
                        let polynomials = self.archive.bytes(*id, *first, *count)?.into();
                        Some(training::Chunk { id: Some(id.to_pb()), first: *first, polynomials })
                    }
                    None => None,
                });
            }
            self.ask_all(|m| chunks[m].clone().map(|c| Request::Push(pb::PushRequest { chunk: Some(c) })))?;
            for (m, want) in wanted.into_iter().enumerate() {
                if let Some((id, first, count)) = want {
                    self.have[m].insert(id, first + count);
                }
            }
            progress(stage, total, total);
        }
    }

    /// Makes every party have all of these proofs; each is checked by all.
    fn exchange_proofs(
        &mut self,
        ids: &[ProofId],
        program: Option<&Arc<Program>>,
        stage: Stage,
        progress: Progress<'_>,
    ) -> Result<()> {
        let Some(Proving { circuits, store }) = self.proving.clone() else { return Ok(()) };
        let total = ids.len() as u64;
        loop {
            let done = ids.iter().filter(|id| store.has(**id)).count() as u64;
            progress(stage, done, total);
            // One proof of each member at a time: all members work at once.
            let wanted: Vec<Option<ProofId>> = (0..self.links.len() as u32)
                .map(|m| ids.iter().copied().find(|id| id.member() == m && !store.has(*id)))
                .collect();
            if wanted.iter().all(Option::is_none) {
                break;
            }
            let replies = self
                .ask_all(|m| wanted[m].map(|id| Request::PullProof(pb::PullProofRequest { id: Some(id.to_pb()) })))?;
            for (reply, id) in replies.into_iter().zip(wanted) {
                let (Some(reply), Some(id)) = (reply, id) else { continue };
                let Reply::PullProof(pb::PullProofReply { proof }) = reply else {
                    bail!("a member answered something else than was asked");
                };
                proofs::take(&circuits.shares, &self.archive, &store, &self.job, program, id, &proof)?;
            }
        }
        loop {
            let wanted: Vec<Option<ProofId>> = (0..self.links.len())
                .map(|m| {
                    let others = ids.iter().copied().filter(|id| id.member() as usize != m);
                    others.into_iter().find(|id| !self.known[m].contains(id))
                })
                .collect();
            if wanted.iter().all(Option::is_none) {
                return Ok(());
            }
            let mut requests = Vec::new();
            for want in &wanted {
                requests.push(match want {
                    Some(id) => {
                        let proof = store.read(*id)?.into();
                        Some(Request::PushProof(pb::PushProofRequest { id: Some(id.to_pb()), proof }))
                    }
                    None => None,
                });
            }
            self.ask_all(|m| requests[m].clone())?;
            for (m, want) in wanted.into_iter().enumerate() {
                self.known[m].extend(want);
            }
        }
    }

    /// Runs the job to its end and delivers the outcome to the developer.
    ///
    /// # Errors
    /// A member that refuses, a malformed message, a disk that is full. What was done stays recorded.
    pub fn run(mut self, schema: String, progress: Progress<'_>) -> Result<Finished> {
        self.exchange(&data_streams(&self.job), Stage::Collecting, progress)?;
        self.exchange_proofs(&data_proofs(&self.job), None, Stage::DataProofs, progress)?;
        let roots = self.archive.roots(&self.job)?;
        if self.proving.is_some() {
            proofs::check_roots(&self.archive, &self.job)?;
        }
        let program = Arc::new(Program::new(self.job.clone(), &roots)?);
        if let Some(ledger) = self.ledger {
            ledger.lock(&roots, &program.lock)?;
        }
        let lock = wire::lock_to_pb(&roots, &program.lock);
        let lock = Request::Lock(pb::LockRequest { lock: Some(lock) });
        let phases = program.table.phases.len() as u64;
        let mut at = Vec::new();
        for reply in self.ask_all(|_| Some(lock.clone()))?.into_iter().flatten() {
            let Reply::Lock(r) = reply else {
                bail!("a member answered something else than was asked");
            };
            at.push(u64::from(r.iteration) * phases + u64::from(r.phase));
        }
        self.exchange(&offline_streams(&self.job, &program.table), Stage::Offline, progress)?;
        self.exchange_proofs(
            &offline_proofs(&self.job, &program.table),
            Some(&program),
            Stage::OfflineProofs,
            progress,
        )?;
        let Some(Proving { circuits, store }) = self.proving.clone() else {
            let (transcript, news) = self.train(&program, &at, &mut |_| Ok(()), progress)?;
            let outcome = self.finish(&program, &transcript, news, schema, &[], progress)?;
            return Ok(Finished { outcome, bundle: None });
        };

        // Proofs are made behind the phases, on a folder of their own.
        let archive = Archive::open(self.archive.folder(), &self.job)?;
        let prover = Prover {
            circuits: &circuits,
            archive: &archive,
            store,
            program: program.clone(),
            roots: roots.clone(),
            node: self.name(),
            ledger: self.ledger,
        };
        let (done, total) = (AtomicU64::new(0), Prover::links(&program));
        let stop = AtomicBool::new(false);
        // A job that is proven already is only delivered again.
        let known = self.archive.folder().join(crate::bundles::NAME);
        if known.exists() {
            let bundle = crate::files::read(&known)?;
            let (transcript, news) = self.train(&program, &at, &mut |_| Ok(()), progress)?;
            crate::bundles::check(&bundle, &program, &transcript, None)?;
            let outcome = self.finish(&program, &transcript, news, schema, &bundle, progress)?;
            return Ok(Finished { outcome, bundle: Some(bundle) });
        }
        std::thread::scope(|scope| {
            let (tasks, waiting) = sync_channel::<Task>(QUEUE);
            let worker = scope.spawn(|| {
                // Owned here: when the worker ends early, whoever waits to send is told.
                let waiting = waiting;
                prover.run(&waiting, &done, &stop)
            });
            let mut send = |task: Task| tasks.send(task).ok().context("the prover has stopped");
            let trained = self
                .send_data(&program, &mut send)
                .and_then(|()| self.train(&program, &at, &mut |task| send(Task::Phase(task)), progress));
            // Before it is told that nothing follows: it would take the end of what was sent for the job's.
            stop.store(trained.is_err(), Ordering::Relaxed);
            drop(tasks);
            if trained.is_ok() {
                while !worker.is_finished() {
                    progress(Stage::Proving, done.load(Ordering::Relaxed), total);
                    std::thread::sleep(std::time::Duration::from_millis(100));
                }
                progress(Stage::Proving, total, total);
            }
            let proven = worker.join().unwrap_or_else(|e| std::panic::resume_unwind(e));
            let (last, states) = match (proven, &trained) {
                (Ok(proven), Ok(_)) => proven,
                (Err(e), Err(_)) if e.is::<prover::Stopped>() => {
                    return Err(trained.err().context("training stopped")?);
                }
                // Its own error explains why nothing could be sent to it.
                (Err(e), _) => return Err(e.context("cannot prove the job")),
                (Ok(_), Err(_)) => return Err(trained.err().context("training stopped")?),
            };
            let (transcript, news) = trained?;
            let bundle = self.bundle(&program, &roots, &circuits, &last, &states)?;
            let outcome = self.finish(&program, &transcript, news, schema, &bundle, progress)?;
            Ok(Finished { outcome, bundle: Some(bundle) })
        })
    }

    /// Hands the row groups and the batches of offline shares to the prover.
    fn send_data(&self, program: &Program, send: &mut dyn FnMut(Task) -> Result<()>) -> Result<()> {
        for (dataset, d) in (0u32..).zip(&self.job.datasets) {
            for group in 0..u64::from(d.dataset.groups) {
                send(Task::Group { dataset, group })?;
            }
        }
        let mut batch = 0;
        while !proofs::batch_range(&program.table, batch).is_empty() {
            send(Task::Offline(batch))?;
            batch += 1;
        }
        Ok(())
    }

    /// Runs what is left of the phases, and tells of each phase what its proof needs.
    fn train(
        &mut self,
        program: &Arc<Program>,
        at: &[u64],
        prove: &mut dyn FnMut(Box<PhaseTask>) -> Result<()>,
        progress: Progress<'_>,
    ) -> Result<(Transcript<ArchiveSource>, Vec<training::Round>)> {
        let phases = program.table.phases.len() as u64;
        let members = self.job.members();
        let mut transcript = Transcript::new(program.clone(), self.archive.source(&self.job, &program.table)?);
        let mut done = 0u64;
        let proving = self.proving.clone();
        self.archive.replay(|answers| {
            if let Some(Proving { store, .. }) = &proving {
                let proofs = prover::round_proofs(store, done, members)?;
                let (view, answers) = (transcript.view()?, answers.clone());
                prove(Box::new(PhaseTask { round: done, view, answers, proofs }))?;
            }
            transcript.advance(&answers)?;
            done += 1;
            Ok(())
        })?;
        let total = u64::from(program.table.iterations) * phases;
        while done < at.iter().copied().max().unwrap_or(0).min(total) {
            progress(Stage::Training, done, total);
            self.fetch(program, at, &mut transcript, &mut done, prove)?;
        }
        self.catch_up(at, done)?;
        // The round that members have not been told yet.
        let mut news: Vec<training::Round> = vec![];
        while !transcript.finished() {
            progress(Stage::Training, done, total);
            let (_, claim) = transcript.evaluate()?;
            let claim = wire::claim_to_pb(&claim);
            let replies = self.ask_all(|_| {
                Some(Request::Phase(pb::PhaseRequest { rounds: news.clone(), claim: Some(claim.clone()) }))
            })?;
            let (mut answers, mut round_proofs) = (Vec::new(), Vec::new());
            for reply in replies.into_iter().flatten() {
                let Reply::Phase(pb::PhaseReply { answer: Some(answer), proof }) = reply else {
                    bail!("a member answered something else than was asked");
                };
                answers.push(wire::answer_from_pb(&answer)?);
                round_proofs.push(proof.to_vec());
            }
            let mut task = None;
            if let Some(Proving { circuits, store }) = &proving {
                let view = transcript.view()?;
                self.check_round(circuits, program, &transcript, &view, &answers, &round_proofs)?;
                // Before the round is: a recorded round has its proofs.
                prover::keep_round_proofs(store, done, &round_proofs)?;
                let (answers, proofs) = (answers.clone(), round_proofs.clone());
                task = Some(Box::new(PhaseTask { round: done, view, answers, proofs }));
            }
            transcript.advance(&answers)?;
            self.archive.append_round(&answers)?;
            task.map_or(Ok(()), &mut *prove)?;
            let proofs = if proving.is_some() { &round_proofs[..] } else { &[] };
            news = vec![wire::proven_round_to_pb(&answers, proofs)];
            done += 1;
        }
        progress(Stage::Training, total, total);
        Ok((transcript, news))
    }

    /// Takes the next rounds that this node does not have from a member that does: those before the place of each in `at`.
    /// They were made with another node, or lost here; who began the job does not matter to what was answered.
    fn fetch(
        &mut self,
        program: &Arc<Program>,
        at: &[u64],
        transcript: &mut Transcript<ArchiveSource>,
        done: &mut u64,
        prove: &mut dyn FnMut(Box<PhaseTask>) -> Result<()>,
    ) -> Result<()> {
        let mut why = None;
        let first = *done;
        // Those whose copies were not what was proven come last.
        let tried = self.proving.as_ref().map_or(Ok(0), |p| prover::copies_tried(&p.store))?;
        let members = at.iter().copied().enumerate();
        let members = members.clone().skip(tried).chain(members.take(tried));
        for (m, have) in members.filter(|(_, have)| *have > first) {
            let whose = format!("the rounds from {first} on that member {:?} keeps", self.job.seats[m].name);
            let count = (ROUNDS as u64).min(have - first) as u32;
            let taken = self.pull_rounds(m, first, count).and_then(|rounds| {
                rounds.into_iter().try_for_each(|round| self.take_round(program, transcript, done, round, prove))
            });
            match taken {
                Ok(()) => return Ok(()),
                // What came is here: the rest is asked for again, from others too.
                Err(_) if *done > first => return Ok(()),
                // Another member may have them as they were.
                Err(e) => why = Some(why.unwrap_or_else(|| e.context(whose))),
            }
        }
        Err(why.context("no member has the next round")?)
    }

    fn pull_rounds(&mut self, member: usize, first: u64, count: u32) -> Result<Vec<training::Round>> {
        let request = Request::PullRounds(pb::PullRoundsRequest { first, count });
        let replies = self.ask_all(|m| (m == member).then(|| request.clone()))?;
        let Some(Reply::PullRounds(reply)) = replies.into_iter().flatten().next() else {
            bail!("a member answered something else than was asked");
        };
        ensure!(reply.rounds.len() == count as usize, "{} came, {count} were asked for", reply.rounds.len());
        Ok(reply.rounds)
    }

    /// Checks a round that a member kept, and records it here.
    fn take_round(
        &self,
        program: &Arc<Program>,
        transcript: &mut Transcript<ArchiveSource>,
        done: &mut u64,
        round: training::Round,
        prove: &mut dyn FnMut(Box<PhaseTask>) -> Result<()>,
    ) -> Result<()> {
        let answers = wire::round_from_pb(&round)?;
        let mut task = None;
        if let Some(Proving { circuits, store }) = &self.proving {
            let view = transcript.view()?;
            let proofs: Vec<_> = round.proofs.iter().take(self.job.seats.len()).map(|p| p.to_vec()).collect();
            self.check_round(circuits, program, transcript, &view, &answers, &proofs)?;
            prover::keep_round_proofs(store, *done, &proofs)?;
            task = Some(Box::new(PhaseTask { round: *done, view, answers: answers.clone(), proofs }));
        }
        transcript.advance(&answers)?;
        self.archive.append_round(&answers)?;
        *done += 1;
        task.map_or(Ok(()), prove)
    }

    /// Sends each member the recorded rounds that it missed, of `done` in all; it has those before its place in `at`.
    fn catch_up(&mut self, at: &[u64], done: u64) -> Result<()> {
        let oldest = at.iter().copied().min().unwrap_or(done);
        if oldest >= done {
            return Ok(());
        }
        let archive = Archive::open(self.archive.folder(), &self.job)?;
        let (members, store) = (self.job.members(), self.proving.as_ref().map(|p| p.store.clone()));
        let (mut missed, mut round): (Vec<(u64, training::Round)>, _) = (vec![], 0u64);
        archive.replay(|answers| {
            if round >= oldest {
                let proofs = store.as_ref().map(|s| prover::round_proofs(s, round, members)).transpose()?;
                missed.push((round, wire::proven_round_to_pb(&answers, &proofs.unwrap_or_default())));
            }
            round += 1;
            if missed.len() == ROUNDS || round == done {
                let of = |m: usize| missed.iter().filter(move |(k, _)| *k >= at[m]).map(|(_, r)| r.clone());
                self.ask_all(|m| {
                    let rounds: Vec<_> = of(m).collect();
                    (!rounds.is_empty()).then_some(Request::Rounds(pb::RoundsRequest { rounds }))
                })?;
                missed.clear();
            }
            Ok(())
        })?;
        Ok(())
    }

    /// Checks the proofs of all answers to a phase: a false one is its member's debt.
    fn check_round(
        &self,
        circuits: &NodeCircuits,
        program: &Program,
        transcript: &Transcript<ArchiveSource>,
        view: &PhaseView,
        answers: &[Answer],
        round_proofs: &[Vec<u8>],
    ) -> Result<()> {
        for (index, seat) in (0u32..).zip(&self.job.seats) {
            let at = index as usize;
            let (answer, bytes) = (answers.get(at), round_proofs.get(at).map(|b| &b[..]));
            let checked = proofs::check_answer(&circuits.shares, program, transcript, view, index, answer, bytes);
            checked.with_context(|| format!("member {:?} owes a true answer", seat.name))?;
        }
        Ok(())
    }

    fn bundle(
        &self,
        program: &Program,
        roots: &[zektra_statement::digest::Fingerprint],
        circuits: &NodeCircuits,
        last: &Proof,
        states: &States,
    ) -> Result<Vec<u8>> {
        let node = self.name();
        let bundle = zektra_parties::bundle::bundle(circuits, &program.job, roots, node, last, states).encode();
        crate::files::write(&self.archive.folder().join(crate::bundles::NAME), &bundle)?;
        Ok(bundle)
    }

    fn finish<S: zektra_he::transcript::Source>(
        &mut self,
        program: &Program,
        transcript: &Transcript<S>,
        news: Vec<training::Round>,
        schema: String,
        bundle: &[u8],
        progress: Progress<'_>,
    ) -> Result<training::Outcome> {
        let members = self.links.len() as u64;
        progress(Stage::Releasing, 0, members);
        let replies = self.ask_all(|_| {
            let bundle = bundle.to_vec().into();
            Some(Request::Finish(pb::FinishRequest { rounds: news.clone(), bundle }))
        })?;
        let developer = self.job.developer as usize;
        let mut releases = Vec::new();
        for (member, reply) in replies.into_iter().flatten().enumerate() {
            // The developer keeps its own share.
            match reply {
                Reply::Finish(pb::FinishReply { release: None }) if member == developer => {}
                Reply::Finish(pb::FinishReply { release: Some(release) }) if member != developer => {
                    releases.push(release);
                }
                _ => bail!("a member answered something else than was asked"),
            }
        }
        if let Some(ledger) = self.ledger {
            ledger.releases(&releases)?;
        }
        let released = program.table.released.iter();
        let states = released.map(|&s| (s, transcript.opened(s).to_vec(), transcript.shares(s).to_vec())).collect();
        let outcome = training::Outcome {
            job: Some(zektra_records::job_to_pb(&self.job)),
            lock: program.lock.0.to_vec().into(),
            transcript: transcript.digest().0.to_vec().into(),
            states: wire::states_to_pb(&states),
            releases,
            schema,
            authenticator: Default::default(),
        };
        let deliver = Request::Deliver(pb::DeliverRequest { outcome: Some(outcome.clone()) });
        self.ask_all(|m| (m == developer).then(|| deliver.clone()))?;
        progress(Stage::Releasing, members, members);
        Ok(outcome)
    }
}

/// What comes of a job.
#[derive(Debug)]
pub struct Finished {
    /// What the developer decrypts.
    pub outcome: training::Outcome,
    /// The bundle that proves it, if it is proven.
    pub bundle: Option<Vec<u8>>,
}

/// A member said no.
#[derive(Clone, Debug, thiserror::Error)]
#[error("member {member:?} refuses: {reason}")]
pub struct Refused {
    /// Who.
    pub member: String,
    /// Why.
    pub reason: String,
}
