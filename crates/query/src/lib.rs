//! SQL over a ledger: DataFusion on the table and the buffer.
