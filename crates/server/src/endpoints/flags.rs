//! `/decide` and `/flags`: what SDKs ask before they begin.

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use capture::flags::Endpoint;
use http::StatusCode;

use crate::EdgeState;
use crate::answer;
use crate::intake::Incoming;
use crate::remote_config::remote_config;

/// `/decide`, the older question.
pub(crate) async fn decide(State(state): State<EdgeState>, request: Request) -> Response {
    respond(&state, request, Endpoint::Decide).await
}

/// `/flags`.
pub(crate) async fn flags(State(state): State<EdgeState>, request: Request) -> Response {
    respond(&state, request, Endpoint::Flags).await
}

async fn respond(state: &EdgeState, request: Request, endpoint: Endpoint) -> Response {
    match Incoming::read_unsigned(state, request).await {
        Ok(mut incoming) => {
            let question = incoming.question(state, endpoint);
            let settings = match question.token() {
                Some(token) => state.projects.sdk_settings(token),
                None => state.projects.default_sdk_settings(),
            };
            let recording_endpoint = state.recording_endpoint.as_deref();
            let config = remote_config(&settings, recording_endpoint, incoming.headers());
            answer::json(StatusCode::OK, question.answer(config).to_string())
        }
        Err(failure) => failure.into_response(),
    }
}
