//! What someone with access to the disk could do: change one value in the table's Parquet file.
//!
//! It is done well. The file stays a valid Parquet file of the same name, size, schema and age; every engine reads it
//! and sees the altered value. Only the log knows better.

use std::fs::{self, File, FileTimes};
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, StringArray};
use causebook_lake::DeltaTable;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;

use super::SHOWN;
use crate::config::Settings;
use crate::context::Context;
use crate::failure::{Exit, Failure, Outcome};
use crate::store;

/// The alteration: a past delay in paying becomes a clean history.
const COLUMN: &str = "input";
const FROM: &str = r#""credit_history":"A30""#;
const TO: &str = r#""credit_history":"A34""#;

pub(super) fn run(settings: &Settings, context: &Context) -> Outcome {
    let output = &context.output;
    let folder = store::table_folder(settings);
    let table = DeltaTable::open(&folder)?;
    for file in table.table_snapshot().files {
        match alter(&file.path)? {
            Alteration::None => {}
            Alteration::Before => {
                output.line(format_args!(
                    "{SHOWN} was altered before, in {}",
                    file.path.display()
                ))?;
                advise(settings, context);
                return Ok(());
            }
            Alteration::Now => {
                output.line(format_args!(
                    "Altered one value of {SHOWN} in {}",
                    file.path.display()
                ))?;
                output.line(format_args!("  column {COLUMN}, {FROM} is now {TO}"))?;
                output
                    .line("  The file is still valid Parquet, of the same name, size and age.")?;
                advise(settings, context);
                return Ok(());
            }
        }
    }
    Err(Failure::new(
        Exit::Failure,
        "nothing-to-alter",
        format!("{SHOWN} is not in the table"),
    )
    .place(folder.display().to_string())
    .hint("`causebook demo --fresh` begins anew"))
}

fn advise(settings: &Settings, context: &Context) {
    let program = std::env::args()
        .next()
        .unwrap_or_else(|| "causebook".to_owned());
    context.output.hint(format_args!(
        "{program} --home {} verify",
        settings.home.value.display()
    ));
}

enum Alteration {
    /// The record is not in this file.
    None,
    /// The value had been altered already.
    Before,
    /// It is altered now.
    Now,
}

fn alter(path: &Path) -> Outcome<Alteration> {
    let unreadable = |error: &dyn std::fmt::Display| {
        Failure::new(
            Exit::Failure,
            "parquet",
            format!("could not rewrite {}", path.display()),
        )
        .detail(error.to_string())
    };
    let file = File::open(path).map_err(|error| Failure::io("open", path, &error))?;
    let metadata = file
        .metadata()
        .map_err(|error| Failure::io("read", path, &error))?;
    let reader = ParquetRecordBatchReaderBuilder::try_new(file)
        .and_then(ParquetRecordBatchReaderBuilder::build);
    let mut batches = Vec::new();
    let mut found = Alteration::None;
    for batch in reader.map_err(|error| unreadable(&error))? {
        let batch = batch.map_err(|error| unreadable(&error))?;
        batches.push(match replace(&batch) {
            Replaced::Nothing => batch,
            Replaced::AlreadyAltered => return Ok(Alteration::Before),
            Replaced::Value(column) => {
                found = Alteration::Now;
                with_input(&batch, column).map_err(|error| unreadable(&error))?
            }
        });
    }
    if matches!(found, Alteration::Now) {
        let bytes = encode(&batches, metadata.len()).map_err(|error| unreadable(&error))?;
        write_unnoticed(path, &bytes, &metadata)
            .map_err(|error| Failure::io("write", path, &error))?;
    }
    Ok(found)
}

enum Replaced {
    Nothing,
    AlreadyAltered,
    Value(ArrayRef),
}

fn replace(batch: &RecordBatch) -> Replaced {
    let text = |name| {
        batch
            .column_by_name(name)
            .and_then(|column| column.as_string_opt::<i32>())
    };
    let (Some(ids), Some(inputs)) = (text("id"), text(COLUMN)) else {
        return Replaced::Nothing;
    };
    let Some(place) = ids.iter().position(|id| id == Some(SHOWN)) else {
        return Replaced::Nothing;
    };
    let Some(input) = inputs.iter().nth(place).flatten() else {
        return Replaced::Nothing;
    };
    if !input.contains(FROM) {
        return Replaced::AlreadyAltered;
    }
    let altered = input.replace(FROM, TO);
    let values = inputs.iter().enumerate().map(|(row, value)| {
        if row == place {
            Some(altered.as_str())
        } else {
            value
        }
    });
    Replaced::Value(Arc::new(values.collect::<StringArray>()))
}

fn with_input(
    batch: &RecordBatch,
    input: ArrayRef,
) -> Result<RecordBatch, arrow::error::ArrowError> {
    let mut columns = batch.columns().to_vec();
    if let Ok(place) = batch.schema().index_of(COLUMN)
        && let Some(column) = columns.get_mut(place)
    {
        *column = input;
    }
    RecordBatch::try_new(batch.schema(), columns)
}

/// The batches as a file of `size` bytes: packed tighter than before, then padded in the footer.
fn encode(batches: &[RecordBatch], size: u64) -> Result<Vec<u8>, parquet::errors::ParquetError> {
    let mut padding = 0;
    let mut bytes = write(batches, padding)?;
    for _ in 0..4 {
        let missing = size as i64 - bytes.len() as i64;
        if missing == 0 {
            break;
        }
        padding = (padding as i64 + missing).max(0) as usize;
        bytes = write(batches, padding)?;
    }
    Ok(bytes)
}

fn write(
    batches: &[RecordBatch],
    padding: usize,
) -> Result<Vec<u8>, parquet::errors::ParquetError> {
    let Some(first) = batches.first() else {
        return Ok(Vec::new());
    };
    let note =
        (padding > 0).then(|| vec![KeyValue::new("padding".to_owned(), "x".repeat(padding))]);
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(12)?))
        .set_key_value_metadata(note)
        .build();
    let mut writer = ArrowWriter::try_new(Vec::new(), first.schema(), Some(properties))?;
    for batch in batches {
        writer.write(batch)?;
    }
    writer.into_inner()
}

fn write_unnoticed(path: &Path, bytes: &[u8], before: &fs::Metadata) -> std::io::Result<()> {
    fs::write(path, bytes)?;
    let times = FileTimes::new()
        .set_modified(before.modified()?)
        .set_accessed(before.accessed()?);
    File::options().write(true).open(path)?.set_times(times)
}
