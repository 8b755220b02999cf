//! Requests to `/s`.
//!
//! - Decoding does not panic, and the same request gives the same recordings, however it is wrapped.
//! - Every recording's items are an array, its session id can be part of a file's name, and what is
//!   kept beside them is an object without a repeated key.
//! - No item is lost, invented or changed.
//! - Memory is asked for before it is used, and a refusal ends the request.
//! - The recording survives the journal.

use capture::{Error, Recorded, decode_recording};
use event::{Recording, decode_recordings, encode_recording};
use http::header::CONTENT_ENCODING;

use crate::json::{self, Object};
use crate::meter::Meter;
use crate::opinion::decoded;
use crate::wrap::UNDECLARED;
use crate::{Sent, stored};

/// What a recording may take beside text that was sent.
const RECORDING_BYTES: usize = size_of::<Recording>() + 512;
/// Text may be kept in a few places: a session id may be a window id too.
const MOST_COPIES: usize = 4;
const LONGEST_SESSION_ID: usize = 70;

/// Decodes a request to `/s`, whatever its path says.
pub fn recording(input: &[u8]) {
    let sent = Sent::parse(input);
    // Its decoder would take longer than everything else here, and `events` has it too.
    if sent.headers.get(CONTENT_ENCODING).is_some_and(|name| name == "br") {
        return;
    }
    let (outcome, reserved) = decoded(&sent, decode, &UNDECLARED);
    let Ok(recorded) = outcome else { return };
    recorded.recordings.iter().for_each(check);
    let given = MOST_COPIES * (sent.len() + reserved) + recorded.recordings.len() * RECORDING_BYTES;
    let taken: usize = recorded.recordings.iter().map(bytes_of).sum();
    assert!(taken <= given, "{taken} bytes of recordings, {given} were accounted for");
    if let Some(body) = sent.plain_body() {
        same_items(&recorded, body);
    }
}

/// Decodes, with nothing in the recordings that chance decides.
fn decode(sent: &Sent, meter: &mut Meter) -> Result<Recorded, Error> {
    let mut recorded = decode_recording(&sent.request(), &sent.settings, meter)?;
    for recording in &mut recorded.recordings {
        (recording.uuid_high, recording.uuid_low) = (0, 0);
    }
    Ok(recorded)
}

fn check(recording: &Recording) {
    assert!(json::items(&recording.items).is_some(), "not an array: {}", recording.items);
    if let Some(extra) = &recording.extra {
        assert!(Object::parse(extra).is_some(), "not an object: {extra}");
    }
    let session_id = &recording.session_id;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    assert!(session_id.len() <= LONGEST_SESSION_ID && session_id.bytes().all(is_plain));
    assert!(!recording.distinct_id.trim().is_empty() && !recording.token.is_empty());
    let payload = encode_recording(recording);
    let decoded = decode_recordings(payload).expect("a recording that was encoded");
    assert_eq!(&decoded, std::slice::from_ref(recording), "a recording changed in the journal");
}

fn bytes_of(recording: &Recording) -> usize {
    let own = [
        &recording.token,
        &recording.distinct_id,
        &recording.session_id,
        &recording.window_id,
        &recording.snapshot_source,
        &recording.lib,
        &recording.items,
    ];
    let own: usize = own.into_iter().map(String::len).sum();
    size_of::<Recording>() + own + recording.extra.as_ref().map_or(0, String::len)
}

/// Compares an array of `$snapshot` events with a second, simpler reading of it.
fn same_items(recorded: &Recorded, body: &str) {
    if stored::is_repaired(&recorded.notes) {
        return;
    }
    let Some(sent) = json::items(body) else { return };
    let mut expected = Vec::new();
    for item in sent.into_iter().filter(|raw| *raw != "null") {
        let Some(properties) = Object::parse(item).and_then(|item| item.get("properties")) else {
            return;
        };
        let properties = Object::parse(properties).unwrap_or_default();
        let Some(snapshots) = properties.get("$snapshot_data") else { return };
        expected.extend(json::items(snapshots).unwrap_or_else(|| vec![snapshots]));
    }
    let stored = recorded.recordings.iter();
    let mut stored: Vec<&str> =
        stored.flat_map(|recording| json::items(&recording.items).unwrap_or_default()).collect();
    // Sessions gather what belongs to them, so only within one the order is kept.
    if recorded.recordings.len() > 1 {
        stored.sort_unstable();
        expected.sort_unstable();
    }
    assert_eq!(stored, expected, "items");
}
