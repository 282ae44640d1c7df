//! Logins on record: who came in or went out, from where, and how an attempt ended. No code, token or state goes into it.
//!
//! Whoever can be named is on record each time. A stranger whose attempt fails is on record and in the log while there is
//! room, and is counted otherwise: attempts cost nothing, and records are for ever.

use std::sync::Arc;
use std::time::Duration;

use causebook_access::Principal;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::Login;
use super::error::LoginError;
use crate::allowance::Allowance;
use crate::asking::Asking;
use crate::problem::{Code, Problem};
use crate::trail::{Access, SERVER, Trail};

/// Failed logins of strangers that are recorded at once, and the pause after which there is room for one more.
const STRANGERS_AT_ONCE: u32 = 100;
const STRANGERS_PAUSE: Duration = Duration::from_secs(10);
/// Most logins that wait for the provider at one time.
const WAITING_MAX: usize = 32;

/// Where people come in: their logins, and the trail of them.
#[derive(Debug)]
pub(super) struct Door {
    pub(super) login: Arc<Login>,
    trail: Arc<Trail>,
    strangers: Allowance,
    /// Logins that may wait for the provider: strangers begin them, and must not take the places of all requests.
    waiting: Semaphore,
}

impl Door {
    pub(super) fn new(login: Arc<Login>, trail: Arc<Trail>) -> Self {
        Self {
            login,
            trail,
            strangers: Allowance::new(STRANGERS_AT_ONCE, STRANGERS_PAUSE),
            waiting: Semaphore::new(WAITING_MAX),
        }
    }

    /// A place among those who wait for the provider.
    ///
    /// # Errors
    /// [`Code::Busy`].
    pub(super) fn wait(&self) -> Result<SemaphorePermit<'_>, Problem> {
        self.waiting
            .try_acquire()
            .map_err(|_| Problem::new(Code::Busy, "too many are logging in").retry_after(1))
    }

    /// Records that this principal logs in or out. Durable when it returns.
    ///
    /// # Errors
    /// [`Code::TrailStopped`].
    pub(super) async fn note(
        &self,
        action: &'static str,
        asking: &Asking,
        principal: Arc<Principal>,
    ) -> Result<(), Problem> {
        let asking = Asking {
            principal: Some(principal),
            ..asking.clone()
        };
        self.trail.note(&asking, &Access::of(action, SERVER)).await
    }

    /// Records that a login failed, and tells it in the log: what went wrong between the two servers is for there.
    ///
    /// # Errors
    /// As [`note`](Self::note).
    pub(super) async fn note_failure(
        &self,
        asking: &Asking,
        error: &LoginError,
    ) -> Result<(), Problem> {
        let known = match error {
            LoginError::NoRole { who } => Principal::user(who, Vec::new()).ok().map(Arc::new),
            _ => asking.principal.clone(),
        };
        let held_back = match known {
            Some(_) => Some(0),
            None => self.strangers.take(self.login.clock.monotonic()),
        };
        let Some(held_back) = held_back else {
            return Ok(());
        };
        let asking = Asking {
            principal: known,
            ..asking.clone()
        };
        let (who, request_id) = (asking.name(), &asking.request_id);
        tracing::warn!(%error, who, held_back, request_id, "a login failed");
        let access = Access {
            result: error.word(),
            ..Access::of("login", SERVER)
        };
        self.trail.note(&asking, &access).await
    }
}
