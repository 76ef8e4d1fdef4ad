//! The Merkle tree's view of the database.

use crate::db::{Db, Family, node_bytes, node_key};
use crate::snapshot::Snapshot;
use jmt::storage::{HasPreimage, LeafNode, Node, NodeBatch, NodeKey, TreeReader};
use jmt::{KeyHash, OwnedValue, Version};
use std::sync::Arc;
use zektra_state::StateRead as _;

/// Nodes of the database, and those of versions that are not written yet.
pub(crate) struct Reader<'a> {
    pub db: &'a Arc<Db>,
    pub staged: Vec<&'a NodeBatch>,
    /// The version that the empty tree has: the one before the first.
    pub empty: Option<Version>,
    /// The version whose values are read. A leaf is older than it, and its value the same.
    at: Option<Version>,
}

impl<'a> Reader<'a> {
    pub fn new(db: &'a Arc<Db>) -> Self {
        Self { db, staged: vec![], empty: None, at: None }
    }

    /// For proofs and walks of one version.
    pub fn at(db: &'a Arc<Db>, version: Version) -> Self {
        Self { at: Some(version), ..Self::new(db) }
    }
}

impl TreeReader for Reader<'_> {
    fn get_node_option(&self, key: &NodeKey) -> anyhow::Result<Option<Node>> {
        if let Some(node) = self.staged.iter().rev().find_map(|batch| batch.get_node(key)) {
            return Ok(Some(node.clone()));
        }
        if let Some(bytes) = self.db.get(Family::Nodes, &node_key(key)?)? {
            return Ok(Some(node_bytes(&bytes)?));
        }
        let empty = self.empty == Some(key.version()) && key.nibble_path().is_empty();
        Ok(empty.then_some(Node::Null))
    }

    fn get_value_option(&self, version: Version, hash: KeyHash) -> anyhow::Result<Option<OwnedValue>> {
        let Some(key) = self.preimage(hash)? else { return Ok(None) };
        Ok(Snapshot::unchecked(self.db.clone(), self.at.unwrap_or(version)).get(&key)?)
    }

    fn get_rightmost_leaf(&self) -> anyhow::Result<Option<(NodeKey, LeafNode)>> {
        anyhow::bail!("the last version stands in the database, it is not guessed from the tree")
    }
}

impl HasPreimage for Reader<'_> {
    fn preimage(&self, hash: KeyHash) -> anyhow::Result<Option<Vec<u8>>> {
        Ok(self.db.get(Family::Keys, &hash.0)?)
    }
}
