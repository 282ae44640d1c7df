//! Settings of a capture, and the ledger that it delivers to.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, channel, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use causebook_client::{Client, Credentials, Options, RemoteDestination, Url};
use causebook_spool::{Destination, Event, Spool};
use pyo3::exceptions::{PyOSError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::Capture;
use crate::encode::string;

/// What Python gives.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
struct Settings {
    /// Address of a server.
    url: Option<String>,
    /// Folder of ledgers, in place of a server.
    home: Option<PathBuf>,
    ledger: String,
    token: Option<String>,
    allow_plain_http: bool,
    source: String,
    run: String,
    spool: Option<PathBuf>,
    spill: Option<PathBuf>,
    about: String,
    bytes_max: u64,
    power: bool,
    linger: f64,
}

/// Opens what the settings say.
pub(super) fn open(settings: &Bound<'_, PyDict>, listener: Py<PyAny>) -> PyResult<Capture> {
    let settings: Settings = settings.extract()?;
    let destination = destination(&settings)?;
    let mut options = causebook_spool::Options::new(&settings.run);
    options.folder.clone_from(&settings.spool);
    options.spill.clone_from(&settings.spill);
    options.about.clone_from(&settings.about);
    options.bytes_max = settings.bytes_max;
    options.power = settings.power;
    options.linger = Duration::try_from_secs_f64(settings.linger)
        .map_err(|error| PyValueError::new_err(format!("linger: {error}")))?;
    let (tell, told) = told(listener).map_err(|error| PyOSError::new_err(error.to_string()))?;
    let spool = Spool::open(&options, destination, tell)
        .map_err(|error| PyOSError::new_err(error.to_string()))?;
    Ok(Capture::new_of(spool, told, &settings))
}

impl Capture {
    fn new_of(spool: Spool, told: Told, settings: &Settings) -> Capture {
        let json = |text: &str| {
            let mut json = Vec::new();
            string(text, &mut json);
            String::from_utf8_lossy(&json).into_owned()
        };
        let source = (json(&settings.source), json(&settings.run));
        Capture::of(spool, told, source, settings.bytes_max, settings.power)
    }
}

fn destination(settings: &Settings) -> PyResult<Box<dyn Destination>> {
    match (&settings.url, &settings.home) {
        (Some(url), None) => remote(url, settings),
        #[cfg(feature = "embedded")]
        (None, Some(home)) => crate::embedded::destination(home, &settings.ledger),
        _ => Err(PyValueError::new_err("neither a server nor a folder")),
    }
}

fn remote(url: &str, settings: &Settings) -> PyResult<Box<dyn Destination>> {
    let refused = |error: &dyn std::fmt::Display| PyValueError::new_err(error.to_string());
    let url = Url::parse(url).map_err(|error| refused(&error))?;
    let credentials = match &settings.token {
        Some(token) => Credentials::token(token).map_err(|error| refused(&error))?,
        None => Credentials::default(),
    };
    let mut options = Options::default();
    // The spool tries again, with a longer breath.
    options.retries_max = 1;
    options.allow_plain_http = settings.allow_plain_http;
    // What is referred to may be on its way from another process.
    options.allow_missing_target = true;
    let client =
        Client::connect_with(&url, &credentials, options).map_err(|error| refused(&error))?;
    Ok(Box::new(RemoteDestination::new(
        client.ledger(&settings.ledger),
    )))
}

/// Events that wait to be told: one that tells slowly loses the newest, not the delivery.
const EVENTS_MAX: usize = 256;
/// How long the end waits for what is still to be told.
const PATIENCE: Duration = Duration::from_millis(500);

/// What the spool says, on its way to Python by a thread of its own: a handler of logs may take its time, or wait for the
/// very record that is being delivered.
#[derive(Debug)]
pub(super) struct Told(Mutex<Receiver<()>>);

impl Told {
    /// Waits until all is told, for a moment at most.
    pub(super) fn wait(&self) {
        let ended = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = ended.recv_timeout(PATIENCE);
    }
}

fn told(listener: Py<PyAny>) -> std::io::Result<(impl Fn(Event) + Send + 'static, Told)> {
    let (events, heard) = sync_channel::<Event>(EVENTS_MAX);
    let (end, ended) = channel();
    std::thread::Builder::new()
        .name("causebook-log".to_owned())
        .spawn(move || {
            // Hangs up when this thread ends.
            let _end: std::sync::mpsc::Sender<()> = end;
            for event in heard {
                // Without an interpreter nobody listens; what is kept is found by the next process.
                let _ = Python::try_attach(|py| {
                    if let Err(error) = listener.call1(py, (event.is_error, event.text)) {
                        error.write_unraisable(py, None);
                    }
                });
            }
            // A reference that is given up without an interpreter is leaked, which is as well.
            let _ = Python::try_attach(|py| listener.drop_ref(py));
        })?;
    let tell = move |event| {
        let _ = events.try_send(event);
    };
    Ok((tell, Told(Mutex::new(ended))))
}
