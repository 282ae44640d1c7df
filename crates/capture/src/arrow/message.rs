//! Messages cut out of a stream: each a length, a flatbuffer and a body. Nothing announced is believed: lengths are
//! held against limits, what is read grows with what arrives, and the buffers that a message names must lie in its body
//! side by side. So a decoder that trusts them does no harm.

use std::io::Read;

use arrow::buffer::Buffer;
use arrow::ipc::{Message, MetadataVersion, RecordBatch, root_as_message_with_opts};
use flatbuffers::VerifierOptions;

use super::StreamError;

/// A message's flatbuffer, and its body.
pub(super) type Raw<'a> = (Message<'a>, Buffer);

pub(super) struct Messages<R> {
    input: R,
    body_bytes_max: usize,
    metadata: Vec<u8>,
}

impl<R: Read> Messages<R> {
    pub(super) fn new(input: R, body_bytes_max: usize) -> Self {
        Self {
            input,
            body_bytes_max,
            metadata: Vec::new(),
        }
    }

    /// The next message; `None` at the end of the stream, behind which nothing may stand. `row` is the number of rows
    /// read so far.
    pub(super) fn next_message(&mut self, row: u64) -> Result<Option<Raw<'_>>, StreamError> {
        let broken = |problem: &str| StreamError::Broken {
            row,
            problem: problem.to_owned(),
        };
        let Some(bytes) = self.metadata_bytes(row)? else {
            return Ok(None);
        };
        let Self {
            input,
            body_bytes_max,
            metadata,
        } = self;
        metadata.clear();
        if read_up_to(input, metadata, bytes)? < bytes {
            return Err(broken("it ends within a message"));
        }
        let options = VerifierOptions {
            max_tables: TABLES_MAX,
            max_apparent_size: METADATA_BYTES_MAX * 2,
            ..VerifierOptions::default()
        };
        let message = root_as_message_with_opts(&options, metadata)
            .map_err(|_| broken("a message is damaged, or describes too much"))?;
        if !matches!(message.version(), MetadataVersion::V4 | MetadataVersion::V5) {
            return Err(broken("a message is of a version before 4"));
        }
        let announced = usize::try_from(message.bodyLength())
            .map_err(|_| broken("a message announces a negative length"))?;
        if announced > *body_bytes_max {
            return Err(StreamError::Limit {
                row,
                what: "bytes in a message",
                found: announced as u64,
                limit: *body_bytes_max as u64,
                advice: "send batches of fewer rows (pyarrow: write_table(table, max_chunksize=10000))",
            });
        }
        let mut body = Vec::new();
        if read_up_to(input, &mut body, announced)? < announced {
            return Err(broken("it ends within a message"));
        }
        Ok(Some((message, Buffer::from_vec(body))))
    }

    /// Length of the next message's flatbuffer.
    fn metadata_bytes(&mut self, row: u64) -> Result<Option<usize>, StreamError> {
        let broken = |problem: String| StreamError::Broken { row, problem };
        let Some(mut word) = self.word(row)? else {
            return Ok(None);
        };
        if word == *FILE_START {
            return Err(StreamError::NotAStream {
                problem: "this is the Arrow file format (Feather); write the stream format (pyarrow: new_stream, not \
                          new_file)"
                    .to_owned(),
            });
        }
        if word == CONTINUATION {
            word = self
                .word(row)?
                .ok_or_else(|| broken("it ends within a message".to_owned()))?;
        }
        match i32::from_le_bytes(word) {
            0 => {
                let mut behind = Vec::new();
                if read_up_to(&mut self.input, &mut behind, 1)? > 0 {
                    return Err(broken(
                        "something stands behind its end; send one stream at a time".to_owned(),
                    ));
                }
                Ok(None)
            }
            bytes => match usize::try_from(bytes) {
                Ok(bytes) if bytes <= METADATA_BYTES_MAX => Ok(Some(bytes)),
                _ => Err(broken(format!(
                    "the description of a message says that it has {bytes} bytes, of at most {METADATA_BYTES_MAX}"
                ))),
            },
        }
    }

    /// Four bytes; `None` if the stream ends before them.
    fn word(&mut self, row: u64) -> Result<Option<[u8; 4]>, StreamError> {
        let mut bytes = Vec::with_capacity(4);
        match read_up_to(&mut self.input, &mut bytes, 4)? {
            0 => Ok(None),
            _ => match bytes.try_into() {
                Ok(word) => Ok(Some(word)),
                Err(_) => Err(StreamError::Broken {
                    row,
                    problem: "it ends within a message".to_owned(),
                }),
            },
        }
    }
}

/// Appends as many bytes as there are, at most `bytes`; the buffer grows as they arrive.
fn read_up_to(input: &mut impl Read, buffer: &mut Vec<u8>, bytes: usize) -> std::io::Result<usize> {
    buffer.reserve(bytes.min(ARRIVES_AT_ONCE));
    input.by_ref().take(bytes as u64).read_to_end(buffer)
}

/// Refuses a batch whose description does not fit its body.
pub(super) fn check_batch(batch: &RecordBatch<'_>, body: &Buffer) -> Result<(), String> {
    if batch.compression().is_some() {
        return Err(
            "its buffers are compressed; send them as they are, and compress the request (Content-Encoding: zstd)"
                .to_owned(),
        );
    }
    let outside = || "a buffer lies outside its message".to_owned();
    let mut buffers: usize = 0;
    let mut bytes: usize = 0;
    for buffer in batch.buffers().into_iter().flatten() {
        let offset = usize::try_from(buffer.offset()).map_err(|_| outside())?;
        let length = usize::try_from(buffer.length()).map_err(|_| outside())?;
        if offset
            .checked_add(length)
            .is_none_or(|end| end > body.len())
        {
            return Err(outside());
        }
        buffers += 1;
        bytes = bytes.saturating_add(length);
    }
    if bytes > body.len() {
        return Err("its buffers overlap".to_owned());
    }
    let mut variadic: usize = 0;
    for count in batch.variadicBufferCounts().into_iter().flatten() {
        let count = usize::try_from(count).map_err(|_| outside())?;
        variadic = variadic.saturating_add(count);
    }
    if variadic > buffers {
        return Err(outside());
    }
    for node in batch.nodes().into_iter().flatten() {
        if node.length() < 0 || node.null_count() < 0 || node.null_count() > node.length() {
            return Err("a column's length or its number of nulls is out of range".to_owned());
        }
    }
    // A column takes at least a bit a row, but for types that say nothing; what has only those is no table of records.
    let rows = usize::try_from(batch.length()).unwrap_or(usize::MAX);
    if rows > body.len().saturating_mul(8) {
        return Err(format!(
            "it announces {} rows in {} bytes",
            batch.length(),
            body.len()
        ));
    }
    Ok(())
}

/// What the file format begins with: `ARROW1`.
const FILE_START: &[u8; 4] = b"ARRO";
const CONTINUATION: [u8; 4] = [0xff; 4];
/// A flatbuffer of as many columns as are taken, each nested and described, stays below.
const METADATA_BYTES_MAX: usize = 16 << 20;
/// Tables are fields, their types and their descriptions; one that is referred to often counts often.
const TABLES_MAX: usize = 200_000;
const ARRIVES_AT_ONCE: usize = 1 << 20;
