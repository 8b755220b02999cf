//! `-7d`, `mStart`, `-1mEnd`: times by how long ago they were.

use jiff::civil::DateTime;
use jiff::{Span, ToSpan, Zoned};

use crate::WeekStart;
use crate::interval::first_of_week;

/// A unit, by PostHog's letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// `s`
    Second,
    /// `M`
    Minute,
    /// `h`
    Hour,
    /// `d`
    Day,
    /// `w`
    Week,
    /// `m`
    Month,
    /// `q`: 13 weeks where it is counted.
    Quarter,
    /// `y`
    Year,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Edge {
    Start,
    End,
}

/// So long ago, and then to the edge of a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Relative {
    pub(super) number: Option<i64>,
    pub(super) unit: Unit,
    edge: Option<Edge>,
}

impl Relative {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.strip_prefix('-').unwrap_or(text);
        let (text, edge) = match (text.strip_suffix("Start"), text.strip_suffix("End")) {
            (Some(text), _) => (text, Some(Edge::Start)),
            (_, Some(text)) => (text, Some(Edge::End)),
            _ => (text, None),
        };
        let mut characters = text.chars();
        let unit = match characters.next_back()? {
            's' => Unit::Second,
            'M' => Unit::Minute,
            'h' => Unit::Hour,
            'd' => Unit::Day,
            'w' => Unit::Week,
            'm' => Unit::Month,
            'q' => Unit::Quarter,
            'y' => Unit::Year,
            _ => return None,
        };
        let number = match characters.as_str() {
            "" if edge.is_some() => None,
            digits if digits.bytes().all(|b| b.is_ascii_digit()) => Some(digits.parse().ok()?),
            _ => return None,
        };
        Some(Self { number, unit, edge })
    }

    /// So long before a time, by its clocks.
    pub(super) fn before(&self, time: &Zoned) -> Result<Zoned, jiff::Error> {
        time.datetime().checked_sub(self.span()?)?.to_zoned(time.time_zone().clone())
    }

    /// The time that it means.
    pub(super) fn applied(&self, now: &Zoned, week_start: WeekStart) -> Result<Zoned, jiff::Error> {
        // Hours and less are real time, which clocks that change do not lengthen.
        let time = match self.unit {
            Unit::Second | Unit::Minute | Unit::Hour => now.checked_sub(self.span()?)?,
            _ => self.before(now)?,
        };
        let local = time.datetime();
        let moved = match self.edge {
            None => return Ok(time),
            Some(Edge::Start) => self.first(local, week_start)?,
            Some(Edge::End) => self.first(local, week_start)?.checked_add(self.one()?)?,
        };
        let zoned = moved.to_zoned(now.time_zone().clone())?;
        match self.edge {
            Some(Edge::End) => zoned.checked_sub(1.microsecond()),
            _ => Ok(zoned),
        }
    }

    fn span(&self) -> Result<Span, jiff::Error> {
        let number = self.number.unwrap_or(0);
        match self.unit {
            Unit::Second => Span::new().try_seconds(number),
            Unit::Minute => Span::new().try_minutes(number),
            Unit::Hour => Span::new().try_hours(number),
            Unit::Day => Span::new().try_days(number),
            Unit::Week => Span::new().try_weeks(number),
            Unit::Month => Span::new().try_months(number),
            Unit::Quarter => Span::new().try_weeks(number.saturating_mul(13)),
            Unit::Year => Span::new().try_years(number),
        }
    }

    /// One of the unit, as the calendar has it.
    fn one(&self) -> Result<Span, jiff::Error> {
        match self.unit {
            Unit::Quarter => Ok(3.months()),
            unit => Self { number: Some(1), unit, edge: None }.span(),
        }
    }

    fn first(&self, time: DateTime, week_start: WeekStart) -> Result<DateTime, jiff::Error> {
        let date = time.date();
        Ok(match self.unit {
            Unit::Second => time.with().subsec_nanosecond(0).build()?,
            Unit::Minute => time.with().second(0).subsec_nanosecond(0).build()?,
            Unit::Hour => time.with().minute(0).second(0).subsec_nanosecond(0).build()?,
            Unit::Day => date.into(),
            Unit::Week => first_of_week(date, week_start)?.into(),
            Unit::Month => date.first_of_month().into(),
            Unit::Quarter => {
                let month = (date.month() - 1) / 3 * 3 + 1;
                date.with().month(month).day(1).build()?.into()
            }
            Unit::Year => date.first_of_year().into(),
        })
    }
}
