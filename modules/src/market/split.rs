//! Exact sums.

use primitive_types::U256;

/// Splits a total in proportion to weights, exactly: each gets its part rounded down, and what is left goes, one each, to
/// the largest remainders, of equal ones to the first. Without any weight all weigh the same.
pub fn largest_remainder(total: u128, weights: &[u128]) -> Vec<u128> {
    let sum = weights.iter().fold(U256::zero(), |sum, &w| sum + U256::from(w));
    if sum.is_zero() {
        return if weights.is_empty() { vec![] } else { largest_remainder(total, &vec![1; weights.len()]) };
    }
    let parts = weights.iter().map(|&w| (U256::from(total) * U256::from(w)).div_mod(sum));
    let (mut out, remainders): (Vec<u128>, Vec<U256>) = parts.map(|(q, r)| (q.as_u128(), r)).unzip();
    let left = total - out.iter().sum::<u128>();
    let mut order: Vec<usize> = (0..weights.len()).collect();
    order.sort_by(|&a, &b| remainders[b].cmp(&remainders[a]));
    // Less is left than there are remainders.
    for &k in order.iter().take(usize::try_from(left).unwrap_or(0)) {
        out[k] += 1;
    }
    out
}

/// `⌊amount · part / of⌋` for `part ≤ of`; 0 if `of` is 0.
pub fn fraction(amount: u128, part: u64, of: u64) -> u128 {
    let product = U256::from(amount) * U256::from(part.min(of));
    product.checked_div(of.into()).map_or(0, |part| part.as_u128())
}
