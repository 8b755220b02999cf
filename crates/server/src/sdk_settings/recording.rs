//! How sessions are recorded.

use serde::Deserialize;

/// Details of session recordings. What is not given is as with `session_recording = true`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SessionRecording {
    /// Whether sessions are recorded at all. On by default.
    pub enabled: bool,
    /// What pages write to the console is part of the recording. On by default.
    pub console_log: bool,
    /// So are the headers of requests.
    pub network_headers: bool,
    /// And their bodies.
    pub network_body: bool,
    /// So is what pages draw on a canvas.
    pub canvas: bool,
    /// Which part of all sessions is recorded, from 0 to 1. Unset: all.
    pub sample_rate: Option<SampleRate>,
    /// Sessions that are shorter are not sent.
    pub minimum_duration_ms: Option<u64>,
    /// Whether the text of every input is hidden. Unset: as the page says, else yes.
    pub mask_all_inputs: Option<bool>,
    /// Elements whose text is hidden, as a CSS selector.
    pub mask_text_selector: Option<String>,
    /// Elements that are left out, as a CSS selector.
    pub block_selector: Option<String>,
    /// Recording begins on pages whose address one of these regular expressions finds.
    pub url_triggers: Vec<String>,
    /// It pauses on these.
    pub url_blocklist: Vec<String>,
    /// It begins with one of these events.
    pub event_triggers: Vec<String>,
    /// Pages of these domains are recorded, `*.example.com` for all below one. Empty: of all.
    pub domains: Vec<String>,
}

impl Default for SessionRecording {
    fn default() -> Self {
        Self {
            enabled: true,
            console_log: true,
            network_headers: false,
            network_body: false,
            canvas: false,
            sample_rate: None,
            minimum_duration_ms: None,
            mask_all_inputs: None,
            mask_text_selector: None,
            block_selector: None,
            url_triggers: Vec::new(),
            url_blocklist: Vec::new(),
            event_triggers: Vec::new(),
            domains: Vec::new(),
        }
    }
}

/// A part of a whole, from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(try_from = "f64")]
pub struct SampleRate(f64);

impl SampleRate {
    /// The part as SDKs read it.
    pub fn as_text(self) -> String {
        self.0.to_string()
    }
}

impl TryFrom<f64> for SampleRate {
    type Error = String;

    fn try_from(rate: f64) -> Result<Self, Self::Error> {
        match (0.0..=1.0).contains(&rate) {
            true => Ok(Self(rate)),
            false => Err(format!("a sample rate is from 0 to 1, not {rate}")),
        }
    }
}
