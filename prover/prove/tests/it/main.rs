//! Statements proven and refused.
mod a_cached_circuit_is_the_built_one;
mod noise;
mod phase;
mod stage;
mod tile;

/// Numbers that look random.
fn pseudo(seed: u64, k: usize) -> u64 {
    let mut x = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(k as u64).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x ^= x >> 29;
    x = x.wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 32)
}
