//! How long to wait before the next try.

use std::time::Duration;

use crate::Retry;

const FIRST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(15);
/// While an operator must act, looking more often only fills logs. But it may have been a hiccup.
const FIRST_PAUSE: Duration = Duration::from_secs(8);
const LONGEST_PAUSE: Duration = Duration::from_secs(300);
/// What a stranger's `Retry-After` may ask at most.
const LONGEST_ASKED: Duration = Duration::from_secs(600);

/// Exponential backoff with full jitter, so that many nodes do not return all at once.
#[derive(Debug, Default)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    /// Counts a failure and says how long to wait.
    pub fn next(&mut self, retry: Retry) -> Duration {
        let ceiling = FIRST.saturating_mul(1 << self.failures.min(10)).min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        match retry {
            Retry::Backoff => ceiling.mul_f64(fastrand::f64()).max(FIRST / 5),
            Retry::After(asked) => asked.min(LONGEST_ASKED) + FIRST.mul_f64(fastrand::f64()),
            Retry::Paused => {
                let pause = FIRST_PAUSE.saturating_mul(4_u32.pow((self.failures - 1).min(4)));
                pause.min(LONGEST_PAUSE).mul_f64(0.75 + fastrand::f64() / 2.0)
            }
        }
    }

    /// Failures in a row.
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// Starts over after a success.
    pub fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_limit_and_start_over() {
        let mut backoff = Backoff::default();
        for _ in 0..100 {
            assert!(backoff.next(Retry::Backoff) <= LONGEST);
        }
        backoff.reset();
        assert!(backoff.next(Retry::Backoff) <= FIRST);
    }

    #[test]
    fn pauses_begin_short() {
        let mut backoff = Backoff::default();
        assert!(backoff.next(Retry::Paused) <= FIRST_PAUSE * 2);
        for _ in 0..100 {
            assert!(backoff.next(Retry::Paused) <= LONGEST_PAUSE * 2);
        }
        assert!(backoff.next(Retry::Paused) >= LONGEST_PAUSE / 2);
    }

    #[test]
    fn an_asked_wait_is_a_lower_bound_within_reason() {
        let asked = Duration::from_secs(8);
        assert!(Backoff::default().next(Retry::After(asked)) >= asked);
        assert!(Backoff::default().next(Retry::After(Duration::MAX)) < LONGEST_ASKED * 2);
    }
}
