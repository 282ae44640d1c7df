//! Evidence: one record, with as much of it as shall be shown, in a file that proves itself.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use causebook_access::Permission;
use causebook_record::{Pointer, Selection};
use serde::Deserialize;

use super::extract::{Path, Query, bad_parameter};
use super::item::header;
use super::media::JSON;
use super::read::{access, look_up};
use super::schema::{EvidenceBody, Refusals};
use super::write::blocking;
use crate::asking::Asking;
use crate::problem::{Code, Problem};
use crate::state::App;

/// What to show.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub(crate) struct EvidenceQuery {
    /// Places to show, as JSON Pointers with commas between: `/decision,/output`. Nothing: everything.
    show: Option<String>,
    /// Also the records about this one, and the one it is about.
    linked: bool,
}

/// Get evidence for a record that anyone can check offline.
#[utoipa::path(
    get, path = "/v1/ledgers/{ledger}/records/{id}/evidence", tag = "proofs", operation_id = "getEvidence",
    params(
        ("ledger" = String, Path, description = "Name of the ledger"),
        ("id" = String, Path, description = "Id of the record"),
        EvidenceQuery,
    ),
    responses((status = 200, description = "The evidence file", body = EvidenceBody), Refusals),
)]
pub(crate) async fn evidence(
    State(app): State<App>,
    asking: Asking,
    Path((ledger, id)): Path<(String, String)>,
    Query(query): Query<EvidenceQuery>,
) -> Result<Response, Problem> {
    let book = app.book(&asking, &ledger, Permission::Evidence).await?;
    // Evidence shows facts as they were sealed, so nothing of it can be masked: who sees masks gets none.
    if !app.mask(&asking, &ledger).is_empty() {
        let detail = "evidence shows what your roles see masked";
        return Err(Problem::new(Code::Forbidden, detail)
            .hint("reveal the record for a reason, or ask somebody who sees it unmasked"));
    }
    let show = selection(query.show.as_deref())?;
    let found = look_up(&book, &id).await;
    let mut noted = access("evidence", &ledger, &id, &found);
    noted.reason = query.show.as_deref();
    app.trail.note(&asking, &noted).await?;
    let row = found?;
    let covered = *book.covered.borrow();
    if covered <= row.index {
        let detail = format!(
            "{covered} records are under a checkpoint, this one is number {}",
            row.index + 1
        );
        return Err(Problem::new(Code::NotCoveredYet, detail).retry_after(1));
    }
    let book = Arc::clone(&book);
    let file = blocking(move || {
        if let (Selection::Only(pointers), Some(text)) = (&show, row.record.text()) {
            check_places(pointers, text)?;
        }
        Ok(book
            .reader
            .evidence(row.index, &show, query.linked)?
            .to_json())
    })
    .await?;
    Ok(([(header::CONTENT_TYPE, header(JSON))], file).into_response())
}

fn selection(show: Option<&str>) -> Result<Selection, Problem> {
    let Some(show) = show.filter(|show| !show.is_empty()) else {
        return Ok(Selection::All);
    };
    let pointers = show.split(',').map(|place| {
        place
            .trim()
            .parse::<Pointer>()
            .map_err(|error| bad_parameter("show", error.to_string()))
    });
    Ok(Selection::Only(pointers.collect::<Result<_, _>>()?))
}

/// Each place must be there: a slip of the pen must not look like a kept secret.
pub(super) fn check_places(pointers: &[Pointer], text: &str) -> Result<(), Problem> {
    let facts = causebook_record::facts(text)?;
    for pointer in pointers {
        if !facts.iter().any(|fact| pointer.selects(&fact.path)) {
            let detail = format!("the record has nothing at {pointer}");
            return Err(bad_parameter("show", detail));
        }
    }
    Ok(())
}
