//! Mappings: one that is read can be written, is then read as the same, and imports a small table or says why not.
#![no_main]

#[path = "support/import.rs"]
mod support;

use causebook_capture::{Mapping, Source};
use libfuzzer_sys::fuzz_target;

const TABLE: &[u8] = b"id,a,b,when\n1,x,2.50,2024-06-01\n2,,-0,NA\n2,y,\"q\"\"\",1717236000\n";

fuzz_target!(
    init: support::let_foreign_panics_be_caught(),
    |data: &[u8]| {
        let Ok(text) = std::str::from_utf8(data) else { return };
        let Ok(mapping) = Mapping::parse(text) else { return };
        let written = mapping.to_toml().expect("what was read can be written");
        let again = Mapping::parse(&written).unwrap_or_else(|error| panic!("{error}: {written}"));
        // Compared as text: a NaN among the constants is not equal to itself.
        assert_eq!(again.to_toml().ok(), Some(written));
        let _ = support::take(&Source::from_bytes("table.csv", TABLE), &mapping);
    }
);
