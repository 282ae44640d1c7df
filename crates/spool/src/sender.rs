//! The thread that delivers what the spool holds, and what processes that are gone have left.

use std::fs;
use std::mem;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::cursor::{Cursor, End};
use crate::destination::{Delivery, Destination, Outcome, Parcel, ParcelKind, Unavailable};
use crate::error::SpoolError;
use crate::folder::RunFolder;
use crate::orphan::Orphan;
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
    pub(crate) rested: bool,
}

/// When to try again.
#[derive(Debug, Default)]
pub(crate) struct Retry {
    wait: Duration,
    not_before: Option<Instant>,
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
                let _ = fs::remove_file(path);
            }
            state.counters.bytes = state.counters.bytes.saturating_sub(first.written);
            state.segments.pop_front();
            self.cursor.offset = crate::frame::SEGMENT_HEADER_BYTES;
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
            if let End::Torn(left) = read.end {
                self.skip(segment, left);
            }
            return;
        }
        let delivery = self.destination.deliver(&read.parcels);
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
        let refused = settle(&self.shared, &read.parcels, &delivery, reached - start);
        self.cursor.offset = reached;
        self.keep(&refused, self.folder.clone().as_deref());
    }

    /// What is in memory or in the cache of the system is not damaged by a crash: the disk is.
    fn skip(&mut self, segment: &Segment, left: u64) {
        self.cursor.offset = segment.written;
        let aside = match (&segment.place, &self.folder) {
            (Place::File(..), Some(folder)) => folder.put_aside(segment.number).ok(),
            _ => None,
        };
        let kept = aside.map_or_else(String::new, |path| format!("; kept as {}", path.display()));
        (self.listener)(Event::error(format!(
            "{left} bytes of the spool cannot be read: its disk has changed them{kept}"
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
                if !step.done {
                    self.orphan = Some(orphan);
                }
                conclude(
                    &self.shared,
                    &mut self.retry,
                    &self.listener,
                    step.failure.as_ref(),
                );
            }
            Ok(None) => self.next_adoption = now() + ADOPTION,
            Err(error) => {
                self.next_adoption = now() + ADOPTION;
                (self.listener)(Event::error(format!(
                    "what other processes left cannot be delivered: {error}"
                )));
            }
        }
    }

    fn adopt(&self) -> Result<Option<Orphan>, SpoolError> {
        let own = self
            .folder
            .as_deref()
            .and_then(|folder| folder.path().file_name());
        for spool in &self.spools {
            if let Some(folder) = RunFolder::adopt_one(spool, own)? {
                (self.listener)(Event::info(format!(
                    "delivering what another process left in {}",
                    folder.path().display()
                )));
                return Orphan::new(folder).map(Some);
            }
        }
        Ok(None)
    }

    fn keep(&self, refused: &[String], folder: Option<&RunFolder>) {
        if refused.is_empty() {
            return;
        }
        let lines: String = refused.concat();
        let kept = folder.map(|folder| folder.keep_refused(&lines));
        let where_kept = match (kept, folder) {
            (Some(Ok(())), Some(folder)) => format!("kept in {}", folder.path().display()),
            (Some(Err(error)), _) => format!("not kept: {error}"),
            _ => "not kept, delivery is from memory".to_owned(),
        };
        let first = refused.first().map_or("", String::as_str).trim_end();
        (self.listener)(Event::error(format!(
            "{} records were refused by the ledger, {where_kept}; the first: {}",
            refused.len(),
            shortened(first)
        )));
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
            return None;
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
    }
}

/// Takes note of a delivery. Gives a line for each record that was refused.
fn settle(shared: &Shared, parcels: &[Parcel<'_>], delivery: &Delivery, bytes: u64) -> Vec<String> {
    let mut refused: Vec<String> = delivery
        .attachments_refused
        .iter()
        .map(|refusal| refused_line(refusal, None, None))
        .collect();
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
                Outcome::Refused(refusal) => {
                    state.counters.refused += 1;
                    refused.push(refused_line(refusal, Some(seq), Some(parcel)));
                }
            }
            if let Some(wanted) = state.wanted.get_mut(&seq) {
                *wanted = Some(outcome.clone());
            }
        }
    }
    drop(state);
    shared.progress.notify_all();
    refused
}

/// A line of JSON about something that was refused.
pub(crate) fn refused_line(
    refusal: &crate::destination::Refusal,
    seq: Option<u64>,
    parcel: Option<&Parcel<'_>>,
) -> String {
    let record = parcel
        .filter(|parcel| parcel.kind == ParcelKind::Record)
        .map(|parcel| String::from_utf8_lossy(parcel.body).into_owned());
    let line = serde_json::json!({
        "code": refusal.code,
        "what": refusal.what,
        "seq": seq,
        "record": record,
    });
    format!("{line}\n")
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(300) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// Says that the thread is gone, however it went.
struct Ended(Arc<Shared>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.lock().ended = true;
        self.0.progress.notify_all();
    }
}
