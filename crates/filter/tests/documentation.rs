//! The examples of the documentation are filters.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use causebook_filter::{FIELDS, Filter};
use jiff::Timestamp;

const PAGE: &str = include_str!("../../../docs/filter.md");

fn read(text: &str) -> Filter {
    let filter = Filter::parse(text, Timestamp::UNIX_EPOCH);
    filter.unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn every_example_of_the_page_is_read_and_printed() {
    let blocks = PAGE.split("```filter\n").skip(1);
    let lines = blocks.flat_map(|block| block.split("```").next().unwrap().lines());
    let mut read_count = 0;
    for line in lines {
        assert_eq!(read(&read(line).to_string()), read(line), "{line}");
        read_count += 1;
    }
    assert!(read_count >= 10, "{read_count} examples");
}

#[test]
fn every_term_of_the_table_is_read() {
    let table = PAGE.split("| written | means |\n").nth(1).unwrap();
    for row in table
        .lines()
        .skip(1)
        .take_while(|line| line.starts_with('|'))
    {
        let written = row.split('|').nth(1).unwrap();
        for term in written.split('`').skip(1).step_by(2) {
            read(term);
        }
    }
}

#[test]
fn every_field_is_in_the_page() {
    for (name, _) in FIELDS {
        assert!(PAGE.contains(&format!("`{name}`")), "{name}");
    }
}
