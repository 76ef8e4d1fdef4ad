use super::test_chain::{FUNDS, Person, TestChain, genesis, init};
use tendermint_abci::Application as _;
use zektra_app::app::{App, Config};
use zektra_app::snapshots::take;
use zektra_proto::tendermint::abci::response_apply_snapshot_chunk::Result as Applied;
use zektra_proto::tendermint::abci::response_offer_snapshot::Result as Offered;
use zektra_proto::tendermint::abci::{
    RequestApplySnapshotChunk, RequestLoadSnapshotChunk, RequestOfferSnapshot, Snapshot,
};
use zektra_store::Options;

fn new_node() -> (tempfile::TempDir, App) {
    let folder = tempfile::tempdir().unwrap();
    let store = Options { sync: false, ..Options::default() };
    let app = App::open(Config { home: folder.path().into(), store, ..Config::default() }).unwrap();
    (folder, app)
}

fn offer(app: &App, snapshot: &Snapshot, app_hash: &[u8]) -> Offered {
    let request = RequestOfferSnapshot { snapshot: Some(snapshot.clone()), app_hash: app_hash.to_vec().into() };
    app.offer_snapshot(request).result()
}

fn apply(app: &App, index: u32, chunk: Vec<u8>) -> (Applied, Vec<u32>, Vec<String>) {
    let request = RequestApplySnapshotChunk { index, chunk: chunk.into(), sender: "peer".into() };
    let answer = app.apply_snapshot_chunk(request);
    (answer.result(), answer.refetch_chunks, answer.reject_senders)
}

#[test]
fn and_goes_on_as_the_others_do() {
    let mut alice = Person::new("alice", 0);
    let mut chain = TestChain::new(&[&alice]);
    let bob = Person::new("bob", 1).id();
    for _ in 0..4 {
        let tx = alice.sign(vec![alice.pay(&bob, 5)]);
        chain.block(&[tx]);
    }
    assert!(chain.app.list_snapshots().snapshots.is_empty());
    take(&chain.app, 3).unwrap();
    take(&chain.app, 4).unwrap();
    let offered = chain.app.list_snapshots().snapshots;
    // Of the schedule one is kept at least.
    assert_eq!(offered.iter().map(|s| s.height).collect::<Vec<_>>(), [4]);
    let snapshot = &offered[0];
    let chunk = |chunk| {
        let request = RequestLoadSnapshotChunk { height: 4, format: 1, chunk };
        chain.app.load_snapshot_chunk(request).chunk.to_vec()
    };
    assert!(chunk(99).is_empty());
    let root = chain.app.committed().root.clone();

    let (folder, app) = new_node();
    assert_eq!(apply(&app, 0, chunk(0)).0, Applied::Abort, "nothing was offered");
    assert_eq!(offer(&app, &Snapshot { format: 2, ..snapshot.clone() }, &root), Offered::RejectFormat);
    assert_eq!(offer(&app, &Snapshot { chunks: 9, ..snapshot.clone() }, &root), Offered::Reject);
    assert_eq!(offer(&app, &Snapshot { hash: vec![0; 32].into(), ..snapshot.clone() }, &root), Offered::Reject);
    // A snapshot of another state than the block's: each chunk is its own, and none fits.
    assert_eq!(offer(&app, snapshot, &[7; 32]), Offered::Accept);
    assert_eq!(apply(&app, 0, chunk(0)).0, Applied::RejectSnapshot);
    // A peer that changes a chunk is named, and the chunk asked for again.
    assert_eq!(offer(&app, snapshot, &root), Offered::Accept);
    let mut changed = chunk(0);
    *changed.last_mut().unwrap() ^= 1;
    assert_eq!(apply(&app, 0, changed), (Applied::Retry, vec![0], vec!["peer".into()]));
    for index in 0..snapshot.chunks {
        assert_eq!(apply(&app, index, chunk(index)).0, Applied::Accept);
    }
    let info = app.info(Default::default());
    assert_eq!((info.last_block_height, &info.last_block_app_hash[..]), (4, &root[..]));
    assert_eq!(offer(&app, snapshot, &root), Offered::Abort, "a state is there");
    let mut restored = TestChain { folder, app, height: 4 };
    assert_eq!(restored.balance(&bob), 20);
    let tx = alice.sign(vec![alice.pay(&bob, 6)]);
    assert_eq!(restored.block(std::slice::from_ref(&tx)).app_hash, chain.block(&[tx]).app_hash);
    restored.reopen();
    assert_eq!(restored.height, 5);
}

/// Cut off in the middle, nothing of it is taken for a state.
#[test]
fn or_begins_anew() {
    let alice = Person::new("alice", 0);
    let mut chain = TestChain::new(&[&alice]);
    chain.block(&[]);
    take(&chain.app, 1).unwrap();
    let snapshot = chain.app.list_snapshots().snapshots.remove(0);
    let (folder, app) = new_node();
    assert_eq!(offer(&app, &snapshot, &chain.app.committed().root), Offered::Accept);
    drop(app);
    let store = Options { sync: false, ..Options::default() };
    let app = App::open(Config { home: folder.path().into(), store, ..Config::default() }).unwrap();
    assert_eq!(init(&app, &genesis(&[&alice]), -1).len(), 32);
    let mut begun = TestChain { folder, app, height: 0 };
    begun.block(&[]);
    assert_eq!(begun.balance(&alice.id()), FUNDS);
}

/// Folders of a node that was stopped while it wrote one snapshot and removed another.
#[test]
fn of_which_no_half_is_offered() {
    let alice = Person::new("alice", 0);
    let mut chain = TestChain::new(&[&alice]);
    chain.block(&[]);
    let all = chain.folder.path().join("snapshots");
    for left in ["partial", "removed"] {
        std::fs::create_dir_all(all.join(left)).unwrap();
        std::fs::write(all.join(left).join("9"), [9]).unwrap();
        std::fs::write(all.join(left).join("hashes"), [9; 320]).unwrap();
    }
    assert!(chain.app.list_snapshots().snapshots.is_empty());
    let names = || {
        let mut names: Vec<_> =
            std::fs::read_dir(&all).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    };
    // Twice the same, then another: what was before goes as a whole.
    for height in [1, 1, 2] {
        if height == 2 {
            chain.block(&[]);
        }
        let chunks = take(&chain.app, height).unwrap();
        assert_eq!(names(), [height.to_string()]);
        let files = std::fs::read_dir(all.join(height.to_string())).unwrap().count();
        assert_eq!(files, chunks + 1);
        assert_eq!(chain.app.list_snapshots().snapshots.len(), 1);
    }
}
