//! What the pages of a file take once they are unpacked, found out before any of them is. A page says in its header how
//! large it will be, up to 2 GiB, and every column of a row group has a page in memory at a time: a file of some
//! kilobytes could take all memory there is.

use std::convert::Infallible;
use std::io::{BufReader, ErrorKind, Read};

use ::parquet::basic::Compression;
use ::parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};
use flate2::bufread::MultiGzDecoder;

use super::header::{PageHeader, broken};
use crate::shield::shielded;
use crate::{CaptureError, Source};

/// The pages of a column in a row group.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ColumnPages {
    /// Bytes of all of them, unpacked.
    pub(super) unpacked_bytes: u64,
    /// Values may be said by what they share with the one before.
    pub(super) shares_prefixes: bool,
    largest_data_bytes: u64,
    largest_dictionary_bytes: u64,
}

impl ColumnPages {
    /// The most of them that is in memory at a time: a dictionary, and a page of data.
    fn held_bytes(&self) -> u64 {
        self.largest_dictionary_bytes + self.largest_data_bytes
    }

    fn add(&mut self, page: &PageHeader) {
        let bytes = page.unpacked_bytes.max(page.stored_bytes);
        self.unpacked_bytes += page.unpacked_bytes;
        self.shares_prefixes |= page.shares_prefixes;
        let largest = if page.is_dictionary {
            &mut self.largest_dictionary_bytes
        } else {
            &mut self.largest_data_bytes
        };
        *largest = bytes.max(*largest);
    }
}

/// Looks at the headers of all pages: of every row group, every column's pages.
///
/// # Errors
/// [`CaptureError::Limit`] if pages that are in memory together take more than [`HELD_BYTES_MAX`],
/// [`CaptureError::Broken`] if a header cannot be read or does not say the truth.
pub(super) fn look_at_pages(
    source: &Source,
    metadata: &ParquetMetaData,
) -> Result<Vec<Vec<ColumnPages>>, CaptureError> {
    let mut unseen_bytes = source.len()?;
    let mut all = Vec::with_capacity(metadata.num_row_groups());
    for group in metadata.row_groups() {
        let mut columns = Vec::with_capacity(group.num_columns());
        for column in group.columns() {
            let (start, bytes) = shielded(source, 1, || Ok::<_, Infallible>(column.byte_range()))?;
            // Else a small file could have the same pages looked at over and over.
            unseen_bytes = unseen_bytes
                .checked_sub(bytes)
                .ok_or_else(|| source.broken(1, "its columns are larger than it is"))?;
            let is_gzip = matches!(column.compression(), Compression::GZIP(_));
            let pages = walk(source, start, bytes, is_gzip);
            columns.push(pages.map_err(|error| told(source, column, error))?);
        }
        let found = columns.iter().map(ColumnPages::held_bytes).sum();
        if found > HELD_BYTES_MAX {
            return Err(CaptureError::Limit {
                name: source.name().to_owned(),
                what: "bytes of unpacked pages that are needed at a time",
                found,
                limit: HELD_BYTES_MAX,
            });
        }
        all.push(columns);
    }
    Ok(all)
}

fn told(source: &Source, column: &ColumnChunkMetaData, error: std::io::Error) -> CaptureError {
    let problem = match error.kind() {
        ErrorKind::UnexpectedEof => "a page is cut off".to_owned(),
        ErrorKind::InvalidData => error.to_string(),
        _ => return source.io(error),
    };
    source.broken(1, format!("column {}: {problem}", column.column_path()))
}

/// Goes from header to header.
fn walk(
    source: &Source,
    mut offset: u64,
    mut left: u64,
    is_gzip: bool,
) -> std::io::Result<ColumnPages> {
    let mut input = BufReader::new(source.open_at(offset)?);
    let mut pages = ColumnPages::default();
    while left > 0 {
        let page = PageHeader::read(&mut (&mut input).take(left))?;
        offset += page.header_bytes;
        left = left
            .checked_sub(page.header_bytes + page.stored_bytes)
            .ok_or(ErrorKind::UnexpectedEof)?;
        if is_gzip {
            check_gzip(source, offset, &page)?;
        }
        pages.add(&page);
        offset += page.stored_bytes;
        let forward =
            i64::try_from(page.stored_bytes).map_err(|_| broken("a page is too large"))?;
        input.seek_relative(forward)?;
    }
    Ok(pages)
}

/// Unpacks a page into nothing: the decoder of gzip, other than those of the other codecs, goes on for as long as there
/// is something to unpack, whatever the page announced.
fn check_gzip(source: &Source, offset: u64, page: &PageHeader) -> std::io::Result<()> {
    if !page.is_packed {
        return Ok(());
    }
    let announced = page.unpacked_bytes.saturating_sub(page.level_bytes);
    let stored = page.stored_bytes.saturating_sub(page.level_bytes);
    let packed = source.open_at(offset + page.level_bytes)?;
    let unpacked = MultiGzDecoder::new(BufReader::new(packed.take(stored)));
    // What cannot be unpacked is found again, and told, when the page is read.
    let unpacked = std::io::copy(&mut unpacked.take(announced + 1), &mut std::io::sink());
    if unpacked.is_ok_and(|bytes| bytes > announced) {
        return Err(broken("a page unpacks to more than it announces"));
    }
    Ok(())
}

/// Pages that are in memory at a time, of all columns together. A writer's pages have about a megabyte.
const HELD_BYTES_MAX: u64 = 512 << 20;
