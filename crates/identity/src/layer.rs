//! What changed since something older, newest values only.
//!
//! A layer lies over another or over a database: what it does not have, it does not know. The group
//! that is being folded is one, and what no checkpoint has yet is another.

use std::collections::HashMap;
use std::sync::Arc;

use event::{PersonId, TeamId};

use crate::{Group, GroupKey, GroupTypes, Id, IdKey, Override, Person, PersonKey};

/// About what an entry of a map takes besides what it points to.
const ENTRY_BYTES: usize = 96;

/// What changed since something older.
#[derive(Debug, Default)]
pub struct Layer {
    pub(crate) ids: HashMap<IdKey, Id>,
    pub(crate) persons: HashMap<PersonKey, Arc<Person>>,
    pub(crate) overrides: HashMap<PersonKey, Override>,
    pub(crate) groups: HashMap<GroupKey, Arc<Group>>,
    pub(crate) group_types: HashMap<TeamId, Arc<GroupTypes>>,
    /// Distinct ids that were a person's at some time.
    ids_of: HashMap<PersonKey, Vec<Arc<str>>>,
    /// Former persons whose rows were a person's at some time.
    former_of: HashMap<PersonKey, Vec<PersonId>>,
    bytes: usize,
}

impl Layer {
    /// About how much memory it takes.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        self.bytes == 0
    }

    /// Distinct ids that changed.
    pub fn ids(&self) -> &HashMap<IdKey, Id> {
        &self.ids
    }

    /// Persons that changed.
    pub fn persons(&self) -> &HashMap<PersonKey, Arc<Person>> {
        &self.persons
    }

    /// Overrides that changed.
    pub fn overrides(&self) -> &HashMap<PersonKey, Override> {
        &self.overrides
    }

    /// Groups that changed.
    pub fn groups(&self) -> &HashMap<GroupKey, Arc<Group>> {
        &self.groups
    }

    /// Types of groups of the projects in which one was named.
    pub fn group_types(&self) -> &HashMap<TeamId, Arc<GroupTypes>> {
        &self.group_types
    }

    pub(crate) fn ids_of(&self, key: PersonKey) -> &[Arc<str>] {
        self.ids_of.get(&key).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn former_of(&self, key: PersonKey) -> &[PersonId] {
        self.former_of.get(&key).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn put_id(&mut self, key: IdKey, id: Id) {
        if let Some(person) = id.person {
            self.ids_of.entry((key.team, person)).or_default().push(Arc::clone(&key.id));
            self.bytes += size_of::<Arc<str>>();
        }
        let length = key.id.len();
        if self.ids.insert(key, id).is_none() {
            self.bytes += length + ENTRY_BYTES;
        }
    }

    pub(crate) fn put_person(&mut self, team: TeamId, person: Arc<Person>) {
        self.bytes += person_bytes(&person);
        if let Some(old) = self.persons.insert((team, person.id), person) {
            self.bytes -= person_bytes(&old);
        }
    }

    pub(crate) fn put_override(&mut self, former: PersonKey, to: Override) {
        self.former_of.entry((former.0, to.person)).or_default().push(former.1);
        self.bytes += size_of::<PersonId>();
        if self.overrides.insert(former, to).is_none() {
            self.bytes += ENTRY_BYTES;
        }
    }

    pub(crate) fn put_group(&mut self, key: GroupKey, group: Arc<Group>) {
        let length = key.key.len();
        self.bytes += group_bytes(&group) + length;
        if let Some(old) = self.groups.insert(key, group) {
            self.bytes -= group_bytes(&old) + length;
        }
    }

    pub(crate) fn put_group_types(&mut self, team: TeamId, types: Arc<GroupTypes>) {
        if self.group_types.insert(team, types).is_none() {
            self.bytes += ENTRY_BYTES;
        }
    }

    /// Takes in a newer layer.
    pub(crate) fn absorb(&mut self, newer: Self) {
        newer.ids.into_iter().for_each(|(key, id)| self.put_id(key, id));
        newer.persons.into_iter().for_each(|((team, _), person)| self.put_person(team, person));
        newer.overrides.into_iter().for_each(|(former, to)| self.put_override(former, to));
        newer.groups.into_iter().for_each(|(key, group)| self.put_group(key, group));
        let types = newer.group_types.into_iter();
        types.for_each(|(team, types)| self.put_group_types(team, types));
    }
}

/// About what a person takes.
pub(crate) fn person_bytes(person: &Person) -> usize {
    size_of::<Person>() + person.properties.bytes() + ENTRY_BYTES
}

/// About what a group takes.
pub(crate) fn group_bytes(group: &Group) -> usize {
    size_of::<Group>() + group.properties.bytes() + ENTRY_BYTES
}
