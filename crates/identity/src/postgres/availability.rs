//! Whether PostgreSQL is there.

use std::sync::{Arc, Mutex, PoisonError};

/// Whether PostgreSQL was there when it was asked last. Clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Availability(Arc<Mutex<Option<String>>>);

impl Availability {
    /// Why it is not there.
    pub fn trouble(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn note(&self, trouble: Option<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
    }
}
