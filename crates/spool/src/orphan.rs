//! A run of which the process is gone: what it left is delivered by another.

use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;

use crate::cursor::{Cursor, End};
use crate::destination::{Destination, Unavailable};
use crate::error::SpoolError;
use crate::folder::RunFolder;
use crate::frame::{SEGMENT_HEADER_BYTES, is_segment};
use crate::refused::Refused;
use crate::segment::{Place, Segment};
use crate::sender::attempted;
use crate::spool::Event;

/// A run that was taken over.
#[derive(Debug)]
pub(crate) struct Orphan {
    folder: RunFolder,
    /// Numbers of the segments that are not delivered, the next one last.
    left: Vec<u64>,
    open: Option<(Segment, Cursor)>,
    /// Something is left that cannot be delivered, or not removed.
    stuck: bool,
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
            stuck: false,
        })
    }

    /// Lets others take over.
    pub(crate) fn release(self) {
        self.folder.release();
    }

    /// The folder, if something is left in it that this process cannot deliver or remove.
    pub(crate) fn stuck(&self) -> Option<&Path> {
        self.stuck.then(|| self.folder.path())
    }

    /// Delivers some of it.
    pub(crate) fn deliver(&mut self, destination: &mut dyn Destination) -> Step {
        let mut step = Step::default();
        let Some((segment, mut cursor)) = self.open.take().or_else(|| self.next(&mut step)) else {
            step.done = self.left.is_empty();
            if step.done {
                self.folder.remove_if_done();
                self.folder.release();
            }
            return step;
        };
        match cursor.read(&segment) {
            Err(error) => {
                step.failure = Some(Unavailable {
                    what: format!("reading the spool failed: {error}"),
                    retry_after: None,
                });
            }
            Ok(read) if read.parcels.is_empty() => {
                let end = read.end;
                if self.ends(&segment, &mut cursor, end, &mut step) {
                    self.put_away(&segment, cursor.spoilt, &mut step);
                    return step;
                }
            }
            Ok(read) => {
                let delivery = attempted(destination, &read.parcels);
                step.records += delivery.outcomes.len() as u64;
                let refused = Refused::of(&read.parcels, &delivery);
                step.events
                    .extend(refused.keep(Some(&self.folder), " of another process"));
                let last = delivery.parcels.checked_sub(1);
                if let Some(reached) = last.and_then(|last| read.ends.get(last)).copied() {
                    cursor.offset = reached;
                }
                step.failure = delivery.failure;
            }
        }
        self.open = Some((segment, cursor));
        step
    }

    /// Whether nothing more can be read from a segment. What is no frame is passed over.
    fn ends(&self, segment: &Segment, cursor: &mut Cursor, end: End, step: &mut Step) -> bool {
        let start = cursor.offset;
        match end {
            End::Open => return true,
            // The last thing that a process wrote, and did not finish: nobody was told that it is kept.
            End::Torn(bytes) if self.left.is_empty() && !cursor.spoilt => {
                step.events.push(Event::info(format!(
                    "{bytes} bytes were being written when the process of {} ended; they are passed over",
                    self.folder.path().display()
                )));
                return true;
            }
            End::Torn(_) | End::Damaged => {}
        }
        if let Err(error) = cursor.pass_over(segment) {
            step.failure = Some(Unavailable {
                what: format!("reading the spool failed: {error}"),
                retry_after: None,
            });
            return false;
        }
        step.events.push(Event::error(format!(
            "{} bytes of a spool cannot be read: its disk has changed them; the segment is kept in {} as *.damaged",
            cursor.offset - start,
            self.folder.path().display()
        )));
        false
    }

    /// A segment that is delivered is not needed any more; one that could not be read whole is kept.
    fn put_away(&mut self, segment: &Segment, spoilt: bool, step: &mut Step) {
        let path = self.folder.segment(segment.number);
        let done = if spoilt {
            self.folder.put_aside(&path).map(drop)
        } else {
            fs::remove_file(&path).map_err(SpoolError::disk("removing", &path))
        };
        if let Err(error) = done {
            self.stuck = true;
            step.events.push(Event::error(format!(
                "{error}; it is delivered, and every process that starts will deliver it again"
            )));
        }
    }

    fn next(&mut self, step: &mut Step) -> Option<(Segment, Cursor)> {
        let number = self.left.pop()?;
        let path = self.folder.segment(number);
        let opened = File::open(&path).and_then(|file| Ok((file.metadata()?.len(), file)));
        let (written, file) = match opened {
            Ok(opened) => opened,
            Err(error) => {
                self.stuck = true;
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
        let mut cursor = Cursor::default();
        if read.is_err() || !is_segment(&header, number) {
            // An empty file is one that was being made.
            cursor.spoilt = written > 0;
        }
        Some((segment, cursor))
    }
}
