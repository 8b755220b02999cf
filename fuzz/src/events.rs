//! Requests to the event lanes.
//!
//! - Decoding does not panic, and the same request gives the same events, however it is wrapped.
//! - What an accepted event holds is what [`event::Event`] says: JSON where it says JSON, never a
//!   repeated key, no deeper than the limit, a name, a distinct id and a token within theirs.
//! - Properties are those that were sent, byte for byte: none lost, none invented.
//! - Memory is asked for before it is used, up to the budget, and a refusal ends the request.
//! - The event survives the journal.

use ::event::UuidOrigin;
use capture::{Captured, Error, Lane, decode_events};
use uuid::Uuid;

use crate::json::{self, Object};
use crate::meter::Meter;
use crate::opinion::decoded;
use crate::wrap::UNDECLARED;
use crate::{Sent, stored};

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

/// Decodes a request to an event lane.
pub fn events(input: &[u8]) {
    let sent = Sent::parse(input);
    if sent.request().lane == Lane::Recording {
        return;
    }
    let (outcome, reserved) = decoded(&sent, decode, &UNDECLARED);
    let Ok(captured) = outcome else { return };
    captured.events.iter().for_each(|event| stored::check(event, sent.now()));
    stored::bounded(&captured.events, &sent, reserved);
    if sent.choice().is_multiple_of(3) {
        captured.events.iter().for_each(stored::survives);
    }
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

/// Compares with a second, simpler reading of the same body.
fn same_properties(captured: &Captured, body: &str) {
    let Some(items) = items(body).filter(|_| !stored::is_repaired(&captured.notes)) else { return };
    assert_eq!(items.len(), captured.events.len(), "events");
    for (item, event) in items.iter().zip(&captured.events) {
        let sent = item.get("properties").and_then(Object::parse).unwrap_or_default();
        stored::same_properties(&sent, event, &CHANGED);
        let extra = event.extra.as_deref().and_then(Object::parse).unwrap_or_default();
        let placed = extra.0.iter().find(|(name, _)| PLACED.contains(&name.as_str()));
        assert!(placed.is_none(), "kept twice: {placed:?}");
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
