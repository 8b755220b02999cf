//! The lanes of v0.

use http::StatusCode;
use serde_json::{Value, json};
use utoipa::openapi::path::OperationBuilder;
use utoipa::openapi::{HttpMethod, PathItem, RefOr, Schema};

use super::parts::{
    JSON, answer, at, bodiless, body, failures, in_query, inline, json_in_query, named, operation,
    token,
};

const TAG: &str = "capture";

pub(super) fn schemas() -> Vec<(&'static str, Value)> {
    vec![("Event", event()), ("Stored", stored()), ("Failure", failure())]
}

/// `/e` and its other names.
pub(crate) fn capture(id: &str) -> PathItem {
    lane(id, "Takes an event, or a list of them", with_token("Event"))
}

/// `/batch`.
pub(crate) fn batch(id: &str) -> PathItem {
    let batch = json!({
        "type": "object",
        "required": ["api_key", "batch"],
        "properties": {
            "api_key": token(),
            "batch": {
                "type": "array",
                "minItems": 1,
                "items": { "$ref": "#/components/schemas/Event" },
            },
            "historical_migration": { "type": "boolean" },
            "sent_at": { "type": "string", "format": "date-time" },
        },
    });
    lane(id, "Takes events of one project", inline(batch))
}

/// `/engage`.
pub(crate) fn engage(id: &str) -> PathItem {
    let properties = json!({ "$set": { "type": "object" }, "$set_once": { "type": "object" } });
    lane(id, "Sets properties of a person", of_person(properties))
}

/// `/identify`.
pub(crate) fn identify(id: &str) -> PathItem {
    lane(
        id,
        "Sets properties of a person",
        of_person(json!({ "properties": { "type": "object" } })),
    )
}

/// `/alias`.
pub(crate) fn alias(id: &str) -> PathItem {
    let alias = json!({ "alias": { "type": "string", "pattern": r"\S" } });
    lane(id, "Says that two distinct ids are one person's", of_person(alias))
}

/// `/groups`.
pub(crate) fn groups(id: &str) -> PathItem {
    let group = json!({
        "group_type": { "type": "string", "minLength": 1 },
        "group_key": { "type": "string", "minLength": 1, "maxLength": 400 },
        "properties": { "type": "object" },
    });
    lane(id, "Sets properties of a group", of_person(group))
}

/// `/s`.
pub(crate) fn recording(id: &str) -> PathItem {
    let snapshot = json!({
        "type": "object",
        "required": ["event", "distinct_id", "token", "properties"],
        "properties": {
            "event": { "const": "$snapshot", "type": "string" },
            "distinct_id": distinct_id(),
            "token": token(),
            "properties": {
                "type": "object",
                "required": ["$session_id", "$snapshot_data"],
                "properties": {
                    "$session_id": { "type": "string", "pattern": "^[A-Za-z0-9-]{1,70}$" },
                    "$window_id": { "type": "string" },
                    "$snapshot_data": { "type": "array", "minItems": 1, "items": { "type": "object" } },
                },
            },
        },
    });
    lane(id, "Takes a part of a session's recording", inline(snapshot))
}

fn lane(id: &str, summary: &str, schema: RefOr<Schema>) -> PathItem {
    let data = json_in_query("data", "What would be the body", schema.clone());
    let post =
        lane_operation(&format!("{id}_post"), summary).request_body(Some(body(JSON, schema)));
    let get = lane_operation(&format!("{id}_get"), summary)
        .description(Some("Old SDKs and pixels send what would be the body in the query."))
        .parameter(data);
    let mut item = at(HttpMethod::Post, post.build());
    item.merge_operations(at(HttpMethod::Get, get.build()));
    item
}

fn lane_operation(id: &str, summary: &str) -> OperationBuilder {
    let beacon = in_query(
        "beacon",
        "`1` asks for an empty 204 instead of a body",
        json!({ "type": "string", "enum": ["1"] }),
    );
    let operation = operation(TAG, id, summary)
        .parameter(beacon)
        .response("200", answer("Stored: on disk, whatever happens next", JSON, named("Stored")))
        .response("204", bodiless("Stored, as a beacon asked"));
    failures(
        operation,
        &[
            StatusCode::BAD_REQUEST,
            StatusCode::UNAUTHORIZED,
            StatusCode::REQUEST_TIMEOUT,
            StatusCode::PAYLOAD_TOO_LARGE,
            StatusCode::SERVICE_UNAVAILABLE,
        ],
    )
}

fn event() -> Value {
    json!({
        "type": "object",
        "required": ["event", "distinct_id"],
        "properties": {
            "event": { "type": "string", "pattern": r"\S", "examples": ["signed up"] },
            "distinct_id": distinct_id(),
            "properties": { "type": "object" },
            "timestamp": { "type": "string", "format": "date-time" },
            "uuid": { "type": "string", "format": "uuid" },
            "$set": { "type": "object" },
            "$set_once": { "type": "object" },
        },
    })
}

/// An event that says which project's it is.
fn with_token(name: &str) -> RefOr<Schema> {
    inline(json!({
        "allOf": [
            { "$ref": format!("#/components/schemas/{name}") },
            { "type": "object", "required": ["api_key"], "properties": { "api_key": token() } },
        ],
    }))
}

/// What a lane takes that knows the event's name.
fn of_person(mut properties: Value) -> RefOr<Schema> {
    properties["api_key"] = token();
    properties["distinct_id"] = distinct_id();
    let required: Vec<&str> = match properties.get("group_type") {
        Some(_) => vec!["api_key", "group_type", "group_key"],
        None if properties.get("alias").is_some() => vec!["api_key", "distinct_id", "alias"],
        None => vec!["api_key", "distinct_id"],
    };
    inline(json!({ "type": "object", "required": required, "properties": properties }))
}

fn distinct_id() -> Value {
    json!({ "type": "string", "pattern": r"\S", "examples": ["user-1"] })
}

fn stored() -> Value {
    json!({
        "type": "object",
        "required": ["status"],
        "properties": {
            "status": { "type": "integer", "enum": [1] },
            "quota_limited": { "type": "array", "items": { "type": "string" } },
        },
    })
}

fn failure() -> Value {
    json!({
        "type": "object",
        "required": ["status", "error"],
        "properties": {
            "status": { "type": "integer", "enum": [0] },
            "error": { "type": "string", "description": "What is wrong, in PostHog's words" },
        },
    })
}
