//! The handle by which everyone but the sink uses a lake.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use event::Timestamp;
use journal::{Cursor, JournalId, Record};

use crate::compaction::Due;
use crate::shared::Shared;
use crate::{
    Compacted, ErasureProgress, Error, Expired, KeptFiles, LakeSink, Options, Stats, Verified,
    Verify, Version, batch, blocking, start,
};

/// A lake. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Lake {
    shared: Arc<Shared>,
}

impl Lake {
    /// Opens the lake in `dir` for writing, and creates it where there is none. The Iceberg
    /// metadata is brought up to date.
    ///
    /// # Errors
    /// When the folder cannot be used, a later version of this program wrote it, its catalog is
    /// missing, or another program committed to a table.
    pub async fn open(dir: &Path, options: Options) -> Result<(Self, LakeSink), Error> {
        let dir = dir.to_path_buf();
        let shared = blocking::run(move || start::open(&dir, options)).await?;
        let lake = Self { shared: Arc::new(shared) };
        let sink = LakeSink::new(lake.shared.clone())?;
        Ok((lake, sink))
    }

    /// Opens the lake in `dir` for reading, as it is committed at this moment; `None` where there
    /// is none. Nothing is created or changed.
    ///
    /// # Errors
    /// When the catalog cannot be read, or a later version of this program wrote it.
    pub async fn open_read_only(dir: &Path) -> Result<Option<Self>, Error> {
        let dir = dir.to_path_buf();
        let shared = blocking::run(move || start::open_read_only(&dir)).await?;
        Ok(shared.map(|shared| Self { shared: Arc::new(shared) }))
    }

    /// Returns a lake that also shows rows of a journal that are not committed yet; those that are
    /// committed are skipped. For lakes that are open for reading.
    ///
    /// # Errors
    /// When a record cannot be decoded.
    pub async fn with_tail(
        &self,
        records: Vec<Record>,
        journal_id: JournalId,
    ) -> Result<Self, Error> {
        let mut version = Version::clone(&self.version());
        let layout = self.shared.layout.clone();
        let shared = blocking::run(move || {
            let from = version.end(journal_id);
            if let Some(batch) = batch::decode(&records, journal_id, from)? {
                version.tail = version.tail_and(batch)?;
            }
            Ok(Shared::for_reading(layout, version))
        });
        Ok(Self { shared: Arc::new(shared.await?) })
    }

    /// Returns the tables as they are now. Who holds it sees no later change, and keeps its files.
    pub fn version(&self) -> Arc<Version> {
        self.shared.current.get()
    }

    /// Returns how many rows all tables have.
    pub fn row_count(&self) -> u64 {
        self.version().row_count()
    }

    /// Returns up to where a journal's rows are committed; `None` where none are.
    pub fn cursor(&self, journal_id: JournalId) -> Option<Cursor> {
        self.version().cursor(journal_id)
    }

    /// Brings the Iceberg metadata up to date; returns whether there was anything to do.
    ///
    /// # Errors
    /// When it cannot be written, or another program committed to a table.
    pub async fn project_metadata(&self) -> Result<bool, Error> {
        self.run(Shared::project).await
    }

    /// Merges the small files of one partition of each table; returns whether there were any.
    ///
    /// # Errors
    /// When files cannot be read or written. Nothing has changed then.
    pub async fn compact_once(&self) -> Result<bool, Error> {
        let merged = self.run(|shared| {
            let (now, since) = (Timestamp::now(), shared.options()?.grace);
            shared.compact(Due::Quiet { now, since })
        });
        Ok(merged.await?.files_in > 0)
    }

    /// The same, also of days that are not over yet. When no files were merged, none are left that
    /// are worth it.
    ///
    /// # Errors
    /// When files cannot be read or written. Nothing has changed then.
    pub async fn compact_now(&self) -> Result<Compacted, Error> {
        self.run(|shared| shared.compact(Due::Now)).await
    }

    /// Drops files of days that are too old, as far as the options say how long rows are kept;
    /// returns how many rows went.
    ///
    /// # Errors
    /// When the catalog cannot be changed, or files that days share cannot be written anew.
    pub async fn drop_aged(&self) -> Result<u64, Error> {
        self.run(Shared::drop_aged).await
    }

    /// Takes what was erased out of one more file of each table; returns whether there was anything
    /// to do.
    ///
    /// # Errors
    /// When files cannot be read or written. What was done before stays done.
    pub async fn erase_once(&self) -> Result<bool, Error> {
        self.run(Shared::erase).await
    }

    /// How far each erasure is that the lake has read and committed, the first one first.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub async fn erasures(&self) -> Result<Vec<ErasureProgress>, Error> {
        self.run(Shared::erasures).await
    }

    /// Lets go of past snapshots whose successor is there for so long, and deletes files that were
    /// replaced as long ago and that no snapshot and no query needs.
    ///
    /// # Errors
    /// When the metadata cannot be written, or a file cannot be deleted.
    pub async fn expire(&self, age: Duration) -> Result<Expired, Error> {
        self.run(move |shared| shared.expire(age)).await
    }

    /// Says what the lake has.
    ///
    /// # Errors
    /// When the catalog cannot be read, or is of an earlier version of this program.
    pub async fn stats(&self) -> Result<Stats, Error> {
        self.run(Shared::stats).await
    }

    /// Looks whether everything is there and is what the catalog says. Ingestion goes on.
    ///
    /// # Errors
    /// When the catalog cannot be read, or is of an earlier version of this program.
    pub async fn verify(&self, how: Verify) -> Result<Verified, Error> {
        self.run(move |shared| shared.verify(&how)).await
    }

    /// Deletes files that were replaced long enough ago and that no query holds; returns how many.
    ///
    /// # Errors
    /// When a file cannot be deleted.
    pub async fn remove_expired(&self) -> Result<usize, Error> {
        self.run(Shared::remove_expired).await
    }

    /// Keeps every file that some table needs or needed, until what is returned is dropped.
    pub fn keep_files(&self) -> KeptFiles {
        KeptFiles::new(&self.shared.keepers)
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Shared) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let shared = self.shared.clone();
        blocking::run(move || work(&shared)).await
    }

    pub(crate) fn projection_interval(&self) -> Duration {
        self.shared.options().map_or(Duration::MAX, |options| options.projection_interval)
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }
}
