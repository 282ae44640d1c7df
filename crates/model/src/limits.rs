//! How large a model may be.

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
    /// Outputs of a row.
    pub outputs: u64,
    /// Nesting of the document.
    pub depth: u64,
    /// Operators of a graph.
    pub operators: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 1 << 30,
            columns: 65_536,
            trees: 100_000,
            nodes: 20_000_000,
            outputs: 4_096,
            depth: 128,
            operators: 4_096,
        }
    }
}
