//! Login of people by `OpenID` Connect, done by the server: authorization code with PKCE, and a session kept here.
//!
//! A browser is sent to the provider with a `state`, a `nonce` and a challenge, of which it keeps its share in a
//! short-lived cookie ([`attempt`]). It comes back with a code, which the server exchanges for an ID token that it verifies
//! ([`provider`]). The claims become grants ([`claims`]), the grants a session ([`session`]), and the browser gets a cookie
//! with the session's random id and nothing else: no token of the provider ever reaches a page. Requests that change
//! something and come with that cookie must come from this server's own pages ([`csrf`]).
//!
//! Every login, failed or not, and every logout is an access record ([`noted`]), durable before it takes effect.
//!
//! What the provider says counts at login. Whoever loses a group there keeps a session here until it ends or is logged
//! out. Sessions are in memory: a restart ends them.

use std::sync::Arc;

use axum::http::{HeaderMap, Method};
use causebook_access::Principal;
use causebook_ledger::Clock;
use url::Url;

mod attempt;
mod claims;
mod cookie;
mod csrf;
mod error;
mod next;
mod noted;
mod provider;
mod routes;
mod session;
mod settings;

pub use csrf::{CSRF_HEADER, CrossSite};
pub use error::LoginError;
pub(crate) use routes::routes;
pub use session::Sessions;
pub(crate) use settings::names_this_machine;
pub use settings::{ClaimRule, ClientSecret, OidcSettings};

use cookie::Cookies;
use provider::Provider;

/// Login of people: the provider, what its claims mean, and who is logged in.
#[derive(Debug)]
pub struct Login {
    settings: OidcSettings,
    cookies: Cookies,
    provider: Provider,
    sessions: Sessions,
    clock: Arc<dyn Clock>,
}

impl Login {
    /// Prepares for logins. The provider is not asked for anything before the first of them, so a server starts without
    /// it.
    ///
    /// # Errors
    /// [`LoginError::Settings`].
    pub fn new(settings: OidcSettings, clock: Arc<dyn Clock>) -> Result<Self, LoginError> {
        settings.check()?;
        let cookies = Cookies::for_address(&settings.base_url, &settings.session_cookie_name());
        Ok(Self {
            provider: Provider::new(&settings)?,
            sessions: Sessions::new(settings.session_idle, settings.session),
            cookies,
            settings,
            clock,
        })
    }

    /// Who is logged in by the cookie of this request, if anybody. A request that changes something must come from this
    /// server's own pages.
    ///
    /// # Errors
    /// [`CrossSite`].
    pub fn authenticate(
        &self,
        method: &Method,
        headers: &HeaderMap,
    ) -> Result<Option<Arc<Principal>>, CrossSite> {
        let Some(id) = self.cookies.session(headers) else {
            return Ok(None);
        };
        let Some(principal) = self.sessions.principal(id, self.clock.now()) else {
            return Ok(None);
        };
        csrf::check(method, headers, self.base_url())?;
        Ok(Some(principal))
    }

    /// Who is logged in.
    pub fn sessions(&self) -> &Sessions {
        &self.sessions
    }

    fn base_url(&self) -> &Url {
        &self.settings.base_url
    }
}

#[cfg(test)]
mod tests;
