//! How many bits the masks hide, and how far one member can steer the model by its noise.

use crate::breast_cancer::{self as table, SPLITS, Split, Table};
use crate::report::{Bar, Report};
use zektra_he::profile::{Profile, Wanted};
use zektra_he::rehearsal::Cast;
use zektra_he::rehearsal::rows::Random;
use zektra_he::ring::{Eval, Poly};
use zektra_statement::field::{F, Field, N, centred, from_i64, round_shift};
use zektra_statement::packing::Packing;
use zektra_statement::payload::{Hiding, mask_bits};
use zektra_statement::phase::{Operand, PhaseTable};
use zektra_statement::template::{Kind, Params, Template};

const ITERATIONS: u32 = 12;
const STEERED: u32 = 3;

pub fn run(report: &mut Report) -> anyhow::Result<()> {
    let data = Table::load()?;
    let splits: Vec<Split> = (0..SPLITS).map(|seed| data.split(seed)).collect();
    bits(report, &data, &splits)?;
    steering(report, &data, &splits)
}

/// The scales of `docs/protocol.md`: features 2^8, weights 2^14, residuals 2^8.
fn defaults() -> anyhow::Result<Params> {
    let mut params =
        Params { scale_x: 8, scale_w: 14, scale_r: 8, fan_in: 1, ..table::wanted(2, ITERATIONS).search()? };
    params.shift_w = params.shift_for_learning_rate(0.5);
    Ok(params)
}

fn bits(report: &mut Report, data: &Table, splits: &[Split]) -> anyhow::Result<()> {
    let defaults = defaults()?;
    let mut rows = Vec::new();
    for members in 2..=5 {
        let wanted = table::wanted(members, ITERATIONS);
        let mut candidates = vec![("default", Ok(defaults)), ("searched", wanted.search())];
        if candidates[1].1.is_err() {
            candidates.push(("searched, lr ¼", Wanted { learning_rate: 0.25, ..wanted }.search()));
        }
        for (name, params) in candidates {
            let params = match params {
                Ok(params) => params,
                Err(e) => {
                    report.note(format!("  {members} members, {name}: {e}"));
                    continue;
                }
            };
            let template = Template { kind: Kind::LinearClassifier, params };
            let profile = Profile::new(template, members, 1, false);
            let h = profile.hiding;
            let measured = measured(data, splits, members, params, &profile)?;
            let scales = format!("{}/{}/{}", params.scale_x, params.scale_w, params.scale_r);
            let figures = [h.opening_worst, h.job_worst, h.opening_honest, h.job_honest];
            let figures = figures.into_iter().chain([measured.opening_honest, measured.job_honest]);
            let floors = if profile.check().is_ok() { "yes" } else { "no" };
            let head = vec![members.to_string(), name.to_string(), scales, params.fan_in.to_string()];
            let tail = [format!("{:.4}", profile.payload.prediction_error), floors.to_string()];
            rows.push(head.into_iter().chain(figures.map(|f| format!("{f:.1}"))).chain(tail).collect());
            if members == 3 && name == "default" {
                report.figure("hiding.opening.worst", h.opening_worst, "bits", Some(Bar::AtLeast(33.0)))?;
                report.figure("hiding.opening.honest", h.opening_honest, "bits", None)?;
                report.figure("hiding.opening.measured", measured.opening_honest, "bits", Some(Bar::AtLeast(39.0)))?;
                report.figure("hiding.job.worst", h.job_worst, "bits", None)?;
                report.figure("hiding.job.honest", h.job_honest, "bits", None)?;
                report.figure("hiding.job.measured", measured.job_honest, "bits", None)?;
            }
        }
    }
    report.note(format!("bits hidden, {ITERATIONS} iterations, 4 row groups of 128 rows, one attempt"));
    let head =
        ["members", "scales", "x/w/r", "fan-in", "worst", "job", "honest", "job", "measured", "job", "error", "floors"];
    report.table(&head, &rows);
    Ok(())
}

/// The hiding by the largest values that exact runs on the table open.
fn measured(data: &Table, splits: &[Split], members: u32, params: Params, profile: &Profile) -> anyhow::Result<Hiding> {
    let mut payload = profile.payload.clone();
    payload.phases.iter_mut().for_each(|p| p.honest = 1.0);
    for (seed, split) in (0..).zip(splits) {
        let (_, largest) = data.cast(seed, split, members, params)?.plain::<i64>(ITERATIONS)?;
        for (phase, l) in payload.phases.iter_mut().zip(largest) {
            phase.honest = phase.honest.max(l);
        }
    }
    Ok(payload.hiding(members, 1))
}

/// How the attacker chooses its noise, to push the bias weight.
#[derive(Clone, Copy)]
struct Attack {
    /// ±2 of features, moments, weights, residuals; with all signs equal they push the same way.
    values: [i64; 4],
    /// On all coefficients, or on those alone that meet the bias column in an opened coefficient.
    everywhere: bool,
}

/// What a polynomial of noise is added to.
#[derive(Clone, Copy)]
enum Place {
    Features,
    Moment,
    State(u16),
    Offline,
}

fn steering(report: &mut Report, data: &Table, splits: &[Split]) -> anyhow::Result<()> {
    report.note(format!(
        "one data-blind member of {STEERED} steers with all its noise: full packed products with everyone's noise and \
         the rounding of masks, on integers; {ITERATIONS} iterations, mean of {SPLITS} splits; default scales"
    ));
    let default = Steered::measure(data, splits, defaults()?)?;
    let head = ["its noise: features, moments, weights, residuals", "accuracy in %", "bias weight", "change in pp"];
    report.table(&head, &default.rows);
    report.note("  of each kind: all signs alike, twice; then the least and the most accurate of all 16 signs");
    let wanted = table::wanted(STEERED, ITERATIONS);
    let searched = wanted.search()?;
    let mut rows = Vec::new();
    for scale_r in 6..=9 {
        if let Ok(params) = (Wanted { fixed_scales: Some((9, scale_r)), ..wanted }).search() {
            rows.push(Steered::measure(data, splits, params)?.cells("fixed x, r", params));
        }
    }
    rows.push(default.cells("default", defaults()?));
    let steered = Steered::measure(data, splits, searched)?;
    rows.push(steered.cells("searched", searched));
    report.note("largest change in pp against the scales");
    report.table(&["scales", "x/w/r", "aligned", "everywhere", "any signs", "worst-case weight error"], &rows);
    // The simulation is as far from the exact integers as an encrypted run: compare `accuracy.weights-off`.
    let mut off: f64 = 0.0;
    for (seed, split) in (0..).zip(splits) {
        let cast = data.cast(seed, split, STEERED, searched)?;
        let exact = table::weights(&cast.plain::<i64>(ITERATIONS)?.0[0], &searched);
        let noisy = table::weights(&noisy(&cast, None, seed)?, &searched);
        off = exact.iter().zip(noisy).map(|(a, b)| (a - b).abs()).fold(off, f64::max);
    }
    report.figure("hiding.steering.honest-weights-off", off, "largest |simulated − integers| weight", None)?;
    let bar = Some(Bar::AtMost(1.0));
    report.figure("hiding.steering", default.aligned.max(default.everywhere), "pp", bar)?;
    // A data-blind member cannot know which signs are the worst: a figure without a bar.
    report.figure("hiding.steering.any-signs", default.any, "pp", None)?;
    report.figure("hiding.steering.searched.aligned", steered.aligned, "pp", bar)?;
    report.figure("hiding.steering.searched.everywhere", steered.everywhere, "pp", bar)
}

/// The largest changes of accuracy by one member's noise, in percentage points.
struct Steered {
    /// All signs alike, on the coefficients that meet the bias column.
    aligned: f64,
    /// All signs alike, on every coefficient.
    everywhere: f64,
    /// Any signs.
    any: f64,
    rows: Vec<Vec<String>>,
}

impl Steered {
    fn cells(&self, name: &str, p: Params) -> Vec<String> {
        let error = Profile::new(Template { kind: Kind::LinearClassifier, params: p }, STEERED, 1, false);
        let figures = [self.aligned, self.everywhere, self.any, error.payload.weight_error];
        let scales = format!("{}/{}/{}", p.scale_x, p.scale_w, p.scale_r);
        [name.to_string(), scales].into_iter().chain(figures.map(|f| format!("{f:.2}"))).collect()
    }

    fn measure(data: &Table, splits: &[Split], params: Params) -> anyhow::Result<Self> {
        let accuracy = |attack: Option<Attack>| -> anyhow::Result<(f64, f64)> {
            let (mut sum, mut bias) = (0.0, 0.0);
            for (seed, split) in (0..).zip(splits) {
                let cast = data.cast(seed, split, STEERED, params)?;
                let weights = table::weights(&noisy(&cast, attack, seed)?, &params);
                sum += data.accuracy(&split.test, &weights);
                bias += weights[0];
            }
            Ok((100.0 * sum / splits.len() as f64, bias / splits.len() as f64))
        };
        let (honest, honest_bias) = accuracy(None)?;
        let mut rows = vec![vec!["honest".into(), format!("{honest:.2}"), format!("{honest_bias:.4}"), String::new()]];
        let mut pushed = [0.0f64; 2];
        let mut any: f64 = 0.0;
        for everywhere in [false, true] {
            let (mut low, mut high) = ((f64::INFINITY, [0; 4], 0.0), (f64::NEG_INFINITY, [0; 4], 0.0));
            for signs in 0..16 {
                let values = std::array::from_fn(|k| if signs >> k & 1 == 0 { 2 } else { -2 });
                let (accuracy, bias) = accuracy(Some(Attack { values, everywhere }))?;
                let change = (accuracy - honest).abs();
                any = any.max(change);
                if signs == 0 || signs == 15 {
                    let largest = &mut pushed[usize::from(everywhere)];
                    *largest = largest.max(change);
                    rows.push(cells(everywhere, values, accuracy, bias, honest));
                }
                low = if accuracy < low.0 { (accuracy, values, bias) } else { low };
                high = if accuracy > high.0 { (accuracy, values, bias) } else { high };
            }
            for (accuracy, values, bias) in [low, high] {
                rows.push(cells(everywhere, values, accuracy, bias, honest));
            }
        }
        Ok(Self { aligned: pushed[0], everywhere: pushed[1], any, rows })
    }
}

fn cells(everywhere: bool, values: [i64; 4], accuracy: f64, bias: f64, honest: f64) -> Vec<String> {
    let signs: Vec<String> = values.iter().map(|v| format!("{v:+}")).collect();
    let name = format!("{} {}", if everywhere { "everywhere" } else { "aligned   " }, signs.join(" "));
    vec![name, format!("{accuracy:.2}"), format!("{bias:.4}"), format!("{:+.2}", accuracy - honest)]
}

/// A run of the phase table on what the ciphertexts decrypt to: messages with everyone's noise, whole
/// ring products, the offline shares' noise times the keys, and masks that are rounded apart from the
/// values. Equal to an encrypted run with these noises and masks.
fn noisy(cast: &Cast, attack: Option<Attack>, seed: u64) -> anyhow::Result<Vec<i64>> {
    let table = cast.job.template.compile()?;
    let mut random = Random(seed ^ 0x5eed);
    let members = cast.job.members();
    let keys: Vec<Poly> = (0..members).map(|_| poly((0..N).map(|_| (random.word() % 3) as i64 - 1))).collect();
    let mut key = Poly::zero();
    keys.iter().for_each(|k| key.add_assign(k));
    let key = key.into_eval();
    let columns = usize::from(table.columns);
    // Member 0 attacks; the others' noise is drawn.
    let mut noise = |place: Place| {
        let mut sum = attack.map_or(vec![0; N], |a| a.noise(place, &table, &keys[0]));
        for _ in u32::from(attack.is_some())..members {
            sum.iter_mut().for_each(|e| *e += binomial(&mut random));
        }
        poly(sum.into_iter())
    };

    let mut tiles: Vec<Vec<(Eval, Poly)>> = Vec::new();
    for group in cast.groups.iter().flatten() {
        let mut blocks = Vec::new();
        for [features, moment] in &group.planes {
            let (mut x, mut m) = (features.clone(), moment.clone());
            x.add_assign(&noise(Place::Features));
            m.add_assign(&noise(Place::Moment));
            blocks.push((x.into_eval(), m));
        }
        tiles.push(blocks);
    }
    let width = mask_bits(members);
    let mut masks = Random(!seed);
    let mut values: Vec<Vec<i64>> = table.states.iter().map(|s| vec![0; usize::from(s.length)]).collect();
    let mut states: Vec<Eval> = vec![Eval::zero(); values.len()];
    for _ in 0..table.iterations {
        for phase in &table.phases {
            let mut opened = Vec::new();
            for opening in &phase.openings {
                let mut product = Eval::zero();
                for &(left, right) in &opening.products {
                    let factor = |o: Operand| match o {
                        // A full batch: the step's row groups in their order.
                        Operand::Features { slot, block } => &tiles[usize::from(slot)][usize::from(block)].0,
                        Operand::State(s) => &states[usize::from(s)],
                    };
                    product.mul_add(factor(left), factor(right));
                }
                product.mul_add(&noise(Place::Offline).into_eval(), &key);
                let mut v = product.into_poly();
                for a in &opening.addends {
                    let moment = &tiles[usize::from(a.slot)][usize::from(a.block)].1;
                    v.add_assign(&moment.shifted_down(usize::from(a.class) * columns));
                }
                let rescaled = v.at(&opening.positions).into_iter().map(|v| {
                    let mut u = i128::from(centred(v));
                    let mut shares = 0;
                    for _ in 0..members {
                        let mask = (masks.word() as i64) >> (63 - width);
                        u += i128::from(mask);
                        shares += round_shift(mask, phase.shift);
                    }
                    round_shift(u as i64, phase.shift) - shares
                });
                opened.push(rescaled.collect::<Vec<i64>>());
            }
            for output in &phase.outputs {
                let state = usize::from(output.state);
                if !output.carry {
                    values[state].fill(0);
                }
                for &o in &output.openings {
                    for (s, v) in values[state].iter_mut().zip(&opened[usize::from(o)]) {
                        *s += if output.negate { -v } else { *v };
                    }
                }
                let entries: Vec<F> = values[state].iter().map(|&v| from_i64(v + output.constant)).collect();
                let mut message = Poly::placed(&table.places(output.state), &entries);
                message.add_assign(&noise(Place::State(output.state)));
                states[state] = message.into_eval();
            }
        }
    }
    Ok(values[usize::from(table.released[0])].clone())
}

impl Attack {
    fn noise(self, place: Place, table: &PhaseTable, own_key: &Poly) -> Vec<i64> {
        let residuals = |s: u16| table.states[usize::from(s)].packing == Packing::Residuals;
        let [features, moment, weights, of_residuals] = self.values;
        let v = match place {
            Place::Features => features,
            Place::Moment => moment,
            Place::State(s) if residuals(s) => of_residuals,
            Place::State(_) | Place::Offline => weights,
        };
        let mut out = vec![0; N];
        match place {
            Place::Features if self.everywhere => out.fill(v),
            Place::Features => out.iter_mut().step_by(usize::from(table.columns)).for_each(|e| *e = v),
            // The moment has the sign of the gradient, which is subtracted from the weights.
            Place::Moment if self.everywhere => out.fill(-v),
            Place::Moment => out[0] = -v,
            // Smallest at coefficient 0 of its product with the own key.
            Place::Offline => {
                for (k, e) in out.iter_mut().enumerate() {
                    let met = centred(own_key.coefficients()[(N - k) % N]);
                    *e = if k == 0 { -v * met } else { v * met };
                }
            }
            // Lower predictions and lower residuals both raise the weight.
            Place::State(_) if self.everywhere => {
                out.fill(v);
                out[0] = -v;
            }
            Place::State(s) => {
                let places = table.places(s);
                for place in places.iter().take(if residuals(s) { places.len() } else { 1 }) {
                    out[usize::from(place.position)] = if place.negative { v } else { -v };
                }
            }
        }
        out
    }
}

fn poly(values: impl Iterator<Item = i64>) -> Poly {
    let mut coefficients: Vec<F> = values.map(from_i64).collect();
    coefficients.resize(N, F::ZERO);
    Poly::from_coefficients(coefficients)
}

/// Centred binomial, η = 2.
fn binomial(random: &mut Random) -> i64 {
    let word = random.word();
    i64::from((word & 3).count_ones()) - i64::from((word >> 2 & 3).count_ones())
}
