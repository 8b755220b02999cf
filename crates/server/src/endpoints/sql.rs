//! `POST /api/sql`: questions to the lake.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use event::TeamId;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use query::{Error, Format, Written};
use serde::Deserialize;
use serde_json::json;

use crate::access::{Denied, Reader};
use crate::{EdgeState, answer as answers, body};

/// Longest question.
const QUESTION_BYTES: usize = 1 << 20;

/// `{"query": "SELECT …", "format": "json", "project": 1}`; formats are `table`, `csv`, `json`, `ndjson`
/// and `arrow`. Without a project all that may be asked for are asked.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Question {
    query: String,
    #[serde(default)]
    format: Option<String>,
    #[serde(default)]
    project: Option<i64>,
}

/// For whoever may read.
pub(crate) async fn query(
    State(state): State<EdgeState>,
    Reader(reader): Reader,
    request: Request,
) -> Result<Response, Denied> {
    let question = match read(&state, request).await {
        Ok(question) => question,
        Err(response) => return Ok(response),
    };
    let teams = reader.teams(question.project.map(TeamId))?;
    Ok(answer(&state, &question, teams).await)
}

/// For whoever may open the data folder's socket.
pub(crate) async fn query_locally(State(state): State<EdgeState>, request: Request) -> Response {
    match read(&state, request).await {
        Ok(question) => answer(&state, &question, question.project.map(|team| vec![team])).await,
        Err(response) => response,
    }
}

async fn read(state: &EdgeState, request: Request) -> Result<Question, Response> {
    let mut reservation = state.budget.reservation();
    let body = body::read(request.into_body(), QUESTION_BYTES, &mut reservation).await;
    let body = body.map_err(IntoResponse::into_response)?;
    serde_json::from_slice(&body)
        .map_err(|error| failure(StatusCode::BAD_REQUEST, &error.to_string()))
}

/// Answers from the rows of these projects, or of all.
async fn answer(state: &EdgeState, question: &Question, teams: Option<Vec<i64>>) -> Response {
    let format = match question.format.as_deref().unwrap_or("json").parse::<Format>() {
        Ok(format) => format,
        Err(message) => return failure(StatusCode::BAD_REQUEST, &message),
    };
    let Some(questions) = &state.questions else {
        return failure(StatusCode::NOT_FOUND, "the lake is off (HOGFLARE_LAKE=off)");
    };
    match questions.over(teams).await.write(&question.query, format).await {
        Ok(written) => rows(written, format),
        Err(error) => failed(&error),
    }
}

/// Rows as they are written; an answer that fails on the way breaks off.
pub(super) fn rows(written: Written, format: Format) -> Response {
    let mut response = Response::new(Body::from_stream(written));
    let media_type = HeaderValue::from_static(format.media_type());
    response.headers_mut().insert(CONTENT_TYPE, media_type);
    response
}

/// An error of the engine's, over HTTP.
pub(super) fn failed(error: &Error) -> Response {
    failure(status_of(error), &error.to_string())
}

/// What an error of the engine's is over HTTP.
pub(super) fn status_of(error: &Error) -> StatusCode {
    match error {
        Error::Refused(_) => StatusCode::FORBIDDEN,
        Error::Invalid(_) | Error::OutOfMemory(_) | Error::AnswerTooLarge { .. } => {
            StatusCode::BAD_REQUEST
        }
        Error::TimedOut { .. } => StatusCode::REQUEST_TIMEOUT,
        Error::NotReady(_) => StatusCode::SERVICE_UNAVAILABLE,
        Error::Failed(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn failure(status: StatusCode, message: &str) -> Response {
    answers::json(status, json!({ "error": message }).to_string())
}
