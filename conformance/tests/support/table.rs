//! The table as other engines see it: the Delta log, and schema and encodings of a data file. Not its bytes, in which
//! the version of the Parquet writer stands.

use std::fmt::Write as _;
use std::fs::File;
use std::path::{Path, PathBuf};

use causebook_lake::DeltaTable;
use causebook_ledger::{Row, TableSink as _};
use causebook_record::Stored;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::schema::printer::print_schema;
use serde_json::Value;

use super::record;

/// A table of two commits: whole records, then one with erased facts and one that is erased.
fn table() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let table = DeltaTable::create(folder.path()).unwrap();
    let mut records = record::stored();
    records.push(
        records[0]
            .clone()
            .erase_facts(&["/input/age".parse().unwrap()])
            .unwrap(),
    );
    records.push(Stored::Erased {
        id: Some("E-1".to_owned()),
    });
    let rows: Vec<Row> = (0..)
        .zip(records)
        .map(|(index, record)| Row { index, record })
        .collect();
    table.append(&rows[..5]).unwrap();
    table.append(&rows[5..]).unwrap();
    folder
}

fn actions_of(folder: &Path) -> Vec<Value> {
    let log = folder.join("_delta_log");
    let mut commits: Vec<PathBuf> = std::fs::read_dir(log)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    commits.retain(|path| {
        path.extension()
            .is_some_and(|extension| extension == "json")
    });
    commits.sort();
    let texts = commits
        .iter()
        .map(|path| std::fs::read_to_string(path).unwrap());
    let parse = |line: &str| serde_json::from_str(line).unwrap();
    texts
        .flat_map(|text| text.lines().map(parse).collect::<Vec<Value>>())
        .collect()
}

/// Protocol, schema, partitioning and properties; without the table's own id and time of creation.
pub(crate) fn metadata() -> Vec<u8> {
    let mut kept = String::new();
    for action in actions_of(table().path()) {
        if let Some(protocol) = action.get("protocol") {
            writeln!(kept, "{}", sorted(protocol)).unwrap();
        }
        if let Some(metadata) = action.get("metaData") {
            for name in ["format", "partitionColumns", "configuration"] {
                writeln!(kept, "{name} {}", sorted(&metadata[name])).unwrap();
            }
            writeln!(kept, "{}", metadata["schemaString"].as_str().unwrap()).unwrap();
        }
    }
    assert!(kept.contains("\"fields\""));
    kept.into_bytes()
}

/// JSON with the members of objects in order, whatever order the writer's hash maps had.
fn sorted(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let mut members: Vec<(&String, &Value)> = members.iter().collect();
            members.sort_by_key(|(name, _)| *name);
            let members: Vec<String> = members
                .iter()
                .map(|(name, value)| format!("{name:?}:{}", sorted(value)))
                .collect();
            format!("{{{}}}", members.join(","))
        }
        other => other.to_string(),
    }
}

/// Which actions each commit has, with what recovery goes by; without names, sizes and times.
pub(crate) fn actions() -> Vec<u8> {
    let mut kept = String::new();
    for action in actions_of(table().path()) {
        for (name, body) in action.as_object().unwrap() {
            let members: Vec<&String> = body.as_object().unwrap().keys().collect();
            let mut members: Vec<&str> = members.iter().map(|name| name.as_str()).collect();
            members.sort_unstable();
            writeln!(kept, "{name} {}", members.join(" ")).unwrap();
            match name.as_str() {
                "txn" => writeln!(kept, "{} {}", body["appId"], body["version"]).unwrap(),
                "add" => {
                    let (stats, values) = (
                        body["stats"].as_str().unwrap(),
                        sorted(&body["partitionValues"]),
                    );
                    let stats: Value = serde_json::from_str(stats).unwrap();
                    writeln!(kept, "{values} {}", sorted(&stats)).unwrap();
                }
                _ => {}
            }
        }
    }
    kept.into_bytes()
}

fn data_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("_delta_log") {
            files.extend(data_files(&path));
        } else if path
            .extension()
            .is_some_and(|extension| extension == "parquet")
        {
            files.push(path);
        }
    }
    files.sort();
    files
}

pub(crate) fn schema() -> Vec<u8> {
    let folder = table();
    let mut printed = Vec::new();
    for file in data_files(folder.path()) {
        let reader = SerializedFileReader::new(File::open(file).unwrap()).unwrap();
        print_schema(&mut printed, reader.metadata().file_metadata().schema());
    }
    assert!(!printed.is_empty());
    printed
}

/// Compression, encodings and kept statistics of every column.
pub(crate) fn encodings() -> Vec<u8> {
    let folder = table();
    let mut kept = String::new();
    for file in data_files(folder.path()) {
        let reader = SerializedFileReader::new(File::open(file).unwrap()).unwrap();
        for group in reader.metadata().row_groups() {
            for column in group.columns() {
                let encodings: Vec<String> = column
                    .encodings()
                    .map(|encoding| encoding.to_string())
                    .collect();
                let has_bounds = column
                    .statistics()
                    .is_some_and(|kept| kept.min_bytes_opt().is_some());
                writeln!(
                    kept,
                    "{} {:?} {} {has_bounds} {}",
                    column.column_path(),
                    column.compression(),
                    encodings.join("+"),
                    column.bloom_filter_offset().is_some()
                )
                .unwrap();
            }
        }
    }
    kept.into_bytes()
}
