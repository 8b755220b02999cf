//! What is checked and put right when a lake is opened.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use event::Timestamp;

use crate::catalog::{Catalog, Kept};
use crate::layout::{FilePath, Layout};
use crate::shared::Shared;
use crate::{Error, Options, Table, disk, metrics};

/// Opens a lake for writing, and creates it where there is none.
pub(crate) fn open(dir: &Path, options: Options) -> Result<Shared, Error> {
    let layout = Layout::create(dir)?;
    let mut catalog = Catalog::open(layout.clone())?;
    if catalog.is_empty()? {
        refuse_data_without_catalog(&layout)?;
        catalog.create()?;
    }
    catalog.migrate()?;
    catalog.add_tables()?;
    catalog.check_registration()?;
    catalog.take_over(&options.erasures)?;
    let shared = Shared::for_writing(layout, catalog, options)?;
    shared.put_orphans_aside()?;
    match shared.start_projection() {
        Err(error) if error.needs_operator() || error.is_crash() => return Err(error),
        // The lake's own readers do not need it, and there will be another try.
        Err(error) => tracing::error!(%error, "the Iceberg metadata is behind"),
        Ok(()) => {}
    }
    shared.report();
    Ok(shared)
}

/// Opens a lake for reading; `None` where there is none.
pub(crate) fn open_read_only(dir: &Path) -> Result<Option<Shared>, Error> {
    let Ok(layout) = Layout::existing(dir) else {
        return Ok(None);
    };
    if !is_file(&layout.catalog())? {
        return Ok(None);
    }
    let version = Catalog::open_read_only(layout.clone())?.committed()?;
    Ok(Some(Shared::for_reading(layout, version)))
}

/// An empty catalog would turn every data file into an orphan.
fn refuse_data_without_catalog(layout: &Layout) -> Result<(), Error> {
    for table in Table::all() {
        if !data_files(layout, table)?.is_empty() {
            let (catalog, data) = (layout.catalog(), layout.table(table));
            return Err(Error::CatalogMissing { catalog, data });
        }
    }
    Ok(())
}

impl Shared {
    /// Moves data files that no table knows out of the tables' folders: a crash left them before
    /// their commit, and their rows come again from the journal.
    fn put_orphans_aside(&self) -> Result<(), Error> {
        let mut kept = self.catalog()?.kept()?;
        for table in Table::all() {
            for path in data_files(&self.layout, table)? {
                if !take(&mut kept, &self.layout, &path) {
                    self.put_aside(&path)?;
                }
            }
        }
        let is_missing =
            |file: &&std::sync::Arc<crate::DataFile>| kept.contains(file.name.as_str());
        for file in self.current.get().all_files().filter(is_missing) {
            tracing::error!(table = file.table.name(), path = %file.path.display(),
                rows = file.rows, "a data file is missing; restore it from a backup");
        }
        Ok(())
    }

    fn put_aside(&self, path: &Path) -> Result<(), Error> {
        let orphans = self.layout.orphans();
        disk::create_dir(&orphans)?;
        let target = orphans.join(path.file_name().unwrap_or_default());
        // Its age counts from here, however old the file is.
        fs::File::options()
            .write(true)
            .open(path)
            .and_then(|file| file.set_modified(SystemTime::now()))
            .and_then(|()| fs::rename(path, &target))
            .map_err(|error| Error::io("move", path, error))?;
        tracing::info!(from = %path.display(), to = %target.display(),
            "put a file aside that is in no table");
        ::metrics::counter!(metrics::ORPHAN_FILES_TOTAL).increment(1);
        Ok(())
    }

    /// Brings the Iceberg metadata up to date after whatever happened to the folder.
    fn start_projection(&self) -> Result<(), Error> {
        self.project()?;
        let follow_up = |table| {
            self.write_hint(table)?;
            self.retire_stray_metadata(table)?;
            Ok(true)
        };
        self.for_each_table(follow_up).map(drop)
    }

    /// Lets go of metadata that a crash or a move left behind.
    fn retire_stray_metadata(&self, table: &'static Table) -> Result<(), Error> {
        let kept = self.kept_metadata(table)?;
        let mut stray = Vec::new();
        for path in entries(&self.layout.metadata(table))? {
            let name = path.file_name().and_then(|name| name.to_str());
            let name = name.map(|name| FilePath::metadata(table, name));
            stray.extend(name.filter(|name| !kept.contains(name.as_str())));
        }
        self.catalog()?.retire(table, &stray, Timestamp::now())
    }
}

/// Whether a file is known; a known one is struck off.
fn take(kept: &mut Kept, layout: &Layout, path: &Path) -> bool {
    let relative = path.strip_prefix(layout.root()).ok().and_then(Path::to_str);
    relative.is_some_and(|relative| kept.remove(relative))
}

/// All Parquet files in the folders of a table's partitions.
pub(crate) fn data_files(layout: &Layout, table: &Table) -> Result<Vec<PathBuf>, Error> {
    let mut files = Vec::new();
    for dir in entries(&layout.table(table))? {
        if dir.is_dir() && dir != layout.metadata(table) {
            files.extend(entries(&dir)?.into_iter().filter(|path| is_parquet(path)));
        }
    }
    Ok(files)
}

fn is_parquet(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "parquet")
}

fn is_file(path: &Path) -> Result<bool, Error> {
    match fs::metadata(path) {
        Ok(metadata) => Ok(metadata.is_file()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Error::io("find", path, error)),
    }
}

pub(crate) fn entries(dir: &Path) -> Result<Vec<PathBuf>, Error> {
    fs::read_dir(dir)
        .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect())
        .map_err(|error| Error::io("list", dir, error))
}
