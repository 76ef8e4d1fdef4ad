//! Opening the database: a write that a crash cut off is dropped, anything else that is missing is said.
//!
//! RocksDB's log ends, after a crash, within the write that ran; what was synced before is whole. A log that breaks
//! earlier has been damaged, and going on from there would take back blocks that others have seen. RocksDB alone cannot
//! tell the two apart in all cases, so the version that is known to be on the disk stands in a file beside it, written
//! after each synced commit: a database that ends before it is refused.

use crate::db::{Family, Options, last_of};
use crate::failed;
use rocksdb::{BlockBasedOptions, Cache, ColumnFamilyDescriptor, DB, DBRecoveryMode, ErrorKind};
use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use zektra_state::StateError;

/// Bytes of writes that are in memory at most.
const MEMTABLES: usize = 80 << 20;

/// The file in the database's folder that holds the last version known to be on the disk, in decimal digits.
const MARK: &str = "COMMITTED";

/// Writes down which version is on the disk for certain. Not synced itself: what it says is true whenever it is written.
#[derive(Debug, Default)]
pub(crate) struct Mark(Option<File>);

impl Mark {
    fn open(path: &Path) -> Result<Self, StateError> {
        let path = path.join(MARK);
        let file = File::options().write(true).create(true).truncate(false).open(&path);
        file.map(|f| Self(Some(f))).map_err(|e| StateError::Database(format!("{}: {e}", path.display())))
    }

    /// What it says; `None` where no commit was synced yet, or a crash left no number.
    fn read(path: &Path) -> Option<u64> {
        fs::read_to_string(path.join(MARK)).ok()?.trim_end().parse().ok()
    }

    /// Versions only grow, so the number before is written over whole.
    pub fn set(&self, version: u64) {
        if let Some(file) = &self.0 {
            // One that cannot be written stays behind: then less is known, nothing wrong.
            let _ = file.write_all_at(format!("{version}\n").as_bytes(), 0);
        }
    }
}

/// Opens the database of a folder, and its mark.
pub(crate) fn open(path: &Path, options: &Options) -> Result<(DB, Mark), StateError> {
    // Before the database: another process may go on writing both while this one only reads.
    let marked = Mark::read(path);
    let tail_only = DBRecoveryMode::TolerateCorruptedTailRecords;
    let rocks = match attempt(path, options, tail_only, options.read_only) {
        Err(e) if e.kind() == ErrorKind::Corruption => {
            let why = dropped(path).unwrap_or_else(|| format!("{}: {e}", logs(path)));
            // Where the machine lost its power, parts of the last write may be there without those before them. Looked
            // at first, as opening for writing drops what follows the break.
            let prefix = DBRecoveryMode::PointInTime;
            let left = attempt(path, options, prefix, true).ok().map(|db| last_of(&db)).transpose()?.flatten();
            let left = left.map(|(version, _)| version);
            if marked.is_none() || left < marked {
                return Err(StateError::Damaged(format!("{why}; {}", went_back(left, marked))));
            }
            attempt(path, options, prefix, options.read_only).map_err(failed)?
        }
        opened => opened.map_err(failed)?,
    };
    let last = last_of(&rocks)?.map(|(version, _)| version);
    if last < marked {
        let (mark, why) = (path.join(MARK), went_back(last, marked));
        return Err(StateError::Damaged(format!("{}: {why}; {} says how far it was", path.display(), mark.display())));
    }
    let mark = if options.sync && !options.read_only { Mark::open(path)? } else { Mark::default() };
    if let Some(last) = last.filter(|_| marked.is_none()) {
        mark.set(last);
    }
    Ok((rocks, mark))
}

/// What was lost, and what can be done.
fn went_back(left: Option<u64>, marked: Option<u64>) -> String {
    let left = left.map_or("no version".into(), |left| format!("version {left}"));
    let known = marked.map_or(String::new(), |marked| format!(" of {marked} that were committed"));
    format!("what is whole ends with {left}{known}: put a copy of the folder back, or begin anew without it")
}

/// Where the log breaks, in the words of RocksDB's own log: its errors do not name files.
fn dropped(path: &Path) -> Option<String> {
    let log = fs::read_to_string(path.join("LOG")).ok()?;
    let line = log.lines().rev().find(|line| line.contains(".log: dropping "))?;
    Some(line.rsplit_once("] ").map_or(line, |(_, said)| said).trim().into())
}

/// The files in which the log may break, where RocksDB keeps no log of its own: for those who only look.
fn logs(path: &Path) -> String {
    let files = fs::read_dir(path).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
    let held = |file: &PathBuf| {
        file.extension().is_some_and(|e| e == "log") && file.metadata().is_ok_and(|found| found.len() > 0)
    };
    let mut logs: Vec<_> = files.filter(held).map(|file| file.display().to_string()).collect();
    logs.sort();
    if logs.is_empty() { path.display().to_string() } else { logs.join(" or ") }
}

fn attempt(path: &Path, options: &Options, mode: DBRecoveryMode, read_only: bool) -> Result<DB, rocksdb::Error> {
    let mut of_db = rocksdb::Options::default();
    of_db.create_if_missing(true);
    of_db.create_missing_column_families(true);
    of_db.set_max_background_jobs(2);
    of_db.set_keep_log_file_num(4);
    of_db.set_wal_recovery_mode(mode);
    // A log that is written over holds older writes behind its end, which cannot be told from damage.
    of_db.set_recycle_log_file_num(0);
    // The log of a large block goes to the disk while it is written, not all at the end.
    of_db.set_wal_bytes_per_sync(1 << 20);
    of_db.set_max_total_wal_size(2 * MEMTABLES as u64);
    // Of all families together: what is not in tables yet.
    of_db.set_db_write_buffer_size(MEMTABLES);
    let cache = Cache::new_hyper_clock_cache(options.cache_bytes, 0);
    let families = Family::ALL.map(|family| {
        let mut table = BlockBasedOptions::default();
        table.set_block_cache(&cache);
        table.set_bloom_filter(10.0, false);
        let mut of_family = rocksdb::Options::default();
        of_family.set_block_based_table_factory(&table);
        ColumnFamilyDescriptor::new(family.name(), of_family)
    });
    if read_only {
        return DB::open_cf_descriptors_read_only(&of_db, path, families, false);
    }
    DB::open_cf_descriptors(&of_db, path, families)
}
