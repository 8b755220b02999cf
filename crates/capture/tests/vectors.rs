//! Requests as PostHog's own tests describe them, and what must come of them.
//!
//! Each line of the fixture is one request; where `expect_lenient` stands, PostHog is stricter than
//! it need be and that is what is expected here. Lines about the router (CORS, unknown paths,
//! health) are for the server's test of the same file.

#![allow(clippy::unwrap_used)]

use std::io::Write;

use bytes::Bytes;
use event::Timestamp;
use flate2::Compression;
use flate2::write::GzEncoder;
use hogflare_capture::{Captured, Error, Lane, Recorded, Request, Settings, Unbounded};
use http::{HeaderMap, HeaderName};
use serde_json::Value;

/// What a lane yields, for comparison.
enum Outcome {
    Events(Captured),
    Recordings(Recorded),
}

#[test]
fn every_vector_holds() {
    let mut seen = 0;
    let mut failures = Vec::new();
    for line in include_str!("fixtures/capture-vectors.jsonl").lines() {
        let vector: Value = serde_json::from_str(line).unwrap();
        let name = vector["name"].as_str().unwrap();
        let path = vector["path"].as_str().unwrap();
        let (path, query) = match path.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (path, None),
        };
        let Some(lane) = lane(vector["method"].as_str().unwrap(), path) else {
            continue;
        };
        seen += 1;
        let headers = headers(&vector);
        let request = Request {
            lane,
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
        if let Err(difference) = compare(&request, expected) {
            failures.push(format!("{name}: {difference}"));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(seen > 50, "only {seen} vectors");
}

fn lane(method: &str, path: &str) -> Option<Lane> {
    if !matches!(method, "GET" | "POST") {
        return None;
    }
    match path.trim_end_matches('/') {
        "/e" | "/i/v0/e" | "/capture" | "/track" => Some(Lane::Capture),
        "/batch" | "/i/v0/ai/batch" => Some(Lane::Batch),
        "/engage" => Some(Lane::Engage),
        "/s" => Some(Lane::Recording),
        _ => None,
    }
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

fn decode(request: &Request<'_>) -> Result<Outcome, Error> {
    let settings = Settings::default();
    match request.lane {
        Lane::Recording => hogflare_capture::decode_recording(request, &settings, &mut Unbounded)
            .map(Outcome::Recordings),
        _ => {
            hogflare_capture::decode_events(request, &settings, &mut Unbounded).map(Outcome::Events)
        }
    }
}

fn compare(request: &Request<'_>, expected: &Value) -> Result<(), String> {
    let outcome = decode(request);
    let status = match &outcome {
        Err(error) => error.status().as_u16(),
        Ok(Outcome::Events(captured)) if captured.beacon => 204,
        Ok(Outcome::Recordings(recorded)) if recorded.beacon => 204,
        Ok(_) => 200,
    };
    let message = outcome.as_ref().err().map(Error::to_string);
    same("status", &expected["status"], &status.into())?;
    if let Some(text) = expected.get("error") {
        same("error", text, &message.clone().unwrap_or_default().into())?;
    }
    if let Some(part) = expected["error_contains"].as_str() {
        let message = message.unwrap_or_default();
        if !message.contains(part) {
            return Err(format!("error {message:?} lacks {part:?}"));
        }
    }
    let described = match outcome {
        Err(_) => Vec::new(),
        Ok(Outcome::Events(captured)) => captured.events.iter().map(described_event).collect(),
        Ok(Outcome::Recordings(recorded)) => {
            recorded.recordings.iter().map(described_recording).collect()
        }
    };
    let expected = expected["events"].as_array().unwrap();
    same("count", &expected.len().into(), &described.len().into())?;
    expected.iter().zip(&described).try_for_each(|(expected, event)| compare_event(expected, event))
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
            // Which table an event goes to is decided later.
            "stream" | "force_disable_person_processing" => {}
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
