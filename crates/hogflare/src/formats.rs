//! Whether this program knows what is in a data folder, asked before anything in it is changed.
//!
//! Whoever goes back to an older program gets one line, and the newer program still opens the folder. Older
//! formats are brought up to date by whoever opens them.

use std::io::Read;
use std::path::Path;

use anyhow::{Context, bail};
use journal::RealFs;
use rusqlite::{Connection, OpenFlags};

use crate::data_dir::DataDir;

/// Where a SQLite file keeps its `user_version`, among its first bytes.
const USER_VERSION: &str = "SELECT user_version FROM pragma_user_version";

impl DataDir {
    /// Looks at the format of each database, journal and key file.
    ///
    /// # Errors
    /// When a later version of this program wrote one, or one cannot be read.
    pub(crate) fn check_formats(&self) -> anyhow::Result<()> {
        let (people, persons) =
            (i64::try_from(state::NEWEST_FORMAT)?, i64::try_from(identity::NEWEST_FORMAT)?);
        check_database(&self.settings(), "SELECT format FROM state_format", people)?;
        check_database(&self.persons(), "SELECT format FROM identity_format", persons)?;
        check_database(&self.lake().join("catalog.db"), USER_VERSION, lake::FORMAT_VERSION)?;
        journal::check_format(&RealFs, &self.journal())?;
        journal::check_format(&RealFs, &self.recordings_journal())?;
        journal::check_format(&RealFs, &self.tee_journal())?;
        check_key_files(&self.dedup())
    }
}

/// Asks a database for its format.
fn check_database(path: &Path, sql: &str, supported: i64) -> anyhow::Result<()> {
    if !path.try_exists()? {
        return Ok(());
    }
    let read = || format_of(path, sql);
    let found = read().with_context(|| format!("cannot read the format of {}", path.display()))?;
    if found.is_some_and(|found| found > supported) {
        bail!(newer(path, found.unwrap_or_default(), supported));
    }
    Ok(())
}

fn newer(path: &Path, found: impl std::fmt::Display, supported: impl std::fmt::Display) -> String {
    format!(
        "{} has format {found}, and this program knows formats up to {supported}; start the newer program \
         that wrote it, or restore a backup from before",
        path.display()
    )
}

/// The format, or `None` where the database has no tables yet.
fn format_of(path: &Path, sql: &str) -> rusqlite::Result<Option<i64>> {
    // Where nothing waits beside it, the file says all, and is read without leaving a trace.
    let mut waiting = path.as_os_str().to_owned();
    waiting.push("-wal");
    let is_whole = std::fs::metadata(waiting).map_or(true, |waiting| waiting.len() == 0);
    let immutable = if is_whole { "?immutable=1" } else { "" };
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_URI;
    let uri = format!("file:{}{immutable}", uri_path(path));
    let connection = Connection::open_with_flags(uri, flags)?;
    connection.busy_timeout(std::time::Duration::from_secs(10))?;
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", (), |row| row.get(0))?;
    match connection.query_row(sql, (), |row| row.get(0)) {
        Ok(found) => Ok(Some(found)),
        Err(rusqlite::Error::QueryReturnedNoRows) => Ok(None),
        // Made by a process that died before it made the tables.
        Err(_) if tables == 0 => Ok(None),
        // Others keep tables in the same file.
        Err(rusqlite::Error::SqliteFailure(_, Some(text))) if text.contains("no such table") => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// A path in the form that a URI has it.
fn uri_path(path: &Path) -> String {
    let text = path.to_string_lossy();
    text.replace('%', "%25").replace('?', "%3f").replace('#', "%23")
}

/// Looks at the first bytes of each file of keys.
fn check_key_files(dir: &Path) -> anyhow::Result<()> {
    let Ok(entries) = std::fs::read_dir(dir) else { return Ok(()) };
    for entry in entries {
        let path = entry?.path();
        let mut first = [0; 12];
        let is_run = path.extension().is_some_and(|extension| extension == "keys");
        let is_read = is_run
            && std::fs::File::open(&path).and_then(|mut file| file.read_exact(&mut first)).is_ok();
        if let Some(found) = sequencer::newer_key_format(&first).filter(|_| is_read) {
            bail!(newer(&path, found, 1));
        }
    }
    Ok(())
}
