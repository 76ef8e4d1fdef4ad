use super::stage::{begin, cast, classifier, timed};
use zektra_prove::phase::{OpeningWitness, OutputWitness, PhaseCircuit, SharePolys};
use zektra_prove::step::{OpeningData, OutputData, StepCircuit, StepData};
use zektra_statement::digest::{Commitment, Fingerprint, Tag, commit};
use zektra_statement::field::{E, F, Field, N};
use zektra_statement::inputs::{self, Refreshed};
use zektra_statement::record::Plane;
use zektra_he::transcript::{Answer, Multipliers};
use zektra_he::ring::Poly;

#[test]
fn two_iterations_are_proven() {
    let cast = cast(3, &[128], classifier(31, 1, 2));
    let mut logs = cast.logs();
    let (mut members, mut node) = begin(&cast, &mut logs);
    let program = node.program().clone();
    let table = &program.table;
    println!("table: {} phases", table.phases.len());
    let circuits: Vec<_> = (0..table.phases.len())
        .map(|p| timed(&format!("build phase {p}"), || PhaseCircuit::build(table, p, 3)))
        .collect();
    let steps: Vec<_> =
        (0..table.phases.len()).map(|p| timed(&format!("build step {p}"), || StepCircuit::build(table, p, 3))).collect();
    let mut multipliers = Multipliers::new(program.clone());
    let mut states: Vec<(Poly, Poly)> = table.states.iter().map(|_| (Poly::zero(), Poly::zero())).collect();
    while !node.finished() {
        let (iteration, phase) = node.position();
        let p = &table.phases[phase as usize];
        let (_, claim) = node.evaluate().unwrap();
        let before: Vec<Vec<F>> = p.outputs.iter().map(|o| node.opened(o.state).to_vec()).collect();
        let old: Vec<Vec<Commitment>> = p.outputs.iter().map(|o| node.shares(o.state).to_vec()).collect();
        let answers: Vec<Answer> = members.iter_mut().map(|m| m.answer(&claim).unwrap()).collect();
        let circuit = &circuits[phase as usize];
        println!("{:?}, spare {}", circuit.circuit, circuit.circuit.spare_rows());
        for (i, (m, answer)) in members.iter().zip(&answers).enumerate() {
            let w = m.witness().unwrap();
            let zero = |length: usize| commit(Tag::StateShare, &vec![F::ZERO; length + 4]);
            let statement = inputs::PhaseShare {
                lock: program.lock,
                key: cast.seats[i].commitment(),
                openings: w
                    .openings
                    .iter()
                    .zip(&answer.y)
                    .map(|((c, _), y)| (c.commitment(), commit(Tag::MaskedShare, y)))
                    .collect(),
                outputs: (0..p.outputs.len())
                    .map(|k| Refreshed {
                        a: w.outputs[k].a.commitment(),
                        g: answer.g[k].commitment(),
                        after: answer.shares[k],
                        before: p.outputs[k]
                            .carry
                            .then(|| old[k].get(i).copied().unwrap_or(zero(w.outputs[k].before.0.len()))),
                    })
                    .collect(),
            };
            let openings: Vec<_> = w
                .openings
                .iter()
                .zip(&answer.y)
                .map(|((c, m), y)| OpeningWitness { c: c.coefficients(), masks: m, y })
                .collect();
            let outputs: Vec<_> = w
                .outputs
                .iter()
                .zip(&answer.g)
                .map(|(o, g)| OutputWitness {
                    a: o.a.coefficients(),
                    g: g.coefficients(),
                    before: (&o.before.0, o.before.1),
                    after: (&o.after.0, o.after.1),
                    noise: o.noise.coefficients(),
                })
                .collect();
            if iteration == 0 || i == 0 {
                let proof =
                    timed("  share", || circuit.prove(&statement, &cast.seats[i].digits(), &openings, &outputs)).unwrap();
                let polys = SharePolys {
                    c: w.openings.iter().map(|(c, _)| c.coefficients()).collect(),
                    outputs: w.outputs.iter().zip(&answer.g).map(|(o, g)| (o.a.coefficients(), g.coefficients())).collect(),
                };
                timed("  verify", || circuit.verify(&statement, &polys, &proof)).unwrap();
            }
        }
        // The node.
        let d2: Vec<Poly> = multipliers.phase(iteration, phase).into_iter().map(|d| d.into_poly()).collect();
        let offline: Vec<Vec<(Poly, Poly)>> = members
            .iter()
            .map(|m| {
                m.offline_noise(&mut Multipliers::new(program.clone()), iteration, phase)
            })
            .collect();
        let p_shares: Vec<Vec<Poly>> = (0..3)
            .map(|i| {
                let s = Poly::from_coefficients(cast.seats[i].digits()).into_eval();
                offline[i]
                    .iter()
                    .map(|(d2, e)| {
                        let mut x = d2.eval().mul(&s).into_poly();
                        x.add_assign(e);
                        x
                    })
                    .collect()
            })
            .collect();
        let c: Vec<Poly> = members[0].witness().unwrap().openings.iter().map(|(c, _)| c.clone()).collect();
        let a: Vec<Poly> = members[0].witness().unwrap().outputs.iter().map(|o| o.a.clone()).collect();
        let (tiles, reads) = p.reads();
        let source: Vec<(Poly, Poly)> = tiles
            .iter()
            .map(|t| {
                let c0 = zektra_he::transcript::Source::ciphertext(node.source_mut(), 0, u64::from(t.slot), t.plane).unwrap();
                let d = &cast.job.datasets[0].dataset;
                (c0, zektra_he::tile::tile_randomness("rehearsal", d.object("rehearsal"), t.plane, u64::from(t.slot), 0))
            })
            .collect();
        let _ = Plane::ALL;
        let point = |k: u64| E::from(F::from_canonical_u64(1000 + k));
        let data = StepData {
            tiles: source.iter().map(|(x, y)| (x.coefficients(), y.coefficients())).collect(),
            states: reads.iter().map(|&s| (states[s as usize].0.coefficients(), states[s as usize].1.coefficients())).collect(),
            openings: (0..p.openings.len())
                .map(|o| OpeningData {
                    d2: d2[o].coefficients(),
                    c: c[o].coefficients(),
                    p: p_shares.iter().map(|p| p[o].coefficients()).collect(),
                    y: answers.iter().map(|a| &a.y[o][..]).collect(),
                    offline_points: (0..3).map(point).collect(),
                })
                .collect(),
            outputs: (0..p.outputs.len())
                .map(|k| OutputData {
                    g: answers.iter().map(|a| a.g[k].coefficients()).collect(),
                    before: &before[k],
                    a: a[k].coefficients(),
                })
                .collect(),
            points: (3..6).map(point).collect(),
        };
        let step = &steps[phase as usize];
        let made = step.run(&data);
        let poly = |x: &[F]| commit(Tag::Polynomial, x);
        let pair = |(x, y): &(&[F], &[F])| (poly(x), poly(y));
        let statement = inputs::Step {
            node: Fingerprint([3; 32]),
            tiles: data.tiles.iter().map(pair).collect(),
            states: data.states.iter().map(pair).collect(),
            openings: data
                .openings
                .iter()
                .map(|o| inputs::StepOpening {
                    d2: poly(o.d2),
                    c: poly(o.c),
                    p: o.p.iter().map(|p| poly(p)).collect(),
                    y: o.y.iter().map(|y| commit(Tag::MaskedShare, y)).collect(),
                })
                .collect(),
            outputs: data
                .outputs
                .iter()
                .zip(&made)
                .zip(&p.outputs)
                .map(|((o, m), shape)| inputs::StepOutput {
                    g: o.g.iter().map(|g| poly(g)).collect(),
                    before: shape.carry.then(|| commit(Tag::Opened, o.before)),
                    after: commit(Tag::Opened, &m.opened),
                    cipher: (poly(&m.c0), poly(o.a)),
                })
                .collect(),
        };
        println!("{:?}", step.circuit);
        let proof = timed("  step", || step.prove(&statement, &data)).unwrap();
        timed("  verify", || step.verify(&statement, &data, &proof)).unwrap();
        for m in members.iter_mut() {
            m.advance(&answers).unwrap();
        }
        node.advance(&answers).unwrap();
        for (k, o) in p.outputs.iter().enumerate() {
            assert_eq!(node.opened(o.state), &made[k].opened[..], "iteration {iteration}, phase {phase}");
            states[o.state as usize] = (Poly::from_coefficients(made[k].c0.clone()), a[k].clone());
        }
        assert_eq!(made[0].c0.len(), N);
    }
}
