//! Puts records into segments.

use std::fs::File;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use crate::destination::ParcelKind;
use crate::error::SpoolError;
use crate::folder::RunFolder;
use crate::frame::{self, BODY_BYTES_MAX, FRAME_HEADER_BYTES, SEGMENT_HEADER_BYTES};
use crate::segment::{Place, Segment};
use crate::state::Shared;

/// What the writer may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room {
    pub(crate) bytes_max: u64,
    pub(crate) segment_bytes: u64,
}

/// Which numbers the records of a parcel have.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Numbering {
    /// The next ones; the outcome may be asked for.
    Next { wanted: bool },
    /// Those that were reserved for it.
    Reserved(u64),
}

/// What a record got.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) seq: u64,
    /// The file that it is in, and how many bytes of the run were written up to its end.
    pub(crate) file: Option<(Arc<File>, u64)>,
}

/// Writes a run. One thread at a time.
#[derive(Debug)]
pub(crate) struct Writer {
    room: Room,
    folder: Option<Arc<RunFolder>>,
    spill: Option<Arc<RunFolder>>,
    power: bool,
    current: Option<Current>,
    next_seq: u64,
    next_segment: u64,
    /// Bytes written in this run.
    total: u64,
    scratch: Vec<u8>,
    closed: bool,
}

#[derive(Debug)]
struct Current {
    place: Place,
    offset: u64,
    spilled: bool,
}

impl Writer {
    /// A writer into `folder`, and into `spill` when that is full; into memory if there is none.
    pub(crate) fn new(
        room: Room,
        folder: Option<Arc<RunFolder>>,
        spill: Option<Arc<RunFolder>>,
        power: bool,
    ) -> Writer {
        Writer {
            room,
            folder,
            spill,
            power,
            current: None,
            next_seq: 1,
            next_segment: 1,
            total: 0,
            scratch: Vec::new(),
            closed: false,
        }
    }

    /// Writes a parcel; `fill` appends its body.
    pub(crate) fn append(
        &mut self,
        shared: &Shared,
        kind: ParcelKind,
        rows: u32,
        numbering: Numbering,
        fill: impl FnOnce(u64, &mut Vec<u8>),
    ) -> Result<Written, SpoolError> {
        if self.closed {
            return Err(SpoolError::Closed);
        }
        let (seq, wanted) = match numbering {
            Numbering::Next { wanted } => (self.next_seq, wanted),
            Numbering::Reserved(seq) => (seq, false),
        };
        let mut scratch = std::mem::take(&mut self.scratch);
        frame::encode(&mut scratch, kind, seq, rows, fill);
        let result = self.place(shared, &scratch);
        let length = scratch.len() as u64;
        if scratch.capacity() > 4 << 20 {
            scratch = Vec::new();
        }
        self.scratch = scratch;
        let spilled = result?;
        self.next_seq = self.next_seq.max(seq + u64::from(rows));
        self.total += length;
        let mut state = shared.lock();
        state.counters.recorded += u64::from(rows);
        state.counters.bytes += length;
        if spilled {
            state.counters.spilled += u64::from(rows);
        }
        state.unread += length;
        if wanted {
            state.wanted.insert(seq, None);
            state.urgent = true;
        }
        if let (Some(segment), Some(current)) = (state.segments.back_mut(), &self.current) {
            segment.written = current.offset;
        }
        let wake = state.asleep || state.urgent;
        drop(state);
        if wake {
            shared.work.notify_one();
        }
        let file = match self.current.as_ref().map(|current| &current.place) {
            Some(Place::File(file, _)) => Some((Arc::clone(file), self.total)),
            _ => None,
        };
        Ok(Written { seq, file })
    }

    /// Takes the numbers of `rows` records, for a parcel that names them within.
    pub(crate) fn reserve(&mut self, rows: u32) -> u64 {
        let seq = self.next_seq;
        self.next_seq += u64::from(rows);
        seq
    }

    /// Gives up `rows` records: their numbers are used, so that they are missed.
    pub(crate) fn lose(&mut self, shared: &Shared, rows: u32) {
        self.next_seq += u64::from(rows);
        shared.lock().counters.lost += u64::from(rows);
    }

    /// Writes a frame into the segment it belongs to. Says whether it went into the second folder.
    fn place(&mut self, shared: &Shared, frame: &[u8]) -> Result<bool, SpoolError> {
        let body = frame.len() - FRAME_HEADER_BYTES;
        if body > BODY_BYTES_MAX {
            return Err(SpoolError::TooLarge {
                bytes: body,
                limit: BODY_BYTES_MAX,
            });
        }
        let held = shared.lock().counters.bytes;
        let full = held + frame.len() as u64 > self.room.bytes_max;
        if full && self.spill.is_none() {
            return Err(SpoolError::Full { bytes: held });
        }
        match self.write(shared, frame, full) {
            // What the first disk refuses, the second may take.
            Err(SpoolError::Disk { .. }) if !full && self.spill.is_some() => {
                self.write(shared, frame, true)
            }
            written => written,
        }
    }

    /// Writes a frame into the second folder, or into whichever is being written. Says whether it was the second.
    fn write(&mut self, shared: &Shared, frame: &[u8], spilled: bool) -> Result<bool, SpoolError> {
        let ended = {
            let state = shared.lock();
            state.segments.back().is_none_or(|last| last.closed)
        };
        // A segment in the second folder is filled, so that it is not changed from one to the other for each record.
        let fits = self.current.as_ref().is_some_and(|current| {
            !ended && current.offset < self.room.segment_bytes && (current.spilled || !spilled)
        });
        if !fits {
            self.rotate(shared, spilled)?;
        }
        let Some(current) = &mut self.current else {
            return Err(SpoolError::Closed);
        };
        if let Err(torn) = current.place.append(current.offset, frame) {
            if !torn.clean {
                // What is left of the write ends the segment: what comes next begins another.
                self.end(shared);
            }
            return Err(torn.error);
        }
        current.offset += frame.len() as u64;
        Ok(current.spilled)
    }

    fn rotate(&mut self, shared: &Shared, spilled: bool) -> Result<(), SpoolError> {
        let number = self.next_segment;
        // Also if it cannot be made: the next attempt is another file.
        self.next_segment += 1;
        let folder = if spilled { &self.spill } else { &self.folder };
        let place = match folder {
            Some(folder) => Place::in_folder(folder, number)?,
            None => Place::in_memory(number),
        };
        let settled = if self.power {
            self.settle(folder.as_deref())
        } else {
            Ok(())
        };
        // Also if that failed: what could not be synced is not written to again.
        self.end(shared);
        settled?;
        self.current = Some(Current {
            place: place.clone(),
            offset: SEGMENT_HEADER_BYTES,
            spilled,
        });
        let mut state = shared.lock();
        state.counters.bytes += SEGMENT_HEADER_BYTES;
        state.segments.push_back(Segment::new(number, place));
        Ok(())
    }

    /// Makes the old segment, and the name of the new one, survive a power cut.
    fn settle(&self, folder: Option<&RunFolder>) -> Result<(), SpoolError> {
        if let Some(Place::File(file, path)) = self.current.as_ref().map(|it| &it.place) {
            file.sync_data()
                .map_err(SpoolError::disk("syncing", path))?;
        }
        if let Some(folder) = folder {
            sync_folder(folder.path())?;
            if let Some(parent) = folder.path().parent() {
                sync_folder(parent)?;
            }
        }
        Ok(())
    }

    /// Nothing more is written to the current segment.
    fn end(&mut self, shared: &Shared) {
        self.current = None;
        if let Some(segment) = shared.lock().segments.back_mut() {
            segment.closed = true;
        }
    }

    /// Goes on in a new segment: the current one could not be synced, and a sync that failed must not be tried again,
    /// because the system may have dropped what it could not write.
    pub(crate) fn abandon_segment(&mut self, shared: &Shared) {
        self.end(shared);
    }

    /// Takes no more, and closes what is open, without a word to anybody.
    pub(crate) fn close(&mut self) {
        self.closed = true;
        self.current = None;
    }
}

fn sync_folder(path: &std::path::Path) -> Result<(), SpoolError> {
    File::open(path)
        .and_then(|folder| folder.sync_all())
        .map_err(SpoolError::disk("syncing", path))
}

/// Makes what was written survive a power cut: one call into the disk for all who wait.
#[derive(Debug, Default)]
pub(crate) struct Syncs {
    state: Mutex<SyncState>,
    done: Condvar,
}

#[derive(Debug, Default)]
struct SyncState {
    /// The file that is written now, and the bytes of the run up to its end. The files before it are on the medium.
    newest: Option<(Arc<File>, u64)>,
    /// Bytes of the run that are on the medium, but for those that failed.
    synced: u64,
    /// Files of which a sync failed, by the bytes of the run up to which they had come: what is in them is not for certain.
    failed: Vec<(Arc<File>, u64)>,
    busy: bool,
}

impl Syncs {
    /// Tells of bytes that were written.
    pub(crate) fn note(&self, file: Arc<File>, upto: u64) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state
            .newest
            .as_ref()
            .is_none_or(|(_, newest)| *newest < upto)
        {
            state.newest = Some((file, upto));
        }
    }

    /// Returns when the first `upto` bytes of the run, of which the last are in `file`, are on the medium. A sync that
    /// failed is not tried again: the system may have dropped what it could not write, and say that all is well.
    pub(crate) fn wait(&self, file: &Arc<File>, upto: u64) -> std::io::Result<()> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if state
                .failed
                .iter()
                .any(|(failed, _)| Arc::ptr_eq(failed, file))
            {
                return Err(std::io::Error::other("a sync of the same file failed"));
            }
            if state.synced >= upto {
                return Ok(());
            }
            if !state.busy {
                break;
            }
            state = self
                .done
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        let Some((newest_file, newest)) = state.newest.clone() else {
            return Ok(());
        };
        state.busy = true;
        drop(state);
        let result = newest_file.sync_data();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.busy = false;
        if result.is_ok() {
            state.synced = state.synced.max(newest);
        } else {
            state.failed.push((Arc::clone(&newest_file), newest));
        }
        drop(state);
        self.done.notify_all();
        match result {
            Err(_) if !Arc::ptr_eq(&newest_file, file) => self.wait(file, upto),
            result => result,
        }
    }
}
