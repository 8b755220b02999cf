//! Why persons are not known.

use std::io;
use std::path::PathBuf;

use crate::settings::{ERASED_DISTINCT_ID_BYTES, ERASED_DISTINCT_IDS};

/// Why persons are not known. Nothing of the group was kept; what says that something is newer or
/// wrong will not pass, all else may.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A later version of this program wrote the database.
    #[error(
        "{} has format {found} of persons, this program knows {supported}: use the newer program",
        path.display()
    )]
    NewerFormat {
        /// The database.
        path: PathBuf,
        /// Its format.
        found: i64,
        /// The newest that this program knows.
        supported: i64,
    },
    /// The database cannot be made.
    #[error("cannot open {}: {source}", path.display())]
    File {
        /// The database.
        path: PathBuf,
        /// The answer of the operating system.
        source: io::Error,
    },
    /// The database failed.
    #[error("cannot {action} persons: {source}")]
    Database {
        /// What was tried, as a verb.
        action: &'static str,
        /// Its answer.
        source: rusqlite::Error,
    },
    /// What is given as the address of PostgreSQL is none.
    #[error("this is no address of PostgreSQL: {0}")]
    Address(String),
    /// A later version of this program made the tables in PostgreSQL.
    #[error(
        "PostgreSQL has format {found} of persons, this program knows {supported}: \
        use the newer program"
    )]
    NewerSchema {
        /// Their format.
        found: i64,
        /// The newest that this program knows.
        supported: i64,
    },
    /// The database in PostgreSQL has not every character.
    #[error("the database in PostgreSQL is encoded as {0}, persons need UTF8")]
    Encoding(String),
    /// The tables in PostgreSQL cannot be made.
    #[error("cannot make tables of persons in PostgreSQL: {0}")]
    Migration(String),
    /// PostgreSQL is not there.
    #[error("PostgreSQL cannot be reached: {0}")]
    Unreachable(String),
    /// Other nodes changed the same persons each time.
    #[error("other nodes change the same persons again and again")]
    Contended,
    /// PostgreSQL refused.
    #[error("cannot {action} persons in PostgreSQL: {cause}")]
    Postgres {
        /// What was tried, as a verb.
        action: &'static str,
        /// Its answer.
        cause: String,
    },
    /// What changed cannot be written for now, and no more of it is kept in memory.
    #[error("persons cannot be written: {0}")]
    Behind(String),
    /// The thread that writes cannot be started.
    #[error("cannot start the thread that writes persons: {0}")]
    Thread(io::Error),
}

/// Why nobody was erased; nothing changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotErased {
    /// There is no such person.
    #[error("there is no such person in the project")]
    NoSuchPerson,
    /// The person has more distinct ids than one erasure takes, or longer ones.
    #[error(
        "the person has more than {ERASED_DISTINCT_IDS} distinct ids, or more than \
         {ERASED_DISTINCT_ID_BYTES} bytes of them, which is more than one erasure takes"
    )]
    TooManyDistinctIds,
}

/// Says what was tried when the database fails.
pub(crate) trait Context<T> {
    fn context(self, action: &'static str) -> Result<T, Error>;
}

impl<T> Context<T> for Result<T, rusqlite::Error> {
    fn context(self, action: &'static str) -> Result<T, Error> {
        self.map_err(|source| Error::Database { action, source })
    }
}
