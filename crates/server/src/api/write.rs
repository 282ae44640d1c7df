//! Records in: one, or a batch. A receipt is given when the record is on stable storage with its place fixed.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use causebook_access::Permission;
use causebook_ledger::{Clock as _, Receipt, may_link};
use causebook_record::{Draft, INPUT_BYTES_MAX, Kind, Selection};
use serde::Deserialize;
use serde_json::json;

use super::batch;
use super::extract::{Path, Query, unfit_parameter};
use super::incoming::Incoming;
use super::item::header;
use super::media::{ARROW, JSON, NDJSON, content_type};
use super::schema::{RecordedBody, Refusals};
use super::shapes::{Bytes, NewRecord};
use super::whole;
use crate::appender::{Answer, VIA};
use crate::asking::{Asking, check};
use crate::book::Book;
use crate::linked::Links;
use crate::problem::{Code, Problem};
use crate::state::App;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// How long a caller who wants the proof waits for the checkpoint.
const PROOF_WAIT: Duration = Duration::from_secs(10);

/// How to record.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub(crate) struct AppendQuery {
    /// `proof`: wait until a signed checkpoint covers the record, and answer with its evidence. One record only.
    #[param(inline)]
    wait: Option<Wait>,
    /// Record a batch whole or not at all: one record that is refused refuses all. NDJSON only.
    whole: bool,
    /// Accept a record that refers to one that is not there yet. Completeness reports it until it is.
    allow_missing_target: bool,
}

#[derive(Clone, Copy, Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
enum Wait {
    Proof,
}

/// Record a decision, or a batch of them.
///
/// The body is one record in JSON, a batch in NDJSON, or a batch in Arrow IPC. A single record is answered with its
/// receipt; a batch with one line for each record, in order, either a receipt or what is wrong. Sending the same record
/// with the same id again gives the first receipt again; the same id with other content is a conflict, and an id whose record
/// has been erased is refused as `record-erased`.
#[utoipa::path(
    post, path = "/v1/ledgers/{ledger}/records", tag = "records", operation_id = "appendRecords",
    params(
        ("ledger" = String, Path, description = "Name of the ledger"),
        AppendQuery,
        ("Idempotency-Key" = Option<String>, Header, description = "The record's id, if it has none of its own. One record only")
    ),
    request_body(content(
        (NewRecord = "application/json"),
        (String = "application/x-ndjson"),
        (Bytes = "application/vnd.apache.arrow.stream"),
    ), description = "One record, or a batch"),
    responses(
        (status = 201, description = "The record is recorded: its receipt or, with `wait=proof`, its evidence", body = RecordedBody, headers(("location" = String, description = "Where the record is"))),
        (status = 200, description = "The record was here already; or the results of a batch, one line for each record", content(
            (RecordedBody = "application/json"), (String = "application/x-ndjson"))),
        Refusals,
    ),
)]
pub(crate) async fn append(
    State(app): State<App>,
    asking: Asking,
    Path(ledger): Path<String>,
    Query(query): Query<AppendQuery>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let book = app
        .book(&asking, &ledger, to_begin(&asking, &ledger))
        .await?;
    if ledger == crate::books::ACCESS {
        let detail = "access records are written by the server alone";
        return Err(Problem::new(Code::Forbidden, detail));
    }
    let form = content_type(&headers);
    let incoming = Incoming::new(body, &app);
    fits(&form, &query, &headers)?;
    match form.as_str() {
        NDJSON if query.whole => {
            whole::append(&app, &asking, book, query.allow_missing_target, incoming).await
        }
        JSON => one(&app, &asking, &book, &query, &headers, incoming).await,
        NDJSON => batch::ndjson(app, asking, book, query.allow_missing_target, incoming),
        _ => batch::arrow(app, asking, book, query.allow_missing_target, incoming).await,
    }
}

/// Whether the body's form is one that is read, and nothing is asked for that is meant for another.
fn fits(form: &str, query: &AppendQuery, headers: &HeaderMap) -> Result<(), Problem> {
    if ![JSON, NDJSON, ARROW].contains(&form) {
        let detail = format!("records are read as {JSON}, {NDJSON} or {ARROW}");
        return Err(Problem::new(Code::UnsupportedMediaType, detail).at("content-type"));
    }
    if form != JSON && query.wait.is_some() {
        let detail = format!("wait is for one record, sent as {JSON}; a batch goes without it");
        return Err(unfit_parameter("wait", detail));
    }
    if form != JSON && headers.contains_key(&IDEMPOTENCY_KEY) {
        let detail = format!(
            "Idempotency-Key is for one record, sent as {JSON}; records of a batch have ids of their own"
        );
        return Err(unfit_parameter(IDEMPOTENCY_KEY.as_str(), detail));
    }
    if query.whole && form != NDJSON {
        let detail =
            format!("whole is for batches sent as {NDJSON}; anything else goes without it");
        return Err(unfit_parameter("whole", detail));
    }
    Ok(())
}

/// Whoever may record one kind of record may begin; each record is then held against its own kind.
fn to_begin(asking: &Asking, ledger: &str) -> Permission {
    let linked = Permission::AppendLinked;
    if check(asking, ledger, linked).is_ok() {
        linked
    } else {
        Permission::Append
    }
}

async fn one(
    app: &App,
    asking: &Asking,
    book: &Arc<Book>,
    query: &AppendQuery,
    headers: &HeaderMap,
    incoming: Incoming,
) -> Result<Response, Problem> {
    let start = app.clock.monotonic();
    let bytes = incoming.whole(INPUT_BYTES_MAX).await?;
    let draft = keyed(Draft::parse(&bytes), &bytes, headers)?;
    permit(asking, &book.name, &draft)?;
    let answer = record(app, asking, book, query.allow_missing_target, draft).await?;
    let result = outcome(&answer);
    app.metrics.ingested(&book.name, result, 1);
    let receipt = answer?;
    app.metrics
        .committed(&book.name, app.clock.monotonic().saturating_sub(start));
    let status = if receipt.repeated {
        StatusCode::OK
    } else {
        StatusCode::CREATED
    };
    let body = match query.wait {
        Some(Wait::Proof) => proof(book, &receipt).await?,
        None => receipt_json(&receipt).to_string(),
    };
    let location = format!("/v1/ledgers/{}/records/{}", book.name, encoded(&receipt.id));
    let head = [
        (header::CONTENT_TYPE, header(JSON)),
        (header::LOCATION, header(&location)),
        (
            HeaderName::from_static("causebook-index"),
            receipt.index.into(),
        ),
    ];
    Ok((status, head, body).into_response())
}

/// Appends one record, which is checked first if it refers to another.
async fn record(
    app: &App,
    asking: &Asking,
    book: &Arc<Book>,
    allow_missing: bool,
    draft: Draft,
) -> Result<Answer, Problem> {
    if !may_link(draft.text().as_bytes()) {
        return Ok(book.appender.append(draft, Arc::from(asking.name())).await);
    }
    let (to_check, asks, into) = (app.clone(), asking.clone(), Arc::clone(book));
    let checked = blocking(move || {
        let is_review = draft.kind() == Kind::Review;
        let _reviewing = is_review.then(|| into.reviewing());
        Links::new(&to_check, &asks, &into, allow_missing).check(&draft)?;
        // A review is recorded in the same turn, anything else with all that wait.
        Ok(if is_review {
            ControlFlow::Break(into.ledger.append(draft, asks.name(), VIA))
        } else {
            ControlFlow::Continue(draft)
        })
    });
    Ok(match checked.await? {
        ControlFlow::Break(answer) => answer,
        ControlFlow::Continue(draft) => book.appender.append(draft, Arc::from(asking.name())).await,
    })
}

/// The draft, with the Idempotency-Key for an id if it has none.
fn keyed(
    draft: Result<Draft, causebook_record::RecordError>,
    bytes: &[u8],
    headers: &HeaderMap,
) -> Result<Draft, Problem> {
    let draft = draft?;
    let Some(key) = headers.get(&IDEMPOTENCY_KEY) else {
        return Ok(draft);
    };
    if draft.id().is_some() {
        return Ok(draft);
    }
    // The draft is a structured field: a string in quotes. Plain keys are what everybody sends.
    let key = std::str::from_utf8(key.as_bytes()).unwrap_or_default();
    let id = causebook_record::string_text(key.trim_matches('"'));
    let text = std::str::from_utf8(bytes).unwrap_or_default();
    let Some(rest) = text.trim_start().strip_prefix('{') else {
        return Ok(draft);
    };
    let comma = if rest.trim_start().starts_with('}') {
        ""
    } else {
        ","
    };
    let text = format!("{{\"id\":{id}{comma}{rest}");
    Draft::parse(text.as_bytes()).map_err(|error| {
        Problem::new(Code::InvalidRecord, error.to_string()).at(IDEMPOTENCY_KEY.as_str())
    })
}

/// Whether whoever is asking may send a record of this kind.
///
/// # Errors
/// [`Code::Forbidden`].
pub(super) fn permit(asking: &Asking, ledger: &str, draft: &Draft) -> Result<(), Problem> {
    let Some(permission) = Permission::to_append(draft.kind()) else {
        let detail = format!(
            "records of kind {} come of acts on the ledger",
            draft.kind()
        );
        return Err(Problem::new(Code::Forbidden, detail).at("/kind"));
    };
    check(asking, ledger, permission)
}

/// Evidence of a record that was just recorded, when a checkpoint covers it.
async fn proof(book: &Arc<Book>, receipt: &Receipt) -> Result<String, Problem> {
    let mut covered = book.covered.clone();
    let index = receipt.index;
    let reached = covered.wait_for(|covered| *covered > index);
    let is_covered = matches!(tokio::time::timeout(PROOF_WAIT, reached).await, Ok(Ok(_)));
    if !is_covered {
        let detail = format!("{} is recorded at index {index}", receipt.id);
        return Err(Problem::new(Code::ProofTimeout, detail));
    }
    let book = Arc::clone(book);
    blocking(move || {
        Ok(book
            .reader
            .evidence(index, &Selection::All, false)?
            .to_json())
    })
    .await
}

/// What became of a record, as metrics count it.
pub(super) fn outcome(answer: &Result<Receipt, causebook_ledger::AppendError>) -> &'static str {
    use causebook_ledger::AppendError;
    match answer {
        Ok(receipt) if receipt.repeated => "repeated",
        Ok(_) => "recorded",
        Err(AppendError::Busy { .. }) => "busy",
        Err(AppendError::Conflict { .. }) => "conflict",
        Err(AppendError::Erased { .. }) => "erased",
        Err(AppendError::Failed { .. }) => "failed",
        Err(_) => "refused",
    }
}

pub(super) fn receipt_json(receipt: &Receipt) -> serde_json::Value {
    json!({
        "id": receipt.id,
        "index": receipt.index,
        "digest": receipt.digest.to_string(),
        "repeated": receipt.repeated,
    })
}

/// An id as a segment of a path.
pub(super) fn encoded(id: &str) -> String {
    use std::fmt::Write as _;
    let mut text = String::with_capacity(id.len());
    for byte in id.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

/// Runs what blocks, such as reading the ledger, on a thread of its own.
///
/// # Errors
/// What `act` fails with.
pub(super) async fn blocking<T: Send + 'static>(
    act: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    tokio::task::spawn_blocking(act)
        .await
        .unwrap_or_else(|error| Err(Problem::internal(&error)))
}
