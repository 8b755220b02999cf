//! Days, and how much may differ.

use std::fmt;
use std::str::FromStr;

use anyhow::bail;

/// Most days of one comparison.
const MOST_DAYS: i64 = 400;

/// A day in UTC, counted from 1970-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Day(i64);

impl FromStr for Day {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let expected = || "a day such as 2026-11-22".to_owned();
        let parts: Vec<&str> = text.split('-').collect();
        let [year, month, day] = parts[..] else { return Err(expected()) };
        let is_written_so = (year.len(), month.len(), day.len()) == (4, 2, 2);
        let number = |part: &str| part.parse::<u16>().map_err(|_| expected());
        let (year, month, day) = (number(year)?, number(month)?, number(day)?);
        let found = Self::of(i64::from(year), i64::from(month), i64::from(day));
        // 30 February would be another day.
        match is_written_so && year >= 1970 && found.to_string() == text {
            true => Ok(found),
            false => Err(expected()),
        }
    }
}

impl Day {
    /// Days from civil, of the proleptic Gregorian calendar; years begin in March.
    fn of(year: i64, month: i64, day: i64) -> Self {
        let year = if month <= 2 { year - 1 } else { year };
        let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
        let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
        Self(era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468)
    }

    const fn plus(self, days: i64) -> Self {
        Self(self.0 + days)
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = self.0.saturating_mul(86_400_000_000);
        let text = event::Timestamp::from_micros(micros).to_string();
        f.write_str(text.get(..10).unwrap_or(&text))
    }
}

/// Days one after the other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    first: Day,
    last: Day,
}

impl Span {
    /// From one day to another, both of which belong to it.
    ///
    /// # Errors
    /// When there are none, or very many.
    pub(crate) fn new(first: Day, last: Day) -> anyhow::Result<Self> {
        match last.0 - first.0 {
            ..0 => bail!("--from {first} is behind --to {last}"),
            days if days >= MOST_DAYS => {
                bail!("more than {MOST_DAYS} days; compare some at a time")
            }
            _ => Ok(Self { first, last }),
        }
    }

    pub(crate) const fn first(self) -> Day {
        self.first
    }

    /// The day behind the last.
    pub(crate) const fn end(self) -> Day {
        self.last.plus(1)
    }

    /// The span in pieces of at most so many days.
    pub(crate) fn pieces(self, days: i64) -> impl Iterator<Item = Self> {
        let mut next = self.first;
        std::iter::from_fn(move || {
            let first = next;
            let last = first.plus(days - 1).min(self.last);
            next = last.plus(1);
            (first <= self.last).then_some(Self { first, last })
        })
    }
}

/// How much two counts may differ, in percent of the larger.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Tolerance(f64);

impl FromStr for Tolerance {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let percent = text.trim().trim_end_matches('%').trim().parse::<f64>().ok();
        let percent = percent.filter(|percent| (0.0..=100.0).contains(percent));
        percent.map(Self).ok_or_else(|| "percent from 0 to 100, such as 0.5".to_owned())
    }
}

impl Tolerance {
    /// Whether two counts are as good as equal.
    pub(crate) fn allows(self, one: u64, other: u64) -> bool {
        one.abs_diff(other) as f64 <= one.max(other) as f64 * self.0 / 100.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Day {
        text.parse().unwrap()
    }

    #[test]
    fn days_are_read_and_written() {
        for text in ["1970-01-01", "2024-02-29", "2026-11-22", "2026-12-31", "2100-03-01"] {
            assert_eq!(day(text).to_string(), text);
        }
        assert_eq!(day("2026-12-31").plus(1), day("2027-01-01"));
        for wrong in ["", "2026-02-30", "2026-13-01", "2026-1-1", "yesterday", "20261122"] {
            assert!(wrong.parse::<Day>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_span_is_cut_without_gaps() {
        let span = Span::new(day("2026-11-01"), day("2026-11-10")).unwrap();
        let pieces: Vec<_> = span.pieces(4).map(|piece| (piece.first, piece.end())).collect();
        assert_eq!(pieces[0], (day("2026-11-01"), day("2026-11-05")));
        assert_eq!(pieces[1], (day("2026-11-05"), day("2026-11-09")));
        assert_eq!(pieces[2], (day("2026-11-09"), day("2026-11-11")));
        assert_eq!(pieces.len(), 3);
        assert!(Span::new(day("2026-11-02"), day("2026-11-01")).is_err());
    }

    #[test]
    fn a_tolerance_is_of_the_larger_count() {
        let tolerance: Tolerance = "1%".parse().unwrap();
        assert!(tolerance.allows(100, 99) && tolerance.allows(99, 100));
        assert!(!tolerance.allows(100, 98));
        assert!(Tolerance::default().allows(7, 7) && !Tolerance::default().allows(7, 8));
        assert!("-1".parse::<Tolerance>().is_err() && "x".parse::<Tolerance>().is_err());
    }
}
