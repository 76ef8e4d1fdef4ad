use proptest::prelude::*;
use zektra_he::profile::{Profile, Wanted};
use zektra_he::rehearsal::rows::{Random, rows};
use zektra_he::rehearsal::{Cast, Rows};
use zektra_statement::batch::BatchOrder;
use zektra_statement::field::N;
use zektra_statement::template::{Kind, Params, Template, cubic};

/// The shape of a random job.
#[derive(Clone, Debug)]
struct Shape {
    seed: u64,
    kind: Kind,
    features: u32,
    classes: u32,
    members: usize,
    /// Rows of each owner's table, in eighths of a row group.
    tables: Vec<u32>,
    full_batch: bool,
    iterations: u32,
}

fn shape() -> impl Strategy<Value = Shape> {
    let governed = prop::sample::select(vec![Kind::LinearRegression, Kind::LinearClassifier]);
    // Few random shapes reach the floors with the cubic link.
    let kind = prop_oneof![2 => governed, 5 => Just(Kind::CubicClassifier)];
    let features = prop_oneof![2u32..33, 33u32..65, 65u32..81];
    let classes = prop_oneof![6 => Just(1u32), 3 => Just(3u32), 1 => Just(10u32)];
    let tables = prop::collection::vec(1u32..17, 1..4);
    (any::<u64>(), kind, features, classes, 1usize..6, tables, any::<bool>(), 2u32..6).prop_map(
        |(seed, kind, features, classes, members, tables, full_batch, iterations)| {
            let classes = if kind == Kind::LinearRegression { 1 } else { classes };
            Shape { seed, kind, features, classes, members, tables, full_batch, iterations }
        },
    )
}

impl Shape {
    /// The job with searched scales, and its rows; `None` where no scales reach the floors.
    fn cast(&self) -> Option<(Cast, Vec<Rows>)> {
        let per_group = N as u32 / zektra_statement::template::columns_for(self.features);
        let counts: Vec<u32> = self.tables.iter().map(|t| (t * per_group / 8).max(1)).collect();
        let total: u32 = counts.iter().map(|c| c.div_ceil(per_group)).sum();
        let groups = if self.full_batch || total == 1 { total } else { total - 1 };
        let wanted = Wanted {
            kind: self.kind,
            features: self.features,
            classes: self.classes,
            groups,
            full_batch: groups == total,
            iterations: self.iterations,
            members: self.members as u32,
            attempts: 1,
            learning_rate: 0.5,
            row_norm: 832,
            range: 256,
            fixed_scales: None,
            weight_bits: None,
            fan_in: None,
        };
        let params = wanted.search().ok()?;
        let template = Template { kind: self.kind, params };
        let tables: Vec<Rows> = (0u64..).zip(&counts).map(|(i, &c)| rows(self.seed ^ i, c as usize, &params)).collect();
        Some((Cast::new(self.seed, self.members, &tables, template).unwrap(), tables))
    }
}

fn distance(a: &[Vec<f64>], b: &[Vec<f64>], blocks: usize) -> f64 {
    let square = |(a, b): (&Vec<f64>, &Vec<f64>)| a.iter().zip(b).map(|(x, y)| (x - y).powi(2)).sum::<f64>();
    let pairs: Vec<_> = a.iter().zip(b).collect();
    let of_class = |class: &[(&Vec<f64>, &Vec<f64>)]| class.iter().copied().map(square).sum::<f64>().sqrt();
    pairs.chunks(blocks).map(of_class).fold(0.0, f64::max)
}

fn floats(v: &[Vec<i64>]) -> Vec<Vec<f64>> {
    v.iter().map(|v| v.iter().map(|&x| x as f64).collect()).collect()
}

/// What both bounds below are made of, in units of 1 for weights and of integers for the rest.
struct Sizes {
    n: f64,
    rows: f64,
    groups: f64,
    fan_in: f64,
    d: f64,
    row: f64,
    root_r: f64,
    weight_norm: f64,
    sw: f64,
    sr: f64,
    two_s2: f64,
    iterations: f64,
}

impl Sizes {
    fn new(p: &Params, n: usize, weight_norm: f64) -> Self {
        let pow2 = |e: u32| f64::from(e).exp2();
        let root_r = (f64::from(p.row_norm) / 256.0).sqrt();
        Self {
            n: n as f64,
            rows: f64::from(p.rows_per_group()),
            groups: f64::from(p.groups),
            fan_in: f64::from(p.fan_in),
            d: f64::from(p.columns() * p.blocks()),
            row: pow2(p.scale_x) * root_r,
            root_r,
            weight_norm,
            sw: pow2(p.scale_w),
            sr: pow2(p.scale_r),
            two_s2: pow2(p.shift_w),
            iterations: f64::from(p.iterations),
        }
    }

    /// The distance that residuals off by `residual` each (root mean square, or worst), gradients off by
    /// `gradient` an opening and roundings of `rounding` an opening make after all iterations: the update
    /// map does not expand, so iterations add up at most.
    fn after(&self, residual: f64, norm: f64, gradient: f64, rounding: f64) -> f64 {
        let openings = self.groups / self.fan_in;
        let step = norm * self.row * residual / self.two_s2
            + self.d.sqrt() * openings.sqrt() * gradient / self.two_s2
            + self.d.sqrt() * openings.sqrt() * rounding;
        self.iterations * step
    }

    /// One standard deviation of the encrypted run's distance to the integers, from above: all noises are
    /// independent with variance n (the members' sum), times fixed factors, so every deviation is a norm times √n.
    fn deviation(&self, template: &Template) -> f64 {
        let sigma = self.n.sqrt();
        let ring = N as f64;
        let offline = self.n * (ring * 2.0 / 3.0).sqrt();
        let cross = sigma * sigma * ring.sqrt();
        // n+1 values are rounded here, one in the integers.
        let rounding = ((self.n + 1.0) / 12.0).sqrt() + (1.0f64 / 12.0).sqrt();
        let blocks = f64::from(template.params.blocks());
        let tile = self.rows.sqrt() * self.row;
        let z = tile * sigma + sigma * self.weight_norm * self.sw + cross * blocks.sqrt() + offline;
        let shift = |bits: u32| f64::from(bits).exp2();
        let p = &template.params;
        let residual = match template.kind {
            Kind::LinearRegression | Kind::LinearClassifier => z / shift(p.shift_r()) + rounding,
            Kind::CubicClassifier => {
                let (sz, sq, f) = (shift(cubic::Z_BITS), shift(cubic::Q_BITS), shift(cubic::FACTOR_BITS));
                let largest = self.root_r * self.weight_norm;
                let z = z / shift(p.scale_x + p.scale_w - cubic::Z_BITS) + rounding;
                let square = 2.0 * self.rows.sqrt() * largest * sz * sigma + cross + offline;
                let square = square / shift(2 * cubic::Z_BITS - cubic::Q_BITS) + rounding;
                let cube = self.rows.sqrt() * sigma * (largest * sz + cubic::BETA * sq) + cross + offline;
                let cube = cube / (sz * sq * f / self.sr) + rounding;
                (cubic::BETA / f * z / sz + largest / f * square / sq) * self.sr + cube
            }
        };
        let summed = (self.fan_in * self.rows).sqrt();
        let gradient = summed * self.row * sigma
            + summed * sigma * self.root_r * self.weight_norm * self.sr
            + self.fan_in.sqrt() * (cross + sigma)
            + offline;
        self.after(residual, (self.groups * self.rows).sqrt(), gradient, rounding)
    }

    /// The integers' largest distance to floats: halves, each in the worst direction.
    fn rounding(&self, template: &Template) -> f64 {
        let residual = match template.kind {
            Kind::LinearRegression | Kind::LinearClassifier => 0.5,
            Kind::CubicClassifier => {
                let shift = |bits: u32| f64::from(bits).exp2();
                let (sz, sq, f) = (shift(cubic::Z_BITS), shift(cubic::Q_BITS), shift(cubic::FACTOR_BITS));
                let largest = self.root_r * self.weight_norm;
                0.5 * (1.0 + (cubic::BETA / f / sz + 3.0 * largest / f * (1.0 / sq + largest / sz)) * self.sr)
            }
        };
        let openings = (self.groups / self.fan_in).sqrt();
        self.after(residual, self.groups * self.rows, 0.0, 0.5 * openings)
    }
}

/// Gradient descent as in a textbook: rows and targets as real numbers, the mean over the step's slots.
fn textbook(cast: &Cast, tables: &[Rows]) -> Vec<Vec<f64>> {
    let Template { kind, params: p } = cast.job.template;
    let unit = |bits: u32| f64::from(bits).exp2();
    let per_group = p.rows_per_group() as usize;
    let groups: Vec<&[(Vec<i32>, Vec<i32>)]> = tables.iter().flat_map(|t| t.chunks(per_group)).collect();
    // The cubic's weights are κ times the model's: its rate is lr/κ.
    let (rate, factor) = match kind {
        Kind::CubicClassifier => (p.learning_rate() / cubic::KAPPA, cubic::KAPPA),
        _ => (p.learning_rate(), 1.0),
    };
    let link = |z: f64| match kind {
        Kind::CubicClassifier => 0.15012 * z - 0.001593 * z.powi(3),
        _ => z,
    };
    let mut weights = vec![vec![0.0; p.features as usize]; p.classes as usize];
    let mut order = BatchOrder::new(cast.job.beacon, cast.job.groups(), p.groups);
    for t in 0..p.iterations {
        let step = order.step(t);
        for (class, w) in weights.iter_mut().enumerate() {
            let mut gradient = vec![0.0; w.len()];
            for (x, targets) in step.iter().flat_map(|&g| groups[g as usize]) {
                let x: Vec<f64> = x.iter().map(|&v| f64::from(v) / unit(p.scale_x)).collect();
                let z: f64 = x.iter().zip(w.iter()).map(|(a, b)| a * b).sum();
                let residual = link(z) - f64::from(targets[class]) / unit(p.scale_r);
                gradient.iter_mut().zip(&x).for_each(|(g, x)| *g += residual * x);
            }
            let slots = f64::from(p.groups * p.rows_per_group());
            w.iter_mut().zip(gradient).for_each(|(w, g)| *w -= rate * g / slots);
        }
    }
    let width = (p.columns() * p.blocks()) as usize;
    let columns = p.columns() as usize;
    let scaled = |w: Vec<f64>| {
        let mut w: Vec<f64> = w.into_iter().map(|v| v * factor * unit(p.scale_w)).collect();
        w.resize(width, 0.0);
        w.chunks(columns).map(<[f64]>::to_vec).collect::<Vec<_>>()
    };
    weights.into_iter().flat_map(scaled).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_global_rejects: 4096, ..ProptestConfig::default() })]

    /// cap 5: an encrypted run over the rows of all owners equals the exact integers up to the proven bound
    /// and up to two standard deviations of honest noise (a norm of 32 entries or more hardly varies; the
    /// most that was measured is 0.6), these equal floats up to their roundings, and floats equal gradient
    /// descent.
    #[test]
    fn encrypted_integers_floats_and_the_textbook_agree(shape in shape()) {
        let Some((cast, tables)) = shape.cast() else { return Err(TestCaseError::reject("no scales")) };
        let template = cast.job.template;
        let p = template.params;
        let blocks = p.blocks() as usize;
        let encrypted = floats(&cast.train().unwrap());
        let (exact, largest) = cast.plain::<i64>(p.iterations).unwrap();
        let (float, _) = cast.plain::<f64>(p.iterations).unwrap();
        let exact = floats(&exact);
        let unit = f64::from(p.scale_w).exp2();
        let zero = vec![vec![0.0; p.columns() as usize]; exact.len()];
        let norm = (1..=p.iterations)
            .map(|t| distance(&floats(&cast.plain::<i64>(t).unwrap().0), &zero, blocks))
            .fold(0.0, f64::max) / unit;
        let sizes = Sizes::new(&p, shape.members, norm);
        let profile = Profile::of(&cast.job).unwrap();

        let off = distance(&encrypted, &exact, blocks);
        let deviation = sizes.deviation(&template);
        prop_assert!(off <= 2.0 * deviation, "{off} is beyond 2·{deviation}");
        if template.kind.governed() {
            let worst = profile.payload.weight_error * unit;
            prop_assert!(off <= worst, "{off} is beyond the worst case {worst}");
            prop_assert!(40.0 * deviation < worst, "honest noise {deviation} is not far below {worst}");
            for (phase, measured) in profile.payload.phases.iter().zip(&largest) {
                prop_assert!(*measured <= phase.honest, "{}: {measured} beyond {}", phase.name, phase.honest);
            }
        }
        let rounded = distance(&exact, &float, blocks);
        let bound = sizes.rounding(&template);
        prop_assert!(rounded <= bound, "{rounded} is beyond the roundings {bound}");

        let text = textbook(&cast, &tables);
        let off = distance(&float, &text, blocks);
        let allowed = if template.kind == Kind::CubicClassifier { 1e-4 } else { 1e-9 } * unit * norm.max(1.0);
        prop_assert!(off <= allowed, "{off} from the textbook, allowed {allowed}");
    }
}

/// cap 5: three owners' rows give what one owner of all of them gets, integer for integer before encryption.
#[test]
fn owners_train_as_one() {
    let template = zektra_he::rehearsal::rows::classifier(20, 3, 8);
    let p = template.params;
    let tables: Vec<Rows> = (0..3).map(|i| rows(100 + i, 128, &p)).collect();
    let union: Rows = tables.concat();
    let apart = Cast::new(1, 4, &tables, template).unwrap();
    let together = Cast::new(2, 2, &[union], template).unwrap();
    let exact = apart.plain::<i64>(8).unwrap().0;
    assert_eq!(exact, together.plain::<i64>(8).unwrap().0);
    let encrypted = floats(&apart.train().unwrap());
    let reference = textbook(&together, &[tables.concat()]);
    let worst = Profile::of(&apart.job).unwrap().payload.weight_error * f64::from(p.scale_w).exp2();
    assert!(distance(&encrypted, &floats(&exact), 1) <= worst);
    // Against floats a percent of the weights' norm.
    let norm = distance(&reference, &vec![vec![0.0; 32]; 1], 1);
    assert!(distance(&encrypted, &reference, 1) < 0.02 * norm, "{} of {norm}", distance(&encrypted, &reference, 1));
}

/// The rows of the tests are what a tile's proof will demand.
#[test]
fn rows_of_the_tests_keep_their_bounds() {
    let p = zektra_he::rehearsal::rows::classifier(31, 1, 1).params;
    let mut random = Random(1);
    for (x, _) in rows(random.word(), 200, &p) {
        let norm: i64 = x.iter().map(|&v| i64::from(v) * i64::from(v)).sum();
        assert!(norm <= i64::from(p.row_norm) << (2 * p.scale_x) >> 8);
        assert!(x.iter().all(|v| v.abs() <= 256));
    }
}
