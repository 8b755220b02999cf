//! What kind of device.

use super::{Signs, os};

/// Tablets whose agents say that they are phones.
const TABLETS: &[&str] = &["nexus 7", "nexus 9", "pixel c", "noble nook", "tb782b", "9138b"];

/// posthog-js's `$device_type`.
pub(super) fn kind_of(signs: &Signs<'_>) -> &'static str {
    if signs.mentions(&["nintendo ", "playstation ", "xbox", "ouya"]) {
        "Console"
    } else if signs.mentions(&["windows phone", "wpdesktop"]) {
        "Mobile"
    } else if signs.has(&["iPad"]) {
        "Tablet"
    } else if signs.has(&["iPhone", "iPod"]) {
        "Mobile"
    } else if os::is_watch(signs) {
        "Wearable"
    } else if signs.mentions(&["blackberry", "playbook", "bb10", "nokia"]) {
        "Mobile"
    } else if signs.mentions(&["kobo ereader", "kobo touch"]) || is_kindle(signs) {
        "Tablet"
    } else if signs.mentions(&["android", "zte"]) {
        android(signs)
    } else if signs.mentions(&["pda", "mobile"]) {
        "Mobile"
    } else if signs.mentions(&["tablet"]) && !signs.mentions(&["tablet pc"]) {
        "Tablet"
    } else {
        "Desktop"
    }
}

/// Android tells phones by `Mobile`, but for a few models.
fn android(signs: &Signs<'_>) -> &'static str {
    let is_pixel_phone =
        signs.mentions(&["pixel "]) && !signs.mentions(&["pixel c", "pixel tablet"]);
    match signs.has(&["Mobile"]) && !signs.mentions(TABLETS) {
        true => "Mobile",
        false if is_pixel_phone || signs.mentions(&["sm-g92"]) => "Mobile",
        false => "Tablet",
    }
}

/// A Fire tablet: its model begins with `KF`, and its browser is Silk.
fn is_kindle(signs: &Signs<'_>) -> bool {
    signs.mentions(&["silk/"]) && signs.has(&["; KF"])
}
