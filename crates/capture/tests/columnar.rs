//! Parquet: a file of every type that another tool wrote, small ones made here, and damaged ones.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::sync::Arc;

use arrow::array::{ArrayRef, Decimal128Array, Int64Array, RecordBatch, StringArray};
use causebook_capture::{CaptureError, Import, Source};
use parquet::arrow::ArrowWriter;
use proptest::prelude::*;
use support::{all_input, at, import, with};

const FIXTURE: &[u8] = include_bytes!("fixtures/types.parquet");

#[test]
fn every_type_keeps_its_meaning() {
    let taken = import(&Source::from_bytes("types.parquet", FIXTURE), &all_input());
    assert_eq!(taken.rejected, []);
    let expected = [
        ("i8", "-128", "null"),
        ("u64", "18446744073709551615", "0"),
        ("i64", "9007199254740993", "-9223372036854775808"),
        ("f32", "0.1", "\"NaN\""),
        ("f64", "0.1", "\"-Infinity\""),
        ("dec", "1234567890123456789.10", "-0.05"),
        ("flag", "true", "false"),
        ("text", "\"é\\\"\\n\"", "\"\""),
        ("bytes", "\"base64:AP8=\"", "\"base64:\""),
        ("day", "\"2024-06-01\"", "\"1969-12-31\""),
        ("ms", "\"2024-06-01T12:00:00.000\"", "null"),
        ("us_utc", "\"2024-06-01T12:00:00.123456Z\"", "null"),
        ("ns_zone", "\"2024-06-01T12:00:00.000000001Z\"", "null"),
        ("clock", "\"18:30:00.000005\"", "null"),
        ("took", "\"PT1.500S\"", "\"-PT0.001S\""),
        ("list", "[1,null,3]", "[]"),
        ("nested", "{\"a\":{\"b\":[{\"c\":1}]},\"d\":null}", "null"),
        ("map", "{\"k\":1,\"l\":null}", "{}"),
        ("int_map", "[{\"key\":1,\"value\":\"x\"}]", "[]"),
        ("category", "\"yes\"", "\"no\""),
        ("nothing", "null", "null"),
    ];
    assert_eq!(taken.import.columns().len(), expected.len());
    for (name, first, second) in expected {
        assert_eq!(
            at(&taken.rows[0], &format!("/input/{name}")),
            first,
            "{name}"
        );
        assert_eq!(
            at(&taken.rows[1], &format!("/input/{name}")),
            second,
            "{name}"
        );
    }
}

#[test]
fn nested_values_are_reached_by_a_path() {
    let mapping = with(
        "columns = { time = 'us_utc', score = 'f64', input = ['nested.a.b', '/nested/a/b/0/c'] }",
    );
    let taken = import(&Source::from_bytes("types.parquet", FIXTURE), &mapping);
    assert_eq!(at(&taken.rows[0], "/input"), r#"{"b":[{"c":1}],"c":1}"#);
    assert_eq!(
        at(&taken.rows[0], "/time"),
        "\"2024-06-01T12:00:00.123456Z\""
    );
    assert_eq!(at(&taken.rows[0], "/score"), "0.1");
    assert_eq!(
        taken.rejected[0].reason.to_string(),
        "column \"f64\" is not a number: \"-Infinity\""
    );
}

#[test]
fn empty_cells_are_null_or_left_out() {
    let mapping = with("read.empty = 'omit'\ncolumns.input = ['i8', 'ms', 'u64']");
    let taken = import(&Source::from_bytes("types.parquet", FIXTURE), &mapping);
    assert_eq!(at(&taken.rows[1], "/input"), "{\"u64\":0}");
}

#[test]
fn a_decimal_of_more_digits_than_its_column_says_keeps_them_all() {
    let digits = Decimal128Array::from(vec![-123_456]);
    let column: ArrayRef = Arc::new(digits.with_precision_and_scale(3, 1).unwrap());
    let batch = RecordBatch::try_from_iter([("d", column)]).unwrap();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    let source = Source::from_bytes("d.parquet", writer.into_inner().unwrap());
    let taken = import(&source, &all_input());
    assert_eq!(at(&taken.rows[0], "/input"), r#"{"d":-12345.6}"#);
}

#[test]
fn many_batches_and_row_groups_are_one_table() {
    let mut writer = None;
    for group in 0..3_i64 {
        let numbers: Int64Array = (0..1_000).map(|row| group * 1_000 + row).collect();
        let words: StringArray = (0..1_000)
            .map(|row| Some(format!("w{}", row % 10)))
            .collect();
        let columns: [(&str, ArrayRef); 2] = [("n", Arc::new(numbers)), ("w", Arc::new(words))];
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let writer = writer
            .get_or_insert_with(|| ArrowWriter::try_new(Vec::new(), batch.schema(), None).unwrap());
        writer.write(&batch).unwrap();
        writer.flush().unwrap();
    }
    let bytes = writer.unwrap().into_inner().unwrap();
    let taken = import(&Source::from_bytes("n.parquet", bytes), &all_input());
    assert_eq!(taken.rows.len(), 3_000);
    assert_eq!(at(&taken.rows[2_999], "/input"), r#"{"n":2999,"w":"w9"}"#);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn damaged_files_are_refused_or_read_but_never_end_the_program(
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        keep in any::<prop::sample::Index>(),
        cut in any::<bool>(),
    ) {
        let mut bytes = FIXTURE.to_vec();
        for (place, byte) in damage {
            bytes[place.index(FIXTURE.len())] = byte;
        }
        if cut {
            bytes.truncate(keep.index(FIXTURE.len()));
        }
        let _ = read_through(bytes);
    }
}

fn read_through(bytes: Vec<u8>) -> Result<(), CaptureError> {
    let import = Import::prepare(
        &Source::from_bytes("x.parquet", bytes),
        &all_input(),
        &mut |_| {},
    )?;
    import.run(0, &mut |_| std::ops::ControlFlow::Continue(()))?;
    Ok(())
}
