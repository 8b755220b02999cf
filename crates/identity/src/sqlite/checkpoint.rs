//! Writes a layer into the tables, with the offset that it reflects, in one transaction.

use std::time::Duration;

use rusqlite::{Connection, Transaction, TransactionBehavior, params};
use tracing::debug;

use super::Cursor;
use super::connect::BUSY_TIMEOUT;
use crate::Layer;

/// How large the database's own log may grow.
const LOG_BYTES: u64 = 64 << 20;

/// Writes a checkpoint.
pub(super) fn write(
    connection: &mut Connection,
    layer: &Layer,
    cursor: Cursor,
) -> Result<(), rusqlite::Error> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    write_ids(&transaction, layer)?;
    write_persons(&transaction, layer)?;
    write_overrides(&transaction, layer)?;
    write_groups(&transaction, layer)?;
    write_group_types(&transaction, layer)?;
    transaction.execute(
        "INSERT OR REPLACE INTO identity_checkpoint VALUES (1, ?1, ?2)",
        params![cursor.journal_id.as_bytes(), cursor.offset.cast_signed()],
    )?;
    transaction.commit()
}

/// Cuts the database's own log back where it has grown.
///
/// It starts over by itself only when nobody reads at that moment. Where somebody does, it is cut
/// after a later checkpoint: whoever waits for a reader here keeps events waiting.
pub(super) fn cut_log(connection: &Connection) {
    let log = connection.path().map(|path| format!("{path}-wal"));
    let bytes = log.and_then(|log| std::fs::metadata(log).ok()).map_or(0, |log| log.len());
    if bytes > LOG_BYTES {
        match cut(connection) {
            Ok(true) => {}
            Ok(false) => debug!(bytes, "the log of the database of persons is being read"),
            Err(error) => debug!(%error, "the log of the database of persons is as long as it was"),
        }
    }
}

/// Cuts the log where nobody reads at this moment; says whether it did.
fn cut(connection: &Connection) -> Result<bool, rusqlite::Error> {
    connection.busy_timeout(Duration::ZERO)?;
    let is_busy =
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, bool>(0));
    connection.busy_timeout(BUSY_TIMEOUT)?;
    is_busy.map(|is_busy| !is_busy)
}

// In the order of keys, so that neighbours in an index are written together.

fn write_ids(transaction: &Transaction<'_>, layer: &Layer) -> Result<(), rusqlite::Error> {
    let mut statement = transaction.prepare_cached(
        "INSERT INTO person_distinct_ids VALUES (?1, ?2, ?3, ?4)
        ON CONFLICT (team_id, distinct_id) DO UPDATE SET
            person_id = excluded.person_id, version = excluded.version",
    )?;
    let mut ids: Vec<_> = layer.ids.iter().collect();
    ids.sort_unstable_by_key(|(key, _)| *key);
    for (key, id) in ids {
        let person = id.person.map(|person| person.0.into_bytes());
        statement.execute(params![key.team.0, &*key.id, person, id.version])?;
    }
    Ok(())
}

fn write_persons(transaction: &Transaction<'_>, layer: &Layer) -> Result<(), rusqlite::Error> {
    let mut statement = transaction.prepare_cached(
        "INSERT INTO persons VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
        ON CONFLICT (team_id, person_id) DO UPDATE SET
            version = excluded.version, created_at = excluded.created_at,
            is_identified = excluded.is_identified, last_seen_at = excluded.last_seen_at,
            properties = excluded.properties, is_deleted = excluded.is_deleted",
    )?;
    let mut persons: Vec<_> = layer.persons.iter().collect();
    persons.sort_unstable_by_key(|(key, _)| *key);
    for ((team, id), person) in persons {
        statement.execute(params![
            team.0,
            id.0.as_bytes(),
            person.version,
            person.created_at.as_micros(),
            person.is_identified,
            person.last_seen_at.map(event::Timestamp::as_micros),
            person.properties.as_str(),
            person.is_deleted,
        ])?;
    }
    Ok(())
}

fn write_overrides(transaction: &Transaction<'_>, layer: &Layer) -> Result<(), rusqlite::Error> {
    let mut statement = transaction.prepare_cached(
        "INSERT INTO person_overrides VALUES (?1, ?2, ?3, ?4)
        ON CONFLICT (team_id, old_person_id) DO UPDATE SET
            person_id = excluded.person_id, version = excluded.version",
    )?;
    let mut overrides: Vec<_> = layer.overrides.iter().collect();
    overrides.sort_unstable_by_key(|(key, _)| *key);
    for ((team, former), to) in overrides {
        let (former, person) = (former.0.as_bytes(), to.person.0.as_bytes());
        statement.execute(params![team.0, former, person, to.version])?;
    }
    Ok(())
}

fn write_groups(transaction: &Transaction<'_>, layer: &Layer) -> Result<(), rusqlite::Error> {
    let mut statement = transaction.prepare_cached(
        "INSERT INTO groups VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
        ON CONFLICT (team_id, type_index, group_key) DO UPDATE SET
            created_at = excluded.created_at, properties = excluded.properties,
            version = excluded.version, is_deleted = excluded.is_deleted",
    )?;
    let mut groups: Vec<_> = layer.groups.iter().collect();
    groups.sort_unstable_by_key(|(key, _)| *key);
    for (key, group) in groups {
        statement.execute(params![
            key.team.0,
            key.type_index,
            &*key.key,
            group.created_at.as_micros(),
            group.properties.as_str(),
            group.version,
            group.is_deleted,
        ])?;
    }
    Ok(())
}

fn write_group_types(transaction: &Transaction<'_>, layer: &Layer) -> Result<(), rusqlite::Error> {
    let mut statement = transaction.prepare_cached(
        "INSERT INTO group_types VALUES (?1, ?2, ?3)
        ON CONFLICT (team_id, type_index) DO UPDATE SET name = excluded.name",
    )?;
    for (team, types) in &layer.group_types {
        for (index, name) in (0_i64..).zip(types.iter()) {
            if let Some(name) = name {
                statement.execute(params![team.0, index, &**name])?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::{connect, shared};
    use super::*;

    #[test]
    fn a_log_that_is_read_is_left_and_is_cut_later() {
        let dir = tempfile::TempDir::new().unwrap();
        let path = dir.path().join("state.db");
        let writer = shared::prepared(&path).unwrap();
        let log = || std::fs::metadata(dir.path().join("state.db-wal")).unwrap().len();
        let reader = connect::reader(&path).unwrap();
        reader.execute_batch("BEGIN; SELECT * FROM persons").unwrap();
        writer.execute("INSERT INTO group_types VALUES (2, 0, 'company')", []).unwrap();
        assert!(!cut(&writer).unwrap());
        assert_ne!(log(), 0);
        // Whoever else writes is waited for, as before.
        let patience: i64 = writer.query_row("PRAGMA busy_timeout", [], |row| row.get(0)).unwrap();
        assert_eq!(u128::try_from(patience).unwrap(), BUSY_TIMEOUT.as_millis());
        reader.execute_batch("COMMIT").unwrap();
        assert!(cut(&writer).unwrap());
        assert_eq!(log(), 0);
    }
}
