//! Why somebody could not log in.

/// A login that did not come about.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoginError {
    /// Settings that cannot be followed.
    #[error("oidc {what}: {problem}")]
    Settings {
        /// The setting.
        what: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// The answer does not belong to a login that this browser began, or that was too long ago.
    #[error("this login was not begun in this browser, or was begun too long ago: {0}")]
    NotBegunHere(&'static str),
    /// The provider did not log the person in.
    #[error("the provider refused the login: {code}")]
    RefusedByProvider {
        /// Its code, as RFC 6749 names them.
        code: String,
    },
    /// The provider cannot be reached or does not speak as it should.
    #[error("the provider cannot be asked: {0}")]
    Provider(String),
    /// The provider did not take the code.
    #[error("the provider did not take the code: {0}")]
    Code(String),
    /// What the provider said about the person does not hold.
    #[error("the ID token does not hold: {0}")]
    Token(String),
    /// The person is known, but has no role here.
    #[error("{who} has no role here")]
    NoRole {
        /// The name that the provider gave.
        who: String,
    },
}

impl LoginError {
    /// A stable word for it, which holds nothing that a browser or a provider sent.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Settings { .. } => "internal",
            Self::NotBegunHere(_) => "not-begun-here",
            Self::RefusedByProvider { .. } => "refused-by-provider",
            Self::Provider(_) => "provider-unavailable",
            Self::Code(_) => "code-refused",
            Self::Token(_) => "token-invalid",
            Self::NoRole { .. } => "no-role",
        }
    }
}
