use proptest::prelude::*;
use zektra_statement::digest::Commitment;
use zektra_statement::merkle::{Tree, leaf};

fn leaves(seed: u64, count: usize) -> Vec<Commitment> {
    (0..count as u64).map(|i| leaf(i, &Commitment([seed, i, 1, 2]), &Commitment([i, seed, 3, 4]))).collect()
}

fn changed(c: &Commitment) -> Commitment {
    Commitment([c.0[0] ^ 1, c.0[1], c.0[2], c.0[3]])
}

#[test]
fn a_leaf_binds_its_index_and_both_polynomials() {
    let (a, b) = (Commitment([1; 4]), Commitment([2; 4]));
    let one = leaf(5, &a, &b);
    for other in [leaf(6, &a, &b), leaf(5, &b, &a), leaf(5, &changed(&a), &b), leaf(5, &a, &changed(&b))] {
        assert_ne!(other, one);
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
