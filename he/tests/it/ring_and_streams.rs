use proptest::prelude::*;
use zektra_he::rehearsal::rows::Random;
use zektra_he::ring::Poly;
use zektra_statement::field::{F, Field, N, POLY_BYTES, from_i64};

fn random_poly(random: &mut Random) -> Poly {
    Poly::from_coefficients((0..N).map(|_| F::from_noncanonical_u64(random.word())).collect())
}

/// The definition: `Z^i·Z^j = −Z^(i+j−N)` where it wraps.
fn schoolbook(a: &Poly, b: &Poly) -> Poly {
    let mut out = vec![F::ZERO; N];
    for (i, &x) in a.coefficients().iter().enumerate() {
        for (j, &y) in b.coefficients().iter().enumerate() {
            if i + j < N {
                out[i + j] += x * y;
            } else {
                out[i + j - N] -= x * y;
            }
        }
    }
    Poly::from_coefficients(out)
}

#[test]
fn the_transform_multiplies_as_the_ring_does() {
    let mut random = Random(1);
    let (a, b) = (random_poly(&mut random), random_poly(&mut random));
    assert_eq!(a.eval().mul(&b.eval()).into_poly(), schoolbook(&a, &b));
    assert_eq!(a.eval().into_poly(), a);
}

#[test]
fn shifting_down_is_multiplication_by_an_inverse_monomial() {
    let mut random = Random(2);
    let a = random_poly(&mut random);
    for k in [0usize, 1, 32, 4095] {
        let mut monomial = vec![F::ZERO; N];
        monomial[k] = F::ONE;
        let back = a.shifted_down(k).eval().mul(&Poly::from_coefficients(monomial).eval()).into_poly();
        assert_eq!(back, a, "Z^{k}");
    }
}

#[test]
fn an_inverse_times_the_element_is_one() {
    let mut random = Random(3);
    let a = random_poly(&mut random).into_eval();
    let mut one = vec![F::ZERO; N];
    one[0] = F::ONE;
    assert_eq!(a.mul(&a.inverse().unwrap()).into_poly(), Poly::from_coefficients(one));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn polynomials_round_trip_through_bytes(seed: u64) {
        let a = random_poly(&mut Random(seed));
        prop_assert_eq!(Poly::from_bytes(&a.to_bytes()).unwrap(), a);
    }

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..64), cut in 0..POLY_BYTES) {
        let _ = Poly::from_bytes(&bytes);
        let _ = Poly::from_bytes(&vec![255; cut]);
    }

    #[test]
    fn products_are_linear(seed: u64, factor in -1000i64..1000) {
        let mut random = Random(seed);
        let (a, b) = (random_poly(&mut random), random_poly(&mut random));
        let scaled: Vec<F> = a.coefficients().iter().map(|&c| c * from_i64(factor)).collect();
        let left = Poly::from_coefficients(scaled).eval().mul(&b.eval()).into_poly();
        let product = a.eval().mul(&b.eval()).into_poly();
        let right: Vec<F> = product.coefficients().iter().map(|&c| c * from_i64(factor)).collect();
        prop_assert_eq!(left, Poly::from_coefficients(right));
    }
}
