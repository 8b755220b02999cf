//! `POST /api/insights/{kind}`: what dashboards ask, as PostHog saves it.
//!
//! To work out an answer can take seconds. Who would rather see the last one at once says how old it may
//! be, in the words of caches (RFC 9111, 5.2.1.2 and 5.1): `Cache-Control: max-stale=300` asks, and `Age`
//! tells in an answer that is not of the newest rows how many seconds ago it was worked out.

use std::time::Duration;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, Request, State};
use axum::response::{IntoResponse, Response};
use event::TeamId;
use http::{HeaderMap, StatusCode, header};
use query::insights::{Kind, Project};
use serde::Deserialize;
use serde_json::json;

use super::sql::status_of;
use crate::access::Reader;
use crate::{EdgeState, Questions, answer, body};

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
    let most_age = max_stale(request.headers());
    let mut reservation = state.budget.reservation();
    let body = match body::read(request.into_body(), QUESTION_BYTES, &mut reservation).await {
        Ok(body) => body,
        Err(failure) => return failure.into_response(),
    };
    let Some(questions) = &state.questions else {
        return failure(StatusCode::NOT_FOUND, "the lake is off (HOGFLARE_LAKE=off)");
    };
    let project = state.policy.get().insights(team);
    if let Some(last) = last_answer(questions, (kind, &body), &project, most_age) {
        return last;
    }
    questions.catch_up().await;
    match questions.engine.insight(kind, &body, project).await {
        Ok(text) => answer::json(StatusCode::OK, text),
        Err(error) => failure(status_of(&error), &error.to_string()),
    }
}

/// How old an answer may be, by what a client says of caches.
fn max_stale(headers: &HeaderMap) -> Option<Duration> {
    let said = headers.get_all(header::CACHE_CONTROL).iter().filter_map(|said| said.to_str().ok());
    let mut directives = said.flat_map(|said| said.split(',')).map(str::trim);
    let seconds = directives.find_map(|one| one.strip_prefix("max-stale="))?;
    seconds.parse().ok().map(Duration::from_secs)
}

/// The last answer, if it is young enough, with its age where rows came since.
pub(super) fn last_answer(
    questions: &Questions,
    (kind, request): (Kind, &[u8]),
    project: &Project,
    most_age: Option<Duration>,
) -> Option<Response> {
    // What is wrong with a request is said by whoever answers it.
    let last = questions.engine.last_insight(kind, request, project, most_age?).ok().flatten();
    let (text, age) = last?;
    let mut response = answer::json(StatusCode::OK, text);
    if !age.is_zero() {
        // Whoever reads `0` would take it for nothing.
        response.headers_mut().insert(header::AGE, age.as_secs().max(1).into());
    }
    Some(response)
}

fn failure(status: StatusCode, message: &str) -> Response {
    answer::json(status, json!({ "error": message }).to_string())
}
