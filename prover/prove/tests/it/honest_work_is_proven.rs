use crate::stage::{CUBIC, EXTEND, JOB, MEMBERS, NOISE, PHASES, STEPS, TILE};
use zektra_prove::noise::{Kind, NoiseCircuit};
use zektra_prove::phase::PhaseCircuit;
use zektra_prove::step::StepCircuit;

#[test]
fn a_tile_and_its_way_to_the_jobs_key_are_proven() {
    let (t, s) = (&JOB.tile, &JOB.extension_shares);
    let proof = TILE.prove(&t.statement(), &t.key, &t.planes()).unwrap();
    TILE.verify(&t.statement(), &t.polys(), &proof).unwrap();
    let statement = s.statement(&NOISE);
    let proof = NOISE.prove(&statement, &s.key, &s.items()).unwrap();
    NOISE.verify(&statement, &s.polys(), &proof).unwrap();
    let e = &JOB.extension;
    let proof = EXTEND.prove(&e.statement(), &e.planes(), e.owner, &e.others).unwrap();
    EXTEND.circuit.verify(&proof).unwrap();
}

#[test]
fn an_offline_share_is_proven_and_unused_pairs_are_zero() {
    let circuit = NoiseCircuit::build(Kind::Offline, 3);
    let s = &JOB.offline_shares;
    let statement = s.statement(&circuit);
    let proof = circuit.prove(&statement, &s.key, &s.items()).unwrap();
    circuit.verify(&statement, &s.polys(), &proof).unwrap();
    assert_eq!(s.items.len(), 1);
}

/// Every member's answer is checked, one of each phase is proven: in the second iteration, whose states are not zero.
#[test]
fn answers_of_two_iterations_are_proven() {
    for (phase, circuit) in PHASES.iter().enumerate() {
        for share in JOB.shares.iter().flat_map(|s| &s[phase]) {
            circuit
                .circuit
                .check(&circuit.values(&share.statement(), &share.key, &share.openings(), &share.outputs()))
                .unwrap();
        }
        for share in &JOB.shares[1][phase][1..2] {
            let statement = share.statement();
            let proof = circuit.prove(&statement, &share.key, &share.openings(), &share.outputs()).unwrap();
            circuit.verify(&statement, &share.polys(), &proof).unwrap();
        }
    }
}

/// A carried share is committed to as the phase before left it.
#[test]
fn statements_of_two_iterations_follow_each_other() {
    for member in 0..MEMBERS {
        let of = |iteration: usize| JOB.shares[iteration][1][member].statement().outputs[0];
        assert_eq!(of(1).before, Some(of(0).after));
    }
}

#[test]
fn steps_of_two_iterations_are_proven() {
    for (phase, circuit) in STEPS.iter().enumerate() {
        for iteration in 0..2 {
            let step = &JOB.steps[iteration][phase];
            let made = circuit.run(&step.data());
            let opened: Vec<_> = made.iter().map(|m| m.opened.clone()).collect();
            assert_eq!(opened, JOB.opened[iteration][phase]);
            let (statement, data) = (step.statement(&made), step.data());
            if (iteration, phase) != (1, 1) {
                circuit.circuit.check(&circuit.values(&statement, &data)).unwrap();
            } else {
                let proof = circuit.prove(&statement, &data).unwrap();
                circuit.verify(&statement, &data, &proof).unwrap();
            }
        }
    }
}

/// Scattered positions and element-wise packing, which only this template has.
#[test]
fn a_cubic_phase_satisfies_its_circuits() {
    let names: Vec<_> = CUBIC.table.phases.iter().map(|p| p.name).collect();
    assert_eq!(names, ["predict", "square", "cube", "gradient"]);
    for phase in 1..3 {
        let circuit = PhaseCircuit::build(&CUBIC.table, phase, MEMBERS as u32);
        let share = &CUBIC.shares[0][phase][1];
        let values = circuit.values(&share.statement(), &share.key, &share.openings(), &share.outputs());
        circuit.circuit.check(&values).unwrap();
    }
    let circuit = StepCircuit::build(&CUBIC.table, 1, MEMBERS as u32);
    let step = &CUBIC.steps[0][1];
    let made = circuit.run(&step.data());
    assert_eq!(made[0].opened, CUBIC.opened[0][1][0]);
    circuit.circuit.check(&circuit.values(&step.statement(&made), &step.data())).unwrap();
}
