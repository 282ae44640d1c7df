//! Outside file formats to records: CSV, XLSX, JSON, Parquet and the hand-written text line. Pure functions.
