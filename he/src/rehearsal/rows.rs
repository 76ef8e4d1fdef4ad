//! Random rows, the same on every machine: for tests and benchmarks.

use super::Rows;
use zektra_statement::template::{Kind, Params, Template};

/// SplitMix64.
#[derive(Clone, Debug)]
pub struct Random(pub u64);

impl Random {
    /// 64 bits.
    pub fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Uniform in [−1, 1).
    pub fn unit(&mut self) -> f64 {
        (self.word() >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }

    /// Below `bound`, nearly uniform.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.word() % bound
    }

    /// A permutation of `0..count`.
    pub fn permutation(&mut self, count: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..count).collect();
        for i in (1..count).rev() {
            order.swap(i, self.below(i as u64 + 1) as usize);
        }
        order
    }
}

/// `count` rows on the sphere `‖x‖² ≤ R`, labelled by a hidden linear rule per class.
pub fn rows(seed: u64, count: usize, p: &Params) -> Rows {
    let mut random = Random(seed);
    let features = p.features as usize;
    let mut hidden = Random(7);
    let rules: Vec<Vec<f64>> = (0..p.classes).map(|_| (0..features).map(|_| hidden.unit()).collect()).collect();
    let norm = f64::from(p.row_norm) / 256.0;
    let scale = f64::from(1 << p.scale_x);
    let half = 1 << (p.scale_r - 1);
    (0..count)
        .map(|_| {
            let mut x: Vec<f64> = (0..features).map(|_| random.unit()).collect();
            x[0] = 0.25;
            let length = x.iter().map(|v| v * v).sum::<f64>().max(1e-9);
            let shrink = (norm / length).sqrt().min(1.0) * 0.999;
            let x: Vec<i32> = x.iter().map(|v| ((v * shrink).clamp(-0.99, 0.99) * scale).trunc() as i32).collect();
            let label = |rule: &Vec<f64>| {
                let z: f64 = rule.iter().zip(&x).map(|(w, &v)| w * f64::from(v)).sum();
                if z > 0.0 { half } else { -half }
            };
            (x.clone(), rules.iter().map(label).collect())
        })
        .collect()
}

/// A linear classifier with the default scales and a learning rate of 1/2, which takes all row groups a step.
pub fn classifier(features: u32, groups: u32, iterations: u32) -> Template {
    let mut params = Params {
        features,
        classes: 1,
        groups,
        full_batch: true,
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
