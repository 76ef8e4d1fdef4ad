//! The compute node's side of a job: collects what members make, evaluates, asks, records.
//!
//! The node holds no secret. What it has is on disk before it is used, so that a killed job goes on
//! from its last finished phase.

use crate::archive::{Archive, CHUNK, StreamId, data_streams, offline_streams, refuse_plaintext};
use crate::wire;
use anyhow::{Context as _, Result, bail, ensure};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use zektra_he::transcript::{Answer, Program, Transcript};
use zektra_proto::node::v1 as pb;
use zektra_proto::node::v1::envelope::Body;
use zektra_proto::node::v1::reply::Reply;
use zektra_proto::node::v1::request::Request;
use zektra_proto::training::v1 as training;
use zektra_statement::record::Job;

/// Characters of a member's refusal that are kept.
const MAX_REASON: usize = 1000;

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
    /// Offline shares, in polynomials.
    Offline,
    /// Phases.
    Training,
    /// Releases.
    Releasing,
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
}

impl<'a> Node<'a> {
    /// Opens the job with all members, one link a seat in the order of the seats.
    ///
    /// # Errors
    /// A member that refuses; a folder that cannot be used.
    pub fn open(folder: &Path, job: Job, links: Vec<Box<dyn Link + 'a>>) -> Result<Self> {
        ensure!(links.len() == job.seats.len(), "{} links for {} seats", links.len(), job.seats.len());
        let archive = Archive::open(folder, &job)?;
        let mut node = Self { job, archive, links, have: Vec::new() };
        let open = Request::Open(pb::OpenRequest { job: Some(wire::job_to_pb(&node.job)) });
        for reply in node.ask_all(|_| Some(open.clone()))?.into_iter().flatten() {
            let Reply::Open(reply) = reply else {
                bail!("a member answered something else than was asked");
            };
            let one = |h: pb::Have| Ok((StreamId::from_pb(h.id.as_ref().context("have.id: missing")?)?, h.polynomials));
            node.have.push(reply.have.into_iter().map(one).collect::<Result<_>>()?);
        }
        Ok(node)
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

    /// Runs the job to its end and delivers the outcome to the developer.
    ///
    /// # Errors
    /// A member that refuses, a malformed message, a disk that is full. What was done stays recorded.
    pub fn run(mut self, schema: String, progress: Progress<'_>) -> Result<training::Outcome> {
        self.exchange(&data_streams(&self.job), Stage::Collecting, progress)?;
        let roots = self.archive.roots(&self.job)?;
        let program = Arc::new(Program::new(self.job.clone(), &roots)?);
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

        let mut transcript = Transcript::new(program.clone(), self.archive.source(&self.job, &program.table)?);
        let mut recorded: Vec<Vec<Answer>> = Vec::new();
        let oldest = at.iter().copied().min().unwrap_or(0);
        let mut done = 0u64;
        self.archive.replay(|answers| {
            transcript.advance(&answers)?;
            if done >= oldest {
                recorded.push(answers);
            }
            done += 1;
            Ok(())
        })?;
        if let Some(ahead) = at.iter().position(|&a| a > done) {
            bail!(
                "{:?} has recorded {} rounds, this node only {done}: copy rounds.bin from that member's folder of this job to {}",
                self.job.seats[ahead].name,
                at[ahead],
                self.archive.folder().display()
            );
        }
        let total = u64::from(program.table.iterations) * phases;
        // What each member has not been told yet.
        let mut news: Vec<Vec<training::Round>> = at
            .iter()
            .map(|&a| recorded.iter().skip((a - oldest) as usize).map(|r| wire::round_to_pb(r)).collect())
            .collect();
        drop(recorded);
        while !transcript.finished() {
            progress(Stage::Training, done, total);
            let (_, claim) = transcript.evaluate()?;
            let claim = wire::claim_to_pb(&claim);
            let replies = self.ask_all(|m| {
                Some(Request::Phase(pb::PhaseRequest { rounds: news[m].clone(), claim: Some(claim.clone()) }))
            })?;
            let mut answers = Vec::new();
            for reply in replies.into_iter().flatten() {
                let Reply::Phase(pb::PhaseReply { answer: Some(answer) }) = reply else {
                    bail!("a member answered something else than was asked");
                };
                answers.push(wire::answer_from_pb(&answer)?);
            }
            transcript.advance(&answers)?;
            self.archive.append_round(&answers)?;
            news = vec![vec![wire::round_to_pb(&answers)]; self.links.len()];
            done += 1;
        }
        progress(Stage::Training, total, total);
        self.finish(&program, &transcript, news, schema, progress)
    }

    fn finish<S: zektra_he::transcript::Source>(
        &mut self,
        program: &Program,
        transcript: &Transcript<S>,
        news: Vec<Vec<training::Round>>,
        schema: String,
        progress: Progress<'_>,
    ) -> Result<training::Outcome> {
        let members = self.links.len() as u64;
        progress(Stage::Releasing, 0, members);
        let replies = self.ask_all(|m| Some(Request::Finish(pb::FinishRequest { rounds: news[m].clone() })))?;
        let mut releases = Vec::new();
        for reply in replies.into_iter().flatten() {
            let Reply::Finish(pb::FinishReply { release: Some(release) }) = reply else {
                bail!("a member answered something else than was asked");
            };
            releases.push(release);
        }
        let released = program.table.released.iter();
        let states = released.map(|&s| (s, transcript.opened(s).to_vec(), transcript.shares(s).to_vec())).collect();
        let outcome = training::Outcome {
            job: Some(wire::job_to_pb(&self.job)),
            lock: program.lock.0.to_vec().into(),
            transcript: transcript.digest().0.to_vec().into(),
            states: wire::states_to_pb(&states),
            releases,
            schema,
            authenticator: Default::default(),
        };
        let developer = self.job.developer as usize;
        let deliver = Request::Deliver(pb::DeliverRequest { outcome: Some(outcome.clone()) });
        self.ask_all(|m| (m == developer).then(|| deliver.clone()))?;
        progress(Stage::Releasing, members, members);
        Ok(outcome)
    }
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
