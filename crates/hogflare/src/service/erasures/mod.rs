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

mod note;
mod receipt;
mod records;
mod worker;

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use event::erasure::RecordingsEnd;
use event::{ErasureKind, PersonId, Pseudonym, Timestamp};
use identity::{Lookup, Target};
use journal::Journal;
use lake::Lake;
use sequencer::{Appender, Erase, Handle, Rejected};
use server::erasure::{Ask, Eraser, Kind, Receipt, Refused};
use server::policy::CurrentPolicy;
use sink::Status;
use tokio::sync::watch;
use tokio::task::{JoinHandle, spawn_blocking};
use tracing::{error, warn};
use uuid::Uuid;

use self::note::Found;
pub(crate) use self::records::{Records, erased};
use super::journals::Journals;
use super::sinks::Sinks;
use crate::config::Config;
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
}

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
        };
        Self { parts: Arc::new(parts) }
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
        let (target, has_person) = self.find(&ask).await?;
        let erase = self.request(&ask, target);
        let id = erase.id;
        let hold = self.events.hold("erasures", self.events.synced());
        let ends = self.events.cursor(hold.at());
        let (this, asked) = (Arc::clone(&self), erase.clone());
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
        let this = Arc::clone(&self);
        let confirmed = disk(move || this.records.confirm(placed)).await;
        if let Err(Refused::Disk(error)) = confirmed {
            // The record is durable, and a start finds it; until then the journal must have it.
            error!(%error, erasure.id = %id, "the place of an erasure cannot be written yet");
            self.records.keep_held(id, hold);
        }
        if let Err(error) = self.appender.end_segment().await {
            warn!(%error, "recordings of an erasure stay in the journal until its segment is full");
        }
        let note = self.records.note(id);
        let missing = || Refused::Disk(std::io::Error::other("the note of the erasure is gone"));
        Ok(receipt::of(&note.ok_or_else(missing)?, &self))
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

    fn request(&self, ask: &Ask, target: Target) -> Erase {
        let tokens = self.policy.get().tokens_of(ask.team);
        let kind = match ask.kind {
            Kind::Delete => ErasureKind::Delete,
            Kind::Anonymize => {
                ErasureKind::Anonymize(Pseudonym::of(Uuid::new_v4(), Uuid::new_v4()))
            }
        };
        let recordings_end = RecordingsEnd {
            journal_id: self.recordings.id().as_uuid(),
            offset: self.recordings.synced().get(),
        };
        Erase {
            id: Uuid::now_v7(),
            team: ask.team,
            tokens: tokens.iter().map(|token| token.as_str().to_owned()).collect(),
            target,
            kind,
            requested_at: Timestamp::now(),
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
