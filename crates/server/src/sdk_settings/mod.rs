//! What a project wants its SDKs to do, the table `[sdk]` of the configuration file.
//!
//! Everything but autocapture is off until it is asked for: each further feature makes every page load
//! another script and send more.

mod recording;
mod switch;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use recording::{SampleRate, SessionRecording};
pub use switch::Switch;

/// What SDKs are told to do.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SdkSettings {
    /// Clicks, changed inputs and submitted forms are events of their own. On by default.
    pub autocapture: bool,
    /// Where visitors click and how far they scroll.
    pub heatmaps: bool,
    /// Clicks after which nothing happens.
    pub dead_clicks: bool,
    /// How fast pages are: `true` for all, or a list of `CLS`, `FCP`, `INP` and `LCP`.
    pub web_vitals: Switch<Vec<WebVital>>,
    /// Recordings have the timing of requests.
    pub network_timing: bool,
    /// Errors that nothing caught become `$exception`.
    pub exceptions: bool,
    /// What pages write to the console is sent as logs.
    pub console_logs: bool,
    /// Whether sessions are recorded: `true`, `false`, or a table with details. Unset: only where
    /// `POSTHOG_SESSION_RECORDING_ENDPOINT` is set.
    pub session_recording: Option<Switch<SessionRecording>>,
    /// Pages ask for surveys.
    pub surveys: bool,
    /// Where posthog-js sends events: `/i/v0/e/`, as on PostHog's cloud, or `/e/`.
    pub capture_endpoint: CaptureEndpoint,
    /// posthog-js makes persons only of visitors whom it was told the name of. On by default.
    pub identified_only: bool,
}

impl Default for SdkSettings {
    fn default() -> Self {
        Self {
            autocapture: true,
            heatmaps: false,
            dead_clicks: false,
            web_vitals: Switch::Off,
            network_timing: false,
            exceptions: false,
            console_logs: false,
            session_recording: None,
            surveys: false,
            capture_endpoint: CaptureEndpoint::Cloud,
            identified_only: true,
        }
    }
}

/// A measure of how fast a page is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum WebVital {
    /// Cumulative layout shift.
    Cls,
    /// First contentful paint.
    Fcp,
    /// Interaction to next paint.
    Inp,
    /// Largest contentful paint.
    Lcp,
}

/// A path that takes events. Only paths that are served: at any other events would be lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub enum CaptureEndpoint {
    /// PostHog's cloud's.
    #[serde(rename = "/i/v0/e/")]
    Cloud,
    /// The one that posthog-js uses until it is told.
    #[serde(rename = "/e/")]
    Classic,
}
