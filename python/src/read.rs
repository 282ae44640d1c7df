//! Reading: what a ledger has, whether it is as it was signed, and evidence of it. On a server, or in a folder.

mod cells;
mod fault;
#[cfg(feature = "embedded")]
mod folder;
mod heads;
mod remote;
mod remote_verify;
mod source;
mod table;
mod trust;
mod waiting;

use std::path::PathBuf;
use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::PyBytes;

pub(crate) use self::fault::{Class, Fault};
use self::remote::{Place, Remote};
use self::source::{PageAsk, Source, VerifyAsk};
pub(crate) use self::table::Answer;
use self::waiting::wait;

/// A ledger that is asked. Its answers are JSON texts; what they mean is said in Python.
#[pyclass(module = "causebook._native", frozen)]
pub(crate) struct Reading {
    source: Arc<dyn Source>,
}

impl Reading {
    /// Asks on a thread of its own, so that Ctrl-C works.
    fn ask<T: Send + 'static>(
        &self,
        py: Python<'_>,
        question: impl FnOnce(&dyn Source) -> Result<T, Fault> + Send + 'static,
    ) -> PyResult<T> {
        let source = Arc::clone(&self.source);
        wait(py, move || question(source.as_ref()))?.map_err(|fault| fault.raise(py))
    }
}

#[pymethods]
impl Reading {
    /// A ledger of a server. Nothing is asked yet.
    #[staticmethod]
    #[pyo3(signature = (url, ledger, token=None, purpose=None, allow_plain_http=false))]
    fn remote(
        py: Python<'_>,
        url: &str,
        ledger: &str,
        token: Option<&str>,
        purpose: Option<String>,
        allow_plain_http: bool,
    ) -> PyResult<Reading> {
        let place = Place::new(url, ledger, token, purpose, allow_plain_http);
        let remote = place.and_then(Remote::open);
        Ok(Reading {
            source: Arc::new(remote.map_err(|fault| fault.raise(py))?),
        })
    }

    /// A ledger in a folder. It need not be there yet.
    #[staticmethod]
    fn folder(py: Python<'_>, home: PathBuf, ledger: &str) -> PyResult<Reading> {
        folder_source(home, ledger)
            .map(|source| Reading { source })
            .map_err(|fault| fault.raise(py))
    }

    fn item(&self, py: Python<'_>, id: String) -> PyResult<String> {
        self.ask(py, move |source| source.item(&id))
    }

    fn history(&self, py: Python<'_>, id: String) -> PyResult<Vec<String>> {
        self.ask(py, move |source| source.history(&id))
    }

    /// Records, where to go on, and the size of the ledger that both are of.
    #[pyo3(signature = (q, limit=None, oldest=false, as_of=None, cursor=None))]
    fn page(
        &self,
        py: Python<'_>,
        q: String,
        limit: Option<u32>,
        oldest: bool,
        as_of: Option<u64>,
        cursor: Option<String>,
    ) -> PyResult<(Vec<String>, Option<String>, u64)> {
        let ask = PageAsk {
            q,
            limit,
            oldest,
            as_of,
            cursor,
        };
        self.ask(py, move |source| {
            let page = source.page(&ask)?;
            Ok((page.records, page.next, page.as_of))
        })
    }

    fn digest(&self, py: Python<'_>, id: String) -> PyResult<Option<String>> {
        self.ask(py, move |source| source.digest(&id))
    }

    /// Evidence, and the keys to check it with.
    #[pyo3(signature = (id, show, linked))]
    fn evidence(
        &self,
        py: Python<'_>,
        id: String,
        show: Vec<String>,
        linked: bool,
    ) -> PyResult<(String, Vec<String>)> {
        self.ask(py, move |source| {
            let proof = source.evidence(&id, &show, linked)?;
            Ok((proof.text, proof.keys))
        })
    }

    /// Why a decision came out as it did, as JSON.
    #[pyo3(signature = (id, subject, all_versions))]
    fn why(
        &self,
        py: Python<'_>,
        id: String,
        subject: bool,
        all_versions: bool,
    ) -> PyResult<String> {
        self.ask(py, move |source| source.why(&id, subject, all_versions))
    }

    fn attachment<'py>(&self, py: Python<'py>, digest: String) -> PyResult<Bound<'py, PyBytes>> {
        let bytes = self.ask(py, move |source| source.attachment(&digest))?;
        Ok(PyBytes::new(py, &bytes))
    }

    #[pyo3(signature = (statement, rows_max=None))]
    fn sql(&self, py: Python<'_>, statement: String, rows_max: Option<u64>) -> PyResult<Answer> {
        self.ask(py, move |source| {
            let (bytes, truncated) = source.sql(&statement, rows_max)?;
            Answer::read(&bytes, truncated)
        })
    }

    #[pyo3(signature = (quick, id, sample, keys, remembering))]
    fn verify(
        &self,
        py: Python<'_>,
        quick: bool,
        id: Option<String>,
        sample: Option<u64>,
        keys: Vec<String>,
        remembering: bool,
    ) -> PyResult<String> {
        let ask = VerifyAsk {
            quick,
            id,
            sample,
            keys,
            remembering,
        };
        self.ask(py, move |source| {
            source.verify(&ask).map(|report| report.to_string())
        })
    }
}

#[cfg(feature = "embedded")]
fn folder_source(home: PathBuf, ledger: &str) -> Result<Arc<dyn Source>, Fault> {
    Ok(Arc::new(folder::Folder::new(&home, ledger)?))
}

#[cfg(not(feature = "embedded"))]
fn folder_source(home: PathBuf, _ledger: &str) -> Result<Arc<dyn Source>, Fault> {
    let what = format!(
        "a ledger in a folder ({}) needs the package causebook-embedded",
        home.display()
    );
    Err(Fault::setting("not-embedded", what).hint("pip install 'causebook[embedded]'"))
}
