//! What the suites share: where the data of the examples is, and an import taken to its end and checked by the rules of
//! the record.
#![allow(dead_code, unreachable_pub, reason = "each suite uses a part")]
#![allow(clippy::print_stderr, reason = "what is not run is said loudly")]

use std::fs::File;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use causebook_capture::{Import, Imported, ImportedRow, Mapping, Rejected, Source, Summary};
use causebook_record::{Draft, canonicalize, value_at};

/// A file of the example data, or `None` after saying loudly what is not run. Never silent in CI.
pub fn data(file: &str, cases: usize) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folder = std::env::var_os("CAUSEBOOK_DATA")
        .map_or_else(|| root.join("../shared/data"), PathBuf::from);
    let path = folder.join(file);
    if path.is_file() {
        return Some(path);
    }
    let shown = path.display();
    assert!(std::env::var_os("CI").is_none(), "no data at {shown}");
    eprintln!("!!! {cases} CASES NOT RUN, no data at {shown} !!!");
    None
}

pub fn file(path: &Path) -> Source {
    let name = path.file_name().unwrap().to_str().unwrap();
    let path = path.to_owned();
    Source::new(name, move || Ok(Box::new(File::open(&path)?)))
}

/// All that an import gives.
pub struct Taken {
    pub import: Import,
    pub summary: Summary,
    pub rows: Vec<ImportedRow>,
    pub rejected: Vec<Rejected>,
}

pub fn import(source: &Source, mapping: &Mapping) -> Taken {
    import_after(source, mapping, 0)
}

/// Imports, checks that the counts add up and that every record is one by the record's own rules.
pub fn import_after(source: &Source, mapping: &Mapping, after: u64) -> Taken {
    let import = Import::prepare(source, mapping, &mut |_| {}).unwrap();
    let mut rows = Vec::new();
    let mut rejected = Vec::new();
    let summary = import
        .run(after, &mut |row| {
            match row {
                Imported::Record(row) => rows.push(row),
                Imported::Rejected(row) => rejected.push(row),
            }
            ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(summary.records, rows.len() as u64);
    assert_eq!(summary.rejected, rejected.len() as u64);
    assert_eq!(summary.read, summary.records + summary.rejected);
    assert_eq!(import.rows().saturating_sub(after), summary.read);
    for row in &rows {
        let draft = Draft::parse(&row.record);
        let draft = draft.unwrap_or_else(|error| panic!("row {}: {error}: {}", row.row, text(row)));
        assert_eq!(draft.id(), Some(row.id.as_str()));
    }
    Taken {
        import,
        summary,
        rows,
        rejected,
    }
}

/// Canonical text of the record of a row.
pub fn text(row: &ImportedRow) -> String {
    canonicalize(&row.record).unwrap()
}

/// Canonical text of one value of a record.
pub fn at(row: &ImportedRow, pointer: &str) -> String {
    let text = text(row);
    value_at(&text, pointer).unwrap_or("(none)").to_owned()
}

/// A mapping for small tables: everything is input, the model is a constant.
pub fn all_input() -> Mapping {
    Mapping::parse("columns.input = ['*']\nconstants.model.name = 'm'").unwrap()
}

pub fn with(toml: &str) -> Mapping {
    Mapping::parse(&format!("constants.model.name = 'm'\n{toml}")).unwrap()
}
