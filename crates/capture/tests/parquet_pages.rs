//! What the pages of a Parquet file announce is held against limits, and against the truth, before they are unpacked.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray};
use arrow::record_batch::RecordBatch;
use bytes::Bytes;
use causebook_capture::{CaptureError, Format, Import, Mapping, Source};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, GzipLevel, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::reader::{FileReader as _, SerializedFileReader};

const COLUMNS: usize = 5;
/// The number of a page's bytes then takes four bytes in its header, as does the largest that is announced.
const VALUE_BYTES: usize = 2 << 20;
const ANNOUNCED_MAX: u32 = (1 << 27) - 1;

#[test]
fn pages_that_would_take_all_memory_are_refused_before_they_are_unpacked() {
    let zstd = Compression::ZSTD(ZstdLevel::try_new(3).unwrap());
    for compression in [zstd, Compression::SNAPPY] {
        let good = file(compression);
        assert_eq!(import(&good).unwrap().rows(), 1);
        let refused = import(&announcing(&good, ANNOUNCED_MAX)).unwrap_err();
        let CaptureError::Limit { found, .. } = refused else {
            panic!("{refused}")
        };
        assert_eq!(found, COLUMNS as u64 * u64::from(ANNOUNCED_MAX));
    }
}

#[test]
fn a_page_that_unpacks_to_more_than_it_announces_is_refused() {
    let good = file(Compression::GZIP(GzipLevel::default()));
    assert_eq!(import(&good).unwrap().rows(), 1);
    let refused = import(&announcing(&good, 1 << 20)).unwrap_err();
    let said = refused.to_string();
    assert!(
        matches!(refused, CaptureError::Broken { .. })
            && said.ends_with("column \"c0\": a page unpacks to more than it announces"),
        "{said}"
    );
}

fn import(file: &[u8]) -> Result<Import, CaptureError> {
    let mut mapping = Mapping::parse("columns.input = ['*']\nconstants.model.name = 'm'").unwrap();
    mapping.read.format = Some(Format::Parquet);
    let source = Source::from_bytes("table.parquet", file);
    Import::prepare(&source, &mapping, &mut |_| {})
}

/// One row of long texts: each column is one page.
fn file(compression: Compression) -> Vec<u8> {
    let properties = WriterProperties::builder()
        .set_compression(compression)
        .set_statistics_enabled(EnabledStatistics::None)
        .set_dictionary_enabled(false);
    let text = "a".repeat(VALUE_BYTES);
    let column: ArrayRef = Arc::new(StringArray::from(vec![text.as_str()]));
    let columns = (0..COLUMNS).map(|place| (format!("c{place}"), Arc::clone(&column)));
    let row = RecordBatch::try_from_iter(columns).unwrap();
    let mut file = Vec::new();
    let mut writer =
        ArrowWriter::try_new(&mut file, row.schema(), Some(properties.build())).unwrap();
    writer.write(&row).unwrap();
    writer.close().unwrap();
    file
}

/// The file with every page announcing this many bytes once unpacked.
fn announcing(file: &[u8], bytes: u32) -> Vec<u8> {
    let mut changed = file.to_vec();
    let reader = SerializedFileReader::new(Bytes::from(file.to_vec())).unwrap();
    for column in reader.metadata().row_group(0).columns() {
        // Field 1, the type of the page, takes two bytes; then the size, after a byte that says field 2.
        let at = column.data_page_offset() as usize + 2;
        assert_eq!(changed[at], 0x15);
        assert_eq!(changed[at + 4] & 0x80, 0, "a number of four bytes");
        for (place, byte) in changed[at + 1..at + 5].iter_mut().enumerate() {
            let low = (bytes * 2) >> (7 * place) & 0x7f;
            *byte = low as u8 | if place < 3 { 0x80 } else { 0 };
        }
    }
    changed
}
