//! A small job, all parties in one process, with everything that provers need.

use std::sync::Arc;
use std::time::Instant;
use zektra_he::log::LabelLog;
use zektra_he::member::Member;
use zektra_he::rehearsal::{Cast, Memory, Rows};
use zektra_he::transcript::{Program, Transcript};
use zektra_statement::template::{Kind, Params, Template};

/// Rows within the bounds, drawn from a seed.
pub fn rows(seed: u64, count: usize, p: &Params) -> Rows {
    let unit = |k: u64| (super::pseudo(seed, k as usize) >> 11) as f64 / (1u64 << 53) as f64 * 2.0 - 1.0;
    let norm = f64::from(p.row_norm) / 256.0;
    let scale = f64::from(1 << p.scale_x);
    let half = 1 << (p.scale_r - 1);
    (0..count as u64)
        .map(|i| {
            let mut x: Vec<f64> = (0..u64::from(p.features)).map(|j| unit(i * 4096 + j)).collect();
            x[0] = 0.25;
            let length = x.iter().map(|v| v * v).sum::<f64>().max(1e-9);
            let shrink = (norm / length).sqrt().min(1.0) * 0.999;
            let x: Vec<i32> = x.iter().map(|v| ((v * shrink).clamp(-0.99, 0.99) * scale).trunc() as i32).collect();
            let target = |c: u64| if unit(i * 4096 + 2048 + c) + f64::from(x[1]) / scale > 0.0 { half } else { -half };
            (x.clone(), (0..u64::from(p.classes)).map(target).collect())
        })
        .collect()
}

/// A linear classifier with the default scales.
pub fn classifier(features: u32, groups: u32, iterations: u32) -> Template {
    let mut params = Params {
        features,
        classes: 1,
        groups,
        full_batch: true,
        iterations,
        fan_in: 1,
        scale_x: 8,
        scale_w: 14,
        scale_r: 8,
        shift_w: 1,
        row_norm: 832,
        range: 256,
    };
    params.shift_w = params.shift_for_learning_rate(0.5);
    Template { kind: Kind::LinearClassifier, params }
}

/// A job of `members`, each of the owners with one table.
pub fn cast(members: usize, counts: &[usize], template: Template) -> Cast {
    let tables: Vec<Rows> =
        counts.iter().enumerate().map(|(i, &c)| rows(90 + i as u64, c, &template.params)).collect();
    Cast::new(7, members, &tables, template).unwrap()
}

/// Members who joined and exchanged shares, and the node.
pub fn begin<'a>(cast: &'a Cast, logs: &'a mut [LabelLog]) -> (Vec<Member<'a, Memory>>, Transcript<Memory>) {
    let (memory, roots) = cast.extend(logs).unwrap();
    let program = Arc::new(Program::new(cast.job.clone(), &roots).unwrap());
    let mut members = Vec::new();
    for ((index, seat), log) in (0u32..).zip(&cast.seats).zip(logs) {
        members.push(Member::join(seat, log, index, program.clone(), memory.clone()).unwrap());
    }
    let memory = Memory { offline: Arc::new(cast.offline(&program, &mut members).unwrap()), ..memory };
    for m in &mut members {
        *m.source_mut() = memory.clone();
    }
    (members, Transcript::new(program, memory))
}

/// Prints how long `f` takes.
pub fn timed<T>(what: &str, f: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let out = f();
    println!("{what}: {:.3} s", start.elapsed().as_secs_f64());
    out
}
