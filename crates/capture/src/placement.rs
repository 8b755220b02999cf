//! Which table an event belongs to.
//!
//! PostHog's ingestion accepts some events and then drops them. Here they are kept aside, in
//! `quarantine`, with PostHog's reason.

use ::event::{Event, Table};

use crate::distinct_id;

/// Longest key of a group in PostHog, in UTF-16 units.
const GROUP_KEY_UNITS: usize = 400;

/// What decides besides the event itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts<'a> {
    /// The raw property `$group_key`.
    pub(crate) group_key: Option<&'a str>,
    /// Whether the event itself asks for no person.
    pub(crate) is_person_declined: bool,
}

/// Puts an event where it belongs.
pub(crate) fn settle(event: &mut Event, facts: Facts<'_>) {
    if let Some(reason) = reason(event, facts) {
        event.quarantine(reason);
    } else if event.event == "$$heatmap" {
        event.table = Table::Heatmaps;
    }
}

/// Why PostHog would drop it, in the order in which it would.
fn reason(event: &Event, facts: Facts<'_>) -> Option<&'static str> {
    let name = event.event.as_str();
    if !name.starts_with('$') {
        return None;
    }
    let is_merge = matches!(name, "$create_alias" | "$merge_dangerously");
    let is_identify = name == "$identify";
    let is_group = name == "$groupidentify";
    let has_long_key = || facts.group_key.is_some_and(is_too_long);
    if name == "$$client_ingestion_warning" {
        Some("client_ingestion_warning")
    } else if event.cookieless && is_merge {
        Some("cookieless_unsupported_event")
    } else if event.cookieless && is_identify {
        Some("cookieless_stateless_no_identify")
    } else if facts.is_person_declined && (is_identify || is_merge || is_group) {
        Some("invalid_event_when_process_person_profile_is_false")
    } else if is_group && has_long_key() {
        Some("group_key_too_long")
    } else {
        None
    }
}

fn is_too_long(group_key: &str) -> bool {
    // A unit takes a byte at least.
    group_key.len() > GROUP_KEY_UNITS
        && distinct_id::text(group_key).encode_utf16().count() > GROUP_KEY_UNITS
}
