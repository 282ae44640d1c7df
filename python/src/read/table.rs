//! The answer to a statement: Arrow record batches, handed over without a copy by the Arrow `PyCapsule` interface.

use std::sync::Arc;

use arrow_array::ffi_stream::FFI_ArrowArrayStream;
use arrow_array::{RecordBatch, RecordBatchIterator};
use arrow_ipc::reader::StreamReader;
use arrow_schema::{ArrowError, SchemaRef};
use pyo3::prelude::*;
use pyo3::types::{PyAny, PyCapsule, PyTuple};

use super::cells;
use super::fault::{Class, Fault};

/// The answer to a statement.
#[pyclass(module = "causebook._native", frozen)]
pub(crate) struct Answer {
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
    /// Whether there were more rows than were asked for, or than the server gives.
    #[pyo3(get)]
    truncated: bool,
}

impl Answer {
    /// Reads an Arrow IPC stream.
    pub(crate) fn read(bytes: &[u8], truncated: bool) -> Result<Answer, Fault> {
        let broken = |error: ArrowError| {
            let what = format!("the answer is not an Arrow stream: {error}");
            Fault::new(Class::Unavailable, "not-this-api", what)
        };
        let reader = StreamReader::try_new(bytes, None).map_err(broken)?;
        let schema = reader.schema();
        let batches = reader.collect::<Result<_, _>>().map_err(broken)?;
        Ok(Answer {
            schema,
            batches,
            truncated,
        })
    }
}

#[pymethods]
impl Answer {
    /// Number of rows.
    #[getter]
    fn rows(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }

    /// Names and types of the columns.
    #[getter]
    fn columns(&self) -> Vec<(String, String)> {
        let fields = self.schema.fields().iter();
        fields
            .map(|field| (field.name().clone(), field.data_type().to_string()))
            .collect()
    }

    /// Some rows as Python values.
    fn values<'py>(
        &self,
        py: Python<'py>,
        start: usize,
        count: usize,
    ) -> PyResult<Vec<Bound<'py, PyTuple>>> {
        let mut taken = Vec::with_capacity(count.min(self.rows()));
        let mut passed = 0;
        for batch in &self.batches {
            for row in 0..batch.num_rows() {
                if passed >= start && taken.len() < count {
                    let cells = batch.columns().iter();
                    let cells: PyResult<Vec<Bound<'py, PyAny>>> =
                        cells.map(|column| cells::value(py, column, row)).collect();
                    taken.push(PyTuple::new(py, cells?)?);
                }
                passed += 1;
            }
        }
        Ok(taken)
    }

    /// The rows as an Arrow C stream. The schema that is asked for is not heeded, as the interface allows.
    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        let _ = requested_schema;
        let batches = self.batches.clone().into_iter().map(Ok);
        let reader = RecordBatchIterator::new(batches, Arc::clone(&self.schema));
        let stream = FFI_ArrowArrayStream::new(Box::new(reader));
        PyCapsule::new_with_value(py, stream, c"arrow_array_stream")
    }
}
