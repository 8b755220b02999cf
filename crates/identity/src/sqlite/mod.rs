//! Persons in SQLite: the journal is the log, and the database a checkpoint of it.
//!
//! ```text
//! overlay of the group ─▶ published, not written yet ─▶ tables of state.db
//!                         └── cache of what was used lately ──┘
//! ```
//!
//! A checkpoint is a cut between two groups: the tables hold exactly what the journal's events up to
//! an offset make, and that offset. On a start, what came later is taken over from the journal. So a
//! person is written once for all its changes between two checkpoints, and not at all where they are
//! read again.

mod checkpoint;
mod connect;
mod options;
mod reader;
mod schema;
mod select;
mod shared;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use event::{Change, PersonId, TeamId};
use rusqlite::Connection;
use uuid::Uuid;

pub use self::options::StoreOptions;
pub use self::reader::Reader;
pub use self::schema::NEWEST_FORMAT;
use self::shared::{Shared, Writer};
use crate::cache::Cache;
use crate::error::Context;
use crate::{
    Base, Claim, ErasureRequest, Error, Forgotten, Group, GroupKey, GroupTypes, Id, IdKey, Keeper,
    Layer, NotErased, Override, Person, PersonKey, Settings, Settled,
};

/// How far in a journal the tables reflect it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The journal.
    pub journal_id: Uuid,
    /// The offset after the last event.
    pub offset: u64,
}

/// Keeps persons in SQLite.
#[derive(Debug)]
pub struct Store {
    settings: Settings,
    journal_id: Uuid,
    path: PathBuf,
    overlay: Layer,
    base: Tables,
    // Last, so that it outlives the rest.
    writer: Writer,
}

impl Store {
    /// Opens the tables in this file, and creates them where there are none.
    ///
    /// What the journal has behind [`Store::cursor`] must then be taken over before anything is
    /// settled. A cursor of another journal says nothing of this one.
    ///
    /// # Errors
    /// When the file cannot be opened, or is of a newer format.
    pub fn open(
        path: &Path,
        journal_id: Uuid,
        settings: Settings,
        options: StoreOptions,
    ) -> Result<Self, Error> {
        let connection = shared::prepared(path)?;
        let cursor = select::cursor(&connection)?;
        let group_types = select::group_types(&connection)?;
        let shared = Arc::new(Shared::new(cursor, options));
        let base = Tables {
            cache: Cache::new(options.cache_bytes),
            shared: Arc::clone(&shared),
            connection: connect::reader(path)?,
            snapshot: None,
            group_types,
        };
        let writer = Writer::start(&shared, connection, journal_id)?;
        let path = path.to_owned();
        Ok(Self { settings, journal_id, path, overlay: Layer::default(), base, writer })
    }

    /// How far the tables reflect the journal: nothing before it is needed from the journal again.
    pub fn cursor(&self) -> Option<Cursor> {
        self.base.shared.live().cursor
    }

    /// Reads persons beside the store, from any thread.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn reader(&self, path: &Path) -> Result<Reader, Error> {
        Reader::new(path, Arc::clone(&self.base.shared))
    }

    /// Writes a checkpoint of all that is published, and waits for it.
    ///
    /// # Errors
    /// When it cannot be written; it is tried again later.
    pub fn checkpoint(&self) -> Result<(), Error> {
        self.base.shared.flush()
    }

    /// About how much memory the cache takes.
    pub fn cached_bytes(&self) -> usize {
        self.base.cache.bytes()
    }
}

impl Keeper for Store {
    fn settle(&mut self, claims: &[Claim]) -> Result<Vec<Settled>, Error> {
        self.base.shared.admit()?;
        let settle =
            |claim| crate::settle(claim, &self.settings, &mut self.overlay, &mut self.base);
        let settled = claims.iter().map(settle).collect();
        self.base.end_snapshot()?;
        settled
    }

    fn erase(&mut self, request: &ErasureRequest) -> Result<Result<Forgotten, NotErased>, Error> {
        self.base.shared.admit()?;
        let ErasureRequest { team, target, .. } = request;
        let erased = crate::erase(*team, target, &mut self.overlay, &mut self.base);
        self.base.end_snapshot()?;
        erased
    }

    fn publish(&mut self, end: u64) {
        let group = std::mem::take(&mut self.overlay);
        self.base.absorb(&group);
        self.base.shared.publish(group, end);
    }

    fn discard(&mut self) {
        self.overlay = Layer::default();
    }

    fn apply(&mut self, change: &Change) -> Result<(), Error> {
        self.base.shared.admit()?;
        crate::apply(change, &mut self.overlay, &mut self.base)?;
        self.base.end_snapshot()
    }

    fn note_personless(&mut self, team: TeamId, distinct_id: &str) -> Result<(), Error> {
        crate::note_personless(team, distinct_id, &mut self.overlay, &mut self.base)?;
        self.base.end_snapshot()
    }

    fn needed_from(&self) -> u64 {
        let ours = |cursor: &Cursor| cursor.journal_id == self.journal_id;
        self.cursor().filter(ours).map_or(0, |cursor| cursor.offset)
    }

    fn close(self: Box<Self>) -> Result<(), Error> {
        self.checkpoint()?;
        let Self { path, base, writer, .. } = *self;
        drop((base, writer));
        connect::gather(&path).map(drop)
    }
}

/// All that is published, wherever it is.
#[derive(Debug)]
struct Tables {
    cache: Cache,
    shared: Arc<Shared>,
    connection: Connection,
    /// The generation of which the tables are being read, within a transaction: starting one for
    /// every row would cost as much as reading it.
    snapshot: Option<u64>,
    group_types: HashMap<TeamId, Arc<GroupTypes>>,
}

impl Tables {
    fn absorb(&mut self, group: &Layer) {
        self.cache.absorb(group);
        for (team, types) in group.group_types() {
            self.group_types.insert(*team, Arc::clone(types));
        }
    }

    /// What is published and not written, else what is in the tables.
    fn look<T>(
        &mut self,
        of: impl Fn(&Layer) -> Option<T>,
        or: impl FnOnce(&Connection) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let generation = {
            let live = self.shared.live();
            if let Some(found) = live.find(of) {
                return Ok(found);
            }
            live.generation
        };
        or(self.snapshot(generation)?)
    }

    /// The tables as they are at this generation or later.
    fn snapshot(&mut self, generation: u64) -> Result<&Connection, Error> {
        if self.snapshot != Some(generation) {
            self.end_snapshot()?;
            self.connection.execute_batch("BEGIN").context("read")?;
            self.snapshot = Some(generation);
        }
        Ok(&self.connection)
    }

    fn end_snapshot(&mut self) -> Result<(), Error> {
        match self.snapshot.take() {
            Some(_) => self.connection.execute_batch("COMMIT").context("read"),
            None => Ok(()),
        }
    }
}

impl Base for Tables {
    fn id(&mut self, key: &IdKey) -> Result<Option<Id>, Error> {
        if let Some(known) = self.cache.ids.get(key) {
            return Ok(*known);
        }
        let found = self.look(
            |layer| layer.ids.get(key).map(|id| Some(*id)),
            |connection| select::id(connection, key),
        )?;
        self.cache.ids.put(key.clone(), found);
        Ok(found)
    }

    fn person(&mut self, key: PersonKey) -> Result<Option<Arc<Person>>, Error> {
        if let Some(known) = self.cache.persons.get(&key) {
            return Ok(known.clone());
        }
        let found = self.look(
            |layer| layer.persons.get(&key).map(|person| Some(Arc::clone(person))),
            |connection| Ok(select::person(connection, key)?.map(Arc::new)),
        )?;
        self.cache.persons.put(key, found.clone());
        Ok(found)
    }

    fn ids_of(&mut self, key: PersonKey, most: usize) -> Result<Vec<Arc<str>>, Error> {
        let (mut ids, generation) = {
            let live = self.shared.live();
            let ids: Vec<_> = live.layers().flat_map(|layer| layer.ids_of(key)).cloned().collect();
            (ids, live.generation)
        };
        ids.extend(select::ids_of(self.snapshot(generation)?, key, most)?);
        ids.sort_unstable();
        ids.dedup();
        Ok(ids)
    }

    fn override_of(&mut self, former: PersonKey) -> Result<Option<Override>, Error> {
        self.look(
            |layer| layer.overrides.get(&former).map(|to| Some(*to)),
            |connection| select::override_of(connection, former),
        )
    }

    fn former_of(&mut self, key: PersonKey) -> Result<Vec<PersonId>, Error> {
        let (mut former, generation) = {
            let live = self.shared.live();
            let ids = live.layers().flat_map(|layer| layer.former_of(key));
            (ids.copied().collect::<Vec<_>>(), live.generation)
        };
        former.extend(select::former_of(self.snapshot(generation)?, key)?);
        Ok(former)
    }

    fn group(&mut self, key: &GroupKey) -> Result<Option<Arc<Group>>, Error> {
        if let Some(known) = self.cache.groups.get(key) {
            return Ok(known.clone());
        }
        let found = self.look(
            |layer| layer.groups.get(key).map(|group| Some(Arc::clone(group))),
            |connection| Ok(select::group(connection, key)?.map(Arc::new)),
        )?;
        self.cache.groups.put(key.clone(), found.clone());
        Ok(found)
    }

    fn group_types(&mut self, team: TeamId) -> Result<Arc<GroupTypes>, Error> {
        Ok(self.group_types.get(&team).cloned().unwrap_or_default())
    }
}
