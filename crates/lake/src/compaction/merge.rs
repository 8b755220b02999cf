//! Merges sorted files, a few rows of each in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};

use arrow::array::RecordBatch;
use arrow::compute::interleave_record_batch;

use super::output::Output;
use super::plan::Job;
use super::source::{self, Source};
use crate::Error;
use crate::catalog::LeftOut;
use crate::commit::DAY_ROWS;
use crate::day::{Day, Partition};
use crate::file::NewFile;
use crate::layout::Layout;
use crate::order::Keys;
use crate::revision::Revisions;

/// Rows handed over at a time.
const WRITE_ROWS: usize = 4_096;

/// What a merge made.
pub(crate) struct Merged {
    pub(crate) files: Vec<NewFile>,
    /// Rows that are not in the files.
    pub(crate) left_out: LeftOut,
}

/// Writes the rows of a job's inputs to new files. In a table that keeps the latest, a row whose key
/// comes again with a higher version stays out; so does, in any table, one that is
/// erased or too old.
pub(crate) fn merge(
    layout: &Layout,
    job: &Job,
    revisions: &Revisions,
    stopping: &AtomicBool,
) -> Result<Merged, Error> {
    let (mut sources, mut left_out) = (Vec::new(), LeftOut::default());
    for file in &job.inputs {
        sources.extend(Source::open(file, revisions.of(file), &mut left_out)?);
    }
    let merge = Merge {
        sources,
        rows: Vec::new(),
        held: None,
        left_out,
        keeps_latest: job.table.latest().is_some(),
        target: job.partition,
        output: Output::new(layout, job.table, revisions.free_of()),
    };
    merge.run(&targets(job)?, stopping)
}

/// Where rows go.
enum Targets {
    /// All to one.
    One(Partition),
    /// To their day where it is among these, else to the file that days share.
    Own(BTreeSet<Day>),
}

fn targets(job: &Job) -> Result<Targets, Error> {
    if job.partition != Partition::Shared || !job.table.is_by_day() {
        return Ok(Targets::One(job.partition));
    }
    let mut days = BTreeMap::new();
    for file in &job.inputs {
        source::count_days(file, &mut days)?;
    }
    days.retain(|_, rows| *rows >= DAY_ROWS as u64);
    Ok(Targets::Own(days.into_keys().collect()))
}

impl Targets {
    fn of(&self, day: Day) -> Partition {
        match self {
            Self::One(partition) => *partition,
            Self::Own(days) if days.contains(&day) => Partition::Day(day),
            Self::Own(_) => Partition::Shared,
        }
    }
}

/// A merge under way.
struct Merge<'a> {
    /// Those that still have rows.
    sources: Vec<Source>,
    /// Rows that are next in order, as (source, row), all of one target.
    rows: Vec<(usize, usize)>,
    /// The row before them, where the next may take its place.
    held: Option<Held>,
    left_out: LeftOut,
    keeps_latest: bool,
    target: Partition,
    output: Output<'a>,
}

/// A row apart from its source, which has read on.
struct Held {
    row: RecordBatch,
    keys: Keys,
}

impl Merge<'_> {
    fn run(mut self, targets: &Targets, stopping: &AtomicBool) -> Result<Merged, Error> {
        while let Some(least) = self.least() {
            let source = &self.sources[least];
            let target = targets.of(source.keys.day(source.row));
            if target != self.target || self.rows.len() == WRITE_ROWS {
                self.flush()?;
                self.target = target;
            }
            self.take(least);
            if self.sources[least].is_drained() {
                self.flush()?;
                if stopping.load(Ordering::Relaxed) {
                    return Err(Error::Stopped);
                }
                if !self.sources[least].advance(&mut self.left_out)? {
                    self.sources.swap_remove(least);
                }
            }
        }
        if let Some(held) = self.held.take() {
            self.output.write(self.target, &held.row)?;
        }
        Ok(Merged { files: self.output.finish()?, left_out: self.left_out })
    }

    /// Takes a source's next row, in the place of the row before where that is of the same key.
    fn take(&mut self, least: usize) {
        let source = &self.sources[least];
        let is_same = match self.rows.last() {
            Some(&(before, row)) => {
                source.keys.is_same(source.row, &self.sources[before].keys, row)
            }
            None => self
                .held
                .as_ref()
                .is_some_and(|held| source.keys.is_same(source.row, &held.keys, 0)),
        };
        if self.keeps_latest && is_same {
            self.left_out.superseded += 1;
            if self.rows.pop().is_none() {
                self.held = None;
            }
        }
        self.rows.push((least, self.sources[least].row));
        self.sources[least].row += 1;
    }

    /// The source whose next row comes first.
    fn least(&self) -> Option<usize> {
        (0..self.sources.len()).min_by(|&left, &right| {
            let (left, right) = (&self.sources[left], &self.sources[right]);
            left.keys.compare(left.row, &right.keys, right.row)
        })
    }

    fn flush(&mut self) -> Result<(), Error> {
        let Some(&last) = self.rows.last() else {
            return Ok(());
        };
        if let Some(held) = self.held.take() {
            self.output.write(self.target, &held.row)?;
        }
        if self.keeps_latest {
            self.rows.pop();
            self.held = Some(self.hold(last));
        }
        if self.rows.is_empty() {
            return Ok(());
        }
        let batches: Vec<&RecordBatch> = self.sources.iter().map(|source| &source.rows).collect();
        let rows = interleave_record_batch(&batches, &self.rows)?;
        self.rows.clear();
        self.output.write(self.target, &rows)
    }

    fn hold(&self, (source, row): (usize, usize)) -> Held {
        let row = self.sources[source].rows.slice(row, 1);
        Held { keys: Keys::of(self.output.table(), &row), row }
    }
}
