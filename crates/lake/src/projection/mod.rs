//! The projection: Iceberg's metadata, made from the file list in `catalog.db`, table by table.
//!
//! Iceberg would write a snapshot, a manifest list and a metadata file for every commit, and a
//! manifest with it: 43,200 of each a day. Here commits only change `catalog.db`, and every few
//! seconds a projection shows the newest generation of a table's file list as one snapshot:
//!
//! ```text
//! metadata/v7.metadata.json            schema, specs, the last snapshots and their names
//!   └─ snap-<id>-1-<uuid>.avro         manifest list: one line for each day that has files
//!        ├─ <uuid>-m0.avro             manifest of a day that changed: written anew
//!        └─ <uuid>-m0.avro             manifest of a day that did not: reused as it is
//! ```
//!
//! so its size follows the days of data, not the commits. All of it is on the disk, complete and
//! synced, before one transaction registers it; a reader sees the old metadata or the new.
//!
//! **Inheritance.** An entry for a file that no snapshot showed before is `ADDED`, and inherits its
//! snapshot id and sequence number from the manifest list. Once registered, both are kept in
//! `catalog.db`, and later manifests list the file as `EXISTING` with them. A file that was added
//! and compacted between two projections is never shown. Removed files are simply absent: a
//! snapshot that lacks files of the one before is an `overwrite`, any other an `append`.
//!
//! **Specs.** Spec 0 is the day of the table's time, spec 1 is unpartitioned, for files that several days
//! share. Every reader of Iceberg knows tables whose spec has changed, and this looks like one. A
//! table that keeps the latest is unpartitioned, by spec 0.
//!
//! **Moves.** Iceberg's paths are absolute. When the folder is found elsewhere than at the last
//! projection, everything is written anew with the new paths, under the same `table_uuid`; older
//! snapshots are dropped, since their paths lead nowhere.

mod files;
mod manifest;
pub(crate) mod schema;
mod table;

use std::cell::Cell;
use std::time::{Duration, Instant};

use event::Timestamp;

use self::files::MetadataFiles;
pub(crate) use self::files::{HINT, random_id, wait};
use self::manifest::Manifests;
pub(crate) use self::manifest::{Entry, is_shown_as};
use self::table::Base;
use crate::catalog::{Kept, Pending, Projection, Rewrite, SnapshotState};
use crate::layout::FilePath;
use crate::shared::Shared;
use crate::{Error, Table, failpoint, metrics};

/// What a projection did.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Projecting {
    is_done: bool,
    /// Snapshots that are not shown any more.
    pub(crate) expired: u64,
}

impl Shared {
    /// Brings the Iceberg metadata up to date; returns whether there was anything to do.
    pub(crate) fn project(&self) -> Result<bool, Error> {
        Ok(self.project_with(self.options()?.grace)?.is_done)
    }

    /// The same, for past snapshots that go once their successor is there for so long.
    pub(crate) fn project_with(&self, grace: Duration) -> Result<Projecting, Error> {
        let _one = self.one_projection()?;
        let expired = Cell::new(0);
        let is_done = self.for_each_table(|table| {
            let projected = self.project_table(table, grace)?;
            expired.set(expired.get() + projected.expired);
            Ok(projected.is_done)
        })?;
        self.note_gone()?;
        Ok(Projecting { is_done, expired: expired.get() })
    }

    fn project_table(&self, table: &'static Table, grace: Duration) -> Result<Projecting, Error> {
        let started = Instant::now();
        let options = self.options()?;
        let mut pending = self.catalog()?.pending(table, Rewrite::Changed)?;
        let base = Base::load(&self.layout, &pending);
        if base.is_none() {
            pending = self.catalog()?.pending(table, Rewrite::All)?;
        }
        let now = Timestamp::now();
        let plan = Plan::new(&pending, base.as_ref(), now, options.snapshots, grace);
        if !plan.is_due {
            return Ok(Projecting::default());
        }
        let mut files = MetadataFiles::new(&self.layout, table);
        let projection =
            self.write(&pending, base, &plan, &mut files).inspect_err(|_| files.remove())?;
        self.failpoints.reach(failpoint::AFTER_METADATA)?;
        self.publish(&projection, &files)?;
        self.write_hint(table)?;
        ::metrics::histogram!(metrics::PROJECTION_SECONDS).record(started.elapsed());
        Ok(Projecting { is_done: true, expired: projection.expired.len() as u64 })
    }

    /// Writes everything that the new metadata consists of.
    fn write(
        &self,
        pending: &Pending,
        base: Option<Base>,
        plan: &Plan,
        files: &mut MetadataFiles,
    ) -> Result<Projection, Error> {
        let mut manifests = Vec::new();
        if let Some(snapshot) = &plan.snapshot {
            let sequence_number = plan.sequence_number;
            let writer = Manifests::new(pending.table, base.as_ref(), snapshot, sequence_number);
            manifests = writer.write(pending, files)?;
        }
        let metadata = table::build(&self.layout, base, pending, plan)?;
        files.write_table(plan.version, &metadata)?;
        files.sync()?;
        Ok(Projection {
            table: pending.table,
            generation: pending.generation,
            version: plan.version,
            sequence_number: plan.sequence_number,
            snapshot: plan.snapshot.clone(),
            expired: plan.expired.clone(),
            manifests,
            retired: plan.retired(pending.table),
            now: plan.now,
        })
    }

    /// Makes the new metadata the table's.
    fn publish(&self, projection: &Projection, files: &MetadataFiles) -> Result<(), Error> {
        let mut catalog = self.catalog()?;
        let Err(error) = catalog.register(projection) else {
            return Ok(());
        };
        // An error does not say whether the transaction took place; the catalog does. Where it
        // cannot be asked the files stay, and the next start removes them if they are not needed.
        match catalog.projected(projection.table)? {
            Some(last) if last.version == projection.version => Ok(()),
            _ => {
                files.remove();
                Err(error)
            }
        }
    }

    /// Tells path-based readers which metadata file is the newest.
    pub(crate) fn write_hint(&self, table: &'static Table) -> Result<(), Error> {
        match self.catalog()?.projected(table)? {
            Some(last) => files::write_hint(&self.layout, table, last.version),
            None => Ok(()),
        }
    }

    /// The files of a table's metadata folder that are needed, now or for a while.
    pub(crate) fn kept_metadata(&self, table: &'static Table) -> Result<Kept, Error> {
        let catalog = self.catalog()?;
        let mut kept = catalog.kept()?;
        if let Some(projected) = catalog.projected(table)? {
            let keep = self.options()?.snapshots as u64;
            let versions = projected.version.saturating_sub(keep)..=projected.version;
            let metadata = |version| FilePath::table_metadata(table, version).to_string();
            kept.extend(versions.map(metadata));
            kept.insert(FilePath::metadata(table, HINT).to_string());
        }
        Ok(kept)
    }
}

/// What a projection does.
#[derive(Debug)]
struct Plan {
    is_due: bool,
    now: Timestamp,
    /// The number of the metadata file.
    version: u64,
    sequence_number: i64,
    /// The snapshot to add; `None` when the newest one shows everything.
    snapshot: Option<SnapshotState>,
    /// Snapshots that the metadata drops.
    expired: Vec<SnapshotState>,
    /// How many snapshots and metadata files of the past are kept.
    keep: usize,
}

impl Plan {
    fn new(
        pending: &Pending,
        base: Option<&Base>,
        now: Timestamp,
        keep: usize,
        grace: Duration,
    ) -> Self {
        let shown = pending.projected.as_ref().map(|projected| projected.generation);
        let is_changed = shown != Some(pending.generation);
        let has_files = pending.totals.files > 0 || !pending.snapshots.is_empty();
        let snapshot =
            ((is_changed || base.is_none()) && has_files).then(|| new_snapshot(pending, now));
        let expired = match base {
            Some(_) => expired(pending, snapshot.as_ref(), now, keep, grace),
            None => pending.snapshots.clone(),
        };
        let is_due =
            is_changed || !expired.is_empty() || base.is_none_or(|base| !base.has_our_schema());
        Self {
            is_due,
            now,
            version: pending.last_version + 1,
            sequence_number: pending.sequence_number + i64::from(snapshot.is_some()),
            snapshot,
            expired,
            keep,
        }
    }

    /// The metadata file that is one too old: the new one's log does not name it any more.
    fn retired(&self, table: &Table) -> Option<FilePath> {
        let version = self.version.checked_sub(self.keep as u64 + 1)?;
        (version > 0).then(|| FilePath::table_metadata(table, version))
    }
}

/// A snapshot of the newest generation, later than the one before.
fn new_snapshot(pending: &Pending, now: Timestamp) -> SnapshotState {
    let id = files::random_id();
    let before = pending.snapshots.last().map_or(Timestamp::EPOCH, |last| last.created_at);
    SnapshotState {
        id,
        generation: pending.generation,
        // Iceberg counts milliseconds.
        created_at: now.max(before.plus_micros(1_000)),
        manifest_list: files::manifest_list(pending.table, id),
    }
}

/// Snapshots that are too many, whose successor is there for longer than the grace, or that show
/// what is erased.
fn expired(
    pending: &Pending,
    new: Option<&SnapshotState>,
    now: Timestamp,
    keep: usize,
    grace: Duration,
) -> Vec<SnapshotState> {
    let all: Vec<&SnapshotState> = pending.snapshots.iter().chain(new).collect();
    let too_many = all.len().saturating_sub(keep.max(1));
    let grace = i64::try_from(grace.as_micros()).unwrap_or(i64::MAX);
    all.windows(2)
        .enumerate()
        .filter(|(at, pair)| {
            let is_old = *at < too_many || now.micros_since(pair[1].created_at) >= grace;
            is_old || pair[0].generation < pending.erased
        })
        .map(|(_, pair)| pair[0].clone())
        .collect()
}
