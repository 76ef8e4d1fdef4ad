//! A schema is a public document; a table read by it is bounded whatever the file holds.

use std::collections::BTreeSet;

use proptest::prelude::*;
use zektra_agents::schema::{Column, DraftError, DraftOptions, MAX_COLUMNS, Schema, SchemaError, TargetColumn};
use zektra_agents::table::{MAX_LINE, MAX_SCALE_BITS, Row, Scaler, TableError, TableReader, Tally, Target};

const BREAST_CANCER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../data/breast_cancer.csv");

const DOCUMENT: &str = r#"
version = 1
name = "two_columns"
row_norm = 3.25
gain = 2
bias = 0.25
range = 1.0

[target]
column = "benign"
kind = "classes"
values = ["0", "1"]

[[columns]]
name = "radius"
low = 0
high = 10.0

[[columns]]
name = "area"
low = -1e3
high = 1e3
"#;

fn schema() -> Schema {
    Schema::parse(DOCUMENT).unwrap()
}

fn number_schema() -> Schema {
    let target = TargetColumn::Number { column: "price".into(), low: 100.0, high: 300.0 };
    Schema { target, ..schema() }
}

fn read(text: &str, schema: &Schema) -> Result<Vec<Row>, TableError> {
    TableReader::new(text.as_bytes(), schema, 8)?.collect()
}

fn row(x: [i32; 3], class: u8) -> Row {
    Row { x: x.to_vec(), target: Target::Class(class) }
}

fn message<T>(result: Result<T, impl std::fmt::Display>) -> String {
    result.map(|_| ()).map_err(|error| error.to_string()).unwrap_err()
}

fn refused(edit: impl FnOnce(&mut Schema)) -> (String, String) {
    let mut schema = schema();
    edit(&mut schema);
    let direct = schema.validate();
    // Reading its document refuses it as well, and so does whatever takes a schema.
    assert!(Schema::parse(&schema.to_toml()).is_err());
    assert!(matches!(TableReader::new(&b"radius,area,benign\n"[..], &schema, 8), Err(TableError::Schema(_))));
    match direct {
        Err(SchemaError::Invalid { field, value, expected }) => {
            assert!(!expected.is_empty());
            (field, value)
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_schema_is_read_from_its_document() {
    let schema = schema();
    assert_eq!((schema.features(), schema.classes()), (3, 1));
    assert_eq!(schema.gain, 2.0);
    assert_eq!(schema.columns[1], Column { name: "area".into(), low: -1000.0, high: 1000.0 });
    assert_eq!(Schema::parse(&schema.to_toml()).unwrap(), schema);

    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), DOCUMENT).unwrap();
    assert_eq!(Schema::load(file.path()).unwrap(), schema);
    let missing = file.path().with_extension("missing");
    assert!(message(Schema::load(&missing)).contains("missing"));

    let number = DOCUMENT
        .replace("kind = \"classes\"", "kind = \"number\"")
        .replace("values = [\"0\", \"1\"]", "low = 100\nhigh = 300.0");
    let number = number.replace("benign", "price");
    assert_eq!(Schema::parse(&number).unwrap(), number_schema());
    assert_eq!(number_schema().classes(), 1);
    let three = Schema::parse(&DOCUMENT.replace("\"1\"]", "\"1\", \"2\"]")).unwrap();
    assert_eq!(three.classes(), 3);
}

#[test]
fn a_document_with_unknown_fields_or_another_version_is_refused() {
    for (from, to) in [
        ("gain = 2", "gain = 2\nloss = 1"),
        ("kind = \"classes\"", "kind = \"classes\"\nlow = 1"),
        ("kind = \"classes\"", "kind = \"ranks\""),
        ("low = 0", "low = 0\nunit = \"mm\""),
        ("low = 0", "low = \"0\""),
        ("low = 0", ""),
        ("bias = 0.25", ""),
        ("version = 1", ""),
    ] {
        let text = DOCUMENT.replace(from, to);
        assert!(matches!(Schema::parse(&text), Err(SchemaError::Document(_))), "{text}");
    }
    let later = DOCUMENT.replace("version = 1", "version = 2\nnew = true");
    assert_eq!(message(Schema::parse(&later)), "schema field version is 2, expected 1");
}

#[test]
fn a_schema_outside_its_rules_is_refused_by_the_name_of_the_field() {
    let named = |field: &str, value: &str| (field.to_owned(), value.to_owned());
    assert_eq!(refused(|s| s.name = "Upper".into()), named("name", "\"Upper\""));
    assert_eq!(refused(|s| s.name.clear()), named("name", "\"\""));
    assert_eq!(refused(|s| s.name = "a".repeat(65)).0, "name");
    for bad in [0.24, 4.01, f64::NAN, f64::INFINITY] {
        assert_eq!(refused(|s| s.row_norm = bad), named("row_norm", &bad.to_string()));
    }
    for bad in [0.0, -1.0, 8.1, f64::NAN] {
        assert_eq!(refused(|s| s.gain = bad), named("gain", &bad.to_string()));
    }
    for bad in [0.0, 1.1, f64::NAN] {
        assert_eq!(refused(|s| s.bias = bad), named("bias", &bad.to_string()));
    }
    for bad in [0.0, 2.1, f64::NAN] {
        assert_eq!(refused(|s| s.range = bad), named("range", &bad.to_string()));
    }
    assert_eq!(refused(|s| s.range = 0.2), named("bias", "0.25"));
    assert_eq!(refused(|s| s.columns.clear()), named("columns", "0 columns"));
    assert_eq!(refused(|s| s.columns[1].high = -1e3), named("columns[1] (area).high", "-1000"));
    assert_eq!(refused(|s| s.columns[0].low = f64::NAN), named("columns[0] (radius).low", "NaN"));
    assert_eq!(refused(|s| (s.columns[0].low, s.columns[0].high) = (-1e308, 1e308)).1, "inf");
    assert_eq!(refused(|s| s.columns[1].name = "radius".into()), named("columns[1].name", "\"radius\""));
    assert_eq!(refused(|s| s.columns[1].name = " area".into()), named("columns[1].name", "\" area\""));
    assert_eq!(refused(|s| s.columns[1].name = "benign".into()), named("target.column", "\"benign\""));
    let values = |values: &[&str]| {
        let values = values.iter().map(|value| (*value).to_owned()).collect();
        move |s: &mut Schema| s.target = TargetColumn::Classes { column: "benign".into(), values }
    };
    assert_eq!(refused(values(&["0"])), named("target.values", "1 values"));
    let eleven: Vec<String> = (0..11).map(|value| value.to_string()).collect();
    let eleven: Vec<&str> = eleven.iter().map(String::as_str).collect();
    assert_eq!(refused(values(&eleven)), named("target.values", "11 values"));
    assert_eq!(refused(values(&["0", "1", "0"])), named("target.values[2]", "\"0\""));
    assert_eq!(refused(values(&["0", ""])), named("target.values[1]", "\"\""));
    let backwards = TargetColumn::Number { column: "price".into(), low: 2.0, high: 1.0 };
    assert_eq!(refused(|s| s.target = backwards), named("target.high", "1"));

    let wide = |columns: usize| {
        let column = |i| Column { name: format!("c{i}"), low: 0.0, high: 1.0 };
        Schema { columns: (0..columns).map(column).collect(), ..schema() }
    };
    assert_eq!(Schema::parse(&wide(MAX_COLUMNS).to_toml()).unwrap().features(), 1024);
    assert!(wide(MAX_COLUMNS + 1).validate().is_err());
}

#[test]
fn schemas_that_nearly_collide_have_different_digest_bytes() {
    let column = |name: &str, low, high| Column { name: name.into(), low, high };
    let classes = |column: &str, values: &[&str]| TargetColumn::Classes {
        column: column.into(),
        values: values.iter().map(|value| (*value).to_owned()).collect(),
    };
    let base = schema();
    let one = f64::from_bits(1.0f64.to_bits() + 1);
    let all = [
        base.clone(),
        Schema { version: 2, ..base.clone() },
        Schema { name: "two_column".into(), ..base.clone() },
        Schema { name: "two_columnss".into(), ..base.clone() },
        Schema { row_norm: 2.0, gain: 3.25, ..base.clone() },
        Schema { bias: 1.0, range: 0.25, ..base.clone() },
        Schema { range: one, ..base.clone() },
        Schema { target: classes("benign", &["1", "0"]), ..base.clone() },
        Schema { target: classes("benign", &["01"]), ..base.clone() },
        Schema { target: classes("benign", &["", "01"]), ..base.clone() },
        Schema { target: classes("benign", &["0", "1", ""]), ..base.clone() },
        Schema { target: classes("benig", &["n0", "1"]), ..base.clone() },
        Schema { target: TargetColumn::Number { column: "benign".into(), low: 0.0, high: 1.0 }, ..base.clone() },
        Schema { target: TargetColumn::Number { column: "benign".into(), low: 1.0, high: 0.0 }, ..base.clone() },
        Schema { columns: vec![column("area", -1e3, 1e3), column("radius", 0.0, 10.0)], ..base.clone() },
        Schema { columns: vec![column("radius", 0.0, 10.0)], ..base.clone() },
        Schema { columns: vec![column("radiusa", 0.0, 10.0), column("rea", -1e3, 1e3)], ..base.clone() },
        Schema { columns: vec![column("radius", 10.0, 0.0), column("area", -1e3, 1e3)], ..base.clone() },
        Schema { columns: vec![column("radius", 0.0, -10.0), column("area", -1e3, 1e3)], ..base.clone() },
        Schema { columns: Vec::new(), ..base.clone() },
    ];
    let digests: BTreeSet<_> = all.iter().map(Schema::digest_bytes).collect();
    assert_eq!(digests.len(), all.len());

    let mut minus_zero = base.clone();
    minus_zero.columns[0].low = -0.0;
    assert_eq!(minus_zero, base);
    assert_eq!(minus_zero.digest_bytes(), base.digest_bytes());
}

#[test]
fn the_digest_encoding_does_not_change() {
    let target = TargetColumn::Number { column: "y".into(), low: 0.0, high: 1.0 };
    let columns = vec![Column { name: "x".into(), low: -1.0, high: 2.0 }];
    let schema = Schema { name: "t".into(), target, columns, ..schema() };
    let mut expected = b"\x0d\0\0\0zektra schema\x01\0\0\0\x01\0\0\0t".to_vec();
    for number in [3.25f64, 2.0, 0.25, 1.0] {
        expected.extend(number.to_bits().to_le_bytes());
    }
    expected.extend(b"\x08\0\0\0\x08\0\0\0\x01\x01\0\0\0y");
    expected.extend([[0; 8], 1.0f64.to_bits().to_le_bytes()].concat());
    expected.extend(b"\x01\0\0\0\x01\0\0\0x");
    expected.extend([(-1.0f64).to_bits().to_le_bytes(), 2.0f64.to_bits().to_le_bytes()].concat());
    assert_eq!(schema.digest_bytes(), expected);
}

#[test]
fn a_draft_proposes_bounds_and_says_that_they_become_public() {
    let text = "id,year,x,label\n1,1990,0.5,b\n2,2000,1.5,a\n3,2010,1.0,b\n4,2000,1.0,a\n";
    let options = DraftOptions { name: "years".into(), exclude: vec!["id".into()], ..DraftOptions::default() };
    let draft = Schema::draft(text.as_bytes(), "label", &options).unwrap();
    assert_eq!(draft.rows, 4);
    assert!(draft.warnings[0].contains("become public") && draft.warnings[0].contains("domain knowledge"));
    // Standard deviations sqrt(50) and sqrt(1/8); the year's bounds are not widened to three of its own digits.
    let bounds: Vec<_> = draft.schema.columns.iter().map(|c| (c.name.as_str(), c.low, c.high)).collect();
    assert_eq!(bounds, [("year", 1982.3, 2017.7), ("x", 0.11, 1.89)]);
    let values = vec!["a".to_owned(), "b".to_owned()];
    assert_eq!(draft.schema.target, TargetColumn::Classes { column: "label".into(), values });
    assert!(draft.to_toml().starts_with("# WARNING: the column names, bounds and target values"));
    assert_eq!(Schema::parse(&draft.to_toml()).unwrap(), draft.schema);
}

#[test]
fn a_drafted_target_is_classes_if_its_values_are_few_and_else_a_number() {
    let draft = |targets: &[&str]| {
        let rows: String = targets.iter().enumerate().map(|(i, target)| format!("{i},{target}\n")).collect();
        Schema::draft(format!("x,y\n{rows}").as_bytes(), "y", &DraftOptions::default())
    };
    let classes = |values: &[&str]| {
        let values = values.iter().map(|value| (*value).to_owned()).collect();
        TargetColumn::Classes { column: "y".into(), values }
    };
    assert_eq!(draft(&["10", "2", "2", "1"]).unwrap().schema.target, classes(&["1", "2", "10"]));
    assert_eq!(draft(&["10", "2", "no"]).unwrap().schema.target, classes(&["10", "2", "no"]));
    let doubled = draft(&["1", "2", "1.0"]).unwrap();
    assert!(doubled.warnings.iter().any(|warning| warning.contains("same number in two ways")));

    let mut many = ["-1.2345", "0", "1", "2", "3", "4", "5", "6", "7", "8", "98.7654"];
    let number = TargetColumn::Number { column: "y".into(), low: -1.3, high: 98.8 };
    assert_eq!(draft(&many).unwrap().schema.target, number);
    many[3] = "many";
    let error = draft(&many).unwrap_err();
    assert!(matches!(error, DraftError::Target(TableError::NotANumber { line: 5, .. })), "{error}");

    assert!(
        matches!(draft(&["1", "1"]), Err(DraftError::ConstantTarget { column, value }) if (column.as_str(), value.as_str()) == ("y", "1"))
    );
    assert!(matches!(draft(&[]), Err(DraftError::NoRows)));
    let constant = Schema::draft(&b"x,y\n0.1,1\n0.1,2\n"[..], "y", &DraftOptions::default());
    assert_eq!(message(constant), "column \"x\" is 0.1 in every row, expected a column that varies: exclude it");
    assert!(message(Schema::draft(&b"x,y\n1,\n"[..], "y", &DraftOptions::default())).contains("line 2, column \"y\""));
    assert!(message(Schema::draft(&b"x\n1\n"[..], "y", &DraftOptions::default())).contains("\"y\" is missing"));
}

#[test]
fn rows_are_mapped_to_the_bias_and_the_columns_in_the_schemas_order() {
    let rows = read("note,benign,area,radius\nhello,1,0,5\n?,0,250,2.5\n", &schema()).unwrap();
    assert_eq!(rows, [row([64, 0, 0], 1), row([64, -256, 128], 0)]);
}

#[test]
fn long_rows_are_scaled_with_their_bias_and_clipped() {
    // (0.25, 2, -2) has the squared norm 8.0625: the factor sqrt(3.25 / 8.0625) leaves 0.159 and 1.27, clipped to 1.
    let mut table = TableReader::new(&b"radius,area,benign\n10,-1000,1\n11,0,1\n5,0,0\n"[..], &schema(), 8).unwrap();
    let rows: Vec<Row> = table.by_ref().map(Result::unwrap).collect();
    assert_eq!(rows, [row([41, 256, -256], 1), row([57, 256, 0], 1), row([64, 0, 0], 0)]);
    // 11 is clipped to its bound, 10, and once more to the range: one value.
    assert_eq!(table.tally(), Tally { rows: 3, clipped_values: 3, clipped_rows: 2, scaled_rows: 2 });
}

#[test]
fn scaling_alone_keeps_the_sign_of_a_linear_model() {
    let schema = Schema { range: 2.0, ..schema() };
    let scaler = Scaler::new(&schema, 8).unwrap();
    let scaled = scaler.scale_row(&[10.0, 1000.0]);
    let factor = (3.25f64 / 8.0625).sqrt();
    assert_eq!(scaled, [0.25 * factor, 2.0 * factor, 2.0 * factor]);
    assert_eq!((scaler.scale_bits(), scaler.norm_bound(), scaler.value_bound()), (8, 212_992, 512));
}

#[test]
fn a_byte_order_mark_crlf_blank_lines_and_space_are_tolerated() {
    let expected = [row([64, 0, 0], 1), row([64, -256, 128], 0)];
    for text in [
        "\u{feff}radius,area,benign\r\n5,0,1\r\n2.5,250,0\r\n",
        "\u{feff}\"radius\",\"area\",\"benign\"\r\n\"5\",\"0\",\"1\"\r\n\r\n2.5,250,\" 0\"\r\n",
        "\n\n radius ,\tarea, benign\n\n5 , 0,1 \n  \n2.5,250,0",
        "radius,\"a, \"\"quoted\"\"\nname\",area,benign\n5,,0,1\n2.5,\"\n\",250,0",
    ] {
        assert_eq!(read(text, &schema()).unwrap(), expected, "{text:?}");
    }
}

#[test]
fn a_header_that_does_not_fit_is_refused() {
    for empty in ["", "\n", "\u{feff}", "\r\n\r\n"] {
        assert!(matches!(read(empty, &schema()), Err(TableError::Empty)), "{empty:?}");
    }
    let missing = message(read("radius,size,benign\n", &schema()));
    assert_eq!(missing, "column \"area\" is missing, the header has \"radius\", \"size\", \"benign\"");
    assert!(message(read("radius,area\n", &schema())).contains("\"benign\" is missing"));
    let twice = message(read("radius,area,benign,x, x\n", &schema()));
    assert_eq!(twice, "header: column \"x\" appears twice, expected distinct names");
    for bits in [0, MAX_SCALE_BITS + 1] {
        let result = TableReader::new(&b"radius,area,benign\n"[..], &schema(), bits);
        assert!(matches!(result, Err(TableError::ScaleBits { value }) if value == bits));
    }
    assert_eq!(read("radius,area,benign\n", &schema()).unwrap(), []);
}

#[test]
fn errors_in_rows_name_the_line_the_column_and_the_value() {
    for (line, expected) in [
        ("5,0", "line 4: 2 cells, expected 3 as in the header"),
        ("5,0,1,", "line 4: 4 cells, expected 3 as in the header"),
        ("five,0,1", "line 4, column \"radius\": \"five\" is not a number, expected one such as 1.5 or 2e-3"),
        ("5,\"0,5\",1", "line 4, column \"area\": \"0,5\" is not a number, expected one such as 1.5 or 2e-3"),
        ("5,NaN,1", "line 4, column \"area\": \"NaN\" is not finite, expected a finite number"),
        ("-inf,0,1", "line 4, column \"radius\": \"-inf\" is not finite, expected a finite number"),
        ("1e999,0,1", "line 4, column \"radius\": \"1e999\" is not finite, expected a finite number"),
        ("5, ,1", "line 4, column \"area\": the cell is empty, expected a value"),
        ("5,0,", "line 4, column \"benign\": the cell is empty, expected a value"),
        ("5,0,2", "line 4, column \"benign\": unknown label \"2\", expected one of [\"0\", \"1\"]"),
    ] {
        for newline in ["\n", "\r\n"] {
            let text = ["radius,area,benign", "5,0,1", "", line, "2.5,250,0"].join(newline);
            let mut table = TableReader::new(text.as_bytes(), &schema(), 8).unwrap();
            assert_eq!(table.next().unwrap().unwrap(), row([64, 0, 0], 1));
            assert_eq!(message(table.next().unwrap()), expected);
            // A caller may go on and report every bad row.
            assert_eq!(table.next().unwrap().unwrap(), row([64, -256, 128], 0));
            assert!(table.next().is_none());
            assert_eq!(table.tally().rows, 2);
        }
    }
}

#[test]
fn a_number_is_mapped_between_minus_and_plus_one_half() {
    let schema = number_schema();
    let rows = read("radius,area,price\n5,0,100\n5,0,300\n5,0,200\n5,0,250\n", &schema).unwrap();
    let targets: Vec<Target> = rows.iter().map(|row| row.target).collect();
    assert_eq!(targets, [-128, 128, 0, 64].map(Target::Number));
    let outside = message(read("radius,area,price\n5,0,300.5\n", &schema));
    assert_eq!(outside, "line 2, column \"price\": target 300.5, expected a number from 100 to 300");
}

#[test]
fn prediction_needs_no_target() {
    for text in ["area,radius\n0,5\n", "area,radius,benign\n0,5,maybe\n"] {
        let mut table = TableReader::features_only(text.as_bytes(), &schema(), 8).unwrap();
        assert_eq!(table.next().unwrap().unwrap(), Row { x: vec![64, 0, 0], target: Target::None });
        let mut table = TableReader::features_only(text.as_bytes(), &schema(), 8).unwrap();
        let scaled = table.next_scaled().unwrap().unwrap();
        assert_eq!(scaled.x, table.scaler().scale_row(&[5.0, 0.0]));
        assert_eq!((scaled.target, table.tally().rows), (Target::None, 1));
    }
}

/// Gives its bytes one at a time, and then fails or ends.
struct Trickle<'a>(&'a [u8], bool);

impl std::io::Read for Trickle<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let Some((first, rest)) = self.0.split_first() else {
            return if self.1 { Err(std::io::Error::other("unplugged")) } else { Ok(0) };
        };
        (buffer[0], self.0) = (*first, rest);
        Ok(1)
    }
}

#[test]
fn a_file_that_cannot_be_read_ends_the_rows() {
    let text = "\u{feff}radius,area,benign\n5,0,1\n2.5,250,0";
    let slow: Vec<Row> =
        TableReader::new(Trickle(text.as_bytes(), false), &schema(), 8).unwrap().map(Result::unwrap).collect();
    assert_eq!(slow, [row([64, 0, 0], 1), row([64, -256, 128], 0)]);
    let mut broken = TableReader::new(Trickle(text.as_bytes(), true), &schema(), 8).unwrap();
    assert!(broken.next().unwrap().is_ok());
    assert!(matches!(broken.next(), Some(Err(TableError::Read(_)))));
    assert!(broken.next().is_none());

    // An unclosed quote would swallow the rest of the file.
    let rest = std::io::Read::take(std::io::repeat(b'\n'), 1 << 40);
    let endless = std::io::Read::chain(&b"radius,area,benign\n5,0,1\n\"5,0,1\n"[..], rest);
    let mut endless = TableReader::new(endless, &schema(), 8).unwrap();
    assert!(endless.next().unwrap().is_ok());
    let error = message(endless.next().unwrap());
    assert!(error.starts_with(&format!("line 3: longer than {MAX_LINE} bytes")), "{error}");
    assert!(endless.next().is_none());
}

#[test]
fn the_breast_cancer_table_is_drafted_and_read() {
    let open = || std::fs::File::open(BREAST_CANCER).unwrap();
    let options = DraftOptions { name: "breast_cancer".into(), ..DraftOptions::default() };
    let draft = Schema::draft(open(), "benign", &options).unwrap();
    assert_eq!((draft.rows, draft.schema.features(), draft.schema.classes()), (569, 31, 1));
    let radius = &draft.schema.columns[0];
    assert_eq!((radius.name.as_str(), radius.low, radius.high), ("mean_radius", 5.3, 23.0));

    let mut table = TableReader::new(open(), &draft.schema, 8).unwrap();
    let mut classes = [0; 2];
    for row in table.by_ref() {
        let Row { x, target: Target::Class(class) } = row.unwrap() else { panic!("a class") };
        assert_eq!(x.len(), 31);
        assert!(x[0] > 0 && norm(&x) <= 212_992);
        classes[usize::from(class)] += 1;
    }
    assert_eq!(classes, [212, 357]);
    // Thirty features of about 0.8 have a norm far above the bound, so almost every row is scaled.
    let tally = Tally { rows: 569, clipped_values: 387, clipped_rows: 117, scaled_rows: 560 };
    assert_eq!(table.tally(), tally);
}

fn norm(x: &[i32]) -> i64 {
    x.iter().map(|value| i64::from(*value) * i64::from(*value)).sum()
}

/// cap 14: the same integers every time, and every value within 1.5 units of its float: the promises of
/// [`Scaler::quantise`] for a row of [`Scaler::scale_row`].
fn check_row(scaler: &Scaler, scaled: &[f64]) -> Vec<i32> {
    let x = scaler.quantise(scaled);
    assert_eq!(x, scaler.quantise(scaled));
    assert!(norm(&x) <= scaler.norm_bound());
    let scale = f64::from(1u32 << scaler.scale_bits());
    for (integer, float) in x.iter().zip(scaled) {
        assert!(integer.abs() <= scaler.value_bound());
        let error = (f64::from(*integer) / scale - float).abs() * scale;
        assert!(error <= 1.5, "{integer} for {}", float * scale);
    }
    // Rows that rounding leaves within the norm are only rounded, and the repair of others stops once they are within.
    if scaled.iter().map(|value| value * value).sum::<f64>() * scale * scale <= scaler.norm_bound() as f64 {
        let bound = f64::from(scaler.value_bound());
        let rounded = scaled.iter().map(|float| (float * scale).round().clamp(-bound, bound) as i32);
        let rounded: Vec<i32> = rounded.collect();
        let largest = rounded.iter().map(|value| i64::from(value.abs())).max().unwrap();
        assert!(rounded == x || norm(&rounded) > scaler.norm_bound());
        assert!(rounded == x || scaler.norm_bound() - norm(&x) < 2 * largest);
    }
    x
}

#[test]
fn the_norm_holds_for_wide_rows_on_the_bound() {
    for columns in [1, 2, 31, 63, 500, MAX_COLUMNS] {
        let column = |i| Column { name: format!("c{i}"), low: -1.0, high: 1.0 };
        let base = Schema { columns: (0..columns).map(column).collect(), ..schema() };
        for (row_norm, range) in [(3.25, 1.0), (0.3, 0.3), (4.0, 2.0), (1.7, 0.77)] {
            let schema = Schema { row_norm, range, gain: 8.0, ..base.clone() };
            for bits in [1, 4, 8, 14, 24] {
                let scaler = Scaler::new(&schema, bits).unwrap();
                for step in 0..20 {
                    let raw: Vec<f64> = (0..columns).map(|i| 1.0 - f64::from(step * (i as u32 % 7)) / 70.0).collect();
                    check_row(&scaler, &scaler.scale_row(&raw));
                }
            }
        }
    }
}

#[test]
fn rows_that_were_not_scaled_are_bounded_all_the_same() {
    let scaler = Scaler::new(&schema(), MAX_SCALE_BITS).unwrap();
    for row in [[9.0, 9.0, 9.0], [1e300, -1e300, 1.0], [f64::INFINITY, 1.0, -1.0], [f64::NAN, 0.5, 0.5]] {
        let x = scaler.quantise(&row);
        assert!(norm(&x) <= scaler.norm_bound() && x.iter().all(|value| value.abs() <= scaler.value_bound()));
    }
}

fn any_schema() -> impl Strategy<Value = Schema> {
    let bounds = || {
        let magnitude = prop_oneof![-1e3..1e3f64, -1.0..1.0f64, -1e-9..1e-9f64, -1e12..1e12f64];
        (magnitude, prop_oneof![1e-6..1.0f64, 1.0..1e6f64]).prop_map(|(low, width)| (low, low + width))
    };
    let bounds = move || bounds().prop_filter("distinct bounds", |(low, high)| low < high);
    let columns = proptest::collection::vec(("[a-zA-Zµ. \"',#=_0-9-]{0,12}", bounds()), 1..40).prop_map(|columns| {
        let column = |(i, (name, (low, high)))| Column { name: format!("{i}:{name}."), low, high };
        columns.into_iter().enumerate().map(column).collect::<Vec<_>>()
    });
    let target = prop_oneof![
        proptest::collection::btree_set("[a-z0-9\"',.]{1,5}", 2..=10)
            .prop_map(|values| TargetColumn::Classes { column: "target".into(), values: values.into_iter().collect() }),
        bounds().prop_map(|(low, high)| TargetColumn::Number { column: "target".into(), low, high }),
    ];
    ("[a-z0-9_-]{1,64}", 0.25..=4.0, 0.01..=8.0, 0.01..=1.0, 0.01..=2.0f64, target, columns).prop_map(
        |(name, row_norm, gain, bias, range, target, columns)| {
            let range = range.max(bias);
            let (feature_bits, residual_bits) = (8, 8);
            Schema { version: 1, name, row_norm, gain, bias, range, feature_bits, residual_bits, target, columns }
        },
    )
}

/// A schema with raw rows and targets for it, as places around the bounds: 0 is `low`, 1 is `high`.
fn any_table() -> impl Strategy<Value = (Schema, Vec<(Vec<f64>, f64)>, u32)> {
    any_schema().prop_flat_map(|schema| {
        let place = prop_oneof![-0.5..1.5f64, 0.4..0.6f64, Just(0.0), Just(1.0)];
        let row = (proptest::collection::vec(place, schema.columns.len()), 0.0..1.0f64);
        (Just(schema), proptest::collection::vec(row, 0..8), 1..=MAX_SCALE_BITS)
    })
}

fn csv_text(schema: &Schema, rows: &[(Vec<f64>, f64)], reversed: bool) -> (Vec<u8>, Vec<Vec<f64>>) {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let ordered = |mut cells: Vec<String>| {
        if reversed {
            cells.reverse();
        }
        cells
    };
    let names = schema.columns.iter().map(|column| column.name.clone()).chain([schema.target.column().to_owned()]);
    writer.write_record(ordered(names.collect())).unwrap();
    let mut raw_rows = Vec::new();
    for (places, target) in rows {
        let raw: Vec<f64> =
            places.iter().zip(&schema.columns).map(|(place, c)| c.low + place * (c.high - c.low)).collect();
        let label = match &schema.target {
            TargetColumn::Classes { values, .. } => values[(target * values.len() as f64) as usize].clone(),
            TargetColumn::Number { low, high, .. } => (low + target * (high - low)).clamp(*low, *high).to_string(),
        };
        writer.write_record(ordered(raw.iter().map(f64::to_string).chain([label]).collect())).unwrap();
        raw_rows.push(raw);
    }
    (writer.into_inner().unwrap(), raw_rows)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn every_schema_survives_its_document(schema in any_schema()) {
        prop_assert!(schema.validate().is_ok(), "{:?}", schema.validate());
        let parsed = Schema::parse(&schema.to_toml()).unwrap();
        prop_assert_eq!(&parsed, &schema);
        prop_assert_eq!(parsed.digest_bytes(), schema.digest_bytes());
    }

    #[test]
    fn every_row_is_close_to_its_floats_and_within_its_norm((schema, rows, bits) in any_table()) {
        let (text, raw_rows) = csv_text(&schema, &rows, false);
        let mut table = TableReader::new(text.as_slice(), &schema, bits).unwrap();
        let read: Vec<Row> = table.by_ref().map(Result::unwrap).collect();
        prop_assert_eq!(read.len(), rows.len());
        let scaler = Scaler::new(&schema, bits).unwrap();
        for (row, raw) in read.iter().zip(&raw_rows) {
            let scaled = scaler.scale_row(raw);
            prop_assert_eq!(scaled.len(), schema.features());
            prop_assert!(scaled.iter().all(|value| value.abs() <= schema.range));
            prop_assert!(scaled.iter().map(|value| value * value).sum::<f64>() <= schema.row_norm * (1.0 + 1e-12));
            prop_assert_eq!(&row.x, &check_row(&scaler, &scaled));
            match (&schema.target, row.target) {
                (TargetColumn::Classes { values, .. }, Target::Class(class)) => prop_assert!(usize::from(class) < values.len()),
                (TargetColumn::Number { .. }, Target::Number(units)) => prop_assert!(units.abs() <= 1 << (bits - 1)),
                other => prop_assert!(false, "{:?}", other),
            }
        }
        let tally = table.tally();
        prop_assert!(tally.rows == rows.len() as u64 && tally.clipped_rows <= tally.rows && tally.scaled_rows <= tally.rows);
        prop_assert!(tally.clipped_rows <= tally.clipped_values && tally.clipped_values <= tally.rows * schema.features() as u64);

        // The same rows whatever the order of the file's columns.
        let (reversed, _) = csv_text(&schema, &rows, true);
        let reversed: Vec<Row> = TableReader::new(reversed.as_slice(), &schema, bits).unwrap().map(Result::unwrap).collect();
        prop_assert_eq!(reversed, read);
    }

    #[test]
    fn no_text_makes_parsing_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), at in 0..DOCUMENT.len()) {
        let text = String::from_utf8_lossy(&bytes);
        let _ = Schema::parse(&text);
        let _ = Schema::parse(&format!("{}{text}{}", &DOCUMENT[..at], &DOCUMENT[at..]));
        let _ = Schema::parse(&DOCUMENT[at..]);
    }

    #[test]
    fn no_bytes_make_reading_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let with_header = [b"radius,area,benign\n5,0,1\n", bytes.as_slice()].concat();
        for bytes in [&bytes, &with_header] {
            for schema in [schema(), number_schema()] {
                let tables = [TableReader::new(bytes.as_slice(), &schema, 8), TableReader::features_only(bytes.as_slice(), &schema, 8)];
                for table in tables.into_iter().flatten() {
                    prop_assert!(table.count() <= 300);
                }
            }
            let _ = Schema::draft(bytes.as_slice(), "benign", &DraftOptions::default());
        }
    }

    #[test]
    fn no_table_of_numbers_makes_reading_or_drafting_panic(
        cells in proptest::collection::vec(("[-+0-9.eE]{0,6}|-?[0-9]e[0-9]{1,3}|nan|inf|\"|,|\n| ", "[,\n]"), 0..60),
    ) {
        let cells: String = cells.into_iter().map(|(cell, separator)| cell + &separator).collect();
        let text = format!("radius,area,price\n{cells}");
        for row in TableReader::new(text.as_bytes(), &number_schema(), 24).unwrap().flatten() {
            prop_assert!(norm(&row.x) <= Scaler::new(&number_schema(), 24).unwrap().norm_bound());
        }
        let _ = Schema::draft(text.as_bytes(), "price", &DraftOptions::default());
    }

    #[test]
    fn a_draft_of_finite_numbers_is_valid_or_a_named_error(
        values in proptest::collection::vec((any::<f64>(), -1e6..1e6f64), 2..30),
    ) {
        let rows: String = values.iter().map(|(x, y)| format!("{x:e},{y}\n")).collect();
        match Schema::draft(format!("x,y\n{rows}").as_bytes(), "y", &DraftOptions::default()) {
            Ok(draft) => prop_assert!(draft.schema.validate().is_ok()),
            Err(error) => prop_assert!(!error.to_string().is_empty()),
        }
    }
}
