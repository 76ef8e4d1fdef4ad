use crate::jobs::*;
use crate::vault_world::{World, hash, key, seat};
use crate::work::{DENOM, TOKEN, coin, each_refused};
use zektra_modules::Module as _;
use zektra_modules::authority::authority;
use zektra_modules::coin::coin as any_coin;
use zektra_modules::training::{self, Training};
use zektra_proto::market::v1::MsgClose;
use zektra_proto::proofs::v1::{CircuitStatus, MsgSetCircuitStatus};
use zektra_proto::training::v1::{
    MsgAnswerStall, MsgCancel, MsgOrder, MsgRelease, MsgReportStall, MsgUpdateParams, Rules, StateEntry, StateList,
};
use zektra_proto::vault::v1::{MsgRotateSeat, RevocationPolicy, Terms};
use zektra_records::template_to_pb;
use zektra_statement::template::{Kind, Params, Template};
use zektra_verify::envelope::{Envelope, SYSTEM};
use zektra_verify::pinned;

const NOT_LISTED: (&str, u32) = ("training", 8);

/// Something in the vault.
fn vault<T>(jobs: &mut Jobs, act: impl FnOnce(&mut World) -> T) -> T {
    let mut world = World { ground: std::mem::replace(&mut jobs.ground, crate::ground::Ground::new()) };
    let done = act(&mut world);
    jobs.ground = world.ground;
    done
}

fn set(m: &mut MsgOrder, change: impl Fn(&mut Params)) {
    let Template { kind, mut params } = template(ALL as u32);
    change(&mut params);
    m.template = Some(template_to_pb(&Template { kind, params }));
}

#[test]
fn when_it_is_ordered() {
    let mut jobs = Jobs::new();
    // A third dataset, which is not in the set.
    vault(&mut jobs, |v| {
        let number = v.active(ALICE, ALICE.into(), "more");
        v.grant(ALICE, number, generous(RevocationPolicy::Finish)).unwrap();
    });
    let right = jobs.order();
    let (stranger, height) = (jobs.text(77), jobs.height());
    let cubic = Template { kind: Kind::CubicClassifier, ..template(4) };
    each_refused(
        &mut jobs.ground,
        &right,
        &[
            (&|m| m.developer = "x".into(), ("sdk", 7), "invalid developer address"),
            (&|m| m.seat = hash(1).slice(..31), ("sdk", 18), "seat"),
            (&|m| m.release_key = vec![].into(), ("sdk", 18), "release_key of 0 bytes"),
            // Nobody can seal to it; who seals to it and who opens would not agree on it; the seat's own.
            (&|m| m.release_key = hash(0), ("sdk", 18), "expected an X25519 key that can be sealed to"),
            (&|m| m.release_key = hash(0xff), ("sdk", 18), "expected an X25519 key that can be sealed to"),
            (&|m| m.release_key = hash(7), ("sdk", 18), "expected a key of this job alone, not the seat's"),
            (&|m| m.datasets.clear(), ("sdk", 18), "datasets 0: expected 1 to 64"),
            (&|m| m.datasets = vec![1; 65], ("sdk", 18), "datasets 65"),
            (&|m| m.tier.clear(), ("sdk", 18), "tier of 0 bytes"),
            (&|m| m.template = None, ("sdk", 18), "template is missing"),
            (&|m| set(m, |p| p.iterations = 0), ("sdk", 18), "iterations"),
            (&|m| set(m, |p| p.iterations = 4097), ("sdk", 18), "iterations"),
            (&|m| m.circuits = hash(1).slice(..5), ("sdk", 18), "circuits of 5 bytes"),
            (&|m| m.max_attempts = 0, ("sdk", 18), "max_attempts 0"),
            (&|m| m.max_attempts = 9, ("sdk", 18), "max_attempts 9"),
            (&|m| m.max_data_fee = None, ("sdk", 18), "max_data_fee is missing"),
            (&|m| m.max_data_fee = Some(any_coin("uother", 1 << 60)), ("sdk", 18), "max_data_fee.denom uother"),
            // Circuits.
            (&|m| m.circuits = hash(9), ("proofs", 2), "0909"),
            (&|m| set(m, |p| p.scale_w = 16), ("training", 11), "scale_w is 16"),
            (&|m| (m.datasets, m.min_rows) = (vec![1], 1), ("training", 11), "members is 2"),
            (
                &|m| (m.template, m.max_attempts) = (Some(template_to_pb(&template(4096))), 8),
                ("training", 12),
                "4096 iterations",
            ),
            (&|m| m.template = Some(template_to_pb(&cubic)), ("training", 7), "governed"),
            (&|m| set(m, |p| p.full_batch = true), ("training", 7), "full_batch"),
            // Data.
            (&|m| m.datasets = vec![1, 1], ("training", 7), "each dataset once"),
            (&|m| m.datasets = vec![1, 3], NOT_LISTED, "dataset 3 in listing 1"),
            (&|m| m.datasets = vec![1, 9], ("vault", 10), "dataset 9"),
            (&|m| m.listing = 2, NOT_LISTED, "listing 2"),
            (&|m| m.tier = "gold".into(), ("market", 6), "gold"),
            (&|m| m.min_rows = 2001, ("training", 10), "2000 rows, expected at least 2001"),
            (&|m| m.max_data_fee = Some(coin(2_000_005)), ("training", 9), "2000006, expected at most 2000005"),
            (&|m| m.max_unit_price = u64::MAX, ("sdk", 5), "spendable"),
            // The developer.
            (&|m| m.seat = key(ALICE.into()).to_bytes().to_vec().into(), ("vault", 7), "seat"),
            (&|m| m.seat = key(1000).to_bytes().to_vec().into(), ("vault", 5), "unknown seat"),
            (&|m| m.developer = stranger.clone(), ("vault", 7), "seat"),
            // Time.
            (&|m| m.deadline = height + 13, ("training", 25), "expected more than"),
            (&|m| m.deadline = 0, ("training", 25), "deadline 0"),
            (&|m| m.deadline = u64::MAX, ("training", 25), "at most"),
        ],
    );
    jobs.send(right).unwrap();
    jobs.check();
}

#[test]
fn when_what_it_is_about_is_not_there_any_more() {
    // Circuits that take nothing new.
    let mut jobs = Jobs::new();
    let authority = jobs.ground.prefix.text(&authority());
    let (digest, status) = (circuits().into(), CircuitStatus::Retired.into());
    jobs.send(MsgSetCircuitStatus { authority, digest, status }).unwrap();
    let order = jobs.order();
    assert_eq!(code(jobs.send(order)), ("proofs", 3));
    // A listing that is closed.
    let mut jobs = Jobs::new();
    let seller = jobs.text(CURATOR);
    jobs.send(MsgClose { seller, listing: 1 }).unwrap();
    let order = jobs.order();
    assert_eq!(code(jobs.send(order)), ("market", 8));
    // Keys of an epoch that is over: the developer's, an owner's.
    for who in [DEVELOPER, BOB] {
        let mut jobs = Jobs::new();
        let (owner, old_key) = (jobs.text(who), key(who.into()).to_bytes().to_vec().into());
        jobs.send(MsgRotateSeat { owner, old_key, seat: Some(seat(u64::from(who) + 500, 1)) }).unwrap();
        let order = jobs.order();
        assert_eq!(code(jobs.send(order)), ("vault", 6));
    }
    // A dataset that pauses, before the order and before the lock.
    let mut jobs = Jobs::new();
    let job = jobs.drawn();
    vault(&mut jobs, |v| v.pause(ALICE, 1)).unwrap();
    let order = jobs.order();
    assert_eq!(code(jobs.send(order)), ("vault", 26));
    (0..2).for_each(|seat| jobs.join(job, seat));
    let last = jobs.joining(job, 2);
    assert_eq!(code(jobs.send(last)), ("vault", 26));
}

#[test]
fn when_the_grant_is_spent() {
    let mut jobs = Jobs::new();
    vault(&mut jobs, |v| {
        v.send(zektra_proto::vault::v1::MsgWithdrawGrant { owner: v.text(ALICE), grant: 1 }).unwrap();
        v.grant(ALICE, 1, Terms { max_passes: 1, ..generous(RevocationPolicy::Finish) }).unwrap();
    });
    // Orders take nothing, locks do.
    let other = jobs.open();
    let job = jobs.locked();
    assert!(job > other);
    let order = jobs.order();
    assert_eq!(code(jobs.send(order)), ("vault", 34));
    (0..2).for_each(|seat| jobs.join(other, seat));
    let last = jobs.joining(other, 2);
    assert_eq!(code(jobs.send(last)), ("vault", 34));
    jobs.pass_due(other);
    jobs.demand_over(other, zektra_proto::training::v1::JobStatus::Expired);
}

#[test]
fn when_members_join() {
    let mut jobs = Jobs::new();
    let job = jobs.drawn();
    let right = jobs.joining(job, 0);
    let (bob, own) = (jobs.text(BOB), jobs.joining(job, 2).extension_roots);
    assert_eq!((right.extension_roots.len(), own.len()), (1, 2));
    each_refused(
        &mut jobs.ground,
        &right,
        &[
            (&|m| m.member = "x".into(), ("sdk", 7), "invalid member address"),
            (&|m| m.digest = vec![1; 31].into(), ("sdk", 18), "digest of 31 bytes"),
            (&|m| m.extension_roots = vec![hash(1).slice(1..)], ("sdk", 18), "one of 31 bytes"),
            (&|m| m.extension_roots = vec![hash(1); 65], ("sdk", 18), "65, expected at most 64"),
            (&|m| m.job = 9, ("training", 2), "job 9"),
            (&|m| m.digest = hash(1), ("training", 13), "has"),
            (&|m| m.extension_roots = own.clone(), ("training", 14), "2, expected 1"),
            (&|m| m.extension_roots.clear(), ("training", 14), "0, expected 1"),
            (&|m| m.member = bob.clone(), ("training", 5), "seat 0 of job 1"),
            (&|m| m.seat = 1, ("training", 5), "seat 1 of job 1"),
            (&|m| m.seat = 3, ("training", 6), "seat 3"),
        ],
    );
    jobs.send(right.clone()).unwrap();
    assert_eq!(code(jobs.send(right)), ("training", 15));
    // Who cannot put the deposit down.
    let job = jobs.drawn();
    let all = zektra_modules::coin::Coins::one(DENOM, jobs.held(BOB));
    let (from, to) = (crate::ground::person(BOB), crate::ground::person(STRANGER));
    jobs.ground.with(|ctx| zektra_modules::bank::transfer(ctx, &from, &to, &all)).unwrap();
    let poor = jobs.joining(job, 1);
    assert_eq!(code(jobs.send(poor)), ("sdk", 5));
    jobs.check();
}

/// Bytes of the right length that are no proof.
fn nothing() -> Vec<u8> {
    let proof = vec![0; pinned::proof_bytes(15).unwrap()];
    let public_inputs = vec![Default::default(); zektra_statement::chain::ELEMENTS];
    Envelope { system: SYSTEM.into(), circuit: pinned::wrap_id(15), public_inputs, proof }.encode()
}

#[test]
fn when_a_part_comes() {
    let mut jobs = Jobs::new();
    let (job, other) = (jobs.locked(), jobs.locked());
    jobs.accept(job, 2).unwrap();
    let mut right = jobs.part(job, 3);
    right.proof = nothing().into();
    let stranger = jobs.text(STRANGER);
    let nodes = NODES.map(|n| jobs.text(n));
    let idle = nodes.iter().find(|n| **n != right.node).unwrap().clone();
    let empty = || StateEntry {
        c0: vec![0; 32].into(),
        a: vec![0; 32].into(),
        opened: vec![0; 32].into(),
        shares: vec![vec![0; 32].into(); 3],
    };
    let states = || {
        let table = template(ALL as u32).compile().unwrap();
        let groups = vec![0; usize::from(table.slots)];
        Some(StateList { groups, entries: vec![empty(); table.states.len()] })
    };
    each_refused(
        &mut jobs.ground,
        &right,
        &[
            (&|m| m.node = "x".into(), ("sdk", 7), "invalid node address"),
            (&|m| m.state = hash(1).slice(1..), ("sdk", 18), "state"),
            (&|m| m.leaves = vec![hash(1).slice(1..)], ("sdk", 18), "leaves"),
            (&|m| m.proof = vec![].into(), ("proofs", 6), "proof"),
            (&|m| m.proof = nothing()[..1000].to_vec().into(), ("proofs", 6), "proof"),
            (&|m| m.rows_log2 = 16, ("proofs", 6), "proof"),
            (&|m| m.rows_log2 = 300, ("proofs", 6), "rows_log2"),
            (&|m| m.job = 9, ("training", 2), "job 9"),
            (&|m| m.node = stranger.clone(), ("training", 4), "job 1 is"),
            (&|m| m.node = idle.clone(), ("training", 4), "job 1 is"),
            (&|m| m.iteration = 0, ("training", 16), "2 are proven"),
            (&|m| m.iteration = 2, ("training", 16), "2 are proven"),
            (&|m| m.iteration = 5, ("training", 17), "the job has 4"),
            (&|m| m.iteration = u64::MAX, ("training", 17), "the job has 4"),
            (&|m| m.iteration = 4, ("training", 19), "none, expected them with the last part"),
            (&|m| (m.iteration, m.states) = (4, Some(StateList::default())), ("training", 19), "row groups"),
            (&|m| (m.iteration, m.states) = (4, states()), ("training", 19), "their digest is"),
            // As far as that: it is no proof.
            (&|_| {}, ("proofs", 7), ""),
        ],
    );
    // However well it is proven.
    for (iteration, refused) in [(0, 16), (1, 16), (2, 16), (5, 17)] {
        assert_eq!(code(jobs.accept(job, iteration)), ("training", refused), "{iteration}");
    }
    assert_eq!(jobs.job(other).proven, None);
    jobs.check();
}

#[test]
fn when_others_speak() {
    let mut jobs = Jobs::new();
    let job = jobs.locked();
    let right = jobs.stalling(job, 0);
    let stranger = jobs.text(STRANGER);
    let cancel = MsgCancel { developer: stranger.clone(), job };
    assert_eq!(code(jobs.send(cancel)), ("sdk", 4));
    each_refused::<MsgReportStall>(
        &mut jobs.ground,
        &right,
        &[
            (&|m| m.node = stranger.clone(), ("training", 4), "job 1 is"),
            (&|m| m.job = 9, ("training", 2), "job 9"),
            (&|m| m.member = 3, ("training", 6), "seat 3"),
            (&|m| m.iteration = 4, ("training", 17), "iteration 4"),
            (&|m| m.phase = 1000, ("training", 17), "phase 1000"),
        ],
    );
    jobs.send(right).unwrap();
    let (answer, bob) = (jobs.answering(job, 0), jobs.text(BOB));
    each_refused::<MsgAnswerStall>(
        &mut jobs.ground,
        &answer,
        &[
            (&|m| m.member = bob.clone(), ("training", 24), "in job 1"),
            (&|m| m.answer = vec![].into(), ("sdk", 18), "answer of 0 bytes"),
            (&|m| m.answer = vec![0; (1 << 20) + 1].into(), ("sdk", 18), "answer of 1048577 bytes"),
        ],
    );
    let job = jobs.proven();
    let right = jobs.releasing(job, 0);
    each_refused::<MsgRelease>(
        &mut jobs.ground,
        &right,
        &[
            (&|m| m.release = None, ("sdk", 18), "release.encapsulated of 0 bytes"),
            (&|m| m.release.as_mut().unwrap().ciphertext = vec![0; 15].into(), ("sdk", 18), "release.ciphertext"),
            (&|m| m.release.as_mut().unwrap().ciphertext = vec![0; 16].into(), ("training", 21), "16 bytes"),
            (&|m| m.member = bob.clone(), ("training", 5), "seat 0"),
            (&|m| m.seat = 1, ("training", 5), "seat 1"),
            (&|m| m.seat = 9, ("training", 6), "seat 9"),
        ],
    );
    let own = MsgRelease { member: jobs.text(DEVELOPER), seat: 2, ..right.clone() };
    assert_eq!(code(jobs.send(own)), ("training", 6));
    jobs.send(right.clone()).unwrap();
    assert_eq!(code(jobs.send(right)), ("training", 22));
    assert!(jobs.held(ALICE) > TOKEN);
}

#[test]
fn when_its_rules_change() {
    let mut jobs = Jobs::new();
    let authority = jobs.ground.prefix.text(&authority());
    let right = MsgUpdateParams { authority, params: Some(rules()) };
    fn set(m: &mut MsgUpdateParams, change: impl Fn(&mut Rules)) {
        change(m.params.as_mut().unwrap());
    }
    each_refused(
        &mut jobs.ground,
        &right,
        &[
            (&|m| m.params = None, ("sdk", 18), "params: missing"),
            (&|m| m.authority = m.authority.replace('q', "p"), ("sdk", 7), "invalid authority address"),
            (&|m| set(m, |r| r.part_blocks = 0), ("sdk", 18), "part_blocks 0: expected 1 to"),
            (&|m| set(m, |r| r.miss_slash = 10_001), ("sdk", 18), "miss_slash 10001: expected at most 10000"),
            (&|m| set(m, |r| r.cancel_fee = 10_001), ("sdk", 18), "cancel_fee 10001: expected at most 10000"),
            // As many nodes as attempts that hiding is counted for: the first, and seven that take over.
            (&|m| set(m, |r| r.max_rescues = 8), ("sdk", 18), "max_rescues 8: expected at most 7"),
            (&|m| set(m, |r| r.max_stalls = 101), ("sdk", 18), "max_stalls 101: expected at most 100"),
            (&|m| set(m, |r| r.max_links = 0), ("sdk", 18), "max_links 0: expected 1 to 600"),
            (&|m| set(m, |r| r.max_links = 601), ("sdk", 18), "max_links 601: expected 1 to 600"),
            (&|m| set(m, |r| r.deposit = None), ("sdk", 18), "deposit.denom"),
        ],
    );
    let most = Rules { max_rescues: 7, ..rules() };
    jobs.send(MsgUpdateParams { params: Some(most.clone()), ..right.clone() }).unwrap();
    assert_eq!(training::rules(&jobs.ground.state).unwrap(), most);
    // What no node proves in the time of a part is not ordered.
    let small = MsgUpdateParams { params: Some(Rules { max_links: 1, ..rules() }), ..right.clone() };
    jobs.send(small).unwrap();
    let order = jobs.order();
    let refused = jobs.send(order).unwrap_err();
    assert_eq!((refused.codespace, refused.code), ("training", 28));
    assert!(refused.log.contains("expected at most 1"), "{}", refused.log);
    // A genesis file is held to the same.
    let mut genesis = Training.default_genesis(DENOM);
    Training.check_genesis(&genesis, &jobs.ground.prefix).unwrap();
    genesis["params"]["max_rescues"] = 8.into();
    let refused = Training.check_genesis(&genesis, &jobs.ground.prefix).unwrap_err();
    assert!(refused.to_string().contains("max_rescues 8: expected at most 7"), "{refused}");
}

#[test]
fn when_a_genesis_file_forgets_the_bond_of_its_node() {
    let mut jobs = Jobs::new();
    jobs.locked();
    let mut genesis = Training.export_genesis(&jobs.ground.state, &jobs.ground.prefix).unwrap();
    Training.check_genesis(&genesis, &jobs.ground.prefix).unwrap();
    genesis["jobs"][0]["bonded"] = "".into();
    let refused = Training.check_genesis(&genesis, &jobs.ground.prefix).unwrap_err();
    assert!(refused.to_string().contains("training.jobs[0].bonded"), "{refused}");
}
