//! What can be asked of a ledger, wherever it lies: a server's and a folder's give the same answers.

use serde_json::Value;

use super::fault::Fault;

/// A ledger that is asked. Every call may block, and is made without the interpreter's lock.
pub(crate) trait Source: Send + Sync {
    /// The record with exactly this id, as one JSON object with its index.
    fn item(&self, id: &str) -> Result<String, Fault>;

    /// The record, what it refers to, and what refers to either, by index.
    fn history(&self, id: &str) -> Result<Vec<String>, Fault>;

    /// Some records, and where to go on.
    fn page(&self, ask: &PageAsk) -> Result<Page, Fault>;

    /// The digest of a record, in hexadecimal. `None` if it cannot be told from what is left of the record.
    fn digest(&self, id: &str) -> Result<Option<String>, Fault>;

    /// Evidence of a record, and the keys to check it with. A record that was acknowledged a moment ago is waited for.
    fn evidence(&self, id: &str, show: &[String], linked: bool) -> Result<Proof, Fault>;

    /// Why a decision came out as it did: the answer as `docs/why.md` has it, in JSON.
    fn why(&self, id: &str, subject: bool, all_versions: bool) -> Result<String, Fault>;

    /// The bytes of an attachment.
    fn attachment(&self, digest: &str) -> Result<Vec<u8>, Fault>;

    /// The answer to a statement, as an Arrow IPC stream, and whether it was cut off.
    fn sql(&self, statement: &str, rows_max: Option<u64>) -> Result<(Vec<u8>, bool), Fault>;

    /// Whether everything is as it was signed. What is wrong is in the report; a fault leaves the question open.
    fn verify(&self, ask: &VerifyAsk) -> Result<Value, Fault>;
}

/// Which records, in which order.
#[derive(Clone, Debug, Default)]
pub(crate) struct PageAsk {
    pub(crate) q: String,
    pub(crate) limit: Option<u32>,
    pub(crate) oldest: bool,
    pub(crate) as_of: Option<u64>,
    pub(crate) cursor: Option<String>,
}

/// Some records, and where to go on.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    pub(crate) as_of: u64,
    pub(crate) records: Vec<String>,
    pub(crate) next: Option<String>,
}

/// Evidence, and the keys of its log.
#[derive(Clone, Debug)]
pub(crate) struct Proof {
    pub(crate) text: String,
    pub(crate) keys: Vec<String>,
}

/// What is to be verified.
#[derive(Clone, Debug, Default)]
pub(crate) struct VerifyAsk {
    /// Only the head, and that the log has grown.
    pub(crate) quick: bool,
    /// Only this record.
    pub(crate) id: Option<String>,
    /// Records of a server whose evidence is checked on this side.
    pub(crate) sample: Option<u64>,
    /// Keys that the caller has from elsewhere. None: those seen first.
    pub(crate) keys: Vec<String>,
    /// Hold the head against the one seen last, and remember this one.
    pub(crate) remembering: bool,
}
