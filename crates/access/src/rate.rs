//! How much one principal may ask for: so many a second, and a burst of so many.
//!
//! For each principal the time is kept at which its allowance would be whole again (the generic cell rate algorithm):
//! one number instead of a count and a time. A principal whose allowance is whole needs no number at all, so memory
//! is bounded by forgetting those first.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use causebook_ledger::Clock;

/// What a principal is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How many a second, in the long run. At least 1.
    pub per_second: u32,
    /// How many at once, after a rest. At least 1.
    pub burst: u32,
}

/// That a request is within the allowance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Admitted {
    /// How many more are left now.
    pub remaining: u32,
    /// After how long the whole burst is there again.
    pub whole_after: Duration,
}

/// That a request is beyond the allowance, and when it would be within.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("more requests than this principal is allowed; it may go on in {} ms", self.0.as_millis())]
pub struct RetryAfter(pub Duration);

impl RetryAfter {
    /// Whole seconds after which the request would be within, as the header `Retry-After` says it: at least 1.
    pub fn seconds(self) -> u64 {
        let started = u64::from(self.0.subsec_nanos() > 0);
        self.0.as_secs().saturating_add(started).max(1)
    }
}

/// Counts what principals ask for.
#[derive(Debug)]
pub struct RateLimiter {
    interval: Duration,
    burst: u32,
    principals_max: usize,
    clock: Arc<dyn Clock>,
    /// When each allowance is whole again, by the clock's monotonic time.
    whole_at: Mutex<HashMap<String, Duration>>,
}

impl RateLimiter {
    /// A limiter that remembers at most `principals_max` principals. Beyond that, it forgets whoever has used up least.
    pub fn new(rate: Rate, principals_max: usize, clock: Arc<dyn Clock>) -> Self {
        Self {
            interval: Duration::from_secs(1) / rate.per_second.max(1),
            burst: rate.burst.max(1),
            principals_max: principals_max.max(1),
            clock,
            whole_at: Mutex::new(HashMap::new()),
        }
    }

    /// Takes `cost` from a principal's allowance. What costs more than a burst is let in when the allowance is whole, and
    /// is paid for by waiting longer afterwards.
    ///
    /// # Errors
    /// [`RetryAfter`]; nothing is taken then.
    pub fn check(&self, principal: &str, cost: u32) -> Result<Admitted, RetryAfter> {
        let now = self.clock.monotonic();
        let mut whole_at = self.whole_at.lock().unwrap_or_else(PoisonError::into_inner);
        let before = whole_at.get(principal).copied().unwrap_or(now).max(now);
        let burst = self.interval.saturating_mul(self.burst);
        let needed = self.interval.saturating_mul(cost.min(self.burst));
        let used = before.saturating_sub(now);
        if used.saturating_add(needed) > burst {
            return Err(RetryAfter(
                used.saturating_add(needed).saturating_sub(burst),
            ));
        }
        let after = before.saturating_add(self.interval.saturating_mul(cost));
        if !whole_at.contains_key(principal) {
            self.make_room(&mut whole_at, now);
        }
        whole_at.insert(principal.to_owned(), after);
        let left = burst.saturating_sub(after.saturating_sub(now));
        Ok(Admitted {
            remaining: (left.as_nanos() / self.interval.as_nanos().max(1)) as u32,
            whole_after: after.saturating_sub(now),
        })
    }

    fn make_room(&self, whole_at: &mut HashMap<String, Duration>, now: Duration) {
        if whole_at.len() < self.principals_max {
            return;
        }
        whole_at.retain(|_, at| *at > now);
        if whole_at.len() < self.principals_max {
            return;
        }
        let least = whole_at.iter().min_by_key(|(_, at)| **at);
        if let Some(name) = least.map(|(name, _)| name.clone()) {
            whole_at.remove(&name);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use jiff::Timestamp;
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    /// Monotonic time in milliseconds that moves when it is told to.
    #[derive(Debug, Default)]
    struct Hand(AtomicU64);

    impl Hand {
        fn forward(&self, milliseconds: u64) {
            self.0.fetch_add(milliseconds, Ordering::SeqCst);
        }
    }

    impl Clock for Hand {
        fn now(&self) -> Timestamp {
            Timestamp::UNIX_EPOCH
        }

        fn monotonic(&self) -> Duration {
            Duration::from_millis(self.0.load(Ordering::SeqCst))
        }
    }

    fn limiter(per_second: u32, burst: u32, principals_max: usize) -> (Arc<Hand>, RateLimiter) {
        let clock = Arc::new(Hand::default());
        let rate = Rate { per_second, burst };
        let limiter = RateLimiter::new(rate, principals_max, Arc::<Hand>::clone(&clock));
        (clock, limiter)
    }

    #[test]
    fn a_burst_is_admitted_and_then_the_rate() {
        let (clock, limiter) = limiter(10, 3, 100);
        for left in [2, 1, 0] {
            assert_eq!(limiter.check("a", 1).unwrap().remaining, left);
        }
        let RetryAfter(wait) = limiter.check("a", 1).unwrap_err();
        assert_eq!(wait, Duration::from_millis(100));
        assert_eq!(RetryAfter(wait).seconds(), 1);
        clock.forward(99);
        assert!(limiter.check("a", 1).is_err());
        clock.forward(1);
        assert!(limiter.check("a", 1).is_ok());
        assert!(limiter.check("a", 1).is_err());
    }

    #[test]
    fn one_principal_does_not_use_up_what_is_anothers() {
        let (_clock, limiter) = limiter(1, 1, 100);
        assert!(limiter.check("a", 1).is_ok());
        assert!(limiter.check("a", 1).is_err());
        assert!(limiter.check("b", 1).is_ok());
    }

    #[test]
    fn what_costs_more_than_a_burst_is_paid_for_afterwards() {
        let (clock, limiter) = limiter(10, 5, 100);
        let admitted = limiter.check("a", 25).unwrap();
        assert_eq!(
            (admitted.remaining, admitted.whole_after.as_millis()),
            (0, 2500)
        );
        clock.forward(2000);
        assert_eq!(
            limiter.check("a", 1),
            Err(RetryAfter(Duration::from_millis(100)))
        );
        clock.forward(500);
        assert!(limiter.check("a", 25).is_ok());
    }

    #[test]
    fn memory_is_bounded_and_whoever_is_over_is_not_forgotten_first() {
        let (_clock, limiter) = limiter(1, 10, 50);
        limiter.check("greedy", 10).unwrap();
        for nth in 0..1000 {
            limiter.check(&format!("other-{nth}"), 1).unwrap();
            assert!(limiter.whole_at.lock().unwrap().len() <= 50);
        }
        assert!(limiter.check("greedy", 1).is_err());
    }

    proptest! {
        #[test]
        fn never_more_is_admitted_than_burst_and_rate_allow(
            acts in vec((0_u64..400, 0_u32..12), 1..200),
            per_second in 1_u32..50,
            burst in 1_u32..20,
        ) {
            let (clock, limiter) = limiter(per_second, burst, 10);
            let mut admitted = 0_u64;
            for (pause, cost) in acts {
                clock.forward(pause);
                let before = admitted;
                match limiter.check("a", cost) {
                    Ok(_) => {}
                    Err(RetryAfter(wait)) => {
                        prop_assert!(wait > Duration::ZERO);
                        // After the wait that it was told, and no sooner than that, the same request is let in.
                        clock.forward(wait.as_millis().saturating_sub(1) as u64);
                        prop_assert!(limiter.check("a", cost).is_err());
                        clock.forward(2);
                        prop_assert!(limiter.check("a", cost).is_ok());
                    }
                }
                admitted += u64::from(cost);
                // The last one may have gone into debt, those before it not; one for the rounding of the interval.
                let seconds = clock.monotonic().as_secs_f64();
                let allowed = f64::from(burst) + f64::from(per_second) * seconds + 1.0;
                prop_assert!(before as f64 <= allowed, "{} of {}", before, allowed);
            }
        }
    }
}
