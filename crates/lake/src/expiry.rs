//! Deletes files that nothing needs any more.

use std::collections::HashSet;
use std::fs;
use std::time::{Duration, SystemTime};

use event::Timestamp;

use crate::layout::FilePath;
use crate::shared::{Shared, lock};
use crate::{Error, disk, metrics};

/// Files in no table are kept this long, in case an operator misses them.
const ORPHAN_AGE: Duration = Duration::from_hours(7 * 24);

impl Shared {
    /// Deletes files that were replaced long enough ago and that no query holds; returns how many.
    pub(crate) fn remove_expired(&self) -> Result<usize, Error> {
        let grace = i64::try_from(self.options()?.grace.as_micros()).unwrap_or(i64::MAX);
        let mut expired = self.catalog()?.expired(Timestamp::now().plus_micros(-grace))?;
        let held = self.held();
        expired.retain(|path| !held.contains(path));
        for path in &expired {
            disk::remove_file(&self.layout.absolute(path))?;
        }
        if !expired.is_empty() {
            self.catalog()?.forget(&expired)?;
        }
        self.remove_orphans(ORPHAN_AGE)?;
        self.note_gone()?;
        ::metrics::counter!(metrics::REMOVED_FILES_TOTAL).increment(expired.len() as u64);
        Ok(expired.len())
    }

    /// Notes how far erasures are.
    pub(crate) fn note_gone(&self) -> Result<(), Error> {
        if !self.catalog()?.has_unfinished_erasures()? {
            return Ok(());
        }
        // Nobody knows whose rows they have, and those that belong to a table came again.
        self.remove_orphans(Duration::ZERO)?;
        self.catalog()?.note_gone(Timestamp::now())
    }

    /// Replaced files that belong to a version that somebody still holds.
    fn held(&self) -> HashSet<FilePath> {
        let mut replaced = lock(&self.replaced);
        replaced.retain(|file| file.strong_count() > 0);
        replaced.iter().filter_map(|file| Some(file.upgrade()?.name.clone())).collect()
    }

    /// Removes files in no table that were put aside so long ago.
    fn remove_orphans(&self, since: Duration) -> Result<(), Error> {
        let dir = self.layout.orphans();
        let Ok(entries) = fs::read_dir(&dir) else {
            return Ok(());
        };
        for entry in entries.flatten() {
            let modified = entry.metadata().and_then(|metadata| metadata.modified());
            let age = modified.ok().and_then(|at| SystemTime::now().duration_since(at).ok());
            if since.is_zero() || age.is_some_and(|age| age > since) {
                disk::remove_file(&entry.path())?;
            }
        }
        Ok(())
    }
}
