//! Which files to merge next.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use event::Timestamp;

use crate::Table;
use crate::day::Partition;
use crate::version::DataFile;

/// So many files of one level are merged.
pub(super) const FANOUT: usize = 8;
/// Most files of one merge, which holds pages of all of them.
const MOST_INPUTS: usize = 16;
/// The size up to which files are merged.
const FULL_BYTES: u64 = 128 << 20;
/// A file that is nearly full is not merged any more.
const LARGE_BYTES: u64 = FULL_BYTES / 4 * 3;
/// The upper end of the lowest level; each level is [`FANOUT`] times the one before.
const LEVEL_BYTES: u64 = 64 << 10;

/// Files to be merged.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) table: &'static Table,
    pub(crate) partition: Partition,
    pub(crate) inputs: Vec<Arc<DataFile>>,
}

/// When small files are merged that are too few to be merged as they come.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Due {
    /// When their day is over, and they were left alone for so long.
    Quiet { now: Timestamp, since: Duration },
    /// At once.
    Now,
}

impl Due {
    fn is_due(self, partition: Partition, files: &[&Arc<DataFile>]) -> bool {
        match self {
            Self::Quiet { now, since } => is_over(partition, now) && is_quiet(files, now, since),
            Self::Now => true,
        }
    }
}

/// Chooses a table's next merge, newest days first; `None` when all is well.
pub(super) fn plan(table: &'static Table, files: &[Arc<DataFile>], due: Due) -> Option<Job> {
    by_partition(files).into_iter().rev().find_map(|(partition, files)| {
        let (sizes, is_due) = (Sizes::of(table), due.is_due(partition, &files));
        let small = small(files, sizes);
        let inputs =
            of_one_level(&small, sizes).or_else(|| remaining(&small, sizes).filter(|_| is_due))?;
        Some(Job { table, partition, inputs })
    })
}

/// How many small files of a table wait to be merged.
pub(crate) fn waiting(table: &'static Table, files: &[Arc<DataFile>]) -> usize {
    let sizes = Sizes::of(table);
    let waiting = by_partition(files).into_values().map(|files| {
        let small = small(files, sizes);
        remaining(&small, sizes).map_or(0, |_| worth(&small))
    });
    waiting.sum()
}

fn by_partition(files: &[Arc<DataFile>]) -> BTreeMap<Partition, Vec<&Arc<DataFile>>> {
    let mut partitions: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for file in files {
        partitions.entry(file.partition()).or_default().push(file);
    }
    partitions
}

/// Files that are not large enough to be left alone, the smallest first.
fn small(files: Vec<&Arc<DataFile>>, sizes: Sizes) -> Vec<Arc<DataFile>> {
    let mut small: Vec<_> =
        files.into_iter().filter(|file| file.bytes < sizes.large).cloned().collect();
    small.sort_by_key(|file| file.bytes);
    small
}

/// How large files of a table become.
#[derive(Clone, Copy)]
struct Sizes {
    /// The size up to which files are merged.
    full: u64,
    /// A file of this size is not merged any more.
    large: u64,
}

impl Sizes {
    /// Without a bound in a table that keeps the latest, where every row may be taken the place of.
    const fn of(table: &Table) -> Self {
        match table.is_by_day() {
            true => Self { full: FULL_BYTES, large: LARGE_BYTES },
            false => Self { full: u64::MAX, large: u64::MAX },
        }
    }
}

/// Files of the smallest level that has enough of them.
fn of_one_level(small: &[Arc<DataFile>], sizes: Sizes) -> Option<Vec<Arc<DataFile>>> {
    small
        .chunk_by(|left, right| level(left.bytes) == level(right.bytes))
        .filter(|files| files.len() >= FANOUT)
        .find_map(|files| at_least_two(fitting(files, sizes)))
}

/// All small files that are worth it, as far as they fit.
fn remaining(small: &[Arc<DataFile>], sizes: Sizes) -> Option<Vec<Arc<DataFile>>> {
    at_least_two(fitting(&small[..worth(small)], sizes))
}

/// How many of the small files are not so much larger than the others together that rewriting them
/// would not be worth it.
fn worth(small: &[Arc<DataFile>]) -> usize {
    let mut sum = 0;
    let is_worth = |file: &&Arc<DataFile>| {
        let is_worth = sum == 0 || file.bytes <= sum * FANOUT as u64;
        sum += file.bytes;
        is_worth
    };
    small.iter().take_while(is_worth).count()
}

/// As many of the files as fit into one.
fn fitting(files: &[Arc<DataFile>], sizes: Sizes) -> Vec<Arc<DataFile>> {
    let mut sum = 0_u64;
    let fits = |file: &&Arc<DataFile>| {
        sum += file.bytes;
        sum <= sizes.full
    };
    files.iter().take_while(fits).take(MOST_INPUTS).cloned().collect()
}

fn at_least_two(files: Vec<Arc<DataFile>>) -> Option<Vec<Arc<DataFile>>> {
    (files.len() >= 2).then_some(files)
}

fn level(bytes: u64) -> u32 {
    (bytes / LEVEL_BYTES).checked_ilog(FANOUT as u64).map_or(0, |level| level + 1)
}

/// Whether no more than late rows are to be expected.
fn is_over(partition: Partition, now: Timestamp) -> bool {
    partition.day().is_none_or(|day| day.end() <= now)
}

fn is_quiet(files: &[&Arc<DataFile>], now: Timestamp, quiet: Duration) -> bool {
    let newest = files.iter().map(|file| file.added_at).max();
    let quiet = i64::try_from(quiet.as_micros()).unwrap_or(i64::MAX);
    newest.is_some_and(|newest| now.micros_since(newest) >= quiet)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::day::Day;
    use crate::layout::FilePath;
    use crate::version::FreeOf;

    const KIB: u64 = 1 << 10;
    const MIB: u64 = 1 << 20;
    const TODAY: Day = Day(20_000);

    fn table() -> &'static Table {
        Table::of(event::Table::Events)
    }

    fn files(day: Day, sizes: &[u64]) -> Vec<Arc<DataFile>> {
        let file = |&bytes: &u64| {
            Arc::new(DataFile {
                table: table(),
                path: "/".into(),
                bytes,
                rows: bytes,
                day: Some(day),
                min_timestamp: day.start(),
                max_timestamp: day.start(),
                added_at: TODAY.start(),
                name: FilePath::new_data(table(), Partition::Day(day)),
                free_of: FreeOf::default(),
            })
        };
        sizes.iter().map(file).collect()
    }

    fn merged(files: &[Arc<DataFile>], now: Timestamp) -> Vec<u64> {
        let table = files.first().map_or_else(table, |file| file.table);
        let job = plan(table, files, Due::Quiet { now, since: Duration::from_hours(1) });
        job.map_or(Vec::new(), |job| job.inputs.iter().map(|file| file.bytes).collect())
    }

    fn hours(count: i64) -> Timestamp {
        TODAY.start().plus_micros(count * 3_600_000_000)
    }

    #[test]
    fn eight_files_of_a_level_are_merged_and_seven_are_not() {
        assert!(merged(&files(TODAY, &[20 * KIB; 7]), hours(2)).is_empty());
        assert_eq!(merged(&files(TODAY, &[20 * KIB; 8]), hours(2)).len(), 8);
    }

    #[test]
    fn files_of_other_levels_are_left_alone() {
        let mut sizes = vec![20 * KIB; 8];
        sizes.extend([300 * KIB, 3 * MIB, 100 * MIB]);
        assert_eq!(merged(&files(TODAY, &sizes), hours(2)), vec![20 * KIB; 8]);
    }

    #[test]
    fn a_merge_fills_one_file() {
        assert_eq!(merged(&files(TODAY, &[40 * MIB; 9]), hours(2)).len(), 3);
        assert!(merged(&files(TODAY, &[97 * MIB; 9]), hours(2)).is_empty());
    }

    #[test]
    fn files_that_keep_the_latest_are_merged_however_large() {
        let shared = |file: &Arc<DataFile>| {
            let (table, file) = (Table::of(event::Table::Persons), DataFile::clone(file));
            Arc::new(DataFile { table, day: None, ..file })
        };
        let persons: Vec<_> = files(TODAY, &[900 * MIB; 8]).iter().map(shared).collect();
        assert_eq!(merged(&persons, hours(0)).len(), 8);
        assert!(merged(&persons[1..], hours(0)).is_empty());
        assert_eq!(merged(&persons[1..], hours(1)).len(), 7, "quiet");
    }

    #[test]
    fn what_remains_of_a_day_is_merged_when_it_is_over_and_quiet() {
        let yesterday = files(Day(TODAY.0 - 1), &[20 * KIB, 100 * KIB]);
        assert!(merged(&yesterday, hours(0)).is_empty(), "written just now");
        assert_eq!(merged(&yesterday, hours(1)).len(), 2);
        assert!(merged(&files(TODAY, &[20 * KIB, 100 * KIB]), hours(2)).is_empty(), "not over");
    }

    #[test]
    fn what_is_asked_for_is_merged_at_once() {
        let today = files(TODAY, &[20 * KIB, 100 * KIB, 90 * MIB]);
        assert!(merged(&today, hours(0)).is_empty());
        let job = plan(table(), &today, Due::Now).unwrap();
        assert_eq!(job.inputs.len(), 2, "the large one stays");
        assert_eq!(waiting(table(), &today), 2);
        assert_eq!(waiting(table(), &today[1..]), 0);
    }

    #[test]
    fn a_late_row_does_not_rewrite_a_large_file() {
        let yesterday = files(Day(TODAY.0 - 1), &[20 * KIB, 20 * KIB, 90 * MIB]);
        assert_eq!(merged(&yesterday, hours(2)), [20 * KIB, 20 * KIB]);
    }

    #[test]
    fn merging_comes_to_an_end_with_few_files() {
        let mut sizes = Vec::new();
        for _ in 0..5_000 {
            sizes.push(20 * KIB);
            loop {
                let inputs = merged(&files(TODAY, &sizes), hours(2));
                if inputs.is_empty() {
                    break;
                }
                for input in &inputs {
                    sizes.remove(sizes.iter().position(|size| size == input).unwrap());
                }
                sizes.push(inputs.iter().sum());
            }
        }
        assert!(sizes.len() < 40, "{} files", sizes.len());
    }
}
