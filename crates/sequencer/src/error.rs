//! Why a submission was not stored, and why a sequencer did not start.

use std::io;
use std::path::PathBuf;

use journal::{CommitError, Offset};

/// Nothing of the submission was stored.
///
/// All but [`Rejected::RowTooLarge`] are passing: the same submission may be sent again, and is
/// then stored once.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Rejected {
    /// More waits already than may wait.
    #[error("the queue of the journal is full")]
    Busy,
    /// The journal has used its budget.
    #[error("the journal is full: {0}")]
    JournalFull(String),
    /// The volume has no room.
    #[error("the disk is full: {0}")]
    DiskFull(String),
    /// One row alone exceeds what a record may hold.
    #[error("a row of {bytes} bytes exceeds the limit of {limit_bytes}")]
    RowTooLarge {
        /// The size of the encoded row.
        bytes: usize,
        /// The largest row allowed.
        limit_bytes: usize,
    },
    /// It cannot be told whose the events are.
    #[error("persons are not known: {0}")]
    PersonsUnknown(String),
    /// Writing or syncing failed.
    #[error("the journal could not be written: {0}")]
    Failed(String),
    /// The sequencer was stopped, or stopped itself after a defect.
    #[error("the sequencer has stopped")]
    Stopped,
}

impl Rejected {
    /// Says whether sending the same again can succeed.
    pub const fn is_retryable(&self) -> bool {
        !matches!(self, Self::RowTooLarge { .. })
    }

    /// The value of the label `reason` in metrics.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Busy => "busy",
            Self::JournalFull(_) => "journal_full",
            Self::DiskFull(_) => "disk_full",
            Self::RowTooLarge { .. } => "row_too_large",
            Self::PersonsUnknown(_) => "persons_unknown",
            Self::Failed(_) => "failed",
            Self::Stopped => "stopped",
        }
    }
}

impl From<&CommitError> for Rejected {
    fn from(error: &CommitError) -> Self {
        let text = error.to_string();
        match error {
            CommitError::Full { .. } => Self::JournalFull(text),
            CommitError::NoSpace { .. } => Self::DiskFull(text),
            _ => Self::Failed(text),
        }
    }
}

/// Why a sequencer did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The directory of the dedup window cannot be used.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// The directory or file.
        path: PathBuf,
        /// The answer of the operating system.
        source: io::Error,
    },
    /// The journal's newest rows, whose keys are not in a file yet, cannot be read.
    #[error("cannot read recent rows for deduplication: {0}")]
    Journal(#[from] journal::Error),
    /// Persons cannot be read.
    #[error("cannot take over what the journal says of persons: {0}")]
    Persons(#[from] identity::Error),
    /// The database of persons was lost, or is an old copy: what came since is not in the journal.
    #[error(
        "persons are known up to row {known_to} and the journal begins at row {first}: what changed \
         of them in between has to be read from the lake, by `hogflare rebuild identity`"
    )]
    PersonsMissing {
        /// The first row that the keeper does not know.
        known_to: Offset,
        /// The first row that the journal has.
        first: Offset,
    },
    /// A thread cannot be started.
    #[error("cannot start thread {name}: {source}")]
    Thread {
        /// The thread's name.
        name: &'static str,
        /// The answer of the operating system.
        source: io::Error,
    },
}

/// The sequencer's thread ended by a defect, not because it was told to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the sequencer's thread panicked")]
pub struct Panicked;
