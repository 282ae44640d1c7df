//! The time of decisions, and of waiting.

use std::time::{Duration, Instant};

/// Seconds that stand for "as long as it takes".
const FOREVER: f64 = 1e9;

/// When a wait ends.
pub(super) struct Deadline(Instant);

impl Deadline {
    /// So many seconds from now.
    pub(super) fn after(seconds: f64) -> Deadline {
        let wait = Duration::try_from_secs_f64(seconds.clamp(0.0, FOREVER));
        Deadline(instant() + wait.unwrap_or_default())
    }

    /// What is left of it.
    pub(super) fn left(&self) -> Duration {
        self.0.saturating_duration_since(instant())
    }
}

#[expect(clippy::disallowed_methods, reason = "programs wait in real time")]
fn instant() -> Instant {
    Instant::now()
}

/// The present, for records that do not say when.
#[expect(
    clippy::disallowed_methods,
    reason = "decisions are made by programs in real time; nothing here is simulated"
)]
pub(super) fn now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}
