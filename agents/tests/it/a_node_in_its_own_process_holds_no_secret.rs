//! The compute node alone in a process of its own: after training, all of its memory is searched.

use crate::nobody_else_sees_a_secret::{Needles, add_seat, add_shares, add_table, digits, key_of};
use crate::parties::{JobText, Parties, breast_cancer};
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::FileExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use zektra_agents::member::{Connection, serve};
use zektra_agents::node::{Link, Node, Stage};
use zektra_agents::wire;
use zektra_proto::node::v1::envelope::Body;

/// Where the node's process finds its folder; unset in an ordinary run of the tests.
const FOLDER: &str = "ZEKTRA_TEST_NODE_FOLDER";

/// Messages behind their lengths.
struct Framed(UnixStream);

impl Framed {
    fn put(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        self.0.write_all(&(bytes.len() as u64).to_le_bytes())?;
        Ok(self.0.write_all(bytes)?)
    }

    fn take(&mut self) -> anyhow::Result<Option<Vec<u8>>> {
        let mut length = [0; 8];
        match self.0.read_exact(&mut length) {
            Err(e) if e.kind() == ErrorKind::UnexpectedEof => return Ok(None),
            other => other?,
        }
        let mut bytes = vec![0; u64::from_le_bytes(length) as usize];
        self.0.read_exact(&mut bytes)?;
        Ok(Some(bytes))
    }
}

impl Link for Framed {
    fn send(&mut self, bytes: Vec<u8>) -> anyhow::Result<()> {
        self.put(&bytes)
    }

    fn receive(&mut self) -> anyhow::Result<Vec<u8>> {
        self.take()?.ok_or_else(|| anyhow::anyhow!("a member has gone"))
    }
}

impl Connection for Framed {
    fn send(&mut self, bytes: Vec<u8>) -> anyhow::Result<()> {
        self.put(&bytes)
    }

    fn receive(&mut self) -> anyhow::Result<Option<Vec<u8>>> {
        self.take()
    }
}

/// All memory that this process may read, as the kernel lists it.
fn dump(to: &Path) {
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let memory = File::open("/proc/self/mem").unwrap();
    let mut out = File::create(to).unwrap();
    let mut buffer = vec![0; 1 << 16];
    for line in maps.lines() {
        let mut fields = line.split_whitespace();
        let (range, rights) = (fields.next().unwrap(), fields.next().unwrap());
        if !rights.starts_with("rw") || line.contains("[v") {
            continue;
        }
        let (start, end) = range.split_once('-').unwrap();
        let [mut at, end] = [start, end].map(|a| u64::from_str_radix(a, 16).unwrap());
        while at < end {
            let size = buffer.len().min((end - at) as usize);
            if memory.read_exact_at(&mut buffer[..size], at).is_ok() {
                out.write_all(&buffer[..size]).unwrap();
            }
            at += size as u64;
        }
    }
}

/// The node's process: started by the test below, and nothing in an ordinary run.
#[test]
fn the_node() {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else {
        return;
    };
    let Body::Job(job) = wire::decode_file(&fs::read(folder.join("job.zk")).unwrap()).unwrap() else {
        panic!("no job");
    };
    let job = zektra_records::job_from_pb(&job).unwrap();
    let schema = fs::read_to_string(folder.join("schema.toml")).unwrap();
    let connect = |i| UnixStream::connect(folder.join(format!("{i}.sock"))).unwrap();
    let links = (0..job.seats.len()).map(|i| Box::new(Framed(connect(i))) as Box<dyn Link>);
    let node = Node::open(&folder.join("node"), job.clone(), None, links.collect()).unwrap();
    node.run(schema, &mut |stage, done, total| {
        if stage == Stage::Training && done == total {
            dump(&folder.join("memory.bin"));
        }
    })
    .unwrap();
}

/// cap 1: a node that has ciphertexts and public records finishes the job, and its memory holds no key, no row,
/// no label, no mask and no share; a planted secret is found by the same search.
#[test]
fn the_memory_of_a_node_holds_no_secret() {
    let parties = Parties::new();
    let members = ["alice", "bob", "developer"];
    for name in members {
        parties.done(&["seat", "new", "--home", name, "--name", name]);
    }
    parties.write("alice.csv", breast_cancer(0..140));
    parties.write("bob.csv", breast_cancer(140..260));
    parties.schema("alice.csv", "benign");
    parties.encrypt(&["alice", "bob"]);
    parties.job(&JobText::of(&["alice", "bob"], 2));
    let plan = parties.plan();
    let folder = parties.path("apart");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("job.zk"), wire::encode_file(Body::Job(zektra_records::job_to_pb(&plan.job)))).unwrap();
    fs::write(folder.join("schema.toml"), plan.schema.to_toml()).unwrap();

    let listeners: Vec<UnixListener> =
        (0..members.len()).map(|i| UnixListener::bind(folder.join(format!("{i}.sock"))).unwrap()).collect();
    let node = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "a_node_in_its_own_process_holds_no_secret::the_node"])
        .env(FOLDER, &folder)
        .spawn();
    let mut node = node.unwrap();
    let approved = &plan.job.digest();
    std::thread::scope(|scope| {
        for (home, listener) in plan.homes.iter().zip(listeners) {
            scope.spawn(move || {
                let mut connection = Framed(listener.accept().unwrap().0);
                serve(home, approved, None, &mut connection).unwrap();
            });
        }
        let ended = node.wait().unwrap();
        // Whoever still waits for a node that failed early is let go.
        (0..members.len()).for_each(|i| drop(UnixStream::connect(folder.join(format!("{i}.sock")))));
        assert!(ended.success());
    });

    let mut needles = Needles::default();
    add_table(&mut needles, "alice", &parties);
    add_table(&mut needles, "bob", &parties);
    for (member, name) in members.into_iter().enumerate() {
        let file = parties.read(&format!("{name}/seat.zekey"));
        let seed: [u8; 32] = file[file.len() - 40..file.len() - 8].try_into().unwrap();
        add_seat(&mut needles, name, &seed);
        add_shares(&mut needles, &plan.job, &folder.join("node"), member, &key_of(&digits(&seed)).into_eval());
    }
    let mut memory = fs::read(folder.join("memory.bin")).unwrap();
    assert!(memory.len() > 1 << 20, "{} bytes of memory", memory.len());
    let record = plan.job.seats[0].key.to_bytes();
    assert!(memory.windows(32).any(|w| w == record), "what the node knows is there");
    assert_eq!(needles.find(&memory), BTreeSet::new());
    let (secret, what) = &needles.list[needles.list.len() / 2];
    let at = memory.len() / 2;
    memory[at..at + secret.len()].copy_from_slice(secret);
    assert_eq!(needles.find(&memory), BTreeSet::from([&what[..]]));
}
