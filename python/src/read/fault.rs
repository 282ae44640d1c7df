//! Why a question was not answered, on its way to becoming an exception of `causebook._errors`.

use causebook_client::{ClientError, HeadError, HeadFault};
#[cfg(feature = "embedded")]
use causebook_explain::ExplainError;
use causebook_ledger::LedgerError;
use causebook_record::RecordError;
use pyo3::prelude::*;

/// Which exception it becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    Evidence,
    NotFound,
    Refused,
    Setting,
    Unavailable,
}

impl Class {
    fn name(self) -> &'static str {
        match self {
            Class::Evidence => "EvidenceError",
            Class::NotFound => "NotFoundError",
            Class::Refused => "RefusedError",
            Class::Setting => "SettingError",
            Class::Unavailable => "UnavailableError",
        }
    }
}

/// Why a question was not answered.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    pub(crate) class: Class,
    /// In a word, as the API has it.
    pub(crate) code: String,
    /// In a sentence.
    pub(crate) what: String,
    /// What to do about it.
    pub(crate) hint: Option<String>,
}

impl Fault {
    pub(crate) fn new(class: Class, code: &str, what: impl Into<String>) -> Fault {
        Fault {
            class,
            code: code.to_owned(),
            what: what.into(),
            hint: None,
        }
    }

    pub(crate) fn setting(code: &str, what: impl Into<String>) -> Fault {
        Fault::new(Class::Setting, code, what)
    }

    #[must_use]
    pub(crate) fn hint(self, hint: impl Into<String>) -> Fault {
        Fault {
            hint: Some(hint.into()),
            ..self
        }
    }

    /// The exception, with `code` and `hint` beside the sentence.
    pub(crate) fn raise(self, py: Python<'_>) -> PyErr {
        self.exception(py).unwrap_or_else(|error| error)
    }

    fn exception(self, py: Python<'_>) -> PyResult<PyErr> {
        let sentence = match &self.hint {
            Some(hint) => format!("{} ({hint})", self.what),
            None => self.what,
        };
        let class = py.import("causebook._errors")?.getattr(self.class.name())?;
        let exception = class.call1((sentence,))?;
        exception.setattr("code", self.code)?;
        exception.setattr("hint", self.hint)?;
        Ok(PyErr::from_value(exception))
    }
}

impl From<ClientError> for Fault {
    fn from(error: ClientError) -> Fault {
        let what = error.to_string();
        let unavailable = |code: &str| Fault::new(Class::Unavailable, code, what.clone());
        match &error {
            ClientError::Address { .. } => Fault::setting("address", what),
            ClientError::PlainHttp { .. } => {
                Fault::setting("plain-http", what).hint("use https://, or a server on this machine")
            }
            ClientError::Credential { .. } => Fault::setting("credential", what),
            ClientError::Unreachable { .. } => unavailable("unreachable"),
            ClientError::Tls { .. } => unavailable("tls"),
            ClientError::Timeout { .. } => unavailable("timeout"),
            ClientError::Lost { .. } => unavailable("lost"),
            ClientError::Foreign { .. } => unavailable("not-this-api"),
            ClientError::Refused(problem) => {
                let class = match problem.status {
                    404 => Class::NotFound,
                    429 | 502 | 503 | 504 => Class::Unavailable,
                    _ => Class::Refused,
                };
                Fault {
                    hint: problem.hint.clone(),
                    ..Fault::new(class, &problem.code, what)
                }
            }
            _ => unavailable("local"),
        }
    }
}

#[cfg(feature = "embedded")]
impl From<ExplainError> for Fault {
    fn from(error: ExplainError) -> Fault {
        let what = error.to_string();
        match error {
            ExplainError::Ledger(error) => error.into(),
            ExplainError::NoDecision { .. } | ExplainError::Erased { .. } => {
                Fault::new(Class::Refused, "unfit", what)
            }
            _ => Fault::new(Class::Refused, "invalid-model", what),
        }
    }
}

impl From<HeadFault> for Fault {
    fn from(fault: HeadFault) -> Fault {
        Fault::new(Class::Evidence, fault.as_str(), fault.to_string())
    }
}

impl From<HeadError> for Fault {
    fn from(error: HeadError) -> Fault {
        match error {
            HeadError::Client(error) => error.into(),
            HeadError::Fault(fault) => fault.into(),
            other => Fault::new(Class::Unavailable, "head", other.to_string()),
        }
    }
}

impl From<LedgerError> for Fault {
    fn from(error: LedgerError) -> Fault {
        let what = error.to_string();
        match error {
            LedgerError::NotFound { .. } => Fault::new(Class::NotFound, "no-record", what),
            LedgerError::NoLedger => Fault::new(Class::NotFound, "no-ledger", what),
            LedgerError::Unfit { .. } => Fault::new(Class::Refused, "unfit", what),
            LedgerError::Evidence(_) | LedgerError::Tampered(_) => {
                Fault::new(Class::Evidence, "tampered", what)
            }
            LedgerError::NewerFormat { .. } => {
                Fault::setting("newer-format", what).hint("install a newer version of the package")
            }
            _ => Fault::new(Class::Unavailable, "ledger", what),
        }
    }
}

impl From<RecordError> for Fault {
    fn from(error: RecordError) -> Fault {
        Fault::setting("pointer", error.to_string())
    }
}
