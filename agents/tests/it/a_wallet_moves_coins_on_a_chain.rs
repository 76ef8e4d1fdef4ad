//! `zektra keys | query | tx` against a `zektrad` of its own.

use super::parties::ZEKTRA;
use serde_json::Value;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

pub const CHAIN: &str = "zektra-dev-1";
/// The words of the development chain's accounts.
pub const WORDS: &str = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon \
    abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon art";
pub const ALICE: &str = "zektra1r5v5srda7xfth3hn2s26txvrcrntldju5cl8p3";

pub struct Chain {
    child: Child,
    pub rpc: String,
    pub grpc: String,
}

impl Chain {
    pub fn start(home: &Path) -> Self {
        let zektrad = Path::new(ZEKTRA).with_file_name("zektrad");
        assert!(zektrad.exists(), "{} is missing: cargo build --workspace --bins", zektrad.display());
        let mut command = Command::new(zektrad);
        command.args(["start", "--solo", "--rpc", "127.0.0.1:0", "--grpc", "127.0.0.1:0", "--api", "127.0.0.1:0"]);
        command.args(["--on-tx", "--log-level", "error", "--home"]).arg(home).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut found = [None, None];
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        while found.iter().any(Option::is_none) {
            let line = lines.next().expect("the node has ended").unwrap();
            let mut words = line.split_whitespace();
            match words.next() {
                Some("rpc") => found[0] = words.next().map(String::from),
                Some("grpc") => found[1] = words.next().map(String::from),
                _ => {}
            }
        }
        let [rpc, grpc] = found.map(Option::unwrap);
        Self { child, rpc, grpc }
    }
}

impl Drop for Chain {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub struct Wallet<'a> {
    pub home: &'a Path,
    pub node: &'a str,
    pub backend: &'a str,
}

impl Wallet<'_> {
    /// Runs `zektra` with lines on its standard input: exit code, output, errors.
    pub fn run(&self, arguments: &[&str], input: &str) -> (i32, String, String) {
        self.run_with(&[], arguments, input)
    }

    /// The same with variables of the environment.
    fn run_with(&self, variables: &[(&str, &str)], arguments: &[&str], input: &str) -> (i32, String, String) {
        let mut command = Command::new(ZEKTRA);
        for name in ["CHAIN_ID", "GAS_PRICES", "OUTPUT", "GRPC_ADDR", "KEYRING_DIR"] {
            command.env_remove(format!("ZEKTRA_{name}"));
        }
        command.env("ZEKTRA_HOME", self.home).env("ZEKTRA_NODE", self.node).env("ZEKTRA_KEYRING_BACKEND", self.backend);
        command.envs(variables.iter().copied());
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // A command that needs nothing may be gone already.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    }

    pub fn json(&self, arguments: &[&str]) -> Value {
        let (code, out, err) = self.run(&[arguments, &["-o", "json"]].concat(), "");
        assert_eq!(code, 0, "{arguments:?}: {err}");
        serde_json::from_str(&out).unwrap_or_else(|_| panic!("{arguments:?}: {out}"))
    }

    pub fn refused(&self, arguments: &[&str], input: &str, code: i32, says: &str) {
        let (found, out, err) = self.run(arguments, input);
        assert_eq!(found, code, "{arguments:?}: {out}{err}");
        assert!(err.contains(says), "{arguments:?}: {err}");
    }

    pub fn balance(&self, of: &str) -> u128 {
        let shown = self.json(&["query", "bank", "balance", of, "uzektra"]);
        shown["balance"]["amount"].as_str().unwrap().parse().unwrap()
    }
}

#[test]
fn coins_move_from_the_command_line() {
    let folder = tempfile::tempdir().unwrap();
    let chain = Chain::start(&folder.path().join("chain"));
    let wallet = Wallet { home: &folder.path().join("wallet"), node: &chain.rpc, backend: "test" };

    let (code, out, _) = wallet.run(&["keys", "add", "alice", "--recover"], &format!("{WORDS}\n"));
    assert!(code == 0 && out.contains(&format!("address: {ALICE}")), "{out}");
    let bob = wallet.json(&["keys", "add", "bob"]);
    assert_eq!(bob["mnemonic"].as_str().unwrap().split(' ').count(), 24);
    let bob = bob["address"].as_str().unwrap();

    // By name, with gas simulated, waited for.
    let paid = ["--chain-id", CHAIN, "--gas", "auto", "--gas-prices", "0.025uzektra", "--yes", "--wait"];
    let sent =
        wallet.json(&[&["tx", "bank", "send", "alice", "bob", "1234uzektra", "--note", "rent"], &paid[..]].concat());
    assert_eq!((&sent["code"], &sent["tx"]["body"]["memo"]), (&0.into(), &"rent".into()), "{sent}");
    let fee: u128 = sent["tx"]["auth_info"]["fee"]["amount"][0]["amount"].as_str().unwrap().parse().unwrap();
    assert_eq!((wallet.balance("bob"), wallet.balance(ALICE)), (1234, 1_000_000_000_000 - 1234 - fee));

    // The same transaction by hash, by what happened, and its block.
    let hash = sent["txhash"].as_str().unwrap();
    assert_eq!(wallet.json(&["query", "tx", hash]), sent);
    let found = wallet.json(&["query", "txs", "--query", &format!("transfer.recipient='{bob}'")]);
    assert_eq!((&found["total_count"], &found["txs"][0]), (&"1".into(), &sent));
    let block = wallet.json(&["query", "block", sent["height"].as_str().unwrap()]);
    assert_eq!(block["data"]["txs"].as_array().unwrap().len(), 1);
    // As other clients of such chains ask.
    assert_eq!(wallet.json(&["query", "tx", &format!("0x{hash}")]), sent);
    let height = sent["height"].as_str().unwrap();
    assert_eq!(wallet.json(&["query", "block", "--type=height", height]), block);
    let found = wallet.json(&["query", "comet", "block-by-height", height]);
    use base64::Engine as _;
    let bytes = base64::engine::general_purpose::STANDARD.decode(found["block_id"]["hash"].as_str().unwrap()).unwrap();
    assert_eq!(wallet.json(&["query", "block", "--type=hash", &hex::encode(bytes)]), block);
    wallet.refused(&["query", "block", "--type=hash", &"0".repeat(64)], "", 1, "not found");
    wallet.refused(&["query", "block", "--type=hash"], "", 2, "expected 64 hexadecimal digits");
    wallet.refused(&["query", "block", "x"], "", 2, "expected a whole number");
    assert_eq!(wallet.json(&["query", "bank", "total"]), wallet.json(&["query", "bank", "total-supply"]));
    let validators = wallet.json(&["query", "comet-validator-set"]);
    assert_eq!(validators["validators"].as_array().unwrap().len(), 1);
    assert_eq!(wallet.json(&["query", "comet-validator-set", "1"])["block_height"], "1");

    // Over gRPC, and as of a height.
    let asked = ["query", "bank", "balances", "bob", "--grpc-addr", chain.grpc.trim_start_matches("http://")];
    assert_eq!(wallet.json(&asked)["balances"][0]["amount"], "1234");
    let before = [&asked[..], &["--height", "1"]].concat();
    assert!(wallet.json(&before)["balances"].as_array().unwrap().is_empty());

    // A node without a scheme, as people write it.
    let plain = chain.rpc.trim_start_matches("http://");
    assert_eq!(wallet.json(&["status", "--node", plain])["node_info"]["network"], CHAIN);

    // In three steps, as with a key that is kept on another machine.
    let split = |amount| ["tx", "bank", "multi-send", "alice", "bob", "alice", amount, "--split", "--generate-only"];
    wallet.refused(&split("1uzektra"), "", 2, "less than one for each of 2 receivers");
    let (code, draft, said) = wallet.run(&split("11uzektra"), "");
    assert_eq!((code, &said[..]), (0, &format!("each of 2 gets 5uzektra; 1uzektra remains with {ALICE}\n")[..]));
    let path = folder.path().join("tx.json");
    std::fs::write(&path, draft).unwrap();
    let file = path.to_str().unwrap();
    let account = wallet.json(&["query", "auth", "account-info", "alice"]);
    let (number, sequence) = (&account["info"]["account_number"], &account["info"]["sequence"]);
    let offline = ["--offline", "-a", number.as_str().unwrap(), "-s", sequence.as_str().unwrap()];
    wallet.refused(&["tx", "sign", file, "--from", "bob", "--chain-id", CHAIN], "", 3, "not by bob");
    let sign = [&["tx", "sign", file, "--from", "alice", "--chain-id", CHAIN, "--output-document", file], &offline[..]]
        .concat();
    let (code, _, err) = wallet.run(&sign, "");
    assert_eq!(code, 0, "{err}");
    assert_eq!(wallet.json(&["tx", "broadcast", file, "--wait"])["code"], 0);
    assert_eq!(wallet.balance("bob"), 1234 + 5);
    wallet.refused(&["tx", "broadcast", file], "", 3, "tx already exists in cache (code 19, codespace sdk)");
    let (_, bytes, _) = wallet.run(&["tx", "encode", file], "");
    let signed: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    assert_eq!(wallet.json(&["tx", "decode", bytes.trim()]), signed);

    // What goes wrong is named, and has its exit code.
    let send = |from: &'static str, amount: &'static str| {
        ["tx", "bank", "send", from, ALICE, amount, "--chain-id", CHAIN, "-y"]
    };
    wallet.refused(&send("bob", "1uzektra,1uzektra"), "", 2, "stands twice");
    wallet.refused(&send("bob", "1.5uzektra"), "", 2, "1500uzektra");
    wallet.refused(&send("carol", "1uzektra"), "", 2, "carol");
    wallet.refused(&send("bob", "-5uzektra"), "", 2, "amount \"-5uzektra\": expected coins such as 1500uzektra");
    // The environment names home and node: the usage does not ask for them.
    wallet.refused(&["tx", "bank", "send", "bob"], "", 2, "Usage: zektra tx bank send <FROM_ADDRESS> <TO_ADDRESS>");
    let other = ["--chain-id", "other-1", "--gas", "auto"];
    wallet.refused(&[&send("bob", "1uzektra")[..6], &other].concat(), "", 2, &format!("is of \"{CHAIN}\""));
    // Whoever names a fee does not pay the environment's prices.
    let fee = [&send("alice", "1uzektra")[..], &["--fees", "7000uzektra", "--wait", "-o", "json"]].concat();
    let (code, out, err) = wallet.run_with(&[("ZEKTRA_GAS_PRICES", "0.5uzektra")], &fee, "");
    let sent: Value = serde_json::from_str(&out).unwrap_or_else(|_| panic!("{out}{err}"));
    assert_eq!((code, &sent["tx"]["auth_info"]["fee"]["amount"][0]["amount"]), (0, &"7000".into()));
    // In a few lines for people.
    let (code, out, _) = wallet.run(&[&send("alice", "1uzektra")[..], &["--wait"]].concat(), "");
    assert!(code == 0 && out.lines().count() == 5 && out.contains("gas_wanted: \"200000\""), "{out}");
    let (code, out, _) = wallet.run(&[&send("bob", "5000uzektra")[..], &["--wait"]].concat(), "");
    assert!(code == 3 && out.lines().count() == 6 && out.contains("insufficient funds"), "{out}");
    wallet.refused(&[&send("bob", "5000uzektra")[..], &["--gas", "auto"]].concat(), "", 3, "insufficient funds");
    let (_, _, err) = wallet.run(&[&send("bob", "5000uzektra")[..], &["--gas", "auto"]].concat(), "");
    assert!(err.starts_with("error: the simulation fails: failed to execute message") && !err.contains("gas"), "{err}");
    // What a node refuses at once is said in as few.
    let (code, out, _) = wallet.run(&[&send("bob", "1uzektra")[..], &["--fees", "9999999uzektra"]].concat(), "");
    assert!(code == 3 && out.lines().count() == 3, "{out}");
    // Whatever a node claims: an estimate that is far off is not paid without a question.
    let send_auto = ["tx", "bank", "send", "alice", "bob", "1uzektra", "--gas", "auto", "--gas-prices", "0.025uzektra"];
    let far =
        |more: &[&'static str]| [&send_auto[..], &["--chain-id", CHAIN, "--gas-adjustment", "100"], more].concat();
    wallet.refused(&far(&["-y"]), "", 3, "expected at most 2000000; --max-gas takes more");
    wallet.refused(&far(&["--max-gas", "9000"]), "y\n", 3, "expected at most 9000");
    wallet.refused(&far(&[]), "n\n", 3, "not confirmed");
    assert_eq!(wallet.json(&far(&["-y", "--max-gas", "20000000", "--wait"]))["code"], 0);
    wallet.refused(&[&send("bob", "1uzektra")[..], &["-s", "7"]].concat(), "", 3, "account sequence mismatch");
    wallet.refused(
        &["tx", "bank", "send", "bob", ALICE, "1uzektra", "-y"],
        "",
        2,
        &format!("the node at {} says \"{CHAIN}\"", chain.rpc),
    );
    wallet.refused(
        &["tx", "bank", "send", "bob", ALICE, "1uzektra", "--chain-id", "other-1", "-y"],
        "",
        3,
        "signature verification failed",
    );
    wallet.refused(&["tx", "bank", "send", "bob", ALICE, "1uzektra", "--chain-id", CHAIN], "n\n", 3, "not confirmed");
    wallet.refused(&["query", "bank", "balances", "zektra1x"], "", 2, "neither an address");
    let mistyped = ALICE.replace("p3", "p4");
    wallet.refused(&["query", "bank", "balances", &mistyped], "", 2, "its checksum does not fit");
    let cosmos = "cosmos1r5v5srda7xfth3hn2s26txvrcrntldjumt8mhl";
    wallet.refused(&["query", "bank", "balances", cosmos], "", 2, "prefix \"cosmos\", expected \"zektra\"");
    wallet.refused(&["query", "tx", &"0".repeat(64)], "", 1, "not found");
    wallet.refused(
        &["query", "bank", "balances", ALICE, "--node", "tcp://127.0.0.1:1"],
        "",
        1,
        "no answer from http://127.0.0.1:1",
    );
    wallet.refused(&["status", "--home", file], "", 2, file);
    for node in ["foo", "26657", "tcp://:1", "ftp://foo:1"] {
        wallet.refused(&["status", "--node", node], "", 2, &format!("node: {node:?}, expected host:port"));
    }
    // Only the RPC answers these.
    for asked in [&["status"][..], &["query", "block"]] {
        wallet.refused(&[asked, &["--grpc-addr", &chain.grpc]].concat(), "", 2, "unexpected argument '--grpc-addr'");
    }
    let missing = "0".repeat(64);
    let wait = ["query", "wait-tx", &missing, "--timeout"];
    wallet.refused(&[&wait[..], &["300ms"]].concat(), "", 1, "not in a block after 300ms");
    wallet.refused(&[&wait[..], &["2"]].concat(), "", 2, "expected a time as 500ms, 2s or 1m30s");
}

#[test]
fn commands_say_what_they_do() {
    let folder = tempfile::tempdir().unwrap();
    let wallet = Wallet { home: folder.path(), node: "tcp://127.0.0.1:1", backend: "test" };
    let says = |arguments: &[&str], text: &str| {
        let (code, out, _) = wallet.run(&[arguments, &["--help"]].concat(), "");
        assert!(code == 0 && out.contains(text), "{arguments:?}: {out}");
    };
    says(&["query", "bank"], "All coins that an account has");
    says(&["query", "bank", "balances"], "All coins that an account has");
    says(&["tx", "bank"], "Sends coins from one account to another");

    // An address, wherever it is from, and its bytes.
    let own = wallet.json(&["keys", "parse", ALICE]);
    assert_eq!((&own["human"], own.get("formats")), (&"zektra".into(), None));
    let other = wallet.json(&["keys", "parse", "cosmos1r5v5srda7xfth3hn2s26txvrcrntldjumt8mhl"]);
    assert_eq!(
        (&other["human"], &other["bytes"], &other["formats"][0]),
        (&"cosmos".into(), &own["bytes"], &ALICE.into())
    );
    assert!(other["note"].as_str().unwrap().contains("this chain's is \"zektra\""));
    assert_eq!(wallet.json(&["keys", "parse", own["bytes"].as_str().unwrap()])["formats"][0], ALICE);
}

#[test]
fn keys_are_kept_under_a_passphrase() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("wallet");
    let wallet = Wallet { home: &home, node: "tcp://127.0.0.1:1", backend: "file" };
    let (code, out, err) =
        wallet.run(&["keys", "add", "alice", "--recover"], &format!("{WORDS}\ncorrect horse\ncorrect horse\n"));
    assert_eq!(code, 0, "{err}");
    assert!(out.contains(ALICE) && !err.contains("abandon"), "{out}{err}");

    let secret = wallet.run(&["keys", "export", "alice", "--unarmored-hex", "--unsafe"], "correct horse\n").1;
    let file = std::fs::read_to_string(home.join("keyring-file/alice.json")).unwrap();
    assert!(secret.trim().len() == 64 && !file.contains(secret.trim()) && file.contains("ENCRYPTED"), "{file}");
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &std::fs::metadata(home.join("keyring-file/alice.json")).unwrap().permissions(),
    );
    assert_eq!(mode & 0o777, 0o600);

    wallet.refused(
        &["keys", "export", "alice", "--unarmored-hex", "--unsafe"],
        "battery staple\n",
        3,
        "wrong passphrase",
    );
    wallet.refused(&["keys", "export", "alice", "--unarmored-hex"], "", 2, "--unsafe");
    wallet.refused(&["keys", "add", "alice"], "", 2, "taken");
    wallet.refused(&["keys", "add", "../eve"], "", 2, "key name");
    // What is meant for an address never goes to a key of that name.
    let other = "zektra1vtad8680vhdfqvxx0f2yaxa6agdylelmhayv7c";
    for name in [other, "cosmos1r5v5srda7xfth3hn2s26txvrcrntldjumt8mhl"] {
        wallet.refused(&["keys", "add", name], "", 2, "expected a name, not an address");
        wallet.refused(&["keys", "rename", "alice", name], "", 2, "expected a name, not an address");
        wallet.refused(&["keys", "import-hex", name], "", 2, "expected a name, not an address");
    }
    wallet.refused(&["keys", "add", "eve"], "short\n", 2, "at least 8");
    wallet.refused(&["keys", "add", "eve"], "correct horse\nbattery staple\n", 2, "do not agree");
    wallet.refused(&["keys", "add", "eve"], "", 2, "the standard input has ended");
    wallet.refused(&["keys", "show", "eve"], "", 2, "there is none");
    assert_eq!(wallet.json(&["keys", "list"]).as_array().unwrap().len(), 1);

    // Out and in again under another name; the public half alone signs nothing.
    let pem = folder.path().join("alice.pem");
    std::fs::write(&pem, wallet.run(&["keys", "export", "alice"], "").1).unwrap();
    let imported =
        wallet.run(&["keys", "import", "again", pem.to_str().unwrap()], "correct horse\nanother one\nanother one\n");
    assert_eq!(imported.0, 0, "{}", imported.2);
    let (_, public, _) = wallet.run(&["keys", "show", "alice", "-p"], "");
    assert_eq!(wallet.json(&["keys", "add", "cold", "--pubkey", public.trim()])["type"], "offline");
    wallet.refused(&["keys", "export", "cold"], "", 3, "only its public half");
    assert_eq!(wallet.json(&["keys", "rename", "again", "eve"])["address"], ALICE);
    wallet.refused(&["keys", "delete", "eve"], "no\n", 3, "not confirmed");
    assert_eq!(wallet.run(&["keys", "delete", "eve", "cold", "-y"], "").0, 0);
    assert_eq!(wallet.run(&["keys", "show", "alice", "-a"], "").1.trim(), ALICE);

    // A file that was changed is noticed.
    let other = wallet.run(
        &["keys", "add", "mallory", "--recover", "--index", "1"],
        &format!("{WORDS}\ncorrect horse\ncorrect horse\n"),
    );
    assert_eq!(other.0, 0);
    let mallory = std::fs::read_to_string(home.join("keyring-file/mallory.json")).unwrap().replace("mallory", "alice");
    let theirs: Value = serde_json::from_str(&mallory).unwrap();
    let mut mixed: Value = serde_json::from_str(&file).unwrap();
    mixed["secret"] = theirs["secret"].clone();
    std::fs::write(home.join("keyring-file/alice.json"), mixed.to_string()).unwrap();
    wallet.refused(
        &["keys", "export", "alice", "--unarmored-hex", "--unsafe"],
        "correct horse\n",
        2,
        "do not belong together",
    );
}
