//! The trail: every read is itself a record, in a ledger of its own, durable before what was asked for is shown. So is every
//! login and logout.
//!
//! Reads that come together are committed together. If the trail cannot be written, nothing is shown: an audit trail that
//! can be read unseen is none.

use std::sync::Arc;

use causebook_record::{Draft, join_members, string_text};

use crate::asking::Asking;
use crate::book::Book;
use crate::problem::{Code, Problem};

/// What stands for the server itself where an access record names a ledger.
pub(crate) const SERVER: &str = "*";

/// One act of reading, or an attempt at it.
#[derive(Clone, Debug)]
pub(crate) struct Access<'a> {
    /// What was done: `read`, `list`, `sql`, `reveal`, `login`.
    pub(crate) action: &'static str,
    pub(crate) ledger: &'a str,
    /// What it was done to: an id, a filter, a statement.
    pub(crate) object: Option<&'a str>,
    /// How it ended: `ok`, or the code of the problem; of a login that failed, [`LoginError::word`](crate::oidc::LoginError::word).
    pub(crate) result: &'a str,
    /// How many records were shown.
    pub(crate) records: Option<u64>,
    /// Which places of it, where not all were.
    pub(crate) shown: Option<&'a str>,
    /// Why, where the act asks for a reason of its own.
    pub(crate) reason: Option<&'a str>,
}

impl<'a> Access<'a> {
    pub(crate) fn of(action: &'static str, ledger: &'a str) -> Self {
        Self {
            action,
            ledger,
            object: None,
            result: "ok",
            records: None,
            shown: None,
            reason: None,
        }
    }
}

/// Longest text of a filter or a statement in an access record; the digest of a longer one stands for the rest.
const OBJECT_BYTES_MAX: usize = 8 << 10;

/// Writes access records.
#[derive(Debug)]
pub(crate) struct Trail {
    book: Arc<Book>,
}

impl Trail {
    pub(crate) fn new(book: Arc<Book>) -> Self {
        Self { book }
    }

    /// Records an access. Durable when it returns.
    ///
    /// # Errors
    /// [`Code::TrailStopped`].
    pub(crate) async fn note(&self, asking: &Asking, access: &Access<'_>) -> Result<(), Problem> {
        let stopped = |error: &dyn std::fmt::Display| {
            tracing::error!(%error, "an access could not be recorded");
            Problem::new(Code::TrailStopped, "the access could not be recorded").retry_after(5)
        };
        let text = record(asking, access).map_err(|error| stopped(&error))?;
        let draft = Draft::parse(text.as_bytes()).map_err(|error| stopped(&error))?;
        let by: Arc<str> = Arc::from(asking.name());
        let answer = self.book.appender.append(draft, by).await;
        answer.map(drop).map_err(|error| stopped(&error))
    }
}

fn record(asking: &Asking, access: &Access<'_>) -> Result<String, causebook_record::RecordError> {
    let object = access.object.map(cut);
    let mut members = vec![
        ("action", string_text(access.action)),
        ("ledger", string_text(access.ledger)),
        ("result", string_text(access.result)),
    ];
    let texts = [
        ("object", object),
        ("shown", access.shown),
        ("reason", access.reason),
        ("purpose", asking.purpose.as_deref()),
        ("from", asking.from.as_deref()),
    ];
    for (name, text) in texts {
        members.extend(text.map(|text| (name, string_text(text))));
    }
    members.extend(access.records.map(|count| ("records", count.to_string())));
    let act = join_members(members.iter().map(|(name, text)| (*name, text.as_str())))?;
    let mut context = vec![("request_id", string_text(&asking.request_id))];
    context.extend(
        asking
            .trace_id
            .as_ref()
            .map(|trace| ("trace_id", string_text(trace))),
    );
    let context = join_members(context.iter().map(|(name, text)| (*name, text.as_str())))?;
    let actor = string_text(asking.name());
    join_members([
        ("access", act.as_str()),
        ("actor", &actor),
        ("context", &context),
        ("kind", "\"access\""),
    ])
}

fn cut(text: &str) -> &str {
    let end = (0..=OBJECT_BYTES_MAX.min(text.len()))
        .rev()
        .find(|end| text.is_char_boundary(*end));
    text.get(..end.unwrap_or(0)).unwrap_or(text)
}
