//! What the handles of one lake share.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use event::Timestamp;

use crate::catalog::Catalog;
use crate::failpoint::Failpoints;
use crate::file::NewFile;
use crate::layout::Layout;
use crate::options::Options;
use crate::overrides::KnownOverrides;
use crate::revision::Revisions;
use crate::version::{Current, DataFile, TailBatch, Version};
use crate::{Error, Table, disk, metrics};

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) layout: Layout,
    /// `None` where the lake is open for reading.
    writable: Option<Writable>,
    pub(crate) current: Current,
    /// Files that are in no version any more, unless somebody still holds an old one.
    pub(crate) replaced: Mutex<Vec<Weak<DataFile>>>,
    /// Set when the service stops, so that a long merge gives up.
    pub(crate) stopping: AtomicBool,
    /// Whose rows became another's, for those that are written anew.
    pub(crate) overrides: KnownOverrides,
    pub(crate) failpoints: Failpoints,
    /// Held while files are deleted; how many keep all files.
    pub(crate) keepers: Arc<Mutex<usize>>,
}

#[derive(Debug)]
struct Writable {
    options: Options,
    catalog: Mutex<Catalog>,
    /// One compaction and one projection at a time.
    compacting: Mutex<()>,
    projecting: Mutex<()>,
}

impl Shared {
    pub(crate) fn for_writing(
        layout: Layout,
        catalog: Catalog,
        options: Options,
    ) -> Result<Self, Error> {
        let version = catalog.committed()?;
        let writable = Writable {
            options,
            catalog: Mutex::new(catalog),
            compacting: Mutex::default(),
            projecting: Mutex::default(),
        };
        Ok(Self::new(layout, Some(writable), version))
    }

    pub(crate) fn for_reading(layout: Layout, version: Version) -> Self {
        Self::new(layout, None, version)
    }

    fn new(layout: Layout, writable: Option<Writable>, version: Version) -> Self {
        Self {
            layout,
            writable,
            current: Current::new(version),
            replaced: Mutex::default(),
            stopping: AtomicBool::new(false),
            overrides: KnownOverrides::default(),
            failpoints: Failpoints::default(),
            keepers: Arc::default(),
        }
    }

    fn writable(&self) -> Result<&Writable, Error> {
        self.writable.as_ref().ok_or(Error::ReadOnly)
    }

    pub(crate) fn options(&self) -> Result<&Options, Error> {
        Ok(&self.writable()?.options)
    }

    pub(crate) fn catalog(&self) -> Result<MutexGuard<'_, Catalog>, Error> {
        Ok(lock(&self.writable()?.catalog))
    }

    pub(crate) fn one_compaction(&self) -> Result<MutexGuard<'_, ()>, Error> {
        Ok(lock(&self.writable()?.compacting))
    }

    pub(crate) fn one_projection(&self) -> Result<MutexGuard<'_, ()>, Error> {
        Ok(lock(&self.writable()?.projecting))
    }

    /// Shows rows to queries before they are in files.
    ///
    /// Only the sink adds to the tail, and it calls one method at a time, so none is lost.
    pub(crate) fn publish_tail(&self, batch: TailBatch) -> Result<(), Error> {
        let tail = self.current.get().tail_and(batch)?;
        self.current.update(|version| version.take_tail(tail));
        self.report();
        Ok(())
    }

    /// Finds out what became of a transaction that failed: an error does not say whether it took
    /// place, the catalog does.
    pub(crate) fn settle(
        &self,
        catalog: &Catalog,
        files: &[NewFile],
        error: Error,
    ) -> Result<(), Error> {
        let is_listed = |new: &NewFile| catalog.is_listed(&new.file.name);
        match files.first().map(is_listed).transpose() {
            Ok(Some(true)) => return Ok(()),
            Ok(_) => self.discard(files),
            // Nobody knows. The files stay; the next transaction finds a list that it did not
            // expect, or the next start finds files in no table.
            Err(_) => {}
        }
        // An earlier transaction may have taken place, too, with nobody to tell.
        self.reload(catalog)?;
        Err(error)
    }

    /// The same for a transaction that replaced a file, maybe by none.
    pub(crate) fn settle_replaced(
        &self,
        catalog: &Catalog,
        file: &DataFile,
        files: &[NewFile],
        error: Error,
    ) -> Result<(), Error> {
        match files.is_empty() && matches!(catalog.is_listed(&file.name), Ok(false)) {
            true => Ok(()),
            false => self.settle(catalog, files, error),
        }
    }

    /// Takes the file list as the catalog has it; of the tail stays what is not committed.
    fn reload(&self, catalog: &Catalog) -> Result<(), Error> {
        let fresh = catalog.committed()?;
        self.current.update(|version| version.reload(fresh));
        Ok(())
    }

    /// Does some work on every table, even where it fails on another; returns whether any had some
    /// to do.
    pub(crate) fn for_each_table(
        &self,
        work: impl Fn(&'static Table) -> Result<bool, Error>,
    ) -> Result<bool, Error> {
        let mut done = Ok(false);
        for table in Table::all() {
            match work(table) {
                Err(error) if error.is_crash() => return Err(error),
                Err(error) => done = done.and(Err(error)),
                Ok(had) => done = done.map(|any| any || had),
            }
        }
        done
    }

    /// What is put right in a table's files whenever they are written anew.
    pub(crate) fn revisions(&self, version: &Version, table: &Table) -> Result<Revisions, Error> {
        let has_persons = table.rows() == event::Table::Events;
        let overrides = has_persons.then(|| self.overrides.of(version)).transpose()?;
        let kept_from = self.options()?.retention.filter(|_| table.ages());
        let kept_from = kept_from.map(|retention| retention.first_day(Timestamp::now()));
        Ok(Revisions { erasures: version.erasures.clone(), overrides, kept_from })
    }

    /// Removes files that did not become part of a table.
    pub(crate) fn discard(&self, files: &[NewFile]) {
        for NewFile { file, .. } in files {
            if let Err(error) = disk::remove_file(&file.path) {
                tracing::warn!(%error, "a file that was not committed stays until the next start");
            }
        }
    }

    /// Reports sizes.
    pub(crate) fn report(&self) {
        let version = self.current.get();
        let bytes: u64 = version.all_files().map(|file| file.bytes).sum();
        ::metrics::gauge!(metrics::TAIL_ROWS).set(version.tail_rows() as f64);
        ::metrics::gauge!(metrics::TAIL_BYTES).set(version.tail_bytes() as f64);
        ::metrics::gauge!(metrics::FILES).set(version.all_files().count() as f64);
        ::metrics::gauge!(metrics::FILE_BYTES).set(bytes as f64);
        ::metrics::gauge!(metrics::ROWS).set(version.file_rows() as f64);
    }
}

/// A lock whose holder panicked protects nothing that could be half changed: the catalog rolls back.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
