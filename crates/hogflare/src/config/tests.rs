//! What settings become, and what is said of wrong ones.

use super::*;

fn error_of(given: &[(&str, &str)]) -> String {
    Config::parse(&Sources::of(given)).unwrap_err().to_string()
}

#[test]
fn nothing_at_all_is_a_configuration() {
    let config = Config::parse(&Sources::of(&[])).unwrap();
    assert_eq!(config.app_addr.to_string(), "0.0.0.0:8080");
    assert!(config.lake_enabled && config.pipelines.is_none());
}

#[test]
fn an_empty_variable_is_as_if_unset() {
    let config = Config::parse(&Sources::of(&[("CLOUDFLARE_PIPELINE_ENDPOINT", "")])).unwrap();
    assert!(config.pipelines.is_none());
}

#[test]
fn a_wrong_value_is_named_with_what_was_expected() {
    assert_eq!(
        error_of(&[("APP_ADDR", "eighty")]),
        "APP_ADDR=eighty: expected an address such as 0.0.0.0:8080"
    );
    assert_eq!(
        error_of(&[("HOGFLARE_JOURNAL_BUDGET", "much")]),
        "HOGFLARE_JOURNAL_BUDGET=much: expected a size such as 512MiB"
    );
    assert_eq!(
        error_of(&[("CLOUDFLARE_PIPELINE_ENDPOINT", "http://example.com")]),
        "CLOUDFLARE_PIPELINE_ENDPOINT=http://example.com: expected an https URL (http is for \
         loopback only)"
    );
}

#[test]
fn settings_that_need_each_other_are_checked_together() {
    assert!(error_of(&[("HOGFLARE_LAKE", "off")]).contains("CLOUDFLARE_PIPELINE_ENDPOINT"));
    assert!(error_of(&[("HOGFLARE_ACK", "delivered")]).contains("CLOUDFLARE_PIPELINE_ENDPOINT"));
}

#[test]
fn a_public_key_cannot_be_the_read_key() {
    let error = error_of(&[("POSTHOG_API_KEY", "same"), ("HOGFLARE_READ_KEY", "same")]);
    assert!(error.contains("HOGFLARE_READ_KEY") && !error.contains("same"));
    assert!(error_of(&[("HOGFLARE_READ_KEY", "phc_x")]).contains("public"));
}

#[test]
fn sizes_and_durations_have_units() {
    let config = Config::parse(&Sources::of(&[
        ("HOGFLARE_JOURNAL_BUDGET", "2GiB"),
        ("HOGFLARE_DEDUP_WINDOW", "7d"),
    ]))
    .unwrap();
    assert_eq!(config.journal_budget_bytes, Some(2 << 30));
    assert_eq!(config.dedup_window.as_secs(), 7 * 86_400);
}

#[test]
fn every_setting_has_a_line_in_the_reference() {
    let reference = reference();
    assert!(SETTINGS.iter().all(|Setting { name, .. }| reference.contains(&format!("`{name}`"))));
}
