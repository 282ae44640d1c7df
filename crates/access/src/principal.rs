//! Principals: who is asking, how that is known, and what it entitles to.

use std::collections::BTreeSet;
use std::fmt;

use crate::error::AccessError;
use crate::grant::{ACCESS_LEDGER, Grant, Ledgers};
use crate::permission::{Permission, Scope};
use crate::role::Role;

const NAME_BYTES_MAX: usize = 200;

/// Somebody who was recognised. The name stands in records for ever, with a prefix that says how it was established:
/// `token:loans-api`, `user:ann@bank.example`, `cert:loans-api`, `local:anonymous`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    name: String,
    grants: Vec<Grant>,
    via: Via,
}

/// How a principal was recognised.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Via {
    /// By a token.
    Token {
        /// Its public id.
        id: String,
    },
    /// By a session after logging in.
    Session,
    /// By a client certificate.
    Certificate,
    /// Not at all: the request came from this machine, and the settings let such requests in.
    Local,
}

impl Principal {
    /// Whoever holds a token.
    ///
    /// # Errors
    /// [`AccessError::PrincipalName`].
    pub fn token(name: &str, id: &str, grant: Grant) -> Result<Self, AccessError> {
        let id = id.to_owned();
        Self::new("token", name, vec![grant], Via::Token { id })
    }

    /// A person who has logged in.
    ///
    /// # Errors
    /// [`AccessError::PrincipalName`].
    pub fn user(name: &str, grants: Vec<Grant>) -> Result<Self, AccessError> {
        Self::new("user", name, grants, Via::Session)
    }

    /// A service that showed a client certificate.
    ///
    /// # Errors
    /// [`AccessError::PrincipalName`].
    pub fn certificate(name: &str, grants: Vec<Grant>) -> Result<Self, AccessError> {
        Self::new("cert", name, grants, Via::Certificate)
    }

    /// Whoever is on this machine, with every role: for a server that listens on loopback alone and asks for nothing.
    pub fn local() -> Self {
        Self {
            name: "local:anonymous".to_owned(),
            grants: vec![Grant::on_all(Role::ALL)],
            via: Via::Local,
        }
    }

    fn new(kind: &str, name: &str, grants: Vec<Grant>, via: Via) -> Result<Self, AccessError> {
        let bad = name.is_empty()
            || name.len() > NAME_BYTES_MAX
            || name.contains(|c: char| c.is_control() || c.is_whitespace());
        if bad {
            return Err(AccessError::PrincipalName {
                given: name.to_owned(),
            });
        }
        Ok(Self {
            name: format!("{kind}:{name}"),
            grants,
            via,
        })
    }

    /// The name, with its prefix.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How it was recognised.
    pub fn via(&self) -> &Via {
        &self.via
    }

    /// What it was granted.
    pub fn grants(&self) -> &[Grant] {
        &self.grants
    }

    /// Whether it may do this on this ledger. A permission that concerns the whole server needs a grant on all ledgers,
    /// whichever is named.
    pub fn allows(&self, permission: Permission, ledger: &str) -> bool {
        match permission.scope() {
            Scope::Server => self.allows_on_server(permission),
            Scope::Ledger => {
                if ledger == ACCESS_LEDGER && !may_touch_access_records(permission) {
                    return false;
                }
                self.roles(ledger)
                    .into_iter()
                    .any(|role| role.allows(permission))
            }
        }
    }

    /// Whether a role that it has on all ledgers allows this.
    pub fn allows_on_server(&self, permission: Permission) -> bool {
        self.server_roles().any(|role| role.allows(permission))
    }

    /// Its roles on a ledger. On the ledger of access records only those count that may read access records at all.
    pub fn roles(&self, ledger: &str) -> BTreeSet<Role> {
        if ledger == ACCESS_LEDGER {
            return self
                .server_roles()
                .filter(|role| role.allows(Permission::ReadAccess))
                .collect();
        }
        self.grants
            .iter()
            .filter(|grant| grant.ledgers().contain(ledger))
            .flat_map(|grant| grant.roles().iter().copied())
            .collect()
    }

    fn server_roles(&self) -> impl Iterator<Item = Role> {
        self.grants
            .iter()
            .filter(|grant| *grant.ledgers() == Ledgers::All)
            .flat_map(|grant| grant.roles().iter().copied())
    }
}

/// Access records are written by the server alone, and what is masked in them is not revealed: that would take a record
/// of its own in the same ledger, without end.
fn may_touch_access_records(permission: Permission) -> bool {
    permission.only_reads() && permission != Permission::Reveal
}

impl fmt::Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Token { .. } => "token",
            Self::Session => "session",
            Self::Certificate => "certificate",
            Self::Local => "local",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(grants: &[(Ledgers, &[Role])]) -> Principal {
        let grant = |(ledgers, roles): &(Ledgers, &[Role])| {
            Grant::new(ledgers.clone(), roles.iter().copied()).unwrap()
        };
        Principal::user("ann@bank.example", grants.iter().map(grant).collect()).unwrap()
    }

    #[test]
    fn a_grant_reaches_its_ledgers_and_no_others() {
        let ann = user(&[
            (Ledgers::named(["loans"]), &[Role::Compliance]),
            (Ledgers::named(["cards", "loans"]), &[Role::Engineer]),
        ]);
        assert!(ann.allows(Permission::Reveal, "loans"));
        assert!(!ann.allows(Permission::Reveal, "cards"));
        assert!(ann.allows(Permission::Sql, "cards"));
        assert!(!ann.allows(Permission::Sql, "loans2"));
        assert_eq!(ann.roles("loans").len(), 2);
        assert!(ann.roles("other").is_empty());
    }

    #[test]
    fn whoever_is_granted_nothing_may_do_nothing() {
        let nobody = user(&[]);
        for permission in Permission::ALL {
            assert!(!nobody.allows(permission, "main"), "{permission}");
            assert!(!nobody.allows_on_server(permission), "{permission}");
        }
    }

    #[test]
    fn an_admin_of_one_ledger_does_not_run_the_server() {
        let one = user(&[(Ledgers::named(["loans"]), &[Role::Admin])]);
        let all = user(&[(Ledgers::All, &[Role::Admin])]);
        for permission in Permission::ALL {
            if permission.scope() == Scope::Server {
                assert!(!one.allows(permission, "loans"), "{permission}");
                assert!(all.allows(permission, "loans"), "{permission}");
                assert!(all.allows_on_server(permission), "{permission}");
            }
        }
        assert!(one.allows(Permission::Read, "loans"));
    }

    #[test]
    fn access_records_are_read_by_auditor_and_admin_of_all_ledgers_and_written_by_nobody() {
        for role in Role::ALL {
            let all = user(&[(Ledgers::All, &[role])]);
            let one = user(&[(Ledgers::named(["main"]), &[role])]);
            for permission in Permission::ALL {
                let reads = matches!(role, Role::Auditor | Role::Admin)
                    && permission.scope() == Scope::Ledger
                    && role.allows(permission);
                if permission.scope() == Scope::Ledger {
                    assert_eq!(
                        all.allows(permission, ACCESS_LEDGER),
                        reads,
                        "{role} {permission}"
                    );
                }
                assert!(
                    !one.allows(permission, ACCESS_LEDGER),
                    "{role} {permission}"
                );
            }
        }
    }

    #[test]
    fn a_role_without_access_records_adds_nothing_to_one_with_them() {
        let both = user(&[(
            Ledgers::All,
            &[Role::Admin, Role::Engineer, Role::Compliance],
        )]);
        assert!(both.allows(Permission::Read, ACCESS_LEDGER));
        assert!(!both.allows(Permission::Sql, ACCESS_LEDGER));
        assert!(!both.allows(Permission::Erase, ACCESS_LEDGER));
        assert!(!both.allows(Permission::Reveal, ACCESS_LEDGER));
    }

    #[test]
    fn names_say_how_they_were_established_and_cannot_break_a_line() {
        assert_eq!(user(&[]).name(), "user:ann@bank.example");
        let grant = Grant::new(Ledgers::All, [Role::Ingest]).unwrap();
        let token = Principal::token("loans-api", "t1", grant).unwrap();
        assert_eq!(
            (token.name(), token.via().to_string().as_str()),
            ("token:loans-api", "token")
        );
        let cert = Principal::certificate("loans-api", Vec::new()).unwrap();
        assert_eq!(cert.name(), "cert:loans-api");
        assert_eq!(Principal::local().name(), "local:anonymous");
        let long = "x".repeat(201);
        for name in ["", "a b", "a\nb", "a\u{0}", &long] {
            assert!(Principal::user(name, Vec::new()).is_err(), "{name:?}");
        }
    }
}
