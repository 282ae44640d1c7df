//! Time as the ledger sees it. Every timestamp and every waiting interval comes from a [`Clock`], so that a simulated
//! one can stand still, jump or run backwards.

use std::fmt::Debug;
use std::time::{Duration, Instant, SystemTime};

use jiff::Timestamp;

/// Where time comes from.
pub trait Clock: Send + Sync + Debug {
    /// Wall-clock time. May step in either direction.
    fn now(&self) -> Timestamp;

    /// Time since some fixed start; never goes back.
    fn monotonic(&self) -> Duration;
}

/// The operating system's clock.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    start: Instant,
}

impl SystemClock {
    /// A clock whose monotonic time starts at zero now.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one Clock that asks the system"
    )]
    pub fn new() -> Self {
        Self {
            start: Instant::now(),
        }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one Clock that asks the system"
    )]
    fn now(&self) -> Timestamp {
        Timestamp::try_from(SystemTime::now()).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    fn monotonic(&self) -> Duration {
        self.start.elapsed()
    }
}
