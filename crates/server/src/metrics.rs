//! This crate's metrics.

use std::sync::LazyLock;

use capture::Notes;
use capture::v1::{Outcome, Verdict};
use metrics::{Counter, counter};

/// Events that were decoded.
pub(crate) static EVENTS_RECEIVED: LazyLock<Counter> =
    LazyLock::new(|| counter!("hogflare_events_received_total"));
/// Events that were stored and acknowledged.
pub(crate) static EVENTS_ACCEPTED: LazyLock<Counter> =
    LazyLock::new(|| counter!("hogflare_events_accepted_total"));
/// Events that were acknowledged because they were stored before.
pub(crate) static EVENTS_DUPLICATE: LazyLock<Counter> =
    LazyLock::new(|| counter!("hogflare_events_duplicate_total"));
/// Requests to write lanes that were acknowledged.
pub(crate) static REQUESTS_ACCEPTED: LazyLock<Counter> =
    LazyLock::new(|| counter!("hogflare_requests_accepted_total"));
/// Reports of content security policies, which are not stored.
pub(crate) static CSP_REPORTS_IGNORED: LazyLock<Counter> =
    LazyLock::new(|| counter!("hogflare_csp_reports_ignored_total"));

/// Counts a connection that did not become an encrypted one.
pub(crate) fn handshake_failed(reason: &'static str) {
    counter!("hogflare_tls_handshakes_failed_total", "reason" => reason).increment(1);
}

/// Requests that were kept for the tee.
pub(crate) static TEE_KEPT: LazyLock<Counter> =
    LazyLock::new(|| counter!("hogflare_tee_kept_total"));
/// Requests that were answered before it was known that they are kept for the tee.
pub(crate) static TEE_LATE: LazyLock<Counter> =
    LazyLock::new(|| counter!("hogflare_tee_late_total"));

/// Counts a request that was accepted and does not go on.
pub(crate) fn tee_skipped(reason: &'static str) {
    counter!("hogflare_tee_skipped_total", "reason" => reason).increment(1);
}

/// Counts a request to a write lane that was answered with an error.
pub(crate) fn request_rejected(reason: &'static str) {
    counter!("hogflare_requests_rejected_total", "reason" => reason).increment(1);
}

/// Counts what was left out or changed in a request that was accepted.
pub(crate) fn note(notes: &Notes) {
    for (note, count) in notes.iter() {
        counter!("hogflare_events_adjusted_total", "reason" => note.reason())
            .increment(count.into());
    }
}

/// Counts what was acknowledged and is not stored, as was configured.
pub(crate) fn dropped(reason: &'static str, count: u64) {
    if count > 0 {
        counter!("hogflare_events_dropped_total", "reason" => reason).increment(count);
    }
}

/// Counts the events that Capture V1 refuses one by one.
pub(crate) fn verdicts(outcomes: &[Outcome]) {
    for outcome in outcomes {
        if let Verdict::Drop(tag) = outcome.verdict {
            counter!("hogflare_events_refused_total", "reason" => tag).increment(1);
        }
    }
}

/// Counts an event that is kept out of `events`.
pub(crate) fn quarantined(reason: &'static str) {
    counter!("hogflare_events_quarantined_total", "reason" => reason).increment(1);
}
