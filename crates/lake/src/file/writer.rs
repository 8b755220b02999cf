//! Writes one Parquet file, durably or not at all.

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use event::Timestamp;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::errors::ParquetError;

use super::{Effort, FileMetrics, properties};
use crate::day::Partition;
use crate::erasure::Number;
use crate::error::ParquetContext;
use crate::layout::{FilePath, Layout};
use crate::version::{DataFile, FreeOf};
use crate::{Error, Table, disk};

/// A file that is durable, and in no table yet.
#[derive(Clone, Debug)]
pub(crate) struct NewFile {
    pub(crate) file: Arc<DataFile>,
    pub(crate) metrics: FileMetrics,
}

/// Begins Parquet as all files of a table have it, wherever they lie.
pub(crate) fn begin<W: Write + Send>(
    to: W,
    (table, partition): (&'static Table, Partition),
    effort: Effort,
    schema: SchemaRef,
) -> Result<ArrowWriter<W>, ParquetError> {
    let properties = properties::properties(table, partition, effort)?;
    // The Parquet schema says all that the Arrow schema would, in a tenth of the bytes.
    let options =
        ArrowWriterOptions::new().with_properties(properties).with_skip_arrow_metadata(true);
    ArrowWriter::try_new_with_options(to, schema, options)
}

/// A file being written. Unless it is finished it is removed again.
pub(crate) struct FileWriter {
    name: FilePath,
    path: PathBuf,
    table: &'static Table,
    partition: Partition,
    /// The last erasure that the rows are free of.
    free_of: Number,
    /// `None` once finished.
    writer: Option<ArrowWriter<File>>,
    rows: u64,
}

impl FileWriter {
    pub(crate) fn create(
        layout: &Layout,
        (table, partition): (&'static Table, Partition),
        effort: Effort,
        free_of: Number,
    ) -> Result<Self, Error> {
        let name = FilePath::new_data(table, partition);
        let path = layout.absolute(&name);
        disk::create_dir(&layout.partition(table, partition))?;
        let file = File::create_new(&path).map_err(|error| Error::io("create", &path, error))?;
        let writer = begin(file, (table, partition), effort, table.schema());
        let writer = writer.inspect_err(|_| drop(disk::remove_file(&path)));
        let writer = Some(writer.context("begin", &path)?);
        Ok(Self { name, path, table, partition, free_of, writer, rows: 0 })
    }

    pub(crate) fn write(&mut self, rows: &RecordBatch) -> Result<(), Error> {
        if let Some(writer) = &mut self.writer {
            writer.write(rows).context("write", &self.path)?;
            self.rows += rows.num_rows() as u64;
        }
        Ok(())
    }

    /// Writes the footer, and makes the file and its name durable.
    pub(crate) fn finish(mut self) -> Result<NewFile, Error> {
        let Some(writer) = &mut self.writer else {
            return Err(Error::Stopped);
        };
        let footer = writer.finish().context("finish", &self.path)?;
        let io = |error| Error::io("sync", &self.path, error);
        let file = writer.inner();
        file.sync_all().map_err(io)?;
        let bytes = file.metadata().map_err(io)?.len();
        if let Some(dir) = self.path.parent() {
            disk::sync_dir(dir)?;
        }
        self.writer = None;
        let metrics = FileMetrics::of(self.table, &footer);
        let (min, max) = metrics.range(self.table.time().id).unwrap_or((i64::MIN, i64::MAX));
        let file = DataFile {
            table: self.table,
            path: self.path.clone(),
            bytes,
            rows: self.rows,
            day: self.partition.day(),
            min_timestamp: Timestamp::from_micros(min),
            max_timestamp: Timestamp::from_micros(max),
            added_at: Timestamp::now(),
            name: self.name.clone(),
            free_of: FreeOf::new(self.free_of),
        };
        Ok(NewFile { file: Arc::new(file), metrics })
    }
}

impl Drop for FileWriter {
    fn drop(&mut self) {
        if self.writer.take().is_some()
            && let Err(error) = disk::remove_file(&self.path)
        {
            tracing::warn!(%error, "a half-written file stays until the next start");
        }
    }
}
