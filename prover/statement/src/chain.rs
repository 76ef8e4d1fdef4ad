//! What a chain of proofs carries from link to link, outside circuits: `docs/protocol.md`, section 15, "Fold".

use crate::digest::{Commitment, Fingerprint, Tag, commit};
use crate::field::{E, F, Field, PrimeField64, from_ext};
use crate::inputs::fingerprint_elements;
use crate::merkle::empty_tops;
use crate::phase::PhaseTable;

/// Elements of a link.
pub const ELEMENTS: usize = 45;

/// Circuits in a chain's list, empty places included.
pub const CIRCUITS: usize = 8;

/// Place of `start` in the list.
pub const START: usize = 0;
/// Place of `tiles`.
pub const TILES: usize = 1;
/// Place of `offline`.
pub const OFFLINE: usize = 2;
/// Place of the last phase's `fold`; the others follow.
pub const LAST_FOLD: usize = 3;
/// Place of `seal`, the last one of a dataset's own chain.
pub const SEAL: usize = LAST_FOLD;
/// Place of `resume`.
pub const RESUME: usize = 7;

/// Phases that a chain has places for.
pub const MAX_PHASES: usize = RESUME - LAST_FOLD;

/// Place of a phase's `fold` in the list.
pub fn fold_place(phase: usize, phases: usize) -> usize {
    if phase + 1 == phases { LAST_FOLD } else { LAST_FOLD + 1 + phase }
}

/// A chain's list of circuits: the digests of their verifier data.
pub fn circuits_digest(list: &[Commitment; CIRCUITS]) -> Commitment {
    commit(Tag::Circuits, &flat(list))
}

/// What a chain is about.
pub fn context(lock: &Fingerprint, table: &Fingerprint, node: &Fingerprint, keys: &[Commitment]) -> Commitment {
    let mut input = vec![];
    for f in [lock, table, node] {
        input.extend(fingerprint_elements(f));
    }
    input.extend(flat(keys));
    commit(Tag::Context, &input)
}

/// What a chain about one dataset alone is about.
pub fn seal_context(object: &Fingerprint, owner_key: &Commitment) -> Commitment {
    context(object, &Fingerprint::NONE, &Fingerprint::NONE, &[*owner_key])
}

/// A hash chain with one more link.
pub fn link(before: &Commitment, added: &[F]) -> Commitment {
    let mut input = before.elements().to_vec();
    input.extend_from_slice(added);
    commit(Tag::Chain, &input)
}

/// The chain over datasets with one more: its root, its owner's key, its row groups.
pub fn dataset_link(before: &Commitment, root: &Commitment, owner: &Commitment, groups: u64) -> Commitment {
    let mut added = flat(&[*root, *owner]);
    added.push(F::from_canonical_u64(groups));
    link(before, &added)
}

/// The chain over iterations with one more: its row groups.
pub fn batch_link(before: &Commitment, groups: &[u32]) -> Commitment {
    link(before, &groups.iter().map(|&g| F::from_canonical_u32(g)).collect::<Vec<_>>())
}

/// An offline share of every member for one opening: d2, all P, and for each member (r, −d2(r), P(r)).
pub fn offline_leaf(d2: &Commitment, p: &[Commitment], values: &[[E; 3]]) -> Commitment {
    let mut input = flat(&[*d2]);
    input.extend(flat(p));
    input.extend(values.iter().flatten().flat_map(|&v| from_ext(v)));
    commit(Tag::OfflineLeaf, &input)
}

/// Offline shares that one link of a chain of proofs takes.
pub const OFFLINE_PAIRS: usize = 24;

/// The chain over offline shares with one more leaf.
pub fn offline_link(before: &Commitment, leaf: &Commitment) -> Commitment {
    link(before, &leaf.elements())
}

/// A state between two phases.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its ciphertext (c0, a'').
    pub cipher: (Commitment, Commitment),
    /// The opened vector `U`.
    pub opened: Commitment,
    /// Every member's share.
    pub shares: Vec<Commitment>,
}

/// All states, and the row groups of the iteration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct States {
    /// The step's row groups.
    pub groups: Vec<u32>,
    /// Each state.
    pub entries: Vec<Entry>,
}

impl States {
    /// All zero.
    pub fn start(table: &PhaseTable, members: usize) -> Self {
        let zero = commit(Tag::Polynomial, &[F::ZERO; crate::field::N]);
        let entry = |length: usize| Entry {
            cipher: (zero, zero),
            opened: commit(Tag::Opened, &vec![F::ZERO; length]),
            shares: vec![commit(Tag::StateShare, &vec![F::ZERO; length + 4]); members],
        };
        Self {
            groups: vec![0; usize::from(table.slots)],
            entries: table.states.iter().map(|s| entry(usize::from(s.length))).collect(),
        }
    }

    /// All elements in order.
    pub fn elements(&self) -> Vec<F> {
        let mut out: Vec<F> = self.groups.iter().map(|&g| F::from_canonical_u32(g)).collect();
        for Entry { cipher, opened, shares } in &self.entries {
            out.extend(flat(&[cipher.0, cipher.1, *opened]));
            out.extend(flat(shares));
        }
        out
    }

    /// The digest that a link carries.
    pub fn digest(&self) -> Commitment {
        commit(Tag::States, &self.elements())
    }
}

/// What a link shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Elements {
    /// Job, table, node, keys.
    pub context: Commitment,
    /// The chain's circuits.
    pub circuits: Commitment,
    /// Chain over finished datasets.
    pub datasets: Commitment,
    /// Top of the tree of the dataset being read.
    pub dataset_top: Commitment,
    /// Row groups in it.
    pub dataset_groups: u64,
    /// Top of the tree over all row groups.
    pub tile_top: Commitment,
    /// Row groups in it.
    pub tile_groups: u64,
    /// Chain over offline shares, as made.
    pub made: Commitment,
    /// The same, as used.
    pub used: Commitment,
    /// Chain over the row groups of each iteration.
    pub batches: Commitment,
    /// Iterations done.
    pub iteration: u64,
    /// Digest of [`States`].
    pub state: Commitment,
}

impl Elements {
    /// What `start` shows.
    pub fn start(context: Commitment, circuits: Commitment, state: Commitment) -> Self {
        let zero = Commitment([0; 4]);
        let top = empty_tops()[crate::merkle::DEPTH];
        Self {
            context,
            circuits,
            datasets: zero,
            dataset_top: top,
            dataset_groups: 0,
            tile_top: top,
            tile_groups: 0,
            made: zero,
            used: zero,
            batches: zero,
            iteration: 0,
            state,
        }
    }

    /// In the order of the public inputs.
    pub fn to_vec(&self) -> Vec<F> {
        let Self {
            context,
            circuits,
            datasets,
            dataset_top,
            dataset_groups,
            tile_top,
            tile_groups,
            made,
            used,
            batches,
            iteration,
            state,
        } = self;
        let number = |v: &u64| F::from_canonical_u64(*v);
        let mut out = flat(&[*context, *circuits, *datasets, *dataset_top]);
        out.push(number(dataset_groups));
        out.extend(tile_top.elements());
        out.push(number(tile_groups));
        out.extend(flat(&[*made, *used, *batches]));
        out.push(number(iteration));
        out.extend(state.elements());
        out.resize(ELEMENTS, F::ZERO);
        out
    }

    /// Reads what [`Elements::to_vec`] wrote; `None` for another length or spare elements that are not zero.
    pub fn from_slice(e: &[F]) -> Option<Self> {
        if e.len() != ELEMENTS || e[39..].iter().any(|v| v.is_nonzero()) {
            return None;
        }
        let hash = |at: usize| Commitment(std::array::from_fn(|k| e[at + k].to_canonical_u64()));
        Some(Self {
            context: hash(0),
            circuits: hash(4),
            datasets: hash(8),
            dataset_top: hash(12),
            dataset_groups: e[16].to_canonical_u64(),
            tile_top: hash(17),
            tile_groups: e[21].to_canonical_u64(),
            made: hash(22),
            used: hash(26),
            batches: hash(30),
            iteration: e[34].to_canonical_u64(),
            state: hash(35),
        })
    }
}

fn flat(list: &[Commitment]) -> Vec<F> {
    list.iter().flat_map(Commitment::elements).collect()
}
