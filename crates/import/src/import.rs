//! What all imports do: open the ledger, send in phases, and compare at the end.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context;
use event::Timestamp;
use tokio::sync::mpsc;

use crate::batch::{Batch, Persons};
use crate::day;
use crate::ledger::{Ledger, SourceId, Standing};
use crate::pace::Pace;
use crate::progress::Bar;
use crate::rejects::Rejects;
use crate::sender::Sender;
use crate::summary::{self, Counts, Outcome};
use crate::target::Target;

/// Batches that wait to be sent.
const BATCHES_AHEAD: usize = 2;
/// Requests under way where their order does not matter.
const IN_FLIGHT: usize = 4;

/// What is said of any import.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where events go.
    pub target: Target,
    /// The project API key that they get.
    pub token: String,
    /// The ledger.
    pub state: PathBuf,
    /// Where rows are written that cannot be brought.
    pub rejects: PathBuf,
    /// How many there may be.
    pub most_errors: u64,
    /// How fast at most.
    pub events_per_second: Option<u32>,
    /// Whether known persons and groups keep their properties.
    pub keeps_persons: bool,
    /// Whether rows are counted and nothing is sent.
    pub is_dry_run: bool,
    /// How long the server may be away.
    pub patience: Duration,
}

/// An import under way.
#[derive(Debug)]
pub(crate) struct Import {
    pub(crate) options: Options,
    pub(crate) sender: Arc<Sender>,
    pub(crate) bar: Arc<Bar>,
    pub(crate) now: Timestamp,
    ledger: Arc<Mutex<Ledger>>,
    rejects: Arc<Mutex<Rejects>>,
    marks: Mutex<Vec<(SourceId, String)>>,
}

/// Sends batches to where they are sent from; ends where nobody takes them any more.
pub(crate) type Batches = mpsc::Sender<Batch>;

impl Import {
    pub(crate) fn new(options: Options, total: u64) -> anyhow::Result<Self> {
        if let Some(folder) = options.state.parent().filter(|folder| !folder.as_os_str().is_empty())
        {
            std::fs::create_dir_all(folder)
                .with_context(|| format!("cannot make {}", folder.display()))?;
        }
        let target = format!("{} {}", options.target.name(), options.token);
        let ledger = Arc::new(Mutex::new(Ledger::open(&options.state, &target)?));
        let rejects = Arc::new(Mutex::new(Rejects::new(&options.rejects, options.most_errors)));
        let sender = Arc::new(Sender::new(
            options.target.clone(),
            &options.token,
            Pace::new(options.events_per_second),
            Arc::clone(&rejects),
            options.patience,
        ));
        let (bar, marks, now) =
            (Arc::new(Bar::new(total, options.is_dry_run)), Mutex::default(), Timestamp::now());
        Ok(Self { options, sender, bar, now, ledger, rejects, marks })
    }

    pub(crate) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn rejects(&self) -> MutexGuard<'_, Rejects> {
        self.rejects.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The ledger's number of a source, its mark, and how far it is. The mark stands in `extra` of each row.
    pub(crate) fn source(
        &self,
        fingerprint: &str,
        name: &str,
    ) -> anyhow::Result<(SourceId, String, Standing)> {
        let ledger = self.ledger();
        let source = ledger.source(fingerprint, name)?;
        let mark = crate::item::uuid_of(fingerprint).to_string();
        let mut marks = self.marks.lock().unwrap_or_else(PoisonError::into_inner);
        if !marks.iter().any(|(known, _)| *known == source) {
            marks.push((source, mark.clone()));
        }
        Ok((source, mark, ledger.standing(source)?))
    }

    /// Sends what a thread reads. In order where events change persons, since the last change counts.
    pub(crate) async fn phase(
        self: &Arc<Self>,
        persons: Persons,
        read: impl FnOnce(&Self, &Batches) -> anyhow::Result<()> + Send + 'static,
    ) -> anyhow::Result<()> {
        let (batches, taken) = mpsc::channel(BATCHES_AHEAD);
        let import = Arc::clone(self);
        let reading = tokio::task::spawn_blocking(move || read(&import, &batches));
        let sent = self.send(persons, taken).await;
        let read = reading.await.context("reading was cut off")?;
        self.rejects().flush()?;
        // A reader ends with an error where nobody takes its batches; why nobody does says more.
        sent.and(read)
    }

    /// Sends batches as they come.
    pub(crate) async fn send(
        &self,
        persons: Persons,
        batches: mpsc::Receiver<Batch>,
    ) -> anyhow::Result<()> {
        let in_flight = match persons {
            Persons::Keep => IN_FLIGHT,
            Persons::Change | Persons::Only => 1,
        };
        self.sender.send_all(batches, &self.ledger, in_flight, &self.bar).await
    }

    /// What was counted of all sources, in this run and before.
    pub(crate) fn counts(&self) -> anyhow::Result<(Vec<String>, Counts)> {
        let marks = self.marks.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut counts = Counts::default();
        let ledger = self.ledger();
        for (source, _) in &marks {
            day::add(&mut counts.source, &ledger.days(*source)?);
            let standing = ledger.standing(*source)?;
            counts.duplicates += standing.duplicates;
            counts.uncertain += standing.uncertain;
            counts.dropped += standing.dropped;
            counts.rejected += standing.rejected;
        }
        drop(ledger);
        let rejects = self.rejects();
        counts.reasons.clone_from(&rejects.reasons);
        // A source that begins again has none in the ledger.
        counts.rejected = counts.rejected.max(rejects.reasons.values().sum());
        counts.rejects_file = rejects.path().display().to_string();
        Ok((marks.into_iter().map(|(_, mark)| mark).collect(), counts))
    }

    /// Compares with the lake.
    pub(crate) async fn outcome(&self) -> anyhow::Result<Outcome> {
        self.bar.finish();
        let (marks, counts) = self.counts()?;
        Ok(summary::compare(&self.options.target, &marks, counts).await)
    }
}

/// Hands a batch over.
///
/// # Errors
/// When nobody takes it.
pub(crate) fn hand_over(batches: &Batches, batch: Batch) -> anyhow::Result<()> {
    batches.blocking_send(batch).context("sending ended")
}
