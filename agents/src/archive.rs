//! What a party keeps of a job: streams of polynomials, and the rounds.
//!
//! A stream is a file of whole polynomials, appended in order: its length says how far it got. Rounds
//! are length-prefixed with a checksum; a torn last one is dropped when the job goes on.

use crate::files;
use crate::rejected::allow;
use crate::wire;
use anyhow::{Context as _, Result, bail, ensure};
use prost::Message as _;
use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use zektra_he::ring::Poly;
use zektra_he::transcript::{Answer, Source, SourceError};
use zektra_proto::training::v1 as pb;
use zektra_statement::digest::Fingerprint;
use zektra_statement::field::POLY_BYTES;
use zektra_statement::phase::PhaseTable;
use zektra_statement::record::{Job, Plane};

/// Polynomials that a chunk may hold: 2 MiB, below the usual limit of 4 MiB a message.
pub const CHUNK: u64 = 64;

/// Which polynomials a stream holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum StreamId {
    /// `b` of a dataset, from its owner.
    Tiles {
        /// Index in the job.
        dataset: u32,
        /// The owner's seat.
        member: u32,
    },
    /// `x` of a member for another's dataset.
    Extension {
        /// Index in the job.
        dataset: u32,
        /// The member's seat.
        member: u32,
    },
    /// `P` of a member.
    Offline {
        /// The member's seat.
        member: u32,
    },
}

impl StreamId {
    /// Who makes it.
    pub fn member(self) -> u32 {
        match self {
            Self::Tiles { member, .. } | Self::Extension { member, .. } | Self::Offline { member } => member,
        }
    }

    fn file_name(self) -> String {
        match self {
            Self::Tiles { dataset, .. } => format!("tiles-{dataset}.bin"),
            Self::Extension { dataset, member } => format!("extension-{dataset}-{member}.bin"),
            Self::Offline { member } => format!("offline-{member}.bin"),
        }
    }

    /// To a message.
    pub fn to_pb(self) -> pb::StreamId {
        let (stream, dataset) = match self {
            Self::Tiles { dataset, .. } => (pb::Stream::Tiles, dataset),
            Self::Extension { dataset, .. } => (pb::Stream::Extension, dataset),
            Self::Offline { .. } => (pb::Stream::Offline, 0),
        };
        pb::StreamId { stream: stream.into(), dataset, member: self.member() }
    }

    /// From a message.
    ///
    /// # Errors
    /// An unknown stream.
    pub fn from_pb(id: &pb::StreamId) -> Result<Self> {
        let (dataset, member) = (id.dataset, id.member);
        Ok(match id.stream() {
            pb::Stream::Tiles => Self::Tiles { dataset, member },
            pb::Stream::Extension => Self::Extension { dataset, member },
            pb::Stream::Offline => Self::Offline { member },
            pb::Stream::Unspecified => bail!("stream: {}, expected tiles, extension or offline", id.stream),
        })
    }
}

/// The streams that fix the lock, with their number of polynomials: tiles and extension shares.
pub fn data_streams(job: &Job) -> Vec<(StreamId, u64)> {
    let mut out = Vec::new();
    for (dataset, d) in (0u32..).zip(&job.datasets) {
        let count = d.dataset.tiles() * Plane::ALL.len() as u64;
        out.push((StreamId::Tiles { dataset, member: d.owner }, count));
        let others = (0..job.members()).filter(|&m| m != d.owner);
        out.extend(others.map(|member| (StreamId::Extension { dataset, member }, count)));
    }
    out
}

/// The offline streams with their number of polynomials.
pub fn offline_streams(job: &Job, table: &PhaseTable) -> Vec<(StreamId, u64)> {
    let count = offline_index(table, table.iterations, 0, 0);
    (0..job.members()).map(|member| (StreamId::Offline { member }, count)).collect()
}

/// Where an opening's share is in an offline stream.
pub fn offline_index(table: &PhaseTable, iteration: u32, phase: u32, opening: u32) -> u64 {
    let openings =
        |phases: &[zektra_statement::phase::Phase]| -> u64 { phases.iter().map(|p| p.openings.len() as u64).sum() };
    u64::from(iteration) * openings(&table.phases) + openings(&table.phases[..phase as usize]) + u64::from(opening)
}

/// Refuses what cannot be a ciphertext where ciphertexts are due: tiles and extension shares.
///
/// # Errors
/// The first polynomial that looks like plaintext.
pub fn refuse_plaintext(id: StreamId, first: u64, polys: &[Poly]) -> Result<()> {
    if let StreamId::Offline { .. } = id {
        // Shares of multipliers that are zero are noise alone.
        return Ok(());
    }
    match polys.iter().position(|p| !p.looks_uniform()) {
        None => Ok(()),
        Some(at) => bail!(
            "{id:?}: polynomial {} is no ciphertext but looks like plaintext; encrypt the table with `zektra encrypt`",
            first + at as u64
        ),
    }
}

/// A party's folder of one job.
#[derive(Debug)]
pub struct Archive {
    folder: PathBuf,
    /// Where an owner's own tiles already are.
    own_tiles: Vec<(u32, PathBuf)>,
}

impl Archive {
    /// Opens or makes the folder; the job's record is stored on first use and must be the same ever after.
    ///
    /// # Errors
    /// Another job under the same number; what the system says.
    pub fn open(folder: &Path, job: &Job) -> Result<Self> {
        files::private_folder(folder)?;
        let path = folder.join("job.zk");
        let bytes = wire::encode_file(zektra_proto::node::v1::envelope::Body::Job(zektra_records::job_to_pb(job)));
        if path.exists() {
            let known = files::read(&path)?;
            allow(known == bytes, || {
                format!("{} holds another job under this number: give the new job another id", path.display())
            })?;
        } else {
            files::write(&path, &bytes)?;
        }
        Ok(Self { folder: folder.into(), own_tiles: Vec::new() })
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Says where an owner's own tiles are.
    pub fn use_own_tiles(&mut self, dataset: u32, path: PathBuf) {
        self.own_tiles.push((dataset, path));
    }

    fn path(&self, id: StreamId) -> PathBuf {
        if let StreamId::Tiles { dataset, .. } = id
            && let Some((_, path)) = self.own_tiles.iter().find(|(d, _)| *d == dataset)
        {
            return path.clone();
        }
        self.folder.join(id.file_name())
    }

    /// Whole polynomials that are there.
    pub fn have(&self, id: StreamId) -> u64 {
        fs::metadata(self.path(id)).map_or(0, |m| m.len() / POLY_BYTES as u64)
    }

    /// Appends polynomials that start at `first`; what is there already is skipped.
    ///
    /// # Errors
    /// A gap, or what the system says.
    pub fn append(&self, id: StreamId, first: u64, bytes: &[u8]) -> Result<()> {
        let have = self.have(id);
        ensure!(first <= have, "{id:?}: polynomial {first} came, expected {have}");
        ensure!(bytes.len().is_multiple_of(POLY_BYTES), "{id:?}: {} bytes are no whole polynomials", bytes.len());
        let known = ((have - first) as usize * POLY_BYTES).min(bytes.len());
        let path = self.path(id);
        let written = OpenOptions::new().write(true).create(true).truncate(false).open(&path).and_then(|mut file| {
            // A torn polynomial at the end is overwritten.
            file.set_len(have * POLY_BYTES as u64)?;
            std::io::Seek::seek(&mut file, std::io::SeekFrom::End(0))?;
            file.write_all(&bytes[known..])
        });
        written.with_context(|| format!("cannot write {}", path.display()))
    }

    /// Drops polynomials of another's stream from `first` on, so that they are sent again.
    ///
    /// # Errors
    /// What the system says.
    pub fn discard(&self, id: StreamId, first: u64) -> Result<()> {
        let path = self.path(id);
        if self.have(id) <= first || path != self.folder.join(id.file_name()) {
            return Ok(());
        }
        let cut = OpenOptions::new().write(true).open(&path).and_then(|f| f.set_len(first * POLY_BYTES as u64));
        cut.with_context(|| format!("cannot write {}", path.display()))
    }

    /// Polynomials as bytes.
    ///
    /// # Errors
    /// If they are not there.
    pub fn bytes(&self, id: StreamId, first: u64, count: u64) -> Result<Vec<u8>> {
        let path = self.path(id);
        let mut out = vec![0; count as usize * POLY_BYTES];
        let read = File::open(&path).and_then(|f| f.read_exact_at(&mut out, first * POLY_BYTES as u64));
        read.with_context(|| format!("cannot read polynomials {first}..{} of {}", first + count, path.display()))?;
        Ok(out)
    }

    /// The BLAKE3 root of a stream's bytes.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn root(&self, id: StreamId) -> Result<Fingerprint> {
        file_root(&self.path(id))
    }

    /// The roots of all extension streams, after checking the tiles against the job's record.
    ///
    /// # Errors
    /// Tiles whose bytes are not those of the record; another's are dropped, to be sent again.
    pub fn roots(&self, job: &Job) -> Result<Vec<Fingerprint>> {
        let mut out = Vec::new();
        for (id, _) in data_streams(job) {
            let root = self.root(id)?;
            match id {
                StreamId::Tiles { dataset, .. } => {
                    let expected = job.datasets[dataset as usize].dataset.content_root;
                    if root != expected {
                        self.discard(id, 0)?;
                        bail!("the tiles of dataset {dataset} have the root {root}, the job's record says {expected}");
                    }
                }
                _ => out.push(root),
            }
        }
        Ok(out)
    }

    /// Brings streams to the disk: what is answered later must still fit them after a power cut.
    ///
    /// # Errors
    /// What the system says.
    pub fn sync(&self, streams: &[(StreamId, u64)]) -> Result<()> {
        for (id, _) in streams {
            let path = self.path(*id);
            let synced = File::open(&path).and_then(|f| f.sync_data());
            synced.with_context(|| format!("cannot write {}", path.display()))?;
        }
        Ok(())
    }

    fn rounds_path(&self) -> PathBuf {
        self.folder.join("rounds.bin")
    }

    /// Forgets all rounds: members have them.
    ///
    /// # Errors
    /// What the system says.
    pub fn forget_rounds(&self) -> Result<()> {
        let path = self.rounds_path();
        match std::fs::remove_file(&path) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                Err(e).with_context(|| format!("cannot remove {}", path.display()))
            }
            _ => Ok(()),
        }
    }

    /// Appends a round, on disk when it returns.
    ///
    /// # Errors
    /// What the system says.
    pub fn append_round(&self, answers: &[Answer]) -> Result<()> {
        let body = wire::round_to_pb(answers).encode_to_vec();
        let mut record = (body.len() as u64).to_le_bytes().to_vec();
        record.extend_from_slice(&blake3::hash(&body).as_bytes()[..8]);
        record.extend_from_slice(&body);
        let path = self.rounds_path();
        let written = OpenOptions::new().append(true).create(true).open(&path).and_then(|mut f| {
            let length = f.metadata()?.len();
            f.write_all(&record).and_then(|()| f.sync_data()).inspect_err(|_| {
                // Leave no half record: the next round must follow a whole one.
                let _ = f.set_len(length);
            })
        });
        written.with_context(|| format!("cannot write {}", path.display()))
    }

    /// Calls `each` with every recorded round in order; cuts a torn last one off. Gives their number.
    ///
    /// # Errors
    /// What `each` says; a record that was changed.
    pub fn replay(&self, each: impl FnMut(Vec<Answer>) -> Result<()>) -> Result<u64> {
        self.replay_some(0..u64::MAX, each)
    }

    /// The same with the rounds of a range alone; the others are only counted.
    ///
    /// # Errors
    /// As [`Archive::replay`].
    pub fn replay_some(
        &self,
        range: std::ops::Range<u64>,
        mut each: impl FnMut(Vec<Answer>) -> Result<()>,
    ) -> Result<u64> {
        let path = self.rounds_path();
        let context = || format!("cannot read {}", path.display());
        let mut file = match File::open(&path) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(0),
            other => other.with_context(context)?,
        };
        let length = file.metadata().with_context(context)?.len();
        let (mut at, mut count) = (0u64, 0u64);
        let mut header = [0u8; 16];
        while at + 16 <= length {
            file.read_exact(&mut header).with_context(context)?;
            let size = header[..8].iter().rev().fold(0u64, |v, &b| v << 8 | u64::from(b));
            if size > length - at - 16 {
                break;
            }
            if !range.contains(&count) {
                std::io::Seek::seek(&mut file, std::io::SeekFrom::Start(at + 16 + size)).with_context(context)?;
                at += 16 + size;
                count += 1;
                continue;
            }
            let mut body = vec![0; size as usize];
            file.read_exact(&mut body).with_context(context)?;
            if blake3::hash(&body).as_bytes()[..8] != header[8..] {
                ensure!(at + 16 + size == length, "{} was changed at round {count}", path.display());
                break;
            }
            let round = pb::Round::decode(&body[..]).with_context(context)?;
            each(wire::round_from_pb(&round)?)?;
            at += 16 + size;
            count += 1;
        }
        if at < length {
            // Kept beside it, in case that more than a torn end is lost.
            let mut rest = vec![0; (length - at) as usize];
            file.read_exact_at(&mut rest, at).with_context(context)?;
            files::write(&path.with_file_name("rounds-cut.bin"), &rest)?;
            OpenOptions::new().write(true).open(&path).and_then(|f| f.set_len(at)).with_context(context)?;
        }
        Ok(count)
    }

    /// The polynomials, for a transcript.
    ///
    /// # Errors
    /// A stream that is not there.
    pub fn source(&self, job: &Job, table: &PhaseTable) -> Result<ArchiveSource> {
        let open = |id: StreamId| {
            let path = self.path(id);
            File::open(&path).with_context(|| format!("cannot read {}", path.display()))
        };
        let mut tiles: Vec<Vec<File>> = Vec::new();
        for (id, _) in data_streams(job) {
            match id {
                StreamId::Tiles { .. } => tiles.push(vec![open(id)?]),
                _ => {
                    if let Some(files) = tiles.last_mut() {
                        files.push(open(id)?);
                    }
                }
            }
        }
        let offline = (0..job.members()).map(|member| self.path(StreamId::Offline { member })).collect();
        Ok(ArchiveSource { tiles, offline, open_offline: Vec::new(), table: table.clone() })
    }
}

/// The BLAKE3 root of a file.
///
/// # Errors
/// If it cannot be read.
pub fn file_root(path: &Path) -> Result<Fingerprint> {
    let mut hasher = blake3::Hasher::new();
    let hashed = File::open(path).and_then(|f| hasher.update_reader(f).map(|_| ()));
    hashed.with_context(|| format!("cannot read {}", path.display()))?;
    Ok(Fingerprint(*hasher.finalize().as_bytes()))
}

/// Sums of stored polynomials, read when they are needed.
#[derive(Debug)]
pub struct ArchiveSource {
    /// For each dataset the owner's tiles and the extension shares.
    tiles: Vec<Vec<File>>,
    offline: Vec<PathBuf>,
    open_offline: Vec<File>,
    table: PhaseTable,
}

fn sum(files: &[File], index: u64) -> Result<Poly, SourceError> {
    let mut bytes = vec![0; POLY_BYTES];
    let mut out: Option<Poly> = None;
    for file in files {
        file.read_exact_at(&mut bytes, index * POLY_BYTES as u64)?;
        let poly = Poly::from_bytes(&bytes)?;
        match &mut out {
            None => out = Some(poly),
            Some(sum) => sum.add_assign(&poly),
        }
    }
    out.ok_or_else(|| "no polynomials".into())
}

impl Source for ArchiveSource {
    fn ciphertext(&mut self, dataset: usize, tile: u64, plane: Plane) -> Result<Poly, SourceError> {
        sum(&self.tiles[dataset], tile * Plane::ALL.len() as u64 + plane.index())
    }

    fn offline(&mut self, iteration: u32, phase: u32, opening: u32) -> Result<Poly, SourceError> {
        if self.open_offline.is_empty() {
            self.open_offline = self.offline.iter().map(File::open).collect::<Result<_, _>>()?;
        }
        sum(&self.open_offline, offline_index(&self.table, iteration, phase, opening))
    }
}
