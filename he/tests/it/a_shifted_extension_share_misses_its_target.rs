use crate::stage::{
    Chance, begin, extensions, gather, integers, key_of, monomial, poly, product, quotient, small_cast, sum,
};
use std::sync::Arc;
use zektra_he::log::LogError;
use zektra_he::member::{Member, Refusal};
use zektra_he::rehearsal::Memory;
use zektra_he::ring::Poly;
use zektra_he::share;
use zektra_he::transcript::{Program, Transcript};
use zektra_statement::field::{F, centred};
use zektra_statement::packing::row_positions;

/// What the attacker computes: the victim's `y` minus what an honest `c` would have given, in units of 2^62.
fn read(y: F, honest: F) -> i64 {
    ((i128::from(centred(y - honest)) + (1 << 61)) >> 62) as i64
}

/// `a''` is known before the extension shares: a share shifted by `2^62·Z^k/a''` moves `c` by `2^62·Z^k`.
#[test]
fn randomness_that_is_known_before_the_shares_gives_the_key_away() {
    let mut chance = Chance::new(3);
    let (victim, attacker) = (chance.ternary(), chance.ternary());
    let (kv, ka) = (victim.eval(), attacker.eval());
    let (a, a2) = (chance.uniform(), chance.uniform());
    let (ea, ea2) = (a.eval(), a2.eval());
    let tile = poly(&(0..4096).map(|i| i % 256 - 128).collect::<Vec<_>>());
    let zero = Poly::zero();
    let b = share::encrypt(&kv, &ea, &tile, &chance.noise());
    let mut g = share::encrypt(&kv, &ea2, &zero, &chance.noise());
    g.add_assign(&share::encrypt(&ka, &ea2, &zero, &chance.noise()));
    let d2 = ea.mul(&ea2);
    let offline = sum(&share::offline(&kv, &d2, &chance.noise()), &share::offline(&ka, &d2, &chance.noise()));
    let positions = row_positions(32);
    let evaluate = |x: &Poly| {
        let a0 = sum(&b, x);
        let d1 = sum(&product(&a0, &a2), &product(&a, &g));
        (product(&a0, &g), sum(&d1, &offline))
    };
    let x = share::encrypt(&ka, &ea, &zero, &chance.noise());
    let (d0, honest_c) = evaluate(&x);
    let own = product(&honest_c, &attacker);
    let mut recovered = vec![9; 4096];
    for k in 0..32 {
        let shift = quotient(&monomial(k, 1 << 62), &a2);
        let (_, c) = evaluate(&sum(&x, &shift));
        let masks = chance.masks(positions.len(), 61);
        let y = share::masked(&kv, &c.eval(), &positions, &masks);
        for (&y, &p) in y.iter().zip(&positions) {
            let from = usize::from(p);
            // d0 + c·(s_v + s_a) is small in an honest run, so c·s_v is known.
            let honest = -d0.coefficients()[from] - own.coefficients()[from];
            let value = read(y, honest);
            recovered[(from + 4096 - k) % 4096] = if from < k { -value } else { value };
        }
    }
    assert_eq!(recovered, integers(&victim));
}

/// Any other extension share is another root, another lock, and other randomness for every state.
#[test]
fn a_changed_share_changes_all_randomness_and_tells_nothing() {
    let cast = small_cast(31);
    let mut logs = cast.logs();
    let mut shares = extensions(&cast, &mut logs);
    let (_, roots) = gather(&cast, &shares);
    let before = Program::new(cast.job.clone(), &roots).unwrap();
    // The attacker (member 1) aims at the first residual state of iteration 0, as the honest shares would lock it.
    let state = before.table.phases[0].outputs[0].state;
    let target = before.state_randomness(state, 0);
    let shift = quotient(&monomial(0, 1 << 62), &target);
    shares.get_mut(&(0, 1)).unwrap()[0].add_assign(&shift);
    let (memory, roots) = gather(&cast, &shares);
    let program = Arc::new(Program::new(cast.job.clone(), &roots).unwrap());
    assert_ne!(program.lock, before.lock);
    for s in 0..program.table.states.len() as u16 {
        assert_ne!(program.state_randomness(s, 0), before.state_randomness(s, 0), "state {s}");
    }

    // Members who cannot see that the share is no noise go on; the gradient phase would be the one to tell.
    let mut members = Vec::new();
    for ((index, seat), log) in (0u32..).zip(&cast.seats).zip(&mut logs) {
        members.push(Member::join(seat, log, index, program.clone(), memory.clone()).unwrap());
    }
    let memory = Memory { offline: Arc::new(cast.offline(&program, &mut members).unwrap()), ..memory };
    members.iter_mut().for_each(|m| *m.source_mut() = memory.clone());
    let mut node = Transcript::new(program.clone(), memory);
    let claim = node.evaluate().unwrap().1;
    let answers: Vec<_> = members.iter_mut().map(|m| m.answer(&claim).unwrap()).collect();
    members.iter_mut().for_each(|m| m.advance(&answers).unwrap());
    node.advance(&answers).unwrap();
    let (evaluated, claim) = node.evaluate().unwrap();
    let (d0, c) = (evaluated[0].d0.clone(), evaluated[0].c.clone().into_poly());
    let answer = members[0].answer(&claim).unwrap();
    // Everybody but the victim helps the attacker with its own key.
    let keys: Vec<Vec<i64>> = cast.seats.iter().map(key_of).collect();
    let others = poly(&keys[1].iter().zip(&keys[2]).map(|(a, b)| a + b).collect::<Vec<_>>());
    let own = product(&c, &others);
    let positions = &program.table.phases[1].openings[0].positions;
    let hits = positions.iter().enumerate().filter(|&(i, &p)| {
        let p = usize::from(p);
        let read = read(answer.y[0][i], -d0[i] - own.coefficients()[p]);
        read == keys[0][p]
    });
    // Three equally likely values of the key, four of what is read: a quarter agrees by chance.
    let hits = hits.count();
    assert!(hits <= positions.len() * 2 / 3, "{hits} of {} coefficients", positions.len());
}

#[test]
fn a_share_that_changes_after_the_lock_is_noticed() {
    let cast = small_cast(32);
    let mut logs = cast.logs();
    let mut shares = extensions(&cast, &mut logs);
    let (memory, roots) = gather(&cast, &shares);
    let program = Arc::new(Program::new(cast.job.clone(), &roots).unwrap());
    drop(Member::join(&cast.seats[0], &mut logs[0], 0, program.clone(), memory).unwrap());
    shares.get_mut(&(0, 1)).unwrap()[0].add_assign(&monomial(7, 1));
    let (memory, changed) = gather(&cast, &shares);
    assert_ne!(changed, roots);
    let other = Arc::new(Program::new(cast.job.clone(), &changed).unwrap());
    assert_ne!(other.lock, program.lock);
    let refused = Member::join(&cast.seats[0], &mut logs[0], 0, other, memory);
    assert!(matches!(refused, Err(Refusal::Log(LogError::Used { .. }))));
}

/// A node that computes with another share than the members received says so in its claim.
#[test]
fn a_node_with_another_share_is_refused() {
    let cast = small_cast(33);
    let mut logs = cast.logs();
    let (mut members, mut node) = begin(&cast, &mut logs);
    let memory = node.source_mut().clone();
    let mut tiles = (*memory.tiles).clone();
    tiles.values_mut().next().unwrap().add_assign(&monomial(7, 1));
    let mut wrong = Transcript::new(node.program().clone(), Memory { tiles: Arc::new(tiles), ..memory });
    // In the first phase the weights are zero: the tiles do not matter yet.
    let answers: Vec<_> = {
        let claim = wrong.evaluate().unwrap().1;
        members.iter_mut().map(|m| m.answer(&claim).unwrap()).collect()
    };
    members.iter_mut().for_each(|m| m.advance(&answers).unwrap());
    wrong.advance(&answers).unwrap();
    let claim = wrong.evaluate().unwrap().1;
    let refused = members[0].answer(&claim);
    assert!(matches!(refused, Err(Refusal::Claim { what: "multipliers c", .. })), "{refused:?}");
}
