//! The one parse of a V1 batch: members have one spelling and one type.

use std::cell::OnceCell;
use std::fmt;
use std::ops::Range;

use serde::de::{
    self, Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde_json::value::RawValue;

use crate::document::{Document, Item, Member};
use crate::memory::Budget;
use crate::parse::{Json, Nesting, Parser, parse_with};
use crate::{Error, Note, Notes, json};

/// What stands beside `batch`, and what v0 has no place for in an [`Item`].
#[derive(Debug, Default)]
pub(super) struct Batch<'a> {
    /// The raw string `created_at`.
    pub(super) created_at: &'a str,
    pub(super) is_historical: bool,
    /// One for each item, in order.
    pub(super) sent: Vec<Sent<'a>>,
}

/// Raw members of an event; none of them is `null`.
#[derive(Debug, Default)]
pub(super) struct Sent<'a> {
    pub(super) session_id: Option<&'a str>,
    pub(super) window_id: Option<&'a str>,
    pub(super) options: Option<&'a str>,
    pub(super) has_malformed_properties: bool,
}

/// Parses a batch; its items have a name, a uuid, a distinct id and a timestamp, all of them strings.
pub(super) fn parse<'a>(
    text: &'a str,
    repaired: &'a OnceCell<String>,
    budget: &mut Budget<'_>,
    notes: &mut Notes,
) -> Result<(Document<'a>, Batch<'a>), Error> {
    let root =
        |parser: &mut Parser<'_, '_, 'a>, json: &mut Json<'a>| Root(parser).deserialize(json);
    parse_with(text, repaired, Nesting::Limited, budget, notes, root)
}

/// The whole batch.
struct Root<'x, 'p, 'm, 'a>(&'x mut Parser<'p, 'm, 'a>);

impl<'de> DeserializeSeed<'de> for Root<'_, '_, '_, 'de> {
    type Value = Batch<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Batch<'de>, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Root<'_, '_, '_, 'de> {
    type Value = Batch<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a batch object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Batch<'de>, A::Error> {
        let (mut created_at, mut sent, mut is_historical) = (None, None, None);
        while let Some(key) = map.next_key::<&RawValue>()? {
            match json::string(key.get()).unwrap_or_default().as_ref() {
                "created_at" => once(&mut created_at, "created_at", map.next_value::<Text<'_>>()?)?,
                "historical_migration" => {
                    let migrates = map.next_value::<Option<bool>>()?;
                    once(&mut is_historical, "historical_migration", migrates)?;
                }
                "batch" => once(&mut sent, "batch", map.next_value_seed(Events(self.0))?)?,
                "capture_internal" => drop(map.next_value::<IgnoredAny>()?),
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    self.0.note(Note::IgnoredEnvelopeMember);
                }
            }
        }
        let missing = de::Error::missing_field;
        Ok(Batch {
            created_at: created_at.ok_or_else(|| missing("created_at"))?.0,
            is_historical: is_historical.flatten() == Some(true),
            sent: sent.ok_or_else(|| missing("batch"))?,
        })
    }
}

/// Takes a value for a member that may stand once.
fn once<T, E: de::Error>(place: &mut Option<T>, name: &'static str, value: T) -> Result<(), E> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(E::duplicate_field(name)),
    }
}

/// A raw string.
struct Text<'a>(&'a str);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match <&RawValue>::deserialize(deserializer)?.get() {
            raw if raw.starts_with('"') => Ok(Self(raw)),
            _ => Err(de::Error::custom("expected a string")),
        }
    }
}

/// The events of a batch.
struct Events<'x, 'p, 'm, 'a>(&'x mut Parser<'p, 'm, 'a>);

impl<'de> DeserializeSeed<'de> for Events<'_, '_, '_, 'de> {
    type Value = Vec<Sent<'de>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Events<'_, '_, '_, 'de> {
    type Value = Vec<Sent<'de>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of events")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut events: A) -> Result<Self::Value, A::Error> {
        let mut all = Vec::new();
        while let Some(sent) = events.next_element_seed(Event(self.0))? {
            all.push(sent);
        }
        Ok(all)
    }
}

/// One event.
struct Event<'x, 'p, 'm, 'a>(&'x mut Parser<'p, 'm, 'a>);

/// How deep an event's members stand: in an event, in an array, in the batch.
const LEVEL: usize = 3;
/// What an event costs beside its item: its own members, its uuid among those seen, its outcome.
const SENT_BYTES: usize = size_of::<Sent<'_>>() + 128;

impl<'de> DeserializeSeed<'de> for Event<'_, '_, '_, 'de> {
    type Value = Sent<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Sent<'de>, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Event<'_, '_, '_, 'de> {
    type Value = Sent<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an event object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Sent<'de>, A::Error> {
        let parser = self.0;
        parser.charge(SENT_BYTES)?;
        let (mut item, mut sent) = (Item::default(), Sent::default());
        let mut properties = None;
        let extras = parser.document.extras.len() as u32;
        while let Some(key) = map.next_key::<&RawValue>()? {
            let name = json::string(key.get()).unwrap_or_default();
            if name == "properties" {
                let read = map.next_value_seed(Properties(parser))?;
                once(&mut properties, "properties", read)?;
                continue;
            }
            let value: &RawValue = map.next_value()?;
            let member = parser.member(key, value, LEVEL)?;
            place(parser, (&mut item, &mut sent), &name, member)?;
        }
        for (name, raw) in [
            ("event", item.event),
            ("uuid", item.uuid),
            ("distinct_id", item.distinct_id),
            ("timestamp", item.timestamp),
        ] {
            raw.ok_or_else(|| de::Error::missing_field(name))?;
        }
        match properties {
            Some(Some(range)) => item.properties = range,
            Some(None) => sent.has_malformed_properties = true,
            None => {}
        }
        item.extras = extras..parser.document.extras.len() as u32;
        parser.push(item)?;
        Ok(sent)
    }
}

/// Puts a member where it belongs.
fn place<'a, E: de::Error>(
    parser: &mut Parser<'_, '_, 'a>,
    (item, sent): (&mut Item<'a>, &mut Sent<'a>),
    name: &str,
    member: Member,
) -> Result<(), E> {
    let raw = parser.document.source.get(member.value);
    let (place, name, is_required) = match name {
        "event" => (&mut item.event, "event", true),
        "uuid" => (&mut item.uuid, "uuid", true),
        "distinct_id" => (&mut item.distinct_id, "distinct_id", true),
        "timestamp" => (&mut item.timestamp, "timestamp", true),
        "session_id" => (&mut sent.session_id, "session_id", false),
        "window_id" => (&mut sent.window_id, "window_id", false),
        "options" => {
            let options = Some(raw).filter(|&raw| raw != "null");
            return options.map_or(Ok(()), |raw| once(&mut sent.options, "options", raw));
        }
        _ if json::is_empty(raw) => return Ok(()),
        _ => {
            parser.document.extras.push(member);
            return Ok(());
        }
    };
    match raw {
        "null" if !is_required => Ok(()),
        raw if raw.starts_with('"') => once(place, name, raw),
        _ => Err(E::custom(format_args!("{name} must be a string"))),
    }
}

/// The value of `properties`: where its members are, or nothing where it is no object.
struct Properties<'x, 'p, 'm, 'a>(&'x mut Parser<'p, 'm, 'a>);

impl<'de> DeserializeSeed<'de> for Properties<'_, '_, '_, 'de> {
    type Value = Option<Range<u32>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Properties<'_, '_, '_, 'de> {
    type Value = Option<Range<u32>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("properties")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let parser = self.0;
        let start = parser.document.members.len() as u32;
        while let Some(key) = map.next_key::<&RawValue>()? {
            let member = parser.member(key, map.next_value()?, LEVEL + 1)?;
            parser.document.members.push(member);
        }
        Ok(Some(start..parser.document.members.len() as u32))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }

    fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_u64<E: de::Error>(self, _: u64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_str<E: de::Error>(self, _: &str) -> Result<Self::Value, E> {
        Ok(None)
    }
}
