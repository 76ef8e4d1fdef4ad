use super::played::played;
use zektra_he::rehearsal::Rows;
use zektra_statement::template::{Kind, Params, Template};

fn pseudo(seed: u64, k: usize) -> u64 {
    let mut x = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(k as u64).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x ^= x >> 29;
    x = x.wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 32)
}

pub fn rows(seed: u64, count: usize, p: &Params) -> Rows {
    let unit = |k: u64| (pseudo(seed, k as usize) >> 11) as f64 / (1u64 << 53) as f64 * 2.0 - 1.0;
    let norm = f64::from(p.row_norm) / 256.0;
    let scale = f64::from(1 << p.scale_x);
    let half = 1 << (p.scale_r - 1);
    (0..count as u64)
        .map(|i| {
            let mut x: Vec<f64> = (0..u64::from(p.features)).map(|j| unit(i * 4096 + j)).collect();
            x[0] = 0.25;
            let length = x.iter().map(|v| v * v).sum::<f64>().max(1e-9);
            let shrink = (norm / length).sqrt().min(1.0) * 0.999;
            let x: Vec<i32> = x.iter().map(|v| ((v * shrink).clamp(-0.99, 0.99) * scale).trunc() as i32).collect();
            let target = |c: u64| if unit(i * 4096 + 2048 + c) + f64::from(x[1]) / scale > 0.0 { half } else { -half };
            (x.clone(), (0..u64::from(p.classes)).map(target).collect())
        })
        .collect()
}

/// The template of the small job.
pub fn template(iterations: u32) -> Template {
    let mut params = Params {
        features: 31,
        classes: 1,
        groups: 1,
        full_batch: false,
        iterations,
        fan_in: 1,
        scale_x: 8,
        scale_w: 14,
        scale_r: 8,
        shift_w: 1,
        row_norm: 832,
        range: 256,
    };
    params.shift_w = params.shift_for_learning_rate(0.5);
    Template { kind: Kind::LinearClassifier, params }
}

#[test]
fn a_small_job_is_proven() {
    let p = played();
    p.circuits.wrap.verify(&p.last).unwrap();
    let shown = zektra_statement::chain::Elements::from_slice(p.last.public_inputs()).unwrap();
    assert_eq!(shown.state, p.bundle.states.digest());
    assert_eq!(shown.made, shown.used);
    assert_eq!(shown.iteration, 2);
}
