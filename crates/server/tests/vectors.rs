//! PostHog's request vectors through the whole router: what is answered, and what is then stored.

#![allow(clippy::unwrap_used)]

mod support;

use std::io::Write;

use axum::body::{Body, to_bytes};
use event::Row;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::{Request, Response, StatusCode};
use serde_json::Value;
use support::TestEdge;
use tower::ServiceExt;

const VECTORS: &str = include_str!("../../capture/tests/fixtures/capture-vectors.jsonl");

#[tokio::test(flavor = "multi_thread")]
async fn every_vector_is_answered_and_stored_as_it_says() {
    let mut failures = Vec::new();
    let mut seen = 0;
    for line in VECTORS.lines() {
        let vector: Value = serde_json::from_str(line).unwrap();
        seen += 1;
        if let Err(difference) = check(&vector).await {
            failures.push(format!("{}: {difference}", vector["name"]));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(seen == 111, "only {seen} vectors");
}

/// Each vector gets a service of its own: many share one uuid.
async fn check(vector: &Value) -> Result<(), String> {
    let edge = TestEdge::start();
    let expected = vector.get("expect_lenient").unwrap_or(&vector["expect"]);
    let response = edge.router().oneshot(request(vector)).await.unwrap();
    check_headers(&response, expected)?;
    let status = response.status();
    let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    same("status", &status.as_u16().into(), &expected["status"])?;
    check_body(&body, expected)?;
    let is_recording = vector["path"].as_str().unwrap().starts_with("/s");
    if status == StatusCode::OK && is_recording {
        return same("recordings", &edge.recordings().len().into(), &1.into());
    }
    let no_events = Vec::new();
    check_rows(&edge.rows(), expected["events"].as_array().unwrap_or(&no_events))
}

fn check_headers(response: &Response<Body>, expected: &Value) -> Result<(), String> {
    for (name, value) in expected["headers"].as_object().into_iter().flatten() {
        let got = response.headers().get(name).map(|value| value.to_str().unwrap());
        if got != value.as_str() {
            return Err(format!("header {name} is {got:?}, expected {value}"));
        }
    }
    Ok(())
}

fn check_body(body: &[u8], expected: &Value) -> Result<(), String> {
    let json: Value = serde_json::from_slice(body).unwrap_or_default();
    if let Some(wanted) = expected.get("body_json") {
        same("body", &json, wanted)?;
    }
    if let Some(wanted) = expected.get("error") {
        same("error", &json["error"], wanted)?;
        same("status member", &json["status"], &0.into())?;
    }
    let text = json["error"].as_str().unwrap_or_default();
    match expected["error_contains"].as_str() {
        Some(part) if !text.contains(part) => Err(format!("error {text:?} lacks {part:?}")),
        _ => Ok(()),
    }
}

fn check_rows(rows: &[Row], expected: &[Value]) -> Result<(), String> {
    same("rows", &rows.len().into(), &expected.len().into())?;
    for (row, expected) in rows.iter().zip(expected) {
        same("event", &row.event.as_str().into(), &expected["event"])?;
        same("distinct_id", &row.distinct_id.as_str().into(), &expected["distinct_id"])?;
        same("token", &row.token.as_str().into(), &expected["token"])?;
        if let Some(uuid) = expected.get("uuid") {
            same("uuid", &row.uuid().to_string().into(), uuid)?;
        }
        let properties: Value = serde_json::from_str(&row.properties).unwrap();
        for (key, value) in expected["properties"].as_object().into_iter().flatten() {
            same(key, &properties[key], value)?;
        }
    }
    Ok(())
}

fn same(what: &str, got: &Value, wanted: &Value) -> Result<(), String> {
    match got == wanted {
        true => Ok(()),
        false => Err(format!("{what} is {got}, expected {wanted}")),
    }
}

fn request(vector: &Value) -> Request<Body> {
    let (method, path) = (vector["method"].as_str().unwrap(), vector["path"].as_str().unwrap());
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in vector["headers"].as_object().unwrap() {
        request = request.header(name, value.as_str().unwrap());
    }
    request.body(Body::from(body(vector))).unwrap()
}

fn body(vector: &Value) -> Vec<u8> {
    if let Some(text) = vector["body_utf8"].as_str() {
        return text.as_bytes().to_vec();
    }
    if let Some(text) = vector["body_b64"].as_str() {
        use base64::Engine;
        return base64::engine::general_purpose::STANDARD.decode(text).unwrap();
    }
    vector.get("body_gen").map(padded).unwrap_or_default()
}

/// A body of an exact size: a prefix, filling, and a suffix.
fn padded(generate: &Value) -> Vec<u8> {
    let text = |name: &str| generate[name].as_str().unwrap().as_bytes();
    let (prefix, fill, suffix) = (text("prefix"), text("fill"), text("suffix"));
    let total = generate["total_bytes"].as_u64().unwrap() as usize;
    let mut body = prefix.to_vec();
    body.resize(total - suffix.len(), fill[0]);
    body.extend_from_slice(suffix);
    match generate["then"].as_str() {
        Some("gzip") => {
            let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
            gzip.write_all(&body).unwrap();
            gzip.finish().unwrap()
        }
        _ => body,
    }
}
