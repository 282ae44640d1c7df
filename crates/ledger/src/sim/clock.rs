//! A clock that moves when it is told to, in either direction.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use jiff::Timestamp;

use crate::clock::Clock;

/// Simulated time. Wall-clock time stands still until moved; monotonic time advances a little with every look, so that
/// waiting loops end.
#[derive(Debug)]
pub struct SimClock {
    nanoseconds: AtomicI64,
    looks: AtomicU64,
}

impl SimClock {
    /// A clock that shows `start`.
    pub fn new(start: Timestamp) -> Self {
        let nanoseconds = i64::try_from(start.as_nanosecond()).unwrap_or(0);
        Self {
            nanoseconds: AtomicI64::new(nanoseconds),
            looks: AtomicU64::new(0),
        }
    }

    /// Moves wall-clock time by seconds, back if negative.
    pub fn step(&self, seconds: i64) {
        self.nanoseconds
            .fetch_add(seconds.saturating_mul(1_000_000_000), Ordering::SeqCst);
    }
}

impl Clock for SimClock {
    fn now(&self) -> Timestamp {
        let nanoseconds = self.nanoseconds.load(Ordering::SeqCst);
        Timestamp::from_nanosecond(i128::from(nanoseconds)).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    fn monotonic(&self) -> Duration {
        Duration::from_millis(self.looks.fetch_add(1, Ordering::SeqCst))
    }
}
