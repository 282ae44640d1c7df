//! Many records at once, by columns: from frames and arrays, as they lie in memory, to an Arrow IPC stream in the spool.
//! No Python runs for a row.

mod column;
mod stream;

use std::sync::Arc;

use causebook_spool::{ParcelKind, SpoolError};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

pub(crate) use column::{Column, columns_of};

use crate::capture::{Capture, NotSynced};
use stream::Rows;

/// Rows of a parcel: a server takes more in one batch.
const PARCEL_ROWS: usize = 10_000;

#[pymethods]
impl Capture {
    /// Puts a record for each row into the spool, and gives their ids.
    ///
    /// `members` are those of every record, `columns` those of each: by the path from the record's root, as JSON text
    /// of an array, so that `["input","age"]` is a member of the input. Nested members keep their nulls.
    fn submit_batch(
        &self,
        members: &Bound<'_, PyDict>,
        columns: Vec<(Vec<String>, PyRef<'_, Column>)>,
        rows: usize,
        block: f64,
    ) -> PyResult<Vec<String>> {
        let py = members.py();
        self.check_process()?;
        if let Some((path, column)) = columns.iter().find(|(_, column)| column.len() != rows) {
            let (path, found) = (path.join("."), column.len());
            return Err(PyValueError::new_err(format!(
                "{path}: {found} values for {rows} rows"
            )));
        }
        let (constants, attached) = stream::constants(members)?;
        let mut ids = Vec::with_capacity(rows);
        for start in (0..rows).step_by(PARCEL_ROWS) {
            let count = (rows - start).min(PARCEL_ROWS);
            let parcel: Vec<String> = (0..count).map(|_| self.new_id()).collect::<PyResult<_>>()?;
            let columns = columns
                .iter()
                .map(|(path, column)| (path.as_slice(), column.slice(start, count)));
            let seq = self.reserve(count as u32)?;
            let made = Rows {
                ids: &parcel,
                source: self.source(),
                seq,
                constants: &constants,
            };
            let stream = made
                .stream(columns.collect())
                .map_err(|error| PyValueError::new_err(error.to_string()))?;
            self.keep_batch(py, &attached, count as u32, seq, &stream, block)?;
            ids.extend(parcel);
        }
        Ok(ids)
    }
}

impl Capture {
    /// Appends a parcel, waiting for room.
    fn keep_batch(
        &self,
        py: Python<'_>,
        attached: &[Arc<crate::encode::Attached>],
        rows: u32,
        seq: u64,
        stream: &[u8],
        block: f64,
    ) -> PyResult<()> {
        let kept = self
            .attach(py, attached, block)
            .and_then(|()| self.keep_rows(py, rows, seq, stream, block));
        if let Err(error) = &kept
            && !error.is_instance_of::<NotSynced>(py)
        {
            self.miss(rows)?;
        }
        kept
    }

    fn keep_rows(
        &self,
        py: Python<'_>,
        rows: u32,
        seq: u64,
        stream: &[u8],
        block: f64,
    ) -> PyResult<()> {
        self.when_there_is_room(py, block, |spool| -> Result<_, SpoolError> {
            spool.append_reserved(ParcelKind::Batch, rows, seq, stream)
        })?;
        Ok(())
    }
}
