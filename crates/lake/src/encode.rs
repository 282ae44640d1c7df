//! Batches to the bytes of one Parquet file, with the statistics that the Delta log may know about it.
//!
//! The layout is chosen for two readers: a scan of everything, and the lookup of one row by index, which reads one page
//! of every column. So pages are small, dictionaries are bounded, and what is random is not compressed. The figures
//! behind the constants come from `examples/measure.rs`.

use std::sync::{Arc, LazyLock};

use arrow::array::{Array as _, AsArray as _, RecordBatch};
use arrow::compute::{max, min};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use causebook_ledger::TableError;
use jiff::Timestamp;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::SortingColumn;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

use crate::batch::{self, SCHEMA};
use crate::columns::Text;
use crate::error::storage;

/// Rows in one row group. Bloom filters and dictionaries are per row group.
const ROW_GROUP_ROWS: usize = 1 << 16;
/// Rows in one page at most: what a lookup decodes of each column. Each page costs a compressor's set-up, twice.
const PAGE_ROWS: usize = 2048;
/// Uncompressed bytes in one page, about.
const PAGE_BYTES: usize = 128 << 10;
/// Distinct values above this go without a dictionary, which every lookup would have to read.
const DICTIONARY_BYTES: usize = 32 << 10;
/// Bytes of a least or greatest text that a file's own statistics keep.
const STATISTICS_BYTES: usize = 32;
/// Share of lookups that a bloom filter lets through in vain.
const BLOOM_FALSE_POSITIVES: f64 = 0.02;

/// What the Delta log says about a file. Nothing else of its contents may stand there, because the log outlives erasure.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FileStats {
    pub(crate) rows: u64,
    pub(crate) first_index: i64,
    pub(crate) last_index: i64,
    /// Least and greatest, in microseconds.
    recorded_at: Option<(i64, i64)>,
    recorded_at_nulls: u64,
}

impl FileStats {
    /// Per-file statistics as the Delta protocol spells them. Times are widened to milliseconds, which is what other
    /// writers store and other readers expect.
    pub(crate) fn to_json(&self) -> String {
        let times = self.recorded_at.and_then(|(least, greatest)| {
            let least = Timestamp::from_millisecond(least.div_euclid(1000)).ok()?;
            let greatest = Timestamp::from_millisecond(-(-greatest).div_euclid(1000)).ok()?;
            Some((
                format!(r#","recorded_at":"{least:.3}""#),
                format!(r#","recorded_at":"{greatest:.3}""#),
            ))
        });
        let (least, greatest) = times.unwrap_or_default();
        format!(
            r#"{{"numRecords":{},"minValues":{{"index":{}{least}}},"maxValues":{{"index":{}{greatest}}},"nullCount":{{"index":0,"recorded_at":{}}}}}"#,
            self.rows, self.first_index, self.last_index, self.recorded_at_nulls,
        )
    }

    fn add(&mut self, batch: &RecordBatch) {
        let index = batch
            .column_by_name(batch::INDEX)
            .and_then(|column| column.as_primitive_opt::<Int64Type>());
        if let Some((least, greatest)) = index.and_then(|index| min(index).zip(max(index))) {
            let first = self.rows == 0;
            self.first_index = if first {
                least
            } else {
                self.first_index.min(least)
            };
            self.last_index = if first {
                greatest
            } else {
                self.last_index.max(greatest)
            };
        }
        let recorded_at = batch
            .column_by_name(batch::RECORDED_AT)
            .and_then(|column| column.as_primitive_opt::<TimestampMicrosecondType>());
        if let Some(recorded_at) = recorded_at {
            self.recorded_at_nulls += recorded_at.null_count() as u64;
            if let Some((least, greatest)) = min(recorded_at).zip(max(recorded_at)) {
                let (a, b) = self.recorded_at.unwrap_or((least, greatest));
                self.recorded_at = Some((a.min(least), b.max(greatest)));
            }
        }
        self.rows += batch.num_rows() as u64;
    }
}

/// The bytes of one finished file.
#[derive(Debug)]
pub(crate) struct Encoded {
    pub(crate) bytes: Vec<u8>,
    pub(crate) stats: FileStats,
}

/// Writes batches into one file in memory, which holds at most what compaction merges (128 MiB).
pub(crate) struct Encoder {
    writer: ArrowWriter<Vec<u8>>,
    stats: FileStats,
}

impl Encoder {
    pub(crate) fn new() -> Result<Self, TableError> {
        let options = ArrowWriterOptions::new()
            .with_properties(PROPERTIES.clone())
            .with_skip_arrow_metadata(true);
        let writer = ArrowWriter::try_new_with_options(Vec::new(), Arc::clone(&SCHEMA), options)
            .map_err(encoding)?;
        Ok(Self {
            writer,
            stats: FileStats::default(),
        })
    }

    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<(), TableError> {
        self.stats.add(batch);
        self.writer.write(batch).map_err(encoding)
    }

    pub(crate) fn finish(self) -> Result<Encoded, TableError> {
        Ok(Encoded {
            bytes: self.writer.into_inner().map_err(encoding)?,
            stats: self.stats,
        })
    }
}

fn encoding(source: ParquetError) -> TableError {
    storage("encoding rows as Parquet", source)
}

static PROPERTIES: LazyLock<WriterProperties> = LazyLock::new(|| {
    let level = ZstdLevel::try_new(3).unwrap_or_default();
    let mut properties = WriterProperties::builder()
        .set_created_by(concat!("causebook ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_compression(Compression::ZSTD(level))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_data_page_row_count_limit(PAGE_ROWS)
        .set_write_batch_size(PAGE_ROWS)
        .set_data_page_size_limit(PAGE_BYTES)
        .set_dictionary_page_size_limit(DICTIONARY_BYTES)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_statistics_truncate_length(Some(STATISTICS_BYTES))
        .set_column_index_truncate_length(Some(STATISTICS_BYTES))
        .set_sorting_columns(Some(vec![SortingColumn {
            column_idx: 0,
            descending: false,
            nulls_first: false,
        }]));
    for name in [
        batch::INDEX,
        batch::TIME,
        batch::RECORDED_AT,
        batch::SOURCE_SEQ,
    ] {
        properties = properties
            .set_column_dictionary_enabled(column(name), false)
            .set_column_encoding(column(name), Encoding::DELTA_BINARY_PACKED)
            .set_column_statistics_enabled(column(name), EnabledStatistics::Page);
    }
    for text in [
        Text::Id,
        Text::Kind,
        Text::Subject,
        Text::RefersTo,
        Text::Decision,
    ] {
        properties =
            properties.set_column_statistics_enabled(column(text.name()), EnabledStatistics::Page);
    }
    for text in [Text::Id, Text::Subject, Text::RefersTo, Text::TraceId] {
        properties = properties
            .set_column_bloom_filter_enabled(column(text.name()), true)
            .set_column_bloom_filter_max_ndv(column(text.name()), ROW_GROUP_ROWS as u64)
            .set_column_bloom_filter_fpp(column(text.name()), BLOOM_FALSE_POSITIVES);
    }
    let distinct = [
        Text::Id,
        Text::TraceId,
        Text::Input,
        Text::Output,
        Text::Explanation,
        Text::Context,
        Text::Rest,
    ];
    for name in distinct
        .map(Text::name)
        .into_iter()
        .chain([batch::OPENING_KEY])
    {
        properties = properties
            .set_column_dictionary_enabled(column(name), false)
            .set_column_encoding(column(name), Encoding::DELTA_LENGTH_BYTE_ARRAY);
    }
    let repeated = [
        Text::Kind,
        Text::Automation,
        Text::ModelName,
        Text::ModelVersion,
        Text::ModelDigest,
        Text::SourceName,
        Text::SourceRun,
    ];
    // Small after their encoding, or random: compressing them would cost every lookup a decompressor and save nothing.
    let dense = [
        batch::INDEX,
        batch::TIME,
        batch::RECORDED_AT,
        batch::SCORE,
        batch::SOURCE_SEQ,
        batch::OPENING_KEY,
    ];
    for name in repeated.map(Text::name).into_iter().chain(dense) {
        properties = properties.set_column_compression(column(name), Compression::UNCOMPRESSED);
    }
    properties.build()
});

fn column(name: &str) -> ColumnPath {
    ColumnPath::from(name)
}
