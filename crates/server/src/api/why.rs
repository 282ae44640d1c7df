//! Why a decision came out as it did, which models are registered, and whether they give the same again.

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, header};
use axum::response::{IntoResponse as _, Response};
use causebook_access::Permission;
use causebook_explain::Ask;
use causebook_ledger::Reader;
use causebook_query::PageRequest;
use causebook_record::{Mask, Pointer};
use causebook_why::Why;
use causebook_why::page::{Audience, Words, html};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::extract::{Json, Path, Query, unfit_body, whole_number};
use super::item::header;
use super::list::{filter, read};
use super::media::{HTML, JSON, accepted};
use super::read::{access, look_up};
use super::schema::{ModelsBody, Refusals, ReplayedBody, WhyBody};
use super::write::blocking;
use crate::asking::Asking;
use crate::problem::{Code, Problem};
use crate::state::App;
use crate::trail::Access;

/// Most decisions that one request replays.
const REPLAYED_MAX: u64 = 10_000;
const REPLAYED_DEFAULT: u64 = 1_000;
/// Nothing is loaded and nothing runs on the page, whatever stands in a record.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Whom an answer is for, and what is compared.
#[derive(Clone, Copy, Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub(crate) struct WhyQuery {
    /// Whom it is for: an authority sees everything, the person concerned what they are to be given.
    #[param(inline)]
    audience: Whom,
    /// Compare with decisions of all versions of the model, not of this one alone.
    #[param(required = false)]
    all_versions: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
enum Whom {
    #[default]
    Authority,
    Subject,
}

impl Whom {
    fn audience(self) -> Audience {
        match self {
            Whom::Authority => Audience::Authority,
            Whom::Subject => Audience::SUBJECT,
        }
    }
}

/// Answer why a decision came out as it did.
///
/// Outcome and margin, replay by the registered model, principal reasons, contributions of fields, the smallest change found
/// that leads elsewhere, similar decisions, what is unusual, what was in force, what people did, and how it is proven. Every
/// part says whether it is recorded, recomputed or inferred from history. As `text/html`: a page to print or to send.
#[utoipa::path(
    get, path = "/v1/ledgers/{ledger}/records/{id}/why", tag = "why", operation_id = "getWhy",
    params(
        ("ledger" = String, Path, description = "Name of the ledger"),
        ("id" = String, Path, description = "Id of the decision"),
        WhyQuery,
    ),
    responses(
        (status = 200, description = "The answer", content((WhyBody = "application/json"), (String = "text/html"))),
        Refusals,
    ),
)]
pub(crate) async fn why(
    State(app): State<App>,
    asking: Asking,
    Path((ledger, id)): Path<(String, String)>,
    Query(query): Query<WhyQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let form = accepted(&headers, &[JSON, HTML])?;
    let book = app.book(&asking, &ledger, Permission::Read).await?;
    if hides(&app.mask(&asking, &ledger)) {
        let detail = "an answer shows what your roles see masked";
        return Err(Problem::new(Code::Forbidden, detail)
            .hint("reveal the record for a reason, or ask somebody who sees it unmasked"));
    }
    let found = look_up(&book, &id).await;
    app.trail
        .note(&asking, &access("why", &ledger, &id, &found))
        .await?;
    found?;
    let permit = app.query_permit().await?;
    let audience = query.audience.audience();
    let ask = Ask {
        audience,
        all_versions: query.all_versions,
    };
    let body = blocking(move || {
        let why = book.explainer.why(&id, ask)?;
        drop(permit);
        Ok(if form == HTML {
            html(&why, audience, &words(&book.reader, &why))
        } else {
            text(&why)?
        })
    })
    .await?;
    let media_type = if form == HTML {
        "text/html; charset=utf-8"
    } else {
        JSON
    };
    let head = [
        (header::CONTENT_TYPE, header(media_type)),
        (header::CACHE_CONTROL, header("private, no-store")),
        (
            HeaderName::from_static("content-security-policy"),
            header(POLICY),
        ),
    ];
    Ok((head, body).into_response())
}

/// Whether a mask covers something that an answer shows. It is put together of values of this record and of others, so who
/// sees some of them masked gets none of it; whom a decision concerns stands in no answer.
fn hides(mask: &Mask) -> bool {
    let concerns = |place: &Pointer| place.as_str() == "/subject";
    mask.places().iter().any(|place| !concerns(place))
}

/// What things are called on a page: by the dictionary that the decision names, and by the registration.
fn words(reader: &Reader, why: &Why) -> Words {
    let record = |id: &str| -> Option<serde_json::Value> {
        let row = reader.find_exact(id).ok().flatten()?;
        serde_json::from_str(row.record.text()?).ok()
    };
    let decision = record(&why.id).unwrap_or_default();
    let dictionary = decision
        .pointer("/explanation/dictionary")
        .and_then(|id| record(id.as_str()?));
    let words = dictionary.map_or_else(Words::default, |it| Words::of_dictionary(&it));
    let provenance = why.provenance.content();
    let registration = provenance.and_then(|it| record(it.registered_by.as_deref()?));
    let labels = registration.and_then(|it| {
        serde_json::from_value(it.pointer("/model/registration/labels")?.clone()).ok()
    });
    words.with_labels(&labels.unwrap_or_default())
}

/// List the models that are registered, and those that decisions name without it.
#[utoipa::path(
    get, path = "/v1/ledgers/{ledger}/models", tag = "why", operation_id = "listModels",
    params(("ledger" = String, Path, description = "Name of the ledger")),
    responses((status = 200, description = "Versions of models, by name", body = ModelsBody), Refusals),
)]
pub(crate) async fn models(
    State(app): State<App>,
    asking: Asking,
    Path(ledger): Path<String>,
) -> Result<Response, Problem> {
    let book = app.book(&asking, &ledger, Permission::Search).await?;
    app.trail
        .note(&asking, &Access::of("models", &ledger))
        .await?;
    let versions = blocking(move || Ok(book.explainer.versions()?)).await?;
    let body = text(&json!({ "models": versions }))?;
    Ok(([(header::CONTENT_TYPE, header(JSON))], body).into_response())
}

/// Which decisions to run again.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReplaysBody {
    /// The filter; of what it means, the decisions are run, the newest first.
    #[serde(default)]
    q: String,
    /// How many at most.
    #[serde(default, deserialize_with = "whole_number")]
    #[schema(minimum = 1, maximum = 10_000)]
    limit: Option<u64>,
}

/// Run decisions again by their registered models.
#[utoipa::path(
    post, path = "/v1/ledgers/{ledger}/replays", tag = "why", operation_id = "replayDecisions",
    params(("ledger" = String, Path, description = "Name of the ledger")),
    request_body = ReplaysBody,
    responses((status = 200, description = "How many have each verdict, and the worst", body = ReplayedBody), Refusals),
)]
pub(crate) async fn replay(
    State(app): State<App>,
    asking: Asking,
    Path(ledger): Path<String>,
    Json(body): Json<ReplaysBody>,
) -> Result<Response, Problem> {
    let book = app.book(&asking, &ledger, Permission::Search).await?;
    if hides(&app.mask(&asking, &ledger)) {
        return Err(Problem::new(
            Code::Forbidden,
            "a replay shows what your roles see masked",
        ));
    }
    let limit = body.limit.unwrap_or(REPLAYED_DEFAULT);
    if !(1..=REPLAYED_MAX).contains(&limit) {
        return Err(unfit_body(
            "/limit",
            format!("limit is from 1 to {REPLAYED_MAX}"),
        ));
    }
    let said = format!("kind:decision {}", body.q);
    let filter = filter(&app, Some(&said))?;
    let access = Access {
        object: Some(&body.q),
        ..Access::of("replay", &ledger)
    };
    app.trail.note(&asking, &access).await?;
    let permit = app.query_permit().await?;
    let replayed = blocking(move || {
        let request = PageRequest {
            as_of: book.reader.size(),
            limit: limit as usize,
            newest_first: true,
            after: None,
        };
        let mut rows = read(&book, &filter, &request, &Mask::default())?;
        rows.truncate(request.limit);
        let positions: Vec<u64> = rows.iter().map(|row| row.index).collect();
        drop(rows);
        let replayed = book.explainer.replay_all(&positions, &|_| {})?;
        drop(permit);
        Ok(replayed)
    })
    .await?;
    Ok(([(header::CONTENT_TYPE, header(JSON))], text(&replayed)?).into_response())
}

fn text(value: &impl Serialize) -> Result<String, Problem> {
    serde_json::to_string(value).map_err(|error| Problem::internal(&error))
}
