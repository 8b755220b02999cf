//! `POST /api/sql`: questions to the lake.

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, StatusCode};
use query::{Error, Format};
use serde::Deserialize;
use serde_json::json;

use crate::{EdgeState, answer};

/// `{"query": "SELECT …", "format": "json"}`; formats are `table`, `csv`, `json` and `ndjson`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Question {
    query: String,
    #[serde(default)]
    format: Option<String>,
}

type Body = Result<Json<Question>, JsonRejection>;

/// For whoever shows the read key.
pub(crate) async fn query(
    State(state): State<EdgeState>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    match state.read_key.is_shown(&headers) {
        true => query_locally(State(state), body).await,
        false => failure(
            StatusCode::UNAUTHORIZED,
            "show the read key as `Authorization: Bearer …`; `hogflare key show` prints it",
        ),
    }
}

/// For whoever may open the data folder's socket.
pub(crate) async fn query_locally(State(state): State<EdgeState>, body: Body) -> Response {
    let question = match body {
        Ok(Json(question)) => question,
        Err(rejection) => return failure(StatusCode::BAD_REQUEST, &rejection.body_text()),
    };
    let format = match question.format.as_deref().unwrap_or("json").parse::<Format>() {
        Ok(format) => format,
        Err(message) => return failure(StatusCode::BAD_REQUEST, &message),
    };
    let Some(questions) = &state.questions else {
        return failure(StatusCode::NOT_FOUND, "the lake is off (HOGFLARE_LAKE=off)");
    };
    let rows = async {
        questions.catch_up().await;
        let answer = questions.engine.query(&question.query).await?;
        let schema = answer.schema();
        let batches = answer.collect().await?;
        format.write(schema, &batches).map_err(|error| Error::Failed(error.to_string()))
    };
    match rows.await {
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
        Error::Invalid(_) | Error::OutOfMemory(_) => StatusCode::BAD_REQUEST,
        Error::TimedOut { .. } => StatusCode::REQUEST_TIMEOUT,
        Error::Failed(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn failure(status: StatusCode, message: &str) -> Response {
    answer::json(status, json!({ "error": message }).to_string()).into_response()
}
