//! Erasure: content goes, the record of its going stays, and every proof still holds.

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use causebook_access::Permission;
use causebook_ledger::Erasure;
use causebook_record::{Pointer, RecordError};
use serde::Deserialize;
use serde_json::json;

use super::evidence::check_places;
use super::extract::{Json, Path, list, reason, unfit_body};
use super::item::header;
use super::media::JSON;
use super::read::look_up;
use super::schema::{ErasedBody, Refusals};
use super::shapes::Place;
use super::write::blocking;
use crate::asking::Asking;
use crate::problem::{Code, Problem};
use crate::state::App;

/// What to erase, and why.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EraseBody {
    /// Places to erase, as JSON Pointers; left out, all content is erased.
    #[serde(default, deserialize_with = "list")]
    #[schema(min_items = 1, value_type = Vec<Place>, required = false)]
    facts: Option<Vec<String>>,
    /// Why, as it will stand in the record of the erasure.
    #[schema(min_length = 1, max_length = 1000)]
    reason: String,
}

/// Erase a record's content, or facts of it.
///
/// Values and the keys that could give them back are removed from every file of the ledger; commitments take their place.
/// The act is itself recorded.
#[utoipa::path(
    post, path = "/v1/ledgers/{ledger}/records/{id}/erasure", tag = "records", operation_id = "eraseRecord",
    params(
        ("ledger" = String, Path, description = "Name of the ledger"),
        ("id" = String, Path, description = "Id of the record"),
    ),
    request_body = EraseBody,
    responses((status = 200, description = "It is erased", body = ErasedBody), Refusals),
)]
pub(crate) async fn erase(
    State(app): State<App>,
    asking: Asking,
    Path((ledger, id)): Path<(String, String)>,
    Json(body): Json<EraseBody>,
) -> Result<Response, Problem> {
    let book = app.book(&asking, &ledger, Permission::Erase).await?;
    let reason = reason(&body.reason)?.to_owned();
    let row = look_up(&book, &id).await?;
    let what = erasure(body.facts)?;
    if let (Erasure::Facts(pointers), Some(text)) = (&what, row.record.text()) {
        check_places(pointers, text).map_err(|problem| unfit_body("/facts", problem.detail))?;
    }
    let by = asking.name().to_owned();
    let erased = id.clone();
    let places = match &what {
        Erasure::Payload => json!("payload"),
        Erasure::Facts(pointers) => pointers.iter().map(Pointer::as_str).collect(),
    };
    let report = blocking(move || Ok(book.ledger.erase(&erased, &what, &reason, &by)?)).await?;
    let body = json!({
        "id": id,
        "index": report.index,
        "erased": places,
        "receipt": super::write::receipt_json(&report.receipt),
        "facts_erased": report.facts_erased,
        "not_searched": report.not_searched,
        "bytes_searched": report.bytes_searched,
        "found_in_files": report.found_in_files,
        "found_in_records": report.found_in_records,
    });
    Ok(([(header::CONTENT_TYPE, header(JSON))], body.to_string()).into_response())
}

fn erasure(facts: Option<Vec<String>>) -> Result<Erasure, Problem> {
    let Some(facts) = facts else {
        return Ok(Erasure::Payload);
    };
    // A list that came out empty by a slip must not erase everything.
    if facts.is_empty() {
        let detail = "facts is empty: name places, or leave it out to erase all content";
        return Err(Problem::new(Code::InvalidBody, detail).at("/facts"));
    }
    let mut pointers: Vec<Pointer> = Vec::with_capacity(facts.len());
    for (number, fact) in facts.iter().enumerate() {
        let pointer = fact.parse().map_err(|error: RecordError| {
            Problem::new(Code::InvalidBody, error.to_string()).at(format!("/facts/{number}"))
        })?;
        pointers.push(pointer);
    }
    Ok(Erasure::Facts(pointers))
}
