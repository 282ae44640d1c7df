//! JSON, one object a line.
#![no_main]

#[path = "support/import.rs"]
mod support;

use causebook_capture::Format;
use libfuzzer_sys::fuzz_target;

fuzz_target!(
    init: support::let_foreign_panics_be_caught(),
    |data: &[u8]| {
        support::import_in_ways("rows.ndjson", Format::Jsonl, &support::JSON_MAPPINGS, data);
    }
);
