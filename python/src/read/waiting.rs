//! Waiting so that Ctrl-C works: what may take long is done on a thread of its own, while the caller's looks for signals.

use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

/// How often it is looked for signals.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);

/// Does `work` without the interpreter's lock and gives what it gives. After Ctrl-C the work is left to itself: it ends with
/// its own limits of time, and nobody takes what it gives.
pub(crate) fn wait<T: Send + 'static>(
    py: Python<'_>,
    work: impl FnOnce() -> T + Send + 'static,
) -> PyResult<T> {
    let (tell, mut told) = sync_channel(1);
    std::thread::Builder::new()
        .name("causebook-read".to_owned())
        .spawn(move || {
            // Whoever asked may have been interrupted.
            let _ = tell.send(work());
        })?;
    loop {
        let (answer, again) = py.detach(move || (told.recv_timeout(LOOK_INTERVAL), told));
        told = again;
        match answer {
            Ok(answer) => return Ok(answer),
            Err(RecvTimeoutError::Timeout) => py.check_signals()?,
            Err(RecvTimeoutError::Disconnected) => {
                return Err(PyRuntimeError::new_err(
                    "reading stopped by a fault in causebook",
                ));
            }
        }
    }
}
