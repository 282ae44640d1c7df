//! Why a server did not do what it was asked, told apart by what the caller can do about it.
//!
//! Nothing here ever means tampering: a lost connection, a proxy's page or a truncated body says nothing about a ledger.
//! What contradicts a signature is a [`HeadFault`](crate::HeadFault), a type of its own.

use std::fmt;
use std::io;
use std::time::Duration;

use serde::Deserialize;

/// A request that was not answered with what was asked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The address, or a part of the path made from what the caller gave, cannot be used.
    #[error("{given:?} cannot be used in an address: {what}")]
    Address {
        /// What was given.
        given: String,
        /// Why not.
        what: String,
    },
    /// A token was to be sent without encryption to another machine. Nothing was sent.
    #[error("the token would travel unencrypted to {host}")]
    PlainHttp {
        /// The host that the address names.
        host: String,
    },
    /// The token cannot be one.
    #[error("the token cannot be used: {what}")]
    Credential {
        /// What is wrong with it. Never the token itself.
        what: String,
    },
    /// Nobody answers there. Nothing was sent.
    #[error("no connection to {server}: {cause}")]
    Unreachable {
        /// Scheme, host and port.
        server: String,
        /// The cause in the system's words.
        cause: String,
    },
    /// Somebody answers there, but not with a certificate that is trusted here. Nothing was sent.
    #[error("no trusted connection to {server}: {cause}")]
    Tls {
        /// Scheme, host and port.
        server: String,
        /// The cause in the TLS library's words.
        cause: String,
    },
    /// The answer did not come in time. Whether the request was carried out is not known.
    #[error("{server} did not answer in time ({phase})")]
    Timeout {
        /// Scheme, host and port.
        server: String,
        /// What was waited for.
        phase: String,
    },
    /// The connection ended before the answer did. Whether the request was carried out is not known.
    #[error("the connection to {server} was lost: {cause}")]
    Lost {
        /// Scheme, host and port.
        server: String,
        /// The cause.
        cause: String,
    },
    /// The server refused, and says why.
    #[error(transparent)]
    Refused(Box<Problem>),
    /// The answer is not one of this API: another service, a proxy's own page, or a version that speaks otherwise.
    #[error("{server} answered what is not this API: {what}")]
    Foreign {
        /// Scheme, host and port.
        server: String,
        /// The status, where it is the status that tells.
        status: Option<u16>,
        /// What came, in words.
        what: String,
    },
    /// What the caller gave to read from, or to write to, failed.
    #[error("{doing} failed: {source}")]
    Local {
        /// What was being done.
        doing: &'static str,
        /// The cause.
        #[source]
        source: io::Error,
    },
}

impl ClientError {
    /// The server's own words, if it was the server who refused.
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            ClientError::Refused(problem) => Some(problem),
            _ => None,
        }
    }

    /// Whether the server refused with this code.
    pub fn is_refused_as(&self, code: &str) -> bool {
        self.problem().is_some_and(|problem| problem.code == code)
    }

    /// Whether the request may have been carried out although no answer says so.
    pub fn leaves_outcome_open(&self) -> bool {
        match self {
            ClientError::Timeout { .. } | ClientError::Lost { .. } => true,
            ClientError::Foreign { status, .. } => status.is_none_or(|status| status >= 500),
            ClientError::Refused(problem) => problem.status >= 500 && problem.code != "busy",
            _ => false,
        }
    }
}

/// A problem as the server describes it (RFC 9457).
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Problem {
    /// HTTP status.
    #[serde(default)]
    pub status: u16,
    /// Stable name of the kind of problem.
    pub code: String,
    /// The kind of problem in words.
    #[serde(default)]
    pub title: String,
    /// What is wrong with this request.
    #[serde(default)]
    pub detail: String,
    /// What to do about it.
    #[serde(default)]
    pub hint: Option<String>,
    /// Under which the server's log knows the request.
    #[serde(default)]
    pub request_id: Option<String>,
    /// Where in what was sent.
    #[serde(default)]
    pub errors: Vec<ProblemPlace>,
    /// How long the server asks to be left alone.
    #[serde(skip)]
    pub retry_after: Option<Duration>,
}

/// One place in what was sent, and what is wrong there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct ProblemPlace {
    /// JSON Pointer.
    #[serde(default)]
    pub pointer: String,
    /// What is wrong.
    #[serde(default)]
    pub detail: String,
}

impl Problem {
    /// The sentence that says most.
    pub fn sentence(&self) -> &str {
        [&self.detail, &self.title, &self.code]
            .into_iter()
            .find(|text| !text.is_empty())
            .map_or("", String::as_str)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.sentence())
    }
}

impl std::error::Error for Problem {}
