//! How much memory persons take, and how often they are written.

use std::time::Duration;

/// How much memory persons take, and how often they are written.
#[derive(Clone, Copy, Debug)]
pub struct StoreOptions {
    /// What was used lately and need not be read again, in bytes.
    pub cache_bytes: usize,
    /// What changed and is not in a checkpoint yet, in bytes; beyond it nothing is settled.
    pub unwritten_bytes: usize,
    /// A checkpoint is written when this much changed, in bytes …
    pub checkpoint_bytes: usize,
    /// … or this long after the one before.
    pub checkpoint_interval: Duration,
    /// How long to wait after a checkpoint that could not be written.
    pub retry_interval: Duration,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self {
            cache_bytes: 96 << 20,
            unwritten_bytes: 64 << 20,
            checkpoint_bytes: 16 << 20,
            checkpoint_interval: Duration::from_secs(2),
            retry_interval: Duration::from_secs(1),
        }
    }
}
