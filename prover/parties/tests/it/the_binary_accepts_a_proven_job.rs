use super::played::played;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// The binary of this build, beside the folder of the test's own.
fn binary() -> PathBuf {
    let mut path = std::env::current_exe().unwrap();
    path.pop();
    path.pop();
    path.push("zektra-verify");
    if !path.exists() {
        let build = ["build", "--workspace", "--bin", "zektra-verify"];
        assert!(Command::new(env!("CARGO")).args(build).status().unwrap().success());
    }
    path
}

/// One file and the binary, nothing else.
#[test]
fn a_bundle_on_disk_is_accepted() {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let path = folder.join("small-job.zkbundle");
    fs::write(&path, played().bundle.encode()).unwrap();
    let output = Command::new(binary()).arg(&path).env_clear().current_dir(&folder).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    println!("{text}");
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(
        text.contains("\nproven\n") && text.contains("\nnot proven\n") && text.contains("\naccepted, verified in ")
    );
    let output = Command::new(binary()).arg(&path).arg("--json").output().unwrap();
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json["accepted"], true);
    assert_eq!(json["report"]["steps"], 2);
    assert_eq!(json["report"]["job"]["digest"], played().bundle.job.digest().to_string());
    assert_eq!(json["report"]["model"][0]["shares"].as_array().unwrap().len(), 3);
}
