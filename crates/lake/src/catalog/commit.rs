//! Changes the file list.

use std::collections::BTreeSet;

use journal::{JournalId, Offset};
use rusqlite::{OptionalExtension, Transaction, TransactionBehavior, params};

use super::file_list::day_column;
use super::{Catalog, Generation, NewErasures, erasures};
use crate::day::Partition;
use crate::erasure::Counts;
use crate::error::CatalogContext;
use crate::file::NewFile;
use crate::version::DataFile;
use crate::{Error, Table};

/// Moves a journal's cursor.
#[derive(Clone, Debug)]
pub(crate) struct Advance {
    pub(crate) journal_id: JournalId,
    /// Where it must be before; `None` where the journal has none yet.
    pub(crate) from: Option<Offset>,
    pub(crate) to: Offset,
    /// The erasures that it passes.
    pub(crate) erasures: NewErasures,
}

/// Rows of replaced files that are not in those in their place.
#[derive(Clone, Debug, Default)]
pub(crate) struct LeftOut {
    /// Later versions took their place.
    pub(crate) superseded: u64,
    /// They were erased; rows that stay under a pseudonym are counted, too, and not left out.
    pub(crate) erased: Counts,
    /// They were older than rows are kept.
    pub(crate) aged: u64,
}

impl LeftOut {
    fn rows(&self) -> u64 {
        self.superseded + self.erased.removed() + self.aged
    }
}

impl Catalog {
    /// Adds files, which come table by table, and moves the cursor past their rows: all, or nothing.
    ///
    /// # Errors
    /// [`Error::CursorMoved`] when the cursor is not where it should be. After any other error it
    /// is unknown whether the transaction took place.
    pub(crate) fn commit(&mut self, files: &[NewFile], advance: &Advance) -> Result<(), Error> {
        let transaction = self.begin("commit to")?;
        move_cursor(&transaction, advance)?;
        advance.erasures.add(&transaction)?;
        for files in files.chunk_by(|left, right| left.file.table == right.file.table) {
            let change = Change::begin(&transaction, files[0].file.table)?;
            change.add(files)?;
            change.touch(files.iter().map(|new| new.file.partition()).collect())?;
        }
        transaction.commit().context("commit to")
    }

    /// Puts files of a table in the place of others that hold the same rows, but for those left out.
    pub(crate) fn replace(
        &mut self,
        table: &'static Table,
        gone: &[&DataFile],
        files: &[NewFile],
        left_out: &LeftOut,
    ) -> Result<(), Error> {
        let rows_in = gone.iter().map(|file| file.rows).sum();
        let rows_out = files.iter().map(|new| new.file.rows).sum::<u64>() + left_out.rows();
        if rows_in != rows_out {
            return Err(Error::RowsLost { rows_in, rows_out });
        }
        let transaction = self.begin("compact")?;
        let change = Change::begin(&transaction, table)?;
        for file in gone {
            change.remove(file)?;
        }
        change.add(files)?;
        if !left_out.erased.is_empty() {
            change.mark_erased()?;
            erasures::count(&transaction, &left_out.erased)?;
        }
        let added = files.iter().map(|new| new.file.partition());
        change.touch(gone.iter().map(|file| file.partition()).chain(added).collect())?;
        transaction.commit().context("compact")
    }

    /// Takes files out of a table with all their rows.
    pub(crate) fn remove(
        &mut self,
        table: &'static Table,
        gone: &[&DataFile],
    ) -> Result<(), Error> {
        let transaction = self.begin("remove files from")?;
        let change = Change::begin(&transaction, table)?;
        for file in gone {
            change.remove(file)?;
        }
        change.touch(gone.iter().map(|file| file.partition()).collect())?;
        transaction.commit().context("remove files from")
    }

    pub(super) fn begin(&mut self, action: &'static str) -> Result<Transaction<'_>, Error> {
        self.connection.transaction_with_behavior(TransactionBehavior::Immediate).context(action)
    }
}

fn move_cursor(transaction: &Transaction<'_>, advance: &Advance) -> Result<(), Error> {
    let journal_id = advance.journal_id.to_string();
    let stored: Option<u64> = transaction
        .query_row("SELECT next_offset FROM cursors WHERE journal_id = ?1", [&journal_id], |row| {
            row.get(0)
        })
        .optional()
        .context("commit to")?;
    if stored != advance.from.map(Offset::get) {
        let expected = advance.from.unwrap_or_default();
        return Err(Error::CursorMoved { journal_id: advance.journal_id, expected });
    }
    transaction
        .execute(
            "INSERT INTO cursors VALUES (?1, ?2)
             ON CONFLICT (journal_id) DO UPDATE SET next_offset = excluded.next_offset",
            params![journal_id, advance.to.get()],
        )
        .map(drop)
        .context("commit to")
}

/// A change of one table's file list, which makes a generation of its own.
struct Change<'a> {
    transaction: &'a Transaction<'a>,
    table: &'static str,
    generation: Generation,
}

impl<'a> Change<'a> {
    fn begin(transaction: &'a Transaction<'a>, table: &'static Table) -> Result<Self, Error> {
        let next = "UPDATE tables SET generation = generation + 1 WHERE table_name = ?1
                    RETURNING generation";
        let generation = transaction
            .query_row(next, [table.name()], |row| row.get(0).map(Generation))
            .context("commit to")?;
        Ok(Self { transaction, table: table.name(), generation })
    }

    fn add(&self, files: &[NewFile]) -> Result<(), Error> {
        let mut insert = self
            .transaction
            .prepare_cached(
                "INSERT INTO files (path, table_name, day, rows, bytes, min_timestamp,
                 max_timestamp, added_at, metrics, generation, free_of)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
            )
            .context("commit to")?;
        for NewFile { file, metrics } in files {
            let metrics = serde_json::to_string(metrics).expect("numbers and text are JSON");
            let row = params![
                file.name.as_str(),
                self.table,
                day_column(file.partition()),
                file.rows,
                file.bytes,
                file.min_timestamp.as_micros(),
                file.max_timestamp.as_micros(),
                file.added_at.as_micros(),
                metrics,
                self.generation.0,
                file.free_of.get().0,
            ];
            insert.execute(row).context("commit to")?;
        }
        Ok(())
    }

    /// Moves a file to `removed_files`; one that is not listed any more is an error.
    fn remove(&self, file: &DataFile) -> Result<(), Error> {
        let added: u64 = self
            .transaction
            .query_row(
                "DELETE FROM files WHERE path = ?1 RETURNING generation",
                [file.name.as_str()],
                |row| row.get(0),
            )
            .context("compact")?;
        let (path, generation) = (file.name.as_str(), self.generation.0);
        self.transaction
            .execute(
                "INSERT INTO removed_files
                 (path, table_name, generation, added_generation, rows, bytes)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![path, self.table, generation, added, file.rows, file.bytes],
            )
            .map(drop)
            .context("compact")
    }

    /// Remembers that snapshots before this change show what is erased.
    fn mark_erased(&self) -> Result<(), Error> {
        let mark = "UPDATE tables SET erased_generation = ?2 WHERE table_name = ?1";
        let row = params![self.table, self.generation.0];
        self.transaction.execute(mark, row).map(drop).context("erase from")
    }

    /// Remembers which partitions changed, since their manifests are to be written anew.
    fn touch(&self, partitions: BTreeSet<Partition>) -> Result<(), Error> {
        for partition in partitions {
            let row = params![self.table, day_column(partition), self.generation.0];
            // `IS` finds NULL, which `ON CONFLICT` would not.
            let known = self
                .transaction
                .execute(
                    "UPDATE partitions SET generation = ?3 WHERE table_name = ?1 AND day IS ?2",
                    row,
                )
                .context("commit to")?;
            if known == 0 {
                self.transaction
                    .execute(
                        "INSERT INTO partitions (table_name, day, generation) VALUES (?1, ?2, ?3)",
                        row,
                    )
                    .context("commit to")?;
            }
        }
        Ok(())
    }
}
