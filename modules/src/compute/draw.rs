//! Who gets a job: by chance, in proportion to bond, reputation and price.

use crate::address::Address;
use primitive_types::U256;
use sha2::{Digest as _, Sha256};

/// The largest weight: of 65,536 such the sum is below 2^128.
const MOST: u128 = 1 << 112;

/// What a node weighs in a draw.
///
/// ```text
/// ⌊bond · reputation · factor / 10000⌋,   factor = ⌊20000 · most / (most + price)⌋
/// ```
///
/// The factor is 10000 for the highest price that is paid, 20000 for no price. It is linear in the bond: who splits a node
/// into several gains nothing.
pub fn weight(bond: u128, reputation: u32, price: u64, most_price: u64) -> u128 {
    if price > most_price {
        return 0;
    }
    let (price, most) = (u128::from(price), u128::from(most_price));
    let factor = if most == 0 { 10_000 } else { 20_000 * most / (most + price) };
    // 2^128 · 2^32 · 2^15 is far below 2^256.
    let product = U256::from(bond) * U256::from(reputation) * U256::from(factor) / U256::from(10_000);
    product.min(U256::from(MOST)).as_u128()
}

/// Draws one address in proportion to the weights; `None` if their sum is 0, or 2^128 and above.
///
/// Unbiased: numbers of 128 bits from SHA-256 of seed and counter, those above the last multiple of the sum are skipped. The
/// order of the list does not matter.
pub fn draw(seed: &[u8; 32], weights: &[(Address, u128)]) -> Option<Address> {
    let mut sorted: Vec<&(Address, u128)> = weights.iter().collect();
    sorted.sort();
    let total = sorted.iter().try_fold(0u128, |sum, (_, weight)| sum.checked_add(*weight)).filter(|&sum| sum > 0)?;
    // 2^128 modulo the sum: so many numbers at the top would favour the first.
    let excess = (u128::MAX % total + 1) % total;
    let mut rest = (0u64..).map(|k| number(seed, k)).find(|&r| r <= u128::MAX - excess)? % total;
    for (address, weight) in sorted {
        match rest.checked_sub(*weight) {
            Some(less) => rest = less,
            None => return Some(address.clone()),
        }
    }
    None
}

fn number(seed: &[u8; 32], counter: u64) -> u128 {
    let hash = Sha256::new().chain_update(b"zektra draw").chain_update(seed).chain_update(counter.to_be_bytes());
    hash.finalize().iter().take(16).fold(0, |number, &byte| number << 8 | u128::from(byte))
}
