//! Erasing persons: from the request to the day when nothing here knows them.
//!
//! ```text
//! request ─▶ note in erasures/ ─▶ record in the journal ─▶ place in the note ─▶ answer
//!                                        │
//!                                        └─▶ worker: state.db, dead letters, lake, recordings, journal
//!                                                     └─▶ names go from erasures/, the receipt stays
//! ```
//!
//! A note without a place belongs to a request that was not answered. A start looks for its record in
//! the journal, which is held for it, and drops the note where there is none.
//!
//! Where nodes share persons, each has rows of the same ones. What one is asked for, the others learn of
//! through PostgreSQL and carry out with a note and a record of their own.

mod note;
mod receipt;
mod records;
mod worker;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use event::erasure::RecordingsEnd;
use event::{ErasureKind, PersonId, Pseudonym, Timestamp};
use identity::{ErasureRequest, Lookup, Target};
use journal::Journal;
use lake::Lake;
use sequencer::{Appender, Erase, Handle, Rejected};
use server::erasure::{Ask, Eraser, Kind, Receipt, Refused};
use server::policy::CurrentPolicy;
use sink::Status;
use tokio::sync::{Mutex, MutexGuard, watch};
use tokio::task::{JoinHandle, spawn_blocking};
use tracing::{error, warn};
use uuid::Uuid;

use self::note::{Found, Note};
pub(crate) use self::records::{Records, erased};
use super::journals::Journals;
use super::sinks::Sinks;
use crate::config::{Config, State};
use crate::data_dir::DataDir;

/// What erasing needs of the rest.
#[derive(Debug)]
struct Parts {
    records: Records,
    policy: CurrentPolicy,
    sequencer: Handle,
    appender: Appender,
    persons: Option<Arc<dyn Lookup>>,
    events: Journal,
    recordings: Journal,
    sinks: Vec<Status>,
    lake: Option<Lake>,
    dead_letters: PathBuf,
    recordings_folder: PathBuf,
    /// The lake's catalog, which is there whether the lake is on or off.
    catalog: PathBuf,
    state: PathBuf,
    old_state: PathBuf,
    has_pipelines: bool,
    has_catalog: bool,
    /// Whether other nodes know the same persons.
    is_shared: bool,
    /// Held by whoever stores what it read of shared persons before, or an erasure: changes from before
    /// an erasure must not be in the journal behind it.
    order: Mutex<()>,
    /// How many copy the data folder: receipts must not be ahead of what they tell of.
    copying: Arc<AtomicUsize>,
}

/// Keeps erasures that are under way from going on; they go on when it is dropped.
#[derive(Debug)]
pub(crate) struct Paused(Arc<AtomicUsize>);

impl Drop for Paused {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// How long a request waits for its turn.
const PATIENCE: Duration = Duration::from_secs(20);

/// The turn of whoever stores erasures.
#[derive(Debug)]
pub(crate) struct Order<'a>(#[allow(dead_code, reason = "it is held")] MutexGuard<'a, ()>);

/// Erases persons while the service runs. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Erasing {
    parts: Arc<Parts>,
}

impl Erasing {
    /// Gathers what it needs; `records` are those of this data folder, settled.
    pub(crate) fn new(
        records: Records,
        config: &Config,
        data_dir: &DataDir,
        journals: &Journals,
        sinks: &Sinks,
        policy: &CurrentPolicy,
    ) -> Self {
        let parts = Parts {
            records,
            policy: policy.clone(),
            sequencer: journals.sequencer.clone(),
            appender: journals.appender.clone(),
            persons: journals.persons.clone(),
            events: journals.events.clone(),
            recordings: journals.recordings.clone(),
            sinks: sinks.statuses.clone(),
            lake: sinks.lake.clone(),
            dead_letters: data_dir.dead_letters(),
            recordings_folder: data_dir.recordings(),
            catalog: data_dir.lake().join("catalog.db"),
            state: data_dir.persons(),
            old_state: data_dir.persons().with_extension("db.old"),
            has_pipelines: config.pipelines.is_some(),
            has_catalog: config.catalog.is_some(),
            is_shared: matches!(config.state, State::Postgres(_)),
            order: Mutex::default(),
            copying: Arc::default(),
        };
        Self { parts: Arc::new(parts) }
    }

    /// Waits until no erasure is being stored, and keeps others from it.
    pub(crate) async fn in_order(&self) -> Order<'_> {
        Order(self.parts.order.lock().await)
    }

    /// Carries out here what another node was asked for; does nothing where that is done.
    ///
    /// It stands in this node's journals by this node's clock.
    pub(crate) async fn adopt(
        &self,
        request: ErasureRequest,
        _order: &Order<'_>,
    ) -> Result<(), Refused> {
        if self.knows(request.id) {
            return Ok(());
        }
        let heard = ErasureRequest { requested_at: Timestamp::now(), ..request };
        let parts = Arc::clone(&self.parts);
        // Who asked has the receipt that counts the person.
        let adopted = tokio::spawn(async move { parts.carry_out(heard, false).await }).await;
        let adopted =
            adopted.unwrap_or_else(|error| Err(Refused::Disk(std::io::Error::other(error))));
        adopted.map(drop)
    }

    /// Whether this node has an erasure.
    pub(crate) fn knows(&self, id: Uuid) -> bool {
        self.parts.records.note(id).is_some()
    }

    /// The erasures that this node has.
    pub(crate) fn known(&self) -> Vec<Uuid> {
        self.parts.records.notes().iter().map(|note| note.id).collect()
    }

    /// Lets no erasure go on, while the data folder is copied. New ones are taken.
    pub(crate) fn pause(&self) -> Paused {
        self.parts.copying.fetch_add(1, Ordering::SeqCst);
        Paused(Arc::clone(&self.parts.copying))
    }

    /// Works off what is pending until told to stop.
    pub(crate) fn work(&self, stopped: watch::Receiver<bool>) -> JoinHandle<()> {
        tokio::spawn(worker::run(Arc::clone(&self.parts), stopped))
    }
}

#[async_trait]
impl Eraser for Erasing {
    async fn erase(&self, ask: Ask) -> Result<Receipt, Refused> {
        let parts = Arc::clone(&self.parts);
        // On a task of its own: who goes away does not leave it half done.
        let erased = tokio::spawn(async move { parts.erase(ask).await }).await;
        erased.unwrap_or_else(|error| Err(Refused::Disk(std::io::Error::other(error))))
    }

    async fn receipts(&self) -> Vec<Receipt> {
        let notes = self.parts.records.notes();
        notes.iter().rev().map(|note| receipt::of(note, &self.parts)).collect()
    }

    async fn receipt(&self, id: Uuid) -> Option<Receipt> {
        let note = self.parts.records.note(id)?;
        Some(receipt::of(&note, &self.parts))
    }
}

impl Parts {
    async fn erase(self: Arc<Self>, ask: Ask) -> Result<Receipt, Refused> {
        let order = tokio::time::timeout(PATIENCE, self.order.lock()).await;
        let Ok(_order) = order else {
            return Err(Refused::Rejected(Rejected::PersonsUnknown(
                "PostgreSQL is slow".to_owned(),
            )));
        };
        let (target, has_person) = self.find(&ask).await?;
        let kind = match ask.kind {
            Kind::Delete => ErasureKind::Delete,
            Kind::Anonymize => {
                ErasureKind::Anonymize(Pseudonym::of(Uuid::new_v4(), Uuid::new_v4()))
            }
        };
        let (id, requested_at) = (Uuid::now_v7(), Timestamp::now());
        let request = ErasureRequest { id, team: ask.team, target, kind, requested_at };
        let note = self.carry_out(request, has_person).await?;
        Ok(receipt::of(&note, &self))
    }

    /// Stores an erasure, with its note before it and its place behind.
    async fn carry_out(
        self: &Arc<Self>,
        request: ErasureRequest,
        has_person: bool,
    ) -> Result<Note, Refused> {
        let id = request.id;
        let erase = self.with_place(request);
        let hold = self.events.hold("erasures", self.events.synced());
        let ends = self.events.cursor(hold.at());
        let (this, asked) = (Arc::clone(self), erase.clone());
        let has_missed_state = self.persons.is_none() && self.state.exists();
        let found = Found { persons: has_person.into(), has_missed_state };
        disk(move || this.records.intend(&asked, found, ends)).await?;
        journal::failpoint("erasure-after-note");
        let placed = match self.sequencer.submit_erasure(erase).await {
            Ok(Ok(placed)) => placed,
            Ok(Err(refusal)) => {
                self.withdraw(id).await;
                return Err(Refused::Not(refusal));
            }
            Err(rejected) => {
                // What stopped may have stored it before: a start looks.
                if rejected != Rejected::Stopped {
                    self.withdraw(id).await;
                }
                return Err(Refused::Rejected(rejected));
            }
        };
        journal::failpoint("erasure-after-record");
        let this = Arc::clone(self);
        let confirmed = disk(move || this.records.confirm(placed)).await;
        if let Err(Refused::Disk(error)) = confirmed {
            // The record is durable, and a start finds it; until then the journal must have it.
            error!(%error, erasure.id = %id, "the place of an erasure cannot be written yet");
            self.records.keep_held(id, hold);
        }
        if let Err(error) = self.appender.end_segment().await {
            warn!(%error, "recordings of an erasure stay in the journal until its segment is full");
        }
        let missing = || Refused::Disk(std::io::Error::other("the note of the erasure is gone"));
        self.records.note(id).ok_or_else(missing)
    }

    /// Whom the id means, and whether there is a person. Applications know ids as they sent them, and
    /// events have them as they were stored.
    async fn find(self: &Arc<Self>, ask: &Ask) -> Result<(Target, bool), Refused> {
        let stored = capture::stored_distinct_id(&ask.id);
        let alone = Target::DistinctId(stored.as_str().into());
        let Some(reader) = self.persons.clone() else { return Ok((alone, false)) };
        let (team, id) = (ask.team, ask.id.clone());
        let look = move || -> Result<Option<PersonId>, identity::Error> {
            let by_id = match Uuid::try_parse(&id) {
                Ok(uuid) => reader.person(team, PersonId(uuid), 0)?,
                Err(_) => None,
            };
            if let Some(found) = by_id {
                return Ok(Some(found.person.id));
            }
            for id in [id.as_str(), stored.as_str()] {
                if let Some(person) = reader.person_of(team, id)? {
                    return Ok(Some(person.id));
                }
            }
            Ok(None)
        };
        let found = disk(move || look().map_err(std::io::Error::other)).await?;
        Ok(match found {
            Some(person) => (Target::Person(person), true),
            None => (alone, false),
        })
    }

    /// What this node adds to a request: its tokens, and how far its recordings are.
    fn with_place(&self, request: ErasureRequest) -> Erase {
        let tokens = self.policy.get().tokens_of(request.team);
        let recordings_end = RecordingsEnd {
            journal_id: self.recordings.id().as_uuid(),
            offset: self.recordings.synced().get(),
        };
        Erase {
            request,
            tokens: tokens.iter().map(|token| token.as_str().to_owned()).collect(),
            recordings_end: Some(recordings_end),
        }
    }

    async fn withdraw(self: &Arc<Self>, id: Uuid) {
        let this = Arc::clone(self);
        if let Err(Refused::Disk(error)) = disk(move || this.records.withdraw(id)).await {
            error!(%error, erasure.id = %id, "the note of an erasure that was refused stays until a start");
        }
    }
}

/// Does what may block.
async fn disk<T: Send + 'static>(
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> Result<T, Refused> {
    let done = spawn_blocking(work).await.unwrap_or_else(|error| Err(std::io::Error::other(error)));
    done.map_err(Refused::Disk)
}
