//! `/api/lake/…` on the socket in the data folder: `hogflare lake` asks, and the lake that is open answers.

use std::time::Duration;

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use lake::{Error, Lake, Verify};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{EdgeState, News, answer, body};

/// Longest request.
const REQUEST_BYTES: usize = 4 << 10;

/// How `POST /api/lake/verify` is to look.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct How {
    reads_rows: bool,
}

/// What `POST /api/lake/expire` may let go of.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Age {
    seconds: u64,
}

/// `GET /api/lake/stats`: what the lake has.
pub(crate) async fn stats(State(state): State<EdgeState>) -> Response {
    match lake(&state) {
        Ok(lake) => answer_with(lake.stats().await),
        Err(off) => *off,
    }
}

/// `POST /api/lake/verify`: whether everything is there and as the catalog says.
pub(crate) async fn verify(State(state): State<EdgeState>, request: Request) -> Response {
    let asked = async {
        let How { reads_rows } = read(&state, request).await?;
        let lake = lake(&state)?;
        let news = state.questions.as_ref().map(|questions| &questions.news);
        let journal = news.and_then(|news| match news {
            News::Journal { journal, .. } => Some(journal.clone()),
            News::Catalog(_) => None,
        });
        Ok(answer_with(lake.verify(Verify { reads_rows, journal }).await))
    };
    asked.await.unwrap_or_else(|refused: Box<Response>| *refused)
}

/// `POST /api/lake/compact`: one merge of each table that has some; asked again until nothing was merged.
pub(crate) async fn compact(State(state): State<EdgeState>) -> Response {
    match lake(&state) {
        Ok(lake) => answer_with(lake.compact_now().await),
        Err(off) => *off,
    }
}

/// `POST /api/lake/expire`: lets go of past snapshots, and of files that they alone needed.
pub(crate) async fn expire(State(state): State<EdgeState>, request: Request) -> Response {
    let asked = async {
        let Age { seconds } = read(&state, request).await?;
        Ok(answer_with(lake(&state)?.expire(Duration::from_secs(seconds)).await))
    };
    asked.await.unwrap_or_else(|refused: Box<Response>| *refused)
}

fn lake(state: &EdgeState) -> Result<&Lake, Box<Response>> {
    let off = || failure(StatusCode::NOT_FOUND, "the lake is off (HOGFLARE_LAKE=off)");
    state.lake.as_ref().ok_or_else(|| Box::new(off()))
}

async fn read<T: for<'a> Deserialize<'a>>(
    state: &EdgeState,
    request: Request,
) -> Result<T, Box<Response>> {
    let mut reservation = state.budget.reservation();
    let body = body::read(request.into_body(), REQUEST_BYTES, &mut reservation)
        .await
        .map_err(|failure| Box::new(failure.into_response()))?;
    serde_json::from_slice(&body)
        .map_err(|error| Box::new(failure(StatusCode::BAD_REQUEST, &error.to_string())))
}

fn answer_with<T: Serialize>(done: Result<T, Error>) -> Response {
    match done {
        Ok(done) => answer::json(StatusCode::OK, json!(done).to_string()),
        Err(error) => failure(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
    }
}

fn failure(status: StatusCode, message: &str) -> Response {
    answer::json(status, json!({ "error": message }).to_string()).into_response()
}
