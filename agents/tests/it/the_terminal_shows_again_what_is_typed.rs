//! `zektra` at a terminal of its own.

use super::parties::ZEKTRA;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, tcgetattr};
use std::fs::File;
use std::io::Write as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Stdio};

#[test]
fn after_ctrl_c_and_after_a_passphrase() {
    let folder = tempfile::tempdir().unwrap();
    for (typed, signal, code) in [("half a pass\x03", Some(2), None), ("short\n", None, Some(2))] {
        let control = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&control).unwrap();
        unlockpt(&control).unwrap();
        let name = ptsname(&control, vec![]).unwrap().into_string().unwrap();
        let terminal = File::options().read(true).write(true).open(name).unwrap();
        let shows = || tcgetattr(&terminal).unwrap().local_modes.contains(LocalModes::ECHO);
        // Whoever started the tests in the background has made them deaf to Ctrl-C.
        let mut command = Command::new("env");
        command
            .args(["--default-signal=INT", ZEKTRA, "keys", "add", "alice", "--keyring-backend", "file", "--home"])
            .arg(folder.path());
        command.stdin(terminal.try_clone().unwrap()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        while shows() {
            assert!(child.try_wait().unwrap().is_none(), "the program has ended before it asked");
            std::thread::yield_now();
        }
        File::from(control.try_clone().unwrap()).write_all(typed.as_bytes()).unwrap();
        let status = child.wait().unwrap();
        assert_eq!((status.signal(), status.code()), (signal, code), "{typed:?}");
        assert!(shows(), "{typed:?}");
    }
}
