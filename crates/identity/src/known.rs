//! What is known of persons, distinct ids and groups.

use std::sync::Arc;

use event::{Change, PersonId, TeamId, Timestamp};

use crate::Object;

/// How many types of groups a project has at most.
pub const GROUP_TYPES: usize = 5;

/// A person in its project.
pub type PersonKey = (TeamId, PersonId);

/// A distinct id in its project. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IdKey {
    /// The project.
    pub team: TeamId,
    /// The distinct id.
    pub id: Arc<str>,
}

impl IdKey {
    /// A distinct id of a project.
    pub fn new(team: TeamId, id: impl Into<Arc<str>>) -> Self {
        Self { team, id: id.into() }
    }

    /// The person that it makes if it is the first one of a person.
    pub fn own_person(&self) -> PersonId {
        PersonId::in_project(self.team, &self.id)
    }
}

/// A group in its project. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GroupKey {
    /// The project.
    pub team: TeamId,
    /// The index of its type.
    pub type_index: u8,
    /// Its key within the type.
    pub key: Arc<str>,
}

/// What is known of a distinct id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Id {
    /// Whose it is; `None` where it was only used without a person, or was taken from one.
    pub person: Option<PersonId>,
    /// Grows with each change of the person.
    pub version: i64,
}

impl Id {
    /// A distinct id of which there are events without a person profile, and nothing else.
    pub const PERSONLESS: Self = Self { person: None, version: 0 };
}

/// A person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Its id.
    pub id: PersonId,
    /// Grows with each change.
    pub version: i64,
    /// When the person came to be.
    pub created_at: Timestamp,
    /// Whether the application ever said who it is.
    pub is_identified: bool,
    /// The hour in which an event of it came last.
    pub last_seen_at: Option<Timestamp>,
    /// Its properties.
    pub properties: Object,
    /// Whether it is gone; what is left is the version, which must go on growing.
    pub is_deleted: bool,
}

impl Person {
    /// The whole person as a change.
    pub fn to_change(&self, team: TeamId) -> Change {
        Change::Person {
            team,
            id: self.id,
            version: self.version,
            created_at: self.created_at,
            is_identified: self.is_identified,
            last_seen_at: self.last_seen_at,
            properties: self.properties.as_str().to_owned(),
            is_deleted: self.is_deleted,
        }
    }

    /// What is left of it when it is gone.
    pub(crate) fn tombstone(&self) -> Self {
        Self { version: self.version + 1, properties: Object::default(), is_deleted: true, ..*self }
    }
}

/// Whose rows of a former person are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Override {
    /// The person that they belong to.
    pub person: PersonId,
    /// Grows with each override of the former id.
    pub version: i64,
}

/// A group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// When it came to be.
    pub created_at: Timestamp,
    /// Its properties.
    pub properties: Object,
    /// Grows with each change.
    pub version: i64,
    /// Whether it is gone.
    pub is_deleted: bool,
}

impl Group {
    /// The whole group as a change.
    pub fn to_change(&self, key: &GroupKey) -> Change {
        Change::Group {
            team: key.team,
            type_index: key.type_index.into(),
            key: key.key.as_ref().to_owned(),
            created_at: self.created_at,
            properties: self.properties.as_str().to_owned(),
            version: self.version,
            is_deleted: self.is_deleted,
        }
    }
}

/// The names of a project's types of groups, by their index.
pub type GroupTypes = [Option<Arc<str>>; GROUP_TYPES];
