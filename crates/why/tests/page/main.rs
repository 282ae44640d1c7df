//! Answers as people see them: text at several widths, pages for two audiences, and the schema that programs rely on.
#![allow(clippy::unwrap_used)]
mod examples;
mod hostile;
mod redaction;
mod snapshots;
