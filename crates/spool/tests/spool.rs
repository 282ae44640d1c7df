//! A spool in front of a ledger that fails, refuses, is slow or is gone.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use causebook_spool::{
    Delivery, Destination, Event, Options, Outcome, Parcel, ParcelKind, Receipt, Refusal, Spool,
    SpoolError, Unavailable,
};
use proptest::prelude::*;

const LONG: Duration = Duration::from_secs(20);

/// What a ledger was given, and how it behaves.
#[derive(Default)]
struct Book {
    bodies: Vec<Vec<u8>>,
    attachments: Vec<Vec<u8>>,
    /// Deliveries that fail before one succeeds: each says how many parcels it takes.
    failures: Vec<usize>,
    down: bool,
    /// Numbers of records that have been erased.
    erased: Vec<u64>,
    slow: Duration,
    idle: u32,
}

impl Book {
    fn forgets(&self, seq: u64) -> bool {
        self.erased.contains(&seq)
    }
}

#[derive(Clone, Default)]
struct Ledger(Arc<Mutex<Book>>);

impl Ledger {
    fn bodies(&self) -> Vec<String> {
        let book = self.0.lock().unwrap();
        let text = |body: &Vec<u8>| String::from_utf8(body.clone()).unwrap();
        book.bodies.iter().map(text).collect()
    }

    fn set_down(&self, down: bool) {
        self.0.lock().unwrap().down = down;
    }
}

impl Destination for Ledger {
    fn deliver(&mut self, parcels: &[Parcel<'_>]) -> Delivery {
        let slow = self.0.lock().unwrap().slow;
        std::thread::sleep(slow);
        let mut book = self.0.lock().unwrap();
        let down = Unavailable {
            what: "the ledger is down".to_owned(),
            retry_after: None,
        };
        if book.down {
            return Delivery {
                failure: Some(down),
                ..Delivery::default()
            };
        }
        let taken = book.failures.pop();
        let mut delivery = Delivery::default();
        for parcel in parcels.iter().take(taken.unwrap_or(parcels.len())) {
            delivery.parcels += 1;
            if parcel.kind == ParcelKind::Attachment {
                book.attachments.push(parcel.body.to_vec());
                continue;
            }
            book.bodies.push(parcel.body.to_vec());
            for row in 0..u64::from(parcel.rows) {
                let forgets = book.forgets(parcel.seq + row);
                delivery.outcomes.push(if forgets {
                    Outcome::Refused(Refusal {
                        code: Refusal::ERASED.to_owned(),
                        what: format!("id-{} has been erased", parcel.seq + row),
                    })
                } else if parcel.body.starts_with(b"bad") {
                    Outcome::Refused(Refusal {
                        code: "invalid".to_owned(),
                        what: "it is bad".to_owned(),
                    })
                } else {
                    Outcome::Stored(receipt(parcel.seq + row))
                });
            }
        }
        delivery.failure = taken.map(|_| down);
        delivery
    }

    fn idle(&mut self) {
        self.0.lock().unwrap().idle += 1;
    }
}

fn receipt(seq: u64) -> Receipt {
    Receipt {
        id: format!("id-{seq}"),
        index: seq,
        digest: String::new(),
        repeated: false,
    }
}

fn options(folder: Option<&Path>, run: &str) -> Options {
    let mut options = Options::new(run);
    options.folder = folder.map(Path::to_owned);
    options.linger = Duration::from_millis(1);
    options
}

fn open(options: &Options, ledger: &Ledger) -> (Arc<Spool>, Arc<Mutex<Vec<Event>>>) {
    let events = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&events);
    let listener = move |event| heard.lock().unwrap().push(event);
    let spool = Spool::open(options, Box::new(ledger.clone()), listener).unwrap();
    (Arc::new(spool), events)
}

fn append(spool: &Spool, body: &str) -> u64 {
    try_append(spool, body).unwrap()
}

fn try_append(spool: &Spool, body: &str) -> Result<u64, SpoolError> {
    let appended = spool.append(ParcelKind::Record, 1, false, |_, out| {
        out.extend_from_slice(body.as_bytes());
    })?;
    spool.settle(&appended)?;
    Ok(appended.seq)
}

fn numbers(count: usize) -> Vec<String> {
    (0..count)
        .map(|number| format!("record {number}"))
        .collect()
}

#[test]
fn what_is_appended_is_delivered_once_and_in_order() {
    let folder = tempfile::tempdir().unwrap();
    for place in [None, Some(folder.path())] {
        let ledger = Ledger::default();
        let (spool, _) = open(&options(place, "run"), &ledger);
        for (nth, body) in numbers(3_000).iter().enumerate() {
            assert_eq!(append(&spool, body), nth as u64 + 1);
        }
        assert!(spool.flush(LONG));
        assert_eq!(ledger.bodies(), numbers(3_000));
        let counters = spool.close(LONG);
        assert_eq!((counters.recorded, counters.delivered), (3_000, 3_000));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}

#[test]
fn a_ledger_that_is_down_gets_everything_when_it_is_up() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::default();
    ledger.set_down(true);
    let (spool, events) = open(&options(Some(folder.path()), "run"), &ledger);
    for body in numbers(100) {
        append(&spool, &body);
    }
    assert!(!spool.flush(Duration::from_millis(300)));
    let trouble = spool.counters().trouble;
    assert_eq!(trouble.as_deref(), Some("the ledger is down"));
    ledger.set_down(false);
    assert!(spool.flush(LONG));
    assert_eq!(ledger.bodies(), numbers(100));
    assert_eq!(spool.counters().trouble, None);
    let texts: Vec<String> = events
        .lock()
        .unwrap()
        .iter()
        .map(|event| event.text.clone())
        .collect();
    let expected = [
        "the ledger is down; records are kept and sent later",
        "the ledger takes records again",
    ];
    assert_eq!(texts, expected);
}

#[test]
fn a_flush_does_not_wait_for_what_is_recorded_after_it_began() {
    let ledger = Ledger::default();
    ledger.0.lock().unwrap().slow = Duration::from_millis(20);
    let (spool, _) = open(&options(None, "run"), &ledger);
    append(&spool, "first");
    let stop = Arc::new(AtomicBool::new(false));
    let busy = {
        let (spool, stop) = (Arc::clone(&spool), Arc::clone(&stop));
        std::thread::spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                append(&spool, "more");
                std::thread::sleep(Duration::from_millis(1));
            }
        })
    };
    std::thread::sleep(Duration::from_millis(100));
    let begun = spool.counters().recorded;
    let flushed = spool.flush(Duration::from_secs(5));
    stop.store(true, Ordering::Relaxed);
    busy.join().unwrap();
    assert!(flushed);
    assert!(ledger.bodies().len() as u64 >= begun);
}

#[test]
fn what_a_process_left_is_delivered_by_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::default();
    ledger.set_down(true);
    let (spool, _) = open(&options(Some(folder.path()), "first"), &ledger);
    for body in numbers(50) {
        append(&spool, &body);
    }
    let (second, _) = open(&options(Some(folder.path()), "second"), &ledger);
    // As long as the process lives, nobody else delivers its run.
    let other = Ledger::default();
    let (third, _) = open(&options(Some(folder.path()), "third"), &other);
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(other.bodies(), Vec::<String>::new());
    third.close(LONG);
    let counters = second.close(Duration::ZERO);
    assert_eq!(counters.pending(), 0);

    spool.forsake();
    let after = Ledger::default();
    let (spool, _) = open(&options(Some(folder.path()), "fourth"), &after);
    append(&spool, "own");
    for _ in 0..200 {
        if after.bodies().len() == 51 {
            break;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let mut bodies = after.bodies();
    bodies.retain(|body| body != "own");
    assert_eq!(bodies, numbers(50));
    assert_eq!(spool.counters().adopted, 50);
    spool.close(LONG);
    assert!(!folder.path().join("first").exists());
}

#[test]
fn a_program_that_ends_at_once_can_wait_for_what_another_left() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::default();
    ledger.set_down(true);
    let (spool, _) = open(&options(Some(folder.path()), "first"), &ledger);
    for body in numbers(5_000) {
        append(&spool, &body);
    }
    spool.forsake();
    let after = Ledger::default();
    let (spool, _) = open(&options(Some(folder.path()), "second"), &after);
    assert!(spool.flush(LONG));
    assert!(spool.finish_adoption(LONG));
    assert_eq!(spool.close(Duration::ZERO).adopted, 5_000);
    assert_eq!(after.bodies(), numbers(5_000));
    assert!(!folder.path().join("first").exists());

    let (spool, _) = open(&options(None, "memory"), &after);
    assert!(spool.finish_adoption(Duration::ZERO));
    spool.close(LONG);
}

#[test]
fn what_was_being_written_at_the_end_is_passed_over_and_the_rest_delivered() {
    for cut in [1, 10, 23, 24, 30] {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::default();
        ledger.set_down(true);
        let (spool, _) = open(&options(Some(folder.path()), "first"), &ledger);
        for body in numbers(5) {
            append(&spool, &body);
        }
        spool.forsake();
        let segment = folder.path().join("first/00000001.seg");
        let length = fs::metadata(&segment).unwrap().len();
        let file = fs::File::options().write(true).open(&segment).unwrap();
        file.set_len(length - cut).unwrap();
        let after = Ledger::default();
        let (spool, events) = open(&options(Some(folder.path()), "second"), &after);
        for _ in 0..200 {
            if !folder.path().join("first").exists() {
                break;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        assert_eq!(after.bodies(), numbers(4), "cut {cut}");
        let errors = events.lock().unwrap().iter().any(|event| event.is_error);
        assert!(!errors);
        spool.close(LONG);
    }
}

#[test]
fn a_changed_segment_is_put_aside_and_said() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::default();
    ledger.set_down(true);
    let mut small = options(Some(folder.path()), "first");
    small.bytes_max = 1 << 20;
    let (spool, _) = open(&small, &ledger);
    let long = "x".repeat(60 << 10);
    for _ in 0..6 {
        append(&spool, &long);
    }
    spool.forsake();
    let segment = folder.path().join("first/00000001.seg");
    let mut bytes = fs::read(&segment).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(&segment, bytes).unwrap();
    let after = Ledger::default();
    let (spool, events) = open(&options(Some(folder.path()), "second"), &after);
    for _ in 0..200 {
        if folder.path().join("first/00000001.damaged").exists() && after.bodies().len() == 5 {
            break;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    spool.close(LONG);
    assert_eq!(after.bodies().len(), 5);
    assert!(folder.path().join("first/00000001.damaged").exists());
    let said = events.lock().unwrap();
    assert!(
        said.iter()
            .any(|event| event.is_error && event.text.contains("*.damaged"))
    );
}

#[test]
fn a_full_spool_says_so_and_loses_nothing_that_it_took() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::default();
    ledger.set_down(true);
    let mut small = options(Some(folder.path()), "run");
    small.bytes_max = 100_000;
    let (spool, _) = open(&small, &ledger);
    let long = "x".repeat(1_000);
    let mut kept = 0;
    let error = loop {
        match try_append(&spool, &long) {
            Ok(_) => kept += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, SpoolError::Full { .. }), "{error}");
    assert!((80..100).contains(&kept), "{kept}");
    spool.lose(1);
    assert!(!spool.wait_for_room(50_000, Duration::from_millis(100)));
    ledger.set_down(false);
    assert!(spool.wait_for_room(90_000, LONG));
    assert_eq!(append(&spool, "after"), kept + 2);
    assert!(spool.flush(LONG));
    assert_eq!(ledger.bodies().len() as u64, kept + 1);
    assert_eq!(spool.close(LONG).lost, 1);
}

#[test]
fn what_does_not_fit_goes_to_the_second_folder_and_comes_in_order() {
    let (folder, spill) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let ledger = Ledger::default();
    ledger.set_down(true);
    let mut small = options(Some(folder.path()), "run");
    small.bytes_max = 20_000;
    small.spill = Some(spill.path().to_owned());
    let (spool, _) = open(&small, &ledger);
    for body in numbers(2_000) {
        append(&spool, &body);
    }
    let spilled = spool.counters().spilled;
    assert!((1_000..2_000).contains(&spilled), "{spilled}");
    ledger.set_down(false);
    assert!(spool.flush(LONG));
    assert_eq!(ledger.bodies(), numbers(2_000));
    spool.close(LONG);
    assert_eq!(fs::read_dir(spill.path()).unwrap().count(), 0);
}

#[test]
fn a_disk_that_failed_once_is_written_to_again() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::default();
    let (spool, _) = open(&options(Some(folder.path()), "run"), &ledger);
    // The first segment cannot be made.
    fs::create_dir(folder.path().join("run/00000001.seg")).unwrap();
    assert!(matches!(
        try_append(&spool, "lost"),
        Err(SpoolError::Disk { .. })
    ));
    append(&spool, "kept");
    assert!(spool.flush(LONG));
    assert_eq!(ledger.bodies(), ["kept"]);
}

#[test]
fn what_the_first_disk_refuses_the_second_takes() {
    let folder = tempfile::tempdir().unwrap();
    let second = tempfile::tempdir().unwrap();
    let ledger = Ledger::default();
    ledger.set_down(true);
    let mut options = options(Some(folder.path()), "run");
    options.spill = Some(second.path().to_owned());
    let (spool, _) = open(&options, &ledger);
    fs::create_dir(folder.path().join("run/00000001.seg")).unwrap();
    for body in numbers(10) {
        append(&spool, &body);
    }
    assert_eq!(spool.counters().spilled, 10);
    ledger.set_down(false);
    assert!(spool.flush(LONG));
    assert_eq!(ledger.bodies(), numbers(10));
}

#[test]
fn what_is_refused_is_kept_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::default();
    let (spool, events) = open(&options(Some(folder.path()), "run"), &ledger);
    for body in ["good", "bad one", "good"] {
        append(&spool, body);
    }
    assert!(spool.flush(LONG));
    let counters = spool.close(LONG);
    assert_eq!((counters.delivered, counters.refused), (2, 1));
    let kept = fs::read_to_string(folder.path().join("run/refused.ndjson")).unwrap();
    assert_eq!(
        kept,
        "{\"code\":\"invalid\",\"record\":\"bad one\",\"seq\":2,\"what\":\"it is bad\"}\n"
    );
    let said = events.lock().unwrap().clone();
    let place = folder.path().join("run");
    let expected = format!(
        "1 record was refused by the ledger, kept in {}; the first: invalid: it is bad",
        place.display()
    );
    assert_eq!(
        said,
        [Event {
            is_error: true,
            text: expected
        }]
    );
}

#[test]
fn what_has_been_erased_is_told_by_its_number_and_its_content_kept_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::default();
    ledger.0.lock().unwrap().erased = vec![2];
    let (spool, events) = open(&options(Some(folder.path()), "run"), &ledger);
    for body in ["good", "secret", "bad one"] {
        append(&spool, body);
    }
    assert!(spool.flush(LONG));
    let counters = spool.close(LONG);
    assert_eq!((counters.delivered, counters.refused), (1, 2));
    let kept = fs::read_to_string(folder.path().join("run/refused.ndjson")).unwrap();
    assert_eq!(
        kept,
        "{\"code\":\"record-erased\",\"record\":null,\"seq\":2,\"what\":\"id-2 has been erased\"}\n\
         {\"code\":\"invalid\",\"record\":\"bad one\",\"seq\":3,\"what\":\"it is bad\"}\n"
    );
    let said = events.lock().unwrap().last().unwrap().text.clone();
    assert!(
        said.ends_with("run without the content of 1 that the ledger has erased; the first: record-erased: id-2 has been erased"),
        "{said}"
    );
    nothing_holds(folder.path(), "secret");
}

#[test]
fn what_has_been_erased_is_kept_nowhere_by_the_process_that_adopts_it_either() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::default();
    ledger.set_down(true);
    let (left, _) = open(&options(Some(folder.path()), "left"), &ledger);
    append(&left, "secret");
    let seq = left.reserve(2);
    let batch = left.append_reserved(ParcelKind::Batch, 2, seq, b"secret rows");
    left.settle(&batch.unwrap()).unwrap();
    left.close(Duration::ZERO);
    // As an earlier delivery left it, that was cut off: a row was refused then, and none had been erased.
    fs::write(folder.path().join("left/refused-2.arrow"), b"secret rows").unwrap();
    ledger.set_down(false);
    ledger.0.lock().unwrap().erased = vec![1, 3];
    let (spool, events) = open(&options(Some(folder.path()), "run"), &ledger);
    assert!(spool.finish_adoption(LONG));
    assert_eq!(spool.close(LONG).adopted, 3);
    let kept = fs::read_to_string(folder.path().join("left/refused.ndjson")).unwrap();
    assert_eq!(kept.matches("record-erased").count(), 2, "{kept}");
    let said = format!("{:?}", events.lock().unwrap());
    assert!(
        said.contains("2 records of another process were refused by the ledger"),
        "{said}"
    );
    assert!(said.contains("nor the batches with them"), "{said}");
    nothing_holds(folder.path(), "secret");
}

/// No file below a folder has these bytes.
fn nothing_holds(folder: &Path, text: &str) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            nothing_holds(&path, text);
        } else {
            let content = fs::read(&path).unwrap();
            let found = content.windows(text.len()).any(|it| it == text.as_bytes());
            assert!(!found, "{}", path.display());
        }
    }
}

#[test]
fn whoever_waits_gets_the_outcome_of_the_record() {
    let ledger = Ledger::default();
    let (spool, _) = open(&options(None, "run"), &ledger);
    for body in ["good", "bad"] {
        let appended = spool
            .append(ParcelKind::Record, 1, true, |_, out| {
                out.extend_from_slice(body.as_bytes());
            })
            .unwrap();
        match spool.outcome(appended.seq, LONG).unwrap() {
            Outcome::Stored(receipt) => assert_eq!((body, receipt.index), ("good", 1)),
            Outcome::Refused(refusal) => assert_eq!((body, &*refusal.code), ("bad", "invalid")),
        }
    }
    assert!(spool.outcome(1, Duration::from_millis(10)).is_none());
    spool.close(LONG);
}

#[test]
fn an_attachment_comes_before_its_record_and_counts_as_none() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::default();
    let (spool, _) = open(&options(Some(folder.path()), "run"), &ledger);
    // Longer than what is read at a time.
    let large = vec![7; 9 << 20];
    let fill = |_, out: &mut Vec<u8>| out.extend_from_slice(&large);
    let appended = spool.append(ParcelKind::Attachment, 0, false, fill);
    spool.settle(&appended.unwrap()).unwrap();
    assert_eq!(append(&spool, "record"), 1);
    assert!(spool.flush(LONG));
    assert_eq!(ledger.0.lock().unwrap().attachments, [large]);
    assert_eq!(spool.close(LONG).delivered, 1);
}

#[test]
fn a_parcel_with_reserved_numbers_keeps_them_and_others_go_between() {
    let ledger = Ledger::default();
    let (spool, _) = open(&options(None, "run"), &ledger);
    let seq = spool.reserve(10);
    assert_eq!((seq, append(&spool, "between")), (1, 11));
    let batch = spool.append_reserved(ParcelKind::Batch, 10, seq, b"rows");
    spool.settle(&batch.unwrap()).unwrap();
    assert_eq!(append(&spool, "after"), 12);
    assert!(spool.flush(LONG));
    assert_eq!(ledger.bodies(), ["between", "rows", "after"]);
    assert_eq!(spool.close(LONG).delivered, 12);
}

#[test]
fn power_mode_syncs_and_many_threads_share_it() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::default();
    let mut options = options(Some(folder.path()), "run");
    options.power = true;
    options.bytes_max = 600_000;
    let (spool, _) = open(&options, &ledger);
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let spool = &spool;
            scope.spawn(move || {
                for number in 0..100 {
                    append(spool, &format!("{thread} {number}"));
                }
            });
        }
    });
    assert!(spool.flush(LONG));
    let mut bodies = ledger.bodies();
    assert_eq!(bodies.len(), 800);
    bodies.sort();
    bodies.dedup();
    assert_eq!(bodies.len(), 800);
    spool.close(LONG);
}

#[test]
fn the_destination_is_told_when_there_is_nothing_to_do() {
    let ledger = Ledger::default();
    let (spool, _) = open(&options(None, "run"), &ledger);
    append(&spool, "a");
    std::thread::sleep(Duration::from_millis(1_200));
    assert_eq!(ledger.0.lock().unwrap().idle, 1);
    spool.close(LONG);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn whatever_fails_everything_comes_once_and_in_order(
        failures in prop::collection::vec(0..9_usize, 0..4),
        sizes in prop::collection::vec(0..40_000_usize, 1..60),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::default();
        ledger.0.lock().unwrap().failures = failures;
        let mut small = options(Some(folder.path()), "run");
        small.bytes_max = 4 << 20;
        let (spool, _) = open(&small, &ledger);
        let bodies: Vec<String> = sizes
            .iter()
            .enumerate()
            .map(|(nth, size)| format!("{nth} {}", "x".repeat(*size)))
            .collect();
        for body in &bodies {
            append(&spool, body);
        }
        prop_assert!(spool.flush(LONG));
        prop_assert_eq!(ledger.bodies(), bodies);
        let counters = spool.close(LONG);
        prop_assert_eq!(counters.pending(), 0);
    }
}

#[test]
fn a_changed_bit_costs_the_record_it_is_in_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::default();
    ledger.set_down(true);
    let (spool, _) = open(&options(Some(folder.path()), "first"), &ledger);
    for body in numbers(100) {
        append(&spool, &body);
    }
    spool.forsake();
    let segment = folder.path().join("first/00000001.seg");
    let mut bytes = fs::read(&segment).unwrap();
    bytes[400] ^= 1;
    fs::write(&segment, bytes).unwrap();
    let after = Ledger::default();
    let (spool, events) = open(&options(Some(folder.path()), "second"), &after);
    for _ in 0..200 {
        if folder.path().join("first/00000001.damaged").exists() {
            break;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    spool.close(LONG);
    assert_eq!(after.bodies().len(), 99);
    assert!(folder.path().join("first/00000001.damaged").exists());
    assert!(events.lock().unwrap().iter().any(|event| event.is_error));
}

#[test]
fn what_the_disk_changes_while_the_process_lives_is_counted_and_the_rest_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::default();
    ledger.set_down(true);
    let (spool, events) = open(&options(Some(folder.path()), "run"), &ledger);
    for body in numbers(10) {
        append(&spool, &body);
    }
    let segment = folder.path().join("run/00000001.seg");
    let mut bytes = fs::read(&segment).unwrap();
    bytes[100] ^= 1;
    fs::write(&segment, bytes).unwrap();
    ledger.set_down(false);
    for body in numbers(10) {
        append(&spool, &body);
    }
    assert!(spool.flush(LONG));
    assert_eq!(ledger.bodies().len(), 19);
    let counters = spool.close(LONG);
    assert_eq!((counters.unreadable, counters.delivered), (1, 19));
    assert!(events.lock().unwrap().iter().any(|event| event.is_error));
    assert!(folder.path().join("run/00000001.damaged").exists());
}

#[test]
fn rows_of_a_batch_that_are_refused_are_kept_with_their_batch() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::default();
    let (spool, _) = open(&options(Some(folder.path()), "run"), &ledger);
    append(&spool, "good");
    let seq = spool.reserve(3);
    let batch = spool.append_reserved(ParcelKind::Batch, 3, seq, b"bad rows");
    spool.settle(&batch.unwrap()).unwrap();
    append(&spool, "good");
    assert!(spool.flush(LONG));
    assert_eq!(spool.close(LONG).refused, 3);
    let kept = fs::read(folder.path().join("run/refused-2.arrow")).unwrap();
    assert_eq!(kept, b"bad rows");
}

#[test]
fn a_run_that_cannot_be_looked_at_does_not_keep_the_others_from_being_adopted() {
    let folder = tempfile::tempdir().unwrap();
    // Its lock is a folder: nobody can open it for writing.
    fs::create_dir_all(folder.path().join("a-strange-one/lock")).unwrap();
    let ledger = Ledger::default();
    ledger.set_down(true);
    let (spool, _) = open(&options(Some(folder.path()), "z-first"), &ledger);
    append(&spool, "left");
    spool.forsake();
    let after = Ledger::default();
    let (spool, events) = open(&options(Some(folder.path()), "second"), &after);
    for _ in 0..200 {
        if !after.bodies().is_empty() {
            break;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(after.bodies(), ["left"]);
    let told = events
        .lock()
        .unwrap()
        .iter()
        .filter(|event| event.is_error)
        .count();
    assert_eq!(told, 1);
    spool.close(LONG);
}

#[test]
fn a_destination_that_panics_is_one_that_failed() {
    struct Panics(u32, Ledger);
    impl Destination for Panics {
        fn deliver(&mut self, parcels: &[Parcel<'_>]) -> Delivery {
            self.0 += 1;
            assert!(self.0 > 1, "the first time");
            self.1.deliver(parcels)
        }
    }
    let ledger = Ledger::default();
    let destination = Box::new(Panics(0, ledger.clone()));
    let spool = Spool::open(&options(None, "run"), destination, |_| ()).unwrap();
    append(&spool, "a");
    assert!(spool.flush(LONG));
    assert_eq!(ledger.bodies(), ["a"]);
    spool.close(LONG);
}

#[test]
fn what_is_appended_after_the_end_is_refused_and_not_lost_in_silence() {
    let ledger = Ledger::default();
    let (spool, _) = open(&options(None, "run"), &ledger);
    append(&spool, "a");
    spool.close(LONG);
    assert!(matches!(try_append(&spool, "b"), Err(SpoolError::Closed)));
}
