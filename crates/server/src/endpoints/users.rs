//! `/api/users`: who may come in, and as what.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use state::{Email, Link, Permission, Role};
use uuid::Uuid;

use crate::access::{Denied, Principal, read_json};
use crate::{EdgeState, answer};

/// `{"email": "jane@example.com", "role": "viewer"}`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Invited {
    email: String,
    role: Role,
}

/// `{"role": "admin"}`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Changed {
    role: Role,
}

/// `GET /api/users`.
pub(crate) async fn list(
    State(state): State<EdgeState>,
    principal: Principal,
) -> Result<Response, Denied> {
    principal.needs(Permission::Users)?;
    let users = state.access.ask(|store| store.users()).await?;
    Ok(answer::json(StatusCode::OK, json!({ "users": users }).to_string()))
}

/// `POST /api/users`.
pub(crate) async fn invite(
    State(state): State<EdgeState>,
    principal: Principal,
    request: Request,
) -> Result<Response, Denied> {
    let (inviter, by) = (role_of(&principal)?, principal.by());
    let Invited { email, role } = read_json(&state, request.into_body()).await?;
    let email: Email = email.parse().map_err(Denied::Refused)?;
    let invite = move |store: &state::Store| store.invite(&email, role, inviter, &by);
    let (user, link) = state.access.ask(invite).await?;
    let body = json!({ "user": user, "link": shown(&state, &link) });
    Ok(answer::json(StatusCode::CREATED, body.to_string()))
}

/// `PUT /api/users/:id`.
pub(crate) async fn change(
    State(state): State<EdgeState>,
    principal: Principal,
    id: Result<Path<Uuid>, PathRejection>,
    request: Request,
) -> Result<Response, Denied> {
    let (giver, by) = (role_of(&principal)?, principal.by());
    let id = of_user(id)?;
    let Changed { role } = read_json(&state, request.into_body()).await?;
    let user = state.access.ask(move |store| store.set_role(id, role, giver, &by)).await?;
    Ok(answer::json(StatusCode::OK, json!(user).to_string()))
}

/// `DELETE /api/users/:id`.
pub(crate) async fn remove(
    State(state): State<EdgeState>,
    principal: Principal,
    id: Result<Path<Uuid>, PathRejection>,
) -> Result<Response, Denied> {
    let (remover, by) = (role_of(&principal)?, principal.by());
    let id = of_user(id)?;
    state.access.ask(move |store| store.remove_user(id, remover, &by)).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// `POST /api/users/:id/link`: another link to choose a password.
pub(crate) async fn link(
    State(state): State<EdgeState>,
    principal: Principal,
    id: Result<Path<Uuid>, PathRejection>,
) -> Result<Response, Denied> {
    let (giver, by) = (role_of(&principal)?, principal.by());
    let id = of_user(id)?;
    let link = state.access.ask(move |store| store.new_link(id, giver, &by)).await?;
    let body = json!({ "link": shown(&state, &link) });
    Ok(answer::json(StatusCode::CREATED, body.to_string()))
}

/// The role of somebody who is logged in and may change users; what they may of others the store says.
fn role_of(principal: &Principal) -> Result<Role, Denied> {
    principal.needs(Permission::Users)?;
    Ok(principal.session()?.0.role)
}

fn of_user(id: Result<Path<Uuid>, PathRejection>) -> Result<Uuid, Denied> {
    id.map(|Path(id)| id).map_err(|_| Denied::Absent("user"))
}

/// A link to give to whoever it is for.
fn shown(state: &EdgeState, link: &Link) -> Value {
    let path = format!("/setup?token={}", link.secret.reveal());
    let host = state.access.public_url.as_ref().map(ToString::to_string).unwrap_or_default();
    json!({
        "token": link.secret.reveal(),
        "url": format!("{host}{path}"),
        "expires_at": link.expires_at.map(|end| end.to_string()),
    })
}
