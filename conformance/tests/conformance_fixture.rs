//! A ledger that an earlier version wrote opens, is intact at the head that was remembered of it, holds exactly what was
//! put into it, and goes on. It lies in `fixtures/ledger-v1`, with its keys, which protect nothing; beside it the
//! remembered head, and what it must answer.
//!
//! It is made by `cargo test --release --workspace --test conformance_fixture -- --ignored`, once for each format: what
//! is there is never made anew, because then it would be of the version that reads it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "fixture/make.rs"]
mod make;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use causebook_evidence::{Evidence, Trust, check};
use causebook_lake::DeltaTable;
use causebook_ledger::{
    AppendError, Depth, HeadMemory, Ledger, Options, Reader, RealDisk, RememberedHead, SystemClock,
    VerifyReport, VerifyRequest,
};
use causebook_record::{Draft, Selection};
use serde_json::Value;

const NAME: &str = "ledger-v1";
const WAIT_MAX: Duration = Duration::from_secs(60);

#[test]
#[ignore = "makes the fixture; run once for each format"]
fn make_the_fixture() {
    make::make(&fixtures(), NAME);
}

#[test]
fn an_old_ledger_is_intact_at_the_head_that_was_remembered() {
    let ledger = Copy::new();
    let report = verify(&ledger.reader());
    assert!(report.is_intact(), "{:?}", report.findings);
    assert_eq!(report.records_checked, make::RECORDS);
    assert_eq!(report.continues, Some(make::RECORDS));
    assert_eq!(
        (report.redacted, report.erased, report.beyond_checkpoint),
        (1, 1, 0)
    );
    assert_eq!(ledger.reader().in_table(), make::IN_TABLE);
}

#[test]
fn an_old_ledger_answers_as_it_did() {
    let ledger = Copy::new();
    let reader = ledger.reader();
    let expected = expected();
    assert_eq!(
        (reader.size(), expected.len() as u64),
        (make::RECORDS, make::RECORDS)
    );
    for (index, answer) in (0..).zip(&expected) {
        let row = reader.find(answer["id"].as_str().unwrap()).unwrap();
        assert_eq!(row.index, index);
        assert_eq!(Some(&row), reader.get(index).unwrap().as_ref());
        assert_eq!(row.record.text(), answer["text"].as_str());
        let digest = row
            .record
            .digest()
            .unwrap()
            .map(|digest| digest.to_string());
        assert_eq!(digest.as_deref(), answer["digest"].as_str());
    }
    assert_eq!(
        reader.by_subject("applicant-3").unwrap(),
        make::OF_APPLICANT_3
    );
    assert_eq!(reader.by_trace("trace-1").unwrap(), make::OF_TRACE_1);
    assert_eq!(reader.referring_to("D-007").unwrap(), make::ABOUT_D_007);
    assert_eq!(
        reader.blob(make::ATTACHMENT_DIGEST).unwrap(),
        make::ATTACHMENT
    );
}

#[test]
fn evidence_of_an_old_ledger_is_made_and_checks() {
    let ledger = Copy::new();
    let reader = ledger.reader();
    let trust = Trust::Keys(remembered().keys);
    for (index, linked) in [(7, true), (make::RECORDS - 1, false)] {
        let evidence = reader.evidence(index, &Selection::All, linked).unwrap();
        let read = Evidence::parse(evidence.to_json().as_bytes()).unwrap();
        let report = check(&read, &trust).unwrap();
        assert_eq!(report.size, make::RECORDS);
        assert_eq!(
            report.records[0].text(),
            expected()[index as usize]["text"].as_str()
        );
        assert_eq!(
            report.records.len(),
            if linked {
                1 + make::ABOUT_D_007.len()
            } else {
                1
            }
        );
    }
    let kept = std::fs::read(fixtures().join(format!("{NAME}.evidence.json"))).unwrap();
    let report = check(&Evidence::parse(&kept).unwrap(), &trust).unwrap();
    assert_eq!(report.records[0].text(), expected()[7]["text"].as_str());
}

#[test]
fn an_old_ledger_is_written_on() {
    let copy = Copy::new();
    let ledger = copy.writer();
    // Records of the table and of the write-ahead log, sent again, are known; another content under their id is refused.
    for index in [39, make::RECORDS - 1] {
        let text = make::draft(index);
        let again = ledger
            .append(Draft::parse(text.as_bytes()).unwrap(), "loans", "http")
            .unwrap();
        assert_eq!((again.index, again.repeated), (index, true));
        let other = text.replace("credit-risk", "another");
        assert_ne!(other, text);
        let refused = ledger.append(Draft::parse(other.as_bytes()).unwrap(), "loans", "http");
        assert!(
            matches!(refused, Err(AppendError::Conflict { .. })),
            "{refused:?}"
        );
    }
    let new = Draft::parse(make::draft(make::RECORDS).as_bytes()).unwrap();
    let receipt = ledger.append(new, "loans", "http").unwrap();
    assert_eq!((receipt.index, receipt.repeated), (make::RECORDS, false));
    ledger.wait_checkpoint(make::RECORDS + 1, WAIT_MAX).unwrap();
    ledger.flush().unwrap();
    ledger.close().unwrap();

    let reader = copy.reader();
    assert_eq!(
        (reader.size(), reader.in_table()),
        (make::RECORDS + 1, make::RECORDS + 1)
    );
    let report = verify(&reader);
    assert!(report.is_intact(), "{:?}", report.findings);
    assert_eq!(report.continues, Some(make::RECORDS));
    assert_eq!(report.records_checked, make::RECORDS + 1);
    assert_eq!(reader.find(&receipt.id).unwrap().index, make::RECORDS);
}

#[test]
fn the_fixture_is_small() {
    let bytes: u64 = files(&fixtures())
        .iter()
        .map(|path| path.metadata().unwrap().len())
        .sum();
    assert!(bytes < 300 << 10, "{bytes} bytes");
}

/// A copy of the fixture: tests write.
struct Copy {
    folder: tempfile::TempDir,
}

impl Copy {
    fn new() -> Copy {
        let from = fixtures().join(NAME);
        assert!(
            from.join("ledger.json").is_file(),
            "the fixture is missing: {}",
            from.display()
        );
        let folder = tempfile::tempdir().unwrap();
        for path in files(&from) {
            let to = folder.path().join(path.strip_prefix(&from).unwrap());
            std::fs::create_dir_all(to.parent().unwrap()).unwrap();
            std::fs::copy(path, to).unwrap();
        }
        Copy { folder }
    }

    fn reader(&self) -> Reader {
        let table = DeltaTable::open(&self.folder.path().join("table")).unwrap();
        Reader::open(Arc::new(RealDisk::new(self.folder.path())), Arc::new(table)).unwrap()
    }

    fn writer(&self) -> Ledger {
        let table = self.folder.path().join("table");
        let disk = Arc::new(RealDisk::new(self.folder.path()));
        let open_table = || Ok(Arc::new(DeltaTable::open_or_create(&table)?) as Arc<_>);
        Ledger::open(
            disk,
            Arc::new(SystemClock::new()),
            open_table,
            Options::default(),
        )
        .unwrap()
    }
}

fn verify(reader: &Reader) -> VerifyReport {
    let remembered = remembered();
    assert_eq!(reader.identity().keys, remembered.keys);
    let request = VerifyRequest {
        depth: Depth::Full,
        remembered: Some(&remembered),
        threads: 2,
    };
    reader.verify(&request, &mut |_, _| {}).unwrap()
}

fn remembered() -> RememberedHead {
    let disk = RealDisk::new(&fixtures().join(format!("{NAME}.head")));
    let head = HeadMemory::new(&disk).recall(make::ORIGIN).unwrap();
    head.expect("the remembered head is missing")
}

/// By position: id, text and digest; null where they are erased.
fn expected() -> Vec<Value> {
    let text = std::fs::read_to_string(fixtures().join(format!("{NAME}.ndjson")))
        .expect("the answers are missing");
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn fixtures() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}
