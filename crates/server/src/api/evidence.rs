//! Evidence: one record, with as much of it as shall be shown, in a file that proves itself.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use causebook_access::Permission;
use causebook_record::{Pointer, Selection};

use super::extract::{Path, bad_parameter, unfit_parameter};
use super::item::header;
use super::media::JSON;
use super::read::{access, look_up};
use super::schema::{EvidenceBody, Refusals};
use super::shapes::Place;
use super::write::blocking;
use crate::asking::Asking;
use crate::problem::{Code, Problem};
use crate::state::App;

/// What to show.
#[derive(Clone, Debug, Default, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct EvidenceQuery {
    /// A place to show, as a JSON Pointer; given again for each. Nothing: everything.
    #[param(value_type = Option<Vec<Place>>)]
    show: Vec<String>,
    /// Also the records about this one, and the one it is about.
    #[param(required = false)]
    linked: bool,
}

impl EvidenceQuery {
    /// Parameters that may come again are more than what reads the others takes.
    fn read(query: Option<&str>) -> Result<Self, Problem> {
        let mut read = Self::default();
        for (name, value) in url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
            match (name.as_ref(), value.as_ref()) {
                ("show", "") => {
                    return Err(bad_parameter(
                        "show",
                        "show is empty: name a place such as /decision, or leave it out",
                    ));
                }
                ("show", place) => read.show.push(place.to_owned()),
                ("linked", "true") => read.linked = true,
                ("linked", "false") => read.linked = false,
                ("linked", _) => return Err(bad_parameter("linked", "linked is true or false")),
                (unknown, _) => {
                    return Err(bad_parameter(
                        unknown,
                        format!("there is no parameter {unknown:?} here"),
                    ));
                }
            }
        }
        Ok(read)
    }
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
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let book = app.book(&asking, &ledger, Permission::Evidence).await?;
    // Evidence shows facts as they were sealed, so nothing of it can be masked: who sees masks gets none.
    if !app.mask(&asking, &ledger).is_empty() {
        let detail = "evidence shows what your roles see masked";
        return Err(Problem::new(Code::Forbidden, detail)
            .hint("reveal the record for a reason, or ask somebody who sees it unmasked"));
    }
    let query = EvidenceQuery::read(query.as_deref())?;
    let show = selection(&query.show)?;
    let places = query.show.join(",");
    let found = look_up(&book, &id).await;
    let mut noted = access("evidence", &ledger, &id, &found);
    noted.shown = Some(&places)
        .filter(|places| !places.is_empty())
        .map(String::as_str);
    app.trail.note(&asking, &noted).await?;
    let row = found?;
    let covered = book.covered_size();
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

fn selection(show: &[String]) -> Result<Selection, Problem> {
    if show.is_empty() {
        return Ok(Selection::All);
    }
    let pointers = show.iter().map(|place| {
        place
            .parse::<Pointer>()
            .map_err(|error| unfit_parameter("show", error.to_string()))
    });
    Ok(Selection::Only(pointers.collect::<Result<_, _>>()?))
}

/// Each place must be there: a slip of the pen must not look like a kept secret.
pub(super) fn check_places(pointers: &[Pointer], text: &str) -> Result<(), Problem> {
    let facts = causebook_record::facts(text)?;
    for pointer in pointers {
        if !facts.iter().any(|fact| pointer.selects(&fact.path)) {
            let detail = format!("the record has nothing at {pointer}");
            return Err(unfit_parameter("show", detail));
        }
    }
    Ok(())
}
