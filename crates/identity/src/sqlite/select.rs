//! What is read from the tables.

use std::collections::HashMap;
use std::sync::Arc;

use event::{PersonId, TeamId, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, params};
use uuid::Uuid;

use super::Cursor;
use crate::error::Context;
use crate::{Error, Group, GroupKey, GroupTypes, Id, IdKey, Object, Override, Person, PersonKey};

const READ: &str = "read";

/// The columns of a person that [`person_of_row`] takes.
pub(super) const PERSON_COLUMNS: &str =
    "person_id, version, created_at, is_identified, last_seen_at, properties, is_deleted";

pub(super) fn person_of_row(row: &Row<'_>) -> Result<Person, rusqlite::Error> {
    Ok(Person {
        id: person_id(row, 0)?,
        version: row.get(1)?,
        created_at: Timestamp::from_micros(row.get(2)?),
        is_identified: row.get(3)?,
        last_seen_at: row.get::<_, Option<i64>>(4)?.map(Timestamp::from_micros),
        properties: Object::parse(row.get_ref(5)?.as_str()?),
        is_deleted: row.get(6)?,
    })
}

pub(super) fn person_id(row: &Row<'_>, index: usize) -> Result<PersonId, rusqlite::Error> {
    row.get(index).map(|bytes| PersonId(Uuid::from_bytes(bytes)))
}

pub(super) fn cursor(connection: &Connection) -> Result<Option<Cursor>, Error> {
    let sql = "SELECT journal_id, journal_offset FROM identity_checkpoint";
    let of_row = |row: &Row<'_>| {
        let offset: i64 = row.get(1)?;
        Ok(Cursor { journal_id: Uuid::from_bytes(row.get(0)?), offset: offset.cast_unsigned() })
    };
    connection.query_row(sql, [], of_row).optional().context(READ)
}

pub(super) fn id(connection: &Connection, key: &IdKey) -> Result<Option<Id>, Error> {
    let sql = "SELECT person_id, version FROM person_distinct_ids
        WHERE team_id = ?1 AND distinct_id = ?2";
    let of_row = |row: &Row<'_>| {
        let person = row.get::<_, Option<[u8; 16]>>(0)?;
        let person = person.map(|bytes| PersonId(Uuid::from_bytes(bytes)));
        Ok(Id { person, version: row.get(1)? })
    };
    let mut statement = connection.prepare_cached(sql).context(READ)?;
    statement.query_row(params![key.team.0, &*key.id], of_row).optional().context(READ)
}

pub(super) fn person(connection: &Connection, key: PersonKey) -> Result<Option<Person>, Error> {
    let sql = "SELECT person_id, version, created_at, is_identified, last_seen_at, properties,
        is_deleted FROM persons WHERE team_id = ?1 AND person_id = ?2";
    let mut statement = connection.prepare_cached(sql).context(READ)?;
    let key = params![key.0.0, key.1.0.as_bytes()];
    statement.query_row(key, person_of_row).optional().context(READ)
}

pub(super) fn ids_of(
    connection: &Connection,
    key: PersonKey,
    most: usize,
) -> Result<Vec<Arc<str>>, Error> {
    let sql = "SELECT distinct_id FROM person_distinct_ids
        WHERE team_id = ?1 AND person_id = ?2 LIMIT ?3";
    let mut statement = connection.prepare_cached(sql).context(READ)?;
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let key = params![key.0.0, key.1.0.as_bytes(), most];
    let rows =
        statement.query_map(key, |row| row.get_ref(0)?.as_str().map(Arc::from).map_err(Into::into));
    rows.context(READ)?.collect::<Result<_, _>>().context(READ)
}

pub(super) fn override_of(
    connection: &Connection,
    former: PersonKey,
) -> Result<Option<Override>, Error> {
    let sql = "SELECT person_id, version FROM person_overrides
        WHERE team_id = ?1 AND old_person_id = ?2";
    let of_row = |row: &Row<'_>| Ok(Override { person: person_id(row, 0)?, version: row.get(1)? });
    let mut statement = connection.prepare_cached(sql).context(READ)?;
    let key = params![former.0.0, former.1.0.as_bytes()];
    statement.query_row(key, of_row).optional().context(READ)
}

pub(super) fn former_of(connection: &Connection, key: PersonKey) -> Result<Vec<PersonId>, Error> {
    let sql = "SELECT old_person_id FROM person_overrides WHERE team_id = ?1 AND person_id = ?2";
    let mut statement = connection.prepare_cached(sql).context(READ)?;
    let key = params![key.0.0, key.1.0.as_bytes()];
    let rows = statement.query_map(key, |row| person_id(row, 0)).context(READ)?;
    rows.collect::<Result<_, _>>().context(READ)
}

pub(super) fn group(connection: &Connection, key: &GroupKey) -> Result<Option<Group>, Error> {
    let sql = "SELECT created_at, properties, version, is_deleted FROM groups
        WHERE team_id = ?1 AND type_index = ?2 AND group_key = ?3";
    let of_row = |row: &Row<'_>| {
        Ok(Group {
            created_at: Timestamp::from_micros(row.get(0)?),
            properties: Object::parse(row.get_ref(1)?.as_str()?),
            version: row.get(2)?,
            is_deleted: row.get(3)?,
        })
    };
    let mut statement = connection.prepare_cached(sql).context(READ)?;
    let key = params![key.team.0, key.type_index, &*key.key];
    statement.query_row(key, of_row).optional().context(READ)
}

/// The types of groups of all projects: there are five at most of each.
pub(super) fn group_types(
    connection: &Connection,
) -> Result<HashMap<TeamId, Arc<GroupTypes>>, Error> {
    let sql = "SELECT team_id, type_index, name FROM group_types";
    let mut statement = connection.prepare(sql).context(READ)?;
    let of_row = |row: &Row<'_>| {
        Ok((TeamId(row.get(0)?), row.get::<_, u8>(1)?, Arc::from(row.get_ref(2)?.as_str()?)))
    };
    let mut types: HashMap<TeamId, GroupTypes> = HashMap::new();
    for row in statement.query_map([], of_row).context(READ)? {
        let (team, index, name) = row.context(READ)?;
        if let Some(place) = types.entry(team).or_default().get_mut(usize::from(index)) {
            *place = Some(name);
        }
    }
    Ok(types.into_iter().map(|(team, types)| (team, Arc::new(types))).collect())
}
