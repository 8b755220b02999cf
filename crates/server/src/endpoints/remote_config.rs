//! `/array/:token/…`: what posthog-js and mobile SDKs load at their start.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, VARY};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::Value;

use super::scripts::SCRIPT;
use crate::cached::{Compressed, Keep};
use crate::remote_config::remote_config;
use crate::{EdgeState, answer, project_token};

/// `GET /array/:token/config`.
pub(crate) async fn json(
    State(state): State<EdgeState>,
    Path(token): Path<String>,
    headers: HeaderMap,
) -> Response {
    match config(&state, &token, &headers) {
        Ok(config) => cached(answer::json(StatusCode::OK, config.to_string())),
        Err(fault) => fault.into_response(),
    }
}

/// `GET /array/:token/config.js`: the same as a script.
pub(crate) async fn script(
    State(state): State<EdgeState>,
    Path(token): Path<String>,
    headers: HeaderMap,
) -> Response {
    let config = match config(&state, &token, &headers) {
        Ok(config) => config,
        Err(fault) => return fault.into_response(),
    };
    let mut response = cached(config_script(&token, &config).into_response());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(SCRIPT));
    response
}

/// `GET /array/:token/array.js`: the configuration and then posthog-js, in one script. In this order
/// posthog-js finds the configuration when it starts, and does not ask for it again.
pub(crate) async fn bundle(
    State(state): State<EdgeState>,
    Path(token): Path<String>,
    headers: HeaderMap,
) -> Response {
    let config = match config(&state, &token, &headers) {
        Ok(config) => config_script(&token, &config),
        Err(fault) => return fault.into_response(),
    };
    let Some(array) = sdk_assets::get("array") else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let config = config.as_bytes();
    let etag = array.etag_after(config);
    let compressed = Compressed { media_type: SCRIPT, etag: &etag, keep: Keep::Minutes };
    let plain = || [config, &array.inflated()].concat();
    varied(compressed.answer(&headers, || array.gzip_after(config), plain))
}

fn config(
    state: &EdgeState,
    token: &str,
    headers: &HeaderMap,
) -> Result<Value, project_token::Fault> {
    let token = project_token::of_path(token)?;
    let policy = state.policy.get();
    let recording_endpoint = state.recording_endpoint.as_deref();
    Ok(remote_config(policy.sdk_settings(Some(&token)), recording_endpoint, headers).into())
}

fn config_script(token: &str, config: &Value) -> String {
    format!(
        "(function() {{\n  window._POSTHOG_REMOTE_CONFIG = window._POSTHOG_REMOTE_CONFIG || {{}};\n  \
         window._POSTHOG_REMOTE_CONFIG['{token}'] = {{ config: {config}, siteApps: [] }};\n}})();\n"
    )
}

fn cached(mut response: Response) -> Response {
    response.headers_mut().insert(CACHE_CONTROL, Keep::Minutes.header());
    varied(response)
}

/// The page's domain may decide whether it is told to record.
fn varied(mut response: Response) -> Response {
    response.headers_mut().append(VARY, HeaderValue::from_static("referer"));
    response
}
