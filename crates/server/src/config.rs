//! What a server runs with: the settings, read into types. A value that cannot be is refused by its key.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use causebook_access::{
    CertificateMap, CertificateName, CertificateRule, Grant, Ledgers, MaskPolicy, Role,
};

use url::Url;

use crate::oidc::{ClaimRule, ClientSecret, OidcSettings, names_this_machine};
use crate::settings::KEYS;

/// A setting that cannot be followed.
#[derive(Debug, thiserror::Error)]
#[error("server.{key} is {value:?}: {problem}")]
pub struct ConfigError {
    /// Name of the setting.
    pub key: String,
    /// What it was set to.
    pub value: String,
    /// What is wrong with it.
    pub problem: String,
}

/// What a server runs with.
#[derive(Clone, Debug)]
pub struct Config {
    /// Folder that holds the ledgers.
    pub home: PathBuf,
    /// Address and port to answer at.
    pub listen: SocketAddr,
    /// The address that people and tools reach the server at.
    pub public_url: Option<String>,
    /// Whether anyone may read checkpoints and tiles.
    pub public_log: bool,
    /// Certificate and key, for https.
    pub tls: Option<Tls>,
    /// Bounds on what strangers control.
    pub limits: Limits,
    /// Bounds of one query, and how many there may be.
    pub sql: Sql,
    /// What each role sees masked.
    pub masks: MaskPolicy,
    /// Age at which an open gap is recorded.
    pub gap_after: Option<Duration>,
    /// Time between two looks for gaps.
    pub gap_look: Duration,
    /// Login by `OpenID` Connect.
    pub oidc: Option<OidcSettings>,
    /// Collector that the server's own traces go to.
    pub otlp_endpoint: Option<String>,
}

/// Certificate, key and whose client certificates are accepted.
#[derive(Clone, Debug)]
pub struct Tls {
    /// Certificate chain, PEM.
    pub certificate: PathBuf,
    /// Private key, PEM.
    pub key: PathBuf,
    /// Authorities of client certificates, PEM.
    pub client_ca: Option<PathBuf>,
    /// Whether who shows none is turned away.
    pub client_required: bool,
    /// Which service is which.
    pub clients: CertificateMap,
}

/// Bounds on what strangers control.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Most bytes of a request's body, decoded.
    pub body_bytes: u64,
    /// Most records of one batch.
    pub records: usize,
    /// Most connections at one time.
    pub connections: usize,
    /// Time for the head of a request to arrive.
    pub header: Duration,
    /// Longest pause of a body.
    pub body_idle: Duration,
    /// Time for a read to be answered.
    pub request: Duration,
    /// Most requests worked on at one time.
    pub in_flight: usize,
    /// Most batches received at one time.
    pub batches: usize,
    /// Most live tails at one time.
    pub tails: usize,
    /// Requests a second that one principal may send.
    pub requests_per_s: Option<u32>,
    /// Time for requests to end when the server is told to stop.
    pub shutdown: Duration,
}

/// Bounds of queries.
#[derive(Clone, Debug)]
pub struct Sql {
    /// Time of one.
    pub time: Duration,
    /// Memory of one, in bytes.
    pub memory_bytes: usize,
    /// Most at one time.
    pub concurrent: usize,
}

impl Config {
    /// Reads settings by name; what is not there is as by default.
    ///
    /// # Errors
    /// [`ConfigError`] names the setting that cannot be followed.
    pub fn new(home: PathBuf, values: &BTreeMap<String, String>) -> Result<Self, ConfigError> {
        let values = Values(values);
        Ok(Self {
            home,
            listen: values.parsed(
                "listen",
                "expected an address and a port, such as 127.0.0.1:7373",
            )?,
            public_url: values.public_url()?,
            public_log: values.switch("public_log")?,
            tls: values.tls()?,
            limits: values.limits()?,
            sql: Sql {
                time: values.seconds("sql.timeout_s")?,
                memory_bytes: values.megabytes("sql.memory_mb")? as usize,
                concurrent: values.count("sql.concurrent")?,
            },
            masks: values.masks()?,
            gap_after: Some(values.seconds("completeness.gap_after_s")?)
                .filter(|after| !after.is_zero()),
            gap_look: values
                .seconds("completeness.look_s")?
                .max(Duration::from_secs(1)),
            oidc: values.oidc()?,
            otlp_endpoint: values.otlp()?,
        })
    }

    /// Whether only programs of this machine can connect.
    pub fn is_loopback(&self) -> bool {
        self.listen.ip().is_loopback()
    }

    /// The address that others reach the server at, through a proxy on this machine for example; none if it is this
    /// machine's own.
    pub fn published(&self) -> Option<&str> {
        let is_ours = |url: &&str| Url::parse(url).is_ok_and(|url| names_this_machine(&url));
        self.public_url.as_deref().filter(|url| !is_ours(url))
    }
}

struct Values<'a>(&'a BTreeMap<String, String>);

impl Values<'_> {
    fn text(&self, name: &str) -> &str {
        let default = KEYS.iter().find(|key| key.name == name);
        self.0
            .get(name)
            .map_or(default.map_or("", |key| key.default), String::as_str)
            .trim()
    }

    fn given(&self, name: &str) -> Option<String> {
        Some(self.text(name).to_owned()).filter(|text| !text.is_empty())
    }

    fn error(&self, name: &str, problem: impl Into<String>) -> ConfigError {
        ConfigError {
            key: name.to_owned(),
            value: self.text(name).to_owned(),
            problem: problem.into(),
        }
    }

    fn parsed<T: std::str::FromStr>(&self, name: &str, problem: &str) -> Result<T, ConfigError> {
        self.text(name)
            .parse()
            .map_err(|_| self.error(name, problem))
    }

    fn switch(&self, name: &str) -> Result<bool, ConfigError> {
        self.parsed(name, "expected true or false")
    }

    fn number(&self, name: &str) -> Result<u64, ConfigError> {
        self.parsed(name, "expected a whole number")
    }

    fn count(&self, name: &str) -> Result<usize, ConfigError> {
        let number = self.number(name)?;
        usize::try_from(number)
            .ok()
            .filter(|count| (1..=1 << 24).contains(count))
            .ok_or_else(|| self.error(name, "expected at least 1 and at most 16777216"))
    }

    fn seconds(&self, name: &str) -> Result<Duration, ConfigError> {
        let seconds = self.number(name)?;
        if seconds > 30 * 86_400 {
            return Err(self.error(name, "more than thirty days"));
        }
        Ok(Duration::from_secs(seconds))
    }

    fn megabytes(&self, name: &str) -> Result<u64, ConfigError> {
        let megabytes = self.number(name)?;
        megabytes
            .checked_mul(1 << 20)
            .filter(|bytes| (1 << 20..=1 << 40).contains(bytes))
            .ok_or_else(|| self.error(name, "expected at least 1 and at most 1048576"))
    }

    fn list(&self, name: &str) -> Vec<String> {
        let items = self.text(name).split(',').map(str::trim);
        items
            .filter(|item| !item.is_empty())
            .map(str::to_owned)
            .collect()
    }

    fn role(&self, name: &str, role: &str) -> Result<Role, ConfigError> {
        role.parse().map_err(|_| {
            let known: Vec<&str> = Role::ALL.iter().map(|role| role.as_str()).collect();
            let problem = format!("{role:?} is no role; roles are {}", known.join(", "));
            self.error(name, problem)
        })
    }

    fn public_url(&self) -> Result<Option<String>, ConfigError> {
        let Some(url) = self.given("public_url") else {
            return Ok(None);
        };
        let is_url = url.starts_with("https://") || url.starts_with("http://");
        if !is_url || url.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err(self.error(
                "public_url",
                "expected https://, a host, and nothing behind it",
            ));
        }
        Ok(Some(url.trim_end_matches('/').to_owned()))
    }

    fn tls(&self) -> Result<Option<Tls>, ConfigError> {
        let path = |name| self.given(name).map(PathBuf::from);
        match (path("tls.certificate"), path("tls.key")) {
            (None, None) if self.given("tls.client_ca").is_some() => Err(self.error(
                "tls.client_ca",
                "client certificates need https: set tls.certificate and tls.key",
            )),
            (None, None) => Ok(None),
            (Some(certificate), Some(key)) => Ok(Some(Tls {
                certificate,
                key,
                client_ca: path("tls.client_ca"),
                client_required: self.switch("tls.client_required")?,
                clients: self.clients()?,
            })),
            (Some(_), None) => Err(self.error("tls.key", "the certificate's key is missing")),
            (None, Some(_)) => {
                Err(self.error("tls.certificate", "the key's certificate is missing"))
            }
        }
    }

    fn clients(&self) -> Result<CertificateMap, ConfigError> {
        let refused = |problem: String| self.error("tls.clients", problem);
        let mut rules = Vec::new();
        for client in self.list("tls.clients") {
            let (name, granted) = client
                .rsplit_once('=')
                .ok_or_else(|| refused(format!("{client:?} is not NAME=ROLE")))?;
            let (role, ledger) = match granted.split_once('@') {
                Some((role, ledger)) => (role, Some(ledger)),
                None => (granted, None),
            };
            let role = self.role("tls.clients", role)?;
            let ledgers = ledger.map_or(Ledgers::All, |ledger| Ledgers::named([ledger]));
            let grant = Grant::new(ledgers, [role]).map_err(|error| refused(error.to_string()))?;
            let certificate = match name.split_once(':') {
                Some(("dns", name)) => CertificateName::Dns(name.to_owned()),
                Some(("uri", uri)) => CertificateName::Uri(uri.to_owned()),
                _ => CertificateName::CommonName(name.to_owned()),
            };
            rules.push(CertificateRule {
                // The last part of a URI is the service's own name.
                name: name.rsplit(['/', ':']).next().unwrap_or(name).to_owned(),
                certificate,
                grants: vec![grant],
            });
        }
        CertificateMap::new(rules).map_err(|error| refused(error.to_string()))
    }

    fn limits(&self) -> Result<Limits, ConfigError> {
        let rate = self.number("limits.requests_per_s")?;
        let rate = u32::try_from(rate)
            .map_err(|_| self.error("limits.requests_per_s", "expected less than 4294967296"))?;
        Ok(Limits {
            body_bytes: self.megabytes("limits.body_mb")?,
            records: self.count("limits.records")?,
            connections: self.count("limits.connections")?,
            header: self.seconds("limits.header_s")?,
            body_idle: self.seconds("limits.body_idle_s")?,
            request: self.seconds("limits.request_s")?,
            in_flight: self.count("limits.in_flight")?,
            batches: self.count("limits.batches")?,
            tails: self.count("limits.tails")?,
            requests_per_s: Some(rate).filter(|rate| *rate > 0),
            shutdown: self.seconds("limits.shutdown_s")?,
        })
    }

    fn masks(&self) -> Result<MaskPolicy, ConfigError> {
        let mut policy = MaskPolicy::none();
        for role in Role::ALL {
            let name = format!("masks.{}", role.as_str());
            for pointer in self.list(&name) {
                let parsed = pointer
                    .parse()
                    .map_err(|error: causebook_record::RecordError| {
                        self.error(&name, error.to_string())
                    })?;
                policy
                    .mask(role, parsed)
                    .map_err(|error| self.error(&name, error.to_string()))?;
            }
        }
        Ok(policy)
    }

    fn otlp(&self) -> Result<Option<String>, ConfigError> {
        let Some(endpoint) = self.given("otlp.endpoint") else {
            return Ok(None);
        };
        let host = endpoint
            .strip_prefix("http://")
            .or_else(|| endpoint.strip_prefix("https://"));
        match host.map(|host| host.trim_end_matches('/')) {
            None => Err(self.error("otlp.endpoint", "expected http:// or https:// and a host")),
            // Each span it took would make another.
            Some(host) if host == self.text("listen") => {
                Err(self.error("otlp.endpoint", "this server does not take its own traces"))
            }
            Some(_) => Ok(Some(endpoint)),
        }
    }

    fn oidc(&self) -> Result<Option<OidcSettings>, ConfigError> {
        let Some(issuer) = self.given("oidc.issuer") else {
            return Ok(None);
        };
        let client_id = self
            .given("oidc.client_id")
            .ok_or_else(|| self.error("oidc.client_id", "a provider needs it"))?;
        let base_url = self
            .public_url()?
            .unwrap_or_else(|| format!("http://{}", self.text("listen")));
        let mut rules = Vec::new();
        for pair in self.list("oidc.roles") {
            let (value, role) = pair
                .split_once('=')
                .ok_or_else(|| self.error("oidc.roles", format!("{pair:?} is not VALUE=ROLE")))?;
            let role = self.role("oidc.roles", role.trim())?;
            rules.push(ClaimRule {
                value: value.trim().to_owned(),
                grant: Grant::on_all([role]),
            });
        }
        Ok(Some(OidcSettings {
            issuer,
            client_id,
            client_secret: self.secret("oidc.client_secret_file")?,
            scopes: self.list("oidc.scopes"),
            base_url: base_url
                .parse()
                .map_err(|_| self.error("public_url", "it is not a URL"))?,
            role_claim: self.text("oidc.role_claim").to_owned(),
            rules,
            session_idle: self.seconds("oidc.session_idle_s")?,
            session: self.seconds("oidc.session_s")?,
        }))
    }

    /// A secret from a file of its own: it is never a flag, a variable or a line of the settings.
    fn secret(&self, name: &str) -> Result<Option<ClientSecret>, ConfigError> {
        let Some(path) = self.given(name) else {
            return Ok(None);
        };
        let text = std::fs::read_to_string(&path)
            .map_err(|error| self.error(name, format!("it cannot be read: {error}")))?;
        Ok(Some(ClientSecret(text.trim().to_owned())))
    }
}
