//! Answers as other tools read them: JSON, NDJSON, CSV, Markdown, Arrow and Parquet.
//!
//! Values keep their digits: whole numbers are written whole, times in RFC 3339 with what precision they have. A column
//! of JSON text stays a string, as it is in the table, unless [`Options::nest_json`] asks for the value itself.

use std::io::Write;
use std::str::FromStr;
use std::sync::Arc;

use arrow::array::{Array, AsArray as _, StringArray};
use arrow::datatypes::FieldRef;
use arrow::error::ArrowError;
use arrow::ipc::writer::FileWriter;
use arrow::json::writer::{JsonArray, JsonFormat, LineDelimited, NullableEncoder};
use arrow::json::{Encoder, EncoderFactory, EncoderOptions, WriterBuilder};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use crate::answer::Answer;
use crate::error::QueryError;
use crate::records::is_json;

const TIME_FORMAT: &str = "%Y-%m-%dT%H:%M:%S%.fZ";

/// A format to write an answer in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// One JSON array of objects.
    Json,
    /// One JSON object a line.
    Ndjson,
    /// Comma-separated values with a header, RFC 4180.
    Csv,
    /// A table in GitHub's Markdown.
    Markdown,
    /// Arrow IPC file.
    Arrow,
    /// Parquet, zstd.
    Parquet,
}

impl Format {
    /// All formats.
    pub const ALL: [Self; 6] = [
        Self::Json,
        Self::Ndjson,
        Self::Csv,
        Self::Markdown,
        Self::Arrow,
        Self::Parquet,
    ];

    /// Its name, as [`FromStr`] reads it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Ndjson => "ndjson",
            Self::Csv => "csv",
            Self::Markdown => "markdown",
            Self::Arrow => "arrow",
            Self::Parquet => "parquet",
        }
    }
}

impl FromStr for Format {
    type Err = QueryError;

    fn from_str(name: &str) -> Result<Self, QueryError> {
        let found = Self::ALL.into_iter().find(|format| format.as_str() == name);
        found.ok_or_else(|| QueryError::Output {
            format: "a format",
            problem: format!(
                "{name:?} is not one of {}",
                Self::ALL.map(Self::as_str).join(", ")
            ),
        })
    }
}

/// How to write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// In JSON and NDJSON, write columns of JSON text as the values they are.
    pub nest_json: bool,
}

/// Writes an answer. The writer is not flushed.
///
/// # Errors
/// [`QueryError::Output`] if the writer fails, or the format has no place for a type, such as a list in CSV.
pub fn write(
    format: Format,
    answer: &Answer,
    options: Options,
    out: &mut (impl Write + Send),
) -> Result<(), QueryError> {
    let written = match format {
        Format::Json => json::<JsonArray>(answer, options, out),
        Format::Ndjson => json::<LineDelimited>(answer, options, out),
        Format::Csv => csv(answer, out),
        Format::Markdown => markdown(answer, out),
        Format::Arrow => arrow(answer, out),
        Format::Parquet => parquet(answer, out),
    };
    written.map_err(|why| QueryError::Output {
        format: format.as_str(),
        problem: why.to_string(),
    })
}

fn json<F: JsonFormat>(
    answer: &Answer,
    options: Options,
    out: &mut impl Write,
) -> Result<(), ArrowError> {
    let mut builder = WriterBuilder::new().with_explicit_nulls(true);
    if options.nest_json {
        builder = builder.with_encoder_factory(Arc::new(NestJson));
    }
    let mut writer = builder.build::<_, F>(out);
    for batch in &answer.batches {
        writer.write(batch)?;
    }
    writer.finish()
}

/// Writes JSON text as the value it is.
#[derive(Debug)]
struct NestJson;

impl EncoderFactory for NestJson {
    fn make_default_encoder<'a>(
        &self,
        field: &'a FieldRef,
        array: &'a dyn Array,
        _options: &'a EncoderOptions,
    ) -> Result<Option<NullableEncoder<'a>>, ArrowError> {
        let Some(texts) = array.as_string_opt::<i32>().filter(|_| is_json(field)) else {
            return Ok(None);
        };
        Ok(Some(NullableEncoder::new(
            Box::new(Verbatim(texts)),
            texts.nulls().cloned(),
        )))
    }
}

struct Verbatim<'a>(&'a StringArray);

impl Encoder for Verbatim<'_> {
    fn encode(&mut self, row: usize, out: &mut Vec<u8>) {
        out.extend_from_slice(self.0.value(row).as_bytes());
    }
}

fn csv(answer: &Answer, out: &mut impl Write) -> Result<(), ArrowError> {
    let mut writer = arrow::csv::WriterBuilder::new()
        .with_header(true)
        .with_timestamp_tz_format(TIME_FORMAT.to_owned())
        .build(out);
    if answer.batches.is_empty() {
        // The header is there without rows, too.
        writer.write(&arrow::array::RecordBatch::new_empty(Arc::clone(
            &answer.schema,
        )))?;
    }
    for batch in &answer.batches {
        writer.write(batch)?;
    }
    Ok(())
}

fn markdown(answer: &Answer, out: &mut impl Write) -> Result<(), ArrowError> {
    let options = FormatOptions::new()
        .with_null("")
        .with_timestamp_tz_format(Some(TIME_FORMAT));
    let row = |out: &mut dyn Write, cells: Vec<String>| writeln!(out, "| {} |", cells.join(" | "));
    let fields = answer.schema.fields();
    row(out, fields.iter().map(|field| cell(field.name())).collect())?;
    let alignment = |field: &FieldRef| {
        let right = field.data_type().is_numeric();
        (if right { "---:" } else { "---" }).to_owned()
    };
    row(out, fields.iter().map(alignment).collect())?;
    for batch in &answer.batches {
        let formatters = batch
            .columns()
            .iter()
            .map(|column| ArrayFormatter::try_new(column.as_ref(), &options))
            .collect::<Result<Vec<_>, _>>()?;
        for at in 0..batch.num_rows() {
            let cells = formatters
                .iter()
                .map(|column| column.value(at).try_to_string());
            let cells = cells
                .map(|text| Ok(cell(&text?)))
                .collect::<Result<_, ArrowError>>()?;
            row(out, cells)?;
        }
    }
    Ok(())
}

/// Text that stays within its cell.
fn cell(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('|', "\\|")
        .replace(['\r', '\n'], " ")
}

fn arrow(answer: &Answer, out: &mut impl Write) -> Result<(), ArrowError> {
    let mut writer = FileWriter::try_new(out, &answer.schema)?;
    for batch in &answer.batches {
        writer.write(batch)?;
    }
    writer.finish()
}

fn parquet(answer: &Answer, out: &mut (impl Write + Send)) -> Result<(), ArrowError> {
    let level = ZstdLevel::try_new(3).unwrap_or_default();
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(level))
        .build();
    let schema = Arc::clone(&answer.schema);
    let mut writer = ArrowWriter::try_new(out, schema, Some(properties))?;
    for batch in &answer.batches {
        writer.write(batch)?;
    }
    writer.close()?;
    Ok(())
}
