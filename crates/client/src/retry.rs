//! When a request is made again, and after how long.
//!
//! Only what may be done twice is done twice: reads, and appends whose records all bear an id. The waits double, are
//! shortened at random so that clients that failed together do not come back together, and are few.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hasher as _};
use std::time::Duration;

use crate::error::ClientError;

/// A server that asks to be left alone for longer is not waited for.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(30);
/// What an operator has to look at first, or what is no failure of the request.
const LASTING: [&str; 3] = ["ledger-stopped", "trail-stopped", "proof-timeout"];
/// The doubling of waits ends here.
const WAIT_MAX: Duration = Duration::from_secs(5);

/// Whether the request may be made again, and how often.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Retry {
    pub(crate) again_max: u32,
    pub(crate) first_wait: Duration,
}

impl Retry {
    /// How long to wait before the attempt after the `failed`th (from 1), or `None` to give up.
    pub(crate) fn wait(
        &self,
        failed: u32,
        error: &ClientError,
        repeatable: bool,
    ) -> Option<Duration> {
        if failed > self.again_max || !is_passing(error, repeatable) {
            return None;
        }
        let doubled = self
            .first_wait
            .saturating_mul(1 << failed.saturating_sub(1).min(16))
            .min(WAIT_MAX);
        let wait = doubled.mul_f64(jitter());
        match error.problem().and_then(|problem| problem.retry_after) {
            Some(asked) if asked > RETRY_AFTER_MAX => None,
            Some(asked) => Some(asked + wait),
            None => Some(wait),
        }
    }
}

/// Whether the same request may fare better in a moment.
fn is_passing(error: &ClientError, repeatable: bool) -> bool {
    match error {
        // Nothing reached the server.
        ClientError::Unreachable { .. } => true,
        ClientError::Lost { .. } | ClientError::Timeout { .. } => repeatable,
        ClientError::Foreign { status, .. } => {
            repeatable && matches!(status, Some(429 | 502 | 503 | 504))
        }
        ClientError::Refused(problem) => {
            repeatable
                && matches!(problem.status, 429 | 502 | 503 | 504)
                && !LASTING.contains(&problem.code.as_str())
        }
        _ => false,
    }
}

/// Between a half and one.
fn jitter() -> f64 {
    let random = RandomState::new().build_hasher().finish();
    0.5 + (random >> 11) as f64 / (1_u64 << 53) as f64 / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Problem;

    const RETRY: Retry = Retry {
        again_max: 3,
        first_wait: Duration::from_millis(100),
    };

    fn lost() -> ClientError {
        ClientError::Lost {
            server: String::new(),
            cause: String::new(),
        }
    }

    fn refused(status: u16, code: &str, retry_after: Option<u64>) -> ClientError {
        ClientError::Refused(Box::new(Problem {
            status,
            code: code.to_owned(),
            retry_after: retry_after.map(Duration::from_secs),
            ..Problem::default()
        }))
    }

    #[test]
    fn waits_double_and_end() {
        for (failed, longest) in [(1, 100), (2, 200), (3, 400)] {
            let wait = RETRY.wait(failed, &lost(), true).unwrap();
            let longest = Duration::from_millis(longest);
            assert!(wait <= longest && wait >= longest / 2, "{failed}: {wait:?}");
        }
        assert_eq!(RETRY.wait(4, &lost(), true), None);
    }

    #[test]
    fn what_may_not_be_done_twice_is_not_done_twice() {
        assert_eq!(RETRY.wait(1, &lost(), false), None);
        assert_eq!(RETRY.wait(1, &refused(503, "busy", Some(1)), false), None);
    }

    #[test]
    fn a_refusal_is_final_unless_the_server_says_that_it_passes() {
        assert!(RETRY.wait(1, &refused(503, "busy", None), true).is_some());
        assert!(
            RETRY.wait(1, &refused(429, "rate", Some(2)), true).unwrap() >= Duration::from_secs(2)
        );
        for (status, code) in [
            (422, "invalid-record"),
            (503, "ledger-stopped"),
            (504, "proof-timeout"),
        ] {
            assert_eq!(
                RETRY.wait(1, &refused(status, code, None), true),
                None,
                "{code}"
            );
        }
        assert_eq!(RETRY.wait(1, &refused(503, "busy", Some(3600)), true), None);
    }
}
