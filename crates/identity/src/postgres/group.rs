//! A group that is being settled: what was read for it, and what must be read still.

use std::sync::Arc;

use event::{PersonId, TeamId};

use super::known::Known;
use super::server::{Failure, Link, Server};
use super::wanted::can_be_known;
use crate::{Base, Error, Group, GroupKey, GroupTypes, Id, IdKey, Override, Person, PersonKey};

const READ: &str = "read";

/// What is known before a group. What was not read in advance is read when it is asked for.
pub(super) struct Reading<'a> {
    pub(super) server: &'a Server,
    pub(super) known: Known,
    /// Whether some of it is of a later moment than the rest.
    pub(super) is_late: bool,
    /// Why the last question had no answer.
    pub(super) failure: Option<Failure>,
}

impl<'a> Reading<'a> {
    pub(super) fn new(server: &'a Server, known: Known) -> Self {
        Self { server, known, is_late: false, failure: None }
    }

    fn ask<T>(
        &mut self,
        ask: impl AsyncFnOnce(&mut Known, &'a Link) -> Result<T, tokio_postgres::Error>,
    ) -> Result<T, Error> {
        self.is_late = true;
        let known = &mut self.known;
        let answer = self.server.ask(READ, |link| ask(known, link));
        answer.map_err(|failure| {
            self.failure = Some(failure);
            Error::Unreachable("a question had no answer".to_owned())
        })
    }
}

impl Base for Reading<'_> {
    fn id(&mut self, key: &IdKey) -> Result<Option<Id>, Error> {
        if !can_be_known(&key.id) {
            return Ok(None);
        }
        if !self.known.ids.contains_key(key) {
            self.ask(async |known, link| known.read_id(link, key).await)?;
        }
        Ok(self.known.ids.get(key).copied().flatten())
    }

    fn person(&mut self, key: PersonKey) -> Result<Option<Arc<Person>>, Error> {
        if !self.known.persons.contains_key(&key) {
            self.ask(async |known, link| known.read_person(link, key).await)?;
        }
        Ok(self.known.persons.get(&key).cloned().flatten())
    }

    fn ids_of(&mut self, key: PersonKey, most: usize) -> Result<Vec<Arc<str>>, Error> {
        self.ask(async |known, link| known.read_ids_of(link, key, most).await)
    }

    fn override_of(&mut self, former: PersonKey) -> Result<Option<Override>, Error> {
        if !self.known.overrides.contains_key(&former) {
            let (team, id) = former;
            self.ask(async |known, link| known.read_overrides(link, team, &[id]).await)?;
        }
        Ok(self.known.overrides.get(&former).copied().flatten())
    }

    fn former_of(&mut self, key: PersonKey) -> Result<Vec<PersonId>, Error> {
        self.ask(async |known, link| known.read_former_of(link, key).await)
    }

    fn group(&mut self, key: &GroupKey) -> Result<Option<Arc<Group>>, Error> {
        if !self.known.groups.contains_key(key) {
            self.ask(async |known, link| known.read_group(link, key).await)?;
        }
        Ok(self.known.groups.get(key).cloned().flatten())
    }

    fn group_types(&mut self, team: TeamId) -> Result<Arc<GroupTypes>, Error> {
        if !self.known.group_types.contains_key(&team) {
            self.ask(async |known, link| known.read_group_types(link, team).await)?;
        }
        Ok(self.known.group_types.get(&team).cloned().unwrap_or_default())
    }
}
