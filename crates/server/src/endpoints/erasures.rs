//! `/api/erasures`: persons are erased, and receipts tell how far that is.
//!
//! The read key is not enough to erase: whoever may look must not be able to destroy.

use axum::body::Bytes;
use axum::extract::{Path, Query, Request, State};
use axum::response::{IntoResponse, Response};
use event::TeamId;
use http::{HeaderMap, StatusCode};
use identity::NotErased;
use serde::Deserialize;
use serde_json::{json, to_string};
use tracing::{error, warn};
use uuid::Uuid;

use super::persons::Whose;
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

/// `POST /api/erasures`, for whoever shows the administrator's key.
pub(crate) async fn ask(State(state): State<EdgeState>, request: Request) -> Response {
    match state.admin_key.is_shown(request.headers()) {
        true => ask_locally(State(state), request).await,
        false => without_admin_key(),
    }
}

/// For whoever may open the data folder's socket.
pub(crate) async fn ask_locally(State(state): State<EdgeState>, request: Request) -> Response {
    let mut reservation = state.budget.reservation();
    let body: Bytes = match body::read(request.into_body(), REQUEST_BYTES, &mut reservation).await {
        Ok(body) => body,
        Err(failure) => return failure.into_response(),
    };
    let wanted: Wanted = match serde_json::from_slice(&body) {
        Ok(wanted) => wanted,
        Err(error) => return failure(StatusCode::BAD_REQUEST, &error.to_string()),
    };
    let kind = match wanted.kind {
        Named::Delete => Kind::Delete,
        Named::Anonymize => Kind::Anonymize,
    };
    erase(&state, Ask { team: TeamId(wanted.project), id: wanted.id, kind }).await
}

/// `DELETE /api/persons/:id`: the same, as a person's end.
pub(crate) async fn delete_person(
    State(state): State<EdgeState>,
    headers: HeaderMap,
    Path(id): Path<String>,
    whose: Result<Query<Whose>, axum::extract::rejection::QueryRejection>,
) -> Response {
    if !state.admin_key.is_shown(&headers) {
        return without_admin_key();
    }
    match whose {
        Ok(Query(whose)) => {
            erase(&state, Ask { team: TeamId(whose.project), id, kind: Kind::Delete }).await
        }
        Err(wrong) => failure(StatusCode::BAD_REQUEST, &wrong.body_text()),
    }
}

/// `GET /api/erasures`: all receipts, the newest first.
pub(crate) async fn list(State(state): State<EdgeState>, headers: HeaderMap) -> Response {
    match may_read(&state, &headers) {
        true => list_locally(State(state)).await,
        false => without_a_key(),
    }
}

/// For whoever may open the data folder's socket.
pub(crate) async fn list_locally(State(state): State<EdgeState>) -> Response {
    let receipts = state.eraser.receipts().await;
    answer::json(StatusCode::OK, json!({ "erasures": receipts }).to_string())
}

/// `GET /api/erasures/:id`: one receipt.
pub(crate) async fn one(
    State(state): State<EdgeState>,
    headers: HeaderMap,
    id: Path<String>,
) -> Response {
    match may_read(&state, &headers) {
        true => one_locally(State(state), id).await,
        false => without_a_key(),
    }
}

/// For whoever may open the data folder's socket.
pub(crate) async fn one_locally(
    State(state): State<EdgeState>,
    Path(id): Path<String>,
) -> Response {
    let found = match Uuid::try_parse(&id) {
        Ok(id) => state.eraser.receipt(id).await,
        Err(_) => None,
    };
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

fn may_read(state: &EdgeState, headers: &HeaderMap) -> bool {
    state.read_key.is_shown(headers) || state.admin_key.is_shown(headers)
}

fn show(status: StatusCode, receipt: &Receipt) -> Response {
    answer::json(status, to_string(receipt).unwrap_or_default())
}

fn without_admin_key() -> Response {
    failure(
        StatusCode::UNAUTHORIZED,
        "show the administrator's key as `Authorization: Bearer …`; \
         `hogflare key show --admin` prints it",
    )
}

fn without_a_key() -> Response {
    failure(
        StatusCode::UNAUTHORIZED,
        "show the read key as `Authorization: Bearer …`; `hogflare key show` prints it",
    )
}

fn failure(status: StatusCode, message: &str) -> Response {
    answer::json(status, json!({ "error": message }).to_string())
}
