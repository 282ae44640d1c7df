//! The ledger: the handle that writes. Callers seal their records on their own threads; one sequencer places them, one
//! publisher signs for them, one flusher moves them to the table.

use std::io::Read;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use causebook_record::Draft;
use crossbeam_channel::{Sender, bounded, unbounded};

use crate::answers::{all_or_first_refusal, in_order, prepare_all, unanswered};
use crate::assemble::assemble;
use crate::blobs::{self, Blob};
use crate::clock::Clock;
use crate::disk::Disk;
use crate::erase::{self, Erasing, Erasure, ErasureReport};
use crate::error::{AppendError, LedgerError};
use crate::flush::{FlushRequest, Flusher, OtherThreads};
use crate::hold::Hold;
use crate::index::Seed;
use crate::known::{Settled, known_in_table};
use crate::merge::Merger;
use crate::options::Options;
use crate::publish::Publication;
use crate::reader::Reader;
use crate::reply::reply;
use crate::seal;
use crate::sequence::{Prepared, Receipt, Submission, Work};
use crate::shared::{Shared, SignedCheckpoint};
use crate::table::{TableError, TableSink};

/// How often a caller that waits for room looks whether there is some.
const QUEUE_LOOK_INTERVAL: Duration = Duration::from_millis(2);

/// A ledger open for writing. Clones write the same ledger.
///
/// # Contract
/// - A [`Receipt`] is given only for a record that is on stable storage with its index fixed. It is never lost, never
///   renumbered, and the same id never gets a second place.
/// - After an I/O error nothing more is acknowledged ([`LedgerError::Poisoned`]); opening the ledger again recovers.
/// - Memory is bounded by [`Options`]; when a bound is reached callers wait, then get [`AppendError::Busy`].
#[derive(Clone, Debug)]
pub struct Ledger {
    engine: Arc<Engine>,
}

#[derive(Debug)]
struct Engine {
    shared: Arc<Shared>,
    options: Options,
    seed: Seed,
    work: Sender<Work>,
    flushes: Sender<FlushRequest>,
    publications: Sender<Publication>,
    in_flight_bytes: AtomicU64,
    threads: Mutex<Option<Threads>>,
    hold: Hold,
}

#[derive(Debug)]
struct Threads {
    sequencer: JoinHandle<()>,
    publisher: JoinHandle<()>,
    flusher: JoinHandle<()>,
}

impl Ledger {
    /// Opens a ledger for writing, recovering what an earlier process left. One process at a time can.
    ///
    /// `open_table` is called once the lock is held: a table is opened for writing by one writer alone.
    ///
    /// # Errors
    /// [`LedgerError::Locked`], [`LedgerError::NoLedger`], [`LedgerError::Key`], [`LedgerError::NewerFormat`], or
    /// [`LedgerError::Tampered`] if what is on disk is not what was signed.
    pub fn open(
        disk: Arc<dyn Disk>,
        clock: Arc<dyn Clock>,
        open_table: impl FnOnce() -> Result<Arc<dyn TableSink>, TableError>,
        options: Options,
    ) -> Result<Self, LedgerError> {
        let (work, work_in) = bounded(4096);
        let (publications, publications_in) = bounded(4096);
        let (flushes, flushes_in) = unbounded();
        let holder = format!("process {}", std::process::id());
        let publications_out = publications.clone();
        let parts = assemble(disk, clock, open_table, &options, &holder, publications_out)?;
        let flusher = Flusher {
            shared: Arc::clone(&parts.shared),
            options: options.clone(),
            others: OtherThreads {
                publisher: publications.clone(),
                sequencer: work.clone(),
                merger: Merger::default(),
                shared: Arc::clone(&parts.shared),
            },
        };
        let (sequencer, publisher) = (parts.sequencer, parts.publisher);
        let threads = Threads {
            sequencer: spawn("causebook-sequencer", move || sequencer.run(&work_in))?,
            publisher: spawn("causebook-publisher", move || {
                publisher.run(&publications_in);
            })?,
            flusher: spawn("causebook-flusher", move || flusher.run(&flushes_in))?,
        };
        let engine = Engine {
            shared: parts.shared,
            options,
            seed: parts.seed,
            work,
            flushes,
            publications,
            in_flight_bytes: AtomicU64::new(0),
            threads: Mutex::new(Some(threads)),
            hold: Hold::new(parts.lock),
        };
        Ok(Self {
            engine: Arc::new(engine),
        })
    }

    /// Appends a record. Durable when it returns `Ok`. The record is recorded as written by `by` through `via`.
    ///
    /// # Errors
    /// [`AppendError`]; the ledger then holds nothing of the record, except after [`AppendError::Failed`], where
    /// appending it again with the same id is safe.
    pub fn append(&self, draft: Draft, by: &str, via: &str) -> Result<Receipt, AppendError> {
        let mut results = self.append_batch(vec![draft], by, via);
        results.pop().unwrap_or_else(|| Err(unanswered()))
    }

    /// Appends records in order; each succeeds or fails on its own. Durable when it returns.
    pub fn append_batch(
        &self,
        drafts: Vec<Draft>,
        by: &str,
        via: &str,
    ) -> Vec<Result<Receipt, AppendError>> {
        let engine = &self.engine;
        let (mut places, mut prepared) = prepare_all(&engine.shared, &engine.seed, drafts, by, via);
        if engine.shared.check_sound().is_ok() {
            prepared = self.settle_known(prepared, &mut places);
        }
        in_order(places, self.submit(prepared, false))
    }

    /// Appends all records or, if one is refused, none of them. Durable when it returns `Ok`.
    ///
    /// # Errors
    /// The position of the first refused record, from 0, and why it was refused.
    pub fn append_all(
        &self,
        drafts: Vec<Draft>,
        by: &str,
        via: &str,
    ) -> Result<Vec<Receipt>, (usize, AppendError)> {
        let (shared, seed) = (&self.engine.shared, &self.engine.seed);
        let mut prepared = Vec::with_capacity(drafts.len());
        let mut random = seal::randomness(shared, drafts.len());
        for (position, draft) in drafts.into_iter().enumerate() {
            let record = seal::prepare(shared, &mut random, seed, draft, by, via);
            prepared.push(record.map_err(|error| (position, error))?);
        }
        all_or_first_refusal(self.submit(prepared, true))
    }

    /// Answers the records whose ids the table has, at the places that wait for an answer, and gives back the others.
    fn settle_known(
        &self,
        prepared: Vec<Prepared>,
        places: &mut [Option<Settled>],
    ) -> Vec<Prepared> {
        let known = known_in_table(&self.engine.shared, &prepared);
        let waiting = places.iter_mut().filter(|place| place.is_none());
        let mut unknown = Vec::with_capacity(prepared.len());
        for ((record, known), place) in prepared.into_iter().zip(known).zip(waiting) {
            match known {
                Some(settled) => *place = Some(settled),
                None => unknown.push(record),
            }
        }
        unknown
    }

    fn submit(&self, records: Vec<Prepared>, all_or_nothing: bool) -> Vec<Settled> {
        if records.is_empty() {
            return Vec::new();
        }
        let count = records.len();
        let refused = |error: AppendError| (0..count).map(|_| Err(error.clone())).collect();
        let bytes: u64 = records
            .iter()
            .map(|record| record.sealed.text.len() as u64)
            .sum();
        let permit = match self.engine.enter(bytes) {
            Ok(permit) => permit,
            Err(error) => return refused(error),
        };
        let (reply, answer) = reply();
        let submission = Submission {
            records,
            all_or_nothing,
            reply,
        };
        let stopped = || AppendError::Failed {
            cause: self.engine.stop_cause(),
        };
        if self.engine.work.send(Work::Append(submission)).is_err() {
            return refused(stopped());
        }
        let results = answer.wait().unwrap_or_else(|| refused(stopped()));
        drop(permit);
        results
    }

    /// Erases facts of a record, or its payload, and records the act. The digest stays, and every proof still holds.
    ///
    /// # Errors
    /// [`LedgerError::NotFound`], [`LedgerError::Unfit`] for what cannot be erased, or a failure of disk or table.
    pub fn erase(
        &self,
        id: &str,
        what: &Erasure,
        reason: &str,
        by: &str,
    ) -> Result<ErasureReport, LedgerError> {
        erase::erase(self, id, what, reason, by)
    }

    /// Stores an attachment, durably, under its digest.
    ///
    /// # Errors
    /// If reading `content` or the disk fails; nothing is then left behind.
    pub fn put_blob(&self, content: &mut dyn Read) -> Result<Blob, LedgerError> {
        blobs::put(&self.engine.shared.disk, content)
    }

    /// Moves everything acknowledged so far into the table.
    ///
    /// # Errors
    /// If the table or the disk fails; the records are then still in the write-ahead log.
    pub fn flush(&self) -> Result<(), LedgerError> {
        self.engine.flush(false)
    }

    /// Waits until a checkpoint covers the first `size` records, and gives it.
    ///
    /// # Errors
    /// [`LedgerError::Timeout`] or [`LedgerError::Poisoned`].
    pub fn wait_checkpoint(
        &self,
        size: u64,
        timeout: Duration,
    ) -> Result<SignedCheckpoint, LedgerError> {
        let shared = &self.engine.shared;
        let reached = shared.wait_head(timeout, |head| {
            let covering = head
                .checkpoint
                .clone()
                .filter(|signed| signed.checkpoint.size >= size);
            if covering.is_none() && head.poison.is_some() {
                Some(None)
            } else {
                covering.map(Some)
            }
        });
        match reached {
            Some(Some(checkpoint)) => Ok(checkpoint),
            Some(None) => Err(LedgerError::Poisoned {
                cause: self.engine.stop_cause(),
            }),
            None => Err(LedgerError::Timeout {
                what: "a checkpoint",
                seconds: timeout.as_secs(),
            }),
        }
    }

    /// Whether the ledger takes records.
    ///
    /// # Errors
    /// [`LedgerError::Poisoned`] if a failure has stopped it.
    pub fn check_sound(&self) -> Result<(), LedgerError> {
        self.engine.shared.check_sound()
    }

    /// A reader of this ledger that sees every record as soon as it is acknowledged.
    pub fn reader(&self) -> Reader {
        Reader::live(Arc::clone(&self.engine.shared))
    }

    /// What keeps others from writing this ledger, as something to be let go of by a process that was forked from this one.
    pub fn hold(&self) -> Hold {
        self.engine.hold.clone()
    }

    /// Stops the ledger: what was acknowledged is under a checkpoint, and much of it in the table. Other clones of
    /// this handle get errors from then on.
    ///
    /// # Errors
    /// The failure that stopped the engine, if one did. Everything acknowledged is durable all the same.
    pub fn close(self) -> Result<(), LedgerError> {
        self.engine.stop()
    }
}

impl Erasing for Ledger {
    fn shared(&self) -> &Arc<Shared> {
        &self.engine.shared
    }

    fn append_act(&self, act: Draft, by: &str) -> Result<Receipt, AppendError> {
        self.append(act, by, "ledger")
    }

    fn await_checkpoint(&self, size: u64, timeout: Duration) -> Result<(), LedgerError> {
        self.wait_checkpoint(size, timeout).map(drop)
    }

    fn empty_log(&self) -> Result<(), LedgerError> {
        self.engine.flush(true)
    }
}

impl Engine {
    /// Waits for room among the bytes in flight.
    fn enter(&self, bytes: u64) -> Result<Permit<'_>, AppendError> {
        let start = self.shared.clock.monotonic();
        loop {
            let before = self.in_flight_bytes.fetch_add(bytes, Ordering::AcqRel);
            // One submission may be larger than the bound; it then goes alone.
            if before == 0 || before + bytes <= self.options.queue_bytes_max {
                return Ok(Permit {
                    engine: self,
                    bytes,
                });
            }
            self.in_flight_bytes.fetch_sub(bytes, Ordering::AcqRel);
            let waited = self.shared.clock.monotonic().saturating_sub(start);
            if waited >= self.options.queue_wait_max {
                return Err(AppendError::Busy {
                    in_flight_bytes: before,
                });
            }
            std::thread::sleep(QUEUE_LOOK_INTERVAL);
        }
    }

    fn stop_cause(&self) -> String {
        self.shared
            .head()
            .poison
            .unwrap_or_else(|| "the ledger is closed".to_owned())
    }

    fn stop(&self) -> Result<(), LedgerError> {
        let threads = self
            .threads
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let Some(threads) = threads else {
            return Ok(());
        };
        let mut outcome = Ok(());
        if self.shared.check_sound().is_ok()
            && self.shared.buffer().bytes() >= self.options.flush_on_close_bytes
        {
            outcome = self.flush(false);
        }
        // In this order: the flusher asks the other two, the sequencer tells the publisher.
        let _ = self.flushes.send(FlushRequest::Stop);
        let _ = threads.flusher.join();
        let _ = self.work.send(Work::Stop);
        let _ = threads.sequencer.join();
        let _ = self.publications.send(Publication::Stop);
        let _ = threads.publisher.join();
        self.shared.move_head(|head| head.closing = true);
        self.hold.end();
        outcome.and_then(|()| self.shared.check_sound())
    }

    /// Has the flusher move everything acknowledged so far into the table, and end the last segment too if
    /// `all_segments`.
    fn flush(&self, all_segments: bool) -> Result<(), LedgerError> {
        let (reply, answer) = bounded(1);
        let poisoned = || LedgerError::Poisoned {
            cause: self.stop_cause(),
        };
        self.flushes
            .send(FlushRequest::Now {
                all_segments,
                reply,
            })
            .map_err(|_| poisoned())?;
        answer.recv().map_err(|_| poisoned())?
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // Whoever wants to know of a failure calls `close`.
        let _ = self.stop();
    }
}

/// Bytes in flight, given back when dropped.
struct Permit<'a> {
    engine: &'a Engine,
    bytes: u64,
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.engine
            .in_flight_bytes
            .fetch_sub(self.bytes, Ordering::AcqRel);
    }
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, LedgerError> {
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(run)
        .map_err(LedgerError::disk("starting a thread", name))
}
