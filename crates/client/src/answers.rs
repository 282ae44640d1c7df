//! What the server says, as types. Members that this version does not know are passed over; those it needs must be there.

use serde::Deserialize;
use serde_json::Value;

use std::collections::BTreeMap;

/// What a caller gets for a record that is durable.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Receipt {
    /// Id of the record.
    pub id: String,
    /// Its position in the log.
    pub index: u64,
    /// Its digest, in hexadecimal.
    pub digest: String,
    /// The record was there already, with the same content.
    #[serde(default)]
    pub repeated: bool,
}

/// A ledger of the server.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct LedgerInfo {
    /// Its name on this server.
    pub name: String,
    /// The origin line of its checkpoints.
    pub origin: String,
    /// When it was made, RFC 3339.
    pub created: String,
    /// Records acknowledged.
    pub size: u64,
    /// Records that are in its table.
    #[serde(default)]
    pub in_table: u64,
    /// Its verifier keys, as the server says. Pin them on first use.
    pub keys: Vec<String>,
    /// Its newest signed head, as the server says.
    #[serde(default)]
    pub checkpoint: Option<CheckpointInfo>,
}

/// A signed head in a few words.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct CheckpointInfo {
    /// Records it covers.
    pub size: u64,
    /// Root of the tree over them, in base64.
    pub root: String,
    /// When it was signed, in seconds since 1970.
    #[serde(default)]
    pub time: Option<u64>,
}

/// Who the server takes the caller for.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Me {
    /// Name of the token or person.
    pub principal: String,
    /// Roles by ledger.
    #[serde(default)]
    pub roles: BTreeMap<String, Vec<String>>,
    /// What is masked, as the server says it.
    #[serde(default)]
    pub masks: Value,
    /// How the caller was recognised: token, session, certificate.
    #[serde(default)]
    pub via: String,
}

/// A token of the server. Never the token itself.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct TokenInfo {
    /// By which it is revoked.
    pub id: String,
    /// What it was called.
    pub name: String,
    /// What it may do.
    pub roles: Vec<String>,
    /// On which ledgers: a list, or `"*"`.
    pub ledgers: Value,
    /// When it was made.
    #[serde(default)]
    pub created: Value,
    /// Who made it.
    #[serde(default)]
    pub created_by: String,
    /// When it ends.
    #[serde(default)]
    pub expires: Value,
    /// When it was last used.
    #[serde(default)]
    pub last_used: Value,
    /// Whether, or when, it was taken out of use.
    #[serde(default)]
    pub revoked: Value,
}

/// A token that was just made.
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct NewToken {
    /// By which it is revoked.
    #[serde(default)]
    pub id: String,
    /// The token. It is told once.
    pub token: String,
}

impl std::fmt::Debug for NewToken {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("NewToken")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// A sign of life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pulse {
    /// The server's clock, as its `Date` header has it.
    pub date: Option<String>,
    /// What it calls itself.
    pub server: Option<String>,
    /// The id it gave this request: one of ours gives one always.
    pub request_id: Option<String>,
    /// The proxies that say that they are between.
    pub via: Option<String>,
}

/// An attachment that is kept.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Blob {
    /// `sha256:` and the digest of its bytes.
    pub digest: String,
    /// Its length in bytes.
    pub size: u64,
}

/// What came of an erasure.
#[derive(Clone, Debug, PartialEq)]
pub struct Erased {
    /// The receipt of the record of the act.
    pub receipt: Receipt,
    /// All that the server says of it: `id`, `erased`, and counts of what was searched and found.
    pub report: Value,
}

/// Counts of the values of a field.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Facets {
    /// Records the counts are over.
    pub as_of: u64,
    /// Records that match.
    pub matched: u64,
    /// The fields asked for.
    pub facets: Vec<Facet>,
}

/// Counts of the values of one field.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Facet {
    /// The field.
    pub field: String,
    /// Its most frequent values.
    pub values: Vec<FacetValue>,
    /// Records with other values.
    #[serde(default)]
    pub other: u64,
}

/// How often a value occurs.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct FacetValue {
    /// The value.
    pub value: Value,
    /// In how many records.
    pub count: u64,
}

/// Counts over time.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Histogram {
    /// Records the counts are over.
    pub as_of: u64,
    /// Where the first step begins.
    pub from: Value,
    /// Where the last step ends.
    pub to: Value,
    /// Seconds in a step.
    pub step_s: Value,
    /// Counts per step, for each value.
    pub series: Vec<Series>,
}

/// Counts per step of one value.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Series {
    /// The value.
    pub value: Value,
    /// Counts, a step each.
    pub counts: Vec<u64>,
}
