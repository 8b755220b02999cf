//! What was brought already, in a file that outlives the process.
//!
//! A source is known by what is in it, not by its name. Its position moves only behind what the server
//! acknowledged, in the transaction that adds the counts, so both are true at any moment.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};
use rusqlite::{Connection, OptionalExtension, params};

use crate::day::Days;

const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS sources (
    id INTEGER PRIMARY KEY,
    target TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    name TEXT NOT NULL,
    position TEXT NOT NULL DEFAULT '',
    is_done INTEGER NOT NULL DEFAULT 0,
    duplicates INTEGER NOT NULL DEFAULT 0,
    uncertain INTEGER NOT NULL DEFAULT 0,
    dropped INTEGER NOT NULL DEFAULT 0,
    rejected INTEGER NOT NULL DEFAULT 0,
    UNIQUE (target, fingerprint)
);
CREATE TABLE IF NOT EXISTS days (
    source INTEGER NOT NULL, day INTEGER NOT NULL, rows INTEGER NOT NULL, UNIQUE (source, day)
);
CREATE TABLE IF NOT EXISTS covered (
    source INTEGER NOT NULL, since INTEGER NOT NULL, until INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS persons (
    target TEXT NOT NULL, person TEXT NOT NULL, distinct_id TEXT NOT NULL, UNIQUE (target, person)
);
";

/// A source's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SourceId(i64);

/// How far a source is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Standing {
    /// Where to go on, as the source says it; empty at its beginning.
    pub(crate) position: String,
    pub(crate) is_done: bool,
    /// Events that the server knew.
    pub(crate) duplicates: u64,
    /// Such that it may have known from this source itself: they were sent more than once.
    pub(crate) uncertain: u64,
    /// Events that a drop rule of the project fits.
    pub(crate) dropped: u64,
    pub(crate) rejected: u64,
}

/// What was acknowledged.
#[derive(Clone, Debug, Default)]
pub(crate) struct Progress {
    /// Where to go on.
    pub(crate) position: Option<String>,
    /// A span of time that is whole, of a source that is asked by time.
    pub(crate) covered: Option<(i64, i64)>,
    pub(crate) days: Days,
    pub(crate) duplicates: u64,
    pub(crate) uncertain: u64,
    pub(crate) dropped: u64,
    pub(crate) rejected: u64,
}

impl Progress {
    /// Adds what came next.
    pub(crate) fn join(&mut self, next: Self) {
        self.position = next.position.or(self.position.take());
        self.covered = next.covered.or(self.covered);
        crate::day::add(&mut self.days, &next.days);
        self.duplicates += next.duplicates;
        self.uncertain += next.uncertain;
        self.dropped += next.dropped;
        self.rejected += next.rejected;
    }
}

/// The file, which one import at a time has open.
#[derive(Debug)]
pub(crate) struct Ledger {
    connection: Connection,
    target: String,
}

impl Ledger {
    /// Opens it for what is brought to a target, or makes it.
    pub(crate) fn open(path: &Path, target: &str) -> anyhow::Result<Self> {
        let open = || -> rusqlite::Result<Connection> {
            let connection = Connection::open(path)?;
            connection.busy_timeout(Duration::from_millis(200))?;
            connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
            connection.pragma_update(None, "synchronous", "FULL")?;
            connection.execute_batch("BEGIN EXCLUSIVE")?;
            connection.execute_batch(SCHEMA)?;
            connection.execute_batch("COMMIT")?;
            Ok(connection)
        };
        match open() {
            Ok(connection) => Ok(Self { connection, target: target.to_owned() }),
            Err(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy) => {
                bail!("another import uses {}", path.display())
            }
            Err(error) => {
                Err(error).with_context(|| format!("cannot open the ledger {}", path.display()))
            }
        }
    }

    /// The source with this content.
    pub(crate) fn source(&self, fingerprint: &str, name: &str) -> anyhow::Result<SourceId> {
        self.connection.execute(
            "INSERT INTO sources (target, fingerprint, name) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
            params![self.target, fingerprint, name],
        )?;
        let id = self.connection.query_row(
            "SELECT id FROM sources WHERE target = ?1 AND fingerprint = ?2",
            params![self.target, fingerprint],
            |row| row.get(0),
        )?;
        Ok(SourceId(id))
    }

    pub(crate) fn standing(&self, source: SourceId) -> anyhow::Result<Standing> {
        let columns = "position, is_done, duplicates, uncertain, dropped, rejected";
        let statement = format!("SELECT {columns} FROM sources WHERE id = ?1");
        Ok(self.connection.query_row(&statement, [source.0], |row| {
            let count = |index| row.get::<_, i64>(index).map(i64::unsigned_abs);
            Ok(Standing {
                position: row.get(0)?,
                is_done: row.get(1)?,
                duplicates: count(2)?,
                uncertain: count(3)?,
                dropped: count(4)?,
                rejected: count(5)?,
            })
        })?)
    }

    /// Rows that were brought, by day.
    pub(crate) fn days(&self, source: SourceId) -> anyhow::Result<Days> {
        let mut statement =
            self.connection.prepare("SELECT day, rows FROM days WHERE source = ?1")?;
        let rows = statement.query_map([source.0], |row| {
            Ok((row.get::<_, i32>(0)?, row.get::<_, i64>(1)?.unsigned_abs()))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Notes what was acknowledged; durable when it returns.
    pub(crate) fn advance(&mut self, source: SourceId, progress: &Progress) -> anyhow::Result<()> {
        let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        let change = self.connection.transaction()?;
        change.execute(
            "UPDATE sources SET position = coalesce(?2, position), duplicates = duplicates + ?3,
             uncertain = uncertain + ?4, dropped = dropped + ?5, rejected = rejected + ?6 WHERE id = ?1",
            params![
                source.0,
                progress.position,
                number(progress.duplicates),
                number(progress.uncertain),
                number(progress.dropped),
                number(progress.rejected),
            ],
        )?;
        for (day, rows) in &progress.days {
            change.execute(
                "INSERT INTO days (source, day, rows) VALUES (?1, ?2, ?3)
                 ON CONFLICT (source, day) DO UPDATE SET rows = rows + excluded.rows",
                params![source.0, day, number(*rows)],
            )?;
        }
        if let Some((since, until)) = progress.covered {
            let grown = change.execute(
                "UPDATE covered SET until = ?3 WHERE source = ?1 AND until = ?2",
                params![source.0, since, until],
            )?;
            if grown == 0 {
                change.execute(
                    "INSERT INTO covered (source, since, until) VALUES (?1, ?2, ?3)",
                    params![source.0, since, until],
                )?;
            }
        }
        Ok(change.commit()?)
    }

    /// Notes that a source has no more.
    pub(crate) fn finish(&self, source: SourceId) -> anyhow::Result<()> {
        self.connection.execute("UPDATE sources SET is_done = 1 WHERE id = ?1", [source.0])?;
        Ok(())
    }

    /// Lets a source begin again.
    pub(crate) fn restart(&self, source: SourceId) -> anyhow::Result<()> {
        let statement = "UPDATE sources SET position = '', is_done = 0, rejected = 0 WHERE id = ?1";
        self.connection.execute(statement, [source.0])?;
        Ok(())
    }

    /// The parts of a span that were not brought yet, the oldest first.
    pub(crate) fn gaps(
        &self,
        source: SourceId,
        span: (i64, i64),
    ) -> anyhow::Result<Vec<(i64, i64)>> {
        let mut statement = self.connection.prepare(
            "SELECT since, until FROM covered WHERE source = ?1 AND until > ?2 AND since < ?3 ORDER BY since",
        )?;
        let covered = statement
            .query_map(params![source.0, span.0, span.1], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let (mut gaps, mut from) = (Vec::new(), span.0);
        for covered in covered {
            let (since, until): (i64, i64) = covered?;
            if since > from {
                gaps.push((from, since));
            }
            from = from.max(until);
        }
        if from < span.1 {
            gaps.push((from, span.1));
        }
        Ok(gaps)
    }

    /// The distinct id that stands for a person, which is the first that came.
    pub(crate) fn first_distinct_id(&self, person: &str) -> anyhow::Result<Option<String>> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT distinct_id FROM persons WHERE target = ?1 AND person = ?2")?;
        Ok(statement.query_row(params![self.target, person], |row| row.get(0)).optional()?)
    }

    /// Notes it.
    pub(crate) fn note_persons(&mut self, persons: &[(String, String)]) -> anyhow::Result<()> {
        let change = self.connection.transaction()?;
        for (person, distinct_id) in persons {
            change.execute(
                "INSERT INTO persons (target, person, distinct_id) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
                params![self.target, person, distinct_id],
            )?;
        }
        Ok(change.commit()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_and_positions_outlive_the_process_and_spans_grow_together() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.db");
        let mut ledger = Ledger::open(&path, "here").unwrap();
        let source = ledger.source("abc", "a.jsonl").unwrap();
        assert!(Ledger::open(&path, "here").is_err(), "one import at a time");
        let days = Days::from([(3, 5)]);
        for (since, until) in [(0, 10), (10, 20), (30, 40)] {
            let covered = Some((since, until));
            let position = Some(until.to_string());
            let progress =
                Progress { days: days.clone(), covered, position, ..Progress::default() };
            ledger.advance(source, &progress).unwrap();
        }
        drop(ledger);
        let ledger = Ledger::open(&path, "here").unwrap();
        assert_eq!(ledger.source("abc", "b.jsonl").unwrap(), source, "by content");
        assert_eq!(ledger.days(source).unwrap(), Days::from([(3, 15)]));
        assert_eq!(ledger.standing(source).unwrap().position, "40");
        assert_eq!(ledger.gaps(source, (5, 50)).unwrap(), [(20, 30), (40, 50)]);
        drop(ledger);
        let elsewhere = Ledger::open(&path, "there").unwrap();
        let source = elsewhere.source("abc", "a.jsonl").unwrap();
        assert!(elsewhere.days(source).unwrap().is_empty(), "another server has nothing of it");
    }
}
