//! When an event happened: the client's word, corrected by the server's clock.
//!
//! ```text
//! timestamp − (sent_at − now)     both by the client's clock, which may be wrong
//! timestamp                       without sent_at, or with $ignore_sent_at
//! now − offset                    offset wins: posthog-js up to 1.300 queues events with it
//! now                             with nothing readable, or more than 23 h ahead, or before 1971
//! ```

use event::Timestamp;
use event::limits::EARLIEST_EVENT_MICROS;
use jiff::civil::DateTime;
use jiff::fmt::rfc2822;
use jiff::tz::TimeZone;

use crate::{Note, json};

/// PostHog takes a later time for a mistake.
const MOST_AHEAD_MICROS: i64 = 23 * 3_600 * 1_000_000;

/// What an event says about its time, as raw values.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Said<'a> {
    pub(crate) timestamp: Option<&'a str>,
    /// Milliseconds before the request was received.
    pub(crate) offset: Option<&'a str>,
    /// By the client's clock; `None` also where the event asks to ignore it.
    pub(crate) sent_at: Option<Timestamp>,
}

/// How far what an event said could be followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Followed {
    /// As far as it said anything.
    Fully,
    /// Its time is none.
    Unreadable,
    /// Its time cannot be meant.
    Clamped,
}

impl Followed {
    /// What to note of it.
    pub(crate) const fn note(self) -> Option<Note> {
        match self {
            Self::Fully => None,
            Self::Unreadable => Some(Note::UnreadableTimestamp),
            Self::Clamped => Some(Note::ClampedTimestamp),
        }
    }
}

impl Said<'_> {
    /// The event's time.
    pub(crate) fn settle(&self, now: Timestamp) -> (Timestamp, Followed) {
        let said = self.timestamp.map(read);
        let ahead = self.sent_at.map_or(0, |sent_at| sent_at.micros_since(now));
        let settled = match (self.offset.and_then(milliseconds), said) {
            (Some(offset), _) => now.plus_micros(offset.saturating_mul(1_000).saturating_neg()),
            (None, Some(Some(timestamp))) => timestamp.plus_micros(ahead.saturating_neg()),
            (None, None) => now,
            (None, Some(None)) => return (now, Followed::Unreadable),
        };
        let is_meant = settled.as_micros() >= EARLIEST_EVENT_MICROS
            && settled.micros_since(now) <= MOST_AHEAD_MICROS;
        match is_meant {
            true => (settled, Followed::Fully),
            false => (now, Followed::Clamped),
        }
    }
}

/// Reads a raw value as a time: PostHog's liberal strings, and numbers since the epoch.
pub(crate) fn read(raw: &str) -> Option<Timestamp> {
    match json::string(raw) {
        Some(text) => read_text(text.trim()),
        None => since_epoch(raw),
    }
}

/// Reads a text as a time: RFC 3339 first, as nearly all SDKs write it, then what else is common.
pub(crate) fn read_text(text: &str) -> Option<Timestamp> {
    text.parse()
        .ok()
        .or_else(|| civil(text))
        .or_else(|| since_epoch(text))
        .or_else(|| of_other_formats(text))
}

/// A date, or a date and time, without a zone: UTC.
fn civil(text: &str) -> Option<Timestamp> {
    let text = text.replace('/', "-");
    let time: DateTime = text.parse().ok()?;
    of_jiff(time.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

fn of_other_formats(text: &str) -> Option<Timestamp> {
    /// JavaScript's `Date`, Ruby's and Go's `Time` as they print themselves, and American dates.
    const FORMATS: [&str; 6] = [
        "%a %b %d %Y %H:%M:%S GMT%z",
        "%Y-%m-%d %H:%M:%S%.f %z",
        "%Y-%m-%d %H:%M:%S%.f %z UTC",
        "%Y-%m-%d %H:%M:%S%.f UTC",
        "%m/%d/%Y %H:%M:%S",
        "%m/%d/%Y",
    ];
    let text = text.split(" (").next().unwrap_or(text);
    if let Ok(zoned) = rfc2822::parse(text) {
        return of_jiff(zoned.timestamp());
    }
    FORMATS.iter().find_map(|format| {
        let time = jiff::fmt::strtime::parse(format, text).ok()?;
        let utc = || {
            let midnight = || time.to_date().map(|date| date.at(0, 0, 0, 0));
            let civil = time.to_datetime().or_else(|_| midnight()).ok()?;
            civil.to_zoned(TimeZone::UTC).ok()
        };
        match time.to_timestamp() {
            Ok(timestamp) => of_jiff(timestamp),
            Err(_) => of_jiff(utc()?.timestamp()),
        }
    })
}

fn of_jiff(timestamp: jiff::Timestamp) -> Option<Timestamp> {
    Some(Timestamp::from_micros(timestamp.as_microsecond()))
}

/// A number since the epoch, whose unit its size tells: seconds up to the year 5138, then
/// milliseconds, microseconds, nanoseconds.
fn since_epoch(number: &str) -> Option<Timestamp> {
    let value: f64 = number.parse().ok().filter(|value: &f64| value.is_finite())?;
    let micros_per_unit = match value.abs() {
        size if size < 1e11 => 1e6,
        size if size < 1e14 => 1e3,
        size if size < 1e17 => 1.0,
        _ => 1e-3,
    };
    Some(Timestamp::from_micros((value * micros_per_unit).round() as i64))
}

/// Whether a raw value is an offset.
pub(crate) fn is_offset(raw: &str) -> bool {
    milliseconds(raw).is_some()
}

/// A raw number, or a string that is one, cut to whole milliseconds.
fn milliseconds(raw: &str) -> Option<i64> {
    let text = json::string(raw).unwrap_or(raw.into());
    let number: f64 = text.trim().parse().ok()?;
    number.is_finite().then_some(number as i64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn settled(timestamp: Option<&str>, offset: Option<&str>, sent_at: Option<&str>) -> String {
        let said = Said { timestamp, offset, sent_at: sent_at.map(at) };
        said.settle(at("2025-07-01T12:00:00Z")).0.to_string()
    }

    #[test]
    fn posthogs_own_examples_hold() {
        let early = Some("\"2025-07-01T11:59:55Z\"");
        assert_eq!(
            settled(early, None, Some("2025-07-01T12:00:05Z")),
            "2025-07-01T11:59:50.000000Z"
        );
        let hour = Some("\"2025-07-01T11:00:00Z\"");
        assert_eq!(
            settled(hour, None, Some("2025-07-01T11:59:50Z")),
            "2025-07-01T11:00:10.000000Z"
        );
        assert_eq!(settled(hour, None, None), "2025-07-01T11:00:00.000000Z");
        assert_eq!(settled(Some("\"no time\""), None, None), "2025-07-01T12:00:00.000000Z");
        assert_eq!(settled(hour, Some("5000"), None), "2025-07-01T11:59:55.000000Z");
    }

    #[test]
    fn a_time_that_cannot_be_meant_becomes_the_receipt_time() {
        let now = at("2025-07-01T12:00:00Z");
        let fate = |raw: &str| {
            let said = Said { timestamp: Some(raw), ..Said::default() };
            said.settle(now).1
        };
        assert_eq!(fate("\"2025-07-02T11:00:00Z\""), Followed::Fully);
        assert_eq!(fate("\"2025-07-02T11:00:00.001Z\""), Followed::Clamped);
        assert_eq!(fate("\"1971-01-01T00:00:00Z\""), Followed::Fully);
        assert_eq!(fate("\"1970-12-31T23:59:59Z\""), Followed::Clamped);
        assert_eq!(fate("\"9999-12-30T00:00:00Z\""), Followed::Clamped);
        assert_eq!(fate("1e300"), Followed::Clamped);
        assert_eq!(fate("{}"), Followed::Unreadable);
    }

    #[test]
    fn common_formats_are_read() {
        for text in [
            "2025-07-01T10:00:00Z",
            "2025-07-01T10:00:00.000000000+00:00",
            "2025-07-01T13:00:00+03",
            "2025-07-01T13:00:00+0300",
            "2025-07-01T10:00:00",
            "2025-07-01 10:00:00",
            "2025/07/01 10:00:00",
            "2025-07-01 10:00:00 UTC",
            "2025-07-01 12:00:00 +0200",
            "2025-07-01 10:00:00.000 +0000 UTC",
            "Tue, 01 Jul 2025 10:00:00 GMT",
            "Tue Jul 01 2025 12:00:00 GMT+0200 (Central European Summer Time)",
            "07/01/2025 10:00:00",
            "1751364000",
            "1751364000000",
            "1751364000.000",
        ] {
            let read = read_text(text).map(|time| time.to_string());
            assert_eq!(read.as_deref(), Some("2025-07-01T10:00:00.000000Z"), "{text}");
        }
        let date = read_text("2025-07-01").map(|time| time.to_string());
        assert_eq!(date.as_deref(), Some("2025-07-01T00:00:00.000000Z"));
        assert_eq!(read_text("07/01/2025"), read_text("2025-07-01"));
    }

    #[test]
    fn nine_digits_of_posthog_rs_are_cut_to_microseconds() {
        let read = read("\"2025-07-01T10:00:00.123456789Z\"").unwrap();
        assert_eq!(read.to_string(), "2025-07-01T10:00:00.123456Z");
    }

    proptest! {
        #[test]
        fn no_text_panics(text in ".{0,40}", offset in ".{0,10}") {
            let raw = json::quote(&text);
            let said = Said { timestamp: Some(&raw), offset: Some(&offset), sent_at: None };
            said.settle(Timestamp::EPOCH);
        }

        #[test]
        fn no_numbers_overflow(value: f64, offset: i64, sent: i64, now: i64) {
            let (value, offset) = (value.to_string(), offset.to_string());
            let said = Said {
                timestamp: Some(&value),
                offset: Some(&offset),
                sent_at: Some(Timestamp::from_micros(sent)),
            };
            said.settle(Timestamp::from_micros(now));
            Said { offset: None, ..said }.settle(Timestamp::from_micros(now));
        }

        #[test]
        fn what_a_timestamp_prints_is_read(micros in 31_536_000_000_000i64..4_000_000_000_000_000) {
            let time = Timestamp::from_micros(micros);
            prop_assert_eq!(read_text(&time.to_string()), Some(time));
        }
    }
}
