//! The tables, and how they came to be. Formats only go forward; a newer one is refused.

use crate::database::{Access, Database, Transaction};
use crate::{Error, Store};

/// What brings the tables from each format to the next.
/// The newest format of the tables that this program knows, as in the row of `state_format`.
pub const NEWEST_FORMAT: usize = 1;

const MIGRATIONS: [&str; NEWEST_FORMAT] = [FROM_NOTHING];

const FORMAT: &str = "
CREATE TABLE IF NOT EXISTS state_format (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    format INTEGER NOT NULL
) STRICT;
";

/// Times are microseconds since 1970. Ids are UUIDs as text.
const FROM_NOTHING: &str = "
-- Without a password: invited, and not here yet.
CREATE TABLE users (
    id TEXT PRIMARY KEY,
    email TEXT NOT NULL UNIQUE,
    role TEXT NOT NULL,
    password TEXT,
    created_at INTEGER NOT NULL,
    seen_at INTEGER
) STRICT;

CREATE TABLE sessions (
    hash BLOB PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at INTEGER NOT NULL,
    used_at INTEGER NOT NULL
) STRICT;
CREATE INDEX sessions_by_user ON sessions (user_id);

-- Links that work once: without a user, to make the first owner; else to set the user's password.
CREATE TABLE links (
    hash BLOB PRIMARY KEY,
    user_id TEXT REFERENCES users (id) ON DELETE CASCADE,
    expires_at INTEGER
) STRICT;

-- A key of a person has a user; one of a project has none, and always projects.
CREATE TABLE api_keys (
    id TEXT PRIMARY KEY,
    hash BLOB NOT NULL UNIQUE,
    user_id TEXT REFERENCES users (id) ON DELETE CASCADE,
    label TEXT NOT NULL,
    hint TEXT NOT NULL,
    scopes TEXT NOT NULL,
    projects TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    used_at INTEGER
) STRICT;
CREATE INDEX api_keys_by_user ON api_keys (user_id);

CREATE TABLE projects (
    team_id INTEGER PRIMARY KEY,
    token TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    time_zone TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE blocked_tokens (
    token TEXT PRIMARY KEY,
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

-- Insights, dashboards and queries.
CREATE TABLE saved (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    team_id INTEGER NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    definition TEXT NOT NULL,
    owner_id TEXT REFERENCES users (id) ON DELETE SET NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    share_hash BLOB UNIQUE
) STRICT;
CREATE INDEX saved_by_project ON saved (team_id, kind, name);

CREATE TABLE audit_log (
    id TEXT PRIMARY KEY,
    at INTEGER NOT NULL,
    who TEXT NOT NULL,
    address TEXT,
    action TEXT NOT NULL,
    subject TEXT NOT NULL
) STRICT;

-- `projects`: how often projects and blocked tokens changed. `highest_team`: numbers up to it were given.
CREATE TABLE counters (
    name TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT;
";

/// Makes the tables, or brings them to the format of this program.
pub(crate) fn migrate(database: &dyn Database) -> Result<(), Error> {
    database.transact(Access::Write, &mut |transaction| {
        transaction.batch(&database.dialect(FORMAT))?;
        let format = transaction.number("SELECT format FROM state_format", &[])?.unwrap_or(0);
        migrate_from(format, database, transaction)
    })
}

fn migrate_from(
    found: i64,
    database: &dyn Database,
    transaction: &mut dyn Transaction,
) -> Result<(), Error> {
    let supported = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    if found > supported {
        return Err(Error::NewerFormat { place: database.place(), found, supported });
    }
    for (_, migration) in (0..).zip(MIGRATIONS).filter(|(number, _)| *number >= found) {
        transaction.batch(&database.dialect(migration))?;
    }
    if found < supported {
        let note = "INSERT INTO state_format (only_row, format) VALUES (1, $1)
            ON CONFLICT (only_row) DO UPDATE SET format = excluded.format";
        transaction.execute(note, &[supported.into()])?;
    }
    Ok(())
}

impl Store {
    /// The format of the tables, and the newest that this program knows.
    #[cfg(test)]
    fn set_format(&self, format: i64) -> Result<(), Error> {
        self.write(|transaction| {
            transaction.execute("UPDATE state_format SET format = $1", &[format.into()]).map(drop)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_of_a_newer_program_are_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings.db");
        let store = Store::open(&path).unwrap();
        store.set_format(99).unwrap();
        drop(store);
        let error = Store::open(&path).unwrap_err();
        assert!(matches!(error, Error::NewerFormat { found: 99, supported: 1, .. }), "{error}");
        assert!(error.to_string().contains("settings.db has format 99"));
    }

    #[test]
    fn tables_are_made_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings.db");
        for _ in 0..2 {
            assert!(!Store::open(&path).unwrap().is_set_up().unwrap());
        }
    }
}
