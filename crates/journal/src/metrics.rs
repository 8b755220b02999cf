//! What the journal tells about itself. Every metric carries the journal's name.

use std::time::{Duration, Instant};

use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};

use crate::error::CommitError;

const COMMIT_SECONDS: &str = "hogflare_journal_commit_seconds";
const FSYNC_SECONDS: &str = "hogflare_journal_fsync_seconds";
const WRITTEN_ROWS: &str = "hogflare_journal_written_rows_total";
const WRITTEN_BYTES: &str = "hogflare_journal_written_bytes_total";
const REJECTED_GROUPS: &str = "hogflare_journal_rejected_groups_total";
const DISK_BYTES: &str = "hogflare_journal_disk_bytes";

/// The metrics of a writer, looked up once.
#[derive(Clone, Debug)]
pub(crate) struct WriterMetrics {
    name: &'static str,
    commit_seconds: Histogram,
    fsync_seconds: Histogram,
    written_rows: Counter,
    written_bytes: Counter,
    disk_bytes: Gauge,
}

impl WriterMetrics {
    pub(crate) fn new(name: &'static str) -> Self {
        Self {
            name,
            commit_seconds: histogram!(COMMIT_SECONDS, "journal" => name),
            fsync_seconds: histogram!(FSYNC_SECONDS, "journal" => name),
            written_rows: counter!(WRITTEN_ROWS, "journal" => name),
            written_bytes: counter!(WRITTEN_BYTES, "journal" => name),
            disk_bytes: gauge!(DISK_BYTES, "journal" => name),
        }
    }

    pub(crate) fn committed(&self, rows: u64, bytes: u64, took: Duration) {
        self.written_rows.increment(rows);
        self.written_bytes.increment(bytes);
        self.commit_seconds.record(took);
    }

    pub(crate) fn rejected(&self, error: &CommitError) {
        let reason = match error {
            CommitError::Full { .. } => "full",
            CommitError::NoSpace { .. } => "no_space",
            CommitError::TooLarge { .. } => "too_large",
            CommitError::NoRows => "no_rows",
            CommitError::Io(_) => "io",
        };
        counter!(REJECTED_GROUPS, "journal" => self.name, "reason" => reason).increment(1);
    }

    /// Measures one sync, whether it succeeds or not.
    pub(crate) fn sync<T>(&self, sync: impl FnOnce() -> T) -> T {
        let started = Instant::now();
        let synced = sync();
        self.fsync_seconds.record(started.elapsed());
        synced
    }

    pub(crate) fn on_disk(&self, bytes: u64) {
        self.disk_bytes.set(bytes as f64);
    }
}
