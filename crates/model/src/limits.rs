//! How large a model may be.

use crate::ModelError;

/// What a stranger's file may announce. The defaults hold the largest models that are met in practice, and keep reading
/// one below a few seconds and a few times its own size in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the file.
    pub bytes: u64,
    /// Inputs of a row, and columns that they are encoded to.
    pub columns: u64,
    /// Trees.
    pub trees: u64,
    /// Nodes of all trees together.
    pub nodes: u64,
    /// Nodes between the root of a tree and a leaf.
    pub tree_depth: u64,
    /// Highest number of a category that a split names.
    pub categories: u64,
    /// Outputs of a row.
    pub outputs: u64,
    /// Nesting of the document.
    pub depth: u64,
    /// Operators of a graph.
    pub operators: u64,
}

impl Limits {
    /// Refuses what there is more of than is taken.
    pub(crate) fn check(what: &'static str, found: u64, most: u64) -> Result<(), ModelError> {
        if found > most {
            return Err(ModelError::TooLarge { what, found, most });
        }
        Ok(())
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 1 << 30,
            columns: 65_536,
            trees: 100_000,
            nodes: 20_000_000,
            tree_depth: 1_024,
            categories: 1 << 20,
            outputs: 4_096,
            depth: 128,
            operators: 4_096,
        }
    }
}
