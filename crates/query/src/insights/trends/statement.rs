//! The SQL of a series.
//!
//! Every statement answers `day`, `breakdown_value` and `total`, of which the first two are there where
//! they are asked for.

use jiff::{Timestamp, ToSpan};

use super::super::breakdown::{Broken, NONE, OTHER};
use super::super::property::Joins;
use super::super::range::Range;
use super::super::scope::{self, Source};
use super::super::sql;
use super::display::Display;
use super::math::{Aggregate, PERSON};
use crate::Interval;

/// All that a statement says.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    /// What holds for the whole insight.
    pub(super) scope: Vec<String>,
    /// Which events, by name.
    pub(super) events: String,
    /// And with which properties.
    pub(super) filters: String,
    pub(super) joins: Joins,
    pub(super) math: Aggregate,
    pub(super) broken: Option<Broken>,
    pub(super) range: Range,
    pub(super) display: Display,
}

/// Whose values of the breakdown.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kept {
    All,
    One(String),
    /// All but these.
    Other(Vec<String>),
}

/// Makes them.
pub(super) struct Statement<'a> {
    asked: &'a Asked,
}

impl<'a> Statement<'a> {
    pub(super) fn of(asked: &'a Asked) -> Self {
        Self { asked }
    }

    /// The values of the chart.
    pub(super) fn values(&self) -> String {
        let counted = match &self.asked.math {
            Aggregate::Plain(total) => self.plain(total),
            Aggregate::Distinct(what) if self.asked.display.is_cumulative() => self.firsts(what),
            Aggregate::Distinct(what) => self.plain(&format!("count(DISTINCT {what})")),
            Aggregate::PerPerson(total) => self.per_person(total),
            Aggregate::Active(days) => self.active(*days),
            Aggregate::First { of_matching } => self.first(*of_matching),
        };
        match &self.asked.broken {
            None => counted,
            Some(broken) => self.limited(&counted, broken),
        }
    }

    /// The events whose persons are counted, where an operator counts them.
    pub(super) fn events(&self) -> Option<String> {
        let asked = self.asked;
        match &asked.math {
            Aggregate::Distinct(what) if what == PERSON && !asked.display.is_cumulative() => {}
            _ => return None,
        }
        let value = asked
            .broken
            .as_ref()
            .map_or("''", |broken| broken.raw.as_deref().unwrap_or(&broken.value));
        Some(format!(
            "SELECT {PERSON} AS person_id, e.timestamp AS moment, 0 AS steps, \
             {value} AS breakdown_value\n{}",
            self.in_range().sql()
        ))
    }

    /// Whether there is a value for each span.
    fn has_days(&self) -> bool {
        !self.asked.display.is_total()
    }

    /// The columns before the total.
    fn keys(&self, time: &str) -> Vec<String> {
        let day = self.asked.range.bucket_of(time);
        let day = self.has_days().then(|| format!("{day} AS day"));
        let broken = self.asked.broken.as_ref();
        let value = broken.map(|broken| format!("{} AS breakdown_value", broken.value));
        day.into_iter().chain(value).collect()
    }

    /// Their names.
    fn names(&self) -> Vec<&'static str> {
        let day = self.has_days().then_some("day");
        day.into_iter().chain(self.asked.broken.as_ref().map(|_| "breakdown_value")).collect()
    }

    fn source(&self) -> Source {
        let asked = self.asked;
        Source::new(asked.scope.clone(), asked.joins)
            .and(asked.events.clone())
            .and(asked.filters.clone())
    }

    fn in_range(&self) -> Source {
        self.source().and(scope::in_range(&self.asked.range))
    }

    fn plain(&self, total: &str) -> String {
        let source = self.in_range();
        let source = match total.strip_prefix("count(DISTINCT ") {
            // What is of no group or session is none.
            Some(what) if !what.starts_with("e.person_id") => {
                source.and(format!("{} IS NOT NULL", what.trim_end_matches(')')))
            }
            _ => source,
        };
        grouped(&self.keys("e.timestamp"), total, &source.sql())
    }

    /// Each is counted where it comes first.
    fn firsts(&self, what: &str) -> String {
        let mut columns =
            vec![format!("min({}) AS day", self.asked.range.bucket_of("e.timestamp"))];
        let mut groups = vec![what.to_owned()];
        if let Some(broken) = &self.asked.broken {
            columns.push(format!("{} AS breakdown_value", broken.value));
            groups.push("2".to_owned());
        }
        let source = self.in_range().and(format!("{what} IS NOT NULL")).sql();
        let inner =
            format!("SELECT {}\n{source}\nGROUP BY {}", columns.join(", "), groups.join(", "));
        let names: Vec<String> = self.names().into_iter().map(str::to_owned).collect();
        grouped(&names, "count(*)", &format!("FROM (\n{inner}\n) AS firsts"))
    }

    fn per_person(&self, total: &str) -> String {
        let keys = self.keys("e.timestamp");
        let places = (1..=keys.len()).map(|place| place.to_string());
        let groups: Vec<String> = places.chain(["e.person_id".to_owned()]).collect();
        let columns: Vec<String> =
            keys.iter().cloned().chain(["count(*) AS total".to_owned()]).collect();
        let inner = format!(
            "SELECT {}\n{}\nGROUP BY {}",
            columns.join(", "),
            self.in_range().sql(),
            groups.join(", ")
        );
        let names: Vec<String> = self.names().into_iter().map(str::to_owned).collect();
        grouped(&names, total, &format!("FROM (\n{inner}\n) AS persons"))
    }

    /// Persons that came in the days before each span, its first day included.
    fn active(&self, days: i64) -> String {
        let range = &self.asked.range;
        if !self.has_days() {
            let since = back(range, range.until, days);
            let source = self.source().and(scope::within(since, range.until)).sql();
            return grouped(&self.keys("e.timestamp"), "count(DISTINCT e.person_id)", &source);
        }
        let labels = range.buckets.iter().map(|bucket| {
            let since = back(range, bucket.start, days);
            format!("({}, {})", sql::moment(bucket.start), sql::moment(since))
        });
        let labels = labels.collect::<Vec<_>>().join(", ");
        let mut names = vec!["label.day AS day".to_owned()];
        names.extend(self.asked.broken.as_ref().map(|_| "breakdown_value".to_owned()));
        grouped(
            &names,
            "count(DISTINCT active.person_id)",
            &format!(
                "FROM (VALUES {labels}) AS label(day, since)\n\
                 JOIN (\n{}\n) AS active ON active.moment <= label.day AND active.moment > label.since",
                self.actives(days)
            ),
        )
    }

    /// On which days, or in which hours, each person came.
    fn actives(&self, days: i64) -> String {
        let range = &self.asked.range;
        let first = range.buckets.first().map_or(range.since, |bucket| bucket.start);
        let since = back(range, first, days);
        let mut columns = vec![
            format!("{} AS moment", unit(range).bucket_of("e.timestamp")),
            "e.person_id AS person_id".to_owned(),
        ];
        if let Some(broken) = &self.asked.broken {
            columns.push(format!("{} AS breakdown_value", broken.value));
        }
        let source = self.source().and(scope::within(since, range.until)).sql();
        format!("SELECT DISTINCT {}\n{source}", columns.join(", "))
    }

    /// Persons whose first event it is.
    fn first(&self, of_matching: bool) -> String {
        let mut keys = Vec::new();
        if self.has_days() {
            keys.push(format!("{} AS day", self.asked.range.bucket_of("firsts.moment")));
        }
        keys.extend(self.asked.broken.as_ref().map(|_| "breakdown_value".to_owned()));
        grouped(&keys, "count(*)", &self.firsts_of_persons(of_matching))
    }

    /// The first event of each person that has it within the range, with all filters.
    fn firsts_of_persons(&self, of_matching: bool) -> String {
        let asked = self.asked;
        let (team, rest) = asked
            .scope
            .split_first()
            .map_or((None, &[][..]), |(team, rest)| (Some(team.clone()), rest));
        let fits = rest.iter().cloned().chain([asked.filters.clone()]);
        let fits = sql::all(fits.filter(|condition| condition != "TRUE"));
        let mut columns =
            vec!["e.person_id AS person_id".to_owned(), "e.timestamp AS moment".to_owned()];
        columns.extend(
            asked.broken.as_ref().map(|broken| format!("{} AS breakdown_value", broken.value)),
        );
        columns.push(format!("CASE WHEN {fits} THEN 1 ELSE 0 END AS fits"));
        let source = Source::new(team.into_iter().collect(), asked.joins)
            .and(asked.events.clone())
            .and(format!("e.timestamp < {}", sql::moment(asked.range.until)));
        let source = if of_matching { source.and(fits.clone()) } else { source };
        // Of events at the same moment one that fits counts.
        columns.push(format!(
            "row_number() OVER (PARTITION BY e.person_id ORDER BY e.timestamp, \
             CASE WHEN {fits} THEN 0 ELSE 1 END, e.uuid) AS place"
        ));
        format!(
            "FROM (\nSELECT {}\n{}\n) AS firsts\n\
             WHERE firsts.place = 1 AND firsts.fits = 1 AND firsts.moment >= {}",
            columns.join(", "),
            source.sql(),
            sql::moment(asked.range.since)
        )
    }

    /// The values with the most, and what is left of the others.
    fn limited(&self, counted: &str, broken: &Broken) -> String {
        let day = if self.has_days() { "day, " } else { "" };
        let groups = if self.has_days() { "1, 2" } else { "1" };
        format!(
            "WITH counted AS (\n{counted}\n), summed AS (\n\
             SELECT *, sum(total) OVER (PARTITION BY breakdown_value) AS whole FROM counted\n\
             ), placed AS (\n\
             SELECT *, dense_rank() OVER (ORDER BY {}, whole DESC, breakdown_value) AS place \
             FROM summed\n)\n\
             SELECT {day}CASE WHEN place <= {} THEN breakdown_value ELSE {} END AS breakdown_value, \
             sum(total) AS total\nFROM placed\nGROUP BY {groups}\nORDER BY {groups}",
            broken.is_last("breakdown_value"),
            broken.limit,
            sql::text(OTHER),
        )
    }

    /// The persons of a span, or of all; `person_id` and `total`, the events of each.
    pub(super) fn persons(&self, bucket: Option<usize>, kept: &Kept) -> String {
        let asked = self.asked;
        let value = asked.broken.as_ref().map(|broken| broken.value.as_str()).unwrap_or(NONE);
        if let Aggregate::First { of_matching } = &asked.math {
            let span = bucket.and_then(|index| asked.range.buckets.get(index)).map(|bucket| {
                format!(
                    "\n  AND firsts.moment >= {} AND firsts.moment < {}",
                    sql::moment(bucket.start),
                    sql::moment(bucket.end)
                )
            });
            let values = keeping(kept, "firsts.breakdown_value");
            return format!(
                "SELECT firsts.person_id AS person_id, count(*) AS total\n{}{}\n  AND {values}\n\
                 GROUP BY 1",
                self.firsts_of_persons(*of_matching),
                span.unwrap_or_default()
            );
        }
        let (since, until) = self.span(bucket);
        let source = self.source().and(scope::within(since, until)).and(keeping(kept, value));
        let source = match &asked.math {
            Aggregate::Distinct(what) if what != "e.person_id" => {
                source.and(format!("{what} IS NOT NULL"))
            }
            _ => source,
        };
        format!("SELECT e.person_id AS person_id, count(*) AS total\n{}\nGROUP BY 1", source.sql())
    }

    /// When the events were that a point counts.
    fn span(&self, bucket: Option<usize>) -> (Timestamp, Timestamp) {
        let range = &self.asked.range;
        let whole = (range.since, range.until);
        let Some(bucket) = bucket.and_then(|index| range.buckets.get(index)) else {
            return match self.asked.math {
                Aggregate::Active(days) if !self.has_days() => {
                    (back(range, range.until, days), range.until)
                }
                _ => whole,
            };
        };
        match self.asked.math {
            Aggregate::Active(days) => {
                let unit = unit(range);
                let after = |start: Timestamp| unit.calendar.bucket(start).map(|span| span.end);
                let since = back(range, bucket.start, days);
                let since = after(since).unwrap_or(since);
                (since, after(bucket.start).unwrap_or(bucket.end).min(range.until))
            }
            _ if self.asked.display.is_cumulative() => (range.since, bucket.end.min(range.until)),
            _ => (bucket.start.max(range.since), bucket.end.min(range.until)),
        }
    }
}

/// So many days before a moment, at the same time of the day.
fn back(range: &Range, moment: Timestamp, days: i64) -> Timestamp {
    let zoned = moment.to_zoned(range.calendar.zone.clone());
    zoned.checked_sub(days.days()).map_or(moment, |zoned| zoned.timestamp())
}

/// Activity is told by the day, or by what is shorter.
fn unit(range: &Range) -> Range {
    let mut unit = range.clone();
    unit.calendar.interval = unit.calendar.interval.min(Interval::Day);
    unit
}

fn keeping(kept: &Kept, value: &str) -> String {
    match kept {
        Kept::All => "TRUE".to_owned(),
        Kept::One(one) => format!("{value} = {}", sql::text(one)),
        Kept::Other(named) if named.is_empty() => "TRUE".to_owned(),
        Kept::Other(named) => {
            format!("{value} NOT IN ({})", sql::texts(named.iter().map(String::as_str)))
        }
    }
}

/// A total for each combination of keys, in their order.
fn grouped(keys: &[String], total: &str, source: &str) -> String {
    let columns: Vec<&str> = keys.iter().map(String::as_str).collect();
    let places: Vec<String> = (1..=keys.len()).map(|place| place.to_string()).collect();
    match places.is_empty() {
        true => format!("SELECT {total} AS total\n{source}"),
        false => format!(
            "SELECT {}, {total} AS total\n{source}\nGROUP BY {places}\nORDER BY {places}",
            columns.join(", "),
            places = places.join(", ")
        ),
    }
}
