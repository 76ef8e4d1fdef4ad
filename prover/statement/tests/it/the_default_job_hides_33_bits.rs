use zektra_statement::payload::{mask_bits, payload};
use zektra_statement::template::{Kind, Params, Template};

/// The defaults: x 2^8, w 2^14, r 2^8, 128 rows an opening, R = 3.25, lr = ½, T = 12.
fn defaults() -> Template {
    let params = Params {
        features: 31,
        classes: 1,
        groups: 4,
        full_batch: true,
        iterations: 12,
        fan_in: 1,
        scale_x: 8,
        scale_w: 14,
        scale_r: 8,
        shift_w: 12,
        row_norm: 832,
        range: 256,
    };
    Template { kind: Kind::LinearClassifier, params }
}

#[test]
fn the_figures_of_the_defaults_do_not_change() {
    let template = defaults();
    assert_eq!(template.params.learning_rate(), 0.5);
    assert_eq!(template.params.shift_for_learning_rate(0.5), 12);
    let p = payload(&template, 3);
    let h = p.hiding(3, 1);
    let near = |value: f64, golden: f64| assert!((value - golden).abs() < 0.05, "{value}, expected {golden}");
    near(p.phases[0].worst.log2(), 27.2);
    near(p.phases[1].worst.log2(), 28.3);
    near(h.opening_worst, 33.7);
    near(h.job_worst, 21.6);
    near(h.opening_honest, 38.9);
    near(h.job_honest, 26.3);
}

#[test]
fn each_power_of_two_of_members_costs_at_least_a_bit() {
    assert_eq!([1, 2, 3, 4, 7, 8, 15, 16, 63].map(mask_bits), [62, 61, 61, 60, 60, 59, 59, 58, 57]);
    let bits = |n: u32| payload(&defaults(), n).hiding(n, 1).opening_worst;
    for n in [1, 3, 7, 15] {
        assert!(bits(n) - bits(n + 1) >= 1.0, "{n} members");
    }
    // n masks and a payload below 2^B never wrap.
    for n in 1..=64u32 {
        assert!(u128::from(n + 1) << mask_bits(n) <= 1 << 63);
    }
}

#[test]
fn hiding_falls_with_every_parameter_that_enlarges_the_payload() {
    let bits = |change: &dyn Fn(&mut Params)| {
        let mut t = defaults();
        change(&mut t.params);
        let h = payload(&t, 3).hiding(3, 1);
        [h.opening_worst, h.job_worst, h.opening_honest, h.job_honest]
    };
    let base = bits(&|_| {});
    let larger: [(&str, &dyn Fn(&mut Params)); 5] = [
        ("iterations", &|p| p.iterations *= 4),
        ("scale_w", &|p| {
            p.scale_w += 2;
            p.shift_w -= 2
        }),
        ("scale_r", &|p| {
            p.scale_r += 2;
            p.shift_w += 2
        }),
        ("row_norm", &|p| p.row_norm = 1024),
        ("fan_in", &|p| p.fan_in = 4),
    ];
    for (name, change) in larger {
        let other = bits(change);
        assert!(other[0] < base[0], "{name}: {other:?}, {base:?}");
        assert!(other[2] <= base[2], "{name}: {other:?}, {base:?}");
    }
    // Twice the attempts, half the hiding of the job; an opened coefficient is as before.
    let p = payload(&defaults(), 3);
    let (one, two) = (p.hiding(3, 1), p.hiding(3, 2));
    assert!((one.job_worst - two.job_worst - 1.0).abs() < 1e-9 && one.opening_worst == two.opening_worst);
}

/// The cubic template says that it has no worst case instead of giving a figure.
#[test]
fn the_cubic_template_has_no_worst_case() {
    let p = payload(&Template { kind: Kind::CubicClassifier, ..defaults() }, 3);
    assert!(p.phases.iter().all(|phase| phase.worst.is_infinite()));
    assert_eq!(p.hiding(3, 1).opening_worst, f64::NEG_INFINITY);
}
