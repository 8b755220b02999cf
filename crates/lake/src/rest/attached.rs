//! Tables of a catalog that are read where they are, whoever writes them: Cloudflare Pipelines, or this
//! program.
//!
//! A version has the files of each table's current snapshot, as they were when the catalog was last asked.
//! Tables are asked one after the other, so one may be some moments ahead of another. A table that
//! cannot be read stays as it was.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use event::Timestamp;
use futures::{StreamExt, TryStreamExt};
use iceberg::spec::{
    DataFileFormat, Datum, ManifestContentType, ManifestFile, PrimitiveLiteral, PrimitiveType,
    TableMetadata,
};
use sink::Error;
use tokio::sync::Mutex;
use uuid::Uuid;

use super::Config;
use super::client::Client;
use super::manifests;
use super::storage::Storage;
use crate::Table;
use crate::version::{Current, DataFile, Remote, Version};

/// How many manifests are read at a time.
const MANIFESTS_AT_ONCE: usize = 8;

/// Tables of a catalog, for reading.
#[derive(Debug)]
pub struct Attached {
    client: Client,
    config: Config,
    current: Current,
    /// What was read of each table; held while the catalog is asked.
    known: Mutex<BTreeMap<&'static str, Known>>,
}

/// What was found of a catalog's tables.
#[derive(Clone, Debug)]
pub struct Found {
    /// Their current snapshots; the same version as before where they are the same.
    pub version: Arc<Version>,
    /// When the newest snapshot of `events` was committed.
    pub committed_at: Option<Timestamp>,
    /// Why a table is as it was before, or not there, for each that cannot be read as it is now.
    pub troubles: Vec<String>,
}

/// What was read of a table.
#[derive(Clone, Debug)]
struct Known {
    uuid: Uuid,
    snapshot: Option<i64>,
    committed_at: Option<Timestamp>,
    storage: Storage,
    /// The files of each manifest, which never change.
    manifests: Manifests,
}

type Manifests = BTreeMap<String, Arc<[Arc<DataFile>]>>;

impl Attached {
    /// Prepares to read tables; the catalog is asked later.
    ///
    /// # Errors
    /// When no client can be built.
    pub fn new(config: Config) -> Result<Self, Error> {
        let client = Client::new(config.clone()).map_err(|error| {
            Error::paused(format!("the catalog's tables cannot be read: {error}"))
        })?;
        let current = Current::new(Version::default());
        Ok(Self { client, config, current, known: Mutex::default() })
    }

    /// How often the catalog should be asked.
    pub const fn interval(&self) -> Duration {
        self.config.commit_interval
    }

    /// Looks for the current snapshots of all tables.
    ///
    /// # Errors
    /// When the catalog cannot be asked, or of `events` nothing was ever read. A table whose snapshot
    /// cannot be read stays as it was.
    pub async fn read(&self) -> Result<Found, Error> {
        let mut known = self.known.lock().await;
        let (mut fresh, mut troubles) = (BTreeMap::new(), Vec::new());
        for table in Table::all() {
            let Some(name) = self.config.names.of(table) else { continue };
            let Some(loaded) = self.client.load(name).await? else {
                // Whoever sends events alone has no other table.
                if is_events(table) {
                    return Err(self.no_events(name));
                }
                continue;
            };
            let before = known.get(table.name());
            match (Known::of(table, &loaded, before, &self.config).await, before) {
                (Ok(read), _) => drop(fresh.insert(table.name(), read)),
                (Err(error), None) if is_events(table) => return Err(error),
                (Err(error), before) => {
                    troubles.push(error.to_string());
                    before.and_then(|before| fresh.insert(table.name(), before.clone()));
                }
            }
        }
        let is_same = fresh.len() == known.len()
            && fresh
                .iter()
                .all(|(table, read)| known.get(table).is_some_and(|known| read.is_same_as(known)));
        *known = fresh;
        if !is_same {
            let (files, remote) = shown(&known);
            self.current.update(|version| version.take_remote(files, remote));
        }
        let events = known.get(event::Table::Events.name());
        let committed_at = events.and_then(|events| events.committed_at);
        Ok(Found { version: self.current.get(), committed_at, troubles })
    }

    fn no_events(&self, name: &str) -> Error {
        let namespace = self.config.namespace.join(".");
        Error::paused(format!(
            "there is no table {namespace}.{name} in the catalog (HOGFLARE_CATALOG_NAMESPACE, \
             HOGFLARE_CATALOG_TABLES)"
        ))
    }
}

fn is_events(table: &Table) -> bool {
    table.name() == event::Table::Events.name()
}

/// The files of all tables, and where they are.
fn shown(
    known: &BTreeMap<&'static str, Known>,
) -> (BTreeMap<&'static str, Vec<Arc<DataFile>>>, Remote) {
    let files = known.iter().map(|(table, read)| {
        let files = read.manifests.values().flat_map(|files| files.iter().cloned());
        (*table, files.collect())
    });
    let stores = known.iter().map(|(table, read)| (*table, read.storage.objects()));
    (files.collect(), Remote(stores.collect()))
}

impl Known {
    /// Reads what is new of a table.
    async fn of(
        table: &'static Table,
        loaded: &iceberg_catalog_rest::LoadTableResult,
        known: Option<&Self>,
        config: &Config,
    ) -> Result<Self, Error> {
        let metadata = &loaded.metadata;
        let known = known.filter(|known| known.uuid == metadata.uuid());
        let storage = match known {
            Some(known) => known.storage.with_news(loaded, &config.storage)?,
            None => Storage::of(loaded, &config.storage)?,
        };
        let snapshot = metadata.current_snapshot();
        let snapshot_id = snapshot.map(|snapshot| snapshot.snapshot_id());
        let millis = snapshot.map(|snapshot| snapshot.timestamp_ms());
        let committed_at =
            millis.map(|millis| Timestamp::from_micros(millis.saturating_mul(1_000)));
        let manifests = match (known, snapshot) {
            (_, None) => BTreeMap::new(),
            (Some(known), Some(_)) if known.snapshot == snapshot_id => known.manifests.clone(),
            (known, Some(snapshot)) => {
                let list = storage.get(snapshot.manifest_list()).await?;
                let lines = manifests::lines(&list, metadata.format_version())?;
                let before = known.map(|known| &known.manifests);
                read_manifests(table, metadata, lines, before, &storage).await?
            }
        };
        Ok(Self { uuid: metadata.uuid(), snapshot: snapshot_id, committed_at, storage, manifests })
    }

    fn is_same_as(&self, other: &Self) -> bool {
        (self.uuid, self.snapshot) == (other.uuid, other.snapshot)
            && self.storage.is_same_as(&other.storage)
    }
}

async fn read_manifests(
    table: &'static Table,
    metadata: &TableMetadata,
    lines: Vec<ManifestFile>,
    known: Option<&Manifests>,
    storage: &Storage,
) -> Result<Manifests, Error> {
    if lines.iter().any(deletes_rows) {
        return Err(unreadable(
            table,
            "some of its rows are marked as deleted, which is not read here: let an engine rewrite \
             its files (`rewrite_data_files`, or R2's compaction)",
        ));
    }
    let data = lines.into_iter().filter(|line| line.content == ManifestContentType::Data);
    let reading = data.map(|line| async move {
        let path = line.manifest_path.clone();
        if let Some(files) = known.and_then(|known| known.get(&path)) {
            return Ok((path, files.clone()));
        }
        let bytes = storage.get(&path).await?;
        let manifest = manifests::read(&line, bytes).await?;
        let alive = manifest.entries().iter().filter(|entry| entry.is_alive());
        let files = alive.map(|entry| data_file(table, metadata, entry.data_file(), storage));
        let files = files.collect::<Result<Vec<_>, Error>>()?;
        Ok::<_, Error>((path, files.into()))
    });
    futures::stream::iter(reading).buffer_unordered(MANIFESTS_AT_ONCE).try_collect().await
}

/// Whether a manifest has position deletes, equality deletes or deletion vectors that are in force.
fn deletes_rows(line: &ManifestFile) -> bool {
    line.content == ManifestContentType::Deletes
        && (line.has_added_files() || line.has_existing_files())
}

fn data_file(
    table: &'static Table,
    metadata: &TableMetadata,
    file: &iceberg::spec::DataFile,
    storage: &Storage,
) -> Result<Arc<DataFile>, Error> {
    if file.file_format() != DataFileFormat::Parquet {
        return Err(unreadable(table, "some of its files are not Parquet"));
    }
    let time = metadata.current_schema().field_id_by_name(table.time().name);
    let bound = |bounds: &std::collections::HashMap<i32, Datum>| {
        time.and_then(|time| micros(bounds.get(&time)?))
    };
    let times = bound(file.lower_bounds()).zip(bound(file.upper_bounds()));
    let (key, name) = (storage.path(file.file_path())?, file.file_path().to_owned());
    let (bytes, rows) = (file.file_size_in_bytes(), file.record_count());
    Ok(Arc::new(DataFile::remote(table, key.as_ref(), name, (bytes, rows), times)))
}

/// A moment of a table's statistics; `None` where the column is no timestamp with microseconds.
fn micros(bound: &Datum) -> Option<Timestamp> {
    match (bound.data_type(), bound.literal()) {
        (PrimitiveType::Timestamp | PrimitiveType::Timestamptz, PrimitiveLiteral::Long(micros)) => {
            Some(Timestamp::from_micros(*micros))
        }
        _ => None,
    }
}

fn unreadable(table: &Table, why: &str) -> Error {
    Error::paused(format!("table {} of the catalog cannot be read: {why}", table.name()))
}
