//! Merges sorted files, a few rows of each in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};

use arrow::array::RecordBatch;
use arrow::compute::interleave_record_batch;

use super::output::Output;
use super::plan::Job;
use super::source::{self, Source};
use crate::Error;
use crate::commit::DAY_ROWS;
use crate::day::{Day, Partition};
use crate::file::NewFile;
use crate::layout::Layout;

/// Rows handed over at a time.
const WRITE_ROWS: usize = 4_096;

/// Writes the rows of a job's inputs to new files.
pub(super) fn merge(
    layout: &Layout,
    job: &Job,
    stopping: &AtomicBool,
) -> Result<Vec<NewFile>, Error> {
    let mut sources = Vec::new();
    for file in &job.inputs {
        sources.extend(Source::open(file)?);
    }
    let output = Output::new(layout, job.table);
    Merge { sources, rows: Vec::new(), target: job.partition, output }.run(&targets(job)?, stopping)
}

/// Where rows go.
enum Targets {
    /// All to one day.
    Day(Partition),
    /// To their day where it is among these, else to the file that days share.
    Own(BTreeSet<Day>),
}

fn targets(job: &Job) -> Result<Targets, Error> {
    if job.partition != Partition::Shared {
        return Ok(Targets::Day(job.partition));
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
            Self::Day(partition) => *partition,
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
    target: Partition,
    output: Output<'a>,
}

impl Merge<'_> {
    fn run(mut self, targets: &Targets, stopping: &AtomicBool) -> Result<Vec<NewFile>, Error> {
        while let Some(least) = self.least() {
            let source = &self.sources[least];
            let target = targets.of(source.keys.day(source.row));
            if target != self.target || self.rows.len() == WRITE_ROWS {
                self.flush()?;
                self.target = target;
            }
            self.rows.push((least, self.sources[least].row));
            self.sources[least].row += 1;
            if self.sources[least].is_drained() {
                self.flush()?;
                if stopping.load(Ordering::Relaxed) {
                    return Err(Error::Stopped);
                }
                if !self.sources[least].advance()? {
                    self.sources.swap_remove(least);
                }
            }
        }
        self.output.finish()
    }

    /// The source whose next row comes first.
    fn least(&self) -> Option<usize> {
        (0..self.sources.len()).min_by(|&left, &right| {
            let (left, right) = (&self.sources[left], &self.sources[right]);
            left.keys.compare(left.row, &right.keys, right.row)
        })
    }

    fn flush(&mut self) -> Result<(), Error> {
        if self.rows.is_empty() {
            return Ok(());
        }
        let batches: Vec<&RecordBatch> = self.sources.iter().map(|source| &source.rows).collect();
        let rows = interleave_record_batch(&batches, &self.rows)?;
        self.rows.clear();
        self.output.write(self.target, &rows)
    }
}
