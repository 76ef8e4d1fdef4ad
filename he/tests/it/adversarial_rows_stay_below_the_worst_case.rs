use crate::stage::{Chance, encrypt, integers, open_product, poly};
use zektra_he::rehearsal::rows::classifier;
use zektra_he::ring::Poly;
use zektra_statement::field::{N, from_i64};
use zektra_statement::packing::{Packing, column_positions, row_positions};
use zektra_statement::payload::payload;
use zektra_statement::template::Template;

const MEMBERS: usize = 3;

/// `±2` of every member, so that the noise times `other` is as large as it gets at coefficient `position`.
fn aligned(other: &[i64], position: usize) -> Poly {
    let mut noise = vec![0; N];
    for (i, &v) in other.iter().enumerate() {
        // other[i]·noise[k] reaches `position` for k = position − i, negated where it wraps.
        let (k, sign) = if i <= position { (position - i, 1) } else { (N + position - i, -1) };
        noise[k] = sign * if v < 0 { -2 } else { 2 };
    }
    poly(&noise)
}

/// Noise that enlarges every entry of every row.
fn along(x: &[i64]) -> Poly {
    poly(&x.iter().map(|&v| if v < 0 { -2 } else { 2 }).collect::<Vec<_>>())
}

struct Measured {
    z: f64,
    g: f64,
}

/// The last iteration of the worst job that we found: row groups whose rows are zero but whose moments push
/// the weights in one direction, as far as their bound allows; then one whose rows all lie in that direction,
/// on the sphere. All noise is ±2 and aligned, of tiles, states and offline shares alike, and so are roundings.
fn attack(template: &Template) -> Measured {
    let p = &template.params;
    let columns = p.columns() as usize;
    let rows = p.rows_per_group() as usize;
    let root_r = (f64::from(p.row_norm) / 256.0).sqrt();
    // (1, 1, 1, ½): the sphere of R = 3.25, with entries at the range.
    let one = 1i64 << p.scale_x;
    let direction = [one, one, one, one / 2];
    let norm = direction.iter().map(|v| (v * v) as f64).sum::<f64>().sqrt();
    assert!(norm <= root_r * one as f64);
    let mut x = vec![0i64; N];
    for row in x.chunks_mut(columns) {
        row[..4].copy_from_slice(&direction);
    }
    let unit = |e: u32| f64::from(e).exp2();
    let push = rows as f64 * root_r / 2.0 * unit(p.scale_x + p.scale_r) / unit(p.shift_w);
    let rounding = (MEMBERS + 1) as f64 / 2.0;
    let steps = f64::from(p.iterations - 1);
    let weights: Vec<i64> =
        direction.iter().map(|&v| (steps * (push * v as f64 / norm + rounding)).floor() as i64).collect();

    let mut chance = Chance::new(9);
    // Keys of ones: the offline shares' noise adds up.
    let keys = vec![poly(&vec![1; N]); MEMBERS];
    let places: Vec<_> = (0..4).map(|i| Packing::Weights.place(i, columns)).collect();
    let w = Poly::placed(&places, &weights.iter().map(|&v| from_i64(v)).collect::<Vec<_>>());
    let open = |chance: &mut Chance, state: &Poly, positions: &[u16]| {
        let (a, b) = (chance.uniform(), chance.uniform());
        let tile = encrypt(&keys, &a, &poly(&x), &mut |_| along(&x));
        let noisy: Vec<i64> = x.iter().map(|&v| v + if v < 0 { -6 } else { 6 }).collect();
        let noise = aligned(&noisy, usize::from(positions[0]));
        let cipher = encrypt(&keys, &b, state, &mut |_| noise.clone());
        let offline = aligned(&vec![1; N], usize::from(positions[0]));
        open_product(chance, &keys, (&(tile, a), &(cipher, b)), positions, &mut |_, _| offline.clone())
    };
    let z = open(&mut chance, &w, &row_positions(columns));
    let largest = z.iter().map(|v| v.abs()).max().unwrap() as f64;

    // Every residual as large as the largest, and rounded up.
    let r = (largest / unit(p.shift_r()) + rounding).floor() as i64;
    let places: Vec<_> = (0..rows).map(|i| Packing::Residuals.place(i, columns)).collect();
    let residuals = Poly::placed(&places, &vec![from_i64(r); rows]);
    let g = open(&mut chance, &residuals, &column_positions(columns));
    let moment = rows as f64 * root_r / 2.0 * unit(p.scale_x + p.scale_r) + 6.0;
    let g = g.iter().map(|v| v.abs()).max().unwrap() as f64 + moment;
    assert_eq!(integers(&residuals).iter().filter(|v| **v != 0).count(), rows);
    Measured { z: largest, g }
}

#[test]
fn the_worst_case_is_a_bound_and_at_most_three_bits_loose() {
    for (features, iterations) in [(31, 2), (31, 12), (31, 24), (64, 12)] {
        let mut template = classifier(features, 1, iterations);
        template.params.full_batch = false;
        let bound = payload(&template, MEMBERS as u32);
        let measured = attack(&template);
        for (phase, value) in bound.phases.iter().zip([measured.z, measured.g]) {
            assert!(value <= phase.worst, "{}: {value} is beyond {}", phase.name, phase.worst);
            assert!(value * 8.0 > phase.worst, "{}: {value} is far below {}", phase.name, phase.worst);
        }
    }
}
