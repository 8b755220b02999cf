//! Insights.

use http::StatusCode;
use query::insights::Kind;
use serde_json::{Value, json};
use utoipa::openapi::{HttpMethod, PathItem};

use super::parts::{
    JSON, answer, at, body, for_readers, in_header, in_path, in_query, inline, named, operation,
};

/// `/api/insights/{kind}`.
pub(crate) fn insights() -> PathItem {
    let kinds: Vec<&str> = Kind::ALL.iter().map(|(name, _)| *name).collect();
    let kind = json!({ "type": "string", "enum": kinds });
    let requests: Vec<Value> = Kind::ALL
        .iter()
        .map(|(_, kind)| json!({ "$ref": format!("#/components/schemas/{}", kind.schema()) }))
        .collect();
    let chart = json!({
        "type": "object",
        "properties": {
            "results": { "type": ["array", "object"] },
            "persons": { "type": "array", "items": { "type": "object" } },
            "sql": { "type": "array", "items": { "type": "string" } },
        },
    });
    let project = json!({ "type": "integer", "format": "int64", "default": 1 });
    let operation = operation("reading", "insights", "Answers an insight, as PostHog saves it")
        .parameter(in_path("kind", "Its kind", kind))
        .parameter(in_query("project", "The project's number", project))
        .parameter(in_header(
            "Cache-Control",
            "`max-stale=300`: an answer that was worked out in the last 300 seconds serves, 600 at most. `Age` \
             tells how many seconds ago that was, where rows came since",
            json!({ "type": "string" }),
        ))
        .request_body(Some(body(JSON, inline(json!({ "anyOf": requests })))))
        .response("200", answer("The chart, or persons of it", JSON, inline(chart)));
    let failures = [
        (StatusCode::BAD_REQUEST, "A field is not what it must be, and the error names it"),
        (StatusCode::UNAUTHORIZED, "Nobody is logged in, and no key is shown"),
        (StatusCode::FORBIDDEN, "It is for other projects, or does not read"),
        (StatusCode::NOT_FOUND, "There is no such kind, or the lake is off"),
        (StatusCode::REQUEST_TIMEOUT, "It takes too long"),
        (StatusCode::PAYLOAD_TOO_LARGE, "The question is too long"),
        (StatusCode::SERVICE_UNAVAILABLE, "Too much at once; try again after `Retry-After`"),
    ];
    let operation =
        failures.into_iter().fold(for_readers(operation), |operation, (status, meaning)| {
            operation.response(status.as_str(), answer(meaning, JSON, named("Error")))
        });
    at(HttpMethod::Post, operation.build())
}
