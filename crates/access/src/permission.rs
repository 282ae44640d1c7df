//! The table of what may be done and by whom. Everything that the server does for somebody asks for one of these.

use std::fmt;

use causebook_record::Kind;

use crate::role::Role;

/// An act that somebody may or may not be allowed to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Permission {
    /// Record decisions, explanations, models, settings and gaps.
    Append,
    /// Record what refers to a decision and is a human or later act: outcome, review, notice, correction.
    AppendLinked,
    /// Store attachments.
    Attach,
    /// Read a record by its id, with its history.
    Read,
    /// Read an attachment.
    ReadAttachment,
    /// List, filter, facets and histogram.
    Search,
    /// Ask in SQL.
    Sql,
    /// Follow new records as they come.
    Tail,
    /// See what is masked, for a reason that is recorded.
    Reveal,
    /// Get evidence: facts as they were sealed, with their proof.
    Evidence,
    /// Get all records that match, in bulk.
    Export,
    /// Have the server check the ledger.
    Verify,
    /// Fetch checkpoint, tiles and consistency proofs, which say nothing about anybody.
    ReadLog,
    /// See what capture streams sent and what is missing.
    Completeness,
    /// Erase facts or a payload.
    Erase,
    /// Read who read what.
    ReadAccess,
    /// Make ledgers.
    ManageLedgers,
    /// List, make and revoke tokens.
    ManageTokens,
    /// See and change settings.
    ManageSettings,
    /// Read the server's metrics.
    Metrics,
}

/// What a permission is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// One ledger: a grant on that ledger is enough.
    Ledger,
    /// The server as a whole: only a grant on all ledgers is enough, or somebody in charge of one ledger could give
    /// himself the others.
    Server,
}

impl Permission {
    /// Every permission, in the order in which they are documented.
    pub const ALL: [Permission; 20] = [
        Permission::Append,
        Permission::AppendLinked,
        Permission::Attach,
        Permission::Read,
        Permission::ReadAttachment,
        Permission::Search,
        Permission::Sql,
        Permission::Tail,
        Permission::Reveal,
        Permission::Evidence,
        Permission::Export,
        Permission::Verify,
        Permission::ReadLog,
        Permission::Completeness,
        Permission::Erase,
        Permission::ReadAccess,
        Permission::ManageLedgers,
        Permission::ManageTokens,
        Permission::ManageSettings,
        Permission::Metrics,
    ];

    /// The roles that have it. A role that is not named here is refused.
    #[expect(clippy::match_same_arms, reason = "it reads as the table that it is")]
    pub fn roles(self) -> &'static [Role] {
        use Role::{Admin, Auditor, Compliance, Engineer, Ingest};
        match self {
            Permission::Append => &[Ingest, Engineer],
            // Outcomes and reviews come from case systems through ingest as well as from people.
            Permission::AppendLinked => &[Ingest, Compliance],
            // A notice names the bytes that the subject was sent, so whoever records one stores them.
            Permission::Attach => &[Ingest, Compliance],
            // An admin sees that a record is there, and what is left of it under the masks.
            Permission::Read | Permission::Search => &[Engineer, Compliance, Auditor, Admin],
            // Attachments are payload, and no mask reaches into their bytes.
            Permission::ReadAttachment => &[Compliance, Auditor],
            Permission::Sql | Permission::Tail | Permission::Completeness => {
                &[Engineer, Compliance, Auditor]
            }
            Permission::Reveal | Permission::Erase => &[Compliance],
            Permission::Evidence => &[Compliance, Auditor],
            Permission::Export | Permission::Verify => &[Auditor],
            Permission::ReadLog => &[Engineer, Compliance, Auditor, Admin],
            Permission::ReadAccess => &[Auditor, Admin],
            Permission::ManageLedgers
            | Permission::ManageTokens
            | Permission::ManageSettings
            | Permission::Metrics => &[Admin],
        }
    }

    /// Whether it is about one ledger or the server.
    pub fn scope(self) -> Scope {
        match self {
            Permission::ReadAccess
            | Permission::ManageLedgers
            | Permission::ManageTokens
            | Permission::ManageSettings
            | Permission::Metrics => Scope::Server,
            _ => Scope::Ledger,
        }
    }

    /// Whether having it changes nothing but the record of the access.
    pub fn only_reads(self) -> bool {
        match self {
            Permission::Read
            | Permission::ReadAttachment
            | Permission::Search
            | Permission::Sql
            | Permission::Tail
            | Permission::Reveal
            | Permission::Evidence
            | Permission::Export
            | Permission::Verify
            | Permission::ReadLog
            | Permission::Completeness
            | Permission::ReadAccess
            | Permission::Metrics => true,
            Permission::Append
            | Permission::AppendLinked
            | Permission::Attach
            | Permission::Erase
            | Permission::ManageLedgers
            | Permission::ManageTokens
            | Permission::ManageSettings => false,
        }
    }

    /// What sending a record of this kind takes. `None`: nobody may send one; they come of acts on the ledger.
    pub fn to_append(kind: Kind) -> Option<Permission> {
        match kind {
            Kind::Decision | Kind::Explanation | Kind::Model | Kind::Config | Kind::Gap => {
                Some(Permission::Append)
            }
            Kind::Outcome | Kind::Review | Kind::Notice | Kind::Correction => {
                Some(Permission::AppendLinked)
            }
            // Kinds of a later version are refused with the rest.
            _ => None,
        }
    }

    /// A stable name, kebab-case.
    pub fn as_str(self) -> &'static str {
        match self {
            Permission::Append => "append",
            Permission::AppendLinked => "append-linked",
            Permission::Attach => "attach",
            Permission::Read => "read",
            Permission::ReadAttachment => "read-attachment",
            Permission::Search => "search",
            Permission::Sql => "sql",
            Permission::Tail => "tail",
            Permission::Reveal => "reveal",
            Permission::Evidence => "evidence",
            Permission::Export => "export",
            Permission::Verify => "verify",
            Permission::ReadLog => "read-log",
            Permission::Completeness => "completeness",
            Permission::Erase => "erase",
            Permission::ReadAccess => "read-access",
            Permission::ManageLedgers => "manage-ledgers",
            Permission::ManageTokens => "manage-tokens",
            Permission::ManageSettings => "manage-settings",
            Permission::Metrics => "metrics",
        }
    }

    /// What it lets somebody do, in words that follow "may".
    pub fn meaning(self) -> &'static str {
        match self {
            Permission::Append => "record decisions, explanations, models, settings and gaps",
            Permission::AppendLinked => "record outcomes, reviews, notices and corrections",
            Permission::Attach => "store attachments",
            Permission::Read => "read a record and its history",
            Permission::ReadAttachment => "read attachments",
            Permission::Search => "list, filter and count records",
            Permission::Sql => "ask in SQL",
            Permission::Tail => "follow new records as they come",
            Permission::Reveal => "see masked members, for a recorded reason",
            Permission::Evidence => "get evidence for a record",
            Permission::Export => "get all records that match, in bulk",
            Permission::Verify => "have the server verify the ledger",
            Permission::ReadLog => "fetch checkpoint, tiles and consistency proofs",
            Permission::Completeness => "see what capture streams sent and what is missing",
            Permission::Erase => "erase facts or a payload",
            Permission::ReadAccess => "read who read what",
            Permission::ManageLedgers => "make ledgers",
            Permission::ManageTokens => "list, make and revoke tokens",
            Permission::ManageSettings => "see and change settings",
            Permission::Metrics => "read metrics",
        }
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Written from the contract, not from the code: what each role may do, and nothing else.
    const CONTRACT: [(Role, &str); 5] = [
        (Role::Ingest, "append append-linked attach"),
        (
            Role::Engineer,
            "append read search sql tail read-log completeness",
        ),
        (
            Role::Compliance,
            "append-linked attach read read-attachment search sql tail reveal evidence read-log completeness erase",
        ),
        (
            Role::Auditor,
            "read read-attachment search sql tail evidence export verify read-log completeness read-access",
        ),
        (
            Role::Admin,
            "read search read-log read-access manage-ledgers manage-tokens manage-settings metrics",
        ),
    ];

    #[test]
    fn every_role_may_do_what_the_contract_says_and_nothing_else() {
        for (role, contract) in CONTRACT {
            let allowed: BTreeSet<&str> = contract.split(' ').collect();
            for permission in Permission::ALL {
                let expected = allowed.contains(permission.as_str());
                assert_eq!(role.allows(permission), expected, "{role} {permission}");
            }
        }
    }

    #[test]
    fn every_permission_is_listed_once_and_has_a_name_of_its_own() {
        let names: BTreeSet<&str> = Permission::ALL.iter().map(|one| one.as_str()).collect();
        assert_eq!(names.len(), Permission::ALL.len());
        assert!(Permission::ALL.is_sorted(), "in the order of the enum");
        assert_eq!(Permission::ALL[0] as usize, 0);
        assert_eq!(
            Permission::ALL[Permission::ALL.len() - 1],
            Permission::Metrics
        );
    }

    #[test]
    fn an_auditor_writes_nothing_and_ingest_reads_nothing() {
        for permission in Permission::ALL {
            if Role::Auditor.allows(permission) {
                assert!(permission.only_reads(), "{permission}");
            }
            if Role::Ingest.allows(permission) {
                assert!(!permission.only_reads(), "{permission}");
            }
        }
    }

    #[test]
    fn what_the_ledger_alone_records_is_taken_from_nobody() {
        for kind in Kind::ALL {
            let expected = !matches!(kind, Kind::Erasure | Kind::Hold | Kind::Access);
            assert_eq!(Permission::to_append(*kind).is_some(), expected, "{kind:?}");
        }
    }
}
