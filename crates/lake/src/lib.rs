//! The table: Parquet files and Delta commits behind the ledger's TableSink.
