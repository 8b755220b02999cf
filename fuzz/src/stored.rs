//! What must hold of an event that is to be stored, whichever lane it came by.

use capture::{Note, Notes};
use event::limits::{DISTINCT_ID_CHARS, EVENT_NAME_UTF16_UNITS, JSON_DEPTH, TOKEN_BYTES};
use event::{Event, PersonId, Row, Table, TeamId, Timestamp, decode_rows, encode_row};

use crate::Sent;
use crate::json::{self, Object};

/// What an event may take beside text that was sent: its fixed part, and what is appended.
const EVENT_BYTES: usize = size_of::<Event>() + 1024;
/// Text may be kept in a few places: `alias` is a distinct id, a property, and an extra; what is
/// lifted is a property, and twice the person's.
const MOST_COPIES: usize = 4;

/// Checks that an event is what [`event::Event`] says: JSON where it says JSON, no deeper than the
/// limit, no property twice, and a name, a distinct id and a token within their limits.
pub(crate) fn check(event: &Event, received_at: Timestamp) {
    check_json(event);
    let name = event.event.encode_utf16().count();
    assert!((1..=EVENT_NAME_UTF16_UNITS).contains(&name), "a name of {name} units");
    let distinct_id = event.distinct_id.as_str();
    let is_named = event.table == Table::Otel || !distinct_id.trim().is_empty();
    assert!(is_named && !distinct_id.contains('\0'));
    assert!(distinct_id.chars().count() <= DISTINCT_ID_CHARS);
    let token = event.token.as_str();
    assert!(token.is_ascii() && (1..=TOKEN_BYTES).contains(&token.len()) && !token.contains('\0'));
    assert_eq!(event.created_at, received_at);
    assert!(event.timestamp.has_four_digit_year(), "a year of {}", event.timestamp);
    assert!(event.session_id.as_deref() != Some("") && event.window_id.as_deref() != Some(""));
    assert_eq!(event.reason.is_some(), event.table == Table::Quarantine, "why it is kept aside");
}

fn check_json(event: &Event) {
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
}

/// Checks that a row with the event is the same when it is read from the journal.
pub(crate) fn survives(event: &Event) {
    let person = PersonId::of_first_distinct_id(TeamId(1), &event.token, &event.distinct_id);
    let row = Row::new(event.clone(), TeamId(1), person);
    let mut payload = Vec::new();
    encode_row(&row, &mut payload);
    let rows = decode_rows(payload.into()).expect("a row that was encoded");
    assert_eq!(rows, [row], "a row changed in the journal");
}

/// Checks that events take no more than what came in and what was asked for.
pub(crate) fn bounded(events: &[Event], sent: &Sent, reserved: usize) {
    let given = MOST_COPIES * (sent.len() + reserved) + events.len() * EVENT_BYTES;
    let taken: usize = events.iter().map(bytes_of).sum();
    assert!(taken <= given, "{taken} bytes of events, {given} were accounted for");
    let longest = sent.len().max(sent.settings.inflated_limit) + EVENT_BYTES;
    assert!(events.iter().all(|event| event.properties.len() <= MOST_COPIES * longest));
}

/// What an event takes.
pub(crate) fn bytes_of(event: &Event) -> usize {
    let optional = [
        &event.set,
        &event.set_once,
        &event.group_set,
        &event.session_id,
        &event.window_id,
        &event.context,
        &event.extra,
    ];
    let optional: usize = optional.into_iter().flatten().map(String::capacity).sum();
    let own = [&event.event, &event.properties, &event.elements_chain];
    let own: usize = own.into_iter().map(String::capacity).sum();
    size_of::<Event>() + optional + own + event.distinct_id.as_str().len()
}

/// Whether the text that was read is not the text that was sent.
pub(crate) fn is_repaired(notes: &Notes) -> bool {
    let repairs = [Note::LoneSurrogate, Note::RawControlCharacter, Note::Cesu8Text];
    repairs.into_iter().any(|note| notes.count(note) > 0)
}

/// Checks that an event has the properties that were sent, each byte for byte, and no others, but for
/// those that are left out, replaced or appended on purpose.
pub(crate) fn same_properties(sent: &Object<'_>, event: &Event, changed: &[&str]) {
    let stored = Object::parse(&event.properties).expect("properties are an object");
    let (sent, stored) = (sent.last(), stored.last());
    for (name, value) in &sent {
        let is_same = changed.contains(name) || stored.get(name) == Some(value);
        assert!(is_same, "lost {name}: {value}");
    }
    for (name, value) in &stored {
        let is_same = changed.contains(name) || sent.get(name) == Some(value);
        assert!(is_same, "invented {name}: {value}");
    }
}
