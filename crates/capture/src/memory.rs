//! Memory is asked for before it is used.

use crate::{Error, Settings};

/// The server's budget for decoded requests in flight.
pub trait Memory {
    /// Reserves so many bytes more for this request.
    ///
    /// # Errors
    /// When they are not free now; the request may be decoded again later.
    fn reserve(&mut self, bytes: usize) -> Result<(), Busy>;
}

/// The budget has no room now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Busy;

/// A budget that never ends, for tests and tools.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unbounded;

impl Memory for Unbounded {
    fn reserve(&mut self, _bytes: usize) -> Result<(), Busy> {
        Ok(())
    }
}

/// What one request has taken of the budget, its body included.
pub(crate) struct Budget<'m> {
    memory: &'m mut dyn Memory,
    taken: usize,
    whole: usize,
}

impl<'m> Budget<'m> {
    /// Of a request whose body takes so many bytes, which the server has reserved while reading it.
    pub(crate) fn new(memory: &'m mut dyn Memory, settings: &Settings, body_bytes: usize) -> Self {
        Self { memory, taken: body_bytes, whole: settings.memory_budget }
    }

    /// Reserves so many bytes more, or says why the request cannot go on.
    pub(crate) fn reserve(&mut self, bytes: usize) -> Result<(), Error> {
        let wanted = self.taken.saturating_add(bytes);
        if wanted > self.whole {
            return Err(Error::inflated_too_large(self.whole, wanted));
        }
        self.memory.reserve(bytes).map_err(|Busy| Error::Busy)?;
        self.taken = wanted;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Full;

    impl Memory for Full {
        fn reserve(&mut self, _bytes: usize) -> Result<(), Busy> {
            Err(Busy)
        }
    }

    #[test]
    fn a_full_budget_may_be_tried_again_but_a_hopeless_request_may_not() {
        let settings = Settings { memory_budget: 100, ..Settings::default() };
        let mut full = Full;
        let mut budget = Budget::new(&mut full, &settings, 0);
        assert_eq!(budget.reserve(100), Err(Error::Busy));
        assert!(matches!(budget.reserve(101), Err(Error::TooLarge { .. })));
    }

    #[test]
    fn a_body_takes_its_share_of_what_can_ever_fit() {
        let settings = Settings { memory_budget: 100, ..Settings::default() };
        let mut full = Full;
        let mut budget = Budget::new(&mut full, &settings, 40);
        assert_eq!(budget.reserve(60), Err(Error::Busy));
        assert!(matches!(budget.reserve(61), Err(Error::TooLarge { .. })));
    }
}
