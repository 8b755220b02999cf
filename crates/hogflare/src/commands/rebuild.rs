//! `hogflare rebuild identity`: persons made again from the lake, where `state.db` is lost or wrong.
//!
//! The lake has every change of persons that the journal had, and the journal those that came since.
//! Nothing is settled again: each change says what became of something, and the newest counts.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, bail};
use clap::ArgMatches;
use event::{Change, PersonId, Table, TeamId, Timestamp};
use identity::{Keeper, Settings, Store, StoreOptions};
use journal::{Fs, Journal, RealFs};
use lake::Lake;
use query::{Engine, Format, Limits};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::sql::with_tail;
use crate::config::{Config, Sources, State};
use crate::data_dir::DataDir;

/// Rows that are read, and published, at once; fewer where they are large.
const PAGE_ROWS: usize = 50_000;

/// What SQLite makes of a database.
const FILES: [&str; 3] = ["", "-wal", "-shm"];

/// Makes `state.db` again; the one before stays beside it.
pub(crate) fn identity(flags: &ArgMatches) -> anyhow::Result<ExitCode> {
    let config = Config::parse(&Sources::collect(flags)?)?;
    match &config.state {
        State::Embedded => {}
        State::Postgres(at) => bail!(
            "persons are in PostgreSQL at {at}, which is the only place that has all of them: restore it \
             from its backup"
        ),
        State::None => bail!("no persons are kept (HOGFLARE_STATE=none)"),
    }
    let data_dir = DataDir::existing(&config.data_dir)?;
    let _lock = data_dir.lock().context("stop the server first")?;
    super::small_runtime()?.block_on(rebuild(&data_dir))?;
    Ok(ExitCode::SUCCESS)
}

async fn rebuild(data_dir: &DataDir) -> anyhow::Result<()> {
    let fs: Arc<dyn Fs> = Arc::new(RealFs);
    let Some(journal) = Journal::open_read_only(fs, &data_dir.journal())? else {
        bail!("no journal in {}", data_dir.path().display())
    };
    let (path, new) = (data_dir.persons(), data_dir.persons().with_extension("db.new"));
    remove(&new)?;
    let id = journal.id().as_uuid();
    let mut store = Store::open(&new, id, Settings::default(), StoreOptions::default())?;
    let end = match Lake::open_read_only(&data_dir.lake()).await? {
        Some(lake) => {
            report_gap(&lake, &journal);
            let engine = Engine::new(with_tail(lake, &journal).await?, Limits::default())?;
            take_over(&engine, &mut store).await?;
            journal.synced()
        }
        None => {
            println!("no lake: what changed of persons before row {} is lost", journal.first());
            journal.first()
        }
    };
    store.publish(end.get());
    Box::new(store).close()?;
    keep_old(&path)?;
    std::fs::rename(&new, &path)?;
    println!("{} reflects the journal up to row {end}", path.display());
    Ok(())
}

/// Puts a database aside, with the files that belong to it.
fn keep_old(path: &Path) -> anyhow::Result<()> {
    let old = path.with_extension("db.old");
    remove(&old)?;
    if path.exists() {
        println!("the database before is {}", old.display());
    }
    for suffix in FILES {
        match std::fs::rename(with(path, suffix), with(&old, suffix)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
    }
    Ok(())
}

/// Says which rows neither the lake nor the journal has.
fn report_gap(lake: &Lake, journal: &Journal) {
    let written = lake.cursor(journal.id()).map_or(0, |cursor| cursor.offset.get());
    let first = journal.first().get();
    if written < first {
        println!(
            "rows {written} to {first} are neither in the lake nor in the journal: what they \
             changed of persons is lost"
        );
    }
}

/// Removes a database and the files beside it.
fn remove(path: &Path) -> std::io::Result<()> {
    for suffix in FILES {
        match std::fs::remove_file(with(path, suffix)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

fn with(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

async fn take_over(engine: &Engine, store: &mut Store) -> anyhow::Result<()> {
    // Types have no version: the newest counts.
    let types = "select * from group_types_raw order by changed_at, journal_offset";
    for row in ask::<TypeRow>(engine, types).await? {
        store.apply(&row.into())?;
    }
    store.publish(1);
    take_changes::<PersonRow>(engine, store, Table::Persons, Into::into).await?;
    take_changes::<DistinctIdRow>(engine, store, Table::PersonDistinctIds, Into::into).await?;
    take_changes::<OverrideRow>(engine, store, Table::PersonOverrides, Into::into).await?;
    take_changes::<GroupRow>(engine, store, Table::Groups, Into::into).await?;
    let personless = "select distinct team_id, distinct_id from events_raw \
                      where person_mode = 'propertyless' and team_id <> 0";
    let mut last = (0, String::new());
    let mut ids = 0;
    loop {
        let rows: Vec<IdRow> = ask(
            engine,
            &format!(
                "select * from ({personless}) ids \
                 where team_id > {team} or (team_id = {team} and distinct_id > '{id}') \
                 order by team_id, distinct_id limit {PAGE_ROWS}",
                team = last.0,
                id = last.1.replace('\'', "''"),
            ),
        )
        .await?;
        let Some(newest) = rows.last() else { break };
        last = (newest.team_id, newest.distinct_id.clone());
        ids += rows.len();
        for row in rows {
            store.note_personless(TeamId(row.team_id), &row.distinct_id)?;
        }
        store.publish(ids as u64);
    }
    println!("{ids} distinct ids were used without a person");
    Ok(())
}

/// Takes over the rows of a table in the order of the journal; which are newest, versions say.
async fn take_changes<R: DeserializeOwned>(
    engine: &Engine,
    store: &mut Store,
    table: Table,
    change: fn(R) -> Change,
) -> anyhow::Result<()> {
    let name = table.name();
    let mut last = Place { journal_id: Uuid::nil(), journal_offset: -1 };
    let (mut taken, mut page) = (0, PAGE_ROWS);
    loop {
        let sql = format!(
            "select * from {name}_raw where journal_id > '{id}' \
             or (journal_id = '{id}' and journal_offset > {offset}) \
             order by journal_id, journal_offset limit {page}",
            id = last.journal_id,
            offset = last.journal_offset,
        );
        let rows: Vec<Placed<R>> = match engine.answer(&sql, Format::Json).await {
            Ok(answer) => serde_json::from_slice(&answer)?,
            Err(query::Error::AnswerTooLarge { .. }) if page > 1 => {
                page = (page / 8).max(1);
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        let Some(newest) = rows.last() else { break };
        last = newest.place;
        taken += rows.len();
        for row in rows {
            store.apply(&change(row.row))?;
        }
        // Of what came so far; the true end comes with the last.
        store.publish(taken as u64);
    }
    println!("{taken} rows of {name}");
    Ok(())
}

async fn ask<R: DeserializeOwned>(engine: &Engine, sql: &str) -> anyhow::Result<Vec<R>> {
    let answer = engine.answer(sql, Format::Json).await?;
    Ok(serde_json::from_slice(&answer)?)
}

/// A row, and where the journal had it.
#[derive(Deserialize)]
struct Placed<R> {
    #[serde(flatten)]
    place: Place,
    #[serde(flatten)]
    row: R,
}

#[derive(Clone, Copy, Deserialize)]
struct Place {
    journal_id: Uuid,
    journal_offset: i64,
}

#[derive(Deserialize)]
struct PersonRow {
    team_id: i64,
    id: Uuid,
    version: i64,
    created_at: String,
    is_identified: i64,
    last_seen_at: Option<String>,
    properties: String,
    is_deleted: i64,
}

#[derive(Deserialize)]
struct DistinctIdRow {
    team_id: i64,
    distinct_id: String,
    person_id: Uuid,
    version: i64,
    is_deleted: i64,
}

#[derive(Deserialize)]
struct OverrideRow {
    team_id: i64,
    old_person_id: Uuid,
    person_id: Uuid,
    version: i64,
}

#[derive(Deserialize)]
struct GroupRow {
    team_id: i64,
    group_type_index: i64,
    group_key: String,
    version: i64,
    created_at: String,
    group_properties: String,
    is_deleted: i64,
}

#[derive(Deserialize)]
struct TypeRow {
    team_id: i64,
    group_type_index: i64,
    group_type: String,
}

#[derive(Deserialize)]
struct IdRow {
    team_id: i64,
    distinct_id: String,
}

/// A time as the lake writes it.
fn time(text: &str) -> Timestamp {
    text.parse().unwrap_or(Timestamp::EPOCH)
}

impl From<PersonRow> for Change {
    fn from(row: PersonRow) -> Self {
        Self::Person {
            team: TeamId(row.team_id),
            id: PersonId(row.id),
            version: row.version,
            created_at: time(&row.created_at),
            is_identified: row.is_identified == 1,
            last_seen_at: row.last_seen_at.as_deref().map(time),
            properties: row.properties,
            is_deleted: row.is_deleted == 1,
        }
    }
}

impl From<DistinctIdRow> for Change {
    fn from(row: DistinctIdRow) -> Self {
        Self::DistinctId {
            team: TeamId(row.team_id),
            distinct_id: row.distinct_id,
            person_id: PersonId(row.person_id),
            version: row.version,
            is_deleted: row.is_deleted == 1,
        }
    }
}

impl From<OverrideRow> for Change {
    fn from(row: OverrideRow) -> Self {
        Self::Override {
            team: TeamId(row.team_id),
            old_person_id: PersonId(row.old_person_id),
            person_id: PersonId(row.person_id),
            version: row.version,
        }
    }
}

impl From<GroupRow> for Change {
    fn from(row: GroupRow) -> Self {
        Self::Group {
            team: TeamId(row.team_id),
            type_index: row.group_type_index,
            key: row.group_key,
            created_at: time(&row.created_at),
            properties: row.group_properties,
            version: row.version,
            is_deleted: row.is_deleted == 1,
        }
    }
}

impl From<TypeRow> for Change {
    fn from(row: TypeRow) -> Self {
        Self::GroupType {
            team: TeamId(row.team_id),
            index: row.group_type_index,
            name: row.group_type,
        }
    }
}
