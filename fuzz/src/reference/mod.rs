//! Slow, obviously right versions, from the specifications.

pub mod json;
pub mod path;
pub mod policy;
pub mod tree;
