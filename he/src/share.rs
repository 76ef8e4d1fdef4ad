//! What a key share computes. Pure functions: who may ask for them, and how often, is decided in
//! [`crate::member`].
//!
//! Every one of them gives the key away when asked with a crafted multiplier or twice with other
//! noise; see `docs/security.md`.

use crate::ring::{Eval, Poly};
use zektra_statement::field::{F, from_i64, round_shift};

/// `b = m + e − a·s`.
pub fn encrypt(key: &Eval, a: &Eval, message: &Poly, noise: &Poly) -> Poly {
    let mut b = message.clone();
    b.add_assign(noise);
    // Without wiping, a·s would stay in memory, and a is public.
    let mut product = a.mul(key).into_poly();
    b.sub_assign(&product);
    product.wipe();
    b
}

/// `P = d2·s + e`.
pub fn offline(key: &Eval, d2: &Eval, noise: &Poly) -> Poly {
    let mut p = d2.mul(key).into_poly();
    p.add_assign(noise);
    p
}

/// `y = (c·s)[src] + M`.
pub fn masked(key: &Eval, c: &Eval, positions: &[u16], masks: &[i64]) -> Vec<F> {
    let mut product = c.mul(key);
    let mut y = product.take_at(positions);
    product.wipe();
    y.iter_mut().zip(masks).for_each(|(y, &m)| *y += from_i64(m));
    y
}

/// `S' = carry·S ± Σ round(M / 2^shift)`.
pub fn next_share(before: &[F], carry: bool, negate: bool, shift: u32, masks: &[&[i64]]) -> Vec<F> {
    let mut next = if carry { before.to_vec() } else { vec![F::default(); before.len()] };
    for m in masks {
        for (s, &m) in next.iter_mut().zip(m.iter()) {
            let rounded = from_i64(round_shift(m, shift));
            *s = if negate { *s - rounded } else { *s + rounded };
        }
    }
    crate::ntt::canonical(&mut next);
    next
}
