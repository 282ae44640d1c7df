//! What the crates below refuse, in the program's own terms: exit code, place, hint.

use causebook_access::AccessError;
use causebook_capture::CaptureError;
use causebook_client::{ClientError, Problem};
use causebook_explain::ExplainError;
use causebook_ledger::{AppendError, LedgerError, LinkError, TableError};
use causebook_query::QueryError;
use causebook_record::RecordError;

use crate::failure::{Exit, Failure, chain};
use crate::output::printable;

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
            AppendError::Conflict { id, .. } => new("conflict").hint(conflict_hint(id)),
            AppendError::Erased { .. } => new("record-erased").hint(ERASED_HINT),
            AppendError::Failed { .. } => new("not-acknowledged")
                .hint("run the same command again: what was recorded is not recorded twice"),
            AppendError::Refused { .. } => new("refused"),
            _ => new("not-recorded"),
        }
    }
}

impl From<LinkError> for Failure {
    fn from(error: LinkError) -> Failure {
        let title = error.to_string();
        let new = |code| Failure::new(Exit::Failure, code, title);
        match error {
            LinkError::Ledger(error) => error.into(),
            LinkError::UnknownTarget { .. } => new("unknown-target").hint(TARGET_HINT),
            LinkError::InvalidReview { .. } | LinkError::NotInForce { .. } => new("invalid-review"),
            _ => new("not-recorded"),
        }
    }
}

/// What to do where a record refers to one that is not there.
const TARGET_HINT: &str =
    "record that one first, or give --allow-missing-target if it will come later";

/// What to do with a record that has been erased.
const ERASED_HINT: &str =
    "take it out of what you send: a ledger does not take back what it was to forget";

/// What to do where an id is taken.
pub(crate) fn conflict_hint(id: &str) -> String {
    format!(
        "`causebook show {id}` shows the first; a change is a record of its own, of kind correction"
    )
}

/// What a server refuses has the exit code and, where there is one, the name that a folder gives the same refusal.
impl From<Problem> for Failure {
    fn from(problem: Problem) -> Failure {
        let (exit, code) = match (problem.status, problem.code.as_str()) {
            (401 | 403, code) => (Exit::Denied, code.to_owned()),
            (_, "no-record") => (Exit::NotFound, "not-found".to_owned()),
            (_, "no-such-path") => (Exit::Failure, "not-this-api".to_owned()),
            (_, "ledger-exists") => (Exit::Failure, "exists".to_owned()),
            (404, code) => (Exit::NotFound, code.to_owned()),
            (400, code)
            | (
                422,
                code @ ("invalid-cursor" | "invalid-filter" | "invalid-sql" | "unfit-body"
                | "unfit-parameter"),
            ) => (Exit::Usage, code.to_owned()),
            (_, code) => (Exit::Failure, code.to_owned()),
        };
        let mut lines: Vec<String> = problem
            .errors
            .iter()
            .filter(|it| it.detail != problem.detail)
            .map(|it| printable(&format!("{}: {}", it.pointer, it.detail)))
            .collect();
        if let Some(id) = problem
            .request_id
            .as_ref()
            .filter(|_| problem.status >= 500)
        {
            lines.push(printable(&format!("the server knows this request as {id}")));
        }
        let mut failure = Failure::new(exit, code, printable(problem.sentence()));
        if !lines.is_empty() {
            failure = failure.detail(lines.join("\n"));
        }
        let own_hint = match (exit, problem.code.as_str()) {
            (_, "no-record") => Some("`causebook ls` lists the records"),
            (_, "no-ledger") => Some("`causebook init` makes one"),
            (_, "no-such-path") => {
                Some("the server is of another version: it has no such question")
            }
            (_, "ledger-exists") => Some("--ledger NAME makes another one beside it"),
            (_, "busy") => Some("try again in a moment"),
            (_, "record-erased") => Some(ERASED_HINT),
            (_, "unknown-target") => Some(TARGET_HINT),
            (Exit::Denied, _) => Some("`causebook doctor` tells what this token may do"),
            _ => None,
        };
        // What the program itself would say comes first: the server's hints are for those who speak HTTP.
        let hint = own_hint.map(str::to_owned);
        match hint.or_else(|| problem.hint.as_deref().map(printable)) {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

/// None of these says anything about the ledger: no exit code of theirs is one of tampering.
impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Failure {
        let title = printable(&chain(&error));
        let new = |exit, code| Failure::new(exit, code, title);
        match error {
            ClientError::Refused(problem) => Failure::from(*problem),
            ClientError::Local { source, .. }
                if source.kind() == std::io::ErrorKind::BrokenPipe =>
            {
                source.into()
            }
            ClientError::Local { .. } => new(Exit::Failure, "io"),
            ClientError::Address { .. } => new(Exit::Usage, "url"),
            ClientError::Credential { .. } => new(Exit::Usage, "token"),
            ClientError::PlainHttp { .. } => new(Exit::Usage, "plain-http").hint(
                "use an https:// address; CAUSEBOOK_ALLOW_PLAIN_HTTP=true sends it all the same, to be read by anyone on the way",
            ),
            ClientError::Unreachable { .. } => new(Exit::Failure, "unreachable")
                .hint("is the address right, and does the server run? `causebook doctor` looks"),
            ClientError::Tls { .. } => new(Exit::Failure, "tls")
                .hint("SSL_CERT_FILE names a file with the certificates to trust"),
            ClientError::Timeout { .. } => new(Exit::Failure, "timeout"),
            ClientError::Lost { .. } => new(Exit::Failure, "connection-lost"),
            ClientError::Foreign { .. } => new(Exit::Failure, "not-this-api")
                .hint("is there a proxy in between, or something else at this address? `causebook doctor` looks"),
            _ => new(Exit::Failure, "server"),
        }
    }
}

impl From<ExplainError> for Failure {
    fn from(error: ExplainError) -> Failure {
        let title = printable(&chain(&error));
        match error {
            ExplainError::Ledger(error) => error.into(),
            ExplainError::Record(error) => error.into(),
            ExplainError::NoDecision { .. } => Failure::new(Exit::Failure, "no-decision", title)
                .hint("`causebook show ID` shows any record"),
            ExplainError::Erased { .. } => Failure::new(Exit::NotFound, "erased", title)
                .hint("its digest is still in the log: `causebook prove` shows it"),
            ExplainError::Unfit { problems } => Failure::new(
                Exit::Failure,
                "registration",
                "the model cannot be registered so",
            )
            .detail(
                problems
                    .iter()
                    .map(|it| printable(it))
                    .collect::<Vec<_>>()
                    .join("\n"),
            ),
            _ => Failure::new(Exit::Failure, "registration", title),
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
