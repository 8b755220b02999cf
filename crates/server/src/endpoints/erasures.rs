//! `/api/erasures`: persons are erased, and receipts tell how far that is.
//!
//! Reading is not enough to erase: whoever may look must not be able to destroy.

use axum::body::Bytes;
use axum::extract::{Path, Query, Request, State};
use axum::response::{IntoResponse, Response};
use event::TeamId;
use http::StatusCode;
use identity::NotErased;
use serde::Deserialize;
use serde_json::{json, to_string};
use state::Permission;
use tracing::{error, warn};
use uuid::Uuid;

use super::persons::Whose;
use crate::access::{Denied, Principal};
use crate::answer::Failure;
use crate::erasure::{Ask, Kind, Receipt, Refused};
use crate::{EdgeState, answer, body};

/// Longest request.
const REQUEST_BYTES: usize = 64 << 10;

/// `{"id": "jane@example.com", "kind": "delete", "project": 1}`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    id: String,
    kind: Named,
    #[serde(default = "first_project")]
    project: i64,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Named {
    Delete,
    Anonymize,
}

/// The project of `POSTHOG_API_KEY`.
const fn first_project() -> i64 {
    1
}

/// `POST /api/erasures`, for whoever may erase.
pub(crate) async fn ask(
    State(state): State<EdgeState>,
    principal: Principal,
    request: Request,
) -> Result<Response, Denied> {
    principal.needs(Permission::Erase)?;
    let ask = match wanted(&state, request).await {
        Ok(ask) => ask,
        Err(response) => return Ok(response),
    };
    erase_for(&state, &principal, ask).await
}

/// For whoever may open the data folder's socket.
pub(crate) async fn ask_locally(State(state): State<EdgeState>, request: Request) -> Response {
    match wanted(&state, request).await {
        Ok(ask) => erase(&state, ask).await,
        Err(response) => response,
    }
}

async fn wanted(state: &EdgeState, request: Request) -> Result<Ask, Response> {
    let mut reservation = state.budget.reservation();
    let body = body::read(request.into_body(), REQUEST_BYTES, &mut reservation).await;
    let body: Bytes = body.map_err(IntoResponse::into_response)?;
    let wanted: Wanted = serde_json::from_slice(&body)
        .map_err(|error| failure(StatusCode::BAD_REQUEST, &error.to_string()))?;
    let kind = match wanted.kind {
        Named::Delete => Kind::Delete,
        Named::Anonymize => Kind::Anonymize,
    };
    Ok(Ask { team: TeamId(wanted.project), id: wanted.id, kind })
}

/// Erases somebody of a project that may be asked for, and notes who wished it.
async fn erase_for(state: &EdgeState, principal: &Principal, ask: Ask) -> Result<Response, Denied> {
    principal.needs_project(ask.team)?;
    let team = ask.team.0;
    let response = erase(state, ask).await;
    if response.status() == StatusCode::ACCEPTED {
        // The person's id is in the receipt; here it would outlive the person.
        let (by, subject) = (principal.by(), format!("a person of project {team}"));
        let note = move |store: &state::Store| store.note(&by, "person.erase", &subject);
        if state.access.ask(note).await.is_err() {
            warn!("an erasure is not in the audit log");
        }
    }
    Ok(response)
}

/// `DELETE /api/persons/:id`: the same, as a person's end.
pub(crate) async fn delete_person(
    State(state): State<EdgeState>,
    principal: Principal,
    Path(id): Path<String>,
    whose: Result<Query<Whose>, axum::extract::rejection::QueryRejection>,
) -> Result<Response, Denied> {
    principal.needs(Permission::Erase)?;
    let Query(whose) = whose?;
    let ask = Ask { team: TeamId(whose.project), id, kind: Kind::Delete };
    erase_for(&state, &principal, ask).await
}

/// `GET /api/erasures`: all receipts of projects that may be asked for, the newest first.
pub(crate) async fn list(
    State(state): State<EdgeState>,
    principal: Principal,
) -> Result<Response, Denied> {
    may_see_receipts(&principal)?;
    let mut receipts = state.eraser.receipts().await;
    receipts.retain(|receipt| principal.needs_project(TeamId(receipt.project)).is_ok());
    Ok(answer::json(StatusCode::OK, json!({ "erasures": receipts }).to_string()))
}

/// For whoever may open the data folder's socket.
pub(crate) async fn list_locally(State(state): State<EdgeState>) -> Response {
    let receipts = state.eraser.receipts().await;
    answer::json(StatusCode::OK, json!({ "erasures": receipts }).to_string())
}

/// `GET /api/erasures/:id`: one receipt.
pub(crate) async fn one(
    State(state): State<EdgeState>,
    principal: Principal,
    Path(id): Path<String>,
) -> Result<Response, Denied> {
    may_see_receipts(&principal)?;
    let found = find(&state, &id).await;
    let is_theirs = |receipt: &Receipt| principal.needs_project(TeamId(receipt.project)).is_ok();
    Ok(show_one(found.filter(is_theirs)))
}

/// For whoever may open the data folder's socket.
pub(crate) async fn one_locally(
    State(state): State<EdgeState>,
    Path(id): Path<String>,
) -> Response {
    show_one(find(&state, &id).await)
}

async fn find(state: &EdgeState, id: &str) -> Option<Receipt> {
    state.eraser.receipt(Uuid::try_parse(id).ok()?).await
}

fn show_one(found: Option<Receipt>) -> Response {
    match found {
        Some(receipt) => show(StatusCode::OK, &receipt),
        None => failure(StatusCode::NOT_FOUND, "no such erasure"),
    }
}

async fn erase(state: &EdgeState, ask: Ask) -> Response {
    if ask.team.0 < 1 {
        return failure(StatusCode::BAD_REQUEST, "project must be the number of one");
    }
    if ask.id.is_empty() {
        return failure(StatusCode::BAD_REQUEST, "id must say whom to erase");
    }
    match state.eraser.erase(ask).await {
        Ok(receipt) => show(StatusCode::ACCEPTED, &receipt),
        Err(Refused::Not(NotErased::NoSuchPerson)) => {
            failure(StatusCode::NOT_FOUND, "no such person")
        }
        Err(Refused::Not(refusal)) => failure(StatusCode::CONFLICT, &refusal.to_string()),
        Err(Refused::Rejected(rejected)) => {
            warn!(%rejected, "an erasure was not stored");
            Failure::from(rejected).into_response()
        }
        Err(Refused::Disk(error)) => {
            error!(%error, "an erasure cannot be kept");
            failure(StatusCode::SERVICE_UNAVAILABLE, "the erasure cannot be kept now")
        }
    }
}

fn may_see_receipts(principal: &Principal) -> Result<(), Denied> {
    match principal.may(Permission::Erase) {
        true => Ok(()),
        false => principal.needs(Permission::Read),
    }
}

fn show(status: StatusCode, receipt: &Receipt) -> Response {
    answer::json(status, to_string(receipt).unwrap_or_default())
}

fn failure(status: StatusCode, message: &str) -> Response {
    answer::json(status, json!({ "error": message }).to_string())
}
