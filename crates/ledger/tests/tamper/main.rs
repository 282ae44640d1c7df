//! P2: nothing is changed unnoticed, and verification names the first bad position and what is wrong with it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../common/mod.rs"]
mod common;
mod files;
mod heads;
mod rows;

use causebook_ledger::{Fault, Row, VerifyReport};
use causebook_record::Stored;
use common::{Media, append, fill};

/// Forty records in the table, ten behind it in the write-ahead log.
fn ledger_of_50() -> Media {
    let media = Media::new();
    let ledger = media.open().unwrap();
    fill(&ledger, 40);
    ledger.flush().unwrap();
    for number in 40..50 {
        append(&ledger, &format!("d{number}"), number).unwrap();
    }
    ledger.close().unwrap();
    assert!(media.verify().is_intact());
    media
}

fn first(report: &VerifyReport) -> (Fault, Option<u64>) {
    let finding = report.findings.first().expect("something is wrong");
    (finding.fault, finding.index)
}

fn only(report: &VerifyReport) -> (Fault, Option<u64>) {
    assert_eq!(report.findings_total, 1, "{:#?}", report.findings);
    first(report)
}

/// Turns the decision of a record in the table.
fn approve(media: &Media, place: usize) {
    media
        .table
        .tamper(|rows| rows[place] = changed(&rows[place], "\"deny\"", "\"approve\""));
}

fn changed(row: &Row, from: &str, to: &str) -> Row {
    let Stored::Whole { text, key } = &row.record else {
        panic!("a whole record")
    };
    assert!(text.contains(from));
    Row {
        index: row.index,
        record: Stored::Whole {
            text: text.replace(from, to),
            key: *key,
        },
    }
}
