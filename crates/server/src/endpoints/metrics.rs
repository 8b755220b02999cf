//! `GET /metrics`: Prometheus text.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};

use crate::EdgeState;

/// For whoever shows the read key.
pub(crate) async fn render(State(state): State<EdgeState>, headers: HeaderMap) -> Response {
    match state.read_key.is_shown(&headers) {
        true => render_locally(State(state)).await,
        false => StatusCode::UNAUTHORIZED.into_response(),
    }
}

/// For whoever may open the data folder's socket.
pub(crate) async fn render_locally(State(state): State<EdgeState>) -> Response {
    state.metrics.render().into_response()
}
