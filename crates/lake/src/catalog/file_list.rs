//! Reads what is committed.

use std::collections::BTreeMap;

use event::Timestamp;
use journal::{JournalId, Offset};
use rusqlite::Row;
use uuid::Uuid;

use super::Catalog;
use crate::day::{Day, Partition};
use crate::error::{CatalogContext, Error};
use crate::layout::{FilePath, Layout};
use crate::version::DataFile;

/// The columns of `files` that [`data_file`] reads, in its order.
pub(super) const FILE_COLUMNS: &str =
    "path, day, rows, bytes, min_timestamp, max_timestamp, added_at";

/// Everything that is committed.
#[derive(Debug)]
pub(crate) struct FileList {
    pub(crate) files: Vec<DataFile>,
    pub(crate) cursors: BTreeMap<JournalId, Offset>,
}

impl Catalog {
    /// Reads files and cursors of one moment.
    pub(crate) fn file_list(&self) -> Result<FileList, Error> {
        let transaction = self.connection.unchecked_transaction().context("read")?;
        let files = transaction
            .prepare(&format!("SELECT {FILE_COLUMNS} FROM files ORDER BY path"))
            .and_then(|mut select| {
                select.query_map((), |row| data_file(&self.layout, row))?.collect()
            })
            .context("read")?;
        let cursors = transaction
            .prepare("SELECT journal_id, next_offset FROM cursors")
            .and_then(|mut select| select.query_map((), cursor)?.collect())
            .context("read")?;
        Ok(FileList { files, cursors })
    }
}

pub(super) fn data_file(layout: &Layout, row: &Row<'_>) -> rusqlite::Result<DataFile> {
    let name = FilePath::from(row.get::<_, String>(0)?);
    Ok(DataFile {
        path: layout.absolute(&name),
        day: row.get::<_, Option<i32>>(1)?.map(Day),
        rows: row.get(2)?,
        bytes: row.get(3)?,
        min_timestamp: timestamp(row, 4)?,
        max_timestamp: timestamp(row, 5)?,
        added_at: timestamp(row, 6)?,
        name,
    })
}

pub(super) fn timestamp(row: &Row<'_>, column: usize) -> rusqlite::Result<Timestamp> {
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
