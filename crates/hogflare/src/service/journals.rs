//! The journals and the threads that write them.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use event::Erasures;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use identity::Lookup;
use journal::{Fs, Journal, JournalId, Offset, Options, RealFs, Writer};
use lake::Lake;
use sequencer::{Appender, DedupOptions, Handle, JoinGuard, QueueOptions, TeeAppender};
use tracing::{error, warn};

use crate::config::Config;
use crate::data_dir::DataDir;
use crate::service::persons;
use crate::service::shared_persons::Shared;

/// Recordings may take at most this share of the journals' budget.
const RECORDINGS_SHARE: u64 = 4;

/// The journal of the tee may, unless told otherwise, take this share beside it.
const TEE_SHARE: u64 = 4;
/// What the tee leaves free beyond the reserve.
const TEE_DISTANCE_BYTES: u64 = 512 << 20;
/// The largest request that the tee keeps: more than any lane takes.
const TEE_ROW_BYTES: usize = 40 << 20;

/// The journals, open, and the ways in.
#[derive(Debug)]
pub(crate) struct Journals {
    pub(crate) fs: Arc<dyn Fs>,
    pub(crate) events: Journal,
    pub(crate) recordings: Journal,
    pub(crate) sequencer: Handle,
    /// Persons and groups, where they are kept.
    pub(crate) persons: Option<Arc<dyn Lookup>>,
    /// What PostgreSQL has for this node, where nodes share persons.
    pub(crate) shared: Option<Shared>,
    pub(crate) appender: Appender,
    /// Disk space that the journal of events may take.
    pub(crate) events_budget_bytes: u64,
    /// And that of recordings.
    pub(crate) recordings_budget_bytes: u64,
    /// Requests that go on to a PostHog, where one is configured.
    pub(crate) tee: Option<TeeJournal>,
    guards: Vec<JoinGuard>,
}

/// The journal of the tee and the way in.
#[derive(Debug)]
pub(crate) struct TeeJournal {
    pub(crate) journal: Journal,
    pub(crate) appender: TeeAppender,
}

impl Journals {
    /// Opens or makes the journals and starts their writers.
    pub(crate) async fn open(
        config: &Config,
        data_dir: &DataDir,
        erasures: &Erasures,
    ) -> anyhow::Result<Self> {
        let fs: Arc<dyn Fs> = Arc::new(RealFs);
        let cursors = data_dir.cursors();
        let journal_dir = data_dir.journal();
        let at_least = match id_of(&fs, &journal_dir)? {
            Some(id) => {
                let of_events = |name: &str| !name.starts_with("recordings");
                let persons = Offset::new(persons::known_to(data_dir, id.as_uuid())?);
                let lake = lake_offset(data_dir, id).await?;
                lake.max(furthest_cursor(&fs, &cursors, id, of_events)?).max(persons)
            }
            None => Offset::ZERO,
        };
        fs.create_dir_all(&journal_dir)
            .with_context(|| format!("cannot make {}", journal_dir.display()))?;
        let budget_bytes = match config.journal_budget_bytes {
            Some(bytes) => bytes,
            None => Options::default_budget_bytes(&*fs, &journal_dir)?,
        };
        let reserve_bytes = config.journal_reserve_bytes;
        let options = |name, budget_bytes, at_least| Options {
            name,
            budget_bytes,
            reserve_bytes,
            at_least,
            ..Options::default()
        };
        let (writer, events) = open(&fs, &journal_dir, options("events", budget_bytes, at_least))?;
        let dedup = DedupOptions { window: config.dedup_window, ..DedupOptions::default() };
        let limits = sequencer::Options {
            dedup,
            erasures: erasures.clone(),
            ..sequencer::Options::default()
        };
        // A database far away is waited for.
        let persons = tokio::task::block_in_place(|| persons::open(config, data_dir, &events))?;
        let (sequencer, events_guard) = sequencer::start(
            writer,
            events.clone(),
            Arc::clone(&fs),
            &data_dir.dedup(),
            persons.keeper,
            limits,
        )
        .context("cannot start the sequencer")?;
        let recordings_dir = data_dir.recordings_journal();
        let at_least = match id_of(&fs, &recordings_dir)? {
            Some(id) => furthest_cursor(&fs, &cursors, id, |name| name.starts_with("recordings"))?,
            None => Offset::ZERO,
        };
        fs.create_dir_all(&recordings_dir)?;
        let recordings_budget_bytes = budget_bytes / RECORDINGS_SHARE;
        let of_recordings = options("recordings", recordings_budget_bytes, at_least);
        let (writer, recordings) = open(&fs, &recordings_dir, of_recordings)?;
        let (appender, recordings_guard) =
            sequencer::start_recordings(writer, QueueOptions::default())?;
        let mut guards = vec![events_guard, recordings_guard];
        let tee = match &config.tee {
            Some(tee) => {
                let budget_bytes = tee.budget_bytes.unwrap_or(budget_bytes / TEE_SHARE);
                let (tee, guard) = open_tee(&fs, config, data_dir, budget_bytes)?;
                guards.push(guard);
                Some(tee)
            }
            None => {
                tell_of_leftovers(&fs, data_dir);
                None
            }
        };
        Ok(Self {
            fs,
            events,
            recordings,
            sequencer,
            persons: persons.reader,
            shared: persons.shared,
            appender,
            events_budget_bytes: budget_bytes,
            recordings_budget_bytes,
            tee,
            guards,
        })
    }

    pub(crate) fn all(&self) -> Vec<Journal> {
        let tee = self.tee.as_ref().map(|tee| tee.journal.clone());
        [self.events.clone(), self.recordings.clone()].into_iter().chain(tee).collect()
    }

    /// Waits until a writer has ended by itself, which none should.
    pub(crate) async fn ended(&self) {
        let mut ended: FuturesUnordered<_> = self.guards.iter().map(JoinGuard::ended).collect();
        ended.next().await;
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

fn open(fs: &Arc<dyn Fs>, dir: &Path, options: Options) -> anyhow::Result<(Writer, Journal)> {
    let name = options.name;
    Journal::open(Arc::clone(fs), dir, options)
        .with_context(|| format!("cannot open the journal of {name}"))
}

/// Opens the tee's journal, and starts its writer.
fn open_tee(
    fs: &Arc<dyn Fs>,
    config: &Config,
    data_dir: &DataDir,
    budget_bytes: u64,
) -> anyhow::Result<(TeeJournal, JoinGuard)> {
    let dir = data_dir.tee_journal();
    let at_least = match id_of(fs, &dir)? {
        Some(id) => furthest_cursor(fs, &data_dir.cursors(), id, |name| name == "posthog.json")?,
        None => Offset::ZERO,
    };
    fs.create_dir_all(&dir)?;
    let options = Options {
        name: "tee",
        budget_bytes,
        // Where the disk fills up, the tee ends long before events do.
        reserve_bytes: config.journal_reserve_bytes.saturating_add(TEE_DISTANCE_BYTES),
        max_record_bytes: TEE_ROW_BYTES,
        at_least,
        ..Options::default()
    };
    let (writer, journal) = open(fs, &dir, options)?;
    let (appender, guard) = sequencer::start_tee(writer, TEE_ROW_BYTES, QueueOptions::default())?;
    Ok((TeeJournal { journal, appender }, guard))
}

/// Requests that an earlier tee has not forwarded stay on the disk, which somebody should know.
fn tell_of_leftovers(fs: &Arc<dyn Fs>, data_dir: &DataDir) {
    let dir = data_dir.tee_journal();
    if let Ok(Some(journal)) = Journal::open_read_only(Arc::clone(fs), &dir) {
        let bytes = journal.disk_bytes();
        warn!(bytes, path = %dir.display(), "a tee was here and is not configured any more: requests that it \
            has not forwarded wait here until it is, or until this folder is removed");
    }
}

/// The id of the journal in this folder, where there is one.
fn id_of(fs: &Arc<dyn Fs>, dir: &Path) -> anyhow::Result<Option<JournalId>> {
    Ok(Journal::open_read_only(Arc::clone(fs), dir)?.map(|journal| journal.id()))
}

/// The offset up to which the lake has this journal, 0 where there is no lake yet.
async fn lake_offset(data_dir: &DataDir, id: JournalId) -> anyhow::Result<Offset> {
    let lake = Lake::open_read_only(&data_dir.lake()).await?;
    let cursor = lake.and_then(|lake| lake.cursor(id));
    Ok(cursor.map_or(Offset::ZERO, |cursor| cursor.offset))
}

/// The furthest of this journal's cursors in files that `is_its` by name, 0 where there is none.
fn furthest_cursor(
    fs: &Arc<dyn Fs>,
    cursors: &Path,
    id: JournalId,
    is_its: fn(&str) -> bool,
) -> anyhow::Result<Offset> {
    let mut furthest = Offset::ZERO;
    let entries = match std::fs::read_dir(cursors) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(furthest),
        Err(error) => return Err(error.into()),
    };
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.ends_with(".json") && is_its(&name) {
            let cursor = sink::CursorFile::new(Arc::clone(fs), path).load()?;
            let ours = cursor.filter(|cursor| cursor.journal_id == id);
            furthest = furthest.max(ours.map_or(Offset::ZERO, |cursor| cursor.offset));
        }
    }
    Ok(furthest)
}
