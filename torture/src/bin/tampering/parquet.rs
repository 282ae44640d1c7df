//! Data files of the table rewritten by somebody who knows Parquet: valid files of the same name, with statistics that
//! fit what is in them.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use ::parquet::arrow::ArrowWriter;
use ::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use ::parquet::basic::{Compression, ZstdLevel};
use ::parquet::file::properties::WriterProperties;
use arrow::array::{
    Array as _, ArrayRef, AsArray as _, Int64Array, RecordBatch, StringArray, UInt64Array,
};
use arrow::compute::{concat_batches, take_record_batch};
use arrow::datatypes::Int64Type;
use causebook_torture::Failure;

/// All rows of a file.
pub(crate) fn read(path: &Path) -> Result<RecordBatch, Failure> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(path)?)?.build()?;
    let batches = reader.collect::<Result<Vec<RecordBatch>, _>>()?;
    let first = batches.first().ok_or("a file without rows")?;
    Ok(concat_batches(&first.schema(), &batches)?)
}

/// Writes a file in the place of another.
pub(crate) fn write(path: &Path, rows: &RecordBatch) -> Result<(), Failure> {
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
        .build();
    let mut writer = ArrowWriter::try_new(File::create(path)?, rows.schema(), Some(properties))?;
    writer.write(rows)?;
    writer.close()?;
    Ok(())
}

/// The rows at these places, in this order.
pub(crate) fn pick(rows: &RecordBatch, places: &[usize]) -> Result<RecordBatch, Failure> {
    let places: UInt64Array = places.iter().map(|place| *place as u64).collect();
    Ok(take_record_batch(rows, &places)?)
}

/// Gives the rows the indexes they should have in the order in which they lie.
pub(crate) fn renumber(rows: &RecordBatch) -> Result<RecordBatch, Failure> {
    let column = rows.column_by_name("index").ok_or("no column index")?;
    let indexes = column.as_primitive::<Int64Type>();
    let first = indexes.values().iter().copied().min().unwrap_or(0);
    let dense: Int64Array = (first..first + rows.num_rows() as i64).collect();
    with(rows, "index", Arc::new(dense))
}

/// Puts a text into one cell.
pub(crate) fn set_text(
    rows: &RecordBatch,
    column: &str,
    place: usize,
    value: &str,
) -> Result<RecordBatch, Failure> {
    let held = rows.column_by_name(column).ok_or("no such column")?;
    let held = held.as_string::<i32>();
    let changed = held
        .iter()
        .enumerate()
        .map(|(row, held)| if row == place { Some(value) } else { held });
    with(rows, column, Arc::new(changed.collect::<StringArray>()))
}

/// Takes the value of one cell away.
pub(crate) fn set_null(
    rows: &RecordBatch,
    column: &str,
    place: usize,
) -> Result<RecordBatch, Failure> {
    let held = rows.column_by_name(column).ok_or("no such column")?;
    let keep: UInt64Array = (0..rows.num_rows() as u64)
        .map(|row| (row != place as u64).then_some(row))
        .collect();
    let changed = arrow::compute::take(held, &keep, None)?;
    if changed.null_count() == held.null_count() {
        return Err(format!("column {column} has nothing at row {place}").into());
    }
    with(rows, column, changed)
}

fn with(rows: &RecordBatch, column: &str, values: ArrayRef) -> Result<RecordBatch, Failure> {
    let mut columns = rows.columns().to_vec();
    let at = rows.schema().index_of(column)?;
    if let Some(place) = columns.get_mut(at) {
        *place = values;
    }
    Ok(RecordBatch::try_new(rows.schema(), columns)?)
}
