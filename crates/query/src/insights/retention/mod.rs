//! Retention: of those who came in a span, how many came again in the spans after it.
//!
//! - **came**: the person did the target event in the span (`retention_recurring`), or for the first
//!   time ever (`retention_first_time`, where filters have a say in what counts;
//!   `retention_first_ever_occurrence`, where the first event of that name must pass them);
//! - **came again**: it did the returning event in a later span, as often as `minimumOccurrences` says.
//!
//! Whole spans of the project's calendar count, the one that the range ends in to its end. What came
//! again within the first span says nothing: the first number is those who came. With a breakdown,
//! only events with the same value belong together, so that who comes with two values counts in both;
//! of `retention_first_ever_occurrence` a person has the value of its first event.
//!
//! Events are read once; of a person is kept a bit for each span. `sql` says the same in SQL alone.

mod gather;
mod statement;

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use utoipa::ToSchema;

use self::gather::{Gathered, Shape};
use super::asking::Asking;
use super::breakdown::{BreakdownFilter, Broken, OTHER};
use super::condition::Conditions;
use super::filter::Filters;
use super::persons::{self, Point};
use super::range::{Clock, DateRange, Range};
use super::series::Node;
use super::wrong::{Wrong, wrong};
use crate::{Error, Interval};

/// Spans that are followed, where nothing is said, and at most.
const USUAL_SPANS: usize = 8;
const MOST_SPANS: usize = 1_000;
/// More numbers than a table has.
const MOST_NUMBERS: usize = 200_000;
/// What is asked for where no event is said.
const PAGEVIEW: &str = "$pageview";

/// PostHog's `RetentionQuery`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Retention {
    /// From when until when people come; the last `totalIntervals` spans where nothing is said.
    #[serde(rename = "dateRange")]
    pub date_range: DateRange,
    /// Filters on every event.
    pub properties: Option<Filters>,
    /// Leaves out internal and test users, as the project defines them.
    #[serde(rename = "filterTestAccounts")]
    pub filter_test_accounts: bool,
    /// Leaves out what bots sent.
    #[serde(rename = "filterBots")]
    pub filter_bots: bool,
    /// A table for each value of a property.
    #[serde(rename = "breakdownFilter")]
    pub breakdown_filter: BreakdownFilter,
    /// What counts.
    #[serde(rename = "retentionFilter")]
    pub retention_filter: RetentionFilter,
    /// Instead of the table the persons behind one of its numbers.
    pub persons: Option<Point>,
}

/// Member `retentionFilter`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RetentionFilter {
    /// How long a span is; days where nothing is said.
    pub period: RetentionPeriod,
    /// How many spans are followed, the first included; 8 where nothing is said.
    #[serde(rename = "totalIntervals")]
    pub total_intervals: Option<usize>,
    /// When a person came.
    #[serde(rename = "retentionType")]
    pub retention_type: RetentionType,
    /// The event by which people come; `$pageview` where none is said.
    #[serde(rename = "targetEntity")]
    pub target_entity: Option<RetentionEntity>,
    /// The event by which they come again; likewise.
    #[serde(rename = "returningEntity")]
    pub returning_entity: Option<RetentionEntity>,
    /// How often it happens in a span that counts.
    #[serde(rename = "minimumOccurrences")]
    pub minimum_occurrences: Option<u32>,
    /// Counts who came again in a span or in any later one.
    pub cumulative: bool,
    /// What a span is.
    #[serde(rename = "timeWindowMode")]
    pub time_window_mode: TimeWindowMode,
    /// How it is shown.
    pub display: Option<String>,
}

/// How long a span of retention is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[allow(missing_docs, reason = "they are what they are called")]
pub enum RetentionPeriod {
    Hour,
    #[default]
    Day,
    Week,
    Month,
}

/// When a person came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
pub enum RetentionType {
    /// In every span in which it did the event.
    #[default]
    #[serde(rename = "retention_recurring")]
    Recurring,
    /// In the span of its first event of all that pass the filters.
    #[serde(rename = "retention_first_time")]
    FirstTime,
    /// In the span of its first event of that name, if it passes the filters.
    #[serde(rename = "retention_first_ever_occurrence")]
    FirstEver,
}

/// What a span is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TimeWindowMode {
    /// One of the calendar.
    #[default]
    StrictCalendarDates,
}

/// An event of retention.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RetentionEntity {
    /// The event's name; all events where it is `null`.
    pub id: Option<String>,
    /// `EventsNode`
    pub kind: RetentionEntityKind,
    /// `events`
    #[serde(rename = "type")]
    pub of: RetentionEntityType,
    /// Its place among others.
    pub order: Option<u32>,
    /// Its own id.
    pub uuid: Option<String>,
    /// How it is called.
    pub custom_name: Option<String>,
    /// Filters.
    pub properties: Option<Filters>,
}

/// The kind of such an event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
pub enum RetentionEntityKind {
    /// Events of one name, or all.
    #[default]
    EventsNode,
}

/// Likewise, as older insights say it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum RetentionEntityType {
    /// Events of one name, or all.
    #[default]
    Events,
}

impl RetentionPeriod {
    const fn interval(self) -> Interval {
        match self {
            Self::Hour => Interval::Hour,
            Self::Day => Interval::Day,
            Self::Week => Interval::Week,
            Self::Month => Interval::Month,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Hour => "Hour",
            Self::Day => "Day",
            Self::Week => "Week",
            Self::Month => "Month",
        }
    }
}

impl RetentionFilter {
    fn spans(&self) -> Result<usize, Wrong> {
        let spans = self.total_intervals.unwrap_or(USUAL_SPANS);
        match (1..=MOST_SPANS).contains(&spans) {
            true => Ok(spans),
            false => {
                let message = format!("{spans} is not from 1 to {MOST_SPANS}");
                Err(wrong("retentionFilter.totalIntervals", message))
            }
        }
    }
}

/// An event as series have it.
fn node(entity: Option<&RetentionEntity>) -> Node {
    match entity {
        None => Node { event: Some(PAGEVIEW.to_owned()), ..Node::default() },
        Some(entity) => Node {
            event: entity.id.clone(),
            custom_name: entity.custom_name.clone(),
            properties: entity.properties.clone(),
            ..Node::default()
        },
    }
}

/// Answers a request: the table, or persons of it.
pub(super) async fn answer(request: Retention, asking: &Asking) -> Result<Json, Error> {
    let filter = &request.retention_filter;
    let clock = asking.clock(filter.period.interval(), false);
    let target = node(filter.target_entity.as_ref());
    let nodes = [target, node(filter.returning_entity.as_ref())];
    let earliest = asking.earliest_of(&request.date_range, &clock, &nodes).await?;
    let range = range(&request, &clock, earliest)?;
    let mut conditions = Conditions::new(&clock);
    let broken = request.breakdown_filter.broken(&mut conditions.joins)?;
    let [target, returning] = &nodes;
    let events =
        statement::events(&request, asking, conditions, [target, returning], &range, &broken)?;
    let shape = Shape {
        of: filter.retention_type,
        spans: filter.spans()?,
        least: filter.minimum_occurrences.unwrap_or(1),
        is_cumulative: filter.cumulative,
        is_broken: broken.is_some(),
    };
    let gathered = Gathered::of(asking, &events, shape, &range).await?;
    let statement = statement::table(&events, shape, &range);
    let table = Table { asking, range, broken, shape, gathered, statement };
    match &request.persons {
        None => Ok(table.chart(filter.period)?),
        Some(point) => table.behind(point).await,
    }
}

/// The spans in which people come.
fn range(request: &Retention, clock: &Clock, earliest: jiff::Timestamp) -> Result<Range, Wrong> {
    let asked = &request.date_range;
    let range = match asked.date_from {
        Some(_) => asked.resolve(clock, earliest)?,
        None => asked.resolve_last(clock, request.retention_filter.spans()?)?,
    };
    range.whole()
}

struct Table<'a> {
    asking: &'a Asking,
    range: Range,
    broken: Option<Broken>,
    shape: Shape,
    gathered: Gathered,
    /// All of it in SQL.
    statement: String,
}

/// By when people came and how much later they came again.
type Counts = BTreeMap<(usize, usize), u64>;

impl Table<'_> {
    /// The values that are shown, those with the most who came first, and what is counted of each.
    fn by_value(&self) -> Vec<(String, Counts)> {
        let mut values = self.gathered.counts(self.shape);
        values.sort_by_cached_key(|(value, counts)| {
            let came = counts.iter().filter(|((_, later), _)| *later == 0);
            (Reverse(came.map(|(_, count)| count).sum::<u64>()), value.clone())
        });
        let Some(broken) = &self.broken else { return values };
        if values.len() > broken.limit {
            let others = values.split_off(broken.limit);
            if broken.shows_other {
                values.extend(
                    others
                        .into_iter()
                        .map(|(_, counts)| counts)
                        .reduce(added)
                        .map(|counts| (OTHER.to_owned(), counts)),
                );
            }
        }
        values
    }

    fn chart(&self, period: RetentionPeriod) -> Result<Json, Wrong> {
        let label = |number: usize| format!("{} {number}", period.name());
        let values = self.by_value();
        let numbers = values.len() * self.range.len() * self.shape.spans;
        if numbers > MOST_NUMBERS {
            let message = format!("{numbers} numbers are more than {MOST_NUMBERS}");
            return Err(wrong("retentionFilter.totalIntervals", message));
        }
        let mut results = Vec::new();
        for (value, counts) in values {
            for (number, bucket) in self.range.buckets.iter().enumerate() {
                let values = (0..self.shape.spans).map(|later| {
                    let count = counts.get(&(number, later)).copied().unwrap_or_default();
                    json!({ "count": count, "label": label(later) })
                });
                let mut told = json!({
                    "label": label(number),
                    "date": self.range.moment_name(bucket.start),
                    "values": values.collect::<Vec<_>>(),
                });
                if let Some(broken) = &self.broken {
                    told["breakdown_value"] = broken.told(&value);
                }
                results.push(told);
            }
        }
        Ok(json!({
            "results": results,
            "timezone": self.range.calendar.zone.iana_name().unwrap_or("UTC"),
            "resolved_date_range": self.range.resolved(),
            "sql": [self.statement],
        }))
    }

    async fn behind(&self, point: &Point) -> Result<Json, Error> {
        let later = point.interval.unwrap_or(0);
        if later >= self.shape.spans {
            let message = format!("{later} is not below {}", self.shape.spans);
            return Err(wrong("persons.interval", message).into());
        }
        let first = match point.day()? {
            None => None,
            Some(day) => Some(
                self.range
                    .place_of(day)
                    .ok_or_else(|| wrong("persons.day", format!("{day} is not in the range")))?,
            ),
        };
        let value =
            match (&self.broken, &point.breakdown) {
                (Some(broken), Some(value)) => Some(broken.asked(value).ok_or_else(|| {
                    wrong("persons.breakdown", "it is no value of the breakdown")
                })?),
                (None, Some(_)) => {
                    return Err(wrong("persons.breakdown", "there is no breakdown").into());
                }
                _ => None,
            };
        let shown: Vec<String> = self.by_value().into_iter().map(|(value, _)| value).collect();
        let has_value = |name: &str| match value.as_deref() {
            None => true,
            Some(OTHER) => !shown.iter().any(|shown| shown == name),
            Some(value) => value == name,
        };
        let found = self.gathered.behind(self.shape, first, later, has_value);
        let ids: Vec<String> = found.keys().cloned().collect();
        let mut page = persons::page_of(self.asking, point, &ids, &self.statement).await?;
        for person in page["persons"].as_array_mut().into_iter().flatten() {
            let spans = person["id"].as_str().and_then(|id| found.get(id));
            person["appearances"] = json!(spans);
        }
        Ok(page)
    }
}

fn added(mut left: Counts, right: Counts) -> Counts {
    for (place, count) in right {
        *left.entry(place).or_default() += count;
    }
    left
}
