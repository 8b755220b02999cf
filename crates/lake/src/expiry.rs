//! Deletes files that nothing needs any more.

use std::collections::HashSet;
use std::fs;
use std::time::{Duration, SystemTime};

use event::Timestamp;
use serde::{Deserialize, Serialize};

use crate::layout::FilePath;
use crate::shared::{Shared, lock};
use crate::{Error, disk, failpoint, metrics};

/// Files in no table are kept this long, in case an operator misses them.
const ORPHAN_AGE: Duration = Duration::from_hours(7 * 24);

/// What an expiry let go of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expired {
    /// Past snapshots that Iceberg's metadata does not show any more.
    pub snapshots: u64,
    /// Files that were deleted.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl Shared {
    /// Lets go of past snapshots whose successor is there for so long, and deletes what they alone
    /// needed, where it was replaced as long ago.
    pub(crate) fn expire(&self, age: Duration) -> Result<Expired, Error> {
        let snapshots = self.project_with(age)?.expired;
        let removed = self.remove_replaced(age)?;
        Ok(Expired { snapshots, ..removed })
    }

    /// Deletes files that were replaced long enough ago and that no query holds; returns how many.
    pub(crate) fn remove_expired(&self) -> Result<usize, Error> {
        let removed = self.remove_replaced(self.options()?.grace)?;
        Ok(usize::try_from(removed.files).unwrap_or(usize::MAX))
    }

    fn remove_replaced(&self, age: Duration) -> Result<Expired, Error> {
        let keepers = lock(&self.keepers);
        if *keepers > 0 {
            return Ok(Expired::default());
        }
        let age = i64::try_from(age.as_micros()).unwrap_or(i64::MAX);
        let mut expired = self.catalog()?.expired(Timestamp::now().plus_micros(-age))?;
        let held = self.held();
        expired.retain(|path| !held.contains(path));
        let mut removed = Expired::default();
        for path in &expired {
            let path = self.layout.absolute(path);
            removed.files += 1;
            removed.bytes += fs::metadata(&path).map_or(0, |file| file.len());
            disk::remove_file(&path)?;
        }
        if !expired.is_empty() {
            self.failpoints.reach(failpoint::AFTER_REMOVAL)?;
            self.catalog()?.forget(&expired)?;
        }
        self.remove_orphans(ORPHAN_AGE)?;
        self.note_gone()?;
        ::metrics::counter!(metrics::REMOVED_FILES_TOTAL).increment(removed.files);
        Ok(removed)
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
