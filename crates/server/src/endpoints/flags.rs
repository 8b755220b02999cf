//! `/decide` and `/flags`: what SDKs ask before they begin.

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use capture::flags::Endpoint;
use http::StatusCode;

use crate::EdgeState;
use crate::answer;
use crate::intake::Incoming;
use crate::remote_config::remote_config;

/// Largest body as sent: person and group properties.
const WIRE_BYTES: usize = 2 << 20;

/// `/decide`, the older question.
pub(crate) async fn decide(State(state): State<EdgeState>, request: Request) -> Response {
    respond(&state, request, Endpoint::Decide).await
}

/// `/flags`.
pub(crate) async fn flags(State(state): State<EdgeState>, request: Request) -> Response {
    respond(&state, request, Endpoint::Flags).await
}

async fn respond(state: &EdgeState, request: Request, endpoint: Endpoint) -> Response {
    match Incoming::read(state, request, WIRE_BYTES).await {
        Ok(mut incoming) => {
            let question = incoming.decode_now(|received, memory| {
                let request = capture::flags::Request {
                    endpoint,
                    method: received.method(),
                    query: received.query(),
                    headers: received.headers(),
                    body: received.body.clone(),
                    received_at: received.received_at,
                };
                capture::flags::read(&request, &state.capture, memory)
            });
            let policy = state.policy.get();
            let settings = policy.sdk_settings(question.token());
            let recording_endpoint = state.recording_endpoint.as_deref();
            let headers = incoming.received().headers();
            let config = remote_config(settings, recording_endpoint, headers);
            answer::json(StatusCode::OK, question.answer(config).to_string())
        }
        Err(failure) => failure.into_response(),
    }
}
