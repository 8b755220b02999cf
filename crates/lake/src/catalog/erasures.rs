//! What the catalog knows of erasures: which are pending, and what each removed.

use std::collections::BTreeSet;
use std::sync::Arc;

use event::{Erasure, Placed, Timestamp, decode_rows, encode_row};
use rusqlite::{Connection, Row, Transaction, params};
use uuid::Uuid;

use super::Catalog;
use crate::Error;
use crate::erasure::{Counts, ErasedRows, ErasureProgress, Number, Numbered, Pending};
use crate::error::CatalogContext;
use crate::version::DataFile;

/// Erasures that a commit brings, and what they took out of the tail.
#[derive(Clone, Debug, Default)]
pub(crate) struct NewErasures {
    pub(crate) all: Vec<Numbered>,
    pub(crate) erased: Counts,
}

impl NewErasures {
    pub(super) fn add(&self, transaction: &Transaction<'_>) -> Result<(), Error> {
        for Numbered { number, placed } in &self.all {
            let mut record = Vec::new();
            encode_row(&placed.erasure.clone().into_row(), &mut record);
            let Placed { erasure, journal_id, offset } = &**placed;
            let row = params![
                number.0,
                erasure.id.to_string(),
                erasure.team.0,
                erasure.kind.name(),
                journal_id.to_string(),
                offset,
                record,
                Timestamp::now().as_micros(),
            ];
            transaction
                .execute(
                    "INSERT INTO erasures (number, erasure_id, team_id, kind, journal_id,
                     journal_offset, record, read_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                    row,
                )
                .context("commit to")?;
        }
        count(transaction, &self.erased)
    }
}

/// Adds to what erasures removed.
pub(super) fn count(transaction: &Transaction<'_>, erased: &Counts) -> Result<(), Error> {
    for (number, table, count) in erased.iter() {
        transaction
            .execute(
                "INSERT INTO erased_rows VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (number, table_name) DO UPDATE SET
                 removed = removed + excluded.removed,
                 anonymized = anonymized + excluded.anonymized",
                params![number.0, table, count.removed, count.anonymized],
            )
            .context("count erased rows in")?;
    }
    Ok(())
}

/// Erasures whose rows some files may have.
pub(super) fn pending(connection: &Connection) -> rusqlite::Result<Pending> {
    let all: Vec<Option<Numbered>> = connection
        .prepare(
            "SELECT number, journal_id, journal_offset, record FROM erasures
             WHERE rewritten_at IS NULL ORDER BY number",
        )?
        .query_map((), numbered)?
        .collect::<rusqlite::Result<_>>()?;
    let last = "SELECT coalesce(max(number), 0) FROM erasures";
    let last = connection.query_row(last, (), |row| row.get(0).map(Number))?;
    Ok(Pending::new(all.into_iter().flatten().collect(), last))
}

/// `None` where the record is gone, since the erasure is done.
fn numbered(row: &Row<'_>) -> rusqlite::Result<Option<Numbered>> {
    let placed = placed(row.get(3)?, row.get(1)?, row.get(2)?)?;
    let number = Number(row.get(0)?);
    Ok(placed.map(|placed| Numbered { number, placed: Arc::new(placed) }))
}

fn placed(
    record: Option<Vec<u8>>,
    journal_id: String,
    offset: u64,
) -> rusqlite::Result<Option<Placed>> {
    let Some(record) = record else { return Ok(None) };
    let unreadable = |error: Box<dyn std::error::Error + Send + Sync>| {
        rusqlite::Error::FromSqlConversionFailure(3, rusqlite::types::Type::Blob, error)
    };
    let rows = decode_rows(record.into()).map_err(|error| unreadable(error.into()))?;
    let erasure = rows.first().and_then(Erasure::of_row);
    let erasure = erasure.ok_or_else(|| unreadable("it is no erasure".into()))?;
    let journal_id: Uuid =
        journal_id.parse().map_err(|error: uuid::Error| unreadable(error.into()))?;
    Ok(Some(Placed { erasure, journal_id, offset }))
}

impl Catalog {
    /// Takes erasures over that no journal brings any more, but for those that it has.
    pub(crate) fn take_over(&mut self, erasures: &[Arc<Placed>]) -> Result<(), Error> {
        let known: BTreeSet<Uuid> =
            self.erasures()?.into_iter().map(|progress| progress.id).collect();
        let last = pending(&self.connection).context("read")?.last().0;
        let new = erasures.iter().filter(|placed| !known.contains(&placed.erasure.id));
        let numbered = |(number, placed): (u64, &Arc<Placed>)| Numbered {
            number: Number(number),
            placed: placed.clone(),
        };
        let all: Vec<_> = (last + 1..).zip(new).map(numbered).collect();
        if all.is_empty() {
            return Ok(());
        }
        tracing::info!(erasures = all.len(), "taking over what was erased meanwhile");
        let transaction = self.begin("commit to")?;
        NewErasures { all, erased: Counts::default() }.add(&transaction)?;
        transaction.commit().context("commit to")
    }

    /// Notes that nothing of the erasures up to one is in these files.
    pub(crate) fn note_free(&mut self, files: &[&DataFile], of: Number) -> Result<(), Error> {
        let transaction = self.begin("look through")?;
        for file in files {
            transaction
                .execute(
                    "UPDATE files SET free_of = ?2 WHERE path = ?1",
                    params![file.name.as_str(), of.0],
                )
                .context("look through")?;
        }
        transaction.commit().context("look through")
    }

    /// Notes that no file has rows any more that the erasures up to one concern, and forgets who
    /// was erased.
    pub(crate) fn note_rewritten(&mut self, up_to: Number, now: Timestamp) -> Result<(), Error> {
        let transaction = self.begin("erase from")?;
        transaction
            .execute(
                "UPDATE erasures SET rewritten_at = ?2, record = NULL
                 WHERE number <= ?1 AND rewritten_at IS NULL",
                params![up_to.0, now.as_micros()],
            )
            .context("erase from")?;
        transaction.commit().context("erase from")?;
        self.forget_log()
    }

    /// Notes which erasures' rows Iceberg's metadata does not show any more, and of which no file is
    /// left.
    pub(crate) fn note_gone(&mut self, now: Timestamp) -> Result<(), Error> {
        let transaction = self.begin("erase from")?;
        let shown = "SELECT EXISTS
                     (SELECT 1 FROM tables WHERE erased_generation > projected_generation)";
        let is_shown: bool = transaction.query_row(shown, (), |row| row.get(0)).context("read")?;
        if !is_shown {
            transaction
                .execute(
                    "UPDATE erasures SET unlisted_at = ?1
                     WHERE rewritten_at IS NOT NULL AND unlisted_at IS NULL",
                    [now.as_micros()],
                )
                .context("erase from")?;
        }
        transaction
            .execute(
                "UPDATE erasures SET gone_at = ?1
                 WHERE unlisted_at IS NOT NULL AND gone_at IS NULL AND NOT EXISTS (
                     SELECT 1 FROM removed_files
                     WHERE removed_files.unlisted_at <= erasures.unlisted_at)",
                [now.as_micros()],
            )
            .context("erase from")?;
        transaction.commit().context("erase from")
    }

    /// Whether some erasure is not through to its last file.
    pub(crate) fn has_unfinished_erasures(&self) -> Result<bool, Error> {
        let unfinished = "SELECT EXISTS (SELECT 1 FROM erasures WHERE gone_at IS NULL)";
        self.connection.query_row(unfinished, (), |row| row.get(0)).context("read")
    }

    /// How far every erasure is, the first one first.
    pub(crate) fn erasures(&self) -> Result<Vec<ErasureProgress>, Error> {
        self.read_erasures().context("read")
    }

    fn read_erasures(&self) -> rusqlite::Result<Vec<ErasureProgress>> {
        let transaction = self.connection.unchecked_transaction()?;
        let mut all: Vec<(u64, ErasureProgress)> = transaction
            .prepare("SELECT * FROM erasures ORDER BY number")?
            .query_map((), |row| Ok((row.get("number")?, progress(row)?)))?
            .collect::<rusqlite::Result<_>>()?;
        let mut rows = transaction
            .prepare("SELECT table_name, removed, anonymized FROM erased_rows WHERE number = ?1")?;
        for (number, progress) in &mut all {
            let rows = rows.query_map([*number], erased_rows)?;
            progress.rows = rows.collect::<rusqlite::Result<_>>()?;
            let left = "SELECT count(*) FROM files WHERE free_of < ?1";
            if progress.rewritten_at.is_none() {
                progress.files_left = transaction.query_row(left, [*number], |row| row.get(0))?;
            }
        }
        Ok(all.into_iter().map(|(_, progress)| progress).collect())
    }

    /// Cuts back the log, which has the pages as they were before something was forgotten. Where
    /// somebody reads them it is overwritten later.
    fn forget_log(&self) -> Result<(), Error> {
        self.connection
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |_| Ok(()))
            .context("cut back the log of")
    }
}

fn progress(row: &Row<'_>) -> rusqlite::Result<ErasureProgress> {
    let time = |name| -> rusqlite::Result<_> {
        Ok(row.get::<_, Option<i64>>(name)?.map(Timestamp::from_micros))
    };
    let id: String = row.get("erasure_id")?;
    Ok(ErasureProgress {
        id: id.parse().unwrap_or_default(),
        rows: Vec::new(),
        files_left: 0,
        read_at: time("read_at")?.unwrap_or(Timestamp::EPOCH),
        rewritten_at: time("rewritten_at")?,
        unlisted_at: time("unlisted_at")?,
        gone_at: time("gone_at")?,
        gone_by: None,
    })
}

fn erased_rows(row: &Row<'_>) -> rusqlite::Result<ErasedRows> {
    Ok(ErasedRows { table: row.get(0)?, removed: row.get(1)?, anonymized: row.get(2)? })
}
