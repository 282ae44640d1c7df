//! The log as C2SP tlog-tiles has it, read from the ledger's folder as it stands, and proofs that it only grew.

use std::io::ErrorKind;
use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use causebook_access::Permission;
use causebook_tlog::TilePath;
use serde::Deserialize;
use serde_json::json;

use super::extract::{Path, Query, bad_parameter, unfit_parameter};
use super::item::header;
use super::media::JSON;
use super::schema::{ConsistencyBody, Refusals};
use super::write::blocking;
use crate::asking::Asking;
use crate::book::Book;
use crate::problem::{Code, Problem};
use crate::state::App;

/// A full tile never changes.
const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// Get the newest signed checkpoint, a C2SP tlog-checkpoint.
#[utoipa::path(
    get, path = "/v1/ledgers/{ledger}/log/checkpoint", tag = "proofs", operation_id = "getCheckpoint",
    params(("ledger" = String, Path, description = "Name of the ledger")),
    responses((status = 200, description = "A signed note", content_type = "text/plain", body = String), Refusals),
)]
pub(crate) async fn checkpoint(
    State(app): State<App>,
    asking: Asking,
    Path(ledger): Path<String>,
) -> Result<Response, Problem> {
    let book = public(&app, &asking, &ledger).await?;
    let signed = book.reader.checkpoint().ok_or_else(|| {
        Problem::new(Code::NotCoveredYet, "no checkpoint is signed yet").retry_after(1)
    })?;
    let head = [
        (header::CONTENT_TYPE, header("text/plain; charset=utf-8")),
        (header::CACHE_CONTROL, header("no-cache")),
    ];
    Ok((head, signed.note).into_response())
}

/// A tile of hashes or a bundle of entries.
pub(crate) async fn tile(
    State(app): State<App>,
    asking: Asking,
    Path((ledger, path)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let book = public(&app, &asking, &ledger).await?;
    // Only what would be printed the same way again is a path: nothing climbs out of the folder.
    let path: TilePath = format!("tile/{path}").parse().map_err(|_| {
        Problem::new(
            Code::NoSuchPath,
            "this is not the path of a tile (C2SP tlog-tiles)",
        )
    })?;
    let is_partial = path.is_partial();
    let file = book.folder.join("log").join(path.to_string());
    let bytes = blocking(move || match std::fs::read(&file) {
        Ok(bytes) => Ok(bytes),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            Err(Problem::new(Code::NoSuchPath, "the log has no such tile"))
        }
        Err(error) => Err(Problem::internal(&error)),
    })
    .await?;
    let cache = if is_partial { "no-cache" } else { FOR_EVER };
    let head = [
        (header::CONTENT_TYPE, header("application/octet-stream")),
        (header::CACHE_CONTROL, header(cache)),
    ];
    Ok((StatusCode::OK, head, bytes).into_response())
}

/// Two sizes of the log.
#[derive(Clone, Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ConsistencyQuery {
    /// The earlier size.
    #[param(minimum = 1, maximum = 9_007_199_254_740_991_u64)]
    from: u64,
    /// The later size; nothing: that of the newest checkpoint.
    #[param(minimum = 1, maximum = 9_007_199_254_740_991_u64)]
    to: Option<u64>,
}

/// Get the proof that the log of one size begins with the log of an earlier one (RFC 6962).
#[utoipa::path(
    get, path = "/v1/ledgers/{ledger}/consistency", tag = "proofs", operation_id = "getConsistency",
    params(("ledger" = String, Path, description = "Name of the ledger"), ConsistencyQuery),
    responses((status = 200, description = "The proof", body = ConsistencyBody), Refusals),
)]
pub(crate) async fn consistency(
    State(app): State<App>,
    asking: Asking,
    Path(ledger): Path<String>,
    Query(query): Query<ConsistencyQuery>,
) -> Result<Response, Problem> {
    let book = public(&app, &asking, &ledger).await?;
    let size = book.covered_size();
    let to = query.to.unwrap_or(size);
    if to > size || size == 0 {
        let detail = format!("to is at most {size}, the records that the newest checkpoint covers");
        return Err(Problem::new(Code::NotCoveredYet, detail).at("to"));
    }
    for (name, size) in [("from", query.from), ("to", to)] {
        if size == 0 {
            return Err(bad_parameter(name, format!("{name} is a size from 1 on")));
        }
    }
    if query.from > to {
        return Err(unfit_parameter("from", format!("from is from 1 to {to}")));
    }
    let (from, reading) = (query.from, Arc::clone(&book));
    let found = blocking(move || Ok(reading.reader.consistency(from, to)?)).await?;
    let hashes = found
        .proof
        .iter()
        .map(|hash| STANDARD.encode(hash.as_bytes()));
    let body = json!({
        "from": found.from,
        "to": found.to,
        "from_root": STANDARD.encode(found.from_root.as_bytes()),
        "to_root": STANDARD.encode(found.to_root.as_bytes()),
        "proof": hashes.collect::<Vec<_>>(),
    });
    Ok(([(header::CONTENT_TYPE, header(JSON))], body.to_string()).into_response())
}

/// The ledger, for whoever may read its log. The log holds salted commitments and no payload, so reading it is no access
/// to a record.
async fn public(app: &App, asking: &Asking, ledger: &str) -> Result<Arc<Book>, Problem> {
    if app.config.public_log {
        let missing = || Problem::new(Code::NoLedger, format!("there is no ledger {ledger:?}"));
        return app.books.get(ledger).ok_or_else(missing);
    }
    app.book(asking, ledger, Permission::ReadLog).await
}
