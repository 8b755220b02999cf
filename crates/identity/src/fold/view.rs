//! What is known at this point of the group: its own changes over what was known before.

use std::sync::Arc;

use event::{Change, PersonId, TeamId};

use crate::{
    Base, Error, Group, GroupKey, GroupTypes, Id, IdKey, Layer, Override, Person, PersonKey,
};

/// The group's changes over what was known before, and what one event changes.
pub(super) struct View<'a, B> {
    pub(super) overlay: &'a mut Layer,
    pub(super) base: &'a mut B,
    pub(super) changes: Vec<Change>,
}

impl<B: Base> View<'_, B> {
    pub(super) fn id(&mut self, key: &IdKey) -> Result<Option<Id>, Error> {
        match self.overlay.ids.get(key) {
            Some(id) => Ok(Some(*id)),
            None => self.base.id(key),
        }
    }

    /// A person that is there.
    pub(super) fn person(&mut self, key: PersonKey) -> Result<Option<Arc<Person>>, Error> {
        Ok(self.remains(key)?.filter(|person| !person.is_deleted))
    }

    /// A person, or what is left of one.
    pub(super) fn remains(&mut self, key: PersonKey) -> Result<Option<Arc<Person>>, Error> {
        match self.overlay.persons.get(&key) {
            Some(person) => Ok(Some(Arc::clone(person))),
            None => self.base.person(key),
        }
    }

    /// The person of a distinct id.
    pub(super) fn person_of(&mut self, key: &IdKey) -> Result<Option<Arc<Person>>, Error> {
        match self.id(key)?.and_then(|id| id.person) {
            Some(person) => self.person((key.team, person)),
            None => Ok(None),
        }
    }

    /// The distinct ids of a person in their order; `None` if there are more than so many.
    pub(super) fn ids_of(
        &mut self,
        key: PersonKey,
        most: usize,
    ) -> Result<Option<Vec<IdKey>>, Error> {
        let mut ids = self.base.ids_of(key, most + 1)?;
        if ids.len() > most {
            return Ok(None);
        }
        ids.extend_from_slice(self.overlay.ids_of(key));
        ids.sort_unstable();
        ids.dedup();
        let mut verified = Vec::with_capacity(ids.len());
        for id in ids {
            let id = IdKey::new(key.0, id);
            if self.id(&id)?.is_some_and(|known| known.person == Some(key.1)) {
                verified.push(id);
            }
        }
        Ok(Some(verified).filter(|ids| ids.len() <= most))
    }

    pub(super) fn override_of(&mut self, former: PersonKey) -> Result<Option<Override>, Error> {
        match self.overlay.overrides.get(&former) {
            Some(to) => Ok(Some(*to)),
            None => self.base.override_of(former),
        }
    }

    /// The former persons whose rows are a person's.
    pub(super) fn former_of(&mut self, key: PersonKey) -> Result<Vec<PersonId>, Error> {
        let mut former = self.base.former_of(key)?;
        former.extend_from_slice(self.overlay.former_of(key));
        let mut verified = Vec::with_capacity(former.len());
        for id in former {
            if self.override_of((key.0, id))?.is_some_and(|to| to.person == key.1) {
                verified.push(id);
            }
        }
        Ok(verified)
    }

    pub(super) fn group(&mut self, key: &GroupKey) -> Result<Option<Arc<Group>>, Error> {
        match self.overlay.groups.get(key) {
            Some(group) => Ok(Some(Arc::clone(group))),
            None => self.base.group(key),
        }
    }

    pub(super) fn group_types(&mut self, team: TeamId) -> Result<Arc<GroupTypes>, Error> {
        match self.overlay.group_types.get(&team) {
            Some(types) => Ok(Arc::clone(types)),
            None => self.base.group_types(team),
        }
    }

    pub(super) fn put_person(&mut self, team: TeamId, person: Person) -> Arc<Person> {
        let person = Arc::new(person);
        self.changes.push(person.to_change(team));
        self.overlay.put_person(team, Arc::clone(&person));
        person
    }

    /// Gives a distinct id to a person.
    pub(super) fn put_id(&mut self, key: &IdKey, person: PersonId) -> Result<(), Error> {
        let version = self.id(key)?.map_or(0, |id| id.version + 1);
        self.changes.push(Change::DistinctId {
            team: key.team,
            distinct_id: key.id.as_ref().to_owned(),
            person_id: person,
            version,
            is_deleted: false,
        });
        self.overlay.put_id(key.clone(), Id { person: Some(person), version });
        Ok(())
    }

    /// Takes a distinct id from its person, who is forgotten.
    pub(super) fn take_id(&mut self, key: &IdKey, person: PersonId) -> Result<(), Error> {
        let version = self.id(key)?.map_or(0, |id| id.version + 1);
        self.changes.push(Change::DistinctId {
            team: key.team,
            distinct_id: key.id.as_ref().to_owned(),
            person_id: person,
            version,
            is_deleted: true,
        });
        self.overlay.put_id(key.clone(), Id { person: None, version });
        Ok(())
    }

    /// Gives rows that were overridden back to whom they were written with, who is forgotten.
    pub(super) fn end_override(&mut self, key: PersonKey) -> Result<(), Error> {
        match self.override_of(key)?.is_some_and(|to| to.person != key.1) {
            true => self.put_override(key, key.1),
            false => Ok(()),
        }
    }

    /// Says whose the rows of a former person are.
    pub(super) fn put_override(
        &mut self,
        (team, former): PersonKey,
        person: PersonId,
    ) -> Result<(), Error> {
        let version = self.override_of((team, former))?.map_or(0, |to| to.version + 1);
        self.changes.push(Change::Override {
            team,
            old_person_id: former,
            person_id: person,
            version,
        });
        self.overlay.put_override((team, former), Override { person, version });
        Ok(())
    }

    pub(super) fn put_group(&mut self, key: GroupKey, group: Group) {
        self.changes.push(group.to_change(&key));
        self.overlay.put_group(key, Arc::new(group));
    }

    pub(super) fn put_group_type(
        &mut self,
        team: TeamId,
        index: usize,
        name: &Arc<str>,
    ) -> Result<(), Error> {
        let mut types = GroupTypes::clone(&*self.group_types(team)?);
        types[index] = Some(Arc::clone(name));
        self.changes.push(Change::GroupType {
            team,
            index: i64::try_from(index).unwrap_or_default(),
            name: name.as_ref().to_owned(),
        });
        self.overlay.put_group_types(team, Arc::new(types));
        Ok(())
    }
}
