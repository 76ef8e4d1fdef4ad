use zektra_verify::settings::{ALL, MIN_PROVEN_BITS, Regime, WRAP, table};

#[test]
fn at_every_allowed_size() {
    for setting in ALL {
        for rows in setting.rows_log2() {
            let bits = setting.proven_bits(rows);
            assert!(bits >= MIN_PROVEN_BITS, "{} at 2^{rows} rows: {bits}", setting.name);
        }
    }
}

#[test]
fn in_every_round_of_the_proximity_parameter_that_is_reported() {
    for setting in ALL {
        for rows in setting.rows_log2() {
            let proven = setting.proven(rows);
            assert!(matches!(proven.regime, Regime::Johnson(_)));
            assert_eq!(proven.rounds.len(), 7);
            assert!(proven.rounds.iter().all(|r| r.bits >= proven.bits()));
            assert!(proven.union_bits() <= setting.proven_union_bits(rows) + 1e-9);
            assert!(setting.proven_union_bits(rows) < proven.bits());
        }
    }
}

#[test]
fn the_conjecture_is_never_below_what_is_proven() {
    for setting in ALL {
        for rows in setting.rows_log2() {
            assert!(setting.conjectured_bits(rows) > setting.proven_bits(rows), "{} 2^{rows}", setting.name);
        }
    }
}

#[test]
fn the_last_proof_has_at_most_150_kb_and_its_domain_at_most_2_to_the_19() {
    for rows in WRAP.rows_log2() {
        assert!(WRAP.proof_bytes(rows, 45) <= 150_000);
        assert!(rows as usize + WRAP.config().fri_config.rate_bits <= 19);
    }
}

#[test]
fn the_table_has_a_row_for_every_size() {
    let sizes = ALL.iter().map(|s| s.rows_log2().count()).sum::<usize>();
    assert_eq!(table().len(), sizes);
}
