//! A table's metadata file.

use std::collections::HashMap;

use iceberg::spec::{
    FormatVersion, MAIN_BRANCH, ManifestFile, ManifestList, Operation, Snapshot, Summary,
    TableMetadata, TableMetadataBuilder,
};

use super::{Plan, schema};
use crate::catalog::{Pending, Totals};
use crate::layout::{FilePath, Layout};
use crate::{Error, Table};

/// The metadata before, as far as the new one builds on it.
pub(super) struct Base {
    table: &'static Table,
    metadata: TableMetadata,
    location: String,
    /// The lines of the newest manifest list, by the manifest's location.
    pub(super) manifests: HashMap<String, ManifestFile>,
}

impl Base {
    /// Loads what was projected last; `None` when there is nothing that can be built on: no
    /// projection yet, a folder that was moved, or metadata that somebody removed.
    pub(super) fn load(layout: &Layout, pending: &Pending) -> Option<Self> {
        let projected = pending.projected.as_ref()?;
        if projected.root != layout.root_text() {
            tracing::info!(
                table = pending.table.name(),
                from = projected.root,
                to = layout.root_text(),
                "the lake was moved, writing its Iceberg metadata anew"
            );
            return None;
        }
        match Self::read(layout, pending.table, projected.version) {
            Ok(base) => Some(base),
            Err(error) => {
                tracing::warn!(table = pending.table.name(), %error, "writing the Iceberg metadata anew");
                None
            }
        }
    }

    fn read(layout: &Layout, table: &'static Table, version: u64) -> Result<Self, Error> {
        let name = FilePath::table_metadata(table, version);
        let metadata: TableMetadata = serde_json::from_slice(&read(layout, &name)?)
            .map_err(|error| Error::projection("read", error))?;
        let mut manifests = HashMap::new();
        if let Some(snapshot) = metadata.current_snapshot() {
            let uri = snapshot.manifest_list();
            let name = layout.relative(uri).ok_or_else(|| Error::projection("find", uri))?;
            let list = ManifestList::parse_with_version(&read(layout, &name)?, FormatVersion::V2)
                .map_err(|error| Error::projection("read", error))?;
            let by_location = |line: ManifestFile| (line.manifest_path.clone(), line);
            manifests = list.consume_entries().into_iter().map(by_location).collect();
        }
        Ok(Self { table, metadata, location: layout.uri(&name), manifests })
    }

    pub(super) fn snapshot_id(&self) -> Option<i64> {
        self.metadata.current_snapshot_id()
    }

    /// Whether the table has the columns that this program knows.
    pub(super) fn has_our_schema(&self) -> bool {
        let current = self.metadata.current_schema();
        schema::schema(self.table).is_ok_and(|ours| ours.as_struct() == current.as_struct())
    }
}

fn read(layout: &Layout, name: &FilePath) -> Result<Vec<u8>, Error> {
    let path = layout.absolute(name);
    std::fs::read(&path).map_err(|error| Error::io("read", &path, error))
}

/// Builds the metadata that a plan asks for.
pub(super) fn build(
    layout: &Layout,
    base: Option<Base>,
    pending: &Pending,
    plan: &Plan,
) -> Result<TableMetadata, Error> {
    let build = || -> iceberg::Result<TableMetadata> {
        let parent = base.as_ref().and_then(Base::snapshot_id);
        let builder = match base {
            Some(base) => extend(base)?,
            None => begin(layout, pending)?,
        };
        // Only built metadata knows the id of its schema, which the snapshot names.
        let metadata = builder.set_properties(properties(plan))?.build()?.metadata;
        let snapshot = snapshot(layout, pending, plan, (parent, metadata.current_schema_id()));
        let mut builder = metadata.into_builder(None);
        if let Some(snapshot) = snapshot {
            builder = builder.set_branch_snapshot(snapshot, MAIN_BRANCH)?;
        }
        let expired: Vec<i64> = plan.expired.iter().map(|snapshot| snapshot.id).collect();
        Ok(builder.remove_snapshots(&expired).build()?.metadata)
    };
    build().map_err(|error| Error::projection("build", error))
}

fn extend(base: Base) -> iceberg::Result<TableMetadataBuilder> {
    let (table, has_our_schema) = (base.table, base.has_our_schema());
    let builder = base.metadata.into_builder(Some(base.location));
    match has_our_schema {
        true => Ok(builder),
        false => builder.add_current_schema(schema::schema(table)?.as_ref().clone()),
    }
}

fn begin(layout: &Layout, pending: &Pending) -> iceberg::Result<TableMetadataBuilder> {
    let table = pending.table;
    let builder = TableMetadataBuilder::new(
        schema::schema(table)?.as_ref().clone(),
        schema::first_spec(table)?,
        schema::sort_order(table)?,
        layout.table_uri(table),
        FormatVersion::V2,
        HashMap::new(),
    )?;
    let builder = builder.assign_uuid(pending.table_uuid);
    match schema::shared_spec(table) {
        Some(spec) => builder.add_partition_spec(spec),
        None => Ok(builder),
    }
}

fn properties(plan: &Plan) -> HashMap<String, String> {
    let property = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    HashMap::from([
        property("owner", "hogflare"),
        property("write.parquet.compression-codec", "zstd"),
        property("write.metadata.previous-versions-max", &plan.keep.max(1).to_string()),
    ])
}

fn snapshot(
    layout: &Layout,
    pending: &Pending,
    plan: &Plan,
    (parent, schema_id): (Option<i64>, i32),
) -> Option<Snapshot> {
    let state = plan.snapshot.as_ref()?;
    let snapshot = Snapshot::builder()
        .with_snapshot_id(state.id)
        .with_parent_snapshot_id(parent)
        .with_sequence_number(plan.sequence_number)
        .with_timestamp_ms(state.created_at.as_millis())
        .with_manifest_list(layout.uri(&state.manifest_list))
        .with_summary(summary(pending))
        .with_schema_id(schema_id)
        .build();
    Some(snapshot)
}

fn summary(pending: &Pending) -> Summary {
    let operation = match pending.removed.files {
        0 => Operation::Append,
        _ => Operation::Overwrite,
    };
    let Pending { added, removed, totals, .. } = pending;
    let mut counts = vec![
        ("total-delete-files", 0),
        ("total-position-deletes", 0),
        ("total-equality-deletes", 0),
        ("hogflare.generation", pending.generation.0),
    ];
    let mut count = |names: [&'static str; 3], of: &Totals| {
        counts.extend(names.into_iter().zip([of.files, of.rows, of.bytes]));
    };
    count(["added-data-files", "added-records", "added-files-size"], added);
    count(["deleted-data-files", "deleted-records", "removed-files-size"], removed);
    count(["total-data-files", "total-records", "total-files-size"], totals);
    let text = |(name, count): (&str, u64)| (name.to_owned(), count.to_string());
    Summary { operation, additional_properties: counts.into_iter().map(text).collect() }
}
