//! Tables of a catalog that are read where they are, whoever writes them: Cloudflare Pipelines, or this
//! program.
//!
//! A version has the files of each table's current snapshot, as they were when the catalog was last asked.
//! Tables are asked one after the other, so one may be some moments ahead of another. While the catalog
//! cannot be asked, what was read before stays, and says how old it is.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use event::Timestamp;
use futures::{StreamExt, TryStreamExt};
use iceberg::spec::{
    DataFileFormat, Datum, ManifestContentType, ManifestFile, PrimitiveLiteral, PrimitiveType,
    TableMetadata,
};
use sink::Error;
use tokio::sync::{Mutex, watch};
use tracing::{info, warn};
use uuid::Uuid;

use super::Config;
use super::client::Client;
use super::manifests;
use super::storage::Storage;
use crate::Table;
use crate::version::{Current, DataFile, Remote, Version};

/// How soon a catalog in trouble is asked again.
const RETRY: Duration = Duration::from_secs(5);
/// How many manifests are read at a time.
const MANIFESTS_AT_ONCE: usize = 8;

/// Tables of a catalog, for reading. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Attached {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    client: Client,
    config: Config,
    current: Current,
    freshness: RwLock<Freshness>,
    /// What was read of each table; held while the catalog is asked.
    known: Mutex<BTreeMap<&'static str, Known>>,
    /// Counts versions.
    changed: watch::Sender<u64>,
}

/// How new what is read is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Freshness {
    /// When the newest snapshot of `events` was committed.
    pub committed_at: Option<Timestamp>,
    /// When the catalog last said so.
    pub checked_at: Option<Timestamp>,
    /// Why it has said nothing since.
    pub trouble: Option<String>,
}

/// What was read of a table.
#[derive(Debug)]
struct Known {
    uuid: Uuid,
    snapshot: Option<i64>,
    committed_at: Option<Timestamp>,
    storage: Storage,
    /// The files of each manifest, which never change.
    manifests: BTreeMap<String, Arc<[Arc<DataFile>]>>,
}

impl Attached {
    /// Prepares to read tables; the catalog is asked later.
    ///
    /// # Errors
    /// When no client can be built.
    pub fn new(config: Config) -> Result<Self, Error> {
        let client = Client::new(config.clone()).map_err(|error| {
            Error::paused(format!("the catalog's tables cannot be read: {error}"))
        })?;
        let (changed, _) = watch::channel(0);
        let shared = Shared {
            client,
            config,
            current: Current::new(Version::default()),
            freshness: RwLock::default(),
            known: Mutex::default(),
            changed,
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Returns the tables as they were when the catalog was last asked.
    pub fn version(&self) -> Arc<Version> {
        self.shared.current.get()
    }

    /// Says how new that is.
    pub fn freshness(&self) -> Freshness {
        self.shared.freshness.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until there were more versions than so many; returns how many there were.
    pub async fn changed_since(&self, seen: u64) -> u64 {
        let mut changed = self.shared.changed.subscribe();
        let more = changed.wait_for(|count| *count > seen).await.map(|count| *count);
        more.unwrap_or(seen)
    }

    /// Asks the catalog again and again, until it is stopped.
    pub async fn keep_fresh(self, mut stopped: watch::Receiver<bool>) {
        let asking = async {
            loop {
                let failed = self.refresh().await.err();
                let interval = self.shared.config.commit_interval;
                let pause = if failed.is_some() { interval.min(RETRY) } else { interval };
                self.tell(failed);
                tokio::time::sleep(pause).await;
            }
        };
        tokio::select! {
            _ = stopped.wait_for(|stopped| *stopped) => {}
            () = asking => {}
        }
    }

    /// Logs troubles when they begin and when they end, and not each time.
    fn tell(&self, failed: Option<Error>) {
        let mut freshness = self.shared.freshness.write().unwrap_or_else(PoisonError::into_inner);
        let reason = failed.map(|error| error.to_string());
        match (&freshness.trouble, &reason) {
            (before, Some(reason)) if before.as_ref() != Some(reason) => {
                warn!(%reason, "the catalog's tables cannot be read; questions get older rows");
            }
            (Some(_), None) => info!("the catalog's tables are read again"),
            _ => {}
        }
        freshness.trouble = reason;
    }

    /// Takes over the current snapshots of all tables, or of none.
    ///
    /// # Errors
    /// When the catalog or its storage cannot be read, or a table is such that its rows cannot be.
    pub async fn refresh(&self) -> Result<(), Error> {
        let mut known = self.shared.known.lock().await;
        let checked_at = Timestamp::now();
        let mut fresh = BTreeMap::new();
        for table in Table::all() {
            let name = self.shared.config.names.of(table);
            match self.shared.client.load(name).await? {
                Some(loaded) => {
                    let known = known.get(table.name());
                    let read = Known::of(table, &loaded, known, &self.shared.config).await?;
                    fresh.insert(table.name(), read);
                }
                // Whoever sends events alone has no other table.
                None if table.name() != event::Table::Events.name() => {}
                None => {
                    let namespace = self.shared.config.namespace.join(".");
                    return Err(Error::paused(format!(
                        "there is no table {namespace}.{name} in the catalog \
                         (HOGFLARE_CATALOG_NAMESPACE, HOGFLARE_CATALOG_TABLES)"
                    )));
                }
            }
        }
        let is_same = fresh.len() == known.len()
            && fresh
                .iter()
                .all(|(table, read)| known.get(table).is_some_and(|known| read.is_same_as(known)));
        let committed_at =
            fresh.get(event::Table::Events.name()).and_then(|read| read.committed_at);
        *known = fresh;
        if !is_same {
            let (files, remote) = shown(&known);
            self.shared.current.update(|version| version.take_remote(files, remote));
            self.shared.changed.send_modify(|count| *count += 1);
        }
        let mut freshness = self.shared.freshness.write().unwrap_or_else(PoisonError::into_inner);
        freshness.committed_at = committed_at;
        freshness.checked_at = Some(checked_at);
        Ok(())
    }
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
    known: Option<&BTreeMap<String, Arc<[Arc<DataFile>]>>>,
    storage: &Storage,
) -> Result<BTreeMap<String, Arc<[Arc<DataFile>]>>, Error> {
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
