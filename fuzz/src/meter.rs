//! Memory that is counted, and may be refused.

use capture::{Busy, Memory};

/// Gives out so much memory and no more.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Meter {
    limit: usize,
    /// What was given out.
    pub(crate) reserved: usize,
    /// Whether something was refused.
    pub(crate) refused: bool,
}

impl Meter {
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, reserved: 0, refused: false }
    }

    pub(crate) fn unbounded() -> Self {
        Self::new(usize::MAX)
    }
}

impl Memory for Meter {
    fn reserve(&mut self, bytes: usize) -> Result<(), Busy> {
        assert!(!self.refused, "asked again after a refusal");
        if bytes > self.limit - self.reserved {
            self.refused = true;
            return Err(Busy);
        }
        self.reserved += bytes;
        Ok(())
    }
}
