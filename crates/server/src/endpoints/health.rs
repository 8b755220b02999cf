//! Whether the service lives, and whether it should get requests.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::VARY;
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use sink::{Health, Status};

use super::pages;
use crate::{EdgeState, answer};

/// `GET /`: a page for browsers. PostHog's capture says its name; where nothing but capture is served,
/// why.
pub(crate) async fn index(State(state): State<EdgeState>, headers: HeaderMap) -> Response {
    match pages::wants_page(&headers) && state.questions.is_some() {
        true => pages::page(&headers),
        false => ([(VARY, "accept")], name(&state)).into_response(),
    }
}

fn name(state: &EdgeState) -> String {
    match (&state.questions, &state.persons) {
        (Some(_), _) => "capture".to_owned(),
        (None, Some(_)) => CAPTURE_ONLY.to_owned(),
        (None, None) => format!("{CAPTURE_ONLY}{FORGETFUL}"),
    }
}

const CAPTURE_ONLY: &str = "\
capture

This Hogflare takes events and forwards them to Cloudflare Pipelines. It keeps no lake of its own
(HOGFLARE_LAKE=off), so there are no queries here: ask the table that the pipeline writes, with R2 SQL
(Basin SQL), DuckDB or PyIceberg.
";

const FORGETFUL: &str = "\
It remembers no persons (HOGFLARE_STATE=none): a person's id is computed from the project and the
distinct id, the same on every instance; ids that are merged are not resolved.
";

/// `GET /healthz`: the process answers.
pub(crate) async fn healthz() -> Response {
    answer::json(StatusCode::OK, json!({ "status": "ok" }).to_string())
}

/// `GET /_liveness`: likewise; a process that does not answer should be restarted.
pub(crate) async fn liveness() -> Response {
    healthz().await
}

/// `GET /_readiness`: 503 while stopping; before the start nothing answers.
///
/// A sink in trouble is told but is no reason to send requests elsewhere: the journal takes them. It
/// takes none while a database that tells whose events are cannot be asked.
pub(crate) async fn readiness(State(state): State<EdgeState>) -> Response {
    let (status, body) = readiness_of(&state);
    answer::json(status, body.to_string())
}

/// The same for those on this machine, with the reasons, which are not a stranger's business.
pub(crate) async fn readiness_locally(State(state): State<EdgeState>) -> Response {
    let (status, mut body) = readiness_of(&state);
    let of_sinks = state.sinks.iter().map(|sink| (sink.name().to_owned(), reason(sink)));
    body["reasons"] = of_sinks
        .chain([("persons".to_owned(), trouble_with_persons(&state))])
        .filter_map(|(name, reason)| Some((name, Value::from(reason?))))
        .collect::<serde_json::Map<_, _>>()
        .into();
    answer::json(status, body.to_string())
}

fn readiness_of(state: &EdgeState) -> (StatusCode, Value) {
    let sinks: serde_json::Map<_, _> =
        state.sinks.iter().map(|sink| (sink.name().to_owned(), word(sink).into())).collect();
    let (status, word) = match (state.is_draining(), trouble_with_persons(state)) {
        (true, _) => (StatusCode::SERVICE_UNAVAILABLE, "stopping"),
        (false, Some(_)) => (StatusCode::SERVICE_UNAVAILABLE, "persons unreachable"),
        (false, None) => (StatusCode::OK, "ok"),
    };
    (status, json!({ "status": word, "sinks": sinks }))
}

/// A method that a path does not take.
pub(crate) async fn wrong_method() -> Response {
    StatusCode::METHOD_NOT_ALLOWED.into_response()
}

fn trouble_with_persons(state: &EdgeState) -> Option<String> {
    state.persons.as_ref()?.trouble()
}

fn reason(sink: &Status) -> Option<String> {
    match sink.health() {
        Health::Retrying(reason) | Health::Paused(reason) => Some(reason),
        Health::Working | Health::Parked => None,
    }
}

fn word(sink: &Status) -> &'static str {
    match sink.health() {
        Health::Working => "working",
        Health::Retrying(_) => "retrying",
        Health::Paused(_) => "paused",
        Health::Parked => "parked",
    }
}
