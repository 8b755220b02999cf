//! One input of a merge.

use std::collections::BTreeMap;
use std::fs::File;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::TimestampMicrosecondType;
use event::Timestamp;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};

use crate::catalog::LeftOut;
use crate::day::Day;
use crate::error::ParquetContext;
use crate::order::Keys;
use crate::revision::Revision;
use crate::version::DataFile;
use crate::{Error, Table};

/// Rows read at a time, where they are small.
const READ_ROWS: usize = 1_024;
/// Bytes of rows read at a time, roughly.
const READ_BYTES: usize = 1 << 20;

/// The rows of a sorted file, a few at a time.
pub(super) struct Source {
    table: &'static Table,
    revision: Revision,
    reader: ParquetRecordBatchReader,
    pub(super) rows: RecordBatch,
    pub(super) keys: Keys,
    /// The next row.
    pub(super) row: usize,
}

impl Source {
    /// Opens a file at its first row; `None` for one of which nothing stays.
    pub(super) fn open(
        file: &DataFile,
        revision: Revision,
        left_out: &mut LeftOut,
    ) -> Result<Option<Self>, Error> {
        let path = &file.path;
        let builder = reader(file)?;
        let groups = builder.metadata().row_groups().iter();
        let bytes: i64 = groups.map(|group| group.total_byte_size()).sum();
        let row_bytes = usize::try_from(bytes).unwrap_or_default() / file.rows.max(1) as usize;
        let rows = (READ_BYTES / row_bytes.max(1)).clamp(1, READ_ROWS);
        let mut reader = builder.with_batch_size(rows).build().context("read", path)?;
        let table = file.table;
        let Some(rows) = next(&mut reader, table, &revision, left_out)? else {
            return Ok(None);
        };
        let keys = Keys::of(table, &rows);
        Ok(Some(Self { table, revision, reader, rows, keys, row: 0 }))
    }

    /// Whether all rows that were read were taken.
    pub(super) fn is_drained(&self) -> bool {
        self.row == self.rows.num_rows()
    }

    /// Reads on; returns whether there was more.
    pub(super) fn advance(&mut self, left_out: &mut LeftOut) -> Result<bool, Error> {
        match next(&mut self.reader, self.table, &self.revision, left_out)? {
            None => Ok(false),
            Some(rows) => {
                self.keys = Keys::of(self.table, &rows);
                self.rows = rows;
                self.row = 0;
                Ok(true)
            }
        }
    }
}

/// Counts a file's rows by day; only their times are read.
pub(super) fn count_days(file: &DataFile, days: &mut BTreeMap<Day, u64>) -> Result<(), Error> {
    let builder = reader(file)?;
    let times = ProjectionMask::columns(builder.parquet_schema(), [file.table.time().name]);
    for rows in builder.with_projection(times).build().context("read", &file.path)? {
        for &micros in rows?.column(0).as_primitive::<TimestampMicrosecondType>().values() {
            *days.entry(Day::of(Timestamp::from_micros(micros))).or_default() += 1;
        }
    }
    Ok(())
}

pub(crate) fn reader(file: &DataFile) -> Result<ParquetRecordBatchReaderBuilder<File>, Error> {
    let opened = File::open(&file.path).map_err(|error| Error::io("open", &file.path, error))?;
    ParquetRecordBatchReaderBuilder::try_new(opened).context("open", &file.path)
}

/// The next rows that stay, if any.
fn next(
    reader: &mut ParquetRecordBatchReader,
    table: &'static Table,
    revision: &Revision,
    left_out: &mut LeftOut,
) -> Result<Option<RecordBatch>, Error> {
    for rows in reader {
        let rows = revision.apply(table, table.align(rows?)?, left_out)?;
        if rows.num_rows() > 0 {
            return Ok(Some(rows));
        }
    }
    Ok(None)
}
