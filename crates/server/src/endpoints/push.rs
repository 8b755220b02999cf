//! `/api/push_subscriptions`: apps that want push messages. Nothing here sends any.

use axum::response::Response;
use http::StatusCode;
use serde_json::json;

use crate::answer;

/// Refuses in words that SDKs know, and do not repeat the request after. Remote configuration names no
/// app, so that current ones do not ask at all.
pub(crate) async fn refuse() -> Response {
    let body = json!({
        "type": "validation_error",
        "code": "integration_not_found",
        "detail": "push messages are not supported",
    });
    answer::json(StatusCode::BAD_REQUEST, body.to_string())
}
