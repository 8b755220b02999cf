//! What fuzzing starts from: the wire protocol's test vectors, and what comes of them.
//!
//! Seeds are made anew from the vectors, so they are never stale and nobody has to keep them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use capture::{Lane, Unbounded, decode_events, decode_recording};
use event::{PersonId, Row, TeamId, encode_recording, encode_row};
use serde_json::Value;

use crate::Sent;

macro_rules! signal {
    ($path:literal, $name:literal) => {
        (
            $path,
            include_bytes!(concat!("../../crates/capture/tests/fixtures/otlp/", $name, ".json")),
            include_bytes!(concat!("../../crates/capture/tests/fixtures/otlp/", $name, ".pb")),
        )
    };
}

const VECTORS: &str = include_str!("../../crates/capture/tests/fixtures/capture-vectors.jsonl");
/// Requests of shapes that no vector has.
const REQUESTS: &str = include_str!("requests.txt");
/// Stands alone on the line between two requests.
const SEPARATOR: &str = "\n%%\n";
/// A request in parts, whose lines end as those of multipart bodies do.
const PARTS: &str = "POST /i/v0/ai\n\
    authorization: Bearer phc_a\ncontent-type: multipart/form-data; boundary=b\n\n\
    --b\r\ncontent-disposition: form-data; name=\"event\"\r\n\r\n\
    {\"event\":\"$ai_generation\",\"uuid\":\"0197c5a0-0000-7000-8000-000000000000\",\"distinct_id\":\"d\"}\
    \r\n--b\r\ncontent-disposition: form-data; name=\"event.properties\"\r\n\
    content-type: application/json\r\n\r\n\
    {\"$ai_model\":\"m\",\"$ai_input\":[1.50]}\r\n--b--\r\n";
/// Bodies for OpenTelemetry's endpoints: a path, and the same in JSON and in protobuf.
const SIGNALS: [(&str, &[u8], &[u8]); 4] = [
    signal!("/v1/logs", "logs"),
    signal!("/v1/traces", "traces"),
    signal!("/v1/metrics", "metrics"),
    signal!("/v1/traces", "ai"),
];
/// Scripts for a journal: see `journal_recovery/script.rs`.
const JOURNALS: [&[u8]; 8] = [
    b"\0\x00\x11\x20\x30\x00\x22\x10\x20\xff\x03\x01\x00\x10\x40",
    b"\0\x00\x11\x20\x30\x00\x22\x10\x20\x06",
    b"\x09\x00\x10\xff\xff\x00\x11\xff\xff\x07\x80",
    b"\0\x00\x11\x20\x30\x03\x02\x00\x22\x10\x20\x30\x08\x00\x00\x28\x01",
    b"\0\x00\x11\x20\x30\x00\x22\x10\x20\x30\x09\x00\x01\x00\x40\x00",
    b"\0\x00\x11\x20\x30\x03\x00\x00\x22\x10\x20\x30\x03\x01\x00\x10\x05\x0b\x01",
    b"\0\x00\x11\x20\x30\x0d\x00\x02\x00\x10\x64\x64\x01\x00\x00\x10\x20",
    b"\0\x00\x11\x20\x30\x0e\x00\x01\x00\x64\x64\x0f\x04\x0c\x00\x01\x10\x08abcdefgh",
];

/// The seeds of a target.
pub fn of(target: &str) -> Vec<Vec<u8>> {
    match target {
        "row" => rows(),
        "journal_recovery" => JOURNALS.map(<[u8]>::to_vec).into(),
        "otlp" | "otlp_ai" => SIGNALS.into_iter().flat_map(signals).collect(),
        _ => requests(),
    }
}

/// Every vector that has a body or a query to decode, and is not generated: those are too large.
fn requests() -> Vec<Vec<u8>> {
    let vectors = VECTORS.lines().filter_map(|line| serde_json::from_str(line).ok());
    let of_vectors = vectors.filter_map(|vector: Value| request(&vector));
    let others = REQUESTS.trim_end().split(SEPARATOR).map(|text| text.as_bytes().to_vec());
    of_vectors.chain(others).chain([PARTS.into()]).collect()
}

/// The same signals in JSON and in protobuf.
fn signals((path, json, protobuf): (&str, &[u8], &[u8])) -> [Vec<u8>; 2] {
    [("application/json", json), ("application/x-protobuf", protobuf)].map(|(content_type, body)| {
        let head = format!(
            "POST {path}?token=phc_a\nauthorization: Bearer phc_a\ncontent-type: {content_type}\n\n"
        );
        [head.as_bytes(), body].concat()
    })
}

fn request(vector: &Value) -> Option<Vec<u8>> {
    if vector.get("body_gen").is_some() {
        return None;
    }
    let mut text = format!("{} {}\n", vector["method"].as_str()?, vector["path"].as_str()?);
    for (name, value) in vector["headers"].as_object()? {
        text.push_str(&format!("{}: {}\n", name.to_ascii_lowercase(), value.as_str()?));
    }
    text.push('\n');
    let mut bytes = text.into_bytes();
    match (vector["body_utf8"].as_str(), vector["body_b64"].as_str()) {
        (Some(body), _) => bytes.extend_from_slice(body.as_bytes()),
        (None, Some(body)) => bytes.extend(STANDARD.decode(body).ok()?),
        (None, None) => {}
    }
    Some(bytes)
}

/// The payloads of journal records that the requests become.
fn rows() -> Vec<Vec<u8>> {
    requests().iter().filter_map(|request| payload(&Sent::parse(request))).collect()
}

fn payload(sent: &Sent) -> Option<Vec<u8>> {
    let request = sent.request();
    if request.lane == Lane::Recording {
        let recorded = decode_recording(&request, &sent.settings, &mut Unbounded).ok()?;
        return recorded.recordings.first().map(|recording| encode_recording(recording).to_vec());
    }
    let captured = decode_events(&request, &sent.settings, &mut Unbounded).ok()?;
    let mut payload = Vec::new();
    for event in captured.events {
        let person = PersonId::of_first_distinct_id(TeamId(1), &event.token, &event.distinct_id);
        encode_row(&Row::new(event, TeamId(1), person), &mut payload);
    }
    Some(payload)
}
