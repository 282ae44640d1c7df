//! Streams made of columns, and read to their end.
#![allow(dead_code, unreachable_pub, reason = "each suite uses a part")]

use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, StringArray};
use arrow::datatypes::{Field, Schema};
use arrow::ipc::writer::StreamWriter;
use arrow::record_batch::RecordBatch;
use causebook_capture::arrow::{Limits, Reader, RowFault, StreamError};

pub type Column = (String, ArrayRef);
pub type Read = Vec<Result<String, RowFault>>;

pub fn column(name: &str, array: ArrayRef) -> Column {
    (name.to_owned(), array)
}

pub fn texts(values: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

pub fn batch(columns: Vec<Column>) -> RecordBatch {
    let field = |(name, array): &Column| Field::new(name, array.data_type().clone(), true);
    let fields: Vec<Field> = columns.iter().map(field).collect();
    let arrays = columns.into_iter().map(|(_, array)| array).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).unwrap()
}

/// The stream that another program would send.
pub fn stream(batches: &[RecordBatch]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = StreamWriter::try_new(&mut bytes, &batches[0].schema()).unwrap();
    for batch in batches {
        writer.write(batch).unwrap();
    }
    writer.finish().unwrap();
    bytes
}

/// Every row of a stream, or what ended it.
pub fn read(bytes: &[u8], limits: Limits) -> Result<Read, StreamError> {
    let mut rows = Vec::new();
    for block in Reader::open(bytes, limits)? {
        for row in block?.rows() {
            assert_eq!(row.number, rows.len() as u64 + 1);
            rows.push(row.record.map(str::to_owned).map_err(Clone::clone));
        }
    }
    Ok(rows)
}

/// Every row of a stream in which none is at fault.
pub fn rows(bytes: &[u8]) -> Vec<String> {
    let read = read(bytes, Limits::default()).unwrap();
    read.into_iter().map(Result::unwrap).collect()
}

/// Why a stream of these columns is not begun.
pub fn refusal(columns: &[Column]) -> StreamError {
    let bytes = stream(&[batch(columns.to_vec())]);
    match Reader::open(bytes.as_slice(), Limits::default()) {
        Ok(_) => panic!("{columns:?} are taken"),
        Err(error) => error,
    }
}
