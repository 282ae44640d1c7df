//! Every output format holds the same rows when it is read back.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../../lake/tests/harness/mod.rs"]
mod harness;

use std::io::Cursor;
use std::sync::Arc;

use arrow::array::{AsArray as _, RecordBatch};
use causebook_lake::DeltaTable;
use causebook_ledger::TableSink as _;
use causebook_query::output::{Format, Options, write};
use causebook_query::{Answer, Limits, Query, is_json};
use harness::{row, start};

fn answer(sql: &str) -> Answer {
    let folder = tempfile::tempdir().unwrap();
    let table = DeltaTable::create(folder.path()).unwrap();
    let rows = [
        r#"{"id":"a","model":"m","time":"2024-06-01T12:00:00.5Z","score":0.25,"input":{"n":9007199254740993,"d":1.500},"output":"a|b\n\"c\", d"}"#,
        r#"{"id":"b","model":"m","time":"2024-06-01T12:00:00Z","output":null}"#,
    ];
    let rows: Vec<_> = (0..)
        .zip(rows)
        .map(|(index, text)| row(index, text, start()))
        .collect();
    table.append(&rows).unwrap();
    let query = Query::open(Arc::new(table), Vec::new, Limits::default()).unwrap();
    query.run(sql).unwrap()
}

const COLUMNS: &str =
    "SELECT index, id, time, score, input, output->>'x' AS x, output FROM records ORDER BY index";

fn written(format: Format, options: Options, answer: &Answer) -> Vec<u8> {
    let mut out = Vec::new();
    write(format, answer, options, &mut out).unwrap();
    out
}

fn text(format: Format, options: Options, answer: &Answer) -> String {
    String::from_utf8(written(format, options, answer)).unwrap()
}

#[test]
fn json_columns_are_strings_unless_asked_for_as_values() {
    let answer = answer(COLUMNS);
    let plain = text(Format::Ndjson, Options::default(), &answer);
    assert_eq!(
        plain.lines().next().unwrap(),
        r#"{"index":0,"id":"a","time":"2024-06-01T12:00:00.500Z","score":0.25,"input":"{\"d\":1.500,\"n\":9007199254740993}","x":null,"output":"\"a|b\\n\\\"c\\\", d\""}"#
    );
    let nested = text(Format::Ndjson, Options { nest_json: true }, &answer);
    assert_eq!(
        nested.lines().collect::<Vec<_>>(),
        [
            r#"{"index":0,"id":"a","time":"2024-06-01T12:00:00.500Z","score":0.25,"input":{"d":1.500,"n":9007199254740993},"x":null,"output":"a|b\n\"c\", d"}"#,
            r#"{"index":1,"id":"b","time":"2024-06-01T12:00:00Z","score":null,"input":null,"x":null,"output":null}"#,
        ]
    );
    let array = text(Format::Json, Options { nest_json: true }, &answer);
    let objects: Vec<serde_json::Value> = serde_json::from_str(&array).unwrap();
    let lines: Vec<serde_json::Value> = nested
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(objects, lines);
}

#[test]
fn csv_has_a_header_and_quotes_what_needs_it() {
    let csv = text(Format::Csv, Options::default(), &answer(COLUMNS));
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(lines[0], "index,id,time,score,input,x,output");
    assert_eq!(
        lines[1],
        r#"0,a,2024-06-01T12:00:00.500Z,0.25,"{""d"":1.500,""n"":9007199254740993}",,"""a|b\n\""c\"", d""""#
    );
    assert_eq!(
        text(
            Format::Csv,
            Options::default(),
            &answer("SELECT id FROM reviews")
        ),
        "id\n"
    );
}

#[test]
fn markdown_keeps_cells_apart() {
    let markdown = text(
        Format::Markdown,
        Options::default(),
        &answer(
            "SELECT index, output->>'none' AS n, id || '|\n' AS o FROM records ORDER BY index LIMIT 1",
        ),
    );
    assert_eq!(
        markdown,
        "| index | n | o |\n| ---: | --- | --- |\n| 0 |  | a\\|  |\n"
    );
}

#[test]
fn arrow_and_parquet_hold_the_same_rows() {
    let answer = answer(COLUMNS);
    let expected = arrow::compute::concat_batches(&answer.schema, &answer.batches).unwrap();
    let arrow_file = written(Format::Arrow, Options::default(), &answer);
    let from_arrow: Vec<RecordBatch> =
        arrow::ipc::reader::FileReader::try_new(Cursor::new(arrow_file), None)
            .unwrap()
            .map(Result::unwrap)
            .collect();
    assert_eq!(
        arrow::compute::concat_batches(&answer.schema, &from_arrow).unwrap(),
        expected
    );
    let parquet_file = written(Format::Parquet, Options::default(), &answer);
    let reader = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(
        tempfile_with(&parquet_file),
    )
    .unwrap();
    assert!(is_json(reader.schema().field_with_name("input").unwrap()));
    let from_parquet: Vec<RecordBatch> = reader.build().unwrap().map(Result::unwrap).collect();
    assert_eq!(from_parquet[0].columns(), expected.columns());
    let id = from_parquet[0].column_by_name("id").unwrap();
    assert_eq!(id.as_string::<i32>().value(1), "b");
}

fn tempfile_with(bytes: &[u8]) -> std::fs::File {
    use std::io::{Seek as _, Write as _};
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file.rewind().unwrap();
    file
}

#[test]
fn formats_are_known_by_name() {
    for format in Format::ALL {
        assert_eq!(format.as_str().parse::<Format>().unwrap(), format);
    }
    assert!("xml".parse::<Format>().is_err());
}
