//! A small Parquet file does not take a lot of memory. Alone in its program, because what is measured is the program's
//! highest use so far.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use arrow::array::{ArrayRef, FixedSizeBinaryArray, StringArray};
use arrow::record_batch::RecordBatch;
use causebook_capture::{Format, Import, Mapping, Source};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};

const COLUMNS: usize = 2;
const ROWS: u64 = 256;
const VALUE_BYTES: usize = 1 << 20;
/// Decoded at once, the rows would take 512 MiB.
const GROWTH_KIB_MAX: u64 = 192 << 10;

#[test]
fn a_long_value_that_is_said_once_and_meant_often_is_not_held_often() {
    let compressed = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(3).unwrap()))
        .set_statistics_enabled(EnabledStatistics::None);
    let dictionary = compressed.clone().set_dictionary_page_size_limit(1 << 30);
    let prefixes = compressed
        .set_dictionary_enabled(false)
        .set_encoding(Encoding::DELTA_BYTE_ARRAY);
    // Values of a fixed length have dictionaries from the second version on.
    let fixed = dictionary
        .clone()
        .set_writer_version(WriterVersion::PARQUET_2_0);
    let value = "a".repeat(VALUE_BYTES);
    let text: ArrayRef = Arc::new(StringArray::from(vec![value.as_str()]));
    let bytes = FixedSizeBinaryArray::try_from_iter(std::iter::once(value.as_bytes())).unwrap();
    for (column, properties) in [
        (&text, dictionary),
        (&text, prefixes),
        (&(Arc::new(bytes) as ArrayRef), fixed),
    ] {
        let file = file(column, properties.build());
        let before = highest_use_kib();
        let mut mapping =
            Mapping::parse("columns.input = ['*']\nconstants.model.name = 'm'").unwrap();
        mapping.read.format = Some(Format::Parquet);
        let source = Source::from_bytes("table.parquet", file);
        let import = Import::prepare(&source, &mapping, &mut |_| {}).unwrap();
        assert_eq!(import.rows(), ROWS);
        let growth = highest_use_kib() - before;
        assert!(growth < GROWTH_KIB_MAX, "{growth} KiB");
    }
}

/// A file of less than 64 KiB.
fn file(column: &ArrayRef, properties: WriterProperties) -> Vec<u8> {
    let columns = (0..COLUMNS).map(|place| (format!("c{place}"), Arc::clone(column)));
    let row = RecordBatch::try_from_iter(columns).unwrap();
    let mut file = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut file, row.schema(), Some(properties)).unwrap();
    for _ in 0..ROWS {
        writer.write(&row).unwrap();
    }
    writer.close().unwrap();
    assert!(file.len() < 64 << 10, "{} bytes", file.len());
    file
}

fn highest_use_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    number.unwrap().parse().unwrap()
}
