//! Rows as a ledger would hand them over, made from a seed, and ways to look at a table's folder from outside.

#![allow(dead_code)]

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use causebook_ledger::{Row, Scan, ScannedRow, TableError, TableSink};
use causebook_record::{Draft, OpeningKey, Recorded, Stored};
use jiff::{SignedDuration, Timestamp};

/// When row 0 was recorded.
pub(crate) fn start() -> Timestamp {
    "2026-03-01T09:00:00.25Z".parse().unwrap()
}

/// A small seeded generator (splitmix64): same seed, same rows.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    pub(crate) fn key(&mut self) -> OpeningKey {
        let mut key = [0; 16];
        key[..8].copy_from_slice(&self.next().to_be_bytes());
        key[8..].copy_from_slice(&self.next().to_be_bytes());
        OpeningKey(key)
    }
}

/// Seals one draft at `index`.
pub(crate) fn row(index: u64, draft: &str, recorded_at: Timestamp) -> Row {
    let recorded = Recorded {
        at: recorded_at,
        by: "loans-api".to_owned(),
        via: "http".to_owned(),
    };
    let draft = Draft::parse(draft.as_bytes()).unwrap_or_else(|error| panic!("{error}: {draft}"));
    let key = Random(index).key();
    let sealed = draft
        .complete(&format!("generated-{index}"), &recorded)
        .unwrap()
        .seal(key);
    Row {
        index,
        record: Stored::Whole {
            text: sealed.text,
            key: sealed.key,
        },
    }
}

/// A loan decision of about 1 KB and 25 facts.
pub(crate) fn decision(index: u64) -> Row {
    let random = &mut Random(index ^ 0x5eed);
    let at = start() + SignedDuration::from_millis(index.cast_signed() * 7);
    let uuid_time = 0x0190_0000_0000_u64 + index * 7;
    let id = format!(
        "{:08x}-{:04x}-7{:03x}-{:04x}-{:012x}",
        uuid_time >> 16,
        uuid_time & 0xffff,
        random.below(0x1000),
        0x8000 | random.below(0x4000),
        random.below(1 << 48)
    );
    let purposes = [
        "radio/tv",
        "car (new)",
        "education",
        "repairs",
        "furniture",
        "business",
    ];
    let purpose = purposes[random.below(6) as usize];
    let score = random.below(1_000_000) as f64 / 1e6;
    let decision = if score > 0.5 { "deny" } else { "approve" };
    let text = format!(
        r#"{{"id":"{id}","time":"{at}","model":{{"name":"credit-risk","version":"2026.2.1","digest":"sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"}},
        "subject":"applicant-{subject:07}","decision":"{decision}","score":{score},
        "input":{{"checking_status":"<0 DM","duration_months":{duration},"credit_history":"existing paid","purpose":"{purpose}","credit_amount":{amount},"savings_status":"<100 DM","employment":"1<=X<4","installment_commitment":{rate},"personal_status":"male single","property_magnitude":"real estate","age":{age},"housing":"own","existing_credits":{credits},"job":"skilled","own_telephone":"yes"}},
        "output":{{"probability":{score},"class":"{decision}","threshold":0.5}},
        "context":{{"trace_id":"{trace:032x}","purpose":"credit scoring","environment":"production"}},
        "source":{{"name":"loans-api","run":"2026-03-01","seq":{index}}},"automation":"sole"}}"#,
        subject = random.below(1_000_000),
        duration = 6 + random.below(60),
        amount = 250 + random.below(18_000),
        rate = 1 + random.below(4),
        age = 19 + random.below(56),
        credits = 1 + random.below(4),
        trace = (u128::from(random.next()) << 64) | u128::from(random.next()),
    );
    row(index, &text, at)
}

pub(crate) fn decisions(range: std::ops::Range<u64>) -> Vec<Row> {
    range.map(decision).collect()
}

pub(crate) fn everything() -> Scan {
    Scan {
        indexes: 0..u64::MAX,
        check_columns: true,
    }
}

pub(crate) fn scan(table: &dyn TableSink, scan: &Scan) -> Result<Vec<ScannedRow>, TableError> {
    let mut rows = Vec::new();
    table.scan(scan, &mut |row| {
        rows.push(row);
        ControlFlow::Continue(())
    })?;
    Ok(rows)
}

/// All rows, which must be without column faults.
pub(crate) fn rows(table: &dyn TableSink) -> Vec<Row> {
    let scanned = scan(table, &everything()).unwrap();
    scanned
        .into_iter()
        .map(|scanned| {
            assert_eq!(scanned.column_fault, None, "row {}", scanned.row.index);
            scanned.row
        })
        .collect()
}

/// Every file below a folder.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

pub(crate) fn data_files(folder: &Path) -> Vec<PathBuf> {
    let log = |path: &PathBuf| {
        path.components()
            .any(|part| part.as_os_str() == "_delta_log")
    };
    files(folder)
        .into_iter()
        .filter(|path| !log(path))
        .collect()
}

/// Whether any file below a folder holds these bytes, raw or as a decoded Parquet value.
pub(crate) fn holds(folder: &Path, needle: &str) -> Vec<PathBuf> {
    files(folder)
        .into_iter()
        .filter(|path| {
            let bytes = std::fs::read(path).unwrap();
            let raw = bytes
                .windows(needle.len())
                .any(|window| window == needle.as_bytes());
            raw || (path.extension().is_some_and(|e| e == "parquet")
                && decoded(path).contains(needle))
        })
        .collect()
}

/// All values of a Parquet file, printed.
fn decoded(path: &Path) -> String {
    let file = std::fs::File::open(path).unwrap();
    let reader = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(file)
        .unwrap()
        .build()
        .unwrap();
    let mut writer = arrow::json::LineDelimitedWriter::new(Vec::new());
    for batch in reader {
        writer.write(&batch.unwrap()).unwrap();
    }
    writer.finish().unwrap();
    String::from_utf8(writer.into_inner()).unwrap()
}
