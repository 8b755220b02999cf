//! What an event says of whom it is about.
//!
//! A claim is made in the task that received the event, many at a time; the fold then settles one
//! after the other. So whatever can be decided without knowing what came before is decided here.

mod lift;
mod wanted;

use std::sync::Arc;

use event::{BROUGHT_PERSON, Event, PersonId, PersonMode, Table, TeamId, Timestamp};
use serde_json::value::RawValue;
use uuid::Uuid;

use self::wanted::Wanted;
use crate::members::Members;
use crate::object::key_of;
use crate::{IdKey, Object, Settled, json};

/// Longest name of a type of groups in PostHog's database, and longest key of a group, in code
/// points.
const GROUP_CHARS: usize = 400;

/// What an event says of whom it is about.
#[derive(Clone, Debug)]
pub struct Claim {
    pub(crate) id: IdKey,
    /// The person of the distinct id where it has no other.
    pub(crate) own: PersonId,
    pub(crate) uuid: Uuid,
    pub(crate) timestamp: Timestamp,
    pub(crate) part: Part,
}

/// What an event has to do with persons.
#[derive(Clone, Debug)]
pub(crate) enum Part {
    /// It belongs to no project: nothing is kept of it.
    Stranger(PersonMode),
    /// It is kept apart from events: it has a person, and changes nothing.
    Bystander(PersonMode),
    /// It asks for no person.
    Personless,
    /// It has a person.
    Full(Box<Full>),
}

/// What an event with a person says.
#[derive(Clone, Debug, Default)]
pub(crate) struct Full {
    pub(crate) merge: Option<Merge>,
    pub(crate) set: Object,
    pub(crate) set_once: Object,
    /// Keys as [`Object`] writes them.
    pub(crate) unset: Box<[Box<str>]>,
    /// Whether it is about the person, so that every change counts.
    pub(crate) is_about_person: bool,
    /// Whether it makes a person, but changes none.
    pub(crate) keeps_properties: bool,
    pub(crate) keeps_last_seen: bool,
    /// Whether it makes no person where there is none.
    pub(crate) is_flag_call: bool,
    /// Names of types and keys, as they were sent.
    pub(crate) groups: Box<[(Box<str>, Box<str>)]>,
    pub(crate) group: Option<GroupClaim>,
}

/// Whom to make one.
#[derive(Clone, Debug)]
pub(crate) struct Merge {
    pub(crate) other: IdKey,
    pub(crate) is_dangerous: bool,
}

/// What is said of a group.
#[derive(Clone, Debug)]
pub(crate) struct GroupClaim {
    pub(crate) type_name: Box<str>,
    pub(crate) key: Arc<str>,
    pub(crate) set: Object,
}

impl Claim {
    /// What an event of a project says.
    pub fn new(event: &Event, team: TeamId) -> Self {
        let id = IdKey::new(team, event.distinct_id.as_str());
        let own = PersonId::of_first_distinct_id(team, &event.token, &event.distinct_id);
        let part = Part::of(event, &id);
        Self { id, own, uuid: event.uuid, timestamp: event.timestamp, part }
    }

    /// Whose it is where nothing is known of anybody.
    pub(crate) fn alone(&self) -> Settled {
        let mode = match &self.part {
            Part::Stranger(mode) | Part::Bystander(mode) => *mode,
            Part::Personless => PersonMode::Propertyless,
            Part::Full(_) => PersonMode::Full,
        };
        Settled::alone(self.own, mode)
    }

    /// The distinct ids that it names, for whoever fetches in advance what is known of them; none
    /// where nothing needs to be known.
    pub fn distinct_ids(&self) -> impl Iterator<Item = &IdKey> {
        let other = match &self.part {
            Part::Full(full) => full.merge.as_ref().map(|merge| &merge.other),
            _ => None,
        };
        let own = (!matches!(self.part, Part::Stranger(_))).then_some(&self.id);
        own.into_iter().chain(other)
    }

    /// About how much memory it takes, for whoever bounds what waits.
    pub fn bytes(&self) -> usize {
        let more = match &self.part {
            Part::Full(full) => size_of::<Full>() + full.set.bytes() + full.set_once.bytes(),
            _ => 0,
        };
        size_of::<Self>() + self.id.id.len() + more
    }
}

impl Part {
    fn of(event: &Event, id: &IdKey) -> Self {
        let mode = match event.process_person_profile {
            true => PersonMode::Full,
            false => PersonMode::Propertyless,
        };
        match (id.team, event.table, mode) {
            (TeamId::UNCLAIMED, _, mode) => Self::Stranger(mode),
            (_, Table::Events, PersonMode::Full) => Self::Full(Box::new(Full::of(event, id))),
            // What was brought of a person is kept apart from events, and changes the person.
            (_, Table::Quarantine, PersonMode::Full) if event.reason == Some(BROUGHT_PERSON) => {
                Self::Full(Box::new(Full::of(event, id)))
            }
            (_, Table::Events, _) => Self::Personless,
            (_, _, mode) => Self::Bystander(mode),
        }
    }
}

impl Full {
    fn of(event: &Event, id: &IdKey) -> Self {
        let name = event.event.as_str();
        let (wanted, mut lifted) = Wanted::find(&event.properties);
        let groups = wanted.groups.map(groups).unwrap_or_default();
        let is_group = name == "$groupidentify";
        let mut full = Self {
            merge: merge(name, &wanted, id),
            is_about_person: matches!(
                name,
                "$identify" | "$create_alias" | "$merge_dangerously" | "$set"
            ),
            keeps_properties: event.keeps_persons || matches!(name, "$exception" | "$$heatmap"),
            keeps_last_seen: wanted.update_last_seen_at == Some("false"),
            is_flag_call: name == "$feature_flag_called"
                && wanted.process_person_profile != Some("true")
                && groups.is_empty(),
            group: group(event, &wanted, &groups),
            groups,
            ..Self::default()
        };
        // What a group's event sets is the group's.
        if !is_group {
            lifted.settle(wanted.is_server == Some("true"), event.has_place);
            full.set = lifted.under_set(object(event.set.as_deref()));
            full.set_once = lifted.under_set_once(object(event.set_once.as_deref()));
            full.unset = wanted.unset.map(unset).unwrap_or_default();
        }
        if name == "survey shown" {
            full.set = last_survey(event.timestamp).overlaid(&full.set);
        }
        full
    }
}

fn object(text: Option<&str>) -> Object {
    text.map(Object::parse).unwrap_or_default()
}

/// Surveys are shown to whom none was shown lately.
fn last_survey(seen_at: Timestamp) -> Object {
    Object::parse(&format!(r#"{{"$survey_last_seen_date":"{seen_at}"}}"#))
}

fn merge(name: &str, wanted: &Wanted<'_>, id: &IdKey) -> Option<Merge> {
    let other = match name {
        "$identify" => wanted.anon_distinct_id,
        "$create_alias" | "$merge_dangerously" => wanted.alias.filter(|raw| json::is_truthy(raw)),
        _ => None,
    };
    let other = json::text(other?);
    (*other != *id.id).then(|| Merge {
        other: IdKey::new(id.team, other),
        is_dangerous: name == "$merge_dangerously",
    })
}

/// Names in an array, or the keys of an object.
fn unset(raw: &str) -> Box<[Box<str>]> {
    let Ok(names) = serde_json::from_str::<Vec<&RawValue>>(raw) else {
        return Members::of(raw).map(|(key, _)| key_of(key).into()).collect();
    };
    let quoted = |name: &&RawValue| {
        let quoted = name.get().strip_prefix('"')?.strip_suffix('"')?;
        Some(key_of(quoted).into())
    };
    names.iter().filter_map(quoted).collect()
}

fn groups(raw: &str) -> Box<[(Box<str>, Box<str>)]> {
    let mut groups: Vec<(Box<str>, Box<str>)> = Vec::new();
    for (name, key) in Members::of(raw) {
        let name = without_nul(&json::text(&format!("\"{name}\"")));
        let key = group_key(key);
        match groups.iter_mut().find(|(known, _)| *known == name) {
            Some(group) => group.1 = key,
            None if is_type_name(&name) => groups.push((name, key)),
            None => {}
        }
    }
    groups.retain(|(_, key)| fits(key));
    groups.into_boxed_slice()
}

fn group_key(raw: &str) -> Box<str> {
    match raw {
        "null" => Box::default(),
        raw => without_nul(&json::text(raw)),
    }
}

/// Databases take no NUL.
fn without_nul(text: &str) -> Box<str> {
    text.replace('\0', "\u{fffd}").into()
}

fn is_type_name(name: &str) -> bool {
    !name.is_empty() && fits(name)
}

/// What is longer is nobody's id, and is in no index.
fn fits(text: &str) -> bool {
    text.len() <= GROUP_CHARS || text.chars().count() <= GROUP_CHARS
}

/// What an event says of a group: a `$groupidentify`, or an `$identify` made of `/engage`, which may
/// say `$group_set` of the one group that it names.
fn group(
    event: &Event,
    wanted: &Wanted<'_>,
    groups: &[(Box<str>, Box<str>)],
) -> Option<GroupClaim> {
    let truthy = |raw: Option<&'_ str>| raw.filter(|raw| json::is_truthy(raw)).map(str::to_owned);
    let named = truthy(wanted.group_type).zip(truthy(wanted.group_key));
    let named = named.map(|(name, key)| (without_nul(&json::text(&name)), group_key(&key)));
    let (type_name, key): (Box<str>, Box<str>) = match (event.event.as_str(), groups) {
        ("$groupidentify", _) => named?,
        ("$identify", [only]) if event.group_set.is_some() => named.unwrap_or_else(|| only.clone()),
        ("$identify", _) if event.group_set.is_some() => named?,
        _ => return None,
    };
    (is_type_name(&type_name) && !key.is_empty() && fits(&key)).then(|| GroupClaim {
        type_name,
        key: key.into(),
        set: match event.keeps_persons {
            true => Object::default(),
            false => object(event.group_set.as_deref()),
        },
    })
}

#[cfg(test)]
mod tests;
