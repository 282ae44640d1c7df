//! What the crates below refuse, in the program's own terms: exit code, place, hint.

use causebook_access::AccessError;
use causebook_capture::CaptureError;
use causebook_ledger::{AppendError, LedgerError, TableError};
use causebook_query::QueryError;
use causebook_record::RecordError;

use crate::failure::{Exit, Failure, chain};

impl From<RecordError> for Failure {
    fn from(error: RecordError) -> Failure {
        let failure = Failure::new(Exit::Failure, error.code(), error.to_string());
        match error.hint() {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

impl From<AppendError> for Failure {
    fn from(error: AppendError) -> Failure {
        let new = |code| Failure::new(Exit::Failure, code, error.to_string());
        match &error {
            AppendError::Busy { .. } => new("busy").hint("try again in a moment"),
            AppendError::Conflict { id, .. } => {
                new("conflict").hint(format!("`causebook show {id}` shows the first; a change is a record of its own, of kind correction"))
            }
            AppendError::Failed { .. } => {
                new("not-acknowledged").hint("run the same command again: what was recorded is not recorded twice")
            }
            AppendError::Refused { .. } => new("refused"),
            _ => new("not-recorded"),
        }
    }
}

impl From<LedgerError> for Failure {
    fn from(error: LedgerError) -> Failure {
        let new = |exit, code| Failure::new(exit, code, chain(&error));
        match error {
            LedgerError::Ambiguous { .. } => {
                new(Exit::Usage, "ambiguous").hint("give more of the id")
            }
            LedgerError::DamagedLog { .. } => new(Exit::Tampered, "damaged")
                .hint("do not write to this ledger; restore it from a copy"),
            LedgerError::Exists => new(Exit::Failure, "exists"),
            LedgerError::Foreign { .. } => new(Exit::Failure, "foreign"),
            LedgerError::Key { .. } => new(Exit::Failure, "key")
                .hint("put the ledger's own `key` file back; reading and verifying need none"),
            LedgerError::Locked { .. } => new(Exit::Failure, "locked")
                .hint("one process writes at a time; reading is always possible"),
            LedgerError::NewerFormat { .. } => new(Exit::Failure, "newer-format")
                .hint("use the version of causebook that wrote it, or a later one"),
            LedgerError::NoLedger => {
                new(Exit::NotFound, "no-ledger").hint("`causebook init` makes one")
            }
            LedgerError::NotFound { .. } => {
                new(Exit::NotFound, "not-found").hint("`causebook ls` lists the records")
            }
            LedgerError::PrefixTooShort { .. } => new(Exit::Usage, "prefix-too-short"),
            LedgerError::Record(error) => Failure::from(error),
            LedgerError::Table(error) => Failure::from(error),
            LedgerError::Tampered(_) => new(Exit::Tampered, "tampered")
                .hint("`causebook verify` says what is wrong and where"),
            LedgerError::Poisoned { .. } | LedgerError::Disk { .. } => {
                new(Exit::Failure, "disk").hint("`causebook doctor` looks for what is wrong here")
            }
            LedgerError::Unfit { .. } => new(Exit::Failure, "unfit"),
            _ => new(Exit::Failure, "ledger"),
        }
    }
}

impl From<TableError> for Failure {
    fn from(error: TableError) -> Failure {
        let new = |exit, code| Failure::new(exit, code, chain(&error));
        match error {
            TableError::Damaged { .. } => new(Exit::Tampered, "damaged")
                .hint("`causebook verify` says what is wrong and where"),
            _ => {
                new(Exit::Failure, "table").hint("`causebook doctor` looks for what is wrong here")
            }
        }
    }
}

impl From<QueryError> for Failure {
    fn from(error: QueryError) -> Failure {
        let new = |exit, code| Failure::new(exit, code, error.to_string());
        match error {
            QueryError::Syntax { .. } => new(Exit::Usage, "sql-syntax"),
            QueryError::UnknownColumn { .. } => new(Exit::Usage, "sql-unknown-column")
                .hint("`causebook sql \"DESCRIBE records\"` lists the columns"),
            QueryError::UnknownTable { .. } => new(Exit::Usage, "sql-unknown-table").hint(
                "the tables are `records` and a view per kind: decisions, outcomes, reviews...",
            ),
            QueryError::Refused { .. } => new(Exit::Usage, "sql-refused"),
            QueryError::Invalid { .. } => new(Exit::Usage, "sql-invalid"),
            QueryError::Time { .. } => new(Exit::Failure, "sql-time")
                .hint("ask for less, or raise CAUSEBOOK_SQL_TIMEOUT_S"),
            QueryError::Memory { .. } => new(Exit::Failure, "sql-memory")
                .hint("ask for less, or raise CAUSEBOOK_SQL_MEMORY_MB"),
            QueryError::Table(error) => Failure::from(error),
            _ => new(Exit::Failure, "sql"),
        }
    }
}

impl From<CaptureError> for Failure {
    fn from(error: CaptureError) -> Failure {
        let new = |exit, code| Failure::new(exit, code, chain(&error));
        match error {
            CaptureError::UnknownFormat { .. } => new(Exit::Failure, "unknown-format"),
            CaptureError::NoModel => {
                new(Exit::Usage, "no-model").hint("--model NAME@VERSION says which model decided")
            }
            CaptureError::UnknownColumn { .. } => new(Exit::Usage, "unknown-column"),
            CaptureError::Mapping { .. } | CaptureError::MappingText { .. } => {
                new(Exit::Usage, "mapping")
            }
            _ => new(Exit::Failure, "import"),
        }
    }
}

impl From<AccessError> for Failure {
    fn from(error: AccessError) -> Failure {
        let exit = match error {
            AccessError::UnknownRole { .. }
            | AccessError::LedgerName { .. }
            | AccessError::ReservedLedger
            | AccessError::EmptyGrant
            | AccessError::TokenName { .. }
            | AccessError::TokenLife { .. } => Exit::Usage,
            AccessError::NoSuchToken { .. } | AccessError::NoHome { .. } => Exit::NotFound,
            _ => Exit::Failure,
        };
        let failure = Failure::new(exit, error.code(), error.to_string());
        match error.hint() {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}
