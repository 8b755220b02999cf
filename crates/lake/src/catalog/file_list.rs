//! Reads what is committed.

use std::collections::BTreeMap;

use event::Timestamp;
use journal::{JournalId, Offset};
use rusqlite::Row;
use uuid::Uuid;

use super::{Catalog, erasures};
use crate::Table;
use crate::day::{Day, Partition};
use crate::erasure::Number;
use crate::error::{CatalogContext, Error};
use crate::layout::{FilePath, Layout};
use crate::version::{DataFile, FreeOf, Version};

/// The columns of `files` that [`data_file`] reads, in its order.
pub(super) const FILE_COLUMNS: &str =
    "path, day, rows, bytes, min_timestamp, max_timestamp, added_at, free_of";

impl Catalog {
    /// Reads the version that has all that is committed at one moment, and no tail.
    pub(crate) fn committed(&self) -> Result<Version, Error> {
        self.read_committed().context("read")
    }

    fn read_committed(&self) -> rusqlite::Result<Version> {
        let transaction = self.connection.unchecked_transaction()?;
        let mut files = Vec::new();
        let which = format!("SELECT {FILE_COLUMNS} FROM files WHERE table_name = ?1 ORDER BY path");
        for table in Table::all() {
            let mut select = transaction.prepare(&which)?;
            for file in
                select.query_map([table.name()], |row| data_file(&self.layout, table, row))?
            {
                files.push(file?);
            }
        }
        let cursors: BTreeMap<JournalId, Offset> = transaction
            .prepare("SELECT journal_id, next_offset FROM cursors")?
            .query_map((), cursor)?
            .collect::<rusqlite::Result<_>>()?;
        let erasures = erasures::pending(&transaction)?;
        Ok(Version::committed(files, cursors, erasures))
    }
}

pub(super) fn data_file(
    layout: &Layout,
    table: &'static Table,
    row: &Row<'_>,
) -> rusqlite::Result<DataFile> {
    let name = FilePath::from(row.get::<_, String>(0)?);
    Ok(DataFile {
        table,
        path: layout.absolute(&name),
        day: row.get::<_, Option<i32>>(1)?.map(Day),
        rows: row.get(2)?,
        bytes: row.get(3)?,
        min_timestamp: timestamp(row, 4)?,
        max_timestamp: timestamp(row, 5)?,
        added_at: timestamp(row, 6)?,
        free_of: FreeOf::new(Number(row.get(7)?)),
        name,
    })
}

fn timestamp(row: &Row<'_>, column: usize) -> rusqlite::Result<Timestamp> {
    row.get(column).map(Timestamp::from_micros)
}

fn cursor(row: &Row<'_>) -> rusqlite::Result<(JournalId, Offset)> {
    let text: String = row.get(0)?;
    let journal_id = text.parse::<Uuid>().map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, error.into())
    })?;
    Ok((JournalId::from_uuid(journal_id), Offset::new(row.get(1)?)))
}

/// How a partition stands in a column `day`.
pub(super) fn day_column(partition: Partition) -> Option<i32> {
    partition.day().map(|day| day.0)
}
