//! Changes the file list.

use std::collections::BTreeSet;

use journal::{JournalId, Offset};
use rusqlite::{OptionalExtension, Transaction, TransactionBehavior, params};

use super::file_list::day_column;
use super::{Catalog, Generation};
use crate::Error;
use crate::day::Partition;
use crate::error::CatalogContext;
use crate::file::NewFile;
use crate::version::DataFile;

/// Moves a journal's cursor.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Advance {
    pub(crate) journal_id: JournalId,
    /// Where it must be before; `None` where the journal has none yet.
    pub(crate) from: Option<Offset>,
    pub(crate) to: Offset,
}

impl Catalog {
    /// Adds files and moves the cursor past their rows: both, or neither.
    ///
    /// # Errors
    /// [`Error::CursorMoved`] when the cursor is not where it should be. After any other error it
    /// is unknown whether the transaction took place.
    pub(crate) fn commit(&mut self, files: &[NewFile], advance: &Advance) -> Result<(), Error> {
        let transaction = self.begin("commit to")?;
        let generation = next_generation(&transaction)?;
        move_cursor(&transaction, advance)?;
        add(&transaction, files, generation)?;
        touch(&transaction, files.iter().map(|new| new.file.partition()).collect(), generation)?;
        transaction.commit().context("commit to")
    }

    /// Puts files in the place of others that hold the same rows.
    pub(crate) fn replace(&mut self, gone: &[&DataFile], files: &[NewFile]) -> Result<(), Error> {
        let rows_in = gone.iter().map(|file| file.rows).sum();
        let rows_out = files.iter().map(|new| new.file.rows).sum();
        if rows_in != rows_out {
            return Err(Error::RowsLost { rows_in, rows_out });
        }
        let transaction = self.begin("compact")?;
        let generation = next_generation(&transaction)?;
        for file in gone {
            remove(&transaction, file, generation)?;
        }
        add(&transaction, files, generation)?;
        let added = files.iter().map(|new| new.file.partition());
        let touched = gone.iter().map(|file| file.partition()).chain(added).collect();
        touch(&transaction, touched, generation)?;
        transaction.commit().context("compact")
    }

    pub(super) fn begin(&mut self, action: &'static str) -> Result<Transaction<'_>, Error> {
        self.connection.transaction_with_behavior(TransactionBehavior::Immediate).context(action)
    }
}

fn next_generation(transaction: &Transaction<'_>) -> Result<Generation, Error> {
    transaction
        .query_row("UPDATE lake SET generation = generation + 1 RETURNING generation", (), |row| {
            row.get(0).map(Generation)
        })
        .context("commit to")
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

fn add(
    transaction: &Transaction<'_>,
    files: &[NewFile],
    generation: Generation,
) -> Result<(), Error> {
    let mut insert = transaction
        .prepare_cached("INSERT INTO files VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, NULL, NULL)")
        .context("commit to")?;
    for NewFile { file, metrics } in files {
        let metrics = serde_json::to_string(metrics).expect("numbers and text are JSON");
        let row = params![
            file.name.as_str(),
            day_column(file.partition()),
            file.rows,
            file.bytes,
            file.min_timestamp.as_micros(),
            file.max_timestamp.as_micros(),
            file.added_at.as_micros(),
            metrics,
            generation.0,
        ];
        insert.execute(row).context("commit to")?;
    }
    Ok(())
}

/// Moves a file to `removed_files`; one that is not listed any more is an error.
fn remove(
    transaction: &Transaction<'_>,
    file: &DataFile,
    generation: Generation,
) -> Result<(), Error> {
    let added: u64 = transaction
        .query_row(
            "DELETE FROM files WHERE path = ?1 RETURNING generation",
            [file.name.as_str()],
            |row| row.get(0),
        )
        .context("compact")?;
    transaction
        .execute(
            "INSERT INTO removed_files VALUES (?1, ?2, NULL, ?3, ?4, ?5)",
            params![file.name.as_str(), generation.0, added, file.rows, file.bytes],
        )
        .map(drop)
        .context("compact")
}

/// Remembers which partitions changed, since their manifests are to be written anew.
fn touch(
    transaction: &Transaction<'_>,
    partitions: BTreeSet<Partition>,
    generation: Generation,
) -> Result<(), Error> {
    for partition in partitions {
        let day = day_column(partition);
        // `IS` finds NULL, which `ON CONFLICT` would not.
        let known = transaction
            .execute(
                "UPDATE partitions SET generation = ?2 WHERE day IS ?1",
                params![day, generation.0],
            )
            .context("commit to")?;
        if known == 0 {
            transaction
                .execute(
                    "INSERT INTO partitions VALUES (?1, ?2, NULL, NULL)",
                    params![day, generation.0],
                )
                .context("commit to")?;
        }
    }
    Ok(())
}
