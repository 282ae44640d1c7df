//! Files of hand-written text lines, with Python literals among their values.
#![no_main]

#[path = "support/import.rs"]
mod support;

use causebook_capture::{Format, Mapping};
use libfuzzer_sys::fuzz_target;

fuzz_target!(
    init: support::let_foreign_panics_be_caught(),
    |data: &[u8]| {
        let mapping = Mapping::parse("constants.model.name = 'm'").expect("a mapping");
        support::import("app.log", Format::Line, &mapping, data);
    }
);
