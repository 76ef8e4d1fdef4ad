use zektra_verify::settings::{Error, MAX_CONSTANT_COLUMNS, MAX_GATE_CONSTRAINTS, SHARE};

#[test]
fn by_its_rows() {
    assert_eq!(SHARE.check(12, 123, 4), Ok(()));
    for rows in [10, 15] {
        let error = SHARE.check(rows, 123, 4).unwrap_err();
        assert_eq!(error, Error::Rows { family: "share", rows_log2: rows, allowed: 11..=14 });
        assert_eq!(error.to_string(), format!("a share circuit has 2^11 to 2^14 rows, not 2^{rows}"));
    }
}

#[test]
fn by_its_gates() {
    let error = SHARE.check(12, MAX_GATE_CONSTRAINTS + 1, 4).unwrap_err();
    assert_eq!(error, Error::Constraints(MAX_GATE_CONSTRAINTS + 1));
    let error = SHARE.check(12, 123, MAX_CONSTANT_COLUMNS + 1).unwrap_err();
    assert_eq!(error, Error::Constants(MAX_CONSTANT_COLUMNS + 1));
}
