//! `/api/backup/…` on the socket in the data folder: `hogflare backup` copies the folder, and the server that
//! has it open keeps what is being copied.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use futures::stream;
use http::StatusCode;
use serde_json::json;

use crate::backup::Held;
use crate::{EdgeState, answer};

/// Who went away is noticed by what cannot be written.
const BEAT: Duration = Duration::from_secs(1);

/// `POST /api/backup/hold`: keeps files for as long as the answer is read; a line a second, each
/// `{"held":true}` or, as the last, `{"error":…}`.
pub(crate) async fn hold(State(state): State<EdgeState>) -> Response {
    let desk = std::sync::Arc::clone(&state.backups);
    // It waits for whoever deletes files right now.
    let Ok(held) = tokio::task::spawn_blocking(move || desk.hold()).await else {
        let failure = json!({ "error": "the backup cannot begin" });
        return answer::json(StatusCode::INTERNAL_SERVER_ERROR, failure.to_string());
    };
    let beats = stream::unfold(Holding { state, held: Some(held), is_first: true }, next);
    Response::new(Body::from_stream(beats))
}

/// `GET /api/backup/journals`: up to where the journals are durable now.
pub(crate) async fn journals(State(state): State<EdgeState>) -> Response {
    answer::json(StatusCode::OK, json!(state.backups.journals()).to_string())
}

struct Holding {
    state: EdgeState,
    held: Option<Box<dyn Held>>,
    is_first: bool,
}

async fn next(mut holding: Holding) -> Option<(Result<Bytes, Infallible>, Holding)> {
    if !holding.is_first {
        tokio::time::sleep(BEAT).await;
    }
    holding.is_first = false;
    let over = match holding.state.is_draining() {
        true => Some("the server stops".to_owned()),
        false => holding.held.as_ref()?.is_over(),
    };
    let line = match over {
        Some(reason) => {
            holding.held = None;
            json!({ "error": reason })
        }
        None => json!({ "held": true }),
    };
    Some((Ok(Bytes::from(format!("{line}\n"))), holding))
}
