//! `/api/tokens`: tokens that events come with and no project has. To claim one, make a project with it.

use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use event::Token;
use http::StatusCode;
use query::Format;
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;
use state::{Permission, Refusal};

use super::projects::refresh;
use super::sql::failed;
use crate::access::{Denied, Principal, read_json};
use crate::{EdgeState, answer};

/// Those that were used most lately; anybody can send any number of them.
const UNCLAIMED: &str = "SELECT token, count(*) AS events, max(timestamp) AS last_event_at \
     FROM events WHERE team_id = 0 AND token <> '' GROUP BY token \
     ORDER BY last_event_at DESC LIMIT 100";

/// `{"token": "phc_stranger"}`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    token: String,
}

/// `GET /api/tokens`.
pub(crate) async fn list(
    State(state): State<EdgeState>,
    principal: Principal,
) -> Result<Response, Denied> {
    administrates(&principal)?;
    let blocked = state.access.ask(|store| store.blocked_tokens()).await?;
    let unclaimed = match &state.questions {
        Some(questions) => {
            questions.catch_up().await;
            match questions.engine.answer(UNCLAIMED, Format::Json).await {
                Ok(rows) => rows,
                Err(error) => return Ok(failed(&error)),
            }
        }
        None => b"[]".to_vec(),
    };
    let unclaimed: Box<RawValue> =
        serde_json::from_slice(&unclaimed).map_err(|_| Denied::Unavailable)?;
    let body = json!({ "unclaimed": unclaimed, "blocked": blocked });
    Ok(answer::json(StatusCode::OK, body.to_string()))
}

/// `POST /api/tokens`: blocks one.
pub(crate) async fn block(
    State(state): State<EdgeState>,
    principal: Principal,
    request: Request,
) -> Result<Response, Denied> {
    administrates(&principal)?;
    let Wanted { token } = read_json(&state, request.into_body()).await?;
    if state.policy.get().is_project(&Token::new(token.as_str())) {
        return Err(Denied::Refused(Refusal::Taken("project")));
    }
    let by = principal.by();
    state.access.ask(move |store| store.block_token(&token, &by)).await?;
    refresh(&state).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// `DELETE /api/tokens/:token`: takes its events again.
pub(crate) async fn unblock(
    State(state): State<EdgeState>,
    principal: Principal,
    Path(token): Path<String>,
) -> Result<Response, Denied> {
    administrates(&principal)?;
    let by = principal.by();
    state.access.ask(move |store| store.unblock_token(&token, &by)).await?;
    refresh(&state).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn administrates(principal: &Principal) -> Result<(), Denied> {
    principal.needs(Permission::Projects)?;
    principal.needs_all_projects()
}
