//! JSON: an array, an object, or several.
#![no_main]

#[path = "support/import.rs"]
mod support;

use causebook_capture::{Format, Mapping};
use libfuzzer_sys::fuzz_target;

const MAPPINGS: [&str; 2] = [
    "columns.input = ['*']\nconstants.model.name = 'm'",
    "read.empty = 'omit'\ncolumns = { id = 'id', input = '/raw', score = 's', output = ['o*'], model = 'm' }",
];

fuzz_target!(
    init: support::let_foreign_panics_be_caught(),
    |data: &[u8]| {
        let Some((way, data)) = data.split_first() else { return };
        let mapping = Mapping::parse(MAPPINGS[usize::from(*way) % MAPPINGS.len()]).expect("a mapping");
        support::import("rows.json", Format::Json, &mapping, data);
    }
);
