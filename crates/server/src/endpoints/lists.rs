//! What SDKs ask for by the project's token, and there is none of: surveys, early access features, web
//! experiments, product tours. An empty list in the right shape tells them so; an error would be asked
//! again.

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;

use crate::{EdgeState, answer, project_token};

/// `/api/surveys`.
pub(crate) async fn surveys(State(state): State<EdgeState>, request: Request) -> Response {
    respond(&state, request, r#"{"surveys":[],"survey_config":null}"#).await
}

/// `/api/early_access_features`.
pub(crate) async fn early_access_features(
    State(state): State<EdgeState>,
    request: Request,
) -> Response {
    respond(&state, request, r#"{"earlyAccessFeatures":[]}"#).await
}

/// `/api/web_experiments`.
pub(crate) async fn web_experiments(State(state): State<EdgeState>, request: Request) -> Response {
    respond(&state, request, r#"{"experiments":[]}"#).await
}

/// `/api/product_tours`.
pub(crate) async fn product_tours(State(state): State<EdgeState>, request: Request) -> Response {
    respond(&state, request, r#"{"product_tours":[]}"#).await
}

async fn respond(state: &EdgeState, request: Request, empty: &'static str) -> Response {
    match project_token::of_request(state, request).await {
        Ok(_) => answer::json(StatusCode::OK, empty),
        Err(fault) => fault.into_response(),
    }
}
