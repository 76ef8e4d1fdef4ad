//! Fingerprint of everything that a circuit is made from: the sources here, of the statements and of the settings,
//! and the version of Plonky2. A circuit cached by other code is not used.

use std::path::{Path, PathBuf};

fn main() -> std::io::Result<()> {
    let mut hasher = blake3::Hasher::new();
    for folder in ["src", "../statement/src", "../verify/src"] {
        println!("cargo::rerun-if-changed={folder}");
        let mut files = vec![];
        list(Path::new(folder), &mut files)?;
        files.sort();
        for file in files {
            let text = std::fs::read(&file)?;
            hasher.update(file.to_string_lossy().as_bytes());
            hasher.update(&(text.len() as u64).to_le_bytes());
            hasher.update(&text);
        }
    }
    let lock = "../../Cargo.lock";
    println!("cargo::rerun-if-changed={lock}");
    let lock = std::fs::read_to_string(lock)?;
    for package in lock.split("[[package]]").filter(|p| p.trim_start().starts_with("name = \"plonky2")) {
        hasher.update(package.trim().as_bytes());
    }
    println!("cargo::rustc-env=ZEKTRA_CIRCUIT_SOURCES={}", hasher.finalize().to_hex());
    Ok(())
}

fn list(folder: &Path, out: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            list(&path, out)?;
        } else if path.extension().is_some_and(|e| e == "rs") {
            out.push(path);
        }
    }
    Ok(())
}
