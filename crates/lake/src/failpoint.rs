//! Places at which crash tests let the process die.

#[cfg(not(test))]
use std::sync::OnceLock;

use crate::Error;

/// Parquet files are durable, nothing is committed.
pub(crate) const AFTER_PARQUET_SYNC: &str = "lake-after-parquet-sync";
/// A commit is durable, nobody was told.
pub(crate) const AFTER_COMMIT: &str = "lake-after-commit";
/// The files of a compaction are durable, nothing is committed.
pub(crate) const AFTER_COMPACTION_SYNC: &str = "lake-after-compaction-sync";
/// A compaction is committed, queries still see its inputs.
pub(crate) const AFTER_COMPACTION: &str = "lake-after-compaction";
/// Iceberg metadata is durable, and not registered.
pub(crate) const AFTER_METADATA: &str = "lake-after-metadata";

/// The failpoints of one lake.
#[derive(Debug, Default)]
pub(crate) struct Failpoints {
    #[cfg(test)]
    armed: std::sync::Mutex<Option<&'static str>>,
}

impl Failpoints {
    /// Aborts the process where `HOGFLARE_FAILPOINT` names this place.
    #[cfg(not(test))]
    #[expect(clippy::unused_self, reason = "tests keep what is armed in it")]
    pub(crate) fn reach(&self, name: &'static str) -> Result<(), Error> {
        static ARMED: OnceLock<Option<String>> = OnceLock::new();
        let armed = ARMED.get_or_init(|| std::env::var("HOGFLARE_FAILPOINT").ok());
        if armed.as_deref() == Some(name) {
            std::process::abort();
        }
        Ok(())
    }

    /// Fails once as if the process had died here, where a test asked for it.
    #[cfg(test)]
    pub(crate) fn reach(&self, name: &'static str) -> Result<(), Error> {
        let mut armed = self.armed.lock().unwrap();
        match *armed == Some(name) {
            true => Err(Error::Crashed(armed.take().unwrap())),
            false => Ok(()),
        }
    }

    #[cfg(test)]
    pub(crate) fn arm(&self, name: &'static str) {
        *self.armed.lock().unwrap() = Some(name);
    }
}
