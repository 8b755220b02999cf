//! `/api/keys`: keys for programs, `phx_…` of a person and `phs_…` of projects.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use event::Timestamp;
use http::StatusCode;
use serde::Deserialize;
use serde_json::json;
use state::{KeyKind, NewKey, Permission};
use uuid::Uuid;

use crate::access::{Denied, Principal, read_json};
use crate::{EdgeState, answer};

/// `{"kind": "personal", "label": "notebook", "scopes": ["read"]}`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    kind: KeyKind,
    label: String,
    scopes: Vec<Permission>,
    #[serde(default)]
    projects: Vec<i64>,
    #[serde(default)]
    expires_at: Option<String>,
}

/// `GET /api/keys`: one's own, and those of projects for who may make them.
pub(crate) async fn list(
    State(state): State<EdgeState>,
    principal: Principal,
) -> Result<Response, Denied> {
    let (user, _) = principal.session()?;
    let whose = Some(user.id).filter(|_| !user.role.may(Permission::Users));
    let keys = state.access.ask(move |store| store.keys(whose)).await?;
    Ok(answer::json(StatusCode::OK, json!({ "keys": keys }).to_string()))
}

/// `POST /api/keys`: the answer has the key, this once.
pub(crate) async fn make(
    State(state): State<EdgeState>,
    principal: Principal,
    request: Request,
) -> Result<Response, Denied> {
    let (maker, by) = (principal.session()?.0.clone(), principal.by());
    let Wanted { kind, label, scopes, projects, expires_at } =
        read_json(&state, request.into_body()).await?;
    let expires_at = expires_at.map(|end| end.parse::<Timestamp>()).transpose();
    let expires_at = expires_at.map_err(|_| Denied::Wrong("expires_at: RFC 3339".to_owned()))?;
    let wanted = NewKey { kind, label, scopes, projects, expires_at };
    let make = move |store: &state::Store| store.create_key(&wanted, &maker, &by);
    let (key, secret) = state.access.ask(make).await?;
    let body = json!({ "key": key, "secret": secret.reveal() });
    Ok(answer::json(StatusCode::CREATED, body.to_string()))
}

/// `DELETE /api/keys/:id`.
pub(crate) async fn delete(
    State(state): State<EdgeState>,
    principal: Principal,
    id: Result<Path<Uuid>, PathRejection>,
) -> Result<Response, Denied> {
    let (user, by) = (principal.session()?.0, principal.by());
    let whose = Some(user.id).filter(|_| !user.role.may(Permission::Users));
    let Path(id) = id.map_err(|_| Denied::Absent("key"))?;
    state.access.ask(move |store| store.delete_key(id, whose, &by)).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
