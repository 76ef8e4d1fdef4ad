use crate::stage::usage;
use zektra_he::ring::Poly;
use zektra_he::tile::tile_randomness;
use zektra_he::xof::{Kind, Prf, Stream};
use zektra_statement::digest::{Commitment, Fingerprint};
use zektra_statement::field::{N, P, PrimeField64, centred};
use zektra_statement::record::Plane;
use zeroize::Zeroizing;

fn stream(index: u32) -> Stream {
    Prf::new(Zeroizing::new([5; 32]), Commitment([1, 2, 3, 4])).stream(&usage(Kind::Mask, index))
}

/// Chi-square of `values` over classes with known probabilities, divided by its degrees of freedom's
/// 99.9 % point by the caller.
fn chi_square(counts: &[f64], probabilities: &[f64]) -> f64 {
    let total: f64 = counts.iter().sum();
    counts.iter().zip(probabilities).map(|(c, p)| (c - p * total).powi(2) / (p * total)).sum()
}

#[test]
fn noise_is_centred_binomial() {
    let values: Vec<i64> = (0..32)
        .flat_map(|i| stream(i).noise().coefficients().iter().map(|&c| centred(c)).collect::<Vec<_>>())
        .collect();
    let mut counts = [0.0; 5];
    values.iter().for_each(|&v| counts[(v + 2) as usize] += 1.0);
    let chi = chi_square(&counts, &[1.0 / 16.0, 0.25, 0.375, 0.25, 1.0 / 16.0]);
    assert!(chi < 18.5, "4 degrees of freedom: {chi}");
    let count = values.len() as f64;
    let mean = values.iter().sum::<i64>() as f64 / count;
    let variance = values.iter().map(|v| v * v).sum::<i64>() as f64 / count;
    assert!(mean.abs() < 4.0 / count.sqrt() && (variance - 1.0).abs() < 0.02, "mean {mean}, variance {variance}");
}

#[test]
fn masks_fill_their_range_and_no_more() {
    for bits in [0, 1, 57, 61, 62] {
        let masks = stream(100).masks(8192, bits);
        let bound = 1i128 << bits;
        assert!(masks.iter().all(|&m| (-bound..bound).contains(&i128::from(m))), "{bits} bits");
        let classes = 2 << bits.min(3);
        let mut counts = vec![0.0; classes];
        let class = |m: i64| ((i128::from(m) + bound) * classes as i128 / (2 * bound)) as usize;
        masks.iter().for_each(|&m| counts[class(m)] += 1.0);
        let chi = chi_square(&counts, &vec![1.0 / classes as f64; classes]);
        assert!(chi < 37.7, "{bits} bits, {} degrees of freedom: {chi}", classes - 1);
    }
}

#[test]
fn ternary_digits_are_equally_likely() {
    let digits = stream(200).ternary(1 << 17);
    let mut counts = [0.0; 3];
    digits.iter().for_each(|&d| counts[(d + 1) as usize] += 1.0);
    let chi = chi_square(&counts, &[1.0 / 3.0; 3]);
    assert!(chi < 13.8, "2 degrees of freedom: {chi}");
    let mut pairs = [0.0; 9];
    digits.chunks_exact(2).for_each(|d| pairs[((d[0] + 1) * 3 + d[1] + 1) as usize] += 1.0);
    let chi = chi_square(&pairs, &[1.0 / 9.0; 9]);
    assert!(chi < 26.1, "8 degrees of freedom: {chi}");
}

#[test]
fn public_randomness_is_uniform_and_never_repeats() {
    let id = Fingerprint([3; 32]);
    let mut bins = [0.0; 64];
    let mut seen: Vec<Poly> = Vec::new();
    for (chain, plane, tile, attempt) in [
        ("a", Plane::Features, 0, 0),
        ("b", Plane::Features, 0, 0),
        ("a", Plane::Moment, 0, 0),
        ("a", Plane::Features, 1, 0),
        ("a", Plane::Features, 0, 1),
    ] {
        let a = tile_randomness(chain, id, plane, tile, attempt);
        assert_eq!(tile_randomness(chain, id, plane, tile, attempt), a);
        assert!(!seen.contains(&a));
        a.coefficients().iter().for_each(|c| bins[(c.to_canonical_u64() / (P / 64 + 1)) as usize] += 1.0);
        seen.push(a);
    }
    let chi = chi_square(&bins, &[1.0 / 64.0; 64]);
    assert!(chi < 103.4, "63 degrees of freedom: {chi}");
}

#[test]
fn salts_are_canonical_and_streams_are_golden() {
    for i in 0..100 {
        assert!(stream(i).salt().iter().all(|e| e.to_canonical_u64() < 1 << 63));
    }
    // A stream that changes would give other noise under labels that were used.
    let mut bytes = [0; 8];
    stream(7).fill(&mut bytes);
    assert_eq!(hex(&bytes), "7af96ee52e6a6fc8");
    let first: Vec<i64> = stream(7).noise().coefficients()[..8].iter().map(|&c| centred(c)).collect();
    assert_eq!(first, [0, 1, 0, 0, -1, 0, 0, -1]);
    let a = tile_randomness("a", Fingerprint([3; 32]), Plane::Features, 0, 0);
    assert_eq!(hex(&a.to_bytes()[..8]), "29cee29e12caafcf");
    assert_eq!(a.coefficients().len(), N);
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
