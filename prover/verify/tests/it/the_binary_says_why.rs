use super::sample::bundle;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_zektra-verify")).args(arguments).output().unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn write(folder: &Path, bytes: &[u8]) -> String {
    let path = folder.join("bundle");
    fs::write(&path, bytes).unwrap();
    path.to_str().unwrap().into()
}

#[test]
fn a_refused_bundle_is_one_line_and_code_1() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), &bundle().encode());
    let output = run(&[&path]);
    let line = text(&output.stderr);
    assert_eq!((code(&output), line.lines().count()), (1, 1));
    assert!(line.starts_with("refused: the job's circuits "), "{line}");
    assert!(line.contains("are not known to this verifier"), "{line}");
    assert!(output.stdout.is_empty());
    // Named, it comes as far as the proof, which is none.
    let digest = bundle().job.circuits.unwrap().to_string();
    let output = run(&[&path, "--circuits", &digest, "--json"]);
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((code(&output), json["accepted"].as_bool(), json["exit_code"].as_u64()), (1, Some(false), Some(1)));
    let reason = json["reason"].as_str().unwrap();
    assert!(reason.starts_with("the proof is not one of the last circuit: proof is 100 bytes"), "{reason}");
}

#[test]
fn what_cannot_be_read_is_code_2() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), b"a text");
    let output = run(&[&path]);
    assert_eq!(code(&output), 2);
    let line = text(&output.stderr);
    assert!(line.starts_with("unreadable: not a bundle that can be read: magic, byte 0"), "{line}");
    let mut bytes = bundle().encode();
    bytes[50] ^= 1;
    let output = run(&[&write(folder.path(), &bytes)]);
    assert_eq!(code(&output), 2);
    assert!(text(&output.stderr).contains("the file is damaged"));
    let missing = folder.path().join("none");
    assert_eq!(code(&run(&[missing.to_str().unwrap()])), 2);
    assert_eq!(code(&run(&[])), 2);
    assert_eq!(code(&run(&[&path, "--circuits", "12"])), 2);
}
