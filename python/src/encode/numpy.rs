//! Scalars of numpy without a call into Python: models return them everywhere.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyType};

/// How a scalar is read and written.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Double,
    Single,
    Signed,
    Unsigned,
    Bool,
    Text,
}

/// The types of numpy, once the program has imported it.
#[derive(Debug)]
struct Scalars {
    /// Kept alive, so that the addresses stay theirs.
    types: Vec<(Py<PyType>, Kind, &'static str)>,
}

static SCALARS: PyOnceLock<Scalars> = PyOnceLock::new();

const KNOWN: [(&str, Kind, &str); 13] = [
    ("float64", Kind::Double, "numpy.float64"),
    ("float32", Kind::Single, "numpy.float32"),
    ("int64", Kind::Signed, "numpy.int64"),
    ("bool_", Kind::Bool, "numpy.bool"),
    ("str_", Kind::Text, "numpy.str"),
    ("int32", Kind::Signed, "numpy.int32"),
    ("uint8", Kind::Unsigned, "numpy.uint8"),
    ("int16", Kind::Signed, "numpy.int16"),
    ("int8", Kind::Signed, "numpy.int8"),
    ("uint16", Kind::Unsigned, "numpy.uint16"),
    ("uint32", Kind::Unsigned, "numpy.uint32"),
    ("uint64", Kind::Unsigned, "numpy.uint64"),
    ("float16", Kind::Single, "numpy.float16"),
];

/// What `value` is among the scalars of numpy, and the name of its type in documents.
pub(super) fn scalar(value: &Bound<'_, PyAny>) -> Option<(Kind, &'static str)> {
    let py = value.py();
    let scalars = if let Some(scalars) = SCALARS.get(py) {
        scalars
    } else {
        let found = find(py)?;
        SCALARS.get_or_init(py, || found)
    };
    let address = value.get_type_ptr();
    scalars
        .types
        .iter()
        .find(|(kind, _, _)| std::ptr::eq(kind.as_ptr().cast(), address))
        .map(|(_, kind, name)| (*kind, *name))
}

/// None if numpy is not imported, or not yet wholly.
fn find(py: Python<'_>) -> Option<Scalars> {
    let modules = py.import("sys").ok()?.getattr("modules").ok()?;
    let numpy = modules.cast::<PyDict>().ok()?.get_item("numpy").ok()??;
    let mut types = Vec::with_capacity(KNOWN.len());
    for (attribute, kind, name) in KNOWN {
        let class = numpy.getattr(attribute).ok()?.cast_into::<PyType>().ok()?;
        types.push((class.unbind(), kind, name));
    }
    Some(Scalars { types })
}
