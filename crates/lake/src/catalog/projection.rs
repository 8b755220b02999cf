//! What the projection to Iceberg's metadata reads, and what it leaves.

use event::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use uuid::Uuid;

use super::file_list::{FILE_COLUMNS, data_file, day_column, timestamp};
use super::tables::{CATALOG_NAME, NAMESPACE, TABLE_NAME};
use super::{Catalog, Generation};
use crate::Error;
use crate::day::Partition;
use crate::error::CatalogContext;
use crate::file::FileMetrics;
use crate::layout::{FilePath, uri_at};
use crate::version::DataFile;

/// What was projected last.
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

/// What there is to show.
#[derive(Debug)]
pub(crate) struct Pending {
    pub(crate) table_uuid: Uuid,
    pub(crate) generation: Generation,
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
    /// Reads what there is to show, of one moment.
    pub(crate) fn pending(&self, rewrite: Rewrite) -> Result<Pending, Error> {
        self.read_pending(rewrite).context("read")
    }

    fn read_pending(&self, rewrite: Rewrite) -> rusqlite::Result<Pending> {
        let transaction = self.connection.unchecked_transaction()?;
        let mut pending = transaction.query_row("SELECT * FROM lake", (), pending)?;
        pending.snapshots = transaction
            .prepare("SELECT * FROM snapshots ORDER BY generation")?
            .query_map((), snapshot)?
            .collect::<rusqlite::Result<_>>()?;
        let partitions: Vec<(Partition, Option<FilePath>)> = transaction
            .prepare("SELECT * FROM partitions ORDER BY day")?
            .query_map((), partition)?
            .collect::<rusqlite::Result<_>>()?;
        for (partition, manifest) in partitions {
            let state = match manifest {
                Some(manifest) if rewrite == Rewrite::Changed => ManifestState::Fresh(manifest),
                _ => ManifestState::Stale(self.listings(partition)?),
            };
            pending.partitions.push((partition, state));
        }
        let shown = pending.projected.as_ref().map_or(0, |projected| projected.generation.0);
        pending.totals = self.totals("files WHERE ?1 = ?1", shown)?;
        pending.added = self.totals("files WHERE generation > ?1", shown)?;
        let removed = "removed_files WHERE added_generation <= ?1 AND generation > ?1";
        pending.removed = self.totals(removed, shown)?;
        Ok(pending)
    }

    fn listings(&self, partition: Partition) -> rusqlite::Result<Vec<Listing>> {
        self.connection
            .prepare_cached(&format!(
                "SELECT {FILE_COLUMNS}, metrics, snapshot_id, sequence_number FROM files
                 WHERE day IS ?1 ORDER BY path"
            ))?
            .query_map([day_column(partition)], |row| listing(self, row))?
            .collect()
    }

    fn totals(&self, which: &str, shown: u64) -> rusqlite::Result<Totals> {
        let counts = "SELECT count(*), coalesce(sum(rows), 0), coalesce(sum(bytes), 0) FROM";
        self.connection.query_row(&format!("{counts} {which}"), [shown], totals)
    }

    /// Makes metadata that is on the disk the table's.
    pub(crate) fn register(&mut self, projection: &Projection) -> Result<(), Error> {
        let root = self.layout.root_text().to_owned();
        let catalog = self.path();
        let transaction = self.begin("register metadata in")?;
        let before = projected(&transaction)?;
        check_location(&transaction, before.as_ref(), catalog)?;
        write_location(
            &transaction,
            &uri_at(&root, &FilePath::table_metadata(projection.version)),
        )?;
        let executed = execute(&transaction, projection, &root);
        executed.and_then(|()| transaction.commit()).context("register metadata in")
    }

    /// Stops where another program committed to the table.
    pub(crate) fn check_registration(&self) -> Result<(), Error> {
        check_location(&self.connection, self.projected()?.as_ref(), self.path())
    }

    /// What was projected last; `None` where nothing was.
    pub(crate) fn projected(&self) -> Result<Option<Projected>, Error> {
        projected(&self.connection)
    }
}

fn execute(
    transaction: &Transaction<'_>,
    projection: &Projection,
    root: &str,
) -> rusqlite::Result<()> {
    let (generation, now) = (projection.generation.0, projection.now.as_micros());
    let (version, sequence_number) = (projection.version, projection.sequence_number);
    transaction.execute(
        "UPDATE lake SET root = ?1, projected_generation = ?2, metadata_version = ?3,
         sequence_number = ?4",
        params![root, generation, version, sequence_number],
    )?;
    let retire = "INSERT OR IGNORE INTO removed_files VALUES (?1, ?2, ?3, NULL, NULL, NULL)";
    for (partition, manifest) in &projection.manifests {
        let day = day_column(*partition);
        let old: Option<String> = transaction.query_row(
            "SELECT manifest FROM partitions WHERE day IS ?1",
            [day],
            |row| row.get(0),
        )?;
        if let Some(old) = old {
            transaction.execute(retire, params![old, generation, now])?;
        }
        transaction.execute(
            "UPDATE partitions SET manifest = ?2, manifest_generation = ?3 WHERE day IS ?1",
            params![day, manifest.as_ref().map(FilePath::as_str), generation],
        )?;
    }
    transaction.execute(
        "DELETE FROM partitions WHERE manifest IS NULL AND generation <= ?1",
        [generation],
    )?;
    for snapshot in &projection.expired {
        transaction.execute("DELETE FROM snapshots WHERE snapshot_id = ?1", [snapshot.id])?;
        transaction.execute(retire, params![snapshot.manifest_list.as_str(), 0, now])?;
    }
    if let Some(old) = &projection.retired {
        transaction.execute(retire, params![old.as_str(), 0, now])?;
    }
    if let Some(new) = &projection.snapshot {
        let (list, created_at) = (new.manifest_list.as_str(), new.created_at.as_micros());
        transaction.execute(
            "INSERT INTO snapshots VALUES (?1, ?2, ?3, ?4)",
            params![new.id, generation, created_at, list],
        )?;
        transaction.execute(
            "UPDATE files SET snapshot_id = ?1, sequence_number = ?2
             WHERE snapshot_id IS NULL AND generation <= ?3",
            params![new.id, sequence_number, generation],
        )?;
    }
    transaction.execute(
        "UPDATE removed_files SET unlisted_at = ?2 WHERE unlisted_at IS NULL AND generation <= ?1",
        params![generation, now],
    )?;
    Ok(())
}

fn check_location(
    connection: &Connection,
    projected: Option<&Projected>,
    catalog: std::path::PathBuf,
) -> Result<(), Error> {
    let found: Option<String> = connection
        .query_row(
            "SELECT metadata_location FROM iceberg_tables
             WHERE catalog_name = ?1 AND table_namespace = ?2 AND table_name = ?3",
            [CATALOG_NAME, NAMESPACE, TABLE_NAME],
            |row| row.get(0),
        )
        .optional()
        .context("read")?
        .flatten();
    // A registration that was dropped took nothing with it, and is made again.
    let Some(found) = found else {
        return Ok(());
    };
    let expected = projected.map_or_else(
        || "empty".to_owned(),
        |last| uri_at(&last.root, &FilePath::table_metadata(last.version)),
    );
    match found == expected {
        true => Ok(()),
        false => Err(Error::ForeignMetadata { catalog, found, expected }),
    }
}

fn write_location(transaction: &Transaction<'_>, location: &str) -> Result<(), Error> {
    let names = [CATALOG_NAME, NAMESPACE, TABLE_NAME, location];
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

fn projected(connection: &Connection) -> Result<Option<Projected>, Error> {
    connection.query_row("SELECT * FROM lake", (), projected_of).context("read")
}

fn projected_of(row: &Row<'_>) -> rusqlite::Result<Option<Projected>> {
    let Some(root) = row.get("root")? else {
        return Ok(None);
    };
    let generation = Generation(row.get("projected_generation")?);
    Ok(Some(Projected { root, generation, version: row.get("metadata_version")? }))
}

fn pending(row: &Row<'_>) -> rusqlite::Result<Pending> {
    let table_uuid: String = row.get("table_uuid")?;
    Ok(Pending {
        table_uuid: table_uuid.parse().unwrap_or_default(),
        generation: Generation(row.get("generation")?),
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

fn snapshot(row: &Row<'_>) -> rusqlite::Result<SnapshotState> {
    Ok(SnapshotState {
        id: row.get(0)?,
        generation: Generation(row.get(1)?),
        created_at: timestamp(row, 2)?,
        manifest_list: FilePath::from(row.get::<_, String>(3)?),
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

fn listing(catalog: &Catalog, row: &Row<'_>) -> rusqlite::Result<Listing> {
    let metrics: String = row.get(7)?;
    let snapshot: Option<i64> = row.get(8)?;
    Ok(Listing {
        file: data_file(&catalog.layout, row)?,
        metrics: serde_json::from_str(&metrics).map_err(|error| {
            rusqlite::Error::FromSqlConversionFailure(7, rusqlite::types::Type::Text, error.into())
        })?,
        first_shown: snapshot.zip(row.get::<_, Option<i64>>(9)?),
    })
}

fn totals(row: &Row<'_>) -> rusqlite::Result<Totals> {
    Ok(Totals { files: row.get(0)?, rows: row.get(1)?, bytes: row.get(2)? })
}
