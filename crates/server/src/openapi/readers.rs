//! What needs the read key, and this document.

use http::StatusCode;
use serde_json::json;
use utoipa::openapi::{ContentBuilder, HttpMethod, PathItem, ResponseBuilder};

use super::parts::{JSON, READ_KEY, answer, at, bodiless, body, inline, operation, with};

const TAG: &str = "reading";
const TEXT: &str = "text/plain; charset=utf-8";

/// `/api/sql`.
pub(crate) fn sql() -> PathItem {
    let question = json!({
        "type": "object",
        "required": ["query"],
        "additionalProperties": false,
        "properties": {
            "query": { "type": "string", "examples": ["select event, count(*) from events group by 1"] },
            "format": { "type": "string", "enum": ["json", "ndjson", "csv", "table"] },
        },
    });
    let text = || ContentBuilder::new().schema(Some(inline(json!({ "type": "string" })))).build();
    let rows = json!({ "type": "array", "items": { "type": "object" } });
    let rows = ResponseBuilder::new()
        .description("The rows, in the format that was asked for")
        .content(JSON, ContentBuilder::new().schema(Some(inline(rows))).build())
        .content("application/x-ndjson", text())
        .content("text/csv; charset=utf-8", text())
        .content(TEXT, text())
        .build();
    let operation = operation(TAG, "sql", "Asks the lake, in SQL")
        .security(with(READ_KEY))
        .request_body(Some(body(JSON, inline(question))))
        .response("200", rows);
    let failures = [
        (StatusCode::BAD_REQUEST, "It is no question, or its answer is too large"),
        (StatusCode::UNAUTHORIZED, "The read key is not shown"),
        (StatusCode::FORBIDDEN, "SQL that does more than read"),
        (StatusCode::NOT_FOUND, "The lake is off"),
        (StatusCode::REQUEST_TIMEOUT, "It takes too long"),
        (StatusCode::PAYLOAD_TOO_LARGE, "The question is too long"),
        (StatusCode::SERVICE_UNAVAILABLE, "Too much at once; try again after `Retry-After`"),
    ];
    let operation = failures.into_iter().fold(operation, |operation, (status, meaning)| {
        let error = json!({
            "type": "object",
            "required": ["error"],
            "properties": { "error": { "type": "string" } },
        });
        operation.response(status.as_str(), answer(meaning, JSON, inline(error)))
    });
    at(HttpMethod::Post, operation.build())
}

/// `/metrics`.
pub(crate) fn metrics() -> PathItem {
    let operation = operation(TAG, "metrics", "Numbers for Prometheus")
        .security(with(READ_KEY))
        .response("200", answer("Its text format", TEXT, inline(json!({ "type": "string" }))))
        .response("401", bodiless("The read key is not shown"));
    at(HttpMethod::Get, operation.build())
}

/// The document itself.
pub(super) fn openapi() -> PathItem {
    let operation = operation(TAG, "openapi", "This document")
        .response("200", answer("It", JSON, inline(json!({ "type": "object" }))));
    at(HttpMethod::Get, operation.build())
}
