//! The Merkle tree's view of the database.

use crate::Root;
use crate::db::{Db, Family, node_bytes, node_key};
use crate::snapshot::Snapshot;
use jmt::storage::{
    HasPreimage, LeafNode, Node, NodeBatch, NodeKey, StaleNodeIndex, StaleNodeIndexBatch, TreeReader, TreeUpdateBatch,
};
use jmt::{KeyHash, OwnedValue, RootHash, Sha256Jmt, Version};
use std::collections::BTreeMap;
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

/// A version of the tree that is computed and not written.
pub(crate) struct Update {
    pub root: Root,
    pub nodes: NodeBatch,
    /// Nodes of versions before that are no part of this one.
    pub stale: StaleNodeIndexBatch,
}

impl From<(RootHash, TreeUpdateBatch)> for Update {
    fn from((root, batch): (RootHash, TreeUpdateBatch)) -> Self {
        Self { root: root.0, nodes: batch.node_batch, stale: batch.stale_node_index_batch }
    }
}

/// The version of the tree after `set`, in which each key stands once; those that are removed are there.
///
/// Keys are removed one by one, all others set at once: a node above many of them is then made and hashed once.
pub(crate) fn update(
    reader: &Reader<'_>,
    version: Version,
    set: impl IntoIterator<Item = (KeyHash, Option<OwnedValue>)>,
) -> anyhow::Result<Update> {
    let (mut put, mut removed) = (vec![], vec![]);
    for (key, value) in set {
        match value {
            Some(value) => put.push((key, value)),
            None => removed.push((key, None)),
        }
    }
    if removed.is_empty() && !put.is_empty() {
        return put_all(reader, version, put);
    }
    let first: Update = Sha256Jmt::new(reader).put_value_set(removed, version)?.into();
    if put.is_empty() {
        return Ok(first);
    }
    let mut second = put_all(&Halfway::new(reader, &first, version), version, put)?;
    // What the first half made and the second replaced was never part of a version.
    let replaced = |key: &NodeKey| {
        let stale = StaleNodeIndex { stale_since_version: version, node_key: key.clone() };
        second.stale.contains(&stale)
    };
    let kept = first.nodes.nodes().iter().filter(|(key, _)| !replaced(key));
    let mut nodes = NodeBatch::new(kept.map(|(key, node)| (key.clone(), node.clone())).collect(), BTreeMap::new());
    nodes.merge(second.nodes);
    second.stale.retain(|stale| stale.node_key.version() != version);
    second.stale.extend(first.stale);
    Ok(Update { nodes, ..second })
}

fn put_all<R: TreeReader>(reader: &R, version: Version, put: Vec<(KeyHash, OwnedValue)>) -> anyhow::Result<Update> {
    let (roots, batch) = Sha256Jmt::new(reader).batch_put_value_sets(vec![put], None, version)?;
    let root = roots.into_iter().next().ok_or_else(|| anyhow::anyhow!("a version without a root"))?;
    Ok((root, batch).into())
}

/// The tree of a version of which a part is done, in the place of the version before.
struct Halfway<'a> {
    reader: &'a Reader<'a>,
    done: &'a NodeBatch,
    root: Option<&'a Node>,
    version: Version,
}

impl<'a> Halfway<'a> {
    fn new(reader: &'a Reader<'a>, done: &'a Update, version: Version) -> Self {
        let root = done.nodes.nodes().iter().find(|(key, _)| key.nibble_path().is_empty()).map(|(_, node)| node);
        Self { reader, done: &done.nodes, root, version }
    }
}

impl TreeReader for Halfway<'_> {
    fn get_node_option(&self, key: &NodeKey) -> anyhow::Result<Option<Node>> {
        if key.nibble_path().is_empty() && key.version().checked_add(1) == Some(self.version) {
            return Ok(self.root.cloned());
        }
        match self.done.get_node(key) {
            Some(node) => Ok(Some(node.clone())),
            None => self.reader.get_node_option(key),
        }
    }

    fn get_value_option(&self, version: Version, hash: KeyHash) -> anyhow::Result<Option<OwnedValue>> {
        self.reader.get_value_option(version, hash)
    }

    fn get_rightmost_leaf(&self) -> anyhow::Result<Option<(NodeKey, LeafNode)>> {
        self.reader.get_rightmost_leaf()
    }
}
