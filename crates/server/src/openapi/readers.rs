//! What readers ask, and this document.

use http::StatusCode;
use serde_json::json;
use utoipa::openapi::{ContentBuilder, HttpMethod, PathItem, ResponseBuilder};

use super::parts::{JSON, answer, at, body, for_readers, inline, named, operation};
use super::persons::project;

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
            "project": {
                "type": ["integer", "null"],
                "format": "int64",
                "description": "Whose rows there are; without it those of all that may be read",
            },
            "format": { "type": "string", "enum": ["json", "ndjson", "csv", "table", "arrow"] },
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
        .content("application/vnd.apache.arrow.stream", text())
        .build();
    let operation = operation(TAG, "sql", "Asks the lake, in SQL")
        .request_body(Some(body(JSON, inline(question))))
        .response("200", rows);
    let failures = [
        (StatusCode::BAD_REQUEST, "It is no question, or its answer is too large"),
        (StatusCode::UNAUTHORIZED, "Nobody is logged in, and no key is shown"),
        (StatusCode::FORBIDDEN, "SQL that does more than read, or another project"),
        (StatusCode::NOT_FOUND, "The lake is off"),
        (StatusCode::REQUEST_TIMEOUT, "It takes too long"),
        (StatusCode::PAYLOAD_TOO_LARGE, "The question is too long"),
        (StatusCode::SERVICE_UNAVAILABLE, "Too much at once; try again after `Retry-After`"),
    ];
    let operation = failures.into_iter().fold(for_readers(operation), |operation, failure| {
        let (status, meaning) = failure;
        let error = json!({
            "type": "object",
            "required": ["error"],
            "properties": { "error": { "type": "string" } },
        });
        operation.response(status.as_str(), answer(meaning, JSON, inline(error)))
    });
    at(HttpMethod::Post, operation.build())
}

/// `/api/live`.
pub(crate) fn live() -> PathItem {
    let told = inline(json!({ "type": "string" }));
    let operation = operation(TAG, "live", "Tells when there are newer rows, for a minute")
        .parameter(project())
        .response("200", answer("Server-sent events `rows`", "text/event-stream", told))
        .response("400", answer("The project is none", JSON, named("Error")))
        .response("401", answer("Nobody is known to ask", JSON, named("Error")))
        .response("403", answer("Another project", JSON, named("Error")))
        .response("404", answer("The lake is off", JSON, named("Error")))
        .response("503", answer("Not now; try again", JSON, named("Error")));
    at(HttpMethod::Get, for_readers(operation).build())
}

/// `/api/freshness`.
pub(crate) fn freshness() -> PathItem {
    let time = json!({ "type": ["string", "null"], "format": "date-time" });
    let rows = inline(json!({
        "type": "object",
        "required": ["source", "committed_at", "checked_at", "trouble"],
        "properties": {
            "source": { "type": "string", "enum": ["lake", "catalog"],
                "description": "The lake has rows moments after they came, a catalog once they are committed there" },
            "committed_at": time,
            "checked_at": time,
            "trouble": { "type": ["string", "null"],
                "description": "Why the catalog has said nothing since" },
        },
    }));
    let operation = operation(TAG, "freshness", "How new the rows are that questions get")
        .response("200", answer("How new they are", JSON, rows))
        .response("401", answer("Nobody is known to ask", JSON, named("Error")))
        .response("403", answer("The key may not read", JSON, named("Error")))
        .response("404", answer("There is no lake", JSON, named("Error")))
        .response("503", answer("Not now; try again", JSON, named("Error")));
    at(HttpMethod::Get, for_readers(operation).build())
}

/// `/metrics`.
pub(crate) fn metrics() -> PathItem {
    let operation = for_readers(operation(TAG, "metrics", "Numbers for Prometheus"))
        .response("200", answer("Its text format", TEXT, inline(json!({ "type": "string" }))))
        .response("401", answer("Nobody is known to ask", JSON, named("Error")))
        .response("403", answer("The key is for some projects", JSON, named("Error")))
        .response("503", answer("Not now; try again", JSON, named("Error")));
    at(HttpMethod::Get, operation.build())
}

/// The document itself.
pub(super) fn openapi() -> PathItem {
    let operation = operation(TAG, "openapi", "This document")
        .response("200", answer("It", JSON, inline(json!({ "type": "object" }))));
    at(HttpMethod::Get, operation.build())
}
