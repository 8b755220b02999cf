//! This crate's metrics.

use metrics::{counter, gauge};

use crate::Validity;

/// Says how long the certificate of a door is still good.
pub(crate) fn time_left(door: &'static str, validity: Option<Validity>) {
    if let Some(validity) = validity {
        let seconds = validity.seconds_left() as f64;
        gauge!("hogflare_tls_certificate_seconds_left", "door" => door).set(seconds);
    }
}

/// Counts another certificate that was taken.
pub(crate) fn taken(door: &'static str) {
    counter!("hogflare_tls_certificates_total", "door" => door, "outcome" => "taken").increment(1);
}

/// Counts one that could not be used, or not be had.
pub(crate) fn refused(door: &'static str) {
    counter!("hogflare_tls_certificates_total", "door" => door, "outcome" => "refused")
        .increment(1);
}
