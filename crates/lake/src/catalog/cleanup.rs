//! Files that are not needed any more.

use std::collections::HashSet;

use event::Timestamp;
use rusqlite::params;

use super::Catalog;
use crate::error::CatalogContext;
use crate::layout::FilePath;
use crate::{CatalogCopy, Error, Table};

/// Every file that some table knows.
pub(crate) type Kept = HashSet<String>;

impl Catalog {
    /// The names of all files that belong here, except the tables' metadata files.
    pub(crate) fn kept(&self) -> Result<Kept, Error> {
        self.connection
            .prepare(
                "SELECT path FROM files
                 UNION ALL SELECT path FROM removed_files
                 UNION ALL SELECT manifest_list FROM snapshots
                 UNION ALL SELECT manifest FROM partitions WHERE manifest IS NOT NULL",
            )
            .and_then(|mut select| select.query_map((), |row| row.get(0))?.collect())
            .context("read")
    }

    /// What a copy of the lake as this catalog has it consists of.
    pub(crate) fn copy(&self) -> Result<CatalogCopy, Error> {
        self.read_copy().context("read")
    }

    fn read_copy(&self) -> rusqlite::Result<CatalogCopy> {
        let paths = |sql: &str| -> rusqlite::Result<Vec<String>> {
            self.connection.prepare(sql)?.query_map((), |row| row.get(0))?.collect()
        };
        let mut past = paths(
            "SELECT path FROM removed_files
             UNION SELECT manifest_list FROM snapshots
             UNION SELECT manifest FROM partitions WHERE manifest IS NOT NULL",
        )?;
        // Absolute, as the folder was when it was written.
        let tables = "SELECT table_name, metadata_location FROM iceberg_tables
             WHERE metadata_location IS NOT NULL
             UNION SELECT table_name, previous_metadata_location FROM iceberg_tables
             WHERE previous_metadata_location IS NOT NULL";
        let mut select = self.connection.prepare(tables)?;
        let metadata = select.query_map((), |row| {
            let (table, location): (String, String) = (row.get(0)?, row.get(1)?);
            let name = location.rsplit('/').next().unwrap_or_default();
            Ok(format!("data/{table}/metadata/{name}"))
        })?;
        past.extend(metadata.collect::<rusqlite::Result<Vec<_>>>()?);
        let (event_rows, newest): (i64, Option<i64>) = self.connection.query_row(
            "SELECT coalesce(sum(rows), 0), max(max_timestamp) FROM files WHERE table_name = 'events'",
            (),
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        let files = paths("SELECT path FROM files")?;
        let newest_event = newest.map(Timestamp::from_micros);
        let event_rows = event_rows.cast_unsigned();
        Ok(CatalogCopy { files, past, event_rows, newest_event })
    }

    /// Whether a file is part of a table.
    pub(crate) fn is_listed(&self, path: &FilePath) -> Result<bool, Error> {
        self.connection
            .query_row(
                "SELECT EXISTS (SELECT 1 FROM files WHERE path = ?1)",
                [path.as_str()],
                |row| row.get(0),
            )
            .context("read")
    }

    /// Marks files of a table's metadata as no longer needed.
    pub(crate) fn retire(
        &mut self,
        table: &'static Table,
        paths: &[FilePath],
        now: Timestamp,
    ) -> Result<(), Error> {
        let transaction = self.begin("clean up")?;
        for path in paths {
            transaction
                .execute(
                    "INSERT OR IGNORE INTO removed_files (path, table_name, generation, unlisted_at)
                     VALUES (?1, ?2, 0, ?3)",
                    params![path.as_str(), table.name(), now.as_micros()],
                )
                .context("clean up")?;
        }
        transaction.commit().context("clean up")
    }

    /// Files that the metadata has done without since `before`.
    pub(crate) fn expired(&self, before: Timestamp) -> Result<Vec<FilePath>, Error> {
        self.connection
            .prepare_cached(
                "SELECT path FROM removed_files AS removed WHERE unlisted_at <= ?1
                 AND generation <= (SELECT coalesce(min(generation), 9223372036854775807)
                                    FROM snapshots WHERE table_name = removed.table_name)",
            )
            .and_then(|mut select| {
                let path = |row: &rusqlite::Row<'_>| row.get(0).map(|path: String| path.into());
                select.query_map([before.as_micros()], path)?.collect()
            })
            .context("clean up")
    }

    /// Forgets files that are deleted.
    pub(crate) fn forget(&mut self, paths: &[FilePath]) -> Result<(), Error> {
        let transaction = self.begin("clean up")?;
        for path in paths {
            transaction
                .execute("DELETE FROM removed_files WHERE path = ?1", [path.as_str()])
                .context("clean up")?;
        }
        transaction.commit().context("clean up")
    }
}
