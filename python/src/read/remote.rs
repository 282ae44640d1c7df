//! A ledger on a server. What can be checked without believing the server is checked on this side.

use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use causebook_client::{
    Client, ClientError, Credentials, Item, ListRequest, Options, RemoteLedger, SqlFormat, Url,
};
use causebook_evidence::{Evidence, Trust, check};
use serde_json::Value;

use super::fault::{Class, Fault};
use super::remote_verify;
use super::source::{Page, PageAsk, Proof, Source, VerifyAsk};
use super::trust::Trusted;

/// A record that was acknowledged a moment ago is under a signed head soon.
const LOOKS_MAX: usize = 10;
const LOOK_INTERVAL: Duration = Duration::from_millis(200);
/// Most bytes of an answer in SQL, or of an attachment, that are taken into memory.
const ANSWER_BYTES_MAX: usize = 2 << 30;

/// Where a ledger of a server is, and who asks.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    url: Url,
    ledger: String,
    credentials: Credentials,
    purpose: Option<String>,
    allow_plain_http: bool,
}

/// A ledger on a server.
#[derive(Debug)]
pub(crate) struct Remote {
    place: Place,
    /// With the process that made its connections.
    ledger: Mutex<(u32, RemoteLedger)>,
}

impl Place {
    pub(crate) fn new(
        url: &str,
        ledger: &str,
        token: Option<&str>,
        purpose: Option<String>,
        allow_plain_http: bool,
    ) -> Result<Place, Fault> {
        // What does not parse is not repeated: a password may stand in it.
        let url = Url::parse(url).map_err(|error| {
            Fault::setting("address", format!("the address of the server: {error}"))
                .hint("such as http://localhost:7373 or https://causebook.example.com")
        })?;
        let credentials = match token {
            Some(token) => Credentials::token(token)?,
            None => Credentials::default(),
        };
        Ok(Place {
            url,
            ledger: ledger.to_owned(),
            credentials,
            purpose,
            allow_plain_http,
        })
    }

    fn open(&self) -> Result<RemoteLedger, Fault> {
        let mut options = Options::default();
        options.purpose.clone_from(&self.purpose);
        options.allow_plain_http = self.allow_plain_http;
        let client = Client::connect_with(&self.url, &self.credentials, options)?;
        Ok(client.ledger(&self.ledger))
    }
}

impl Remote {
    pub(crate) fn open(place: Place) -> Result<Remote, Fault> {
        let ledger = Mutex::new((std::process::id(), place.open()?));
        Ok(Remote { place, ledger })
    }

    /// The ledger, by connections of this process: what was open when it was forked is the parent's.
    pub(super) fn ledger(&self) -> Result<RemoteLedger, Fault> {
        let mut held = self.ledger.lock().unwrap_or_else(PoisonError::into_inner);
        let process = std::process::id();
        if held.0 != process {
            let parents = std::mem::replace(&mut *held, (process, self.place.open()?));
            // To close them would end the parent's connections, and locks in them may be held by threads that are not here.
            std::mem::forget(parents);
        }
        Ok(held.1.clone())
    }

    /// The record at a position.
    pub(super) fn at(ledger: &RemoteLedger, index: u64) -> Result<Option<Item>, Fault> {
        let request = ListRequest {
            q: format!("index:{index}"),
            limit: Some(1),
            oldest: true,
            ..ListRequest::default()
        };
        let page = ledger.list(&request)?;
        Ok(page.records.into_iter().find(|item| item.index == index))
    }
}

impl Source for Remote {
    fn item(&self, id: &str) -> Result<String, Fault> {
        Ok(self.ledger()?.get(id)?.to_json())
    }

    fn history(&self, id: &str) -> Result<Vec<String>, Fault> {
        let history = self.ledger()?.history(id)?;
        Ok(history.records.iter().map(Item::to_json).collect())
    }

    fn page(&self, ask: &PageAsk) -> Result<Page, Fault> {
        let ask = ask.clone();
        let page = self.ledger()?.list(&ListRequest {
            q: ask.q,
            limit: ask.limit,
            oldest: ask.oldest,
            as_of: ask.as_of,
            cursor: ask.cursor,
        })?;
        Ok(Page {
            as_of: page.as_of,
            records: page.records.iter().map(Item::to_json).collect(),
            next: page.next,
        })
    }

    fn digest(&self, id: &str) -> Result<Option<String>, Fault> {
        let ledger = self.ledger()?;
        let (index, text) = evidence_of(&ledger, id, &[], false)?;
        let parsed = Evidence::parse(text.as_bytes())
            .map_err(|error| Fault::new(Class::Evidence, "not-evidence", error.to_string()))?;
        let report = check(&parsed, &Trust::Named)
            .map_err(|error| Fault::new(Class::Evidence, "false-evidence", error.to_string()))?;
        let record = report.records.first();
        Ok(record
            .filter(|record| record.index == index)
            .map(|record| record.digest.to_string()))
    }

    fn evidence(&self, id: &str, show: &[String], linked: bool) -> Result<Proof, Fault> {
        let ledger = self.ledger()?;
        let (index, text) = evidence_of(&ledger, id, show, linked)?;
        let trusted = Trusted::head_of(&ledger, &[], true)?;
        trusted.check(&ledger, index, &text)?;
        trusted.remember()?;
        Ok(Proof {
            text,
            keys: trusted.keys,
        })
    }

    fn why(&self, id: &str, subject: bool, all_versions: bool) -> Result<String, Fault> {
        let audience = if subject { "subject" } else { "authority" };
        Ok(self.ledger()?.why(id, audience, all_versions)?)
    }

    fn attachment(&self, digest: &str) -> Result<Vec<u8>, Fault> {
        let mut bytes = Bounded::default();
        self.ledger()?.attachment(digest, &mut bytes)?;
        Ok(bytes.0)
    }

    fn sql(&self, statement: &str, rows_max: Option<u64>) -> Result<(Vec<u8>, bool), Fault> {
        let mut bytes = Bounded::default();
        let truncated = self
            .ledger()?
            .sql(statement, rows_max, SqlFormat::Arrow, &mut bytes)?;
        Ok((bytes.0, truncated))
    }

    fn verify(&self, ask: &VerifyAsk) -> Result<Value, Fault> {
        remote_verify::verify(&self.ledger()?, ask)
    }
}

/// Evidence of a record, and the index it must be of.
pub(super) fn evidence_of(
    ledger: &RemoteLedger,
    id: &str,
    show: &[String],
    linked: bool,
) -> Result<(u64, String), Fault> {
    let index = ledger.get(id)?.index;
    let mut looks = 0;
    loop {
        match ledger.evidence(id, show, linked) {
            Ok(text) => return Ok((index, text)),
            Err(error) if is_early(&error) && looks < LOOKS_MAX => {
                looks += 1;
                std::thread::sleep(LOOK_INTERVAL);
            }
            Err(error) => return Err(error.into()),
        }
    }
}

fn is_early(error: &ClientError) -> bool {
    error.is_refused_as("not-covered-yet")
}

/// Bytes up to a limit.
#[derive(Debug, Default)]
struct Bounded(Vec<u8>);

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > ANSWER_BYTES_MAX {
            return Err(io::Error::other("the answer has more than 2 GiB"));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
