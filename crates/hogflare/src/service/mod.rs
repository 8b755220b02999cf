//! The running service: its parts, wired.

pub(crate) mod access;
mod announce;
pub(crate) mod backup;
mod dead_letters;
mod edge;
mod enrichment;
pub(crate) mod erasures;
mod file_limit;
mod https;
mod journals;
mod persons;
mod policy;
mod postgres_door;
mod shared_persons;
mod sinks;
mod trim;

use std::sync::Arc;
use std::time::Duration;

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use server::{EdgeState, Listener, ListenerOptions};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::{info, warn};

use crate::config::Config;
use crate::data_dir::DataDir;
use backup::BackupDesk;
use dead_letters::LettersDesk;
use edge::Desks;
use erasures::{Erasing, Records};
use journals::Journals;
use policy::PolicyWatch;
use shared_persons::{HandingOn, Shared, Way};
use sinks::{Known, Sinks};
use trim::Trimmer;

/// How long balancers may take to notice that this process stops.
const NOTICE: Duration = Duration::from_millis(500);
/// What sinks may take to write their cursors once they have stopped trying.
const LAST_FLUSH: Duration = Duration::from_secs(5);
/// How often metrics that nobody fetches are folded together.
const METRICS_UPKEEP: Duration = Duration::from_secs(5);

/// The part that hands on what changed of persons.
const HANDING_ON: &str = "the handing on of persons";

/// Why the service stops.
enum End {
    /// It was told to.
    Asked,
    /// A part ended by itself, which none should.
    Defect(&'static str),
}

/// Starts every part, serves until SIGTERM or SIGINT, and stops them in the order of the data.
pub(crate) async fn run(config: Config) -> anyhow::Result<()> {
    // First of all: who is told to stop while it starts should stop as it does later.
    let mut stop_signals = StopSignals::install()?;
    let metrics = install_metrics()?;
    let data_dir = DataDir::create(&config.data_dir)?;
    let _lock = data_dir.lock()?;
    // Before anything is changed.
    data_dir.check_formats()?;
    let access = tokio::task::block_in_place(|| access::start(&config, &data_dir))?;
    let public = https::bind(&config, &data_dir).await?;
    let door = postgres_door::bind(&config).await?;

    let records = Records::open(data_dir.erasures())?;
    let mut journals = Journals::open(&config, &data_dir, records.in_force()).await?;
    records.settle(&journals.events)?;
    let (stop_sinks, stopped) = watch::channel(false);
    let enricher = enrichment::start(config.geoip.as_deref(), &data_dir, stopped.clone())?;
    let policy = PolicyWatch::start(&config.policy, &access.store, data_dir.quotas())?;
    let known = Known { policy: policy.source.current(), erasures: records.in_force() };
    let mut sinks = Sinks::start(&config, &data_dir, &journals, &known, &stopped).await?;
    let erasing =
        Erasing::new(records, &config, &data_dir, &journals, &sinks, policy.source.current());
    let (stop_erasing, erasing_stopped) = watch::channel(false);
    let erasing_work = erasing.work(erasing_stopped);
    let trimmer = Trimmer::start(journals.all());
    let mut handing_on = journals.shared.take().map(|Shared { outbox, inbox }| {
        let (sequencer, streams) = (journals.sequencer.clone(), sinks.streams_of_persons(&config));
        let (erasing, is_compared) = (erasing.clone(), false);
        HandingOn::start(Way { outbox, inbox, sequencer, erasing, streams, is_compared })
    });
    announce::start(&config, &data_dir, sinks.lake.as_ref());
    tokio::task::block_in_place(|| access::invite_owner(&access, &config))?;
    let dead_letters = Arc::new(LettersDesk::new(&config, &data_dir));
    let backups = Arc::new(BackupDesk::new(&journals, &sinks, &erasing));
    let desks = Desks { access, eraser: Arc::new(erasing), dead_letters, backups };
    let state = edge::build(&config, &journals, &sinks, &policy, enricher, desks, metrics);
    let (stop_listening, listening) = watch::channel(false);
    let options = ListenerOptions {
        max_connections: file_limit::raise_for(config.max_connections),
        ..ListenerOptions::default()
    };
    let mut listeners = JoinSet::new();
    // Before the public one, which says that all is ready.
    listen_here(&mut listeners, &data_dir, &state, options, &listening);
    https::serve(public, &mut listeners, &state, options, &listening);
    postgres_door::serve(door, &mut listeners, &state, &listening);
    let scheme = if config.https.is_some() { "https" } else { "http" };
    info!(addr = %config.app_addr, scheme, "ready");

    let end = wait_for_end(&mut stop_signals, &journals, &mut sinks, handing_on.as_mut()).await;
    info!("stopping");
    trimmer.stop().await;
    stop_erasing.send_replace(true);
    erasing_work.await.ok();
    if let Some(handing_on) = handing_on.filter(|_| !matches!(end, End::Defect(HANDING_ON))) {
        handing_on.stop().await;
    }
    state.drain();
    tokio::time::sleep(NOTICE).await;
    stop_listening.send_replace(true);
    listeners.join_all().await;
    drop(state);
    policy.stop().await;
    std::fs::remove_file(data_dir.socket()).ok();
    tokio::task::block_in_place(|| journals.stop());
    stop_sinks.send_replace(true);
    sinks.stop(config.drain_timeout + LAST_FLUSH).await;
    info!("stopped");
    match end {
        End::Asked => Ok(()),
        End::Defect(part) => anyhow::bail!("{part} ended by a defect"),
    }
}

/// Serves the socket in the data folder.
fn listen_here(
    listeners: &mut JoinSet<()>,
    data_dir: &DataDir,
    state: &EdgeState,
    options: ListenerOptions,
    stop: &watch::Receiver<bool>,
) {
    match Listener::bind_file(&data_dir.socket()) {
        Ok(local) => {
            listeners.spawn(local.serve(
                server::local_router(state.clone()),
                options,
                stop.clone(),
            ));
        }
        Err(error) => warn!(%error, path = %data_dir.socket().display(),
            "no local socket: `hogflare sql` cannot ask this server"),
    }
}

/// What tells the process to stop.
struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignals {
    fn install() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }
}

async fn wait_for_end(
    signals: &mut StopSignals,
    journals: &Journals,
    sinks: &mut Sinks,
    handing_on: Option<&mut HandingOn>,
) -> End {
    let handing_on = async {
        match handing_on {
            Some(handing_on) => handing_on.ended().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = signals.terminate.recv() => End::Asked,
        _ = signals.interrupt.recv() => End::Asked,
        () = journals.ended() => End::Defect("a journal's writer"),
        () = sinks.ended() => End::Defect("a sink"),
        () = handing_on => End::Defect(HANDING_ON),
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
