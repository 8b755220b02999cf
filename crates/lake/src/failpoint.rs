//! Places at which crash tests let the process die.

use crate::Error;

/// Parquet files are durable, nothing is committed.
pub(crate) const AFTER_PARQUET_SYNC: &str = "lake-after-parquet-sync";
/// A commit is durable, nobody was told.
pub(crate) const AFTER_COMMIT: &str = "lake-after-commit";
/// The files of a compaction are durable, nothing is committed.
pub(crate) const AFTER_COMPACTION_SYNC: &str = "lake-after-compaction-sync";
/// A compaction is committed, queries still see its inputs.
pub(crate) const AFTER_COMPACTION: &str = "lake-after-compaction";
/// A file without erased rows is durable, nothing is committed.
pub(crate) const AFTER_ERASURE_SYNC: &str = "lake-after-erasure-sync";
/// A file without erased rows is committed, queries still read the one with them.
pub(crate) const AFTER_ERASURE: &str = "lake-after-erasure";
/// Iceberg metadata is durable, and not registered.
pub(crate) const AFTER_METADATA: &str = "lake-after-metadata";
/// Files that nobody needs are deleted, and the catalog knows them still.
pub(crate) const AFTER_REMOVAL: &str = "lake-after-removal";
/// Files of days that are too old are out of the list, queries still see them.
pub(crate) const AFTER_RETENTION: &str = "lake-after-retention";

/// The failpoints of one lake.
#[derive(Debug, Default)]
pub(crate) struct Failpoints {
    #[cfg(test)]
    armed: std::sync::Mutex<Option<&'static str>>,
}

impl Failpoints {
    /// Aborts the process where `HOGFLARE_FAILPOINT` names this place. In a test of this crate it
    /// fails instead, once, as if the process had died here.
    pub(crate) fn reach(&self, name: &'static str) -> Result<(), Error> {
        journal::failpoint(name);
        #[cfg(test)]
        if self.armed.lock().unwrap().take_if(|armed| *armed == name).is_some() {
            return Err(Error::Crashed(name));
        }
        Ok(())
    }

    #[cfg(test)]
    pub(crate) fn arm(&self, name: &'static str) {
        *self.armed.lock().unwrap() = Some(name);
    }
}
