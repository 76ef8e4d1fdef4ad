//! One small job, proven once for all tests: three members, two datasets of a row group each, two iterations.

use super::job::template;
use std::cell::Cell;
use std::sync::{Arc, LazyLock};
use std::time::Instant;
use zektra_he::rehearsal::rows::rows;
use zektra_he::rehearsal::{Cast, Rows};
use zektra_parties::bundle::bundle;
use zektra_parties::rehearsal::{self, Answering, ProvenJob};
use zektra_parties::share;
use zektra_prove::cache::Cache;
use zektra_prove::chain::{Chain, NodeCircuits, Proven, ShareCircuits};
use zektra_prove::circuit::Proof;
use zektra_prove::phase::SharePolys;
use zektra_statement::chain::{LAST_FOLD, START};
use zektra_statement::digest::Fingerprint;
use zektra_statement::field::{F, Field, from_ext, to_ext};
use zektra_statement::inputs::{PhaseShare, Statement};
use zektra_verify::bundle::Bundle;

/// The compute node.
pub const NODE: Fingerprint = Fingerprint([9; 32]);
/// The members.
pub const MEMBERS: u32 = 3;

/// A proven job.
pub struct Played {
    pub circuits: Arc<NodeCircuits>,
    pub cast: Cast,
    pub job: ProvenJob,
    /// The chain after each link: start, two row groups, offline shares, two phases an iteration.
    pub links: Vec<Chain>,
    pub last: Proof,
    pub bundle: Bundle,
    /// Member 0's first answer, proven under another lock.
    pub other_lock: Proven<PhaseShare>,
    /// The same under the right lock at a point that the member chose.
    pub chosen_point: Proven<PhaseShare>,
}

/// The wrap after the first iteration.
pub fn middle() -> &'static Proof {
    static MIDDLE: LazyLock<Proof> = LazyLock::new(|| played().links[5].wrap().unwrap());
    &MIDDLE
}

/// The chain of the small job on a list of circuits of one's own, in which its first link is the last, and its wrap.
pub fn foreign() -> &'static (Chain, Proof) {
    static FOREIGN: LazyLock<(Chain, Proof)> = LazyLock::new(|| {
        let p = played();
        let mut list = p.circuits.list();
        list[LAST_FOLD] = list[START];
        let chain = Chain::start_listing(p.circuits.clone(), p.job.about.clone(), list).unwrap();
        let last = chain.wrap().unwrap();
        (chain, last)
    });
    &FOREIGN
}

/// The job.
pub fn played() -> &'static Played {
    static PLAYED: LazyLock<Played> = LazyLock::new(play);
    &PLAYED
}

fn play() -> Played {
    let clock = Cell::new(Instant::now());
    let mut progress = |what: &str| {
        println!("{:8.3} s  {what}", clock.get().elapsed().as_secs_f64());
        clock.set(Instant::now());
    };
    let template = template(2);
    let tables: Vec<Rows> = [128, 100].iter().map(|&c| rows(c as u64, c, &template.params)).collect();
    let mut cast = Cast::new(7, MEMBERS as usize, &tables, template).unwrap();
    let shares = Arc::new(ShareCircuits::load(&Cache::of_user(), &template, MEMBERS).unwrap());
    progress("share circuits");
    let circuits = Arc::new(NodeCircuits::load(&Cache::of_user(), shares, &mut progress).unwrap());
    progress("node circuits");
    rehearsal::complete_record(&mut cast, circuits.digest());
    let mut forged = vec![];
    let mut watch = |a: &Answering<'_>| {
        if (a.iteration, a.answer.phase, a.answer.member) == (0, 0, 0) {
            let shares = &circuits.shares;
            let other = Fingerprint([1; 32]);
            forged.push(share::prove_answer(shares, a.seat, other, a.view, a.answer, a.witness).unwrap());
            forged.push(at_a_chosen_point(&circuits, a));
        }
    };
    let job = rehearsal::prove_watched(&cast, &circuits, NODE, &mut progress, &mut watch).unwrap();
    let chosen_point = forged.pop().unwrap();
    let other_lock = forged.pop().unwrap();

    let mut chain = Chain::start(circuits.clone(), job.about.clone()).unwrap();
    progress("start");
    let mut links = vec![chain.clone()];
    for g in &job.groups {
        chain.add_group(g.owner, &g.tile, &g.shares, &g.extend, g.last).unwrap();
        progress("tiles");
        links.push(chain.clone());
    }
    for (proofs, used) in &job.offline {
        chain.add_offline(proofs, *used).unwrap();
        progress("offline");
        links.push(chain.clone());
    }
    for p in &job.phases {
        chain.fold(p.phase, &p.groups, &p.shares, &p.step).unwrap();
        progress("fold");
        links.push(chain.clone());
    }
    let last = chain.wrap().unwrap();
    progress("wrap");
    let bundle = bundle(&circuits, &cast.job, &job.roots, NODE, &last, chain.states());
    Played { circuits, cast, job, links, last, bundle, other_lock, chosen_point }
}

/// An honest answer, but evaluated where its prover wants it: the circuit of a share takes any point.
fn at_a_chosen_point(circuits: &NodeCircuits, a: &Answering<'_>) -> Proven<PhaseShare> {
    let statement = share::answer_statement(&circuits.shares, a.seat.commitment(), a.lock, a.view, a.answer);
    let (openings, outputs) = share::answer_witness(a.answer, a.witness);
    let circuit = &circuits.shares.phases[a.answer.phase as usize];
    let mut values = circuit.values(&statement, &a.seat.digits(), &openings, &outputs);
    let polys = SharePolys {
        c: a.view.c.iter().map(|c| c.coefficients()).collect(),
        outputs: a.view.fresh.iter().zip(&a.answer.g).map(|(a, g)| (a.coefficients(), g.coefficients())).collect(),
    };
    let r = to_ext([F::from_canonical_u64(12_345), F::from_canonical_u64(678)]);
    let public = values.get_mut("public").unwrap();
    public.truncate(statement.elements().len() + 10);
    public.extend(from_ext(r));
    public.extend(circuit.values_at(&polys, r).into_iter().flat_map(from_ext));
    Proven { statement, proof: circuit.circuit.prove(&values).unwrap() }
}
