//! What strangers can cause is let happen so often and no more: lines in the log, records of logins that failed. What is held
//! back is counted.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// So many at once, and one more after each pause.
#[derive(Debug)]
pub(crate) struct Allowance {
    at_once: u32,
    pause: Duration,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// When all of it is there again, by a monotonic clock.
    whole_at: Duration,
    /// How many were held back since one was let happen.
    held_back: u64,
}

impl Allowance {
    pub(crate) fn new(at_once: u32, pause: Duration) -> Self {
        Self {
            at_once,
            pause,
            state: Mutex::default(),
        }
    }

    /// Whether one more may happen now; if so, how many were held back before it.
    pub(crate) fn take(&self, now: Duration) -> Option<u64> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let whole_at = state.whole_at.max(now);
        let used_up = whole_at.saturating_sub(now);
        if used_up + self.pause > self.pause * self.at_once {
            state.held_back += 1;
            return None;
        }
        state.whole_at = whole_at + self.pause;
        Some(std::mem::take(&mut state.held_back))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_happen_at_once_and_one_more_after_each_pause() {
        let allowance = Allowance::new(3, Duration::from_secs(10));
        let take = |second| allowance.take(Duration::from_secs(second));
        let taken: Vec<_> = [0, 0, 0, 0, 9, 10, 10, 29, 31, 31]
            .into_iter()
            .map(take)
            .collect();
        let (yes, no) = (Some(0), None);
        let expected = [yes, yes, yes, no, no, Some(2), no, Some(1), yes, no];
        assert_eq!(taken, expected);
        assert_eq!((0..5).filter_map(|_| take(1000)).count(), 3);
    }
}
