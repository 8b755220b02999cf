//! Rows become Parquet, in memory.

use arrow::array::RecordBatch;
use bytes::Bytes;
use iceberg::spec::DataFile;
use sink::Error;
use uuid::Uuid;

use super::shape::Shape;
use crate::commit::{in_order, plan};
use crate::day::Partition;
use crate::file::{Effort, FileMetrics, begin};
use crate::projection::Entry;
use crate::{Table, order};

/// A file, whole.
#[derive(Debug)]
pub(super) struct Encoded {
    /// What manifests say of it.
    pub(super) entry: DataFile,
    /// The manifests of which partition spec.
    pub(super) spec_id: i32,
    /// `None` once the storage has it.
    pub(super) bytes: Option<Bytes>,
}

/// Writes rows as files below a location. This takes a while.
pub(super) fn encode(
    table: &'static Table,
    shape: &Shape,
    location: &str,
    batches: &[RecordBatch],
) -> Result<Vec<Encoded>, Error> {
    let batches: Vec<&RecordBatch> = batches.iter().collect();
    let places = order::sort(table, &batches);
    let mut files = Vec::new();
    for (partition, ranges) in plan(table, &places) {
        let places = ranges.into_iter().flat_map(|range| &places[range]);
        let rows = in_order(&batches, places);
        files.push(encode_file((table, partition), shape, location, rows)?);
    }
    Ok(files)
}

fn encode_file(
    (table, partition): (&'static Table, Partition),
    shape: &Shape,
    location: &str,
    batches: impl Iterator<Item = Result<RecordBatch, crate::Error>>,
) -> Result<Encoded, Error> {
    let failed = |error: ::parquet::errors::ParquetError| {
        Error::transient(format!("cannot write Parquet: {error}"))
    };
    let place = (table, partition);
    let mut writer =
        begin(Vec::new(), place, Effort::Compaction, shape.schema.clone()).map_err(failed)?;
    let mut rows = 0;
    for batch in batches {
        // The same columns, under the catalog's ids.
        let columns = batch?.columns().to_vec();
        let batch = RecordBatch::try_new(shape.schema.clone(), columns);
        let batch = batch.map_err(crate::Error::from)?;
        writer.write(&batch).map_err(failed)?;
        rows += batch.num_rows() as u64;
    }
    let footer = writer.finish().map_err(failed)?;
    let bytes = Bytes::from(std::mem::take(writer.inner_mut()));
    let metrics = FileMetrics::of(table, &footer);
    let directory = partition.directory(table);
    let spec_id = shape.spec_id(partition);
    let entry = Entry {
        uri: format!("{location}/data/{directory}/{}.parquet", Uuid::now_v7()),
        partition,
        spec_id,
        sort_order_id: shape.sort_order_id(table, partition),
        rows,
        bytes: bytes.len() as u64,
        metrics: &metrics,
    };
    let entry = super::iceberg(entry.data_file(|id| shape.kind_of(id)), "describe a file")?;
    Ok(Encoded { entry, spec_id, bytes: Some(bytes) })
}
