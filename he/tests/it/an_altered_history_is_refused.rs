use crate::stage::{Chance, begin, monomial, poly, product, small_cast, sum};
use zektra_he::member::Refusal;
use zektra_he::rehearsal::round;
use zektra_he::rehearsal::rows::Random;
use zektra_he::ring::Poly;
use zektra_he::share;
use zektra_he::transcript::{Claim, Transcript};
use zektra_statement::digest::Fingerprint;
use zektra_statement::field::{F, Field, P, centred, from_i64};
use zektra_statement::packing::{Packing, row_positions};

/// A member that takes the node's `U'` on trust. The node adds `2^k` to one weight: the next product opens
/// that column's features times `2^k`, far beyond the masks. From the low bits up, every row is read.
#[test]
fn a_member_that_trusts_the_nodes_opened_values_shows_its_rows() {
    let mut chance = Chance::new(4);
    let mut random = Random(4);
    let (victim, attacker) = (chance.ternary(), chance.ternary());
    let (kv, ka) = (victim.eval(), attacker.eval());
    let column = 5;
    let rows: Vec<i64> = (0..4096).map(|_| random.below(513) as i64 - 256).collect();
    let (a, a2) = (chance.uniform(), chance.uniform());
    let zero = Poly::zero();
    let positions = row_positions(32);
    let mut tile = share::encrypt(&kv, &a.eval(), &poly(&rows), &chance.noise());
    tile.add_assign(&share::encrypt(&ka, &a.eval(), &zero, &chance.noise()));
    let mut weights = share::encrypt(&kv, &a2.eval(), &zero, &chance.noise());
    weights.add_assign(&share::encrypt(&ka, &a2.eval(), &zero, &chance.noise()));
    let d2 = a.eval().mul(&a2.eval());

    let mut known = vec![0i64; positions.len()];
    for bits in (2..=12).step_by(2) {
        let factor = 1i64 << (64 - bits);
        // 2^62 and below: x·factor tells the next two bits of x.
        let place = Packing::Weights.place(column, 32);
        let shifted = sum(&weights, &Poly::placed(&[place], &[from_i64(factor)]));
        let d1 = sum(&product(&tile, &a2), &product(&a, &shifted));
        let d0 = product(&tile, &shifted);
        let mut c = sum(&d1, &share::offline(&kv, &d2, &chance.noise()));
        c.add_assign(&share::offline(&ka, &d2, &chance.noise()));
        let masks = chance.masks(positions.len(), 61);
        let y = share::masked(&kv, &c.eval(), &positions, &masks);
        let own = product(&c, &attacker);
        for (i, &p) in positions.iter().enumerate() {
            let p = usize::from(p);
            let opened = d0.coefficients()[p] + y[i] + own.coefficients()[p];
            let rest = opened - from_i64(known[i]) * from_i64(factor);
            // rest = (2 bits)·2^62 + mask, |mask| ≤ 2^61, modulo p.
            let digit = ((u128::from(rest_word(rest)) + (1 << 61)) >> 62) as i64 & 3;
            known[i] += digit << (bits - 2);
        }
    }
    for (i, k) in known.iter().enumerate() {
        let value = if *k >= 1 << 11 { k - (1 << 12) } else { *k };
        // Only the tile's own noise is left, ±2 of two members each: 4 units of 2^−8.
        assert!((value - rows[i * 32 + column]).abs() <= 4, "row {i}: {value}");
    }
}

fn rest_word(v: F) -> u64 {
    let v = centred(v);
    if v < 0 { P - v.unsigned_abs() } else { v as u64 }
}

#[test]
fn another_opened_vector_is_refused() {
    let cast = small_cast(41);
    let mut logs = cast.logs();
    let (mut members, mut node) = begin(&cast, &mut logs);
    for _ in 0..2 {
        round(&mut node, &mut members).unwrap();
    }
    let claim = node.evaluate().unwrap().1;
    let opened = Fingerprint([1; 32]);
    let refused = members[1].answer(&Claim { opened, ..claim });
    assert!(matches!(refused, Err(Refusal::Claim { what: "opened values U", .. })), "{refused:?}");
    // A node that was told other answers has another U, and says so.
    let (mut members, mut node) = {
        drop(members);
        logs = cast.logs();
        begin(&cast, &mut logs)
    };
    let claim = node.evaluate().unwrap().1;
    let answers: Vec<_> = members.iter_mut().map(|m| m.answer(&claim).unwrap()).collect();
    let mut other = answers.clone();
    other[2].y[0][3] += F::from_canonical_u64(1 << 50);
    let memory = node.source_mut().clone();
    let mut wrong = Transcript::new(node.program().clone(), memory);
    wrong.advance(&other).unwrap();
    members[0].advance(&answers).unwrap();
    let refused = members[0].answer(&wrong.evaluate().unwrap().1);
    assert!(matches!(refused, Err(Refusal::Claim { what: "opened values U", .. })), "{refused:?}");
    assert_ne!(wrong.digest(), members[0].transcript().digest());
}

#[test]
fn an_own_answer_that_came_back_changed_is_refused() {
    let cast = small_cast(42);
    let mut logs = cast.logs();
    let (mut members, mut node) = begin(&cast, &mut logs);
    let claim = node.evaluate().unwrap().1;
    assert!(matches!(members[0].advance(&[]), Err(Refusal::OwnAnswer { .. })), "before any answer");
    let answers: Vec<_> = members.iter_mut().map(|m| m.answer(&claim).unwrap()).collect();
    let changes: [&dyn Fn(&mut zektra_he::transcript::Answer); 6] = [
        &|a| a.y[0][0] += F::ONE,
        &|a| a.g[0].add_assign(&monomial(0, 1)),
        &|a| a.shares[0].0[0] ^= 1,
        &|a| a.attempt += 1,
        &|a| a.iteration += 1,
        &|a| a.y.truncate(1),
    ];
    for (k, change) in changes.iter().enumerate() {
        let mut other = answers.clone();
        change(&mut other[0]);
        assert!(matches!(members[0].advance(&other), Err(Refusal::OwnAnswer { .. })), "change {k}");
        // Malformed answers of others are refused as well; well-formed ones only a proof can tell.
        let mut other = answers.clone();
        change(&mut other[1]);
        assert_eq!(members[0].advance(&other).is_err(), k >= 3, "change {k}");
        if k < 3 {
            // That member went on with a changed history: start again.
            drop(members);
            logs = cast.logs();
            (members, node) = begin(&cast, &mut logs);
            let claim = node.evaluate().unwrap().1;
            for m in &mut members {
                m.answer(&claim).unwrap();
            }
        }
    }
    let mut swapped = answers.clone();
    swapped.swap(0, 1);
    assert!(members[0].advance(&swapped).is_err());
    assert!(members[0].advance(&answers[..2]).is_err());
    let mut more = answers.clone();
    more.push(answers[2].clone());
    assert!(members[0].advance(&more).is_err());
    members[0].advance(&answers).unwrap();
    assert!(matches!(members[0].release(), Err(Refusal::Unfinished(0, 3))));
}
