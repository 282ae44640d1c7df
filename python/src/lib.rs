//! The native part of the Python package `causebook`.

mod batch;
mod capture;
mod check;
#[cfg(feature = "embedded")]
mod embedded;
mod encode;
#[cfg(feature = "embedded")]
mod home;
mod read;

use pyo3::prelude::*;

/// What `causebook` is built on. Not for direct use.
#[pymodule]
mod _native {
    #[pymodule_export]
    use crate::batch::{Column, columns_of};
    #[pymodule_export]
    use crate::capture::{Capture, Encoded, Forked, Full, NotSynced};
    #[pymodule_export]
    use crate::check::check_evidence;
    #[cfg(feature = "embedded")]
    #[pymodule_export]
    use crate::embedded::Embedded;
    #[pymodule_export]
    use crate::encode::encode;
    #[pymodule_export]
    use crate::read::{Answer, Reading};
    use pyo3::prelude::*;

    /// Version of the package.
    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))?;
        #[cfg(feature = "embedded")]
        crate::embedded::watch_forks(module)?;
        module.add("EMBEDDED", cfg!(feature = "embedded"))
    }
}
