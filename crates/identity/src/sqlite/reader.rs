//! Persons for whoever asks, beside the thread that folds.
//!
//! A reader has connections of its own, and holds the lock of what is not written yet only as long
//! as it takes to find a key. What is asked by key is up to date with the last group; a search asks for
//! a checkpoint first.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use event::{PersonId, TeamId};
use rusqlite::{Connection, params};

use super::select::{self, PERSON_COLUMNS};
use super::shared::{Live, Shared};
use super::{Cursor, StoreOptions, connect};
use crate::error::Context;
use crate::{
    Error, Found, Group, GroupKey, GroupTypes, Id, IdKey, Lookup, Override, Page, Person,
    PersonKey, Search,
};

/// Idle connections that are kept.
const CONNECTIONS: usize = 4;

/// How long a search waits for the newest persons; a disk in trouble must not keep old ones back.
const PATIENCE: Duration = Duration::from_secs(1);

/// Reads persons beside the store. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Reader {
    shared: Arc<Shared>,
    idle: Arc<Mutex<Vec<Connection>>>,
    path: Arc<PathBuf>,
    /// Whether somebody writes what is asked for.
    is_written: bool,
}

impl Reader {
    /// Reads what nobody is writing: the tables as of the last checkpoint.
    ///
    /// # Errors
    /// When there is no such file, or it cannot be opened.
    pub fn of_file(path: &Path) -> Result<Self, Error> {
        let cursor = select::cursor(&connect::reader(path)?)?;
        let shared = Arc::new(Shared::new(cursor, StoreOptions::default()));
        Ok(Self { is_written: false, ..Self::new(path, shared)? })
    }

    pub(super) fn new(path: &Path, shared: Arc<Shared>) -> Result<Self, Error> {
        let idle = Arc::new(Mutex::new(vec![connect::reader(path)?]));
        Ok(Self { shared, idle, path: Arc::new(path.to_owned()), is_written: true })
    }

    /// How far the tables reflect the journal.
    pub fn cursor(&self) -> Option<Cursor> {
        self.shared.live().cursor
    }

    /// A group.
    ///
    /// # Errors
    /// When the tables cannot be read.
    pub fn group(&self, key: &GroupKey) -> Result<Option<Arc<Group>>, Error> {
        let found = self.look(
            |live| live.find(|layer| layer.groups.get(key).map(|group| Some(Arc::clone(group)))),
            |connection| Ok(select::group(connection, key)?.map(Arc::new)),
        )?;
        Ok(found.filter(|group| !group.is_deleted))
    }

    /// The names of a project's types of groups.
    ///
    /// # Errors
    /// When the tables cannot be read.
    pub fn group_types(&self, team: TeamId) -> Result<Arc<GroupTypes>, Error> {
        self.look(
            |live| live.find(|layer| layer.group_types.get(&team).map(Arc::clone)),
            |connection| Ok(select::group_types(connection)?.remove(&team).unwrap_or_default()),
        )
    }

    fn id(&self, key: &IdKey) -> Result<Option<Id>, Error> {
        self.look(
            |live| live.find(|layer| layer.ids.get(key).map(|id| Some(*id))),
            |connection| select::id(connection, key),
        )
    }

    /// A person that is there.
    fn there(&self, key: PersonKey) -> Result<Option<Arc<Person>>, Error> {
        let found = self.look(
            |live| live.find(|layer| layer.persons.get(&key).map(|one| Some(Arc::clone(one)))),
            |connection| Ok(select::person(connection, key)?.map(Arc::new)),
        )?;
        Ok(found.filter(|person| !person.is_deleted))
    }

    fn override_of(&self, former: PersonKey) -> Result<Option<Override>, Error> {
        self.look(
            |live| live.find(|layer| layer.overrides.get(&former).map(|to| Some(*to))),
            |connection| select::override_of(connection, former),
        )
    }

    fn ids_of(&self, key: PersonKey, most: usize) -> Result<Vec<Arc<str>>, Error> {
        let mut ids: Vec<Arc<str>> = {
            let live = self.shared.live();
            live.layers().flat_map(|layer| layer.ids_of(key)).cloned().collect()
        };
        ids.extend(self.with(|connection| select::ids_of(connection, key, most))?);
        ids.sort_unstable();
        ids.dedup();
        let mut verified = Vec::new();
        for id in ids {
            let known = self.id(&IdKey { team: key.0, id: Arc::clone(&id) })?;
            if verified.len() < most && known.is_some_and(|known| known.person == Some(key.1)) {
                verified.push(id);
            }
        }
        Ok(verified)
    }

    /// What is published and not written, else what is in the tables.
    fn look<T>(
        &self,
        of: impl FnOnce(&Live) -> Option<T>,
        or: impl FnOnce(&Connection) -> Result<T, Error>,
    ) -> Result<T, Error> {
        // Bound, so that the lock is not held while the tables are read.
        let found = of(&self.shared.live());
        match found {
            Some(found) => Ok(found),
            None => self.with(or),
        }
    }

    /// Lends a connection.
    fn with<T>(&self, read: impl FnOnce(&Connection) -> Result<T, Error>) -> Result<T, Error> {
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let lent = idle().pop();
        let connection = match lent {
            Some(connection) => connection,
            None => connect::reader(&self.path)?,
        };
        let read = read(&connection);
        let mut idle = idle();
        if idle.len() < CONNECTIONS {
            idle.push(connection);
        }
        read
    }
}

impl Lookup for Reader {
    fn has_overwritten(&self, offset: u64) -> Result<bool, Error> {
        match self.cursor().is_some_and(|cursor| cursor.offset >= offset) {
            true => connect::gather(&self.path),
            false => Ok(false),
        }
    }

    fn person_of(&self, team: TeamId, distinct_id: &str) -> Result<Option<Arc<Person>>, Error> {
        let key = IdKey::new(team, distinct_id);
        match self.id(&key)?.and_then(|id| id.person) {
            Some(person) => self.there((team, person)),
            None => Ok(None),
        }
    }

    fn person(
        &self,
        team: TeamId,
        id: PersonId,
        distinct_ids: usize,
    ) -> Result<Option<Found>, Error> {
        let person = match self.there((team, id))? {
            Some(person) => Some(person),
            None => match self.override_of((team, id))? {
                Some(to) => self.there((team, to.person))?,
                None => None,
            },
        };
        let Some(person) = person else { return Ok(None) };
        let distinct_ids = self.ids_of((team, person.id), distinct_ids)?;
        Ok(Some(Found { person, distinct_ids }))
    }

    fn search(&self, team: TeamId, search: &Search) -> Result<Page, Error> {
        let sql = format!(
            "SELECT {PERSON_COLUMNS}, rowid FROM persons
            WHERE team_id = ?1 AND is_deleted = 0 AND rowid < ?2 AND (?3 = ''
                OR instr(lower(json_extract(properties, '$.email')), ?3) > 0
                OR instr(lower(json_extract(properties, '$.name')), ?3) > 0
                OR EXISTS (SELECT 1 FROM person_distinct_ids AS ids
                    WHERE ids.team_id = persons.team_id AND ids.person_id = persons.person_id
                        AND instr(lower(ids.distinct_id), ?3) > 0))
            ORDER BY rowid DESC LIMIT ?4"
        );
        if self.is_written {
            self.shared.hurry(PATIENCE);
        }
        let text = search.text.to_ascii_lowercase();
        let after = search.after.unwrap_or(i64::MAX);
        let limit = i64::try_from(search.limit).unwrap_or(i64::MAX);
        self.with(|connection| {
            let mut statement = connection.prepare_cached(&sql).context("search")?;
            let of_row =
                |row: &rusqlite::Row<'_>| Ok((select::person_of_row(row)?, row.get::<_, i64>(7)?));
            let rows = statement.query_map(params![team.0, after, text, limit], of_row);
            let rows: Vec<(Person, i64)> =
                rows.context("search")?.collect::<Result<_, _>>().context("search")?;
            let next = rows.last().map(|(_, rowid)| *rowid);
            let next = next.filter(|_| rows.len() == search.limit);
            Ok(Page { persons: rows.into_iter().map(|(person, _)| person).collect(), next })
        })
    }
}
