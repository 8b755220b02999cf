//! OpenTelemetry.

use http::StatusCode;
use serde_json::json;
use utoipa::openapi::path::OperationBuilder;
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::{ContentBuilder, HttpMethod, PathItem, Required, Response, ResponseBuilder};

use super::parts::{JSON, PROJECT_TOKEN, at, failures, inline, operation, with};

const PROTOBUF: &str = "application/x-protobuf";

/// Logs, traces or metrics, whose JSON has `resource` as its member.
pub(crate) fn signal(id: &str, resources: &str) -> PathItem {
    let summary = "Takes OpenTelemetry, as OTLP over HTTP sends it; kept raw in table `otel`";
    at(HttpMethod::Post, exported(operation("opentelemetry", id, summary), resources))
}

/// `/i/v0/ai/otel`.
pub(crate) fn ai_spans() -> PathItem {
    let summary = "Takes traces of AI libraries, whose spans become `$ai_…` events";
    at(HttpMethod::Post, exported(operation("opentelemetry", "ai_spans", summary), "resourceSpans"))
}

fn exported(operation: OperationBuilder, resources: &str) -> utoipa::openapi::path::Operation {
    let request = json!({
        "type": "object",
        "required": [resources],
        "properties": { resources: { "type": "array", "items": { "type": "object" } } },
    });
    let binary = json!({ "type": "string", "format": "binary" });
    let body = RequestBodyBuilder::new()
        .content(JSON, ContentBuilder::new().schema(Some(inline(request))).build())
        .content(PROTOBUF, ContentBuilder::new().schema(Some(inline(binary))).build())
        .required(Some(Required::True))
        .build();
    let operation =
        operation.security(with(PROJECT_TOKEN)).request_body(Some(body)).response("200", stored());
    let statuses = [
        StatusCode::BAD_REQUEST,
        StatusCode::UNAUTHORIZED,
        StatusCode::NOT_FOUND,
        StatusCode::REQUEST_TIMEOUT,
        StatusCode::PAYLOAD_TOO_LARGE,
        StatusCode::SERVICE_UNAVAILABLE,
    ];
    failures(operation, &statuses).build()
}

fn stored() -> Response {
    let empty = json!({ "type": "object" });
    let nothing = json!({ "type": "string", "format": "binary" });
    ResponseBuilder::new()
        .description("Stored; in the form in which it came")
        .content(JSON, ContentBuilder::new().schema(Some(inline(empty))).build())
        .content(PROTOBUF, ContentBuilder::new().schema(Some(inline(nothing))).build())
        .build()
}
