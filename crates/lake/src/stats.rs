//! What a lake has, and what that takes, for people and programs.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use event::Timestamp;
use serde::{Deserialize, Serialize};

use crate::catalog::Catalog;
use crate::compaction;
use crate::shared::Shared;
use crate::version::Version;
use crate::{Error, Table};

/// What a lake has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stats {
    /// Of each table.
    pub tables: Vec<TableStats>,
    /// Memory of rows that are in no file yet.
    pub tail_bytes: u64,
    /// Files that were put aside because they are in no table.
    pub orphan_files: u64,
    /// Their bytes.
    pub orphan_bytes: u64,
}

/// What a table has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TableStats {
    /// Its name.
    pub table: String,
    /// All rows; of a table that keeps the latest every version that is still there.
    pub rows: u64,
    /// Those that are in no file yet.
    pub tail_rows: u64,
    /// Files that have the others.
    pub files: u64,
    /// Bytes of these.
    pub bytes: u64,
    /// Bytes of a row in them; `None` where there is none.
    pub bytes_per_row: Option<f64>,
    /// Days that have files of their own.
    pub days: u64,
    /// Files that several days share.
    pub shared_files: u64,
    /// Small files that wait to be merged.
    pub small_files: u64,
    /// The earliest time of a row in a file.
    pub oldest: Option<String>,
    /// The latest.
    pub newest: Option<String>,
    /// Snapshots that Iceberg's metadata shows.
    pub snapshots: u64,
    /// Bytes of that metadata.
    pub metadata_bytes: u64,
    /// Files that were replaced and wait to be deleted.
    pub replaced_files: u64,
    /// Their bytes.
    pub replaced_bytes: u64,
}

impl Shared {
    /// Says what the lake has.
    pub(crate) fn stats(&self) -> Result<Stats, Error> {
        // A connection of its own: who looks keeps nobody from committing.
        let catalog = Catalog::open_read_only(self.layout.clone())?;
        catalog.check_is_present()?;
        let version = self.current.get();
        let table = |table| self.table_stats(table, &version, &catalog);
        let (orphan_files, orphan_bytes) = size_of(&self.layout.orphans());
        Ok(Stats {
            tables: Table::all().iter().map(table).collect::<Result<_, _>>()?,
            tail_bytes: version.tail_bytes() as u64,
            orphan_files,
            orphan_bytes,
        })
    }

    fn table_stats(
        &self,
        table: &'static Table,
        version: &Version,
        catalog: &Catalog,
    ) -> Result<TableStats, Error> {
        let files = version.files(table);
        let leftovers = catalog.leftovers(table)?;
        let tail_rows = version.batches(table).map(|rows| rows.num_rows() as u64).sum();
        let file_rows: u64 = files.iter().map(|file| file.rows).sum();
        let bytes: u64 = files.iter().map(|file| file.bytes).sum();
        let days: BTreeSet<_> = files.iter().filter_map(|file| file.day).collect();
        let time = |at: Option<Timestamp>| at.map(|at| at.to_string());
        Ok(TableStats {
            table: table.name().to_owned(),
            rows: file_rows + tail_rows,
            tail_rows,
            files: files.len() as u64,
            bytes,
            bytes_per_row: (file_rows > 0).then(|| bytes as f64 / file_rows as f64),
            days: days.len() as u64,
            shared_files: files.iter().filter(|file| file.day.is_none()).count() as u64,
            small_files: compaction::waiting(table, files) as u64,
            oldest: time(files.iter().map(|file| file.min_timestamp).min()),
            newest: time(files.iter().map(|file| file.max_timestamp).max()),
            snapshots: leftovers.snapshots,
            metadata_bytes: size_of(&self.layout.metadata(table)).1,
            replaced_files: leftovers.replaced_files,
            replaced_bytes: leftovers.replaced_bytes,
        })
    }
}

/// Files of a folder, and their bytes.
fn size_of(dir: &Path) -> (u64, u64) {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let bytes = entries.filter_map(|entry| Some(entry.metadata().ok()?.len()));
    bytes.fold((0, 0), |(files, sum), bytes| (files + 1, sum + bytes))
}
