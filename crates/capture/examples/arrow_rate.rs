//! How fast the Arrow door is: rows of 25 facts, from stream to the text of records, and on to drafts. Rates are for one
//! core, by the time that it worked, so that others on the machine do not count.
//!
//! `cargo run --release -p causebook-capture --example arrow_rate -- [rows]`

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::Write as _;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, DictionaryArray, Float64Array, Int64Array, StringArray, StructArray,
    TimestampMicrosecondArray,
};
use arrow::datatypes::{Field, Int32Type};
use arrow::ipc::writer::StreamWriter;
use arrow::record_batch::RecordBatch;
use causebook_capture::arrow::{Limits, Reader};
use causebook_record::Draft;

const BATCH_ROWS: usize = 20_000;

fn main() {
    let rows: usize = std::env::args()
        .nth(1)
        .map_or(1_000_000, |rows| rows.parse().expect("rows"));
    let mut out = std::io::stdout().lock();
    let batch = batch();
    let mut stream = Vec::new();
    let mut writer = StreamWriter::try_new(&mut stream, &batch.schema()).unwrap();
    for _ in 0..rows.div_ceil(BATCH_ROWS) {
        writer.write(&batch).unwrap();
    }
    writer.finish().unwrap();

    let start = worked_s();
    let (mut rows, mut bytes) = (0, 0);
    for block in Reader::open(stream.as_slice(), Limits::default()).unwrap() {
        let block = block.unwrap();
        rows += block.len();
        bytes += block.text_bytes();
    }
    let seconds = worked_s() - start;
    writeln!(
        out,
        "{rows} rows, {} bytes a row in the stream, {} of text",
        stream.len() / rows,
        bytes / rows
    )
    .unwrap();
    let rate = |rows: usize, seconds: f64| rows as f64 / seconds;
    writeln!(out, "to text: {:.0} rows/s", rate(rows, seconds)).unwrap();

    let start = worked_s();
    let mut drafts = 0;
    for block in Reader::open(stream.as_slice(), Limits::default()).unwrap() {
        for row in block.unwrap().rows() {
            Draft::parse(row.record.unwrap().as_bytes()).unwrap();
            drafts += 1;
        }
    }
    let seconds = worked_s() - start;
    writeln!(out, "to drafts: {:.0} rows/s", rate(drafts, seconds)).unwrap();
}

/// Seconds that this thread was on a core (Linux).
fn worked_s() -> f64 {
    let schedule = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    let nanoseconds: u64 = schedule.split(' ').next().unwrap().parse().unwrap();
    nanoseconds as f64 / 1e9
}

/// Rows of a loan decision: 25 facts, of which 15 are the model's input.
fn batch() -> RecordBatch {
    let rows = BATCH_ROWS as i64;
    let texts = |value: &dyn Fn(i64) -> String| -> ArrayRef {
        Arc::new(StringArray::from_iter_values((0..rows).map(value)))
    };
    let numbers = |value: &dyn Fn(i64) -> i64| -> ArrayRef {
        Arc::new(Int64Array::from_iter_values((0..rows).map(value)))
    };
    let doubles = |of: f64| -> ArrayRef {
        Arc::new(Float64Array::from_iter_values(
            (0..rows).map(|row| (row as f64).mul_add(0.618_033_988_7, of).fract()),
        ))
    };
    let words = |words: &[&'static str]| -> ArrayRef {
        let array: DictionaryArray<Int32Type> = (0..rows)
            .map(|row| words[row as usize % words.len()])
            .collect();
        Arc::new(array)
    };
    let input: Vec<(&str, ArrayRef)> = vec![
        ("age", numbers(&|row| 19 + row % 56)),
        (
            "checking_status",
            words(&["<0 DM", "0<=X<200", "no checking"]),
        ),
        ("credit_amount", numbers(&|row| 250 + row * 7 % 18_000)),
        (
            "credit_history",
            words(&["existing paid", "critical", "all paid"]),
        ),
        ("duration_months", numbers(&|row| 6 + row % 60)),
        ("employment", words(&["1<=X<4", ">=7", "unemployed"])),
        ("existing_credits", numbers(&|row| 1 + row % 4)),
        ("housing", words(&["own", "rent", "for free"])),
        ("income", doubles(0.3)),
        ("installment_commitment", numbers(&|row| 1 + row % 4)),
        ("job", words(&["skilled", "unskilled resident"])),
        ("personal_status", words(&["male single", "female div"])),
        ("property", words(&["real estate", "car", "life insurance"])),
        ("purpose", words(&["radio/tv", "car (new)", "education"])),
        ("savings_status", words(&["<100 DM", "no known savings"])),
    ];
    let field = |(name, array): &(&str, ArrayRef)| {
        let field = Field::new(*name, array.data_type().clone(), true);
        (Arc::new(field), Arc::clone(array))
    };
    let input = StructArray::from(input.iter().map(field).collect::<Vec<_>>());
    let times = (0..rows).map(|row| 1_790_000_000_000_000 + row * 1_234_567);
    let times = TimestampMicrosecondArray::from_iter_values(times).with_timezone("UTC");
    RecordBatch::try_from_iter::<_, &str>(vec![
        (
            "id",
            texts(&|row| format!("0190abcd-0000-7000-8000-{row:012x}")),
        ),
        ("time", Arc::new(times) as ArrayRef),
        ("/model/name", words(&["credit-risk"])),
        ("/model/version", words(&["2026.2.1"])),
        ("subject", texts(&|row| format!("applicant-{row:07}"))),
        ("decision", words(&["approve", "deny"])),
        ("score", doubles(0.1)),
        ("/source/name", words(&["loans-api"])),
        ("/source/run", words(&["2026-03-01"])),
        ("/source/seq", numbers(&|row| row)),
        ("input", Arc::new(input)),
    ])
    .unwrap()
}
