//! The running service: its parts, wired.

mod announce;
mod journals;
mod sinks;

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use anyhow::Context;
use journal::Journal;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use server::{Ack, Budget, Edge, EdgeState, Listener, ListenerOptions, ReadKey};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tracing::{error, info, warn};

use crate::config::{AckMode, Config};
use crate::data_dir::DataDir;
use journals::Journals;
use sinks::Sinks;

/// How often segments that nobody needs any more are removed.
const TRIM_INTERVAL: Duration = Duration::from_secs(5);
/// How long sinks may take to flush at the end; what they lack stays in the journal.
const SINK_DRAIN: Duration = Duration::from_secs(20);
/// How often metrics that nobody fetches are folded together.
const METRICS_UPKEEP: Duration = Duration::from_secs(5);

/// Starts every part, serves until SIGTERM or SIGINT, and stops them in the order of the data.
pub(crate) async fn run(config: Config) -> anyhow::Result<()> {
    let metrics = install_metrics()?;
    let data_dir = DataDir::create(&config.data_dir)?;
    let _lock = data_dir.lock()?;
    let read_key = match &config.read_key {
        Some(key) => ReadKey::new(key.0.clone()),
        None => ReadKey::new(data_dir.read_key_or_new()?),
    };
    let journals = Journals::open(&config, &data_dir).await?;
    let (stop, stopped) = watch::channel(false);
    let sinks = Sinks::start(&config, &data_dir, &journals, &stopped).await?;
    let trimming = tokio::spawn(trim(journals.all(), stopped.clone()));
    announce::start(&config, &data_dir, sinks.lake.as_ref());

    let (stop_listening, listening) = watch::channel(false);
    let state = EdgeState::new(Edge {
        capture: capture_settings(&config),
        signing_secret: config.signing_secret.as_ref().map(|secret| secret.0.clone()),
        recording_endpoint: config.recording_endpoint.clone(),
        projects: config.projects.clone(),
        trusted_proxies: config.trusted_proxies.clone(),
        budget: Budget::new(config.memory_budget_bytes),
        sequencer: journals.sequencer.clone(),
        recordings: journals.appender.clone(),
        ack: match (config.ack, &sinks.delivery) {
            (AckMode::Delivered, Some(delivery)) => Ack::Delivered(delivery.clone()),
            _ => Ack::Durable,
        },
        questions: sinks.questions(&journals),
        read_key,
        sinks: sinks.statuses.clone(),
        metrics,
        draining: AtomicBool::new(false),
    });
    let public = Listener::bind(config.app_addr)
        .await
        .with_context(|| format!("cannot listen on {} (APP_ADDR)", config.app_addr))?;
    let local = Listener::bind_file(&data_dir.socket());
    let options = ListenerOptions::default();
    let public =
        tokio::spawn(public.serve(server::router(state.clone()), options, listening.clone()));
    let local = match local {
        Ok(local) => {
            Some(tokio::spawn(local.serve(server::local_router(state.clone()), options, listening)))
        }
        Err(error) => {
            warn!(%error, path = %data_dir.socket().display(),
                "no local socket: `hogflare sql` cannot ask this server");
            None
        }
    };
    info!(addr = %config.app_addr, "ready");

    let journal_failed = wait_for_end(&journals).await?;
    info!("stopping");
    state.drain();
    stop_listening.send_replace(true);
    public.await?;
    if let Some(local) = local {
        local.await?;
    }
    drop(state);
    std::fs::remove_file(data_dir.socket()).ok();
    tokio::task::block_in_place(|| journals.stop());
    stop.send_replace(true);
    sinks.stop(SINK_DRAIN).await;
    trimming.await?;
    info!("stopped");
    match journal_failed {
        true => anyhow::bail!("a journal's writer ended by a defect"),
        false => Ok(()),
    }
}

/// Waits for a signal; true when instead a journal's writer ended by itself.
async fn wait_for_end(journals: &Journals) -> anyhow::Result<bool> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => Ok(false),
        _ = interrupt.recv() => Ok(false),
        () = journals.ended() => Ok(true),
    }
}

fn capture_settings(config: &Config) -> capture::Settings {
    capture::Settings {
        default_token: config.api_key.clone(),
        memory_budget: config.memory_budget_bytes,
        signed: config.signing_secret.is_some(),
        ..capture::Settings::default()
    }
}

fn install_metrics() -> anyhow::Result<PrometheusHandle> {
    let handle = PrometheusBuilder::new().install_recorder()?;
    let upkeep = handle.clone();
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(METRICS_UPKEEP).await;
            upkeep.run_upkeep();
        }
    });
    Ok(handle)
}

/// Removes segments that every sink is past.
async fn trim(journals: Vec<Journal>, mut stopped: watch::Receiver<bool>) {
    loop {
        let stop =
            tokio::time::timeout(TRIM_INTERVAL, stopped.wait_for(|stop| *stop)).await.is_ok();
        for journal in &journals {
            journal::failpoint("journal-before-trim");
            let journal = journal.clone();
            let trimmed = tokio::task::spawn_blocking(move || journal.trim()).await;
            if let Ok(Err(error)) = trimmed {
                error!(%error, "cannot remove old journal segments");
            }
        }
        if stop {
            return;
        }
    }
}
