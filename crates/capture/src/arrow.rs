//! The Arrow door: an Arrow IPC stream in, the JSON text of a record for every row out.
//!
//! A column becomes a member of the record by its name, and by nothing else:
//!
//! | column | becomes |
//! |---|---|
//! | `id`, `model`, `input`, `decision`, `score`, ... | the member of that name: a struct an object, a list an array |
//! | `/input/age`, any JSON Pointer below a member | that place; the objects around it are made, arrays are not |
//! | text whose field says `ARROW:extension:name` = `arrow.json` | the JSON document that it holds |
//! | anything else | an error that names the column and the nearest member |
//!
//! A null is a member that is not there. Inside a struct under `input` or `output` it stays `null`, because there a
//! model may have been given one; inside the structs of other members it is left out. Values are written as
//! [`number`](crate::number) says, so that a stream and a Parquet file of one table give the same records, with one
//! exception: bytes are refused, because a server has a place for them (attachments). Times of a zone are written in UTC.
//!
//! Columns are formatted one at a time over some hundred rows, then the rows are joined: a value costs no search and no
//! allocation. Rows come out in [`Block`]s; a row that cannot be a record is a [`RowFault`] in its place and the others
//! go on. What is broken in the stream itself ends it with a [`StreamError`].
//!
//! # Hostile streams
//! Every length in a stream is a claim. Messages are cut here: a length is compared with [`Limits`] before it is
//! believed, and memory grows with what arrives, not with what is announced. Buffers must lie in their message and may
//! not overlap; a message must hold at least a bit for each of its rows; compressed buffers are refused, since one of
//! the two codecs does not stop at the length it announces (compress the whole request instead). Only then does the
//! decoder see the message, shielded from its panics. Dictionaries are looked up here and not joined, so that a batch
//! costs what it holds and not what its dictionaries hold. What is held at any time is about twice
//! [`Limits::message_bytes`], [`Limits::dictionary_bytes`] and one block.
//!
//! ```
//! # use std::sync::Arc;
//! # use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
//! use causebook_capture::arrow::{Limits, Reader};
//! # let columns: [(&str, ArrayRef); 3] = [
//! #     ("model", Arc::new(StringArray::from(vec!["m"]))),
//! #     ("/input/age", Arc::new(Int64Array::from(vec![30]))),
//! #     ("decision", Arc::new(StringArray::from(vec!["approve"]))),
//! # ];
//! # let batch = RecordBatch::try_from_iter(columns)?;
//! # let mut stream = Vec::new();
//! # let mut writer = arrow::ipc::writer::StreamWriter::try_new(&mut stream, &batch.schema())?;
//! # writer.write(&batch)?;
//! # writer.finish()?;
//! for block in Reader::open(stream.as_slice(), Limits::default())? {
//!     for row in block?.rows() {
//!         match row.record {
//!             Ok(json) => assert_eq!(json, r#"{"decision":"approve","input":{"age":30},"model":"m"}"#),
//!             Err(fault) => println!("row {}: {fault}", row.number),
//!         }
//!     }
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod block;
mod cells;
mod decode;
mod error;
mod form;
mod message;
mod plan;
mod text;
pub(crate) mod value;

use std::fmt;
use std::io::Read;

pub use block::{Block, Row, Rows};
pub use error::{RowFault, StreamError};

use block::{Composer, Open};
use decode::{Decoded, Decoder};
use message::Messages;
use plan::Plan;

/// What a stream may take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one message: a batch of rows, or the values of a dictionary. Default 64 MiB.
    pub message_bytes: usize,
    /// Bytes of all dictionaries that are in force at a time. Default 64 MiB.
    pub dictionary_bytes: usize,
    /// What the whole stream may come to, in bytes of JSON text and values looked at: a dictionary says a long value
    /// often in few bytes. About three are spent on each byte of text. Default 16 Gi.
    pub work: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message_bytes: 64 << 20,
            dictionary_bytes: 64 << 20,
            work: 16 << 30,
        }
    }
}

/// Reads a stream: an iterator over blocks of rows, in the order of the stream. It ends after the first error.
pub struct Reader<R> {
    messages: Messages<R>,
    decoder: Decoder,
    plan: Plan,
    composer: Composer,
    limits: Limits,
    /// The batch that blocks are cut from.
    batch: Option<Open>,
    /// Rows handed out.
    rows: u64,
    ended: bool,
}

impl<R: Read> Reader<R> {
    /// Reads the schema, and finds the place of every column.
    ///
    /// # Errors
    /// [`StreamError`] if these bytes do not begin a stream, or if a column has no place or no type in a record.
    pub fn open(input: R, limits: Limits) -> Result<Self, StreamError> {
        let mut messages = Messages::new(input, limits.message_bytes);
        let (decoder, plan) = Decoder::open(&mut messages)?;
        Ok(Self {
            messages,
            decoder,
            composer: Composer::new(&plan),
            plan,
            limits,
            batch: None,
            rows: 0,
            ended: false,
        })
    }

    /// The next block; `None` at the end of the stream.
    fn block(&mut self) -> Result<Option<Block>, StreamError> {
        loop {
            if let Some(batch) = self.batch.as_mut().filter(|batch| !batch.is_done()) {
                let dictionaries = self.decoder.dictionaries();
                let block = self
                    .composer
                    .block(&self.plan, batch, dictionaries, self.rows);
                if self.composer.work() > self.limits.work {
                    return Err(StreamError::Limit {
                        row: self.rows,
                        what: "bytes of text and values",
                        found: self.composer.work(),
                        limit: self.limits.work,
                        advice: "send the rest as a stream of its own",
                    });
                }
                self.rows += block.len() as u64;
                return Ok(Some(block));
            }
            let Some((message, body)) = self.messages.next_message(self.rows)? else {
                return Ok(None);
            };
            let limit = self.limits.dictionary_bytes;
            match self.decoder.take(&message, body, self.rows, limit)? {
                Decoded::Dictionary => {}
                Decoded::Batch(batch) => self.batch = Some(Open::new(&self.plan, &batch)),
            }
        }
    }
}

impl<R: Read> Iterator for Reader<R> {
    type Item = Result<Block, StreamError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let block = self.block().transpose();
        self.ended = !matches!(block, Some(Ok(_)));
        block
    }
}

impl<R> fmt::Debug for Reader<R> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Reader")
            .field("limits", &self.limits)
            .field("rows", &self.rows)
            .finish_non_exhaustive()
    }
}
