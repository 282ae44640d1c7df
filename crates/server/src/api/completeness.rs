//! What capture streams sent, and what is missing of it.

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use causebook_access::Permission;
use causebook_query::Completeness;
use serde::Deserialize;
use serde_json::{Value, json};

use super::extract::{Path, Query};
use super::item::header;
use super::media::JSON;
use super::schema::{CompletenessBody, Refusals};
use super::write::blocking;
use crate::asking::Asking;
use crate::problem::Problem;
use crate::state::App;
use crate::trail::Access;

/// Which streams.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub(crate) struct CompletenessQuery {
    /// Only this source.
    source: Option<String>,
    /// Only this run of it.
    run: Option<String>,
}

/// Show what capture streams sent and what is missing: gaps, late arrivals, repeats, orphans.
#[utoipa::path(
    get, path = "/v1/ledgers/{ledger}/completeness", tag = "proofs", operation_id = "getCompleteness",
    params(("ledger" = String, Path, description = "Name of the ledger"), CompletenessQuery),
    responses((status = 200, description = "Streams and orphans", body = CompletenessBody), Refusals),
)]
pub(crate) async fn completeness(
    State(app): State<App>,
    asking: Asking,
    Path(ledger): Path<String>,
    Query(query): Query<CompletenessQuery>,
) -> Result<Response, Problem> {
    let book = app.book(&asking, &ledger, Permission::Completeness).await?;
    app.trail
        .note(&asking, &Access::of("completeness", &ledger))
        .await?;
    let as_of = book.reader.size();
    let permit = app.query_permit().await?;
    let found = blocking(move || {
        let (source, run) = (query.source.as_deref(), query.run.as_deref());
        let found = book.query.completeness(as_of, source, run)?;
        drop(permit);
        Ok(found)
    })
    .await?;
    let body = to_json(as_of, &found).to_string();
    Ok(([(header::CONTENT_TYPE, header(JSON))], body).into_response())
}

fn to_json(as_of: u64, found: &Completeness) -> Value {
    let streams = found.streams.iter().map(|stream| {
        let gaps = stream.gaps.iter().map(|gap| {
            json!({"from": gap.from, "to": gap.to, "since": gap.since.map(|since| since.to_string())})
        });
        json!({
            "source": stream.source,
            "run": stream.run,
            "records": stream.records,
            "first_seq": stream.first_seq,
            "last_seq": stream.last_seq,
            "distinct": stream.distinct,
            "gaps": gaps.collect::<Vec<_>>(),
            "gaps_total": stream.gaps_total,
            "missing": stream.missing,
            "late": stream.late,
            "repeated_seq": stream.repeated,
            "last_at": stream.last_at.map(|time| time.to_string()),
        })
    });
    json!({
        "as_of": as_of,
        "streams": streams.collect::<Vec<_>>(),
        "erased": found.erased,
        "orphans": {
            "missing_target": found.orphans.missing_target,
            "intent_without_outcome": found.orphans.intent_without_outcome,
            "examples": found.orphans.examples,
        },
    })
}
