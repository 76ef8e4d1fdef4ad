use super::a_scripted_chain_gives_the_app_hashes_of_the_last_release::multi_send;
use super::clients_from_registries_find_a_cosmos_chain::{cosmjs, cosmpy};
use super::devnet::{Devnet, SNAPSHOTS};
use super::light_clients_follow_a_solo_chain::follow;
use super::node::get;
use super::solo_chain::person;
use super::test_chain::{Person, coin};
use cosmrs::tx::Fee;
use serde_json::json;
use std::collections::BTreeSet;
use std::fs;
use std::net::TcpListener;
use std::path::Path;
use tendermint_light_client_verifier::Verdict;
use zektra_comet::Comet as _;

impl Devnet {
    /// A hundred more accounts: a state of more than a few chunks.
    fn fill(&self) {
        use base64::Engine as _;
        let mut rich = person(2);
        let path = format!("http://{}/cosmos/auth/v1beta1/accounts/{}", self.at(0).rest, rich.address());
        rich.sequence = get(&path, None).1["account"]["sequence"].as_str().unwrap().parse().unwrap();
        let to: Vec<_> = (0..100).map(|k| Person::new(&format!("account {k}"), 0).id()).collect();
        let outputs: Vec<_> = to.iter().map(|id| (id, 1)).collect();
        let fee = Fee::from_amount_and_gas(coin(10_000), 5_000_000u64);
        let tx = rich.sign_with(vec![multi_send(&rich, &outputs)], rich.sequence, fee, rich.chain_id);
        let tx = base64::engine::general_purpose::STANDARD.encode(tx);
        let done = self.rpc(0).call("broadcast_tx_commit", json!({"tx": tx})).unwrap();
        assert_eq!(done["tx_result"]["code"], 0, "{done}");
    }

    /// Chunks of a kibibyte from the next start on.
    fn small_chunks(&self, node: u16) {
        let config = self.home(node).join("config/app.toml");
        let text = fs::read_to_string(&config).unwrap();
        fs::write(&config, text.replace("snapshot_chunk_kib = 4096", "snapshot_chunk_kib = 1")).unwrap();
    }

    /// Waits for a new snapshot that all have, and leaves it the last: its height.
    fn last_snapshot(&self) -> u64 {
        let folder = |node: u16| self.home(node).join("data/snapshots");
        let height = (self.height(0) / SNAPSHOTS + 1) * SNAPSHOTS;
        self.until("a snapshot that all have", || {
            (0..4).all(|node| folder(node).join(height.to_string()).exists()).then_some(())
        });
        for node in 0..4 {
            // In the way of whatever comes after; a snapshot that is being written has a folder there.
            self.until("no snapshot", || fs::write(folder(node).join("partial"), "").ok());
            for entry in fs::read_dir(folder(node)).unwrap() {
                let entry = entry.unwrap();
                if entry.file_name().to_str().unwrap().parse::<u64>().is_ok_and(|h| h > height) {
                    fs::remove_dir_all(entry.path()).unwrap();
                }
            }
        }
        height
    }

    /// Changes each chunk of a node's snapshot: how many there are.
    fn corrupt(&self, node: u16, height: u64) -> usize {
        let mut count = 0;
        for entry in fs::read_dir(self.home(node).join(format!("data/snapshots/{height}"))).unwrap() {
            let path = entry.unwrap().path();
            if !path.ends_with("hashes") {
                let mut bytes = fs::read(&path).unwrap();
                *bytes.last_mut().unwrap() ^= 1;
                fs::write(&path, bytes).unwrap();
                count += 1;
            }
        }
        count
    }
}

/// A CometBFT that ends at once takes the others down with it: no process and no socket stays.
#[test]
fn a_network_that_does_not_start_leaves_nothing() {
    use std::os::unix::fs::PermissionsExt as _;
    let mut net = Devnet::new();
    let (comet, sockets) = (net.folder.path().join("cometbft"), net.folder.path().join("sockets"));
    let ends = "case $* in *start*node2*) exit 1;; esac";
    let script =
        format!("#!/bin/bash\nprintf '%s\\n' \"$*\" >>{}\n{ends}\nexec {} \"$@\"\n", sockets.display(), net.comet);
    fs::write(&comet, script).unwrap();
    fs::set_permissions(&comet, fs::Permissions::from_mode(0o755)).unwrap();
    net.comet = comet.to_str().unwrap().into();
    let up = net.output(&["up"]);
    let said = String::from_utf8_lossy(&up.stderr).into_owned();
    assert!(!up.status.success() && said.contains("node2: cometbft has ended"), "{said}\n{}", net.logs());
    assert!(said.contains("stopped again: nodes 0 1 2 3"), "{said}");
    let status = String::from_utf8(net.output(&["status"]).stdout).unwrap();
    assert_eq!(status.matches("stopped").count(), 4, "{status}");
    let calls = fs::read_to_string(&sockets).unwrap();
    let used: Vec<_> = calls.split_whitespace().filter_map(|word| word.strip_prefix("unix://")).collect();
    assert_eq!(used.len(), 4, "{calls}");
    assert!(used.iter().all(|socket| !Path::new(socket).exists()), "{used:?}");
    // A port that is taken is named before anything starts.
    let held = TcpListener::bind(("127.0.0.1", net.base + 11)).unwrap();
    let up = net.output(&["up"]);
    let said = String::from_utf8_lossy(&up.stderr).into_owned();
    assert!(said.contains(&format!("node1: something listens on 127.0.0.1:{}", net.base + 11)), "{said}");
    assert!(said.contains("ZEKTRA_DEVNET_PORT") && !said.contains("stopped again"), "{said}");
    drop(held);
    assert_eq!(String::from_utf8(net.output(&["down"]).stdout).unwrap(), "no node ran\n");
}

/// Each validator in turn is killed while the others go on, and comes back to the same state.
#[test]
fn each_in_turn_and_a_new_node_joins() {
    let net = Devnet::new();
    net.run(&["up"]);
    // Clients talk to CometBFT as they do to a solo chain.
    cosmjs(&net.at(0));
    cosmpy(&net.at(1));
    net.fill();
    for node in 0..4 {
        net.run(&["kill", &node.to_string()]);
        let other = (node + 1) % 4;
        let height = net.height(other);
        net.wait(other, height + 2);
        net.small_chunks(node);
        net.run(&["start", &node.to_string()]);
        net.wait(node, height + 3);
    }
    let last = (0..4).map(|node| net.height(node)).max().unwrap();
    (0..4).for_each(|node| net.wait(node, last));
    for height in [2, last / 2, last] {
        let first = net.header(0, height);
        (1..4).for_each(|node| assert_eq!(net.header(node, height), first, "block {height} of node {node}"));
    }
    for (trusted, next) in [(1, 2), (2, last), (last / 2, last)] {
        assert_eq!(follow(&net.rpc(2), trusted, next), Verdict::Success, "{trusted} to {next}");
    }
    // A fifth node begins at a snapshot of the others: it has no blocks of before. Three of the four send chunks that
    // are not the snapshot's, and are left one after the other.
    let snapshot = net.last_snapshot();
    let chunks = (1..4).map(|node| net.corrupt(node, snapshot)).min().unwrap();
    assert!(chunks >= 20, "{chunks} chunks: too few to meet a peer that corrupts them");
    net.run(&["join"]);
    net.wait(4, net.height(0) + 2);
    let log = fs::read_to_string(net.home(4).join("zektrad.log")).unwrap();
    let refused = log.lines().filter(|l| l.contains("a chunk is not the snapshot's: asking another peer"));
    let senders: BTreeSet<_> = refused.map(|l| l.rsplit("sender=").next()).collect();
    assert!((1..=3).contains(&senders.len()), "{senders:?}\n{log}");
    assert!(log.contains(&format!("restored height={snapshot}")), "{log}");
    let status = net.rpc(4).call("status", json!({})).unwrap();
    let earliest: u64 = status["sync_info"]["earliest_block_height"].as_str().unwrap().parse().unwrap();
    assert!(earliest > 1, "the new node replayed all blocks\n{}", net.logs());
    let height = net.height(4);
    net.wait(0, height);
    assert_eq!(net.header(4, height), net.header(0, height));
    let of_new = get(&format!("http://{}/cosmos/bank/v1beta1/supply", net.at(4).rest), None);
    // The genesis file's coins, and what was minted since.
    let supply: u64 = of_new.1["supply"][0]["amount"].as_str().unwrap().parse().unwrap();
    assert!(supply > 13_000_000_000_000, "{supply}");
    // What was written before the kills is there on all.
    let supply: Vec<_> = (0..4)
        .map(|node| get(&format!("http://{}/cosmos/bank/v1beta1/supply", net.at(node).rest), Some(last)))
        .collect();
    assert!(supply.iter().all(|s| s.0 == 200 && *s == supply[0]), "{supply:?}");
}
