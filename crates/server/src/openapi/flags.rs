//! What SDKs ask before and beside what they send.

use http::StatusCode;
use serde_json::{Value, json};
use utoipa::openapi::path::{Operation, OperationBuilder};
use utoipa::openapi::{HttpMethod, PathItem};

use super::parts::{
    JSON, answer, at, bodiless, body, failures, in_query, inline, meaning, named, operation, token,
};

const TAG: &str = "sdk";

pub(super) fn schemas() -> Vec<(&'static str, Value)> {
    vec![("Question", question()), ("Fault", fault())]
}

/// `/flags`.
pub(crate) fn flags() -> PathItem {
    asked("flags", "Evaluates feature flags")
}

/// `/decide`.
pub(crate) fn decide() -> PathItem {
    asked("decide", "The older question for flags and settings")
}

fn asked(id: &str, summary: &str) -> PathItem {
    let answered = |operation: OperationBuilder| {
        let version = in_query(
            "v",
            "The version of the answer's shape",
            json!({ "type": "string", "enum": ["1", "2", "3", "4"] }),
        );
        let operation = operation.parameter(version).response(
            "200",
            answer("Flags, and settings where asked", JSON, inline(json!({ "type": "object" }))),
        );
        let statuses = [
            StatusCode::REQUEST_TIMEOUT,
            StatusCode::PAYLOAD_TOO_LARGE,
            StatusCode::SERVICE_UNAVAILABLE,
        ];
        failures(operation, &statuses)
    };
    let post = answered(operation(TAG, &format!("{id}_post"), summary))
        .request_body(Some(body(JSON, named("Question"))));
    let get = answered(operation(TAG, &format!("{id}_get"), summary));
    both(get.build(), post.build())
}

/// A list that is empty here, by the name of its member.
pub(crate) fn list(id: &str, summary: &str, member: &str) -> PathItem {
    let empty = json!({
        "type": "object",
        "required": [member],
        "properties": { member: { "type": "array", "maxItems": 0, "items": {} } },
    });
    let answered = |operation: OperationBuilder| {
        let operation =
            operation.response("200", answer("There are none", JSON, inline(empty.clone())));
        [StatusCode::BAD_REQUEST, StatusCode::UNAUTHORIZED].into_iter().fold(
            operation,
            |operation, status| {
                let fault = answer(meaning(status), JSON, named("Fault"));
                operation.response(status.as_str(), fault)
            },
        )
    };
    let statuses = [
        StatusCode::REQUEST_TIMEOUT,
        StatusCode::PAYLOAD_TOO_LARGE,
        StatusCode::SERVICE_UNAVAILABLE,
    ];
    let in_body =
        json!({ "type": "object", "required": ["token"], "properties": { "token": token() } });
    let get = answered(operation(TAG, &format!("{id}_get"), summary)).parameter(in_query(
        "token",
        "Project API key",
        token(),
    ));
    let post = answered(operation(TAG, &format!("{id}_post"), summary))
        .request_body(Some(body(JSON, inline(in_body))));
    both(get.build(), failures(post, &statuses).build())
}

/// `/api/push_subscriptions`.
pub(crate) fn push_subscription() -> PathItem {
    let refused = |id: &str| {
        operation(TAG, id, "Refuses to send push messages, in words that SDKs know")
            .response("400", answer("There are none here", JSON, named("Fault")))
            .build()
    };
    let mut item = at(HttpMethod::Post, refused("push_subscriptions_post"));
    item.merge_operations(at(HttpMethod::Delete, refused("push_subscriptions_delete")));
    item
}

/// `/report`.
pub(crate) fn report() -> PathItem {
    let operation = operation(TAG, "report", "Counts a report of a content security policy")
        .response("204", bodiless("Counted, not stored"));
    at(HttpMethod::Post, operation.build())
}

fn both(get: Operation, post: Operation) -> PathItem {
    let mut item = at(HttpMethod::Get, get);
    item.merge_operations(at(HttpMethod::Post, post));
    item
}

fn question() -> Value {
    json!({
        "type": "object",
        "required": ["token", "distinct_id"],
        "properties": {
            "token": token(),
            "distinct_id": { "type": "string" },
            "groups": { "type": "object" },
            "person_properties": { "type": "object" },
            "group_properties": { "type": "object" },
        },
    })
}

/// How PostHog's API, as opposed to its capture, says no.
fn fault() -> Value {
    json!({
        "type": "object",
        "required": ["type", "code", "detail"],
        "properties": {
            "type": { "type": "string" },
            "code": { "type": "string" },
            "detail": { "type": "string" },
        },
    })
}
