//! Files beside the table: the write-ahead log, the tree's tiles, attachments, the index.

use causebook_ledger::{Disk as _, Fault, LedgerError};
use causebook_record::Draft;

use crate::common::{Media, append, fill};
use crate::{first, ledger_of_50, only};

#[test]
fn a_truncated_log_is_named() {
    let media = ledger_of_50();
    media
        .disk
        .tamper(&last_segment(&media), |bytes| {
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
fn a_writer_that_refuses_leaves_the_write_ahead_log_as_it_was() {
    let media = ledger_of_50();
    let segment = &last_segment(&media);
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
    let segment = last_segment(&media);
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
        media
            .disk
            .tamper(&last_segment(&media), |bytes| replay_frame(bytes, 0))
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
    append(&ledger, "d40", 40).unwrap();
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
        assert!(append(&ledger, "d7", 7).unwrap().repeated);
    }
}

fn last_segment(media: &Media) -> String {
    let mut segments = media.disk.files();
    segments.retain(|name| name.starts_with("wal/"));
    segments.pop().unwrap()
}
