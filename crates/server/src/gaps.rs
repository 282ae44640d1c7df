//! Gaps that stay open become records: what did not come is itself on record, once.

use causebook_access::Principal;
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
        match record_in(&book, open_since.unwrap_or_default()) {
            Ok(open) => app.metrics.open_gaps(&book.name, open),
            Err(error) => tracing::warn!(ledger = book.name, %error, "gaps could not be recorded"),
        }
    }
}
