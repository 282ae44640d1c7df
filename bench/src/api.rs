//! A ledger on a server, as its API has it: what is sent, and what comes back, read strictly.

use std::time::Duration;

use serde::Deserialize;

use crate::Failure;
use crate::http::{Connection, Request, Response, Server};

/// Where the server names the place of a record whose evidence it answers with.
const INDEX_FIELD: &str = "causebook-index";
/// How long to wait where the server does not say.
const RETRY_AFTER: Duration = Duration::from_millis(100);

/// The receipt of a record.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// The record's id.
    pub id: String,
    /// Its place in the log.
    pub index: u64,
    /// Its digest.
    pub digest: String,
    /// Whether it was recorded before.
    pub repeated: bool,
}

/// A line of the answer to a batch.
#[derive(Debug, Deserialize)]
struct Line {
    #[serde(rename = "line", alias = "row")]
    number: u64,
    id: Option<String>,
    index: Option<u64>,
    digest: Option<String>,
    repeated: Option<bool>,
    error: Option<Problem>,
}

/// Why the server refused something.
#[derive(Clone, Debug, Deserialize)]
pub struct Problem {
    /// The code of the problem.
    pub code: String,
    /// What was wrong.
    pub detail: String,
}

/// What the server says of a ledger.
#[derive(Debug, Deserialize)]
pub struct Ledger {
    /// Its keys.
    pub keys: Vec<String>,
}

/// How later heads of a log continue an earlier one.
#[derive(Debug, Deserialize)]
pub struct Consistency {
    /// Size of the earlier.
    pub from: u64,
    /// Size of the later.
    pub to: u64,
    /// Root of the earlier, in base64.
    pub from_root: String,
    /// Root of the later, in base64.
    pub to_root: String,
    /// The proof, in base64.
    pub proof: Vec<String>,
}

/// What came of appending a record.
#[derive(Debug)]
pub enum Appended {
    /// It is recorded.
    Receipt(Receipt),
    /// It is recorded, and this is the evidence, with its index.
    Evidence(u64, Vec<u8>),
    /// The server has too much to do: to be tried again after this time.
    Busy(Duration),
    /// Anything else.
    Refused(Refused),
}

/// An answer that is not the one asked for.
#[derive(Debug)]
pub struct Refused {
    /// Its status.
    pub status: u16,
    /// What it says.
    pub said: String,
}

impl std::fmt::Display for Refused {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}: {}", self.status, self.said)
    }
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        refused.to_string().into()
    }
}

/// A ledger, over one connection.
#[derive(Debug)]
pub struct Client {
    connection: Connection,
    path: String,
}

impl Client {
    /// Connects.
    ///
    /// # Errors
    /// If the server cannot be reached.
    pub fn connect(server: &Server, ledger: &str) -> std::io::Result<Self> {
        Ok(Self {
            connection: server.connect()?,
            path: format!("/v1/ledgers/{ledger}"),
        })
    }

    /// Connects to a service that is no ledger, but takes records, and answers them, as one does.
    ///
    /// # Errors
    /// If the server cannot be reached.
    pub fn connect_peer(server: &Server) -> std::io::Result<Self> {
        Ok(Self {
            connection: server.connect()?,
            path: String::new(),
        })
    }

    /// The connection, for who sends and receives on two threads, and the path of the ledger.
    pub fn into_parts(self) -> (Connection, String) {
        (self.connection, self.path)
    }

    fn get(&mut self, rest: &str) -> std::io::Result<Response> {
        let path = format!("{}{rest}", self.path);
        self.connection.ask(&Request::get(&path))
    }

    /// What the server says of the ledger.
    ///
    /// # Errors
    /// If the server does not answer, or refuses.
    pub fn ledger(&mut self) -> Result<Ledger, Failure> {
        Ok(serde_json::from_slice(&expect(200, self.get("")?)?)?)
    }

    /// Appends a record; with `wait` the answer is its evidence.
    ///
    /// # Errors
    /// If the connection fails, or the answer is not what the API promises: whether the record is recorded is unknown.
    pub fn append(&mut self, json: &str, wait: bool) -> Result<Appended, Failure> {
        let wait_for = if wait { "?wait=proof" } else { "" };
        let path = format!("{}/records{wait_for}", self.path);
        let answer = self.connection.ask(&Request {
            method: "POST",
            path: &path,
            content_type: "application/json",
            body: json.as_bytes(),
        })?;
        match answer.status {
            200 | 201 if wait => {
                let index = answer
                    .field(INDEX_FIELD)
                    .and_then(|index| index.parse().ok());
                let index = index.ok_or_else(|| format!("no {INDEX_FIELD} in the answer"))?;
                Ok(Appended::Evidence(index, answer.body))
            }
            200 | 201 => {
                let receipt: Receipt = serde_json::from_slice(&answer.body)?;
                if receipt.repeated == (answer.status == 201) {
                    return Err(format!("status {} and {receipt:?}", answer.status).into());
                }
                Ok(Appended::Receipt(receipt))
            }
            503 if problem(&answer).is_some_and(|problem| problem.code == "busy") => {
                Ok(Appended::Busy(retry_after(&answer)))
            }
            _ => Ok(Appended::Refused(refused(&answer))),
        }
    }

    /// Appends records, a line of JSON each.
    ///
    /// # Errors
    /// As [`append`](Self::append), or if a record was refused.
    pub fn append_lines(&mut self, lines: &[u8]) -> Result<Vec<Receipt>, Failure> {
        let path = format!("{}/records", self.path);
        let answer = self.connection.ask(&Request {
            method: "POST",
            path: &path,
            content_type: "application/x-ndjson",
            body: lines,
        })?;
        batch_receipts(&answer)
    }

    /// The evidence of a record; `None` as long as no checkpoint covers it.
    ///
    /// # Errors
    /// If the server does not answer, or refuses.
    pub fn evidence(&mut self, id: &str) -> Result<Option<Vec<u8>>, Failure> {
        let answer = self.get(&format!("/records/{id}/evidence"))?;
        Ok(covered(answer)?)
    }

    /// A record, as the server shows it.
    ///
    /// # Errors
    /// If the server does not answer, or refuses.
    pub fn record(&mut self, id: &str) -> Result<Vec<u8>, Failure> {
        Ok(expect(200, self.get(&format!("/records/{id}"))?)?)
    }

    /// The signed checkpoint; `None` if there is none yet.
    ///
    /// # Errors
    /// If the server does not answer, or refuses.
    pub fn checkpoint(&mut self) -> Result<Option<String>, Failure> {
        let answer = covered(self.get("/log/checkpoint")?)?;
        answer
            .map(String::from_utf8)
            .transpose()
            .map_err(Failure::from)
    }

    /// The proof that a later log begins with an earlier one.
    ///
    /// # Errors
    /// If the server does not answer, or refuses.
    pub fn consistency(&mut self, from: u64, to: u64) -> Result<Consistency, Failure> {
        let answer = self.get(&format!("/consistency?from={from}&to={to}"))?;
        Ok(serde_json::from_slice(&expect(200, answer)?)?)
    }

    /// Has the server verify the ledger, and gives what it reports.
    ///
    /// # Errors
    /// If the server does not answer, or refuses.
    pub fn verify(&mut self) -> Result<Vec<u8>, Failure> {
        let path = format!("{}/verify", self.path);
        let answer = self.connection.ask(&Request {
            method: "POST",
            path: &path,
            content_type: "application/json",
            body: br#"{"depth":"full"}"#,
        })?;
        Ok(expect(200, answer)?)
    }
}

/// Receipts of a batch: of every line, in order.
///
/// # Errors
/// If the answer is not what the API promises, or a record was refused.
pub fn batch_receipts(answer: &Response) -> Result<Vec<Receipt>, Failure> {
    if answer.status != 200 {
        return Err(refused(answer).into());
    }
    let text = std::str::from_utf8(&answer.body)?;
    let mut receipts = Vec::new();
    for (text, number) in text.lines().zip(1_u64..) {
        let line: Line = serde_json::from_str(text).map_err(|error| format!("{text}: {error}"))?;
        if line.number != number {
            return Err(format!("line {number} is answered by {text}").into());
        }
        if let Some(problem) = line.error {
            return Err(format!("line {number}: {}: {}", problem.code, problem.detail).into());
        }
        let receipt = match line {
            Line {
                id: Some(id),
                index: Some(index),
                digest: Some(digest),
                repeated: Some(repeated),
                ..
            } => Receipt {
                id,
                index,
                digest,
                repeated,
            },
            _ => return Err(format!("line {number}: {text} is no receipt").into()),
        };
        receipts.push(receipt);
    }
    Ok(receipts)
}

fn expect(status: u16, answer: Response) -> Result<Vec<u8>, Refused> {
    if answer.status == status {
        Ok(answer.body)
    } else {
        Err(refused(&answer))
    }
}

/// The body, or `None` as long as no checkpoint is signed that covers what was asked for.
fn covered(answer: Response) -> Result<Option<Vec<u8>>, Refused> {
    if answer.status == 409
        && problem(&answer).is_some_and(|problem| problem.code == "not-covered-yet")
    {
        return Ok(None);
    }
    expect(200, answer).map(Some)
}

fn refused(answer: &Response) -> Refused {
    let said = match problem(answer) {
        Some(Problem { code, detail }) => format!("{code}: {detail}"),
        None => String::from_utf8_lossy(&answer.body).into_owned(),
    };
    Refused {
        status: answer.status,
        said,
    }
}

fn problem(answer: &Response) -> Option<Problem> {
    serde_json::from_slice(&answer.body).ok()
}

fn retry_after(answer: &Response) -> Duration {
    let seconds = answer
        .field("retry-after")
        .and_then(|field| field.parse().ok());
    seconds.map_or(RETRY_AFTER, Duration::from_secs)
}
