//! One budget for the bytes of all requests in flight.
//!
//! A request reserves before it grows: its body while that arrives, its payload while that is
//! inflated. So memory stays flat whatever strangers send, and a burst waits or gets 503 instead of
//! ending the process.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Granularity: the semaphore counts KiB, so that large budgets fit its counter.
const UNIT: usize = 1_024;

/// The budget. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Budget {
    free: Arc<Semaphore>,
}

impl Budget {
    /// A budget of so many bytes.
    pub fn new(bytes: usize) -> Self {
        let units = (bytes / UNIT).clamp(1, Semaphore::MAX_PERMITS);
        Self { free: Arc::new(Semaphore::new(units)) }
    }

    /// An empty reservation.
    pub(crate) fn reservation(&self) -> Reservation {
        Reservation { budget: self.clone(), permit: None, used: 0 }
    }

    /// Bytes that nobody has reserved.
    pub fn free_bytes(&self) -> usize {
        self.free.available_permits() * UNIT
    }
}

/// Bytes reserved for one request, given back when dropped.
#[derive(Debug)]
pub(crate) struct Reservation {
    budget: Budget,
    permit: Option<OwnedSemaphorePermit>,
    used: usize,
}

impl Reservation {
    /// Reserves further bytes if they are free now.
    pub(crate) fn try_grow(&mut self, bytes: usize) -> bool {
        let units = self.missing_units(bytes);
        if units > 0 {
            match Arc::clone(&self.budget.free).try_acquire_many_owned(units) {
                Ok(permit) => self.merge(permit),
                Err(_) => return false,
            }
        }
        self.used += bytes;
        true
    }

    /// Reserves further bytes, waiting for them at most this long.
    pub(crate) async fn grow(&mut self, bytes: usize, patience: Duration) -> bool {
        let units = self.missing_units(bytes);
        if units > 0 {
            let acquire = Arc::clone(&self.budget.free).acquire_many_owned(units);
            match tokio::time::timeout(patience, acquire).await {
                Ok(Ok(permit)) => self.merge(permit),
                Ok(Err(_)) | Err(_) => return false,
            }
        }
        self.used += bytes;
        true
    }

    /// Forgets what was used beyond `used` but keeps it reserved for what comes next.
    pub(crate) fn rewind(&mut self, used: usize) {
        self.used = self.used.min(used);
    }

    /// Gives back what is beyond `used` bytes.
    pub(crate) fn shrink(&mut self, used: usize) {
        self.rewind(used);
        let keep = self.used.div_ceil(UNIT);
        if let Some(permit) = &mut self.permit {
            drop(permit.split(permit.num_permits().saturating_sub(keep)));
        }
    }

    /// Bytes in use.
    pub(crate) fn used(&self) -> usize {
        self.used
    }

    fn missing_units(&self, bytes: usize) -> u32 {
        let held = self.permit.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let needed = self.used.saturating_add(bytes).div_ceil(UNIT);
        u32::try_from(needed.saturating_sub(held)).unwrap_or(u32::MAX)
    }

    fn merge(&mut self, permit: OwnedSemaphorePermit) {
        match &mut self.permit {
            Some(held) => held.merge(permit),
            None => self.permit = Some(permit),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_reserved_comes_back() {
        let budget = Budget::new(10 * UNIT);
        let mut one = budget.reservation();
        assert!(one.try_grow(9 * UNIT + 1));
        assert_eq!(budget.free_bytes(), 0);
        let mut other = budget.reservation();
        assert!(!other.try_grow(1));
        assert!(!other.grow(1, Duration::from_millis(1)).await);
        drop(one);
        assert!(other.grow(10 * UNIT, Duration::ZERO).await);
    }

    #[tokio::test]
    async fn small_growth_uses_what_is_already_held() {
        let budget = Budget::new(2 * UNIT);
        let mut reservation = budget.reservation();
        assert!((0..2_048).all(|_| reservation.try_grow(1)));
        assert!(!reservation.try_grow(1));
        reservation.rewind(100);
        assert!(reservation.try_grow(1_000));
        assert_eq!(budget.free_bytes(), 0);
        reservation.shrink(100);
        assert_eq!(budget.free_bytes(), UNIT);
    }
}
