//! What whoever looks a lake over reads of it.

use rusqlite::{Row, params};

use super::projection::{expected_location, found_location, projected_of, snapshot};
use super::tables::FORMAT_VERSION;
use super::{Catalog, Listing, SnapshotState, projection::Projected};
use crate::error::CatalogContext;
use crate::layout::FilePath;
use crate::{Error, Table};

/// All that the catalog says of a table, of one moment.
#[derive(Debug)]
pub(crate) struct Inspected {
    pub(crate) table_uuid: String,
    pub(crate) projected: Option<Projected>,
    /// Which metadata is registered, and which should be.
    pub(crate) registered: (Option<String>, Option<String>),
    pub(crate) files: Vec<Listing>,
    /// Files that the newest snapshot shows although they were removed since.
    pub(crate) shown: Vec<Removed>,
    /// Oldest first.
    pub(crate) snapshots: Vec<SnapshotState>,
}

/// A file that was removed.
#[derive(Debug)]
pub(crate) struct Removed {
    pub(crate) name: FilePath,
    pub(crate) rows: u64,
}

/// What a table has besides the files of its rows.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Leftovers {
    pub(crate) snapshots: u64,
    /// Files of rows that were replaced and wait to be deleted.
    pub(crate) replaced_files: u64,
    pub(crate) replaced_bytes: u64,
}

impl Catalog {
    /// Refuses a catalog of an earlier version, of which only queries know how to read it.
    pub(crate) fn check_is_present(&self) -> Result<(), Error> {
        let (path, found) = (self.path(), self.format_version()?);
        match found < FORMAT_VERSION {
            true => Err(Error::OlderFormat { path, found }),
            false => Ok(()),
        }
    }

    /// Reads all that is known of a table.
    pub(crate) fn inspect(&self, table: &'static Table) -> Result<Inspected, Error> {
        let transaction = self.connection.unchecked_transaction().context("read")?;
        let registered =
            (found_location(&transaction, table)?, expected_location(&transaction, table)?);
        self.read_inspected(table, registered).context("read")
    }

    fn read_inspected(
        &self,
        table: &'static Table,
        registered: (Option<String>, Option<String>),
    ) -> rusqlite::Result<Inspected> {
        let name = table.name();
        let (table_uuid, projected) = self.connection.query_row(
            "SELECT * FROM tables WHERE table_name = ?1",
            [name],
            |row| Ok((row.get("table_uuid")?, projected_of(row)?)),
        )?;
        let generation = projected.as_ref().map_or(0, |projected| projected.generation.0);
        Ok(Inspected {
            table_uuid,
            projected,
            registered,
            files: self.all_listings(table)?,
            shown: self
                .connection
                .prepare(
                    "SELECT path, rows FROM removed_files WHERE table_name = ?1
                     AND added_generation <= ?2 AND generation > ?2",
                )?
                .query_map(params![name, generation], removed)?
                .collect::<rusqlite::Result<_>>()?,
            snapshots: self
                .connection
                .prepare("SELECT * FROM snapshots WHERE table_name = ?1 ORDER BY generation")?
                .query_map([name], snapshot)?
                .collect::<rusqlite::Result<_>>()?,
        })
    }

    /// Counts what a table has besides its files.
    pub(crate) fn leftovers(&self, table: &Table) -> Result<Leftovers, Error> {
        self.connection
            .query_row(
                "SELECT (SELECT count(*) FROM snapshots WHERE table_name = ?1),
                 count(*), coalesce(sum(bytes), 0) FROM removed_files
                 WHERE table_name = ?1 AND bytes IS NOT NULL",
                [table.name()],
                |row| {
                    let (snapshots, replaced_files) = (row.get(0)?, row.get(1)?);
                    Ok(Leftovers { snapshots, replaced_files, replaced_bytes: row.get(2)? })
                },
            )
            .context("read")
    }
}

fn removed(row: &Row<'_>) -> rusqlite::Result<Removed> {
    Ok(Removed { name: FilePath::from(row.get::<_, String>(0)?), rows: row.get(1)? })
}
