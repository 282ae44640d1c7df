//! What went wrong, told as RFC 9457 `application/problem+json`. Every code has a page on the server itself.
//!
//! A handler returns a [`Problem`]; it travels in the response's extensions until `front` writes it out with the request's
//! id, so that no error leaves without one.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use causebook_explain::ExplainError;
use causebook_ledger::{AppendError, LedgerError};
use causebook_query::QueryError;
use causebook_record::RecordError;
use serde_json::{Value, json};

mod codes;

pub(crate) use codes::{ALL, Code};

/// Why a request was not done.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    pub(crate) code: Code,
    pub(crate) detail: String,
    pub(crate) hint: Option<String>,
    pub(crate) faults: Vec<Fault>,
    /// Seconds after which it is worth trying again.
    pub(crate) retry_after_s: Option<u64>,
}

/// One fault, with its place in what was sent.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    /// JSON Pointer into the body; for parameters and headers, their name.
    pub(crate) pointer: String,
    pub(crate) detail: String,
}

impl Problem {
    pub(crate) fn new(code: Code, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
            hint: None,
            faults: Vec::new(),
            retry_after_s: None,
        }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(crate) fn at(mut self, pointer: impl Into<String>) -> Self {
        let detail = self.detail.clone();
        self.faults.push(Fault {
            pointer: pointer.into(),
            detail,
        });
        self
    }

    pub(crate) fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }

    /// A failure inside, whose cause goes to the log and not to the stranger who met it.
    pub(crate) fn internal(cause: &dyn std::fmt::Display) -> Self {
        tracing::error!(cause = %cause, "request failed inside");
        Self::new(
            Code::Internal,
            "the server failed at this; its log says why",
        )
    }

    /// The problem as it is sent, and as it stands in a line of a batch's answer.
    pub(crate) fn to_json(&self, request_id: &str) -> Value {
        let mut problem = json!({
            "type": format!("/problems/{}", self.code.name()),
            "title": self.code.title(),
            "status": self.code.status().as_u16(),
            "code": self.code.name(),
            "detail": self.detail,
            "request_id": request_id,
        });
        if let Some(members) = problem.as_object_mut() {
            if let Some(hint) = &self.hint {
                members.insert("hint".to_owned(), json!(hint));
            }
            if !self.faults.is_empty() {
                let faults = self
                    .faults
                    .iter()
                    .map(|fault| json!({"pointer": fault.pointer, "detail": fault.detail}));
                members.insert("errors".to_owned(), faults.collect());
            }
        }
        problem
    }

    /// Headers and body for a request of this id.
    pub(crate) fn response(&self, request_id: &str) -> Response {
        let body = self.to_json(request_id).to_string();
        let mut response = (self.code.status(), body).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.code.status() == StatusCode::UNAUTHORIZED {
            headers.insert(
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static("Bearer realm=\"causebook\""),
            );
        }
        response
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.code.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<RecordError> for Problem {
    fn from(error: RecordError) -> Self {
        let code = match error {
            RecordError::InputTooLarge { .. } | RecordError::RecordTooLarge { .. } => {
                Code::TooLarge
            }
            _ => Code::InvalidRecord,
        };
        let pointer = error.pointer().to_owned();
        let hint = error.hint();
        Self {
            hint,
            ..Self::new(code, error.to_string()).at(pointer)
        }
    }
}

impl From<AppendError> for Problem {
    fn from(error: AppendError) -> Self {
        let detail = error.to_string();
        match error {
            AppendError::Busy { .. } => Self::new(Code::Busy, detail)
                .hint("send it again after the time that Retry-After gives")
                .retry_after(1),
            AppendError::Conflict { .. } => Self::new(Code::Conflict, detail)
                .at("/id")
                .hint("what is recorded stays; record a change as a new record with refers_to"),
            AppendError::Erased { .. } => Self::new(Code::RecordErased, detail)
                .at("/id")
                .hint("let go of what you have of it; do not send it again"),
            AppendError::Refused { pointer, .. } => {
                Self::new(Code::InvalidRecord, detail).at(pointer)
            }
            AppendError::BatchRefused { .. } => Self::new(Code::InvalidRecord, detail),
            AppendError::Failed { .. } => Self::new(Code::LedgerStopped, detail)
                .hint("sending it again with the same id is safe")
                .retry_after(5),
            _ => Self::internal(&detail),
        }
    }
}

impl From<LedgerError> for Problem {
    fn from(error: LedgerError) -> Self {
        let detail = error.to_string();
        match error {
            LedgerError::NotFound { .. } => Self::new(Code::NoRecord, detail),
            LedgerError::Ambiguous { .. } | LedgerError::PrefixTooShort { .. } => {
                Self::new(Code::NoRecord, detail).hint("give the whole id")
            }
            LedgerError::Record(error) => error.into(),
            LedgerError::Exists => Self::new(Code::LedgerExists, detail),
            LedgerError::Unfit { .. } => Self::new(Code::Unfit, detail),
            LedgerError::Timeout { .. } => Self::new(Code::ProofTimeout, detail),
            LedgerError::Poisoned { .. } => Self::new(Code::LedgerStopped, detail).retry_after(5),
            LedgerError::NoLedger => Self::new(Code::NoLedger, detail),
            _ => Self::internal(&detail),
        }
    }
}

impl From<ExplainError> for Problem {
    fn from(error: ExplainError) -> Self {
        let detail = error.to_string();
        match error {
            ExplainError::Ledger(error) => error.into(),
            ExplainError::Record(error) => error.into(),
            ExplainError::NoDecision { .. } | ExplainError::Erased { .. } => {
                Self::new(Code::Unfit, detail)
            }
            _ => Self::new(Code::InvalidModel, detail),
        }
    }
}

impl From<QueryError> for Problem {
    fn from(error: QueryError) -> Self {
        let detail = error.to_string();
        match error {
            QueryError::Time { .. } | QueryError::Memory { .. } => {
                Self::new(Code::QueryLimit, detail)
                    .hint("narrow the time range, or ask for fewer columns and rows")
            }
            QueryError::Table(_) | QueryError::Engine { .. } => Self::internal(&detail),
            _ => Self::new(Code::InvalidSql, detail).at("/sql"),
        }
    }
}
