//! Which row groups an iteration trains on.
//!
//! Drawn from a beacon, so that neither prover nor owner chooses: every epoch is a fresh
//! permutation of all row groups, cut into steps; what is left over at the end of an epoch waits
//! for the next permutation.

use crate::digest::Encoder;

/// The order of batches of a job.
#[derive(Clone, Debug)]
pub struct BatchOrder {
    beacon: [u8; 32],
    total: u32,
    groups: u32,
    cached: Option<(u64, Vec<u32>)>,
}

impl BatchOrder {
    /// `total` row groups, `groups` of them a step.
    ///
    /// # Panics
    /// If a step takes none, or more row groups than there are; jobs are checked before.
    pub fn new(beacon: [u8; 32], total: u32, groups: u32) -> Self {
        assert!(groups >= 1 && groups <= total, "a step of {groups} row groups out of {total}");
        Self { beacon, total, groups, cached: None }
    }

    /// The row groups of iteration `t`, as indices into all datasets' groups one after another.
    ///
    /// A full batch is always in natural order.
    pub fn step(&mut self, t: u32) -> Vec<u32> {
        if self.groups == self.total {
            return (0..self.total).collect();
        }
        let steps = u64::from(self.total / self.groups);
        let (epoch, step) = (u64::from(t) / steps, u64::from(t) % steps);
        let order = match self.cached.take() {
            Some((e, order)) if e == epoch => order,
            _ => permutation(&self.beacon, epoch, self.total),
        };
        let first = step as usize * self.groups as usize;
        let chosen = order[first..first + self.groups as usize].to_vec();
        self.cached = Some((epoch, order));
        chosen
    }
}

/// Fisher–Yates with rejection, from `XOF(domain ‖ beacon ‖ epoch)`.
fn permutation(beacon: &[u8; 32], epoch: u64, total: u32) -> Vec<u32> {
    let mut e = Encoder::new("zektra/batch-order/v1");
    e.bytes(beacon).u64(epoch).u64(u64::from(total));
    let mut xof = blake3::Hasher::new().update(e.finish()).finalize_xof();
    let mut draw = |bound: u64| {
        // The largest multiple of `bound` in 64 bits: below it every remainder is equally likely.
        let limit = u64::MAX - u64::MAX % bound;
        loop {
            let mut bytes = [0; 8];
            xof.fill(&mut bytes);
            let v = u64::from_le_bytes(bytes);
            if v < limit {
                return v % bound;
            }
        }
    };
    let mut order: Vec<u32> = (0..total).collect();
    for i in (1..order.len()).rev() {
        order.swap(i, draw(i as u64 + 1) as usize);
    }
    order
}
