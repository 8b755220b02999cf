//! The pass: files that hold erased rows are written anew without them.
//!
//! A step looks through files one after the other, reading the two columns by which rows are found,
//! until one has some; that one is merged with nothing, which takes them out, and takes its own
//! place in one transaction. All pending erasures are looked for together. The pass shares its lock
//! with compaction, which takes erased rows out of whatever it merges.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use event::Timestamp;
use parquet::arrow::ProjectionMask;

use super::apply::key_columns;
use super::{Erasing, ErasureProgress};
use crate::compaction::{Job, Merged, merge, reader};
use crate::error::ParquetContext;
use crate::maintenance::REMOVAL_INTERVAL;
use crate::revision::Revisions;
use crate::shared::Shared;
use crate::version::{DataFile, Version};
use crate::{Error, Table, failpoint, metrics};

/// Rows whose keys are read at a time.
const READ_ROWS: usize = 8_192;

impl Shared {
    /// Takes erased rows out of one more file of each table; returns whether there was anything to
    /// do.
    pub(crate) fn erase(&self) -> Result<bool, Error> {
        let _one = self.one_compaction()?;
        let version = self.current.get();
        if version.erasures.is_empty() {
            return Ok(false);
        }
        if self.for_each_table(|table| self.erase_from(table, &version))? {
            return Ok(true);
        }
        let last = version.erasures.last();
        let mut catalog = self.catalog()?;
        catalog.note_rewritten(last, Timestamp::now())?;
        let left = |version: &mut Version| Arc::new(version.erasures.after(last));
        self.current.update(|version| version.erasures = left(version));
        tracing::info!(erasures = last.0, "no file has erased rows any more");
        Ok(true)
    }

    /// How far each erasure is.
    pub(crate) fn erasures(&self) -> Result<Vec<ErasureProgress>, Error> {
        let mut erasures = self.catalog()?.erasures()?;
        let wait = self.options()?.grace + REMOVAL_INTERVAL;
        let wait = i64::try_from(wait.as_micros()).unwrap_or(i64::MAX);
        for progress in &mut erasures {
            progress.gone_by = progress.unlisted_at.map(|at| at.plus_micros(wait));
        }
        Ok(erasures)
    }

    /// Looks through a table's files up to the first that has erased rows, and rewrites that.
    fn erase_from(&self, table: &'static Table, version: &Version) -> Result<bool, Error> {
        let last = version.erasures.last();
        let revisions = self.revisions(version, table)?;
        let (mut free, mut failed, mut is_rewritten) = (Vec::new(), None, false);
        for file in version.files(table).iter().filter(|file| file.free_of.get() < last) {
            if self.stopping.load(Ordering::Relaxed) {
                return Err(Error::Stopped);
            }
            match self.erase_from_file(file, &revisions) {
                Err(error) if error.is_crash() || matches!(error, Error::Stopped) => {
                    return Err(error);
                }
                // One that cannot be read keeps nobody from the others.
                Err(error) => failed = failed.or(Some(error)),
                Ok(false) => free.push(file.as_ref()),
                Ok(true) => {
                    is_rewritten = true;
                    break;
                }
            }
        }
        if !free.is_empty() {
            self.catalog()?.note_free(&free, last)?;
            free.iter().for_each(|file| file.free_of.set(last));
        }
        match failed {
            Some(error) if !is_rewritten => Err(error),
            _ => Ok(is_rewritten || !free.is_empty()),
        }
    }

    /// Takes erased rows out of a file; returns whether it had some.
    fn erase_from_file(&self, file: &Arc<DataFile>, revisions: &Revisions) -> Result<bool, Error> {
        let revision = revisions.of(file);
        let Some(erasing) = revision.erasing() else {
            return Ok(false);
        };
        if !may_concern(file, erasing)? {
            return Ok(false);
        }
        let (table, partition) = (file.table, file.partition());
        let job = Job { table, partition, inputs: vec![file.clone()] };
        let Merged { files, left_out } = merge(&self.layout, &job, revisions, &self.stopping)?;
        if left_out.erased.is_empty() {
            self.discard(&files);
            return Ok(false);
        }
        self.failpoints.reach(failpoint::AFTER_ERASURE_SYNC)?;
        // The lock is held until queries see the change, so that list and version agree.
        let mut catalog = self.catalog()?;
        let replaced = catalog.replace(table, &[file], &files, &left_out);
        replaced.or_else(|error| self.settle_replaced(&catalog, file, &files, error))?;
        self.failpoints.reach(failpoint::AFTER_ERASURE)?;
        self.publish_replaced(table, &job.inputs, &files);
        drop(catalog);
        for (_, table, count) in left_out.erased.iter() {
            let rows = count.removed + count.anonymized;
            ::metrics::counter!(metrics::ERASED_ROWS_TOTAL, "table" => table).increment(rows);
        }
        Ok(true)
    }
}

/// Whether some rows of a file may be erased; only their keys are read.
fn may_concern(file: &DataFile, erasing: &Erasing) -> Result<bool, Error> {
    let Some(columns) = key_columns(file.table) else {
        return Ok(false);
    };
    let builder = reader(file)?;
    let columns = ProjectionMask::columns(builder.parquet_schema(), columns);
    let reader = builder.with_projection(columns).with_batch_size(READ_ROWS).build();
    for keys in reader.context("read", &file.path)? {
        if erasing.may_concern(file.table, &keys?) {
            return Ok(true);
        }
    }
    Ok(false)
}
