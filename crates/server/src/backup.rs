//! Copying the data folder while the server has it: what must not go meanwhile, and up to where journals are
//! durable.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a backup holds; dropped, it lets go.
pub trait Held: fmt::Debug + Send {
    /// Why it cannot be held any longer; `None` while it can.
    fn is_over(&self) -> Option<String>;
}

/// The files of a journal, each as far as it is durable.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct JournalFiles {
    /// Whose cursors are meant.
    pub journal_id: String,
    /// The offset after the last durable row.
    pub end: u64,
    /// Names and bytes, the oldest first.
    pub segments: Vec<(String, u64)>,
}

/// The journals at one moment.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct JournalsNow {
    /// The one of events.
    pub events: Option<JournalFiles>,
    /// The one of recordings.
    pub recordings: Option<JournalFiles>,
}

/// Knows what a backup needs.
pub trait Desk: fmt::Debug + Send + Sync {
    /// Keeps files and segments from being removed, and erasures from going on.
    fn hold(&self) -> Box<dyn Held>;

    /// The journals now.
    fn journals(&self) -> JournalsNow;
}
