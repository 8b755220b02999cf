//! Remote configuration: what SDKs are told to do, from a project's settings.
//!
//! ```text
//! SdkSettings ─┐
//! endpoint ────┼─▶ JSON ─▶ /array/:token/config, config.js, array.js, and /flags?config=true
//! who asks ────┘
//! ```
//!
//! Keys that are absent do not mean "off". posthog-js keeps what it was told last, never starts
//! autocapture without `autocapture_opt_out`, and sends plain text without `supportedCompression`;
//! posthog-ios registers for push messages without `push`. So every key is always there.

mod domains;
mod recording;
#[cfg(test)]
mod tests;

use http::HeaderMap;
use serde_json::{Map, Value, json};

use crate::sdk_settings::{SdkSettings, Switch};

/// What is told to whoever sent these headers. `recording_endpoint` is the one that SDKs are told of
/// in any project, if there is one.
pub(crate) fn remote_config(
    settings: &SdkSettings,
    recording_endpoint: Option<&str>,
    headers: &HeaderMap,
) -> Map<String, Value> {
    let told = json!({
        "supportedCompression": ["gzip", "gzip-js"],
        // Nothing evaluates flags, so SDKs need not ask for any.
        "hasFeatureFlags": false,
        "autocapture_opt_out": !settings.autocapture,
        "elementsChainAsString": true,
        "analytics": { "endpoint": settings.capture_endpoint },
        "capturePerformance": performance(settings),
        "autocaptureExceptions": settings.exceptions,
        "errorTracking": {
            "autocaptureExceptions": settings.exceptions,
            "suppressionRules": [],
        },
        "logs": { "captureConsoleLogs": settings.console_logs },
        "sessionRecording": recording::told(settings, recording_endpoint, headers),
        "surveys": settings.surveys,
        "heatmaps": settings.heatmaps,
        "captureDeadClicks": settings.dead_clicks,
        "productTours": false,
        "conversations": false,
        "defaultIdentifiedOnly": settings.identified_only,
        "push": { "appIds": [] },
        "siteApps": [],
        "isAuthenticated": false,
        "toolbarParams": {},
        "config": { "enable_collect_everything": true },
    });
    match told {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

fn performance(settings: &SdkSettings) -> Value {
    let allowed = match &settings.web_vitals {
        Switch::With(vitals) => json!(vitals),
        Switch::Off | Switch::On => Value::Null,
    };
    match settings.network_timing || settings.web_vitals.is_on() {
        false => false.into(),
        true => json!({
            "network_timing": settings.network_timing,
            "web_vitals": settings.web_vitals.is_on(),
            "web_vitals_allowed_metrics": allowed,
        }),
    }
}
