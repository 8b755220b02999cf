//! How many requests at a time the other side bears.

/// Additive increase, multiplicative decrease, as TCP does it: one more request at a time after a
/// round that went well, half as many after a failure.
#[derive(Debug)]
pub(super) struct Pace {
    most: usize,
    requests: usize,
    /// Requests that went well since the last change.
    successes: usize,
    /// Whether the last round failed: the next begins with a single request, to see.
    is_failing: bool,
}

impl Pace {
    /// Begins in the middle.
    pub(super) fn new(most: usize) -> Self {
        let most = most.max(1);
        Self { most, requests: most.div_ceil(2), successes: 0, is_failing: false }
    }

    /// Requests to have in flight.
    pub(super) fn requests(&self) -> usize {
        self.requests
    }

    /// Requests to begin a round with.
    pub(super) fn first_requests(&self) -> usize {
        if self.is_failing { 1 } else { self.requests }
    }

    /// A round is over: so many requests went well, and perhaps one failed.
    pub(super) fn learn(&mut self, successes: usize, failed: bool) {
        self.is_failing = failed;
        if failed {
            (self.requests, self.successes) = ((self.requests / 2).max(1), 0);
            return;
        }
        self.successes += successes;
        if self.successes >= self.requests {
            (self.requests, self.successes) = ((self.requests + 1).min(self.most), 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_halve_and_successes_add() {
        let mut pace = Pace::new(8);
        assert_eq!(pace.requests(), 4);
        for _ in 0..5 {
            pace.learn(0, true);
        }
        assert_eq!(pace.requests(), 1);
        for _ in 0..100 {
            pace.learn(3, false);
        }
        assert_eq!(pace.requests(), 8);
    }

    #[test]
    fn after_a_failure_one_request_goes_ahead() {
        let mut pace = Pace::new(8);
        pace.learn(2, true);
        assert_eq!(pace.first_requests(), 1);
        pace.learn(2, false);
        assert_eq!(pace.first_requests(), pace.requests());
    }
}
