//! The descriptors that come with the Python client cosmpy, field by field.

use std::process::Command;

#[test]
fn of_messages_enums_services_and_routes() {
    let python = std::env::var("ZEKTRA_PYTHON").unwrap_or_else(|_| "python3".into());
    let found = Command::new(&python).args(["-c", "import cosmpy"]).output().is_ok_and(|o| o.status.success());
    assert!(found, "{python} has no cosmpy: scripts/setup installs it");
    let folder = std::env::temp_dir().join(format!("zektra-descriptors-{}", std::process::id()));
    std::fs::write(&folder, zektra_proto::DESCRIPTORS).unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/compare_descriptors.py");
    let done = Command::new(&python).arg(script).arg(&folder).output().unwrap();
    std::fs::remove_file(&folder).unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(done.status.success(), "{}{}", text(&done.stdout), text(&done.stderr));
    assert!(text(&done.stdout).contains("all the same"), "{}", text(&done.stdout));
}
