//! Parquet files.
#![no_main]

#[path = "support/import.rs"]
mod support;

use causebook_capture::Format;
use libfuzzer_sys::fuzz_target;

const MAPPING: &str = "columns.input = ['*']\nconstants.model.name = 'm'";

fuzz_target!(
    init: support::let_foreign_panics_be_caught(),
    |data: &[u8]| {
        support::import("table.parquet", Format::Parquet, MAPPING, data);
    }
);
