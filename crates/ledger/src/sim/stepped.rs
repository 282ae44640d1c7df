//! The real engine on one thread, moved one step at a time: what its threads do of themselves, a simulation does here
//! in any order it likes, also one step in the middle of another, from a [`DiskHook`](super::DiskHook).
//!
//! Sequencer, publisher, flusher and merger are the bodies that the threads run. A step that cannot be taken, because
//! the threaded engine would wait or because the same part is in the middle of a step already, changes nothing and says
//! [`Step::WouldWait`]. Waiting for room in the queue before the sequencer is the one thing that is left out.

use std::collections::VecDeque;
use std::fmt;
use std::io::Read;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use causebook_record::Draft;
use crossbeam_channel::{Receiver, bounded, unbounded};

use crate::answers::{all_or_first_refusal, in_order, prepare_all};
use crate::assemble::assemble;
use crate::blobs::{self, Blob};
use crate::clock::Clock;
use crate::disk::{Disk, DiskLock};
use crate::erase::{self, Erasing, Erasure, ErasureReport};
use crate::error::{AppendError, LedgerError};
use crate::flush::{Flusher, Others};
use crate::index::Seed;
use crate::known::Settled;
use crate::merge::merge_once;
use crate::options::Options;
use crate::publish::{Publication, Publisher};
use crate::reader::Reader;
use crate::reply::{Answer, reply};
use crate::sequence::{Receipt, Sequencer, Submission, Work};
use crate::shared::Shared;
use crate::table::TableSink;

/// Who the lock file names.
const HOLDER: &str = "a simulated process";
/// Steps after which something that is waited for counts as never happening.
const STEPS_MAX: usize = 2_000;

/// What came of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Something was done, or it failed and the engine has stopped.
    Done,
    /// There was nothing to do.
    Idle,
    /// The threaded engine would wait here.
    WouldWait,
}

/// The answer to a submission, which may still be to come.
#[derive(Debug)]
pub struct Ticket {
    /// A place for each record, settled if it was refused before it was handed in.
    places: Vec<Option<Settled>>,
    answer: Option<Answer<Vec<Settled>>>,
}

impl Ticket {
    /// What came of each record; `None` as long as that is open, or once it was told.
    pub fn poll(&self) -> Option<Vec<Result<Receipt, AppendError>>> {
        let answers = match &self.answer {
            Some(answer) => answer.try_take()?,
            None => Vec::new(),
        };
        Some(in_order(self.places.iter().cloned(), answers))
    }

    /// As [`poll`](Self::poll), for an all-or-nothing submission.
    ///
    /// # Errors
    /// The place of the first refused record, and why it was refused.
    pub fn poll_all(&self) -> Option<Result<Vec<Receipt>, (usize, AppendError)>> {
        self.poll().map(all_or_first_refusal)
    }
}

/// A ledger open for writing, moved by hand. Dropping it is a crash of its process: nothing is written any more.
pub struct SteppedLedger {
    seed: Seed,
    options: Options,
    waiting: Mutex<VecDeque<Submission>>,
    flusher: Mutex<Option<Flusher<Arc<Rest>>>>,
    rest: Arc<Rest>,
    lock: Mutex<Option<Box<dyn DiskLock>>>,
}

/// What the flusher has to do with.
struct Rest {
    shared: Arc<Shared>,
    sequencer: Mutex<Sequencer>,
    /// Gone once it has failed, as its thread would be.
    publisher: Mutex<Option<Publisher>>,
    publications: Receiver<Publication>,
    /// Trimmings that were asked for in the middle of a commit.
    trims: Mutex<Vec<(u64, bool)>>,
    merge_wanted: AtomicBool,
}

impl fmt::Debug for SteppedLedger {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("SteppedLedger")
            .finish_non_exhaustive()
    }
}

impl SteppedLedger {
    /// As [`Ledger::open`](crate::Ledger::open).
    ///
    /// # Errors
    /// As for [`Ledger::open`](crate::Ledger::open).
    pub fn open(
        disk: Arc<dyn Disk>,
        clock: Arc<dyn Clock>,
        table: Arc<dyn TableSink>,
        options: Options,
    ) -> Result<Self, LedgerError> {
        let (publications_out, publications) = unbounded();
        let open_table = || Ok(table);
        let parts = assemble(disk, clock, open_table, &options, HOLDER, publications_out)?;
        let rest = Arc::new(Rest {
            shared: parts.shared,
            sequencer: Mutex::new(parts.sequencer),
            publisher: Mutex::new(Some(parts.publisher)),
            publications,
            trims: Mutex::default(),
            merge_wanted: AtomicBool::new(false),
        });
        let flusher = Flusher {
            shared: Arc::clone(&rest.shared),
            options: options.clone(),
            others: Arc::clone(&rest),
        };
        Ok(Self {
            seed: parts.seed,
            options,
            waiting: Mutex::default(),
            flusher: Mutex::new(Some(flusher)),
            rest,
            lock: Mutex::new(Some(parts.lock)),
        })
    }

    /// Seals records and hands them in, all or nothing if so asked. They wait for the sequencer.
    pub fn submit(&self, drafts: Vec<Draft>, by: &str, via: &str, all_or_nothing: bool) -> Ticket {
        let (places, records) = prepare_all(self.shared(), &self.seed, drafts, by, via);
        let is_refused = all_or_nothing && places.iter().any(Option::is_some);
        if records.is_empty() || is_refused {
            return Ticket {
                places,
                answer: None,
            };
        }
        let (reply, answer) = reply();
        held(&self.waiting).push_back(Submission {
            records,
            all_or_nothing,
            reply,
        });
        Ticket {
            places,
            answer: Some(answer),
        }
    }

    /// Submissions that wait for the sequencer.
    pub fn waiting(&self) -> usize {
        held(&self.waiting).len()
    }

    /// Whether a caller on this thread can take every lock of the engine: not so in the middle of some operations.
    pub fn is_free(&self) -> bool {
        self.shared().is_free()
    }

    /// Makes one commit group of the first `submissions` that wait, or of fewer if the group is full.
    pub fn step_sequencer(&self, submissions: usize) -> Step {
        let Ok(mut sequencer) = self.rest.sequencer.try_lock() else {
            return Step::WouldWait;
        };
        if !self.is_free() || sequencer.must_wait() {
            return Step::WouldWait;
        }
        let (work_out, work) = unbounded();
        let first = {
            let mut waiting = held(&self.waiting);
            let Some(first) = waiting.pop_front() else {
                return Step::Idle;
            };
            for _ in 1..submissions {
                let Some(next) = waiting.pop_front() else {
                    break;
                };
                // The receiver is still held here.
                let _ = work_out.send(Work::Append(next));
            }
            first
        };
        // Nothing but submissions was sent, so nothing else is given back.
        let _ = sequencer.commit(first, &work);
        let left: Vec<Submission> = work
            .try_iter()
            .filter_map(|work| match work {
                Work::Append(submission) => Some(submission),
                Work::Trim { .. } | Work::Stop => None,
            })
            .collect();
        for submission in left.into_iter().rev() {
            held(&self.waiting).push_front(submission);
        }
        let trims = std::mem::take(&mut *held(&self.rest.trims));
        for (covered, all) in trims {
            if let Err(error) = sequencer.trim(covered, all) {
                self.shared().poison(&error);
            }
        }
        Step::Done
    }

    /// Takes what the publisher was told next, if anything, and publishes if that is due.
    pub fn step_publisher(&self) -> Step {
        if !self.is_free() {
            return Step::WouldWait;
        }
        let Ok(mut publisher) = self.rest.publisher.try_lock() else {
            return Step::WouldWait;
        };
        let told = self.rest.publications.try_recv().ok();
        let idle = told.is_none();
        self.rest.publish(&mut publisher, told);
        if idle { Step::Idle } else { Step::Done }
    }

    /// Flushes once if that is due, or if `now`.
    pub fn step_flusher(&self, now: bool) -> Step {
        let Some(mut flusher) = self.flusher_alone() else {
            return Step::WouldWait;
        };
        let Some(at_work) = flusher.as_ref().filter(|flusher| now || flusher.is_due()) else {
            return Step::Idle;
        };
        if let Err(error) = at_work.flush_once() {
            self.shared().poison(&error);
            *flusher = None;
        }
        Step::Done
    }

    /// Moves everything acknowledged into the table, as a caller asks for. `None` if it is not all under a checkpoint.
    ///
    /// # Errors
    /// As for [`Ledger::flush`](crate::Ledger::flush).
    pub fn flush(&self, all_segments: bool) -> Option<Result<(), LedgerError>> {
        let flusher = self.flusher_alone()?;
        let head = self.shared().head();
        let published = head.checkpoint.map_or(0, |signed| signed.checkpoint.size);
        if published < head.durable {
            return None;
        }
        let poisoned = || LedgerError::Poisoned {
            cause: "the flusher has stopped".to_owned(),
        };
        let flushed = flusher.as_ref().ok_or_else(poisoned);
        Some(flushed.and_then(|flusher| flusher.flush_all(all_segments)))
    }

    /// Merges runs of the index once, if there are any to merge.
    pub fn step_merger(&self) -> Step {
        if !self.is_free() || !self.shared().are_runs_free() {
            return Step::WouldWait;
        }
        if !self.rest.merge_wanted.load(Ordering::Relaxed) {
            return Step::Idle;
        }
        match merge_once(self.shared(), &AtomicBool::new(false)) {
            Ok(true) => return Step::Done,
            Ok(false) => {}
            Err(error) => self.shared().poison(&error),
        }
        self.rest.merge_wanted.store(false, Ordering::Relaxed);
        Step::Idle
    }

    /// As [`Ledger::erase`](crate::Ledger::erase), taking what steps are needed. Not to be called in the middle of a step.
    ///
    /// # Errors
    /// As for [`Ledger::erase`](crate::Ledger::erase).
    pub fn erase(
        &self,
        id: &str,
        what: &Erasure,
        reason: &str,
        by: &str,
    ) -> Result<ErasureReport, LedgerError> {
        erase::erase(self, id, what, reason, by)
    }

    /// As [`Ledger::put_blob`](crate::Ledger::put_blob).
    ///
    /// # Errors
    /// As for [`Ledger::put_blob`](crate::Ledger::put_blob).
    pub fn put_blob(&self, content: &mut dyn Read) -> Result<Blob, LedgerError> {
        blobs::put(&self.shared().disk, content)
    }

    /// As [`Ledger::reader`](crate::Ledger::reader). Not to be used while the engine is not [free](Self::is_free).
    pub fn reader(&self) -> Reader {
        Reader::live(Arc::clone(self.shared()))
    }

    /// The failure that stopped the engine.
    pub fn poison(&self) -> Option<String> {
        self.shared().head().poison
    }

    /// As [`Ledger::close`](crate::Ledger::close). Not to be called in the middle of a step.
    ///
    /// # Errors
    /// The failure that stopped the engine, if one did.
    pub fn close(&self) -> Result<(), LedgerError> {
        let mut outcome = Ok(());
        let buffered = self.shared().buffer().bytes();
        if self.shared().check_sound().is_ok() && buffered >= self.options.flush_on_close_bytes {
            let durable = self.shared().head().durable;
            outcome = self
                .await_checkpoint(durable, Duration::ZERO)
                .and_then(|()| self.flush(false).unwrap_or(Ok(())));
        }
        *held(&self.flusher) = None;
        while self.step_sequencer(1) == Step::Done {}
        held(&self.rest.sequencer).end();
        let mut publisher = held(&self.rest.publisher);
        while let Ok(told) = self.rest.publications.try_recv() {
            self.rest.publish(&mut publisher, Some(told));
        }
        if let Some(mut publisher) = publisher.take() {
            publisher.end();
        }
        self.shared().move_head(|head| head.closing = true);
        held(&self.lock).take();
        outcome.and_then(|()| self.shared().check_sound())
    }

    /// The flusher, unless it or the publisher, which it needs the answer of, is in the middle of a step.
    fn flusher_alone(&self) -> Option<MutexGuard<'_, Option<Flusher<Arc<Rest>>>>> {
        let flusher = self.flusher.try_lock().ok()?;
        let free = self.is_free() && self.rest.publisher.try_lock().is_ok();
        free.then_some(flusher)
    }
}

impl Erasing for SteppedLedger {
    fn shared(&self) -> &Arc<Shared> {
        &self.rest.shared
    }

    fn append_act(&self, act: Draft, by: &str) -> Result<Receipt, AppendError> {
        let ticket = self.submit(vec![act], by, "ledger", false);
        for _ in 0..STEPS_MAX {
            if let Some(answer) = ticket.poll().and_then(|mut answers| answers.pop()) {
                return answer;
            }
            if self.step_sequencer(1) == Step::WouldWait {
                self.step_publisher();
                self.step_flusher(true);
            }
        }
        Err(AppendError::Busy { in_flight_bytes: 0 })
    }

    fn await_checkpoint(&self, size: u64, timeout: Duration) -> Result<(), LedgerError> {
        for _ in 0..STEPS_MAX {
            let head = self.shared().head();
            if head
                .checkpoint
                .is_some_and(|signed| signed.checkpoint.size >= size)
                || size == 0
            {
                return Ok(());
            }
            self.shared().check_sound()?;
            self.step_publisher();
        }
        Err(LedgerError::Timeout {
            what: "a checkpoint",
            seconds: timeout.as_secs(),
        })
    }

    fn empty_log(&self) -> Result<(), LedgerError> {
        let durable = self.shared().head().durable;
        self.await_checkpoint(durable, Duration::ZERO)?;
        self.flush(true).unwrap_or(Err(LedgerError::Timeout {
            what: "a flush",
            seconds: 0,
        }))
    }
}

impl Rest {
    fn publish(&self, publisher: &mut Option<Publisher>, told: Option<Publication>) {
        let Some(at_work) = publisher else {
            return;
        };
        let outcome = match told {
            Some(publication) => at_work.take(publication),
            None => at_work.publish_if_due(),
        };
        if let Err(error) = outcome {
            self.shared.poison(&error);
            *publisher = None;
        }
    }
}

impl Others for Arc<Rest> {
    fn sync_tiles(&self, covered: u64) -> Result<(), LedgerError> {
        let stopped = || LedgerError::Poisoned {
            cause: "the publisher has stopped".to_owned(),
        };
        let mut publisher = self.publisher.try_lock().map_err(|_| stopped())?;
        // It answers once it has done what it was told before.
        while let Ok(told) = self.publications.try_recv() {
            self.publish(&mut publisher, Some(told));
        }
        let (reply, answer) = bounded(1);
        self.publish(&mut publisher, Some(Publication::Sync { covered, reply }));
        answer.try_recv().unwrap_or_else(|_| Err(stopped()))
    }

    fn trim_log(&self, covered: u64, all: bool) -> Result<(), LedgerError> {
        if let Ok(mut sequencer) = self.sequencer.try_lock() {
            return sequencer.trim(covered, all);
        }
        // In the middle of a commit, which a thread would wait for.
        held(&self.trims).push((covered, all));
        Ok(())
    }

    fn start_merge(&self) -> Result<(), LedgerError> {
        self.merge_wanted.store(true, Ordering::Relaxed);
        Ok(())
    }
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
