//! Why something was not done.

use std::io;
use std::path::PathBuf;

use crate::Role;

/// Why something was not done; nothing of it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// It may not be, or cannot.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// A later version of this program wrote the database.
    #[error("{place} has format {found}, this program knows {supported}: use the newer program")]
    NewerFormat {
        /// The database.
        place: String,
        /// Its format.
        found: i64,
        /// The newest that this program knows.
        supported: i64,
    },
    /// The file cannot be made.
    #[error("cannot open {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The answer of the operating system.
        source: io::Error,
    },
    /// The database failed.
    #[error("cannot {action} settings: {source}")]
    Database {
        /// What was tried, as a verb.
        action: &'static str,
        /// Its answer.
        source: rusqlite::Error,
    },
    /// PostgreSQL is not there, or refuses.
    #[error("settings cannot be had from PostgreSQL: {0}")]
    Unreachable(String),
    /// The thread that waits for PostgreSQL cannot be started.
    #[error("cannot start the thread that waits for settings: {0}")]
    Thread(io::Error),
    /// What is in the database is not what was put there.
    #[error("the settings have {what} that cannot be read: {value}")]
    Damaged {
        /// What it should be.
        what: &'static str,
        /// What it is.
        value: String,
    },
    /// The operating system gives no random numbers.
    #[error("no random numbers: {0}")]
    Random(String),
}

/// What is wrong with what was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// There is none.
    #[error("there is no such {0}")]
    NoSuch(&'static str),
    /// Something is not what it must be.
    #[error("{field}: {expected}")]
    Wrong {
        /// What.
        field: &'static str,
        /// What it must be.
        expected: String,
    },
    /// An owner is there already.
    #[error("this has been set up already")]
    IsSetUp,
    /// The link was used, is too old, or never was.
    #[error("the link is not valid, or not any more")]
    LinkUnknown,
    /// Neither email address nor password is told to be the wrong one.
    #[error("email or password are wrong")]
    NotRecognized,
    /// Another has it.
    #[error("there is a {0} of this kind already")]
    Taken(&'static str),
    /// Nobody could administer any more.
    #[error("the last owner stays")]
    LastOwner,
    /// Somebody of this role may not.
    #[error("a role of {0} may not do that")]
    NotAllowed(Role),
    /// A key cannot do more than whoever makes it.
    #[error("a key cannot have the scope {0}, which its maker has not")]
    ScopeTooWide(String),
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

/// A field that is not what it must be.
pub(crate) fn wrong(field: &'static str, expected: impl Into<String>) -> Error {
    Refusal::Wrong { field, expected: expected.into() }.into()
}
