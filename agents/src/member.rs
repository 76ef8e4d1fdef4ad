//! The member's side of a job: an owner or the developer answers a compute node's requests.
//!
//! What the node may ask, in order: open the job, pull own polynomials, push those of others, lock,
//! pull and push offline shares, phases, finish, deliver. A request that does not fit is refused with
//! the reason; the member stays as it was.

use crate::archive::{
    Archive, ArchiveSource, StreamId, data_streams, offline_index, offline_streams, refuse_plaintext,
};
use crate::bundles;
use crate::node::ROUNDS;
use crate::proofs::{self, ProofId, ProofStore, data_proofs, offline_proofs};
use crate::prover;
use crate::schema::Schema;
use crate::vault::{Home, schema_digest};
use crate::wire;
use anyhow::{Context as _, Result, bail, ensure};
use prost::bytes::Bytes;
use std::sync::Arc;
use zektra_he::log::{LabelLog, MAX_LABELS};
use zektra_he::member::{Member, extend};
use zektra_he::profile::Profile;
use zektra_he::release;
use zektra_he::seat::SeatSecret;
use zektra_he::transcript::{Answer, Multipliers, Program};
use zektra_parties::share;
use zektra_proto::node::v1 as pb;
use zektra_proto::node::v1::envelope::Body;
use zektra_proto::node::v1::reply::Reply;
use zektra_proto::node::v1::request::Request;
use zektra_prove::chain::ShareCircuits;
use zektra_statement::digest::Fingerprint;
use zektra_statement::record::{Dataset, Job, Plane, Seat};

/// How a member hears a node.
pub trait Connection {
    /// The next request, or `None` when the node has hung up.
    ///
    /// # Errors
    /// A broken connection.
    fn receive(&mut self) -> Result<Option<Vec<u8>>>;

    /// Sends a reply.
    ///
    /// # Errors
    /// A broken connection.
    fn send(&mut self, bytes: Vec<u8>) -> Result<()>;
}

/// Answers requests about one job until the node hangs up.
///
/// `approved` is the digest of the job that the member's owner agreed to: whatever else the node
/// opens is refused, for a node chooses neither the developer, nor the template, nor whom to trust.
///
/// `circuits` are those of the approved job, if it is one that is proven: then the member proves what it
/// sends, and multiplies its key with nothing before the proofs of what stands behind it are found true.
///
/// # Errors
/// A broken connection, or a home that cannot be used. Refusals are sent to the node and are no errors.
pub fn serve(
    home: &Home,
    approved: &Fingerprint,
    circuits: Option<&Arc<ShareCircuits>>,
    connection: &mut dyn Connection,
) -> Result<()> {
    let connection = &mut Guarded { connection, home: home.path().display().to_string() };
    let seat = home.seat()?;
    let mut log = home.log(&seat)?;
    let mut before: Option<Open> = None;
    let program = loop {
        let Some(request) = next(connection)? else {
            return Ok(());
        };
        let outcome = match (request, &mut before) {
            (Request::Open(r), None) => open(home, &seat, &log, approved, circuits, r).map(|(open, reply)| {
                before = Some(open);
                Step::Reply(reply)
            }),
            (Request::Pull(r), Some(open)) => open.pull(&seat, &mut log, &r).map(Step::Reply),
            (Request::Push(r), Some(open)) => open.push(&r).map(Step::Reply),
            (Request::PullProof(r), Some(open)) => open.pull_proof(&seat, &r).map(Step::Reply),
            (Request::PushProof(r), Some(open)) => open.push_proof(&r).map(Step::Reply),
            (Request::Lock(r), Some(open)) => open.lock(&seat, &mut log, &r).map(|p| Step::Locked(Arc::new(p))),
            (r, _) => Err(anyhow::anyhow!("{} does not fit here: open a job first", name_of(&r))),
        };
        match outcome {
            Ok(Step::Reply(reply)) => answer(connection, reply)?,
            Ok(Step::Locked(program)) => break program,
            Err(e) => refuse(connection, &e)?,
        }
    };
    let Some(open) = before else {
        bail!("locked without a job");
    };
    let mut session = match Session::start(home, &seat, &mut log, open, program) {
        Ok(session) => session,
        Err(e) => return refuse(connection, &e),
    };
    match session.position() {
        Ok(position) => answer(connection, Reply::Lock(position))?,
        Err(e) => return refuse(connection, &e),
    }
    while let Some(request) = next(connection)? {
        match session.handle(request) {
            Ok(reply) => answer(connection, reply)?,
            Err(e) => refuse(connection, &e)?,
        }
    }
    Ok(())
}

enum Step {
    Reply(Reply),
    Locked(Arc<Program>),
}

fn next(connection: &mut Guarded<'_>) -> Result<Option<Request>> {
    loop {
        let Some(bytes) = connection.connection.receive()? else {
            return Ok(None);
        };
        match wire::decode(&bytes) {
            Ok(Body::Request(pb::Request { request: Some(request) })) => return Ok(Some(request)),
            Ok(_) => refuse(connection, &anyhow::anyhow!("expected a request"))?,
            Err(e) => refuse(connection, &e.into())?,
        }
    }
}

fn answer(connection: &mut Guarded<'_>, reply: Reply) -> Result<()> {
    connection.connection.send(wire::encode(Body::Reply(pb::Reply { reply: Some(reply) })))
}

/// A connection that tells nothing of the member's own machine.
struct Guarded<'a> {
    connection: &'a mut dyn Connection,
    home: String,
}

fn refuse(connection: &mut Guarded<'_>, error: &anyhow::Error) -> Result<()> {
    let reason = hidden(&format!("{error:#}"), &connection.home);
    answer(connection, Reply::Refused(pb::Refused { reason }))
}

/// A text without the paths of files below `home`, which may hold spaces; the names of what is below hold none.
fn hidden(text: &str, home: &str) -> String {
    let mut parts = text.split(home);
    let mut out = parts.next().unwrap_or_default().to_string();
    for part in parts {
        out.push_str("(a file of this member)");
        out.push_str(part.find([' ', ':']).map_or("", |end| &part[end..]));
    }
    out
}

fn name_of(request: &Request) -> &'static str {
    match request {
        Request::Open(_) => "open",
        Request::Pull(_) => "pull",
        Request::Push(_) => "push",
        Request::Lock(_) => "lock",
        Request::Phase(_) => "phase",
        Request::Rounds(_) => "rounds",
        Request::Finish(_) => "finish",
        Request::Deliver(_) => "deliver",
        Request::PullProof(_) => "pull a proof",
        Request::PushProof(_) => "push a proof",
        Request::PullRounds(_) => "pull rounds",
    }
}

/// A job before it is locked.
struct Open {
    job: Job,
    index: u32,
    archive: Archive,
    proving: Option<Proving>,
    /// Where the proofs of own tiles are.
    own_tiles: Vec<(u32, std::path::PathBuf)>,
}

/// What a member of a proven job has besides.
#[derive(Clone)]
struct Proving {
    circuits: Arc<ShareCircuits>,
    store: ProofStore,
}

impl Proving {
    /// Refuses to go on without the proofs of others. They were checked when they came; what they are about may
    /// have changed on the disk since, so they are checked again against the bytes that are used from here on.
    fn demand(
        &self,
        archive: &Archive,
        job: &Job,
        own: u32,
        program: Option<&Arc<Program>>,
        ids: &[ProofId],
    ) -> Result<()> {
        for id in ids.iter().filter(|id| id.member() != own) {
            let whose = || &job.seats[id.member() as usize].name;
            ensure!(self.store.has(*id), "{id:?} by {:?} is missing", whose());
            proofs::check(&self.circuits, archive, job, program, *id, &self.store.read(*id)?)?;
        }
        Ok(())
    }
}

fn open(
    home: &Home,
    seat: &SeatSecret,
    log: &LabelLog,
    approved: &Fingerprint,
    circuits: Option<&Arc<ShareCircuits>>,
    request: pb::OpenRequest,
) -> Result<(Open, Reply)> {
    let job = zektra_records::job_from_pb(request.job.as_ref().context("open.job: missing")?)?;
    // First: nothing is said of this vault to a job that nobody approved.
    let digest = job.digest();
    ensure!(digest == *approved, "job {digest} is not the one that this member approved, {approved}");
    let index = own_seat(&job, seat).context("no seat of the job is this member's current one")?;
    if index == job.developer {
        // Before anything is answered: without it neither the model can be opened nor a release be disputed.
        home.release_secret(seat, &job.seats[index as usize].release_key)?;
    }
    Profile::of(&job)?.check()?;
    // An extension share of this member's own tiles would be a second encryption under the same randomness.
    for d in job.datasets.iter().filter(|d| d.owner != index) {
        let own = home.find_tiles(d.dataset.id);
        ensure!(own.is_none(), "dataset {} is this member's own, the job says another's", d.dataset.id);
    }
    let mut own_tiles = Vec::new();
    for (dataset, d) in (0u32..).zip(&job.datasets).filter(|(_, d)| d.owner == index) {
        let id = d.dataset.id;
        let tiles = home.find_tiles(id).with_context(|| format!("dataset {id} of the job is not in this vault"))?;
        let manifest = tiles.with_file_name("manifest.zk");
        let (name, own, schema) = crate::vault::read_manifest(&manifest)?;
        ensure!(own == d.dataset, {
            let shown = |d: &Dataset| format!("attempt {}, {} rows, root {}", d.attempt, d.rows, d.root);
            let (job, own) = (shown(&d.dataset), shown(&own));
            format!("the job's record of dataset {id} has {job}; this member's {name:?} has {own}")
        });
        let expected = Dataset::object_id(&job.chain_id, &seat.commitment(), &name);
        ensure!(expected == id, "dataset {id} was not encrypted for the chain {:?}", job.chain_id);
        crate::model::suits(&job.template, &Schema::parse(&schema)?)?;
        own_tiles.push((dataset, tiles));
    }
    let folder = home.job_folder(job.id, job.attempt);
    let mut streams = data_streams(&job);
    let table = job.template.compile()?;
    if !folder.join("job.zk").exists() {
        let own = streams.iter().filter(|(id, _)| matches!(id, StreamId::Extension { member, .. } if *member == index));
        let needed = own.map(|(_, count)| count).sum::<u64>() + table.labels();
        let left = (MAX_LABELS - log.len().min(MAX_LABELS)) as u64;
        ensure!(needed <= left, "the job needs {needed} labels of this key, {left} are left: rotate the key");
    }
    // Only a job that is taken uses its number up.
    let mut archive = Archive::open(&folder, &job)?;
    own_tiles.iter().for_each(|(dataset, path)| archive.use_own_tiles(*dataset, path.clone()));
    let proving = match (&job.circuits, circuits) {
        (None, _) => None,
        (Some(_), Some(circuits)) => {
            let bounds = zektra_prove::tile::Bounds::of(&job.template.params);
            let same = circuits.members == job.members()
                && circuits.table.same_phases(&table)
                && bounds == Some(circuits.tile.bounds());
            ensure!(same, "the circuits at hand are those of another template");
            Some(Proving { circuits: circuits.clone(), store: ProofStore::open(&archive)? })
        }
        (Some(_), None) => bail!("the job is to be proven, and this member has no circuits for it"),
    };
    streams.extend(offline_streams(&job, &table));
    let have = streams.iter().map(|(id, _)| pb::Have { id: Some(id.to_pb()), polynomials: archive.have(*id) });
    let mut reply = pb::OpenReply { have: have.collect(), proofs: vec![] };
    if let Some(proving) = &proving {
        let known = data_proofs(&job).into_iter().chain(offline_proofs(&job, &table));
        reply.proofs = known.filter(|id| proving.store.has(*id)).map(ProofId::to_pb).collect();
    }
    Ok((Open { job, index, archive, proving, own_tiles }, Reply::Open(reply)))
}

/// Which seat is this one as it is now. The developer's has the job's release key in place of its own.
fn own_seat(job: &Job, seat: &SeatSecret) -> Option<u32> {
    let own = seat.public();
    let is_own = |(k, found): (u32, &Seat)| match k == job.developer {
        true => *found == Seat { release_key: found.release_key, ..own.clone() },
        false => *found == own,
    };
    (0u32..).zip(&job.seats).find(|pair| is_own(*pair)).map(|(k, _)| k)
}

/// Checks a pulled or pushed range against the stream's length.
fn within(streams: &[(StreamId, u64)], id: StreamId, first: u64, count: u64) -> Result<()> {
    let Some((_, total)) = streams.iter().find(|(s, _)| *s == id) else {
        bail!("{id:?} is no stream of this stage of the job");
    };
    let end = first.checked_add(count).context("the range overflows")?;
    ensure!(count >= 1 && end <= *total, "{id:?}: polynomials {first}..{end}, expected within 0..{total}");
    ensure!(count <= 4 * crate::archive::CHUNK, "{count} polynomials at once, at most {}", 4 * crate::archive::CHUNK);
    Ok(())
}

/// Stores a chunk that another member made.
fn store(archive: &Archive, own: u32, streams: &[(StreamId, u64)], request: &pb::PushRequest) -> Result<Reply> {
    let chunk = request.chunk.as_ref().context("push.chunk: missing")?;
    let id = StreamId::from_pb(chunk.id.as_ref().context("push.chunk.id: missing")?)?;
    ensure!(id.member() != own, "{id:?} is this member's own stream");
    let polys = wire::polys_from_bytes(&chunk.polynomials)?;
    within(streams, id, chunk.first, polys.len() as u64)?;
    refuse_plaintext(id, chunk.first, &polys)?;
    archive.append(id, chunk.first, &chunk.polynomials)?;
    Ok(Reply::Push(pb::PushReply {}))
}

fn pulled(archive: &Archive, id: StreamId, first: u64, count: u64) -> Result<Reply> {
    let polynomials = archive.bytes(id, first, count)?;
    // The last look before anything leaves an owner's machine.
    refuse_plaintext(id, first, &wire::polys_from_bytes(&polynomials)?)?;
    let polynomials = polynomials.into();
    let chunk = zektra_proto::training::v1::Chunk { id: Some(id.to_pb()), first, polynomials };
    Ok(Reply::Pull(pb::PullReply { chunk: Some(chunk) }))
}

impl Open {
    fn pull(&self, seat: &SeatSecret, log: &mut LabelLog, request: &pb::PullRequest) -> Result<Reply> {
        let id = StreamId::from_pb(request.id.as_ref().context("pull.id: missing")?)?;
        let (first, count) = (request.first, u64::from(request.count));
        within(&data_streams(&self.job), id, first, count)?;
        ensure!(id.member() == self.index, "{id:?} is another member's stream");
        self.make(seat, log, id, first + count)?;
        pulled(&self.archive, id, first, count)
    }

    /// Makes this member's extension shares up to polynomial `end`, a chunk at a time.
    fn make(&self, seat: &SeatSecret, log: &mut LabelLog, id: StreamId, end: u64) -> Result<()> {
        let StreamId::Extension { dataset, .. } = id else {
            return Ok(());
        };
        let planes = Plane::ALL.len() as u64;
        let record = &self.job.datasets[dataset as usize].dataset;
        loop {
            let have = self.archive.have(id);
            if have >= end {
                return Ok(());
            }
            // Whole tiles; repeating the planes of one gives the same bytes.
            let tiles = have / planes..end.min(have + crate::archive::CHUNK).div_ceil(planes);
            let shares = extend(seat, log, &self.job.chain_id, record, tiles.clone())?;
            self.archive.append(id, tiles.start * planes, &wire::polys_to_bytes(&shares))?;
        }
    }

    fn push(&self, request: &pb::PushRequest) -> Result<Reply> {
        store(&self.archive, self.index, &data_streams(&self.job), request)
    }

    /// A proof of this member's own.
    fn pull_proof(&self, seat: &SeatSecret, request: &pb::PullProofRequest) -> Result<Reply> {
        let id = ProofId::from_pb(request.id.as_ref().context("pull_proof.id: missing")?)?;
        let Some(Proving { circuits, store }) = &self.proving else { bail!("the job is not proven") };
        ensure!(id.member() == self.index, "{id:?} is another member's proof");
        ensure!(data_proofs(&self.job).contains(&id), "{id:?} is no proof of this stage of the job");
        if !store.has(id) {
            let bytes = match id {
                ProofId::Tile { dataset, group, .. } => {
                    let path = self.own_tiles.iter().find(|(d, _)| *d == dataset).map(|(_, path)| path);
                    let record = &self.job.datasets[dataset as usize].dataset;
                    let path = path.map(|p| crate::vault::tile_proof(p, record.attempt, group)).context("no tiles")?;
                    crate::files::read(&path)
                        .context("the dataset's tiles are not proven: encrypt the same table with --prove")?
                }
                ProofId::Extension { dataset, member, group } => {
                    let record = &self.job.datasets[dataset as usize].dataset;
                    let stream = StreamId::Extension { dataset, member };
                    let x = proofs::stored_group(&self.archive, &self.job, stream, dataset, group)?;
                    let chain_id = &self.job.chain_id;
                    let proven = share::prove_extension(circuits, seat, chain_id, record, group, &x)?;
                    proofs::encode(&circuits.extension.circuit, &proven.proof)
                }
                ProofId::Offline { .. } => bail!("offline shares before the lock"),
            };
            // Also one's own: a damaged file must not stand in the way of a new one.
            proofs::check(circuits, &self.archive, &self.job, None, id, &bytes)?;
            store.write(id, &bytes)?;
        }
        Ok(Reply::PullProof(pb::PullProofReply { proof: store.read(id)?.into() }))
    }

    fn push_proof(&self, request: &pb::PushProofRequest) -> Result<Reply> {
        let Some(proving) = &self.proving else { bail!("the job is not proven") };
        take_proof(proving, &self.archive, &self.job, self.index, None, request)
    }

    fn lock(&self, seat: &SeatSecret, log: &mut LabelLog, request: &pb::LockRequest) -> Result<Program> {
        for (id, total) in data_streams(&self.job) {
            if id.member() == self.index {
                // What the node has already, this member may have lost.
                self.make(seat, log, id, total)?;
            }
            let have = self.archive.have(id);
            ensure!(have == total, "{id:?} has {have} of {total} polynomials: it is too early to lock");
        }
        let (roots, lock) = wire::lock_from_pb(request.lock.as_ref().context("lock.lock: missing")?)?;
        self.archive.sync(&data_streams(&self.job))?;
        let own = self.archive.roots(&self.job)?;
        ensure!(roots == own, "the node's extension roots differ from the shares that this member received");
        let program = Program::new(self.job.clone(), &own)?;
        ensure!(program.lock == lock, "the node's lock {lock} differs from this member's, {}", program.lock);
        if let Some(proving) = &self.proving {
            proving.demand(&self.archive, &self.job, self.index, None, &data_proofs(&self.job))?;
            proofs::check_roots(&self.archive, &self.job)?;
        }
        Ok(program)
    }
}

/// Keeps another member's proof, if it is true.
fn take_proof(
    proving: &Proving,
    archive: &Archive,
    job: &Job,
    own: u32,
    program: Option<&Arc<Program>>,
    request: &pb::PushProofRequest,
) -> Result<Reply> {
    let id = ProofId::from_pb(request.id.as_ref().context("push_proof.id: missing")?)?;
    ensure!(id.member() != own, "{id:?} is this member's own proof");
    if !proving.store.has(id) {
        proofs::take(&proving.circuits, archive, &proving.store, job, program, id, &request.proof)?;
    }
    Ok(Reply::PushProof(pb::PushProofReply {}))
}

/// A job after it is locked.
struct Session<'a> {
    home: &'a Home,
    seat: &'a SeatSecret,
    archive: Archive,
    program: Arc<Program>,
    index: u32,
    proving: Option<Proving>,
    /// The proof of the last answer and what it is of: who asks again gets the same.
    proven: Option<(Answer, Bytes)>,
    stage: Stage<'a>,
}

enum Stage<'a> {
    /// Offline shares are made and exchanged.
    Offline { member: Member<'a, ArchiveSource>, multipliers: Multipliers },
    /// Phases are answered.
    Online(Member<'a, ArchiveSource>),
    /// Between the two, while the rounds are replayed.
    Moving,
}

impl<'a> Session<'a> {
    fn start(
        home: &'a Home,
        seat: &'a SeatSecret,
        log: &'a mut LabelLog,
        open: Open,
        program: Arc<Program>,
    ) -> Result<Self> {
        let Open { job, index, archive, proving, .. } = open;
        let source = archive.source(&job, &program.table)?;
        let member = Member::join(seat, log, index, program.clone(), source)?;
        let multipliers = Multipliers::new(program.clone());
        let stage = Stage::Offline { member, multipliers };
        Ok(Self { home, seat, archive, program, index, proving, proven: None, stage })
    }

    fn position(&self) -> Result<pb::LockReply> {
        let phases = self.program.table.phases.len() as u64;
        let rounds = self.archive.replay(|_| Ok(()))?;
        Ok(pb::LockReply { iteration: (rounds / phases) as u32, phase: (rounds % phases) as u32 })
    }

    fn handle(&mut self, request: Request) -> Result<Reply> {
        match request {
            Request::Pull(r) => self.pull(&r),
            Request::Push(r) => {
                let streams = offline_streams(&self.program.job, &self.program.table);
                store(&self.archive, self.index, &streams, &r)
            }
            Request::PullProof(r) => self.pull_proof(&r),
            Request::PushProof(r) => {
                let Some(proving) = &self.proving else { bail!("the job is not proven") };
                let program = &self.program;
                take_proof(proving, &self.archive, &program.job, self.index, Some(program), &r)
            }
            Request::Rounds(r) => {
                self.take(&r.rounds)?;
                Ok(Reply::Rounds(pb::RoundsReply {}))
            }
            Request::PullRounds(r) => self.pull_rounds(&r),
            Request::Phase(r) => {
                self.take(&r.rounds)?;
                let claim = wire::claim_from_pb(r.claim.as_ref().context("phase.claim: missing")?)?;
                let (seat, lock, proving) = (self.seat, self.program.lock, self.proving.clone());
                let known = self.proven.take();
                let member = self.online()?;
                let answer = member.answer(&claim)?;
                let proof = match (&proving, known) {
                    (None, _) => Bytes::new(),
                    (_, Some((of, proof))) if of == answer => proof,
                    (Some(Proving { circuits, .. }), _) => {
                        let view = member.view()?;
                        let witness = member.witness().context("an answer without a witness")?;
                        let proven = share::prove_answer(circuits, seat, lock, &view, &answer, witness)?;
                        proofs::encode(&circuits.phases[answer.phase as usize].circuit, &proven.proof).into()
                    }
                };
                let reply = pb::PhaseReply { answer: Some(wire::answer_to_pb(&answer)), proof: proof.clone() };
                self.proven = Some((answer, proof));
                Ok(Reply::Phase(reply))
            }
            Request::Finish(r) => {
                self.take(&r.rounds)?;
                let (index, program, proving) = (self.index, self.program.clone(), self.proving.clone());
                let folder = self.archive.folder().to_path_buf();
                let member = self.online()?;
                let released = member.release()?;
                let own = index == program.job.developer;
                if proving.is_some() {
                    bundles::check(&r.bundle, &program, member.transcript(), Some(index))?;
                    // The developer keeps what proves its model.
                    if own {
                        crate::files::write(&folder.join(bundles::NAME), &r.bundle)?;
                    }
                }
                if own {
                    // It stays here: whoever has all other shares has the model with it.
                    return Ok(Reply::Finish(pb::FinishReply { release: None }));
                }
                let developer = &program.job.seats[program.job.developer as usize];
                let sealed = release::seal(&released, &developer.release_key, &program.lock, index)?;
                Ok(Reply::Finish(pb::FinishReply { release: Some(wire::release_to_pb(index, &sealed)) }))
            }
            Request::Deliver(r) => self.deliver(r),
            r => bail!("{} does not fit here: the job is locked", name_of(&r)),
        }
    }

    /// Rounds as they were recorded, with their proofs: for a node that goes on where another one stopped.
    fn pull_rounds(&self, request: &pb::PullRoundsRequest) -> Result<Reply> {
        let (first, count) = (request.first, u64::from(request.count));
        let end = first.checked_add(count).context("the range overflows")?;
        ensure!((1..=ROUNDS as u64).contains(&count), "{count} rounds at once, expected 1 to {ROUNDS}");
        let (mut rounds, mut at) = (vec![], first);
        let recorded = self.archive.replay_some(first..end, |answers| {
            let proofs = match &self.proving {
                Some(Proving { store, .. }) => prover::round_proofs(store, at, self.program.job.members())?,
                None => vec![],
            };
            rounds.push(wire::proven_round_to_pb(&answers, &proofs));
            at += 1;
            Ok(())
        })?;
        ensure!(end <= recorded, "rounds {first}..{end}, expected within 0..{recorded}");
        Ok(Reply::PullRounds(pb::PullRoundsReply { rounds }))
    }

    /// A proof of this member's own offline shares.
    fn pull_proof(&mut self, request: &pb::PullProofRequest) -> Result<Reply> {
        let id = ProofId::from_pb(request.id.as_ref().context("pull_proof.id: missing")?)?;
        let Some(Proving { circuits, store }) = self.proving.clone() else { bail!("the job is not proven") };
        let program = self.program.clone();
        let due = offline_proofs(&program.job, &program.table);
        let ProofId::Offline { member: maker, batch } = id else {
            bail!("{id:?} does not fit here: the job is locked");
        };
        ensure!(maker == self.index && due.contains(&id), "{id:?} is no proof of this member");
        if !store.has(id) {
            let range = proofs::batch_range(&program.table, batch);
            let stream = StreamId::Offline { member: maker };
            self.make(stream, range.end)?;
            let Stage::Offline { member, .. } = &self.stage else {
                bail!("offline shares are proven before the first phase");
            };
            let p = proofs::stored(&self.archive, stream, range.start, range.end - range.start)?;
            let d2 = proofs::batch_multipliers(&program, batch);
            let noise = proofs::batch_noise(member, &program, batch);
            let proven = share::prove_offline(&circuits, self.seat, program.lock, &d2, &p, &noise)?;
            store.write(id, &proofs::encode(&circuits.offline.circuit, &proven.proof))?;
        }
        Ok(Reply::PullProof(pb::PullProofReply { proof: store.read(id)?.into() }))
    }

    fn pull(&mut self, request: &pb::PullRequest) -> Result<Reply> {
        let id = StreamId::from_pb(request.id.as_ref().context("pull.id: missing")?)?;
        let (first, count) = (request.first, u64::from(request.count));
        let table = &self.program.table;
        within(&offline_streams(&self.program.job, table), id, first, count)?;
        ensure!(id.member() == self.index, "{id:?} is another member's stream");
        self.make(id, first + count)?;
        pulled(&self.archive, id, first, count)
    }

    /// Makes this member's offline shares up to polynomial `end`, a phase at a time.
    fn make(&mut self, id: StreamId, end: u64) -> Result<()> {
        let Stage::Offline { member, multipliers } = &mut self.stage else {
            return Ok(());
        };
        let table = &self.program.table;
        for iteration in 0..table.iterations {
            for phase in 0..table.phases.len() as u32 {
                let start = offline_index(table, iteration, phase, 0);
                if start >= end {
                    return Ok(());
                }
                if start + table.phases[phase as usize].openings.len() as u64 > self.archive.have(id) {
                    let shares = member.offline(multipliers, iteration, phase)?;
                    self.archive.append(id, start, &wire::polys_to_bytes(&shares))?;
                }
            }
        }
        Ok(())
    }

    /// The member, ready for phases: what was recorded is replayed first.
    fn online(&mut self) -> Result<&mut Member<'a, ArchiveSource>> {
        if let Stage::Offline { .. } = self.stage {
            for (id, total) in offline_streams(&self.program.job, &self.program.table) {
                if id.member() == self.index {
                    self.make(id, total)?;
                }
                let have = self.archive.have(id);
                ensure!(have == total, "{id:?} has {have} of {total} polynomials: it is too early for a phase");
            }
            if let Some(proving) = &self.proving {
                let (job, due) = (&self.program.job, offline_proofs(&self.program.job, &self.program.table));
                proving.demand(&self.archive, job, self.index, Some(&self.program), &due)?;
            }
            self.archive.sync(&offline_streams(&self.program.job, &self.program.table))?;
            if let Stage::Offline { mut member, .. } = std::mem::replace(&mut self.stage, Stage::Moving) {
                self.archive.replay(|answers| go_on(&mut member, &answers))?;
                self.stage = Stage::Online(member);
            }
        }
        match &mut self.stage {
            Stage::Online(member) => Ok(member),
            _ => bail!("this member could not replay its record of the job"),
        }
    }

    /// Takes rounds that the node has and this member may not have yet.
    fn take(&mut self, rounds: &[zektra_proto::training::v1::Round]) -> Result<()> {
        for round in rounds {
            let answers = wire::round_from_pb(round)?;
            let (own, program, proving) = (self.index, self.program.clone(), self.proving.clone());
            let known = self.proven.clone();
            let member = self.online()?;
            let next = member.transcript().position();
            let Some(first) = answers.first() else {
                bail!("a round without answers");
            };
            if (first.iteration, first.phase) < next {
                continue;
            }
            if let Some(Proving { circuits, store }) = &proving {
                let phases = program.table.phases.len() as u64;
                let number = u64::from(next.0) * phases + u64::from(next.1);
                let (found, seats) = (round.proofs.len(), program.job.seats.len());
                let mut proofs = round.proofs.clone();
                proofs.truncate(seats);
                let known = known.as_ref().filter(|(of, _)| answers.get(own as usize) == Some(of));
                if let (Some((_, proof)), Some(place)) = (known, proofs.get_mut(own as usize)) {
                    *place = proof.clone();
                }
                check_round(circuits, &program, member, known.map(|_| own), &answers, &proofs)?;
                // One's own, too: without it nobody could take the job over from here.
                ensure!(found >= seats, "round {number} has {found} proofs, expected {seats}");
                // Before the round is: whoever takes the job over asks for both.
                prover::keep_round_proofs(store, number, &proofs)?;
            }
            go_on(member, &answers)?;
            if let Err(e) = self.archive.append_round(&answers) {
                // This member is ahead of its record now, and the record must have no gap.
                self.stage = Stage::Moving;
                return Err(e);
            }
        }
        Ok(())
    }

    fn deliver(&mut self, request: pb::DeliverRequest) -> Result<Reply> {
        let mut outcome = request.outcome.context("deliver.outcome: missing")?;
        ensure!(self.index == self.program.job.developer, "a model is delivered to the developer alone");
        let member = self.online()?;
        ensure!(member.transcript().finished(), "the job is not finished");
        let (transcript, program) = (member.transcript(), member.transcript().program().clone());
        let digest = zektra_records::fingerprint("outcome.transcript", &outcome.transcript)?;
        let lock = zektra_records::fingerprint("outcome.lock", &outcome.lock)?;
        let job = zektra_records::job_from_pb(outcome.job.as_ref().context("outcome.job: missing")?)?;
        let own = program.table.released.iter();
        let own: wire::OpenedStates =
            own.map(|&s| (s, transcript.opened(s).to_vec(), transcript.shares(s).to_vec())).collect();
        let same = digest == transcript.digest()
            && lock == program.lock
            && job == program.job
            && wire::states_from_pb(&outcome.states)? == own
            && schema_digest(&Schema::parse(&outcome.schema)?) == job.datasets[0].dataset.schema;
        ensure!(same, "the outcome is not that of the job this member took part in");
        let others = job.seats.len() - 1;
        let found = outcome.releases.len();
        ensure!(found == others, "there are {found} releases, expected one of each of the {others} other members");
        // The own share is sealed to the seat's own key, of which nothing is ever shown.
        let own = release::seal(&member.release()?, &self.seat.public().release_key, &lock, self.index)?;
        outcome.releases.insert(self.index as usize, wire::release_to_pb(self.index, &own));
        // Only what decrypts is kept, and under this seat's own authenticator.
        crate::model::open_outcome(self.home, self.seat, &outcome)?;
        let outcome = crate::model::authenticated(self.seat, outcome);
        let path = self.archive.folder().join("outcome.zk");
        crate::files::write(&path, &wire::encode_file(Body::Outcome(outcome)))?;
        Ok(Reply::Deliver(pb::DeliverReply {}))
    }
}

/// Checks the proofs of all answers to the phase that is next, but for one's own where it is known to be one's own.
fn check_round(
    circuits: &ShareCircuits,
    program: &Program,
    member: &mut Member<'_, ArchiveSource>,
    own: Option<u32>,
    answers: &[Answer],
    round_proofs: &[Bytes],
) -> Result<()> {
    let view = member.view()?;
    for index in (0..program.job.members()).filter(|i| Some(*i) != own) {
        let bytes = round_proofs.get(index as usize).map(|b| &b[..]);
        let answer = answers.get(index as usize);
        proofs::check_answer(circuits, program, member.transcript(), &view, index, answer, bytes)?;
    }
    Ok(())
}

/// Answers for itself (the same bytes as ever) and takes the round.
fn go_on(member: &mut Member<'_, ArchiveSource>, answers: &[Answer]) -> Result<()> {
    let claim = member.claim()?;
    member.answer(&claim)?;
    member.advance(answers)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::hidden;

    #[test]
    fn a_refusal_names_no_file_of_the_member() {
        let home = "/home/St Mary/alice";
        for (text, shown) in [
            (
                "cannot read 0..2 of /home/St Mary/alice/vault/t/tiles.bin: No such file",
                "cannot read 0..2 of (a file of this member): No such file",
            ),
            ("/home/St Mary/alice/jobs/1-0/job.zk holds another job", "(a file of this member) holds another job"),
            (
                "a in /home/St Mary/alice/x and /home/St Mary/alice",
                "a in (a file of this member) and (a file of this member)",
            ),
            ("nothing of it", "nothing of it"),
        ] {
            assert_eq!(hidden(text, home), shown);
        }
    }
}
