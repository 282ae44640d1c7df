//! What login needs to know, and what of it cannot be.

use std::fmt;
use std::time::Duration;

use causebook_access::Grant;
use url::{Host, Url};

use super::error::LoginError;

/// How people log in.
#[derive(Clone, Debug)]
pub struct OidcSettings {
    /// The provider's issuer, letter by letter as it names itself.
    pub issuer: String,
    /// This server's id there.
    pub client_id: String,
    /// Its secret there; none for a public client.
    pub client_secret: Option<ClientSecret>,
    /// Scopes to ask for; `openid` is always asked for.
    pub scopes: Vec<String>,
    /// Where browsers reach this server: scheme, host and port.
    pub base_url: Url,
    /// The claim that names roles: a name, or a JSON Pointer like `/realm_access/roles`.
    pub role_claim: String,
    /// What its values mean.
    pub rules: Vec<ClaimRule>,
    /// Time without a request after which a session ends.
    pub session_idle: Duration,
    /// Time after which a session ends in any case.
    pub session: Duration,
}

/// What one value of the claim entitles to.
#[derive(Clone, Debug)]
pub struct ClaimRule {
    /// The value, letter by letter.
    pub value: String,
    /// What whoever has it may do.
    pub grant: Grant,
}

/// A secret that is not printed.
#[derive(Clone, PartialEq, Eq)]
pub struct ClientSecret(pub String);

impl fmt::Debug for ClientSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientSecret(secret)")
    }
}

impl OidcSettings {
    /// # Errors
    /// [`LoginError::Settings`], naming the setting.
    pub(super) fn check(&self) -> Result<(), LoginError> {
        let refused = |what: &'static str, problem: &str| {
            Err(LoginError::Settings {
                what,
                problem: problem.to_owned(),
            })
        };
        let Ok(issuer) = Url::parse(&self.issuer) else {
            return refused("issuer", "it is not a URL");
        };
        if !is_safe(&issuer) {
            return refused("issuer", "it must be https, unless it is on this machine");
        }
        if !is_safe(&self.base_url) {
            return refused(
                "public_url",
                "a session cookie needs https, unless browsers are on this machine",
            );
        }
        if self.base_url.path() != "/" || self.base_url.query().is_some() {
            return refused("public_url", "it must be scheme, host and port alone");
        }
        if self.client_id.is_empty() {
            return refused("client_id", "it is empty");
        }
        if self.rules.is_empty() {
            return refused("roles", "without a rule nobody could log in");
        }
        Ok(())
    }

    /// Of several servers on one machine, which tell their cookies apart by nothing but the name, each has its own port.
    pub(super) fn session_cookie_name(&self) -> String {
        match self.base_url.port() {
            Some(port) if !is_secure(&self.base_url) => format!("causebook-{port}"),
            _ => "causebook".to_owned(),
        }
    }
}

pub(super) fn is_secure(url: &Url) -> bool {
    url.scheme() == "https"
}

/// Whether an address is this machine's own.
pub(crate) fn names_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn is_safe(url: &Url) -> bool {
    url.has_host() && (is_secure(url) || (url.scheme() == "http" && names_this_machine(url)))
}

#[cfg(test)]
pub(super) mod tests {
    use causebook_access::Role;

    use super::*;

    pub(crate) fn settings() -> OidcSettings {
        OidcSettings {
            issuer: "https://login.bank.example/realm".to_owned(),
            client_id: "causebook".to_owned(),
            client_secret: Some(ClientSecret("hush".to_owned())),
            scopes: vec!["openid".to_owned(), "email".to_owned(), "groups".to_owned()],
            base_url: "https://causebook.bank.example".parse().unwrap(),
            role_claim: "groups".to_owned(),
            rules: vec![ClaimRule {
                value: "auditors".to_owned(),
                grant: Grant::on_all([Role::Auditor]),
            }],
            session_idle: Duration::from_secs(1800),
            session: Duration::from_secs(43_200),
        }
    }

    #[test]
    fn settings_that_would_leak_or_shut_everybody_out_are_refused() {
        assert!(settings().check().is_ok());
        let refused = |change: fn(&mut OidcSettings)| {
            let mut changed = settings();
            change(&mut changed);
            changed.check().unwrap_err().to_string()
        };
        let address = |text: &str| text.parse::<Url>().unwrap();
        let plain = address("http://causebook.bank.example");
        assert!(refused(|it| it.issuer = "login".to_owned()).contains("issuer"));
        assert!(
            refused(|it| it.issuer = "http://login.bank.example".to_owned()).contains("issuer")
        );
        assert!(refused(|it| it.base_url = "http://a.example".parse().unwrap()).contains("https"));
        assert!(refused(|it| it.base_url = "https://a/b".parse().unwrap()).contains("public_url"));
        assert!(refused(|it| it.client_id.clear()).contains("client_id"));
        assert!(refused(|it| it.rules.clear()).contains("roles"));
        assert!(!is_safe(&plain) && is_safe(&address("http://127.0.0.1:7373")));
        assert!(is_safe(&address("http://[::1]:1")) && !is_safe(&address("http://localhost.evil")));
    }

    #[test]
    fn the_secret_is_not_printed() {
        assert!(!format!("{:?}", settings()).contains("hush"));
    }
}
