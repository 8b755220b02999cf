//! Erasing persons: what is asked for, and the receipt that says what became of it.
//!
//! A receipt says what was removed and what is not yet, and where copies remain, until when and what
//! to do there. It names persons by their ids alone, which follow from distinct ids but do not say
//! them.

use std::collections::BTreeMap;
use std::fmt;

use async_trait::async_trait;
use event::TeamId;
use identity::NotErased;
use sequencer::Rejected;
use serde::Serialize;
use uuid::Uuid;

/// What becomes of the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// They go.
    Delete,
    /// They stay, as nobody's.
    Anonymize,
}

/// Whom to erase, and how.
#[derive(Clone, Debug)]
pub struct Ask {
    /// The project.
    pub team: TeamId,
    /// A person's id, one that it had before a merge, or a distinct id.
    pub id: String,
    /// What becomes of the rows.
    pub kind: Kind,
}

/// Why nobody was erased.
#[derive(Debug)]
pub enum Refused {
    /// There is nobody, or too much of somebody.
    Not(NotErased),
    /// It could not be stored.
    Rejected(Rejected),
    /// It could not be kept.
    Disk(std::io::Error),
}

/// Erases persons, and knows how far that is.
#[async_trait]
pub trait Eraser: fmt::Debug + Send + Sync {
    /// Erases somebody; returns once that is durable, which is before all rows are gone.
    ///
    /// # Errors
    /// When nobody was erased.
    async fn erase(&self, ask: Ask) -> Result<Receipt, Refused>;

    /// All receipts, the newest first.
    async fn receipts(&self) -> Vec<Receipt>;

    /// The receipt of one erasure.
    async fn receipt(&self, id: Uuid) -> Option<Receipt>;
}

/// What became of an erasure so far.
#[derive(Clone, Debug, Serialize)]
pub struct Receipt {
    /// The erasure.
    pub id: Uuid,
    /// The project.
    pub project: i64,
    /// `delete` or `anonymize`.
    pub kind: String,
    /// When it was asked for, RFC 3339.
    pub requested_at: String,
    /// Whether nothing is pending.
    pub is_done: bool,
    /// How many persons are not there any more: one, or none where a distinct id had none.
    pub persons: u64,
    /// How many distinct ids were theirs.
    pub distinct_ids: u64,
    /// What went, by table, and `recordings` and `dead_letters`.
    pub removed: BTreeMap<String, u64>,
    /// Rows that stayed and say of nobody, by table.
    pub anonymized: BTreeMap<String, u64>,
    /// What is still to be done here.
    pub pending: Vec<Pending>,
    /// Where copies remain.
    pub remains: Vec<Remains>,
}

/// Something that is still to be done.
#[derive(Clone, Debug, Serialize)]
pub struct Pending {
    /// What.
    pub part: &'static str,
    /// What it waits for.
    pub waits_for: String,
}

/// Where copies remain.
#[derive(Clone, Debug, Serialize)]
pub struct Remains {
    /// Where.
    pub place: &'static str,
    /// What is there, and what is to be done.
    pub note: String,
    /// Until when, RFC 3339, where that is known.
    pub until: Option<String>,
    /// SQL to run there.
    pub statement: Option<String>,
}
