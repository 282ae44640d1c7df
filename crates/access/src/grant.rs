//! Grants: which roles somebody has on which ledgers.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::error::AccessError;
use crate::role::Role;

/// The ledger of access records. Written by the server alone, and read by those who may
/// [`ReadAccess`](crate::Permission::ReadAccess).
pub const ACCESS_LEDGER: &str = "access";

const LEDGER_NAME_BYTES_MAX: usize = 63;
const ALL_LEDGERS: &str = "*";

/// Roles on ledgers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Grant {
    ledgers: Ledgers,
    roles: BTreeSet<Role>,
}

/// The ledgers that a grant is on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ledgers {
    /// All there are and will be, and the server itself.
    All,
    /// These, whether they are there yet or not.
    Named(BTreeSet<String>),
}

impl Grant {
    /// Roles on ledgers, at least one of each.
    ///
    /// # Errors
    /// [`AccessError::EmptyGrant`], [`AccessError::LedgerName`], [`AccessError::ReservedLedger`].
    pub fn new(
        ledgers: Ledgers,
        roles: impl IntoIterator<Item = Role>,
    ) -> Result<Self, AccessError> {
        let roles: BTreeSet<Role> = roles.into_iter().collect();
        if let Ledgers::Named(names) = &ledgers {
            if names.is_empty() {
                return Err(AccessError::EmptyGrant);
            }
            for name in names {
                check_ledger_name(name)?;
                if name == ACCESS_LEDGER {
                    return Err(AccessError::ReservedLedger);
                }
            }
        }
        if roles.is_empty() {
            return Err(AccessError::EmptyGrant);
        }
        Ok(Self { ledgers, roles })
    }

    /// Roles on all ledgers and the server. Without a role it gives nothing.
    pub fn on_all(roles: impl IntoIterator<Item = Role>) -> Self {
        Self {
            ledgers: Ledgers::All,
            roles: roles.into_iter().collect(),
        }
    }

    /// The ledgers it is on.
    pub fn ledgers(&self) -> &Ledgers {
        &self.ledgers
    }

    /// The roles it gives there.
    pub fn roles(&self) -> &BTreeSet<Role> {
        &self.roles
    }
}

impl Ledgers {
    /// These ledgers.
    pub fn named<N: Into<String>>(names: impl IntoIterator<Item = N>) -> Self {
        Self::Named(names.into_iter().map(Into::into).collect())
    }

    /// Whether `ledger` is among them.
    pub fn contain(&self, ledger: &str) -> bool {
        match self {
            Self::All => true,
            Self::Named(names) => names.contains(ledger),
        }
    }
}

/// Checks the form of a ledger's name: 1 to 63 of a-z, 0-9, `-` and `_`, a letter or digit first.
///
/// # Errors
/// [`AccessError::LedgerName`].
pub fn check_ledger_name(name: &str) -> Result<(), AccessError> {
    let alphanumeric = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let good = name.len() <= LEDGER_NAME_BYTES_MAX
        && name.bytes().next().is_some_and(alphanumeric)
        && name
            .bytes()
            .all(|byte| alphanumeric(byte) || matches!(byte, b'-' | b'_'));
    if good {
        return Ok(());
    }
    Err(AccessError::LedgerName {
        given: name.to_owned(),
    })
}

/// A grant as it is written: `{"ledgers": "*", "roles": ["auditor"]}`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    ledgers: WrittenLedgers,
    roles: BTreeSet<Role>,
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum WrittenLedgers {
    All(String),
    Named(BTreeSet<String>),
}

impl TryFrom<Written> for Grant {
    type Error = AccessError;

    fn try_from(written: Written) -> Result<Self, AccessError> {
        let ledgers = match written.ledgers {
            WrittenLedgers::All(all) if all == ALL_LEDGERS => Ledgers::All,
            WrittenLedgers::All(given) => return Err(AccessError::LedgerName { given }),
            WrittenLedgers::Named(names) => Ledgers::Named(names),
        };
        Grant::new(ledgers, written.roles)
    }
}

impl From<Grant> for Written {
    fn from(grant: Grant) -> Self {
        Self {
            ledgers: match grant.ledgers {
                Ledgers::All => WrittenLedgers::All(ALL_LEDGERS.to_owned()),
                Ledgers::Named(names) => WrittenLedgers::Named(names),
            },
            roles: grant.roles,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grant_is_written_as_it_is_read() {
        for text in [
            r#"{"ledgers":"*","roles":["auditor"]}"#,
            r#"{"ledgers":["cards","loans"],"roles":["ingest","engineer"]}"#,
        ] {
            let grant: Grant = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_string(&grant).unwrap(), text);
        }
    }

    #[test]
    fn a_grant_of_nothing_or_on_nothing_is_refused() {
        for text in [
            r#"{"ledgers":"*","roles":[]}"#,
            r#"{"ledgers":[],"roles":["auditor"]}"#,
            r#"{"ledgers":"main","roles":["auditor"]}"#,
            r#"{"ledgers":["access"],"roles":["auditor"]}"#,
            r#"{"ledgers":["*"],"roles":["auditor"]}"#,
            r#"{"ledgers":"*","roles":["auditor"],"until":1}"#,
        ] {
            assert!(serde_json::from_str::<Grant>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_ledger_name_cannot_leave_its_folder_or_look_like_an_option() {
        let longest = "x".repeat(63);
        for name in ["main", "0", "a-b_c", &longest] {
            assert!(check_ledger_name(name).is_ok(), "{name}");
        }
        let too_long = "x".repeat(64);
        for name in [
            "", "-a", "_a", "A", "a/b", "..", "a.b", "a b", "ä", &too_long,
        ] {
            assert!(check_ledger_name(name).is_err(), "{name}");
        }
    }
}
