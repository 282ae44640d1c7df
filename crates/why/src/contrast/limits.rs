//! How large a history may become, and why one is refused.

/// What a history may hold. The defaults hold what models of tables have; a million decisions of 20 fields take about 80 MB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Decisions.
    pub decisions: usize,
    /// Fields; further ones are left out of every comparison, and that is said.
    pub fields: usize,
    /// Distinct words of a field, at most 65,535; a field with more is free text and left out.
    pub categories: usize,
    /// Bytes of a field's distinct words together; a field with more is free text and left out.
    pub category_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            decisions: 50_000_000,
            fields: 512,
            categories: MOST_CODES,
            category_bytes: 1 << 20,
        }
    }
}

/// Codes are 16 bits, and 0 stands for a missing value.
pub(super) const MOST_CODES: usize = u16::MAX as usize;

/// Why a decision was not taken into a history, or bytes are none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HistoryError {
    /// Decisions come in the order of the ledger.
    #[error(
        "index {index} is not above {last}, the last that the history has; decisions are added in the ledger's order"
    )]
    OutOfOrder {
        /// The one that was given.
        index: u64,
        /// The last one.
        last: u64,
    },
    /// There is no room.
    #[error("{found} {what}, a history holds at most {most}")]
    Full {
        /// What there is too much of.
        what: &'static str,
        /// How much there is.
        found: u64,
        /// How much is held.
        most: u64,
    },
    /// The bytes are not a history, or were damaged: it is made anew from the ledger.
    #[error("not a history: {place}: {problem}; make it anew from the ledger")]
    Damaged {
        /// Where.
        place: &'static str,
        /// What is wrong there.
        problem: String,
    },
}
