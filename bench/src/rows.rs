//! Random numbers and random rows, the same on every machine.

use zektra_he::rehearsal::Rows;
use zektra_statement::template::Params;

/// SplitMix64.
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

    /// A permutation of `0..count`.
    pub fn permutation(&mut self, count: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..count).collect();
        for i in (1..count).rev() {
            order.swap(i, (self.word() % (i as u64 + 1)) as usize);
        }
        order
    }
}

/// `count` rows within the bounds of `p`, labelled by a hidden linear rule a class.
pub fn random(seed: u64, count: usize, p: &Params) -> Rows {
    let mut random = Random(seed);
    let mut hidden = Random(7);
    let features = p.features as usize;
    let rules: Vec<Vec<f64>> = (0..p.classes).map(|_| (0..features).map(|_| hidden.unit()).collect()).collect();
    let scale = f64::from(1 << p.scale_x);
    let (norm, range) = (f64::from(p.row_norm) / 256.0, f64::from(p.range) / 256.0);
    let half = 1 << (p.scale_r - 1);
    let row = |_| {
        let x: Vec<f64> = (0..features).map(|j| if j == 0 { 0.25 } else { random.unit() }).collect();
        let square = x.iter().map(|v| v * v).sum::<f64>();
        let shrink = (norm / square).sqrt().min(1.0);
        let x: Vec<i32> = x.iter().map(|v| ((v * shrink).clamp(-range, range) * scale).trunc() as i32).collect();
        let label = |rule: &Vec<f64>| {
            let z: f64 = rule.iter().zip(&x).map(|(w, &v)| w * f64::from(v)).sum();
            if z > 0.0 { half } else { -half }
        };
        let targets = rules.iter().map(label).collect();
        (x, targets)
    };
    (0..count).map(row).collect()
}
