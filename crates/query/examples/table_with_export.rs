//! Writes a table of decisions, reviews and erasures, and its export, for `tests/engines/read_table.py`.
//!
//! `cargo run --release -p causebook-query --example table_with_export -- FOLDER` makes `FOLDER/table` and
//! `FOLDER/expected.ndjson`. The table has been through what a table goes through: many commits, a checkpoint, merging,
//! erasure of facts and of whole records.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../../lake/tests/harness/mod.rs"]
mod harness;

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

use causebook_lake::DeltaTable;
use causebook_ledger::{Row, TableSink as _};
use causebook_query::output::{Format, Options, write};
use causebook_query::{Limits, Query};
use jiff::SignedDuration;

fn main() {
    let folder = PathBuf::from(std::env::args().nth(1).expect("a folder"));
    let table = Arc::new(DeltaTable::create(&folder.join("table")).unwrap());
    let mut rows = harness::decisions(0..3000);
    for index in [5, 700, 2999] {
        let text = format!(
            r#"{{"id":"review-{index}","kind":"review","refers_to":"x","review":{{"action":"override","who":"ünï","role":"officer","reason":"a \"b\"\n\u0000"}},"time":"2026-03-02T23:59:59.123456789+02:00"}}"#
        );
        let at = harness::start() + SignedDuration::from_hours(20);
        rows[index as usize] = harness::row(index, &text, at);
    }
    let extremes = r#"{"model":"m","score":1e-7,"input":{"big":9007199254740993,"d":1.500},"output":"","time":"0001-01-01T00:00:00Z"}"#;
    rows[6] = harness::row(6, extremes, harness::start());
    for chunk in rows.chunks(50) {
        table.append(chunk).unwrap();
    }
    let pointers = ["/input/age".parse().unwrap(), "/subject".parse().unwrap()];
    let erased = [
        Row {
            index: 17,
            record: rows[17].record.clone().erase(),
        },
        Row {
            index: 2000,
            record: rows[2000].record.clone().erase_facts(&pointers).unwrap(),
        },
    ];
    table.replace(&erased).unwrap();
    table.compact().unwrap();
    table.append(&harness::decisions(3000..3010)).unwrap();

    let query = Query::open(table, Vec::new, Limits::default()).unwrap();
    let answer = query.run("SELECT * FROM records ORDER BY index").unwrap();
    let mut out = File::create(folder.join("expected.ndjson")).unwrap();
    write(Format::Ndjson, &answer, Options::default(), &mut out).unwrap();
}
