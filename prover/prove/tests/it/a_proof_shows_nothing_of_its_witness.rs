//! Two proofs of one witness have nothing in common, and every cell that should be random is.

use crate::stage::{EXTEND, JOB, NOISE, PHASES, TILE};
use std::collections::BTreeSet;
use zektra_prove::circuit::Circuit;
use zektra_prove::kit::Values;
use zektra_statement::field::{F, Field, PrimeField64};

/// Columns that no gate reaches.
const MASKS: [usize; 2] = [136, 137];
const ROUTED: usize = 80;
/// One value a query, and two coordinates at ζ: opened of each wire.
const OPENED: usize = 48 + 2;
/// Two more for Z at gζ.
const PAIRS: usize = OPENED + 2;

fn hiding() -> Vec<(&'static str, &'static Circuit, Values)> {
    let (s, t) = (&JOB.extension_shares, &JOB.tile);
    let mut all = vec![
        ("noise", &NOISE.circuit, NOISE.values(&s.statement(&NOISE), &s.key, &s.items())),
        ("tile", &TILE.circuit, TILE.values(&t.statement(), &t.key, &t.planes())),
    ];
    for (phase, name) in ["rows", "columns"].into_iter().enumerate() {
        let (c, s) = (&PHASES[phase], &JOB.shares[1][phase][0]);
        all.push((name, &c.circuit, c.values(&s.statement(), &s.key, &s.openings(), &s.outputs())));
    }
    all
}

#[test]
fn two_proofs_share_no_opened_value() {
    for (name, circuit, values) in hiding().into_iter().take(1) {
        let opened = || -> Vec<u64> {
            let proof = circuit.prove(&values).unwrap();
            proof.opened_values().iter().map(PrimeField64::to_canonical_u64).collect()
        };
        let (first, second) = (opened(), opened());
        let distinct: BTreeSet<u64> = first.iter().copied().collect();
        println!("{name}: {} opened values", first.len());
        // 48 queries may meet in a point; no column is constant.
        assert!(distinct.len() * 10 > first.len() * 9, "{name}: {} of {} values", distinct.len(), first.len());
        let common: Vec<&u64> = second.iter().filter(|v| distinct.contains(v)).collect();
        assert!(common.is_empty(), "{name}: {common:?}");
        // Nothing of the witness is among them.
        for key in values.names().filter(|n| *n != "public") {
            let secret = values.get(key).unwrap().iter().map(PrimeField64::to_canonical_u64);
            assert!(!secret.into_iter().any(|v| distinct.contains(&v)), "{name}: {key}");
        }
    }
}

/// A circuit that does not hide gives the same proof twice: the test above would notice.
#[test]
fn two_proofs_of_public_data_are_equal() {
    let e = &JOB.extension;
    let values = EXTEND.values(&e.statement(), &e.planes(), e.owner, &e.others);
    let (first, second) = (EXTEND.circuit.trace(&values).unwrap(), EXTEND.circuit.trace(&values).unwrap());
    let same = first.rows.iter().zip(&second.rows).filter(|((g, x), (_, y))| x == y || g.starts_with("PublicInput"));
    assert_eq!(same.count(), first.rows.len());
    assert_eq!(EXTEND.circuit.spare_rows(), 0);
}

#[test]
fn spare_rows_and_mask_columns_are_random() {
    for (name, circuit, values) in hiding() {
        let (first, second) = (circuit.trace(&values).unwrap(), circuit.trace(&values).unwrap());
        let (mut alone, mut paired) = (0, 0);
        let rows: Vec<_> = first.rows.iter().zip(&second.rows).collect();
        let mut routed: std::collections::BTreeMap<u64, usize> = Default::default();
        for ((gate, x), _) in &rows {
            if gate.starts_with("NoopGate") {
                *routed.entry(x[0].to_canonical_u64()).or_default() += 1;
            }
        }
        for (row, ((gate, x), (_, y))) in rows.into_iter().enumerate() {
            let differs = |c: usize| assert!(x[c] != y[c] && x[c] != F::ZERO, "{name}: row {row}, column {c}, {gate}");
            MASKS.into_iter().for_each(differs);
            if gate.starts_with("NoopGate") {
                (0..x.len()).for_each(differs);
                match routed[&x[0].to_canonical_u64()] {
                    1 => alone += 1,
                    2 => paired += 1,
                    n => panic!("{name}: {n} rows share their first wire"),
                }
            }
            if gate.starts_with("PublicInputGate") {
                (4..x.len()).for_each(differs);
            }
        }
        // Rows of a pair are equal in all routed wires and in no other.
        let noop: Vec<&Vec<F>> = first.rows.iter().filter(|r| r.0.starts_with("NoopGate")).map(|r| &r.1).collect();
        for x in &noop {
            let twins = noop.iter().filter(|y| y[..ROUTED] == x[..ROUTED]);
            assert!(twins.filter(|y| y[ROUTED..] == x[ROUTED..]).count() == 1, "{name}");
        }
        println!(
            "{name}: 2^{} rows, {alone} random (needs {OPENED}), {} pairs (needs {PAIRS})",
            circuit.rows_log2(),
            paired / 2
        );
        assert_eq!(alone, circuit.spare_rows());
        assert!(alone >= OPENED && paired / 2 >= PAIRS, "{name}");
    }
}
