//! `/api/insights/saved`, `/api/dashboards`, `/api/queries`, `/api/notes`: what people keep of a project.

use axum::Extension;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, Request, State};
use axum::response::{IntoResponse, Response};
use event::TeamId;
use http::StatusCode;
use query::insights::Kind;
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;
use state::{Permission, Saved, SavedKind, Wanted};
use uuid::Uuid;

use super::persons::Whose;
use crate::access::{Denied, Principal, Reader, read_json};
use crate::{EdgeState, answer};

/// `{"name": "Signups", "description": "", "definition": {…}}`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Shown {
    name: String,
    #[serde(default)]
    description: String,
    definition: Box<RawValue>,
}

type Id = Result<Path<Uuid>, PathRejection>;

/// All of a project.
pub(crate) async fn list(
    State(state): State<EdgeState>,
    Extension(kind): Extension<SavedKind>,
    Reader(reader): Reader,
    whose: Result<Query<Whose>, QueryRejection>,
) -> Result<Response, Denied> {
    let team = team_of(&reader, whose)?;
    let found = state.access.ask(move |store| store.saved(kind, team)).await?;
    Ok(answer::json(StatusCode::OK, json!({ "saved": found }).to_string()))
}

/// One.
pub(crate) async fn one(
    State(state): State<EdgeState>,
    Extension(kind): Extension<SavedKind>,
    Reader(reader): Reader,
    id: Id,
) -> Result<Response, Denied> {
    let found = find(&state, &reader, kind, id).await?;
    Ok(answer::json(StatusCode::OK, json!(found).to_string()))
}

/// Keeps another.
pub(crate) async fn make(
    State(state): State<EdgeState>,
    Extension(kind): Extension<SavedKind>,
    principal: Principal,
    whose: Result<Query<Whose>, QueryRejection>,
    request: Request,
) -> Result<Response, Denied> {
    principal.needs(Permission::Save)?;
    let team = team_of(&principal, whose)?;
    let wanted = wanted(&state, kind, request).await?;
    let (owner, by) = (principal.user().cloned(), principal.by());
    let save = move |store: &state::Store| store.save((kind, team), &wanted, owner.as_ref(), &by);
    let kept = state.access.ask(save).await?;
    Ok(answer::json(StatusCode::CREATED, json!(kept).to_string()))
}

/// Puts something else in its place.
pub(crate) async fn change(
    State(state): State<EdgeState>,
    Extension(kind): Extension<SavedKind>,
    principal: Principal,
    id: Id,
    request: Request,
) -> Result<Response, Denied> {
    // A link answers what was saved, so who makes one, or changes what it answers, must be one who may read.
    principal.needs(Permission::Read)?;
    principal.needs(Permission::Save)?;
    let id = find(&state, &principal, kind, id).await?.id;
    let wanted = wanted(&state, kind, request).await?;
    let by = principal.by();
    let change = move |store: &state::Store| store.change_saved(kind, id, &wanted, &by);
    let kept = state.access.ask(change).await?;
    Ok(answer::json(StatusCode::OK, json!(kept).to_string()))
}

/// Keeps it no longer.
pub(crate) async fn delete(
    State(state): State<EdgeState>,
    Extension(kind): Extension<SavedKind>,
    principal: Principal,
    id: Id,
) -> Result<Response, Denied> {
    principal.needs(Permission::Save)?;
    let (id, by) = (find(&state, &principal, kind, id).await?.id, principal.by());
    state.access.ask(move |store| store.delete_saved(kind, id, &by)).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Makes a link that anybody may follow; the answer has it, this once.
pub(crate) async fn share(
    State(state): State<EdgeState>,
    Extension(kind): Extension<SavedKind>,
    principal: Principal,
    id: Id,
) -> Result<Response, Denied> {
    // A link answers what was saved, so who makes one, or changes what it answers, must be one who may read.
    principal.needs(Permission::Read)?;
    principal.needs(Permission::Save)?;
    let (id, by) = (find(&state, &principal, kind, id).await?.id, principal.by());
    let link = state.access.ask(move |store| store.share(kind, id, &by)).await?;
    let host = state.access.public_url.as_ref().map(ToString::to_string).unwrap_or_default();
    let body = json!({
        "token": link.reveal(),
        "url": format!("{host}/shared/{}", link.reveal()),
    });
    Ok(answer::json(StatusCode::CREATED, body.to_string()))
}

/// Ends what the link opens.
pub(crate) async fn unshare(
    State(state): State<EdgeState>,
    Extension(kind): Extension<SavedKind>,
    principal: Principal,
    id: Id,
) -> Result<Response, Denied> {
    principal.needs(Permission::Save)?;
    let (id, by) = (find(&state, &principal, kind, id).await?.id, principal.by());
    state.access.ask(move |store| store.unshare(kind, id, &by)).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn team_of(
    principal: &Principal,
    whose: Result<Query<Whose>, QueryRejection>,
) -> Result<i64, Denied> {
    let Query(whose) = whose?;
    if whose.project < 1 {
        return Err(Denied::Wrong("project: the number of one".to_owned()));
    }
    principal.needs_project(TeamId(whose.project))?;
    Ok(whose.project)
}

/// One, of a project that may be asked for.
async fn find(
    state: &EdgeState,
    principal: &Principal,
    kind: SavedKind,
    id: Id,
) -> Result<Saved, Denied> {
    let Path(id) = id.map_err(|_| Denied::Absent(kind.name()))?;
    let found = state.access.ask(move |store| store.saved_one(kind, id)).await?;
    match principal.needs_project(TeamId(found.project)) {
        Ok(()) => Ok(found),
        Err(_) => Err(Denied::Absent(kind.name())),
    }
}

/// What is to be kept; only what can be answered is.
async fn wanted(state: &EdgeState, kind: SavedKind, request: Request) -> Result<Wanted, Denied> {
    let Shown { name, description, definition } = read_json(state, request.into_body()).await?;
    let wrong = |message: String| Denied::Wrong(format!("definition.{message}"));
    match kind {
        SavedKind::Insight => drop(Kind::check(definition.get().as_bytes()).map_err(wrong)?),
        SavedKind::Dashboard | SavedKind::Note if !definition.get().starts_with('{') => {
            return Err(Denied::Wrong("definition: an object".to_owned()));
        }
        SavedKind::Query => check_query(definition.get())?,
        SavedKind::Dashboard | SavedKind::Note => {}
    }
    Ok(Wanted { name, description, definition })
}

/// `{"query": "SELECT …"}`, and whatever a page remembers with it.
fn check_query(definition: &str) -> Result<(), Denied> {
    #[derive(Deserialize)]
    struct Question {
        #[serde(rename = "query")]
        _query: String,
    }
    let parsed: Result<Question, _> = serde_json::from_str(definition);
    parsed.map(drop).map_err(|error| Denied::Wrong(format!("definition: {error}")))
}
