//! Files of hand-written text lines, with Python literals among their values.
#![no_main]

#[path = "support/import.rs"]
mod support;

use causebook_capture::Format;
use libfuzzer_sys::fuzz_target;

fuzz_target!(
    init: support::let_foreign_panics_be_caught(),
    |data: &[u8]| {
        support::import("app.log", Format::Line, "constants.model.name = 'm'", data);
    }
);
