//! From when until when, in a project's time zone, and the spans between.
//!
//! PostHog's rules, which are older than one might wish: `-7d` begins with the day seven days ago, so
//! that it is eight days with today; a range ends with the day that it ends in; and the first span
//! begins before the range where the range begins within it. Weeks alone count nothing before the
//! range then.

mod relative;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, Zoned};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use self::relative::{Relative, Unit};
use super::wrong::{Wrong, wrong};
use crate::interval::{Bucket, Calendar, Interval, start_of};

/// Days before today, where nothing is asked for.
const USUAL: &str = "-7d";
/// More points than a chart has.
const MOST_BUCKETS: usize = 10_000;

/// Member `dateRange`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DateRange {
    /// `-7d`, `-1mStart`, `mStart`, `all`, a date or a time; `-7d` where nothing is said.
    pub date_from: Option<String>,
    /// Likewise; now where nothing is said.
    pub date_to: Option<String>,
    /// Whether times count to the second, where else whole days do.
    #[serde(rename = "explicitDate")]
    pub explicit: Option<bool>,
}

/// A resolved range.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Range {
    pub(crate) calendar: Calendar,
    /// What was asked for, as clocks show it.
    from: Zoned,
    to: Zoned,
    /// The first moment that counts, and the first that no longer does.
    pub(crate) since: Timestamp,
    pub(crate) until: Timestamp,
    pub(crate) buckets: Vec<Bucket>,
}

/// How an answer tells its range.
#[derive(Debug, Serialize)]
pub(crate) struct Resolved {
    date_from: String,
    date_to: String,
}

/// What a range is resolved against.
#[derive(Clone, Debug)]
pub(crate) struct Clock {
    pub(crate) now: Timestamp,
    pub(crate) calendar: Calendar,
    /// Whether ranges end now and not with the day, as those of a single number do.
    pub(crate) is_exact: bool,
}

impl Clock {
    fn now(&self) -> Zoned {
        self.now.to_zoned(self.calendar.zone.clone())
    }

    /// The moment that such a text as `-7d` means.
    pub(crate) fn ago(&self, text: &str) -> Option<Timestamp> {
        let relative = Relative::parse(text)?;
        Some(relative.applied(&self.now(), self.calendar.week_start).ok()?.timestamp())
    }
}

impl DateRange {
    /// Whether it begins with the first event.
    pub(crate) fn is_all_time(&self) -> bool {
        self.date_from.as_deref() == Some("all")
    }

    /// The range, `earliest` being when the first event was.
    pub(crate) fn resolve(&self, clock: &Clock, earliest: Timestamp) -> Result<Range, Wrong> {
        let from = self.from(clock, earliest)?;
        let to = self.to(clock)?;
        let since = self.since(clock, &from)?;
        Range::new(clock.calendar.clone(), from, to, since)
    }

    /// The last so many spans, the one that it ends in included.
    pub(crate) fn resolve_last(&self, clock: &Clock, spans: usize) -> Result<Range, Wrong> {
        let (calendar, to) = (&clock.calendar, self.to(clock)?);
        let bucket = |moment| calendar.bucket(moment).map_err(Wrong::range);
        let mut first = bucket(to.timestamp())?;
        for _ in 1..spans {
            let before = first.start.checked_sub(1.microsecond()).map_err(Wrong::range)?;
            first = bucket(before)?;
        }
        let from = first.start.to_zoned(calendar.zone.clone());
        Range::new(calendar.clone(), from, to, first.start)
    }

    /// The range of the same length before it.
    pub(crate) fn resolve_previous(
        &self,
        clock: &Clock,
        earliest: Timestamp,
    ) -> Result<Range, Wrong> {
        let (from, to) = (self.from(clock, earliest)?, self.to(clock)?);
        let (from, to) = self.before(clock, &from, &to).map_err(Wrong::range)?;
        let since = self.since(clock, &from)?;
        Range::new(clock.calendar.clone(), from, to, since)
    }

    /// The range as it was so long ago, which `ago` says as `-1w` does.
    pub(crate) fn resolve_shifted(
        &self,
        clock: &Clock,
        earliest: Timestamp,
        ago: &str,
    ) -> Result<Range, Wrong> {
        let Some(ago) = Relative::parse(ago) else {
            return Err(wrong("compareFilter.compare_to", format!("{ago} is no span like -1w")));
        };
        let shifted = |time: Zoned| ago.before(&time).map_err(Wrong::range);
        let from = shifted(self.from(clock, earliest)?)?;
        let to = shifted(self.to(clock)?)?;
        let since = self.since(clock, &from)?;
        Range::new(clock.calendar.clone(), from, to, since)
    }

    fn is_explicit(&self) -> bool {
        self.explicit.unwrap_or(false)
    }

    fn from(&self, clock: &Clock, earliest: Timestamp) -> Result<Zoned, Wrong> {
        if self.is_all_time() {
            return Ok(earliest.to_zoned(clock.calendar.zone.clone()));
        }
        let asked = self.date_from.as_deref().unwrap_or(USUAL);
        let (time, relative) = told(asked, clock, "dateRange.date_from")?;
        match relative {
            Some(_) if clock.is_exact || clock.calendar.interval == Interval::Minute => Ok(time),
            Some(Relative { unit: Unit::Hour, .. }) => floor_hour(&time).map_err(Wrong::range),
            Some(_) => time.start_of_day().map_err(Wrong::range),
            None => Ok(time),
        }
    }

    fn to(&self, clock: &Clock) -> Result<Zoned, Wrong> {
        let (time, is_relative) = match self.date_to.as_deref() {
            None => (clock.now(), true),
            Some(asked) => {
                let (time, relative) = told(asked, clock, "dateRange.date_to")?;
                (time, relative.is_some())
            }
        };
        let interval = clock.calendar.interval;
        let end = match interval {
            _ if self.is_explicit() || clock.is_exact && self.date_to.is_none() => Ok(time),
            Interval::Minute if is_relative => last_of(&time, Interval::Minute),
            Interval::Hour if is_relative => last_of(&time, Interval::Hour),
            Interval::Minute | Interval::Hour => Ok(time),
            _ => last_of(&time, Interval::Day),
        };
        end.map_err(Wrong::range)
    }

    /// The first moment that counts of a range that begins so.
    fn since(&self, clock: &Clock, from: &Zoned) -> Result<Timestamp, Wrong> {
        let calendar = &clock.calendar;
        let asked = self.date_from.as_deref().filter(|_| !self.is_all_time());
        let relative = asked.or(Some(USUAL).filter(|_| asked.is_none())).and_then(Relative::parse);
        let is_in_hours = relative.as_ref().is_some_and(|asked| asked.unit == Unit::Hour);
        let first = match calendar.interval {
            _ if self.is_explicit() || clock.is_exact => Ok(from.timestamp()),
            Interval::Minute | Interval::Hour if relative.is_some() => Ok(from.timestamp()),
            Interval::Day if is_in_hours => Ok(from.timestamp()),
            Interval::Week => start_of(from.date(), &calendar.zone),
            _ => calendar.bucket(from.timestamp()).map(|bucket| bucket.start),
        };
        first.map_err(Wrong::range)
    }

    /// What came before, of the same length.
    fn before(
        &self,
        clock: &Clock,
        from: &Zoned,
        to: &Zoned,
    ) -> Result<(Zoned, Zoned), jiff::Error> {
        let zone = &clock.calendar.zone;
        let asked = self.date_from.as_deref().unwrap_or(USUAL);
        let at = |time: DateTime| time.to_zoned(zone.clone());
        let (start, end) = (from.datetime(), to.datetime());
        let length = start.until(end)?;
        if let Some(unit) = calendar_unit(asked).filter(|_| self.date_to.is_none()) {
            let last = start.checked_sub(1.microsecond())?;
            return Ok((at(start.checked_sub(unit)?)?, at(last)?));
        }
        if self.is_all_time() {
            let last = start.checked_sub(1.microsecond())?;
            return Ok((at(last.checked_sub(length)?)?, at(last)?));
        }
        if clock.calendar.interval == Interval::Minute {
            return Ok((at(start.checked_sub(length)?)?, at(start)?));
        }
        let mut earlier = start.checked_sub(length)?.date().to_datetime(start.time());
        let is_weeks = Relative::parse(asked)
            .is_some_and(|asked| asked.unit == Unit::Day && asked.number.is_some_and(is_of_weeks));
        let ends_now = self.date_to.as_deref().and_then(Relative::parse).is_none();
        if is_weeks && ends_now && clock.calendar.interval == Interval::Day {
            // Today is one more day than the name says, and weeks are compared by their days.
            earlier = earlier.checked_add(1.day())?;
        }
        let later = earlier.checked_add(length)?.date().to_datetime(end.time());
        Ok((at(earlier)?, at(later)?))
    }
}

fn is_of_weeks(days: i64) -> bool {
    days != 0 && days % 7 == 0
}

/// The span of the calendar that such a name begins, if it does.
fn calendar_unit(asked: &str) -> Option<jiff::Span> {
    match asked {
        "wStart" => Some(1.week()),
        "mStart" => Some(1.month()),
        "qStart" => Some(3.months()),
        "yStart" => Some(1.year()),
        _ => None,
    }
}

fn told(
    asked: &str,
    clock: &Clock,
    field: &'static str,
) -> Result<(Zoned, Option<Relative>), Wrong> {
    let zone = &clock.calendar.zone;
    if let Some(relative) = Relative::parse(asked) {
        let week_start = clock.calendar.week_start;
        let time = relative.applied(&clock.now(), week_start).map_err(Wrong::range)?;
        return Ok((time, Some(relative)));
    }
    match absolute(asked, zone) {
        Some(time) => Ok((time, None)),
        None => Err(wrong(field, format!("{asked} is no date and no span like -7d or mStart"))),
    }
}

fn absolute(asked: &str, zone: &TimeZone) -> Option<Zoned> {
    let with_offset = asked.parse::<Timestamp>().ok().map(|time| time.to_zoned(zone.clone()));
    with_offset.or_else(|| asked.parse::<DateTime>().ok()?.to_zoned(zone.clone()).ok())
}

fn floor_hour(time: &Zoned) -> Result<Zoned, jiff::Error> {
    time.with().minute(0).second(0).subsec_nanosecond(0).build()
}

/// The last microsecond of the span that a time is in.
fn last_of(time: &Zoned, interval: Interval) -> Result<Zoned, jiff::Error> {
    let calendar =
        Calendar { interval, week_start: Default::default(), zone: time.time_zone().clone() };
    let end = calendar.bucket(time.timestamp())?.end;
    Ok(end.checked_sub(1.microsecond())?.to_zoned(time.time_zone().clone()))
}

impl Range {
    fn new(calendar: Calendar, from: Zoned, to: Zoned, since: Timestamp) -> Result<Self, Wrong> {
        if from > to {
            return Err(wrong("dateRange", format!("it begins at {from} and ends at {to}")));
        }
        let until = to.timestamp().checked_add(1.microsecond()).map_err(Wrong::range)?;
        let buckets = buckets(&calendar, from.timestamp(), to.timestamp())?;
        Ok(Self { calendar, from, to, since, until, buckets })
    }

    /// Likewise, all of its first and its last span included.
    pub(crate) fn whole(self) -> Result<Self, Wrong> {
        match (self.buckets.first(), self.buckets.last()) {
            (Some(first), Some(last)) => {
                let (since, until) = (first.start, last.end);
                Ok(Self { since, until, ..self })
            }
            _ => Err(wrong("dateRange", "it is empty")),
        }
    }

    /// The very moment that was asked for, whatever the spans are.
    pub(crate) fn exact_since(&self) -> Timestamp {
        self.from.timestamp()
    }

    /// How the answer tells it.
    pub(crate) fn resolved(&self) -> Resolved {
        Resolved { date_from: moment_name(&self.from), date_to: moment_name(&self.to) }
    }

    /// How an answer tells a moment.
    pub(crate) fn moment_name(&self, moment: Timestamp) -> String {
        moment_name(&moment.to_zoned(self.calendar.zone.clone()))
    }

    /// The spans' names, as PostHog has them in `days`.
    pub(crate) fn days(&self) -> Vec<String> {
        self.buckets.iter().map(|bucket| self.name(bucket.start)).collect()
    }

    /// The name of the span that begins at a moment.
    pub(crate) fn name(&self, start: Timestamp) -> String {
        let local = start.to_zoned(self.calendar.zone.clone());
        let format = match self.calendar.interval {
            Interval::Minute | Interval::Hour => "%Y-%m-%d %H:%M:%S",
            _ => "%Y-%m-%d",
        };
        local.strftime(format).to_string()
    }

    /// The span that a point's `day` names.
    pub(crate) fn place_of(&self, day: &str) -> Option<usize> {
        let by_name = self.buckets.iter().position(|bucket| self.name(bucket.start) == day);
        by_name.or_else(|| {
            let moment = absolute(day, &self.calendar.zone)?.timestamp();
            self.buckets.iter().position(|bucket| bucket.holds(moment))
        })
    }

    /// How many spans there are.
    pub(crate) fn len(&self) -> usize {
        self.buckets.len()
    }

    /// SQL for the span that a time is in.
    pub(crate) fn bucket_of(&self, time: &str) -> String {
        let Calendar { interval, week_start, zone } = &self.calendar;
        let span = match (interval, week_start) {
            (Interval::Week, crate::WeekStart::Monday) => "week_monday",
            (interval, _) => interval.name(),
        };
        let zone = super::sql::text(zone.iana_name().unwrap_or("UTC"));
        format!("bucket('{span}', {time}, {zone})")
    }
}

fn moment_name(time: &Zoned) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
}

fn buckets(calendar: &Calendar, from: Timestamp, to: Timestamp) -> Result<Vec<Bucket>, Wrong> {
    let mut buckets = vec![calendar.bucket(from).map_err(Wrong::range)?];
    while let Some(last) = buckets.last().filter(|last| last.end <= to) {
        buckets.push(calendar.bucket(last.end).map_err(Wrong::range)?);
        if buckets.len() > MOST_BUCKETS {
            let message = format!("{} spans are more than {MOST_BUCKETS}", buckets.len());
            return Err(wrong("interval", message));
        }
    }
    Ok(buckets)
}

#[cfg(test)]
mod tests;
