//! A member's folder: its seat, its label log, its encrypted datasets.
//!
//! ```text
//! alice/seat.zekey            the secret, mode 0600
//! alice/seat.zkpub            the public record
//! alice/labels.zklog          what the key has answered, mode 0600
//! alice/release-keys/HEX.zkrel  a developer's secrets, one a job on the chain, mode 0600
//! alice/vault/NAME/tiles.bin  ciphertexts, 32 KiB each
//! alice/vault/NAME/manifest.zk
//! alice/jobs/ID-ATTEMPT/      see `archive`
//! ```

use crate::archive::file_root;
use crate::files;
use crate::rejected::{Rejected, allow, expect};
use crate::schema::Schema;
use crate::table::{Row, TableReader, Tally, Target};
use crate::wire;
use anyhow::{Context as _, Result, bail};
use std::fs::{self, File, OpenOptions};
use std::io::{BufReader, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use zektra_he::log::{LabelLog, LogError};
use zektra_he::ring::Poly;
use zektra_he::seat::SeatSecret;
use zektra_he::tile::{RowGroup, Sealer, tile_randomness};
use zektra_proto::node::v1::envelope::Body;
use zektra_proto::vault::v1 as pb;
use zektra_statement::digest::{Commitment, Encoder, Fingerprint};
use zektra_statement::field::{N, POLY_BYTES, round_shift};
use zektra_statement::merkle::{Tree, dataset_leaf};
use zektra_statement::record::{Dataset, Plane, Seat};

/// Bytes of a label log without labels: magic and key.
const LOG_HEADER: u64 = 40;

/// A member's folder.
#[derive(Clone, Debug)]
pub struct Home {
    path: PathBuf,
}

impl Home {
    /// Makes a new seat in a folder.
    ///
    /// # Errors
    /// A folder that has one already; what the system says.
    pub fn create(path: &Path, name: &str) -> Result<Self> {
        let valid = !name.is_empty() && name.len() <= 64 && !name.chars().any(char::is_control);
        expect(valid, || format!("name: {name:?}, expected 1 to 64 bytes of printable text"))?;
        let home = Self { path: path.into() };
        let secret = home.path.join("seat.zekey");
        expect(!secret.exists(), || {
            format!("{} exists: a seat is never overwritten; use `zektra seat rotate`", secret.display())
        })?;
        files::private_folder(path)?;
        home.remove_unused_log();
        home.install(&SeatSecret::generate(name)?)?;
        Ok(home)
    }

    /// The folder of an existing seat.
    ///
    /// # Errors
    /// If there is none.
    pub fn open(path: &Path) -> Result<Self> {
        let secret = path.join("seat.zekey");
        expect(secret.exists(), || format!("{} does not exist: make a seat with `zektra seat new`", secret.display()))?;
        Ok(Self { path: path.into() })
    }

    fn install(&self, seat: &SeatSecret) -> Result<()> {
        // The log first: a key without a log never answers.
        let log = self.log_path();
        let made = LabelLog::create(&log, &seat.commitment()).map_err(anyhow::Error::from);
        let made = made.and_then(|_| restrict(&log));
        let made = made.and_then(|()| files::write_secret(&self.path.join("seat.zekey"), &seat.to_file()));
        if let Err(e) = made {
            self.remove_unused_log();
            return Err(e);
        }
        let public = wire::encode_file(Body::Seat(zektra_records::seat_to_pb(&seat.public())));
        files::write(&self.path.join("seat.zkpub"), &public)
    }

    /// Removes a label log of a key that never answered: a run that was cut off left it without its key.
    fn remove_unused_log(&self) {
        let log = self.log_path();
        if fs::metadata(&log).is_ok_and(|m| m.len() <= LOG_HEADER) {
            let _ = fs::remove_file(log);
        }
    }

    fn log_path(&self) -> PathBuf {
        self.path.join("labels.zklog")
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The secrets.
    ///
    /// # Errors
    /// A file that is unreadable, foreign or damaged.
    pub fn seat(&self) -> Result<SeatSecret> {
        let path = self.path.join("seat.zekey");
        let bytes = zeroize::Zeroizing::new(files::read(&path)?);
        SeatSecret::from_file(&bytes).with_context(|| format!("cannot use {}", path.display()))
    }

    /// The secrets of a key that this seat has or had: models made before a rotation stay readable.
    ///
    /// # Errors
    /// If no seat file of the folder has the key.
    pub fn seat_of(&self, key: &Commitment) -> Result<SeatSecret> {
        let seat = self.seat()?;
        if seat.commitment() == *key {
            return Ok(seat);
        }
        for entry in fs::read_dir(&self.path).with_context(|| format!("cannot read {}", self.path.display()))?.flatten()
        {
            let name = entry.file_name();
            if name.to_string_lossy().starts_with("seat-epoch-")
                && entry.path().extension().is_some_and(|e| e == "zekey")
            {
                let bytes = zeroize::Zeroizing::new(files::read(&entry.path())?);
                if let Some(old) = SeatSecret::from_file(&bytes).ok().filter(|s| s.commitment() == *key) {
                    return Ok(old);
                }
            }
        }
        Ok(seat)
    }

    /// The public record.
    ///
    /// # Errors
    /// As for [`Home::seat`].
    pub fn public(&self) -> Result<Seat> {
        Ok(self.seat()?.public())
    }

    /// The label log, locked for this process.
    ///
    /// # Errors
    /// A missing, foreign, changed or used log.
    pub fn log(&self, seat: &SeatSecret) -> Result<LabelLog> {
        Ok(LabelLog::open(&self.log_path(), &seat.commitment())?)
    }

    /// Replaces the key share by a new one; the old files stay beside it, named by their epoch.
    ///
    /// The new key takes the old one's place in one step, so a run that was cut off leaves one of the two, and
    /// rotating again is all that is needed.
    ///
    /// # Errors
    /// A log in use; what the system says.
    pub fn rotate(&self) -> Result<Seat> {
        let old = self.seat()?;
        if let Err(e @ LogError::Locked { .. }) = LabelLog::open(&self.log_path(), &old.commitment()) {
            return Err(e.into());
        }
        let new = old.rotate()?;
        let epoch = old.public().epoch;
        let kept = |name: &str, extension: &str| self.path.join(format!("{name}-epoch-{epoch}.{extension}"));
        let (log, kept_log) = (self.log_path(), kept("labels", "zklog"));
        if kept_log.exists() {
            self.remove_unused_log();
        } else if log.exists() {
            // A lost log is a reason to rotate.
            fs::rename(&log, &kept_log).with_context(|| format!("cannot move {}", log.display()))?;
        }
        files::write_secret(&kept("seat", "zekey"), &old.to_file())?;
        files::write(
            &kept("seat", "zkpub"),
            &wire::encode_file(Body::Seat(zektra_records::seat_to_pb(&old.public()))),
        )?;
        self.install(&new)?;
        Ok(new.public())
    }

    /// The folder of a dataset.
    pub fn dataset_folder(&self, name: &str) -> PathBuf {
        self.path.join("vault").join(name)
    }

    /// The folder of a job.
    pub fn job_folder(&self, id: u64, attempt: u32) -> PathBuf {
        self.path.join("jobs").join(format!("{id}-{attempt}"))
    }

    /// A published dataset of this seat: its record, its schema, where its tiles are.
    ///
    /// # Errors
    /// If there is none of this name, or it is damaged.
    pub fn dataset(&self, name: &str) -> Result<(Dataset, String, PathBuf)> {
        let folder = self.dataset_folder(name);
        let (_, dataset, schema) = read_manifest(&folder.join("manifest.zk"))?;
        Ok((dataset, schema, folder.join("tiles.bin")))
    }

    /// The tiles of a dataset by its object id, if it is in this vault.
    pub fn find_tiles(&self, id: Fingerprint) -> Option<PathBuf> {
        let entries = fs::read_dir(self.path.join("vault")).ok()?;
        entries.flatten().find_map(|e| {
            let (_, dataset, _) = read_manifest(&e.path().join("manifest.zk")).ok()?;
            (dataset.id == id).then(|| e.path().join("tiles.bin"))
        })
    }
}

fn restrict(path: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let set = fs::set_permissions(path, fs::Permissions::from_mode(0o600));
    set.with_context(|| format!("cannot restrict {}", path.display()))
}

/// Reads a manifest: name, record, schema.
///
/// # Errors
/// A missing or foreign file; a schema that is not the record's.
pub fn read_manifest(path: &Path) -> Result<(String, Dataset, String)> {
    let context = || format!("cannot use {}", path.display());
    let Body::Manifest(m) = wire::decode_file(&files::read(path)?).with_context(context)? else {
        return Err(Rejected::Input(format!("{} is not a dataset's manifest", path.display())).into());
    };
    let record = m.dataset.as_ref().context("the manifest has no dataset").with_context(context)?;
    let dataset = zektra_records::dataset_from_pb(record).with_context(context)?;
    let schema = Schema::parse(&m.schema).with_context(context)?;
    let digest = schema_digest(&schema);
    expect(digest == dataset.schema, || format!("{}: the schema is not the one of the record", path.display()))?;
    let Layout { columns, blocks, rows: _, classes, scale_x, scale_r } = Layout::of(&schema);
    let record = (dataset.columns as usize, dataset.blocks as usize, dataset.classes as usize);
    let fits = record == (columns, blocks, classes)
        && (dataset.scale_x, dataset.scale_r) == (scale_x, scale_r)
        && (dataset.row_norm, dataset.range) == (schema.row_norm_units(), schema.range_units());
    expect(fits, || format!("{}: the record does not fit its schema", path.display()))?;
    Ok((m.name, dataset, m.schema))
}

/// The digest of a schema, as records name it.
pub fn schema_digest(schema: &Schema) -> Fingerprint {
    let mut e = Encoder::new("zektra/schema/v1");
    e.bytes(&schema.digest_bytes());
    e.fingerprint()
}

/// What to encrypt.
#[derive(Debug)]
pub struct Encryption<'a> {
    /// Whose.
    pub home: &'a Home,
    /// The CSV file.
    pub csv: &'a Path,
    /// Bounds, scales, target.
    pub schema: &'a Schema,
    /// The dataset's name.
    pub name: &'a str,
    /// The chain, or `local`.
    pub chain_id: &'a str,
    /// Raised to upload a dataset again with other rows.
    pub attempt: u32,
}

/// What was encrypted.
#[derive(Clone, Debug)]
pub struct Encrypted {
    /// The record.
    pub dataset: Dataset,
    /// Rows read, values and rows clipped.
    pub tally: Tally,
    /// Bytes of ciphertext.
    pub bytes: u64,
}

/// Row groups that are encrypted under one write to the label log.
const BATCH: usize = 16;

/// Encrypts a CSV file into the vault, in bounded memory. A run that was cut off goes on where it stopped.
///
/// `progress(rows, bytes of the CSV read, bytes in all)` is called after each batch.
///
/// # Errors
/// Bad input with line, column and what was expected; rows that differ from those encrypted before under
/// the same name and attempt; a full disk. What was encrypted until then stays and is used next time.
pub fn encrypt(job: &Encryption<'_>, progress: &mut dyn FnMut(u64, u64, u64)) -> Result<Encrypted> {
    let valid = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let name_fits = !job.name.is_empty() && job.name.len() <= 64 && job.name.chars().all(valid);
    expect(name_fits, || format!("name: {:?}, expected 1 to 64 letters, digits, - or _", job.name))?;
    let seat = job.home.seat()?;
    let mut log = job.home.log(&seat)?;
    let folder = job.home.dataset_folder(job.name);
    let manifest = folder.join("manifest.zk");
    if manifest.exists() {
        let (_, old, _) = read_manifest(&manifest)?;
        let next = old.attempt.saturating_add(1);
        allow(job.attempt > old.attempt || old.owner_key != seat.commitment(), || {
            format!("dataset {:?} is encrypted already; to replace it give --attempt {next}", job.name)
        })?;
    }
    let layout = Layout::of(job.schema);
    let id = Dataset::object_id(job.chain_id, &seat.commitment(), job.name);
    let sealer = Sealer { seat: &seat, chain_id: job.chain_id, dataset: id, attempt: job.attempt };

    files::private_folder(&folder)?;
    let mut output = Output::open(&folder, job.attempt)?;
    let (first_group, tally) = read_groups(job, &layout, progress, &mut |first, groups| {
        output.add(&sealer, &mut log, first * layout.blocks as u64, groups)
    })?;
    let dataset = Dataset {
        id,
        owner_key: seat.commitment(),
        attempt: job.attempt,
        schema: schema_digest(job.schema),
        rows: tally.rows,
        groups: u32::try_from(first_group).context("more than 2^32 row groups")?,
        columns: layout.columns as u32,
        blocks: layout.blocks as u32,
        classes: layout.classes as u32,
        scale_x: layout.scale_x,
        scale_r: layout.scale_r,
        row_norm: job.schema.row_norm_units(),
        range: job.schema.range_units(),
        root: Commitment([0; 4]),
        content_root: Fingerprint::NONE,
    };
    let (dataset, bytes) = output.finish(job.name, job.schema, dataset)?;
    Ok(Encrypted { dataset, tally, bytes })
}

/// An error of the label log, in words for whom rows are encrypted or proven.
fn other_rows(e: LogError) -> anyhow::Error {
    let repeated = "the rows differ from those that were encrypted before under this name; \
        keep the old rows, or give a higher --attempt";
    match e {
        LogError::Used { .. } => anyhow::Error::new(e).context(repeated),
        e => e.into(),
    }
}

/// Where the proof of a row group is, beside the dataset's tiles.
pub fn tile_proof(tiles: &Path, attempt: u32, group: u64) -> PathBuf {
    tiles.with_file_name("proofs").join(format!("tile-{attempt}-{group}.zkp"))
}

/// Proves the row groups of an encrypted dataset from the rows that it was made of. What is proven already
/// is left. Gives how many proofs there are now.
///
/// `progress(done, total)` is called for every row group.
///
/// # Errors
/// Other rows than those that were encrypted; rows that no proof can bound; what the system says.
pub fn prove_tiles(job: &Encryption<'_>, progress: &mut dyn FnMut(u64, u64)) -> Result<u64> {
    let seat = job.home.seat()?;
    let mut log = job.home.log(&seat)?;
    let (dataset, _, tiles) = job.home.dataset(job.name)?;
    let is_it = dataset.owner_key == seat.commitment() && dataset.schema == schema_digest(job.schema);
    allow(is_it && dataset.attempt == job.attempt, || {
        format!("dataset {:?} was encrypted under another key, schema or attempt", job.name)
    })?;
    let bounds = zektra_prove::tile::Bounds::of_dataset(&dataset);
    let bounds = bounds.context("the schema's bounds are too large to be proven: lower its scales or row norm")?;
    let circuit = zektra_prove::tile::TileCircuit::load(&zektra_prove::cache::Cache::of_user(), bounds);
    let layout = Layout::of(job.schema);
    let sealer = Sealer { seat: &seat, chain_id: job.chain_id, dataset: dataset.id, attempt: job.attempt };
    files::private_folder(&tiles.with_file_name("proofs"))?;
    let file = File::open(&tiles).with_context(|| format!("cannot read {}", tiles.display()))?;
    let planes = (layout.blocks * Plane::ALL.len()) as u64;
    let total = u64::from(dataset.groups);
    let (count, _) = read_groups(job, &layout, &mut |_, _, _| {}, &mut |first, groups| {
        for (group, row_group) in (first..).zip(groups) {
            progress(group, total);
            let path = tile_proof(&tiles, job.attempt, group);
            let mut stored = vec![0; planes as usize * POLY_BYTES];
            file.read_exact_at(&mut stored, group * planes * POLY_BYTES as u64).context("cannot read the tiles")?;
            let b = wire::polys_from_bytes(&stored)?;
            let tile = group * layout.blocks as u64;
            let list: Vec<(u64, Plane, &Poly)> = (tile..)
                .zip(&row_group.planes)
                .flat_map(|(t, m)| Plane::ALL.into_iter().zip(m).map(move |(p, m)| (t, p, m)))
                .collect();
            // Claims what is claimed already: other rows are refused here.
            let sealed = sealer.seal(&mut log, &list).map_err(other_rows)?;
            allow(b == sealed, || {
                let path = tiles.display();
                format!("{path}: row group {group} was made of other rows, or for another chain: --attempt replaces it")
            })?;
            // One of another key's tiles is made again.
            if path.exists() && crate::proofs::is_tile_proof(&circuit, job.chain_id, &dataset, group, &b, &path) {
                continue;
            }
            let messages: Vec<Poly> = row_group.planes.concat();
            let proven = zektra_parties::share::prove_tile(&circuit, &sealer, group, &b, &messages)?;
            files::write(&path, &crate::proofs::encode(&circuit.circuit, &proven.proof))?;
        }
        Ok(())
    })?;
    progress(total, total);
    allow(count == total, || format!("{} has {count} row groups, the dataset {total}", job.csv.display()))?;
    Ok(count)
}

/// Reads a table in batches of row groups: `each(index of the first, row groups)`. Gives how many there are.
fn read_groups(
    job: &Encryption<'_>,
    layout: &Layout,
    progress: &mut dyn FnMut(u64, u64, u64),
    each: &mut dyn FnMut(u64, &[RowGroup]) -> Result<()>,
) -> Result<(u64, Tally)> {
    let file = File::open(job.csv).with_context(|| format!("cannot read {}", job.csv.display()))?;
    let total = file.metadata().map_or(0, |m| m.len());
    let counter = Counter::default();
    let reader = counter.count(BufReader::with_capacity(1 << 20, file));
    let in_file = || format!("in {}", job.csv.display());
    let mut table = TableReader::new(reader, job.schema, layout.scale_x).with_context(in_file)?;
    let mut rows = Vec::with_capacity(layout.rows);
    let mut groups: Vec<RowGroup> = Vec::new();
    let mut first_group = 0u64;
    loop {
        let row = table.next().transpose().with_context(in_file)?;
        let ended = row.is_none();
        if let Some(row) = row {
            rows.push(layout.row(row)?);
        }
        if rows.len() == layout.rows || (ended && !rows.is_empty()) {
            groups.push(RowGroup::pack(&rows, layout.columns, layout.blocks, layout.classes));
            rows.clear();
        }
        if groups.len() == BATCH || (ended && !groups.is_empty()) {
            each(first_group, &groups)?;
            first_group += groups.len() as u64;
            groups.clear();
            progress(table.tally().rows, counter.get(), total);
        }
        if ended {
            break;
        }
    }
    let tally = table.tally();
    expect(tally.rows > 0, || format!("{} has a header but no rows, expected at least one", job.csv.display()))?;
    Ok((first_group, tally))
}

/// How rows are laid out in tiles.
struct Layout {
    columns: usize,
    blocks: usize,
    rows: usize,
    classes: usize,
    scale_x: u32,
    scale_r: u32,
}

impl Layout {
    fn of(schema: &Schema) -> Self {
        let features = schema.features() as u32;
        let columns = zektra_statement::template::columns_for(features) as usize;
        Self {
            columns,
            blocks: (features as usize).div_ceil(columns),
            rows: N / columns,
            classes: schema.classes(),
            scale_x: schema.feature_bits,
            scale_r: schema.residual_bits,
        }
    }

    /// A quantised row with its target in each class, ±½ or a number, at the residuals' scale.
    fn row(&self, row: Row) -> Result<(Vec<i32>, Vec<i32>)> {
        let half = 1i32 << (self.scale_r - 1);
        let targets = match row.target {
            Target::Class(k) if self.classes == 1 => vec![if k == 1 { half } else { -half }],
            Target::Class(k) => (0..self.classes).map(|c| if usize::from(k) == c { half } else { -half }).collect(),
            Target::Number(v) => {
                let v = i64::from(v) << self.scale_r;
                vec![round_shift(v, self.scale_x) as i32]
            }
            Target::None => bail!("a row without a target cannot be encrypted"),
        };
        Ok((row.x, targets))
    }
}

/// The growing files of a dataset.
struct Output {
    folder: PathBuf,
    tiles: File,
    commitments: File,
    /// Polynomials that an earlier run left.
    done: u64,
    attempt: u32,
}

impl Output {
    fn open(folder: &Path, attempt: u32) -> Result<Self> {
        let open = |name: String| {
            let path = folder.join(name);
            let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
            file.with_context(|| format!("cannot write {}", path.display()))
        };
        let (mut tiles, mut commitments) =
            (open(format!("tiles-{attempt}.partial"))?, open(format!("commitments-{attempt}.partial"))?);
        let whole = |f: &File, size: u64| f.metadata().map_or(0, |m| m.len() / size);
        let done = whole(&tiles, POLY_BYTES as u64).min(whole(&commitments, 64));
        for (file, size) in [(&mut tiles, POLY_BYTES as u64), (&mut commitments, 64)] {
            file.set_len(done * size).and_then(|()| file.seek(SeekFrom::End(0))).context("cannot resume")?;
        }
        Ok(Self { folder: folder.into(), tiles, commitments, done, attempt })
    }

    fn add(&mut self, sealer: &Sealer<'_>, log: &mut LabelLog, first_tile: u64, groups: &[RowGroup]) -> Result<()> {
        let tiles = groups.iter().flat_map(|g| &g.planes);
        let planes: Vec<(u64, Plane, &Poly)> = (first_tile..)
            .zip(tiles)
            .flat_map(|(tile, planes)| Plane::ALL.into_iter().zip(planes).map(move |(p, m)| (tile, p, m)))
            .collect();
        let index = |tile: u64, plane: Plane| tile * Plane::ALL.len() as u64 + plane.index();
        // Also what is there already is claimed: other rows than before are refused, not mixed in.
        let sealed = sealer.seal(log, &planes).map_err(other_rows)?;
        for ((tile, plane, _), b) in planes.iter().zip(&sealed) {
            self.keep_if_same(index(*tile, *plane), b)?;
        }
        let fresh: Vec<(&(u64, Plane, &Poly), &Poly)> =
            planes.iter().zip(&sealed).filter(|((t, p, _), _)| index(*t, *p) >= self.done).collect();
        let commitments = in_parallel(&fresh, |((tile, plane, _), b)| {
            let a = tile_randomness(sealer.chain_id, sealer.object(), *plane, *tile, sealer.attempt);
            [a.commitment().to_bytes(), b.commitment().to_bytes()].concat()
        });
        let full = "cannot write the tiles; what was encrypted so far is kept and the same command goes on from it";
        for (_, b) in &fresh {
            self.tiles.write_all(&b.to_bytes()).context(full)?;
        }
        self.commitments.write_all(&commitments.concat()).context(full)
    }

    /// Cuts off what an earlier run left from `index` on, unless it is what this run would write: the key may
    /// have been rotated since, or the chain may be another, or the disk may have lost it.
    fn keep_if_same(&mut self, index: u64, b: &Poly) -> Result<()> {
        if index >= self.done {
            return Ok(());
        }
        let mut stored = vec![0; POLY_BYTES];
        self.tiles.read_exact_at(&mut stored, index * POLY_BYTES as u64).context("cannot read the tiles")?;
        if stored != b.to_bytes() {
            self.done = index;
            for (file, size) in [(&mut self.tiles, POLY_BYTES as u64), (&mut self.commitments, 64)] {
                file.set_len(index * size).and_then(|()| file.seek(SeekFrom::End(0))).context("cannot resume")?;
            }
        }
        Ok(())
    }

    fn finish(mut self, name: &str, schema: &Schema, dataset: Dataset) -> Result<(Dataset, u64)> {
        self.tiles.sync_all().context("cannot write the tiles")?;
        let count = dataset.tiles() * Plane::ALL.len() as u64;
        let partial = |name: &str| self.folder.join(format!("{name}-{}.partial", self.attempt));
        let bytes = count * POLY_BYTES as u64;
        let length = self.tiles.seek(SeekFrom::End(0)).context("cannot read the tiles")?;
        allow(length == bytes, || {
            format!(
                "{} holds {length} bytes, expected {bytes}: the table has fewer rows than the run before; keep the old rows, or give a higher --attempt",
                partial("tiles").display()
            )
        })?;
        let commitments = files::read(&partial("commitments"))?;
        let read = |bytes: &[u8]| Commitment::from_bytes(bytes).context("a stored commitment is damaged");
        let planes = dataset.blocks as usize * Plane::ALL.len();
        let leaves = (0u64..).zip(commitments.chunks_exact(64 * planes)).map(|(group, pairs)| {
            let pairs = pairs.chunks_exact(64).map(|pair| Ok((read(&pair[..32])?, read(&pair[32..])?)));
            Ok(dataset_leaf(group, &dataset.owner_key, &pairs.collect::<Result<Vec<_>>>()?))
        });
        let root = Tree::new(leaves.collect::<Result<_>>()?).root();
        let content_root = file_root(&partial("tiles"))?;
        let dataset = Dataset { root, content_root, ..dataset };
        let manifest = pb::Manifest {
            name: name.into(),
            dataset: Some(zektra_records::dataset_to_pb(&dataset)),
            schema: schema.to_toml(),
            commitments: commitments.into(),
        };
        let tiles = self.folder.join("tiles.bin");
        fs::rename(partial("tiles"), &tiles).with_context(|| format!("cannot write {}", tiles.display()))?;
        files::write(&self.folder.join("manifest.zk"), &wire::encode_file(Body::Manifest(manifest)))?;
        fs::remove_file(partial("commitments")).context("cannot remove a partial file")?;
        Ok((dataset, bytes))
    }
}

impl Drop for Output {
    /// Files without contents are of no use to the next run.
    fn drop(&mut self) {
        for name in ["tiles", "commitments"] {
            let path = self.folder.join(format!("{name}-{}.partial", self.attempt));
            if fs::metadata(&path).is_ok_and(|m| m.len() == 0) {
                let _ = fs::remove_file(path);
            }
        }
        // Only if it is empty.
        let _ = fs::remove_dir(&self.folder);
    }
}

/// `f` of every item, on all cores, in order.
fn in_parallel<T: Sync, R: Send>(items: &[T], f: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let size = items.len().div_ceil(threads).max(1);
    std::thread::scope(|scope| {
        let parts: Vec<_> =
            items.chunks(size).map(|part| scope.spawn(|| part.iter().map(&f).collect::<Vec<R>>())).collect();
        // A panic in a part is ours, not the input's: let it be seen.
        parts.into_iter().flat_map(|p| p.join().unwrap_or_else(|e| std::panic::resume_unwind(e))).collect()
    })
}

/// Bytes read so far, seen from outside the reader.
#[derive(Clone, Default)]
struct Counter(std::rc::Rc<std::cell::Cell<u64>>);

struct Counted<R> {
    inner: R,
    counter: Counter,
}

impl Counter {
    fn get(&self) -> u64 {
        self.0.get()
    }

    fn count<R>(&self, inner: R) -> Counted<R> {
        Counted { inner, counter: self.clone() }
    }
}

impl<R: std::io::Read> std::io::Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.counter.0.set(self.counter.0.get() + n as u64);
        Ok(n)
    }
}
