//! An import taken to its end, with what must hold of any file: it ends, counts add up, what it gives is JSON, and going
//! on behind a row gives the rest.

#![allow(dead_code, reason = "each target uses a part")]

use std::ops::ControlFlow;
use std::process::abort;

use causebook_capture::{CaptureError, Format, Import, Imported, Mapping, Source, guess};
use causebook_record::{RecordError, canonicalize};

/// Rows that one run looks at; more only take time.
const ROWS_MAX: u64 = 2_000;

/// The product catches a panic of another project's reader and takes the file for a broken one. So the hook that ends
/// the process at any panic gives way to one that ends it at a panic of our own, caught or not.
pub fn let_foreign_panics_be_caught() {
    std::panic::set_hook(Box::new(|panic| {
        let foreign = |file: &str| file.contains("/registry/") || file.starts_with("/rustc/");
        if panic.location().is_none_or(|place| !foreign(place.file())) {
            eprintln!("{panic}");
            abort();
        }
    }));
}

/// Ways in which JSON of any kind is read.
pub const JSON_MAPPINGS: [&str; 2] = [
    "columns.input = ['*']\nconstants.model.name = 'm'",
    "read.empty = 'omit'\ncolumns = { id = 'id', input = '/raw', score = 's', output = ['o*'], model = 'm' }",
];

/// Imports in one of several ways, which the first byte of `data` chooses.
pub fn import_in_ways(name: &str, format: Format, mappings: &[&str], data: &[u8]) {
    if let Some((way, data)) = data.split_first() {
        let mapping = mappings[usize::from(*way) % mappings.len()];
        import(name, format, mapping, data);
    }
}

/// Imports with the mapping given, and with the one that is proposed for the file.
pub fn import(name: &str, format: Format, mapping: &str, data: &[u8]) {
    let source = Source::from_bytes(name, data.to_vec());
    let mut given = Mapping::parse(mapping).expect("a mapping");
    given.read.format = Some(format);
    let _ = take(&source, &given);
    let mut bare = Mapping::default();
    bare.read.format = Some(format);
    bare.set("constants.model.name", "m").expect("a constant");
    if let Ok(proposal) = guess(&source, &bare) {
        let text = proposal.to_toml().expect("a proposal can be written");
        let read = Mapping::parse(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        assert_eq!(read.to_toml().ok(), proposal.mapping.to_toml().ok());
        let _ = take(&source, &proposal.mapping);
    }
}

pub fn take(source: &Source, mapping: &Mapping) -> Result<(), CaptureError> {
    let import = Import::prepare(source, mapping, &mut |_| {})?;
    let (mut all, summary) = rows(&import, 0)?;
    assert_eq!(summary, all.len() as u64);
    if summary < ROWS_MAX {
        assert_eq!(import.rows(), summary);
    }
    for (row, record) in &all {
        // What a row says twice, or too deep, is left for the record's own rules to refuse; broken JSON is not.
        let fault = record
            .as_ref()
            .and_then(|record| canonicalize(record).err());
        let code = fault.as_ref().map(RecordError::code);
        assert!(
            !matches!(code, Some("invalid-json" | "invalid-utf8")),
            "row {row}: {fault:?}: {record:?}"
        );
    }
    if summary < ROWS_MAX && summary > 1 {
        let (rest, _) = rows(&import, summary / 2)?;
        all.drain(..(summary / 2) as usize);
        assert_eq!(rest, all);
    }
    Ok(())
}

type Rows = Vec<(u64, Option<Vec<u8>>)>;

/// Rows behind a number, with the record of each that became one, and how many were counted.
fn rows(import: &Import, after: u64) -> Result<(Rows, u64), CaptureError> {
    let mut rows: Rows = Vec::new();
    let summary = import.run(after, &mut |imported| {
        rows.push(match imported {
            Imported::Record(row) => (row.row, Some(row.record)),
            Imported::Rejected(row) => (row.row, None),
        });
        if rows.len() as u64 == ROWS_MAX {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    })?;
    assert_eq!(summary.read, summary.records + summary.rejected);
    Ok((rows, summary.read))
}
