use p3_security::assumption::SecurityAssumption;
use p3_security::fri::{FriRegime, commit_phase_error_ldr_m, query_phase_error};
use p3_security::proximity::{alpha_ldr_m, list_size_ldr_m};
use p3_security::shape::InstanceShape;
use zektra_verify::settings::{ALL, MAX_CONSTANT_COLUMNS, Regime, Setting};

/// Plonky2's openings, counted here once more.
fn openings(setting: &Setting) -> usize {
    let config = setting.config();
    let products = config.num_routed_wires.div_ceil(8);
    MAX_CONSTANT_COLUMNS + config.num_routed_wires + config.num_wires + config.num_challenges * (products + 1 + 8)
}

fn compare(setting: &Setting, rows: u32, m: u32) {
    let config = setting.config();
    let fri = &config.fri_config;
    let theirs = FriRegime {
        log_blowup: fri.rate_bits,
        num_queries: fri.num_query_rounds,
        log_final_poly_len: 5,
        max_log_arity: 4,
        commit_pow_bits: 0,
        query_pow_bits: fri.proof_of_work_bits as usize,
    };
    let shape = InstanceShape {
        log_trace_length: rows as usize,
        modulus_bits: 128,
        collision_resistance: 128,
        num_batched_functions: openings(setting),
    };
    let soundness = setting.soundness(rows, Regime::Johnson(m));
    let ours = |name| soundness.rounds.iter().find(|r| r.name == name).unwrap().bits;
    let close = |name, theirs: f64, tolerance: f64| {
        let ours = ours(name);
        assert!((ours - theirs).abs() < tolerance, "{} 2^{rows} m {m} {name}: {ours}, {theirs}", setting.name);
    };
    let m = m as usize;
    let batching = SecurityAssumption::prox_gaps_error_jb_at_m(
        shape.log_trace_length,
        fri.rate_bits,
        shape.modulus_bits,
        shape.num_batched_functions,
        m,
    );
    close("batching", batching, 1e-6);
    close("folding", commit_phase_error_ldr_m(&theirs, &shape, m).unwrap().bits(), 1e-6);
    // They count agreement and list at the rate itself, here it is that of two degrees more.
    let queries = query_phase_error(alpha_ldr_m(fri.rate_bits, m), theirs.num_queries, theirs.query_pow_bits);
    close("queries", queries.bits(), 0.05);
    assert!(ours("queries") < queries.bits());
    let routed = (config.num_routed_wires as f64 * f64::from(rows).exp2()).log2();
    let permutation = config.num_challenges as f64 * (64.0 - routed) - list_size_ldr_m(fri.rate_bits, m).log2();
    close("permutation", permutation, 0.05);
}

#[test]
fn at_every_size_and_proximity_parameter() {
    for setting in ALL {
        for rows in setting.rows_log2() {
            for m in [3, 4, 5, 10, 31, 100, 1000] {
                compare(&setting, rows, m);
            }
        }
    }
}
