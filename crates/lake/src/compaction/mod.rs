//! Compaction: small files of a partition become fewer, larger ones.
//!
//! A commit every two seconds makes 43,200 files a day. So files are merged by levels of size, each
//! eight times the one before: as soon as a partition has [`plan::FANOUT`] files of one level, they
//! become one of the next. A row is rewritten once a level, five times at most, and a day never has
//! more than some forty files. When a day is over and nothing came for a while, its remaining small
//! files are merged, too.
//!
//! Inputs are sorted, so a merge reads them side by side and holds a page of each; files that days
//! share are merged in the same way, and their days part: a day with enough rows gets a file of its
//! own. Outputs take the place of the inputs in one transaction. Ingestion waits for that
//! transaction at most.
//!
//! In a table that keeps the latest, a merge drops rows whose key comes again with a higher version
//! among its inputs, deletions included, which may hide rows of files elsewhere. So that rows meet
//! their successors, its files are merged however large they are: a key has at most one row a file,
//! and there are few files.

mod merge;
mod output;
mod plan;
mod source;

use std::cell::Cell;
use std::sync::Arc;
use std::time::Instant;

use serde::{Deserialize, Serialize};

pub(crate) use self::merge::{Merged, merge};
pub(crate) use self::plan::{Due, Job, waiting};
pub(crate) use self::source::reader;
use crate::file::NewFile;
use crate::shared::{Shared, lock};
use crate::version::DataFile;
use crate::{Error, Table, failpoint, metrics};

/// What a merge, or several, did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compacted {
    /// Files that were merged; none when there was nothing to do.
    pub files_in: u64,
    /// Files that took their place.
    pub files_out: u64,
    /// Bytes of the former.
    pub bytes_in: u64,
    /// Bytes of the latter.
    pub bytes_out: u64,
}

impl Compacted {
    fn of(job: &Job, files: &[NewFile]) -> Self {
        Self {
            files_in: job.inputs.len() as u64,
            files_out: files.len() as u64,
            bytes_in: job.inputs.iter().map(|file| file.bytes).sum(),
            bytes_out: files.iter().map(|new| new.file.bytes).sum(),
        }
    }

    /// Both together.
    #[must_use]
    pub const fn and(self, more: Self) -> Self {
        Self {
            files_in: self.files_in + more.files_in,
            files_out: self.files_out + more.files_out,
            bytes_in: self.bytes_in + more.bytes_in,
            bytes_out: self.bytes_out + more.bytes_out,
        }
    }
}

impl Shared {
    /// Merges small files once in each table; says what was merged.
    pub(crate) fn compact(&self, due: Due) -> Result<Compacted, Error> {
        let _one = self.one_compaction()?;
        let all = Cell::new(Compacted::default());
        self.for_each_table(|table| {
            let merged = self.compact_table(table, due)?;
            all.set(all.get().and(merged));
            Ok(merged.files_in > 0)
        })?;
        Ok(all.get())
    }

    fn compact_table(&self, table: &'static Table, due: Due) -> Result<Compacted, Error> {
        let started = Instant::now();
        let version = self.current.get();
        let Some(job) = plan::plan(table, version.files(table), due) else {
            return Ok(Compacted::default());
        };
        let revisions = self.revisions(&version, table)?;
        let merged = merge(&self.layout, &job, &revisions, &self.stopping)?;
        let Merged { files, left_out } = merged;
        self.failpoints.reach(failpoint::AFTER_COMPACTION_SYNC)?;
        // The lock is held until queries see the change, so that list and version agree.
        let mut catalog = self.catalog()?;
        let inputs: Vec<&DataFile> = job.inputs.iter().map(AsRef::as_ref).collect();
        let replaced = catalog.replace(table, &inputs, &files, &left_out);
        replaced.or_else(|error| self.settle(&catalog, &files, error))?;
        self.failpoints.reach(failpoint::AFTER_COMPACTION)?;
        self.publish_compaction(&job, &files, left_out.superseded);
        drop(catalog);
        ::metrics::histogram!(metrics::COMPACTION_SECONDS).record(started.elapsed());
        Ok(Compacted::of(&job, &files))
    }

    fn publish_compaction(&self, job: &Job, files: &[NewFile], superseded: u64) {
        let bytes: u64 = files.iter().map(|new| new.file.bytes).sum();
        self.publish_replaced(job.table, &job.inputs, files);
        tracing::debug!(
            table = job.table.name(),
            partition = job.partition.directory(job.table),
            files_in = job.inputs.len(),
            files_out = files.len(),
            bytes,
            superseded,
            "merged small files"
        );
        ::metrics::counter!(metrics::COMPACTED_FILES_TOTAL).increment(job.inputs.len() as u64);
        ::metrics::counter!(metrics::COMPACTED_BYTES_TOTAL).increment(bytes);
    }

    /// Shows queries new files of a table in the place of others.
    pub(crate) fn publish_replaced(
        &self,
        table: &'static Table,
        gone: &[Arc<DataFile>],
        files: &[NewFile],
    ) {
        let names: Vec<_> = gone.iter().map(|file| file.name.clone()).collect();
        let added: Vec<_> = files.iter().map(|new| new.file.clone()).collect();
        lock(&self.replaced).extend(gone.iter().map(Arc::downgrade));
        self.current.update(|version| version.replace_files(table, &names, added));
        self.report();
    }
}
