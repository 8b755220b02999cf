//! What can go wrong, and what to do about it.

use std::io;
use std::path::{Path, PathBuf};

use crate::offset::{Cursor, JournalId, Offset};

/// A file operation that failed.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {}: {source}", path.display())]
pub struct IoError {
    /// What was tried, as a verb.
    pub action: &'static str,
    /// The file or directory.
    pub path: PathBuf,
    /// The answer of the operating system.
    pub source: io::Error,
}

impl IoError {
    /// Says whether the volume or the quota is used up.
    pub(crate) fn is_out_of_space(&self) -> bool {
        use io::ErrorKind::{QuotaExceeded, StorageFull};
        matches!(self.source.kind(), StorageFull | QuotaExceeded)
    }

    /// Says whether there was no such directory to list.
    pub(crate) fn is_missing_directory(&self) -> bool {
        self.action == "list" && self.source.kind() == io::ErrorKind::NotFound
    }
}

/// Why a journal cannot be opened, read or trimmed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file operation failed; trying again may help.
    #[error(transparent)]
    Io(#[from] IoError),

    /// Bytes that were once safely on disk are not there any more.
    #[error(
        "the journal is damaged: {damage} in {} at byte {position}, offset {offset}; restore the \
         file from a backup, or move it and every older segment out of the directory to go on \
         without the rows in them that were not delivered yet",
        file.display()
    )]
    Corrupt {
        /// The segment file.
        file: PathBuf,
        /// Where in the file, in bytes.
        position: u64,
        /// The first row that cannot be read.
        offset: Offset,
        /// What is wrong there.
        damage: Damage,
    },

    /// The journal was written by a later version of this program.
    #[error(
        "{} has format version {found}, and this program reads versions up to {supported}; start \
         the newer program that wrote it",
        file.display()
    )]
    NewerFormat {
        /// The segment file.
        file: PathBuf,
        /// Its version.
        found: u32,
        /// The newest version known here.
        supported: u32,
    },

    /// The directory holds segments of two journals.
    #[error(
        "{} belongs to journal {found}, the other segments to journal {expected}; move it away",
        file.display()
    )]
    Mixed {
        /// The segment file that does not belong.
        file: PathBuf,
        /// Its journal.
        found: JournalId,
        /// The journal of the newest segment.
        expected: JournalId,
    },

    /// The cursor belongs to another journal, so its offset means nothing here.
    #[error("cursor {cursor} belongs to another journal than this one, {journal}")]
    Foreign {
        /// The cursor that was given.
        cursor: Cursor,
        /// The journal that was asked.
        journal: JournalId,
    },

    /// The cursor points past the end: the journal lost rows that somebody has already seen.
    #[error("offset {asked} is past the end of journal {journal}, which is {end}")]
    PastEnd {
        /// The offset that was given.
        asked: Offset,
        /// The end of what is known to be synced.
        end: Offset,
        /// The journal that was asked.
        journal: JournalId,
    },

    /// The rows were trimmed because no hold kept them.
    #[error("offset {asked} was trimmed; journal {journal} now begins at {first}")]
    Gone {
        /// The offset that was given.
        asked: Offset,
        /// The oldest row still held.
        first: Offset,
        /// The journal that was asked.
        journal: JournalId,
    },
}

/// In which way a segment is damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Damage {
    /// The segment's own header does not match its checksum, or contradicts its place.
    #[error("an unreadable segment header")]
    Header,
    /// Something is there, and it is not the record that belongs there.
    #[error("an unreadable record, though it had been synced,")]
    Record,
    /// Nothing is there: the file was cut short, or a segment after it was taken away.
    #[error("no record, though rows up to offset {until} had been synced,")]
    Missing {
        /// The end of the rows that should follow.
        until: Offset,
    },
}

/// Why nothing of a group was written. The next commit works again when the cause is gone.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CommitError {
    /// The journal has used its budget; trimming makes room.
    #[error(
        "the journal is full: {used_bytes} bytes are in use, {needed_bytes} more are needed, the \
         budget is {budget_bytes}"
    )]
    Full {
        /// What the segments take now.
        used_bytes: u64,
        /// What the group needs beyond that.
        needed_bytes: u64,
        /// The most that the segments may take.
        budget_bytes: u64,
    },

    /// The volume is full, or so full that the rest is kept for draining.
    #[error("no space for the journal: {free_bytes} bytes are free, {reserve_bytes} are reserved")]
    NoSpace {
        /// What is free on the volume.
        free_bytes: u64,
        /// What the journal leaves to others.
        reserve_bytes: u64,
    },

    /// One record is larger than any record may be.
    #[error("a record of {bytes} bytes is larger than the limit of {limit_bytes}")]
    TooLarge {
        /// The size of the record's payload.
        bytes: usize,
        /// The largest payload allowed.
        limit_bytes: usize,
    },

    /// A record without rows has no offset, so nobody could ever ask for it.
    #[error("a record must hold at least one row")]
    NoRows,

    /// Writing or syncing failed.
    #[error(transparent)]
    Io(#[from] IoError),
}

impl CommitError {
    /// Says whether the same group may be committed later.
    pub const fn is_retryable(&self) -> bool {
        match self {
            Self::Full { .. } | Self::NoSpace { .. } | Self::Io(_) => true,
            Self::TooLarge { .. } | Self::NoRows => false,
        }
    }
}

/// Adds to an I/O result what was tried and on which path.
pub(crate) trait Context<T> {
    fn context(self, action: &'static str, path: &Path) -> Result<T, IoError>;
}

impl<T> Context<T> for io::Result<T> {
    fn context(self, action: &'static str, path: &Path) -> Result<T, IoError> {
        self.map_err(|source| IoError { action, path: path.to_path_buf(), source })
    }
}
