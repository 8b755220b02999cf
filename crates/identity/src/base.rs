//! Where the fold reads what was known before the group.

use std::sync::Arc;

use event::TeamId;

use crate::{Error, Group, GroupKey, GroupTypes, Id, IdKey, Override, Person, PersonKey};

/// What was known before the group. A store is one; so is what was fetched from one in advance.
pub trait Base {
    /// What is known of a distinct id.
    ///
    /// # Errors
    /// When the store cannot be read; so for all of these.
    fn id(&mut self, key: &IdKey) -> Result<Option<Id>, Error>;

    /// A person, or what is left of one.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn person(&mut self, key: PersonKey) -> Result<Option<Arc<Person>>, Error>;

    /// The distinct ids of a person, in any order; others may be among them, but none is missing,
    /// unless there are more than so many.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn ids_of(&mut self, key: PersonKey, most: usize) -> Result<Vec<Arc<str>>, Error>;

    /// Whose the rows of a former person are.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn override_of(&mut self, former: PersonKey) -> Result<Option<Override>, Error>;

    /// The former persons whose rows are a person's, as [`Base::ids_of`] gives distinct ids.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn former_of(&mut self, key: PersonKey) -> Result<Vec<event::PersonId>, Error>;

    /// A group, or what is left of one.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn group(&mut self, key: &GroupKey) -> Result<Option<Arc<Group>>, Error>;

    /// The names of a project's types of groups.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn group_types(&mut self, team: TeamId) -> Result<Arc<GroupTypes>, Error>;
}
