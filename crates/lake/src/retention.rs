//! Retention: rows go by the day on which they happened, once they are too old.
//!
//! Files of a day go as a whole, in one transaction a table, and none is rewritten. A file that days
//! share is written anew without its old rows; there are few, and small ones. Whatever else writes a
//! file anew leaves old rows out as well. Queries see none of it from then on; snapshots of Iceberg's
//! metadata that show the rows expire as any others do, and the files are deleted with them.
//!
//! What an event of an old day brings when it comes late is kept until the next look.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use event::Timestamp;
use jiff::ToSpan;
use jiff::civil::Date;

use crate::compaction::{Job, Merged, merge};
use crate::day::{Day, Partition};
use crate::shared::Shared;
use crate::version::DataFile;
use crate::{Error, Table, failpoint, metrics};

/// How long rows are kept, counted in days of UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    months: i32,
    days: i32,
}

/// A century, beyond which nobody means it.
const MOST_MONTHS: i32 = 1_200;
const MOST_DAYS: i32 = 36_525;

impl Retention {
    /// The first day that is kept.
    pub(crate) fn first_day(self, now: Timestamp) -> Day {
        let epoch = Date::constant(1970, 1, 1);
        let today = epoch.saturating_add(Day::of(now).0.days());
        let first = today.saturating_sub(self.months.months()).saturating_sub(self.days.days());
        Day((first - epoch).get_days())
    }
}

impl fmt::Display for Retention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.months, self.days) {
            (1, _) => f.write_str("1 month"),
            (0, 1) => f.write_str("1 day"),
            (0, days) => write!(f, "{days} days"),
            (months, _) => write!(f, "{months} months"),
        }
    }
}

impl FromStr for Retention {
    type Err = String;

    /// `400d`, `52 weeks`, `13 months`, `2 years`.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "a time such as 400d, 13 months or 2 years".to_owned();
        let text = text.trim();
        let digits = text.find(|byte: char| !byte.is_ascii_digit()).ok_or_else(wrong)?;
        let (number, unit) = text.split_at_checked(digits).ok_or_else(wrong)?;
        let number: i32 = number.parse().map_err(|_| wrong())?;
        let (months, days) = match unit.trim() {
            "d" | "day" | "days" => (0, number),
            "w" | "week" | "weeks" => (0, number.saturating_mul(7)),
            "month" | "months" => (number, 0),
            "y" | "year" | "years" => (number.saturating_mul(12), 0),
            _ => return Err(wrong()),
        };
        match (1..=MOST_MONTHS).contains(&months) || (1..=MOST_DAYS).contains(&days) {
            true => Ok(Self { months, days }),
            false => Err("a time from a day to a century".to_owned()),
        }
    }
}

/// The rows that are not of a day before this one.
pub(crate) fn since(table: &Table, rows: &RecordBatch, day: Day) -> Result<RecordBatch, Error> {
    let first = day.start().as_micros();
    let is_kept: BooleanArray = table.times(rows).iter().map(|&at| Some(at >= first)).collect();
    Ok(filter_record_batch(rows, &is_kept)?)
}

impl Shared {
    /// Drops what is too old; returns how many rows.
    pub(crate) fn drop_aged(&self) -> Result<u64, Error> {
        let Some(retention) = self.options()?.retention else {
            return Ok(0);
        };
        // A merge under way may have the files.
        let _one = self.one_compaction()?;
        let first = retention.first_day(Timestamp::now());
        let before = self.current.get().file_rows();
        self.for_each_table(|table| match table.ages() {
            true => self.drop_aged_of(table, first),
            false => Ok(false),
        })?;
        Ok(before.saturating_sub(self.current.get().file_rows()))
    }

    fn drop_aged_of(&self, table: &'static Table, first: Day) -> Result<bool, Error> {
        let version = self.current.get();
        let files = version.files(table).iter();
        let is_gone = |file: &&Arc<DataFile>| Day::of(file.max_timestamp) < first;
        let gone: Vec<Arc<DataFile>> = files.clone().filter(is_gone).cloned().collect();
        let is_in_part = |file: &&Arc<DataFile>| {
            file.day.is_none() && Day::of(file.min_timestamp) < first && !is_gone(file)
        };
        let in_part: Vec<Arc<DataFile>> = files.filter(is_in_part).cloned().collect();
        if !gone.is_empty() {
            self.drop_files(table, &gone, first)?;
        }
        for file in &in_part {
            self.rewrite_without_aged(table, file)?;
        }
        Ok(!gone.is_empty() || !in_part.is_empty())
    }

    fn drop_files(
        &self,
        table: &'static Table,
        gone: &[Arc<DataFile>],
        first: Day,
    ) -> Result<(), Error> {
        let files: Vec<&DataFile> = gone.iter().map(AsRef::as_ref).collect();
        // The lock is held until queries see the change, so that list and version agree.
        let mut catalog = self.catalog()?;
        let removed = catalog.remove(table, &files);
        removed.or_else(|error| self.settle_replaced(&catalog, files[0], &[], error))?;
        self.failpoints.reach(failpoint::AFTER_RETENTION)?;
        self.publish_replaced(table, gone, &[]);
        drop(catalog);
        let rows = gone.iter().map(|file| file.rows).sum();
        tracing::info!(table = table.name(), files = gone.len(), rows, before = %first,
            "dropped files of days that are too old");
        ::metrics::counter!(metrics::AGED_ROWS_TOTAL, "table" => table.name()).increment(rows);
        Ok(())
    }

    /// Writes a file that days share anew, which leaves old rows out.
    fn rewrite_without_aged(
        &self,
        table: &'static Table,
        file: &Arc<DataFile>,
    ) -> Result<(), Error> {
        let revisions = self.revisions(&self.current.get(), table)?;
        let job = Job { table, partition: Partition::Shared, inputs: vec![file.clone()] };
        let Merged { files, left_out } = merge(&self.layout, &job, &revisions, &self.stopping)?;
        let mut catalog = self.catalog()?;
        let replaced = catalog.replace(table, &[file], &files, &left_out);
        replaced.or_else(|error| self.settle_replaced(&catalog, file, &files, error))?;
        self.publish_replaced(table, &job.inputs, &files);
        drop(catalog);
        let rows = left_out.aged;
        ::metrics::counter!(metrics::AGED_ROWS_TOTAL, "table" => table.name()).increment(rows);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(retention: &str, now: &str) -> String {
        let retention: Retention = retention.parse().unwrap();
        retention.first_day(now.parse().unwrap()).to_string()
    }

    #[test]
    fn months_are_those_of_the_calendar() {
        assert_eq!(first("13 months", "2026-11-23T00:00:00Z"), "2025-10-23");
        assert_eq!(first("1 month", "2026-03-31T12:00:00Z"), "2026-02-28");
        assert_eq!(first("2 years", "2026-11-23T23:59:59Z"), "2024-11-23");
        assert_eq!(first("400d", "2026-11-23T00:00:00Z"), "2025-10-19");
        assert_eq!(first("2w", "2026-11-23T00:00:00Z"), "2026-11-09");
        assert_eq!(first("1 day", "2026-11-23T00:00:00Z"), "2026-11-22");
    }

    #[test]
    fn only_times_that_somebody_may_mean_are_taken() {
        for wrong in
            ["", "13", "months", "0d", "-1d", "1.5 years", "13 moons", "9999999999d", "200y"]
        {
            assert!(wrong.parse::<Retention>().is_err(), "{wrong}");
        }
    }
}
