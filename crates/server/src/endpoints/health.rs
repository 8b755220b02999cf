//! Whether the service lives, and whether it should get requests.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::json;
use sink::{Health, Status};

use crate::{EdgeState, answer};

/// `GET /`: PostHog's capture says its name.
pub(crate) async fn index() -> &'static str {
    "capture"
}

/// `GET /healthz`: the process answers.
pub(crate) async fn healthz() -> Response {
    answer::json(StatusCode::OK, json!({ "status": "ok" }).to_string())
}

/// `GET /_liveness`: likewise; a process that does not answer should be restarted.
pub(crate) async fn liveness() -> Response {
    healthz().await
}

/// `GET /_readiness`: 503 while stopping; before the start nothing answers.
///
/// A sink in trouble is told but is no reason to send requests elsewhere: the journal takes them.
pub(crate) async fn readiness(State(state): State<EdgeState>) -> Response {
    let sinks: serde_json::Map<_, _> =
        state.sinks.iter().map(|sink| (sink.name().to_owned(), word(sink).into())).collect();
    let (status, word) = match state.is_draining() {
        false => (StatusCode::OK, "ok"),
        true => (StatusCode::SERVICE_UNAVAILABLE, "stopping"),
    };
    answer::json(status, json!({ "status": word, "sinks": sinks }).to_string())
}

/// Anything else: 404, never a page, since SDKs read 200 as "stored".
pub(crate) async fn unknown_path() -> Response {
    StatusCode::NOT_FOUND.into_response()
}

/// A method that a path does not take.
pub(crate) async fn wrong_method() -> Response {
    StatusCode::METHOD_NOT_ALLOWED.into_response()
}

fn word(sink: &Status) -> &'static str {
    match sink.health() {
        Health::Working => "working",
        Health::Retrying(_) => "retrying",
        Health::Paused(_) => "paused",
        Health::Parked => "parked",
    }
}
