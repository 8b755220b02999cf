//! What the projection to Iceberg's metadata reads, and what it leaves.

use std::path::Path;

use event::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use uuid::Uuid;

use super::file_list::{FILE_COLUMNS, data_file, day_column};
use super::tables::{CATALOG_NAME, NAMESPACE};
use super::{Catalog, Generation};
use crate::day::Partition;
use crate::error::CatalogContext;
use crate::file::FileMetrics;
use crate::layout::{FilePath, uri_at};
use crate::version::DataFile;
use crate::{Error, Table};

/// The line of a table.
const TABLE_STATE: &str = "SELECT * FROM tables WHERE table_name = ?1";

/// What was projected last of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Projected {
    /// Where the lake's folder was then; absolute paths in the metadata begin so.
    pub(crate) root: String,
    pub(crate) generation: Generation,
    /// The number of the metadata file.
    pub(crate) version: u64,
}

/// A snapshot in the metadata.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SnapshotState {
    pub(crate) id: i64,
    pub(crate) generation: Generation,
    pub(crate) created_at: Timestamp,
    pub(crate) manifest_list: FilePath,
}

/// A partition's manifest.
#[derive(Debug)]
pub(crate) enum ManifestState {
    /// It shows the partition as it is.
    Fresh(FilePath),
    /// It has to be written; these are the partition's files.
    Stale(Vec<Listing>),
}

/// Which manifests are to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rewrite {
    /// Those of partitions that changed.
    Changed,
    /// All, since the old ones cannot be used.
    All,
}

/// A file as a manifest lists it.
#[derive(Clone, Debug)]
pub(crate) struct Listing {
    pub(crate) file: DataFile,
    pub(crate) metrics: FileMetrics,
    /// The snapshot that showed it first, with its sequence number; `None` for a new file.
    pub(crate) first_shown: Option<(i64, i64)>,
}

/// Counts over files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) files: u64,
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
}

/// What there is to show of a table.
#[derive(Debug)]
pub(crate) struct Pending {
    pub(crate) table: &'static Table,
    pub(crate) table_uuid: Uuid,
    pub(crate) generation: Generation,
    /// Snapshots of an earlier generation show what is erased.
    pub(crate) erased: Generation,
    /// The last sequence number given to a snapshot.
    pub(crate) sequence_number: i64,
    /// The last number given to a metadata file.
    pub(crate) last_version: u64,
    pub(crate) projected: Option<Projected>,
    /// Oldest first.
    pub(crate) snapshots: Vec<SnapshotState>,
    pub(crate) partitions: Vec<(Partition, ManifestState)>,
    /// All files.
    pub(crate) totals: Totals,
    /// Files that no snapshot shows yet.
    pub(crate) added: Totals,
    /// Files that the newest snapshot shows although they were removed.
    pub(crate) removed: Totals,
}

/// Metadata that is on the disk and waits to be registered.
#[derive(Debug)]
pub(crate) struct Projection {
    pub(crate) table: &'static Table,
    pub(crate) generation: Generation,
    pub(crate) version: u64,
    pub(crate) sequence_number: i64,
    /// The snapshot that it adds, if any.
    pub(crate) snapshot: Option<SnapshotState>,
    /// Snapshots that it does not have any more.
    pub(crate) expired: Vec<SnapshotState>,
    /// Manifests that it writes anew; `None` for a partition without files.
    pub(crate) manifests: Vec<(Partition, Option<FilePath>)>,
    /// A metadata file that nothing names any more.
    pub(crate) retired: Option<FilePath>,
    pub(crate) now: Timestamp,
}

impl Catalog {
    /// Reads what there is to show of a table, of one moment.
    pub(crate) fn pending(
        &self,
        table: &'static Table,
        rewrite: Rewrite,
    ) -> Result<Pending, Error> {
        self.read_pending(table, rewrite).context("read")
    }

    fn read_pending(&self, table: &'static Table, rewrite: Rewrite) -> rusqlite::Result<Pending> {
        let transaction = self.connection.unchecked_transaction()?;
        let mut pending =
            transaction.query_row(TABLE_STATE, [table.name()], |row| pending(table, row))?;
        pending.snapshots = transaction
            .prepare("SELECT * FROM snapshots WHERE table_name = ?1 ORDER BY generation")?
            .query_map([table.name()], snapshot)?
            .collect::<rusqlite::Result<_>>()?;
        let partitions: Vec<(Partition, Option<FilePath>)> = transaction
            .prepare("SELECT * FROM partitions WHERE table_name = ?1 ORDER BY day")?
            .query_map([table.name()], partition)?
            .collect::<rusqlite::Result<_>>()?;
        for (partition, manifest) in partitions {
            let state = match manifest {
                Some(manifest) if rewrite == Rewrite::Changed => ManifestState::Fresh(manifest),
                _ => ManifestState::Stale(self.listings(table, partition)?),
            };
            pending.partitions.push((partition, state));
        }
        let shown = pending.projected.as_ref().map_or(0, |projected| projected.generation.0);
        let totals = |which| self.totals(table, which, shown);
        pending.totals = totals("files WHERE ?2 = ?2")?;
        pending.added = totals("files WHERE generation > ?2")?;
        pending.removed = totals("removed_files WHERE added_generation <= ?2 AND generation > ?2")?;
        Ok(pending)
    }

    fn listings(
        &self,
        table: &'static Table,
        partition: Partition,
    ) -> rusqlite::Result<Vec<Listing>> {
        self.connection
            .prepare_cached(&listings_where("day IS ?2"))?
            .query_map(params![table.name(), day_column(partition)], |row| {
                listing(self, table, row)
            })?
            .collect()
    }

    /// Every file of a table.
    pub(super) fn all_listings(&self, table: &'static Table) -> rusqlite::Result<Vec<Listing>> {
        self.connection
            .prepare(&listings_where("true"))?
            .query_map([table.name()], |row| listing(self, table, row))?
            .collect()
    }

    fn totals(&self, table: &Table, which: &str, shown: u64) -> rusqlite::Result<Totals> {
        let counts = "SELECT count(*), coalesce(sum(rows), 0), coalesce(sum(bytes), 0) FROM";
        let select = format!("{counts} {which} AND table_name = ?1");
        self.connection.query_row(&select, params![table.name(), shown], totals)
    }

    /// Makes metadata that is on the disk the table's.
    pub(crate) fn register(&mut self, projection: &Projection) -> Result<(), Error> {
        let root = self.layout.root_text().to_owned();
        let catalog = self.path();
        let transaction = self.begin("register metadata in")?;
        let table = projection.table;
        check_location(&transaction, table, &catalog)?;
        let location = uri_at(&root, &FilePath::table_metadata(table, projection.version));
        write_location(&transaction, table, &location)?;
        let executed = execute(&transaction, projection, &root);
        executed.and_then(|()| transaction.commit()).context("register metadata in")
    }

    /// Stops where another program committed to a table, and registers those again that somebody
    /// took out.
    pub(crate) fn check_registration(&mut self) -> Result<(), Error> {
        let catalog = self.path();
        let transaction = self.begin("check")?;
        for table in Table::all() {
            check_location(&transaction, table, &catalog)?;
            let expected = expected_location(&transaction, table)?;
            if let (None, Some(expected)) = (found_location(&transaction, table)?, expected) {
                write_location(&transaction, table, &expected)?;
            }
        }
        transaction.commit().context("check")
    }

    /// What was projected last of a table; `None` where nothing was.
    pub(crate) fn projected(&self, table: &'static Table) -> Result<Option<Projected>, Error> {
        projected(&self.connection, table)
    }
}

fn execute(
    transaction: &Transaction<'_>,
    projection: &Projection,
    root: &str,
) -> rusqlite::Result<()> {
    let (generation, now) = (projection.generation.0, projection.now.as_micros());
    let (version, sequence_number) = (projection.version, projection.sequence_number);
    let table = projection.table.name();
    transaction.execute(
        "UPDATE tables SET root = ?2, projected_generation = ?3, metadata_version = ?4,
         sequence_number = ?5 WHERE table_name = ?1",
        params![table, root, generation, version, sequence_number],
    )?;
    let retire = "INSERT OR IGNORE INTO removed_files (path, table_name, generation, unlisted_at)
                  VALUES (?1, ?2, ?3, ?4)";
    for (partition, manifest) in &projection.manifests {
        let day = day_column(*partition);
        let old: Option<String> = transaction.query_row(
            "SELECT manifest FROM partitions WHERE table_name = ?1 AND day IS ?2",
            params![table, day],
            |row| row.get(0),
        )?;
        if let Some(old) = old {
            transaction.execute(retire, params![old, table, generation, now])?;
        }
        transaction.execute(
            "UPDATE partitions SET manifest = ?3, manifest_generation = ?4
             WHERE table_name = ?1 AND day IS ?2",
            params![table, day, manifest.as_ref().map(FilePath::as_str), generation],
        )?;
    }
    transaction.execute(
        "DELETE FROM partitions WHERE table_name = ?1 AND manifest IS NULL AND generation <= ?2",
        params![table, generation],
    )?;
    for snapshot in &projection.expired {
        transaction.execute("DELETE FROM snapshots WHERE snapshot_id = ?1", [snapshot.id])?;
        transaction.execute(retire, params![snapshot.manifest_list.as_str(), table, 0, now])?;
    }
    if let Some(old) = &projection.retired {
        transaction.execute(retire, params![old.as_str(), table, 0, now])?;
    }
    if let Some(new) = &projection.snapshot {
        let (list, created_at) = (new.manifest_list.as_str(), new.created_at.as_micros());
        transaction.execute(
            "INSERT INTO snapshots (snapshot_id, table_name, generation, created_at, manifest_list)
             VALUES (?1, ?2, ?3, ?4, ?5)",
            params![new.id, table, generation, created_at, list],
        )?;
        transaction.execute(
            "UPDATE files SET snapshot_id = ?2, sequence_number = ?3
             WHERE table_name = ?1 AND snapshot_id IS NULL AND generation <= ?4",
            params![table, new.id, sequence_number, generation],
        )?;
    }
    transaction.execute(
        "UPDATE removed_files SET unlisted_at = ?3
         WHERE table_name = ?1 AND unlisted_at IS NULL AND generation <= ?2",
        params![table, generation, now],
    )?;
    Ok(())
}

fn check_location(
    connection: &Connection,
    table: &'static Table,
    catalog: &Path,
) -> Result<(), Error> {
    // A registration that was dropped took nothing with it, and is made again.
    let Some(found) = found_location(connection, table)? else {
        return Ok(());
    };
    let expected = expected_location(connection, table)?;
    match expected.as_ref() == Some(&found) {
        true => Ok(()),
        false => {
            let expected = expected.unwrap_or_else(|| "empty".to_owned());
            let (table, catalog) = (table.name(), catalog.to_path_buf());
            Err(Error::ForeignMetadata { table, catalog, found, expected })
        }
    }
}

/// Which metadata is registered.
pub(super) fn found_location(
    connection: &Connection,
    table: &Table,
) -> Result<Option<String>, Error> {
    let found = connection
        .query_row(
            "SELECT metadata_location FROM iceberg_tables
             WHERE catalog_name = ?1 AND table_namespace = ?2 AND table_name = ?3",
            [CATALOG_NAME, NAMESPACE, table.name()],
            |row| row.get(0),
        )
        .optional()
        .context("read")?;
    Ok(found.flatten())
}

/// Which metadata this program registered last.
pub(super) fn expected_location(
    connection: &Connection,
    table: &Table,
) -> Result<Option<String>, Error> {
    let location =
        |last: Projected| uri_at(&last.root, &FilePath::table_metadata(table, last.version));
    Ok(projected(connection, table)?.map(location))
}

fn write_location(
    transaction: &Transaction<'_>,
    table: &Table,
    location: &str,
) -> Result<(), Error> {
    let names = [CATALOG_NAME, NAMESPACE, table.name(), location];
    transaction
        .execute(
            "INSERT INTO iceberg_tables VALUES (?1, ?2, ?3, ?4, NULL, 'TABLE')
             ON CONFLICT DO UPDATE SET previous_metadata_location = metadata_location,
             metadata_location = excluded.metadata_location, iceberg_type = 'TABLE'",
            names,
        )
        .and_then(|_| {
            transaction.execute(
                "INSERT OR IGNORE INTO iceberg_namespace_properties
                 VALUES (?1, ?2, 'exists', 'true')",
                [CATALOG_NAME, NAMESPACE],
            )
        })
        .map(drop)
        .context("register metadata in")
}

fn projected(connection: &Connection, table: &Table) -> Result<Option<Projected>, Error> {
    connection.query_row(TABLE_STATE, [table.name()], projected_of).context("read")
}

pub(super) fn projected_of(row: &Row<'_>) -> rusqlite::Result<Option<Projected>> {
    let Some(root) = row.get("root")? else {
        return Ok(None);
    };
    let generation = Generation(row.get("projected_generation")?);
    Ok(Some(Projected { root, generation, version: row.get("metadata_version")? }))
}

fn pending(table: &'static Table, row: &Row<'_>) -> rusqlite::Result<Pending> {
    let table_uuid: String = row.get("table_uuid")?;
    Ok(Pending {
        table,
        table_uuid: table_uuid.parse().unwrap_or_default(),
        generation: Generation(row.get("generation")?),
        erased: Generation(row.get("erased_generation")?),
        sequence_number: row.get("sequence_number")?,
        last_version: row.get("metadata_version")?,
        projected: projected_of(row)?,
        snapshots: Vec::new(),
        partitions: Vec::new(),
        totals: Totals::default(),
        added: Totals::default(),
        removed: Totals::default(),
    })
}

pub(super) fn snapshot(row: &Row<'_>) -> rusqlite::Result<SnapshotState> {
    Ok(SnapshotState {
        id: row.get("snapshot_id")?,
        generation: Generation(row.get("generation")?),
        created_at: Timestamp::from_micros(row.get("created_at")?),
        manifest_list: FilePath::from(row.get::<_, String>("manifest_list")?),
    })
}

/// A partition, and its manifest if that shows it as it is.
fn partition(row: &Row<'_>) -> rusqlite::Result<(Partition, Option<FilePath>)> {
    let changed: u64 = row.get("generation")?;
    let shown: Option<u64> = row.get("manifest_generation")?;
    let manifest: Option<String> = row.get("manifest")?;
    let fresh = manifest.filter(|_| shown >= Some(changed)).map(FilePath::from);
    Ok((row.get::<_, Option<i32>>("day")?.into(), fresh))
}

/// Selects files of a table, as [`listing`] reads them.
fn listings_where(which: &str) -> String {
    format!(
        "SELECT {FILE_COLUMNS}, metrics, snapshot_id, sequence_number FROM files
         WHERE table_name = ?1 AND {which} ORDER BY path"
    )
}

fn listing(catalog: &Catalog, table: &'static Table, row: &Row<'_>) -> rusqlite::Result<Listing> {
    let metrics: String = row.get(8)?;
    let snapshot: Option<i64> = row.get(9)?;
    Ok(Listing {
        file: data_file(&catalog.layout, table, row)?,
        metrics: serde_json::from_str(&metrics).map_err(|error| {
            rusqlite::Error::FromSqlConversionFailure(8, rusqlite::types::Type::Text, error.into())
        })?,
        first_shown: snapshot.zip(row.get::<_, Option<i64>>(10)?),
    })
}

fn totals(row: &Row<'_>) -> rusqlite::Result<Totals> {
    Ok(Totals { files: row.get(0)?, rows: row.get(1)?, bytes: row.get(2)? })
}
