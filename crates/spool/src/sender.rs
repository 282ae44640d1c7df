//! The thread that delivers what the spool holds, and what processes that are gone have left.

use std::fs;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::cursor::{Cursor, End};
use crate::destination::{Delivery, Destination, Outcome, Parcel, ParcelKind, Unavailable};
use crate::error::SpoolError;
use crate::folder::RunFolder;
use crate::orphan::Orphan;
use crate::refused::Refused;
use crate::segment::{Place, Segment};
use crate::spool::Event;
use crate::state::{Shared, State, now};

/// So many bytes are sent without waiting for more.
const UNREAD_BYTES: u64 = 256 << 10;
/// The wait after a failure; it doubles.
const WAIT_MIN: Duration = Duration::from_millis(100);
const WAIT_MAX: Duration = Duration::from_secs(30);
/// How often it is looked for what others left.
const ADOPTION: Duration = Duration::from_secs(10);
/// After so long without work the destination may let go of what others want.
const IDLE: Duration = Duration::from_millis(500);

/// Told of what somebody should know.
pub(crate) type Listener = Box<dyn Fn(Event) + Send>;

pub(crate) struct Sender {
    pub(crate) shared: Arc<Shared>,
    pub(crate) destination: Box<dyn Destination>,
    pub(crate) listener: Listener,
    /// The run's own folder, if it has one.
    pub(crate) folder: Option<Arc<RunFolder>>,
    /// Where others leave their runs.
    pub(crate) spools: Vec<PathBuf>,
    pub(crate) linger: Duration,
    pub(crate) cursor: Cursor,
    pub(crate) retry: Retry,
    pub(crate) orphan: Option<Orphan>,
    pub(crate) next_adoption: Instant,
    /// Folders of runs that this process does not look at: its own, and those that it could not deliver from.
    pub(crate) left_alone: Vec<PathBuf>,
    /// Number that the next record delivered should have.
    pub(crate) next_seq: u64,
    /// Something before it could not be read.
    pub(crate) passed_over: bool,
    pub(crate) rested: bool,
}

/// When to try again.
#[derive(Debug, Default)]
pub(crate) struct Retry {
    wait: Duration,
    not_before: Option<Instant>,
    /// The destination said how long it wants to be left alone.
    asked: bool,
    nudges: u64,
}

enum Work {
    Own(Segment),
    Orphans,
    Rest,
    End,
}

impl Sender {
    pub(crate) fn run(mut self) {
        let _ended = Ended(Arc::clone(&self.shared));
        loop {
            match self.next_work() {
                Work::Own(segment) => self.deliver_own(&segment),
                Work::Orphans => self.deliver_orphan(),
                Work::Rest => {
                    self.rested = true;
                    self.destination.idle();
                }
                Work::End => break,
            }
        }
        if let Some(orphan) = self.orphan.take() {
            orphan.release();
        }
        self.destination.idle();
    }

    /// Waits until there is something to do.
    fn next_work(&mut self) -> Work {
        let shared = Arc::clone(&self.shared);
        let mut state = shared.lock();
        let mut linger_until = None;
        let mut rest_at = (!self.rested).then(|| now() + IDLE);
        loop {
            self.drop_delivered(&mut state);
            let segment = self.unread(&state);
            if state.abandoned || (state.closing && segment.is_none()) {
                return Work::End;
            }
            let time = now();
            let mut wake = self.next_adoption;
            let held = self.retry.held_until(&state, time);
            if let Some(until) = held {
                wake = until;
            } else if let Some(segment) = segment {
                let until = *linger_until.get_or_insert(time + self.linger);
                if state.urgent || state.closing || state.unread >= UNREAD_BYTES || until <= time {
                    self.rested = false;
                    return Work::Own(segment);
                }
                // Not only when nothing else is to be done, or a busy process would never come to it.
                if self.orphan.is_some() || self.next_adoption <= time {
                    return Work::Orphans;
                }
                wake = until.min(self.next_adoption);
            } else if self.orphan.is_some() || self.next_adoption <= time {
                return Work::Orphans;
            } else if let Some(at) = rest_at {
                if at <= time {
                    return Work::Rest;
                }
                wake = wake.min(at);
            }
            if held.is_none() && self.unread(&state).is_none() {
                state.urgent = false;
            }
            state.asleep = self.unread(&state).is_none();
            let left = wake.saturating_duration_since(time);
            state = shared
                .work
                .wait_timeout(state, left)
                .map_or_else(|poisoned| poisoned.into_inner().0, |(state, _)| state);
            state.asleep = false;
            if rest_at.is_none() && !self.rested {
                rest_at = Some(now() + IDLE);
            }
        }
    }

    /// The oldest segment, if it has something that was not delivered.
    fn unread(&self, state: &State) -> Option<Segment> {
        let first = state.segments.front()?;
        (first.written > self.cursor.offset).then(|| first.clone())
    }

    /// Removes segments that are delivered whole.
    fn drop_delivered(&mut self, state: &mut State) {
        while let Some(first) = state.segments.front()
            && first.closed
            && first.written <= self.cursor.offset
        {
            if let Place::File(_, path) = &first.place {
                let _ = match &self.folder {
                    Some(folder) if self.cursor.spoilt => folder.put_aside(path).map(drop),
                    _ => fs::remove_file(path).map_err(SpoolError::disk("removing", path)),
                };
            }
            state.counters.bytes = state.counters.bytes.saturating_sub(first.written);
            state.segments.pop_front();
            self.cursor.begin();
            self.shared.progress.notify_all();
        }
    }

    fn deliver_own(&mut self, segment: &Segment) {
        let start = self.cursor.offset;
        let read = match self.cursor.read(segment) {
            Ok(read) => read,
            Err(error) => return self.failed(format!("reading the spool failed: {error}")),
        };
        if read.parcels.is_empty() {
            let end = read.end;
            return self.skip(segment, end);
        }
        let delivery = attempted(&mut *self.destination, &read.parcels);
        let reached = delivery
            .parcels
            .checked_sub(1)
            .and_then(|last| read.ends.get(last))
            .copied()
            .unwrap_or(start);
        // Whoever sees that everything is delivered sees no trouble any more.
        conclude(
            &self.shared,
            &mut self.retry,
            &self.listener,
            delivery.failure.as_ref(),
        );
        let missed = missed(&mut self.next_seq, read.parcels.get(..delivery.parcels));
        // Otherwise they are those that were never kept, which are counted already.
        let counts = delivery.parcels > 0 && mem::take(&mut self.passed_over);
        let unreadable = if counts { missed } else { 0 };
        settle(&self.shared, &read.parcels, &delivery, reached - start);
        self.shared.lock().counters.unreadable += unreadable;
        let refused = Refused::of(&read.parcels, &delivery);
        let said = refused.keep(self.folder.as_deref(), "");
        self.cursor.offset = reached;
        if let Some(event) = said {
            (self.listener)(event);
        }
    }

    /// What cannot be read is passed over and kept, and the segment is not written to any more.
    fn skip(&mut self, segment: &Segment, end: End) {
        let (End::Torn(_) | End::Damaged) = end else {
            return;
        };
        let start = self.cursor.offset;
        if let Err(error) = self.cursor.pass_over(segment) {
            return self.failed(format!("reading the spool failed: {error}"));
        }
        self.passed_over = true;
        let bytes = self.cursor.offset - start;
        let mut state = self.shared.lock();
        if let Some(first) = state.segments.front_mut() {
            first.closed = true;
        }
        state.unread = state.unread.saturating_sub(bytes);
        drop(state);
        (self.listener)(Event::error(format!(
            "{bytes} bytes of the spool cannot be read: its disk has changed them; the segment is kept as *.damaged"
        )));
    }

    fn deliver_orphan(&mut self) {
        let found = match self.orphan.take() {
            Some(orphan) => Ok(Some(orphan)),
            None => self.adopt(),
        };
        match found {
            Ok(Some(mut orphan)) => {
                let step = orphan.deliver(&mut *self.destination);
                self.shared.lock().counters.adopted += step.records;
                for event in step.events {
                    (self.listener)(event);
                }
                if step.done {
                    if let Some(path) = orphan.stuck() {
                        self.left_alone.push(path.to_owned());
                    }
                } else {
                    self.orphan = Some(orphan);
                }
                conclude(
                    &self.shared,
                    &mut self.retry,
                    &self.listener,
                    step.failure.as_ref(),
                );
            }
            Ok(None) => self.adopted_all(),
            Err(error) => {
                self.adopted_all();
                (self.listener)(Event::error(format!(
                    "what other processes left cannot be delivered: {error}"
                )));
            }
        }
    }

    fn adopted_all(&mut self) {
        self.next_adoption = now() + ADOPTION;
        self.shared.lock().adopting = false;
        self.shared.progress.notify_all();
    }

    fn adopt(&mut self) -> Result<Option<Orphan>, SpoolError> {
        for spool in &self.spools {
            let (found, faults) = RunFolder::adopt_one(spool, &self.left_alone)?;
            for (path, fault) in faults {
                (self.listener)(Event::error(format!(
                    "what another process left is not delivered: {fault}"
                )));
                self.left_alone.push(path);
            }
            if let Some(folder) = found {
                self.shared.lock().adopting = true;
                (self.listener)(Event::info(format!(
                    "delivering what another process left in {}",
                    folder.path().display()
                )));
                return Orphan::new(folder).map(Some);
            }
        }
        Ok(None)
    }

    fn failed(&mut self, what: String) {
        let failure = Unavailable {
            what,
            retry_after: None,
        };
        conclude(
            &self.shared,
            &mut self.retry,
            &self.listener,
            Some(&failure),
        );
    }
}

/// Takes note of whether the destination answers, and says so if it is news.
fn conclude(
    shared: &Shared,
    retry: &mut Retry,
    listener: &Listener,
    failure: Option<&Unavailable>,
) {
    let trouble = failure.map(|failure| failure.what.clone());
    match failure {
        Some(failure) => retry.after(failure.retry_after),
        None => retry.reset(),
    }
    let before = mem::replace(&mut shared.lock().counters.trouble, trouble.clone());
    match trouble {
        Some(what) if before.as_ref() != Some(&what) => listener(Event::error(format!(
            "{what}; records are kept and sent later"
        ))),
        None if before.is_some() => {
            listener(Event::info("the ledger takes records again".to_owned()));
        }
        _ => {}
    }
}

impl Retry {
    /// The time before which nothing is tried, unless somebody asked for it since.
    fn held_until(&mut self, state: &State, time: Instant) -> Option<Instant> {
        let until = self.not_before.filter(|until| *until > time)?;
        if state.nudges != self.nudges {
            self.nudges = state.nudges;
            if !self.asked {
                return None;
            }
        }
        Some(until)
    }

    fn reset(&mut self) {
        self.wait = Duration::ZERO;
        self.not_before = None;
    }

    fn after(&mut self, asked: Option<Duration>) {
        self.wait = (self.wait * 2).clamp(WAIT_MIN, WAIT_MAX);
        let wait = asked.map_or(self.wait, |asked| asked.clamp(WAIT_MIN, WAIT_MAX));
        self.not_before = Some(now() + wait);
        self.asked = asked.is_some();
    }
}

/// Takes note of a delivery.
fn settle(shared: &Shared, parcels: &[Parcel<'_>], delivery: &Delivery, bytes: u64) {
    let mut outcomes = delivery.outcomes.iter();
    let mut state = shared.lock();
    state.unread = state.unread.saturating_sub(bytes);
    for parcel in parcels.iter().take(delivery.parcels) {
        for row in 0..u64::from(parcel.rows) {
            let Some(outcome) = outcomes.next() else {
                break;
            };
            let seq = parcel.seq + row;
            match outcome {
                Outcome::Stored(_) => state.counters.delivered += 1,
                Outcome::Refused(_) => state.counters.refused += 1,
            }
            if let Some(wanted) = state.wanted.get_mut(&seq) {
                *wanted = Some(outcome.clone());
            }
        }
    }
    drop(state);
    shared.progress.notify_all();
}

/// Delivers; a destination that panics has not.
pub(crate) fn attempted(destination: &mut dyn Destination, parcels: &[Parcel<'_>]) -> Delivery {
    let delivered = catch_unwind(AssertUnwindSafe(|| destination.deliver(parcels)));
    delivered.unwrap_or_else(|_| Delivery {
        failure: Some(Unavailable {
            what: "delivering failed in a way that nobody thought of".to_owned(),
            retry_after: None,
        }),
        ..Delivery::default()
    })
}

/// Records that should have come before these parcels, and are nowhere. Batches may have lower numbers than what went
/// before them.
fn missed(next_seq: &mut u64, parcels: Option<&[Parcel<'_>]>) -> u64 {
    let mut missed = 0;
    for parcel in parcels.unwrap_or_default().iter().filter(|it| it.rows > 0) {
        let after = parcel.seq + u64::from(parcel.rows);
        if *next_seq > 0 && parcel.kind == ParcelKind::Record {
            missed += parcel.seq.saturating_sub(*next_seq);
        }
        *next_seq = (*next_seq).max(after);
    }
    missed
}

/// Says that the thread is gone, however it went.
struct Ended(Arc<Shared>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.lock().ended = true;
        self.0.progress.notify_all();
    }
}
