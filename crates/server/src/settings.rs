//! The settings of a server: one table, from which flags, environment variables, the keys of the settings file and their
//! documentation are made, so that none of the four can lack what another has.

/// What a setting holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueKind {
    /// Any text.
    Text,
    /// A path; relative ones count from the folder of the file that names them, or from the working folder.
    Path,
    /// A whole number.
    Number,
    /// `true` or `false`.
    Switch,
    /// Texts, with commas between.
    List,
}

/// One setting.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Its name in the settings file, under `[server]`: `listen`, `tls.certificate`.
    pub name: &'static str,
    /// What it holds.
    pub kind: ValueKind,
    /// What it is where nothing was said; empty for none.
    pub default: &'static str,
    /// What it does, in one sentence.
    pub help: &'static str,
}

impl Key {
    /// The flag of `causebook serve`: `--tls-certificate`.
    pub fn flag(&self) -> String {
        self.name.replace(['.', '_'], "-")
    }

    /// The environment variable: `CAUSEBOOK_SERVER_TLS_CERTIFICATE`.
    pub fn variable(&self) -> String {
        format!(
            "CAUSEBOOK_SERVER_{}",
            self.name.replace('.', "_").to_uppercase()
        )
    }
}

const fn key(
    name: &'static str,
    kind: ValueKind,
    default: &'static str,
    help: &'static str,
) -> Key {
    Key {
        name,
        kind,
        default,
        help,
    }
}

use ValueKind::{List, Number, Path, Switch, Text};

/// All settings of a server, in the order of the documentation.
pub const KEYS: &[Key] = &[
    key(
        "listen",
        Text,
        "127.0.0.1:7373",
        "Address and port to answer at",
    ),
    key(
        "public_url",
        Text,
        "",
        "The address that people and tools reach the server at, for example https://causebook.bank.example",
    ),
    key(
        "public_log",
        Switch,
        "false",
        "Whether anyone may read checkpoints and tiles, which hold no payload, without a token",
    ),
    key(
        "tls.certificate",
        Path,
        "",
        "Certificate chain in PEM; with it the server speaks https",
    ),
    key(
        "tls.key",
        Path,
        "",
        "Private key of the certificate, in PEM",
    ),
    key(
        "tls.client_ca",
        Path,
        "",
        "Certificate authorities in PEM whose client certificates are accepted",
    ),
    key(
        "tls.clients",
        List,
        "",
        "Services by their client certificates: COMMON-NAME=ROLE, dns:NAME=ROLE or uri:NAME=ROLE, for one ledger NAME=ROLE@LEDGER",
    ),
    key(
        "tls.client_required",
        Switch,
        "false",
        "Whether who shows no client certificate is turned away",
    ),
    key(
        "limits.body_mb",
        Number,
        "1024",
        "Most megabytes of a request's body, decoded",
    ),
    key(
        "limits.records",
        Number,
        "100000",
        "Most records of one batch",
    ),
    key(
        "limits.connections",
        Number,
        "1024",
        "Most connections at one time",
    ),
    key(
        "limits.header_s",
        Number,
        "10",
        "Seconds for the head of a request to arrive",
    ),
    key(
        "limits.body_idle_s",
        Number,
        "30",
        "Seconds that a body may pause, or an answer that nobody takes may wait",
    ),
    key(
        "limits.request_s",
        Number,
        "120",
        "Seconds for a read to be answered",
    ),
    key(
        "limits.in_flight",
        Number,
        "256",
        "Most requests worked on at one time; more are answered 503",
    ),
    key(
        "limits.batches",
        Number,
        "32",
        "Most batches at one time, until their results are taken; each may hold its records and results in memory",
    ),
    key("limits.tails", Number, "128", "Most live tails at one time"),
    key(
        "limits.requests_per_s",
        Number,
        "20000",
        "Requests a second that one principal may send; 0 for no limit",
    ),
    key(
        "limits.shutdown_s",
        Number,
        "30",
        "Seconds for requests to end when the server is told to stop",
    ),
    key(
        "sql.timeout_s",
        Number,
        "30",
        "Seconds after which a query is stopped",
    ),
    key(
        "sql.memory_mb",
        Number,
        "512",
        "Megabytes that a query may use",
    ),
    key("sql.concurrent", Number, "4", "Most queries at one time"),
    key(
        "masks.engineer",
        List,
        causebook_access::ENGINEER_MASK,
        "Members that an engineer sees masked, as JSON Pointers",
    ),
    key(
        "masks.compliance",
        List,
        "",
        "Members that a compliance officer sees masked",
    ),
    key(
        "masks.auditor",
        List,
        "",
        "Members that an auditor sees masked",
    ),
    key(
        "masks.admin",
        List,
        causebook_access::ADMIN_MASK,
        "Members that an administrator sees masked",
    ),
    key(
        "completeness.gap_after_s",
        Number,
        "900",
        "Seconds after which a gap that stays open is itself recorded; 0 for never",
    ),
    key(
        "completeness.look_s",
        Number,
        "30",
        "Seconds between two looks for such gaps",
    ),
    key(
        "log.format",
        Text,
        "text",
        "Form of the log on standard error: text or json",
    ),
    key(
        "log.level",
        Text,
        "info",
        "Least level that is logged: error, warn, info, debug",
    ),
    key(
        "oidc.issuer",
        Text,
        "",
        "Issuer of the OpenID Connect provider that people log in with",
    ),
    key(
        "oidc.client_id",
        Text,
        "",
        "Id of this server at the provider",
    ),
    key(
        "oidc.client_secret_file",
        Path,
        "",
        "File with the secret of this server at the provider",
    ),
    key(
        "oidc.scopes",
        List,
        "openid,email,profile",
        "Scopes to ask the provider for",
    ),
    key(
        "oidc.role_claim",
        Text,
        "groups",
        "Claim of the ID token that names roles",
    ),
    key(
        "oidc.roles",
        List,
        "",
        "What the values of that claim mean: risk-officers=compliance, auditors=auditor",
    ),
    key(
        "oidc.session_idle_s",
        Number,
        "1800",
        "Seconds without a request after which a login ends",
    ),
    key(
        "oidc.session_s",
        Number,
        "43200",
        "Seconds after which a login ends in any case",
    ),
    key(
        "otlp.endpoint",
        Text,
        "",
        "Where the server sends its own traces, OTLP over HTTP; nothing is sent where empty",
    ),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_setting_has_a_name_a_flag_and_a_variable_of_its_own() {
        let flags: BTreeSet<String> = KEYS.iter().map(Key::flag).collect();
        let variables: BTreeSet<String> = KEYS.iter().map(Key::variable).collect();
        assert_eq!((flags.len(), variables.len()), (KEYS.len(), KEYS.len()));
        assert!(KEYS.iter().all(|key| !key.help.ends_with('.')));
    }
}
