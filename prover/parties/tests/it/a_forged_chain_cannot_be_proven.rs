//! Honest proofs in a wrong place, and proofs of something else in the right one: no link takes them.

use super::played::{MEMBERS, NODE, Played, played};
use std::time::Instant;
use zektra_he::transcript::{Answer, PhaseView};
use zektra_parties::node::{Answered, prove_step};
use zektra_prove::chain::{Chain, Proven};
use zektra_prove::circuit::ProofError;
use zektra_statement::digest::Fingerprint;
use zektra_statement::field::{F, Field};
use zektra_statement::inputs::{Noise, PhaseShare, Statement, Step};

type Outcome = Result<(), ProofError>;

/// The attempt fails because a constraint does not hold, and fast: before anything is committed to.
fn cannot(name: &str, p: &Played, link: usize, attempt: impl FnOnce(&mut Chain) -> Outcome) {
    let mut chain = p.links[link].clone();
    let start = Instant::now();
    let result = attempt(&mut chain);
    println!("{name}: {:?}", start.elapsed());
    assert!(matches!(result, Err(ProofError::False { .. })), "{name}: {result:?}");
}

// Links: 0 start, 1 and 2 row groups, 3 offline shares, 4 and 5 the first iteration, 6 and 7 the second.

#[test]
fn links_stand_in_their_order() {
    let p = played();
    let group = |k: usize| {
        let g = &p.job.groups[k];
        move |c: &mut Chain| c.add_group(g.owner, &g.tile, &g.shares, &g.extend, g.last)
    };
    let (proofs, used) = &p.job.offline[0];
    let phase = |k: usize| {
        let ph = &p.job.phases[k];
        move |c: &mut Chain| c.fold(ph.phase, &ph.groups, &ph.shares, &ph.step)
    };
    cannot("offline shares right after the start", p, 0, |c| c.add_offline(proofs, *used));
    cannot("a row group behind the offline shares", p, 3, group(1));
    cannot("a row group behind a phase", p, 5, group(1));
    cannot("offline shares behind a phase", p, 5, |c| c.add_offline(proofs, *used));
    cannot("a phase before the offline shares", p, 2, phase(0));
    cannot("the second phase first", p, 3, phase(1));
    cannot("the first phase twice", p, 4, phase(0));
    cannot("the second phase twice", p, 5, phase(1));
}

#[test]
fn batches_are_not_skipped_repeated_or_reordered() {
    let p = played();
    let [first, second] = [&p.job.phases[0], &p.job.phases[2]];
    assert_ne!(first.groups, second.groups);
    cannot("the first iteration is skipped", p, 3, |c| c.fold(0, &second.groups, &second.shares, &second.step));
    cannot("the first iteration is repeated", p, 5, |c| c.fold(0, &first.groups, &first.shares, &first.step));
    cannot("other row groups are named", p, 3, |c| c.fold(0, &second.groups, &first.shares, &first.step));
    cannot("and in the second iteration", p, 5, |c| c.fold(0, &first.groups, &second.shares, &second.step));
}

#[test]
fn row_groups_are_those_of_their_owners() {
    let p = played();
    let (a, b) = (&p.job.groups[0], &p.job.groups[1]);
    cannot("another owner", p, 0, |c| c.add_group(1, &a.tile, &a.shares, &a.extend, true));
    cannot("another tile", p, 0, |c| c.add_group(0, &b.tile, &a.shares, &a.extend, true));
    cannot("another tile and owner", p, 0, |c| c.add_group(1, &b.tile, &a.shares, &a.extend, true));
    cannot("sums of another row group", p, 0, |c| c.add_group(0, &a.tile, &a.shares, &b.extend, true));
    let swapped: Vec<Proven<Noise>> = a.shares.iter().rev().cloned().collect();
    cannot("extension shares in another order", p, 0, |c| c.add_group(0, &a.tile, &swapped, &a.extend, true));
    let doubled = vec![a.shares[0].clone(), a.shares[0].clone()];
    cannot("one member's share twice", p, 0, |c| c.add_group(0, &a.tile, &doubled, &a.extend, true));
    cannot("a share left out", p, 0, |c| c.add_group(0, &a.tile, &a.shares[..1], &a.extend, true));
    let other = vec![a.shares[0].clone(), b.shares[1].clone()];
    cannot("a share for another row group", p, 0, |c| c.add_group(0, &a.tile, &other, &a.extend, true));
}

/// An offline proof of nothing but zero polynomials: true under any lock.
fn zeros(p: &Played, member: usize, lock: Fingerprint, forge: impl FnOnce(&Noise, &mut Vec<F>)) -> Proven<Noise> {
    let circuit = &p.circuits.shares.offline;
    let seat = &p.cast.seats[member];
    let statement = circuit.statement(lock, seat.commitment(), &[]);
    let mut values = circuit.values(&statement, &seat.digits(), &[]);
    forge(&statement, values.get_mut("public").unwrap());
    let proof = circuit.circuit.prove(&values).unwrap();
    Proven { statement, proof }
}

#[test]
fn offline_shares_are_for_this_job_by_all_members_at_hashed_points() {
    let p = played();
    let (honest, used) = &p.job.offline[0];
    let lock = p.job.program.lock;
    let swapped = vec![honest[1].clone(), honest[0].clone(), honest[2].clone()];
    cannot("in another order", p, 2, |c| c.add_offline(&swapped, *used));
    let doubled = vec![honest[0].clone(), honest[0].clone(), honest[2].clone()];
    cannot("one member twice", p, 2, |c| c.add_offline(&doubled, *used));
    cannot("one left out", p, 2, |c| c.add_offline(&honest[..2], *used));
    let zero = |member, lock| zeros(p, member, lock, |_, _| ());
    let mixed = vec![zero(0, lock), honest[1].clone(), honest[2].clone()];
    cannot("other products", p, 2, |c| c.add_offline(&mixed, *used));
    // Everything is right but the lock of one member, then but the point of one.
    let (one, two) = (zero(1, lock), zero(2, lock));
    let foreign = vec![zero(0, Fingerprint([1; 32])), one.clone(), two.clone()];
    cannot("another lock", p, 2, |c| c.add_offline(&foreign, 1));
    let chosen = zeros(p, 0, lock, |statement, public| {
        let at = statement.elements().len() + 10;
        public[at] = F::from_canonical_u64(77);
    });
    assert!(p.circuits.shares.offline.circuit.verify(&chosen.proof).is_ok(), "the circuit takes any point");
    let at_chosen = vec![chosen, one.clone(), two.clone()];
    cannot("a chosen point", p, 2, |c| c.add_offline(&at_chosen, 1));
}

/// A pair that does not count has zero values: a free one, which no step evaluates, would solve the identity of
/// the whole batch and let the others be anything.
#[test]
fn a_pair_of_offline_shares_that_does_not_count_is_zero() {
    let p = played();
    let (honest, used) = &p.job.offline[0];
    cannot("a pair left out", p, 2, |c| c.add_offline(honest, used - 1));
    // What is made is what is used, in the end.
    let last = p.links.last().unwrap().elements().unwrap();
    assert_eq!(last.made, last.used);
}

fn step_of(p: &Played, phase: usize, node: Fingerprint, shares: &[Proven<PhaseShare>]) -> Proven<Step> {
    let ph = &p.job.phases[phase];
    {
        let answered = Answered { view: &ph.view, offline: &ph.offline, answers: &ph.answers, shares };
        prove_step(&p.circuits, node, ph.phase, answered, None).unwrap()
    }
}

#[test]
fn a_phase_takes_every_members_answer_once() {
    let p = played();
    let ph = &p.job.phases[0];
    let fold = |shares: Vec<Proven<PhaseShare>>, step: &Proven<Step>| {
        let step = step.clone();
        move |c: &mut Chain| c.fold(0, &ph.groups, &shares, &step)
    };
    let s = &ph.shares;
    assert_eq!(s.len() as u32, MEMBERS);
    cannot("an answer left out", p, 3, fold(s[..2].to_vec(), &ph.step));
    cannot("an answer twice", p, 3, fold(vec![s[0].clone(), s[0].clone(), s[2].clone()], &ph.step));
    cannot("another order", p, 3, fold(vec![s[1].clone(), s[0].clone(), s[2].clone()], &ph.step));
    let later = &p.job.phases[2];
    cannot(
        "an answer of another iteration",
        p,
        3,
        fold(vec![s[0].clone(), s[1].clone(), later.shares[2].clone()], &ph.step),
    );
    cannot("a step of another iteration", p, 3, fold(s.clone(), &later.step));
}

/// Everything fits, the node's proof too, but for one thing.
#[test]
fn a_phase_is_of_this_node_and_lock_at_hashed_points() {
    let p = played();
    let ph = &p.job.phases[0];
    let other_node = step_of(p, 0, Fingerprint([10; 32]), &ph.shares);
    cannot("another node's step", p, 3, |c| c.fold(0, &ph.groups, &ph.shares, &other_node));
    for (name, forged) in [("another lock", &p.other_lock), ("a chosen point", &p.chosen_point)] {
        let circuit = &p.circuits.shares.phases[0].circuit;
        circuit.verify(&forged.proof).unwrap();
        let shares = vec![forged.clone(), ph.shares[1].clone(), ph.shares[2].clone()];
        let step = step_of(p, 0, NODE, &shares);
        p.circuits.steps[0].circuit.verify(&step.proof).unwrap();
        cannot(name, p, 3, |c| c.fold(0, &ph.groups, &shares, &step));
    }
}

/// A fresh encryption where the protocol has another: of a state that is read, of an output, of a tile.
#[test]
fn a_step_on_other_ciphertexts_cannot_be_proven() {
    let p = played();
    let ph = &p.job.phases[1];
    let other = p.job.phases[0].view.fresh[0].clone();
    let step = |view: &PhaseView, answers: &[Answer]| {
        let answered = Answered { view, offline: &ph.offline, answers, shares: &ph.shares };
        prove_step(&p.circuits, NODE, ph.phase, answered, None)
    };
    let (mut state, mut tile, mut answers) = (ph.view.clone(), ph.view.clone(), ph.answers.clone());
    state.states[0].0.add_assign(&other);
    tile.tiles[0].0.add_assign(&other);
    answers[0].g[0].add_assign(&other);
    for (name, result) in [
        ("a state", step(&state, &ph.answers)),
        ("a tile", step(&tile, &ph.answers)),
        ("an output", step(&ph.view, &answers)),
    ] {
        assert!(matches!(result, Err(ProofError::False { .. })), "{name}: {:?}", result.map(|r| r.statement));
    }
}
