use std::sync::Arc;
use std::time::Instant;
use zektra_he::rehearsal::{Cast, Rows};
use zektra_parties::rehearsal;
use zektra_prove::chain::{NodeCircuits, ShareCircuits};
use zektra_statement::digest::{Fingerprint, poseidon_chain};
use zektra_statement::template::{Kind, Params, Template};

fn pseudo(seed: u64, k: usize) -> u64 {
    let mut x = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(k as u64).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x ^= x >> 29;
    x = x.wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 32)
}

fn rows(seed: u64, count: usize, p: &Params) -> Rows {
    let unit = |k: u64| (pseudo(seed, k as usize) >> 11) as f64 / (1u64 << 53) as f64 * 2.0 - 1.0;
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

fn template(iterations: u32) -> Template {
    let mut params = Params {
        features: 31,
        classes: 1,
        groups: 1,
        full_batch: false,
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

#[test]
fn a_small_job_is_proven() {
    let t = Instant::now();
    poseidon_chain(1 << 20);
    println!("P = {:?}", t.elapsed());
    let template = template(2);
    let tables: Vec<Rows> = [128, 100].iter().map(|&c| rows(c as u64, c, &template.params)).collect();
    let cast = Cast::new(7, 3, &tables, template).unwrap();
    let clock = std::cell::Cell::new(Instant::now());
    let mut progress = |what: &str| {
        println!("{:8.3} s  {what}", clock.get().elapsed().as_secs_f64());
        clock.set(Instant::now());
    };
    let shares = Arc::new(ShareCircuits::build(&template, 3).unwrap());
    progress("share circuits");
    let circuits = Arc::new(NodeCircuits::build(shares, &mut progress).unwrap());
    progress("node circuits");
    println!("wrap: {:?}, chain of {}", circuits.wrap, circuits.digest());
    let job = rehearsal::prove(&cast, &circuits, Fingerprint([9; 32]), &mut progress).unwrap();
    let (last, states) = rehearsal::chain(&job, &circuits, &mut progress).unwrap();
    println!("{} bytes", last.bytes().len());
    let t = Instant::now();
    circuits.wrap.verify(&last).unwrap();
    println!("verified in {:?}", t.elapsed());
    let shown = zektra_statement::chain::Elements::from_slice(last.public_inputs()).unwrap();
    assert_eq!(shown.state, states.digest());
    assert_eq!(shown.made, shown.used);
    assert_eq!(shown.iteration, 2);
}
