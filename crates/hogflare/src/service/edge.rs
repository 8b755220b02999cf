//! What the HTTP edge is given.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use enrich::Enricher;
use metrics_exporter_prometheus::PrometheusHandle;
use server::dead_letters::Desk;
use server::erasure::Eraser;
use server::{Access, Ack, Budget, Edge, EdgeState, Tee};

use super::journals::Journals;
use super::policy::PolicyWatch;
use super::sinks::Sinks;
use crate::config::{AckMode, Config};

/// Who is asked for what is not rows.
pub(crate) struct Desks {
    pub(crate) access: Access,
    pub(crate) eraser: Arc<dyn Eraser>,
    pub(crate) dead_letters: Arc<dyn Desk>,
    pub(crate) backups: Arc<dyn server::backup::Desk>,
}

/// Gathers what handlers share.
pub(crate) fn build(
    config: &Config,
    journals: &Journals,
    sinks: &Sinks,
    policy: &PolicyWatch,
    enricher: Arc<Enricher>,
    desks: Desks,
    metrics: PrometheusHandle,
) -> EdgeState {
    EdgeState::new(Edge {
        capture: capture_settings(config),
        signing_secret: config.signing_secret.as_ref().map(|secret| secret.0.clone()),
        recording_endpoint: config.recording_endpoint.clone(),
        policy: policy.source.current().clone(),
        policies: Arc::clone(&policy.source),
        quotas: Arc::clone(&policy.quotas),
        enricher,
        trusted_proxies: config.trusted_proxies.clone(),
        budget: Budget::new(config.memory_budget_bytes),
        sequencer: journals.sequencer.clone(),
        recordings: journals.appender.clone(),
        tee: config.tee.as_ref().zip(journals.tee.as_ref()).map(|(tee, journal)| Tee {
            appender: journal.appender.clone(),
            tokens: tee.tokens.clone(),
            recordings: tee.recordings,
        }),
        ack: match (config.ack, &sinks.deliveries) {
            (AckMode::Delivered, Some(deliveries)) => Ack::Delivered {
                events: deliveries.events.clone(),
                recordings: deliveries.recordings.clone(),
                is_only_copy: !config.lake_enabled,
            },
            _ => Ack::Durable,
        },
        questions: sinks.questions(journals),
        lake: sinks.lake.clone(),
        retention: config.retention.filter(|_| config.lake_enabled && !config.asks_catalog()),
        persons: journals.persons.clone(),
        access: desks.access,
        eraser: desks.eraser,
        dead_letters: desks.dead_letters,
        backups: desks.backups,
        sinks: sinks.statuses.clone(),
        metrics,
        draining: AtomicBool::new(false),
    })
}

fn capture_settings(config: &Config) -> capture::Settings {
    let defaults = capture::Settings::default();
    capture::Settings {
        default_token: config.api_key.clone(),
        // A body that the whole budget cannot hold will never be served, so it is 413, not 503.
        wire_limit: defaults.wire_limit.min(config.memory_budget_bytes),
        memory_budget: config.memory_budget_bytes,
        signed: config.signing_secret.is_some(),
        ..defaults
    }
}
