//! What a crash cut off is dropped; what was committed and is not there any more is said.

use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use zektra_state::{Changes, Held};
use zektra_store::{Options, Store};

const LAST: u64 = 12;
const MARK: &str = "COMMITTED";

fn open(folder: &Path) -> Result<Store, String> {
    Store::open(folder, Options { cache_bytes: 1 << 20, ..Options::default() }).map_err(|e| e.to_string())
}

/// Each in several blocks of the log, which have 32 KiB.
fn changes(version: u64) -> Changes {
    let value = |k: u64| [version.to_be_bytes().to_vec(), vec![k as u8; 4000]].concat();
    (0..20).map(|k| (format!("k{k}").into_bytes(), Some(value(k)))).collect()
}

fn commit(store: &Store, version: u64) {
    let staged = store.stage(version, changes(version), &Held::default(), None).unwrap();
    store.commit(&[staged], store.index_batch()).unwrap();
}

fn copy(from: &Path) -> TempDir {
    let to = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.path().join(entry.file_name())).unwrap();
    }
    to
}

fn log(folder: &Path) -> PathBuf {
    let mut logs: Vec<_> = fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    logs.retain(|path| path.extension().is_some_and(|e| e == "log") && fs::metadata(path).unwrap().len() > 0);
    assert_eq!(logs.len(), 1, "{logs:?}");
    logs.remove(0)
}

/// A chain with all its commits in one log, which it ends with how many bytes before the last of them, and the mark of
/// that time.
fn written() -> (TempDir, usize, Vec<u8>) {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    (0..LAST).for_each(|version| commit(&store, version));
    let mark = fs::read(folder.path().join(MARK)).unwrap();
    let before = fs::metadata(log(folder.path())).unwrap().len();
    commit(&store, LAST);
    (folder, before as usize, mark)
}

/// How the chain opens after its log was changed.
fn after(written: &Path, mark: Option<&[u8]>, change: impl Fn(&mut Vec<u8>)) -> (PathBuf, Result<Option<u64>, String>) {
    let folder = copy(written);
    let log = log(folder.path());
    let mut bytes = fs::read(&log).unwrap();
    change(&mut bytes);
    fs::write(&log, bytes).unwrap();
    if let Some(mark) = mark {
        fs::write(folder.path().join(MARK), mark).unwrap();
    }
    let opened = open(folder.path()).map(|store| store.last().unwrap().map(|(version, _)| version));
    if let Err(e) = &opened {
        // It says so again and again, to those who only look, too.
        let looks = Options { read_only: true, ..Options::default() };
        let looked = Store::open(folder.path(), looks).unwrap_err().to_string();
        assert!(looked.contains("what is whole ends with"), "{looked} after {e}");
        assert_eq!(open(folder.path()).unwrap_err().contains(".log: dropping"), e.contains(".log: dropping"));
    }
    (log, opened)
}

#[test]
fn damage_in_the_middle_names_the_file() {
    let (folder, before, _) = written();
    for at in (0..8).map(|k| before * (2 * k + 1) / 16) {
        let (log, opened) = after(folder.path(), None, |bytes| bytes[at] ^= 0x55);
        let why = opened.unwrap_err();
        assert!(why.contains(log.file_name().unwrap().to_str().unwrap()), "{why} for byte {at}");
        assert!(why.contains(" of 12 that were committed: put a copy of the folder back"), "{why}");
    }
    // Also for those who look first: RocksDB has no log of its own for them.
    let damaged = copy(folder.path());
    let log = log(damaged.path());
    let mut bytes = fs::read(&log).unwrap();
    bytes[before / 2] ^= 0x55;
    fs::write(&log, bytes).unwrap();
    fs::remove_file(damaged.path().join("LOG")).unwrap();
    let looks = Options { read_only: true, ..Options::default() };
    let why = Store::open(damaged.path(), looks).unwrap_err().to_string();
    assert!(why.contains(&format!("{}: Corruption: checksum mismatch", log.display())), "{why}");
    // Nothing is known where the mark is lost: damage is an error all the same.
    let (_, opened) = after(folder.path(), Some(b""), |bytes| bytes[before / 2] ^= 0x55);
    assert!(opened.unwrap_err().contains(".log: dropping"));
}

#[test]
fn no_flipped_byte_of_the_last_commit_makes_the_chain_shorter() {
    let (folder, before, _) = written();
    let length = fs::metadata(log(folder.path())).unwrap().len() as usize;
    // Its header, its end, and the header of its last fragment, whose length no checksum covers before it is read.
    let fragment = length / (32 << 10) * (32 << 10);
    for at in (before..before + 7).chain(fragment..fragment + 7).chain([length - 1]) {
        let (_, opened) = after(folder.path(), None, |bytes| bytes[at] ^= 0xff);
        let why = opened.unwrap_err();
        assert!(why.contains("what is whole ends with version 11 of 12 that were committed"), "{why} for byte {at}");
    }
}

#[test]
fn a_commit_that_was_cut_off_is_dropped_and_one_that_ended_is_missed() {
    let (folder, before, mark) = written();
    let length = fs::metadata(log(folder.path())).unwrap().len() as usize;
    for cut in [before, before + 1, before + 8, (before + length) / 2, length - 1] {
        let (_, opened) = after(folder.path(), Some(&mark), |bytes| bytes.truncate(cut));
        assert_eq!(opened, Ok(Some(LAST - 1)), "cut at {cut}");
        let (_, opened) = after(folder.path(), None, |bytes| bytes.truncate(cut));
        let why = opened.unwrap_err();
        assert!(why.contains("what is whole ends with version 11 of 12 that were committed"), "{why}");
    }
    // Without its power a machine may have the end of a write and not its beginning.
    let hole = |bytes: &mut Vec<u8>| bytes[before..before + 4096].fill(0);
    assert_eq!(after(folder.path(), Some(&mark), hole).1, Ok(Some(LAST - 1)));
    assert!(after(folder.path(), None, hole).1.is_err());
    assert_eq!(after(folder.path(), None, |_| ()).1, Ok(Some(LAST)));
}

#[test]
fn who_only_looks_changes_nothing_and_may_do_so_beside_a_writer() {
    let (folder, ..) = written();
    let store = open(folder.path()).unwrap();
    let looks = || Store::open(folder.path(), Options { read_only: true, ..Options::default() });
    let (looked, found) = (looks().unwrap(), store.last().unwrap());
    assert_eq!(looked.last().unwrap(), found);
    assert_eq!(looked.latest().unwrap().root().unwrap(), found.unwrap().1);
    let staged = looked.stage(LAST + 1, changes(0), &Held::default(), None).unwrap();
    assert!(looked.commit(&[staged], looked.index_batch()).is_err());
    commit(&store, LAST + 1);
    assert_eq!(looks().unwrap().last().unwrap().unwrap().0, LAST + 1);
    let nothing = tempfile::tempdir().unwrap();
    let looked = Store::open(nothing.path(), Options { read_only: true, ..Options::default() });
    assert!(looked.is_err() && !nothing.path().join(MARK).exists());
}
