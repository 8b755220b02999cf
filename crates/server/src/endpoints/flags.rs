//! `/decide` and `/flags`: what SDKs ask before they begin.

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use capture::flags::Endpoint;
use http::StatusCode;
use serde_json::Value;

use crate::EdgeState;
use crate::answer::{self, Failure};
use crate::intake::{Incoming, Received};
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
    match answered(state, request, endpoint).await {
        Ok(answer) => answer::json(StatusCode::OK, answer.to_string()),
        Err(failure) => failure.into_response(),
    }
}

async fn answered(
    state: &EdgeState,
    request: Request,
    endpoint: Endpoint,
) -> Result<Value, Failure> {
    let incoming = Incoming::read(state, request, WIRE_BYTES).await?;
    let headers = incoming.received().headers().clone();
    let decoder = state.clone();
    let decode = move |received: &Received, memory: &mut dyn capture::Memory| {
        let request = capture::flags::Request {
            endpoint,
            method: received.method(),
            query: received.query(),
            headers: received.headers(),
            body: received.body.clone(),
            received_at: received.received_at,
        };
        capture::flags::read(&request, &decoder.capture, memory).map_err(Failure::from)
    };
    let (question, _reservation) = incoming.decode(decode).await?;
    let policy = state.policy.get();
    let settings = policy.sdk_settings(question.token());
    let config = remote_config(settings, state.recording_endpoint.as_deref(), &headers);
    Ok(question.answer(config))
}
