//! `GET /api/live`: tells a page, as server-sent events, that there are newer rows.
//!
//! It tells no rows: whoever hears of them asks for those that it wants, with its filters, at `/api/sql`, where
//! it is decided what may be read.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use event::TeamId;
use futures::stream;
use tokio::time::Instant;

use super::persons::Whose;
use crate::EdgeState;
use crate::access::{Denied, Reader};

/// After so long the page asks again, and shows again who it is.
const LONGEST: Duration = Duration::from_secs(60);
/// At most one message in so long, however many rows come.
const PAUSE: Duration = Duration::from_millis(500);
/// How soon a server that stops is noticed.
const CHECK: Duration = Duration::from_secs(1);

struct Following {
    state: EdgeState,
    seen: u64,
    until: Instant,
}

/// For whoever may read.
pub(crate) async fn follow(
    State(state): State<EdgeState>,
    Reader(reader): Reader,
    whose: Result<Query<Whose>, QueryRejection>,
) -> Result<Response, Denied> {
    let Query(whose) = whose?;
    reader.needs_project(TeamId(whose.project))?;
    if state.questions.is_none() {
        return Err(Denied::Absent("lake"));
    }
    let following = Following { state, seen: 0, until: Instant::now() + LONGEST };
    let told = stream::unfold(following, next);
    Ok(Sse::new(told).keep_alive(KeepAlive::default()).into_response())
}

/// Waits for newer rows; the first message comes at once, and says that the page is heard.
async fn next(mut following: Following) -> Option<(Result<Event, Infallible>, Following)> {
    while !following.state.is_draining() && Instant::now() < following.until {
        let questions = following.state.questions.as_ref()?;
        if let Some(written) = questions.written_past(following.seen, CHECK).await {
            if following.seen > 0 {
                tokio::time::sleep(PAUSE).await;
            }
            following.seen = written;
            let told = Event::default().event("rows").data(written.to_string());
            return Some((Ok(told), following));
        }
    }
    None
}
