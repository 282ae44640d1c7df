//! From members of a record, as Python has them, to a record in the spool.
//!
//! Everything that runs Python code (encoding) happens before the spool is touched: its lock is never held while the
//! interpreter may switch to another thread that records too.

mod clock;
mod draft;
mod ids;
mod open;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use causebook_spool::{Appended, Counters, Outcome, ParcelKind, Spool, SpoolError};
use pyo3::create_exception;
use pyo3::exceptions::{PyException, PyOSError, PyRuntimeError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use crate::encode::{Attached, Encoder, Limits};
use clock::Deadline;
use draft::Draft;
use ids::Ids;

create_exception!(
    _native,
    Forked,
    PyException,
    "This process is a fork of the one that made the capture: it needs one of its own."
);
create_exception!(
    _native,
    NotSynced,
    PyOSError,
    "A record is kept and will be delivered, but may not survive a power cut: id and number are its arguments."
);
create_exception!(
    _native,
    Full,
    PyOSError,
    "The spool holds as much as it may."
);

/// How long is waited before it is looked whether somebody wants to interrupt.
const SLICE: Duration = Duration::from_millis(100);
/// Digests of attachments that are remembered, so that the same bytes are sent once.
const KNOWN_MAX: usize = 64;

/// A value as it was, encoded.
#[pyclass(frozen)]
#[derive(Debug)]
pub(crate) struct Encoded {
    json: Vec<u8>,
    /// What goes beside every record that has this value as a member.
    attached: Arc<[Arc<Attached>]>,
}

#[pymethods]
impl Encoded {
    /// Encodes a value; `member` names its attachments.
    #[new]
    #[pyo3(signature = (value, member = ""))]
    fn new(value: &Bound<'_, PyAny>, member: &str) -> PyResult<Encoded> {
        let mut encoder = Encoder::new(Limits::default());
        encoder.named(member);
        let mut json = Vec::with_capacity(256);
        encoder.document(value, &mut json)?;
        Ok(Encoded {
            json,
            attached: encoder.attachments().into_iter().map(Arc::new).collect(),
        })
    }

    /// The text of the document.
    fn text(&self) -> PyResult<String> {
        Ok(String::from_utf8(self.json.clone())?)
    }
}

impl Encoded {
    /// Appends the document, and names what goes beside it.
    pub(crate) fn write(&self, out: &mut Vec<u8>, attached: &mut Vec<Arc<Attached>>) {
        out.extend_from_slice(&self.json);
        attached.extend(self.attached.iter().cloned());
    }
}

/// Records of one program on their way to one ledger: a run of a spool.
#[pyclass(frozen)]
#[derive(Debug)]
pub(crate) struct Capture {
    spool: Mutex<Option<Arc<Spool>>>,
    /// The process that made it. A fork of it has another.
    process: u32,
    /// `,"source":{"name":…,"run":…,"seq":`
    source: Vec<u8>,
    /// Name and run of the source, as JSON text.
    source_name: String,
    run: String,
    bytes_max: u64,
    power: bool,
    ids: Ids,
    /// Ends when everything that the spool had to say is said.
    told: open::Told,
    sent: Mutex<VecDeque<String>>,
    /// A buffer for the next record.
    buffer: Mutex<Vec<u8>>,
}

#[pymethods]
impl Capture {
    /// Opens a spool and starts to deliver from it.
    #[new]
    #[pyo3(signature = (settings, listener))]
    fn new(settings: &Bound<'_, PyDict>, listener: Py<PyAny>) -> PyResult<Capture> {
        open::open(settings, listener)
    }

    /// Puts a record into the spool. Gives its id and its number. `attachments` are name, media type and bytes.
    ///
    /// `block` is how many seconds may be waited for room in a full spool. With `wanted`, `outcome` must be asked.
    #[pyo3(signature = (kind, id, time, members, attachments, wanted, block))]
    #[allow(
        clippy::too_many_arguments,
        reason = "keywords for Python, by position for speed"
    )]
    fn submit<'py>(
        &self,
        kind: &str,
        id: Option<&Bound<'py, PyString>>,
        time: Option<&str>,
        members: &Bound<'py, PyDict>,
        attachments: Option<Vec<(String, String, Vec<u8>)>>,
        wanted: bool,
        block: f64,
    ) -> PyResult<(Bound<'py, PyString>, u64)> {
        let py = members.py();
        self.check_process()?;
        let mut buffer = std::mem::take(&mut *lock(&self.buffer));
        let mut draft = Draft::begin(&mut buffer, kind);
        let id = draft.identify(py, id, &self.ids)?;
        draft.time(time);
        draft.members(members)?;
        draft.attach(attachments.unwrap_or_default());
        let attached = draft.end();
        let result = self.keep(py, &buffer, &attached, wanted, block);
        if buffer.capacity() > 1 << 20 {
            buffer = Vec::new();
        }
        buffer.clear();
        *lock(&self.buffer) = buffer;
        Ok((id, result?))
    }

    /// An id for a record that is named before it is made.
    pub(crate) fn new_id(&self) -> PyResult<String> {
        self.ids.next()
    }

    /// Uses up the number of a record that could not be kept, so that the ledger misses it.
    fn lose(&self, rows: u32) -> PyResult<()> {
        self.spool()?.lose(rows);
        Ok(())
    }

    /// What came of a record that was submitted as wanted: `("stored", id, index, digest, repeated)`,
    /// `("refused", code, what)`, or None if it is not known after `timeout` seconds.
    fn outcome(&self, py: Python<'_>, seq: u64, timeout: f64) -> PyResult<Option<Told>> {
        self.check_process()?;
        let mut outcome = None;
        let waited = self.wait(py, timeout, |spool, slice| {
            outcome = spool.outcome(seq, slice);
            outcome.is_some()
        });
        if outcome.is_none() {
            // Also if the wait was interrupted: nobody asks again.
            self.spool()?.forget(seq);
        }
        waited?;
        Ok(outcome.map(told))
    }

    /// Waits until everything recorded so far is delivered or refused, for at most `timeout` seconds. Says whether it is.
    fn flush(&self, py: Python<'_>, timeout: f64) -> PyResult<bool> {
        self.check_process()?;
        self.spool()?.nudge();
        let recorded = self.spool()?.counters().recorded;
        self.wait(py, timeout, |spool, slice| {
            spool.flush_first(recorded, slice)
        })
    }

    /// `(recorded, delivered, refused, lost, spilled, adopted, pending, bytes, trouble)`
    fn counters(&self) -> PyResult<Row> {
        Ok(row(&self.spool()?.counters()))
    }

    /// Delivers what is left, for at most `timeout` seconds, and gives the spool up. Gives the counters.
    fn close(&self, py: Python<'_>, timeout: f64) -> PyResult<Row> {
        self.check_process()?;
        self.spool()?.nudge();
        let mut is_flushed = false;
        let flushed = self.wait(py, timeout, |spool, slice| {
            is_flushed = is_flushed || spool.flush(slice);
            is_flushed && spool.finish_adoption(slice)
        });
        let spool = lock(&self.spool).take();
        let Some(spool) = spool else {
            return Err(closed());
        };
        let counters = py.detach(|| {
            let counters = spool.close(Duration::ZERO);
            drop(spool);
            self.told.wait();
            counters
        });
        flushed?;
        Ok(row(&counters))
    }

    /// In a forked child: lets go of what the parent holds, without waiting for anything.
    fn forsake(&self) {
        if let Ok(mut spool) = self.spool.try_lock()
            && let Some(spool) = spool.take()
        {
            spool.forsake();
        }
    }
}

impl Capture {
    fn of(
        spool: Spool,
        told: open::Told,
        source: (String, String),
        bytes_max: u64,
        power: bool,
    ) -> Capture {
        let (source_name, run) = source;
        let source = format!(r#","source":{{"name":{source_name},"run":{run},"seq":"#);
        Capture {
            spool: Mutex::new(Some(Arc::new(spool))),
            process: std::process::id(),
            source: source.into_bytes(),
            source_name,
            run,
            bytes_max,
            power,
            ids: Ids::default(),
            told,
            sent: Mutex::default(),
            buffer: Mutex::default(),
        }
    }

    /// Puts a draft that is complete but for its source into the spool, behind what is attached to it.
    fn keep(
        &self,
        py: Python<'_>,
        draft: &[u8],
        attached: &[Arc<Attached>],
        wanted: bool,
        block: f64,
    ) -> PyResult<u64> {
        self.attach(py, attached, block)?;
        self.append(py, block, ParcelKind::Record, 1, wanted, |seq, out| {
            out.extend_from_slice(draft);
            out.extend_from_slice(&self.source);
            out.extend_from_slice(itoa::Buffer::new().format(seq).as_bytes());
            out.extend_from_slice(b"}}");
        })
    }

    /// Puts attachments into the spool, before the records that name them.
    pub(crate) fn attach(
        &self,
        py: Python<'_>,
        attached: &[Arc<Attached>],
        block: f64,
    ) -> PyResult<()> {
        for attached in attached {
            if !lock(&self.sent).contains(&attached.digest) {
                self.append(py, block, ParcelKind::Attachment, 0, false, |_, out| {
                    out.extend_from_slice(&attached.bytes);
                })?;
                self.remember(&attached.digest);
            }
        }
        Ok(())
    }

    /// The spool keeps what was sent in order, so what follows in this run finds the attachment there.
    fn remember(&self, digest: &str) {
        let mut sent = lock(&self.sent);
        if sent.len() == KNOWN_MAX {
            sent.pop_front();
        }
        sent.push_back(digest.to_owned());
    }

    /// Appends a parcel, waiting for room for up to `block` seconds.
    fn append(
        &self,
        py: Python<'_>,
        block: f64,
        kind: ParcelKind,
        rows: u32,
        wanted: bool,
        fill: impl Fn(u64, &mut Vec<u8>),
    ) -> PyResult<u64> {
        self.when_there_is_room(py, block, |spool| spool.append(kind, rows, wanted, &fill))
    }

    /// Appends, waiting for room for up to `block` seconds.
    pub(crate) fn when_there_is_room(
        &self,
        py: Python<'_>,
        block: f64,
        append: impl Fn(&Spool) -> Result<Appended, SpoolError>,
    ) -> PyResult<u64> {
        let deadline = Deadline::after(block);
        // Some room, so that not every record waits; all of it, if that is not enough.
        let mut enough = self.bytes_max - self.bytes_max / 16;
        loop {
            match append(&*self.spool()?) {
                Ok(appended) => return self.settle(py, appended),
                Err(SpoolError::Full { .. }) if !deadline.left().is_zero() => {
                    self.spool()?.nudge();
                    let left = deadline.left().as_secs_f64();
                    self.wait(py, left, |spool, slice| spool.wait_for_room(enough, slice))?;
                    enough /= 2;
                }
                Err(error) => return Err(raised(&error)),
            }
        }
    }

    /// Takes the numbers of records for a batch.
    pub(crate) fn reserve(&self, rows: u32) -> PyResult<u64> {
        Ok(self.spool()?.reserve(rows))
    }

    /// Counts records as lost whose numbers were reserved.
    pub(crate) fn miss(&self, rows: u32) -> PyResult<()> {
        self.spool()?.miss(rows);
        Ok(())
    }

    /// Name and run of the source, as JSON text.
    pub(crate) fn source(&self) -> (&str, &str) {
        (&self.source_name, &self.run)
    }

    /// In power mode, waits for the medium.
    fn settle(&self, py: Python<'_>, appended: Appended) -> PyResult<u64> {
        if self.power {
            let spool = self.spool()?;
            py.detach(|| spool.settle(&appended))
                .map_err(|error| raised(&error))?;
        }
        Ok(appended.seq)
    }

    /// Waits in slices, so that the program can be interrupted. Says whether `done` was.
    fn wait(
        &self,
        py: Python<'_>,
        timeout: f64,
        mut done: impl FnMut(&Spool, Duration) -> bool + Send,
    ) -> PyResult<bool> {
        let spool = self.spool()?;
        let deadline = Deadline::after(timeout);
        loop {
            let slice = deadline.left().min(SLICE);
            if py.detach(|| done(&spool, slice)) {
                return Ok(true);
            }
            py.check_signals()?;
            if deadline.left().is_zero() {
                return Ok(false);
            }
        }
    }

    fn spool(&self) -> PyResult<Arc<Spool>> {
        lock(&self.spool).clone().ok_or_else(closed)
    }

    pub(crate) fn check_process(&self) -> PyResult<()> {
        if std::process::id() == self.process {
            return Ok(());
        }
        Err(Forked::new_err("the capture belongs to the parent process"))
    }
}

/// What came of a record, for Python.
#[derive(IntoPyObject)]
enum Told {
    #[pyo3(transparent)]
    Stored((&'static str, String, u64, String, bool)),
    #[pyo3(transparent)]
    Refused((&'static str, String, String)),
}

fn told(outcome: Outcome) -> Told {
    match outcome {
        Outcome::Stored(it) => Told::Stored(("stored", it.id, it.index, it.digest, it.repeated)),
        Outcome::Refused(refusal) => Told::Refused(("refused", refusal.code, refusal.what)),
    }
}

/// `(recorded, delivered, refused, lost, spilled, adopted, pending, bytes, trouble)`
type Row = (u64, u64, u64, u64, u64, u64, u64, u64, Option<String>);

fn row(counters: &Counters) -> Row {
    (
        counters.recorded,
        counters.delivered,
        counters.refused,
        counters.lost + counters.unreadable,
        counters.spilled,
        counters.adopted,
        counters.pending(),
        counters.bytes,
        counters.trouble.clone(),
    )
}

fn raised(error: &SpoolError) -> PyErr {
    match error {
        SpoolError::Full { .. } => Full::new_err(error.to_string()),
        SpoolError::NotSynced { .. } => NotSynced::new_err(error.to_string()),
        SpoolError::Closed => closed(),
        _ => PyOSError::new_err(error.to_string()),
    }
}

fn closed() -> PyErr {
    PyRuntimeError::new_err("the book is closed")
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
