//! Numbers by chance, the same ones for a seed: SplitMix64.

#[derive(Clone)]
pub struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below another.
    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    pub fn between(&mut self, first: u64, last: u64) -> u64 {
        first + self.below(last - first + 1)
    }

    pub fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    pub fn of<'a, T>(&mut self, list: &'a [T]) -> Option<&'a T> {
        if list.is_empty() { None } else { list.get(self.below(list.len() as u64) as usize) }
    }

    /// One of several values.
    pub fn one<T: Copy, const N: usize>(&mut self, list: [T; N]) -> T {
        list[self.below(N as u64) as usize]
    }

    /// From 1 to `most`: small ones as often as large ones, and now and then all; none of nothing.
    pub fn amount(&mut self, most: u128) -> Option<u128> {
        let bits = most.checked_ilog2()? as u64;
        if self.one_in(8) {
            return Some(most);
        }
        let top = 1u128 << self.between(0, bits);
        Some((top + u128::from(self.next()) % top).min(most))
    }
}
