//! Rows that a sink refused for good.

use serde_json::json;
use utoipa::openapi::{HttpMethod, PathItem};

use super::access::{changing, reading};
use super::parts::{JSON, answer, at, inline, named, operation};

const TAG: &str = "operation";

/// `/api/dead-letters`.
pub(crate) fn dead_letters() -> PathItem {
    let count = json!({ "type": "integer", "minimum": 0 });
    let resending = json!({
        "type": "object",
        "description": "Whether they are being sent, and how the last sending ended",
        "required": ["is_at_work", "taken", "refused", "troubles"],
        "properties": {
            "is_at_work": { "type": "boolean" },
            "taken": count,
            "refused": count,
            "troubles": { "type": "array", "items": { "type": "string" } },
        },
    });
    let letters = json!({
        "type": "array",
        "description": "By sink and reason",
        "items": {
            "type": "object",
            "required": ["sink", "reason", "rows"],
            "properties": {
                "sink": { "type": "string" },
                "reason": { "type": "string" },
                "rows": count,
            },
        },
    });
    let page = json!({
        "type": "object",
        "required": ["letters", "resending"],
        "properties": { "letters": letters, "resending": resending },
    });
    let begun = json!({
        "type": "object",
        "required": ["resending"],
        "properties": { "resending": resending },
    });
    let list = operation(TAG, "dead_letters", "Counts rows that a sink refused for good")
        .response("200", answer("How many, and why", JSON, inline(page)))
        .response("500", answer("They cannot be read", JSON, named("Error")));
    let resend = operation(TAG, "resend_dead_letters", "Sends all of them again")
        .response("202", answer("It has begun", JSON, inline(begun)))
        .response("409", answer("It is under way, or there is no pipeline", JSON, named("Error")));
    let mut item = at(HttpMethod::Get, reading(list, &[]).build());
    item.post = Some(changing(resend, &[]).build());
    item
}
