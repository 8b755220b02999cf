//! `GET /api/freshness`: how new the rows are that questions get.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use query::Freshness;
use serde::Serialize;

use crate::access::{Denied, Reader};
use crate::{EdgeState, answer};

/// How new rows are.
#[derive(Debug, Serialize)]
struct RowsAsOf {
    /// Where they are: the lake has them moments after they came, a catalog once they are committed there.
    source: Place,
    /// When the newest snapshot of the catalog's `events` was committed.
    committed_at: Option<String>,
    /// When the catalog last said so.
    checked_at: Option<String>,
    /// Why it has said nothing since.
    trouble: Option<String>,
}

/// Where rows are.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum Place {
    Lake,
    Catalog,
}

/// For whoever may read.
pub(crate) async fn show(
    State(state): State<EdgeState>,
    Reader(reader): Reader,
) -> Result<Response, Denied> {
    let questions = state.questions.as_ref().ok_or(Denied::Absent("lake"))?;
    let (source, freshness) = match questions.freshness() {
        None => (Place::Lake, Freshness::default()),
        Some(freshness) => (Place::Catalog, freshness),
    };
    // What is wrong with tables is for those who look after them.
    let is_told = reader.needs_all_projects().is_ok();
    let general = || "tables of the catalog cannot be read".to_owned();
    let trouble = freshness.trouble.map(|why| if is_told { why } else { general() });
    let rows = RowsAsOf {
        source,
        committed_at: freshness.committed_at.map(|time| time.to_string()),
        checked_at: freshness.checked_at.map(|time| time.to_string()),
        trouble,
    };
    Ok(answer::json(StatusCode::OK, serde_json::to_string(&rows).unwrap_or_default()))
}
