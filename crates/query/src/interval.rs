//! Spans of the calendar: which one holds a moment, in a time zone.
//!
//! A day is what the zone calls a day, of 23 or 25 hours where clocks change. An hour begins where the
//! zone's clocks show a full hour, so that the hour that comes twice is two. Every moment is in exactly
//! one span, and spans follow each other without a gap.

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp, ToSpan, Zoned};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How long a point of a chart is.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Interval {
    /// 60 seconds.
    Minute,
    /// From one full hour to the next.
    Hour,
    /// From midnight to midnight.
    #[default]
    Day,
    /// Seven days, from the project's first day of a week on.
    Week,
    /// From the first of a month on.
    Month,
}

impl Interval {
    /// Its name, in lower case.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }
}

/// The day on which weeks begin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum WeekStart {
    /// As in PostHog, unless it is told otherwise.
    #[default]
    Sunday,
    /// As in ISO 8601.
    Monday,
}

impl WeekStart {
    pub(crate) const fn weekday(self) -> Weekday {
        match self {
            Self::Sunday => Weekday::Sunday,
            Self::Monday => Weekday::Monday,
        }
    }
}

/// How time is cut.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Calendar {
    pub(crate) interval: Interval,
    pub(crate) week_start: WeekStart,
    pub(crate) zone: TimeZone,
}

/// From its first moment on, until before its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bucket {
    pub(crate) start: Timestamp,
    pub(crate) end: Timestamp,
}

impl Bucket {
    pub(crate) fn holds(&self, moment: Timestamp) -> bool {
        self.start <= moment && moment < self.end
    }
}

impl Calendar {
    /// The span that a moment is in.
    ///
    /// # Errors
    /// Near the ends of time.
    pub(crate) fn bucket(&self, moment: Timestamp) -> Result<Bucket, jiff::Error> {
        let local = moment.to_zoned(self.zone.clone());
        match self.interval {
            Interval::Minute => clock_span(&local, 60),
            Interval::Hour => clock_span(&local, 3_600),
            Interval::Day => self.dates(local.date(), 1.day()),
            Interval::Week => self.dates(first_of_week(local.date(), self.week_start)?, 1.week()),
            Interval::Month => self.dates(local.date().first_of_month(), 1.month()),
        }
    }

    fn dates(&self, first: Date, length: Span) -> Result<Bucket, jiff::Error> {
        let start = start_of(first, &self.zone)?;
        let end = start_of(first.checked_add(length)?, &self.zone)?;
        Ok(Bucket { start, end })
    }
}

/// The first moment of a date.
pub(crate) fn start_of(date: Date, zone: &TimeZone) -> Result<Timestamp, jiff::Error> {
    Ok(date.to_zoned(zone.clone())?.start_of_day()?.timestamp())
}

/// The first day of the week of a date.
pub(crate) fn first_of_week(date: Date, week_start: WeekStart) -> Result<Date, jiff::Error> {
    let days = date.weekday().since(week_start.weekday());
    date.checked_sub(i32::from(days).days())
}

/// A span by the clock, cut where clocks change within it.
fn clock_span(local: &Zoned, seconds: i64) -> Result<Bucket, jiff::Error> {
    let of_hour = i64::from(local.minute()) * 60 + i64::from(local.second());
    let passed = SignedDuration::new(of_hour % seconds, local.subsec_nanosecond());
    let (zone, moment) = (local.time_zone(), local.timestamp());
    let mut start = moment.checked_sub(passed)?;
    let mut end = start.checked_add(SignedDuration::from_secs(seconds))?;
    let changed = |other: Timestamp| zone.to_offset(other) != local.offset();
    if changed(start) {
        let after = moment.checked_add(NANOSECOND)?;
        start = zone.preceding(after).next().map_or(start, |change| change.timestamp());
    }
    if changed(end.checked_sub(NANOSECOND)?) {
        end = zone.following(moment).next().map_or(end, |change| change.timestamp());
    }
    Ok(Bucket { start, end })
}

const NANOSECOND: SignedDuration = SignedDuration::from_nanos(1);

#[cfg(test)]
mod tests {
    use super::*;

    fn calendar(interval: Interval, zone: &str) -> Calendar {
        let zone = TimeZone::get(zone).unwrap();
        Calendar { interval, week_start: WeekStart::Sunday, zone }
    }

    fn bucket(interval: Interval, zone: &str, moment: &str) -> (String, String) {
        let bucket = calendar(interval, zone).bucket(moment.parse().unwrap()).unwrap();
        (bucket.start.to_string(), bucket.end.to_string())
    }

    fn pair(start: &str, end: &str) -> (String, String) {
        (start.to_owned(), end.to_owned())
    }

    #[test]
    fn a_day_of_daylight_saving_has_23_or_25_hours() {
        let spring = bucket(Interval::Day, "Europe/Berlin", "2026-03-29T12:00:00Z");
        assert_eq!(spring, pair("2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"));
        let autumn = bucket(Interval::Day, "Europe/Berlin", "2026-10-25T12:00:00Z");
        assert_eq!(autumn, pair("2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"));
    }

    #[test]
    fn an_hour_that_comes_twice_is_two() {
        let first = bucket(Interval::Hour, "Europe/Berlin", "2026-10-25T00:30:00Z");
        let second = bucket(Interval::Hour, "Europe/Berlin", "2026-10-25T01:30:00Z");
        assert_eq!(first, pair("2026-10-25T00:00:00Z", "2026-10-25T01:00:00Z"));
        assert_eq!(second, pair("2026-10-25T01:00:00Z", "2026-10-25T02:00:00Z"));
    }

    #[test]
    fn spans_never_overlap_where_clocks_change_within_an_hour() {
        // On Lord Howe Island clocks go from 2:00 back to 1:30.
        let zone = "Australia/Lord_Howe";
        let of = |moment| bucket(Interval::Hour, zone, moment);
        assert_eq!(
            of("2026-04-04T14:59:00Z"),
            pair("2026-04-04T14:00:00Z", "2026-04-04T15:00:00Z")
        );
        let cut = pair("2026-04-04T15:00:00Z", "2026-04-04T15:30:00Z");
        assert_eq!(of("2026-04-04T15:00:00Z"), cut);
        assert_eq!(of("2026-04-04T15:29:59Z"), cut);
        assert_eq!(of("2026-04-04T15:30:00Z").0, "2026-04-04T15:30:00Z");
    }

    #[test]
    fn hours_begin_with_the_clocks_of_the_zone() {
        let delhi = bucket(Interval::Hour, "Asia/Kolkata", "2026-01-01T00:10:00.5Z");
        assert_eq!(delhi, pair("2025-12-31T23:30:00Z", "2026-01-01T00:30:00Z"));
    }

    #[test]
    fn a_day_without_a_midnight_begins_later() {
        // In Beirut clocks went from 0:00 to 1:00.
        let day = bucket(Interval::Day, "Asia/Beirut", "2022-03-27T12:00:00Z");
        assert_eq!(day, pair("2022-03-26T22:00:00Z", "2022-03-27T21:00:00Z"));
    }

    #[test]
    fn weeks_begin_when_the_project_says() {
        let sunday = bucket(Interval::Week, "UTC", "2026-11-23T00:00:00Z");
        assert_eq!(sunday, pair("2026-11-22T00:00:00Z", "2026-11-29T00:00:00Z"));
        let calendar =
            Calendar { week_start: WeekStart::Monday, ..calendar(Interval::Week, "UTC") };
        let monday = calendar.bucket("2026-11-22T23:59:59Z".parse().unwrap()).unwrap();
        assert_eq!(monday.start.to_string(), "2026-11-16T00:00:00Z");
    }

    #[test]
    fn the_last_microsecond_belongs_to_its_bucket() {
        let of = |moment| bucket(Interval::Month, "UTC", moment).0;
        assert_eq!(of("2026-01-31T23:59:59.999999Z"), "2026-01-01T00:00:00Z");
        assert_eq!(of("2026-02-01T00:00:00Z"), "2026-02-01T00:00:00Z");
    }
}
