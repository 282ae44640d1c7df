//! Filters: one that is read is printed, is then read as the same, and asks any record without a panic.
#![no_main]

use causebook_filter::{Filter, TEXT_BYTES_MAX};
use causebook_record::{canonicalize, fields};
use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    // What follows the first line is a record to ask.
    let line = data.iter().position(|byte| *byte == b'\n');
    let (filter, record) = data.split_at(line.unwrap_or(data.len()));
    let Ok(text) = std::str::from_utf8(filter) else {
        return;
    };
    let Ok(filter) = Filter::parse(text, Timestamp::UNIX_EPOCH) else {
        return;
    };
    let printed = filter.to_string();
    if printed.len() <= TEXT_BYTES_MAX {
        let again = Filter::parse(&printed, Timestamp::UNIX_EPOCH);
        assert_eq!(again.as_ref(), Ok(&filter), "{text} became {printed}");
    }
    let record = canonicalize(record).unwrap_or_else(|_| "{}".to_owned());
    filter.matches(7, &fields(&record), &record);
});
