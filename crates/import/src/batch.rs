//! Events that go in one request, and what is to be noted when it was acknowledged.

use crate::item::Item;
use crate::ledger::{Progress, SourceId};

/// Most events in a request.
const MOST_EVENTS: usize = 2_000;

/// How the server is to treat the persons of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Persons {
    /// They change, as if the events came now.
    Change,
    /// They keep their properties.
    Keep,
    /// Nothing but they changes.
    Only,
}

impl Persons {
    pub(crate) const fn path(self) -> &'static str {
        match self {
            Self::Change => "/api/import?persons=change",
            Self::Keep => "/api/import?persons=keep",
            Self::Only => "/api/import?persons=only",
        }
    }
}

/// An event, and its row in the source.
#[derive(Clone, Debug)]
pub(crate) struct Placed {
    pub(crate) row: u64,
    pub(crate) item: Item,
}

/// A request's events.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) source: SourceId,
    pub(crate) source_name: std::sync::Arc<str>,
    pub(crate) persons: Persons,
    pub(crate) events: Vec<Placed>,
    bytes: usize,
    /// What is true once these are stored, but for counts.
    pub(crate) progress: Progress,
    /// Whether they may have been sent by a run before.
    pub(crate) is_repeated: bool,
}

impl Batch {
    pub(crate) fn new(
        source: SourceId,
        source_name: std::sync::Arc<str>,
        persons: Persons,
    ) -> Self {
        let (events, progress) = (Vec::new(), Progress::default());
        Self { source, source_name, persons, events, bytes: 0, progress, is_repeated: false }
    }

    pub(crate) fn push(&mut self, row: u64, item: Item) {
        self.bytes += item.json.len();
        self.events.push(Placed { row, item });
    }

    pub(crate) fn is_full(&self, most_bytes: usize) -> bool {
        self.events.len() >= MOST_EVENTS || self.bytes >= most_bytes
    }
}
