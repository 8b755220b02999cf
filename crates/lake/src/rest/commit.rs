//! Committing: files first, then one request that adds them and moves the cursor.
//!
//! A commit is safe to try again at any point. What was written for it stays the same, and each try
//! begins with the table as the catalog has it:
//!
//! | the table says | then |
//! |---|---|
//! | the cursor is past our rows | it took place; nobody had told |
//! | the cursor is where we left it, the head as before | the same request again |
//! | likewise, but it has changed otherwise | another request: the earlier one, which may yet take place, could be refused for its age |
//! | likewise, another head | the earlier request cannot take place any more; a list on top of that head |
//! | a cursor that this folder once wanted | a commit from before a restart arrived late: without its rows |
//! | another cursor | somebody writes with our journal: an operator must look |

use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::{Duration, Instant};

use arrow::array::{AsArray, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::Int64Type;
use bytes::Bytes;
use event::Timestamp;
use iceberg::spec::{
    FormatVersion, MAIN_BRANCH, ManifestFile, Operation, Snapshot, SnapshotReference,
    SnapshotRetention, Summary, TableMetadata,
};
use iceberg::{TableRequirement, TableUpdate};
use iceberg_catalog_rest::CommitTableRequest;
use journal::{JournalId, Offset};
use sink::Error;
use tracing::{debug, warn};
use uuid::Uuid;

use super::client::{Client, Outcome};
use super::expiry::{Expired, MADE_BY, REPLACED, expired};
use super::manifests::{self, NewManifest, metadata_file};
use super::parquet::{Encoded, encode};
use super::table::CatalogTable;
use super::{Config, metrics};
use crate::blocking;
use crate::projection::random_id;

/// Tries in a row before the runner waits.
const TRIES: u32 = 6;
/// How long the first loser of a race waits at most.
const LOSERS_WAIT: Duration = Duration::from_millis(200);

/// Objects are durable, the catalog was not asked.
const BEFORE_COMMIT: &str = "catalog-before-commit";
/// Files are durable, nothing names them.
const AFTER_FILES: &str = "catalog-after-files";
/// The catalog has it, nobody was told.
const AFTER_COMMIT: &str = "catalog-after-commit";

/// Rows of a table on their way.
#[derive(Debug)]
pub(super) struct Pending {
    /// The rows, in case some of them turn out to be there already.
    batches: Vec<RecordBatch>,
    files: Vec<Encoded>,
    rows: u64,
    bytes: u64,
    /// The cursor after it.
    to: Offset,
    snapshot_id: i64,
    /// Manifests of the files, once the storage has them.
    manifests: Vec<ManifestFile>,
    attempt: Option<Attempt>,
    /// Objects of attempts that cannot take place any more.
    obsolete: Vec<String>,
}

/// The state of a table that a request is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Base {
    head: Option<i64>,
    last_sequence_number: i64,
    last_updated_ms: i64,
}

impl Base {
    fn of(metadata: &TableMetadata) -> Self {
        Self {
            head: metadata.current_snapshot_id(),
            last_sequence_number: metadata.last_sequence_number(),
            last_updated_ms: metadata.last_updated_ms(),
        }
    }
}

/// A request on top of one head.
#[derive(Debug)]
struct Attempt {
    base: Base,
    request: CommitTableRequest,
    /// Objects that no other attempt needs.
    objects: Vec<String>,
    /// Snapshots that it drops.
    expired: Vec<Expired>,
}

/// What committing needs besides a table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Committer<'a> {
    pub(super) client: &'a Client,
    pub(super) config: &'a Config,
    pub(super) journal_id: JournalId,
    /// How far this data folder has ever wanted to commit.
    pub(super) intended: Offset,
}

/// Where a table stands.
#[derive(Debug, PartialEq, Eq)]
enum Standing {
    /// It has none of the rows.
    Before,
    /// It has all of them.
    Behind,
    /// It has those below this offset.
    Within(Offset),
}

impl Committer<'_> {
    /// Commits what a table has waiting; afterwards it has its rows below `to`.
    pub(super) async fn commit(&self, table: &mut CatalogTable, to: Offset) -> Result<(), Error> {
        // What is on its way since an earlier try comes first, and what came since then after it.
        while table.pending.is_some() || !table.waiting.is_empty() {
            self.commit_one(table, to).await?;
        }
        Ok(())
    }

    async fn commit_one(&self, table: &mut CatalogTable, to: Offset) -> Result<(), Error> {
        let started = Instant::now();
        if table.pending.is_none() {
            let batches = table.waiting.clone();
            table.pending = Some(self.begin(table, batches, to).await?);
            table.waiting.clear();
        }
        let Some(mut pending) = table.pending.take() else { return Ok(()) };
        if let Err(error) = self.finish(table, &mut pending).await {
            table.pending = Some(pending);
            return Err(error);
        }
        table.committed = table.committed.max(Some(pending.to));
        ::metrics::histogram!(metrics::COMMIT_SECONDS).record(started.elapsed());
        let name = table.name();
        ::metrics::counter!(metrics::ROWS_TOTAL, "table" => name).increment(pending.rows);
        ::metrics::counter!(metrics::BYTES_TOTAL, "table" => name).increment(pending.bytes);
        journal::failpoint(AFTER_COMMIT);
        Ok(())
    }

    /// Makes files of rows.
    async fn begin(
        &self,
        table: &CatalogTable,
        batches: Vec<RecordBatch>,
        to: Offset,
    ) -> Result<Pending, Error> {
        let (location, shape, of) = (table.location.clone(), table.shape.clone(), table.table);
        let encoding = blocking::run(move || {
            let files = encode(of, &shape, &location, &batches);
            Ok(files.map(|files| (files, batches)))
        });
        let (files, batches) = encoding.await??;
        Ok(Pending {
            rows: files.iter().map(|file| file.entry.record_count()).sum(),
            bytes: files.iter().map(|file| file.entry.file_size_in_bytes()).sum(),
            batches,
            files,
            to,
            snapshot_id: random_id(),
            manifests: Vec::new(),
            attempt: None,
            obsolete: Vec::new(),
        })
    }

    /// Tries until the table has the rows.
    async fn finish(&self, table: &mut CatalogTable, pending: &mut Pending) -> Result<(), Error> {
        let count = |outcome: &'static str| {
            let labels = [("table", table.table.name()), ("outcome", outcome)];
            ::metrics::counter!(metrics::COMMITS_TOTAL, &labels).increment(1);
        };
        for tried in 0..TRIES {
            let loaded = table.load(self.client, self.config).await?;
            match self.standing(table, pending, &loaded.metadata)? {
                Standing::Before => {}
                Standing::Behind => {
                    count("found");
                    self.clean_up(table, pending, None).await;
                    return Ok(());
                }
                Standing::Within(cursor) => {
                    *pending = self.without_rows_below(cursor, table, pending).await?;
                    table.committed = Some(cursor);
                    if pending.files.is_empty() {
                        self.clean_up(table, pending, None).await;
                        return Ok(());
                    }
                }
            }
            self.store_files(table, pending).await?;
            self.store_manifests(table, pending, &loaded.metadata).await?;
            self.prepare(table, pending, &loaded.metadata).await?;
            let Some(attempt) = &pending.attempt else { continue };
            journal::failpoint(BEFORE_COMMIT);
            match self.client.commit(table.table.name(), &attempt.request).await {
                Outcome::Done => {
                    count("done");
                    let attempt = pending.attempt.take();
                    self.clean_up(table, pending, attempt).await;
                    return Ok(());
                }
                Outcome::Conflict(reason) => {
                    count("conflict");
                    debug!(table = table.table.name(), reason, "another commit was faster");
                    let wait = LOSERS_WAIT.saturating_mul(1 << tried);
                    tokio::time::sleep(wait.mul_f64(random_part())).await;
                }
                Outcome::Unknown(error) => {
                    count("unknown");
                    return Err(error);
                }
                Outcome::Refused(error) => {
                    count("refused");
                    return Err(error);
                }
            }
        }
        let name = table.table.name();
        Err(Error::transient(format!("other commits to table {name} were always faster")))
    }

    /// Whether the catalog has the rows already.
    fn standing(
        &self,
        table: &CatalogTable,
        pending: &Pending,
        metadata: &TableMetadata,
    ) -> Result<Standing, Error> {
        let cursor = table.cursor(metadata)?;
        if cursor == Some(pending.to) || metadata.snapshot_by_id(pending.snapshot_id).is_some() {
            return Ok(Standing::Behind);
        }
        if cursor == table.committed {
            return Ok(Standing::Before);
        }
        if let Some(cursor) =
            cursor.filter(|at| Some(*at) > table.committed && *at <= self.intended)
        {
            return Ok(Standing::Within(cursor));
        }
        let shown = |offset: Option<Offset>| offset.map_or("none".to_owned(), |at| at.to_string());
        Err(Error::paused(format!(
            "the cursor of journal {} in table {} of the catalog is {}, not {}: another process \
             writes with a copy of this data folder, or somebody changed the property {}",
            self.journal_id,
            table.name(),
            shown(cursor),
            shown(table.committed),
            table.property,
        )))
    }

    /// The same without rows that an earlier process has committed after all. What was written for the
    /// whole is in no commit that can take place, since the head is another one by now.
    async fn without_rows_below(
        &self,
        cursor: Offset,
        table: &CatalogTable,
        pending: &mut Pending,
    ) -> Result<Pending, Error> {
        let mut batches = Vec::new();
        for batch in &pending.batches {
            let rest = rows_from(batch, cursor).map_err(crate::Error::from)?;
            batches.extend((rest.num_rows() > 0).then_some(rest));
        }
        let mut rest = self.begin(table, batches, pending.to.max(cursor)).await?;
        let stored = pending.files.iter().filter(|file| file.bytes.is_none());
        let mut obsolete = std::mem::take(&mut pending.obsolete);
        obsolete.extend(stored.map(|file| file.entry.file_path().to_owned()));
        obsolete.extend(pending.manifests.iter().map(|line| line.manifest_path.clone()));
        obsolete.extend(pending.attempt.take().into_iter().flat_map(|attempt| attempt.objects));
        rest.obsolete = obsolete;
        Ok(rest)
    }

    /// Gives the storage what it has not yet.
    async fn store_files(&self, table: &CatalogTable, pending: &mut Pending) -> Result<(), Error> {
        for file in &mut pending.files {
            if let Some(bytes) = &file.bytes {
                table.storage.put(file.entry.file_path(), bytes.clone()).await?;
                file.bytes = None;
            }
        }
        journal::failpoint(AFTER_FILES);
        Ok(())
    }

    /// Writes the manifests of the new files, which do for every try.
    async fn store_manifests(
        &self,
        table: &CatalogTable,
        pending: &mut Pending,
        metadata: &TableMetadata,
    ) -> Result<(), Error> {
        if !pending.manifests.is_empty() {
            return Ok(());
        }
        let specs: BTreeSet<i32> = pending.files.iter().map(|file| file.spec_id).collect();
        let mut written = Vec::new();
        for spec in specs {
            let files = pending.files.iter().filter(|file| file.spec_id == spec);
            let (files, id) = (files.map(|file| file.entry.clone()), pending.snapshot_id);
            let manifest = manifests::of_new(metadata, spec, files, id).await?;
            written.push(self.store(table, manifest).await?);
        }
        pending.manifests = written;
        Ok(())
    }

    async fn store(&self, table: &CatalogTable, new: NewManifest) -> Result<ManifestFile, Error> {
        table.storage.put(&new.line.manifest_path, new.bytes).await?;
        Ok(new.line)
    }

    /// Makes the request for the table as it is, unless the one before is for it too.
    async fn prepare(
        &self,
        table: &CatalogTable,
        pending: &mut Pending,
        metadata: &TableMetadata,
    ) -> Result<(), Error> {
        let base = Base::of(metadata);
        let earlier = pending.attempt.take_if(|attempt| attempt.base != base);
        if let Some(earlier) = earlier.filter(|earlier| earlier.base.head != base.head) {
            // It demanded a head that the table has no more, so it cannot take place.
            pending.obsolete.extend(earlier.objects);
        }
        if pending.attempt.is_some() {
            return Ok(());
        }
        let mut objects = Vec::new();
        let made = self.request(table, pending, metadata, &mut objects).await;
        match made {
            Ok((request, expired)) => {
                pending.attempt = Some(Attempt { base, request, objects, expired });
                Ok(())
            }
            Err(error) => {
                pending.obsolete.extend(objects);
                Err(error)
            }
        }
    }

    /// Writes the list of a new snapshot on top of the head, and what it merges, and asks for it.
    async fn request(
        &self,
        table: &CatalogTable,
        pending: &Pending,
        metadata: &TableMetadata,
        objects: &mut Vec<String>,
    ) -> Result<(CommitTableRequest, Vec<Expired>), Error> {
        let mut lines = match metadata.current_snapshot() {
            Some(head) => manifests::lines(
                &table.storage.get(head.manifest_list()).await?,
                FormatVersion::V2,
            )?,
            None => Vec::new(),
        };
        let mut replaced = 0;
        for group in manifests::take_small(metadata, &mut lines) {
            let merged = match self.merge(table, metadata, &group, pending.snapshot_id).await {
                Ok(merged) => merged,
                Err(error) => {
                    // Rows matter more than a short list.
                    warn!(table = table.name(), %error, "small manifests stay as they are");
                    lines.extend(group);
                    continue;
                }
            };
            objects.push(merged.line.manifest_path.clone());
            replaced += group.len();
            lines.push(self.store(table, merged).await?);
        }
        lines.extend(pending.manifests.iter().cloned());
        let sequence_number = metadata.last_sequence_number() + 1;
        let (id, parent) = (pending.snapshot_id, metadata.current_snapshot_id());
        let list = manifests::list(lines, id, parent, sequence_number).await?;
        let uri = metadata_file(metadata, &format!("snap-{id}-1-{}.avro", Uuid::new_v4()));
        objects.push(uri.clone());
        table.storage.put(&uri, list).await?;
        let snapshot = Snapshot::builder()
            .with_snapshot_id(id)
            .with_parent_snapshot_id(parent)
            .with_sequence_number(sequence_number)
            .with_timestamp_ms(Timestamp::now().as_millis().max(metadata.last_updated_ms() + 1))
            .with_manifest_list(uri)
            .with_summary(self.summary(pending, metadata, replaced))
            .with_schema_id(metadata.current_schema_id())
            .build();
        let expired = self.expired(metadata);
        let request = self.change(table, pending, metadata, (snapshot, &expired));
        Ok((request, expired))
    }

    async fn merge(
        &self,
        table: &CatalogTable,
        metadata: &TableMetadata,
        group: &[ManifestFile],
        snapshot_id: i64,
    ) -> Result<NewManifest, Error> {
        let mut sources = Vec::with_capacity(group.len());
        for line in group {
            let bytes: Bytes = table.storage.get(&line.manifest_path).await?;
            sources.push(manifests::read(line, bytes).await?);
        }
        manifests::merged(metadata, group[0].partition_spec_id, &sources, snapshot_id).await
    }

    fn expired(&self, metadata: &TableMetadata) -> Vec<Expired> {
        let Some(keep) = self.config.keep_snapshots else { return Vec::new() };
        let keep_millis = i64::try_from(keep.as_millis()).unwrap_or(i64::MAX);
        expired(metadata, Timestamp::now(), keep_millis)
    }

    fn change(
        &self,
        table: &CatalogTable,
        pending: &Pending,
        metadata: &TableMetadata,
        (snapshot, expired): (Snapshot, &[Expired]),
    ) -> CommitTableRequest {
        let cursor = (table.property.clone(), pending.to.to_string());
        let reference = SnapshotReference::new(
            pending.snapshot_id,
            SnapshotRetention::branch(None, None, None),
        );
        let mut updates = vec![
            TableUpdate::AddSnapshot { snapshot },
            TableUpdate::SetSnapshotRef { ref_name: MAIN_BRANCH.to_owned(), reference },
            TableUpdate::SetProperties { updates: HashMap::from([cursor]) },
        ];
        if !expired.is_empty() {
            let snapshot_ids = expired.iter().map(|expired| expired.id).collect();
            updates.push(TableUpdate::RemoveSnapshots { snapshot_ids });
        }
        CommitTableRequest {
            identifier: Some(self.client.identifier(table.name())),
            requirements: vec![
                TableRequirement::UuidMatch { uuid: table.uuid },
                TableRequirement::RefSnapshotIdMatch {
                    r#ref: MAIN_BRANCH.to_owned(),
                    snapshot_id: metadata.current_snapshot_id(),
                },
            ],
            updates,
        }
    }

    fn summary(&self, pending: &Pending, metadata: &TableMetadata, replaced: usize) -> Summary {
        let before = metadata.current_snapshot().map(|head| &head.summary().additional_properties);
        let added = [
            ("data-files", pending.files.len() as u64),
            ("records", pending.rows),
            ("files-size", pending.bytes),
        ];
        let mut properties = HashMap::from([
            (MADE_BY.to_owned(), self.journal_id.to_string()),
            (REPLACED.to_owned(), replaced.to_string()),
        ]);
        for (name, count) in added {
            properties.insert(format!("added-{name}"), count.to_string());
            // A total that the snapshot before does not tell is not known.
            let total = format!("total-{name}");
            let known = match before {
                None => Some(0),
                Some(before) => before.get(&total).and_then(|text| text.parse::<u64>().ok()),
            };
            properties.extend(known.map(|known| (total, (known + count).to_string())));
        }
        for total in ["total-delete-files", "total-position-deletes", "total-equality-deletes"] {
            let known = match before {
                None => Some("0".to_owned()),
                Some(before) => before.get(total).cloned(),
            };
            properties.extend(known.map(|known| (total.to_owned(), known)));
        }
        Summary { operation: Operation::Append, additional_properties: properties }
    }

    /// Deletes what is certain to be in no snapshot; what stays only takes space.
    async fn clean_up(&self, table: &CatalogTable, pending: &mut Pending, done: Option<Attempt>) {
        let mut objects = std::mem::take(&mut pending.obsolete);
        if let Some(done) = done {
            for expired in &done.expired {
                match self.replaced(table, expired).await {
                    Ok(manifests) => objects.extend(manifests),
                    Err(error) => warn!(%error, "manifests of an expired snapshot stay"),
                }
            }
            let count = done.expired.len() as u64;
            ::metrics::counter!(metrics::EXPIRED_TOTAL).increment(count);
            objects.extend(done.expired.into_iter().map(|expired| expired.list));
        }
        if !objects.is_empty() {
            table.storage.delete(&objects).await;
        }
    }

    /// Manifests that a dropped snapshot had and the following ones do without.
    async fn replaced(
        &self,
        table: &CatalogTable,
        expired: &Expired,
    ) -> Result<Vec<String>, Error> {
        let Some(following) = &expired.following else { return Ok(Vec::new()) };
        let paths = |lines: Vec<ManifestFile>| lines.into_iter().map(|line| line.manifest_path);
        let kept = manifests::lines(&table.storage.get(following).await?, FormatVersion::V2)?;
        let kept: HashSet<String> = paths(kept).collect();
        let all = manifests::lines(&table.storage.get(&expired.list).await?, FormatVersion::V2)?;
        Ok(paths(all).filter(|path| !kept.contains(path)).collect())
    }
}

/// The rows of a batch from an offset on.
fn rows_from(batch: &RecordBatch, from: Offset) -> Result<RecordBatch, arrow::error::ArrowError> {
    let from = i64::try_from(from.get()).unwrap_or(i64::MAX);
    let offsets = batch.column_by_name("journal_offset");
    let offsets = offsets.and_then(|column| column.as_primitive_opt::<Int64Type>());
    let offsets = offsets.map(|column| column.values().as_ref()).unwrap_or_default();
    let is_kept: BooleanArray = offsets.iter().map(|offset| Some(*offset >= from)).collect();
    filter_record_batch(batch, &is_kept)
}

/// From a half to one.
fn random_part() -> f64 {
    0.5 + f64::from(u8::try_from(random_id() & 0xff).unwrap_or_default()) / 512.0
}
