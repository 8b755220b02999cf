//! How settings are written, and what is said of wrong ones.

use super::*;

fn parse(json: &str) -> Result<SdkSettings, String> {
    serde_json::from_str(json).map_err(|error| error.to_string())
}

#[test]
fn nothing_given_is_everything_off_but_autocapture() {
    let settings = parse("{}").unwrap();
    assert_eq!(settings, SdkSettings::default());
    assert!(settings.autocapture && settings.identified_only && !settings.exceptions);
    assert!(settings.session_recording.is_none() && !settings.web_vitals.is_on());
}

#[test]
fn a_switch_is_a_word_or_details() {
    let settings = parse(r#"{"web_vitals":["LCP","INP"],"session_recording":true}"#).unwrap();
    assert_eq!(settings.web_vitals, Switch::With(vec![WebVital::Lcp, WebVital::Inp]));
    assert_eq!(settings.session_recording, Some(Switch::On));
    let details = parse(r#"{"web_vitals":true,"session_recording":{"sample_rate":0.25}}"#).unwrap();
    assert_eq!(details.web_vitals, Switch::On);
    let Some(Switch::With(recording)) = details.session_recording else { panic!("no details") };
    assert!(recording.enabled && recording.console_log);
    assert_eq!(recording.sample_rate.unwrap().as_text(), "0.25");
}

#[test]
fn a_mistake_is_named_wherever_it_is() {
    assert!(parse(r#"{"heatmap":true}"#).unwrap_err().contains("heatmap"));
    let nested = parse(r#"{"session_recording":{"consol_log":true}}"#);
    assert!(nested.unwrap_err().contains("consol_log"));
    assert!(parse(r#"{"session_recording":"yes"}"#).unwrap_err().contains("true, false"));
    assert!(parse(r#"{"session_recording":{"sample_rate":25}}"#).unwrap_err().contains("0 to 1"));
    assert!(parse(r#"{"web_vitals":["TTFB"]}"#).unwrap_err().contains("TTFB"));
    assert!(parse(r#"{"capture_endpoint":"/events/"}"#).unwrap_err().contains("/i/v0/e/"));
}
