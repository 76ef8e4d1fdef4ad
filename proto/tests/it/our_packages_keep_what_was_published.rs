//! Names, numbers and types of `zektra.*`, by the rules of buf.

use std::path::{Path, PathBuf};
use std::process::Command;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// What buf says of the packages in a folder; nothing if it finds nothing.
fn buf(folder: &Path, arguments: &[&str]) -> String {
    let clients = std::env::var("ZEKTRA_CLIENTS")
        .expect("ZEKTRA_CLIENTS is not set: `scripts/setup tests` installs buf, `make test` says where it is");
    let buf = Path::new(&clients).join("node_modules/.bin/buf");
    assert!(buf.exists(), "{} is missing: `scripts/setup tests` installs it", buf.display());
    let done = Command::new(buf).args(arguments).current_dir(folder).output().unwrap();
    let said = [done.stdout, done.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    assert_eq!(done.status.success(), said.is_empty(), "{said}");
    said
}

fn published() -> Vec<PathBuf> {
    let all = std::fs::read_dir(Path::new(ROOT).join("published")).unwrap();
    all.map(|entry| entry.unwrap().path()).collect()
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), &to).unwrap();
        }
    }
}

#[test]
fn and_follow_the_style_of_protobuf() {
    assert_eq!(buf(Path::new(ROOT), &["lint"]), "");
}

#[test]
fn in_every_version() {
    assert!(!published().is_empty());
    let other = std::env::temp_dir().join(format!("zektra-published-{}", std::process::id()));
    for folder in ["amino", "cosmos", "cosmos_proto", "google", "tendermint", "zektra"] {
        copy(&Path::new(ROOT).join(folder), &other.join(folder));
    }
    std::fs::copy(Path::new(ROOT).join("buf.yaml"), other.join("buf.yaml")).unwrap();
    // One number changed: the rules see it.
    let vault = other.join("zektra/vault/v1/vault.proto");
    let text = std::fs::read_to_string(&vault).unwrap();
    std::fs::write(&vault, text.replacen("bytes key = 2;", "bytes key = 9;", 1)).unwrap();
    for image in published() {
        let against = ["breaking", "--against", image.to_str().unwrap()];
        assert_eq!(buf(Path::new(ROOT), &against), "");
        let broken = buf(&other, &against);
        assert!(
            broken.contains("Previously present field \"2\" with name \"key\" on message \"Seat\" was deleted"),
            "{broken}"
        );
    }
    std::fs::remove_dir_all(&other).unwrap();
}
