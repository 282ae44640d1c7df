//! What a statement gave: batches of rows in one schema, and whether there would have been more.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

/// The rows of a statement.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Answer {
    /// Columns. Those that hold JSON text are told by [`is_json`](crate::is_json).
    pub schema: SchemaRef,
    /// Rows, in the statement's order.
    pub batches: Vec<RecordBatch>,
    /// There were more rows than [`Limits::rows_max`](crate::Limits::rows_max) allows.
    pub truncated: bool,
}

impl Answer {
    /// An answer that was had elsewhere.
    pub fn new(schema: SchemaRef, batches: Vec<RecordBatch>, truncated: bool) -> Self {
        Self {
            schema,
            batches,
            truncated,
        }
    }

    /// Rows in all batches.
    pub fn rows(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }
}
