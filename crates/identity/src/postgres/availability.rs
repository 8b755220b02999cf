//! Whether PostgreSQL is there.

use std::sync::{Arc, Mutex, PoisonError};

use tracing::{info, warn};

/// Whether PostgreSQL was there when it was asked last. Clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Availability(Arc<Mutex<Option<String>>>);

impl Availability {
    /// Why it is not there.
    pub fn trouble(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Notes what was found, and logs what is new of it.
    pub(super) fn note(&self, trouble: Option<String>) {
        let before = {
            let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *known, trouble.clone())
        };
        match (before, trouble) {
            (None, Some(cause)) => warn!(cause, "PostgreSQL cannot be asked for persons"),
            (Some(_), None) => info!("PostgreSQL can be asked for persons again"),
            _ => {}
        }
    }
}
