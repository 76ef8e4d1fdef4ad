//! The Merkle tree's view of the database.

use crate::Root;
use crate::db::{Db, Family, node_bytes, node_key};
use crate::snapshot::Snapshot;
use jmt::storage::{HasPreimage, LeafNode, Node, NodeBatch, NodeKey, TreeReader, TreeUpdateBatch};
use jmt::{KeyHash, OwnedValue, RootHash, Sha256Jmt, Version};
use rayon::prelude::*;
use sha2::Sha256;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use zektra_state::StateRead as _;

/// Nodes of the database, and those of a version that is not written yet.
pub(crate) struct Reader<'a> {
    pub db: &'a Arc<Db>,
    /// By their keys in the database.
    pub staged: BTreeMap<&'a [u8], &'a [u8]>,
    /// The version that the empty tree has: the one before the first.
    pub empty: Option<Version>,
    /// The version whose values are read. A leaf is older than it, and its value the same.
    at: Option<Version>,
}

impl<'a> Reader<'a> {
    pub fn new(db: &'a Arc<Db>) -> Self {
        Self { db, staged: BTreeMap::new(), empty: None, at: None }
    }

    /// For proofs and walks of one version.
    pub fn at(db: &'a Arc<Db>, version: Version) -> Self {
        Self { at: Some(version), ..Self::new(db) }
    }
}

impl TreeReader for Reader<'_> {
    fn get_node_option(&self, key: &NodeKey) -> anyhow::Result<Option<Node>> {
        let at = node_key(key)?;
        if let Some(bytes) = self.staged.get(&at[..]) {
            return Ok(Some(node_bytes(bytes)?));
        }
        if let Some(bytes) = self.db.get(Family::Nodes, &at)? {
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
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Update {
    pub root: Root,
    /// New nodes with their keys, as the database holds them.
    pub nodes: Vec<(Vec<u8>, Vec<u8>)>,
    /// Keys in the database of nodes of versions before that are no part of this one.
    pub stale: Vec<Vec<u8>>,
}

type Done = (RootHash, TreeUpdateBatch);

impl Update {
    fn new((root, batch): Done) -> anyhow::Result<Self> {
        let nodes = batch.node_batch.nodes().iter();
        let nodes = nodes.map(|(key, node)| Ok((node_key(key)?, borsh::to_vec(node)?)));
        let stale = batch.stale_node_index_batch.iter().map(|stale| Ok(node_key(&stale.node_key)?));
        Ok(Self {
            root: root.0,
            nodes: nodes.collect::<anyhow::Result<_>>()?,
            stale: stale.collect::<anyhow::Result<_>>()?,
        })
    }
}

/// Children of a node: one for each half of a byte.
const CHILDREN: usize = 16;
/// The number of a node with children, as `borsh` writes it.
const INTERNAL: u8 = 1;
/// Keys from which on parts of the tree are set at the same time.
const MANY: usize = 256;

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
    let first = Sha256Jmt::new(reader).put_value_set(removed, version)?;
    if put.is_empty() {
        return Update::new(first);
    }
    let mut second = put_all(&Halfway::new(reader, &first.1, version), version, put)?;
    let mut first = Update::new(first)?;
    // What the first half made and the second replaced was never part of a version: its root among them.
    let made = |key: &Vec<u8>| key.starts_with(&version.to_be_bytes());
    let mut replaced: BTreeSet<Vec<u8>> = second.stale.extract_if(.., |key| made(key)).collect();
    replaced.insert(node_key(&root_key(version))?);
    first.nodes.retain(|(key, _)| !replaced.contains(key));
    second.nodes.append(&mut first.nodes);
    second.stale.append(&mut first.stale);
    // Both halves replace the root of the version before.
    second.stale.sort_unstable();
    second.stale.dedup();
    Ok(second)
}

fn put_all<R: TreeReader + Sync>(
    reader: &R,
    version: Version,
    put: Vec<(KeyHash, OwnedValue)>,
) -> anyhow::Result<Update> {
    if put.len() < MANY {
        return Update::new(put_at_once(reader, version, put)?);
    }
    let mut parts: [Vec<(KeyHash, OwnedValue)>; CHILDREN] = Default::default();
    for (key, value) in put {
        parts[usize::from(key.0[0] >> 4)].push((key, value));
    }
    let root = match version.checked_sub(1) {
        Some(before) => reader.get_node(&root_key(before))?,
        None => Node::Null,
    };
    let separate = match root {
        Node::Internal(_) => true,
        // A key alone would be the root itself.
        Node::Null => parts.iter().all(|part| part.len() != 1),
        Node::Leaf(_) => false,
    };
    if separate {
        put_in_parts(reader, version, parts)
    } else {
        Update::new(put_at_once(reader, version, parts.into_iter().flatten().collect())?)
    }
}

fn put_at_once<R: TreeReader>(reader: &R, version: Version, put: Vec<(KeyHash, OwnedValue)>) -> anyhow::Result<Done> {
    let (roots, batch) = Sha256Jmt::new(reader).batch_put_value_sets(vec![put], None, version)?;
    let root = roots.into_iter().next().ok_or_else(|| anyhow::anyhow!("a version without a root"))?;
    Ok((root, batch))
}

/// Sets what is under each child of the root on all cores, as if nothing else were set, and puts the children together
/// under one root: what is below them is the same.
fn put_in_parts<R: TreeReader + Sync>(
    reader: &R,
    version: Version,
    parts: [Vec<(KeyHash, OwnedValue)>; CHILDREN],
) -> anyhow::Result<Update> {
    let parts = parts.into_par_iter().enumerate().filter(|(_, part)| !part.is_empty());
    let parts = parts.map(|(child, part)| Ok((child, Update::new(put_at_once(reader, version, part)?)?)));
    let parts = parts.collect::<anyhow::Result<Vec<_>>>()?;
    let at = node_key(&root_key(version))?;
    let before = version.checked_sub(1).map(|before| node_key(&root_key(before))).transpose()?;
    let mut whole = Update::default();
    let mut children: [Option<(Vec<u8>, usize)>; CHILDREN] = Default::default();
    for (k, (own, mut part)) in parts.into_iter().enumerate() {
        let found = part.nodes.iter().position(|(key, _)| *key == at);
        let root = found.map(|at| node_bytes(&part.nodes.swap_remove(at).1)).transpose()?;
        let Some(Node::Internal(root)) = root else { anyhow::bail!("a part of the tree has no root with children") };
        for (n, child) in root.children_sorted() {
            // All others are as they were, the same in all parts.
            if k == 0 || n.as_usize() == own {
                children[n.as_usize()] = Some((borsh::to_vec(child)?, child.leaf_count()));
            }
        }
        if k > 0 {
            part.stale.retain(|key| Some(key) != before.as_ref());
        }
        whole.nodes.append(&mut part.nodes);
        whole.stale.append(&mut part.stale);
    }
    let bytes = internal(&children);
    let Node::Internal(root) = node_bytes(&bytes)? else { anyhow::bail!("a root is read as another node") };
    whole.root = root.hash::<Sha256>();
    whole.nodes.push((at, bytes));
    Ok(whole)
}

fn root_key(version: Version) -> NodeKey {
    NodeKey::new(version, std::iter::empty().collect())
}

/// A node with these children, each with the leaves under it, as `borsh` writes it: `jmt` lets nobody else make one.
fn internal(children: &[Option<(Vec<u8>, usize)>; CHILDREN]) -> Vec<u8> {
    let mut out = vec![INTERNAL];
    for child in children {
        match child {
            Some((bytes, _)) => {
                out.push(1);
                out.extend(bytes);
            }
            None => out.push(0),
        }
    }
    let there = children.iter().flatten();
    out.extend((there.clone().count() as u64).to_le_bytes());
    out.extend((there.map(|(_, leaves)| *leaves as u64).sum::<u64>()).to_le_bytes());
    out
}

/// The tree of a version of which a part is done, in the place of the version before.
struct Halfway<'a> {
    reader: &'a Reader<'a>,
    done: &'a NodeBatch,
    root: Option<&'a Node>,
    version: Version,
}

impl<'a> Halfway<'a> {
    fn new(reader: &'a Reader<'a>, done: &'a TreeUpdateBatch, version: Version) -> Self {
        let done = &done.node_batch;
        let root = done.nodes().iter().find(|(key, _)| key.nibble_path().is_empty()).map(|(_, node)| node);
        Self { reader, done, root, version }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Options, Store};

    fn hash(k: u64) -> KeyHash {
        KeyHash::with::<Sha256>(k.to_be_bytes())
    }

    fn sorted(mut update: Update) -> Update {
        update.nodes.sort();
        update.stale.sort();
        update
    }

    /// Both ways over versions of growing trees: the first has a root that is empty, a leaf, or has few children.
    #[test]
    fn parts_together_are_the_whole() {
        for first in [0u64, 1, 2, 5, 1000] {
            let folder = tempfile::tempdir().unwrap();
            let store = Store::open(folder.path(), Options::default()).unwrap();
            let begun = (0..first).map(|k| (k.to_be_bytes().to_vec(), Some(vec![1])));
            let staged = store.stage(7, begun.collect(), &Default::default(), None).unwrap();
            store.commit(&[staged], store.index_batch()).unwrap();
            for count in [MANY as u64, 3000] {
                let put = |k: u64| (hash(k * 3), k.to_be_bytes().to_vec());
                let put = (0..count).map(put).collect::<Vec<_>>();
                let reader = Reader::new(store.db());
                let at_once = Update::new(put_at_once(&reader, 8, put.clone()).unwrap()).unwrap();
                let in_parts = put_all(&reader, 8, put).unwrap();
                assert_eq!(sorted(in_parts), sorted(at_once), "{count} keys after {first}");
            }
        }
    }
}
