//! The tables of persons in `state.db`.
//!
//! Others keep tables in the same file, so the format of these is a row of their own, and not the
//! file's `user_version`. Formats only go forward; a newer one is refused.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension, TransactionBehavior};

use crate::Error;
use crate::error::Context;

/// The newest format of the tables that this program knows, as in the row of `identity_format`.
pub const NEWEST_FORMAT: usize = 1;

/// What brings the tables from each format to the next.
const MIGRATIONS: [&str; NEWEST_FORMAT] = [FROM_NOTHING];

const FROM_NOTHING: &str = "
CREATE TABLE identity_checkpoint (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    journal_id BLOB NOT NULL,
    journal_offset INTEGER NOT NULL
) STRICT;

CREATE TABLE persons (
    team_id INTEGER NOT NULL,
    person_id BLOB NOT NULL,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    is_identified INTEGER NOT NULL,
    last_seen_at INTEGER,
    properties TEXT NOT NULL,
    is_deleted INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX persons_by_id ON persons (team_id, person_id);

-- Without a person: only used in events without one, or taken from one.
CREATE TABLE person_distinct_ids (
    team_id INTEGER NOT NULL,
    distinct_id TEXT NOT NULL,
    person_id BLOB,
    version INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX person_distinct_ids_by_id ON person_distinct_ids (team_id, distinct_id);
CREATE INDEX person_distinct_ids_by_person ON person_distinct_ids (team_id, person_id)
    WHERE person_id IS NOT NULL;

CREATE TABLE person_overrides (
    team_id INTEGER NOT NULL,
    old_person_id BLOB NOT NULL,
    person_id BLOB NOT NULL,
    version INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX person_overrides_by_old ON person_overrides (team_id, old_person_id);
CREATE INDEX person_overrides_by_person ON person_overrides (team_id, person_id);

CREATE TABLE groups (
    team_id INTEGER NOT NULL,
    type_index INTEGER NOT NULL,
    group_key TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    properties TEXT NOT NULL,
    version INTEGER NOT NULL,
    is_deleted INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX groups_by_key ON groups (team_id, type_index, group_key);

CREATE TABLE group_types (
    team_id INTEGER NOT NULL,
    type_index INTEGER NOT NULL,
    name TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX group_types_by_index ON group_types (team_id, type_index);
";

/// Makes the tables, or brings them to the format of this program.
pub(super) fn migrate(connection: &mut Connection, path: &Path) -> Result<(), Error> {
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .context("prepare the tables of")?;
    let format = format(&transaction)?;
    let supported = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    if format > supported {
        return Err(Error::NewerFormat { path: path.to_owned(), found: format, supported });
    }
    for (_, migration) in (0..).zip(MIGRATIONS).filter(|(number, _)| *number >= format) {
        transaction.execute_batch(migration).context("prepare the tables of")?;
    }
    if format < supported {
        transaction
            .execute("INSERT OR REPLACE INTO identity_format VALUES (1, ?1)", [supported])
            .context("prepare the tables of")?;
    }
    transaction.commit().context("prepare the tables of")
}

fn format(connection: &Connection) -> Result<i64, Error> {
    connection
        .execute_batch(
            "CREATE TABLE IF NOT EXISTS identity_format (
                only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
                format INTEGER NOT NULL
            ) STRICT",
        )
        .context("prepare the tables of")?;
    let found = connection
        .query_row("SELECT format FROM identity_format", [], |row| row.get(0))
        .optional()
        .context("prepare the tables of")?;
    Ok(found.unwrap_or(0))
}
