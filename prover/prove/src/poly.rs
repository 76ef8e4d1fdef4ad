//! Polynomials outside circuits: products over the plain polynomials, their quotients, evaluations.

use plonky2::field::polynomial::PolynomialCoeffs;
use zektra_statement::field::{E, F, Field, N};

/// `a·b` of degree below `2N`, as the lower and the upper `N` coefficients.
pub fn product(a: &[F], b: &[F]) -> (Vec<F>, Vec<F>) {
    let wide = |x: &[F]| {
        let mut v = x.to_vec();
        v.resize(2 * N, F::ZERO);
        PolynomialCoeffs::new(v).fft()
    };
    let mut values = wide(a);
    for (x, y) in values.values.iter_mut().zip(wide(b).values) {
        *x *= y;
    }
    let mut low = values.ifft().coeffs;
    let high = low.split_off(N);
    (low, high)
}

/// A sum of products over the plain polynomials: what is left modulo `X^N + 1`, and the quotient.
#[derive(Clone)]
pub struct Sum {
    low: Vec<F>,
    high: Vec<F>,
}

impl Default for Sum {
    fn default() -> Self {
        Self { low: vec![F::ZERO; N], high: vec![F::ZERO; N] }
    }
}

impl Sum {
    /// Adds `a·b`.
    pub fn add_product(&mut self, a: &[F], b: &[F]) {
        let (low, high) = product(a, b);
        add(&mut self.low, &low);
        add(&mut self.high, &high);
    }

    /// Adds `−X^(N−k)·a`, which is `Z^(−k)·a` in the ring.
    pub fn add_shifted_down(&mut self, a: &[F], k: usize) {
        if k == 0 {
            return add(&mut self.low, a);
        }
        for (i, &c) in a.iter().enumerate() {
            match i + N - k {
                at if at < N => self.low[at] -= c,
                at => self.high[at - N] -= c,
            }
        }
    }

    /// Adds a polynomial.
    pub fn add(&mut self, a: &[F]) {
        add(&mut self.low, a);
    }

    /// The remainder modulo `X^N + 1`.
    pub fn remainder(&self) -> Vec<F> {
        self.low.iter().zip(&self.high).map(|(&l, &h)| l - h).collect()
    }

    /// The quotient by `X^N + 1`.
    pub fn into_quotient(self) -> Vec<F> {
        self.high
    }
}

/// `a ← a + b`.
pub fn add(a: &mut [F], b: &[F]) {
    a.iter_mut().zip(b).for_each(|(x, &y)| *x += y);
}

/// `Σ_k β^k·q_k` as the vectors of both coordinates; one vector if there is one `q`.
pub fn combine(quotients: &[Vec<F>], beta: E) -> Vec<Vec<F>> {
    if let [one] = quotients {
        return vec![one.clone()];
    }
    let length = quotients.first().map_or(0, Vec::len);
    let mut out = vec![vec![F::ZERO; length]; 2];
    let mut power = E::ONE;
    for q in quotients {
        let [x, y] = zektra_statement::field::from_ext(power);
        for (i, &c) in q.iter().enumerate() {
            out[0][i] += c * x;
            out[1][i] += c * y;
        }
        power *= beta;
    }
    out
}

/// [`combine`], and nothing of nothing.
pub fn combine_some(quotients: &[Vec<F>], beta: E) -> Vec<Vec<F>> {
    if quotients.is_empty() { vec![] } else { combine(quotients, beta) }
}

/// `Σ a_k·r^k`.
pub fn evaluate(a: &[F], r: E) -> E {
    a.iter().rev().fold(E::ZERO, |acc, &c| acc * r + E::from(c))
}

/// `A_a(r^D)` for every `a < D`: the values of the strided parts.
pub fn rows(a: &[F], columns: usize, r: E) -> Vec<E> {
    let y = r.exp_u64(columns as u64);
    let part = |first: usize| a[first..].iter().step_by(columns).rev().fold(E::ZERO, |acc, &c| acc * y + E::from(c));
    (0..columns).map(part).collect()
}

/// `A_i(r)` for every block of `D` coefficients.
pub fn blocks(a: &[F], columns: usize, r: E) -> Vec<E> {
    a.chunks(columns).map(|block| evaluate(block, r)).collect()
}

/// The coefficients of `A·B` at multiples of `D`, and the quotient of their identity by `Y^m + 1`.
pub fn row_identity(pairs: &[(&[F], &[F])], columns: usize) -> (Vec<F>, Vec<F>) {
    let m = N / columns;
    let mut wide = vec![F::ZERO; 2 * m];
    for (a, b) in pairs {
        for x in 0..columns {
            let y = (columns - x) % columns;
            let lift = usize::from(x > 0);
            let product = short_product(&strided(a, columns, x), &strided(b, columns, y));
            for (k, c) in product.into_iter().enumerate() {
                wide[k + lift] += c;
            }
        }
    }
    let q = wide.split_off(m);
    let d = wide.iter().zip(&q).map(|(&l, &h)| l - h).collect();
    (d, q)
}

/// `T` and `V` of `Σ A·B`, `2D − 1` coefficients each.
pub fn column_products(pairs: &[(&[F], &[F])], columns: usize) -> (Vec<F>, Vec<F>) {
    let m = N / columns;
    let (mut t, mut v) = (vec![F::ZERO; 2 * columns - 1], vec![F::ZERO; 2 * columns - 1]);
    for (a, b) in pairs {
        let block = |p: &[F], i: usize| p[i * columns..(i + 1) * columns].to_vec();
        for i in 0..m {
            let product = short_product(&block(a, i), &block(b, (m - i) % m));
            for (x, c) in t.iter_mut().zip(product) {
                if i == 0 { *x += c } else { *x -= c }
            }
            let product = short_product(&block(a, i), &block(b, m - 1 - i));
            v.iter_mut().zip(product).for_each(|(x, c)| *x += c);
        }
    }
    (t, v)
}

fn strided(a: &[F], columns: usize, first: usize) -> Vec<F> {
    a[first..].iter().step_by(columns).copied().collect()
}

/// By the transform where it pays, `2·len − 1` coefficients.
fn short_product(a: &[F], b: &[F]) -> Vec<F> {
    let n = 2 * a.len();
    let wide = |x: &[F]| {
        let mut v = x.to_vec();
        v.resize(n, F::ZERO);
        PolynomialCoeffs::new(v).fft()
    };
    let mut values = wide(a);
    for (x, y) in values.values.iter_mut().zip(wide(b).values) {
        *x *= y;
    }
    let mut out = values.ifft().coeffs;
    out.pop();
    out
}
