//! What explaining fails with.

use causebook_ledger::LedgerError;
use causebook_model::ModelError;
use causebook_record::RecordError;

/// Why there is no answer. What an answer can do without is said in the answer instead.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExplainError {
    /// The ledger could not be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// There is no such decision.
    #[error("record {id:?} is of kind {kind}: only a decision has a why")]
    NoDecision {
        /// Id of the record.
        id: String,
        /// Its kind.
        kind: String,
    },
    /// Its content was erased.
    #[error("the content of record {id:?} was erased")]
    Erased {
        /// Id of the record.
        id: String,
    },
    /// A record about a model does not say what it must.
    #[error("record {id:?} is no registration: {problem}")]
    Registration {
        /// Id of the record.
        id: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A model cannot be registered so.
    #[error("the model cannot be registered so:\n{}", problems.join("\n"))]
    Unfit {
        /// What is wrong, a sentence each.
        problems: Vec<String>,
    },
    /// The artefact was not read.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// What was put together is no record.
    #[error(transparent)]
    Record(#[from] RecordError),
}
