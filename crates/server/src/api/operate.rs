//! For whoever runs the server, and for programs that look at it: health, metrics, and the descriptions of all this.

use std::fmt::Write as _;

use axum::extract::State;
use axum::http::{HeaderName, header};
use axum::response::{Html, IntoResponse as _, Redirect, Response};
use causebook_access::Permission;
use causebook_ledger::Clock as _;

use super::extract::Path;
use super::item::header;
use super::media::JSON;
use super::schema::Refusals;
use crate::asking::{Asking, check};
use crate::books::ACCESS;
use crate::problem::{ALL, Code, Problem};
use crate::state::App;

/// Whether the server lives.
#[utoipa::path(
    get, path = "/healthz", tag = "operation", operation_id = "getHealth", security(()),
    responses((status = 200, description = "It does", content_type = "text/plain", body = String)),
)]
pub(crate) async fn healthz() -> &'static str {
    "ok\n"
}

/// Whether the server can record: every ledger takes records, and the trail of accesses too.
#[utoipa::path(
    get, path = "/readyz", tag = "operation", operation_id = "getReadiness", security(()),
    responses(
        (status = 200, description = "It can", content_type = "text/plain", body = String),
        (status = 503, description = "It cannot", content_type = "application/problem+json", body = super::schema::ProblemBody),
    ),
)]
pub(crate) async fn readyz(State(app): State<App>) -> Result<&'static str, Problem> {
    if *app.closing.borrow() {
        return Err(Problem::new(Code::Closing, "the server is shutting down"));
    }
    for book in app.books.all() {
        book.ledger.check_sound().map_err(|error| {
            let detail = format!("ledger {:?}: {error}", book.name);
            Problem::new(Code::LedgerStopped, detail)
        })?;
    }
    Ok("ready\n")
}

/// Metrics, as Prometheus reads them.
#[utoipa::path(
    get, path = "/metrics", tag = "operation", operation_id = "getMetrics",
    responses((status = 200, description = "OpenMetrics", content_type = "application/openmetrics-text", body = String), Refusals),
)]
pub(crate) async fn metrics(State(app): State<App>, asking: Asking) -> Result<Response, Problem> {
    check(&asking, ACCESS, Permission::Metrics)?;
    let text = app.metrics.text(&app.books.all(), app.clock.now());
    let form = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(header::CONTENT_TYPE, header(form))], text).into_response())
}

pub(crate) async fn openapi(State(app): State<App>) -> Response {
    let head = [
        (header::CONTENT_TYPE, header(JSON)),
        (
            HeaderName::from_static("access-control-allow-origin"),
            header("*"),
        ),
    ];
    (head, app.openapi.clone()).into_response()
}

pub(crate) async fn root() -> Redirect {
    Redirect::temporary("/docs")
}

/// The API for people: one page, nothing loaded from elsewhere, no script.
pub(crate) async fn docs(State(app): State<App>) -> Response {
    page("Causebook API", &app.docs)
}

pub(crate) async fn problems() -> Response {
    let mut body = String::from("<h1>Problems</h1><table>");
    for code in ALL {
        let (name, status, title) = (code.name(), code.status().as_u16(), code.title());
        let _ = write!(
            body,
            "<tr><td><a href=\"/problems/{name}\"><code>{name}</code></a></td><td>{status}</td><td>{title}</td></tr>"
        );
    }
    body.push_str("</table>");
    page("Problems", &body)
}

pub(crate) async fn problem(Path(name): Path<String>) -> Result<Response, Problem> {
    let code = ALL.iter().find(|code| code.name() == name).ok_or_else(|| {
        Problem::new(Code::NoSuchPath, "no problem has this name").hint("/problems lists them")
    })?;
    let body = format!(
        "<p><a href=\"/problems\">Problems</a></p><h1>{}</h1><p><code>{}</code>, status {}</p><p>{}</p>",
        code.title(),
        code.name(),
        code.status(),
        code.advice().replace('<', "&lt;")
    );
    Ok(page(code.title(), &body))
}

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}\
code,pre{font-family:ui-monospace,monospace;font-size:.9em}table{border-collapse:collapse;width:100%}\
td:nth-child(-n+2){width:12rem;overflow-wrap:anywhere}nav{columns:3 14rem}nav p{break-inside:avoid;margin-top:0}\
pre{background:#8882;padding:.8rem;overflow:auto}\
td,th{border-bottom:1px solid #8884;padding:.3rem .8rem .3rem 0;text-align:left;vertical-align:top}\
h2{margin-top:2.5rem}h3{margin:1.8rem 0 .2rem}.m{font-weight:700;text-transform:uppercase}\
@media(prefers-color-scheme:dark){body{background:#16181c;color:#ddd}a{color:#8ab4ff}}";

fn page(title: &str, body: &str) -> Response {
    let html = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
        <title>{title}</title><style>{STYLE}</style><body>{body}</body></html>"
    );
    let policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";
    (
        [(header::CONTENT_SECURITY_POLICY, header(policy))],
        Html(html),
    )
        .into_response()
}
