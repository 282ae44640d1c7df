//! What every request passes through: its id, limits on rate and number, problems written out, metrics and a line in the
//! log. Who is asking is told by [`authenticate`].

use std::time::Duration;

use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::Response;
use causebook_ledger::Clock as _;

use crate::asking::{Asking, NOBODY};
use crate::authentication::authenticate;
use crate::otlp::{Span, random_hex};
use crate::problem::{Code, Problem};
use crate::serve::Peer;
use crate::state::App;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const PURPOSE: HeaderName = HeaderName::from_static("causebook-purpose");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const REQUEST_ID_BYTES_MAX: usize = 64;
const PURPOSE_BYTES_MAX: usize = 200;

/// Paths that answer whoever asks, and do not count against a limit: whether the server lives must be told also when it
/// is busy.
const OPEN: [&str; 7] = [
    "/healthz",
    "/readyz",
    "/openapi.json",
    "/docs",
    "/problems",
    "/problems/{code}",
    "/",
];

/// Wraps a request. The outermost layer that knows of problems.
pub(crate) async fn front(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    mut request: Request,
    next: Next,
) -> Response {
    let start = app.clock.monotonic();
    let request_id = request_id(request.headers());
    let method = request.method().clone();
    let path = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "unmatched".to_owned(), |path| path.as_str().to_owned());
    let parent = trace(request.headers());
    let asked = admit(&app, &peer, &request_id, &path, &request);
    let (who, mut response) = match asked {
        Ok(asking) => {
            let who = asking.name().to_owned();
            request.extensions_mut().insert(asking);
            (who, bounded(&app, &path, request, next).await)
        }
        Err(problem) => (NOBODY.to_owned(), problem.response(&request_id)),
    };
    let problem = response.extensions_mut().remove::<Problem>();
    if let Some(problem) = problem.or_else(|| unexplained(&response)) {
        let allow = response.headers_mut().remove(header::ALLOW);
        response = problem.response(&request_id);
        if let Some(allow) = allow {
            response.headers_mut().insert(header::ALLOW, allow);
        }
    }
    if let Ok(value) = HeaderValue::from_str(&request_id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    protect(response.headers_mut());
    let took = app.clock.monotonic().saturating_sub(start);
    report(&app, &method, &path, &who, &request_id, &response, took);
    if let Some(exporter) = &app.otlp {
        let (trace_id, parent_id) = match parent {
            Some((trace, span)) => (trace, Some(span)),
            None => (random_hex(16), None),
        };
        let span = Span {
            trace_id,
            parent_id,
            name: format!("{method} {path}"),
            end: app.clock.now(),
            took,
            status: response.status().as_u16(),
            request_id,
        };
        exporter.send(span, &app.metrics);
    }
    response
}

/// The problem of an answer that a layer below gave without a word.
fn unexplained(response: &Response) -> Option<Problem> {
    use axum::http::StatusCode;
    if response.headers().contains_key(header::CONTENT_TYPE) {
        return None;
    }
    let (code, detail) = match response.status() {
        StatusCode::NOT_FOUND => (Code::NoSuchPath, "there is nothing at this path"),
        StatusCode::METHOD_NOT_ALLOWED => (
            Code::MethodNotAllowed,
            "this path does not take this method",
        ),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => (
            Code::UnsupportedMediaType,
            "bodies are sent as they are, or in one of gzip and zstd (Content-Encoding)",
        ),
        StatusCode::PAYLOAD_TOO_LARGE => (Code::TooLarge, "there is too much of it"),
        status if status.is_client_error() => (Code::InvalidBody, "the request cannot be read"),
        status if status.is_server_error() => (
            Code::Internal,
            "the server failed at this; its log says why",
        ),
        _ => return None,
    };
    Some(Problem::new(code, detail))
}

/// Runs a request among the others, if there is room.
async fn bounded(app: &App, path: &str, request: Request, next: Next) -> Response {
    if OPEN.contains(&path) {
        return next.run(request).await;
    }
    let busy = || {
        use axum::response::IntoResponse as _;
        Problem::new(Code::Busy, "too many requests are being worked on")
            .retry_after(1)
            .into_response()
    };
    let Ok(permit) = app.requests.try_acquire() else {
        return busy();
    };
    let response = next.run(request).await;
    drop(permit);
    response
}

/// Who is asking, and whether at this rate.
fn admit(
    app: &App,
    peer: &Peer,
    request_id: &str,
    path: &str,
    request: &Request,
) -> Result<Asking, Problem> {
    let headers = request.headers();
    let mut asking = Asking {
        principal: None,
        request_id: request_id.to_owned(),
        trace_id: trace(headers).map(|(trace, _)| trace),
        purpose: purpose(headers)?,
        from: Some(peer.address.ip().to_string()),
    };
    if OPEN.contains(&path) {
        return Ok(asking);
    }
    asking.principal = authenticate(app, peer, request_id, request)?;
    if let (Some(rates), Some(principal)) = (&app.rates, &asking.principal) {
        rates.check(principal.name(), 1).map_err(|after| {
            Problem::new(
                Code::RateLimited,
                format!("{} sends too many requests", principal.name()),
            )
            .retry_after(after.seconds())
        })?;
    }
    Ok(asking)
}

/// The caller's request id if it is plain, or one of ours.
fn request_id(headers: &HeaderMap) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let given = headers
        .get(REQUEST_ID)
        .and_then(|value| value.to_str().ok())
        .filter(|id| (1..=REQUEST_ID_BYTES_MAX).contains(&id.len()) && id.chars().all(plain));
    given.map_or_else(|| random_hex(16), str::to_owned)
}

/// The trace and the span that a W3C traceparent names: `00-<32 hex>-<16 hex>-<2 hex>`. Another is as none.
fn trace(headers: &HeaderMap) -> Option<(String, String)> {
    let value = headers.get(TRACEPARENT)?.to_str().ok()?;
    let parts: Vec<&str> = value.split('-').collect();
    let [version, trace, span, flags, ..] = parts.as_slice() else {
        return None;
    };
    let hex = |text: &str, length: usize| {
        text.len() == length
            && text
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let sound = hex(version, 2) && hex(trace, 32) && hex(span, 16) && hex(flags, 2);
    let named = trace.bytes().any(|byte| byte != b'0');
    (sound && named).then(|| ((*trace).to_owned(), (*span).to_owned()))
}

fn purpose(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get(PURPOSE) else {
        return Ok(None);
    };
    let text = std::str::from_utf8(value.as_bytes()).ok();
    text.map(str::trim)
        .filter(|text| text.len() <= PURPOSE_BYTES_MAX && !text.chars().any(char::is_control))
        .map(|text| Some(text.to_owned()).filter(|text| !text.is_empty()))
        .ok_or_else(|| {
            let detail = format!("a purpose is UTF-8 of at most {PURPOSE_BYTES_MAX} bytes");
            Problem::new(Code::InvalidHeader, detail).at(PURPOSE.as_str())
        })
}

/// Headers that every answer has.
fn protect(headers: &mut HeaderMap) {
    let fixed = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // A page that needs more says so itself.
    headers
        .entry(header::CONTENT_SECURITY_POLICY)
        .or_insert(HeaderValue::from_static(
            "default-src 'none'; frame-ancestors 'none'",
        ));
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
}

fn report(
    app: &App,
    method: &Method,
    path: &str,
    who: &str,
    request_id: &str,
    response: &Response,
    took: Duration,
) {
    let status = response.status().as_u16();
    app.metrics.request(method, path, status, took);
    let took_ms = took.as_secs_f64() * 1e3;
    // Strangers can cause some failures as often as they like.
    let is_told = || who != NOBODY || app.refusals.take(app.clock.monotonic()).is_some();
    if response.status().is_server_error() && is_told() {
        tracing::warn!(%method, path, status, took_ms, who, request_id, "request");
    } else {
        tracing::debug!(%method, path, status, took_ms, who, request_id, "request");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: HeaderName, value: &str) -> HeaderMap {
        let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
        HeaderMap::from_iter([(name, value)])
    }

    #[test]
    fn a_request_id_is_taken_only_if_it_is_plain() {
        assert_eq!(request_id(&headers(REQUEST_ID, "a-1_b.c")), "a-1_b.c");
        for hostile in ["", "a b", "<script>", &"x".repeat(65)] {
            assert_ne!(request_id(&headers(REQUEST_ID, hostile)), hostile);
        }
    }

    #[test]
    fn a_trace_is_taken_from_a_sound_traceparent() {
        let sound = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        assert_eq!(
            trace(&headers(TRACEPARENT, sound))
                .map(|(trace, _)| trace)
                .as_deref(),
            Some("0af7651916cd43dd8448eb211c80319c")
        );
        for unsound in [
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "x",
        ] {
            assert_eq!(trace(&headers(TRACEPARENT, unsound)), None);
        }
    }

    #[test]
    fn a_purpose_is_short_text() {
        assert_eq!(
            purpose(&headers(PURPOSE, " complaint 12 "))
                .unwrap()
                .as_deref(),
            Some("complaint 12")
        );
        assert!(purpose(&headers(PURPOSE, &"x".repeat(201))).is_err());
    }
}
