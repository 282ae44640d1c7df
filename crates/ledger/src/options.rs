//! The engine's bounds. Each has one default that suits a machine of a few cores; all are limits on memory or time.

use std::time::Duration;

/// How a ledger is run.
#[derive(Clone, Debug)]
pub struct Options {
    /// Size reserved for a write-ahead segment. Default 64 MiB.
    pub segment_bytes: u64,
    /// Most bytes that one commit group, written and synced at once, takes. Default 4 MiB.
    pub group_bytes_max: usize,
    /// Most bytes of records that wait for the sequencer; beyond it callers wait. Default 64 MiB.
    pub queue_bytes_max: u64,
    /// Longest wait of a caller for room in the queue before [`AppendError::Busy`](crate::AppendError::Busy).
    /// Default 10 s.
    pub queue_wait_max: Duration,
    /// Most bytes of acknowledged records kept in memory; beyond it the sequencer waits for the table. Default 256 MiB.
    pub buffer_bytes_max: u64,
    /// Buffered bytes that start a flush to the table. Default 64 MiB.
    pub flush_bytes: u64,
    /// Age of the oldest buffered record that starts a flush. Default 60 s.
    pub flush_age: Duration,
    /// Most rows of one flush, which is one commit of the table. Default 131,072.
    pub flush_rows_max: usize,
    /// Shortest time between two checkpoints; a record is under a checkpoint at most about this long after its
    /// receipt. Default 100 ms.
    pub checkpoint_interval: Duration,
    /// Closing flushes the buffer if it holds at least this many bytes; fewer stay in the write-ahead log, so that
    /// short-lived writers do not make a table of tiny files. Default 4 MiB.
    pub flush_on_close_bytes: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            segment_bytes: 64 << 20,
            group_bytes_max: 4 << 20,
            queue_bytes_max: 64 << 20,
            queue_wait_max: Duration::from_secs(10),
            buffer_bytes_max: 256 << 20,
            flush_bytes: 64 << 20,
            flush_age: Duration::from_secs(60),
            flush_rows_max: 131_072,
            checkpoint_interval: Duration::from_millis(100),
            flush_on_close_bytes: 4 << 20,
        }
    }
}
