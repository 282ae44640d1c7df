//! What can go wrong, told so that the caller knows what to do about it.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use crate::role::Role;
use crate::token::{LONGEST_DAYS, NAME_BYTES_MAX, TOKENS_MAX, USUAL_DAYS_MAX};

/// A setting, a name or a token file that cannot be used.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AccessError {
    /// No role of this name.
    #[error("{given:?} is not a role")]
    UnknownRole {
        /// What was given.
        given: String,
    },
    /// A ledger name that no ledger can have.
    #[error(
        "{given:?} cannot be the name of a ledger: 1 to 63 of a-z, 0-9, - and _, a letter or digit first"
    )]
    LedgerName {
        /// What was given.
        given: String,
    },
    /// The ledger of access records was named in a grant.
    #[error("the ledger `access` cannot be granted by name")]
    ReservedLedger,
    /// A grant without a role, or on no ledger.
    #[error("a grant needs at least one role and one ledger")]
    EmptyGrant,
    /// A name that no principal can have.
    #[error(
        "{given:?} cannot name a principal: 1 to 200 bytes without spaces and control characters"
    )]
    PrincipalName {
        /// What was given.
        given: String,
    },
    /// A name that no token can have.
    #[error(
        "{given:?} cannot name a token: 1 to {NAME_BYTES_MAX} of a-z, A-Z, 0-9, `.`, `_`, `-` and `@`, a letter or digit first"
    )]
    TokenName {
        /// What was given.
        given: String,
    },
    /// A token that would live too short or too long.
    #[error(
        "a token lives 1 to {USUAL_DAYS_MAX} days, or up to {LONGEST_DAYS} if that is said to be meant, not {days}"
    )]
    TokenLife {
        /// Days asked for.
        days: u32,
    },
    /// The store is full of tokens that are still good.
    #[error("there are {TOKENS_MAX} tokens in use, and no more than that")]
    TooManyTokens,
    /// No token of this id.
    #[error("there is no token with the id {id:?}")]
    NoSuchToken {
        /// The id given.
        id: String,
    },
    /// A mask that cannot be followed.
    #[error("the mask {pointer:?} of the role {role} cannot be used: {problem}")]
    Mask {
        /// Whose mask.
        role: Role,
        /// What was given.
        pointer: String,
        /// Why not.
        problem: &'static str,
    },
    /// A rule for certificates that cannot be followed.
    #[error("the rule {name:?} for client certificates cannot be used: {problem}")]
    CertificateRule {
        /// The name that the rule gives.
        name: String,
        /// Why not.
        problem: &'static str,
    },
    /// There is no folder to keep tokens in.
    #[error("there is no home at {}", path.display())]
    NoHome {
        /// Where one was expected.
        path: PathBuf,
    },
    /// The token file is not one of ours, or damaged.
    #[error("the token file {} cannot be used: {problem}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was found.
        problem: String,
    },
    /// The token file was written by a later version.
    #[error("the token file {} has format {found}, but this version reads format {supported}", path.display())]
    NewerFormat {
        /// The file.
        path: PathBuf,
        /// Format found.
        found: u32,
        /// Format that this version reads.
        supported: u32,
    },
    /// Others than its owner may write the token file, so what it says means nothing.
    #[error("the token file {} can be written by others than its owner (mode {mode:o})", path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// Another process has been changing the token file for too long.
    #[error("another process holds the lock {} ({holder})", path.display())]
    Locked {
        /// The lock.
        path: PathBuf,
        /// What the holder left in it.
        holder: String,
    },
    /// The operating system refused. The token file is as it was.
    #[error("{doing} failed for {}: {source}", path.display())]
    Disk {
        /// What was being done.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: Arc<io::Error>,
    },
}

impl AccessError {
    pub(crate) fn disk(doing: &'static str, path: PathBuf) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Disk {
            doing,
            path,
            source: Arc::new(source),
        }
    }

    /// A stable name of the fault, kebab-case.
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnknownRole { .. } => "unknown-role",
            Self::LedgerName { .. } => "invalid-ledger-name",
            Self::ReservedLedger => "reserved-ledger",
            Self::EmptyGrant => "empty-grant",
            Self::PrincipalName { .. } => "invalid-principal-name",
            Self::TokenName { .. } => "invalid-token-name",
            Self::TokenLife { .. } => "invalid-token-life",
            Self::TooManyTokens => "too-many-tokens",
            Self::NoSuchToken { .. } => "no-token",
            Self::Mask { .. } => "invalid-mask",
            Self::CertificateRule { .. } => "invalid-certificate-rule",
            Self::NoHome { .. } => "no-home",
            Self::Damaged { .. } => "token-file-damaged",
            Self::NewerFormat { .. } => "newer-format",
            Self::Exposed { .. } => "token-file-exposed",
            Self::Locked { .. } => "token-file-locked",
            Self::Disk { .. } => "disk",
        }
    }

    /// What to do about it, in one sentence, where there is something to say.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::UnknownRole { .. } => {
                let names: Vec<&str> = Role::ALL.iter().map(|role| role.as_str()).collect();
                return Some(format!("the roles are {}", names.join(", ")));
            }
            Self::ReservedLedger => "the roles auditor and admin on all ledgers read it",
            Self::TooManyTokens => {
                "revoke those that nobody uses: `causebook token ls` shows when each was used last"
            }
            Self::NoSuchToken { .. } => "`causebook token ls` lists them",
            Self::NoHome { .. } => "`causebook init` makes one here, --home names another place",
            Self::Damaged { path, .. } => {
                return Some(format!(
                    "restore {0} from a backup, or move it away (which revokes every token) and make new tokens",
                    path.display()
                ));
            }
            Self::NewerFormat { .. } => "use the version that wrote it, or a later one",
            Self::Exposed { path, .. } => {
                return Some(format!(
                    "see that its tokens are yours, then chmod 600 {}",
                    path.display()
                ));
            }
            Self::Locked { .. } => "wait for that process, or end it if it hangs",
            _ => return None,
        };
        Some(hint.to_owned())
    }
}

/// Why a token is no good. Only the last is the server's fault.
#[derive(Clone, Debug, thiserror::Error)]
pub enum TokenRefusal {
    /// Not a token at all, or one with a typing error: its checksum does not fit.
    #[error("this is not a token, or it was not copied whole: its checksum does not fit")]
    Malformed,
    /// Well formed, but never given out here.
    #[error("this token is not known here")]
    Unknown,
    /// Its time is over.
    #[error("this token has expired")]
    Expired,
    /// It was taken back.
    #[error("this token was revoked")]
    Revoked,
    /// The token file cannot be read now, so nobody is let in.
    #[error("tokens cannot be checked: {0}")]
    Store(#[from] AccessError),
}

impl TokenRefusal {
    /// A stable name of the refusal, kebab-case.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed => "token-malformed",
            Self::Unknown => "token-unknown",
            Self::Expired => "token-expired",
            Self::Revoked => "token-revoked",
            Self::Store(_) => "tokens-unavailable",
        }
    }
}
