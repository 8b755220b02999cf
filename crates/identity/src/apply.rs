//! Taking over changes that were settled once: on a start, what came after the checkpoint.
//!
//! A change counts only if its version is higher, so that it may be taken over twice.

use std::sync::Arc;

use event::{Change, TeamId};

use crate::{
    Base, Error, Group, GroupKey, GroupTypes, Id, IdKey, Layer, Object, Override, Person, PersonKey,
};

/// Takes a change over into a layer.
///
/// # Errors
/// When what was known before cannot be read.
pub fn apply<B: Base>(change: &Change, layer: &mut Layer, base: &mut B) -> Result<(), Error> {
    match change {
        Change::Person {
            team,
            id,
            version,
            created_at,
            is_identified,
            last_seen_at,
            properties,
            is_deleted,
        } => {
            let person = Person {
                id: *id,
                version: *version,
                created_at: *created_at,
                is_identified: *is_identified,
                last_seen_at: *last_seen_at,
                properties: Object::parse(properties),
                is_deleted: *is_deleted,
            };
            apply_person(*team, person, layer, base)
        }
        Change::DistinctId { team, distinct_id, person_id, version, is_deleted } => {
            let key = IdKey::new(*team, distinct_id.as_str());
            let id = Id { person: (!is_deleted).then_some(*person_id), version: *version };
            if known_id(&key, layer, base)?.is_none_or(|known| is_newer(id, known)) {
                layer.put_id(key, id);
            }
            Ok(())
        }
        Change::Override { team, old_person_id, person_id, version } => {
            let to = Override { person: *person_id, version: *version };
            apply_override((*team, *old_person_id), to, layer, base)
        }
        Change::Group { team, type_index, key, created_at, properties, version, is_deleted } => {
            let Ok(type_index) = u8::try_from(*type_index) else { return Ok(()) };
            let group = Group {
                created_at: *created_at,
                properties: Object::parse(properties),
                version: *version,
                is_deleted: *is_deleted,
            };
            let key = GroupKey { team: *team, type_index, key: key.as_str().into() };
            apply_group(key, group, layer, base)
        }
        Change::GroupType { team, index, name } => {
            apply_group_type(*team, *index, name, layer, base)
        }
    }
}

fn apply_person<B: Base>(
    team: TeamId,
    person: Person,
    layer: &mut Layer,
    base: &mut B,
) -> Result<(), Error> {
    let key = (team, person.id);
    let known = match layer.persons.get(&key) {
        Some(known) => Some(Arc::clone(known)),
        None => base.person(key)?,
    };
    if known.is_none_or(|known| known.version < person.version) {
        layer.put_person(team, Arc::new(person));
    }
    Ok(())
}

fn apply_override<B: Base>(
    former: PersonKey,
    to: Override,
    layer: &mut Layer,
    base: &mut B,
) -> Result<(), Error> {
    let known = match layer.overrides.get(&former) {
        Some(known) => Some(*known),
        None => base.override_of(former)?,
    };
    if known.is_none_or(|known| known.version < to.version) {
        layer.put_override(former, to);
    }
    Ok(())
}

fn apply_group<B: Base>(
    key: GroupKey,
    group: Group,
    layer: &mut Layer,
    base: &mut B,
) -> Result<(), Error> {
    let known = match layer.groups.get(&key) {
        Some(known) => Some(Arc::clone(known)),
        None => base.group(&key)?,
    };
    if known.is_none_or(|known| known.version < group.version) {
        layer.put_group(key, Arc::new(group));
    }
    Ok(())
}

fn apply_group_type<B: Base>(
    team: TeamId,
    index: i64,
    name: &str,
    layer: &mut Layer,
    base: &mut B,
) -> Result<(), Error> {
    let known = match layer.group_types.get(&team) {
        Some(known) => Arc::clone(known),
        None => base.group_types(team)?,
    };
    let mut types = GroupTypes::clone(&*known);
    if let Some(place) = usize::try_from(index).ok().and_then(|index| types.get_mut(index)) {
        *place = Some(name.into());
        layer.put_group_types(team, Arc::new(types));
    }
    Ok(())
}

/// Takes over that a distinct id was used without a person.
///
/// # Errors
/// When what was known before cannot be read.
pub fn note_personless<B: Base>(
    team: TeamId,
    distinct_id: &str,
    layer: &mut Layer,
    base: &mut B,
) -> Result<(), Error> {
    let key = IdKey::new(team, distinct_id);
    if known_id(&key, layer, base)?.is_none() {
        layer.put_id(key, Id::PERSONLESS);
    }
    Ok(())
}

fn known_id<B: Base>(key: &IdKey, layer: &Layer, base: &mut B) -> Result<Option<Id>, Error> {
    match layer.ids.get(key) {
        Some(known) => Ok(Some(*known)),
        None => base.id(key),
    }
}

fn is_newer(id: Id, known: Id) -> bool {
    // A note has no version of its own.
    id.version > known.version || known == Id::PERSONLESS
}
