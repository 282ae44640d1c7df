//! The same id never gets a second place: not in a batch, not in the buffer, not in the table, not after years.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use causebook_ledger::{AppendError, Disk, Erasure, Options};
use causebook_record::Draft;
use common::{Media, append, decision, fill, options};

#[test]
fn the_same_record_again_gets_its_first_receipt() {
    let media = Media::new();
    let ledger = media.open().unwrap();
    let first = fill(&ledger, 5);
    let again = append(&ledger, "d3", 3).unwrap();
    assert!(again.repeated);
    assert_eq!(
        (again.index, again.digest),
        (first[3].index, first[3].digest)
    );
    ledger.flush().unwrap();
    assert_eq!(append(&ledger, "d3", 3).unwrap().index, 3);
    ledger.close().unwrap();
    let ledger = media.open().unwrap();
    assert_eq!(append(&ledger, "d3", 3).unwrap().index, 3);
    assert_eq!(ledger.reader().size(), 5);
}

#[test]
fn the_same_id_with_other_content_is_a_conflict_wherever_the_first_is() {
    let media = Media::new();
    let ledger = media.open().unwrap();
    fill(&ledger, 3);
    let conflict = |result| {
        assert!(
            matches!(result, Err(AppendError::Conflict { index: 1, .. })),
            "{result:?}"
        );
    };
    conflict(append(&ledger, "d1", 99));
    ledger.flush().unwrap();
    conflict(append(&ledger, "d1", 99));
    drop(ledger);
    conflict(append(&media.open().unwrap(), "d1", 99));
}

#[test]
fn a_batch_that_repeats_itself_is_recorded_once() {
    let media = Media::new();
    let ledger = media.open().unwrap();
    let batch = vec![
        decision("a", 1),
        decision("b", 2),
        decision("a", 1),
        decision("a", 5),
    ];
    let results = ledger.append_batch(batch, "tester", "test");
    assert_eq!(results[2].as_ref().unwrap().index, 0);
    assert!(matches!(results[3], Err(AppendError::Conflict { .. })));
    assert_eq!(ledger.reader().size(), 2);
}

#[test]
fn records_without_an_id_are_each_their_own() {
    let media = Media::new();
    let ledger = media.open().unwrap();
    let draft = || {
        Draft::parse(br#"{"model_version":"v1.2","input":{"age":30},"output":"approved"}"#).unwrap()
    };
    let first = ledger.append(draft(), "tester", "test").unwrap();
    let second = ledger.append(draft(), "tester", "test").unwrap();
    assert_ne!(first.id, second.id);
    assert_eq!(second.index, 1);
}

#[test]
fn ids_are_known_through_many_flushes_merges_and_a_lost_index() {
    let media = Media::new();
    let ledger = media.open().unwrap();
    for round in 0..40 {
        for number in 0..5 {
            append(&ledger, &format!("r{round}-{number}"), number).unwrap();
        }
        ledger.flush().unwrap();
    }
    for round in 0..40 {
        let again = append(&ledger, &format!("r{round}-2"), 2).unwrap();
        assert_eq!((again.repeated, again.index), (true, round * 5 + 2));
    }
    ledger.close().unwrap();
    let runs = |media: &Media| {
        media
            .disk
            .files()
            .iter()
            .filter(|name| name.ends_with(".run"))
            .count()
    };
    assert!(runs(&media) < 16, "{} runs", runs(&media));
    for (position, name) in media
        .disk
        .files()
        .into_iter()
        .filter(|name| name.ends_with(".run"))
        .enumerate()
    {
        media
            .disk
            .tamper(&name, |bytes| {
                let middle = if position == 0 { 20 } else { bytes.len() / 2 };
                bytes[middle] ^= 0xff;
                bytes.truncate(bytes.len() - position);
            })
            .unwrap();
    }
    let ledger = media.open().unwrap();
    assert_eq!(append(&ledger, "r0-0", 0).unwrap().index, 0);
    assert_eq!(ledger.reader().by_subject("applicant-3").unwrap().len(), 40);
}

#[test]
fn ids_are_known_though_the_seed_of_the_index_is_gone() {
    let media = Media::new();
    let ledger = media.open().unwrap();
    fill(&ledger, 20);
    ledger.flush().unwrap();
    ledger.close().unwrap();
    media.disk.remove("index/seed").unwrap();
    let ledger = media.open().unwrap();
    let again = append(&ledger, "d7", 7).unwrap();
    assert_eq!((again.repeated, again.index), (true, 7));
    assert_eq!(ledger.reader().by_subject("applicant-3").unwrap().len(), 3);
}

#[test]
fn an_erased_id_stays_taken_and_is_refused_as_erased() {
    let media = Media::new();
    let ledger = media.open().unwrap();
    fill(&ledger, 3);
    let (whole, part) = (
        Erasure::Payload,
        Erasure::Facts(vec!["/input".parse().unwrap()]),
    );
    for (id, number, what) in [("d1", 1, whole), ("d2", 2, part)] {
        ledger.erase(id, &what, "asked for", "tester").unwrap();
        // The same record, and another under its id: which of the two it is cannot be told.
        for sent in [number, 77] {
            let refused = append(&ledger, id, sent).unwrap_err();
            let AppendError::Erased { id: said, index } = &refused else {
                panic!("{refused}");
            };
            assert_eq!((said.as_str(), *index), (id, number));
        }
        let batch = vec![decision("new", 9), decision(id, number)];
        let refused = ledger.append_all(batch, "tester", "test");
        let stopped = matches!(refused, Err((1, AppendError::Erased { .. })));
        assert!(stopped, "{refused:?}");
    }
    assert!(matches!(
        append(&ledger, "d0", 77),
        Err(AppendError::Conflict { index: 0, .. })
    ));
    // Three records and two acts of erasure: nothing else came in.
    assert_eq!(ledger.reader().size(), 5);
}

#[test]
fn a_flush_while_others_append_doubles_nothing() {
    let media = Media::new();
    let ledger = media
        .open_with(Options {
            flush_bytes: 2_000,
            ..options()
        })
        .unwrap();
    let writers: Vec<_> = (0..4)
        .map(|writer| {
            let ledger = ledger.clone();
            std::thread::spawn(move || {
                for number in 0..120 {
                    // Two writers share every id.
                    append(&ledger, &format!("s{}-{number}", writer / 2), number).unwrap();
                }
            })
        })
        .collect();
    writers
        .into_iter()
        .for_each(|writer| writer.join().unwrap());
    assert_eq!(ledger.reader().size(), 240);
    ledger.close().unwrap();
    assert!(media.verify().is_intact());
}

#[test]
fn a_batch_sent_again_is_answered_in_its_order_wherever_the_first_ones_are() {
    let media = Media::new();
    let ledger = media.open().unwrap();
    fill(&ledger, 40);
    ledger.flush().unwrap();
    let erased = ledger.erase("d7", &Erasure::Payload, "asked for", "tester");
    erased.unwrap();
    append(&ledger, "d41", 41).unwrap();
    let asked = [12, 99, 3, 41, 7, 100, 3, 39, 41];
    let batch = asked.map(|number| decision(&format!("d{number}"), number));
    let mut batch = batch.to_vec();
    batch.push(decision("d5", 6));
    let answers = ledger.append_batch(batch, "tester", "test");
    let told: Vec<Result<(u64, bool), u64>> = answers
        .into_iter()
        .map(|answer| match answer {
            Ok(receipt) => Ok((receipt.index, receipt.repeated)),
            Err(AppendError::Conflict { index, .. } | AppendError::Erased { index, .. }) => {
                Err(index)
            }
            Err(other) => panic!("{other}"),
        })
        .collect();
    // Index 40 is the record of the erasure, 41 is "d41"; "d99" and "d100" are new.
    let expected = [
        Ok((12, true)),
        Ok((42, false)),
        Ok((3, true)),
        Ok((41, true)),
        Err(7),
        Ok((43, false)),
        Ok((3, true)),
        Ok((39, true)),
        Ok((41, true)),
        Err(5),
    ];
    assert_eq!(told, expected);
}
