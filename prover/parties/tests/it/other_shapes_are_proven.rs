//! Proven jobs of other shapes than the small one: minutes each, so they run with `make soak`.

use super::job::template;
use super::played::NODE;
use std::sync::Arc;
use std::time::Instant;
use zektra_he::rehearsal::rows::rows;
use zektra_he::rehearsal::{Cast, Rows};
use zektra_parties::bundle::bundle;
use zektra_parties::rehearsal;
use zektra_prove::cache::Cache;
use zektra_prove::chain::{NodeCircuits, ShareCircuits};
use zektra_statement::template::{Kind, Template};
use zektra_verify::known::Trusted;
use zektra_verify::verify::verify;

/// Proves one iteration and verifies its bundle.
fn prove(name: &str, members: u32, counts: &[usize], template: Template) {
    let start = Instant::now();
    let tables: Vec<Rows> = (0u64..).zip(counts).map(|(i, &c)| rows(50 + i, c, &template.params)).collect();
    let mut cast = Cast::new(3, members as usize, &tables, template).unwrap();
    let cache = Cache::of_user();
    let mut progress = |what: &str| println!("{name} {:7.1} s  {what}", start.elapsed().as_secs_f64());
    let shares = Arc::new(ShareCircuits::load(&cache, &template, members).unwrap());
    let circuits = Arc::new(NodeCircuits::load(&cache, shares, &mut progress).unwrap());
    rehearsal::complete_record(&mut cast, circuits.digest());
    let job = rehearsal::prove(&cast, &circuits, NODE, &mut progress).unwrap();
    let (last, states) = rehearsal::chain(&job, &circuits, &mut progress).unwrap();
    let bytes = bundle(&circuits, &cast.job, &job.roots, NODE, &last, &states).encode();
    let report = verify(&bytes, &Trusted::none().name(circuits.digest())).unwrap();
    assert_eq!(report.job, cast.job);
    println!("{name}: links of 2^{} rows, {} bytes", circuits.link_rows_log2(), bytes.len());
}

/// A batch of all rows, or of one group.
fn full(change: impl Fn(&mut Template), groups: u32) -> Template {
    let mut t = template(1);
    (t.params.groups, t.params.full_batch) = (groups, true);
    change(&mut t);
    t.params.shift_w = t.params.shift_for_learning_rate(0.25);
    t
}

#[test]
#[ignore = "minutes: `make soak`"]
fn two_members() {
    prove("two members", 2, &[100], full(|_| {}, 1));
}

#[test]
#[ignore = "minutes: `make soak`"]
fn four_members() {
    prove("four members", 4, &[100], full(|_| {}, 1));
}

#[test]
#[ignore = "minutes: `make soak`"]
fn five_members() {
    prove("five members", 5, &[100], full(|_| {}, 1));
}

#[test]
#[ignore = "minutes: `make soak`"]
fn one_member() {
    prove("one member", 1, &[100], full(|_| {}, 1));
}

/// Two row groups a step, summed in one gradient.
#[test]
#[ignore = "minutes: `make soak`"]
fn two_row_groups_a_step() {
    prove("two row groups", 2, &[200], full(|t| t.params.fan_in = 2, 2));
}

/// Three column blocks of 32.
#[test]
#[ignore = "minutes: `make soak`"]
fn three_column_blocks() {
    prove("three column blocks", 2, &[100], full(|t| t.params.features = 90, 1));
}

/// Tiles of 64 columns, and a vector for each of three classes.
#[test]
#[ignore = "minutes: `make soak`"]
fn three_classes_and_64_columns() {
    let change = |t: &mut Template| (t.params.features, t.params.classes) = (50, 3);
    prove("three classes", 2, &[60], full(change, 1));
}

/// Element-wise products: openings whose coefficients are scattered, and four phases.
#[test]
#[ignore = "minutes: `make soak`"]
fn the_cubic_link() {
    prove("cubic link", 2, &[100], full(|t| t.kind = Kind::CubicClassifier, 1));
}
