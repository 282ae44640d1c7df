//! The spool of a run: what a program that records holds.

use std::fs::File;
use std::mem;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::cursor::Cursor;
use crate::destination::{Destination, Outcome, ParcelKind};
use crate::error::SpoolError;
use crate::folder::RunFolder;
use crate::sender::{Retry, Sender};
use crate::state::{Counters, Shared, now};
use crate::writer::{Numbering, Room, Syncs, Writer, Written};

/// How a spool behaves.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// Where runs are kept, a folder each. `None`: in memory, and lost with the process.
    pub folder: Option<PathBuf>,
    /// A second place, on another disk if possible, for what does not fit into the first.
    pub spill: Option<PathBuf>,
    /// Name of this run within the folder, of letters, digits, `-`, `.` and `_`.
    pub run: String,
    /// JSON for people who look into the folder. No secrets.
    pub about: String,
    /// Most bytes that are kept. 1 GiB.
    pub bytes_max: u64,
    /// A record is on the medium before [`Spool::append`] returns, not only with the operating system.
    pub power: bool,
    /// How long it is waited for more records before some are sent. 50 ms.
    pub linger: Duration,
}

impl Options {
    /// The defaults, for a run of this name.
    pub fn new(run: &str) -> Options {
        Options {
            folder: None,
            spill: None,
            run: run.to_owned(),
            about: "{}".to_owned(),
            bytes_max: 1 << 30,
            power: false,
            linger: Duration::from_millis(50),
        }
    }
}

/// Something that somebody should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// It is not as it should be.
    pub is_error: bool,
    /// In a sentence.
    pub text: String,
}

impl Event {
    pub(crate) fn error(text: String) -> Event {
        Event {
            is_error: true,
            text,
        }
    }

    pub(crate) fn info(text: String) -> Event {
        Event {
            is_error: false,
            text,
        }
    }
}

/// Records of one run of one process, on their way to a ledger.
///
/// What [`Spool::append`] returned for is delivered by this process, or by another one that finds the folder after it.
#[derive(Debug)]
pub struct Spool {
    writer: Mutex<Writer>,
    shared: Arc<Shared>,
    syncs: Syncs,
    power: bool,
    folders: Vec<Arc<RunFolder>>,
    sender: Mutex<Option<JoinHandle<()>>>,
}

impl Spool {
    /// Makes the folder of a new run and starts to deliver. `listener` is called by the thread that delivers.
    ///
    /// # Errors
    /// If the folder cannot be made, or no thread be started.
    pub fn open(
        options: &Options,
        destination: Box<dyn Destination>,
        listener: impl Fn(Event) + Send + 'static,
    ) -> Result<Spool, SpoolError> {
        let make = |place: &Option<PathBuf>| {
            let made = place
                .as_ref()
                .map(|place| RunFolder::create(place, &options.run, &options.about));
            made.transpose().map(|folder| folder.map(Arc::new))
        };
        let folder = make(&options.folder)?;
        let spill = make(&options.spill)?;
        let room = Room {
            bytes_max: options.bytes_max,
            segment_bytes: (options.bytes_max / 8).clamp(64 << 10, 8 << 20),
        };
        let writer = Writer::new(room, folder.clone(), spill.clone(), options.power);
        let shared = Arc::new(Shared::default());
        shared.lock().adopting = options.folder.is_some() || options.spill.is_some();
        let sender = Sender {
            shared: Arc::clone(&shared),
            destination,
            listener: Box::new(listener),
            folder: folder.clone(),
            spools: [&options.folder, &options.spill]
                .into_iter()
                .flatten()
                .cloned()
                .collect(),
            linger: options.linger,
            cursor: Cursor::default(),
            retry: Retry::default(),
            orphan: None,
            next_adoption: now(),
            left_alone: [&folder, &spill]
                .into_iter()
                .flatten()
                .map(|folder| folder.path().to_owned())
                .collect(),
            next_seq: 1,
            passed_over: false,
            rested: true,
        };
        let thread = thread::Builder::new()
            .name("causebook-spool".to_owned())
            .spawn(move || sender.run())
            .map_err(|source| SpoolError::Disk {
                doing: "starting the thread that delivers",
                path: options.folder.clone().unwrap_or_default(),
                source,
            })?;
        Ok(Spool {
            writer: Mutex::new(writer),
            shared,
            syncs: Syncs::default(),
            power: options.power,
            folders: folder.into_iter().chain(spill).collect(),
            sender: Mutex::new(Some(thread)),
        })
    }

    /// Keeps a parcel of `rows` records; `fill` is given the number of the first and appends the body. It is called with
    /// a lock held: it must be quick, and must not wait for another thread that records.
    ///
    /// With `wanted`, [`Spool::outcome`] must be asked for what came of it. In power mode this waits for the medium:
    /// see [`Spool::settle`] for how to wait elsewhere.
    ///
    /// # Errors
    /// If the parcel is not kept, or not as safely as was asked for.
    pub fn append(
        &self,
        kind: ParcelKind,
        rows: u32,
        wanted: bool,
        fill: impl FnOnce(u64, &mut Vec<u8>),
    ) -> Result<Appended, SpoolError> {
        self.write(kind, rows, Numbering::Next { wanted }, fill)
    }

    /// Takes the numbers of `rows` records, for [`Spool::append_reserved`]. Unless it is appended, the ledger sees a gap.
    pub fn reserve(&self, rows: u32) -> u64 {
        self.writer().reserve(rows)
    }

    /// Keeps a parcel that has the numbers of its records, from `seq`, within its body.
    ///
    /// # Errors
    /// As [`Spool::append`].
    pub fn append_reserved(
        &self,
        kind: ParcelKind,
        rows: u32,
        seq: u64,
        body: &[u8],
    ) -> Result<Appended, SpoolError> {
        self.write(kind, rows, Numbering::Reserved(seq), |_, out| {
            out.extend_from_slice(body);
        })
    }

    fn write(
        &self,
        kind: ParcelKind,
        rows: u32,
        numbering: Numbering,
        fill: impl FnOnce(u64, &mut Vec<u8>),
    ) -> Result<Appended, SpoolError> {
        let written = self
            .writer()
            .append(&self.shared, kind, rows, numbering, fill)?;
        let Written { seq, file } = written;
        let written = file.filter(|_| self.power);
        if let Some((file, bytes)) = &written {
            self.syncs.note(Arc::clone(file), *bytes);
        }
        Ok(Appended { seq, written })
    }

    /// In power mode: returns when what was appended is on the medium. At once in other modes.
    ///
    /// # Errors
    /// If the disk cannot say that it is. The record is still delivered by this process.
    pub fn settle(&self, appended: &Appended) -> Result<(), SpoolError> {
        let Some((file, upto)) = &appended.written else {
            return Ok(());
        };
        self.syncs.wait(file, *upto).map_err(|source| {
            self.writer().abandon_segment(&self.shared);
            let path = self.folders.first().map(|folder| folder.path().to_owned());
            SpoolError::NotSynced {
                path: path.unwrap_or_default(),
                source,
            }
        })
    }

    /// Gives up `rows` records that could not be appended: their numbers stay unused, so that the ledger sees a gap.
    pub fn lose(&self, rows: u32) {
        self.writer().lose(&self.shared, rows);
    }

    /// Counts `rows` records as lost whose numbers were reserved.
    pub fn miss(&self, rows: u32) {
        self.shared.lock().counters.lost += u64::from(rows);
    }

    /// Waits until the spool holds less than it may, for at most `timeout`. Says whether it does.
    pub fn wait_for_room(&self, bytes_max: u64, timeout: Duration) -> bool {
        let room = |state: &mut crate::state::State| {
            (state.counters.bytes < bytes_max || state.ended).then_some(())
        };
        self.shared.wait_until(timeout, room).is_some()
    }

    /// What came of the record `seq`, which was appended as `wanted`; `None` if it is not known after `timeout`, and
    /// may be asked again.
    pub fn outcome(&self, seq: u64, timeout: Duration) -> Option<Outcome> {
        self.shared.wait_until(timeout, |state| {
            state.wanted.get(&seq)?.as_ref()?;
            state.wanted.remove(&seq).flatten()
        })
    }

    /// Nobody asks for the outcome of `seq` any more.
    pub fn forget(&self, seq: u64) {
        self.shared.lock().wanted.remove(&seq);
    }

    /// Waits until everything recorded so far is delivered or refused, for at most `timeout`. Says whether it is.
    pub fn flush(&self, timeout: Duration) -> bool {
        let recorded = self.counters().recorded;
        self.flush_first(recorded, timeout)
    }

    /// Waits until the first so many records of the run are delivered or refused, for at most `timeout`. Says whether
    /// they are. What is recorded meanwhile is not waited for: a busy program would wait for ever.
    pub fn flush_first(&self, recorded: u64, timeout: Duration) -> bool {
        self.hurry();
        self.shared
            .wait_until(timeout, |state| {
                let settled = state.counters.settled() >= recorded;
                (settled || state.ended).then_some(settled)
            })
            .unwrap_or(false)
    }

    /// Waits until what processes left that are gone is delivered, for at most `timeout`. Says whether it is. How far
    /// a segment of theirs is delivered is not kept: programs that never waited for it would begin it for ever.
    pub fn finish_adoption(&self, timeout: Duration) -> bool {
        self.shared
            .wait_until(timeout, |state| {
                (!state.adopting || state.ended).then_some(!state.adopting)
            })
            .unwrap_or(false)
    }

    /// What became of the records so far.
    pub fn counters(&self) -> Counters {
        self.shared.lock().counters.clone()
    }

    /// Delivers what is left, for at most `timeout`, and gives the folder up: what is still there is delivered by the
    /// next process that uses the same spool.
    pub fn close(&self, timeout: Duration) -> Counters {
        self.flush(timeout);
        self.writer().close();
        {
            let mut state = self.shared.lock();
            state.closing = true;
            state.abandoned = state.counters.pending() > 0;
        }
        self.shared.work.notify_all();
        // One that is in the middle of a request to a server that does not answer is not waited for.
        let patience = Duration::from_millis(500);
        let ended = self
            .shared
            .wait_until(patience, |state| state.ended.then_some(()));
        let thread = self
            .sender
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let (Some(()), Some(thread)) = (ended, thread) {
            let _ = thread.join();
        }
        let counters = self.counters();
        let done = counters.pending() == 0;
        for folder in &self.folders {
            if done {
                self.remove_segments(folder);
            }
            folder.release();
            if done {
                folder.remove_if_done();
            }
        }
        counters
    }

    /// In a child of a fork: closes the files that the parent has open too, so that its locks end with it. The spool must
    /// not be used afterwards, and is never dropped: the threads that it speaks of do not exist here.
    pub fn forsake(self: Arc<Self>) {
        if let Ok(mut writer) = self.writer.try_lock() {
            writer.close();
        }
        for folder in &self.folders {
            folder.close_lock();
        }
        mem::forget(self);
    }

    fn remove_segments(&self, folder: &RunFolder) {
        self.shared.lock().segments.clear();
        for number in folder.segments().unwrap_or_default() {
            let _ = std::fs::remove_file(folder.segment(number));
        }
    }

    /// Lets the sender deliver what there is without waiting for more.
    fn hurry(&self) {
        let mut state = self.shared.lock();
        if !state.urgent {
            state.urgent = true;
            drop(state);
            self.shared.work.notify_all();
        }
    }

    /// Lets the sender try now, in spite of an earlier failure; not if the destination asked to be left alone.
    pub fn nudge(&self) {
        let mut state = self.shared.lock();
        state.urgent = true;
        state.nudges += 1;
        drop(state);
        self.shared.work.notify_all();
    }

    fn writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What [`Spool::append`] gave a parcel.
#[derive(Clone, Debug)]
#[must_use = "in power mode `Spool::settle` makes it survive a power cut"]
pub struct Appended {
    /// Number of its first record.
    pub seq: u64,
    /// In power mode: the file that it is in, and the bytes of the run up to its end.
    written: Option<(Arc<File>, u64)>,
}
