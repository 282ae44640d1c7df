//! What the threads that record and the thread that sends share.

use std::collections::{HashMap, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::destination::Outcome;
use crate::segment::Segment;

/// What became of the records of a run. Numbers of records, unless something else is said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Put into the spool.
    pub recorded: u64,
    /// In the ledger, for certain.
    pub delivered: u64,
    /// Refused by the ledger for good; kept in `refused.ndjson`, without its content where the ledger has erased it.
    pub refused: u64,
    /// Never put into the spool, because it was full or the disk failed. Their numbers are missing in the ledger, so it
    /// sees the gap.
    pub lost: u64,
    /// Put into the spool, and changed by its disk before they were delivered.
    pub unreadable: u64,
    /// Put into the second folder, because the first was full.
    pub spilled: u64,
    /// Delivered for processes that are gone.
    pub adopted: u64,
    /// Bytes that the spool holds.
    pub bytes: u64,
    /// Why nothing can be delivered now.
    pub trouble: Option<String>,
}

impl Counters {
    /// Records that wait to be delivered.
    pub fn pending(&self) -> u64 {
        self.recorded.saturating_sub(self.settled())
    }

    /// Records of which it is known what came of them: the first ones, since order is kept.
    pub(crate) fn settled(&self) -> u64 {
        self.delivered + self.refused + self.unreadable
    }
}

#[derive(Debug, Default)]
pub(crate) struct State {
    /// What is not delivered, the oldest first. The last one is being written.
    pub(crate) segments: VecDeque<Segment>,
    pub(crate) counters: Counters,
    /// Bytes written that were not read by the sender.
    pub(crate) unread: u64,
    /// Records whose outcome somebody waits for.
    pub(crate) wanted: HashMap<u64, Option<Outcome>>,
    /// It is not known that no other process left anything: it was not looked yet, or is being delivered.
    pub(crate) adopting: bool,
    /// The sender waits without a time limit of its own.
    pub(crate) asleep: bool,
    /// Somebody waits: send at once.
    pub(crate) urgent: bool,
    /// Counts the requests to try again in spite of an earlier failure.
    pub(crate) nudges: u64,
    /// No more is recorded.
    pub(crate) closing: bool,
    /// The sender is to stop even if something is left.
    pub(crate) abandoned: bool,
    /// The sender has stopped.
    pub(crate) ended: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Shared {
    state: Mutex<State>,
    /// Wakes the sender.
    pub(crate) work: Condvar,
    /// Wakes whoever waits for a delivery or for room.
    pub(crate) progress: Condvar,
}

impl Shared {
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for progress until `done`, or until `timeout` is over.
    pub(crate) fn wait_until<T>(
        &self,
        timeout: Duration,
        mut done: impl FnMut(&mut State) -> Option<T>,
    ) -> Option<T> {
        let deadline = now() + timeout;
        let mut state = self.lock();
        loop {
            if let Some(result) = done(&mut state) {
                return Some(result);
            }
            let left = deadline.saturating_duration_since(now());
            if left.is_zero() {
                return None;
            }
            state = self
                .progress
                .wait_timeout(state, left)
                .map_or_else(|poisoned| poisoned.into_inner().0, |(state, _)| state);
        }
    }
}

/// The time, for deadlines only: nothing that is kept depends on it.
#[expect(
    clippy::disallowed_methods,
    reason = "deadlines of waiting, not times of records"
)]
pub(crate) fn now() -> Instant {
    Instant::now()
}
