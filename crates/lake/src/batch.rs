//! Rows to Arrow batches in the table's schema, and back.
//!
//! Encoding cannot fail for a record that the ledger accepted. Decoding trusts nothing: a batch with other columns is
//! refused, and a row whose columns cannot have come from a record is reported as [`Unreadable`] with the column named.

use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

use arrow::array::{
    Array, ArrayRef, AsArray as _, BinaryArray, BinaryBuilder, Float64Array, Float64Builder,
    Int64Array, Int64Builder, RecordBatch, StringArray, StringBuilder, TimestampMicrosecondArray,
    TimestampMicrosecondBuilder,
};
use arrow::datatypes::{
    DataType, Field, Float64Type, Int64Type, Schema, SchemaRef, TimeUnit, TimestampMicrosecondType,
};
use arrow::error::ArrowError;
use causebook_ledger::{ColumnFault, Row, TableError};
use causebook_record::{OpeningKey, RecordError, Redaction, Stored};

use crate::columns::{self, Cells, Text};
use crate::error::storage;

/// What the `erased` column holds when the whole payload is gone.
const PAYLOAD_ERASED: &str = r#"{"payload":true}"#;

pub(crate) const INDEX: &str = "index";
pub(crate) const TIME: &str = "time";
pub(crate) const RECORDED_AT: &str = "recorded_at";
pub(crate) const SCORE: &str = "score";
pub(crate) const SOURCE_SEQ: &str = "source_seq";
pub(crate) const OPENING_KEY: &str = "opening_key";
pub(crate) const ERASED: &str = "erased";

/// Columns of a data file, in order. The partition column `recorded_date` lives in the folder name and the log.
pub(crate) static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
    let time = || DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let mut fields = vec![Field::new(INDEX, DataType::Int64, false)];
    for column in Text::ALL {
        fields.push(Field::new(column.name(), DataType::Utf8, true));
        match column {
            Text::Kind => {
                fields.push(Field::new(TIME, time(), true));
                fields.push(Field::new(RECORDED_AT, time(), true));
            }
            Text::Decision => fields.push(Field::new(SCORE, DataType::Float64, true)),
            Text::SourceRun => fields.push(Field::new(SOURCE_SEQ, DataType::Int64, true)),
            _ => {}
        }
    }
    fields.push(Field::new(OPENING_KEY, DataType::Binary, true));
    fields.push(Field::new(ERASED, DataType::Utf8, true));
    Arc::new(Schema::new(fields))
});

/// Rows as one batch.
///
/// # Errors
/// If a row's text is not a canonical object.
pub(crate) fn encode(rows: &[Row]) -> Result<RecordBatch, TableError> {
    let mut builders = Builders::default();
    for row in rows {
        builders
            .push(row)
            .map_err(|why| storage(format!("splitting row {} into columns", row.index), why))?;
    }
    builders
        .finish()
        .map_err(|why| storage("building a batch of rows", why))
}

#[derive(Default)]
struct Builders {
    index: Int64Builder,
    texts: [StringBuilder; Text::COUNT],
    time: TimestampMicrosecondBuilder,
    recorded_at: TimestampMicrosecondBuilder,
    score: Float64Builder,
    source_seq: Int64Builder,
    opening_key: BinaryBuilder,
    erased: StringBuilder,
}

impl Builders {
    fn push(&mut self, row: &Row) -> Result<(), RecordError> {
        let (cells, key, erased) = match &row.record {
            Stored::Whole { text, key } => (columns::split(text)?, Some(key), None),
            Stored::Redacted { text, redaction } => (
                columns::split(text)?,
                None,
                Some(Cow::Owned(redaction.to_json())),
            ),
            Stored::Erased { id } => {
                let mut cells = Cells::default();
                cells.set(Text::Id, id.as_deref().map(Cow::Borrowed));
                (cells, None, Some(Cow::Borrowed(PAYLOAD_ERASED)))
            }
        };
        self.index.append_value(row.index.cast_signed());
        for (builder, column) in self.texts.iter_mut().zip(Text::ALL) {
            builder.append_option(cells.text(column));
        }
        self.time.append_option(cells.time);
        self.recorded_at.append_option(cells.recorded_at);
        self.score.append_option(cells.score);
        self.source_seq.append_option(cells.source_seq);
        self.opening_key.append_option(key.map(|key| key.0));
        self.erased.append_option(erased);
        Ok(())
    }

    fn finish(mut self) -> Result<RecordBatch, ArrowError> {
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(SCHEMA.fields().len());
        columns.push(Arc::new(self.index.finish()));
        for (builder, column) in self.texts.iter_mut().zip(Text::ALL) {
            columns.push(Arc::new(builder.finish()));
            match column {
                Text::Kind => {
                    columns.push(Arc::new(self.time.finish().with_timezone("UTC")));
                    columns.push(Arc::new(self.recorded_at.finish().with_timezone("UTC")));
                }
                Text::Decision => columns.push(Arc::new(self.score.finish())),
                Text::SourceRun => columns.push(Arc::new(self.source_seq.finish())),
                _ => {}
            }
        }
        columns.push(Arc::new(self.opening_key.finish()));
        columns.push(Arc::new(self.erased.finish()));
        RecordBatch::try_new(Arc::clone(&SCHEMA), columns)
    }
}

/// A row whose columns cannot have come from a record.
#[derive(Clone, Debug)]
pub(crate) struct Unreadable {
    pub(crate) index: i64,
    pub(crate) column: &'static str,
    pub(crate) why: String,
}

impl Unreadable {
    /// The row as a scan that looks for faults passes it on: a record that no digest can be computed of, and the
    /// column at fault.
    pub(crate) fn into_fault(self) -> (Row, ColumnFault) {
        let record = Stored::Whole {
            text: String::new(),
            key: OpeningKey([0; 16]),
        };
        let row = Row {
            index: self.index.cast_unsigned(),
            record,
        };
        let fault = ColumnFault {
            column: self.column,
            stored: Some(self.why),
            sealed: None,
        };
        (row, fault)
    }
}

/// A batch whose columns have been found to be the table's.
pub(crate) struct Decoder<'a> {
    index: &'a Int64Array,
    texts: [&'a StringArray; Text::COUNT],
    time: &'a TimestampMicrosecondArray,
    recorded_at: &'a TimestampMicrosecondArray,
    score: &'a Float64Array,
    source_seq: &'a Int64Array,
    opening_key: &'a BinaryArray,
    erased: &'a StringArray,
}

impl<'a> Decoder<'a> {
    /// # Errors
    /// A sentence naming the column that is missing or of another type.
    pub(crate) fn new(batch: &'a RecordBatch) -> Result<Self, String> {
        let index = column(batch, INDEX)?
            .as_primitive_opt::<Int64Type>()
            .ok_or_else(|| wrong_type(INDEX))?;
        let texts = Text::ALL
            .iter()
            .map(|text| strings(batch, text.name()))
            .collect::<Result<Vec<_>, _>>()?
            .try_into()
            .map_err(|_| wrong_type(ERASED))?;
        let time = |name| {
            column(batch, name)?
                .as_primitive_opt::<TimestampMicrosecondType>()
                .ok_or_else(|| wrong_type(name))
        };
        Ok(Self {
            index,
            texts,
            time: time(TIME)?,
            recorded_at: time(RECORDED_AT)?,
            score: column(batch, SCORE)?
                .as_primitive_opt::<Float64Type>()
                .ok_or_else(|| wrong_type(SCORE))?,
            source_seq: column(batch, SOURCE_SEQ)?
                .as_primitive_opt::<Int64Type>()
                .ok_or_else(|| wrong_type(SOURCE_SEQ))?,
            opening_key: column(batch, OPENING_KEY)?
                .as_binary_opt::<i32>()
                .ok_or_else(|| wrong_type(OPENING_KEY))?,
            erased: strings(batch, ERASED)?,
        })
    }

    pub(crate) fn len(&self) -> usize {
        self.index.len()
    }

    pub(crate) fn index(&self, row: usize) -> i64 {
        self.index.value(row)
    }

    pub(crate) fn cells(&self, row: usize) -> Cells<'a> {
        let mut cells = Cells {
            time: self.time.is_valid(row).then(|| self.time.value(row)),
            recorded_at: self
                .recorded_at
                .is_valid(row)
                .then(|| self.recorded_at.value(row)),
            score: self.score.is_valid(row).then(|| self.score.value(row)),
            source_seq: self
                .source_seq
                .is_valid(row)
                .then(|| self.source_seq.value(row)),
            ..Cells::default()
        };
        for (array, column) in self.texts.iter().zip(Text::ALL) {
            cells.set(column, text_at(array, row).map(Cow::Borrowed));
        }
        cells
    }

    pub(crate) fn record(&self, row: usize, cells: &Cells<'_>) -> Result<Stored, Unreadable> {
        let unreadable = |column, why: String| Unreadable {
            index: self.index(row),
            column,
            why,
        };
        let key = self
            .opening_key
            .is_valid(row)
            .then(|| self.opening_key.value(row));
        let text =
            || columns::join(cells).map_err(|why| unreadable(Text::Rest.name(), why.to_string()));
        match (key, text_at(self.erased, row)) {
            (Some(key), None) => {
                let key = key.try_into().map_err(|_| {
                    unreadable(OPENING_KEY, format!("{} bytes instead of 16", key.len()))
                })?;
                Ok(Stored::Whole {
                    text: text()?,
                    key: OpeningKey(key),
                })
            }
            (None, Some(PAYLOAD_ERASED)) => Ok(Stored::Erased {
                id: cells.text(Text::Id).map(str::to_owned),
            }),
            (None, Some(redaction)) => {
                let redaction = Redaction::from_json(redaction)
                    .map_err(|why| unreadable(ERASED, why.to_string()))?;
                Ok(Stored::Redacted {
                    text: text()?,
                    redaction,
                })
            }
            (Some(_), Some(_)) => Err(unreadable(
                ERASED,
                "both an opening key and a redaction".to_owned(),
            )),
            (None, None) => Err(unreadable(
                OPENING_KEY,
                "neither an opening key nor a redaction".to_owned(),
            )),
        }
    }
}

/// Index and id columns of a batch that may hold nothing else.
///
/// # Errors
/// A sentence naming the column that is missing or of another type.
pub(crate) fn ids(batch: &RecordBatch) -> Result<(&Int64Array, &StringArray), String> {
    let index = column(batch, INDEX)?
        .as_primitive_opt()
        .ok_or_else(|| wrong_type(INDEX))?;
    Ok((index, strings(batch, Text::Id.name())?))
}

/// Values of the index column of a batch in the table's schema.
pub(crate) fn indexes(batch: &RecordBatch) -> &[i64] {
    let index = batch
        .column_by_name(INDEX)
        .and_then(|column| column.as_primitive_opt::<Int64Type>());
    index
        .map(|index| index.values().as_ref())
        .unwrap_or_default()
}

/// Values of the column of recording times, in microseconds.
pub(crate) fn recorded_at(batch: &RecordBatch) -> Vec<Option<i64>> {
    let column = batch.column_by_name(RECORDED_AT);
    let times = column.and_then(|column| column.as_primitive_opt::<TimestampMicrosecondType>());
    times
        .map(|times| times.iter().collect())
        .unwrap_or_default()
}

fn text_at(array: &StringArray, row: usize) -> Option<&str> {
    array.is_valid(row).then(|| array.value(row))
}

fn strings<'a>(batch: &'a RecordBatch, name: &'static str) -> Result<&'a StringArray, String> {
    column(batch, name)?
        .as_string_opt::<i32>()
        .ok_or_else(|| wrong_type(name))
}

fn column<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a ArrayRef, String> {
    batch
        .column_by_name(name)
        .ok_or_else(|| format!("column {name} is missing"))
}

fn wrong_type(name: &str) -> String {
    format!("column {name} has another type")
}
