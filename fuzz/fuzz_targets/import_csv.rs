//! Delimited text, read in the ways that a mapping can ask for. The first byte chooses the way.
#![no_main]

#[path = "support/import.rs"]
mod support;

use causebook_capture::Format;
use libfuzzer_sys::fuzz_target;

const MAPPINGS: [&str; 4] = [
    "columns.input = ['*']\nconstants.model.name = 'm'",
    "read = { delimiter = ';', header = false, trim = true, empty = 'null', missing = ['NA'] }\n\
     columns = { id = 'col_1', time = 'col_2', input = ['*'] }\nconstants.model.name = 'm'",
    "read = { empty = 'omit', skip = 1 }\n\
     columns = { decision = 'd', score = 's', input = ['*'], output = ['o_*'] }\n\
     types = { json = ['j*'] }\ndecision.values = { 3 = 'denied' }\nconstants.model.name = 'm'",
    "columns = { model = 'm', input = { a = 'x', b = 'y' }, explanation = ['e*'] }\ntypes = { number = ['x'] }",
];

fuzz_target!(
    init: support::let_foreign_panics_be_caught(),
    |data: &[u8]| {
        support::import_in_ways("table.csv", Format::Csv, &MAPPINGS, data);
    }
);
