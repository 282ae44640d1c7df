//! Answers as people see them: text at several widths, pages for two audiences, and the schema that programs rely on.

mod examples;
mod snapshots;
