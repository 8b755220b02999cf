//! A run of the forwarder alone: a server takes events while its endpoint is down, stops, and starts
//! again with the endpoint up. What is measured then is the way from the journal to the endpoint.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use anyhow::ensure;
use serde::Serialize;
use tokio::time::{Instant, sleep};

use crate::case::Case;
use crate::endpoint::{Endpoint, Target};
use crate::folder::Folder;
use crate::load::Load;
use crate::process::{Memory, Usage};
use crate::requests::Requests;
use crate::run::{Setup, micros};
use crate::server::Server;

/// The sink's name in metrics.
const SINK: &str = "pipelines";
/// How long the events may take to get into the journal.
const FILL_DEADLINE: Duration = Duration::from_secs(600);
/// An endpoint that gets no row for so long gets none any more: longer than the server's request
/// timeout of 10 s and its longest delay between two tries, 15 s.
const STALL: Duration = Duration::from_secs(40);
/// Often enough to see the sink's last flush.
const FLUSH_INTERVAL: Duration = Duration::from_millis(200);

/// What a run of the forwarder measured.
#[derive(Debug, Serialize)]
pub(crate) struct ForwardRun {
    pub(crate) case: Case,
    /// Where rows went.
    pub(crate) endpoint: String,
    pub(crate) window_seconds: f64,
    pub(crate) rows_per_second: f64,
    /// Of the bodies of requests.
    pub(crate) bytes_per_second: f64,
    pub(crate) cpu_us_per_row: f64,
    pub(crate) server_cores: f64,
    pub(crate) others_on_server_core: f64,
    pub(crate) generator_cores: f64,
    pub(crate) peak_resident_bytes: u64,
    /// Requests that the endpoint took.
    pub(crate) requests: u64,
    pub(crate) rows_per_request: f64,
    pub(crate) bytes_per_row: f64,
    /// Times that the sink failed and tried again.
    pub(crate) failures: u64,
    pub(crate) acknowledged_events: u64,
    /// Rows that the endpoint has.
    pub(crate) delivered_rows: u64,
}

/// What happened from the endpoint's first request until it had every row.
struct Window {
    /// Rows that came within it.
    rows: u64,
    server: Usage,
    generator: Usage,
    peak_resident_bytes: u64,
}

/// Fills a journal and measures how it is forwarded.
pub(crate) async fn forwarded(
    setup: &Setup<'_>,
    target: &Target,
    requests: &Arc<Requests>,
) -> anyhow::Result<ForwardRun> {
    let folder = Arc::new(Folder::create(setup.data_dir, setup.arguments.keep)?);
    let events = fill(setup, &folder, requests).await?;
    let endpoint = Endpoint::open(target).await?;
    let mut server = setup.start(&folder, Some(endpoint.url()))?;
    let window = measure(setup, &mut server, &endpoint, events).await?;
    wait_until_flushed(&mut server, events).await?;
    let page = server.metrics().await?;
    server.stop().await?;

    let delivered_rows = endpoint.rows().await?;
    let seconds = window.server.wall.as_secs_f64();
    let (rows, sent_requests) = (window.rows as f64, page.pipeline_requests());
    let bytes_per_row = page.pipeline_bytes() as f64 / delivered_rows as f64;
    Ok(ForwardRun {
        case: requests.case(),
        endpoint: target.to_string(),
        window_seconds: seconds,
        rows_per_second: rows / seconds,
        bytes_per_second: rows * bytes_per_row / seconds,
        cpu_us_per_row: micros(window.server.cpu) / rows,
        server_cores: window.server.cores(),
        others_on_server_core: window.server.others_share(),
        generator_cores: window.generator.cores(),
        peak_resident_bytes: window.peak_resident_bytes,
        requests: sent_requests,
        rows_per_request: delivered_rows as f64 / sent_requests as f64,
        bytes_per_row,
        failures: page.sink_failures(SINK),
        acknowledged_events: events,
        delivered_rows,
    })
}

/// Gets all events into a journal that nobody empties; how many they are.
async fn fill(
    setup: &Setup<'_>,
    folder: &Arc<Folder>,
    requests: &Arc<Requests>,
) -> anyhow::Result<u64> {
    let mut server = setup.start(folder, None)?;
    server.wait_until_ready().await?;
    let mut load = Load::start(server.address(), setup.arguments.connections, requests);
    load.run_for(FILL_DEADLINE).await;
    server.ensure_running()?;
    ensure!(load.ran_out(), "the events do not get into the journal");
    let outcome = load.stop().await?;
    let sent = requests.count() as u64;
    ensure!(
        outcome.acknowledged() == sent,
        "{} of {sent} requests were acknowledged, others refused {:?}",
        outcome.acknowledged(),
        outcome.refused()
    );
    server.stop().await?;
    Ok(sent * requests.case().events())
}

async fn measure(
    setup: &Setup<'_>,
    server: &mut Server,
    endpoint: &Endpoint,
    events: u64,
) -> anyhow::Result<Window> {
    let deadline = Instant::now() + STALL;
    while !endpoint.has_request().await? {
        server.ensure_running()?;
        ensure!(Instant::now() < deadline, "nothing reaches the endpoint");
        sleep(endpoint.poll_interval()).await;
    }
    let (opened, generator_opened) = (setup.counters(server)?, setup.generator_counters()?);
    let before = endpoint.rows().await?;
    wait_for_rows(server, endpoint, events).await?;
    Ok(Window {
        rows: events - before,
        server: setup.counters(server)?.since(&opened),
        generator: setup.generator_counters()?.since(&generator_opened),
        peak_resident_bytes: Memory::read(server.pid())?.peak,
    })
}

async fn wait_for_rows(
    server: &mut Server,
    endpoint: &Endpoint,
    events: u64,
) -> anyhow::Result<()> {
    let (mut rows, mut deadline) = (0, Instant::now() + STALL);
    while rows < events {
        server.ensure_running()?;
        ensure!(Instant::now() < deadline, "the endpoint has {rows} of {events} rows, and no more");
        sleep(endpoint.poll_interval()).await;
        let now = endpoint.rows().await?;
        if now > rows {
            (rows, deadline) = (now, Instant::now() + STALL);
        }
    }
    Ok(())
}

/// Waits until the sink says of itself that it kept every row: then nothing more is sent.
async fn wait_until_flushed(server: &mut Server, events: u64) -> anyhow::Result<()> {
    server.wait_until_ready().await?;
    let deadline = Instant::now() + STALL;
    while server.metrics().await?.sink_rows(SINK) < events {
        ensure!(Instant::now() < deadline, "the sink does not know that every row was taken");
        sleep(FLUSH_INTERVAL).await;
    }
    Ok(())
}

impl ForwardRun {
    /// Whether every event arrived once.
    pub(crate) fn is_sound(&self) -> bool {
        self.delivered_rows == self.acknowledged_events
    }
}

impl fmt::Display for ForwardRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:.2} µs/row, {:.0} rows/s, {:.1} s, {} of {} rows delivered in {} requests",
            self.cpu_us_per_row,
            self.rows_per_second,
            self.window_seconds,
            self.delivered_rows,
            self.acknowledged_events,
            self.requests,
        )?;
        match (self.is_sound(), self.failures) {
            (false, failures) => write!(f, ", UNSOUND, {failures} failures"),
            (true, 0) => Ok(()),
            (true, failures) => write!(f, ", {failures} failures"),
        }
    }
}
