//! Persons for whoever asks, beside whoever settles.

use std::fmt;
use std::sync::Arc;

use event::{PersonId, TeamId};

use crate::{Error, Person};

/// A person, and what it is known by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The person.
    pub person: Arc<Person>,
    /// Its distinct ids in their order, as many as were asked for.
    pub distinct_ids: Vec<Arc<str>>,
}

/// What to search for.
#[derive(Clone, Debug, Default)]
pub struct Search {
    /// What the distinct id, the email or the name has in it, whatever the case; all if empty.
    pub text: String,
    /// Where the page before ended; from the newest person if `None`.
    pub after: Option<i64>,
    /// How many persons to find.
    pub limit: usize,
}

/// Some of the persons that were searched for.
#[derive(Clone, Debug)]
pub struct Page {
    /// The newest first.
    pub persons: Vec<Person>,
    /// Where the next page goes on, if there may be one.
    pub next: Option<i64>,
}

/// Looks persons up. It blocks, and sees every group that was settled before.
pub trait Lookup: fmt::Debug + Send + Sync {
    /// The person of a distinct id.
    ///
    /// # Errors
    /// When persons cannot be read; so for all of these.
    fn person_of(&self, team: TeamId, distinct_id: &str) -> Result<Option<Arc<Person>>, Error>;

    /// A person by its id, or by that of one that became part of it, and so many of its distinct
    /// ids.
    ///
    /// # Errors
    /// When persons cannot be read.
    fn person(
        &self,
        team: TeamId,
        id: PersonId,
        distinct_ids: usize,
    ) -> Result<Option<Found>, Error>;

    /// Persons of a project by some text.
    ///
    /// # Errors
    /// When persons cannot be read.
    fn search(&self, team: TeamId, search: &Search) -> Result<Page, Error>;

    /// Persons, each with so many of its distinct ids.
    ///
    /// # Errors
    /// When persons cannot be read.
    fn with_ids(
        &self,
        team: TeamId,
        persons: Vec<Person>,
        distinct_ids: usize,
    ) -> Result<Vec<Found>, Error> {
        let found = |person: Person| {
            let found = self.person(team, person.id, distinct_ids)?;
            Ok(found
                .unwrap_or_else(|| Found { person: Arc::new(person), distinct_ids: Vec::new() }))
        };
        persons.into_iter().map(found).collect()
    }

    /// The persons whose rows are this one's, where the lake may not know that.
    ///
    /// # Errors
    /// When persons cannot be read.
    fn former_of(&self, _team: TeamId, _id: PersonId) -> Result<Vec<PersonId>, Error> {
        Ok(Vec::new())
    }

    /// Whether the files have nothing that rows of this node's journal before an offset replaced: the
    /// tables reflect them, and the database's log, which has pages as they were, is cut.
    ///
    /// # Errors
    /// When the database cannot be opened.
    fn has_overwritten(&self, _offset: u64) -> Result<bool, Error> {
        Ok(true)
    }

    /// Why it cannot be told now whose events are.
    fn trouble(&self) -> Option<String> {
        None
    }
}
