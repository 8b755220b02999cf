//! What is kept of an erasure: how far it is, and, while that is needed, who it is about.
//!
//! Two files in `erasures/`: `<id>.json`, the note, which stays and names nobody but by the ids of
//! persons; and `<id>.row`, the erasure's row as the journal has it, with distinct ids and pseudonym,
//! which goes when nothing is left to be found by it.

use std::collections::{BTreeMap, BTreeSet};

use event::{Erasure, Placed, Timestamp};
use journal::Cursor;
use sequencer::Erase;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Something that an erasure takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Part {
    /// What `state.db` had of the person, in its log too.
    State,
    /// Rows that a pipeline refused.
    DeadLetters,
    /// Rows of the lake: no file that it lists has them.
    Lake,
    /// Recordings.
    Recordings,
    /// Files that the lake replaced.
    Files,
    /// Segments of the journals.
    Journal,
}

impl Part {
    /// What somebody may wait for.
    pub(super) const WORK: [Self; 4] =
        [Self::State, Self::DeadLetters, Self::Lake, Self::Recordings];
    /// What goes by itself, when nobody needs it any more.
    const REST: [Self; 2] = [Self::Files, Self::Journal];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::State => "state",
            Self::DeadLetters => "dead_letters",
            Self::Lake => "lake",
            Self::Recordings => "recordings",
            Self::Files => "files",
            Self::Journal => "journal",
        }
    }
}

/// A place in a journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(super) struct Place {
    pub(super) journal_id: Uuid,
    pub(super) offset: u64,
}

/// How far an erasure is.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct Note {
    pub(super) id: Uuid,
    pub(super) project: i64,
    pub(super) kind: String,
    pub(super) requested_at: String,
    /// Where the journal ended when it was asked for: the record, if there is one, is behind it.
    pub(super) asked_at: Place,
    /// Where the record is.
    pub(super) place: Option<Place>,
    pub(super) recordings_end: Option<Place>,
    pub(super) persons: u64,
    pub(super) distinct_ids: u64,
    pub(super) person_ids: Vec<Uuid>,
    pub(super) done: BTreeSet<Part>,
    pub(super) removed: BTreeMap<String, u64>,
    pub(super) anonymized: BTreeMap<String, u64>,
    /// By when the files are gone that the lake replaced.
    pub(super) files_gone_by: Option<String>,
    /// Whether there was a `state.db` that was not kept, so that the record changed nothing in it.
    #[serde(default)]
    pub(super) has_missed_state: bool,
}

/// What a request found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    pub(super) persons: u64,
    pub(super) has_missed_state: bool,
}

impl Note {
    /// The note of a request whose record is still to come.
    pub(super) fn of_request(erase: &Erase, found: Found, ends: Cursor) -> Self {
        Self {
            id: erase.request.id,
            project: erase.request.team.0,
            kind: erase.request.kind.name().to_owned(),
            requested_at: erase.request.requested_at.to_string(),
            asked_at: Place { journal_id: ends.journal_id.as_uuid(), offset: ends.offset.get() },
            place: None,
            recordings_end: erase
                .recordings_end
                .map(|end| Place { journal_id: end.journal_id, offset: end.offset }),
            persons: found.persons,
            distinct_ids: 0,
            person_ids: Vec::new(),
            done: BTreeSet::new(),
            removed: BTreeMap::new(),
            anonymized: BTreeMap::new(),
            files_gone_by: None,
            has_missed_state: found.has_missed_state,
        }
    }

    /// Notes where the record is, and whom it is about.
    pub(super) fn settle(&mut self, placed: &Placed) {
        let Erasure { distinct_ids, person_ids, .. } = &placed.erasure;
        self.place = Some(Place { journal_id: placed.journal_id, offset: placed.offset });
        self.distinct_ids = distinct_ids.len() as u64;
        self.person_ids = person_ids.iter().map(|id| id.0).collect();
    }

    /// Whether nothing is left to be waited for.
    pub(super) fn is_done(&self) -> bool {
        Part::WORK.iter().all(|part| self.done.contains(part))
    }

    /// Whether nothing here has any of it, so that nobody need know whom it was about.
    pub(super) fn is_over(&self) -> bool {
        self.is_done() && Part::REST.iter().all(|part| self.done.contains(part))
    }

    pub(super) fn time(&self) -> Timestamp {
        self.requested_at.parse().unwrap_or(Timestamp::EPOCH)
    }
}
