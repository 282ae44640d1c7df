//! Live: new records as server-sent events. Nothing is kept for a reader but its place: who is slow reads from the ledger,
//! and who is too slow is told what was skipped. Everything is stored in any case.

use std::convert::Infallible;
use std::fmt::Write as _;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, header};
use axum::response::{IntoResponse as _, Response};
use causebook_access::Permission;
use causebook_filter::Filter;
use causebook_record::Mask;
use serde::Deserialize;
use tokio::sync::{OwnedSemaphorePermit, mpsc};

use super::extract::{Path, Query};
use super::item::{header, item};
use super::list::filter;
use super::schema::Refusals;
use super::write::blocking;
use crate::asking::Asking;
use crate::book::Book;
use crate::problem::{Code, Problem};
use crate::serve::closed;
use crate::state::App;
use crate::trail::Access;

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// Proxies close what is silent for longer.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// Records read at a time.
const STRIDE: u64 = 256;
/// A reader that is further behind than this is brought to the end.
const BEHIND_MAX: u64 = 20_000;
/// How long a reader may take no event before its tail is ended.
const STALL_MAX: Duration = Duration::from_secs(60);

/// What to follow.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub(crate) struct TailQuery {
    /// The filter.
    q: Option<String>,
    /// Begin behind this index; nothing: with what comes from now on. The header Last-Event-ID does the same.
    #[param(minimum = 0)]
    after: Option<u64>,
}

/// Follow new records, as server-sent events.
///
/// Each event's id is the record's index. `record` has the record; `skipped` says which records a slow reader was spared,
/// all of them stored; a comment comes every 15 seconds.
#[utoipa::path(
    get, path = "/v1/ledgers/{ledger}/tail", tag = "records", operation_id = "tailRecords",
    params(
        ("ledger" = String, Path, description = "Name of the ledger"),
        TailQuery,
        ("Last-Event-ID" = Option<u64>, Header, description = "Index of the last event that was seen"),
    ),
    responses((status = 200, description = "Events", content_type = "text/event-stream", body = String), Refusals),
)]
pub(crate) async fn tail(
    State(app): State<App>,
    asking: Asking,
    Path(ledger): Path<String>,
    Query(query): Query<TailQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let book = app.book(&asking, &ledger, Permission::Tail).await?;
    let filter = filter(&app, query.q.as_deref())?;
    let after = resume(&headers)?.or(query.after);
    let size = book.reader.size();
    let next = after
        .map_or(size, |after| after.saturating_add(1))
        .min(size);
    let Ok(permit) = Arc::clone(&app.tails).try_acquire_owned() else {
        let problem = Problem::new(Code::Busy, "there are too many live tails");
        return Err(problem.retry_after(10));
    };
    let access = Access {
        object: query.q.as_deref(),
        ..Access::of("tail", &ledger)
    };
    app.trail.note(&asking, &access).await?;
    let (events, stream) = mpsc::channel(4);
    let follower = Follower {
        mask: app.mask(&asking, &ledger),
        app,
        asking,
        book,
        filter: Arc::new(filter),
        next,
        shown: 0,
        events,
    };
    tokio::spawn(follower.run(permit));
    let body = futures::stream::unfold(stream, |mut stream| async {
        let event = stream.recv().await?;
        Some((Ok::<Bytes, Infallible>(event), stream))
    });
    let head = [
        (header::CONTENT_TYPE, header("text/event-stream")),
        (header::CACHE_CONTROL, header("no-store")),
        // Proxies of one common make keep events back without it.
        (HeaderName::from_static("x-accel-buffering"), header("no")),
    ];
    Ok((head, Body::from_stream(body)).into_response())
}

fn resume(headers: &HeaderMap) -> Result<Option<u64>, Problem> {
    let Some(value) = headers
        .get(&LAST_EVENT_ID)
        .filter(|value| !value.is_empty())
    else {
        return Ok(None);
    };
    let number = value.to_str().ok().and_then(|text| text.parse().ok());
    number.map(Some).ok_or_else(|| {
        Problem::new(Code::InvalidHeader, "Last-Event-ID is not an index").at("last-event-id")
    })
}

struct Follower {
    app: App,
    asking: Asking,
    book: Arc<Book>,
    filter: Arc<Filter>,
    mask: Mask,
    /// Index of the next record to look at.
    next: u64,
    shown: u64,
    events: mpsc::Sender<Bytes>,
}

impl Follower {
    async fn run(mut self, permit: OwnedSemaphorePermit) {
        self.app.metrics.tails.inc();
        self.follow().await;
        self.app.metrics.tails.dec();
        drop(permit);
        let access = Access {
            records: Some(self.shown),
            ..Access::of("tail-end", &self.book.name)
        };
        // The failure is in the log; there is nobody left to tell.
        let _ = self.app.trail.note(&self.asking, &access).await;
    }

    async fn follow(&mut self) {
        let mut size = self.book.size.clone();
        let mut closing = self.app.closing.clone();
        if !self.send(Bytes::from_static(b": welcome\n\n")).await {
            return;
        }
        loop {
            let end = *size.borrow_and_update();
            if !self.catch_up(end).await {
                return;
            }
            let alive = tokio::select! {
                changed = size.changed() => changed.is_ok(),
                () = closed(&mut closing) => false,
                () = tokio::time::sleep(HEARTBEAT) => self.send(Bytes::from_static(b": alive\n\n")).await,
                () = self.events.closed() => false,
            };
            if !alive {
                return;
            }
        }
    }

    /// Shows what there is up to `end`.
    async fn catch_up(&mut self, end: u64) -> bool {
        while self.next < end {
            if end - self.next > BEHIND_MAX {
                let (from, to) = (self.next, end - STRIDE);
                self.app.metrics.tail_skipped.inc_by(to - from);
                self.next = to;
                if !self.send(skipped(from, to)).await {
                    return false;
                }
            }
            let range = self.next..end.min(self.next + STRIDE);
            self.next = range.end;
            let (book, filter, mask) = (
                Arc::clone(&self.book),
                Arc::clone(&self.filter),
                self.mask.clone(),
            );
            let read = blocking(move || {
                let mut events = String::new();
                let mut shown = 0;
                book.reader.scan(range, &mut |row| {
                    if filter.admits(row.index, &row.record, &mask) {
                        shown += 1;
                        let data = item(&row, &mask);
                        let index = row.index;
                        let _ = write!(events, "id: {index}\nevent: record\ndata: {data}\n\n");
                    }
                    ControlFlow::Continue(())
                })?;
                Ok((events, shown))
            });
            let Ok((events, shown)) = read.await else {
                return false;
            };
            self.shown += shown;
            if !events.is_empty() && !self.send(events.into()).await {
                return false;
            }
        }
        true
    }

    /// Whether the reader took it.
    async fn send(&self, event: Bytes) -> bool {
        let sent = tokio::time::timeout(STALL_MAX, self.events.send(event)).await;
        matches!(sent, Ok(Ok(())))
    }
}

fn skipped(from: u64, to: u64) -> Bytes {
    let count = to - from;
    let last = to - 1;
    let data = format!(
        "{{\"from\":{from},\"to\":{last},\"count\":{count},\"message\":\"skipped {count} records to keep up; all are stored\"}}"
    );
    format!("id: {last}\nevent: skipped\ndata: {data}\n\n").into()
}
