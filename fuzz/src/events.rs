//! Requests to the event lanes.
//!
//! - Decoding does not panic, and the same request gives the same events, however it is wrapped.
//! - What an accepted event holds is what [`event::Event`] says: JSON where it says JSON, never a
//!   repeated key, no deeper than the limit, a name, a distinct id and a token within theirs.
//! - Properties are those that were sent, byte for byte: none lost, none invented.
//! - Memory is asked for before it is used, up to the budget, and a refusal ends the request.
//! - The event survives the journal.

use ::event::limits::{DISTINCT_ID_CHARS, EVENT_NAME_UTF16_UNITS, JSON_DEPTH, TOKEN_BYTES};
use ::event::{Event, PersonId, Row, TeamId, UuidOrigin, decode_rows, encode_row};
use capture::{Captured, Error, Lane, Note, decode_events};
use uuid::Uuid;

use crate::Sent;
use crate::json::{self, Object};
use crate::meter::Meter;
use crate::wrap::means_the_same;

/// Properties that are left out, replaced or appended on purpose.
const CHANGED: [&str; 9] = [
    "$elements",
    "$elements_chain",
    "$ip",
    "$sent_at",
    "$unset",
    "alias",
    "distinct_id",
    "$group_type",
    "$group_key",
];
/// Members of an item that have a place of their own, so that they are never extras.
const PLACED: [&str; 4] = ["distinct_id", "properties", "timestamp", "context"];
/// What an event may take beside text that was sent: its fixed part, and what is appended.
const EVENT_BYTES: usize = size_of::<Event>() + 512;
/// Text may be kept in a few places: `alias` is a distinct id, a property, and an extra.
const MOST_COPIES: usize = 4;

/// Decodes a request to an event lane.
pub fn events(input: &[u8]) {
    let sent = Sent::parse(input);
    if sent.request().lane == Lane::Recording {
        return;
    }
    let mut meter = Meter::unbounded();
    let outcome = decode(&sent, &mut meter);
    assert!(meter.reserved <= sent.settings.memory_budget, "more memory than the whole budget");
    assert_eq!(decode(&sent, &mut Meter::unbounded()), outcome, "decoded twice");
    if let Some(scarce) = meter.reserved.checked_sub(1) {
        assert_eq!(decode(&sent, &mut Meter::new(scarce)), Err(Error::Busy));
    }
    means_the_same(&sent, &outcome, |wrapped| decode(wrapped, &mut Meter::unbounded()));
    let Ok(captured) = outcome else { return };
    captured.events.iter().for_each(|event| check(event, &sent));
    bounded(&captured, &sent, meter.reserved);
    if let Some(body) = sent.plain_body() {
        same_properties(&captured, body);
    }
}

/// Decodes, with nothing in the events that chance decides.
fn decode(sent: &Sent, meter: &mut Meter) -> Result<Captured, Error> {
    let mut captured = decode_events(&sent.request(), &sent.settings, meter)?;
    for event in &mut captured.events {
        if event.uuid_origin == UuidOrigin::Server {
            event.uuid = Uuid::nil();
        }
    }
    Ok(captured)
}

fn check(event: &Event, sent: &Sent) {
    let properties = Object::parse(&event.properties).expect("properties are an object");
    assert!(!properties.has_repetitions(), "a property twice: {}", event.properties);
    for object in [&event.set, &event.set_once, &event.group_set].into_iter().flatten() {
        assert!(Object::parse(object).is_some(), "not an object: {object}");
        assert!(json::depth(object) <= JSON_DEPTH);
    }
    if let Some(extra) = &event.extra {
        let extra = Object::parse(extra).expect("extra is an object");
        assert!(!extra.has_repetitions(), "an extra twice");
    }
    assert!(event.context.as_deref().is_none_or(json::is_value));
    assert!(json::depth(&event.properties) <= JSON_DEPTH);
    let name = event.event.encode_utf16().count();
    assert!((1..=EVENT_NAME_UTF16_UNITS).contains(&name), "a name of {name} units");
    let distinct_id = event.distinct_id.as_str();
    assert!(!distinct_id.trim().is_empty() && !distinct_id.contains('\0'));
    assert!(distinct_id.chars().count() <= DISTINCT_ID_CHARS);
    let token = event.token.as_str();
    assert!(token.is_ascii() && (1..=TOKEN_BYTES).contains(&token.len()) && !token.contains('\0'));
    assert_eq!(event.created_at, sent.now());
    assert!(event.timestamp.has_four_digit_year(), "a year of {}", event.timestamp);
    assert!(event.session_id.as_deref() != Some("") && event.window_id.as_deref() != Some(""));
    survives(event);
}

fn survives(event: &Event) {
    let person = PersonId::of_first_distinct_id(TeamId(1), &event.token, &event.distinct_id);
    let row = Row::new(event.clone(), TeamId(1), person);
    let mut payload = Vec::new();
    encode_row(&row, &mut payload);
    let rows = decode_rows(payload.into()).expect("a row that was encoded");
    assert_eq!(rows, [row], "a row changed in the journal");
}

fn bounded(captured: &Captured, sent: &Sent, reserved: usize) {
    let given = MOST_COPIES * (sent.len() + reserved) + captured.events.len() * EVENT_BYTES;
    let taken: usize = captured.events.iter().map(bytes_of).sum();
    assert!(taken <= given, "{taken} bytes of events, {given} were accounted for");
    let longest = sent.len().max(sent.settings.inflated_limit) + EVENT_BYTES;
    assert!(captured.events.iter().all(|event| event.properties.len() <= MOST_COPIES * longest));
}

fn bytes_of(event: &Event) -> usize {
    let optional = [
        &event.set,
        &event.set_once,
        &event.group_set,
        &event.session_id,
        &event.window_id,
        &event.context,
        &event.extra,
    ];
    let optional: usize = optional.into_iter().flatten().map(String::len).sum();
    let own = [&event.event, &event.properties, &event.elements_chain];
    let own: usize = own.into_iter().map(String::len).sum();
    size_of::<Event>() + optional + own + event.distinct_id.as_str().len()
}

/// Compares with a second, simpler reading of the same body.
fn same_properties(captured: &Captured, body: &str) {
    let repairs = [Note::LoneSurrogate, Note::RawControlCharacter, Note::Cesu8Text];
    if repairs.into_iter().any(|note| captured.notes.count(note) > 0) {
        return;
    }
    let Some(items) = items(body) else { return };
    assert_eq!(items.len(), captured.events.len(), "events");
    for (item, event) in items.iter().zip(&captured.events) {
        let stored = Object::parse(&event.properties).expect("properties are an object");
        let sent = item.get("properties").and_then(Object::parse).unwrap_or_default();
        let extra = event.extra.as_deref().and_then(Object::parse).unwrap_or_default();
        let placed = extra.0.iter().find(|(name, _)| PLACED.contains(&name.as_str()));
        assert!(placed.is_none(), "kept twice: {placed:?}");
        let (sent, stored) = (sent.last(), stored.last());
        for (name, value) in &sent {
            let is_same = CHANGED.contains(name) || stored.get(name) == Some(value);
            assert!(is_same, "lost {name}: {value}");
        }
        for (name, value) in &stored {
            let is_same = CHANGED.contains(name) || sent.get(name) == Some(value);
            assert!(is_same, "invented {name}: {value}");
        }
    }
}

/// The items of a body that become events; `None` where a `batch` is repeated.
fn items(body: &str) -> Option<Vec<Object<'_>>> {
    let raw = match json::items(body) {
        Some(items) => items,
        None => {
            let envelope = Object::parse(body)?;
            let batches = envelope.0.iter().filter(|(name, _)| name == "batch");
            match batches.map(|(_, value)| *value).collect::<Vec<_>>().as_slice() {
                [] | ["null"] => return Some(kept(vec![envelope])),
                [batch] => json::items(batch)?,
                _ => return None,
            }
        }
    };
    let items = raw.into_iter().filter(|raw| *raw != "null");
    Some(kept(items.map(Object::parse).collect::<Option<_>>()?))
}

fn kept(items: Vec<Object<'_>>) -> Vec<Object<'_>> {
    let is_forgotten = |item: &Object<'_>| {
        // Of a repeated member the first that is not empty counts.
        let mut names = item.0.iter().filter(|(name, _)| name == "event");
        let said = names.find(|(_, value)| !matches!(*value, "null" | "\"\""));
        said.is_some_and(|(_, value)| *value == "\"$performance_event\"")
    };
    items.into_iter().filter(|item| !is_forgotten(item)).collect()
}
