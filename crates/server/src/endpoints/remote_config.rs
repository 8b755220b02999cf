//! `/array/:token/config` and `config.js`: what posthog-js and mobile SDKs load at their start.
//!
//! Without `autocapture_opt_out` posthog-js never captures clicks, and without
//! `supportedCompression` it falls back to uncompressed bodies, so the answer says both.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};
use serde_json::{Value, json};

use crate::{EdgeState, answer};

/// PostHog's own; a changed setting reaches pages within five minutes.
const CACHING: HeaderValue = HeaderValue::from_static("public, max-age=300");
/// PostHog's limit for a token in a path.
const TOKEN_CHARS: usize = 200;

/// `GET /array/:token/config`.
pub(crate) async fn json(State(state): State<EdgeState>, Path(token): Path<String>) -> Response {
    match is_token(&token) {
        true => cached(answer::json(StatusCode::OK, settings(&state).to_string())),
        false => StatusCode::BAD_REQUEST.into_response(),
    }
}

/// `GET /array/:token/config.js`: the same as a script.
pub(crate) async fn script(State(state): State<EdgeState>, Path(token): Path<String>) -> Response {
    if !is_token(&token) {
        return StatusCode::BAD_REQUEST.into_response();
    }
    let script = format!(
        "(function() {{\n  window._POSTHOG_REMOTE_CONFIG = window._POSTHOG_REMOTE_CONFIG || {{}};\n  \
         window._POSTHOG_REMOTE_CONFIG['{token}'] = {{ config: {}, siteApps: [] }};\n}})();\n",
        settings(&state)
    );
    let mut response = cached(script.into_response());
    let media_type = HeaderValue::from_static("application/javascript");
    response.headers_mut().insert(CONTENT_TYPE, media_type);
    response
}

/// Characters that cannot end the string which the script puts the token in.
fn is_token(token: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    !token.is_empty() && token.len() <= TOKEN_CHARS && token.chars().all(allowed)
}

fn settings(state: &EdgeState) -> Value {
    let recording = match &state.recording_endpoint {
        None => json!(false),
        Some(endpoint) => json!({
            "endpoint": endpoint,
            "consoleLogRecordingEnabled": true,
            "recorderVersion": "v2",
            "version": 1,
        }),
    };
    json!({
        "supportedCompression": ["gzip", "gzip-js"],
        "hasFeatureFlags": false,
        "autocapture_opt_out": false,
        "elementsChainAsString": true,
        "capturePerformance": false,
        "autocaptureExceptions": false,
        "errorTracking": { "autocaptureExceptions": false, "suppressionRules": [] },
        "logs": { "captureConsoleLogs": false },
        "sessionRecording": recording,
        "surveys": false,
        "heatmaps": false,
        "captureDeadClicks": false,
        "productTours": false,
        "conversations": false,
        "defaultIdentifiedOnly": true,
        "siteApps": [],
        "isAuthenticated": false,
        "toolbarParams": {},
    })
}

fn cached(mut response: Response) -> Response {
    response.headers_mut().insert(CACHE_CONTROL, CACHING);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_cannot_write_script() {
        assert!(is_token("phc_Abc-123"));
        assert!(!is_token("x'];alert(1);//"));
        assert!(!is_token(""));
        assert!(!is_token(&"x".repeat(201)));
    }
}
