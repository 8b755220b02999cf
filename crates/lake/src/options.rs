//! How a lake behaves.

use std::sync::Arc;
use std::time::Duration;

use event::Placed;
use journal::JournalId;

use crate::Retention;

const MIB: usize = 1 << 20;

/// Chosen when a lake is opened for writing.
#[derive(Clone, Debug)]
pub struct Options {
    /// The journal whose records are written.
    pub journal_id: JournalId,
    /// How long rows stay in the tail before they are committed.
    pub commit_interval: Duration,
    /// Memory that the tail may take; when it is full, rows are committed early and writing waits.
    pub tail_bytes: usize,
    /// The shortest time between two projections to Iceberg metadata.
    pub projection_interval: Duration,
    /// How many snapshots and metadata files of the past Iceberg's metadata keeps.
    pub snapshots: usize,
    /// How long a file that was replaced stays on disk after it left the newest Iceberg metadata,
    /// for readers that opened the table before; also how long a partition must have been left
    /// alone before its last small files are merged.
    pub grace: Duration,
    /// Erasures in force that the journal does not have any more. The lake reads erasures with the
    /// rows; one that was off meanwhile takes these over when it is opened.
    pub erasures: Vec<Arc<Placed>>,
    /// How long rows are kept; for ever where it is not said.
    pub retention: Option<Retention>,
}

impl Options {
    /// The defaults, for a journal.
    pub const fn new(journal_id: JournalId) -> Self {
        Self {
            journal_id,
            commit_interval: Duration::from_secs(2),
            tail_bytes: 128 * MIB,
            projection_interval: Duration::from_secs(10),
            snapshots: 20,
            grace: Duration::from_hours(1),
            erasures: Vec::new(),
            retention: None,
        }
    }
}
