//! Batches: records in by the thousand, one line out for each.
//!
//! Lines are cut from the body as it arrives and appended in chunks, two chunks at a time: one is sealed while the other is
//! synced. The answer is written while the body is still coming, but reading the body never waits for the answer to be
//! read: a client that sends everything first would wait for ever. So answers wait in memory, and the number of records in
//! one batch bounds how much of it they take.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use causebook_capture::arrow::{Limits, Reader};
use causebook_ledger::{Clock as _, may_link};
use causebook_record::{Draft, INPUT_BYTES_MAX, string_text};
use futures::StreamExt as _;
use tokio::sync::{
    OwnedRwLockReadGuard, OwnedRwLockWriteGuard, OwnedSemaphorePermit, RwLock, mpsc, oneshot,
};

use super::attachments::{Arriving, forward};
use super::incoming::Incoming;
use super::item::header;
use super::media::NDJSON;
use super::write::{outcome, permit};
use crate::appender::VIA;
use crate::asking::Asking;
use crate::book::Book;
use crate::linked::Links;
use crate::problem::{Code, Problem};
use crate::state::App;

/// Most records and bytes appended together.
const CHUNK_RECORDS: usize = 1000;
const CHUNK_BYTES: usize = 2 << 20;
/// Chunks worked on at one time.
const CHUNKS: usize = 2;

/// Everything that appending a chunk needs.
#[derive(Clone)]
struct Batch {
    app: App,
    asking: Asking,
    book: Arc<Book>,
    allow_missing: bool,
    /// What a result calls its place: `line` or `row`.
    place: &'static str,
    /// Given back when the last chunk is recorded and the last result is taken.
    permit: Arc<OwnedSemaphorePermit>,
}

/// When a chunk may be appended. Held until it is.
enum Turn {
    #[expect(dead_code, reason = "held, not looked at")]
    Alone(OwnedRwLockWriteGuard<()>),
    #[expect(dead_code, reason = "held, not looked at")]
    BesideOthers(OwnedRwLockReadGuard<()>),
}

/// Some records of a batch, each with its place, or with what was wrong with it already.
#[derive(Debug, Default)]
struct Chunk {
    records: Vec<(u64, Result<Vec<u8>, Problem>)>,
    bytes: usize,
}

impl Chunk {
    fn push(&mut self, place: u64, record: Result<Vec<u8>, Problem>) {
        self.bytes += record.as_ref().map_or(0, Vec::len);
        self.records.push((place, record));
    }

    fn has_links(&self) -> bool {
        let mut records = self
            .records
            .iter()
            .filter_map(|(_, record)| record.as_ref().ok());
        records.any(|record| may_link(record))
    }

    fn is_full(&self) -> bool {
        self.records.len() >= CHUNK_RECORDS || self.bytes >= CHUNK_BYTES
    }
}

/// A batch in NDJSON.
///
/// # Errors
/// [`Code::Busy`] where too many are being received.
pub(super) fn ndjson(
    app: App,
    asking: Asking,
    book: Arc<Book>,
    allow_missing: bool,
    incoming: Incoming,
) -> Result<Response, Problem> {
    let records_max = app.config.limits.records;
    let permit = Arc::new(app.batch_permit()?);
    let batch = Batch {
        app,
        asking,
        book,
        allow_missing,
        place: "line",
        permit,
    };
    let (chunks, cut) = mpsc::channel(1);
    tokio::spawn(cut_lines(incoming, records_max, chunks));
    Ok(answer(batch, cut))
}

/// A batch in Arrow IPC.
///
/// # Errors
/// If the stream does not begin as one.
pub(super) async fn arrow(
    app: App,
    asking: Asking,
    book: Arc<Book>,
    allow_missing: bool,
    incoming: Incoming,
) -> Result<Response, Problem> {
    let records_max = app.config.limits.records;
    let permit = Arc::new(app.batch_permit()?);
    let batch = Batch {
        app,
        asking,
        book,
        allow_missing,
        place: "row",
        permit,
    };
    let (pieces, arriving) = mpsc::channel(4);
    let (chunks, cut) = mpsc::channel(1);
    tokio::spawn(forward(incoming, pieces));
    let (begun, begins) = oneshot::channel();
    tokio::task::spawn_blocking(move || {
        let mut content = Arriving::new(arriving);
        match Reader::open(&mut content, Limits::default()) {
            Ok(blocks) => {
                let _ = begun.send(Ok(()));
                cut_rows(blocks, records_max, &chunks);
            }
            Err(error) => {
                let problem = Problem::new(Code::InvalidBody, error.to_string());
                let _ = begun.send(Err(content.problem.take().unwrap_or(problem)));
            }
        }
    });
    match begins.await {
        Ok(Ok(())) => Ok(answer(batch, cut)),
        Ok(Err(problem)) => Err(problem),
        Err(_) => Err(Problem::internal(&"the reader of the stream went away")),
    }
}

/// Appends chunks and streams their results. Appending goes on whether or not anybody reads them.
fn answer(batch: Batch, cut: mpsc::Receiver<Chunk>) -> Response {
    let (results, lines) = mpsc::unbounded_channel::<Bytes>();
    let permit = Arc::clone(&batch.permit);
    tokio::spawn(async move {
        let chunks =
            futures::stream::unfold(cut, |mut cut| async { Some((cut.recv().await?, cut)) });
        // What refers to another record may refer to one of the chunk before, so it waits until that is recorded.
        let order = Arc::new(RwLock::new(()));
        let begun = chunks.then(|chunk| {
            let order = Arc::clone(&order);
            async move {
                let turn = if chunk.has_links() {
                    Turn::Alone(order.write_owned().await)
                } else {
                    Turn::BesideOthers(order.read_owned().await)
                };
                (chunk, turn)
            }
        });
        let appended = begun.map(|(chunk, turn)| {
            let batch = batch.clone();
            tokio::task::spawn_blocking(move || batch.append(chunk, turn))
        });
        let mut appended = std::pin::pin!(appended.buffered(CHUNKS));
        while let Some(text) = appended.next().await {
            // Whoever asked may have gone away; what it sent is recorded all the same.
            let _ = results.send(text.unwrap_or_default().into());
        }
    });
    let lines = futures::stream::unfold((lines, permit), |(mut lines, permit)| async {
        let text = lines.recv().await?;
        Some((Ok::<_, std::convert::Infallible>(text), (lines, permit)))
    });
    let head = [(header::CONTENT_TYPE, header(NDJSON))];
    (head, Body::from_stream(lines)).into_response()
}

/// Cuts lines from the body. A line that is too long, and the end of a body that breaks off, are told in their place.
async fn cut_lines(mut incoming: Incoming, records_max: usize, chunks: mpsc::Sender<Chunk>) {
    let mut line: Vec<u8> = Vec::new();
    let mut skipping = false;
    let mut number = 0;
    let mut records = 0;
    let mut chunk = Chunk::default();
    loop {
        let piece = match incoming.next().await {
            Ok(Some(piece)) => piece,
            Ok(None) => break,
            Err(problem) => {
                chunk.push(number + 1, Err(problem));
                let _ = chunks.send(chunk).await;
                return;
            }
        };
        let mut rest = piece.as_ref();
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let (head, tail) = rest.split_at(end);
            rest = tail.get(1..).unwrap_or_default();
            number += 1;
            if !skipping {
                line.extend_from_slice(head);
                take(&mut line, number, &mut records, &mut chunk);
            }
            skipping = false;
            line.clear();
            if records > records_max {
                refuse_more(&mut chunk, number, records_max);
                let _ = chunks.send(chunk).await;
                return;
            }
            if chunk.is_full() && chunks.send(std::mem::take(&mut chunk)).await.is_err() {
                return;
            }
        }
        if !skipping {
            line.extend_from_slice(rest);
        }
        if line.len() > INPUT_BYTES_MAX {
            let detail = format!("a line has at most {INPUT_BYTES_MAX} bytes");
            chunk.push(number + 1, Err(Problem::new(Code::TooLarge, detail)));
            line.clear();
            skipping = true;
        }
    }
    take(&mut line, number + 1, &mut records, &mut chunk);
    if records > records_max {
        refuse_more(&mut chunk, number + 1, records_max);
    }
    let _ = chunks.send(chunk).await;
}

/// Takes a line into the chunk, unless it is blank.
fn take(line: &mut Vec<u8>, number: u64, records: &mut usize, chunk: &mut Chunk) {
    if line.iter().all(u8::is_ascii_whitespace) {
        return;
    }
    *records += 1;
    chunk.push(number, Ok(std::mem::take(line)));
}

fn refuse_more(chunk: &mut Chunk, place: u64, records_max: usize) {
    chunk.records.pop();
    let detail =
        format!("a batch has at most {records_max} records; from here on nothing was recorded");
    chunk.push(place, Err(Problem::new(Code::TooLarge, detail)));
}

/// Takes the rows of an Arrow stream, as they come, into chunks. An error of the stream is told behind the last row.
fn cut_rows(blocks: Reader<&mut Arriving>, records_max: usize, chunks: &mpsc::Sender<Chunk>) {
    let mut chunk = Chunk::default();
    let mut last = 0;
    for block in blocks {
        let block = match block {
            Ok(block) => block,
            Err(error) => {
                let problem = Problem::new(Code::InvalidBody, error.to_string());
                chunk.push(last + 1, Err(problem));
                break;
            }
        };
        for row in block.rows() {
            last = row.number;
            let record = row.record.map(|text| text.as_bytes().to_vec());
            chunk.push(
                last,
                record.map_err(|fault| {
                    Problem::new(Code::InvalidRecord, fault.to_string()).at(fault.pointer())
                }),
            );
            if last > records_max as u64 {
                refuse_more(&mut chunk, last, records_max);
                let _ = chunks.blocking_send(chunk);
                return;
            }
            if chunk.is_full() && chunks.blocking_send(std::mem::take(&mut chunk)).is_err() {
                return;
            }
        }
    }
    let _ = chunks.blocking_send(chunk);
}

impl Batch {
    /// Appends a chunk and gives its results, one line each. The turn is over when it is recorded.
    fn append(&self, chunk: Chunk, turn: Turn) -> String {
        let start = self.app.clock.monotonic();
        let is_linked = matches!(turn, Turn::Alone(_));
        let reviewing = is_linked.then(|| self.book.reviewing());
        let mut links =
            is_linked.then(|| Links::new(&self.app, &self.asking, &self.book, self.allow_missing));
        let mut drafts = Vec::with_capacity(chunk.records.len());
        let mut refused: Vec<Option<Problem>> = Vec::with_capacity(chunk.records.len());
        let places: Vec<u64> = chunk.records.iter().map(|(place, _)| *place).collect();
        for (_, record) in chunk.records {
            match record.and_then(|bytes| self.draft(&bytes, links.as_mut())) {
                Ok(draft) => {
                    drafts.push(draft);
                    refused.push(None);
                }
                Err(problem) => refused.push(Some(problem)),
            }
        }
        let name = &self.book.name;
        let answers = self
            .book
            .ledger
            .append_batch(drafts, self.asking.name(), VIA);
        drop((reviewing, turn));
        let took = self.app.clock.monotonic().saturating_sub(start);
        self.app.metrics.committed(name, took);
        let mut answers = answers.into_iter();
        let mut text = String::with_capacity(places.len() * 160);
        let mut counts: std::collections::BTreeMap<&'static str, u64> =
            std::collections::BTreeMap::new();
        for (place, refused) in places.into_iter().zip(refused) {
            let answer = match refused {
                Some(problem) => {
                    *counts.entry("refused").or_default() += 1;
                    Err(problem)
                }
                None => match answers.next() {
                    Some(answer) => {
                        *counts.entry(outcome(&answer)).or_default() += 1;
                        answer.map_err(Problem::from)
                    }
                    None => Err(Problem::internal(
                        &"the ledger gave fewer answers than records",
                    )),
                },
            };
            self.line(&mut text, place, answer);
        }
        for (result, count) in counts {
            self.app.metrics.ingested(name, result, count);
        }
        text
    }

    fn draft(&self, bytes: &[u8], links: Option<&mut Links<'_>>) -> Result<Draft, Problem> {
        let draft = Draft::parse(bytes)?;
        permit(&self.asking, &self.book.name, &draft)?;
        if let Some(links) = links {
            links.check(&draft)?;
        }
        Ok(draft)
    }

    fn line(
        &self,
        text: &mut String,
        place: u64,
        answer: Result<causebook_ledger::Receipt, Problem>,
    ) {
        let name = self.place;
        // Writing to a string cannot fail.
        let _ = match answer {
            Ok(receipt) => writeln!(
                text,
                "{{\"{name}\":{place},\"id\":{},\"index\":{},\"digest\":\"{}\",\"repeated\":{}}}",
                string_text(&receipt.id),
                receipt.index,
                receipt.digest,
                receipt.repeated
            ),
            Err(problem) => writeln!(
                text,
                "{{\"{name}\":{place},\"error\":{}}}",
                problem.to_json(&self.asking.request_id)
            ),
        };
    }
}
