//! The one clock of all measurements.

use std::time::{Duration, Instant};

/// Time since it was started.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch {
    start: Instant,
}

impl Stopwatch {
    /// Starts now.
    #[expect(
        clippy::disallowed_methods,
        reason = "measuring is what this crate is for, and peers are measured without the engine's clock"
    )]
    pub fn start() -> Self {
        Self {
            start: Instant::now(),
        }
    }

    /// Time since.
    pub fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }
}
