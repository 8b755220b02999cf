//! `POST /api/sql`: questions to the lake.

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use query::{Error, Format};
use serde::Deserialize;
use serde_json::json;

use crate::{EdgeState, answer, body};

/// Longest question.
const QUESTION_BYTES: usize = 1 << 20;

/// `{"query": "SELECT …", "format": "json"}`; formats are `table`, `csv`, `json` and `ndjson`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Question {
    query: String,
    #[serde(default)]
    format: Option<String>,
}

/// For whoever shows the read key.
pub(crate) async fn query(State(state): State<EdgeState>, request: Request) -> Response {
    match state.read_key.is_shown(request.headers()) {
        true => query_locally(State(state), request).await,
        false => failure(
            StatusCode::UNAUTHORIZED,
            "show the read key as `Authorization: Bearer …`; `hogflare key show` prints it",
        ),
    }
}

/// For whoever may open the data folder's socket.
pub(crate) async fn query_locally(State(state): State<EdgeState>, request: Request) -> Response {
    let mut reservation = state.budget.reservation();
    let body = match body::read(request.into_body(), QUESTION_BYTES, &mut reservation).await {
        Ok(body) => body,
        Err(failure) => return failure.into_response(),
    };
    let question: Question = match serde_json::from_slice(&body) {
        Ok(question) => question,
        Err(error) => return failure(StatusCode::BAD_REQUEST, &error.to_string()),
    };
    let format = match question.format.as_deref().unwrap_or("json").parse::<Format>() {
        Ok(format) => format,
        Err(message) => return failure(StatusCode::BAD_REQUEST, &message),
    };
    let Some(questions) = &state.questions else {
        return failure(StatusCode::NOT_FOUND, "the lake is off (HOGFLARE_LAKE=off)");
    };
    questions.catch_up().await;
    match questions.engine.answer(&question.query, format).await {
        Ok(text) => {
            let mut response = Response::new(text.into());
            let media_type = HeaderValue::from_static(format.media_type());
            response.headers_mut().insert(CONTENT_TYPE, media_type);
            response
        }
        Err(error) => failure(status_of(&error), &error.to_string()),
    }
}

fn status_of(error: &Error) -> StatusCode {
    match error {
        Error::Refused(_) => StatusCode::FORBIDDEN,
        Error::Invalid(_) | Error::OutOfMemory(_) | Error::AnswerTooLarge { .. } => {
            StatusCode::BAD_REQUEST
        }
        Error::TimedOut { .. } => StatusCode::REQUEST_TIMEOUT,
        Error::Failed(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn failure(status: StatusCode, message: &str) -> Response {
    answer::json(status, json!({ "error": message }).to_string()).into_response()
}
