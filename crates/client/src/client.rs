//! A server as a whole: who asks, which ledgers there are, which tokens.

use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::json;
use url::Url;

use crate::address::Address;
use crate::answers::{LedgerInfo, Me, NewToken, Pulse, TokenInfo};
use crate::credentials::Credentials;
use crate::error::ClientError;
use crate::ledger::RemoteLedger;
use crate::transport::{Answer, Call, Transport};

/// Longest purpose that the server takes.
const PURPOSE_BYTES_MAX: usize = 200;

/// How a client behaves. The defaults suit a person who waits.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// How long a connection may take to be made, TLS included. 10 s.
    pub connect_timeout: Duration,
    /// How long the server may be silent within an answer. 60 s.
    pub read_timeout: Duration,
    /// How often a request that failed in passing is made again. 4.
    pub retries_max: u32,
    /// How long it is waited before the first of these; the waits double. 100 ms.
    pub retry_wait: Duration,
    /// Whether a token may go unencrypted to another machine. Never set this because something does not work.
    pub allow_plain_http: bool,
    /// Why is it asked: stands in the record that the server keeps of each access.
    pub purpose: Option<String>,
    /// Whether long batches are compressed. `None`: unless the server is on this machine.
    pub compress: Option<bool>,
    /// Whether a batch may refer to records that come later, from another process.
    pub allow_missing_target: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            connect_timeout: Duration::from_secs(10),
            read_timeout: Duration::from_secs(60),
            retries_max: 4,
            retry_wait: Duration::from_millis(100),
            allow_plain_http: false,
            purpose: None,
            compress: None,
            allow_missing_target: false,
        }
    }
}

/// A server. Clones share its connections.
#[derive(Clone, Debug)]
pub struct Client {
    transport: Arc<Transport>,
}

impl Client {
    /// A client for the server at this address. Nothing is sent yet.
    ///
    /// # Errors
    /// [`ClientError::Address`], and [`ClientError::PlainHttp`] if a token would travel unencrypted.
    pub fn connect(url: &Url, credentials: &Credentials) -> Result<Client, ClientError> {
        Client::connect_with(url, credentials, Options::default())
    }

    /// The same, behaving otherwise than by default.
    ///
    /// # Errors
    /// As [`Client::connect`], and [`ClientError::Address`] for a purpose that no header can carry.
    pub fn connect_with(
        url: &Url,
        credentials: &Credentials,
        options: Options,
    ) -> Result<Client, ClientError> {
        let address = Address::new(url, credentials, options.allow_plain_http)?;
        let unfit = |purpose: &&String| {
            purpose.len() > PURPOSE_BYTES_MAX || purpose.chars().any(char::is_control)
        };
        if let Some(purpose) = options.purpose.as_ref().filter(unfit) {
            return Err(ClientError::Address {
                given: purpose.chars().take(40).collect(),
                what: "a purpose has at most 200 bytes and no control characters".to_owned(),
            });
        }
        Ok(Client {
            transport: Arc::new(Transport::new(address, credentials, options)),
        })
    }

    /// The address of the server, without a slash at its end.
    pub fn address(&self) -> String {
        self.transport.address.text()
    }

    /// A ledger of the server. Whether it is there shows when it is asked.
    pub fn ledger(&self, name: &str) -> RemoteLedger {
        RemoteLedger::new(self.clone(), name)
    }

    /// Who the server takes this client for, and what it may do.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn me(&self) -> Result<Me, ClientError> {
        self.get(&["v1", "me"])
    }

    /// The ledgers that this client may do anything with.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn ledgers(&self) -> Result<Vec<LedgerInfo>, ClientError> {
        #[derive(serde::Deserialize)]
        struct Ledgers {
            ledgers: Vec<LedgerInfo>,
        }
        Ok(self.get::<Ledgers>(&["v1", "ledgers"])?.ledgers)
    }

    /// Makes a ledger. Its origin is the server's choice if none is given.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn create_ledger(
        &self,
        name: &str,
        origin: Option<&str>,
    ) -> Result<LedgerInfo, ClientError> {
        let mut body = json!({ "name": name });
        if let (Some(object), Some(origin)) = (body.as_object_mut(), origin) {
            object.insert("origin".to_owned(), json!(origin));
        }
        self.post(&["v1", "ledgers"], &body.to_string())
    }

    /// The tokens of the server.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn tokens(&self) -> Result<Vec<TokenInfo>, ClientError> {
        #[derive(serde::Deserialize)]
        struct Tokens {
            tokens: Vec<TokenInfo>,
        }
        Ok(self.get::<Tokens>(&["v1", "tokens"])?.tokens)
    }

    /// Makes a token. It is told once.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn create_token(
        &self,
        name: &str,
        roles: &[String],
        ledgers: Option<&[String]>,
        expires_days: Option<u32>,
    ) -> Result<NewToken, ClientError> {
        let mut body = json!({ "name": name, "roles": roles });
        if let Some(object) = body.as_object_mut() {
            if let Some(ledgers) = ledgers {
                object.insert("ledgers".to_owned(), json!(ledgers));
            }
            if let Some(days) = expires_days {
                object.insert("expires_days".to_owned(), json!(days));
            }
        }
        self.post(&["v1", "tokens"], &body.to_string())
    }

    /// Takes a token out of use, at once.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn revoke_token(&self, id: &str) -> Result<(), ClientError> {
        let url = self.url(&["v1", "tokens", id], &[])?;
        let call = Call {
            method: "DELETE",
            ..Call::get(url)
        };
        self.transport.run(call, |_| Ok(()))
    }

    /// Whether the server lives, and what time it has.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn pulse(&self) -> Result<Pulse, ClientError> {
        let call = Call::get(self.url(&["healthz"], &[])?).accept("*/*");
        self.transport.run(call, |answer| {
            Ok(Pulse {
                date: answer.header("date").map(str::to_owned),
                server: answer.header("server").map(str::to_owned),
                request_id: answer.header("x-request-id").map(str::to_owned),
                via: answer.header("via").map(str::to_owned),
            })
        })
    }

    pub(crate) fn transport(&self) -> &Transport {
        &self.transport
    }

    pub(crate) fn url(
        &self,
        segments: &[&str],
        query: &[(&str, String)],
    ) -> Result<Url, ClientError> {
        self.transport.address.of(segments, query)
    }

    fn get<T: DeserializeOwned>(&self, segments: &[&str]) -> Result<T, ClientError> {
        let call = Call::get(self.url(segments, &[])?);
        self.transport.run(call, Answer::json)
    }

    fn post<T: DeserializeOwned>(&self, segments: &[&str], body: &str) -> Result<T, ClientError> {
        let call = Call::post(self.url(segments, &[])?, body.as_bytes());
        self.transport.run(call, Answer::json)
    }
}
