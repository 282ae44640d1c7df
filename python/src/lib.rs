//! The native part of the Python package `causebook`.

mod capture;
mod encode;

use pyo3::prelude::*;

/// What `causebook` is built on. Not for direct use.
#[pymodule]
mod _native {
    #[pymodule_export]
    use crate::capture::{Capture, Encoded, Forked, Full};
    #[pymodule_export]
    use crate::encode::encode;
    use pyo3::prelude::*;

    /// Version of the package.
    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))?;
        module.add("EMBEDDED", cfg!(feature = "embedded"))
    }
}
