//! Writes what a group changed, in one transaction and one round trip.
//!
//! The transaction moves the clock first, which lets one node write at a time, then looks whether
//! anything that the group was decided on has changed, and ends there if so.

use event::{ErasureKind, Pseudonym, Timestamp};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Error, Statement};
use uuid::Uuid;

use super::inbox::forgotten;
use super::known::Known;
use super::server::Link;
use crate::{ErasureRequest, Forgotten, Layer, PersonKey};

const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED";
const COMMIT: &str = "COMMIT";

/// Projects, and keys within them.
type Keys<K> = (Vec<i64>, Vec<K>);

/// Writes what a group changed that was decided on what is known.
pub(super) async fn write_checked(link: &Link, known: &Known, layer: &Layer) -> Result<(), Error> {
    let client = &link.connected.client;
    // All are waited for, or the first failure to be seen might be one that follows from another, and
    // the end might not have been sent.
    let (begun, ticked, checked, written, ended) = tokio::join!(
        biased;
        client.batch_execute(BEGIN),
        tick(link),
        check(link, known, known.at + 1),
        write_all(link, layer),
        client.batch_execute(COMMIT),
    );
    begun.and(ticked).and(checked).and(written).and(ended)
}

/// Looks whether anything has changed that is known.
pub(super) async fn check_alone(link: &Link, known: &Known) -> Result<(), Error> {
    check(link, known, known.at).await
}

/// Begins a transaction that no other node writes beside.
pub(super) async fn begin_alone(link: &Link) -> Result<(), Error> {
    let (begun, ticked) =
        tokio::join!(biased; link.connected.client.batch_execute(BEGIN), tick(link));
    begun.and(ticked)
}

/// Ends a transaction that no other node wrote beside.
pub(super) async fn end_alone(link: &Link, layer: &Layer) -> Result<(), Error> {
    let client = &link.connected.client;
    if layer.is_empty() {
        return client.batch_execute("ROLLBACK").await;
    }
    let (written, ended) =
        tokio::join!(biased; write_all(link, layer), client.batch_execute(COMMIT));
    written.and(ended)
}

/// Whom an erasure was about that was carried out already.
pub(super) async fn carried_out(link: &Link, id: Uuid) -> Result<Option<Forgotten>, Error> {
    let row = link.connected.client.query_opt(&link.statements.erasure, &[&id]).await?;
    row.as_ref().map_or(Ok(None), forgotten)
}

/// Ends a transaction in which somebody was forgotten, and tells the other nodes.
pub(super) async fn end_erasure(
    link: &Link,
    layer: &Layer,
    request: &ErasureRequest,
    forgotten: &Forgotten,
) -> Result<(), Error> {
    let (written, told, ended) = tokio::join!(
        biased;
        write_all(link, layer),
        write_erasure(link, request, forgotten),
        link.connected.client.batch_execute(COMMIT),
    );
    written.and(told).and(ended)
}

async fn tick(link: &Link) -> Result<(), Error> {
    link.connected.client.execute(&link.statements.tick, &[]).await?;
    Ok(())
}

/// Has PostgreSQL refuse where anything that is known has changed since; nothing has, where the clock
/// is still undisturbed.
async fn check(link: &Link, known: &Known, undisturbed: i64) -> Result<(), Error> {
    let ids: Keys<&str> = known.ids.keys().map(|key| (key.team.0, &*key.id)).unzip();
    let person = |key: &PersonKey| (key.0.0, key.1.0);
    let persons: Keys<Uuid> = known.persons.keys().map(person).unzip();
    let overrides: Keys<Uuid> = known.overrides.keys().map(person).unzip();
    let lists: Keys<Uuid> = known.lists.iter().map(person).unzip();
    let groups: Keys<&str> = known.groups.keys().map(|key| (key.team.0, &*key.key)).unzip();
    let indexes: Vec<i16> = known.groups.keys().map(|key| key.type_index.into()).collect();
    let types: Vec<i64> = known.group_types.keys().map(|team| team.0).collect();
    let parameters: [&(dyn ToSql + Sync); 14] = [
        &known.at,
        &undisturbed,
        &ids.0,
        &ids.1,
        &persons.0,
        &persons.1,
        &overrides.0,
        &overrides.1,
        &lists.0,
        &lists.1,
        &groups.0,
        &indexes,
        &groups.1,
        &types,
    ];
    link.connected.client.query(&link.statements.check, &parameters).await?;
    Ok(())
}

async fn write_all(link: &Link, layer: &Layer) -> Result<(), Error> {
    let (ids, persons, overrides, groups, group_types) = tokio::join!(
        biased;
        write_ids(link, layer),
        write_persons(link, layer),
        write_overrides(link, layer),
        write_groups(link, layer),
        write_group_types(link, layer),
    );
    ids.and(persons).and(overrides).and(groups).and(group_types)
}

async fn write_ids(link: &Link, layer: &Layer) -> Result<(), Error> {
    let rows = layer.ids();
    if rows.is_empty() {
        return Ok(());
    }
    let teams: Vec<i64> = rows.keys().map(|key| key.team.0).collect();
    let ids: Vec<&str> = rows.keys().map(|key| &*key.id).collect();
    let persons: Vec<Option<Uuid>> = rows.values().map(|id| Some(id.person?.0)).collect();
    let versions: Vec<i64> = rows.values().map(|id| id.version).collect();
    put(link, &link.statements.put_ids, &[&teams, &ids, &persons, &versions]).await
}

async fn write_persons(link: &Link, layer: &Layer) -> Result<(), Error> {
    let rows = layer.persons();
    if rows.is_empty() {
        return Ok(());
    }
    let persons = || rows.values();
    let teams: Vec<i64> = rows.keys().map(|key| key.0.0).collect();
    let ids: Vec<Uuid> = persons().map(|person| person.id.0).collect();
    let versions: Vec<i64> = persons().map(|person| person.version).collect();
    let created: Vec<i64> = persons().map(|person| person.created_at.as_micros()).collect();
    let identified: Vec<bool> = persons().map(|person| person.is_identified).collect();
    let seen: Vec<Option<i64>> =
        persons().map(|person| person.last_seen_at.map(Timestamp::as_micros)).collect();
    let properties: Vec<&str> = persons().map(|person| person.properties.as_str()).collect();
    let deleted: Vec<bool> = persons().map(|person| person.is_deleted).collect();
    let parameters: [&(dyn ToSql + Sync); 8] =
        [&teams, &ids, &versions, &created, &identified, &seen, &properties, &deleted];
    put(link, &link.statements.put_persons, &parameters).await
}

async fn write_overrides(link: &Link, layer: &Layer) -> Result<(), Error> {
    let rows = layer.overrides();
    if rows.is_empty() {
        return Ok(());
    }
    let teams: Vec<i64> = rows.keys().map(|key| key.0.0).collect();
    let former: Vec<Uuid> = rows.keys().map(|key| key.1.0).collect();
    let persons: Vec<Uuid> = rows.values().map(|to| to.person.0).collect();
    let versions: Vec<i64> = rows.values().map(|to| to.version).collect();
    put(link, &link.statements.put_overrides, &[&teams, &former, &persons, &versions]).await
}

async fn write_groups(link: &Link, layer: &Layer) -> Result<(), Error> {
    let rows = layer.groups();
    if rows.is_empty() {
        return Ok(());
    }
    let groups = || rows.values();
    let teams: Vec<i64> = rows.keys().map(|key| key.team.0).collect();
    let indexes: Vec<i16> = rows.keys().map(|key| key.type_index.into()).collect();
    let keys: Vec<&str> = rows.keys().map(|key| &*key.key).collect();
    let created: Vec<i64> = groups().map(|group| group.created_at.as_micros()).collect();
    let properties: Vec<&str> = groups().map(|group| group.properties.as_str()).collect();
    let versions: Vec<i64> = groups().map(|group| group.version).collect();
    let deleted: Vec<bool> = groups().map(|group| group.is_deleted).collect();
    let parameters: [&(dyn ToSql + Sync); 7] =
        [&teams, &indexes, &keys, &created, &properties, &versions, &deleted];
    put(link, &link.statements.put_groups, &parameters).await
}

async fn write_group_types(link: &Link, layer: &Layer) -> Result<(), Error> {
    let (mut teams, mut indexes, mut names) = (Vec::new(), Vec::<i16>::new(), Vec::<&str>::new());
    for (team, types) in layer.group_types() {
        for (index, name) in (0..).zip(types.iter()) {
            if let Some(name) = name {
                teams.push(team.0);
                indexes.push(index);
                names.push(name);
            }
        }
    }
    if teams.is_empty() {
        return Ok(());
    }
    put(link, &link.statements.put_group_types, &[&teams, &indexes, &names]).await
}

async fn write_erasure(
    link: &Link,
    request: &ErasureRequest,
    forgotten: &Forgotten,
) -> Result<(), Error> {
    let (pseudonym, pseudonym_person) = match &request.kind {
        ErasureKind::Delete => (None, None),
        ErasureKind::Anonymize(Pseudonym { distinct_id, person_id }) => {
            (Some(distinct_id), Some(person_id.0))
        }
    };
    let ids: Vec<&[u8]> = forgotten.distinct_ids.iter().map(|id| id.as_bytes()).collect();
    let persons: Vec<Uuid> = forgotten.person_ids.iter().map(|id| id.0).collect();
    let parameters: [&(dyn ToSql + Sync); 7] = [
        &request.id,
        &request.team.0,
        &request.requested_at.as_micros(),
        &pseudonym,
        &pseudonym_person,
        &ids,
        &persons,
    ];
    put(link, &link.statements.put_erasure, &parameters).await
}

async fn put(
    link: &Link,
    statement: &Statement,
    rows: &[&(dyn ToSql + Sync)],
) -> Result<(), Error> {
    link.connected.client.execute(statement, rows).await?;
    Ok(())
}
