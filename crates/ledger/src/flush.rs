//! The flusher: one thread that moves acknowledged records from the write-ahead log into the table.
//!
//! # Why each record is in the table exactly once
//!
//! Only records under a published checkpoint are moved, in order. What will be written is held against the checksum of
//! the frame that was synced before the receipt, over digest, key and text: a record that memory has changed since does
//! not replace the sound one in the log. (The digest itself, computed anew, would find no more: what was wrong before
//! the frame was made is as wrong in the log.) Then their tiles are synced; the table takes them in one durable commit,
//! having read them back, that also says how far it is covered. Only then do they leave the buffer and, last, the
//! write-ahead log. A crash at any point leaves them in the log, in the table, or in both, and [`TableSink::covered`]
//! says where the one ends and the other begins.
//!
//! [`TableSink::covered`]: crate::table::TableSink::covered

use std::sync::Arc;
use std::time::Duration;

use causebook_record::Stored;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};

use crate::error::LedgerError;
use crate::index::RunBuilder;
use crate::merge::Merger;
use crate::options::Options;
use crate::publish::Publication;
use crate::sequence::Work;
use crate::shared::Shared;
use crate::table::Row;
use crate::verify::{Fault, Finding};

/// How often the flusher looks whether a flush is due.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);
/// Longest wait for the records to come under a checkpoint.
const CHECKPOINT_WAIT_MAX: Duration = Duration::from_secs(30);

/// What the flusher is asked.
#[derive(Debug)]
pub(crate) enum FlushRequest {
    /// Move everything acknowledged so far; end the last write-ahead segment too if `all_segments`.
    Now {
        all_segments: bool,
        reply: Sender<Result<(), LedgerError>>,
    },
    Stop,
}

/// What the flusher asks of the rest of the engine.
pub(crate) trait Others {
    /// Makes the tiles of everything that was published durable; the table is about to hold the records below `covered`.
    fn sync_tiles(&self, covered: u64) -> Result<(), LedgerError>;

    /// Lets go of the write-ahead segments of records below `covered`, of the last one too if `all`.
    fn trim_log(&self, covered: u64, all: bool) -> Result<(), LedgerError>;

    /// Has runs of the index merged if there is something to merge.
    fn start_merge(&self) -> Result<(), LedgerError>;
}

/// Moves records into the table.
#[derive(Debug)]
pub(crate) struct Flusher<O> {
    pub(crate) shared: Arc<Shared>,
    pub(crate) options: Options,
    pub(crate) others: O,
}

impl<O: Others> Flusher<O> {
    /// Serves until asked to stop.
    pub(crate) fn run(self, requests: &Receiver<FlushRequest>) {
        loop {
            match requests.recv_timeout(LOOK_INTERVAL) {
                Ok(FlushRequest::Now {
                    all_segments,
                    reply,
                }) => {
                    // The asker may have gone; what is flushed is flushed.
                    let _ = reply.send(self.flush_all(all_segments));
                }
                Ok(FlushRequest::Stop) | Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => {
                    if self.is_due()
                        && let Err(error) = self.flush_once()
                    {
                        self.shared.poison(&error);
                        return;
                    }
                }
            }
        }
    }

    pub(crate) fn is_due(&self) -> bool {
        if self.shared.check_sound().is_err() {
            return false;
        }
        let buffer = self.shared.buffer();
        let age = buffer
            .oldest()
            .map(|oldest| self.shared.clock.now().duration_since(oldest));
        let old = age.is_some_and(|age| {
            Duration::try_from(age).is_ok_and(|age| age >= self.options.flush_age)
        });
        old || buffer.bytes() >= self.options.flush_bytes
    }

    pub(crate) fn flush_all(&self, all_segments: bool) -> Result<(), LedgerError> {
        if all_segments {
            // What is appended from here on goes to another segment, so that this one can go whole.
            self.trim_log(true)?;
        }
        let end = self.shared.head().durable;
        self.wait_checkpoint(end)?;
        while self.shared.buffer().first() < end {
            self.flush_once()?;
        }
        self.trim_log(false)
    }

    fn wait_checkpoint(&self, size: u64) -> Result<(), LedgerError> {
        let reached = self.shared.wait_head(CHECKPOINT_WAIT_MAX, |head| {
            let published = head
                .checkpoint
                .as_ref()
                .map_or(0, |signed| signed.checkpoint.size);
            (published >= size || head.poison.is_some()).then_some(())
        });
        self.shared.check_sound()?;
        let seconds = CHECKPOINT_WAIT_MAX.as_secs();
        reached.ok_or(LedgerError::Timeout {
            what: "a checkpoint over the records to be flushed",
            seconds,
        })
    }

    /// Moves the oldest records, as many as one table commit takes.
    pub(crate) fn flush_once(&self) -> Result<(), LedgerError> {
        self.shared.check_sound()?;
        let published = self
            .shared
            .head()
            .checkpoint
            .map_or(0, |signed| signed.checkpoint.size);
        let (rows, builder) = self.take_rows(published)?;
        let (Some(first), Some(last)) = (rows.first(), rows.last()) else {
            return Ok(());
        };
        let range = first.index..last.index + 1;
        self.others.sync_tiles(range.end)?;
        self.shared.table.append(&rows)?;
        drop(rows);
        let index = self.shared.index().clone();
        let run = index.write_run(range.clone(), builder)?;
        self.shared.index_mut().push(run);
        self.shared.buffer_mut().trim(range.end);
        self.shared.wake();
        self.trim_log(false)?;
        self.others.start_merge()?;
        Ok(self.shared.table.compact()?)
    }

    /// The oldest buffered rows below `published`, each held against the frame that made it durable, and their index
    /// entries.
    fn take_rows(&self, published: u64) -> Result<(Vec<Row>, RunBuilder), LedgerError> {
        let (rows, entries) = {
            let buffer = self.shared.buffer();
            let count = published
                .saturating_sub(buffer.first())
                .min(self.options.flush_rows_max as u64);
            let rows = buffer.rows(buffer.first(), count as usize);
            let entry = |row: &Row| {
                let entry = buffer.get(row.index)?;
                Some((entry.seal, entry.sealed.digest, entry.keys))
            };
            let entries: Vec<_> = rows.iter().filter_map(entry).collect();
            (rows, entries)
        };
        let mut builder = RunBuilder::default();
        for (row, (seal, digest, keys)) in rows.iter().zip(entries) {
            let unchanged = match &row.record {
                Stored::Whole { text, key } => seal.fits(row.index, &digest, key, text),
                Stored::Redacted { .. } | Stored::Erased { .. } => false,
            };
            if !unchanged {
                return Err(LedgerError::Tampered(Box::new(Finding::at(
                    row,
                    Fault::ChangedPayload,
                ))));
            }
            builder.add(row.index, &keys);
        }
        Ok((rows, builder))
    }

    fn trim_log(&self, all: bool) -> Result<(), LedgerError> {
        let covered = self.shared.buffer().first();
        self.others.trim_log(covered, all)
    }
}

/// The rest of the engine where each part runs on its own thread.
#[derive(Debug)]
pub(crate) struct OtherThreads {
    pub(crate) publisher: Sender<Publication>,
    pub(crate) sequencer: Sender<Work>,
    pub(crate) merger: Merger,
    pub(crate) shared: Arc<Shared>,
}

impl Others for OtherThreads {
    fn sync_tiles(&self, covered: u64) -> Result<(), LedgerError> {
        let (reply, answer) = bounded(1);
        let asked = self
            .publisher
            .send(Publication::Sync { covered, reply })
            .is_ok();
        let answered = if asked { answer.recv().ok() } else { None };
        answered.unwrap_or_else(|| Err(stopped("the publisher")))
    }

    fn trim_log(&self, covered: u64, all: bool) -> Result<(), LedgerError> {
        let (reply, answer) = bounded(1);
        let asked = self
            .sequencer
            .send(Work::Trim {
                covered,
                all,
                reply,
            })
            .is_ok();
        let answered = if asked { answer.recv().ok() } else { None };
        answered.unwrap_or_else(|| Err(stopped("the sequencer")))
    }

    fn start_merge(&self) -> Result<(), LedgerError> {
        self.merger.start(&self.shared)
    }
}

fn stopped(who: &str) -> LedgerError {
    LedgerError::Poisoned {
        cause: format!("{who} has stopped"),
    }
}
