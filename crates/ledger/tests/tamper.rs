//! P2: nothing is changed unnoticed, and verification names the first bad position and what is wrong with it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use causebook_ledger::sim::SimDisk;
use causebook_ledger::{
    ColumnFault, Depth, Disk as _, Fault, HeadMemory, LedgerError, Row, VerifyReport, VerifyRequest,
};
use causebook_record::{Draft, OpeningKey, Stored};
use common::{Media, append, fill, verify};

/// Forty records in the table, ten behind it in the write-ahead log.
fn ledger_of_50() -> Media {
    let media = Media::new();
    let ledger = media.open().unwrap();
    fill(&ledger, 40);
    ledger.flush().unwrap();
    for number in 40..50 {
        common::append(&ledger, &format!("d{number}"), number).unwrap();
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

#[test]
fn a_changed_payload_is_named() {
    let media = ledger_of_50();
    media
        .table
        .tamper(|rows| rows[17] = changed(&rows[17], "\"deny\"", "\"approve\""));
    let report = media.verify();
    assert_eq!(only(&report), (Fault::ChangedPayload, Some(17)));
    assert_eq!(report.findings[0].id.as_deref(), Some("d17"));
}

#[test]
fn two_changed_neighbours_are_both_named() {
    let media = ledger_of_50();
    media.table.tamper(|rows| {
        for place in [17, 18] {
            rows[place] = changed(&rows[place], "\"deny\"", "\"approve\"");
        }
    });
    let report = media.verify();
    assert_eq!(report.findings_total, 2, "{:#?}", report.findings);
    assert_eq!(first(&report), (Fault::ChangedPayload, Some(17)));
}

#[test]
fn a_changed_last_row_of_the_table_is_named() {
    let media = ledger_of_50();
    media
        .table
        .tamper(|rows| rows[39] = changed(&rows[39], "\"deny\"", "\"approve\""));
    assert_eq!(only(&media.verify()), (Fault::ChangedPayload, Some(39)));
}

#[test]
fn a_changed_opening_key_is_a_changed_payload() {
    let media = ledger_of_50();
    media.table.tamper(|rows| {
        if let Stored::Whole { key, .. } = &mut rows[3].record {
            *key = OpeningKey([1; 16]);
        }
    });
    assert_eq!(only(&media.verify()), (Fault::ChangedPayload, Some(3)));
}

#[test]
fn a_changed_column_is_named_with_both_values() {
    let media = ledger_of_50();
    let fault = ColumnFault {
        column: "subject",
        stored: Some("someone else".into()),
        sealed: Some("applicant-1".into()),
    };
    media.table.tamper_column(8, fault);
    let report = media.verify();
    assert_eq!(only(&report), (Fault::ChangedColumn, Some(8)));
    assert!(
        report.findings[0].what.contains("subject")
            && report.findings[0].what.contains("someone else")
    );
}

#[test]
fn a_dropped_record_is_named_whether_or_not_the_rest_is_renumbered() {
    let media = ledger_of_50();
    media.table.tamper(|rows| {
        rows.remove(12);
    });
    assert_eq!(only(&media.verify()), (Fault::Dropped, Some(12)));

    let media = ledger_of_50();
    media.table.tamper(|rows| {
        rows.remove(12);
        rows.iter_mut()
            .zip(0..)
            .for_each(|(row, index)| row.index = index);
    });
    let report = media.verify();
    assert_eq!(
        report
            .findings
            .iter()
            .find(|finding| finding.fault == Fault::Dropped)
            .unwrap()
            .index,
        Some(12)
    );
}

#[test]
fn an_added_record_is_named_whether_or_not_the_rest_is_renumbered() {
    for renumber in [false, true] {
        let media = ledger_of_50();
        media.table.tamper(|rows| {
            let mut forged = changed(&rows[20], "\"id\":\"d20\"", "\"id\":\"forged\"");
            forged.index = 20;
            rows.insert(20, forged);
            if renumber {
                rows.iter_mut()
                    .zip(0..)
                    .for_each(|(row, index)| row.index = index);
            }
        });
        let report = media.verify();
        let added = report
            .findings
            .iter()
            .find(|finding| finding.fault == Fault::Added)
            .unwrap();
        assert_eq!(
            (added.index, added.id.as_deref()),
            (Some(20), Some("forged")),
            "{:#?}",
            report.findings
        );
    }
}

#[test]
fn a_record_stored_twice_is_named() {
    let media = ledger_of_50();
    media.table.tamper(|rows| rows.insert(31, rows[30].clone()));
    assert_eq!(only(&media.verify()).0, Fault::Added);
}

#[test]
fn a_record_beyond_the_end_of_the_table_is_named() {
    let media = ledger_of_50();
    media.table.tamper(|rows| {
        let mut forged = changed(&rows[39], "\"id\":\"d39\"", "\"id\":\"forged\"");
        forged.index = 1000;
        rows.push(forged);
    });
    let report = media.verify();
    assert!(
        report
            .findings
            .iter()
            .any(|finding| finding.id.as_deref() == Some("forged")),
        "{:#?}",
        report.findings
    );
}

#[test]
fn reordered_records_are_named() {
    for renumber in [false, true] {
        let media = ledger_of_50();
        media.table.tamper(|rows| {
            rows.swap(5, 9);
            if renumber {
                rows.iter_mut()
                    .zip(0..)
                    .for_each(|(row, index)| row.index = index);
            }
        });
        let report = media.verify();
        assert!(
            report
                .findings
                .iter()
                .any(|finding| finding.fault == Fault::Reordered
                    && (5..=9).contains(&finding.index.unwrap())),
            "{:#?}",
            report.findings
        );
    }
}

#[test]
fn a_truncated_log_is_named() {
    let media = ledger_of_50();
    let segments: Vec<_> = media
        .disk
        .files()
        .into_iter()
        .filter(|name| name.starts_with("wal/"))
        .collect();
    media
        .disk
        .tamper(segments.last().unwrap(), |bytes| {
            let cut = bytes.len() - 3000;
            bytes.truncate(cut);
        })
        .unwrap();
    let report = media.verify();
    let (fault, index) = first(&report);
    assert_eq!(fault, Fault::Truncated);
    assert!((40..50).contains(&index.unwrap()));
    assert!(
        matches!(media.open(), Err(LedgerError::Tampered(_))),
        "and it does not open for writing"
    );
}

#[test]
fn records_cut_off_the_end_of_the_table_are_named() {
    let media = ledger_of_50();
    media.table.tamper(|rows| rows.truncate(35));
    let report = media.verify();
    assert_eq!(first(&report).1, Some(35), "{:#?}", report.findings);
}

#[test]
fn a_writer_that_refuses_leaves_the_write_ahead_log_as_it_was() {
    let media = ledger_of_50();
    let mut segments = media.disk.files();
    segments.retain(|name| name.starts_with("wal/"));
    let segment = segments.last().unwrap();
    let frame = media.disk.read(segment).unwrap().len() - 300;
    media
        .disk
        .tamper(segment, |bytes| bytes[frame] ^= 1)
        .unwrap();
    let before = media.disk.read(segment).unwrap();
    assert!(matches!(media.open(), Err(LedgerError::Tampered(_))));
    assert_eq!(media.disk.read(segment).unwrap(), before);
    media
        .disk
        .tamper(segment, |bytes| bytes[frame] ^= 1)
        .unwrap();
    assert!(media.verify().is_intact(), "and it can still be restored");
}

#[test]
fn a_changed_frame_of_the_write_ahead_log_is_named() {
    let media = ledger_of_50();
    let segment = media
        .disk
        .files()
        .into_iter()
        .find(|name| name.starts_with("wal/"))
        .unwrap();
    media
        .disk
        .tamper(&segment, |bytes| {
            let place = bytes
                .windows(6)
                .rposition(|window| window == b"\"deny\"")
                .unwrap();
            bytes[place + 1] = b'D';
        })
        .unwrap();
    let report = media.verify();
    assert!(
        matches!(first(&report).0, Fault::DamagedFile | Fault::Truncated),
        "{:#?}",
        report.findings
    );
}

/// Writes the frame of a record a second time, as the next record, in a group of its own.
fn replay_frame(segment: &mut Vec<u8>, replayed: u64) {
    let word = |at: usize, bytes: &[u8]| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    let first = u64::from_le_bytes(segment[24..32].try_into().unwrap());
    let (mut at, mut index, mut frame) = (128, first, Vec::new());
    while at + 4 <= segment.len() && word(at, segment) != 0 {
        let size = (24 + word(at, segment) as usize).next_multiple_of(8);
        if index == first + replayed {
            frame = segment[at..at + size].to_vec();
        }
        (at, index) = (at + size, index + 1);
    }
    frame[8..16].copy_from_slice(&index.to_le_bytes());
    frame[16..24].copy_from_slice(&index.to_le_bytes());
    let end = 24 + word(0, &frame) as usize;
    let checksum = crc32c::crc32c_append(crc32c::crc32c(&frame[..4]), &frame[8..end]);
    frame[4..8].copy_from_slice(&checksum.to_le_bytes());
    segment.truncate(at);
    segment.extend(frame);
}

#[test]
fn a_record_replayed_behind_the_checkpoint_is_named_and_not_gone_on_from() {
    for flushed in [false, true] {
        let media = ledger_of_50();
        if flushed {
            let ledger = media.open().unwrap();
            ledger.flush().unwrap();
            append(&ledger, "d50", 50).unwrap();
            ledger.close().unwrap();
        }
        let files = media.disk.files();
        let segment = files.iter().rfind(|name| name.starts_with("wal/"));
        media
            .disk
            .tamper(segment.unwrap(), |bytes| replay_frame(bytes, 0))
            .unwrap();
        let report = media.verify();
        assert_eq!(first(&report).0, Fault::Added, "{:#?}", report.findings);
        assert!(matches!(media.open(), Err(LedgerError::Tampered(_))));
    }
}

#[test]
fn a_changed_entry_bundle_or_tile_is_named() {
    for name in ["log/tile/entries/000.p/50", "log/tile/0/000.p/50"] {
        let media = ledger_of_50();
        media
            .disk
            .tamper(name, |bytes| bytes[34 * 7 + 10] ^= 1)
            .unwrap();
        let report = media.verify();
        assert_eq!(
            first(&report).0,
            Fault::ChangedLog,
            "{name}: {:#?}",
            report.findings
        );
    }
}

#[test]
fn a_changed_entry_bundle_is_not_gone_on_from() {
    let media = Media::new();
    let ledger = media.open().unwrap();
    fill(&ledger, 40);
    ledger.flush().unwrap();
    ledger.close().unwrap();
    let bundle = "log/tile/entries/000.p/40";
    media
        .disk
        .tamper(bundle, |bytes| bytes[34 * 7 + 10] ^= 1)
        .unwrap();
    let ledger = media.open().unwrap();
    common::append(&ledger, "d40", 40).unwrap();
    ledger.close().unwrap();
    let report = media.verify();
    assert!(report.is_intact(), "{:#?}", report.findings);
}

#[test]
fn a_changed_or_missing_attachment_is_named() {
    let media = Media::new();
    let ledger = media.open().unwrap();
    fill(&ledger, 3);
    let blob = ledger.put_blob(&mut &b"a letter"[..]).unwrap();
    let text = format!(
        r#"{{"id":"with","model":"m","decision":"deny","attachments":[{{"name":"letter","media_type":"text/plain","size":8,"digest":"{}"}}]}}"#,
        blob.digest
    );
    let draft = Draft::parse(text.as_bytes()).unwrap();
    ledger.append(draft, "tester", "test").unwrap();
    ledger.close().unwrap();
    assert!(media.verify().is_intact());
    let mut files = media.disk.files();
    files.retain(|name| name.starts_with("blobs/"));
    media.disk.tamper(&files[0], |bytes| bytes[0] ^= 1).unwrap();
    assert_eq!(only(&media.verify()), (Fault::ChangedAttachment, Some(3)));
    media.disk.remove(&files[0]).unwrap();
    assert_eq!(only(&media.verify()), (Fault::MissingAttachment, Some(3)));
}

#[test]
fn a_changed_index_leads_nobody_astray() {
    let media = ledger_of_50();
    let mut runs = media.disk.files();
    runs.retain(|name| name.ends_with(".run"));
    let first_of_page = 4096 + 4;
    for (name, at) in [("index/seed", 3), (runs[0].as_str(), first_of_page)] {
        let changed = media.copy();
        changed.disk.tamper(name, |bytes| bytes[at] ^= 1).unwrap();
        let written = changed.copy();
        let ledger = written.open().unwrap();
        for reader in [changed.reader(), ledger.reader()] {
            for number in 0..50 {
                let id = format!("d{number}");
                let found = reader.find_exact(&id).unwrap().expect(&id);
                assert_eq!(found.index, number, "{name}");
            }
            assert_eq!(reader.by_subject("applicant-3").unwrap().len(), 7);
        }
        assert!(common::append(&ledger, "d7", 7).unwrap().repeated);
    }
}

#[test]
fn a_changed_checkpoint_or_one_by_another_key_is_named() {
    let media = ledger_of_50();
    media
        .disk
        .tamper("log/checkpoint", |bytes| {
            let text = String::from_utf8(bytes.clone())
                .unwrap()
                .replacen("\n50\n", "\n49\n", 1);
            *bytes = text.into_bytes();
        })
        .unwrap();
    assert_eq!(first(&media.verify()).0, Fault::WrongKey);

    let (media, other) = (ledger_of_50(), ledger_of_50());
    let foreign = causebook_ledger::Disk::read(&other.disk, "log/checkpoint").unwrap();
    media
        .disk
        .tamper("log/checkpoint", |bytes| *bytes = foreign)
        .unwrap();
    assert_eq!(first(&media.verify()).0, Fault::WrongKey);
    assert!(matches!(media.open(), Err(LedgerError::Tampered(_))));
}

#[test]
fn a_rolled_back_ledger_is_named_by_whoever_saw_the_later_head() {
    let media = Media::new();
    let ledger = media.open().unwrap();
    fill(&ledger, 20);
    ledger.close().unwrap();
    let earlier = media.copy();
    let ledger = media.open().unwrap();
    common::append(&ledger, "later", 1).unwrap();
    ledger.close().unwrap();
    let heads = SimDisk::new();
    let memory = HeadMemory::new(&heads);
    let seen = media.reader();
    memory
        .remember(seen.identity(), seen.checkpoint().as_ref())
        .unwrap();

    let report = quick(&earlier, &memory);
    assert_eq!(first(&report).0, Fault::RolledBack);
    assert_eq!(quick(&media, &memory).continues, Some(21));
}

#[test]
fn a_fork_signed_with_the_true_key_is_named_by_whoever_saw_the_other_branch() {
    let media = Media::new();
    let ledger = media.open().unwrap();
    fill(&ledger, 20);
    ledger.close().unwrap();
    let branch = media.copy();
    let grow = |media: &Media, id: &str| {
        let ledger = media.open().unwrap();
        common::append(&ledger, id, 1).unwrap();
        common::append(&ledger, &format!("{id}-2"), 1).unwrap();
        ledger.close().unwrap();
    };
    grow(&media, "here");
    grow(&branch, "there");
    let heads = SimDisk::new();
    let memory = HeadMemory::new(&heads);
    let seen = media.reader();
    memory
        .remember(seen.identity(), seen.checkpoint().as_ref())
        .unwrap();
    assert_eq!(first(&quick(&branch, &memory)).0, Fault::Forked);
    assert!(verify(&branch.reader()).is_intact(), "nobody else can know");
}

#[test]
fn a_ledger_put_in_the_place_of_another_is_named() {
    let (media, other) = (ledger_of_50(), ledger_of_50());
    let heads = SimDisk::new();
    let memory = HeadMemory::new(&heads);
    memory.remember(media.reader().identity(), None).unwrap();
    assert_eq!(first(&quick(&other, &memory)).0, Fault::WrongKey);
}

#[test]
fn one_record_can_be_verified_alone() {
    let media = ledger_of_50();
    media
        .table
        .tamper(|rows| rows[17] = changed(&rows[17], "\"deny\"", "\"approve\""));
    let reader = media.reader();
    let one = |index| {
        let request = VerifyRequest {
            depth: Depth::One(index),
            remembered: None,
            threads: 1,
        };
        reader.verify(&request, &mut |_, _| {}).unwrap()
    };
    assert!(one(16).is_intact());
    assert_eq!(only(&one(17)), (Fault::ChangedPayload, Some(17)));
    assert!(one(45).is_intact());
    let request = VerifyRequest {
        depth: Depth::Since(18),
        remembered: None,
        threads: 2,
    };
    let report = reader.verify(&request, &mut |_, _| {}).unwrap();
    assert!(report.is_intact());
    assert_eq!(report.records_checked, 32);
}

fn quick(media: &Media, memory: &HeadMemory<'_>) -> VerifyReport {
    let reader = media.reader();
    let remembered = memory.recall(&reader.identity().origin).unwrap();
    let request = VerifyRequest {
        depth: Depth::Quick,
        remembered: remembered.as_ref(),
        threads: 1,
    };
    reader.verify(&request, &mut |_, _| {}).unwrap()
}
