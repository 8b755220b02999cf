//! What an item means. One file per meaning; each fills a [`Draft`].

mod alias;
mod engage;
mod event;
mod groups;
mod identify;

use std::borrow::Cow;

use crate::document::{Document, Item};
use crate::properties::{Known, Name};
use crate::{Error, Lane, json};

/// How an item is to be understood.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Role {
    /// As the event that it names.
    #[default]
    Event,
    /// As person properties.
    Identify,
    /// As a group's properties.
    Groups,
    /// As another name of a person.
    Alias,
    /// As changes to a person, Mixpanel's way.
    Engage,
}

impl Role {
    /// The role of an item on a lane. On `/batch` the original Hogflare tells items apart by
    /// `event`, by `type`, or by having both `alias` and `distinct_id`.
    pub(crate) fn of(lane: Lane, item: &Item<'_>) -> Result<Self, Error> {
        match lane {
            Lane::Identify => return Ok(Self::Identify),
            Lane::Groups => return Ok(Self::Groups),
            Lane::Alias => return Ok(Self::Alias),
            _ => {}
        }
        match item.event {
            Some(raw) if raw.starts_with('"') => return Ok(Self::Event),
            Some(_) => return Err(Error::unparsable("event must be a string")),
            None => {}
        }
        let by_type = || Self::of_type(&json::string(item.kind?)?);
        let has_alias = item.alias.is_some() && item.distinct_id.is_some();
        match lane {
            Lane::Engage => Ok(Self::Engage),
            Lane::Batch => {
                by_type().or(has_alias.then_some(Self::Alias)).ok_or(Error::MissingEventName)
            }
            _ => Err(Error::MissingEventName),
        }
    }

    fn of_type(kind: &str) -> Option<Self> {
        match kind {
            "identify" => Some(Self::Identify),
            "groupidentify" | "group_identify" => Some(Self::Groups),
            "alias" => Some(Self::Alias),
            "engage" => Some(Self::Engage),
            _ => None,
        }
    }
}

/// An event in the making.
#[derive(Debug, Default)]
pub(crate) struct Draft<'a> {
    /// Its name.
    pub(crate) event: Cow<'a, str>,
    /// Raw distinct ids; the first that is not blank counts.
    pub(crate) distinct_ids: [Option<&'a str>; 3],
    /// Person properties to set, as JSON objects.
    pub(crate) set: Option<Cow<'a, str>>,
    /// Person properties to set where there are none.
    pub(crate) set_once: Option<Cow<'a, str>>,
    /// Properties of a group.
    pub(crate) group_set: Option<Cow<'a, str>>,
    /// Properties to add, or to replace those sent, with raw values.
    pub(crate) appended: Vec<(Name, Cow<'a, str>)>,
    /// What is kept beside the unknown members, with raw values.
    pub(crate) extra: Vec<(&'static str, Cow<'a, str>)>,
}

impl<'a> Draft<'a> {
    /// What an event says that can only be one.
    pub(crate) fn of_event(item: &Item<'a>, known: &Known<'_, 'a>) -> Self {
        let mut draft = Self::of_members(item, known);
        event::fill(&mut draft, item);
        draft
    }

    fn of_members(item: &Item<'a>, known: &Known<'_, 'a>) -> Self {
        let mut draft = Self {
            distinct_ids: [item.distinct_id, known.get(Name::DistinctId), None],
            set: overlay(known.object(Name::Set), item.set),
            set_once: overlay(known.object(Name::SetOnce), item.set_once),
            group_set: overlay(known.object(Name::GroupSet), item.group_set),
            ..Self::default()
        };
        if let Some(raw) = item.unset {
            draft.appended.push((Name::Unset, Cow::Borrowed(raw)));
        }
        draft
    }

    /// What an item of its role says.
    pub(crate) fn of(
        document: &Document<'a>,
        item: &Item<'a>,
        known: &Known<'_, 'a>,
    ) -> Result<Self, Error> {
        let mut draft = Self::of_members(item, known);
        match item.role {
            Role::Event => event::fill(&mut draft, item),
            Role::Identify => identify::fill(&mut draft, document, item, known),
            Role::Groups => groups::fill(&mut draft, document, item, known)?,
            Role::Alias => alias::fill(&mut draft, item)?,
            Role::Engage => engage::fill(&mut draft),
        }
        draft.keep_unused(item);
        Ok(draft)
    }

    /// The raw value that a property will have.
    pub(crate) fn value<'s>(&'s self, known: &Known<'_, 'a>, name: Name) -> Option<&'s str> {
        let mut appended = self.appended.iter().rev();
        match appended.find(|(appended, _)| *appended == name) {
            Some((_, raw)) => Some(raw),
            None => known.get(name),
        }
    }

    /// Members that mean something in another role only are kept like unknown ones.
    fn keep_unused(&mut self, item: &Item<'a>) {
        let is_groups = item.role == Role::Groups;
        let is_alias = item.role == Role::Alias;
        let is_known_type = |raw| match json::string(raw).as_deref() {
            Some("capture") => true,
            kind => kind.and_then(Role::of_type).is_some_and(|role| role == item.role),
        };
        let unused = [
            ("event", item.event.filter(|_| item.role != Role::Event)),
            ("type", item.kind.filter(|raw| !is_known_type(raw))),
            ("alias", item.alias.filter(|_| !is_alias)),
            ("group_type", item.group_type.filter(|_| !is_groups)),
            ("group_key", item.group_key.filter(|_| !is_groups)),
        ];
        for (name, raw) in unused {
            if let Some(raw) = raw.filter(|raw| !json::is_empty(raw)) {
                self.extra.push((name, Cow::Borrowed(raw)));
            }
        }
    }
}

/// One object over another, or the one there is.
fn overlay<'a>(under: Option<&'a str>, over: Option<&'a str>) -> Option<Cow<'a, str>> {
    match (under, over) {
        (Some(under), Some(over)) => Some(Cow::Owned(crate::splice::overlay(under, over))),
        (one, other) => one.or(other).map(Cow::Borrowed),
    }
}

/// The given properties under those that the item lifts out itself.
fn over_given<'a>(given: Option<String>, lifted: Option<Cow<'a, str>>) -> Option<Cow<'a, str>> {
    match (given, lifted) {
        (Some(given), Some(lifted)) => Some(crate::splice::overlay(&given, &lifted).into()),
        (given, lifted) => given.map(Cow::Owned).or(lifted),
    }
}

/// Refuses an item that lacks what its role is about.
fn required<'a>(raw: Option<&'a str>, name: &str) -> Result<Cow<'a, str>, Error> {
    let text = crate::distinct_id::text(raw.unwrap_or("null"));
    match text.trim().is_empty() {
        true => Err(Error::unparsable(format!("{name} is required"))),
        false => Ok(text),
    }
}
