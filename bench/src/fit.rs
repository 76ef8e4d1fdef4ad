//! Least squares.

/// A straight line through points.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    /// At `x = 0`.
    pub intercept: f64,
    /// A unit of `x`.
    pub slope: f64,
    /// Coefficient of determination.
    pub r2: f64,
}

impl Line {
    /// The line with the least squared distances in `y`.
    pub fn through(points: &[(f64, f64)]) -> Self {
        let n = points.len() as f64;
        let mean = |f: &dyn Fn(&(f64, f64)) -> f64| points.iter().map(f).sum::<f64>() / n;
        let (x, y) = (mean(&|p| p.0), mean(&|p| p.1));
        let xx = mean(&|p| (p.0 - x) * (p.0 - x));
        let xy = mean(&|p| (p.0 - x) * (p.1 - y));
        let yy = mean(&|p| (p.1 - y) * (p.1 - y));
        let slope = xy / xx;
        Self { slope, intercept: y - slope * x, r2: xy * xy / (xx * yy) }
    }

    /// Its value.
    pub fn at(&self, x: f64) -> f64 {
        self.intercept + self.slope * x
    }
}

/// Coefficients `c` with the least `Σ (y − Σ c_k·x_k)²`, and R². The first entry of each `x` should be 1.
///
/// # Panics
/// If the points do not determine the coefficients.
pub fn plane<const K: usize>(points: &[([f64; K], f64)]) -> ([f64; K], f64) {
    // Normal equations, solved by elimination with pivots.
    let mut system = [[0.0; K]; K];
    let mut right = [0.0; K];
    for (x, y) in points {
        for i in 0..K {
            right[i] += x[i] * y;
            (0..K).for_each(|j| system[i][j] += x[i] * x[j]);
        }
    }
    for column in 0..K {
        let size = |row: &usize| system[*row][column].abs();
        let pivot = (column..K).max_by(|a, b| size(a).total_cmp(&size(b))).unwrap_or(column);
        assert!(system[pivot][column].abs() > 1e-9, "the points do not determine coefficient {column}");
        system.swap(column, pivot);
        right.swap(column, pivot);
        for row in (0..K).filter(|&r| r != column) {
            let factor = system[row][column] / system[column][column];
            let subtracted = system[column];
            system[row].iter_mut().zip(subtracted).for_each(|(v, s)| *v -= factor * s);
            right[row] -= factor * right[column];
        }
    }
    let coefficients = std::array::from_fn(|k| right[k] / system[k][k]);
    let mean = points.iter().map(|p| p.1).sum::<f64>() / points.len() as f64;
    let at = |x: &[f64; K]| x.iter().zip(&coefficients).map(|(x, c): (&f64, &f64)| x * c).sum::<f64>();
    let residual = points.iter().map(|(x, y)| (y - at(x)).powi(2)).sum::<f64>();
    let total = points.iter().map(|(_, y)| (y - mean).powi(2)).sum::<f64>();
    (coefficients, 1.0 - residual / total)
}
