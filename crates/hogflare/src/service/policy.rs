//! The policy while the service runs: read again when its file changes, and what it counts is kept.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use metrics::counter;
use server::policy::{PolicySource, Quotas};
use state::Store;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tracing::{error, info, warn};

use crate::config::{ConfigFile, PolicyStart};
use crate::data_dir::write_private;

/// How often the file is looked at, and the day's counts are kept.
const INTERVAL: Duration = Duration::from_secs(2);

/// The policy that holds now, and the task that keeps it so.
#[derive(Debug)]
pub(crate) struct PolicyWatch {
    pub(crate) source: Arc<PolicySource>,
    pub(crate) quotas: Arc<Quotas>,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl PolicyWatch {
    /// Begins with what the start was given; the day's counts are kept in `quotas_path`.
    pub(crate) fn start(
        start: &PolicyStart,
        store: &Arc<Store>,
        quotas_path: PathBuf,
    ) -> anyhow::Result<Self> {
        let (base, tables) = (start.base.clone(), start.tables.clone());
        let store = Arc::clone(store);
        // It may wait for PostgreSQL, with a runtime of its own.
        let source = tokio::task::block_in_place(|| PolicySource::start(base, tables, store));
        let source = Arc::new(source.map_err(anyhow::Error::msg)?);
        let kept = std::fs::read_to_string(&quotas_path).unwrap_or_default();
        let quotas = Arc::new(Quotas::from_json(&kept));
        let (stop, stopped) = watch::channel(false);
        let file = start.file.clone().map(WatchedFile::new);
        let counts = Counts { path: quotas_path, quotas: Arc::clone(&quotas), kept };
        let hang_up = signal(SignalKind::hangup())?;
        let task = tokio::spawn(run(file, counts, Arc::clone(&source), hang_up, stopped));
        Ok(Self { source, quotas, stop, task })
    }

    /// Keeps the counts a last time.
    pub(crate) async fn stop(self) {
        self.stop.send_replace(true);
        if let Err(error) = self.task.await {
            error!(%error, "the policy was no longer watched, by a defect");
        }
    }
}

async fn run(
    mut file: Option<WatchedFile>,
    mut counts: Counts,
    source: Arc<PolicySource>,
    mut hang_up: tokio::signal::unix::Signal,
    mut stopped: watch::Receiver<bool>,
) {
    loop {
        let is_asked = tokio::select! {
            _ = stopped.wait_for(|stop| *stop) => break,
            _ = hang_up.recv() => true,
            () = tokio::time::sleep(INTERVAL) => false,
        };
        if let Some(file) = &mut file {
            file.follow(&source, is_asked);
        }
        follow_people(&source);
        counts.keep();
    }
    counts.keep();
}

/// Takes over what people settled on another node; what they settle here holds at once.
fn follow_people(source: &PolicySource) {
    match tokio::task::block_in_place(|| source.refresh()) {
        Ok(true) => info!("projects that people made were read again"),
        Ok(false) => {}
        Err(error) => warn!(%error, "projects that people made cannot be read again"),
    }
}

/// The configuration file, as it was when it was last read.
struct WatchedFile {
    path: PathBuf,
    /// What it was when it was last read.
    read: Option<Stamp>,
    /// What it was when it was last looked at.
    seen: Option<Stamp>,
}

impl WatchedFile {
    fn new(path: PathBuf) -> Self {
        let read = stamp(&path);
        Self { path, read, seen: read }
    }

    fn take(&self, source: &PolicySource, is_asked: bool) -> Result<(), String> {
        let file = ConfigFile::read(&self.path).map_err(|error| error.to_string())?;
        // Whoever empties a file in order to write it anew does not mean to lift every rule.
        if file.is_empty() && !is_asked {
            return Err("it is empty; send SIGHUP if that is meant".to_owned());
        }
        tokio::task::block_in_place(|| source.set_tables(file.policy))
    }

    /// Reads the file if it has changed. What is wrong with it is logged, and the policy stays.
    fn follow(&mut self, source: &PolicySource, is_asked: bool) {
        let stamp = stamp(&self.path);
        let is_still = stamp == self.seen;
        self.seen = stamp;
        // One that is being written is left alone until it is the same twice.
        if !is_asked && (stamp == self.read || stamp.is_none() || !is_still) {
            return;
        }
        self.read = stamp;
        match self.take(source, is_asked) {
            Ok(()) => {
                counter!("hogflare_config_reloads_total", "outcome" => "ok").increment(1);
                info!(path = %self.path.display(), "projects, limits and rules read again");
            }
            Err(error) => {
                counter!("hogflare_config_reloads_total", "outcome" => "refused").increment(1);
                error!(%error, "the configuration file is wrong: what held before still holds");
            }
        }
    }
}

/// What changes when a file does: its time and its length.
type Stamp = (SystemTime, u64);

fn stamp(path: &Path) -> Option<Stamp> {
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

/// The day's counts, in a file.
struct Counts {
    path: PathBuf,
    quotas: Arc<Quotas>,
    kept: String,
}

impl Counts {
    /// Writes them if they have changed. A crash forgives what came since, a few seconds' worth.
    fn keep(&mut self) {
        let now = self.quotas.to_json();
        if now == self.kept || self.quotas.is_untouched() {
            return;
        }
        match tokio::task::block_in_place(|| write_private(&self.path, now.as_bytes())) {
            Ok(()) => self.kept = now,
            Err(error) => warn!(%error, "cannot keep what counts towards daily quotas"),
        }
    }
}
