//! Messages to arrays. The decoder of the Arrow project is given types without dictionaries: their keys arrive as plain
//! numbers, their values are kept here, and the two meet when a value is written.
//!
//! Calls into it are shielded: a damaged message makes it panic.

use std::collections::HashMap;
use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::buffer::Buffer;
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::ipc::convert::fb_to_schema;
use arrow::ipc::reader::RecordBatchDecoder;
use arrow::ipc::{self, Endianness, Message, MessageHeader};

use super::StreamError;
use super::message::{Messages, check_batch};
use super::plan::Plan;
use crate::COLUMNS_MAX;

/// What a message gave.
pub(super) enum Decoded {
    Batch(RecordBatch),
    Dictionary,
}

/// Decodes the messages that follow a schema.
pub(super) struct Decoder {
    /// The columns, with plain numbers in place of dictionaries.
    schema: SchemaRef,
    /// The type of each dictionary's values, plain too.
    values: HashMap<i64, SchemaRef>,
    dictionaries: Dictionaries,
}

impl Decoder {
    /// Reads the schema that a stream begins with.
    pub(super) fn open<R: Read>(messages: &mut Messages<R>) -> Result<(Self, Plan), StreamError> {
        let not_a_stream = |problem: &str| StreamError::NotAStream {
            problem: problem.to_owned(),
        };
        let first = messages.next_message(0).map_err(|error| match error {
            StreamError::Broken { problem, .. } => StreamError::NotAStream { problem },
            other => other,
        })?;
        let Some((message, _)) = first else {
            return Err(not_a_stream("it is empty"));
        };
        let Some(schema) = message.header_as_schema() else {
            return Err(not_a_stream("it does not begin with a schema"));
        };
        if schema.endianness() != Endianness::Little {
            return Err(not_a_stream("its numbers are big-endian"));
        }
        if schema.fields().is_none() {
            return Err(not_a_stream("its schema has no columns"));
        }
        let schema = shielded(|| Ok(fb_to_schema(schema)))
            .map_err(|_| not_a_stream("its schema is damaged, or has a type that is not known"))?;
        let fields = count_fields(schema.fields().iter());
        if fields > COLUMNS_MAX {
            return Err(StreamError::Limit {
                row: 0,
                what: "columns and parts of columns",
                found: fields as u64,
                limit: COLUMNS_MAX as u64,
                advice: "send what varies from row to row as a map, or as JSON text",
            });
        }
        let mut values = HashMap::new();
        let plan = Plan::of(&schema, &mut values)?;
        let plain = schema.fields().iter().map(plain_field);
        let decoder = Self {
            schema: Arc::new(Schema::new(plain.collect::<Vec<FieldRef>>())),
            values,
            dictionaries: Dictionaries::default(),
        };
        Ok((decoder, plan))
    }

    pub(super) fn dictionaries(&self) -> &Dictionaries {
        &self.dictionaries
    }

    /// Takes a message. `row` is the number of rows read so far.
    pub(super) fn take(
        &mut self,
        message: &Message<'_>,
        body: Buffer,
        row: u64,
        dictionary_bytes_max: usize,
    ) -> Result<Decoded, StreamError> {
        let broken = |problem: String| StreamError::Broken { row, problem };
        match message.header_type() {
            MessageHeader::RecordBatch => {
                let batch = message
                    .header_as_record_batch()
                    .ok_or_else(|| broken("a batch is damaged".to_owned()))?;
                let batch = decode(&self.schema, message, batch, &body).map_err(broken)?;
                Ok(Decoded::Batch(batch))
            }
            MessageHeader::DictionaryBatch => {
                let found = self.take_dictionary(message, &body).map_err(broken)?;
                if found > dictionary_bytes_max {
                    return Err(StreamError::Limit {
                        row,
                        what: "bytes in dictionaries",
                        found: found as u64,
                        limit: dictionary_bytes_max as u64,
                        advice: "send columns of many different values as plain text",
                    });
                }
                Ok(Decoded::Dictionary)
            }
            MessageHeader::Schema => Err(broken(
                "a second schema begins; send one stream at a time".to_owned(),
            )),
            _ => Err(broken(
                "a message is neither rows nor a dictionary".to_owned(),
            )),
        }
    }

    /// Takes the values of a dictionary, and gives the bytes that all of them have.
    fn take_dictionary(&mut self, message: &Message<'_>, body: &Buffer) -> Result<usize, String> {
        let damaged = || "a dictionary is damaged".to_owned();
        let header = message.header_as_dictionary_batch().ok_or_else(damaged)?;
        let schema = self
            .values
            .get(&header.id())
            .ok_or_else(|| format!("no column has the dictionary {}", header.id()))?;
        let batch = decode(schema, message, header.data().ok_or_else(damaged)?, body)?;
        let values = batch.columns().first().ok_or_else(damaged)?;
        let bytes = body.len() + PART_BYTES;
        self.dictionaries
            .add(header.id(), Arc::clone(values), bytes, header.isDelta());
        Ok(self.dictionaries.bytes())
    }
}

fn decode(
    schema: &SchemaRef,
    message: &Message<'_>,
    batch: ipc::RecordBatch<'_>,
    body: &Buffer,
) -> Result<RecordBatch, String> {
    check_batch(&batch, body)?;
    let version = message.version();
    let none = HashMap::new();
    shielded(|| {
        RecordBatchDecoder::try_new(body, batch, Arc::clone(schema), &none, &version)?
            .read_record_batch()
    })
}

/// Calls the decoder; its error, or its panic, is a damaged message.
fn shielded<T>(call: impl FnOnce() -> Result<T, ArrowError>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("a message is damaged".to_owned()),
    }
}

/// The dictionaries in force.
#[derive(Default)]
pub(super) struct Dictionaries(HashMap<i64, Dictionary>);

impl Dictionaries {
    pub(super) fn get(&self, id: i64) -> Option<&Dictionary> {
        self.0.get(&id)
    }

    fn add(&mut self, id: i64, values: ArrayRef, bytes: usize, is_delta: bool) {
        let dictionary = self.0.entry(id).or_default();
        if !is_delta {
            *dictionary = Dictionary::default();
        }
        dictionary.len += values.len();
        dictionary.bytes += bytes;
        dictionary.parts.push((dictionary.len, values));
    }

    fn bytes(&self) -> usize {
        self.0.values().map(|dictionary| dictionary.bytes).sum()
    }
}

/// The values of one dictionary, in the parts that they came in: joining parts would copy what came before each time.
#[derive(Default)]
pub(super) struct Dictionary {
    /// Each part, behind the number of values up to its end.
    parts: Vec<(usize, ArrayRef)>,
    len: usize,
    bytes: usize,
}

impl Dictionary {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The part that holds the value of a key, and its place there.
    pub(super) fn at(&self, key: usize) -> Option<(&ArrayRef, usize)> {
        let nth = self.parts.partition_point(|(end, _)| *end <= key);
        let (end, part) = self.parts.get(nth)?;
        Some((part, key + part.len() - end))
    }
}

/// The type of a field's arrays here: dictionaries are their keys, and everything may be null.
pub(super) fn plain_field(field: &FieldRef) -> FieldRef {
    Arc::new(Field::new(field.name(), plain(field.data_type()), true))
}

pub(super) fn plain(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Dictionary(keys, _) => keys.as_ref().clone(),
        DataType::List(item) => DataType::List(plain_field(item)),
        DataType::LargeList(item) => DataType::LargeList(plain_field(item)),
        DataType::ListView(item) => DataType::ListView(plain_field(item)),
        DataType::LargeListView(item) => DataType::LargeListView(plain_field(item)),
        DataType::FixedSizeList(item, length) => {
            DataType::FixedSizeList(plain_field(item), *length)
        }
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(plain_field).collect()),
        DataType::Map(entries, sorted) => DataType::Map(plain_entries(entries), *sorted),
        DataType::RunEndEncoded(ends, values) => {
            DataType::RunEndEncoded(Arc::clone(ends), plain_field(values))
        }
        other => other.clone(),
    }
}

/// Of a map, neither an entry nor its key may be null.
fn plain_entries(entries: &FieldRef) -> FieldRef {
    let DataType::Struct(parts) = entries.data_type() else {
        return plain_field(entries);
    };
    let parts = parts.iter().enumerate().map(|(nth, part)| {
        let part = plain_field(part);
        let is_value = nth > 0;
        Arc::new(part.as_ref().clone().with_nullable(is_value))
    });
    let parts = DataType::Struct(parts.collect());
    Arc::new(Field::new(entries.name(), parts, false))
}

fn count_fields<'f>(fields: impl Iterator<Item = &'f FieldRef>) -> usize {
    fields.map(|field| 1 + count_parts(field.data_type())).sum()
}

fn count_parts(data_type: &DataType) -> usize {
    match data_type {
        DataType::Dictionary(_, values) => count_parts(values),
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::ListView(item)
        | DataType::LargeListView(item)
        | DataType::FixedSizeList(item, _)
        | DataType::Map(item, _)
        | DataType::RunEndEncoded(_, item) => count_fields([item].into_iter()),
        DataType::Struct(fields) => count_fields(fields.iter()),
        DataType::Union(fields, _) => count_fields(fields.iter().map(|(_, field)| field)),
        _ => 0,
    }
}

/// What a part of a dictionary takes beside its values.
const PART_BYTES: usize = 1024;
