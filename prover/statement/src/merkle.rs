//! Trees of fixed depth, to which a proof can append.
//!
//! `root` of a dataset is a Poseidon tree over its row groups, which proofs rebuild leaf by leaf;
//! `content_root` is the BLAKE3 hash of the stored bytes, whose own tree has leaves of 1 KiB, which
//! possession audits open.

use crate::digest::{Commitment, Tag, commit, commit_pair};
use crate::field::F;
use plonky2::field::types::Field;

/// Levels of every tree: up to 2^20 leaves.
pub const DEPTH: usize = 20;

/// A missing leaf.
pub const EMPTY: Commitment = Commitment([0; 4]);

/// The leaf of a row group: its index, the owner's key, and (commit a, commit b) of each block and plane.
pub fn dataset_leaf(group: u64, key: &Commitment, planes: &[(Commitment, Commitment)]) -> Commitment {
    let mut input = vec![F::from_canonical_u64(group)];
    input.extend(key.elements());
    input.extend(planes.iter().flat_map(|(a, b)| [a.elements(), b.elements()]).flatten());
    commit(Tag::DatasetLeaf, &input)
}

/// The leaf of a row group of a job: (commit c0, commit a) of each block and plane.
pub fn tile_leaf(planes: &[(Commitment, Commitment)]) -> Commitment {
    let input: Vec<F> = planes.iter().flat_map(|(c0, a)| [c0.elements(), a.elements()]).flatten().collect();
    commit(Tag::TileLeaf, &input)
}

/// The tops of empty trees of 0 to [`DEPTH`] levels.
pub fn empty_tops() -> [Commitment; DEPTH + 1] {
    let mut out = [EMPTY; DEPTH + 1];
    for level in 0..DEPTH {
        out[level + 1] = commit_pair(Tag::DatasetNode, &out[level], &out[level]);
    }
    out
}

/// A binary tree of [`DEPTH`] levels; missing leaves are [`EMPTY`].
#[derive(Clone, Debug)]
pub struct Tree {
    /// `levels[0]` are the leaves; a level holds no node of an empty part.
    levels: Vec<Vec<Commitment>>,
    empty: [Commitment; DEPTH + 1],
}

/// A leaf's siblings from the bottom up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    /// Which leaf.
    pub index: usize,
    /// How many leaves the tree has.
    pub leaves: usize,
    /// One sibling a level.
    pub siblings: Vec<Commitment>,
}

impl Tree {
    /// The tree over `leaves`.
    ///
    /// # Panics
    /// For more than 2^20 leaves; records are checked before.
    pub fn new(leaves: Vec<Commitment>) -> Self {
        assert!(leaves.len() <= 1 << DEPTH, "{} leaves", leaves.len());
        let empty = empty_tops();
        let mut levels = vec![leaves];
        for level in 0..DEPTH {
            let pair = |c: &[Commitment]| commit_pair(Tag::DatasetNode, &c[0], c.get(1).unwrap_or(&empty[level]));
            levels.push(levels[level].chunks(2).map(pair).collect());
        }
        Self { levels, empty }
    }

    /// How many leaves there are.
    pub fn leaves(&self) -> usize {
        self.levels[0].len()
    }

    /// The top node.
    pub fn top(&self) -> Commitment {
        self.levels[DEPTH].first().copied().unwrap_or(self.empty[DEPTH])
    }

    /// The root: the top node, bound to the number of leaves.
    pub fn root(&self) -> Commitment {
        finish(&self.top(), self.leaves())
    }

    /// Adds a leaf behind the last.
    pub fn push(&mut self, leaf: Commitment) {
        let mut index = self.leaves();
        self.levels[0].push(leaf);
        for level in 0..DEPTH {
            index >>= 1;
            let node = |i: usize| self.levels[level].get(i).copied().unwrap_or(self.empty[level]);
            let parent = commit_pair(Tag::DatasetNode, &node(2 * index), &node(2 * index + 1));
            match self.levels[level + 1].get_mut(index) {
                Some(p) => *p = parent,
                None => self.levels[level + 1].push(parent),
            }
        }
    }

    /// The siblings of position `index`, whether or not there is a leaf.
    pub fn siblings(&self, index: usize) -> Vec<Commitment> {
        let sibling = |level: usize| self.levels[level].get((index >> level) ^ 1).copied().unwrap_or(self.empty[level]);
        (0..DEPTH).map(sibling).collect()
    }

    /// The path of leaf `index`, or `None` beyond the last leaf.
    pub fn path(&self, index: usize) -> Option<Path> {
        (index < self.leaves()).then(|| Path { index, leaves: self.leaves(), siblings: self.siblings(index) })
    }
}

impl Path {
    /// The root that this path and `leaf` lead to, or `None` if the path's shape is wrong.
    pub fn root(&self, leaf: &Commitment) -> Option<Commitment> {
        if self.index >= self.leaves || self.leaves > 1 << DEPTH || self.siblings.len() != DEPTH {
            return None;
        }
        let mut node = *leaf;
        for (level, sibling) in self.siblings.iter().enumerate() {
            node = if (self.index >> level) & 1 == 0 {
                commit_pair(Tag::DatasetNode, &node, sibling)
            } else {
                commit_pair(Tag::DatasetNode, sibling, &node)
            };
        }
        Some(finish(&node, self.leaves))
    }
}

/// A tree's root from its top node and its number of leaves.
pub fn finish(top: &Commitment, leaves: usize) -> Commitment {
    let mut input = [F::ZERO; 5];
    input[0] = F::from_canonical_usize(leaves);
    input[1..].copy_from_slice(&top.elements());
    commit(Tag::DatasetRoot, &input)
}
