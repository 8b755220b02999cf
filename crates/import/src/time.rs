//! When an event happened, as sources write it.

use event::Timestamp;
use event::limits::EARLIEST_EVENT_MICROS;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// The server takes a later time for a mistake.
const MOST_AHEAD_MICROS: i64 = 23 * 3_600_000_000;

/// Reads times.
#[derive(Clone, Debug)]
pub struct TimeReader {
    /// The zone of times that name none.
    zone: TimeZone,
    /// How times are written, in `strftime`'s words, where they are not written as is common.
    format: Option<String>,
}

impl Default for TimeReader {
    fn default() -> Self {
        Self { zone: TimeZone::UTC, format: None }
    }
}

impl TimeReader {
    /// For times of a zone (IANA) that are written in a format; neither is needed for RFC 3339.
    ///
    /// # Errors
    /// When there is no such zone.
    pub fn new(zone: Option<&str>, format: Option<&str>) -> anyhow::Result<Self> {
        let zone = match zone {
            None | Some("UTC") => TimeZone::UTC,
            Some(name) => TimeZone::get(name)?,
        };
        Ok(Self { zone, format: format.map(str::to_owned) })
    }

    /// Reads a time: RFC 3339, the same without a zone, a date, or a number since the epoch whose unit
    /// its size tells.
    pub fn read(&self, text: &str) -> Option<Timestamp> {
        let text = text.trim();
        if let Some(format) = &self.format {
            return self.formatted(format, text);
        }
        text.parse().ok().or_else(|| self.civil(text)).or_else(|| since_epoch(text))
    }

    /// A time that names no zone, by the clock on the wall.
    pub(crate) fn on_the_wall(&self, micros: i64) -> Option<Timestamp> {
        let time = jiff::Timestamp::from_microsecond(micros).ok()?;
        self.of_civil(time.to_zoned(TimeZone::UTC).datetime())
    }

    fn civil(&self, text: &str) -> Option<Timestamp> {
        match text.strip_suffix(" UTC") {
            Some(in_utc) => format!("{in_utc}Z").parse().ok(),
            None => self.of_civil(text.parse().ok()?),
        }
    }

    fn formatted(&self, format: &str, text: &str) -> Option<Timestamp> {
        let time = jiff::fmt::strtime::parse(format, text).ok()?;
        if let Ok(timestamp) = time.to_timestamp() {
            return Some(Timestamp::from_micros(timestamp.as_microsecond()));
        }
        let midnight = || time.to_date().map(|date| date.at(0, 0, 0, 0));
        self.of_civil(time.to_datetime().or_else(|_| midnight()).ok()?)
    }

    fn of_civil(&self, time: DateTime) -> Option<Timestamp> {
        let zoned = time.to_zoned(self.zone.clone()).ok()?;
        Some(Timestamp::from_micros(zoned.timestamp().as_microsecond()))
    }
}

/// Seconds up to the year 5138, then milliseconds, microseconds, nanoseconds.
fn since_epoch(number: &str) -> Option<Timestamp> {
    if let Ok(whole) = number.parse::<i64>() {
        let micros = match whole.unsigned_abs() {
            size if size < 100_000_000_000 => whole.checked_mul(1_000_000)?,
            size if size < 100_000_000_000_000 => whole.checked_mul(1_000)?,
            size if size < 100_000_000_000_000_000 => whole,
            _ => whole.div_euclid(1_000),
        };
        return Some(Timestamp::from_micros(micros));
    }
    let seconds: f64 = number.parse().ok().filter(|value: &f64| value.is_finite())?;
    let scale = match seconds.abs() {
        size if size < 1e11 => 1e6,
        size if size < 1e14 => 1e3,
        _ => 1.0,
    };
    Some(Timestamp::from_micros((seconds * scale).round() as i64))
}

/// Why the server would store another time than this one.
pub(crate) fn trouble(timestamp: Timestamp, now: Timestamp) -> Option<&'static str> {
    if timestamp.as_micros() < EARLIEST_EVENT_MICROS {
        return Some("timestamp_before_1971");
    }
    (timestamp.micros_since(now) > MOST_AHEAD_MICROS).then_some("timestamp_in_the_future")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(reader: &TimeReader, text: &str) -> Option<String> {
        reader.read(text).map(|time| time.to_string())
    }

    #[test]
    fn times_are_read_to_the_microsecond() {
        let reader = TimeReader::default();
        let expected = Some("2024-01-31T12:34:56.123456Z".to_owned());
        for text in [
            "2024-01-31T12:34:56.123456Z",
            "2024-01-31T14:34:56.123456+02:00",
            "2024-01-31 12:34:56.123456",
            "2024-01-31 12:34:56.123456+00:00",
            "2024-01-31 12:34:56.123456 UTC",
            "1706704496123456",
        ] {
            assert_eq!(read(&reader, text), expected, "{text}");
        }
        assert_eq!(read(&reader, "1706704496"), Some("2024-01-31T12:34:56.000000Z".into()));
        assert_eq!(read(&reader, "2024-01-31"), Some("2024-01-31T00:00:00.000000Z".into()));
        assert_eq!(read(&reader, "soon"), None);
    }

    #[test]
    fn a_zone_and_a_format_hold_for_times_that_name_none() {
        let reader = TimeReader::new(Some("Europe/Berlin"), None).unwrap();
        let summer = Some("2024-07-01T10:00:00.000000Z".to_owned());
        assert_eq!(read(&reader, "2024-07-01 12:00:00"), summer);
        assert_eq!(read(&reader, "2024-07-01T10:00:00Z"), summer);
        let reader = TimeReader::new(Some("Europe/Berlin"), Some("%d.%m.%Y %H:%M")).unwrap();
        assert_eq!(read(&reader, "01.07.2024 12:00"), summer);
        assert!(TimeReader::new(Some("Mars/Base"), None).is_err());
    }
}
