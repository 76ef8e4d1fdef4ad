use zektra_verify::settings::{CHAIN, PUBLIC, Regime, SHARE, Setting, WRAP, table};

fn near(setting: &Setting, rows: u32, expected: f64, weakest: &str) {
    let proven = setting.proven(rows);
    let bits = proven.bits();
    assert!((bits - expected).abs() < 0.01, "{bits}, expected {expected}");
    assert_eq!(proven.weakest().name, weakest);
}

/// Plonky2's own default: 58 bits, and 100 in the queries under the conjecture.
#[test]
fn the_default_of_28_queries_proves_58_bits() {
    let default = SHARE.with(28, 2);
    near(&default, 12, 57.96, "queries");
    let capacity = default.soundness(12, Regime::Capacity);
    assert_eq!(capacity.rounds.iter().find(|r| r.name == "queries").unwrap().bits, 100.0);
    assert_eq!(capacity.weakest().name, "permutation");
    assert!((capacity.bits() - 91.4).abs() < 0.1);
}

#[test]
fn two_challenges_fall_below_80_bits_at_2_to_the_16_rows() {
    let two = PUBLIC.with(48, 2);
    near(&two, 12, 85.82, "permutation");
    near(&two, 15, 81.40, "permutation");
    near(&two, 16, 79.69, "permutation");
    near(&two, 17, 77.69, "permutation");
    // Queries do not help: 51 are the fewest for 2^16, none are enough for 2^17.
    near(&two.with(51, 2), 16, 80.05, "permutation");
    near(&two.with(500, 2), 17, 78.05, "permutation");
}

#[test]
fn three_challenges_and_56_queries_prove_90_bits() {
    near(&PUBLIC.with(56, 3), 15, 90.48, "queries");
}

#[test]
fn of_the_settings_in_use() {
    near(&SHARE, 14, 82.95, "permutation");
    near(&PUBLIC, 16, 82.26, "queries");
    near(&CHAIN, 17, 81.99, "batching");
    near(&WRAP, 14, 81.10, "permutation");
}

const DECISION: &str = include_str!("../../../../docs/adr/0010-proof-settings.md");

#[test]
fn of_the_documented_settings() {
    for row in table() {
        let line = format!("| {} |", row.join(" | "));
        assert!(DECISION.contains(&line), "not in the decision: {line}");
    }
}

#[test]
fn of_the_documented_alternatives() {
    for (queries, challenges) in [(28, 2), (48, 2), (51, 2), (45, 3), (48, 3), (56, 3)] {
        let setting = PUBLIC.with(queries, challenges);
        let bits = [12, 15, 16, 17].map(|rows| format!("{:.1}", (setting.proven_bits(rows) * 10.0).floor() / 10.0));
        let line = format!("| {queries}, {challenges} | {} |", bits.join(" | "));
        assert!(DECISION.contains(&line), "not in the decision: {line}");
    }
}
