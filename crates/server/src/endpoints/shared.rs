//! `/api/shared/{token}`: what a link shows to anybody, and the answers of that alone.
//!
//! A link opens one thing of one project: an insight, a query, or a dashboard with those insights that its
//! tiles name. Whoever follows it says which of them, and nothing of what is asked: filters and ranges are
//! those that were saved, so that no link answers another question than the one it was made for.

use std::time::Duration;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use event::TeamId;
use http::StatusCode;
use query::Format;
use query::insights::Kind;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use state::{Saved, SavedKind, Secret};
use tokio::sync::Semaphore;
use uuid::Uuid;

use super::insights::last_answer;
use super::sql;
use crate::access::Denied;
use crate::{EdgeState, answer};

/// Answers that links are given at a time: whoever follows one waits behind those who may read.
static TURNS: Semaphore = Semaphore::const_new(2);

/// How old an answer may be that a link shows: as many as follow it, it is worked out once a minute.
const MOST_AGE: Duration = Duration::from_mins(1);

/// Members of a request that a link does not ask: who is behind a number is for those who may read.
const PRIVATE: &str = "persons";

/// What a link needs to know of a dashboard.
#[derive(Default, Deserialize)]
struct Dashboard {
    #[serde(default)]
    tiles: Vec<Tile>,
    /// The range of all tiles, in place of their own.
    #[serde(default, rename = "dateRange")]
    date_range: Option<Value>,
}

#[derive(Deserialize)]
struct Tile {
    insight: Uuid,
}

/// What a link opens, and nothing about who made it.
pub(crate) async fn shown(
    State(state): State<EdgeState>,
    Path(token): Path<String>,
) -> Result<Response, Denied> {
    let found = opened(&state, token).await?;
    let insights = insights_of(&state, &found).await?;
    let insights: Vec<_> = insights.iter().map(insight).collect();
    let project = state.policy.get().insights(TeamId(found.project));
    let body = json!({
        "id": found.id,
        "kind": found.kind,
        "name": found.name,
        "description": found.description,
        "definition": found.definition,
        "updated_at": found.updated_at.to_string(),
        "time_zone": project.time_zone.iana_name().unwrap_or("UTC"),
        "insights": insights,
    });
    Ok(answer::json(StatusCode::OK, body.to_string()))
}

fn insight(one: &Saved) -> Value {
    json!({
        "id": one.id,
        "name": one.name,
        "description": one.description,
        "definition": one.definition,
    })
}

/// The answer of the insight or query that a link shows, by its id.
pub(crate) async fn answered(
    State(state): State<EdgeState>,
    path: Result<Path<(String, Uuid)>, PathRejection>,
) -> Result<Response, Denied> {
    let Path((token, id)) = path.map_err(|_| Denied::Absent("answer"))?;
    let found = opened(&state, token).await?;
    if found.kind == SavedKind::Query && found.id == id {
        let _turn = TURNS.acquire().await;
        return queried(&state, &found).await;
    }
    let insights = insights_of(&state, &found).await?;
    let one = insights.iter().find(|one| one.id == id).ok_or(Denied::Absent("answer"))?;
    let (kind, request) = asked(&one.definition, range_of(&found))?;
    let Some(questions) = &state.questions else {
        return Err(Denied::Absent("answer"));
    };
    let project = state.policy.get().insights(TeamId(found.project));
    if let Some(last) = last_answer(questions, (kind, &request), &project, Some(MOST_AGE)) {
        return Ok(last);
    }
    let _turn = TURNS.acquire().await;
    questions.catch_up().await;
    Ok(match questions.engine.insight(kind, &request, project).await {
        Ok(text) => answer::json(StatusCode::OK, text),
        Err(error) => sql::failed(&error),
    })
}

/// What the link opens.
async fn opened(state: &EdgeState, token: String) -> Result<Saved, Denied> {
    let link = Secret::shown(token);
    let found = state.access.ask(move |store| store.shared(&link)).await?;
    found.ok_or(Denied::Absent("link"))
}

/// The insights that the link shows: itself, or those of the same project that the tiles name.
async fn insights_of(state: &EdgeState, found: &Saved) -> Result<Vec<Saved>, Denied> {
    match found.kind {
        SavedKind::Insight => Ok(vec![found.clone()]),
        SavedKind::Query | SavedKind::Note => Ok(Vec::new()),
        SavedKind::Dashboard => {
            let named = dashboard(&found.definition).tiles;
            let team = found.project;
            let all = state.access.ask(move |store| store.saved(SavedKind::Insight, team)).await?;
            let is_named = |one: &Saved| named.iter().any(|tile| tile.insight == one.id);
            Ok(all.into_iter().filter(is_named).collect())
        }
    }
}

/// A dashboard that is written in another way has nothing to show.
fn dashboard(definition: &RawValue) -> Dashboard {
    serde_json::from_str(definition.get()).unwrap_or_default()
}

fn range_of(found: &Saved) -> Option<Value> {
    match found.kind {
        SavedKind::Dashboard => dashboard(&found.definition).date_range,
        _ => None,
    }
}

/// The request that was saved, in the range of the dashboard that it is on.
fn asked(definition: &RawValue, range: Option<Value>) -> Result<(Kind, Vec<u8>), Denied> {
    let kind = Kind::check(definition.get().as_bytes()).map_err(Denied::Wrong)?;
    if kind == Kind::Errors {
        // Its answers have whole events.
        return Err(Denied::Absent("answer"));
    }
    let parsed: Result<Map<String, Value>, _> = serde_json::from_str(definition.get());
    let mut request = parsed.map_err(|error| Denied::Wrong(error.to_string()))?;
    request.remove(PRIVATE);
    if let Some(range) = range {
        request.insert("dateRange".to_owned(), range);
    }
    Ok((kind, Value::Object(request).to_string().into_bytes()))
}

/// The rows of a query, as JSON, from its project alone.
async fn queried(state: &EdgeState, found: &Saved) -> Result<Response, Denied> {
    #[derive(Deserialize)]
    struct Question {
        query: String,
    }
    let parsed: Result<Question, _> = serde_json::from_str(found.definition.get());
    let question = parsed.map_err(|error| Denied::Wrong(error.to_string()))?;
    let Some(questions) = &state.questions else {
        return Err(Denied::Absent("answer"));
    };
    questions.catch_up().await;
    let engine = questions.engine.of_projects(vec![found.project]);
    Ok(match engine.write(&question.query, Format::Json).await {
        Ok(written) => sql::rows(written, Format::Json).into_response(),
        Err(error) => sql::failed(&error),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(text: &str) -> Box<RawValue> {
        RawValue::from_string(text.to_owned()).unwrap()
    }

    fn request_of(definition: &str, range: Option<Value>) -> Value {
        let (_, request) = asked(&raw(definition), range).unwrap();
        serde_json::from_slice(&request).unwrap()
    }

    #[test]
    fn a_link_asks_for_no_persons_and_in_the_dashboards_range() {
        let saved = r#"{"kind": "TrendsQuery", "series": [{"event": "x"}], "persons": {"series": 0},
            "dateRange": {"date_from": "-6d"}}"#;
        let alone = request_of(saved, None);
        assert_eq!(alone["dateRange"], json!({ "date_from": "-6d" }));
        assert_eq!(alone.get("persons"), None);
        let among_others = request_of(saved, Some(json!({ "date_from": "-29d" })));
        assert_eq!(among_others["dateRange"], json!({ "date_from": "-29d" }));
    }

    #[test]
    fn a_link_shows_no_events() {
        assert!(asked(&raw(r#"{"kind": "ErrorTrackingQuery"}"#), None).is_err());
    }

    #[test]
    fn a_dashboard_of_another_kind_has_no_tiles() {
        assert_eq!(dashboard(&raw(r#"{"tiles": "none"}"#)).tiles.len(), 0);
        let id = Uuid::nil();
        let one = format!(r#"{{"tiles": [{{"insight": "{id}", "x": 0}}], "dateRange": null}}"#);
        let read = dashboard(&raw(&one));
        assert_eq!((read.tiles.len(), read.date_range), (1, None));
    }
}
