//! The paths of the API, one file for what belongs together.

use axum::Router;
use axum::routing::get;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::problem::{Code, Problem};
use crate::state::App;

mod access;
mod attachments;
mod batch;
mod completeness;
mod erase;
mod evidence;
mod extract;
mod groups;
mod incoming;
mod item;
mod ledgers;
mod list;
mod log;
mod media;
mod operate;
mod read;
mod schema;
mod sql;
mod tail;
mod verify;
mod whole;
mod write;

/// All paths of the API, with their descriptions.
pub(crate) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(schema::info())
        .routes(routes!(ledgers::list, ledgers::create))
        .routes(routes!(ledgers::show))
        .routes(routes!(write::append, list::list))
        .routes(routes!(read::get))
        .routes(routes!(read::history))
        .routes(routes!(read::reveal))
        .routes(routes!(evidence::evidence))
        .routes(routes!(erase::erase))
        .routes(routes!(attachments::put))
        .routes(routes!(attachments::get))
        .routes(routes!(groups::facets))
        .routes(routes!(groups::histogram))
        .routes(routes!(sql::sql))
        .routes(routes!(tail::tail))
        .routes(routes!(completeness::completeness))
        .routes(routes!(verify::verify))
        .routes(routes!(log::checkpoint))
        .routes(routes!(log::consistency))
        .routes(routes!(access::me))
        .routes(routes!(access::tokens, access::create_token))
        .routes(routes!(access::revoke_token))
        .routes(routes!(operate::healthz))
        .routes(routes!(operate::readyz))
        .routes(routes!(operate::metrics))
}

/// Paths that `OpenAPI` has no good word for: tiles, the descriptions themselves, and pages for people.
pub(crate) fn plain() -> Router<App> {
    Router::new()
        .route("/v1/ledgers/{ledger}/log/tile/{*path}", get(log::tile))
        .route("/openapi.json", get(operate::openapi))
        .route("/docs", get(operate::docs))
        .route("/problems", get(operate::problems))
        .route("/problems/{code}", get(operate::problem))
        .route("/", get(operate::root))
}

/// Answers what no path or no method of a path answers. For the routes that are there when it is called.
pub(crate) fn otherwise(routes: Router<App>) -> Router<App> {
    routes
        .fallback(nothing_here)
        .method_not_allowed_fallback(not_allowed)
}

async fn nothing_here() -> Problem {
    Problem::new(Code::NoSuchPath, "there is nothing at this path")
        .hint("/docs lists what there is")
}

async fn not_allowed() -> Problem {
    Problem::new(
        Code::MethodNotAllowed,
        "this path does not take this method",
    )
}
