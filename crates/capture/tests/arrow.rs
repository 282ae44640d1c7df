//! The Arrow door: what a column becomes, what is refused and how that is said, and that no stream does harm.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "arrow/streams.rs"]
mod streams;

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BinaryArray, BooleanArray, Decimal128Array, DictionaryArray,
    FixedSizeListArray, Float64Array, Int32Array, Int64Array, IntervalDayTimeArray,
    LargeStringArray, ListArray, ListViewArray, MapBuilder, NullArray, RunArray, StringArray,
    StringBuilder, StringViewArray, StructArray, TimestampMicrosecondArray, TimestampSecondArray,
    UInt64Array,
};
use arrow::buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, Field, Fields, Int8Type, Int32Type, Int64Type, Schema};
use arrow::ipc::writer::{DictionaryHandling, IpcWriteOptions, StreamWriter};
use arrow::record_batch::RecordBatch;
use causebook_capture::arrow::{Limits, Reader, RowFault, StreamError};
use causebook_record::Draft;
use streams::{batch, column, read, refusal, rows, stream, texts};

#[test]
fn a_column_is_the_member_of_its_name() {
    let model = StructArray::from(vec![
        (field("name", DataType::Utf8), texts(&["credit", "credit"])),
        (field("version", DataType::Utf8), texts(&["1", "2"])),
    ]);
    let batch = batch(vec![
        column("id", texts(&["a", "b"])),
        column("model", Arc::new(model)),
        column("subject", texts(&["s\"1", "s2"])),
        column("score", Arc::new(Float64Array::from(vec![0.1, 1.0]))),
        column("decision", texts(&["approve", "deny"])),
    ]);
    assert_eq!(
        rows(&stream(&[batch])),
        [
            r#"{"decision":"approve","id":"a","model":{"name":"credit","version":"1"},"score":0.1,"subject":"s\"1"}"#,
            r#"{"decision":"deny","id":"b","model":{"name":"credit","version":"2"},"score":1.0,"subject":"s2"}"#,
        ]
    );
}

#[test]
fn a_column_named_by_a_pointer_is_put_there_and_the_objects_around_it_are_made() {
    let batch = batch(vec![
        column(
            "/input/age",
            Arc::new(Int64Array::from(vec![Some(30), None])),
        ),
        column(
            "/input/a~1b/~0",
            Arc::new(BooleanArray::from(vec![true, false])),
        ),
        column("/output", texts(&["x", "y"])),
        column("/model/name", texts(&["m", "m"])),
        column(
            "/context/only",
            Arc::new(Int64Array::from(vec![None, Some(1)])),
        ),
    ]);
    assert_eq!(
        rows(&stream(&[batch])),
        [
            r#"{"input":{"a/b":{"~":true},"age":30},"model":{"name":"m"},"output":"x"}"#,
            r#"{"context":{"only":1},"input":{"a/b":{"~":false}},"model":{"name":"m"},"output":"y"}"#,
        ]
    );
}

#[test]
fn a_null_is_an_absent_member_but_stays_inside_structs_of_input_and_output() {
    let parts = || {
        let inner = StructArray::new(
            Fields::from(vec![Field::new("c", DataType::Int64, true)]),
            vec![Arc::new(Int64Array::from(vec![Some(1), None, None])) as ArrayRef],
            Some(NullBuffer::from(vec![true, true, false])),
        );
        let fields = Fields::from(vec![
            Field::new("b", DataType::Utf8, true),
            Field::new("inner", inner.data_type().clone(), true),
        ]);
        let texts: ArrayRef = Arc::new(StringArray::from(vec![Some("x"), None, None]));
        StructArray::new(
            fields,
            vec![texts, Arc::new(inner)],
            Some(NullBuffer::from(vec![true, true, true])),
        )
    };
    let batch = batch(vec![
        column("input", Arc::new(parts())),
        column("context", Arc::new(parts())),
        column(
            "subject",
            Arc::new(StringArray::from(vec![Some("s"), None, None])),
        ),
        column("output", Arc::new(NullArray::new(3))),
    ]);
    assert_eq!(
        rows(&stream(&[batch])),
        [
            r#"{"context":{"b":"x","inner":{"c":1}},"input":{"b":"x","inner":{"c":1}},"subject":"s"}"#,
            r#"{"context":{"inner":{}},"input":{"b":null,"inner":{"c":null}}}"#,
            r#"{"context":{},"input":{"b":null,"inner":null}}"#,
        ]
    );
}

#[test]
fn text_is_json_only_where_its_field_says_so() {
    let json = [("ARROW:extension:name".to_owned(), "arrow.json".to_owned())];
    let said = Field::new("input", DataType::Utf8, true).with_metadata(json.into());
    let schema = Schema::new(vec![said, Field::new("output", DataType::Utf8, true)]);
    let documents = [
        r#"{"a": 1.50}"#,
        "null",
        r#"1,"subject":"forged""#,
        "",
        r#"{"a":1"#,
    ];
    let columns = vec![texts(&documents), texts(&documents)];
    let batch = RecordBatch::try_new(Arc::new(schema), columns).unwrap();
    let read = read(&stream(&[batch]), Limits::default()).unwrap();
    assert_eq!(
        read[0].as_deref(),
        Ok(r#"{"input":{"a": 1.50},"output":"{\"a\": 1.50}"}"#)
    );
    assert_eq!(read[1].as_deref(), Ok(r#"{"input":null,"output":"null"}"#));
    for row in &read[2..] {
        let Err(RowFault::Value {
            column,
            pointer,
            problem,
            ..
        }) = row
        else {
            panic!("{row:?}");
        };
        assert_eq!((column.as_str(), pointer.as_str()), ("input", "/input"));
        assert!(problem.starts_with("not JSON: "), "{problem}");
    }
}

#[test]
fn a_row_that_cannot_be_written_is_left_out_and_the_others_go_on() {
    let seconds = vec![Some(0), Some(i64::MAX), None, Some(1)];
    let batch = batch(vec![
        column("time", Arc::new(TimestampSecondArray::from(seconds))),
        column("decision", texts(&["a", "b", "c", "d"])),
    ]);
    let stream = stream(&[batch.clone(), batch]);
    let reader = Reader::open(stream.as_slice(), Limits::default()).unwrap();
    let blocks: Vec<_> = reader.map(Result::unwrap).collect();
    let said: Vec<(u64, String)> = blocks
        .iter()
        .flat_map(|block| block.rows())
        .map(|row| {
            let said = row.record.map_or_else(ToString::to_string, str::to_owned);
            (row.number, said)
        })
        .collect();
    assert_eq!(
        said[0].1,
        r#"{"decision":"a","time":"1970-01-01T00:00:00"}"#
    );
    assert!(
        said[1]
            .1
            .starts_with("column \"time\", /time: 9223372036854775807 "),
        "{}",
        said[1].1
    );
    assert_eq!(said[2].1, r#"{"decision":"c"}"#);
    assert_eq!(
        said[3].1,
        r#"{"decision":"d","time":"1970-01-01T00:00:01"}"#
    );
    let numbers: Vec<u64> = said.iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5, 6, 7, 8]);
}

#[test]
fn nothing_is_rounded() {
    let batch = batch(vec![
        column("/input/big", Arc::new(UInt64Array::from(vec![u64::MAX]))),
        column(
            "/input/double",
            Arc::new(Float64Array::from(vec![0.1 + 0.2])),
        ),
        column("/input/nan", Arc::new(Float64Array::from(vec![f64::NAN]))),
        column(
            "/input/decimal",
            Arc::new(
                Decimal128Array::from(vec![-1_234_567_890_123_456_789_010])
                    .with_precision_and_scale(38, 2)
                    .unwrap(),
            ),
        ),
        column(
            "/input/instant",
            Arc::new(
                TimestampMicrosecondArray::from(vec![1_717_243_200_000_001])
                    .with_timezone("Europe/Berlin"),
            ),
        ),
        column(
            "/input/float",
            Arc::new(arrow::array::Float32Array::from(vec![0.1])),
        ),
    ]);
    assert_eq!(
        rows(&stream(&[batch])),
        [concat!(
            r#"{"input":{"big":18446744073709551615,"decimal":-12345678901234567890.10,"#,
            r#""double":0.30000000000000004,"float":0.1,"instant":"2024-06-01T12:00:00.000001Z","nan":"NaN"}}"#
        )]
    );
}

#[test]
fn lists_maps_views_runs_and_dictionaries_are_what_they_hold() {
    let item = || Arc::new(Field::new("item", DataType::Int64, true));
    let numbers: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None, Some(3)]));
    let list = ListArray::new(
        item(),
        OffsetBuffer::new(vec![0, 3, 3].into()),
        Arc::clone(&numbers),
        None,
    );
    let view = ListViewArray::new(
        item(),
        ScalarBuffer::from(vec![1, 0]),
        ScalarBuffer::from(vec![2, 1]),
        numbers,
        None,
    );
    let pairs: ArrayRef = Arc::new(Int64Array::from(vec![1, 2, 3, 4]));
    let pairs = FixedSizeListArray::new(item(), 2, pairs, None);
    let mut map = MapBuilder::new(None, StringBuilder::new(), StringBuilder::new());
    map.keys().append_value("k");
    map.values().append_value("v");
    map.keys().append_value("l");
    map.values().append_null();
    map.append(true).unwrap();
    map.append(true).unwrap();
    let dictionary: DictionaryArray<Int8Type> = [Some("yes"), None].into_iter().collect();
    let runs =
        RunArray::<Int32Type>::try_new(&Int32Array::from(vec![2]), &StringArray::from(vec!["run"]))
            .unwrap();
    let map: ArrayRef = Arc::new(map.finish());
    let batch = batch(vec![
        column("/input/dictionary", Arc::new(dictionary)),
        column(
            "/input/large",
            Arc::new(LargeStringArray::from(vec!["ü\n", ""])),
        ),
        column("/input/list", Arc::new(list)),
        column("/input/map", Arc::clone(&map)),
        column("/input/pairs", Arc::new(pairs)),
        column("/input/runs", Arc::new(runs)),
        column(
            "/input/text_view",
            Arc::new(StringViewArray::from(vec![
                "short",
                "longer than twelve bytes",
            ])),
        ),
        column("/input/view", Arc::new(view)),
        column("explanation", map),
    ]);
    assert_eq!(
        rows(&stream(&[batch])),
        [
            concat!(
                r#"{"explanation":{"k":"v"},"input":{"dictionary":"yes","large":"ü\n","list":[1,null,3],"#,
                r#""map":{"k":"v","l":null},"pairs":[1,2],"runs":"run","text_view":"short","view":[null,3]}}"#
            ),
            concat!(
                r#"{"explanation":{},"input":{"large":"","list":[],"map":{},"pairs":[3,4],"runs":"run","#,
                r#""text_view":"longer than twelve bytes","view":[1]}}"#
            ),
        ]
    );
}

#[test]
fn dictionaries_are_replaced_and_added_to_between_batches() {
    let schema = {
        let kind = DataType::Dictionary(Box::new(DataType::Int64), Box::new(DataType::Utf8));
        Arc::new(Schema::new(vec![Field::new("decision", kind, true)]))
    };
    let batch = |keys: Vec<i64>, values: &[&str]| {
        let array = DictionaryArray::<Int64Type>::new(keys.into(), texts(values));
        RecordBatch::try_new(Arc::clone(&schema), vec![Arc::new(array)]).unwrap()
    };
    let cases = [
        (
            DictionaryHandling::Resend,
            [
                batch(vec![0, 1], &["a", "b"]),
                batch(vec![1, 0], &["c", "d"]),
            ],
            ["a", "b", "d", "c"],
        ),
        (
            DictionaryHandling::Delta,
            [
                batch(vec![0, 1], &["a", "b"]),
                batch(vec![2, 0], &["a", "b", "c"]),
            ],
            ["a", "b", "c", "a"],
        ),
    ];
    for (handling, batches, decisions) in cases {
        let options = IpcWriteOptions::default().with_dictionary_handling(handling);
        let mut bytes = Vec::new();
        let mut writer = StreamWriter::try_new_with_options(&mut bytes, &schema, options).unwrap();
        for batch in batches {
            writer.write(&batch).unwrap();
        }
        writer.finish().unwrap();
        let expected = decisions.map(|decision| format!(r#"{{"decision":"{decision}"}}"#));
        assert_eq!(rows(&bytes), expected);
    }
}

#[test]
fn what_another_tool_wrote_is_read_like_its_parquet_file() {
    let given = include_bytes!("fixtures/types.arrows");
    let taken = rows(given);
    let expected = [
        ("i8", "-128", "null"),
        ("u64", "18446744073709551615", "0"),
        ("i64", "9007199254740993", "-9223372036854775808"),
        ("f32", "0.1", "\"NaN\""),
        ("f64", "0.1", "\"-Infinity\""),
        ("dec", "1234567890123456789.10", "-0.05"),
        ("flag", "true", "false"),
        ("text", "\"é\\\"\\n\"", "\"\""),
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
    for (name, first, second) in expected {
        for (row, value) in [(0, first), (1, second)] {
            let found = causebook_record::value_at(&taken[row], &format!("/input/{name}"));
            assert_eq!(found, Some(value), "{name}");
        }
    }
    for row in &taken {
        let draft = Draft::parse(row.as_bytes()).unwrap();
        assert_eq!(draft.kind(), causebook_record::Kind::Decision);
    }
}

#[test]
fn every_row_of_a_wide_and_long_table_comes_out_in_its_place() {
    // More rows than a block, lengths that make blocks of different sizes, and a value that no record may have.
    let value = |row: usize| match row {
        700 => "x".repeat(5 << 20),
        1500..1520 => "y".repeat(1 << 20),
        row => format!("{row}"),
    };
    let values: Vec<String> = (0..3000).map(value).collect();
    let batch = batch(vec![
        column(
            "/input/row",
            Arc::new(Int64Array::from_iter_values(0..3000)),
        ),
        column("/input/text", Arc::new(StringArray::from(values.clone()))),
    ]);
    let read = read(&stream(&[batch]), Limits::default()).unwrap();
    assert_eq!(read.len(), 3000);
    for (row, (read, value)) in read.iter().zip(&values).enumerate() {
        if row == 700 {
            assert_eq!(read, &Err(RowFault::TooLong { limit: 4 << 20 }));
        } else {
            let expected = format!(r#"{{"input":{{"row":{row},"text":"{value}"}}}}"#);
            assert!(read.as_ref() == Ok(&expected), "row {row}");
        }
    }
}

#[test]
fn a_column_without_a_place_is_named_with_the_nearest_member() {
    for (name, nearest) in [
        ("inputs", Some("input")),
        ("/inputs/age", Some("/input/age")),
        ("Output", Some("output")),
        ("age", None),
        ("/age", None),
        ("", None),
    ] {
        match refusal(&[column(name, texts(&["x"]))]) {
            StreamError::UnknownColumn {
                column,
                nearest: found,
            } => assert_eq!((column.as_str(), found.as_deref()), (name, nearest)),
            other => panic!("{name}: {other}"),
        }
    }
    let shown = refusal(&[column("inputs", texts(&["x"]))]).to_string();
    assert_eq!(
        shown,
        "column \"inputs\" is no member of a record, did you mean \"input\"?; name a column after a member, or by its \
         place, such as \"/input/age\""
    );
}

#[test]
fn a_column_that_cannot_be_part_of_a_record_is_refused_before_any_row() {
    let text = || texts(&["x"]);
    let bytes: ArrayRef = Arc::new(BinaryArray::from(vec![&b"x"[..]]));
    let twice = StructArray::from(vec![
        (field("a", DataType::Utf8), text()),
        (field("a", DataType::Utf8), text()),
    ]);
    let in_list = ListArray::new(
        Arc::new(Field::new("item", DataType::Binary, true)),
        OffsetBuffer::new(vec![0, 1].into()),
        Arc::clone(&bytes),
        None,
    );
    let interval = IntervalDayTimeArray::from_iter([None]);
    let long = format!("/input/{}", "a".repeat(5000));
    let deep = format!("/input{}", "/a".repeat(200));
    for (columns, said) in [
        (vec![column("recorded", text())], "set by the ledger"),
        (vec![column("/time_assumed", text())], "set by the ledger"),
        (vec![column("input", bytes)], "store them as an attachment"),
        (
            vec![column("input", Arc::new(in_list))],
            "store them as an attachment",
        ),
        (
            vec![column("input", Arc::new(interval))],
            "has no form in JSON",
        ),
        (vec![column("input", Arc::new(twice))], "it has \"a\" twice"),
        (
            vec![column("input", text()), column("/input", text())],
            "column \"input\" stand for the same place",
        ),
        (
            vec![column("/input/a/b", text()), column("/input/a", text())],
            "column \"/input/a/b\" stand for the same place",
        ),
        (
            vec![column("/input/a", text()), column("/input/a/b", text())],
            "column \"/input/a\" stand for the same place",
        ),
        (vec![column("/input/~2", text())], "/input/~2"),
        (vec![column(&long, text())], "at most 4096 bytes"),
        (vec![column(&deep, text())], "at most 128 steps"),
    ] {
        match refusal(&columns) {
            StreamError::Column { problem, .. } => {
                assert!(problem.contains(said), "{said}: {problem}");
            }
            other => panic!("{said}: {other}"),
        }
    }
}

#[test]
fn limits_are_held_and_say_what_to_do() {
    let batch = batch(vec![column("decision", texts(&["a"; 1000]))]);
    let bytes = stream(&[batch]);
    for (limits, said) in [
        (
            Limits {
                message_bytes: 1000,
                ..Limits::default()
            },
            "bytes in a message, of at most 1000: send batches of fewer rows",
        ),
        (
            Limits {
                work: 1000,
                ..Limits::default()
            },
            "bytes of text and values, of at most 1000: send the rest as a stream of its own",
        ),
    ] {
        let error = read(&bytes, limits).unwrap_err();
        assert!(matches!(error, StreamError::Limit { .. }));
        assert!(error.to_string().contains(said), "{error}");
    }
    let dictionary: DictionaryArray<Int32Type> = ["a"].into_iter().collect();
    let bytes = stream(&[streams::batch(vec![column(
        "decision",
        Arc::new(dictionary),
    )])]);
    let limits = Limits {
        dictionary_bytes: 100,
        ..Limits::default()
    };
    let error = read(&bytes, limits).unwrap_err().to_string();
    assert!(
        error.contains("bytes in dictionaries, of at most 100"),
        "{error}"
    );
}

#[test]
fn what_is_no_stream_is_told_from_a_broken_one() {
    let batch = batch(vec![column("decision", texts(&["a", "b"]))]);
    let bytes = stream(std::slice::from_ref(&batch));
    let mut file = Vec::new();
    let mut writer = arrow::ipc::writer::FileWriter::try_new(&mut file, &batch.schema()).unwrap();
    writer.write(&batch).unwrap();
    writer.finish().unwrap();
    let twice = [bytes.clone(), bytes.clone()].concat();
    for (given, said) in [
        (&b""[..], "not an Arrow IPC stream: it is empty"),
        (b"{}", "not an Arrow IPC stream: it ends within a message"),
        (b"{\"model\":\"m\"}", "not an Arrow IPC stream: "),
        (
            &file,
            "not an Arrow IPC stream: this is the Arrow file format (Feather)",
        ),
        (
            &twice,
            "the stream is broken after row 2: something stands behind its end",
        ),
    ] {
        let error = read(given, Limits::default()).unwrap_err().to_string();
        assert!(error.starts_with(said), "{said}: {error}");
    }
    // The end of the stream may be that of the bytes, but only between two messages.
    let without_end = &bytes[..bytes.len() - 8];
    assert_eq!(rows(without_end).len(), 2);
    for cut in 1..without_end.len() {
        let given = &without_end[..cut];
        match read(given, Limits::default()) {
            Ok(rows) => assert_eq!(rows, []),
            Err(error) => assert!(
                matches!(
                    error,
                    StreamError::NotAStream { .. } | StreamError::Broken { .. }
                ),
                "{error}"
            ),
        }
    }
}

#[test]
fn compressed_buffers_are_refused_with_what_to_do() {
    let batch = batch(vec![column("decision", texts(&["aaaaaaaaaaaaaaaa"; 1000]))]);
    for codec in [
        arrow::ipc::CompressionType::LZ4_FRAME,
        arrow::ipc::CompressionType::ZSTD,
    ] {
        let options = IpcWriteOptions::default()
            .try_with_compression(Some(codec))
            .unwrap();
        let mut bytes = Vec::new();
        let mut writer =
            StreamWriter::try_new_with_options(&mut bytes, &batch.schema(), options).unwrap();
        writer.write(&batch).unwrap();
        writer.finish().unwrap();
        let error = read(&bytes, Limits::default()).unwrap_err().to_string();
        assert!(error.contains("Content-Encoding: zstd"), "{error}");
    }
}

#[test]
fn a_reader_that_fails_ends_the_stream_with_its_error() {
    struct Fails<'a>(&'a [u8]);
    impl std::io::Read for Fails<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            match self.0.read(buffer)? {
                0 => Err(std::io::Error::other("the line was cut")),
                bytes => Ok(bytes),
            }
        }
    }
    let bytes = stream(&[batch(vec![column("decision", texts(&["a"]))])]);
    let mut reader = Reader::open(Fails(&bytes[..bytes.len() - 8]), Limits::default()).unwrap();
    assert_eq!(reader.next().unwrap().unwrap().len(), 1);
    let error = reader.next().unwrap().unwrap_err();
    assert_eq!(
        error.to_string(),
        "the stream cannot be read: the line was cut"
    );
    assert!(reader.next().is_none());
}

fn field(name: &str, data_type: DataType) -> Arc<Field> {
    Arc::new(Field::new(name, data_type, true))
}
