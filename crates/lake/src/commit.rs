//! A commit: the rows of the tail go to files, and the cursor passes them.
//!
//! Rows of one record may belong to several tables, and the journal has one cursor: the files of all
//! tables and the cursor are one transaction.
//!
//! A file holds rows of one day of its table, and a commit opens few of them a table: the days that have at least
//! [`DAY_ROWS`] rows in it, at most [`DAYS_PER_COMMIT`], and always the one that has most. The other
//! rows, a late event here and there or a stranger's ten thousand days, go to one file that the days
//! share. That file is part of the table like any other, so the cursor passes its rows too;
//! compaction moves them to files of their day where a day has gathered enough.
//!
//! A table that keeps the latest is not by days: a commit adds one file of it.

use std::ops::Range;
use std::time::Instant;

use arrow::array::RecordBatch;
use arrow::compute::interleave_record_batch;
use journal::{JournalId, Offset};

use crate::catalog::{Advance, Catalog, NewErasures};
use crate::day::Partition;
use crate::file::{Effort, FileWriter, NewFile};
use crate::order::{self, Place};
use crate::shared::Shared;
use crate::version::Version;
use crate::{Error, Table, failpoint, metrics};

/// A day with fewer rows gets no file of its own: its footer alone would be larger than the rows.
pub(crate) const DAY_ROWS: usize = 1_000;

/// The most days of a table that get a file of their own in one commit, each of which costs a sync.
const DAYS_PER_COMMIT: usize = 32;

/// Rows handed to Parquet at a time.
const WRITE_ROWS: usize = 4_096;

impl Shared {
    /// Commits the tail and returns the offset up to which the journal's rows are durable.
    ///
    /// Rows come only from the sink, which calls one method at a time, so the tail does not grow
    /// meanwhile.
    pub(crate) fn commit_tail(&self, journal_id: JournalId) -> Result<Offset, Error> {
        let started = Instant::now();
        let version = self.current.get();
        let committed = version.cursor(journal_id).map(|cursor| cursor.offset);
        let to = version.end(journal_id);
        if version.tail.is_empty() {
            return Ok(to);
        }
        let files = self.write_files(&version)?;
        self.failpoints.reach(failpoint::AFTER_PARQUET_SYNC)?;
        let erasures = NewErasures {
            all: version.tail_erasures().cloned().collect(),
            erased: version.tail_erased(),
        };
        let advance = Advance { journal_id, from: committed, to, erasures };
        // The lock is held until queries see the commit, so that list and version agree.
        let mut catalog = self.catalog()?;
        self.register(&mut catalog, &files, &advance)?;
        self.failpoints.reach(failpoint::AFTER_COMMIT)?;
        self.publish_commit(&files, &advance);
        drop(catalog);
        ::metrics::histogram!(metrics::COMMIT_SECONDS).record(started.elapsed());
        Ok(to)
    }

    /// Writes the tail of every table.
    fn write_files(&self, version: &Version) -> Result<Vec<NewFile>, Error> {
        let mut files = Vec::new();
        for table in Table::all() {
            let written = self.write_table(table, version, &mut files);
            written.inspect_err(|_| self.discard(&files))?;
        }
        Ok(files)
    }

    fn write_table(
        &self,
        table: &'static Table,
        version: &Version,
        files: &mut Vec<NewFile>,
    ) -> Result<(), Error> {
        let batches: Vec<&RecordBatch> = version.batches(table).collect();
        let places = order::sort(table, &batches);
        for (partition, ranges) in plan(table, &places) {
            let (place, free_of) = ((table, partition), version.last_erasure());
            let writer = FileWriter::create(&self.layout, place, Effort::Commit, free_of)?;
            let places = ranges.into_iter().flat_map(|range| &places[range]);
            files.push(write_rows(writer, &batches, places)?);
        }
        Ok(())
    }

    /// Makes files and cursor part of the lake, all or nothing.
    fn register(
        &self,
        catalog: &mut Catalog,
        files: &[NewFile],
        advance: &Advance,
    ) -> Result<(), Error> {
        catalog.commit(files, advance).or_else(|error| self.settle(catalog, files, error))
    }

    fn publish_commit(&self, files: &[NewFile], advance: &Advance) {
        self.current.update(|version| {
            for of_table in by_table(files) {
                let added = of_table.iter().map(|new| new.file.clone()).collect();
                version.replace_files(of_table[0].file.table, &[], added);
            }
            version.advance(advance.journal_id, advance.to);
        });
        for of_table in by_table(files) {
            let table = of_table[0].file.table.name();
            let rows = of_table.iter().map(|new| new.file.rows).sum();
            let bytes = of_table.iter().map(|new| new.file.bytes).sum();
            ::metrics::counter!(metrics::COMMITTED_ROWS_TOTAL, "table" => table).increment(rows);
            ::metrics::counter!(metrics::COMMITTED_BYTES_TOTAL, "table" => table).increment(bytes);
        }
        self.report();
    }
}

fn write_rows<'a>(
    mut writer: FileWriter,
    batches: &[&RecordBatch],
    places: impl Iterator<Item = &'a Place>,
) -> Result<NewFile, Error> {
    for rows in in_order(batches, places) {
        writer.write(&rows?)?;
    }
    writer.finish()
}

/// The rows at these places, some at a time.
pub(crate) fn in_order<'a>(
    batches: &[&RecordBatch],
    places: impl Iterator<Item = &'a Place>,
) -> impl Iterator<Item = Result<RecordBatch, Error>> {
    let mut rows = places.map(|place| (place.batch as usize, place.row as usize));
    std::iter::from_fn(move || {
        let some: Vec<_> = rows.by_ref().take(WRITE_ROWS).collect();
        (!some.is_empty()).then(|| Ok(interleave_record_batch(batches, &some)?))
    })
}

/// The files of a commit, which come table by table.
fn by_table(files: &[NewFile]) -> impl Iterator<Item = &[NewFile]> {
    files.chunk_by(|left, right| left.file.table == right.file.table)
}

/// Says which sorted rows go to which file.
pub(crate) fn plan(table: &Table, places: &[Place]) -> Vec<(Partition, Vec<Range<usize>>)> {
    if !table.is_by_day() {
        let all = (!places.is_empty()).then_some(0..places.len());
        return all.map(|all| (Partition::Shared, vec![all])).into_iter().collect();
    }
    let mut days = Vec::new();
    let mut start = 0;
    for rows in places.chunk_by(|left, right| left.day == right.day) {
        days.push((rows[0].day, start..start + rows.len()));
        start += rows.len();
    }
    days.sort_by_key(|(_, range)| std::cmp::Reverse(range.len()));
    let own = days
        .iter()
        .enumerate()
        .take_while(|(at, (_, range))| *at == 0 || range.len() >= DAY_ROWS)
        .take(DAYS_PER_COMMIT)
        .count();
    let mut rest: Vec<_> = days.split_off(own).into_iter().map(|(_, range)| range).collect();
    rest.sort_by_key(|range| range.start);
    let mut files: Vec<_> =
        days.into_iter().map(|(day, range)| (Partition::Day(day), vec![range])).collect();
    if !rest.is_empty() {
        files.push((Partition::Shared, rest));
    }
    files
}
