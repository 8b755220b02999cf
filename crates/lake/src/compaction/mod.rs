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

use std::sync::Arc;
use std::time::Instant;

use event::Timestamp;

pub(crate) use self::merge::{Merged, merge};
pub(crate) use self::plan::Job;
pub(crate) use self::source::reader;
use crate::file::NewFile;
use crate::shared::{Shared, lock};
use crate::version::DataFile;
use crate::{Error, Table, failpoint, metrics};

impl Shared {
    /// Merges small files once in each table; returns whether there was anything to do.
    pub(crate) fn compact(&self) -> Result<bool, Error> {
        let _one = self.one_compaction()?;
        self.for_each_table(|table| self.compact_table(table))
    }

    fn compact_table(&self, table: &'static Table) -> Result<bool, Error> {
        let started = Instant::now();
        let version = self.current.get();
        let quiet = self.options()?.grace;
        let Some(job) = plan::plan(table, version.files(table), Timestamp::now(), quiet) else {
            return Ok(false);
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
        Ok(true)
    }

    fn publish_compaction(&self, job: &Job, files: &[NewFile], superseded: u64) {
        let bytes: u64 = files.iter().map(|new| new.file.bytes).sum();
        self.publish_replaced(job, files);
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

    /// Shows queries new files in the place of a job's inputs.
    pub(crate) fn publish_replaced(&self, job: &Job, files: &[NewFile]) {
        let gone: Vec<_> = job.inputs.iter().map(|file| file.name.clone()).collect();
        let added: Vec<_> = files.iter().map(|new| new.file.clone()).collect();
        lock(&self.replaced).extend(job.inputs.iter().map(Arc::downgrade));
        self.current.update(|version| version.replace_files(job.table, &gone, added));
        self.report();
    }
}
