//! A dataset's two roots.
//!
//! `root` is a Poseidon tree over the tiles' polynomials, which proofs open; `content_root` is the
//! BLAKE3 hash of the stored bytes, whose own tree has leaves of 1 KiB, which possession audits open.

use crate::digest::{Commitment, Tag, commit, commit_pair};
use crate::field::F;
use plonky2::field::types::Field;

/// The leaf of one polynomial of a dataset: `H(index ‖ commit a ‖ commit b)`.
///
/// `index` counts tiles and, within a tile, planes: `tile · planes + plane`.
pub fn leaf(index: u64, a: &Commitment, b: &Commitment) -> Commitment {
    let mut input = [F::ZERO; 9];
    input[0] = F::from_canonical_u64(index);
    input[1..5].copy_from_slice(&a.elements());
    input[5..].copy_from_slice(&b.elements());
    commit(Tag::DatasetLeaf, &input)
}

/// A complete binary tree; missing leaves are the zero commitment.
#[derive(Clone, Debug)]
pub struct Tree {
    /// `levels[0]` are the leaves, padded to a power of two; the last level is one node.
    levels: Vec<Vec<Commitment>>,
    leaves: usize,
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
    pub fn new(leaves: Vec<Commitment>) -> Self {
        let count = leaves.len();
        let mut level = leaves;
        level.resize(count.max(1).next_power_of_two(), Commitment([0; 4]));
        let mut levels = vec![level];
        while let Some(last) = levels.last().filter(|l| l.len() > 1) {
            let next = last.chunks_exact(2).map(|c| commit_pair(Tag::DatasetNode, &c[0], &c[1])).collect();
            levels.push(next);
        }
        Self { levels, leaves: count }
    }

    /// The root, bound to the number of leaves.
    pub fn root(&self) -> Commitment {
        finish(&self.levels[self.levels.len() - 1][0], self.leaves)
    }

    /// The path of leaf `index`, or `None` beyond the last leaf.
    pub fn path(&self, index: usize) -> Option<Path> {
        if index >= self.leaves {
            return None;
        }
        let siblings = self.levels[..self.levels.len() - 1].iter().enumerate();
        let siblings = siblings.map(|(depth, level)| level[(index >> depth) ^ 1]).collect();
        Some(Path { index, leaves: self.leaves, siblings })
    }
}

impl Path {
    /// The root that this path and `leaf` lead to, or `None` if the path's shape is wrong.
    pub fn root(&self, leaf: &Commitment) -> Option<Commitment> {
        let depth = self.leaves.max(1).next_power_of_two().trailing_zeros() as usize;
        if self.index >= self.leaves || self.siblings.len() != depth {
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

fn finish(top: &Commitment, leaves: usize) -> Commitment {
    let mut input = [F::ZERO; 5];
    input[0] = F::from_canonical_usize(leaves);
    input[1..].copy_from_slice(&top.elements());
    commit(Tag::DatasetRoot, &input)
}
