//! The log of a server's ledger: its signed head, what proves that it only grows, and what the server finds when it
//! verifies itself.

use std::time::Duration;

use causebook_tlog::Hash;
use serde::Deserialize;
use serde_json::Value;

use crate::error::ClientError;
use crate::faults;
use crate::ledger::RemoteLedger;
use crate::transport::{Answer, Call};

/// Longest signed checkpoint that is read: a note with a handful of signatures of 3.3 KB.
const NOTE_BYTES_MAX: u64 = 64 << 10;
/// How long work may take that reads the whole ledger.
pub(crate) const LONG_WORK: Duration = Duration::from_secs(3600);

/// That one head continues another, as the server says. Nothing is proven before it is verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consistency {
    /// Records of the older head.
    pub from: u64,
    /// Records of the newer.
    pub to: u64,
    /// Hashes by which the newer root is reached from the older.
    pub proof: Vec<Hash>,
}

#[derive(Deserialize)]
struct RawConsistency {
    from: u64,
    to: u64,
    proof: Vec<String>,
}

impl RemoteLedger {
    /// The newest signed checkpoint, verbatim; `None` before the first one. It is not verified here.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn checkpoint(&self) -> Result<Option<String>, ClientError> {
        let mut call = Call::get(self.url(&["log", "checkpoint"], &[])?).accept("text/plain, */*");
        // An older one out of a cache would look like a log that was rolled back.
        call.headers.push(("cache-control", "no-cache".to_owned()));
        let outcome = self
            .transport()
            .run(call, |answer| answer.text(NOTE_BYTES_MAX));
        match outcome {
            Ok(note) => Ok(Some(note)),
            Err(error) if error.is_refused_as("not-covered-yet") => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The proof that the log of `to` records begins with the log of `from` records. It is not verified here.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn consistency(&self, from: u64, to: u64) -> Result<Consistency, ClientError> {
        let query = [("from", from.to_string()), ("to", to.to_string())];
        let call = Call::get(self.url(&["consistency"], &query)?);
        let raw: RawConsistency = self.transport().run(call, Answer::json)?;
        let server = self.transport().address.server();
        if (raw.from, raw.to) != (from, to) {
            let what = format!(
                "a proof from {} to {}, not the one asked for",
                raw.from, raw.to
            );
            return Err(faults::foreign(&server, what));
        }
        let hashes: Result<Vec<Hash>, _> = raw.proof.iter().map(|hash| hash.parse()).collect();
        let proof = hashes
            .map_err(|_| faults::foreign(&server, "a proof whose hashes are none".to_owned()))?;
        Ok(Consistency { from, to, proof })
    }

    /// What the server finds when it verifies this ledger itself, in the shape of `causebook verify --format json`.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn verify(&self, full: bool) -> Result<Value, ClientError> {
        let body: &[u8] = if full {
            br#"{"depth":"full"}"#
        } else {
            br#"{"depth":"quick"}"#
        };
        let mut call = Call::post(self.url(&["verify"], &[])?, body);
        call.patience = Some(LONG_WORK);
        self.transport().run(call, Answer::json)
    }

    /// What is known of records that should be there and are not: gaps, late arrivals, orphans.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn completeness(
        &self,
        source: Option<&str>,
        run: Option<&str>,
    ) -> Result<Value, ClientError> {
        let mut query = Vec::new();
        query.extend(source.map(|source| ("source", source.to_owned())));
        query.extend(run.map(|run| ("run", run.to_owned())));
        let call = Call::get(self.url(&["completeness"], &query)?);
        self.transport().run(call, Answer::json)
    }
}
