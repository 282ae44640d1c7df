//! Gaps that stay open become records: what did not come is itself on record, once.

use causebook_ledger::{AppendError, Clock as _};
use causebook_query::{Gap, QueryError};
use causebook_record::{Draft, RecordError, join_members, string_text};
use jiff::SignedDuration;
use sha2::{Digest as _, Sha256};

use crate::appender::VIA;
use crate::book::Book;
use crate::books::ACCESS;
use crate::state::App;

/// Most gaps recorded of one ledger at a time.
const GAPS_MAX: usize = 1000;

/// Who records gaps.
const BY: &str = "causebook";

/// A gap that could not be recorded.
#[derive(Debug, thiserror::Error)]
enum GapError {
    #[error(transparent)]
    Query(#[from] QueryError),
    #[error(transparent)]
    Record(#[from] RecordError),
    #[error(transparent)]
    Append(#[from] AppendError),
}

/// Records the gaps that have been open for long enough. Blocking.
pub(crate) fn record(app: &App) {
    let Some(after) = app.config.gap_after else {
        return;
    };
    let after = SignedDuration::try_from(after).unwrap_or(SignedDuration::MAX);
    for book in app.books.all() {
        if book.name == ACCESS {
            continue;
        }
        let open_since = app.clock.now().saturating_sub(after);
        match record_in(&book, open_since.unwrap_or(jiff::Timestamp::MIN)) {
            Ok(open) => app.metrics.open_gaps(&book.name, open),
            Err(error) => tracing::warn!(ledger = book.name, %error, "gaps could not be recorded"),
        }
    }
}

/// Records the gaps of a ledger that have been open since `open_since` or longer, each once: its id says which it is. Gives
/// how many are open.
fn record_in(book: &Book, open_since: jiff::Timestamp) -> Result<u64, GapError> {
    let found = book.query.completeness(book.reader.size(), None, None)?;
    let mut drafts = Vec::new();
    for stream in &found.streams {
        let old = |gap: &&Gap| gap.since.is_some_and(|since| since <= open_since);
        for gap in stream.gaps.iter().filter(old) {
            drafts.push(Draft::parse(
                text(&stream.source, &stream.run, gap)?.as_bytes(),
            )?);
        }
    }
    drafts.truncate(GAPS_MAX);
    for answer in book.ledger.append_batch(drafts, BY, VIA) {
        answer?;
    }
    Ok(found.streams.iter().map(|stream| stream.gaps_total).sum())
}

fn text(source: &str, run: &str, gap: &Gap) -> Result<String, RecordError> {
    let since = gap.since.map(|since| string_text(&since.to_string()));
    let (from, to) = (gap.from.to_string(), gap.to.to_string());
    let (source, run) = (string_text(source), string_text(run));
    let mut members = vec![("from", from.as_str()), ("run", &run), ("source", &source)];
    members.extend(since.as_deref().map(|since| ("since", since)));
    members.push(("to", &to));
    let substance = join_members(members)?;
    let id = string_text(&format!("gap-{}", digest(&substance)));
    join_members([
        ("gap", substance.as_str()),
        ("id", &id),
        ("kind", "\"gap\""),
    ])
}

/// Enough of a hash to tell gaps apart.
fn digest(text: &str) -> String {
    use std::fmt::Write as _;
    let hash = Sha256::digest(text.as_bytes());
    let mut digits = String::new();
    for byte in hash.iter().take(12) {
        let _ = write!(digits, "{byte:02x}");
    }
    digits
}
