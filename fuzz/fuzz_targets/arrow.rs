//! Arrow IPC streams.
#![no_main]

use std::process::abort;

use causebook_capture::arrow::{Limits, Reader};
use causebook_record::{RecordError, canonicalize};
use libfuzzer_sys::fuzz_target;

/// What reading one stream may cost.
const LIMITS: Limits = Limits {
    message_bytes: 16 << 20,
    dictionary_bytes: 1 << 20,
    work: 16 << 20,
};

fuzz_target!(
    init: let_foreign_panics_be_caught(),
    |data: &[u8]| {
        let Ok(reader) = Reader::open(data, LIMITS) else {
            return;
        };
        let mut number = 0;
        for block in reader {
            let Ok(block) = block else {
                return;
            };
            assert!(!block.is_empty());
            for row in block.rows() {
                number += 1;
                assert_eq!(row.number, number);
                let Ok(record) = row.record else {
                    continue;
                };
                // What a row says twice, or too deep, is left for the record's own rules to refuse; broken JSON is not.
                let fault = canonicalize(record.as_bytes()).err();
                let code = fault.as_ref().map(RecordError::code);
                assert!(
                    !matches!(code, Some("invalid-json" | "invalid-utf8")),
                    "row {number}: {fault:?}: {record}"
                );
            }
        }
    }
);

/// The product catches a panic of the Arrow project's decoder and takes the stream for a broken one. So the hook that
/// ends the process at any panic gives way to one that ends it at a panic of our own, caught or not.
fn let_foreign_panics_be_caught() {
    std::panic::set_hook(Box::new(|panic| {
        let foreign = |file: &str| file.contains("/registry/") || file.starts_with("/rustc/");
        if panic.location().is_none_or(|place| !foreign(place.file())) {
            eprintln!("{panic}");
            abort();
        }
    }));
}
