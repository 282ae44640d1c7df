//! The three paths of login: there, back, and out.

use std::sync::Arc;

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use causebook_access::Principal;
use url::form_urlencoded;

use super::attempt::Attempt;
use super::error::LoginError;
use super::noted::Door;
use super::{Login, claims, csrf};
use crate::asking::Asking;
use crate::problem::{Code, Problem};
use crate::trail::Trail;

/// `GET /auth/login?next=`, `GET /auth/callback`, `POST /auth/logout`.
pub(crate) fn routes<S>(login: Arc<Login>, trail: Arc<Trail>) -> Router<S> {
    Router::new()
        .route("/auth/login", get(begin))
        .route("/auth/callback", get(complete))
        .route("/auth/logout", post(end))
        .with_state(Arc::new(Door::new(login, trail)))
}

/// Sends the browser to the provider.
async fn begin(
    State(door): State<Arc<Door>>,
    RawQuery(query): RawQuery,
    asking: Asking,
) -> Response {
    let _place = match door.wait() {
        Ok(place) => place,
        Err(problem) => return problem.into_response(),
    };
    let query = query.unwrap_or_default();
    let next = form_urlencoded::parse(query.as_bytes())
        .find(|(name, _)| name == "next")
        .map(|(_, value)| value.into_owned());
    match door.login.begin(next.as_deref()).await {
        Ok((address, cookie)) => redirect(&address, [cookie]),
        Err(error) => door.refuse(&asking, &error).await.into_response(),
    }
}

/// Takes the browser back from the provider, and logs it in.
async fn complete(
    State(door): State<Arc<Door>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    asking: Asking,
) -> Response {
    let query = query.unwrap_or_default();
    let mut response = match door.enter(&query, &headers, &asking).await {
        Ok((next, session)) => redirect(&next, [session]),
        Err(problem) => problem.into_response(),
    };
    set_cookies(&mut response, [door.login.cookies.clear_login()]);
    response
}

/// Logs out of this server, not of the provider. The session ends also if that cannot be recorded.
async fn end(
    State(door): State<Arc<Door>>,
    method: Method,
    headers: HeaderMap,
    asking: Asking,
) -> Response {
    let login = &door.login;
    if let Err(error) = csrf::check(&method, &headers, login.base_url()) {
        return Problem::new(Code::CrossSite, error.to_string()).into_response();
    }
    let noted = match login.leave(&headers) {
        Some(principal) => door.note("logout", &asking, principal).await,
        None => Ok(()),
    };
    let mut response = match noted {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(problem) => problem.into_response(),
    };
    set_cookies(&mut response, [login.cookies.clear_session()]);
    response
}

impl Door {
    /// Logs in whoever comes back from the provider: where to go, and the cookie of the session. It is on record before
    /// the session begins.
    async fn enter(
        &self,
        query: &str,
        headers: &HeaderMap,
        asking: &Asking,
    ) -> Result<(String, Option<HeaderValue>), Problem> {
        let place = self.wait()?;
        let recognised = self.login.recognise(query, headers).await;
        drop(place);
        let (next, principal) = match recognised {
            Ok(recognised) => recognised,
            Err(error) => return Err(self.refuse(asking, &error).await),
        };
        let principal = Arc::new(principal);
        self.note("login", asking, Arc::clone(&principal)).await?;
        match self.login.enter(principal, headers) {
            Ok(cookie) => Ok((next, cookie)),
            Err(error) => Err(self.refuse(asking, &error).await),
        }
    }

    /// What a login that failed is answered with, once that is on record.
    async fn refuse(&self, asking: &Asking, error: &LoginError) -> Problem {
        match self.note_failure(asking, error).await {
            Ok(()) => refused(error),
            Err(problem) => problem,
        }
    }
}

impl Login {
    /// The address of the provider and the cookie of the attempt.
    async fn begin(&self, next: Option<&str>) -> Result<(String, Option<HeaderValue>), LoginError> {
        let attempt = Attempt::begin(next, self.base_url())?;
        let address = self.provider.address(&attempt, self.clock.now()).await?;
        Ok((address.into(), self.cookies.set_login(&attempt.cookie())))
    }

    /// Where to go and who it is.
    async fn recognise(
        &self,
        query: &str,
        headers: &HeaderMap,
    ) -> Result<(String, Principal), LoginError> {
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
        Ok((attempt.next, principal))
    }

    /// Begins a session: its cookie.
    fn enter(
        &self,
        principal: Arc<Principal>,
        headers: &HeaderMap,
    ) -> Result<Option<HeaderValue>, LoginError> {
        tracing::info!(who = principal.name(), "logged in");
        // A new id for every login: one that somebody else may know from before is worth nothing afterwards.
        if let Some(before) = self.cookies.session(headers) {
            self.sessions.end(before);
        }
        let id = self.sessions.begin(principal, self.clock.now())?;
        Ok(self.cookies.set_session(&id))
    }

    /// Ends the session of these cookies: whose it was, if it lived.
    fn leave(&self, headers: &HeaderMap) -> Option<Arc<Principal>> {
        let id = self.cookies.session(headers)?;
        let principal = self.sessions.principal(id, self.clock.now());
        self.sessions.end(id);
        principal
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

fn refused(error: &LoginError) -> Problem {
    let detail = error.to_string();
    match error {
        LoginError::Settings { .. } => Problem::internal(&detail),
        LoginError::Provider(_) => {
            // Its cause is in the log.
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
            Problem::new(Code::LoginFailed, detail)
        }
    }
}
