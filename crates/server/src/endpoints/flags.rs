//! `/decide` and `/flags`: what SDKs ask before they begin.

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use capture::flags::Endpoint;
use http::StatusCode;

use crate::EdgeState;
use crate::answer;
use crate::intake::Incoming;

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
            let flags = incoming.decode_now(|received, memory| {
                let request = capture::flags::Request {
                    endpoint,
                    method: received.method(),
                    query: received.query(),
                    headers: received.headers(),
                    body: received.body.clone(),
                    received_at: received.received_at,
                };
                let recording = state.recording_endpoint.as_deref();
                capture::flags::placeholder(&request, &state.capture, recording, memory)
            });
            answer::json(StatusCode::OK, flags.to_string())
        }
        Err(failure) => failure.into_response(),
    }
}
