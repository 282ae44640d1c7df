//! One Parquet file of the table, read back: all of it, a range of indexes, or the rows that an id prefix may be in.
//!
//! A file is hostile until its rows have been checked against the log, so everything that decoding can do wrong,
//! panics included, comes out as [`TableError::Damaged`] with the file named. Page statistics only narrow the search;
//! callers look at the values themselves.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, new_null_array};
use arrow::datatypes::SchemaRef;
use causebook_ledger::TableError;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader,
    ParquetRecordBatchReaderBuilder, RowSelection,
};
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData};
use parquet::file::page_index::column_index::ColumnIndexMetaData;

use crate::batch::INDEX;
use crate::columns::Text;
use crate::error::{damaged, storage};
use crate::source::{Failing, Source};

/// Rows decoded at a time.
const BATCH_ROWS: usize = 1024;

/// An open data file with its footer parsed.
#[derive(Debug)]
pub(crate) struct DataFile {
    path: PathBuf,
    file: Source,
    footer: ArrowReaderMetadata,
}

impl DataFile {
    pub(crate) fn open(path: &Path) -> Result<Self, TableError> {
        let file = open_file(path)?;
        let footer = parse_footer(path, &file)?;
        Ok(Self::with_footer(path, file, footer))
    }

    pub(crate) fn with_footer(path: &Path, file: Source, footer: ArrowReaderMetadata) -> Self {
        Self {
            path: path.to_owned(),
            file,
            footer,
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// All rows, in file order.
    pub(crate) fn all(&self) -> Result<Batches, TableError> {
        self.read(Rows::All, None)
    }

    /// Rows on pages that may hold an index of the range, in file order.
    pub(crate) fn near(&self, indexes: &Range<u64>) -> Result<Batches, TableError> {
        let ranges = self.guarded(|| Ok(rows_near(self.footer.metadata(), indexes)))?;
        self.read(Rows::In(ranges), None)
    }

    /// The row that is at `index` if the pages are dense, as written; a guess that saves decoding a page's other rows.
    pub(crate) fn guess(&self, index: u64) -> Result<Option<Batches>, TableError> {
        let row = self.guarded(|| Ok(row_guess(self.footer.metadata(), index)))?;
        row.map(|row| self.read(Rows::One(row), None)).transpose()
    }

    /// `index` and `id` of rows on pages that may hold an id with the prefix, in file order.
    pub(crate) fn ids_near(&self, prefix: &str) -> Result<Batches, TableError> {
        let ranges = self.guarded(|| Ok(rows_near_prefix(self.footer.metadata(), prefix)))?;
        self.read(Rows::In(ranges), Some(&[INDEX, Text::Id.name()]))
    }

    /// Reads the named columns, or all: those that are null throughout are not read but made.
    fn read(&self, rows: Rows, columns: Option<&[&str]>) -> Result<Batches, TableError> {
        let file = self
            .file
            .try_clone()
            .map_err(|why| storage(format!("reading {}", self.path.display()), why))?;
        let (reader, nulls) = self.guarded(|| {
            let metadata = self.footer.metadata();
            let nulls = match columns {
                Some(_) => Vec::new(),
                None => null_columns(metadata),
            };
            let builder =
                ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.footer.clone())
                    .with_batch_size(BATCH_ROWS);
            let schema = builder.parquet_schema();
            let mask = if let Some(names) = columns {
                ProjectionMask::columns(schema, names.iter().copied())
            } else {
                let all = 0..schema.num_columns();
                ProjectionMask::leaves(schema, all.filter(|column| !nulls.contains(column)))
            };
            let mut builder = builder.with_projection(mask);
            let total = usize::try_from(metadata.file_metadata().num_rows()).unwrap_or_default();
            let select = |ranges: &mut dyn Iterator<Item = Range<usize>>| {
                RowSelection::from_consecutive_ranges(ranges, total)
            };
            builder = match rows {
                Rows::All => builder,
                Rows::One(row) => {
                    builder.with_row_selection(select(&mut std::iter::once(row..row + 1)))
                }
                Rows::In(ranges) => builder.with_row_selection(select(&mut ranges.into_iter())),
            };
            Ok((builder.build()?, nulls))
        })?;
        Ok(Batches {
            path: self.path.clone(),
            failing: self.file.failing().clone(),
            schema: Arc::clone(self.footer.schema()),
            nulls,
            reader: Some(reader),
        })
    }

    fn guarded<T>(
        &self,
        work: impl FnOnce() -> parquet::errors::Result<T>,
    ) -> Result<T, TableError> {
        guarded(&self.path, self.file.failing(), work)
    }
}

/// Which rows of a file to read, by their place in it.
enum Rows {
    All,
    One(usize),
    In(Vec<Range<usize>>),
}

/// Opens a file that the Delta log names, so its absence is damage.
pub(crate) fn open_file(path: &Path) -> Result<Source, TableError> {
    File::open(path)
        .map(Source::new)
        .map_err(|why| match why.kind() {
            io::ErrorKind::NotFound => damaged(path, "the file is missing"),
            _ => storage(format!("opening {}", path.display()), why),
        })
}

pub(crate) fn parse_footer(path: &Path, file: &Source) -> Result<ArrowReaderMetadata, TableError> {
    let options = ArrowReaderOptions::new()
        .with_skip_arrow_metadata(true)
        .with_page_index_policy(PageIndexPolicy::Optional);
    guarded(path, file.failing(), || {
        ArrowReaderMetadata::load(file, options)
    })
}

/// Batches of a file; ends after the first fault.
#[derive(Debug)]
pub(crate) struct Batches {
    path: PathBuf,
    failing: Failing,
    schema: SchemaRef,
    /// Numbers of the columns that are null throughout.
    nulls: Vec<usize>,
    reader: Option<ParquetRecordBatchReader>,
}

impl Iterator for Batches {
    type Item = Result<RecordBatch, TableError>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut reader = self.reader.take()?;
        let next = guarded(&self.path, &self.failing, || {
            let batch = reader.next().transpose()?;
            batch.map(|batch| self.with_nulls(batch)).transpose()
        });
        match next {
            Ok(Some(batch)) => {
                self.reader = Some(reader);
                Some(Ok(batch))
            }
            Ok(None) => None,
            Err(fault) => Some(Err(fault)),
        }
    }
}

impl Batches {
    fn with_nulls(&self, batch: RecordBatch) -> parquet::errors::Result<RecordBatch> {
        if self.nulls.is_empty() {
            return Ok(batch);
        }
        let rows = batch.num_rows();
        let mut read = batch.columns().iter().cloned();
        let columns = self
            .schema
            .fields()
            .iter()
            .enumerate()
            .map(|(number, field)| {
                let made = self
                    .nulls
                    .contains(&number)
                    .then(|| new_null_array(field.data_type(), rows));
                made.or_else(|| read.next())
            });
        let columns: Vec<ArrayRef> = columns.flatten().collect();
        Ok(RecordBatch::try_new(Arc::clone(&self.schema), columns)?)
    }
}

/// Columns of which every row group says that they hold nothing but nulls. Each costs a lookup a decompressor, and most
/// records leave most columns empty. Nested columns, which the table does not have, are never counted.
fn null_columns(metadata: &ParquetMetaData) -> Vec<usize> {
    let schema = metadata.file_metadata().schema_descr();
    if schema.num_columns() != schema.root_schema().get_fields().len() {
        return Vec::new();
    }
    let empty = |column: &usize| {
        metadata.row_groups().iter().all(|group| {
            let nulls = group
                .columns()
                .get(*column)
                .and_then(|chunk| chunk.statistics()?.null_count_opt());
            nulls.is_some_and(|nulls| i64::try_from(nulls) == Ok(group.num_rows()))
        })
    };
    (0..schema.num_columns()).filter(empty).collect()
}

/// The Parquet decoder is not written for hostile files: what it answers with a panic is damage too, unless what it was
/// fed could not be read.
fn guarded<T>(
    path: &Path,
    failing: &Failing,
    work: impl FnOnce() -> parquet::errors::Result<T>,
) -> Result<T, TableError> {
    let why = match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(value)) => return Ok(value),
        Ok(Err(why)) => why.to_string(),
        Err(_) => "the Parquet decoder failed on it".to_owned(),
    };
    match failing.take() {
        Some(failure) => Err(storage(format!("reading {}", path.display()), failure)),
        None => Err(damaged(path, why)),
    }
}

/// A page's rows within the file, with its number within its row group.
struct Page {
    row_group: usize,
    number: usize,
    rows: Range<usize>,
}

/// Pages of a column, or whole row groups where the file has no page index.
fn pages(metadata: &ParquetMetaData, column: usize) -> Vec<Page> {
    let mut pages = Vec::new();
    let mut first_row = 0;
    for (row_group, group) in metadata.row_groups().iter().enumerate() {
        let rows = usize::try_from(group.num_rows()).unwrap_or_default();
        let end = first_row + rows;
        let locations = metadata
            .offset_index()
            .and_then(|groups| groups.get(row_group)?.get(column))
            .map(|index| index.page_locations.as_slice())
            .unwrap_or_default();
        let mut starts: Vec<usize> = locations
            .iter()
            .map(|page| first_row + usize::try_from(page.first_row_index).unwrap_or_default())
            .collect();
        if starts.is_empty() {
            starts.push(first_row);
        }
        for (number, start) in starts.iter().enumerate() {
            let rows = *start..starts.get(number + 1).copied().unwrap_or(end);
            pages.push(Page {
                row_group,
                number,
                rows,
            });
        }
        first_row = end;
    }
    pages
}

fn column_number(metadata: &ParquetMetaData, name: &str) -> Option<usize> {
    let schema = metadata.file_metadata().schema_descr();
    schema
        .columns()
        .iter()
        .position(|column| column.name() == name)
}

fn rows_near(metadata: &ParquetMetaData, indexes: &Range<u64>) -> Vec<Range<usize>> {
    let Some(column) = column_number(metadata, INDEX) else {
        return Vec::new();
    };
    let overlaps = |page: &Page| match index_bounds(metadata, page, column) {
        Some((least, greatest)) => least < indexes.end && greatest >= indexes.start,
        None => true,
    };
    let near = pages(metadata, column).into_iter().filter(overlaps);
    near.map(|page| page.rows)
        .filter(|rows| !rows.is_empty())
        .collect()
}

fn row_guess(metadata: &ParquetMetaData, index: u64) -> Option<usize> {
    let column = column_number(metadata, INDEX)?;
    pages(metadata, column).into_iter().find_map(|page| {
        let (least, greatest) = index_bounds(metadata, &page, column)?;
        let row = page.rows.start + usize::try_from(index.checked_sub(least)?).ok()?;
        (index <= greatest && page.rows.contains(&row)).then_some(row)
    })
}

fn index_bounds(metadata: &ParquetMetaData, page: &Page, column: usize) -> Option<(u64, u64)> {
    match metadata.column_index()?.get(page.row_group)?.get(column)? {
        ColumnIndexMetaData::INT64(index) => {
            let least = index.min_values().get(page.number)?;
            let greatest = index.max_values().get(page.number)?;
            Some((u64::try_from(*least).ok()?, u64::try_from(*greatest).ok()?))
        }
        _ => None,
    }
}

fn rows_near_prefix(metadata: &ParquetMetaData, prefix: &str) -> Vec<Range<usize>> {
    let Some(column) = column_number(metadata, Text::Id.name()) else {
        return Vec::new();
    };
    let overlaps = |page: &Page| match id_bounds(metadata, page, column) {
        Some((least, greatest)) => {
            let prefix = prefix.as_bytes();
            greatest >= prefix && (least <= prefix || least.starts_with(prefix))
        }
        None => true,
    };
    let near = pages(metadata, column).into_iter().filter(overlaps);
    near.map(|page| page.rows)
        .filter(|rows| !rows.is_empty())
        .collect()
}

fn id_bounds<'a>(
    metadata: &'a ParquetMetaData,
    page: &Page,
    column: usize,
) -> Option<(&'a [u8], &'a [u8])> {
    match metadata.column_index()?.get(page.row_group)?.get(column)? {
        ColumnIndexMetaData::BYTE_ARRAY(index) => {
            Some((index.min_value(page.number)?, index.max_value(page.number)?))
        }
        _ => None,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_cannot_be_read_is_not_taken_for_a_damaged_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("part.parquet");
        std::fs::write(&path, [b"PAR1".as_slice(), &[0; 64], b"PAR1"].concat()).unwrap();
        let footer = |file| parse_footer(&path, &Source::new(file)).unwrap_err();
        let unreadable = footer(File::options().write(true).open(&path).unwrap());
        assert!(
            matches!(unreadable, TableError::Storage { .. }),
            "{unreadable}"
        );
        let damaged = footer(File::open(&path).unwrap());
        assert!(matches!(damaged, TableError::Damaged { .. }), "{damaged}");
    }
}
