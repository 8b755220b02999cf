//! `/api/dead-letters`: rows that a sink refused for good, and sending them again.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde_json::json;
use state::Permission;
use tracing::warn;

use crate::access::{Denied, Principal};
use crate::{EdgeState, answer};

/// `GET`: how many there are, by sink and reason, and whether they are being sent.
pub(crate) async fn list(
    State(state): State<EdgeState>,
    principal: Principal,
) -> Result<Response, Denied> {
    may_see(&principal)?;
    let letters = match state.dead_letters.letters().await {
        Ok(letters) => letters,
        Err(error) => {
            let told = json!({ "error": error.to_string() }).to_string();
            return Ok(answer::json(StatusCode::INTERNAL_SERVER_ERROR, told));
        }
    };
    let told = json!({ "letters": letters, "resending": state.dead_letters.resending() });
    Ok(answer::json(StatusCode::OK, told.to_string()))
}

/// `POST`: sends all of them again, in the background.
pub(crate) async fn resend(
    State(state): State<EdgeState>,
    principal: Principal,
) -> Result<Response, Denied> {
    may_see(&principal)?;
    if !state.dead_letters.resend() {
        let told = json!({ "error": "they are being sent already, or there is no pipeline" });
        return Ok(answer::json(StatusCode::CONFLICT, told.to_string()));
    }
    let by = principal.by();
    let note = move |store: &state::Store| store.note(&by, "dead_letters.resend", "all sinks");
    if state.access.ask(note).await.is_err() {
        warn!("a resending of dead letters is not in the audit log");
    }
    let told = json!({ "resending": state.dead_letters.resending() });
    Ok(answer::json(StatusCode::ACCEPTED, told.to_string()))
}

/// Letters are of every project.
fn may_see(principal: &Principal) -> Result<(), Denied> {
    principal.needs(Permission::Projects)?;
    principal.needs_all_projects()
}
