//! `/decide` and `/flags`: what SDKs ask before they begin.

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;

use crate::EdgeState;
use crate::answer::{self, Failure};
use crate::intake::Incoming;

/// `/decide`, the older question.
pub(crate) async fn decide(State(state): State<EdgeState>, request: Request) -> Response {
    answer_or_failure(respond(&state, request, capture::flags::Question::Decide).await)
}

/// `/flags`.
pub(crate) async fn flags(State(state): State<EdgeState>, request: Request) -> Response {
    answer_or_failure(respond(&state, request, capture::flags::Question::Flags).await)
}

async fn respond(
    state: &EdgeState,
    request: Request,
    question: capture::flags::Question,
) -> Result<Response, Failure> {
    let incoming = Incoming::read_unsigned(state, request).await?;
    let endpoint = state.recording_endpoint.as_deref();
    let body = incoming.answer_flags(state, question, endpoint);
    Ok(answer::json(StatusCode::OK, body))
}

fn answer_or_failure(result: Result<Response, Failure>) -> Response {
    result.unwrap_or_else(IntoResponse::into_response)
}
