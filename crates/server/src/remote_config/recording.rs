//! The key `sessionRecording`: `false`, or how to record. SDKs record whenever it is an object.

use http::HeaderMap;
use serde_json::{Value, json};

use super::domains;
use crate::sdk_settings::{SdkSettings, SessionRecording, Switch};

/// Where recordings go when nothing says otherwise.
const ENDPOINT: &str = "/s/";
/// Pictures a second, and their quality, of a canvas that is recorded.
const CANVAS: (u32, &str) = (3, "0.4");

/// What is told of recordings.
pub(super) fn told(settings: &SdkSettings, endpoint: Option<&str>, headers: &HeaderMap) -> Value {
    let everything = SessionRecording::default();
    let recording = match &settings.session_recording {
        None if endpoint.is_none() => return false.into(),
        Some(Switch::Off) => return false.into(),
        Some(Switch::With(recording)) => recording,
        None | Some(Switch::On) => &everything,
    };
    match recording.enabled && domains::may_record(&recording.domains, headers) {
        true => object(recording, endpoint.unwrap_or(ENDPOINT)),
        false => false.into(),
    }
}

fn object(recording: &SessionRecording, endpoint: &str) -> Value {
    let canvas = recording.canvas.then_some(CANVAS);
    json!({
        "endpoint": endpoint,
        "consoleLogRecordingEnabled": recording.console_log,
        "recorderVersion": "v2",
        "sampleRate": recording.sample_rate.map(|rate| rate.as_text()),
        "minimumDurationMilliseconds": recording.minimum_duration_ms,
        "linkedFlag": null,
        "networkPayloadCapture": network(recording),
        "masking": masking(recording),
        "urlTriggers": expressions(&recording.url_triggers),
        "urlBlocklist": expressions(&recording.url_blocklist),
        "eventTriggers": recording.event_triggers,
        "triggerMatchType": null,
        "scriptConfig": null,
        "recordCanvas": recording.canvas,
        "canvasFps": canvas.map(|(per_second, _)| per_second),
        "canvasQuality": canvas.map(|(_, quality)| quality),
        "version": 1,
    })
}

fn network(recording: &SessionRecording) -> Value {
    match recording.network_headers || recording.network_body {
        false => Value::Null,
        true => json!({
            "recordHeaders": recording.network_headers,
            "recordBody": recording.network_body,
        }),
    }
}

/// Only what is given: the rest is the page's to say.
fn masking(recording: &SessionRecording) -> Value {
    let given = [
        ("maskAllInputs", recording.mask_all_inputs.map(Value::from)),
        ("maskTextSelector", recording.mask_text_selector.clone().map(Value::from)),
        ("blockSelector", recording.block_selector.clone().map(Value::from)),
    ];
    let members = given.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    let members: serde_json::Map<_, _> = members.collect();
    match members.is_empty() {
        true => Value::Null,
        false => members.into(),
    }
}

fn expressions(urls: &[String]) -> Vec<Value> {
    urls.iter().map(|url| json!({ "url": url, "matching": "regex" })).collect()
}
