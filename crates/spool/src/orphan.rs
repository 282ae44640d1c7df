//! A run of which the process is gone: what it left is delivered by another.

use std::fs::{self, File};
use std::sync::Arc;

use crate::cursor::{Cursor, End};
use crate::destination::{Destination, Outcome, Unavailable};
use crate::error::SpoolError;
use crate::folder::RunFolder;
use crate::frame::{SEGMENT_HEADER_BYTES, is_segment};
use crate::segment::{Place, Segment};
use crate::sender::refused_line;
use crate::spool::Event;

/// A run that was taken over.
#[derive(Debug)]
pub(crate) struct Orphan {
    folder: RunFolder,
    /// Numbers of the segments that are not delivered, the next one last.
    left: Vec<u64>,
    open: Option<(Segment, Cursor)>,
}

/// What came of a step.
#[derive(Debug, Default)]
pub(crate) struct Step {
    /// Records delivered, those refused included.
    pub(crate) records: u64,
    pub(crate) events: Vec<Event>,
    pub(crate) failure: Option<Unavailable>,
    /// Nothing is left.
    pub(crate) done: bool,
}

impl Orphan {
    pub(crate) fn new(folder: RunFolder) -> Result<Orphan, SpoolError> {
        let mut left = folder.segments()?;
        left.reverse();
        Ok(Orphan {
            folder,
            left,
            open: None,
        })
    }

    /// Lets others take over.
    pub(crate) fn release(self) {
        self.folder.release();
    }

    /// Delivers some of it.
    pub(crate) fn deliver(&mut self, destination: &mut dyn Destination) -> Step {
        let mut step = Step::default();
        let Some((segment, mut cursor)) = self.open.take().or_else(|| self.next(&mut step)) else {
            step.done = self.left.is_empty();
            if step.done {
                self.folder.release();
                self.folder.remove_if_done();
            }
            return step;
        };
        let start = cursor.offset;
        match cursor.read(&segment) {
            Err(error) => {
                step.failure = Some(Unavailable {
                    what: format!("reading the spool failed: {error}"),
                    retry_after: None,
                });
            }
            Ok(read) if read.parcels.is_empty() => {
                if let End::Torn(bytes) = read.end {
                    self.torn(&segment, bytes, &mut step);
                }
                // A segment that was put aside is not there any more.
                let _ = fs::remove_file(self.folder.segment(segment.number));
                return step;
            }
            Ok(read) => {
                let delivery = destination.deliver(&read.parcels);
                let refused = refused(&read.parcels, &delivery, &mut step);
                if !refused.is_empty() {
                    self.keep(&refused, &mut step);
                }
                let last = delivery.parcels.checked_sub(1);
                let reached = last.and_then(|last| read.ends.get(last)).copied();
                cursor.offset = reached.unwrap_or(start);
                step.failure = delivery.failure;
            }
        }
        self.open = Some((segment, cursor));
        step
    }

    fn next(&mut self, step: &mut Step) -> Option<(Segment, Cursor)> {
        let number = self.left.pop()?;
        let path = self.folder.segment(number);
        let opened = File::open(&path).and_then(|file| Ok((file.metadata()?.len(), file)));
        let (written, file) = match opened {
            Ok(opened) => opened,
            Err(error) => {
                step.events.push(Event::error(format!(
                    "{} cannot be opened and is left where it is: {error}",
                    path.display()
                )));
                return None;
            }
        };
        let segment = Segment {
            written: written.max(SEGMENT_HEADER_BYTES),
            closed: true,
            ..Segment::new(number, Place::File(Arc::new(file), path))
        };
        let mut header = Vec::new();
        let read = segment
            .place
            .read(0, SEGMENT_HEADER_BYTES as usize, &mut header);
        if read.is_err() || !is_segment(&header, number) {
            self.torn(&segment, written, step);
            return None;
        }
        Some((segment, Cursor::default()))
    }

    /// The end of the last segment is what was being written when the process ended: nobody was told that it is kept.
    fn torn(&self, segment: &Segment, bytes: u64, step: &mut Step) {
        if self.left.is_empty() {
            step.events.push(Event::info(format!(
                "{bytes} bytes were being written when the process of {} ended; they are passed over",
                self.folder.path().display()
            )));
            let _ = fs::remove_file(self.folder.segment(segment.number));
            return;
        }
        let kept = match self.folder.put_aside(segment.number) {
            Ok(path) => format!("kept as {}", path.display()),
            Err(error) => error.to_string(),
        };
        step.events.push(Event::error(format!(
            "{bytes} bytes of the spool cannot be read: its disk has changed them; {kept}"
        )));
    }

    fn keep(&self, lines: &[String], step: &mut Step) {
        let kept = match self.folder.keep_refused(&lines.concat()) {
            Ok(()) => format!("kept in {}", self.folder.path().display()),
            Err(error) => format!("not kept: {error}"),
        };
        step.events.push(Event::error(format!(
            "{} records of another process were refused by the ledger, {kept}",
            lines.len()
        )));
    }
}

fn refused(
    parcels: &[crate::destination::Parcel<'_>],
    delivery: &crate::destination::Delivery,
    step: &mut Step,
) -> Vec<String> {
    let mut lines: Vec<String> = delivery
        .attachments_refused
        .iter()
        .map(|refusal| refused_line(refusal, None, None))
        .collect();
    let mut outcomes = delivery.outcomes.iter();
    for parcel in parcels.iter().take(delivery.parcels) {
        for row in 0..u64::from(parcel.rows) {
            let Some(outcome) = outcomes.next() else {
                break;
            };
            step.records += 1;
            if let Outcome::Refused(refusal) = outcome {
                lines.push(refused_line(refusal, Some(parcel.seq + row), Some(parcel)));
            }
        }
    }
    lines
}
