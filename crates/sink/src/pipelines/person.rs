//! The stream of persons: a row for every event that says something of its person, and the stream's
//! schema, `scripts/persons-pipeline-schema.json`.
//!
//! A row is a change, not a state: what is set, set once and unset, and which other id is the same
//! person's. Folding the changes of a person in the order of (`journal_id`, `journal_offset`) gives
//! the person.

use std::borrow::Cow;
use std::collections::BTreeMap;

use event::{Kind, LIFTED_PROPERTIES, PersonMode, Row, Table, Value};
use journal::{JournalId, Offset, Record};
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use super::RowSource;
use super::json::{append_member, field};
use super::source::{JsonRow, rows_of};
use crate::Error;

/// Changes of persons, out of the events that make them.
#[derive(Clone, Copy, Debug)]
pub struct PersonRows;

impl RowSource for PersonRows {
    fn rows(&self, record: &Record, journal_id: JournalId) -> Result<Vec<JsonRow>, Error> {
        let rows = rows_of(record)?;
        let counted = rows.iter().filter(|(_, row)| row.table() == Table::Events);
        let changes = counted.filter_map(|(offset, row)| {
            let change = Change::of(row, *offset, journal_id)?;
            Some((*offset, change.to_json()))
        });
        Ok(changes.collect())
    }
}

/// What an event says of its person.
struct Change<'a> {
    row: &'a Row,
    said: Said<'a>,
    /// Both JSON objects.
    set: Option<Cow<'a, str>>,
    set_once: Option<Cow<'a, str>>,
    journal_id: JournalId,
    journal_offset: Offset,
}

/// Members of an event's properties that concern its person.
#[derive(Default, Deserialize)]
struct Said<'a> {
    #[serde(borrow, rename = "$set")]
    set: Option<&'a RawValue>,
    #[serde(borrow, rename = "$set_once")]
    set_once: Option<&'a RawValue>,
    #[serde(borrow, rename = "$unset")]
    unset: Option<&'a RawValue>,
    #[serde(borrow, rename = "$anon_distinct_id")]
    anonymous_id: Option<&'a RawValue>,
    #[serde(borrow)]
    alias: Option<&'a RawValue>,
}

/// A column of the stream.
struct Column {
    name: &'static str,
    kind: Kind,
    required: bool,
    value: for<'a> fn(&'a Change<'_>) -> Value<'a>,
}

/// The stream's columns, in order.
const COLUMNS: &[Column] = &[
    required("uuid", Kind::Text, |change| Value::Uuid(change.row.uuid())),
    required("operation", Kind::Text, |change| text(change.operation())),
    required("source", Kind::Text, |_| text("posthog")),
    required("team_id", Kind::Integer, |change| Value::Integer(change.row.team_id)),
    required("token", Kind::Text, |change| text(&change.row.token)),
    required("api_key", Kind::Text, |change| text(&change.row.token)),
    required("person_id", Kind::Text, |change| Value::Uuid(change.row.person_id().0)),
    required("distinct_id", Kind::Text, |change| text(&change.row.distinct_id)),
    optional("other_distinct_id", Kind::Text, |change| {
        change.other_distinct_id().map_or(Value::Null, |id| Value::Text(Cow::Owned(id)))
    }),
    optional("set", Kind::Json, |change| optional_text(change.set.as_deref())),
    optional("set_once", Kind::Json, |change| optional_text(change.set_once.as_deref())),
    optional("unset", Kind::Json, |change| optional_text(change.said.unset.map(RawValue::get))),
    required("timestamp", Kind::Timestamp, |change| Value::Timestamp(change.row.timestamp_micros)),
    required("created_at", Kind::Timestamp, |change| {
        Value::Timestamp(change.row.created_at_micros)
    }),
    required("journal_id", Kind::Text, |change| Value::Uuid(change.journal_id.as_uuid())),
    required("journal_offset", Kind::Integer, |change| {
        Value::Integer(i64::try_from(change.journal_offset.get()).unwrap_or(i64::MAX))
    }),
];

/// The schema to create the stream with.
pub fn persons_schema() -> serde_json::Value {
    let fields = COLUMNS.iter().map(|column| field(column.name, column.kind, column.required));
    json!({ "fields": fields.collect::<Vec<_>>() })
}

impl<'a> Change<'a> {
    /// What the row says of its person; `None` where it says nothing, or where none is wanted.
    fn of(row: &'a Row, journal_offset: Offset, journal_id: JournalId) -> Option<Self> {
        if PersonMode::try_from(row.person_mode) == Ok(PersonMode::Propertyless) {
            return None;
        }
        let said: Said<'a> = serde_json::from_str(&row.properties).unwrap_or_default();
        let (set, set_once) = match (&row.set, &row.set_once, &row.person_properties) {
            (None, None, Some(merged)) => told_apart(merged, &said),
            (set, set_once, _) => {
                (set.as_deref().map(Cow::from), set_once.as_deref().map(Cow::from))
            }
        };
        let change = Self { row, said, set, set_once, journal_id, journal_offset };
        // A person's circumstances are told where a visit may begin, not with every click.
        let has_circumstances = matches!(row.event.as_str(), "$pageview" | "$screen")
            && (change.set.is_some() || change.set_once.is_some());
        let says_something = has_circumstances
            || change.set.as_deref().is_some_and(says_more_than_circumstances)
            || change.set_once.as_deref().is_some_and(says_more_than_circumstances)
            || change.said.unset.is_some()
            || change.operation() != "set";
        says_something.then_some(change)
    }

    /// `set`, `identify`, `alias` or `merge`.
    fn operation(&self) -> &'static str {
        match self.row.event.as_str() {
            "$identify" => "identify",
            "$create_alias" => "alias",
            "$merge_dangerously" => "merge",
            _ => "set",
        }
    }

    /// The other id that is this person's, too.
    fn other_distinct_id(&self) -> Option<String> {
        let raw = match self.operation() {
            "identify" => self.said.anonymous_id,
            "alias" | "merge" => self.said.alias,
            _ => None,
        };
        serde_json::from_str(raw?.get()).ok()
    }

    fn to_json(&self) -> Vec<u8> {
        let mut json = Vec::with_capacity(512);
        let mut separator = b'{';
        for column in COLUMNS {
            let value = (column.value)(self);
            if append_member(separator, column.name, column.kind, &value, &mut json) {
                separator = b',';
            }
        }
        json.push(b'}');
        json
    }
}

/// What is set and set once, out of both merged, as the lake has them.
///
/// The event's own `$set` and `$set_once` tell the names apart; of the others those that PostHog's SDKs
/// set once begin with `$initial_`.
fn told_apart(
    merged: &str,
    said: &Said<'_>,
) -> (Option<Cow<'static, str>>, Option<Cow<'static, str>>) {
    let (in_set, in_set_once) = (members(said.set), members(said.set_once));
    let mut set = BTreeMap::new();
    let mut set_once = BTreeMap::new();
    for (name, value) in members_of(merged) {
        let once = !in_set.contains_key(&name)
            && (in_set_once.contains_key(&name) || name.starts_with("$initial_"));
        if once { &mut set_once } else { &mut set }.insert(name, value);
    }
    let object = |members: BTreeMap<String, &RawValue>| {
        let text = serde_json::to_string(&members).expect("a map of JSON values is JSON");
        (!members.is_empty()).then_some(Cow::Owned(text))
    };
    (object(set), object(set_once))
}

/// Whether an object has members other than what nearly every event says: the place that an edge adds,
/// and what is lifted from its properties.
fn says_more_than_circumstances(object: &str) -> bool {
    let is_circumstance = |name: &String| {
        let now = name.strip_prefix("$initial_").unwrap_or(name);
        let plain = now.strip_prefix('$').unwrap_or(now);
        let is_lifted = |lifted: &&str| lifted.strip_prefix('$').unwrap_or(lifted) == plain;
        plain.starts_with("geoip_") || LIFTED_PROPERTIES.iter().any(is_lifted)
    };
    !members_of(object).keys().all(is_circumstance)
}

fn members(raw: Option<&RawValue>) -> BTreeMap<String, &RawValue> {
    raw.map(|raw| members_of(raw.get())).unwrap_or_default()
}

fn members_of(object: &str) -> BTreeMap<String, &RawValue> {
    serde_json::from_str(object).unwrap_or_default()
}

fn text(text: &str) -> Value<'_> {
    Value::Text(Cow::Borrowed(text))
}

fn optional_text(text: Option<&str>) -> Value<'_> {
    text.map_or(Value::Null, self::text)
}

const fn required(
    name: &'static str,
    kind: Kind,
    value: for<'a> fn(&'a Change<'_>) -> Value<'a>,
) -> Column {
    Column { name, kind, required: true, value }
}

const fn optional(
    name: &'static str,
    kind: Kind,
    value: for<'a> fn(&'a Change<'_>) -> Value<'a>,
) -> Column {
    Column { name, kind, required: false, value }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(row: &Row) -> Option<serde_json::Value> {
        let id = JournalId::from_uuid(uuid::Uuid::from_u128(1));
        let change = Change::of(row, Offset::new(5), id)?;
        Some(serde_json::from_slice(&change.to_json()).unwrap())
    }

    fn row(event: &str, properties: &str) -> Row {
        Row {
            event: event.into(),
            distinct_id: "ada".into(),
            properties: properties.into(),
            ..Row::default()
        }
    }

    #[test]
    fn an_event_that_says_nothing_of_its_person_gives_no_row() {
        assert_eq!(change(&row("purchase", r#"{"amount":1}"#)), None);
        let unwanted = Row {
            person_mode: PersonMode::Propertyless.into(),
            ..row("purchase", r#"{"$set":{"a":1}}"#)
        };
        assert_eq!(change(&unwanted), None);
    }

    #[test]
    fn set_and_set_once_stay_apart() {
        let row = Row {
            set: Some(r#"{"plan":"pro"}"#.into()),
            set_once: Some(r#"{"first":"x"}"#.into()),
            ..row("purchase", r#"{"$unset":["old"]}"#)
        };
        let change = change(&row).unwrap();
        assert_eq!(change["operation"], "set");
        assert_eq!(change["set"], json!({"plan": "pro"}));
        assert_eq!(change["set_once"], json!({"first": "x"}));
        assert_eq!(change["unset"], json!({"value": ["old"]}));
        assert_eq!(change["journal_offset"], 5);
    }

    #[test]
    fn a_merge_names_the_other_id() {
        let identify = change(&row("$identify", r#"{"$anon_distinct_id":"anon-1"}"#)).unwrap();
        assert_eq!(identify["operation"], "identify");
        assert_eq!(identify["other_distinct_id"], "anon-1");
        let alias = change(&row("$create_alias", r#"{"alias":"a-2"}"#)).unwrap();
        assert_eq!(
            (&alias["operation"], &alias["other_distinct_id"]),
            (&json!("alias"), &json!("a-2"))
        );
    }

    #[test]
    fn a_row_out_of_the_lake_gives_the_same_change() {
        let archived = Row {
            person_properties: Some(r#"{"first":"x","plan":"pro"}"#.into()),
            ..row("e", r#"{"$set":{"plan":"pro"},"$set_once":{"first":"x"}}"#)
        };
        let change = change(&archived).unwrap();
        assert_eq!(change["set"], json!({"plan": "pro"}));
        assert_eq!(change["set_once"], json!({"first": "x"}));
        let elsewhere = Row {
            person_properties: Some(r#"{"$initial_os":"x","plan":"pro"}"#.into()),
            ..row("e", r#"{"$set":{}}"#)
        };
        let change = self::change(&elsewhere).unwrap();
        assert_eq!(change["set"], json!({"plan": "pro"}));
        assert_eq!(change["set_once"], json!({"$initial_os": "x"}));
    }

    #[test]
    fn circumstances_alone_are_told_with_page_views() {
        let clicked = Row {
            event: "$autocapture".into(),
            properties: "{}".into(),
            set: Some(r#"{"$browser":"Chrome","utm_source":"x"}"#.into()),
            set_once: Some(r#"{"$initial_browser":"Chrome","$initial_utm_source":"x"}"#.into()),
            ..Row::default()
        };
        assert_eq!(change(&clicked), None);
        assert!(change(&Row { event: "$pageview".into(), ..clicked }).is_some());
    }

    #[test]
    fn a_place_alone_is_no_change() {
        let placed = Row {
            set: Some(r#"{"$geoip_country_code":"DE"}"#.into()),
            set_once: Some(r#"{"$initial_geoip_country_code":"DE"}"#.into()),
            ..row("purchase", "{}")
        };
        assert_eq!(change(&placed), None);
        let moved = Row { set: Some(r#"{"$geoip_city_name":"X","plan":"pro"}"#.into()), ..placed };
        assert_eq!(change(&moved).unwrap()["set"]["$geoip_city_name"], "X");
    }
}
