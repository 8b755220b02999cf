//! `POST /api/insights/{kind}`: what dashboards ask, as PostHog saves it.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, Request, State};
use axum::response::{IntoResponse, Response};
use event::TeamId;
use http::StatusCode;
use query::insights::Kind;
use serde::Deserialize;
use serde_json::json;

use super::sql::status_of;
use crate::access::Reader;
use crate::{EdgeState, answer, body};

/// Longest question.
const QUESTION_BYTES: usize = 1 << 20;

/// Whose events.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Whose {
    #[serde(default = "first_project")]
    project: i64,
}

/// The project of `POSTHOG_API_KEY`.
const fn first_project() -> i64 {
    1
}

/// For whoever may read.
pub(crate) async fn answer(
    State(state): State<EdgeState>,
    Reader(reader): Reader,
    Path(kind): Path<String>,
    whose: Result<Query<Whose>, QueryRejection>,
    request: Request,
) -> Response {
    let kind = match kind.parse::<Kind>() {
        Ok(kind) => kind,
        Err(message) => return failure(StatusCode::NOT_FOUND, &message),
    };
    let team = match whose {
        Ok(Query(whose)) => TeamId(whose.project),
        Err(wrong) => return failure(StatusCode::BAD_REQUEST, &wrong.body_text()),
    };
    if let Err(denied) = reader.needs_project(team) {
        return denied.into_response();
    }
    let mut reservation = state.budget.reservation();
    let body = match body::read(request.into_body(), QUESTION_BYTES, &mut reservation).await {
        Ok(body) => body,
        Err(failure) => return failure.into_response(),
    };
    let Some(questions) = &state.questions else {
        return failure(StatusCode::NOT_FOUND, "the lake is off (HOGFLARE_LAKE=off)");
    };
    let project = state.policy.get().insights(team);
    questions.catch_up().await;
    match questions.engine.insight(kind, &body, project).await {
        Ok(text) => answer::json(StatusCode::OK, text),
        Err(error) => failure(status_of(&error), &error.to_string()),
    }
}

fn failure(status: StatusCode, message: &str) -> Response {
    answer::json(status, json!({ "error": message }).to_string())
}
