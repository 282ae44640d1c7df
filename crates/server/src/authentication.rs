//! Who is asking: known by a token, a client certificate or a login, or on a server of this machine alone that knows
//! nobody yet, by being here.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, header};
use causebook_access::{Principal, TokenRefusal};
use causebook_ledger::Clock as _;

use crate::problem::{Code, Problem};
use crate::serve::Peer;
use crate::state::App;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The principal behind a request; none for a stranger who shows nothing. What is shown and does not hold is refused, counted,
/// and told in the log while there is room: it is no record, or strangers could fill the disk.
///
/// # Errors
/// [`Code::Unauthenticated`], [`Code::PlainHttp`], [`Code::CrossSite`].
pub(crate) fn authenticate(
    app: &App,
    peer: &Peer,
    request_id: &str,
    request: &Request,
) -> Result<Option<Arc<Principal>>, Problem> {
    recognise(app, peer, request).map_err(|Refused { reason, problem }| {
        app.metrics.authentication_failed(reason);
        if let Some(unsaid) = app.refusals.take(app.clock.monotonic()) {
            let from = peer.address.ip();
            tracing::warn!(%from, reason, unsaid, request_id, "who is asking was not let in");
        }
        problem
    })
}

/// Credentials that do not hold.
struct Refused {
    /// Stable and without anything of the credentials.
    reason: &'static str,
    problem: Problem,
}

impl Refused {
    fn new(code: Code, detail: impl Into<String>) -> Self {
        Self {
            reason: code.name(),
            problem: Problem::new(code, detail),
        }
    }

    fn at(self, place: &str) -> Self {
        let problem = self.problem.at(place);
        Self { problem, ..self }
    }
}

impl From<TokenRefusal> for Refused {
    fn from(refusal: TokenRefusal) -> Self {
        let detail = refusal.to_string();
        let problem = match refusal {
            TokenRefusal::Store(_) => Problem::internal(&detail),
            _ => Problem::new(Code::Unauthenticated, detail),
        };
        Self {
            reason: refusal.code(),
            problem,
        }
    }
}

fn recognise(app: &App, peer: &Peer, request: &Request) -> Result<Option<Arc<Principal>>, Refused> {
    let headers = request.headers();
    if let Some(value) = headers.get(header::AUTHORIZATION) {
        let token = value
            .to_str()
            .ok()
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim());
        let Some(token) = token else {
            let detail = "the Authorization header is not Bearer and a token";
            return Err(Refused::new(Code::Unauthenticated, detail));
        };
        if !peer.is_encrypted && !peer.address.ip().is_loopback() {
            let detail = "a token came over plain http from another machine";
            return Err(Refused::new(Code::PlainHttp, detail));
        }
        let principal = app.tokens.authenticate(token, app.clock.now())?;
        return Ok(Some(Arc::new(principal)));
    }
    if let Some(certificate) = &peer.certificate {
        return Ok(Some(Arc::clone(certificate)));
    }
    if let Some(login) = &app.login {
        let logged_in = login.authenticate(request.method(), request.headers());
        let logged_in =
            logged_in.map_err(|error| Refused::new(Code::CrossSite, error.to_string()))?;
        if logged_in.is_some() {
            return Ok(logged_in);
        }
    }
    embedded(app, peer, request)
}

/// On a server that only this machine reaches and that knows nobody yet, whoever connects may do everything: the embedded
/// default, until the first token is made or a provider is named.
///
/// A page of another site runs on this machine too, in its browser. It is told by the name it asks for, which is not this
/// machine's whatever that name leads to, and by where its requests come from.
fn embedded(app: &App, peer: &Peer, request: &Request) -> Result<Option<Arc<Principal>>, Refused> {
    let is_open = app.config.is_loopback()
        && app.config.published().is_none()
        && peer.address.ip().is_loopback()
        && app.config.oidc.is_none()
        && app.tokens.is_empty();
    if !is_open {
        return Ok(None);
    }
    let host = request
        .uri()
        .host()
        .or_else(|| text_of(request.headers(), &header::HOST).map(origin_host));
    // Not public_url: whoever comes by that name comes from another machine, through a proxy on this one.
    if !host.is_none_or(is_ours) {
        let detail =
            "until a token is made, this server answers to the names of this machine alone";
        return Err(Refused::new(Code::CrossSite, detail).at("host"));
    }
    if let Some(name) = FORWARDED
        .iter()
        .find(|name| request.headers().contains_key(**name))
    {
        let detail = "a proxy sent this on for somebody else; make a token first";
        return Err(Refused::new(Code::CrossSite, detail).at(name));
    }
    let origin = text_of(request.headers(), &header::ORIGIN);
    let site = text_of(request.headers(), &SEC_FETCH_SITE);
    let is_foreign = origin.is_some_and(|origin| !is_ours(origin_host(origin)))
        || matches!(site, Some("cross-site" | "same-site"));
    if is_foreign && !request.method().is_safe() {
        let detail = "a page of another site sent this";
        return Err(Refused::new(Code::CrossSite, detail).at("origin"));
    }
    Ok(Some(Arc::new(Principal::local())))
}

/// Headers by which proxies tell for whom they ask.
const FORWARDED: [&str; 4] = [
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-real-ip",
];

/// Whether a host is this machine, by a name or an address that leads nowhere else.
fn is_ours(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || address
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

fn text_of<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// The host of an origin, an address or a Host header: what stands behind `//`, if that is there, and before the port or
/// the path.
fn origin_host(origin: &str) -> &str {
    let rest = origin.split_once("//").map_or(origin, |(_, rest)| rest);
    let authority = rest.split('/').next().unwrap_or(rest);
    match authority.rfind(':') {
        Some(colon) if !authority.ends_with(']') => authority.get(..colon).unwrap_or(authority),
        _ => authority,
    }
}
