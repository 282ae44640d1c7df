//! The sequencer: one thread that gives records their place and makes them durable.
//!
//! # Why an acknowledged record is safe
//!
//! 1. Only this thread assigns positions, from the number of records already durable: places are dense and unique.
//! 2. A commit group is written and synced as one ([`Wal::append`]) before anyone hears of it. If the write or the sync
//!    fails, nobody in the group is acknowledged, the engine is poisoned and takes nothing more: what reached the disk
//!    is unknown, and only recovery, which reads it, may say.
//! 3. After the sync, and before the receipts, the group enters the buffer: a record whose receipt is out is found by
//!    every later look-up, so the same id cannot be given a second place.
//! 4. The tree hears of the group after the sync, so a checkpoint is signed over durable leaves only.
//!
//! Bounds: a group takes at most `group_bytes_max` and one record more; the buffer at most `buffer_bytes_max` and one
//! group more, since the thread waits for the table before it takes the next.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use causebook_record::{Digest, Sealed};
use causebook_tlog::{Frontier, hash_leaf};
use crossbeam_channel::{Receiver, Sender};

use crate::buffer::Entry;
use crate::error::{AppendError, LedgerError};
use crate::index::{Key, Keys};
use crate::known::{self, Settled, compare};
use crate::options::Options;
use crate::publish::Publication;
use crate::reply::Replier;
use crate::shared::Shared;
use crate::wal::{Group, Wal};

/// How often a wait for room in the buffer looks whether the engine was stopped.
const WAIT_SLICE: Duration = Duration::from_millis(200);

/// What a caller gets for a record that is durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Id of the record.
    pub id: String,
    /// Its position in the log.
    pub index: u64,
    /// Its digest, which is its leaf.
    pub digest: Digest,
    /// The record was here already, with the same content; this is the receipt it got then.
    pub repeated: bool,
}

/// A sealed record that waits for its place.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) id: String,
    /// The id is the caller's: the same one may have come before.
    pub(crate) given_id: bool,
    pub(crate) keys: Keys,
    pub(crate) sealed: Sealed,
}

/// Records handed in together.
#[derive(Debug)]
pub(crate) struct Submission {
    pub(crate) records: Vec<Prepared>,
    pub(crate) all_or_nothing: bool,
    pub(crate) reply: Replier<Vec<Result<Receipt, AppendError>>>,
}

/// What the sequencer is asked to do.
#[derive(Debug)]
pub(crate) enum Work {
    Append(Submission),
    /// The records below `covered` are in the table: let go of their segments, of the last one too if `all`.
    Trim {
        covered: u64,
        all: bool,
        reply: Sender<Result<(), LedgerError>>,
    },
    Stop,
}

/// The one owner of positions and of the write-ahead log.
#[derive(Debug)]
pub(crate) struct Sequencer {
    shared: Arc<Shared>,
    options: Options,
    wal: Wal,
    group: Group,
    /// The tree over all durable records.
    frontier: Frontier,
    publisher: Sender<Publication>,
}

/// A record's fate within the group being made.
enum Outcome {
    Placed(Receipt),
    Settled(Settled),
}

/// The group being made: its records in order, and what was decided for each submission.
#[derive(Default)]
struct Batch {
    entries: Vec<Entry>,
    /// Position of each id placed in this group.
    placed: HashMap<Key, Vec<usize>>,
    replies: Vec<(Submission, Vec<Outcome>)>,
}

impl Sequencer {
    pub(crate) fn new(
        shared: Arc<Shared>,
        options: Options,
        wal: Wal,
        frontier: Frontier,
        publisher: Sender<Publication>,
    ) -> Self {
        Self {
            shared,
            options,
            wal,
            group: Group::default(),
            frontier,
            publisher,
        }
    }

    /// Serves until asked to stop or until every sender is gone.
    pub(crate) fn run(mut self, work: &Receiver<Work>) {
        let mut pending = None;
        while let Some(next) = pending.take().or_else(|| work.recv().ok()) {
            match next {
                Work::Append(submission) => pending = self.commit(submission, work),
                Work::Trim {
                    covered,
                    all,
                    reply,
                } => {
                    let outcome = self.trim(covered, all);
                    // The asker may have gone; the segments are trimmed all the same.
                    let _ = reply.send(outcome);
                }
                Work::Stop => break,
            }
        }
        self.end();
    }

    /// Ends the write-ahead log: what the table has goes, what it has not is sealed.
    pub(crate) fn end(&mut self) {
        let covered = self.shared.buffer().first();
        let trimmed = self.trim(covered, true);
        if let Err(error) = trimmed.and_then(|()| self.wal.seal()) {
            self.shared.poison(&error);
        }
    }

    /// Lets go of the segments of records below `covered`, of the last one too if `all`. If that fails, which of them
    /// are gone is for recovery to find out.
    pub(crate) fn trim(&mut self, covered: u64, all: bool) -> Result<(), LedgerError> {
        self.shared.check_sound()?;
        let trimmed = self.wal.trim(covered, self.frontier.size(), all);
        trimmed.inspect_err(|error| self.shared.poison(error))
    }

    /// Commits `first` together with what else waits, up to the size of a group. Gives back work that is not an append.
    pub(crate) fn commit(&mut self, first: Submission, work: &Receiver<Work>) -> Option<Work> {
        self.wait_for_room();
        let mut batch = Batch::default();
        self.group.begin(self.frontier.size());
        let mut left_over = None;
        let mut next = Some(first);
        while let Some(submission) = next.take() {
            self.place(&mut batch, submission);
            if self.group.bytes().len() >= self.options.group_bytes_max {
                break;
            }
            match work.try_recv() {
                Ok(Work::Append(submission)) => next = Some(submission),
                Ok(other) => left_over = Some(other),
                Err(_) => {}
            }
        }
        let outcome = self.shared.check_sound().and_then(|()| self.make_durable());
        match outcome {
            Ok(()) => self.acknowledge(batch),
            Err(error) => {
                self.shared.poison(&error);
                refuse(batch, self.group.first_index(), &error);
            }
        }
        left_over
    }

    /// Waits while the buffer is full. Gives up waiting if the engine was stopped: the commit then fails.
    fn wait_for_room(&self) {
        while self.must_wait() {
            let full = || self.is_buffer_full();
            self.shared.wait_head(WAIT_SLICE, |head| {
                (head.poison.is_some() || !full()).then_some(())
            });
        }
    }

    /// Whether the next commit would wait for room in the buffer.
    pub(crate) fn must_wait(&self) -> bool {
        self.is_buffer_full() && self.shared.check_sound().is_ok()
    }

    fn is_buffer_full(&self) -> bool {
        self.shared.buffer().bytes() > self.options.buffer_bytes_max
    }

    /// Decides for every record of a submission: a place in this group, the receipt it already had, or a refusal.
    fn place(&mut self, batch: &mut Batch, mut submission: Submission) {
        let records = std::mem::take(&mut submission.records);
        let mut known = Vec::with_capacity(records.len());
        for record in &records {
            known.push(if record.given_id {
                self.known(batch, record)
            } else {
                None
            });
        }
        if submission.all_or_nothing
            && let Some((culprit, error)) = first_refused(&records, &known)
        {
            let refused = AppendError::BatchRefused { culprit };
            let settle = |place| {
                Outcome::Settled(Err(if place == culprit {
                    error.clone()
                } else {
                    refused.clone()
                }))
            };
            let outcomes = (0..records.len()).map(settle).collect();
            batch.replies.push((submission, outcomes));
            return;
        }
        let now = self.shared.clock.now();
        let mut outcomes = Vec::with_capacity(records.len());
        for (record, known) in records.into_iter().zip(known) {
            // An earlier record of this very submission may have taken the id since it was looked up.
            let first_index = self.group.first_index();
            let known = known
                .or_else(|| placed_before(batch, &record, first_index).filter(|_| record.given_id));
            outcomes.push(if let Some(settled) = known {
                Outcome::Settled(settled)
            } else {
                let receipt = Receipt {
                    id: record.id,
                    index: self.group.next_index(),
                    digest: record.sealed.digest,
                    repeated: false,
                };
                let seal = self.group.push(&record.sealed);
                if let Some(key) = record.keys.id {
                    batch
                        .placed
                        .entry(key)
                        .or_default()
                        .push(batch.entries.len());
                }
                let sealed = Arc::new(record.sealed);
                batch.entries.push(Entry {
                    sealed,
                    seal,
                    keys: record.keys,
                    at: now,
                });
                Outcome::Placed(receipt)
            });
        }
        batch.replies.push((submission, outcomes));
    }

    /// The first record of this id, if there is one: in this group, in the buffer, or in the table.
    fn known(&self, batch: &Batch, record: &Prepared) -> Option<Settled> {
        if let Some(settled) = placed_before(batch, record, self.group.first_index()) {
            return Some(settled);
        }
        let key = record.keys.id?;
        let buffered = {
            let buffer = self.shared.buffer();
            buffer.find(key).iter().find_map(|index| {
                let entry = buffer.get(*index)?;
                Some((*index, Arc::clone(&entry.sealed)))
                    .filter(|(_, sealed)| has_id(&sealed.text, &record.id))
            })
        };
        if let Some((index, first)) = buffered {
            return Some(compare(record, index, first.digest, &first.text));
        }
        match known::known_one(&self.shared, record) {
            Ok(settled) => settled,
            Err(error) => Some(Err(AppendError::Failed {
                cause: error.to_string(),
            })),
        }
    }

    fn make_durable(&mut self) -> Result<(), LedgerError> {
        if self.group.is_empty() {
            return Ok(());
        }
        let frontier = &self.frontier;
        self.wal
            .append(self.group.bytes(), self.group.first_index(), || {
                frontier.root()
            })
    }

    fn acknowledge(&mut self, batch: Batch) {
        let first_index = self.frontier.size();
        let digests: Vec<Digest> = batch
            .entries
            .iter()
            .map(|entry| entry.sealed.digest)
            .collect();
        for digest in &digests {
            self.frontier.push(hash_leaf(&digest.0));
        }
        let entries = batch.entries;
        let receipts = batch.replies.into_iter().map(|(submission, outcomes)| {
            let results = outcomes.into_iter().map(|outcome| match outcome {
                Outcome::Settled(settled) => settled,
                Outcome::Placed(receipt) => Ok(receipt),
            });
            (submission.reply, results.collect::<Vec<_>>())
        });
        let receipts: Vec<_> = receipts.collect();
        if !digests.is_empty() {
            {
                let mut buffer = self.shared.buffer_mut();
                entries.into_iter().for_each(|entry| buffer.push(entry));
            }
            let durable = self.frontier.size();
            self.shared.move_head(|head| head.durable = durable);
            // The publisher ends only after this thread; if it failed, the poison flag says so.
            let _ = self.publisher.send(Publication::Leaves {
                first_index,
                digests,
            });
        }
        for (reply, results) in receipts {
            // A caller that no longer waits has lost its receipt, not its record.
            reply.give(results);
        }
    }
}

/// The first record of an all-or-nothing submission that cannot be placed: its id is taken by other content, in the
/// ledger or earlier in the submission.
fn first_refused(records: &[Prepared], known: &[Option<Settled>]) -> Option<(usize, AppendError)> {
    let mut first_of: HashMap<&str, usize> = HashMap::new();
    for (place, (record, known)) in records.iter().zip(known).enumerate() {
        if let Some(Err(error)) = known {
            return Some((place, error.clone()));
        }
        let first = *first_of.entry(record.id.as_str()).or_insert(place);
        let earlier = records.get(first).filter(|_| first != place);
        if let Some(earlier) = earlier
            && let Err(error) = compare(
                record,
                first as u64,
                earlier.sealed.digest,
                &earlier.sealed.text,
            )
        {
            return Some((place, error));
        }
    }
    None
}

fn placed_before(batch: &Batch, record: &Prepared, first_index: u64) -> Option<Settled> {
    let places = batch.placed.get(&record.keys.id?)?;
    places.iter().find_map(|place| {
        let entry = batch.entries.get(*place)?;
        let same_id = has_id(&entry.sealed.text, &record.id);
        same_id.then(|| {
            compare(
                record,
                first_index + *place as u64,
                entry.sealed.digest,
                &entry.sealed.text,
            )
        })
    })
}

fn has_id(text: &str, id: &str) -> bool {
    causebook_record::value_at(text, "/id")
        .and_then(causebook_record::string_value)
        .is_some_and(|found| found == id)
}

/// Nothing of the group is acknowledged, nor is a repeat of a record that was in it, nor a conflict with one.
fn refuse(batch: Batch, first_index: u64, error: &LedgerError) {
    let failed = || AppendError::Failed {
        cause: error.to_string(),
    };
    for (submission, outcomes) in batch.replies {
        let results = outcomes.into_iter().map(|outcome| match outcome {
            Outcome::Settled(
                Ok(Receipt { index, .. }) | Err(AppendError::Conflict { index, .. }),
            ) if index >= first_index => Err(failed()),
            Outcome::Settled(settled) => settled,
            Outcome::Placed(_) => Err(failed()),
        });
        submission.reply.give(results.collect());
    }
}
