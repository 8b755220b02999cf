//! `GET /api/audit`: who did what.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Response;
use http::StatusCode;
use serde::Deserialize;
use serde_json::json;
use state::Permission;
use uuid::Uuid;

use crate::access::{Denied, Principal};
use crate::{EdgeState, answer};

/// Which part of the log.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Span {
    before: Option<Uuid>,
    #[serde(default = "usual")]
    limit: usize,
}

const fn usual() -> usize {
    100
}

/// The newest first.
pub(crate) async fn list(
    State(state): State<EdgeState>,
    principal: Principal,
    span: Result<Query<Span>, QueryRejection>,
) -> Result<Response, Denied> {
    principal.needs(Permission::Audit)?;
    principal.needs_all_projects()?;
    let Query(Span { before, limit }) = span?;
    let page = state.access.ask(move |store| store.audit(before, limit)).await?;
    Ok(answer::json(StatusCode::OK, json!(page).to_string()))
}
