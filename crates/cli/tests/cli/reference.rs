//! The reference page of the command line is what the program itself says.

use std::fmt::Write as _;
use std::path::PathBuf;

use crate::harness::Place;

const TOPICS: [&str; 4] = ["filter", "exit-codes", "formats", "environment"];

#[test]
fn the_reference_page_is_what_the_program_says() {
    let place = Place::new();
    let overview = place.run(&["help"]).succeeds().out;
    let commands = overview
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty());
    let mut page = String::from(
        "# The command line\n\nEvery command with its options, as `causebook help COMMAND` prints it. \
         Made by `UPDATE_REFERENCE=1 cargo test --release -p causebook reference`.\n",
    );
    let _ = write!(page, "\n```text\n{}\n```\n", overview.trim_end());
    for name in commands
        .filter_map(|line| line.split_whitespace().next())
        .chain(TOPICS)
    {
        let text = place.run(&["help", name]).succeeds().out;
        let text = text.split("\nGlobal options:").next().unwrap().trim_end();
        let _ = write!(page, "\n## {name}\n\n```text\n{text}\n```\n");
    }
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/cli/reference.md");
    if std::env::var_os("UPDATE_REFERENCE").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &page).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(
        written, page,
        "docs/cli/reference.md is old: run this test with UPDATE_REFERENCE=1"
    );
}
