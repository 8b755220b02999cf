//! When the next request may go: not faster than was said, and not while the server wants to be left alone.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// Shared by all requests.
#[derive(Debug)]
pub(crate) struct Pace {
    events_per_second: Option<f64>,
    next: Mutex<Instant>,
}

impl Pace {
    pub(crate) fn new(events_per_second: Option<u32>) -> Self {
        Self {
            events_per_second: events_per_second.map(f64::from),
            next: Mutex::new(Instant::now()),
        }
    }

    /// Waits until so many events may go.
    pub(crate) async fn wait(&self, events: usize) {
        let at = {
            let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
            let at = (*next).max(Instant::now());
            let takes = self.events_per_second.map_or(0.0, |rate| events as f64 / rate);
            *next = at + Duration::from_secs_f64(takes);
            at
        };
        sleep_until(at).await;
    }

    /// Holds all requests back.
    pub(crate) fn hold(&self, pause: Duration) {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        *next = (*next).max(Instant::now() + pause);
    }
}
