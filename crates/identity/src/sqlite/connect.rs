//! Connections to `state.db`.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use crate::Error;
use crate::error::Context;

/// How long to wait for others that write to the same file.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// What a connection keeps of the file, in KiB (SQLite takes a negative number for that): the upper
/// pages of the indexes of some million persons.
const PAGES_KIB: i64 = -8_192;

/// How many statements a connection keeps prepared.
const STATEMENTS: usize = 32;

/// Opens the file for writing, and creates it where there is none, for its owner alone.
pub(super) fn writer(path: &Path) -> Result<Connection, Error> {
    // SQLite gives the files beside it the same mode.
    OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path)
        .map_err(|source| Error::File { path: path.to_owned(), source })?;
    let connection = Connection::open(path).context("open the database of")?;
    let connection = set_up(connection)?;
    connection.pragma_update(None, "journal_mode", "WAL").context("open the database of")?;
    connection.pragma_update(None, "synchronous", "FULL").context("open the database of")?;
    Ok(connection)
}

/// Opens the file for reading.
pub(super) fn reader(path: &Path) -> Result<Connection, Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).context("open the database of")?;
    set_up(connection)
}

/// Moves everything into the file itself, so that it is whole by itself, unless somebody reads.
pub(super) fn gather(path: &Path) -> Result<(), Error> {
    let connection = Connection::open(path).context("gather the database of")?;
    let sql = "PRAGMA wal_checkpoint(TRUNCATE)";
    connection.query_row(sql, [], |_| Ok(())).context("gather the database of")
}

fn set_up(connection: Connection) -> Result<Connection, Error> {
    connection.busy_timeout(BUSY_TIMEOUT).context("open the database of")?;
    connection.pragma_update(None, "cache_size", PAGES_KIB).context("open the database of")?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(connection)
}
