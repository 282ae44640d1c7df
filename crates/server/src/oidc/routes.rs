//! The three paths of login: there, back, and out.

use std::sync::Arc;

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use url::form_urlencoded;

use super::attempt::Attempt;
use super::error::LoginError;
use super::{Login, claims, csrf};
use crate::problem::{Code, Problem};

/// `GET /auth/login?next=`, `GET /auth/callback`, `POST /auth/logout`.
pub fn routes(login: Arc<Login>) -> Router {
    Router::new()
        .route("/auth/login", get(begin))
        .route("/auth/callback", get(complete))
        .route("/auth/logout", post(end))
        .with_state(login)
}

/// Sends the browser to the provider.
async fn begin(State(login): State<Arc<Login>>, RawQuery(query): RawQuery) -> Response {
    let query = query.unwrap_or_default();
    let next = form_urlencoded::parse(query.as_bytes())
        .find(|(name, _)| name == "next")
        .map(|(_, value)| value.into_owned());
    match login.begin(next.as_deref()).await {
        Ok((address, cookie)) => redirect(&address, [cookie]),
        Err(error) => refused(&error),
    }
}

/// Takes the browser back from the provider, and logs it in.
async fn complete(
    State(login): State<Arc<Login>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    match login.complete(&query.unwrap_or_default(), &headers).await {
        Ok((next, session)) => redirect(&next, [session, login.cookies.clear_login()]),
        Err(error) => {
            let mut response = refused(&error);
            set_cookies(&mut response, [login.cookies.clear_login()]);
            response
        }
    }
}

/// Logs out of this server, not of the provider.
async fn end(State(login): State<Arc<Login>>, method: Method, headers: HeaderMap) -> Response {
    if let Err(error) = csrf::check(&method, &headers, login.base_url()) {
        return Problem::new(Code::CrossSite, error.to_string()).into_response();
    }
    if let Some(id) = login.cookies.session(&headers) {
        login.sessions.end(id);
    }
    let mut response = StatusCode::NO_CONTENT.into_response();
    set_cookies(&mut response, [login.cookies.clear_session()]);
    response
}

impl Login {
    /// The address of the provider and the cookie of the attempt.
    async fn begin(&self, next: Option<&str>) -> Result<(String, Option<HeaderValue>), LoginError> {
        let attempt = Attempt::begin(next, self.base_url())?;
        let address = self.provider.address(&attempt, self.clock.now()).await?;
        Ok((address.into(), self.cookies.set_login(&attempt.cookie())))
    }

    /// Where to go and the cookie of the session.
    async fn complete(
        &self,
        query: &str,
        headers: &HeaderMap,
    ) -> Result<(String, Option<HeaderValue>), LoginError> {
        let attempt = self
            .cookies
            .login(headers)
            .and_then(|cookie| Attempt::from_cookie(cookie, self.base_url()))
            .ok_or(LoginError::NotBegunHere("its cookie is missing"))?;
        let code = attempt.code(query, &self.settings.issuer)?;
        let claims = self
            .provider
            .claims(code, &attempt, self.clock.now())
            .await?;
        let principal = claims::principal(&claims, &self.settings)?;
        tracing::info!(who = principal.name(), "logged in");
        // A new id for every login: one that somebody else may know from before is worth nothing afterwards.
        if let Some(before) = self.cookies.session(headers) {
            self.sessions.end(before);
        }
        let id = self.sessions.begin(principal, self.clock.now())?;
        Ok((attempt.next, self.cookies.set_session(&id)))
    }
}

fn redirect<const N: usize>(address: &str, cookies: [Option<HeaderValue>; N]) -> Response {
    let Ok(location) = HeaderValue::from_str(address) else {
        return Problem::internal(&"an address that is no header").into_response();
    };
    let mut response = StatusCode::SEE_OTHER.into_response();
    response.headers_mut().insert(header::LOCATION, location);
    set_cookies(&mut response, cookies);
    response
}

fn set_cookies<const N: usize>(response: &mut Response, cookies: [Option<HeaderValue>; N]) {
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    for cookie in cookies.into_iter().flatten() {
        headers.append(header::SET_COOKIE, cookie);
    }
}

fn refused(error: &LoginError) -> Response {
    let detail = error.to_string();
    let problem = match error {
        LoginError::Settings { .. } => Problem::internal(&detail),
        LoginError::Provider(_) => {
            tracing::warn!(%error, "login");
            // What went wrong between the two servers is for the log.
            Problem::new(
                Code::ProviderUnavailable,
                "the provider of logins cannot be asked",
            )
            .retry_after(10)
        }
        LoginError::NoRole { .. } | LoginError::RefusedByProvider { .. } => {
            Problem::new(Code::LoginRefused, detail)
        }
        LoginError::NotBegunHere(_) | LoginError::Code(_) | LoginError::Token(_) => {
            tracing::warn!(%error, "login");
            Problem::new(Code::LoginFailed, detail)
        }
    };
    problem.into_response()
}
