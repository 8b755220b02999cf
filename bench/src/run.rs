//! One run: a new server, a measured window, and a count of what it stored.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::ensure;
use serde::Serialize;
use tokio::time::{Instant, sleep};

use crate::arguments::Arguments;
use crate::case::Case;
use crate::crowd::{Crowd, CrowdSize};
use crate::folder::Folder;
use crate::forward::ForwardRun;
use crate::load::{Load, Outcome};
use crate::pinning::Pinning;
use crate::pipeline::Pipeline;
use crate::process::{Counters, Memory, Usage};
use crate::requests::Requests;
use crate::server::{LakeMode, Server, Settings};
use crate::statistics::percentile;

/// How long a sink may take for what it still lacks when the load ends.
const DRAIN_DEADLINE: Duration = Duration::from_secs(120);
/// Often enough to find the end of draining, too seldom to cost anything.
const DRAIN_INTERVAL: Duration = Duration::from_millis(200);
/// What a start leaves to do is done by then.
const SETTLE: Duration = Duration::from_secs(3);

/// What all runs of a cell share.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setup<'a> {
    /// The command line.
    pub(crate) arguments: &'a Arguments,
    /// Folder for data folders.
    pub(crate) data_dir: &'a Path,
    /// Where rows go.
    pub(crate) lake: LakeMode,
    /// Who runs where.
    pub(crate) pinning: &'a Pinning,
}

/// A run's figures.
#[derive(Debug)]
pub(crate) enum Run {
    /// Under load.
    Loaded(LoadedRun),
    /// Without.
    Idle(IdleRun),
    /// Of a backlog.
    Forwarded(ForwardRun),
}

/// What a run under load measured.
#[derive(Debug, Serialize)]
pub(crate) struct LoadedRun {
    pub(crate) case: Case,
    pub(crate) lake: LakeMode,
    pub(crate) connections: u16,
    pub(crate) crowd: Option<CrowdSize>,
    pub(crate) window_seconds: f64,
    /// Whether the window ended because all requests made ahead were sent.
    pub(crate) ran_out: bool,
    pub(crate) events_per_second: f64,
    pub(crate) requests_per_second: f64,
    /// Server CPU in the window for each event acknowledged in it.
    pub(crate) cpu_us_per_event: f64,
    /// Server CPU from the first request until the sink had every row, for each event.
    pub(crate) drained_cpu_us_per_event: Option<f64>,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) max_ms: f64,
    pub(crate) server_cores: f64,
    pub(crate) others_on_server_core: f64,
    pub(crate) generator_cores: f64,
    pub(crate) resident_bytes: u64,
    pub(crate) peak_resident_bytes: u64,
    pub(crate) journal_bytes_per_event: f64,
    pub(crate) lake_bytes_per_event: Option<f64>,
    pub(crate) refused_requests: BTreeMap<u16, u64>,
    pub(crate) unanswered_requests: u64,
    pub(crate) acknowledged_events: u64,
    /// Rows of events in the journal, on disk.
    pub(crate) journal_rows: u64,
    /// Rows that a query sees, or that the pipeline got.
    pub(crate) delivered_rows: Option<u64>,
    pub(crate) duplicate_events: u64,
}

/// What a server did to which nobody talked.
#[derive(Debug, Serialize)]
pub(crate) struct IdleRun {
    pub(crate) lake: LakeMode,
    pub(crate) window_seconds: f64,
    pub(crate) cpu_ms_per_second: f64,
    pub(crate) resident_bytes: u64,
    pub(crate) peak_resident_bytes: u64,
}

/// Counters around the measured window.
struct Window {
    opened: Counters,
    closed: Counters,
    generator: Usage,
    memory: Memory,
    ran_out: bool,
}

/// Sends requests to a new server and measures.
pub(crate) async fn loaded(
    setup: &Setup<'_>,
    requests: &Arc<Requests>,
) -> anyhow::Result<LoadedRun> {
    let pipeline = match setup.lake {
        LakeMode::Pipeline => Some(Pipeline::start(Duration::ZERO).await?),
        LakeMode::Off | LakeMode::On => None,
    };
    let mut server = setup.start_new(pipeline.as_ref()).await?;
    let mut crowd = match setup.arguments.crowd {
        Some(size) => Some(Crowd::gather(server.address(), size).await?),
        None => None,
    };
    let before = setup.counters(&server)?;
    let mut load = Load::start(server.address(), setup.arguments.connections, requests);
    let window = setup.window(&server, &mut load).await;
    server.ensure_running()?;
    let window = window?;
    let outcome = load.stop().await?;
    if let Some(crowd) = &mut crowd {
        ensure!(crowd.is_complete().await, "the server sent some of the crowd away");
    }
    drop(crowd);
    let drained = wait_until_drained(&server, setup).await?;
    let peak = Memory::read(server.pid())?.peak.max(window.memory.resident);
    let page = server.metrics().await?;

    let events_each = requests.case().events();
    let events = outcome.acknowledged() * events_each;
    ensure!(events > 0, "no request was acknowledged: {:?}", outcome.refused());
    let usage = window.closed.since(&window.opened);
    let latencies = sorted_latencies(&outcome, &window);
    let acks = latencies.len() as f64;
    let events_within = acks * events_each as f64;
    let latency_ms = |share| f64::from(percentile(&latencies, share)) / 1_000.0;
    let run = LoadedRun {
        case: requests.case(),
        lake: setup.lake,
        connections: setup.arguments.connections,
        crowd: setup.arguments.crowd,
        window_seconds: usage.wall.as_secs_f64(),
        ran_out: window.ran_out,
        events_per_second: events_within / usage.wall.as_secs_f64(),
        requests_per_second: acks / usage.wall.as_secs_f64(),
        cpu_us_per_event: micros(usage.cpu) / events_within,
        drained_cpu_us_per_event: drained
            .map(|drained| micros(drained.since(&before).cpu) / events as f64),
        p50_ms: latency_ms(0.5),
        p99_ms: latency_ms(0.99),
        max_ms: latency_ms(1.0),
        server_cores: usage.cores(),
        others_on_server_core: usage.others_share(),
        generator_cores: window.generator.cores(),
        resident_bytes: window.memory.resident,
        peak_resident_bytes: peak,
        journal_bytes_per_event: page.journal_bytes() as f64 / page.event_rows().max(1) as f64,
        lake_bytes_per_event: page.lake_bytes_per_row(),
        refused_requests: outcome.refused(),
        unanswered_requests: outcome.unanswered,
        acknowledged_events: events,
        journal_rows: page.event_rows(),
        delivered_rows: match (setup.lake, &pipeline) {
            (LakeMode::On, _) => Some(server.count_rows().await?),
            (_, Some(pipeline)) => Some(pipeline.rows()),
            _ => None,
        },
        duplicate_events: page.duplicates(),
    };
    server.stop().await?;
    Ok(run)
}

/// Measures a server to which nobody talks.
pub(crate) async fn idle(setup: &Setup<'_>) -> anyhow::Result<IdleRun> {
    let pipeline = match setup.lake {
        LakeMode::Pipeline => Some(Pipeline::start(Duration::ZERO).await?),
        LakeMode::Off | LakeMode::On => None,
    };
    let server = setup.start_new(pipeline.as_ref()).await?;
    sleep(SETTLE).await;
    let opened = setup.counters(&server)?;
    sleep(setup.arguments.window()).await;
    let usage = setup.counters(&server)?.since(&opened);
    let memory = Memory::read(server.pid())?;
    server.stop().await?;
    Ok(IdleRun {
        lake: setup.lake,
        window_seconds: usage.wall.as_secs_f64(),
        cpu_ms_per_second: usage.cores() * 1_000.0,
        resident_bytes: memory.resident,
        peak_resident_bytes: memory.peak,
    })
}

impl Setup<'_> {
    async fn start_new(&self, pipeline: Option<&Pipeline>) -> anyhow::Result<Server> {
        let folder = Folder::create(self.data_dir, self.arguments.keep)?;
        let mut server = self.start(&Arc::new(folder), pipeline.map(Pipeline::url))?;
        server.wait_until_ready().await?;
        Ok(server)
    }

    /// Starts a server on this folder, and returns before it is ready.
    pub(crate) fn start(
        &self,
        folder: &Arc<Folder>,
        pipeline_url: Option<String>,
    ) -> anyhow::Result<Server> {
        let program = self.arguments.server.canonicalize()?;
        Server::start(Settings {
            command: self.pinning.server_command(&program),
            folder: Arc::clone(folder),
            lake: self.lake,
            pipeline_url,
            variables: &self.arguments.variables,
        })
    }

    /// Counters of the server's process and core.
    pub(crate) fn counters(&self, server: &Server) -> anyhow::Result<Counters> {
        Counters::read(server.pid(), self.pinning.server_core)
    }

    /// Counters of this process and its core.
    pub(crate) fn generator_counters(&self) -> anyhow::Result<Counters> {
        Counters::read(std::process::id(), self.pinning.generator_core)
    }

    async fn window(&self, server: &Server, load: &mut Load) -> anyhow::Result<Window> {
        load.run_for(self.arguments.warmup()).await;
        ensure!(!load.ran_out(), "all requests were sent before the window (--memory, --prepare)");
        let (opened, generator_opened) = (self.counters(server)?, self.generator_counters()?);
        load.run_for(self.arguments.window()).await;
        Ok(Window {
            opened,
            closed: self.counters(server)?,
            generator: self.generator_counters()?.since(&generator_opened),
            memory: Memory::read(server.pid())?,
            ran_out: load.ran_out(),
        })
    }
}

/// Waits until the sink has every row of the journal; counters of that moment.
async fn wait_until_drained(
    server: &Server,
    setup: &Setup<'_>,
) -> anyhow::Result<Option<Counters>> {
    let Some(sink) = setup.lake.sink() else { return Ok(None) };
    let deadline = Instant::now() + DRAIN_DEADLINE;
    loop {
        let page = server.metrics().await?;
        let (kept, all) = (page.sink_rows(sink), page.journal_rows());
        if kept >= all {
            return setup.counters(server).map(Some);
        }
        ensure!(Instant::now() < deadline, "{sink} has {kept} of {all} rows, long after the load");
        sleep(DRAIN_INTERVAL).await;
    }
}

fn sorted_latencies(outcome: &Outcome, window: &Window) -> Vec<u32> {
    let mut latencies = outcome.ack_latencies(window.opened.at(), window.closed.at());
    latencies.sort_unstable();
    latencies
}

/// A duration in microseconds.
pub(crate) fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

impl LoadedRun {
    /// Whether every request was acknowledged and every event stored once.
    pub(crate) fn is_sound(&self) -> bool {
        self.refused_requests.is_empty()
            && self.unanswered_requests == 0
            && self.duplicate_events == 0
            && self.journal_rows == self.acknowledged_events
            && self.delivered_rows.is_none_or(|rows| rows == self.acknowledged_events)
    }

    /// Requests that were not acknowledged.
    pub(crate) fn not_acknowledged(&self) -> u64 {
        self.refused_requests.values().sum::<u64>() + self.unanswered_requests
    }
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Loaded(run) => run.fmt(f),
            Self::Idle(run) => run.fmt(f),
            Self::Forwarded(run) => run.fmt(f),
        }
    }
}

impl fmt::Display for LoadedRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:.2} µs/event, {:.0} events/s, p99 {:.1} ms, {} events acknowledged, {} in the journal",
            self.cpu_us_per_event,
            self.events_per_second,
            self.p99_ms,
            self.acknowledged_events,
            self.journal_rows,
        )?;
        if let Some(rows) = self.delivered_rows {
            write!(f, ", {rows} delivered")?;
        }
        if self.ran_out {
            write!(f, ", requests spent after {:.1} s", self.window_seconds)?;
        }
        match self.is_sound() {
            true => Ok(()),
            false => write!(
                f,
                ", UNSOUND: {} duplicates, {} unanswered, refused {:?}",
                self.duplicate_events, self.unanswered_requests, self.refused_requests
            ),
        }
    }
}

impl fmt::Display for IdleRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mib = self.resident_bytes >> 20;
        write!(f, "{:.2} ms of CPU a second, {mib} MiB resident", self.cpu_ms_per_second)
    }
}
