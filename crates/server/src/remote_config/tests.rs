//! The configuration that settings become.

use super::*;
use crate::sdk_settings::SessionRecording;

fn told(settings: &str, endpoint: Option<&str>) -> Value {
    let settings: SdkSettings = serde_json::from_str(settings).unwrap();
    remote_config(&settings, endpoint, &HeaderMap::new()).into()
}

#[test]
fn by_default_everything_but_autocapture_is_off_and_no_key_is_missing() {
    let expected = json!({
        "supportedCompression": ["gzip", "gzip-js"],
        "hasFeatureFlags": false,
        "autocapture_opt_out": false,
        "elementsChainAsString": true,
        "analytics": { "endpoint": "/i/v0/e/" },
        "capturePerformance": false,
        "autocaptureExceptions": false,
        "errorTracking": { "autocaptureExceptions": false, "suppressionRules": [] },
        "logs": { "captureConsoleLogs": false },
        "sessionRecording": false,
        "surveys": false,
        "heatmaps": false,
        "captureDeadClicks": false,
        "productTours": false,
        "conversations": false,
        "defaultIdentifiedOnly": true,
        "push": { "appIds": [] },
        "siteApps": [],
        "isAuthenticated": false,
        "toolbarParams": {},
        "config": { "enable_collect_everything": true },
    });
    assert_eq!(told("{}", None), expected);
}

#[test]
fn what_is_asked_for_is_told() {
    let told = told(
        r#"{"autocapture":false,"heatmaps":true,"dead_clicks":true,"web_vitals":["LCP"],
            "network_timing":true,"exceptions":true,"console_logs":true,"surveys":true,
            "capture_endpoint":"/e/","identified_only":false}"#,
        None,
    );
    for key in ["autocapture_opt_out", "heatmaps", "captureDeadClicks", "autocaptureExceptions"] {
        assert_eq!(told[key], true, "{key}");
    }
    assert_eq!(told["errorTracking"]["autocaptureExceptions"], true);
    assert_eq!(told["logs"]["captureConsoleLogs"], true);
    assert_eq!(told["surveys"], true);
    assert_eq!(told["analytics"]["endpoint"], "/e/");
    assert_eq!(told["defaultIdentifiedOnly"], false);
    let performance = json!({ "network_timing": true, "web_vitals": true, "web_vitals_allowed_metrics": ["LCP"] });
    assert_eq!(told["capturePerformance"], performance);
}

#[test]
fn the_project_has_the_last_word_on_recording() {
    let recording = |settings: &str, endpoint| told(settings, endpoint)["sessionRecording"].clone();
    assert_eq!(recording("{}", Some("/s/"))["endpoint"], "/s/");
    assert_eq!(recording(r#"{"session_recording":false}"#, Some("/s/")), false);
    let disabled = r#"{"session_recording":{"enabled":false}}"#;
    assert_eq!(recording(disabled, Some("/s/")), false);
    assert_eq!(recording(r#"{"session_recording":true}"#, None)["endpoint"], "/s/");
    let elsewhere = Some("https://replay.example/s/");
    let on = recording(r#"{"session_recording":true}"#, elsewhere);
    assert_eq!(on["endpoint"], "https://replay.example/s/");
}

#[test]
fn details_of_recording_have_the_shapes_that_sdks_read() {
    let settings = SdkSettings {
        session_recording: Some(Switch::With(SessionRecording {
            network_body: true,
            canvas: true,
            sample_rate: Some(0.5.try_into().unwrap()),
            minimum_duration_ms: Some(2_000),
            mask_all_inputs: Some(false),
            url_triggers: vec!["/checkout".into()],
            event_triggers: vec!["purchase".into()],
            ..SessionRecording::default()
        })),
        ..SdkSettings::default()
    };
    let told = remote_config(&settings, None, &HeaderMap::new());
    let expected = json!({
        "endpoint": "/s/",
        "consoleLogRecordingEnabled": true,
        "recorderVersion": "v2",
        "sampleRate": "0.5",
        "minimumDurationMilliseconds": 2_000,
        "linkedFlag": null,
        "networkPayloadCapture": { "recordHeaders": false, "recordBody": true },
        "masking": { "maskAllInputs": false },
        "urlTriggers": [{ "url": "/checkout", "matching": "regex" }],
        "urlBlocklist": [],
        "eventTriggers": ["purchase"],
        "triggerMatchType": null,
        "scriptConfig": null,
        "recordCanvas": true,
        "canvasFps": 3,
        "canvasQuality": "0.4",
        "version": 1,
    });
    assert_eq!(told["sessionRecording"], expected);
}
