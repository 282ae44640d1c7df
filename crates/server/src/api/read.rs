//! One record: by its id, with its history, and with what is masked for a reason that is recorded.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use causebook_access::Permission;
use causebook_ledger::{LedgerError, Reader, Row};
use causebook_record::{Mask, Stored};
use causebook_tlog::hash_leaf;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::extract::{Json, Path, reason};
use super::item::{array, header, item};
use super::media::JSON;
use super::schema::{HistoryBody, RecordBody, Refusals};
use super::write::blocking;
use crate::asking::Asking;
use crate::book::Book;
use crate::problem::{Code, Problem};
use crate::state::App;
use crate::trail::Access;

/// Most records of one history.
const HISTORY_MAX: usize = 1000;

/// Show a record.
///
/// What the reader's roles do not see is masked. The answer never changes except by erasure, so it may be kept: its `ETag`
/// is the hash of the record's leaf, with the mask.
#[utoipa::path(
    get, path = "/v1/ledgers/{ledger}/records/{id}", tag = "records", operation_id = "getRecord",
    params(
        ("ledger" = String, Path, description = "Name of the ledger"),
        ("id" = String, Path, description = "Id of the record"),
        ("If-None-Match" = Option<String>, Header, description = "ETag of the record as it is known already"),
    ),
    responses(
        (status = 200, description = "The record", body = RecordBody, headers(("etag" = String, description = "Hash of its leaf"))),
        (status = 304, description = "It is as it is known already"),
        Refusals,
    ),
)]
pub(crate) async fn get(
    State(app): State<App>,
    asking: Asking,
    Path((ledger, id)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let book = app.book(&asking, &ledger, Permission::Read).await?;
    let mask = app.mask(&asking, &ledger);
    let found = look_up(&book, &id).await;
    app.trail
        .note(&asking, &access("read", &ledger, &id, &found))
        .await?;
    Ok(record(&found?, &mask, Some(&headers)))
}

/// Why a masked record is looked at.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RevealBody {
    /// Why, as it will stand in the access record.
    #[schema(min_length = 1, max_length = 1000)]
    reason: String,
}

/// Show a record unmasked, for a reason.
///
/// The access, with its reason, is on record before anything is shown.
#[utoipa::path(
    post, path = "/v1/ledgers/{ledger}/records/{id}/reveal", tag = "records", operation_id = "revealRecord",
    params(
        ("ledger" = String, Path, description = "Name of the ledger"),
        ("id" = String, Path, description = "Id of the record"),
    ),
    request_body = RevealBody,
    responses((status = 200, description = "The record, unmasked", body = RecordBody), Refusals),
)]
pub(crate) async fn reveal(
    State(app): State<App>,
    asking: Asking,
    Path((ledger, id)): Path<(String, String)>,
    Json(body): Json<RevealBody>,
) -> Result<Response, Problem> {
    let book = app.book(&asking, &ledger, Permission::Reveal).await?;
    let reason = reason(&body.reason)?;
    let found = look_up(&book, &id).await;
    let access = Access {
        reason: Some(reason),
        ..access("reveal", &ledger, &id, &found)
    };
    app.trail.note(&asking, &access).await?;
    Ok(record(&found?, &Mask::default(), None))
}

/// Show what happened to a decision: what it refers to, and what refers to it, in order.
#[utoipa::path(
    get, path = "/v1/ledgers/{ledger}/records/{id}/history", tag = "records", operation_id = "getHistory",
    params(
        ("ledger" = String, Path, description = "Name of the ledger"),
        ("id" = String, Path, description = "Id of a record"),
    ),
    responses((status = 200, description = "The records, by index", body = HistoryBody), Refusals),
)]
pub(crate) async fn history(
    State(app): State<App>,
    asking: Asking,
    Path((ledger, id)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let book = app.book(&asking, &ledger, Permission::Read).await?;
    let mask = app.mask(&asking, &ledger);
    let as_of = book.reader.size();
    let (linked_book, first) = (Arc::clone(&book), id.clone());
    let found = blocking(move || Ok(linked(&linked_book.reader, &first)?)).await;
    let mut noted = access("history", &ledger, &id, &found);
    noted.records = found.as_ref().ok().map(|rows| rows.len() as u64);
    app.trail.note(&asking, &noted).await?;
    let rows = found?;
    let records = array(rows.iter().map(|row| item(row, &mask)));
    let body = format!("{{\"as_of\":{as_of},\"records\":{records}}}");
    Ok(([(header::CONTENT_TYPE, header(JSON))], body).into_response())
}

/// The record, those that it and they refer to, and those that refer to one of them.
fn linked(reader: &Reader, id: &str) -> Result<Vec<Row>, LedgerError> {
    let first = reader
        .find_exact(id)?
        .ok_or_else(|| LedgerError::NotFound { id: id.to_owned() })?;
    let mut rows: Vec<Row> = Vec::new();
    let mut seen = BTreeSet::from([first.index]);
    let mut ahead = vec![first];
    while let Some(row) = ahead.pop() {
        let fields = row.record.fields();
        let mut near = Vec::new();
        if let Some(target) = &fields.refers_to {
            near.extend(reader.find_exact(target)?.map(|row| row.index));
        }
        if let Some(id) = &fields.id {
            near.extend(reader.referring_to(id)?);
        }
        rows.push(row);
        for index in near {
            if seen.len() < HISTORY_MAX && seen.insert(index) {
                ahead.extend(reader.get(index)?);
            }
        }
    }
    rows.sort_unstable_by_key(|row| row.index);
    Ok(rows)
}

/// The record of exactly this id.
pub(super) async fn look_up(book: &Arc<Book>, id: &str) -> Result<Row, Problem> {
    let (book, id) = (Arc::clone(book), id.to_owned());
    blocking(move || {
        book.reader
            .find_exact(&id)?
            .ok_or_else(|| Problem::new(Code::NoRecord, format!("no record has the id {id:?}")))
    })
    .await
}

/// The access record of looking one record up, which may have failed.
pub(super) fn access<'a, T>(
    action: &'static str,
    ledger: &'a str,
    id: &'a str,
    found: &Result<T, Problem>,
) -> Access<'a> {
    Access {
        object: Some(id),
        result: found
            .as_ref()
            .map_or_else(|problem| problem.code.name(), |_| "ok"),
        ..Access::of(action, ledger)
    }
}

fn record(row: &Row, mask: &Mask, headers: Option<&HeaderMap>) -> Response {
    let body = item(row, mask);
    let tag = tag(row, &body, !mask.is_empty());
    let known = headers
        .and_then(|headers| headers.get(header::IF_NONE_MATCH))
        .and_then(|value| value.to_str().ok())
        .is_some_and(|given| {
            let mut given = given
                .split(',')
                .map(|tag| tag.trim().trim_start_matches("W/"));
            given.any(|given| given == tag || given == "*")
        });
    let head = [
        (header::ETAG, header(&tag)),
        (header::CACHE_CONTROL, header("private, no-cache")),
    ];
    if known {
        return (StatusCode::NOT_MODIFIED, head).into_response();
    }
    let digest = {
        use base64::Engine as _;
        let hash = Sha256::digest(body.as_bytes());
        base64::engine::general_purpose::STANDARD.encode(hash)
    };
    let more = [
        (header::CONTENT_TYPE, header(JSON)),
        (
            HeaderName::from_static("repr-digest"),
            header(&format!("sha-256=:{digest}:")),
        ),
    ];
    (head, more, body).into_response()
}

/// The leaf's hash for a record that is shown whole. What is masked or erased is another text of the same leaf, and has a tag
/// of its own.
fn tag(row: &Row, body: &str, is_masked: bool) -> String {
    let whole = matches!(row.record, Stored::Whole { .. }) && !is_masked;
    match row.record.digest().ok().flatten().filter(|_| whole) {
        Some(digest) => format!("\"{}\"", hex(&hash_leaf(&digest.0).0)),
        None => format!("\"shown-{}\"", hex(&Sha256::digest(body.as_bytes()))),
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text
}
