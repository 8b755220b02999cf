//! Why a sink could not take or keep rows.

use std::time::Duration;

/// When the runner should try again; a sink never gives up, it waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// With exponential backoff and jitter.
    Backoff,
    /// Not before this has passed, as the other side asked.
    After(Duration),
    /// Something must be put right by an operator; look again soon, then every five minutes.
    Paused,
}

/// A failed write or flush. Nothing is lost: the journal still holds the rows.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    /// What went wrong, without secrets.
    pub message: String,
    /// When to try again.
    pub retry: Retry,
}

impl Error {
    /// A failure that may pass by itself.
    pub fn transient(message: impl Into<String>) -> Self {
        Self { message: message.into(), retry: Retry::Backoff }
    }

    /// A failure for which the other side named a time to wait.
    pub fn busy(message: impl Into<String>, retry_after: Duration) -> Self {
        Self { message: message.into(), retry: Retry::After(retry_after) }
    }

    /// A failure that an operator must put right.
    pub fn paused(message: impl Into<String>) -> Self {
        Self { message: message.into(), retry: Retry::Paused }
    }
}
