//! What a member may try, statement by statement. Every hint is the forger's own.

use crate::forge::{MINUS, add, mask_gate, refused};
use crate::stage::{JOB, MEMBERS, NOISE, PHASES, Share, Shares, TILE, Tile, key_commitment, other_key, pseudo};
use zektra_prove::gates::RangeGate;
use zektra_prove::noise::{Kind, NoiseCircuit};
use zektra_prove::phase::PhaseCircuit;
use zektra_statement::digest::{Tag, commit};
use zektra_statement::field::{F, Field, P, from_i64};
use zektra_statement::inputs;
use zektra_statement::payload::mask_bits;

fn tile_is_refused(t: &Tile, statement: &inputs::Tile, what: &str) {
    refused(&TILE.circuit, &TILE.values(statement, &t.key, &t.planes()), what);
}

fn shares_are_refused(s: &Shares, statement: &inputs::Noise, what: &str) {
    refused(&NOISE.circuit, &NOISE.values(statement, &s.key, &s.items()), what);
}

fn share_is_refused(phase: usize, s: &Share, statement: &inputs::PhaseShare, what: &str) {
    let circuit = &PHASES[phase];
    refused(&circuit.circuit, &circuit.values(statement, &s.key, &s.openings(), &s.outputs()), what);
}

fn both_answers() -> [(usize, Share); 2] {
    [0, 1].map(|phase| (phase, JOB.shares[1][phase][2].clone()))
}

#[test]
fn a_flipped_coefficient_of_a_tile() {
    for (plane, at, by) in [(0, 0, F::ONE), (0, 4095, MINUS), (1, 40, F::from_canonical_u64(1 << 50))] {
        let mut t = JOB.tile.clone();
        t.planes[plane].b[at] += by;
        tile_is_refused(&t, &t.statement(), "b");
    }
}

#[test]
fn a_moment_with_more_than_its_entries() {
    let mut t = JOB.tile.clone();
    t.planes[1].message[JOB.bounds.classes * JOB.bounds.columns] = F::from_canonical_u64(7);
    let t = t.again();
    tile_is_refused(&t, &t.statement(), "an entry behind the last");
}

#[test]
fn a_feature_out_of_range() {
    for sign in [1, -1] {
        let mut t = JOB.tile.clone();
        t.planes[0].message[..JOB.bounds.columns].fill(F::ZERO);
        t.planes[0].message[0] = from_i64(sign * (JOB.bounds.range as i64 + 1));
        let t = t.again();
        tile_is_refused(&t, &t.statement(), "feature");
    }
}

#[test]
fn a_row_or_a_moment_that_is_too_long() {
    let mut t = JOB.tile.clone();
    let range = JOB.bounds.range as i64;
    t.planes[0].message[..JOB.bounds.columns].fill(F::ZERO);
    // One unit of length too much: 3·range² and the rest as small squares.
    let mut left = JOB.bounds.row_norm as i64 + 1;
    for x in &mut t.planes[0].message[..JOB.bounds.columns] {
        let part = (left as u64).isqrt().min(range as u64) as i64;
        *x = from_i64(part);
        left -= part * part;
    }
    assert_eq!(left, 0);
    let t = t.again();
    tile_is_refused(&t, &t.statement(), "row norm");
    let mut t = JOB.tile.clone();
    t.planes[1].message[..2].fill(from_i64(-(JOB.bounds.moment_range() as i64)));
    let t = t.again();
    tile_is_refused(&t, &t.statement(), "moment norm");
}

/// The longest row that is allowed is proven.
#[test]
fn the_longest_row_is_no_forgery() {
    let mut t = JOB.tile.clone();
    let mut left = JOB.bounds.row_norm;
    for x in &mut t.planes[0].message[..JOB.bounds.columns] {
        let part = left.isqrt().min(JOB.bounds.range);
        *x = -F::from_canonical_u64(part);
        left -= part * part;
    }
    assert_eq!(left, 0);
    let t = t.again();
    TILE.circuit.check(&TILE.values(&t.statement(), &t.key, &t.planes())).unwrap();
}

#[test]
fn noise_out_of_range() {
    for e in [3, -3, 4096] {
        let mut t = JOB.tile.clone();
        t.planes[0].noise[11] = from_i64(e);
        let t = t.again();
        tile_is_refused(&t, &t.statement(), "noise of a tile");
        let mut s = JOB.extension_shares.clone();
        s.items[1].2[11] = from_i64(e);
        let s = s.again();
        shares_are_refused(&s, &s.statement(&NOISE), "noise of a share");
        for (phase, mut s) in both_answers() {
            s.outputs[0].noise[11] = from_i64(e);
            let s = s.again();
            share_is_refused(phase, &s, &s.statement(), "noise of an answer");
        }
    }
}

#[test]
fn another_key_than_the_committed_one() {
    let t = Tile { key: other_key(), ..JOB.tile.clone() }.again();
    tile_is_refused(&t, &inputs::Tile { key: key_commitment(&JOB.tile.key), ..t.statement() }, "key of a tile");
    let honest = &JOB.extension_shares;
    let s = Shares { key: other_key(), ..honest.clone() }.again();
    let statement = inputs::Noise { key: key_commitment(&honest.key), ..s.statement(&NOISE) };
    shares_are_refused(&s, &statement, "key of a share");
    // The right key in the witness, the share under another.
    shares_are_refused(&Shares { key: honest.key.clone(), ..s.clone() }, &statement, "share under another key");
    for (phase, honest) in both_answers() {
        let s = Share { key: other_key(), ..honest.clone() }.again();
        let statement = inputs::PhaseShare { key: key_commitment(&honest.key), ..s.statement() };
        share_is_refused(phase, &s, &statement, "key of an answer");
        share_is_refused(phase, &Share { key: honest.key, ..s }, &statement, "answer under another key");
    }
}

/// Digits that pack to the same sums: 3 and −1 instead of 0 and 0.
#[test]
fn a_key_that_is_not_ternary() {
    let mut key = JOB.extension_shares.key.clone();
    let at = (0..100).find(|&k| k % 40 < 39 && key[k] == F::ZERO && key[k + 1] == F::ZERO).unwrap();
    key[at] = from_i64(3);
    key[at + 1] = MINUS;
    assert_eq!(key_commitment(&key), key_commitment(&JOB.extension_shares.key));
    let s = Shares { key: key.clone(), ..JOB.extension_shares.clone() }.again();
    shares_are_refused(&s, &s.statement(&NOISE), "a digit of 3");
    for (phase, s) in both_answers() {
        let s = Share { key: key.clone(), ..s }.again();
        share_is_refused(phase, &s, &s.statement(), "a digit of 3");
    }
}

#[test]
fn a_masked_share_that_does_not_match() {
    for (phase, mut s) in both_answers() {
        s.openings[0].y[3] += F::ONE;
        share_is_refused(phase, &s, &s.statement(), "y");
    }
}

#[test]
fn a_fresh_encryption_under_other_randomness() {
    for (phase, honest) in both_answers() {
        let mut other = honest.clone();
        other.outputs[0].a = (0..4096).map(|k| F::from_canonical_u64(pseudo(5, k) >> 1)).collect();
        let other = other.again();
        let mut s = honest.clone();
        s.outputs[0].g = other.outputs[0].g.clone();
        share_is_refused(phase, &s, &s.statement(), "g on another a''");
    }
}

/// The gate and shift of a phase's masks.
fn masks(phase: usize) -> (RangeGate, u32) {
    let shift = JOB.table.phases[phase].shift;
    (mask_gate(shift, MEMBERS as u32), shift)
}

fn sign(phase: usize) -> F {
    if JOB.table.phases[phase].outputs[0].negate { MINUS } else { F::ONE }
}

#[test]
fn a_mask_rounded_to_its_neighbour() {
    for (phase, honest) in both_answers() {
        let (gate, shift) = masks(phase);
        for by in [F::ONE, MINUS] {
            let mut s = honest.clone();
            s.outputs[0].after.0[0] += sign(phase) * by;
            let s = s.again();
            let mut values = PHASES[phase].values(&s.statement(), &s.key, &s.openings(), &s.outputs());
            add(&mut values, "masks 0", 0, -by * F::from_canonical_u64(1 << shift));
            add(&mut values, "masks 0", gate.low.len(), by);
            refused(&PHASES[phase].circuit, &values, "a remainder out of range");
        }
    }
}

/// The number of a mask plus p: the same element, another quotient.
#[test]
fn a_second_solution_of_rounding() {
    for (phase, honest) in both_answers() {
        let (gate, shift) = masks(phase);
        let bits = mask_bits(MEMBERS as u32);
        let number = (i128::from(honest.openings[0].masks[0]) + (1 << bits) + (1 << (shift - 1))) as u128;
        let (first, second) = (number, number + u128::from(P));
        let quotient = |v: u128| F::from_noncanonical_u128(v >> shift);
        let mut s = honest.clone();
        s.outputs[0].after.0[0] += sign(phase) * (quotient(second) - quotient(first));
        let s = s.again();
        let mut values = PHASES[phase].values(&s.statement(), &s.key, &s.openings(), &s.outputs());
        let digits = values.get_mut("masks 0").unwrap();
        let remainder = (second & ((1 << shift) - 1)) as u64;
        let low = zektra_prove::gates::digits(&gate.low, remainder);
        digits.iter_mut().zip(low).for_each(|(d, l)| *d = F::from_canonical_u64(l));
        digits[gate.low.len()..gate.per_number()].fill(F::ZERO);
        digits[gate.low.len()] = quotient(second);
        refused(&PHASES[phase].circuit, &values, "a quotient out of range");
    }
}

/// Of masks and of opened values, for every number of members and every shift: the ranges hold one solution.
#[test]
fn rounding_has_one_solution() {
    let one = |most: u128, shift: u32| {
        let largest = (most << shift) + (1 << shift) - 1;
        assert!(largest < u128::from(P), "2^{shift}·{most} reaches p");
    };
    for members in 1..=64 {
        let bits = mask_bits(members);
        for shift in 1..bits {
            one(1 << (bits + 1 - shift), shift);
            let half = ((1u128 << 63) - (1 << (bits - 1))) >> shift;
            one(2 * half, shift);
        }
    }
}

/// Half a unit more than honest members use is allowed, no more.
#[test]
fn a_mask_out_of_range() {
    for (phase, honest) in both_answers() {
        let (gate, shift) = masks(phase);
        let (largest, half) = (1i64 << mask_bits(MEMBERS as u32), 1i64 << (shift - 1));
        for (mask, allowed) in [
            (largest + half - 1, true),
            (largest + (1 << shift), false),
            (-largest - half, true),
            (-largest - half - 1, false),
        ] {
            let old = honest.openings[0].masks[0];
            let round = |m: i64| from_i64(zektra_statement::field::round_shift(m, shift));
            let mut s = honest.clone();
            s.openings[0].masks[0] = mask;
            s.outputs[0].after.0[0] += sign(phase) * (round(mask) - round(old));
            let s = s.again();
            if mask + largest + half < 0 {
                // Below the range there is no number at all.
                assert!(u128::from(P - 1) >> shift > 1 << (mask_bits(MEMBERS as u32) + 1 - shift));
                continue;
            }
            let mut values = PHASES[phase].values(&s.statement(), &s.key, &s.openings(), &s.outputs());
            if allowed {
                PHASES[phase].circuit.check(&values).unwrap();
            } else {
                let number = (i128::from(mask) + i128::from(largest) + i128::from(half)) as u64;
                let most = 1 << (mask_bits(MEMBERS as u32) + 1 - shift);
                let excess = F::from_canonical_u64((number >> shift) - most);
                add(&mut values, "masks 0", gate.low.len(), excess);
                refused(&PHASES[phase].circuit, &values, "a mask that is too large");
            }
        }
    }
}

#[test]
fn a_commitment_of_another_length() {
    for (phase, s) in both_answers() {
        let mut statement = s.statement();
        statement.openings[0].1 = commit(Tag::MaskedShare, &[&s.openings[0].y[..], &[F::ZERO]].concat());
        share_is_refused(phase, &s, &statement, "y with a zero behind it");
        let mut statement = s.statement();
        statement.outputs[0].after = commit(Tag::StateShare, &s.outputs[0].after.0);
        share_is_refused(phase, &s, &statement, "a share without salt");
        let mut statement = s.statement();
        statement.outputs[0].after = commit(Tag::Opened, &[&s.outputs[0].after.0[..], &s.outputs[0].after.1].concat());
        share_is_refused(phase, &s, &statement, "a share under another tag");
    }
}

/// Extension and offline shares have opposite signs and other circuits.
#[test]
fn a_share_of_the_other_kind() {
    let offline = NoiseCircuit::build(Kind::Offline, 2);
    assert_ne!(offline.circuit.id(), NOISE.circuit.id());
    let s = &JOB.extension_shares;
    let statement = s.statement(&offline);
    refused(&offline.circuit, &offline.values(&statement, &s.key, &s.items()), "an extension share");
    let s = &JOB.offline_shares;
    shares_are_refused(s, &s.statement(&NOISE), "an offline share");
}

/// The phases of a table are different statements.
#[test]
fn an_answer_to_another_phase() {
    assert_ne!(PHASES[0].circuit.id(), PHASES[1].circuit.id());
    let more = PhaseCircuit::build(&JOB.table, 0, 64);
    assert_ne!(PHASES[0].circuit.id(), more.circuit.id());
}
