//! Apache Parquet, read in batches of rows. Every type keeps its meaning: decimals their digits and scale, timestamps
//! their unit and whether they are instants, bytes are marked, structures stay structures.

mod batch;
mod header;
mod pages;
mod value;

use std::borrow::Cow;
use std::io::{BufReader, Read};
use std::ops::ControlFlow;
use std::sync::Arc;

use ::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use ::parquet::errors::ParquetError;
use ::parquet::file::reader::{ChunkReader, Length};
use arrow::array::{Array, ArrayRef};

use crate::row::{Cell, Item, Place, Sink, SourceRow, cells_text, distinct_names};
use crate::shield::shielded;
use crate::{COLUMNS_MAX, CaptureError, Reason, Source};
use batch::batch_rows;
use pages::look_at_pages;
use value::push_value;

/// Reads a source as Parquet.
pub(crate) fn read(source: &Source, sink: &mut Sink<'_>) -> Result<(), CaptureError> {
    let chunks = Arc::new(Chunks {
        length: source.len()?,
        source: source.clone(),
    });
    let builder = shielded(source, 1, || {
        ParquetRecordBatchReaderBuilder::try_new(chunks.as_ref().clone())
    })?;
    let given = builder
        .schema()
        .fields()
        .iter()
        .map(|field| field.name().clone());
    let (names, renamed) = distinct_names(given.collect());
    if names.len() > COLUMNS_MAX {
        return Err(CaptureError::Limit {
            name: source.name().to_owned(),
            what: "columns",
            found: names.len() as u64,
            limit: COLUMNS_MAX as u64,
        });
    }
    if sink(Item::Header {
        names: &names,
        renamed: &renamed,
    })?
    .is_break()
    {
        return Ok(());
    }
    let pages = look_at_pages(source, builder.metadata())?;
    let rows = shielded(source, 1, || {
        batch_rows(&chunks, builder.metadata(), &pages)
    })?;
    let mut batches = shielded(source, 1, || builder.with_batch_size(rows).build())?;
    let mut row = 0;
    while let Some(batch) = shielded(source, row + 1, || batches.next().transpose())? {
        for index in 0..batch.num_rows() {
            row += 1;
            let at = Place { row, line: row };
            if hand_on(at, index, batch.columns(), &names, sink)?.is_break() {
                return Ok(());
            }
        }
    }
    Ok(())
}

fn hand_on(
    at: Place,
    index: usize,
    columns: &[ArrayRef],
    names: &[String],
    sink: &mut Sink<'_>,
) -> Result<ControlFlow<()>, CaptureError> {
    let mut cells: Vec<Cell<'static>> = Vec::with_capacity(names.len());
    let mut fault = None;
    for (column, name) in columns.iter().zip(names) {
        if column.is_null(index) {
            cells.push(Cell::Missing(None));
            continue;
        }
        let mut json = String::new();
        if let Err(problem) = push_value(&mut json, column, index, 0) {
            "null".clone_into(&mut json);
            fault = Some(Reason::Value {
                column: name.clone(),
                problem,
            });
        }
        cells.push(if json == "null" {
            Cell::Missing(None)
        } else {
            Cell::Json(Cow::Owned(json))
        });
    }
    let raw = cells_text(&cells);
    match fault {
        Some(reason) => sink(Item::Bad {
            at,
            raw: raw.as_bytes(),
            reason,
        }),
        None => sink(Item::Row(SourceRow {
            at,
            raw: raw.as_bytes(),
            names,
            cells: &cells,
        })),
    }
}
/// A source as the Parquet reader wants it: opened anew for every part.
#[derive(Clone)]
struct Chunks {
    source: Source,
    length: u64,
}

impl Length for Chunks {
    fn len(&self) -> u64 {
        self.length
    }
}

impl ChunkReader for Chunks {
    type T = BufReader<Box<dyn crate::ReadSeek>>;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        Ok(BufReader::new(self.source.open_at(start)?))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<bytes::Bytes, ParquetError> {
        // Checked before the buffer is made: the length comes from the file.
        let end = start.checked_add(length as u64);
        if end.is_none_or(|end| end > self.length) {
            return Err(ParquetError::EOF(format!(
                "{length} bytes at {start} of {}",
                self.length
            )));
        }
        let mut bytes = vec![0; length];
        self.source.open_at(start)?.read_exact(&mut bytes)?;
        Ok(bytes.into())
    }
}
