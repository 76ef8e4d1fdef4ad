//! What a compute node may try. Every hint is the forger's own.

use crate::forge::{MINUS, add, opened_gate, refused};
use crate::stage::{EXTEND, JOB, MEMBERS, STEPS, Step};
use zektra_prove::step::Made;
use zektra_statement::field::{F, Field, P, PrimeField64};

fn both_steps() -> [(usize, Step); 2] {
    [0, 1].map(|phase| (phase, JOB.steps[1][phase].clone()))
}

fn is_refused(phase: usize, s: &Step, made: &[Made], what: &str) {
    let mut values = STEPS[phase].values(&s.statement(made), &s.data());
    values.put("c0 0", made[0].c0.clone());
    refused(&STEPS[phase].circuit, &values, what);
}

#[test]
fn a_state_changed_by_one() {
    for (phase, s) in both_steps() {
        let mut made = STEPS[phase].run(&s.data());
        made[0].opened[0] += F::ONE;
        // The entry without a sign stands at position 0.
        made[0].c0[0] += F::ONE;
        is_refused(phase, &s, &made, "U'");
    }
}

/// Noise on top: it decrypts to the same value.
#[test]
fn an_output_encrypted_again() {
    for (phase, s) in both_steps() {
        let mut made = STEPS[phase].run(&s.data());
        made[0].c0.iter_mut().step_by(3).for_each(|c| *c += F::ONE);
        is_refused(phase, &s, &made, "c0 with more noise");
        let mut made = STEPS[phase].run(&s.data());
        made[0].c0 = JOB.steps[0][phase].outputs[0].g[0].clone();
        is_refused(phase, &s, &made, "another c0");
    }
}

#[test]
fn a_product_that_is_another() {
    for (phase, honest) in both_steps() {
        type Change = fn(&mut Step);
        let changes: [(Change, &str); 5] = [
            (|s| s.openings[0].d2[17] += F::ONE, "d2"),
            (|s| s.openings[0].c[17] += MINUS, "c"),
            (|s| s.openings[0].p[1][17] += F::ONE, "an offline share"),
            (|s| s.tiles[0].1[17] += F::ONE, "a of a tile"),
            (|s| s.states[0].1[17] += F::ONE, "a'' of a state"),
        ];
        for (change, what) in changes {
            let mut s = honest.clone();
            change(&mut s);
            is_refused(phase, &s, &STEPS[phase].run(&s.data()), what);
        }
    }
}

/// An opened value rounded to its neighbour, and to the quotient of the same element plus p.
#[test]
fn an_opened_value_with_another_rounding() {
    for (phase, s) in both_steps() {
        let shift = JOB.table.phases[phase].shift;
        let gate = opened_gate(shift, MEMBERS as u32);
        let sign = if JOB.table.phases[phase].outputs[0].negate { MINUS } else { F::ONE };
        let honest = STEPS[phase].run(&s.data());
        let statement = s.statement(&honest);
        let values = STEPS[phase].values(&statement, &s.data());
        let number = crate::forge::numbers(&gate, values.get("opened 0").unwrap(), 1)[0].to_canonical_u64();
        let wrapped = u128::from(number) + u128::from(P);
        let neighbour = (
            F::from_canonical_u64(number >> shift) + F::ONE,
            number & ((1 << shift) - 1),
            -F::from_canonical_u64(1 << shift),
        );
        let second = (F::from_noncanonical_u128(wrapped >> shift), (wrapped & ((1 << shift) - 1)) as u64, F::ZERO);
        for (quotient, remainder, excess) in [neighbour, second] {
            let by = quotient - F::from_canonical_u64(number >> shift);
            let mut made = honest.clone();
            made[0].opened[0] += sign * by;
            made[0].c0[0] += sign * by;
            let mut values = STEPS[phase].values(&s.statement(&made), &s.data());
            values.put("c0 0", made[0].c0.clone());
            let digits = values.get_mut("opened 0").unwrap();
            let low = zektra_prove::gates::digits(&gate.low, remainder);
            digits.iter_mut().zip(low).for_each(|(d, l)| *d = F::from_canonical_u64(l));
            digits[0] += excess;
            digits[gate.low.len()..gate.per_number()].fill(F::ZERO);
            digits[gate.low.len()] = quotient;
            refused(&STEPS[phase].circuit, &values, "a rounding that is another");
        }
    }
}

/// Carried states are added up, not replaced.
#[test]
fn a_state_that_is_not_carried() {
    let (phase, s) = (1, JOB.steps[1][1].clone());
    let mut made = STEPS[phase].run(&s.data());
    for (k, &before) in s.outputs[0].before.iter().enumerate() {
        made[0].opened[k] -= before;
    }
    is_refused(phase, &s, &made, "U without what was before");
}

/// The sum of a row group on its way to the job's key.
#[test]
fn a_tile_that_is_not_the_sum_of_its_shares() {
    for plane in 0..2 {
        let mut e = JOB.extension.clone();
        e.planes[plane].c0[4095] += F::ONE;
        refused(&EXTEND.circuit, &EXTEND.values(&e.statement(), &e.planes(), e.owner, &e.others), "c0");
        let mut e = JOB.extension.clone();
        e.planes[plane].x.swap(0, 1);
        let statement = JOB.extension.statement();
        refused(
            &EXTEND.circuit,
            &EXTEND.values(&statement, &e.planes(), e.owner, &e.others),
            "shares in another order",
        );
    }
    let mut values =
        EXTEND.values(&JOB.extension.statement(), &JOB.extension.planes(), JOB.extension.owner, &JOB.extension.others);
    add(&mut values, "b 0", 0, F::ONE);
    refused(&EXTEND.circuit, &values, "another b");
}
