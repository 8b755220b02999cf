//! How long PostgreSQL is waited for, and how much memory persons take.

use std::time::Duration;

/// How long PostgreSQL is waited for, and how much memory persons take.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Persons that were used lately and need not be sent again while they are the same, in bytes.
    pub cache_bytes: usize,
    /// How long a connection may take, where the address says nothing.
    pub connect_timeout: Duration,
    /// How long a statement may take, waiting for other nodes included.
    pub statement_timeout: Duration,
    /// How long to wait after a connection that failed; it is doubled each time …
    pub retry_interval: Duration,
    /// … up to this.
    pub longest_retry_interval: Duration,
    /// How often a group is settled on what may change meanwhile; after that, others wait for it.
    pub optimistic_attempts: usize,
    /// How often it is looked for changes to hand on.
    pub poll_interval: Duration,
    /// About how many rows of each table are handed on at once.
    pub rows_at_once: usize,
    /// About how many bytes of properties are handed on at once.
    pub bytes_at_once: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            cache_bytes: 96 << 20,
            connect_timeout: Duration::from_secs(5),
            statement_timeout: Duration::from_secs(10),
            retry_interval: Duration::from_millis(100),
            longest_retry_interval: Duration::from_secs(5),
            optimistic_attempts: 3,
            poll_interval: Duration::from_millis(500),
            rows_at_once: 2_000,
            bytes_at_once: 16 << 20,
        }
    }
}
