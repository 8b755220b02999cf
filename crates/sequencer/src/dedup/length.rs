//! How long the window really is.

use std::time::Duration;

/// How far back duplicates are recognized, and what that takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WindowLength {
    /// From the oldest remembered row to the newest, by receipt time, as far as without a gap.
    pub duration: Duration,
    /// Keys that are remembered.
    pub keys: u64,
    /// Memory in use.
    pub memory_bytes: usize,
    /// The most memory in use so far, merges included.
    pub peak_memory_bytes: usize,
}
