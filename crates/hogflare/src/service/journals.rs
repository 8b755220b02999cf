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
    /// Disk space that the journal of events may take.
    pub(crate) events_budget_bytes: u64,
    guards: [JoinGuard; 2],
}

impl Journals {
    /// Opens or makes the journals and starts their writers.
    pub(crate) async fn open(config: &Config, data_dir: &DataDir) -> anyhow::Result<Self> {
        let fs: Arc<dyn Fs> = Arc::new(RealFs);
        let cursors = data_dir.cursors();
        let at_least = lake_offset(&fs, data_dir)
            .await?
            .max(cursor_offset(&fs, &cursors.join("pipelines.json"))?);
        let journal_dir = data_dir.journal();
        fs.create_dir_all(&journal_dir)
            .with_context(|| format!("cannot make {}", journal_dir.display()))?;
        let budget_bytes = match config.journal_budget_bytes {
            Some(bytes) => bytes,
            None => Options::default_budget_bytes(&*fs, &journal_dir)?,
        };
        let (writer, events) = open("events", &fs, &journal_dir, config, budget_bytes, at_least)?;
        let dedup = DedupOptions { window: config.dedup_window, ..DedupOptions::default() };
        let options = sequencer::Options { dedup, ..sequencer::Options::default() };
        let (sequencer, events_guard) =
            sequencer::start(writer, events.clone(), Arc::clone(&fs), &data_dir.dedup(), options)
                .context("cannot start the sequencer")?;
        let at_least = cursor_offset(&fs, &cursors.join("recordings.json"))?
            .max(cursor_offset(&fs, &cursors.join("recordings-pipelines.json"))?);
        let recordings_dir = data_dir.recordings_journal();
        fs.create_dir_all(&recordings_dir)?;
        let budget = budget_bytes / RECORDINGS_SHARE;
        let (writer, recordings) =
            open("recordings", &fs, &recordings_dir, config, budget, at_least)?;
        let (appender, recordings_guard) =
            sequencer::start_recordings(writer, QueueOptions::default())?;
        let guards = [events_guard, recordings_guard];
        Ok(Self {
            fs,
            events,
            recordings,
            sequencer,
            appender,
            events_budget_bytes: budget_bytes,
            guards,
        })
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

fn open(
    name: &'static str,
    fs: &Arc<dyn Fs>,
    dir: &Path,
    config: &Config,
    budget_bytes: u64,
    at_least: Offset,
) -> anyhow::Result<(Writer, Journal)> {
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

/// The offset up to which the lake has the journal, 0 where either is not there yet.
async fn lake_offset(fs: &Arc<dyn Fs>, data_dir: &DataDir) -> anyhow::Result<Offset> {
    let Some(lake) = Lake::open_read_only(&data_dir.lake()).await? else {
        return Ok(Offset::ZERO);
    };
    let journal = Journal::open_read_only(Arc::clone(fs), &data_dir.journal())?;
    let cursor = journal.and_then(|journal| lake.cursor(journal.id()));
    Ok(cursor.map_or(Offset::ZERO, |cursor| cursor.offset))
}

/// The offset in a cursor file, 0 where there is none.
fn cursor_offset(fs: &Arc<dyn Fs>, path: &Path) -> anyhow::Result<Offset> {
    let cursor = sink::CursorFile::new(Arc::clone(fs), path.to_path_buf()).load()?;
    Ok(cursor.map_or(Offset::ZERO, |cursor| cursor.offset))
}
