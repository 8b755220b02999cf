//! Forgetting a person.
//!
//! What is left says that there was somebody: of the person, of each distinct id and of each override
//! a version that later ones are above, wherever older rows are still read. Properties go, and so do
//! the times. An id stays one that was used: of two such the first gives a new person its id, and
//! which one that is need not depend on what was forgotten.

use std::sync::Arc;

use event::{Change, ErasureKind, PersonId, TeamId, Timestamp};
use uuid::Uuid;

use super::view::View;
use crate::settings::{ERASED_DISTINCT_ID_BYTES, ERASED_DISTINCT_IDS, ERASED_PERSON_IDS};
use crate::{Base, Error, IdKey, Layer, NotErased, Object, Person, PersonKey};

/// Whom to forget.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A person, by its id or by that of one that became part of it.
    Person(PersonId),
    /// Whose distinct id this is; where it is nobody's, the id alone.
    DistinctId(Arc<str>),
    /// Whom another node has forgotten already, where nodes share persons.
    Forgotten(Forgotten),
}

/// An erasure, as far as it is about persons.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErasureRequest {
    /// The erasure's id, a UUIDv7.
    pub id: Uuid,
    /// The project.
    pub team: TeamId,
    /// Whom.
    pub target: Target,
    /// What becomes of the rows.
    pub kind: ErasureKind,
    /// When it was asked for.
    pub requested_at: Timestamp,
}

/// What is known of whom was forgotten.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// The distinct ids, in their order.
    pub distinct_ids: Vec<Arc<str>>,
    /// Every id that rows of the person may have, in their order.
    pub person_ids: Vec<PersonId>,
    /// What changed, to be stored in the same record as the erasure.
    pub changes: Vec<Change>,
}

/// Forgets a person; the overlay then holds what changed. Where it is refused, nothing did.
///
/// # Errors
/// When what was known before cannot be read.
pub fn erase<B: Base>(
    team: TeamId,
    target: &Target,
    overlay: &mut Layer,
    base: &mut B,
) -> Result<Result<Forgotten, NotErased>, Error> {
    let mut view = View { overlay, base, changes: Vec::new() };
    let person = match target {
        Target::Forgotten(forgotten) => return Ok(Ok(forgotten.clone())),
        Target::Person(id) => match present(&mut view, (team, *id))? {
            Some(person) => Some(person),
            None => return Ok(Err(NotErased::NoSuchPerson)),
        },
        Target::DistinctId(id) => view.person_of(&IdKey::new(team, Arc::clone(id)))?,
    };
    let ids = match (&person, target) {
        (Some(person), _) => view.ids_of((team, person.id), ERASED_DISTINCT_IDS)?,
        (None, Target::DistinctId(id)) => Some(vec![IdKey::new(team, Arc::clone(id))]),
        (None, Target::Person(_) | Target::Forgotten(_)) => Some(Vec::new()),
    };
    let Some(ids) = ids.filter(|ids| fits(ids)) else {
        return Ok(Err(NotErased::TooManyDistinctIds));
    };
    let person_ids =
        person_ids(&mut view, person.as_deref().map(|person| (team, person.id)), &ids)?;
    if person_ids.len() > ERASED_PERSON_IDS {
        return Ok(Err(NotErased::TooManyDistinctIds));
    }
    if let Some(person) = person {
        view.put_person(team, remains(&person));
        for id in &ids {
            view.take_id(id, person.id)?;
        }
        for id in &person_ids {
            view.end_override((team, *id))?;
        }
    }
    let distinct_ids = ids.into_iter().map(|key| key.id).collect();
    Ok(Ok(Forgotten { distinct_ids, person_ids, changes: view.changes }))
}

/// The person of an id, or that of which it became a part.
fn present<B: Base>(view: &mut View<'_, B>, key: PersonKey) -> Result<Option<Arc<Person>>, Error> {
    match view.person(key)? {
        Some(person) => Ok(Some(person)),
        None => match view.override_of(key)? {
            Some(to) => view.person((key.0, to.person)),
            None => Ok(None),
        },
    }
}

fn fits(ids: &[IdKey]) -> bool {
    ids.iter().map(|key| key.id.len()).sum::<usize>() <= ERASED_DISTINCT_ID_BYTES
}

/// Every id that rows of a person with these distinct ids may have.
fn person_ids<B: Base>(
    view: &mut View<'_, B>,
    person: Option<PersonKey>,
    ids: &[IdKey],
) -> Result<Vec<PersonId>, Error> {
    let mut all = match person {
        Some(key) => view.former_of(key)?,
        None => Vec::new(),
    };
    all.extend(person.map(|(_, id)| id));
    all.extend(ids.iter().map(IdKey::own_person));
    all.sort_unstable();
    all.dedup();
    Ok(all)
}

/// What is left of a person.
fn remains(person: &Person) -> Person {
    Person {
        id: person.id,
        version: person.version + 1,
        created_at: Timestamp::EPOCH,
        is_identified: false,
        last_seen_at: None,
        properties: Object::default(),
        is_deleted: true,
    }
}
