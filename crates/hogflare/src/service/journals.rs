//! The two journals and the threads that write them.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use journal::{Fs, Journal, Offset, Options, RealFs, Writer};
use lake::Lake;
use sequencer::{Appender, DedupOptions, Handle, JoinGuard, QueueOptions};
use tracing::error;

use crate::config::Config;
use crate::data_dir::DataDir;

/// Recordings may take at most this share of the journals' budget.
const RECORDINGS_SHARE: u64 = 4;

/// Both journals, open, and the ways in.
#[derive(Debug)]
pub(crate) struct Journals {
    pub(crate) fs: Arc<dyn Fs>,
    pub(crate) events: Journal,
    pub(crate) recordings: Journal,
    pub(crate) sequencer: Handle,
    pub(crate) appender: Appender,
    guards: [JoinGuard; 2],
}

impl Journals {
    /// Opens or makes the journals and starts their writers.
    pub(crate) fn open(config: &Config, data_dir: &DataDir) -> anyhow::Result<Self> {
        let fs: Arc<dyn Fs> = Arc::new(RealFs);
        let cursors = data_dir.cursors();
        let lake_offset = Lake::highest_cursor(&data_dir.lake())?;
        let at_least = lake_offset.max(cursor_offset(&fs, &cursors.join("pipelines.json"))?);
        let (writer, events) =
            open("events", &fs, &data_dir.journal(), config, config_budget(config), at_least)?;
        let dedup = DedupOptions { window: config.dedup_window, ..DedupOptions::default() };
        let options = sequencer::Options { dedup, ..sequencer::Options::default() };
        let (sequencer, events_guard) =
            sequencer::start(writer, events.clone(), Arc::clone(&fs), &data_dir.dedup(), options)
                .context("cannot start the sequencer")?;
        let at_least = cursor_offset(&fs, &cursors.join("recordings.json"))?
            .max(cursor_offset(&fs, &cursors.join("recordings-pipelines.json"))?);
        let recordings_dir = data_dir.recordings_journal();
        let budget = config_budget(config).map(|bytes| bytes / RECORDINGS_SHARE);
        let (writer, recordings) =
            open("recordings", &fs, &recordings_dir, config, budget, at_least)?;
        let (appender, recordings_guard) =
            sequencer::start_recordings(writer, QueueOptions::default())?;
        let guards = [events_guard, recordings_guard];
        Ok(Self { fs, events, recordings, sequencer, appender, guards })
    }

    pub(crate) fn all(&self) -> Vec<Journal> {
        vec![self.events.clone(), self.recordings.clone()]
    }

    /// Waits until a writer has ended by itself, which none should.
    pub(crate) async fn ended(&self) {
        tokio::select! {
            () = self.guards[0].ended() => {}
            () = self.guards[1].ended() => {}
        }
    }

    /// Stores and answers what waits, then closes the journals. This blocks.
    pub(crate) fn stop(self) {
        for guard in self.guards {
            if let Err(error) = guard.stop() {
                error!(%error, "a journal's writer had ended");
            }
        }
    }
}

fn config_budget(config: &Config) -> Option<u64> {
    config.journal_budget_bytes
}

fn open(
    name: &'static str,
    fs: &Arc<dyn Fs>,
    dir: &Path,
    config: &Config,
    budget_bytes: Option<u64>,
    at_least: Offset,
) -> anyhow::Result<(Writer, Journal)> {
    fs.create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
    let budget_bytes = match budget_bytes {
        Some(bytes) => bytes,
        None => Options::default_budget_bytes(&**fs, dir)?,
    };
    let options = Options {
        name,
        budget_bytes,
        reserve_bytes: config.journal_reserve_bytes,
        at_least,
        ..Options::default()
    };
    Journal::open(Arc::clone(fs), dir, options)
        .with_context(|| format!("cannot open the journal of {name}"))
}

/// The offset in a cursor file, 0 where there is none.
fn cursor_offset(fs: &Arc<dyn Fs>, path: &Path) -> anyhow::Result<Offset> {
    let cursor = sink::CursorFile::new(Arc::clone(fs), path.to_path_buf()).load()?;
    Ok(cursor.map_or(Offset::ZERO, |cursor| cursor.offset))
}
