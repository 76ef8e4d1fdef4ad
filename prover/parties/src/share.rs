//! Members' proofs: each function that makes one has one that checks it.
//!
//! Whoever checks derives `a`, `a''`, `d2` and `c` itself and takes only the messages from others.

use zektra_he::member::PhaseWitness;
use zektra_he::ring::Poly;
use zektra_he::seat::SeatSecret;
use zektra_he::tile::{Sealer, tile_randomness};
use zektra_he::transcript::{Answer, PhaseView};
use zektra_prove::chain::{Proven, ShareCircuits};
use zektra_prove::circuit::{Proof, ProofError};
use zektra_prove::noise::Item;
use zektra_prove::phase::{OpeningWitness, OutputWitness, SharePolys};
use zektra_prove::tile::{PlaneWitness, TileCircuit};
use zektra_statement::digest::{Commitment, Fingerprint, Tag, commit};
use zektra_statement::inputs::{self, Refreshed};
use zektra_statement::record::{Dataset, Plane};

/// The public randomness of a row group's planes, in the order of storage.
pub fn group_randomness(chain_id: &str, dataset: &Dataset, group: u64) -> Vec<Poly> {
    let object = dataset.object(chain_id);
    let blocks = u64::from(dataset.blocks);
    let tiles = (group * blocks..(group + 1) * blocks).flat_map(|t| Plane::ALL.map(|p| (t, p)));
    tiles.map(|(tile, plane)| tile_randomness(chain_id, object, plane, tile, dataset.attempt)).collect()
}

fn pairs(a: &[Poly], b: &[Poly]) -> Vec<(Commitment, Commitment)> {
    a.iter().zip(b).map(|(a, b)| (a.commitment(), b.commitment())).collect()
}

fn slices<'a>(
    a: &'a [Poly],
    b: &'a [Poly],
) -> Vec<(&'a [zektra_statement::field::F], &'a [zektra_statement::field::F])> {
    a.iter().zip(b).map(|(a, b)| (a.coefficients(), b.coefficients())).collect()
}

/// The owner's proof of a row group: `b` its ciphertexts and `messages` what they hide, plane by plane.
///
/// # Errors
/// Rows beyond the bounds.
pub fn prove_tile(
    circuit: &TileCircuit,
    sealer: &Sealer<'_>,
    group: u64,
    b: &[Poly],
    messages: &[Poly],
) -> Result<Proven<inputs::Tile>, ProofError> {
    let blocks = messages.len() as u64 / 2;
    let places = (group * blocks..(group + 1) * blocks).flat_map(|t| Plane::ALL.map(|p| (t, p)));
    let list: Vec<_> = places.zip(messages).map(|((t, p), m)| (t, p, m)).collect();
    let mut noise = sealer.noise(&list);
    let a: Vec<Poly> = list
        .iter()
        .map(|&(tile, plane, _)| tile_randomness(sealer.chain_id, sealer.object(), plane, tile, sealer.attempt))
        .collect();
    let statement = inputs::Tile { key: sealer.seat.commitment(), planes: pairs(&a, b) };
    let planes: Vec<_> = (0..a.len())
        .map(|k| PlaneWitness {
            a: a[k].coefficients(),
            b: b[k].coefficients(),
            message: messages[k].coefficients(),
            noise: noise[k].coefficients(),
        })
        .collect();
    let proof = circuit.prove(&statement, &sealer.seat.digits(), &planes)?;
    noise.iter_mut().for_each(Poly::wipe);
    Ok(Proven { statement, proof })
}

/// Checks the proof of a row group of a dataset.
///
/// # Errors
/// A proof of something else, or none.
pub fn check_tile(
    circuit: &TileCircuit,
    chain_id: &str,
    dataset: &Dataset,
    group: u64,
    b: &[Poly],
    proof: Proof,
) -> Result<Proven<inputs::Tile>, ProofError> {
    let a = group_randomness(chain_id, dataset, group);
    let statement = inputs::Tile { key: dataset.owner_key, planes: pairs(&a, b) };
    circuit.verify(&statement, &slices(&a, b), &proof)?;
    Ok(Proven { statement, proof })
}

/// A member's proof of its extension shares `x` of a row group.
///
/// # Errors
/// Shares that are not this key's.
pub fn prove_extension(
    circuits: &ShareCircuits,
    seat: &SeatSecret,
    chain_id: &str,
    dataset: &Dataset,
    group: u64,
    x: &[Poly],
) -> Result<Proven<inputs::Noise>, ProofError> {
    let blocks = u64::from(dataset.blocks);
    let tiles = group * blocks..(group + 1) * blocks;
    let mut noise = zektra_he::member::extension_noise(seat, chain_id, dataset, tiles);
    let a = group_randomness(chain_id, dataset, group);
    let circuit = &circuits.extension;
    let statement = circuit.statement(Fingerprint::NONE, seat.commitment(), &pairs(&a, x));
    let items: Vec<_> = (0..a.len())
        .map(|k| Item { multiplier: a[k].coefficients(), share: x[k].coefficients(), noise: noise[k].coefficients() })
        .collect();
    let proof = circuit.prove(&statement, &seat.digits(), &items)?;
    noise.iter_mut().for_each(Poly::wipe);
    Ok(Proven { statement, proof })
}

/// Checks a member's extension shares of a row group.
///
/// # Errors
/// A proof of something else, or none.
pub fn check_extension(
    circuits: &ShareCircuits,
    key: Commitment,
    chain_id: &str,
    dataset: &Dataset,
    group: u64,
    x: &[Poly],
    proof: Proof,
) -> Result<Proven<inputs::Noise>, ProofError> {
    let a = group_randomness(chain_id, dataset, group);
    let statement = circuits.extension.statement(Fingerprint::NONE, key, &pairs(&a, x));
    circuits.extension.verify(&statement, &slices(&a, x), &proof)?;
    Ok(Proven { statement, proof })
}

/// A member's proof of a batch of offline shares: d2, P, and the secret noise of each.
///
/// # Errors
/// Shares that are not this key's.
pub fn prove_offline(
    circuits: &ShareCircuits,
    seat: &SeatSecret,
    lock: Fingerprint,
    d2: &[Poly],
    p: &[Poly],
    noise: &[Poly],
) -> Result<Proven<inputs::Noise>, ProofError> {
    let circuit = &circuits.offline;
    let statement = circuit.statement(lock, seat.commitment(), &pairs(d2, p));
    let items: Vec<_> = (0..d2.len())
        .map(|k| Item { multiplier: d2[k].coefficients(), share: p[k].coefficients(), noise: noise[k].coefficients() })
        .collect();
    let proof = circuit.prove(&statement, &seat.digits(), &items)?;
    Ok(Proven { statement, proof })
}

/// Checks a member's batch of offline shares.
///
/// # Errors
/// A proof of something else, or none.
pub fn check_offline(
    circuits: &ShareCircuits,
    key: Commitment,
    lock: Fingerprint,
    d2: &[Poly],
    p: &[Poly],
    proof: Proof,
) -> Result<Proven<inputs::Noise>, ProofError> {
    let statement = circuits.offline.statement(lock, key, &pairs(d2, p));
    circuits.offline.verify(&statement, &slices(d2, p), &proof)?;
    Ok(Proven { statement, proof })
}

/// What a member's answer to a phase states.
pub fn answer_statement(
    circuits: &ShareCircuits,
    key: Commitment,
    lock: Fingerprint,
    view: &PhaseView,
    answer: &Answer,
) -> inputs::PhaseShare {
    let phase = &circuits.table.phases[answer.phase as usize];
    let member = answer.member as usize;
    let outputs = phase.outputs.iter().enumerate().map(|(k, o)| Refreshed {
        a: view.fresh[k].commitment(),
        g: answer.g[k].commitment(),
        after: answer.shares[k],
        before: o.carry.then(|| view.shares[k][member]),
    });
    let openings = view.c.iter().zip(&answer.y).map(|(c, y)| (c.commitment(), commit(Tag::MaskedShare, y)));
    inputs::PhaseShare { lock, key, openings: openings.collect(), outputs: outputs.collect() }
}

/// A member's proof of its answer to a phase.
///
/// # Errors
/// An answer that is not what it should be.
pub fn prove_answer(
    circuits: &ShareCircuits,
    seat: &SeatSecret,
    lock: Fingerprint,
    view: &PhaseView,
    answer: &Answer,
    witness: &PhaseWitness,
) -> Result<Proven<inputs::PhaseShare>, ProofError> {
    let statement = answer_statement(circuits, seat.commitment(), lock, view, answer);
    let (openings, outputs) = answer_witness(answer, witness);
    let proof = circuits.phases[answer.phase as usize].prove(&statement, &seat.digits(), &openings, &outputs)?;
    Ok(Proven { statement, proof })
}

/// What a member's circuit of a phase is filled with.
pub fn answer_witness<'a>(
    answer: &'a Answer,
    witness: &'a PhaseWitness,
) -> (Vec<OpeningWitness<'a>>, Vec<OutputWitness<'a>>) {
    let openings: Vec<_> = witness
        .openings
        .iter()
        .zip(&answer.y)
        .map(|((c, masks), y)| OpeningWitness { c: c.coefficients(), masks, y })
        .collect();
    let outputs: Vec<_> = witness
        .outputs
        .iter()
        .zip(&answer.g)
        .map(|(o, g)| OutputWitness {
            a: o.a.coefficients(),
            g: g.coefficients(),
            before: (&o.before.0, o.before.1),
            after: (&o.after.0, o.after.1),
            noise: o.noise.coefficients(),
        })
        .collect();
    (openings, outputs)
}

/// Checks a member's answer to a phase.
///
/// # Errors
/// A proof of something else, or none.
pub fn check_answer(
    circuits: &ShareCircuits,
    key: Commitment,
    lock: Fingerprint,
    view: &PhaseView,
    answer: &Answer,
    proof: Proof,
) -> Result<Proven<inputs::PhaseShare>, ProofError> {
    let statement = answer_statement(circuits, key, lock, view, answer);
    let polys = SharePolys {
        c: view.c.iter().map(Poly::coefficients).collect(),
        outputs: view.fresh.iter().zip(&answer.g).map(|(a, g)| (a.coefficients(), g.coefficients())).collect(),
    };
    circuits.phases[answer.phase as usize].verify(&statement, &polys, &proof)?;
    Ok(Proven { statement, proof })
}
