//! `/i/v0/ai`.

use http::StatusCode;
use serde_json::json;
use utoipa::openapi::{HttpMethod, PathItem};

use super::parts::{JSON, PROJECT_TOKEN, answer, at, body, failures, inline, operation, with};

/// An event in parts.
pub(crate) fn event() -> PathItem {
    let parts = json!({
        "type": "object",
        "required": ["event", "event.properties"],
        "properties": {
            "event": {
                "type": "object",
                "required": ["event", "distinct_id", "uuid"],
                "properties": {
                    "event": { "type": "string", "pattern": "^\\$ai_[a-z]+$", "examples": ["$ai_generation"] },
                    "distinct_id": { "type": "string", "pattern": r"\S" },
                    "uuid": { "type": "string", "format": "uuid" },
                },
            },
            "event.properties": {
                "type": "object",
                "required": ["$ai_model"],
                "properties": { "$ai_model": { "type": "string", "minLength": 1 } },
            },
        },
    });
    let accepted = json!({
        "type": "object",
        "required": ["accepted_parts"],
        "properties": {
            "accepted_parts": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["name", "length"],
                    "properties": {
                        "name": { "type": "string" },
                        "length": { "type": "integer" },
                    },
                },
            },
        },
    });
    let operation =
        operation("capture", "ai_event", "Takes an event about a language model, in parts")
            .security(with(PROJECT_TOKEN))
            .request_body(Some(body("multipart/form-data", inline(parts))))
            .response("200", answer("Stored, and what it was made of", JSON, inline(accepted)));
    let statuses = [
        StatusCode::BAD_REQUEST,
        StatusCode::UNAUTHORIZED,
        StatusCode::REQUEST_TIMEOUT,
        StatusCode::PAYLOAD_TOO_LARGE,
        StatusCode::TOO_MANY_REQUESTS,
        StatusCode::SERVICE_UNAVAILABLE,
    ];
    at(HttpMethod::Post, failures(operation, &statuses).build())
}
