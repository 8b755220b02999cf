//! What a copy of a lake consists of.
//!
//! Data files never change. So a copy of `catalog.db` as it was at one moment, and the files that it names,
//! are the lake at that moment, provided that none is deleted before it is copied.

use std::path::Path;
use std::sync::{Arc, Mutex};

use event::Timestamp;

use crate::catalog::Catalog;
use crate::shared::lock;
use crate::{Error, layout::Layout};

/// Keeps the files of a lake while it is there.
#[derive(Debug)]
#[must_use = "dropped, it keeps nothing"]
pub struct KeptFiles(Arc<Mutex<usize>>);

impl KeptFiles {
    pub(crate) fn new(keepers: &Arc<Mutex<usize>>) -> Self {
        *lock(keepers) += 1;
        Self(Arc::clone(keepers))
    }
}

impl Drop for KeptFiles {
    fn drop(&mut self) {
        *lock(&self.0) -= 1;
    }
}

/// What a copy of `catalog.db` says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CatalogCopy {
    /// The files of the tables, relative to the lake's folder.
    pub files: Vec<String>,
    /// Files that only past snapshots need, and metadata; some may be gone.
    pub past: Vec<String>,
    /// How many rows the files of `events` have.
    pub event_rows: u64,
    /// The time of the newest event in them.
    pub newest_event: Option<Timestamp>,
}

/// Reads which files a copy of a `catalog.db` in `dir` names.
///
/// # Errors
/// When it cannot be read, or a later version of this program wrote it.
pub fn files_of_copy(dir: &Path) -> Result<CatalogCopy, Error> {
    Catalog::open_read_only(Layout::existing(dir)?)?.copy()
}
