//! Making two distinct ids one person's.
//!
//! | `into` has a person | `other` has one | |
//! |---|---|---|
//! | no | no | a person is made of both, identified |
//! | yes | no | `other` becomes the person's, too |
//! | no | yes | `into` becomes the person's, too |
//! | the same | | nothing |
//! | yes | another | `other`'s person becomes part of `into`'s |
//!
//! The last is refused where `other`'s person is identified: two who both said who they are, are
//! two. Only `$merge_dangerously` overrules that. Refused or not, the person of the event is
//! identified from then on.
//!
//! Rows that were stored with an id that is no person's any more are found by an override
//! ([`event::Change::Override`]).

use std::sync::Arc;

use event::PersonId;

use super::view::View;
use super::{Fold, Subject, update};
use crate::claim::{Claim, Full, Merge};
use crate::illegal::is_mergeable;
use crate::settings::{MERGED_DISTINCT_ID_BYTES, MERGED_DISTINCT_IDS};
use crate::{Base, Error, Id, IdKey, Person, PersonKey, Warning};

/// What became of a merge.
pub(super) struct Merged {
    /// Whom the event is about, where the merge says so.
    pub(super) subject: Option<Subject>,
    pub(super) identifies: bool,
}

impl<B: Base> Fold<'_, B> {
    pub(super) fn merge(
        &mut self,
        claim: &Claim,
        full: &Full,
        merge: &Merge,
    ) -> Result<Merged, Error> {
        if !is_mergeable(&claim.id.id) || !is_mergeable(&merge.other.id) {
            self.warnings.push(Warning::IllegalDistinctId);
            return Ok(Merged { subject: None, identifies: false });
        }
        let other = self.view.person_of(&merge.other)?;
        let into = self.view.person_of(&claim.id)?;
        let subject = match (into, other) {
            (None, None) => self.create_of_both(claim, full, merge)?,
            (Some(person), None) => self.adopt(person, &merge.other)?,
            (None, Some(person)) => self.adopt(person, &claim.id)?,
            (Some(into), Some(other)) if into.id == other.id => Subject::Stored(into),
            (Some(into), Some(other)) => self.unite(claim, full, merge, (into, other))?,
        };
        Ok(Merged { subject: Some(subject), identifies: true })
    }

    /// Makes a person of two distinct ids.
    ///
    /// The first gives the person its id. That is one of which there are rows already, if one is
    /// known, so that these are the person's without a join.
    fn create_of_both(
        &mut self,
        claim: &Claim,
        full: &Full,
        merge: &Merge,
    ) -> Result<Subject, Error> {
        let is_used = |id: Option<Id>| id.is_some();
        let into_is_used = is_used(self.view.id(&claim.id)?);
        let other_is_used = is_used(self.view.id(&merge.other)?);
        let (first, second) = match !into_is_used && other_is_used {
            true => (&merge.other, &claim.id),
            false => (&claim.id, &merge.other),
        };
        let subject = self.create(claim, full, first, true)?;
        let person = subject.person().id;
        adopt_id(&mut self.view, second, person)?;
        Ok(subject)
    }

    fn adopt(&mut self, person: Arc<Person>, id: &IdKey) -> Result<Subject, Error> {
        adopt_id(&mut self.view, id, person.id)?;
        Ok(Subject::Stored(person))
    }

    /// Makes a person part of another.
    fn unite(
        &mut self,
        claim: &Claim,
        full: &Full,
        merge: &Merge,
        (into, other): (Arc<Person>, Arc<Person>),
    ) -> Result<Subject, Error> {
        let team = claim.id.team;
        if other.is_identified && !merge.is_dangerous {
            self.warnings.push(Warning::AlreadyIdentified);
            return Ok(Subject::Stored(into));
        }
        let moved = self.view.ids_of((team, other.id), MERGED_DISTINCT_IDS)?;
        let Some(moved) = moved.filter(|moved| bytes(moved) <= MERGED_DISTINCT_ID_BYTES) else {
            self.warnings.push(Warning::TooManyDistinctIds);
            return Ok(Subject::Stored(into));
        };
        let (properties, warning) = update::merged(&into, &other);
        self.warnings.extend(warning);
        let united = Person {
            version: into.version.max(other.version) + 1,
            created_at: into.created_at.min(other.created_at),
            is_identified: true,
            last_seen_at: into.last_seen_at.max(other.last_seen_at),
            properties,
            ..*into
        };
        // Once for the persons as they were, as PostHog does it; the event itself follows.
        let (updated, warning) = update::update(&united, full, claim.timestamp, true);
        self.warnings.extend(warning);
        self.view.put_person(team, other.tombstone());
        for id in &moved {
            self.view.put_id(id, into.id)?;
        }
        override_all(&mut self.view, (team, other.id), &moved, into.id)?;
        Ok(Subject::Draft(updated.unwrap_or(united)))
    }
}

fn bytes(ids: &[IdKey]) -> usize {
    ids.iter().map(|id| id.id.len()).sum()
}

/// Gives a person a distinct id that has none.
///
/// Of an id that was never seen here there may be rows all the same, of a time without memory.
fn adopt_id<B: Base>(view: &mut View<'_, B>, id: &IdKey, person: PersonId) -> Result<(), Error> {
    view.put_id(id, person)?;
    let own = id.own_person();
    match own != person {
        true => view.put_override((id.team, own), person),
        false => Ok(()),
    }
}

/// Overrides every id that a row of a former person may have.
fn override_all<B: Base>(
    view: &mut View<'_, B>,
    (team, former): PersonKey,
    moved: &[IdKey],
    person: PersonId,
) -> Result<(), Error> {
    let mut ids = view.former_of((team, former))?;
    ids.push(former);
    ids.extend(moved.iter().map(IdKey::own_person));
    ids.sort_unstable();
    ids.dedup();
    ids.into_iter()
        .filter(|id| *id != person)
        .try_for_each(|id| view.put_override((team, id), person))
}
