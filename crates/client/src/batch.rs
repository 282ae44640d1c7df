//! A batch on its way: portions of lines out, a result a line back.
//!
//! The transport sends a body to its end before it reads the answer, while the server answers each line as it comes. A portion
//! is therefore so small that its answers fit into the buffers of a connection: neither side waits for the other.

use std::collections::VecDeque;
use std::io::{BufRead as _, Read as _, Write as _};

use causebook_record::INPUT_BYTES_MAX;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde::Deserialize;

use crate::answers::Receipt;
use crate::error::{ClientError, Problem};
use crate::ledger::RemoteLedger;
use crate::transport::{ARROW, Call, NDJSON, Payload};
use crate::write::{Source, bears_id};

/// Lines of a portion. Their answers have 200 bytes each, 300 with a long id: 150 KB, of which a socket holds more.
const PORTION_LINES_MAX: u64 = 500;
/// Bytes of a portion, exceeded by one line at most.
const PORTION_BYTES_MAX: usize = 8 << 20;
/// A shorter body is not worth compressing.
const COMPRESSED_BYTES_MIN: usize = 64 << 10;

/// What came of one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineResult {
    /// Number of the line, from 1, blank ones counted.
    pub line: u64,
    /// The receipt, or why it was not recorded.
    pub outcome: Result<Receipt, Box<Problem>>,
}

/// Results of a batch. Ends after the first error.
pub struct Batch<'a> {
    ledger: &'a RemoteLedger,
    source: Source<'a>,
    /// Lines read so far.
    line: u64,
    ready: VecDeque<Result<LineResult, ClientError>>,
    ended: bool,
}

impl std::fmt::Debug for Batch<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Batch")
            .field("line", &self.line)
            .finish_non_exhaustive()
    }
}

/// Lines that are sent together.
#[derive(Default)]
struct Portion {
    bytes: Vec<u8>,
    /// Lines before the first.
    before: u64,
    lines: u64,
    /// Lines that are not blank, each of which is answered.
    records: u64,
    all_bear_ids: bool,
    /// A line that follows the portion and is too long to be sent.
    too_long: Option<u64>,
}

impl<'a> Batch<'a> {
    pub(crate) fn new(ledger: &'a RemoteLedger, source: Source<'a>) -> Batch<'a> {
        Batch {
            ledger,
            source,
            line: 0,
            ready: VecDeque::new(),
            ended: false,
        }
    }

    fn fill(&mut self) -> Result<Portion, ClientError> {
        let mut portion = Portion {
            before: self.line,
            all_bear_ids: true,
            ..Portion::default()
        };
        while portion.lines < PORTION_LINES_MAX && portion.bytes.len() < PORTION_BYTES_MAX {
            let start = portion.bytes.len();
            let limit = INPUT_BYTES_MAX as u64 + 2;
            let read = (&mut self.source)
                .take(limit)
                .read_until(b'\n', &mut portion.bytes)
                .map_err(unreadable)?;
            if read == 0 {
                self.ended = true;
                break;
            }
            self.line += 1;
            let line = portion.bytes.get(start..).unwrap_or_default();
            if line.trim_ascii().len() > INPUT_BYTES_MAX || read as u64 == limit {
                let ended = line.ends_with(b"\n");
                portion.bytes.truncate(start);
                portion.too_long = Some(self.line);
                if !ended {
                    self.skip_line()?;
                }
                break;
            }
            portion.lines += 1;
            if !line.trim_ascii().is_empty() {
                portion.records += 1;
                portion.all_bear_ids &= bears_id(line);
            }
            if !line.ends_with(b"\n") {
                portion.bytes.push(b'\n');
            }
        }
        Ok(portion)
    }

    fn skip_line(&mut self) -> Result<(), ClientError> {
        loop {
            let buffer = self.source.fill_buf().map_err(unreadable)?;
            let end = buffer.iter().position(|byte| *byte == b'\n');
            let used = end.map_or(buffer.len(), |end| end + 1);
            let finished = end.is_some() || buffer.is_empty();
            self.source.consume(used);
            if finished {
                return Ok(());
            }
        }
    }

    fn advance(&mut self) {
        let portion = match self.fill() {
            Ok(portion) => portion,
            Err(error) => return self.end_with(error),
        };
        if portion.records > 0
            && let Err(error) = self.send(&portion)
        {
            return self.end_with(error);
        }
        if let Some(line) = portion.too_long {
            self.ready.push_back(Ok(LineResult {
                line,
                outcome: Err(Box::new(too_long())),
            }));
        }
    }

    fn end_with(&mut self, error: ClientError) {
        self.ended = true;
        self.ready.push_back(Err(error));
    }

    /// Sends a portion and keeps what came of its lines. If the answer breaks off for good, what it had told stays told.
    fn send(&mut self, portion: &Portion) -> Result<(), ClientError> {
        let transport = self.ledger.transport();
        let wanted = transport.options().compress;
        let compress = wanted.unwrap_or(!transport.address.is_loopback());
        let packed = (compress && portion.bytes.len() >= COMPRESSED_BYTES_MIN)
            .then(|| compressed(&portion.bytes))
            .transpose()?;
        let payload = match &packed {
            Some(packed) => Payload::Bytes(packed, NDJSON, Some("gzip")),
            None => Payload::Bytes(&portion.bytes, NDJSON, None),
        };
        let call = Call {
            payload,
            repeatable: portion.all_bear_ids,
            ..call(self.ledger)?
        };
        let (told, outcome) = results(self.ledger, call, portion);
        self.ready.extend(told.into_iter().map(Ok));
        outcome
    }
}

impl Iterator for Batch<'_> {
    type Item = Result<LineResult, ClientError>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.ready.is_empty() && !self.ended {
            self.advance();
        }
        self.ready.pop_front()
    }
}

/// Sends `rows` records as an Arrow IPC stream. Results come in the order of the rows, numbered from 1; if the answer
/// breaks off, those that had come stand beside the error.
pub(crate) fn send_arrow(
    ledger: &RemoteLedger,
    stream: &[u8],
    rows: u64,
    all_bear_ids: bool,
) -> (Vec<LineResult>, Result<(), ClientError>) {
    let portion = Portion {
        lines: rows,
        records: rows,
        ..Portion::default()
    };
    match call(ledger) {
        Ok(call) => {
            let call = Call {
                payload: Payload::Bytes(stream, ARROW, None),
                repeatable: all_bear_ids,
                ..call
            };
            results(ledger, call, &portion)
        }
        Err(error) => (Vec::new(), Err(error)),
    }
}

fn call(ledger: &RemoteLedger) -> Result<Call<'static>, ClientError> {
    let options = ledger.transport().options();
    let allow = options
        .allow_missing_target
        .then(|| ("allow_missing_target", "true".to_owned()));
    let url = ledger.url(&["records"], allow.as_slice())?;
    Ok(Call {
        method: "POST",
        ..Call::get(url).accept(NDJSON)
    })
}

/// Makes the call, and gives what came of the records of `portion`.
fn results(
    ledger: &RemoteLedger,
    call: Call<'_>,
    portion: &Portion,
) -> (Vec<LineResult>, Result<(), ClientError>) {
    let transport = ledger.transport();
    let mut told: Vec<LineResult> = Vec::new();
    let outcome = transport.run(call, |answer| {
        told.clear();
        let mut lines = answer.of_type(NDJSON)?.lines();
        while let Some(answered) = lines.value::<Answered>() {
            let result = answered?
                .result(portion)
                .map_err(|what| lines.foreign(what))?;
            let last = told.last().map_or(0, |last| last.line);
            if result.line <= last {
                return Err(lines.foreign("results out of order".to_owned()));
            }
            told.push(result);
        }
        if (told.len() as u64) < portion.records {
            return Err(ClientError::Lost {
                server: transport.address.server(),
                cause: format!("{} of {} lines were answered", told.len(), portion.records),
            });
        }
        Ok(())
    });
    (told, outcome)
}

/// A line of the answer: a receipt's members, or an error.
#[derive(Deserialize)]
struct Answered {
    #[serde(alias = "row")]
    line: u64,
    id: Option<String>,
    index: Option<u64>,
    digest: Option<String>,
    #[serde(default)]
    repeated: bool,
    error: Option<Problem>,
}

impl Answered {
    fn result(self, portion: &Portion) -> Result<LineResult, String> {
        if self.line == 0 || self.line > portion.lines {
            return Err(format!(
                "a result of line {}, which was not sent",
                self.line
            ));
        }
        let outcome = match (self.error, self.id, self.index, self.digest) {
            (Some(problem), ..) => Err(Box::new(problem)),
            (None, Some(id), Some(index), Some(digest)) => Ok(Receipt {
                id,
                index,
                digest,
                repeated: self.repeated,
            }),
            _ => return Err("a result without a receipt or an error".to_owned()),
        };
        Ok(LineResult {
            line: portion.before + self.line,
            outcome,
        })
    }
}

fn compressed(bytes: &[u8]) -> Result<Vec<u8>, ClientError> {
    let failed = |source| ClientError::Local {
        doing: "compressing what was to be sent",
        source,
    };
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).map_err(failed)?;
    encoder.finish().map_err(failed)
}

fn unreadable(source: std::io::Error) -> ClientError {
    ClientError::Local {
        doing: "reading what was to be sent",
        source,
    }
}

fn too_long() -> Problem {
    Problem {
        status: 413,
        code: "too-large".to_owned(),
        title: "the line is too long".to_owned(),
        detail: format!("the line is longer than {INPUT_BYTES_MAX} bytes"),
        ..Problem::default()
    }
}
