//! `/decide` and `/flags`: what SDKs ask before they begin.

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use capture::flags::Endpoint;
use http::StatusCode;

use crate::EdgeState;
use crate::answer;
use crate::intake::Incoming;

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
            let flags = incoming.flags(state, endpoint);
            answer::json(StatusCode::OK, flags.to_string())
        }
        Err(failure) => failure.into_response(),
    }
}
