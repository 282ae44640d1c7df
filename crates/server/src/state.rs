//! What every handler can reach.

use std::sync::Arc;
use std::time::Duration;

use causebook_access::{RateLimiter, TokenStore};
use causebook_ledger::SystemClock;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::allowance::Allowance;
use crate::books::Books;
use crate::config::Config;
use crate::metrics::Metrics;
use crate::oidc::Login;
use crate::otlp::Exporter;
use crate::problem::{Code, Problem};
use crate::tls::Tls;
use crate::trail::Trail;

/// The server's parts. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct App {
    pub(crate) parts: Arc<Parts>,
}

#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) config: Config,
    pub(crate) clock: SystemClock,
    pub(crate) books: Books,
    pub(crate) tokens: TokenStore,
    pub(crate) rates: Option<RateLimiter>,
    pub(crate) trail: Arc<Trail>,
    /// Lines in the log about credentials that do not hold.
    pub(crate) refusals: Allowance,
    pub(crate) metrics: Metrics,
    /// TLS, if it is spoken here.
    pub(crate) tls: Option<Tls>,
    /// Login of people, if there is a provider.
    pub(crate) login: Option<Arc<Login>>,
    /// Where its own traces go.
    pub(crate) otlp: Option<Exporter>,
    /// Permits for queries.
    pub(crate) queries: Arc<Semaphore>,
    /// Permits for batches: they are received beside their answer, and do not count as requests then.
    pub(crate) batches: Arc<Semaphore>,
    /// Permits for live tails.
    pub(crate) tails: Arc<Semaphore>,
    /// Permits for requests.
    pub(crate) requests: Semaphore,
    /// Becomes true when the server is told to stop.
    pub(crate) closing: watch::Receiver<bool>,
    /// The description of the API, and the page made from it.
    pub(crate) openapi: String,
    pub(crate) docs: String,
}

impl std::ops::Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.parts
    }
}

/// How long a question waits for its turn.
const QUERY_WAIT: Duration = Duration::from_secs(5);

impl App {
    /// A permit for a batch, held until it is received and recorded.
    ///
    /// # Errors
    /// [`Code::Busy`].
    pub(crate) fn batch_permit(&self) -> Result<OwnedSemaphorePermit, Problem> {
        let permit = Arc::clone(&self.batches).try_acquire_owned();
        permit.map_err(|_| {
            Problem::new(Code::Busy, "too many batches are being received").retry_after(1)
        })
    }

    /// A permit for a question; each takes memory and time.
    ///
    /// # Errors
    /// [`Code::Busy`].
    pub(crate) async fn query_permit(&self) -> Result<OwnedSemaphorePermit, Problem> {
        let permit = Arc::clone(&self.queries).acquire_owned();
        let waited = tokio::time::timeout(QUERY_WAIT, permit).await;
        waited
            .ok()
            .and_then(Result::ok)
            .ok_or_else(|| Problem::new(Code::Busy, "too many queries are running").retry_after(5))
    }
}
