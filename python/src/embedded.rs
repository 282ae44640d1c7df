//! A ledger in the process, in place of a server.

mod destination;
mod fork;
mod house;
mod python;

use std::path::Path;

use causebook_spool::Destination;
use pyo3::prelude::*;

use self::destination::EmbeddedDestination;
pub(crate) use self::fork::{live_reader, watch_forks};
pub(crate) use self::python::Embedded;

/// The ledger of this name in a home, which is made when there is something to record.
pub(crate) fn destination(home: &Path, ledger: &str) -> PyResult<Box<dyn Destination>> {
    match EmbeddedDestination::new(home, ledger, None) {
        Ok(destination) => Ok(Box::new(destination)),
        Err(fault) => Err(Python::attach(|py| fault.raise(py))),
    }
}
