//! `GET /metrics`: Prometheus text.

use axum::extract::State;
use axum::response::{IntoResponse, Response};

use crate::EdgeState;
use crate::access::{Denied, Reader};

/// For whoever may read all projects.
pub(crate) async fn render(
    State(state): State<EdgeState>,
    Reader(reader): Reader,
) -> Result<Response, Denied> {
    reader.needs_all_projects()?;
    Ok(render_locally(State(state)).await)
}

/// For whoever may open the data folder's socket.
pub(crate) async fn render_locally(State(state): State<EdgeState>) -> Response {
    state.metrics.render().into_response()
}
