use super::a_killed_node_goes_on::{height, replayed};
use super::node::Node;
use std::process::{Command, Stdio};
use std::time::Duration;
use zektra_app::node::Home;
use zektra_comet::Remote;

/// Files cannot grow beyond 256 KiB, as if no more fitted on the disk: the system refuses the write, anywhere and
/// without rights.
const LIMITED: &str = r#"trap '' XFSZ; ulimit -f 512; exec "$0" "$@""#;

#[test]
fn and_goes_on_when_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::new(folder.path());
    let mut command = Command::new("sh");
    command.args(["-c", LIMITED, env!("CARGO_BIN_EXE_zektrad"), "start", "--solo", "--block-time", "5ms"]);
    command.args(["--rpc", "127.0.0.1:0", "--grpc", "127.0.0.1:0", "--api", "127.0.0.1:0", "--log-level", "warn"]);
    let done = command.arg("--home").arg(folder.path()).stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert_eq!(done.status.code(), Some(1), "{said}");
    assert!(said.contains("error: the database fails: IO error: ") && said.contains("File too large"), "{said}");
    // Each block that is there leads to the app hash that the next one states.
    let last = replayed(&home);
    assert!(last > 5, "the disk was full at block {last}");
    let node = Node::start(folder.path(), &["--block-time", "5ms"]);
    let rpc = Remote::new(&node.rpc);
    while height(&rpc) < last + 5 {
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(node.stop());
    assert!(replayed(&home) >= last + 5);
}
