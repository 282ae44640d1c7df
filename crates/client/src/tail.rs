//! Records as they come. A connection that is lost is opened again where it ended, so that nothing is missed or told twice.

use std::collections::VecDeque;
use std::io::Read;
use std::time::Duration;

use serde::Deserialize;

use crate::error::ClientError;
use crate::events::{Event, EventParser};
use crate::faults;
use crate::item::Item;
use crate::ledger::RemoteLedger;
use crate::transport::Call;

const EVENT_STREAM: &str = "text/event-stream";
/// The server sends a sign of life every 15 s; three that do not come are a lost connection.
const SILENCE_MAX: Duration = Duration::from_secs(45);
/// Connections that may fail one after another before the failure is told: about a minute.
const FAILURES_MAX: u32 = 12;
const WAIT_MAX: Duration = Duration::from_secs(5);

/// What a tail tells.
#[derive(Debug)]
#[non_exhaustive]
pub enum TailEvent {
    /// A record.
    Record(Box<Item>),
    /// Records that were not sent because this reader was too slow. All of them are stored.
    Skipped(Skipped),
    /// The connection was lost and is opened again after the wait. Nothing is missed.
    Reconnecting {
        /// Why.
        cause: ClientError,
        /// How long it is waited first.
        wait: Duration,
    },
}

/// Records that were passed over.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Skipped {
    /// Index of the first.
    pub from: u64,
    /// Index of the last, or the one after it.
    pub to: u64,
    /// How many.
    pub count: u64,
    /// The server's words.
    #[serde(default)]
    pub message: String,
}

/// Records as they come, without an end.
pub struct Tail {
    ledger: RemoteLedger,
    q: String,
    /// Index of the last record that was seen.
    after: Option<u64>,
    stream: Option<Stream>,
    ready: VecDeque<TailEvent>,
    failures: u32,
    /// An announced wait that has not been waited yet.
    owed: Duration,
    ended: bool,
}

struct Stream {
    reader: Box<dyn Read>,
    server: String,
    parser: EventParser,
}

impl std::fmt::Debug for Tail {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Tail")
            .field("q", &self.q)
            .field("after", &self.after)
            .finish_non_exhaustive()
    }
}

impl Tail {
    pub(crate) fn new(ledger: RemoteLedger, q: String, after: Option<u64>) -> Tail {
        Tail {
            ledger,
            q,
            after,
            stream: None,
            ready: VecDeque::new(),
            failures: 0,
            owed: Duration::ZERO,
            ended: false,
        }
    }

    /// Opens the stream and waits for the first sign of life in it.
    pub(crate) fn listen(&self, patience: Duration) -> Result<(), ClientError> {
        let mut stream = self.open(patience)?;
        let mut first = [0];
        match stream.reader.read(&mut first) {
            Ok(0) => Err(ended(stream.server)),
            Ok(_) => Ok(()),
            Err(error) => Err(faults::of_reading(error, &stream.server)),
        }
    }

    fn open(&self, patience: Duration) -> Result<Stream, ClientError> {
        let mut query = Vec::new();
        if !self.q.is_empty() {
            query.push(("q", self.q.clone()));
        }
        if let Some(after) = self.after {
            query.push(("after", after.to_string()));
        }
        let mut call = Call::get(self.ledger.url(&["tail"], &query)?).accept(EVENT_STREAM);
        call.patience = Some(patience);
        if let Some(after) = self.after {
            call.headers.push(("last-event-id", after.to_string()));
        }
        call.headers.push(("cache-control", "no-store".to_owned()));
        let answer = self.ledger.transport().send(&mut call)?;
        let (reader, server) = answer.of_type(EVENT_STREAM)?.reader();
        Ok(Stream {
            reader,
            server,
            parser: EventParser::new(),
        })
    }

    /// Reads until there is something to tell.
    fn advance(&mut self) -> Result<(), ClientError> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => self.open(SILENCE_MAX)?,
        };
        let mut buffer = vec![0; 1 << 14];
        while self.ready.is_empty() {
            let count = stream
                .reader
                .read(&mut buffer)
                .map_err(|error| faults::of_reading(error, &stream.server))?;
            let Some(piece) = buffer.get(..count).filter(|piece| !piece.is_empty()) else {
                return Err(ended(stream.server));
            };
            self.failures = 0;
            let events = stream
                .parser
                .push(piece)
                .map_err(|error| faults::foreign(&stream.server, error.to_string()))?;
            for event in events {
                self.take(&event, &stream.server)?;
            }
        }
        self.stream = Some(stream);
        Ok(())
    }

    fn take(&mut self, event: &Event, server: &str) -> Result<(), ClientError> {
        let told = match event.kind.as_str() {
            "record" => {
                let item = Item::parse(event.data.as_bytes())
                    .map_err(|what| faults::foreign(server, what))?;
                // A server that starts over tells again what is known already.
                if self.after.is_some_and(|after| item.index <= after) {
                    return Ok(());
                }
                self.after = Some(item.index);
                TailEvent::Record(Box::new(item))
            }
            "skipped" => {
                let skipped: Skipped = serde_json::from_str(&event.data).map_err(|error| {
                    faults::foreign(server, format!("an event of another shape: {error}"))
                })?;
                TailEvent::Skipped(skipped)
            }
            _ => return Ok(()),
        };
        // An id that is ahead of the record, as that of skipped ones is, is where to go on.
        let id = event.id.as_deref().and_then(|id| id.parse().ok());
        self.after = self.after.max(id);
        self.ready.push_back(told);
        Ok(())
    }

    /// What a failure comes to: an announced wait, or the end.
    fn failed(&mut self, cause: ClientError) -> Result<TailEvent, ClientError> {
        self.stream = None;
        self.failures += 1;
        let passing = match &cause {
            ClientError::Unreachable { .. }
            | ClientError::Lost { .. }
            | ClientError::Timeout { .. } => true,
            ClientError::Refused(problem) => matches!(problem.status, 429 | 502..=504),
            ClientError::Foreign { status, .. } => matches!(status, Some(429 | 502..=504)),
            _ => false,
        };
        // A stream that never began is a wrong address sooner than a lost connection.
        let never_began = self.after.is_none() && self.failures > 1;
        if !passing || never_began || self.failures > FAILURES_MAX {
            self.ended = true;
            return Err(cause);
        }
        let first = self.ledger.transport().options().retry_wait;
        let wait = first
            .saturating_mul(1 << self.failures.min(10))
            .min(WAIT_MAX);
        self.owed = wait;
        Ok(TailEvent::Reconnecting { cause, wait })
    }
}

fn ended(server: String) -> ClientError {
    ClientError::Lost {
        server,
        cause: "the server ended the stream".to_owned(),
    }
}

impl Iterator for Tail {
    type Item = Result<TailEvent, ClientError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        if self.ready.is_empty() {
            std::thread::sleep(std::mem::take(&mut self.owed));
            if let Err(cause) = self.advance() {
                // What came before the failure is told before it.
                match self.failed(cause) {
                    Ok(event) => self.ready.push_back(event),
                    Err(error) => return Some(Err(error)),
                }
            }
        }
        self.ready.pop_front().map(Ok)
    }
}
