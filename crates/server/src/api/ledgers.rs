//! The ledgers there are.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use causebook_access::Permission;
use serde::Deserialize;
use serde_json::{Value, json};

use super::extract::{Json, Path};
use super::item::header;
use super::media::JSON;
use super::schema::{LedgerBody, LedgersBody, Refusals};
use super::shapes::LedgerName;
use super::write::blocking;
use crate::asking::{Asking, check};
use crate::book::Book;
use crate::problem::Problem;
use crate::state::App;
use crate::trail::Access;

/// List the ledgers that you have a role for.
#[utoipa::path(
    get, path = "/v1/ledgers", tag = "ledgers", operation_id = "listLedgers",
    responses((status = 200, description = "Ledgers, by name", body = LedgersBody), Refusals),
)]
pub(crate) async fn list(State(app): State<App>, asking: Asking) -> Result<Response, Problem> {
    let principal = asking.known()?;
    let books = app.books.all();
    let seen = books
        .iter()
        .filter(|book| !principal.roles(&book.name).is_empty());
    let body = json!({"ledgers": seen.map(describe).collect::<Vec<_>>()});
    Ok(([(header::CONTENT_TYPE, header(JSON))], body.to_string()).into_response())
}

/// A ledger to make.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewLedger {
    /// Its name: lower-case letters, digits, - and _.
    #[schema(value_type = LedgerName)]
    name: String,
    /// The name under which it signs, unique in the world; nothing: host, name and time.
    #[serde(default)]
    #[schema(pattern = "^[!-*,-~]{1,200}$")]
    origin: Option<String>,
}

/// Make a ledger.
#[utoipa::path(
    post, path = "/v1/ledgers", tag = "ledgers", operation_id = "createLedger",
    request_body = NewLedger,
    responses((status = 201, description = "The ledger", body = LedgerBody), Refusals),
)]
pub(crate) async fn create(
    State(app): State<App>,
    asking: Asking,
    Json(body): Json<NewLedger>,
) -> Result<Response, Problem> {
    check(&asking, &body.name, Permission::ManageLedgers)?;
    let making = app.clone();
    let name = body.name.clone();
    let book = blocking(move || making.books.create(&name, body.origin.as_deref())).await?;
    let access = Access {
        object: Some(&body.name),
        ..Access::of("create-ledger", &body.name)
    };
    app.trail.note(&asking, &access).await?;
    let location = format!("/v1/ledgers/{}", body.name);
    let head = [
        (header::CONTENT_TYPE, header(JSON)),
        (header::LOCATION, header(&location)),
    ];
    Ok((StatusCode::CREATED, head, describe(&book).to_string()).into_response())
}

/// Show a ledger: its keys, its size, its newest checkpoint.
#[utoipa::path(
    get, path = "/v1/ledgers/{ledger}", tag = "ledgers", operation_id = "getLedger",
    params(("ledger" = String, Path, description = "Name of the ledger")),
    responses((status = 200, description = "The ledger", body = LedgerBody), Refusals),
)]
pub(crate) async fn show(
    State(app): State<App>,
    asking: Asking,
    Path(ledger): Path<String>,
) -> Result<Response, Problem> {
    let principal = asking.known()?;
    let book = app
        .books
        .get(&ledger)
        .filter(|_| !principal.roles(&ledger).is_empty());
    let Some(book) = book else {
        // Whether it is there is told to whoever has a role for it.
        return Err(Problem::new(
            crate::problem::Code::NoLedger,
            format!("there is no ledger {ledger:?} that you have a role for"),
        ));
    };
    let body = describe(&book).to_string();
    Ok(([(header::CONTENT_TYPE, header(JSON))], body).into_response())
}

fn describe(book: &Arc<Book>) -> Value {
    let identity = book.reader.identity();
    let checkpoint = book.reader.checkpoint().map(|signed| {
        json!({
            "size": signed.checkpoint.size,
            "root": STANDARD.encode(signed.checkpoint.root.as_bytes()),
            "time": signed.time,
        })
    });
    json!({
        "name": identity.name,
        "origin": identity.origin,
        "created": identity.created.to_string(),
        "size": book.reader.size(),
        "in_table": book.reader.in_table(),
        "keys": identity.keys,
        "checkpoint": checkpoint,
    })
}
