//! What a stream announces takes no memory before it is there. Alone in its program, because what is measured is the
//! program's highest use so far; one test at a time.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "arrow/streams.rs"]
mod streams;

use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::DictionaryArray;
use arrow::datatypes::Int32Type;
use causebook_capture::arrow::{Limits, Reader, RowFault, StreamError};
use streams::{batch, column, read, stream, texts};

static ALONE: Mutex<()> = Mutex::new(());

#[test]
fn what_is_announced_takes_no_memory_until_it_comes() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    // The decoder panics on some of these, and is caught. The report of a panic may unpack the symbols of the whole
    // program (RUST_BACKTRACE), which is not memory that the stream took.
    std::panic::set_hook(Box::new(|_| ()));
    let bytes = stream(&[batch(vec![column("decision", texts(&["a"]))])]);
    let before = highest_use_kib();
    for place in 0..bytes.len() - 8 {
        for length in [
            &(16_i32 << 20).to_le_bytes()[..],
            &(60_i64 << 20).to_le_bytes(),
        ] {
            let mut bytes = bytes.clone();
            bytes[place..place + length.len()].copy_from_slice(length);
            let _ = read(&bytes, Limits::default());
        }
    }
    let _ = std::panic::take_hook();
    let growth = highest_use_kib() - before;
    assert!(growth < 16 << 10, "{growth} KiB");
}

#[test]
fn a_long_value_that_is_said_once_and_meant_often_is_not_held_often() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let value = "a".repeat(3 << 20);
    let dictionary = |columns: usize| {
        let values = texts(&[&value]);
        (0..columns)
            .map(|nth| {
                let keys = vec![0_i32; 100_000];
                let array = DictionaryArray::<Int32Type>::new(keys.into(), Arc::clone(&values));
                column(&format!("/input/c{nth}"), Arc::new(array))
            })
            .collect()
    };
    let bytes = stream(&[batch(dictionary(4))]);
    assert!(bytes.len() < 32 << 20);
    let before = highest_use_kib();
    let limits = Limits {
        work: 1 << 30,
        ..Limits::default()
    };
    let mut rows = 0;
    let mut error = None;
    for block in Reader::open(bytes.as_slice(), limits).unwrap() {
        match block {
            Ok(block) => {
                for row in block.rows() {
                    assert_eq!(row.record, Err(&RowFault::TooLong { limit: 4 << 20 }));
                    rows += 1;
                }
            }
            Err(ended) => error = Some(ended),
        }
    }
    assert!((100..1000).contains(&rows), "{rows}");
    assert!(matches!(error, Some(StreamError::Limit { row, .. }) if row == rows));
    let growth = highest_use_kib() - before;
    assert!(growth < 96 << 10, "{growth} KiB");
}

fn highest_use_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    number.unwrap().parse().unwrap()
}
