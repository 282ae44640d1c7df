//! The destination by itself, for whoever delivers without a spool: the tests of it.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use causebook_spool::{Destination as _, Outcome, Parcel, ParcelKind};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use super::EmbeddedDestination;

/// A ledger in a folder that is written to.
#[pyclass(module = "causebook._native", frozen)]
pub(crate) struct Embedded {
    destination: Mutex<EmbeddedDestination>,
}

/// What came of a record: its id, index, digest and whether it was there already; or code and sentence of a refusal.
type Told = (
    Option<(String, u64, String, bool)>,
    Option<(String, String)>,
);

/// Parcels taken, what came of their records, what was refused of attachments, and why it ended, if it did.
type Delivered = (usize, Vec<Told>, Vec<String>, Option<String>);

#[pymethods]
impl Embedded {
    #[new]
    #[pyo3(signature = (home, ledger, by=None))]
    fn new(py: Python<'_>, home: PathBuf, ledger: &str, by: Option<&str>) -> PyResult<Embedded> {
        let destination =
            EmbeddedDestination::new(&home, ledger, by).map_err(|fault| fault.raise(py))?;
        Ok(Embedded {
            destination: Mutex::new(destination),
        })
    }

    /// Delivers parcels: kind (`record`, `batch`, `attachment`), number of records and content each. Gives how many were
    /// taken, what came of their records, what was refused of attachments, and why it ended, if it did.
    fn deliver(&self, py: Python<'_>, parcels: Vec<(String, u32, Vec<u8>)>) -> PyResult<Delivered> {
        let kinds: PyResult<Vec<ParcelKind>> =
            parcels.iter().map(|(kind, _, _)| named(kind)).collect();
        let kinds = kinds?;
        let delivery = py.detach(|| {
            let bodies = parcels.iter().zip(kinds).zip(0..);
            let all: Vec<Parcel<'_>> = bodies
                .map(|(((_, rows, body), kind), seq)| Parcel {
                    kind,
                    seq,
                    rows: *rows,
                    body,
                })
                .collect();
            let mut destination = self
                .destination
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            destination.deliver(&all)
        });
        let told = delivery.outcomes.into_iter().map(|outcome| match outcome {
            Outcome::Stored(it) => (Some((it.id, it.index, it.digest, it.repeated)), None),
            Outcome::Refused(it) => (None, Some((it.code, it.what))),
        });
        let refused = delivery.attachments_refused.into_iter().map(|it| it.what);
        Ok((
            delivery.parcels,
            told.collect(),
            refused.collect(),
            delivery.failure.map(|failure| failure.what),
        ))
    }

    /// Lets go of the ledger until there is something to deliver again.
    fn idle(&self, py: Python<'_>) {
        py.detach(|| {
            self.destination
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .idle();
        });
    }
}

fn named(kind: &str) -> PyResult<ParcelKind> {
    match kind {
        "record" => Ok(ParcelKind::Record),
        "batch" => Ok(ParcelKind::Batch),
        "attachment" => Ok(ParcelKind::Attachment),
        other => Err(PyValueError::new_err(format!(
            "{other:?} is no kind of parcel"
        ))),
    }
}
