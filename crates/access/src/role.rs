//! The five roles. What each may do stands in [`Permission::roles`].

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::AccessError;
use crate::permission::Permission;

/// A bundle of permissions that fits a way of working with a ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// A service that sends what its models decide. Reads nothing.
    Ingest,
    /// Whoever builds and runs models: reads decisions, without knowing whom they concern.
    Engineer,
    /// Whoever answers for decisions: reads all, reviews, tells subjects, erases.
    Compliance,
    /// Whoever checks the others: reads, verifies and exports all, changes nothing.
    Auditor,
    /// Whoever runs the server: ledgers, tokens and settings, and no payload.
    Admin,
}

impl Role {
    /// Every role.
    pub const ALL: [Role; 5] = [
        Role::Ingest,
        Role::Engineer,
        Role::Compliance,
        Role::Auditor,
        Role::Admin,
    ];

    /// Whether this role alone is enough for `permission`.
    pub fn allows(self, permission: Permission) -> bool {
        permission.roles().contains(&self)
    }

    /// The name it has in settings, tokens, JSON and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Role::Ingest => "ingest",
            Role::Engineer => "engineer",
            Role::Compliance => "compliance",
            Role::Auditor => "auditor",
            Role::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = AccessError;

    fn from_str(text: &str) -> Result<Self, AccessError> {
        Role::ALL
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or_else(|| AccessError::UnknownRole {
                given: text.to_owned(),
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_written_as_it_is_read() {
        for role in Role::ALL {
            assert_eq!(role.as_str().parse::<Role>().unwrap(), role);
            assert_eq!(serde_json::to_string(&role).unwrap(), format!("\"{role}\""));
        }
        for text in ["", "Admin", "root", "admin "] {
            assert!(text.parse::<Role>().is_err(), "{text:?}");
        }
    }
}
