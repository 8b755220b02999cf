//! Days, by which tables are partitioned.

use std::fmt;

use event::Timestamp;

use crate::Table;

const MICROS_PER_DAY: i64 = 86_400_000_000;

/// Days since 1970-01-01 in UTC, the value of Iceberg's `day` transform.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(pub i32);

impl Day {
    /// Returns the day on which a moment lies.
    pub const fn of(timestamp: Timestamp) -> Self {
        Self(timestamp.day())
    }

    /// Returns the day's first moment.
    pub const fn start(self) -> Timestamp {
        Timestamp::from_micros((self.0 as i64).saturating_mul(MICROS_PER_DAY))
    }

    /// Returns the moment at which the day is over.
    pub const fn end(self) -> Timestamp {
        self.start().plus_micros(MICROS_PER_DAY)
    }
}

impl fmt::Display for Day {
    /// `2026-10-01`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let start = self.start().to_string();
        formatter.write_str(start.split('T').next().unwrap_or_default())
    }
}

/// Where rows lie together: a day's own files, or files shared by days with few rows. In a table
/// that is not by days all files are shared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Partition {
    /// Rows of days that were too few for a file of their own. For Iceberg these files are of a
    /// second, unpartitioned spec.
    Shared,
    /// Rows of one day.
    Day(Day),
}

impl Partition {
    pub(crate) const fn day(self) -> Option<Day> {
        match self {
            Self::Shared => None,
            Self::Day(day) => Some(day),
        }
    }

    /// The directory of its files, as engines name those of a partition.
    pub(crate) fn directory(self, table: &Table) -> String {
        match self {
            Self::Shared if table.is_by_day() => "shared".to_owned(),
            Self::Shared => "all".to_owned(),
            Self::Day(day) => format!("{}={day}", table.day_field()),
        }
    }
}

impl From<Option<i32>> for Partition {
    fn from(day: Option<i32>) -> Self {
        day.map_or(Self::Shared, |day| Self::Day(Day(day)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_are_named_as_other_engines_expect() {
        let day = Day::of("2026-10-01T23:59:59.999999Z".parse().unwrap());
        let directory = |table| Partition::Day(day).directory(Table::of(table));
        assert_eq!(directory(event::Table::Events), "timestamp_day=2026-10-01");
        assert_eq!(directory(event::Table::Otel), "received_at_day=2026-10-01");
        let all = Partition::Shared.directory(Table::of(event::Table::Persons));
        assert_eq!(all, "all", "there are no days to share");
        assert_eq!(Day(-1).to_string(), "1969-12-31");
    }

    #[test]
    fn the_ends_of_time_have_days_too() {
        for micros in [i64::MIN, i64::MAX] {
            let day = Day::of(Timestamp::from_micros(micros));
            assert!(day.start() <= day.end());
            assert!(!day.to_string().is_empty());
        }
    }
}
