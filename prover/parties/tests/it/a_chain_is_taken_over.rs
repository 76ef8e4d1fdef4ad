//! A second node goes on from the wrap of the first one; nobody goes on from another wrap, or elsewhere than there.

use super::played::{NODE, Played, foreign, middle, played};
use std::sync::LazyLock;
use std::time::Instant;
use zektra_parties::bundle::bundle;
use zektra_parties::node::{Answered, prove_step};
use zektra_prove::chain::{About, Chain, Proven};
use zektra_prove::circuit::{Proof, ProofError};
use zektra_statement::chain::Elements;
use zektra_statement::digest::Fingerprint;
use zektra_statement::inputs::Step;
use zektra_verify::envelope::Envelope;
use zektra_verify::known::Trusted;
use zektra_verify::part::{Part, verify_part};
use zektra_verify::pinned::wrap_id;
use zektra_verify::verify::{Refused, verify};

const SECOND: Fingerprint = Fingerprint([11; 32]);

fn about(node: Fingerprint) -> About {
    About { node, ..played().job.about.clone() }
}

fn wrapped(proof: &Proof) -> Envelope {
    proof.to_envelope(played().circuits.wrap.id())
}

fn batches() -> u64 {
    played().job.offline.len() as u64
}

/// Adds everything that stands behind the middle of the job.
fn follow(p: &Played, chain: &mut Chain) -> Result<(), ProofError> {
    p.job.groups.iter().try_for_each(|g| chain.add_group(g.owner, &g.tile, &g.shares, &g.extend, g.last))?;
    p.job.offline.iter().try_for_each(|(proofs, used)| chain.add_offline(proofs, *used))?;
    p.job.phases[..2].iter().try_for_each(|ph| chain.fold(ph.phase, &ph.groups, &ph.shares, &ph.step))
}

fn step(p: &Played, phase: usize, node: Fingerprint) -> Proven<Step> {
    let ph = &p.job.phases[phase];
    let answered = Answered { view: &ph.view, offline: &ph.offline, answers: &ph.answers, shares: &ph.shares };
    prove_step(&p.circuits, node, ph.phase, answered, None).unwrap()
}

fn is_false(result: Result<(), ProofError>, name: &str) {
    assert!(matches!(result, Err(ProofError::False { .. })), "{name}: {result:?}");
}

/// What the second node keeps as soon as it has taken over.
fn taken() -> &'static Envelope {
    static TAKEN: LazyLock<Envelope> = LazyLock::new(|| {
        let p = played();
        let last = wrapped(middle());
        let clock = Instant::now();
        let chain = Chain::take_over(p.circuits.clone(), about(SECOND), NODE, batches(), &last).unwrap();
        println!("taken over: {:?}", clock.elapsed());
        // Nothing but the node changed.
        let (before, after) = (p.links[5].elements().unwrap(), chain.elements().unwrap());
        assert_eq!(after.context, about(SECOND).context());
        assert_eq!(Elements { context: before.context, ..after }, before);
        assert_eq!((chain.links(), p.links[5].links()), (6, 6));
        chain.envelope().unwrap()
    });
    &TAKEN
}

/// The second node's chain, before it followed the first one's.
fn second() -> Chain {
    Chain::resume(played().circuits.clone(), about(SECOND), 6, taken()).unwrap()
}

#[test]
fn a_second_node_takes_over_after_an_iteration() {
    let p = played();
    let mut chain = second();
    follow(p, &mut chain).unwrap();

    // There it goes on with the next iteration alone, by its own steps.
    let (g, (proofs, used)) = (&p.job.groups[1], &p.job.offline[0]);
    let ph = &p.job.phases[2];
    let with = |change: &dyn Fn(&mut Chain) -> Result<(), ProofError>| change(&mut chain.clone());
    is_false(with(&|c| c.add_group(g.owner, &g.tile, &g.shares, &g.extend, g.last)), "a row group");
    is_false(with(&|c| c.add_offline(proofs, *used)), "offline shares");
    is_false(with(&|c| c.fold(1, &p.job.phases[3].groups, &p.job.phases[3].shares, &p.job.phases[3].step)), "phase 1");
    is_false(with(&|c| c.fold(0, &ph.groups, &ph.shares, &ph.step)), "the first node's step");
    is_false(with(&|c| c.wrap().map(drop)), "the end");

    for k in [2, 3] {
        let ph = &p.job.phases[k];
        chain.fold(ph.phase, &ph.groups, &ph.shares, &step(p, k, SECOND)).unwrap();
    }
    let last = chain.wrap().unwrap();
    assert_eq!(chain.links(), p.links[7].links());
    let mut b = bundle(&p.circuits, &p.cast.job, &p.job.roots, SECOND, &last, chain.states());
    assert_eq!(b.states, p.bundle.states);
    assert_eq!(verify(&b.encode(), &Trusted::pinned()).unwrap().node, SECOND);
    b.node = NODE;
    let why = verify(&b.encode(), &Trusted::pinned()).unwrap_err().to_string();
    assert!(why.starts_with("the proof is of another job record, other extension roots, another node"), "{why}");
}

#[test]
fn a_chain_is_not_taken_over_with_other_records() {
    let p = played();
    let mut chain = second();
    let ph = &p.job.phases;
    // Phases of the second iteration in the place of the first.
    let g = &p.job.groups;
    g.iter().try_for_each(|g| chain.add_group(g.owner, &g.tile, &g.shares, &g.extend, g.last)).unwrap();
    chain.add_offline(&p.job.offline[0].0, p.job.offline[0].1).unwrap();
    ph[2..].iter().try_for_each(|ph| chain.fold(ph.phase, &ph.groups, &ph.shares, &ph.step)).unwrap();
    let why = chain.fold(0, &ph[2].groups, &ph[2].shares, &ph[2].step).unwrap_err().to_string();
    assert!(why.contains("the states of the proof is not what was followed"), "{why}");
}

#[test]
fn a_wrap_of_another_job_size_or_list_is_not_taken_over() {
    let p = played();
    let refused = |about: About, before, last: &Envelope| {
        Chain::take_over(p.circuits.clone(), about, before, 1, last).map(drop).unwrap_err().to_string()
    };
    let honest = wrapped(middle());
    let context = "the job, its members or the node of the proof is not what was asked for";
    let other_job = About { lock: Fingerprint([1; 32]), ..about(SECOND) };
    let mut other_keys = about(SECOND);
    other_keys.keys.swap(0, 1);
    assert!(refused(other_job.clone(), NODE, &honest).contains(context));
    assert!(refused(other_keys.clone(), NODE, &honest).contains(context));
    assert!(refused(about(SECOND), SECOND, &honest).contains(context));
    let why = refused(about(SECOND), NODE, &Envelope { circuit: wrap_id(16), ..honest.clone() });
    assert!(why.starts_with("not a proof of this circuit: circuit is"), "{why}");
    let mut changed = honest.clone();
    changed.public_inputs = p.last.public_inputs().to_vec();
    assert!(refused(about(SECOND), NODE, &changed).contains("does not verify"));

    // The circuit says no as well.
    let prove = |before: &About, wrap| Chain::prove_resume(&p.circuits, before, SECOND, wrap).map(drop);
    is_false(prove(&About { node: NODE, ..other_job }, middle()), "another job");
    is_false(prove(&About { node: NODE, ..other_keys }, middle()), "other keys");
    is_false(prove(&about(SECOND), middle()), "another node before");
    is_false(prove(&about(NODE), p.links[5].proof()), "a link that was not wrapped");

    // A list of one's own can be wrapped; it stays in the proof.
    let own = wrapped(&foreign().1);
    assert!(refused(about(SECOND), NODE, &own).contains("the list of circuits of the proof is not what"));
    let list = foreign().0.elements().unwrap();
    let Elements { iteration: _, tile_top, made, used, state, .. } = list;
    let part = Part { iteration: 1, tile_top, made, used, state, rows_log2: 15, proof: own };
    let why = verify_part(&p.cast.job, &p.job.roots, &NODE, &part, None, &Trusted::pinned()).unwrap_err();
    assert!(matches!(why, Refused::Circuits { .. }), "{why}");
}
