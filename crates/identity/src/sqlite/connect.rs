//! Connections to `state.db`.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use crate::Error;
use crate::error::Context;

/// How long to wait for others that write to the same file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// What a connection keeps of the file, in KiB (SQLite takes a negative number for that): the upper
/// pages of the indexes of some million persons.
const PAGES_KIB: i64 = -8_192;

/// How many statements a connection keeps prepared.
const STATEMENTS: usize = 32;

/// Opens the file for writing, and creates it where there is none.
pub(super) fn writer(path: &Path) -> Result<Connection, Error> {
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

fn set_up(connection: Connection) -> Result<Connection, Error> {
    connection.busy_timeout(BUSY_TIMEOUT).context("open the database of")?;
    connection.pragma_update(None, "cache_size", PAGES_KIB).context("open the database of")?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(connection)
}
