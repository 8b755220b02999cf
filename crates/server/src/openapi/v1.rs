//! Capture V1.

use http::StatusCode;
use serde_json::{Value, json};
use utoipa::openapi::{HttpMethod, PathItem};

use super::parts::{
    JSON, PROJECT_TOKEN, answer, at, body, in_header, meaning, named, operation, with,
};

pub(super) fn schemas() -> Vec<(&'static str, Value)> {
    vec![("V1Batch", batch()), ("V1Results", results()), ("V1Failure", failure())]
}

/// `/i/v1/analytics/events` and `/i/v1/ai/events`.
pub(crate) fn events(id: &str) -> PathItem {
    let operation = operation("capture v1", id, "Takes events, with a verdict for each")
        .security(with(PROJECT_TOKEN))
        .parameter(in_header("User-Agent", "Any", json!({ "type": "string", "pattern": r"\S" })))
        .parameter(in_header(
            "PostHog-Sdk-Info",
            "The SDK's name and version, `posthog-js/1.300.0`",
            json!({ "type": "string", "pattern": "^[a-z-]+/[0-9.]+$" }),
        ))
        .parameter(in_header(
            "PostHog-Attempt",
            "How often this was sent, from 1 on",
            json!({ "type": "integer", "minimum": 1, "maximum": 1000 }),
        ))
        .parameter(in_header(
            "PostHog-Request-Id",
            "The same for every attempt; it is sent back",
            json!({ "type": "string", "format": "uuid" }),
        ))
        .parameter(in_header(
            "PostHog-Request-Timestamp",
            "When it was sent, by the client's clock",
            json!({ "type": "string", "format": "date-time" }),
        ))
        .request_body(Some(body(JSON, named("V1Batch"))))
        .response("200", answer("What became of each event", JSON, named("V1Results")));
    let statuses = [
        StatusCode::BAD_REQUEST,
        StatusCode::UNAUTHORIZED,
        StatusCode::PAYMENT_REQUIRED,
        StatusCode::REQUEST_TIMEOUT,
        StatusCode::PAYLOAD_TOO_LARGE,
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        StatusCode::SERVICE_UNAVAILABLE,
    ];
    let operation = statuses.into_iter().fold(operation, |operation, status| {
        operation.response(status.as_str(), answer(meaning(status), JSON, named("V1Failure")))
    });
    at(HttpMethod::Post, operation.build())
}

fn batch() -> Value {
    json!({
        "type": "object",
        "required": ["created_at", "batch"],
        "properties": {
            "created_at": { "type": "string", "format": "date-time" },
            "historical_migration": { "type": "boolean" },
            "batch": {
                "type": "array",
                "minItems": 1,
                "items": {
                    "type": "object",
                    "required": ["event", "uuid", "distinct_id", "timestamp"],
                    "properties": {
                        "event": { "type": "string", "maxLength": 200 },
                        "uuid": { "type": "string", "format": "uuid" },
                        "distinct_id": { "type": "string", "maxLength": 200 },
                        "timestamp": { "type": "string", "format": "date-time" },
                        "session_id": { "type": "string" },
                        "window_id": { "type": "string" },
                        "options": { "type": "object" },
                        "properties": { "type": "object" },
                    },
                },
            },
        },
    })
}

fn results() -> Value {
    json!({
        "type": "object",
        "required": ["results"],
        "properties": {
            "results": {
                "type": "object",
                "additionalProperties": {
                    "type": "object",
                    "required": ["result"],
                    "properties": {
                        "result": {
                            "type": "string",
                            "enum": ["ok", "warning", "drop", "retry"],
                        },
                        "details": { "type": "string" },
                    },
                },
            },
        },
    })
}

fn failure() -> Value {
    json!({
        "type": "object",
        "required": ["error", "error_description"],
        "properties": {
            "error": { "type": "string", "description": "PostHog's name of what is wrong" },
            "error_description": { "type": "string" },
        },
    })
}
