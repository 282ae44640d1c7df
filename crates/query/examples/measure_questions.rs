//! How long the questions of a list take over a table of many decisions.
//!
//! `cargo run --release -p causebook-query --example measure_questions -- FOLDER ROWS` makes the table in `FOLDER` if it
//! is not there, and asks each question three times; the least is printed.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout
)]
// A measurement needs the clock.
#![allow(clippy::disallowed_methods)]

#[path = "../../lake/tests/harness/mod.rs"]
mod harness;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use causebook_filter::{Field, Filter};
use causebook_lake::DeltaTable;
use causebook_ledger::TableSink as _;
use causebook_query::{HistogramRequest, Limits, PageRequest, Query};
use causebook_record::Mask;
use jiff::Timestamp;

const CHUNK: u64 = 1 << 17;
const ALL: u64 = u64::MAX;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().expect("a folder"));
    let rows: u64 = arguments.next().expect("rows").parse().expect("a number");
    let table = Arc::new(DeltaTable::open_or_create(&folder).unwrap());
    while table.covered() < rows {
        let from = table.covered();
        let until = rows.min(from + CHUNK);
        table.append(&harness::decisions(from..until)).unwrap();
    }
    let query = Query::open(table, Vec::new, Limits::default()).unwrap();
    let none = Mask::default();
    let covering = Mask::new(["/subject".parse().unwrap()]).unwrap();
    let filters = [
        "",
        "decision:deny",
        "decision:deny score:>0.9 -automation:human",
        "input.age:30",
        "input.age:30 input.duration_months:12 score:>0.99",
        "subject:applicant-0000001",
        "\"car (new)\"",
        "\"no such text\"",
    ];
    println!("{rows} rows");
    for text in filters {
        let filter = Filter::parse(text, Timestamp::UNIX_EPOCH).unwrap();
        let request = PageRequest {
            as_of: ALL,
            after: None,
            newest_first: true,
            limit: 50,
        };
        timed(&format!("page of 50: {text}"), || {
            query.page(&filter, &request, &none).unwrap().len()
        });
        timed(&format!("count: {text}"), || {
            query.count(&filter, ALL, &none).unwrap()
        });
    }
    let fields: Vec<Field> = ["decision", "model", "automation", "source", "input.purpose"]
        .iter()
        .map(|name| Field::named(name).unwrap())
        .collect();
    for text in ["", "decision:deny input.age:<25"] {
        let filter = Filter::parse(text, Timestamp::UNIX_EPOCH).unwrap();
        for (name, mask) in [("", &none), (", masked", &covering)] {
            timed(&format!("5 facets{name}: {text}"), || {
                query
                    .facets(&filter, ALL, &fields, 20, mask)
                    .unwrap()
                    .matched
            });
        }
        timed(&format!("4 facets of columns: {text}"), || {
            query
                .facets(&filter, ALL, &fields[..4], 20, &none)
                .unwrap()
                .matched
        });
        let request = HistogramRequest {
            as_of: ALL,
            by: Some(Field::Decision),
            buckets: 60,
            ..HistogramRequest::default()
        };
        timed(&format!("histogram by decision: {text}"), || {
            query
                .histogram(&filter, &request, &none)
                .unwrap()
                .series
                .len()
        });
    }
    let sql = "SELECT decision, count(*) FROM records WHERE input->>'age' > 30 GROUP BY 1";
    for (name, mask) in [("", &none), (", masked", &covering)] {
        timed(&format!("sql{name}: {sql}"), || {
            query.run_masked(sql, mask).unwrap().rows()
        });
    }
}

fn timed<T: std::fmt::Display>(what: &str, ask: impl Fn() -> T) {
    let asked = (0..3).map(|_| {
        let start = Instant::now();
        let answer = ask();
        (start.elapsed(), answer)
    });
    let least = asked.min_by_key(|(time, _)| *time);
    if let Some((time, answer)) = least {
        println!("{:>9.1} ms  {answer:>9}  {what}", time.as_secs_f64() * 1e3);
    }
}
