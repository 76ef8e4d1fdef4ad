use proptest::prelude::*;
use zektra_statement::digest::Commitment;
use zektra_statement::merkle::{EMPTY, Path, Tree, dataset_leaf, finish};

fn leaves(seed: u64, count: usize) -> Vec<Commitment> {
    let pair = |i| (Commitment([seed, i, 1, 2]), Commitment([i, seed, 3, 4]));
    (0..count as u64).map(|i| dataset_leaf(i, &Commitment([7; 4]), &[pair(i)])).collect()
}

fn changed(c: &Commitment) -> Commitment {
    Commitment([c.0[0] ^ 1, c.0[1], c.0[2], c.0[3]])
}

#[test]
fn a_leaf_binds_its_index_and_both_polynomials() {
    let (key, a, b) = (Commitment([9; 4]), Commitment([1; 4]), Commitment([2; 4]));
    let leaf = |i, key: &Commitment, a: &Commitment, b: &Commitment| dataset_leaf(i, key, &[(*a, *b), (*b, *a)]);
    let one = leaf(5, &key, &a, &b);
    let others = [
        leaf(6, &key, &a, &b),
        leaf(5, &changed(&key), &a, &b),
        leaf(5, &key, &b, &a),
        leaf(5, &key, &changed(&a), &b),
        leaf(5, &key, &a, &changed(&b)),
        dataset_leaf(5, &key, &[(a, b)]),
    ];
    for other in others {
        assert_ne!(other, one);
    }
}

/// What a proof does: a path to an empty position, then the same path with the new leaf.
#[test]
fn appending_replaces_an_empty_leaf() {
    let mut tree = Tree::new(vec![]);
    let all = leaves(3, 9);
    for (i, leaf) in all.iter().enumerate() {
        let siblings = tree.siblings(i);
        let before = Path { index: i, leaves: i + 1, siblings: siblings.clone() };
        assert_eq!(before.root(&EMPTY), Some(finish(&tree.top(), i + 1)));
        tree.push(*leaf);
        assert_eq!(before.root(leaf), Some(tree.root()));
        assert_eq!(tree.root(), Tree::new(all[..=i].to_vec()).root());
    }
}

/// Padding is no leaf: a tree of zeros of one size is not a tree of another.
#[test]
fn trees_of_other_sizes_have_other_roots() {
    let roots: Vec<_> = (0..9).map(|n| Tree::new(vec![Commitment([0; 4]); n]).root()).collect();
    for (i, r) in roots.iter().enumerate() {
        assert!(!roots[..i].contains(r), "{i} leaves");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// cap 44: a changed leaf has no path to the committed root, and changes the root itself.
    #[test]
    fn a_path_fails_for_whatever_is_changed(seed in 0u64..1 << 60, count in 1usize..20, at: prop::sample::Index) {
        let list = leaves(seed, count);
        let tree = Tree::new(list.clone());
        let at = at.index(count);
        let path = tree.path(at).unwrap();
        let root = Some(tree.root());
        prop_assert_eq!(path.root(&list[at]), root);
        prop_assert_ne!(path.root(&changed(&list[at])), root);
        for k in 0..path.siblings.len() {
            let mut p = path.clone();
            p.siblings[k] = changed(&p.siblings[k]);
            prop_assert_ne!(p.root(&list[at]), root);
        }
        for index in (0..count + 2).filter(|i| *i != at) {
            let mut p = path.clone();
            p.index = index;
            prop_assert_ne!(p.root(&list[at]), root, "index {}", index);
        }
        for size in (0..count + 2).filter(|l| *l != count) {
            let mut p = path.clone();
            p.leaves = size;
            prop_assert_ne!(p.root(&list[at]), root, "{} leaves", size);
        }
        let mut longer = path.clone();
        longer.siblings.push(Commitment([0; 4]));
        prop_assert_eq!(longer.root(&list[at]), None);
        prop_assert_eq!(tree.path(count), None);
        let mut other = list;
        other[at] = changed(&other[at]);
        prop_assert_ne!(Some(Tree::new(other).root()), root);
    }
}
