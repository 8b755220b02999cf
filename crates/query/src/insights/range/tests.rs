//! What ranges mean, by the names that people give them.

use super::*;
use crate::WeekStart;

fn clock(now: &str, interval: Interval, zone: &str) -> Clock {
    let zone = TimeZone::get(zone).unwrap();
    let calendar = Calendar { interval, week_start: WeekStart::Sunday, zone };
    Clock { now: now.parse().unwrap(), calendar, is_exact: false }
}

fn range(from: Option<&str>, to: Option<&str>) -> DateRange {
    let text = |text: Option<&str>| text.map(str::to_owned);
    DateRange { date_from: text(from), date_to: text(to), explicit: None }
}

const NOW: &str = "2026-11-23T10:20:30.5Z";

fn resolved(from: Option<&str>, to: Option<&str>, interval: Interval) -> Range {
    let clock = clock(NOW, interval, "UTC");
    range(from, to).resolve(&clock, Timestamp::UNIX_EPOCH).unwrap()
}

fn bounds(range: &Range) -> [String; 2] {
    [range.since.to_string(), range.until.to_string()]
}

#[test]
fn the_usual_range_is_seven_days_and_today() {
    let range = resolved(None, None, Interval::Day);
    assert_eq!(bounds(&range), ["2026-11-16T00:00:00Z", "2026-11-24T00:00:00Z"]);
    let days = range.days();
    assert_eq!((days.len(), days[0].as_str(), days[7].as_str()), (8, "2026-11-16", "2026-11-23"));
}

#[test]
fn names_of_the_calendar() {
    let bounds = |from, to| bounds(&resolved(Some(from), to, Interval::Day));
    let until = "2026-11-24T00:00:00Z";
    assert_eq!(bounds("dStart", None), ["2026-11-23T00:00:00Z", until]);
    assert_eq!(bounds("mStart", None), ["2026-11-01T00:00:00Z", until]);
    assert_eq!(bounds("wStart", None), ["2026-11-22T00:00:00Z", until]);
    assert_eq!(bounds("qStart", None), ["2026-10-01T00:00:00Z", until]);
    assert_eq!(bounds("yStart", None), ["2026-01-01T00:00:00Z", until]);
    let last_month = bounds("-1mStart", Some("-1mEnd"));
    assert_eq!(last_month, ["2026-10-01T00:00:00Z", "2026-11-01T00:00:00Z"]);
    let yesterday = bounds("-1dStart", Some("-1dEnd"));
    assert_eq!(yesterday, ["2026-11-22T00:00:00Z", "2026-11-23T00:00:00Z"]);
}

#[test]
fn months_count_from_their_first_day_and_weeks_from_the_day_asked_for() {
    let months = resolved(Some("2026-09-15"), Some("2026-11-10"), Interval::Month);
    assert_eq!(bounds(&months), ["2026-09-01T00:00:00Z", "2026-11-11T00:00:00Z"]);
    assert_eq!(months.days(), ["2026-09-01", "2026-10-01", "2026-11-01"]);
    let weeks = resolved(Some("2026-11-04"), Some("2026-11-16"), Interval::Week);
    assert_eq!(bounds(&weeks), ["2026-11-04T00:00:00Z", "2026-11-17T00:00:00Z"]);
    assert_eq!(weeks.days(), ["2026-11-01", "2026-11-08", "2026-11-15"]);
}

#[test]
fn hours_are_counted_back_from_now() {
    let hours = resolved(Some("-24h"), None, Interval::Hour);
    assert_eq!(bounds(&hours), ["2026-11-22T10:00:00Z", "2026-11-23T11:00:00Z"]);
    assert_eq!((hours.len(), hours.days()[0].as_str()), (25, "2026-11-22 10:00:00"));
    // Days of a range in hours begin in their midst.
    let days = resolved(Some("-24h"), None, Interval::Day);
    assert_eq!(bounds(&days)[0], "2026-11-22T10:00:00Z");
    assert_eq!(days.days(), ["2026-11-22", "2026-11-23"]);
}

#[test]
fn days_are_those_of_the_zone() {
    let clock = clock("2026-10-26T12:00:00Z", Interval::Day, "Europe/Berlin");
    let range = range(Some("-2d"), None).resolve(&clock, Timestamp::UNIX_EPOCH).unwrap();
    assert_eq!(bounds(&range), ["2026-10-23T22:00:00Z", "2026-10-26T23:00:00Z"]);
    let hours = |bucket: &Bucket| bucket.start.until(bucket.end).unwrap().get_seconds() / 3_600;
    assert_eq!(range.buckets.iter().map(hours).collect::<Vec<_>>(), [24, 25, 24]);
}

#[test]
fn the_previous_period_of_weeks_is_a_day_shorter_than_it_seems() {
    let clock = clock(NOW, Interval::Day, "UTC");
    let previous =
        |asked: &DateRange| bounds(&asked.resolve_previous(&clock, Timestamp::UNIX_EPOCH).unwrap());
    let weeks = range(Some("-7d"), None);
    assert_eq!(previous(&weeks), ["2026-11-09T00:00:00Z", "2026-11-17T00:00:00Z"]);
    let days = range(Some("-3d"), None);
    assert_eq!(previous(&days), ["2026-11-16T00:00:00Z", "2026-11-20T00:00:00Z"]);
    let month = range(Some("mStart"), None);
    assert_eq!(previous(&month), ["2026-10-01T00:00:00Z", "2026-11-01T00:00:00Z"]);
    let fixed = range(Some("2026-11-10"), Some("2026-11-12"));
    assert_eq!(previous(&fixed), ["2026-11-07T00:00:00Z", "2026-11-10T00:00:00Z"]);
}

#[test]
fn a_range_can_be_compared_with_any_time_before() {
    let clock = clock(NOW, Interval::Day, "UTC");
    let shifted =
        range(Some("-7d"), None).resolve_shifted(&clock, Timestamp::UNIX_EPOCH, "-1m").unwrap();
    assert_eq!(bounds(&shifted), ["2026-10-16T00:00:00Z", "2026-10-24T00:00:00Z"]);
}

#[test]
fn what_is_no_time_is_told_with_its_field() {
    let clock = clock(NOW, Interval::Day, "UTC");
    let failed =
        |asked: DateRange| asked.resolve(&clock, Timestamp::UNIX_EPOCH).unwrap_err().to_string();
    assert!(failed(range(Some("soon"), None)).starts_with("dateRange.date_from: soon"));
    assert!(failed(range(None, Some("7"))).starts_with("dateRange.date_to: 7"));
    assert!(failed(range(Some("2026-02-01"), Some("2026-01-01"))).starts_with("dateRange: "));
}

#[test]
fn a_chart_has_no_more_points_than_can_be_seen() {
    let clock = clock(NOW, Interval::Minute, "UTC");
    let year = range(Some("2025-01-01"), Some("2026-01-01"));
    let failed = year.resolve(&clock, Timestamp::UNIX_EPOCH).unwrap_err();
    assert!(failed.to_string().starts_with("interval: "), "{failed}");
}
