//! What balancers and orchestrators ask.

use serde_json::json;
use utoipa::openapi::{ContentBuilder, HttpMethod, PathItem, ResponseBuilder};

use super::parts::{JSON, answer, at, inline, operation};

const TAG: &str = "operation";
const TEXT: &str = "text/plain; charset=utf-8";

/// `/`.
pub(crate) fn index() -> PathItem {
    let text = || ContentBuilder::new().schema(Some(inline(json!({ "type": "string" })))).build();
    let says = ResponseBuilder::new()
        .description("Its name, or its pages for who asks for `text/html`")
        .content(TEXT, text())
        .content("text/html; charset=utf-8", text())
        .build();
    at(HttpMethod::Get, operation(TAG, "index", "Says what this is").response("200", says).build())
}

/// `/healthz` and its other name.
pub(crate) fn liveness(id: &str) -> PathItem {
    let ok = json!({
        "type": "object",
        "required": ["status"],
        "properties": { "status": { "type": "string", "enum": ["ok"] } },
    });
    let operation = operation(TAG, id, "Whether the process answers")
        .response("200", answer("It does", JSON, inline(ok)));
    at(HttpMethod::Get, operation.build())
}

/// `/_readiness`.
pub(crate) fn readiness() -> PathItem {
    let body = json!({
        "type": "object",
        "required": ["status", "sinks"],
        "properties": {
            "status": { "type": "string", "enum": ["ok", "stopping", "persons unreachable"] },
            "sinks": {
                "type": "object",
                "additionalProperties": {
                    "type": "string",
                    "enum": ["working", "retrying", "paused", "parked"],
                },
            },
        },
    });
    let operation = operation(TAG, "readiness", "Whether it should get requests")
        .response("200", answer("It should", JSON, inline(body.clone())))
        .response("503", answer("It is stopping, or cannot take events now", JSON, inline(body)));
    at(HttpMethod::Get, operation.build())
}
