//! A process that writes version after version is killed; what it leaves is one of them, whole.

use super::model::options;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use zektra_state::{Changes, Held, Order, StateRead as _};
use zektra_store::Store;

const FOLDER: &str = "ZEKTRA_TEST_STORE";

fn changes(version: u64) -> Changes {
    let entry = |k: u64| (format!("k{}", (version * 31 + k) % 97).into_bytes(), Some(version.to_be_bytes().to_vec()));
    (0..40).map(entry).chain([(b"version".to_vec(), Some(version.to_be_bytes().to_vec()))]).collect()
}

/// The child.
#[test]
fn writes_until_it_is_killed() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let store = Store::open(folder.as_ref(), options(Some(5))).unwrap();
    let mut version = store.last().unwrap().map_or(0, |(version, _)| version + 1);
    loop {
        let staged = store.stage(version, changes(version), &Held::default(), None).unwrap();
        let mut index = store.index_batch();
        index.apply(&changes(version));
        store.commit(&[staged], index).unwrap();
        println!("committed {version}");
        version += 1;
    }
}

#[test]
fn a_killed_writer_leaves_whole_versions() {
    let folder = tempfile::tempdir().unwrap();
    let mut seen = 0;
    for round in 0..4 {
        let name = "a_killed_commit_leaves_a_version::writes_until_it_is_killed";
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", name, "--nocapture", "--test-threads", "1"])
            .env(FOLDER, folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let committed = lines.map_while(Result::ok).filter_map(|l| l.split("committed ").nth(1)?.parse::<u64>().ok());
        let last = committed.take(20 + 7 * round).last().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        let store = Store::open(folder.path(), options(Some(5))).unwrap();
        let (version, root) = store.last().unwrap().unwrap();
        assert!(version >= last && last > seen, "{version} after {last}");
        seen = last;
        let latest = store.latest().unwrap();
        assert_eq!(latest.root().unwrap(), root);
        assert_eq!(latest.get(b"version").unwrap(), Some(version.to_be_bytes().to_vec()));
        assert_eq!(store.index(b"version").unwrap(), Some(version.to_be_bytes().to_vec()));
        // An undisturbed twin has the same root.
        let twin = tempfile::tempdir().unwrap();
        let undisturbed = Store::open(twin.path(), options(Some(5))).unwrap();
        for version in 0..=version {
            let staged = undisturbed.stage(version, changes(version), &Held::default(), None).unwrap();
            undisturbed.commit(&[staged], undisturbed.index_batch()).unwrap();
        }
        assert_eq!(undisturbed.last().unwrap(), Some((version, root)));
        let all =
            |s: &Store| s.latest().unwrap().scan(&[], None, Order::Ascending).map(Result::unwrap).collect::<Vec<_>>();
        assert_eq!(all(&store), all(&undisturbed));
    }
}
