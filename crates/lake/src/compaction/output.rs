//! The files that a merge writes.

use arrow::array::RecordBatch;

use crate::day::Partition;
use crate::erasure::Number;
use crate::file::{Effort, FileWriter, NewFile};
use crate::layout::Layout;
use crate::{Error, Table, disk};

/// At most two files are open: that of the day whose turn it is, and that which days share.
pub(super) struct Output<'a> {
    layout: &'a Layout,
    table: &'static Table,
    /// The last erasure that the rows are free of.
    free_of: Number,
    day: Option<(Partition, FileWriter)>,
    shared: Option<FileWriter>,
    /// Removed again unless all goes well.
    finished: Vec<NewFile>,
}

impl<'a> Output<'a> {
    pub(super) fn new(layout: &'a Layout, table: &'static Table, free_of: Number) -> Self {
        Self { layout, table, free_of, day: None, shared: None, finished: Vec::new() }
    }

    pub(super) const fn table(&self) -> &'static Table {
        self.table
    }

    /// Appends rows; those of a day come together.
    pub(super) fn write(&mut self, partition: Partition, rows: &RecordBatch) -> Result<(), Error> {
        self.writer(partition)?.write(rows)
    }

    fn writer(&mut self, partition: Partition) -> Result<&mut FileWriter, Error> {
        let place = (self.table, partition);
        let create = || FileWriter::create(self.layout, place, Effort::Compaction, self.free_of);
        if partition == Partition::Shared {
            return match &mut self.shared {
                Some(writer) => Ok(writer),
                none => Ok(none.insert(create()?)),
            };
        }
        if let Some((_, writer)) = self.day.take_if(|(day, _)| *day != partition) {
            self.finished.push(writer.finish()?);
        }
        match &mut self.day {
            Some((_, writer)) => Ok(writer),
            none => Ok(&mut none.insert((partition, create()?)).1),
        }
    }

    /// Makes all files durable.
    pub(super) fn finish(mut self) -> Result<Vec<NewFile>, Error> {
        for writer in
            self.day.take().map(|(_, writer)| writer).into_iter().chain(self.shared.take())
        {
            self.finished.push(writer.finish()?);
        }
        Ok(std::mem::take(&mut self.finished))
    }
}

impl Drop for Output<'_> {
    fn drop(&mut self) {
        for new in &self.finished {
            if let Err(error) = disk::remove_file(&new.file.path) {
                tracing::warn!(%error, "a file of a failed merge stays until the next start");
            }
        }
    }
}
