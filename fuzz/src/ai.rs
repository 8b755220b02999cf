//! Requests to `/i/v0/ai`: an event about a language model, in parts.
//!
//! - Decoding does not panic, and the same request, also as gzip, gives the same event.
//! - The event is one of AI, within its limits, and survives the journal.
//! - Its properties are those of the part that they came in, or of the event, byte for byte.
//! - The answer is JSON and tells of every part.
//! - Memory is asked for before it is used, and a refusal ends the request.

use capture::Error;
use capture::ai::{Part, Submitted, accepted_body, decode};
use event::UuidOrigin;
use http::header::CONTENT_ENCODING;

use crate::json::Object;
use crate::meter::Meter;
use crate::opinion::decoded;
use crate::wrap::declared_gzip;
use crate::{Sent, stored};

/// Properties that are left out, replaced or appended on purpose.
const CHANGED: [&str; 4] = ["$elements", "$elements_chain", "$ip", "$sent_at"];

/// Decodes a request, whatever its path says.
pub fn ai(input: &[u8]) {
    let sent = Sent::parse(input);
    let (outcome, reserved) = decoded(&sent, submitted, &[declared_gzip]);
    let Ok(submitted) = outcome else { return };
    let event = &submitted.event;
    stored::check(event, sent.now());
    assert!(event.event.starts_with("$ai_"), "of another kind: {}", event.event);
    assert_eq!(event.uuid_origin, UuidOrigin::Client);
    stored::bounded(std::slice::from_ref(event), &sent, reserved);
    told(&submitted.parts);
    if sent.choice().is_multiple_of(3) {
        stored::survives(event);
    }
    if !sent.headers.contains_key(CONTENT_ENCODING) && !stored::is_repaired(&submitted.notes) {
        same_properties(&submitted, &sent.body);
    }
}

fn submitted(sent: &Sent, meter: &mut Meter) -> Result<Submitted, Error> {
    decode(&sent.request(), &sent.settings, meter)
}

fn told(parts: &[Part]) {
    let names: Vec<&str> = parts.iter().map(|part| part.name).collect();
    assert!(matches!(names.as_slice(), ["event"] | ["event", "event.properties"]), "{names:?}");
    let body: serde_json::Value = serde_json::from_str(&accepted_body(parts)).expect("JSON");
    let accepted = body["accepted_parts"].as_array().expect("a list");
    assert_eq!(accepted.len(), parts.len());
    for (told, part) in accepted.iter().zip(parts) {
        assert!(told["name"] == part.name && told["length"] == part.length, "{told}");
    }
}

/// Compares with a second, simpler reading of the same body.
fn same_properties(submitted: &Submitted, body: &[u8]) {
    let Some(texts) = texts(&submitted.parts, body) else { return };
    let event = Object::parse(texts[0]).expect("an event");
    let apart = texts.get(1).map(|text| Object::parse(text).expect("properties"));
    let within = event.get("properties").and_then(Object::parse).unwrap_or_default();
    stored::same_properties(&apart.unwrap_or(within), &submitted.event, &CHANGED);
}

/// The text of each part, where it is plain to see: between an empty line and the next boundary.
fn texts<'a>(parts: &[Part], body: &'a [u8]) -> Option<Vec<&'a str>> {
    let mut rest = body;
    let mut texts = Vec::new();
    for part in parts {
        let start = memchr::memmem::find(rest, b"\r\n\r\n")? + 4;
        let (text, after) = rest.get(start..)?.split_at_checked(part.length)?;
        if !rest.starts_with(b"--") || !after.starts_with(b"\r\n--") {
            return None;
        }
        texts.push(std::str::from_utf8(text).ok()?.trim_ascii());
        rest = after.get(2..)?;
    }
    Some(texts)
}
