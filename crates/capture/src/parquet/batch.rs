//! How many rows are decoded at a time. A dictionary, or values that share their beginnings, let a file of some hundred
//! bytes say a long value over and over: decoded, each row holds a copy of its own.

use std::sync::Arc;

use ::parquet::basic::Type;
use ::parquet::column::page::{Page, PageReader as _};
use ::parquet::errors::ParquetError;
use ::parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};
use ::parquet::file::reader::ChunkReader;
use ::parquet::file::serialized_reader::SerializedPageReader;

use super::pages::ColumnPages;

/// Rows of a batch whose values are at most this many bytes in all: as many as are decoded at a time, or one.
pub(super) fn batch_rows<R: ChunkReader + 'static>(
    file: &Arc<R>,
    metadata: &ParquetMetaData,
    pages: &[Vec<ColumnPages>],
) -> Result<usize, ParquetError> {
    let mut rows = BATCH_ROWS_MAX;
    for (group, pages) in metadata.row_groups().iter().zip(pages) {
        let rows_in_group = usize::try_from(group.num_rows()).unwrap_or(0);
        let mut row_bytes: u64 = 0;
        for (column, pages) in group.columns().iter().zip(pages) {
            let bytes = repeatable_bytes(file, column, pages, rows_in_group)?;
            row_bytes = row_bytes.saturating_add(bytes);
        }
        rows = rows.min(BATCH_BYTES_MAX / row_bytes.max(1));
    }
    Ok(rows.max(1) as usize)
}

/// Bytes of the longest value that a column chunk can say more than once without holding it more than once.
fn repeatable_bytes<R: ChunkReader + 'static>(
    file: &Arc<R>,
    column: &ColumnChunkMetaData,
    pages: &ColumnPages,
    rows: usize,
) -> Result<u64, ParquetError> {
    match column.column_type() {
        Type::BYTE_ARRAY => {}
        Type::FIXED_LEN_BYTE_ARRAY => {
            return Ok(u64::try_from(column.column_descr().type_length()).unwrap_or(0));
        }
        _ => return Ok(0),
    }
    if pages.shares_prefixes {
        return Ok(pages.unpacked_bytes);
    }
    let mut pages = SerializedPageReader::new(Arc::clone(file), column, rows, None)?;
    if !pages.peek_next_page()?.is_some_and(|page| page.is_dict) {
        return Ok(0);
    }
    Ok(match pages.get_next_page()? {
        Some(Page::DictionaryPage { buf, .. }) => longest(&buf),
        _ => 0,
    })
}

/// The longest value of a dictionary: each stands after its length, a little-endian u32.
fn longest(mut dictionary: &[u8]) -> u64 {
    let mut longest = 0;
    while let Some((length, rest)) = dictionary.split_first_chunk::<4>() {
        let length = u32::from_le_bytes(*length);
        longest = longest.max(u64::from(length));
        dictionary = rest.get(length as usize..).unwrap_or_default();
    }
    longest
}

const BATCH_ROWS_MAX: u64 = 256;
const BATCH_BYTES_MAX: u64 = 64 << 20;
