//! Manifests and manifest lists.

use std::collections::BTreeMap;

use event::Kind;
use iceberg::spec::{
    DataContentType, DataFile, DataFileBuilder, DataFileFormat, Datum, Literal, ManifestFile,
    ManifestListWriter, ManifestWriterBuilder, Struct, UNASSIGNED_SEQUENCE_NUMBER,
};

use super::files::{MetadataFiles, wait};
use super::schema;
use super::table::Base;
use crate::catalog::{Listing, ManifestState, Pending, SnapshotState};
use crate::day::Partition;
use crate::file::{Bound, FileMetrics};
use crate::layout::{FilePath, Layout};
use crate::{Error, Table};

/// Writes the manifests of one snapshot.
pub(super) struct Manifests<'a> {
    table: &'static Table,
    base: Option<&'a Base>,
    snapshot: &'a SnapshotState,
    sequence_number: i64,
}

impl<'a> Manifests<'a> {
    pub(super) fn new(
        table: &'static Table,
        base: Option<&'a Base>,
        snapshot: &'a SnapshotState,
        sequence_number: i64,
    ) -> Self {
        Self { table, base, snapshot, sequence_number }
    }

    /// Writes the list and what is stale of the manifests, and names those.
    pub(super) fn write(
        &self,
        pending: &Pending,
        files: &mut MetadataFiles,
    ) -> Result<Vec<(Partition, Option<FilePath>)>, Error> {
        let mut list = Vec::new();
        let mut written = Vec::new();
        for (partition, state) in &pending.partitions {
            match state {
                ManifestState::Fresh(name) => list.push(self.reused(name, files.layout())?),
                ManifestState::Stale(listings) if listings.is_empty() => {
                    written.push((*partition, None));
                }
                ManifestState::Stale(listings) => {
                    let (name, manifest) = self.manifest(*partition, listings, files)?;
                    list.push(manifest);
                    written.push((*partition, Some(name)));
                }
            }
        }
        self.list(list, files)?;
        Ok(written)
    }

    /// The line of a manifest that the snapshot before has, too.
    fn reused(&self, name: &FilePath, layout: &Layout) -> Result<ManifestFile, Error> {
        let manifest = self.base.and_then(|base| base.manifests.get(&layout.uri(name)));
        manifest.cloned().ok_or_else(|| {
            Error::projection("reuse", format!("{name} is not in the newest manifest list"))
        })
    }

    fn manifest(
        &self,
        partition: Partition,
        listings: &[Listing],
        files: &mut MetadataFiles,
    ) -> Result<(FilePath, ManifestFile), Error> {
        let (name, output) = files.new_manifest()?;
        let write = || -> iceberg::Result<ManifestFile> {
            let schema = schema::schema(self.table)?;
            let spec = schema::spec(self.table, partition)?;
            let builder = ManifestWriterBuilder::new(output, Some(self.snapshot.id), schema, spec);
            let mut writer = builder.build_v2_data();
            for listing in listings {
                let file = data_file(listing, files.layout())?;
                match listing.first_shown {
                    None => writer.add_file(file, UNASSIGNED_SEQUENCE_NUMBER)?,
                    Some((snapshot, sequence)) => {
                        writer.add_existing_file(file, snapshot, sequence, Some(sequence))?;
                    }
                }
            }
            wait(writer.write_manifest_file())
        };
        let manifest = write().map_err(|error| Error::projection("write", error))?;
        Ok((name, manifest))
    }

    fn list(&self, manifests: Vec<ManifestFile>, files: &mut MetadataFiles) -> Result<(), Error> {
        let writer = files.new_manifest_list(&self.snapshot.manifest_list)?;
        let parent = self.base.and_then(Base::snapshot_id);
        let mut writer =
            ManifestListWriter::v2(writer, self.snapshot.id, parent, self.sequence_number);
        writer
            .add_manifests(manifests.into_iter())
            .and_then(|()| wait(writer.close()))
            .map_err(|error| Error::projection("write", error))
    }
}

/// Whether a manifest says of a file what the catalog says.
pub(crate) fn is_shown_as(listing: &Listing, layout: &Layout, shown: &DataFile) -> bool {
    data_file(listing, layout).is_ok_and(|expected| expected == *shown)
}

fn data_file(listing: &Listing, layout: &Layout) -> iceberg::Result<DataFile> {
    let Listing { file, metrics, .. } = listing;
    let (table, partition) = (file.table, file.partition());
    let kind_of = |id| Some(table.columns().iter().find(|column| column.id == id)?.kind);
    let entry = Entry {
        uri: layout.uri(&file.name),
        partition,
        spec_id: schema::spec_id(table, partition),
        sort_order_id: table.is_sorted_in(partition).then_some(schema::SORT_ORDER),
        rows: file.rows,
        bytes: file.bytes,
        metrics,
    };
    entry.data_file(kind_of)
}

/// What a manifest says of a file.
pub(crate) struct Entry<'a> {
    pub(crate) uri: String,
    pub(crate) partition: Partition,
    pub(crate) spec_id: i32,
    /// The order of its rows, if they have one.
    pub(crate) sort_order_id: Option<i32>,
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
    pub(crate) metrics: &'a FileMetrics,
}

impl Entry<'_> {
    /// The same in the library's words, where `kind_of` knows columns by their ids.
    pub(crate) fn data_file(
        self,
        kind_of: impl Fn(i32) -> Option<Kind>,
    ) -> iceberg::Result<DataFile> {
        let Self { partition, metrics, rows, .. } = self;
        let mut builder = DataFileBuilder::default();
        builder
            .content(DataContentType::Data)
            .file_path(self.uri)
            .file_format(DataFileFormat::Parquet)
            .partition_spec_id(self.spec_id)
            .partition(Struct::from_iter(partition.day().map(|day| Some(Literal::date(day.0)))))
            .record_count(rows)
            .file_size_in_bytes(self.bytes)
            .column_sizes(metrics.bytes.iter().map(|(&id, &bytes)| (id, bytes)).collect())
            .value_counts(metrics.nulls.keys().map(|&id| (id, rows)).collect())
            .null_value_counts(metrics.nulls.iter().map(|(&id, &nulls)| (id, nulls)).collect())
            .lower_bounds(bounds(&kind_of, &metrics.lower).collect())
            .upper_bounds(bounds(&kind_of, &metrics.upper).collect())
            .split_offsets(Some(metrics.row_groups.clone()));
        if let Some(id) = self.sort_order_id {
            builder.sort_order_id(id);
        }
        builder.build().map_err(|error| {
            iceberg::Error::new(iceberg::ErrorKind::DataInvalid, error.to_string())
        })
    }
}

fn bounds(
    kind_of: &impl Fn(i32) -> Option<Kind>,
    bounds: &BTreeMap<i32, Bound>,
) -> impl Iterator<Item = (i32, Datum)> {
    bounds.iter().filter_map(|(&id, bound)| {
        let kind = kind_of(id)?;
        let datum = match (bound, kind) {
            (Bound::Number(micros), Kind::Timestamp) => Datum::timestamptz_micros(*micros),
            (Bound::Number(number), _) => Datum::long(*number),
            (Bound::Text(text), _) => Datum::string(text),
        };
        Some((id, datum))
    })
}
