//! The paths of the API, one file for what belongs together.

use axum::Router;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
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
mod shapes;
mod sql;
mod tail;
mod verify;
mod whole;
mod why;
mod write;

/// All paths of the API, with their descriptions.
pub(crate) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(schema::info())
        .routes(routes!(write::append, list::list))
        .routes(routes!(evidence::evidence))
        .routes(routes!(why::why))
        .routes(routes!(groups::facets))
        .routes(routes!(groups::histogram))
        .routes(routes!(tail::tail))
        .routes(routes!(completeness::completeness))
        .routes(routes!(log::consistency))
        .routes(routes!(operate::healthz))
        .routes(routes!(operate::readyz))
        .routes(routes!(operate::metrics))
        .merge(without_parameters())
}

/// Paths with nothing behind the question mark: what stands there is refused, as an unknown parameter is elsewhere.
fn without_parameters() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(ledgers::list, ledgers::create))
        .routes(routes!(ledgers::show))
        .routes(routes!(read::get))
        .routes(routes!(read::history))
        .routes(routes!(read::reveal))
        .routes(routes!(erase::erase))
        .routes(routes!(attachments::put))
        .routes(routes!(attachments::get))
        .routes(routes!(sql::sql))
        .routes(routes!(verify::verify))
        .routes(routes!(why::models))
        .routes(routes!(why::replay))
        .routes(routes!(log::checkpoint))
        .routes(routes!(access::me))
        .routes(routes!(access::tokens, access::create_token))
        .routes(routes!(access::revoke_token))
        .route_layer(axum::middleware::from_fn(no_parameters))
}

async fn no_parameters(request: Request, next: Next) -> Result<Response, Problem> {
    let query = request.uri().query().unwrap_or_default();
    let given = url::form_urlencoded::parse(query.as_bytes()).next();
    if let Some((name, _)) = given {
        let detail = format!("there is no parameter {name:?} here, and no other");
        return Err(extract::bad_parameter(&name, detail));
    }
    Ok(next.run(request).await)
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
