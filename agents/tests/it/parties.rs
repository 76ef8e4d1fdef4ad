//! Parties of a job in a temporary folder, driven by the real `zektra` binary.

use serde_json::Value;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;
use zektra_agents::local::{JobFile, Plan};
use zektra_agents::wire;
use zektra_he::log::LabelLog;
use zektra_he::seat::SeatSecret;
use zektra_proto::node::v1::envelope::Body;

pub const ZEKTRA: &str = env!("CARGO_BIN_EXE_zektra");
pub const BREAST_CANCER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../data/breast_cancer.csv");

/// A folder with the parties' folders, tables and job files.
pub struct Parties {
    folder: TempDir,
}

/// How a command ended.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Ran {
    /// The JSON of a command that was done.
    pub fn json(&self) -> Value {
        assert_eq!(self.code, Some(0), "{self:?}");
        serde_json::from_str(&self.out).unwrap()
    }

    /// Asserts how a command failed and that its message says all of `fragments`.
    #[track_caller]
    pub fn failed(&self, code: i32, fragments: &[&str]) {
        assert_eq!(self.code, Some(code), "{self:?}");
        for fragment in fragments {
            assert!(self.err.contains(fragment), "{fragment:?} is not in {:?}", self.err);
        }
        assert!(!self.err.contains("panicked"), "{}", self.err);
    }
}

impl Parties {
    /// An empty folder.
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// The same files once more.
    pub fn copy(&self) -> Self {
        fn copy(from: &Path, to: &Path) {
            for entry in fs::read_dir(from).unwrap() {
                let entry = entry.unwrap();
                let to = to.join(entry.file_name());
                if entry.file_type().unwrap().is_dir() {
                    fs::create_dir(&to).unwrap();
                    copy(&entry.path(), &to);
                } else {
                    fs::copy(entry.path(), &to).unwrap();
                }
            }
        }
        let other = Self::new();
        copy(self.folder.path(), other.folder.path());
        other
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, contents: impl AsRef<[u8]>) {
        fs::write(self.path(name), contents).unwrap();
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    /// Every file below `name`, sorted, relative to the parties' folder.
    pub fn files(&self, name: &str) -> Vec<String> {
        fn walk(folder: &Path, out: &mut Vec<PathBuf>) {
            for entry in fs::read_dir(folder).into_iter().flatten() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    walk(&path, out);
                } else {
                    out.push(path);
                }
            }
        }
        let mut found = Vec::new();
        walk(&self.path(name), &mut found);
        let relative = |p: PathBuf| p.strip_prefix(self.folder.path()).unwrap().to_str().unwrap().to_owned();
        let mut found: Vec<String> = found.into_iter().map(relative).collect();
        found.sort();
        found
    }

    /// `zektra --quiet --json` with arguments, in the parties' folder.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(ZEKTRA);
        command.args(["--quiet", "--json"]).args(arguments).current_dir(self.folder.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Ran {
        ran(self.command(arguments))
    }

    /// A command that must be done; its JSON.
    #[track_caller]
    pub fn done(&self, arguments: &[&str]) -> Value {
        let ran = self.run(arguments);
        assert_eq!(ran.code, Some(0), "{arguments:?}: {}", ran.err);
        ran.json()
    }

    /// The same command with files of at most `kib` KiB: a disk that is full.
    pub fn run_on_a_full_disk(&self, kib: u32, arguments: &[&str]) -> Ran {
        let mut command = Command::new("bash");
        let limited = format!("trap '' XFSZ; ulimit -f {kib}; exec \"$0\" --quiet --json \"$@\"");
        command.args(["-c", &limited, ZEKTRA]).args(arguments).current_dir(self.folder.path());
        command.stdin(Stdio::null());
        ran(command)
    }

    /// Starts a command.
    pub fn start(&self, arguments: &[&str]) -> Child {
        self.command(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    /// New seats in folders of their names, as `zektra seat new` makes them, but each from the hash of its name:
    /// noise is the same in every run, so what is measured can be asserted closely.
    pub fn seats(&self, names: &[&str]) {
        for name in names {
            let seed = *blake3::hash(name.as_bytes()).as_bytes();
            let seat = SeatSecret::from_seed(name, 0, zeroize::Zeroizing::new(seed));
            fs::create_dir(self.path(name)).unwrap();
            let log = self.path(name).join("labels.zklog");
            LabelLog::create(&log, &seat.commitment()).unwrap();
            fs::set_permissions(&log, fs::Permissions::from_mode(0o600)).unwrap();
            zektra_agents::files::write_secret(&self.path(name).join("seat.zekey"), &seat.to_file()).unwrap();
            let public = wire::encode_file(Body::Seat(zektra_records::seat_to_pb(&seat.public())));
            self.write(&format!("{name}/seat.zkpub"), public);
        }
    }

    /// Drafts `schema.toml` from a table.
    pub fn schema(&self, table: &str, target: &str) {
        self.done(&["schema", table, "--target", target, "--out", "schema.toml"]);
    }

    /// Encrypts the table `NAME.csv` as the dataset `NAME` of the seat `NAME`, for each name.
    pub fn encrypt(&self, owners: &[&str]) {
        for name in owners {
            self.encrypt_as(name, name);
        }
    }

    /// Encrypts `DATASET.csv` as a dataset of `owner`.
    pub fn encrypt_as(&self, owner: &str, dataset: &str) {
        let table = format!("{dataset}.csv");
        self.done(&["encrypt", &table, "--schema", "schema.toml", "--home", owner, "--name", dataset]);
    }

    /// Writes `job.toml`.
    pub fn job(&self, job: &JobText<'_>) {
        self.write("job.toml", job.to_string());
    }

    /// The job of `job.toml` as the command plans it.
    pub fn plan(&self) -> Plan {
        JobFile::load(&self.path("job.toml")).unwrap().plan(self.folder.path(), &mut |_| {}).unwrap()
    }
}

fn ran(mut command: Command) -> Ran {
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ran { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

/// A job file.
pub struct JobText<'a> {
    pub id: u64,
    pub template: &'a str,
    pub iterations: u32,
    pub developer: &'a str,
    /// (owner, dataset).
    pub datasets: Vec<(&'a str, &'a str)>,
    /// Further lines.
    pub more: &'a str,
}

impl<'a> JobText<'a> {
    /// A classifier on the datasets that [`Parties::encrypt`] makes; `developer` has its own folder.
    pub fn of(owners: &[&'a str], iterations: u32) -> Self {
        let datasets = owners.iter().map(|o| (*o, *o)).collect();
        Self { id: 1, template: "linear-classifier/1", iterations, developer: "developer", datasets, more: "" }
    }
}

impl std::fmt::Display for JobText<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { id, template, iterations, developer, datasets, more } = self;
        let beacon = "5a".repeat(32);
        writeln!(f, "version = 1\nid = {id}\ntemplate = \"{template}\"\niterations = {iterations}")?;
        writeln!(f, "beacon = \"{beacon}\"\nnode = \"node\"\ndeveloper = \"{developer}\"\n{more}")?;
        for (owner, name) in datasets {
            writeln!(f, "[[datasets]]\nowner = \"{owner}\"\nname = \"{name}\"")?;
        }
        Ok(())
    }
}

/// A small generator of reproducible numbers (SplitMix64).
pub struct Random(pub u64);

impl Random {
    pub fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Uniform in [-1, 1).
    pub fn unit(&mut self) -> f64 {
        (self.word() >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }
}

/// A table of `rows` with columns `c0…` between -1 and 1 and the target `y` that `answer` gives.
pub fn table(seed: u64, rows: usize, columns: usize, answer: impl Fn(&[f64]) -> String) -> String {
    let mut random = Random(seed);
    let mut out: String = (0..columns).fold(String::new(), |mut out, c| {
        let _ = write!(out, "c{c},");
        out
    });
    out.push_str("y\n");
    for _ in 0..rows {
        let row: Vec<f64> = (0..columns).map(|_| (random.unit() * 1e4).round() / 1e4).collect();
        for v in &row {
            let _ = write!(out, "{v},");
        }
        let _ = writeln!(out, "{}", answer(&row));
    }
    out
}

/// Rows `range` of the breast cancer table, with its header.
pub fn breast_cancer(range: std::ops::Range<usize>) -> String {
    let text = fs::read_to_string(BREAST_CANCER).unwrap();
    let mut lines = text.lines();
    let header = lines.next().unwrap();
    let rows: Vec<&str> = lines.skip(range.start).take(range.len()).collect();
    assert_eq!(rows.len(), range.len());
    format!("{header}\n{}\n", rows.join("\n"))
}
