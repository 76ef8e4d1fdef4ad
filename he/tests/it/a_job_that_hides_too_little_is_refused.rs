use crate::stage::Chance;
use zektra_he::member::Refusal;
use zektra_he::plain::Plain;
use zektra_he::profile::{Profile, ProfileError, Wanted, rlwe_security};
use zektra_he::rehearsal::rows::{classifier, rows};
use zektra_he::rehearsal::{Cast, Failure};
use zektra_statement::field::{P, centred, from_i64};
use zektra_statement::payload::FLOORS;
use zektra_statement::template::{Kind, Params, Template};

fn with(change: impl Fn(&mut Params)) -> Template {
    let mut template = classifier(31, 4, 12);
    change(&mut template.params);
    template.params.shift_w = template.params.shift_for_learning_rate(0.5);
    template
}

fn refusal(template: Template, members: u32, attempts: u32) -> ProfileError {
    Profile::new(template, members, attempts, false).check().unwrap_err()
}

#[test]
fn the_defaults_pass() {
    Profile::new(with(|_| {}), 3, 1, false).check().unwrap();
    assert!(rlwe_security() >= 128, "{} bits", rlwe_security());
}

/// Each floor refuses for itself, in words that name what to change.
#[test]
fn every_floor_names_a_parameter() {
    let cases: [(&str, f64, Template, u32, u32, &[&str]); 4] = [
        (
            "an opened coefficient for honest data",
            FLOORS.opening_honest,
            with(|p| p.scale_w = 18),
            3,
            1,
            &["weights 18"],
        ),
        ("the job for honest data", FLOORS.job_honest, with(|_| {}), 3, 8, &["iterations", "max_attempts", "fan_in"]),
        (
            "an opened coefficient in the worst case",
            FLOORS.opening_worst,
            with(|p| (p.scale_w, p.iterations) = (11, 20)),
            3,
            1,
            &["residuals", "members"],
        ),
        (
            "the job in the worst case",
            FLOORS.job_worst,
            with(|p| (p.scale_w, p.scale_r, p.iterations) = (13, 6, 50)),
            3,
            1,
            &["iterations", "row groups"],
        ),
    ];
    for (name, expected, template, members, attempts, words) in cases {
        let error = refusal(template, members, attempts);
        let text = error.to_string();
        let ProfileError::Floor { what, floor, value, .. } = error else { panic!("{name}: {text}") };
        assert!(what.contains(name), "{name}: {text}");
        assert!(floor == expected && value < floor);
        assert!(words.iter().all(|w| text.contains(w)), "{text}");
    }
}

const WANTED: Wanted = Wanted {
    kind: Kind::LinearClassifier,
    features: 31,
    classes: 1,
    groups: 4,
    full_batch: true,
    iterations: 12,
    members: 3,
    attempts: 1,
    learning_rate: 0.5,
    row_norm: 832,
    range: 256,
    fixed_scales: None,
    weight_bits: None,
    fan_in: None,
};

#[test]
fn a_search_stays_within_the_floors_or_says_why_not() {
    let params = WANTED.search().unwrap();
    assert!(params.learning_rate() <= 0.5);
    Profile::new(Template { kind: WANTED.kind, params }, 3, 1, false).check().unwrap();
    let error = Wanted { members: 64, iterations: 4096, ..WANTED }.search().unwrap_err();
    assert!(matches!(error, ProfileError::Nothing { members: 64, iterations: 4096, .. }), "{error}");
}

/// The cubic has no worst case: it runs among members who said that they trust each other's inputs only.
#[test]
fn the_cubic_needs_trusted_inputs() {
    let wanted = Wanted { kind: Kind::CubicClassifier, groups: 2, ..WANTED };
    let template = Template { kind: wanted.kind, params: wanted.search().unwrap() };
    Profile::new(template, 3, 1, true).check().unwrap();
    assert!(Profile::new(template, 3, 1, false).check().unwrap_err().to_string().contains("worst case"));
    // The word of members does not help a governed template.
    assert!(Profile::new(with(|p| (p.scale_w, p.iterations) = (11, 20)), 3, 1, true).check().is_err());
}

fn diverging() -> Template {
    let mut template = classifier(31, 1, 16);
    template.params.shift_w = template.params.shift_for_learning_rate(64.0);
    template
}

#[test]
fn a_job_that_may_diverge_is_refused_by_every_member() {
    let template = diverging();
    let error = refusal(template, 3, 1);
    assert!(matches!(error, ProfileError::Expands { .. }), "{error}");
    assert!(error.to_string().contains("learning rate"));
    let table = rows(1, 128, &template.params);
    let refused = Cast::new(1, 3, &[table], template).unwrap().train();
    assert!(matches!(refused, Err(Failure::Refusal(Refusal::Profile(ProfileError::Expands { .. })))));
}

/// How often the sign of an opened value is the sign of what it hides, with the other members' masks known.
fn signs(values: &[f64], seed: u64) -> (usize, usize) {
    let masks = Chance::new(seed).masks(values.len(), 61);
    let same = |(&v, &m): (&f64, &i64)| {
        // Values up to 2^63 wrap modulo p, as everything does.
        let value = from_i64(v.rem_euclid(P as f64) as u64 as i64);
        let opened = centred(value + from_i64(m));
        (opened < 0) == (v < 0.0)
    };
    (values.iter().zip(&masks).filter(|&pair| same(pair)).count(), values.len())
}

/// Without that check a diverging job opens products of honest rows beyond the masks: a row product above
/// 2^61 shows its sign whatever the mask, while a job within the floors shows nothing.
#[test]
fn a_diverging_job_unmasks_rows() {
    let opened = |template: Template, until: f64| {
        let p = template.params;
        let cast = Cast::new(2, 3, &[rows(3, 128, &p)], template).unwrap();
        let convert =
            |m: &zektra_he::ring::Poly| m.coefficients().iter().map(|&c| centred(c) as f64).collect::<Vec<_>>();
        let [x, moment] = &cast.groups[0][0].planes[0];
        let tile = [convert(x), convert(moment)];
        let table = template.compile().unwrap();
        let state = table.phases[0].outputs[0].state;
        let mut run = Plain::<f64>::new(table);
        for _ in 0..p.iterations {
            run.iterate(&|_, _| &tile);
            let z: Vec<f64> = run.state(state).iter().map(|r| r * f64::from(p.shift_r()).exp2()).collect();
            if z.iter().any(|v| v.abs() > until) {
                return z;
            }
        }
        run.state(state).iter().map(|r| r * f64::from(p.shift_r()).exp2()).collect()
    };
    let values = opened(diverging(), 61f64.exp2());
    let wide: Vec<f64> = values.into_iter().filter(|v| (61f64.exp2()..62f64.exp2()).contains(&v.abs())).collect();
    assert!(wide.len() > 4, "{} products beyond the masks", wide.len());
    let (same, all) = signs(&wide, 1);
    assert_eq!(same, all, "every sign is read");

    let values = opened(classifier(31, 1, 16), f64::INFINITY);
    let (same, all) = (0..32).map(|s| signs(&values, s)).fold((0, 0), |(a, b), (c, d)| (a + c, b + d));
    let share = same as f64 / all as f64;
    assert!((share - 0.5).abs() < 0.03, "{share} of the signs are read");
}
