//! What an event makes of its person's properties.
//!
//! `$set_once` gives what the person lacks, then `$set` changes what differs, then `$unset` takes
//! away what the person had before the event. The order in which events are stored decides, not
//! their timestamps.
//!
//! Nothing is written where only noise changed ([`crate::noisy`]): but whether something is written
//! must not depend on what else happens to be in the group, so each event decides alone. (PostHog
//! decides for whatever it processes at once.)

use std::collections::BTreeMap;
use std::sync::Arc;

use event::Timestamp;

use crate::claim::Full;
use crate::noisy::is_noisy;
use crate::settings::PERSON_PROPERTIES_BYTES;
use crate::{Object, Person, Warning, json};

const HOUR_MICROS: i64 = 3_600_000_000;

/// The hour of an event, as a person's `last_seen_at` has it.
pub(super) fn hour(timestamp: Timestamp) -> Timestamp {
    let micros = timestamp.as_micros();
    Timestamp::from_micros(micros.saturating_sub(micros.rem_euclid(HOUR_MICROS)))
}

/// The person after an event, of the same version; `None` where nothing is to be written.
pub(super) fn update(
    person: &Person,
    full: &Full,
    timestamp: Timestamp,
    identifies: bool,
) -> (Option<Person>, Option<Warning>) {
    let seen_at = Some(hour(timestamp))
        .filter(|seen_at| !full.keeps_last_seen && person.last_seen_at < Some(*seen_at));
    let is_other_change = seen_at.is_some() || identifies && !person.is_identified;
    let extent = Extent::of(&person.properties, full);
    let is_written = match extent {
        Extent::Nothing => false,
        Extent::Noise => is_other_change,
        Extent::Change => true,
    };
    if !is_written && !is_other_change {
        return (None, None);
    }
    let properties = is_written.then(|| applied(&person.properties, full));
    let (properties, warning) = match properties {
        Some(properties) if is_too_large(&properties, &person.properties) => {
            (None, Some(Warning::PropertiesTooLarge))
        }
        properties => (properties, None),
    };
    if properties.is_none() && !is_other_change {
        return (None, warning);
    }
    let updated = Person {
        is_identified: person.is_identified || identifies,
        last_seen_at: seen_at.or(person.last_seen_at),
        properties: properties.unwrap_or_else(|| person.properties.clone()),
        ..*person
    };
    (Some(updated), warning)
}

/// Only a test of what changes; nothing is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Extent {
    Nothing,
    Noise,
    Change,
}

impl Extent {
    fn of(properties: &Object, full: &Full) -> Self {
        if full.keeps_properties {
            return Self::Nothing;
        }
        let is_unset = full.unset.iter().any(|key| properties.get(key).is_some());
        let lacks_any = || walk(properties, &full.set_once).any(|(_, known, _)| known.is_none());
        if is_unset || lacks_any() {
            return Self::Change;
        }
        let mut extent = Self::Nothing;
        for (key, known, value) in walk(properties, &full.set) {
            let is_same = known.is_some_and(|known| json::is_same(known, value));
            let is_noise = known.is_some() && !full.is_about_person && is_noisy(key);
            match (is_same, is_noise) {
                (true, _) => {}
                (false, true) => extent = Self::Noise,
                (false, false) => return Self::Change,
            }
        }
        extent
    }
}

/// The members of an object, each with what another has under the same key.
fn walk<'a>(
    known: &'a Object,
    object: &'a Object,
) -> impl Iterator<Item = (&'a str, Option<&'a str>, &'a str)> {
    let mut known = known.iter().peekable();
    object.iter().map(move |(key, value)| {
        while known.next_if(|(other, _)| *other < key).is_some() {}
        (key, known.next_if(|(other, _)| *other == key).map(|(_, known)| known), value)
    })
}

fn applied(properties: &Object, full: &Full) -> Object {
    let mut members: BTreeMap<&str, &str> = properties.iter().collect();
    for (key, value) in full.set_once.iter() {
        members.entry(key).or_insert(value);
    }
    members.extend(full.set.iter());
    for key in full.unset.iter().filter(|key| properties.get(key).is_some()) {
        members.remove(key.as_ref());
    }
    Object::of_map(&members)
}

/// Whether these are too large for a person or a group, and not only because they were before.
pub(super) fn is_too_large(properties: &Object, before: &Object) -> bool {
    let bytes = properties.as_str().len();
    bytes > PERSON_PROPERTIES_BYTES && bytes > before.as_str().len()
}

/// The properties of a new person.
pub(super) fn created(full: &Full, uuid: uuid::Uuid) -> (Object, Option<Warning>) {
    let creator = Object::parse(&format!(r#"{{"$creator_event_uuid":"{uuid}"}}"#));
    let properties = full.set_once.overlaid(&full.set).overlaid(&creator);
    match is_too_large(&properties, &creator) {
        true => (creator, Some(Warning::PropertiesTooLarge)),
        false => (properties, None),
    }
}

/// The properties of a merged person before the event that merged it.
pub(super) fn merged(into: &Arc<Person>, other: &Arc<Person>) -> (Object, Option<Warning>) {
    let properties = other.properties.overlaid(&into.properties);
    match is_too_large(&properties, &into.properties) {
        true => (into.properties.clone(), Some(Warning::PropertiesTooLarge)),
        false => (properties, None),
    }
}
