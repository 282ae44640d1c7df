//! Recomputing digests of stored rows on several threads, given back in the order they lie on disk.

use std::collections::BTreeMap;
use std::ops::{ControlFlow, Range};
use std::thread;

use causebook_record::{Digest, Sealed, Stored, value_at};
use crossbeam_channel::{Receiver, Sender, bounded};

use crate::error::LedgerError;
use crate::reader::Moment;
use crate::table::{Row, Scan, ScannedRow};

/// Rows handed over at once.
const CHUNK_ROWS: usize = 256;
/// Chunks between two steps, each way.
const CHUNKS_WAITING: usize = 8;

/// A stored row with the digest its content gives.
#[derive(Debug)]
pub(crate) struct Recomputed {
    pub(crate) scanned: ScannedRow,
    /// Recomputed; `None` for an erased record or one that cannot be a record.
    pub(crate) digest: Option<Digest>,
    /// Why no digest could be computed.
    pub(crate) problem: Option<String>,
    /// For records that are not in the table yet, the digest that was acknowledged.
    pub(crate) acknowledged: Option<Digest>,
    /// Digests of the attachments that it names.
    pub(crate) attachments: Vec<String>,
}

impl Recomputed {
    fn of(read: ReadRow) -> Self {
        let (digest, problem) = match read.scanned.row.record.digest() {
            Ok(digest) => (digest, None),
            Err(error) => (
                None,
                Some(format!("what is stored cannot be a record: {error}")),
            ),
        };
        Self {
            attachments: attachments(&read.scanned.row.record),
            scanned: read.scanned,
            digest,
            problem,
            acknowledged: read.acknowledged,
        }
    }

    pub(crate) fn index(&self) -> u64 {
        self.scanned.row.index
    }

    pub(crate) fn id(&self) -> Option<String> {
        self.scanned.row.record.fields().id
    }

    pub(crate) fn is_erased(&self) -> bool {
        matches!(self.scanned.row.record, Stored::Erased { .. })
    }
}

fn attachments(record: &Stored) -> Vec<String> {
    // Most records have none, which this finds out faster than a walk through their members.
    let text = record
        .text()
        .filter(|text| text.contains("\"attachments\":"));
    let named = text.and_then(|text| value_at(text, "/attachments"));
    let named = named.and_then(|named| serde_json::from_str::<Vec<Attachment>>(named).ok());
    named
        .into_iter()
        .flatten()
        .filter_map(|attachment| attachment.digest)
        .collect()
}

#[derive(serde::Deserialize)]
struct Attachment {
    digest: Option<String>,
}

struct ReadRow {
    scanned: ScannedRow,
    acknowledged: Option<Digest>,
}

impl ReadRow {
    fn acknowledged(index: u64, sealed: &Sealed) -> Self {
        let record = Stored::Whole {
            text: sealed.text.clone(),
            key: sealed.key,
        };
        Self {
            scanned: ScannedRow {
                row: Row { index, record },
                column_fault: None,
            },
            acknowledged: Some(sealed.digest),
        }
    }
}

/// Visits the rows of `range` with their digests.
///
/// # Errors
/// If the table cannot be read; the rows before the fault have been visited.
pub(crate) fn recompute_rows(
    moment: &Moment<'_>,
    range: Range<u64>,
    threads: usize,
    visit: &mut dyn FnMut(Recomputed),
) -> Result<(), LedgerError> {
    let (chunks_out, chunks_in) = bounded::<(u64, Vec<ReadRow>)>(CHUNKS_WAITING);
    let (done_out, done_in) = bounded(CHUNKS_WAITING);
    thread::scope(|scope| {
        let scanner = scope.spawn(move || read_chunks(moment, range, &chunks_out));
        for _ in 0..threads.max(1) {
            let (chunks_in, done_out) = (chunks_in.clone(), done_out.clone());
            scope.spawn(move || recompute_chunks(&chunks_in, &done_out));
        }
        drop((chunks_in, done_out));
        let mut waiting = BTreeMap::new();
        let mut next = 0;
        for (number, chunk) in done_in {
            waiting.insert(number, chunk);
            while let Some(chunk) = waiting.remove(&next) {
                chunk.into_iter().for_each(&mut *visit);
                next += 1;
            }
        }
        scanner.join().unwrap_or_else(|_| {
            Err(LedgerError::Poisoned {
                cause: "the reading thread failed".to_owned(),
            })
        })
    })
}

fn recompute_chunks(chunks: &Receiver<(u64, Vec<ReadRow>)>, done: &Sender<(u64, Vec<Recomputed>)>) {
    for (number, chunk) in chunks {
        let recomputed = chunk.into_iter().map(Recomputed::of).collect();
        if done.send((number, recomputed)).is_err() {
            return;
        }
    }
}

/// Reads the table's rows as they lie, then the acknowledged ones that are not in the table yet.
fn read_chunks(
    moment: &Moment<'_>,
    range: Range<u64>,
    chunks: &Sender<(u64, Vec<ReadRow>)>,
) -> Result<(), LedgerError> {
    let mut number = 0;
    let mut chunk = Vec::with_capacity(CHUNK_ROWS);
    let mut send = |chunk: &mut Vec<ReadRow>| {
        let full = std::mem::replace(chunk, Vec::with_capacity(CHUNK_ROWS));
        number += 1;
        if full.is_empty() || chunks.send((number - 1, full)).is_ok() {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    };
    let in_table = moment.in_table();
    let table_rows = range.start..range.end.min(in_table).max(range.start);
    // A full verification looks at every row of the table, also at one whose index is beyond what it should hold.
    let indexes = if range.start == 0 && range.end >= in_table {
        0..u64::MAX
    } else {
        table_rows
    };
    let scanned = moment.table.scan(
        &Scan {
            indexes,
            check_columns: true,
        },
        &mut |scanned| {
            chunk.push(ReadRow {
                scanned,
                acknowledged: None,
            });
            if chunk.len() == CHUNK_ROWS {
                send(&mut chunk)
            } else {
                ControlFlow::Continue(())
            }
        },
    );
    let tail = (in_table..).zip(&moment.tail);
    for (index, sealed) in tail.filter(|(index, _)| range.contains(index)) {
        chunk.push(ReadRow::acknowledged(index, sealed));
        if chunk.len() == CHUNK_ROWS && send(&mut chunk).is_break() {
            break;
        }
    }
    // The last chunk's receiver being gone means that nobody waits any more.
    let _ = send(&mut chunk);
    Ok(scanned?)
}
