//! A ledger of a server: what is read from it. Writing is in `write`, its log in `log`.

use std::io::Write;
use std::time::Duration;

use causebook_record::string_text;
use serde::Deserialize;
use serde_json::value::RawValue;
use url::Url;

use crate::answers::{Facets, Histogram, LedgerInfo};
use crate::client::Client;
use crate::error::ClientError;
use crate::faults;
use crate::item::Item;
use crate::lines::Lines;
use crate::tail::Tail;
use crate::transport::{Answer, BYTES, Call, NDJSON, Transport};

/// Most bytes of an evidence file: as many as whoever checks it reads.
const EVIDENCE_BYTES_MAX: u64 = 64 << 20;
/// Pages that may come one after another: a server that never ends is not followed for ever.
const PAGES_MAX: u64 = 10_000_000;

/// A ledger of a server.
#[derive(Clone, Debug)]
pub struct RemoteLedger {
    client: Client,
    name: String,
}

/// Which records, in which order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListRequest {
    /// Filter, in the grammar of `q=`; empty matches all.
    pub q: String,
    /// Records a page; the server's choice if not given.
    pub limit: Option<u32>,
    /// Oldest first.
    pub oldest: bool,
    /// Only records below this index, so that the same request gives the same answer later.
    pub as_of: Option<u64>,
    /// Where to go on, from the page before.
    pub cursor: Option<String>,
}

/// Some records, and where to go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Size of the ledger that this page, and those after it, are of.
    pub as_of: u64,
    /// The records.
    pub records: Vec<Item>,
    /// Where to go on; `None` at the end.
    pub next: Option<String>,
}

/// A record, and what belongs to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History {
    /// Size of the ledger that this is of.
    pub as_of: u64,
    /// The record, what it refers to, and what refers to either, by index.
    pub records: Vec<Item>,
}

/// How the rows of a statement come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SqlFormat {
    /// One object with columns and rows.
    Json,
    /// One object a row.
    Ndjson,
    /// RFC 4180, with a header.
    Csv,
    /// An Arrow IPC stream.
    Arrow,
}

impl SqlFormat {
    fn media_type(self) -> &'static str {
        match self {
            SqlFormat::Json => crate::transport::JSON,
            SqlFormat::Ndjson => NDJSON,
            SqlFormat::Csv => "text/csv",
            SqlFormat::Arrow => crate::transport::ARROW,
        }
    }
}

#[derive(Deserialize)]
struct RawPage<'a> {
    as_of: u64,
    #[serde(borrow)]
    records: Vec<&'a RawValue>,
    #[serde(default)]
    next: Option<String>,
}

impl RemoteLedger {
    pub(crate) fn new(client: Client, name: &str) -> RemoteLedger {
        RemoteLedger {
            client,
            name: name.to_owned(),
        }
    }

    /// Its name on the server.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The server that has it.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The address under which the server has it.
    pub fn address(&self) -> String {
        format!("{}/v1/ledgers/{}", self.client.address(), self.name)
    }

    /// Who it is, how large, and its newest head, as the server says.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn info(&self) -> Result<LedgerInfo, ClientError> {
        let call = Call::get(self.url(&[], &[])?);
        self.transport().run(call, Answer::json)
    }

    /// The record with exactly this id.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with the code `no-record` if there is none.
    pub fn get(&self, id: &str) -> Result<Item, ClientError> {
        let call = Call::get(self.url(&["records", id], &[])?);
        self.item(call)
    }

    /// The record with exactly this id, if there is one.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn find(&self, id: &str) -> Result<Option<Item>, ClientError> {
        match self.get(id) {
            Ok(item) => Ok(Some(item)),
            Err(error) if error.is_refused_as("no-record") => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// A page of records.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn list(&self, request: &ListRequest) -> Result<Page, ClientError> {
        let call = Call::get(self.url(&["records"], &request.query())?);
        let (raw, server) = self.raw(call)?;
        let page: RawPage<'_> = shaped(&raw, &server)?;
        let records = items(&page.records, &server)?;
        Ok(Page {
            as_of: page.as_of,
            records,
            next: page.next,
        })
    }

    /// All pages, from the one asked for on. They are of one size of the ledger, whatever is recorded meanwhile.
    pub fn pages(&self, request: ListRequest) -> Pages {
        Pages {
            ledger: self.clone(),
            request: Some(request),
            seen: 0,
        }
    }

    /// Every record that matches, in one stream.
    ///
    /// # Errors
    /// [`ClientError`]; a stream that breaks off tells so as its last item.
    pub fn stream(&self, request: &ListRequest) -> Result<Records, ClientError> {
        let call = Call::get(self.url(&["records"], &request.query())?).accept(NDJSON);
        let lines = self
            .transport()
            .run(call, |answer| Ok(answer.of_type(NDJSON)?.lines()))?;
        Ok(Records { lines })
    }

    /// A record and what belongs to it.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn history(&self, id: &str) -> Result<History, ClientError> {
        let call = Call::get(self.url(&["records", id, "history"], &[])?);
        let (raw, server) = self.raw(call)?;
        let page: RawPage<'_> = shaped(&raw, &server)?;
        Ok(History {
            as_of: page.as_of,
            records: items(&page.records, &server)?,
        })
    }

    /// An evidence file, as it is: whoever checks it reads its bytes. With `show`, only these places are shown.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with the code `not-covered-yet` if no checkpoint covers the record yet.
    pub fn evidence(&self, id: &str, show: &[String], linked: bool) -> Result<String, ClientError> {
        let mut query: Vec<(&str, String)> =
            show.iter().map(|place| ("show", place.clone())).collect();
        if linked {
            query.push(("linked", "true".to_owned()));
        }
        let call = Call::get(self.url(&["records", id, "evidence"], &query)?);
        self.transport().run(call, |answer| {
            answer
                .of_type(crate::transport::JSON)?
                .text(EVIDENCE_BYTES_MAX)
        })
    }

    /// Writes an attachment as it is kept. It is not held against its digest here: an answer that is complete is right if
    /// the server is.
    ///
    /// # Errors
    /// [`ClientError`]; [`ClientError::Local`] if `out` cannot be written to.
    pub fn attachment(&self, digest: &str, out: &mut dyn Write) -> Result<(), ClientError> {
        let call = Call::get(self.url(&["attachments", digest], &[])?).accept(BYTES);
        // Once something was written, another answer cannot be put in its place.
        self.transport()
            .run(call, |answer| answer.of_type(BYTES))?
            .copy_to(out)
    }

    /// A record without masks. The server records the act and the reason first.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn reveal(
        &self,
        id: &str,
        reason: &str,
        members: Option<&[String]>,
    ) -> Result<Item, ClientError> {
        let mut body = serde_json::json!({ "reason": reason });
        if let (Some(object), Some(members)) = (body.as_object_mut(), members) {
            object.insert("members".to_owned(), serde_json::json!(members));
        }
        let body = body.to_string();
        let call = Call::post(self.url(&["records", id, "reveal"], &[])?, body.as_bytes());
        self.item(call)
    }

    /// How often each value of some fields occurs among the records that match.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn facets(
        &self,
        q: &str,
        fields: &[&str],
        limit: Option<u32>,
        as_of: Option<u64>,
    ) -> Result<Facets, ClientError> {
        let mut query = filter(q);
        query.extend(fields.iter().map(|field| ("field", (*field).to_owned())));
        query.extend(limit.map(|limit| ("limit", limit.to_string())));
        query.extend(as_of.map(|as_of| ("as_of", as_of.to_string())));
        let call = Call::get(self.url(&["facets"], &query)?);
        self.transport().run(call, Answer::json)
    }

    /// How many records that match fall into each step of time.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn histogram(
        &self,
        q: &str,
        by: Option<&str>,
        buckets: Option<u32>,
        span: (Option<&str>, Option<&str>),
        as_of: Option<u64>,
    ) -> Result<Histogram, ClientError> {
        let mut query = filter(q);
        query.extend(by.map(|by| ("by", by.to_owned())));
        query.extend(buckets.map(|buckets| ("buckets", buckets.to_string())));
        query.extend(span.0.map(|from| ("from", from.to_owned())));
        query.extend(span.1.map(|to| ("to", to.to_owned())));
        query.extend(as_of.map(|as_of| ("as_of", as_of.to_string())));
        let call = Call::get(self.url(&["histogram"], &query)?);
        self.transport().run(call, Answer::json)
    }

    /// Asks in SQL and writes the answer as it comes. Gives whether there were more rows than were asked for, or than
    /// the server gives.
    ///
    /// # Errors
    /// [`ClientError`]; [`ClientError::Local`] if `out` cannot be written to.
    pub fn sql(
        &self,
        statement: &str,
        rows_max: Option<u64>,
        format: SqlFormat,
        out: &mut dyn Write,
    ) -> Result<bool, ClientError> {
        let rows = rows_max.map_or_else(String::new, |rows| format!(",\"rows_max\":{rows}"));
        let body = format!("{{\"sql\":{}{rows}}}", string_text(statement));
        let media_type = format.media_type();
        let call = Call::post(self.url(&["sql"], &[])?, body.as_bytes())
            .accept(media_type)
            .repeatable(true);
        // Once something was written, another answer cannot be put in its place.
        let answer = self
            .transport()
            .run(call, |answer| answer.of_type(media_type))?;
        let truncated = answer.header("causebook-truncated") == Some("true");
        answer.copy_to(out)?;
        Ok(truncated)
    }

    /// Waits for the first sign of life in a stream of events: whether what is sent arrives when it is sent.
    ///
    /// # Errors
    /// [`ClientError::Timeout`] if there was none in time.
    pub fn listen(&self, patience: Duration) -> Result<(), ClientError> {
        self.tail("", None).listen(patience)
    }

    /// Records that match as they come: from now on, or after the index given.
    pub fn tail(&self, q: &str, after: Option<u64>) -> Tail {
        Tail::new(self.clone(), q.to_owned(), after)
    }

    pub(crate) fn transport(&self) -> &Transport {
        self.client.transport()
    }

    pub(crate) fn url(
        &self,
        segments: &[&str],
        query: &[(&str, String)],
    ) -> Result<Url, ClientError> {
        let all: Vec<&str> = ["v1", "ledgers", &self.name]
            .into_iter()
            .chain(segments.iter().copied())
            .collect();
        self.client.url(&all, query)
    }

    fn item(&self, call: Call<'_>) -> Result<Item, ClientError> {
        let (raw, server) = self.raw(call)?;
        Item::parse(raw.as_bytes()).map_err(|what| faults::foreign(&server, what))
    }

    /// An answer in JSON as text, so that numbers keep their digits.
    pub(crate) fn raw(&self, call: Call<'_>) -> Result<(String, String), ClientError> {
        let text = self.transport().run(call, |answer| {
            answer
                .of_type(crate::transport::JSON)?
                .text(crate::transport::BODY_BYTES_MAX)
        })?;
        Ok((text, self.transport().address.server()))
    }
}

fn shaped<'a, T: Deserialize<'a>>(raw: &'a str, server: &str) -> Result<T, ClientError> {
    serde_json::from_str(raw)
        .map_err(|error| faults::foreign(server, format!("JSON of another shape: {error}")))
}

fn items(raw: &[&RawValue], server: &str) -> Result<Vec<Item>, ClientError> {
    raw.iter()
        .map(|item| Item::parse(item.get().as_bytes()))
        .collect::<Result<_, _>>()
        .map_err(|what| faults::foreign(server, what))
}

fn filter(q: &str) -> Vec<(&'static str, String)> {
    if q.is_empty() {
        Vec::new()
    } else {
        vec![("q", q.to_owned())]
    }
}

impl ListRequest {
    fn query(&self) -> Vec<(&'static str, String)> {
        let mut query = filter(&self.q);
        query.extend(self.limit.map(|limit| ("limit", limit.to_string())));
        if self.oldest {
            query.push(("order", "oldest".to_owned()));
        }
        query.extend(self.as_of.map(|as_of| ("as_of", as_of.to_string())));
        query.extend(self.cursor.clone().map(|cursor| ("cursor", cursor)));
        query
    }
}

/// Pages, one after another. Ends after the first error.
#[derive(Debug)]
pub struct Pages {
    ledger: RemoteLedger,
    /// The next page to ask for.
    request: Option<ListRequest>,
    seen: u64,
}

impl Iterator for Pages {
    type Item = Result<Page, ClientError>;

    fn next(&mut self) -> Option<Self::Item> {
        let request = self.request.take()?;
        let page = match self.ledger.list(&request) {
            Ok(page) => page,
            Err(error) => return Some(Err(error)),
        };
        self.seen += 1;
        let stuck = page.next.is_some() && page.next == request.cursor;
        if stuck || self.seen > PAGES_MAX {
            let server = self.ledger.transport().address.server();
            return Some(Err(faults::foreign(
                &server,
                "pages that never end".to_owned(),
            )));
        }
        self.request = page.next.clone().map(|cursor| ListRequest {
            cursor: Some(cursor),
            ..request
        });
        Some(Ok(page))
    }
}

/// Records of one stream. Ends after the first error.
pub struct Records {
    lines: Lines,
}

impl std::fmt::Debug for Records {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Records")
    }
}

impl Iterator for Records {
    type Item = Result<Item, ClientError>;

    fn next(&mut self) -> Option<Self::Item> {
        let line = match self.lines.next()? {
            Ok(line) => line,
            Err(error) => return Some(Err(error)),
        };
        Some(Item::parse(&line).map_err(|what| self.lines.foreign(what)))
    }
}
