//! Who waits for a sink to have resolved a row: requests under `HOGFLARE_ACK=delivered`.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use journal::Offset;
use tokio::sync::watch;

/// Refused offsets kept for late askers; a request asks within its own deadline.
pub(crate) const REFUSED_KEPT: usize = 65_536;

/// What became of a request's rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The sink holds all of them.
    Delivered,
    /// The other side refused at least one for good; it is among the dead letters.
    Refused,
    /// The deadline passed first.
    TimedOut,
}

/// How far a sink has resolved rows, each as delivered or refused. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Delivery {
    resolved: Arc<watch::Sender<Offset>>,
    refused: Arc<Mutex<BTreeSet<u64>>>,
}

impl Default for Delivery {
    fn default() -> Self {
        Self { resolved: Arc::new(watch::Sender::new(Offset::new(0))), refused: Arc::default() }
    }
}

impl Delivery {
    /// Everything below this offset is resolved.
    pub fn resolve(&self, offset: Offset) {
        self.resolved.send_if_modified(|resolved| {
            let ahead = offset > *resolved;
            *resolved = offset.max(*resolved);
            ahead
        });
    }

    /// The row at this offset was refused; said before [`Delivery::resolve`] passes it.
    pub fn refuse(&self, offset: Offset) {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        refused.insert(offset.get());
        while refused.len() > REFUSED_KEPT {
            refused.pop_first();
        }
    }

    /// Waits until the rows at these offsets are resolved, or the deadline is over.
    pub async fn wait(&self, offsets: &[Offset], deadline: Duration) -> Outcome {
        let Some(last) = offsets.iter().max().copied() else { return Outcome::Delivered };
        let mut resolved = self.resolved.subscribe();
        let reached = resolved.wait_for(|resolved| *resolved > last);
        match tokio::time::timeout(deadline, reached).await {
            Ok(Ok(_)) => self.outcome(offsets),
            Ok(Err(_)) | Err(_) => Outcome::TimedOut,
        }
    }

    fn outcome(&self, offsets: &[Offset]) -> Outcome {
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        match offsets.iter().any(|offset| refused.contains(&offset.get())) {
            true => Outcome::Refused,
            false => Outcome::Delivered,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_request_waits_for_its_last_row_and_learns_of_a_refusal() {
        let delivery = Delivery::default();
        let offsets = [Offset::new(4), Offset::new(2)];
        let waiting = tokio::spawn({
            let delivery = delivery.clone();
            async move { delivery.wait(&offsets, Duration::from_secs(60)).await }
        });
        delivery.resolve(Offset::new(4));
        delivery.refuse(Offset::new(4));
        delivery.resolve(Offset::new(5));
        assert_eq!(waiting.await.unwrap(), Outcome::Refused);
        assert_eq!(delivery.wait(&[Offset::new(3)], Duration::ZERO).await, Outcome::Delivered);
    }

    #[tokio::test]
    async fn the_wait_has_a_deadline() {
        let outcome = Delivery::default().wait(&[Offset::new(0)], Duration::from_millis(9)).await;
        assert_eq!(outcome, Outcome::TimedOut);
    }
}
