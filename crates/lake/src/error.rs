//! What can go wrong with a lake, and whether trying again helps.

use std::io;
use std::path::{Path, PathBuf};

use journal::{JournalId, Offset};

/// Why a lake cannot be opened, written or looked after. What was not committed is still in the
/// journal.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file operation failed.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The answer of the operating system.
        source: io::Error,
    },

    /// The file list cannot be read or changed.
    #[error("cannot {action} the lake's catalog: {source}")]
    Catalog {
        /// What was tried, as a verb.
        action: &'static str,
        /// SQLite's answer.
        source: rusqlite::Error,
    },

    /// A data file cannot be written or read.
    #[error("cannot {action} {}: {source}", path.display())]
    Parquet {
        /// What was tried, as a verb.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What Parquet says.
        source: parquet::errors::ParquetError,
    },

    /// Rows cannot be put into columns.
    #[error("cannot arrange rows: {0}")]
    Arrow(#[from] arrow::error::ArrowError),

    /// The Iceberg metadata cannot be made.
    #[error("cannot {action} the Iceberg metadata: {message}")]
    Projection {
        /// What was tried, as a verb.
        action: &'static str,
        /// What the library says.
        message: String,
    },

    /// A journal record is not what the journal's writer puts there.
    #[error("the record at offset {first} of the journal cannot be read: {message}")]
    Record {
        /// The record's first row.
        first: Offset,
        /// What is wrong with it.
        message: String,
    },

    /// The lake was written by a later version of this program.
    #[error(
        "{} has format version {found}, and this program knows versions up to {supported}; start \
         the newer program that wrote it",
        path.display()
    )]
    NewerFormat {
        /// The catalog.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The newest version known here.
        supported: i64,
    },

    /// The lake was written by an earlier version of this program.
    #[error(
        "{} has format version {found}, of an earlier version of this program; start the server \
         once, which brings it up to date",
        path.display()
    )]
    OlderFormat {
        /// The catalog.
        path: PathBuf,
        /// Its version.
        found: i64,
    },

    /// There are data files, but the list that says which of them count is gone.
    #[error(
        "{} is missing although {} holds data files; restore the catalog from a backup, or move \
         the data files away to begin with an empty lake",
        catalog.display(),
        data.display()
    )]
    CatalogMissing {
        /// Where the catalog should be.
        catalog: PathBuf,
        /// Where the data files are.
        data: PathBuf,
    },

    /// Another program committed to a table.
    #[error(
        "the metadata_location of `default.{table}` is {found}, not {expected}: another program has \
         committed to that table, which only Hogflare may write; set metadata_location in the \
         table iceberg_tables of {} back to go on without that commit",
        catalog.display()
    )]
    ForeignMetadata {
        /// The table.
        table: &'static str,
        /// The catalog.
        catalog: PathBuf,
        /// What is registered.
        found: String,
        /// What was registered last by this program.
        expected: String,
    },

    /// The committed cursor is not where this process left it.
    #[error(
        "the lake's cursor of journal {journal_id} is not at {expected}; the file list was read \
         again"
    )]
    CursorMoved {
        /// The journal.
        journal_id: JournalId,
        /// Where the cursor was expected.
        expected: Offset,
    },

    /// A compaction would have changed the rows.
    #[error("compaction read {rows_in} rows and wrote {rows_out}; nothing was changed")]
    RowsLost {
        /// Rows of the files that were read.
        rows_in: u64,
        /// Rows of the files that were written.
        rows_out: u64,
    },

    /// Iceberg's paths are UTF-8.
    #[error("the path {} is not UTF-8", path.display())]
    NotText {
        /// The path.
        path: PathBuf,
    },

    /// The lake was opened for reading.
    #[error("the lake is open for reading only")]
    ReadOnly,

    /// The work was given up because the service stops.
    #[error("stopped")]
    Stopped,

    /// A test let the process "crash" here.
    #[cfg(test)]
    #[error("crashed at {0}")]
    Crashed(&'static str),
}

impl Error {
    pub(crate) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io { action, path: path.to_path_buf(), source }
    }

    pub(crate) fn projection(action: &'static str, error: impl std::fmt::Display) -> Self {
        Self::Projection { action, message: error.to_string() }
    }

    /// Whether it stands for the death of the process, after which nothing is cleaned up.
    pub(crate) const fn is_crash(&self) -> bool {
        #[cfg(test)]
        return matches!(self, Self::Crashed(_));
        #[cfg(not(test))]
        return false;
    }

    /// Whether an operator must act before trying again helps.
    pub const fn needs_operator(&self) -> bool {
        matches!(
            self,
            Self::Record { .. }
                | Self::NewerFormat { .. }
                | Self::OlderFormat { .. }
                | Self::CatalogMissing { .. }
                | Self::ForeignMetadata { .. }
                | Self::RowsLost { .. }
                | Self::NotText { .. }
                | Self::ReadOnly
        )
    }
}

impl From<Error> for sink::Error {
    fn from(error: Error) -> Self {
        match error.needs_operator() {
            true => Self::paused(error.to_string()),
            false => Self::transient(error.to_string()),
        }
    }
}

/// Adds to a result of SQLite what was tried.
pub(crate) trait CatalogContext<T> {
    fn context(self, action: &'static str) -> Result<T, Error>;
}

impl<T> CatalogContext<T> for rusqlite::Result<T> {
    fn context(self, action: &'static str) -> Result<T, Error> {
        self.map_err(|source| Error::Catalog { action, source })
    }
}

/// Adds to a result of Parquet what was tried and on which file.
pub(crate) trait ParquetContext<T> {
    fn context(self, action: &'static str, path: &Path) -> Result<T, Error>;
}

impl<T> ParquetContext<T> for parquet::errors::Result<T> {
    fn context(self, action: &'static str, path: &Path) -> Result<T, Error> {
        self.map_err(|source| Error::Parquet { action, path: path.to_path_buf(), source })
    }
}
