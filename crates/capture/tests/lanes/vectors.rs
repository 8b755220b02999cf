//! Requests as PostHog's own tests describe them, and what must come of them.
//!
//! Each line of the fixture is one request; where `expect_lenient` stands, PostHog is stricter than
//! it need be and that is what is expected here. Lines about the router alone are named in
//! [`OF_THE_ROUTER`]; the server's test runs them too.

use std::io::Write;

use bytes::Bytes;
use event::Timestamp;
use flate2::Compression;
use flate2::write::GzEncoder;
use hogflare_capture::{Captured, Lane, Recorded, Request, SUCCESS_BODY, Settings, Unbounded};
use hogflare_capture::{ai, error_body, v1};
use http::{HeaderMap, HeaderName};
use serde_json::Value;

/// Lines that never reach this crate, and why.
const OF_THE_ROUTER: &[(&str, &str)] = &[
    ("preflight_v0", "CORS"),
    ("preflight_v1", "CORS"),
    ("v1_get_405", "method"),
    ("ai_get_405", "method"),
    ("readiness", "health"),
    ("liveness", "health"),
    ("unknown_404", "path"),
];

/// Where a path leads.
#[derive(Clone, Copy)]
enum Door {
    V0(Lane),
    V1(v1::Lane),
    Ai,
}

/// What came of a request, for comparison.
#[derive(Default)]
struct Answer {
    status: u16,
    body: String,
    events: Vec<Value>,
}

#[test]
fn every_vector_holds() {
    let mut seen = Vec::new();
    let mut failures = Vec::new();
    for line in include_str!("../fixtures/capture-vectors.jsonl").lines() {
        let vector: Value = serde_json::from_str(line).unwrap();
        let name = vector["name"].as_str().unwrap();
        let path = vector["path"].as_str().unwrap();
        let (path, query) = match path.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (path, None),
        };
        seen.push(name.to_owned());
        if OF_THE_ROUTER.iter().any(|(skipped, _)| *skipped == name) {
            continue;
        }
        let Some(door) = door(vector["method"].as_str().unwrap(), path) else {
            failures.push(format!("{name}: leads nowhere"));
            continue;
        };
        let headers = headers(&vector);
        let request = Request {
            lane: match door {
                Door::V0(lane) => lane,
                _ => Lane::Capture,
            },
            path,
            query,
            headers: &headers,
            body: body(&vector),
            received_at: vector["server_now"]
                .as_str()
                .map_or_else(Timestamp::now, |now| now.parse().unwrap()),
            client_ip: vector["headers"]["X-Forwarded-For"].as_str().map(|ip| ip.parse().unwrap()),
        };
        let expected = vector.get("expect_lenient").unwrap_or(&vector["expect"]);
        if let Err(difference) = compare(&answer(door, &request), expected) {
            failures.push(format!("{name}: {difference}"));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert_eq!(seen.len(), 111);
    for (skipped, _) in OF_THE_ROUTER {
        assert!(seen.iter().any(|name| name == skipped), "{skipped} is not there");
    }
}

fn door(method: &str, path: &str) -> Option<Door> {
    let path = path.trim_end_matches('/');
    match (method, path) {
        ("POST", "/i/v1/analytics/events") => return Some(Door::V1(v1::Lane::Analytics)),
        ("POST", "/i/v1/ai/events") => return Some(Door::V1(v1::Lane::Ai)),
        ("POST", "/i/v0/ai") => return Some(Door::Ai),
        ("GET" | "POST", _) => {}
        _ => return None,
    }
    let lane = match path {
        "/e" | "/i/v0/e" | "/capture" | "/track" => Lane::Capture,
        "/batch" | "/i/v0/ai/batch" => Lane::Batch,
        "/engage" => Lane::Engage,
        "/s" => Lane::Recording,
        _ => return None,
    };
    Some(Door::V0(lane))
}

fn headers(vector: &Value) -> HeaderMap {
    vector["headers"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, value)| {
            let name: HeaderName = name.parse().unwrap();
            (name, value.as_str().unwrap().parse().unwrap())
        })
        .collect()
}

fn body(vector: &Value) -> Bytes {
    use base64::Engine;
    if let Some(text) = vector["body_utf8"].as_str() {
        return text.to_owned().into();
    }
    if let Some(text) = vector["body_b64"].as_str() {
        let engine = base64::engine::general_purpose::STANDARD;
        return engine.decode(text).unwrap().into();
    }
    match vector.get("body_gen") {
        Some(recipe) => generated(recipe),
        None => Bytes::new(),
    }
}

fn generated(recipe: &Value) -> Bytes {
    let part = |name: &str| recipe[name].as_str().unwrap();
    let total = recipe["total_bytes"].as_u64().unwrap() as usize;
    let fill = total - part("prefix").len() - part("suffix").len();
    let body = [part("prefix"), &part("fill").repeat(fill), part("suffix")].concat();
    if recipe["then"] != "gzip" {
        return body.into();
    }
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body.as_bytes()).unwrap();
    encoder.finish().unwrap().into()
}

fn answer(door: Door, request: &Request<'_>) -> Answer {
    let settings = Settings::default();
    let memory = &mut Unbounded;
    match door {
        Door::V0(Lane::Recording) => {
            match hogflare_capture::decode_recording(request, &settings, memory) {
                Ok(Recorded { recordings, beacon, .. }) => {
                    succeeded(beacon, recordings.iter().map(described_recording))
                }
                Err(error) => failed(error.status().as_u16(), error_body(error)),
            }
        }
        Door::V0(_) => match hogflare_capture::decode_events(request, &settings, memory) {
            Ok(Captured { events, beacon, .. }) => {
                succeeded(beacon, events.iter().map(described_event))
            }
            Err(error) => failed(error.status().as_u16(), error_body(error)),
        },
        Door::V1(lane) => {
            let request = v1::Request {
                lane,
                headers: request.headers,
                body: request.body.clone(),
                received_at: request.received_at,
                client_ip: request.client_ip,
            };
            match v1::decode(&request, &settings, memory) {
                Ok(batch) => Answer {
                    status: 200,
                    body: v1::results_body(&batch.outcomes),
                    events: batch.events.iter().map(described_event).collect(),
                },
                Err(error) => failed(error.status().as_u16(), error.body()),
            }
        }
        Door::Ai => match ai::decode(request, &settings, memory) {
            Ok(submitted) => Answer {
                status: 200,
                body: ai::accepted_body(&submitted.parts),
                events: vec![described_event(&submitted.event)],
            },
            Err(error) => failed(error.status().as_u16(), error_body(error)),
        },
    }
}

fn succeeded(is_beacon: bool, events: impl Iterator<Item = Value>) -> Answer {
    let (status, body) = if is_beacon { (204, "") } else { (200, SUCCESS_BODY) };
    Answer { status, body: body.to_owned(), events: events.collect() }
}

fn failed(status: u16, body: String) -> Answer {
    Answer { status, body, ..Answer::default() }
}

fn compare(answer: &Answer, expected: &Value) -> Result<(), String> {
    same("status", &expected["status"], &answer.status.into())?;
    let body: Value = serde_json::from_str(&answer.body).unwrap_or_default();
    if let Some(wanted) = expected.get("body_json") {
        same("body", wanted, &body)?;
    }
    if let Some(text) = expected.get("error") {
        same("error", text, &body["error"])?;
    }
    for part in ["error_contains", "body_contains"].map(|name| expected[name].as_str()) {
        if part.is_some_and(|part| !body["error"].as_str().unwrap_or_default().contains(part)) {
            return Err(format!("error {} lacks {part:?}", body["error"]));
        }
    }
    let expected = expected["events"].as_array().unwrap();
    same("count", &expected.len().into(), &answer.events.len().into())?;
    let mut pairs = expected.iter().zip(&answer.events);
    pairs.try_for_each(|(expected, event)| compare_event(expected, event))
}

fn described_event(event: &event::Event) -> Value {
    let json = |text: &Option<String>| -> Value {
        text.as_deref().map_or(Value::Null, |text| serde_json::from_str(text).unwrap())
    };
    let extra = json(&event.extra);
    serde_json::json!({
        "event": event.event,
        "distinct_id": event.distinct_id.as_str(),
        "token": event.token.as_str(),
        "uuid": event.uuid.to_string(),
        "timestamp": event.timestamp.to_string(),
        "properties": json(&Some(event.properties.clone())),
        "$set": json(&event.set),
        "$set_once": json(&event.set_once),
        "historical_migration": extra["historical_migration"],
        "table": event.table.name(),
        "force_disable_person_processing": !event.process_person_profile,
    })
}

fn described_recording(recording: &event::Recording) -> Value {
    let items: Value = serde_json::from_str(&recording.items).unwrap();
    serde_json::json!({
        "event": "$snapshot_items",
        "distinct_id": recording.distinct_id,
        "token": recording.token,
        "properties": {
            "$session_id": recording.session_id,
            "$window_id": recording.window_id,
            "$snapshot_source": recording.snapshot_source,
            "$lib": recording.lib,
            "$snapshot_items": items,
        },
    })
}

fn compare_event(expected: &Value, event: &Value) -> Result<(), String> {
    for (name, wanted) in expected.as_object().unwrap() {
        match name.as_str() {
            "stream" => {
                let table = match wanted.as_str().unwrap() {
                    "heatmaps" => "heatmaps",
                    "warnings" => "quarantine",
                    _ => "events",
                };
                same("table", &table.into(), &event["table"])?;
            }
            "properties" => {
                for (property, wanted) in wanted.as_object().unwrap() {
                    same(property, wanted, &event["properties"][property])?;
                }
            }
            "timestamp" => {
                let wanted: Timestamp = wanted.as_str().unwrap().parse().unwrap();
                same(name, &wanted.to_string().into(), &event["timestamp"])?;
            }
            _ => same(name, wanted, &event[name])?,
        }
    }
    Ok(())
}

fn same(what: &str, expected: &Value, found: &Value) -> Result<(), String> {
    match expected == found {
        true => Ok(()),
        false => Err(format!("{what} is {found}, not {expected}")),
    }
}
