//! Trends: how much of what, when.
//!
//! A series is computed for each span of the range by itself: a person who comes on two days is one
//! user of each. `weekly_active` and `monthly_active` look back from each span: seven days, or thirty,
//! the span's own day included. What was computed of nothing is 0.
//!
//! Displays of a single value compute it over the whole range, and cumulative ones add up from its
//! start, unique users and groups being counted where they come first.

mod display;
mod formulas;
mod math;
mod statement;
mod uniques;
mod values;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use utoipa::ToSchema;

use super::asking::Asking;
use super::breakdown::{BreakdownFilter, OTHER};
use super::condition::Conditions;
use super::filter::Filters;
use super::persons::{self, Period, Point};
use super::range::{Clock, DateRange, Range};
use super::scope::Scope;
use super::series::{Node, field};
use super::wrong::{Wrong, wrong};
use crate::{Error, Interval};
pub use display::Display;
use statement::{Asked, Statement};
use values::Line;

/// Series at once: those that a formula has letters for.
const MOST_SERIES: usize = 26;

/// PostHog's `TrendsQuery`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Trends {
    /// What is counted.
    pub series: Vec<Node>,
    /// From when until when.
    #[serde(rename = "dateRange")]
    pub date_range: DateRange,
    /// How long a point is; a day where nothing is said.
    pub interval: Interval,
    /// Filters on every event.
    pub properties: Option<Filters>,
    /// Leaves out internal and test users, as the project defines them.
    #[serde(rename = "filterTestAccounts")]
    pub filter_test_accounts: bool,
    /// Leaves out what bots sent.
    #[serde(rename = "filterBots")]
    pub filter_bots: bool,
    /// One line for each value of a property.
    #[serde(rename = "breakdownFilter")]
    pub breakdown_filter: BreakdownFilter,
    /// What the range is compared with.
    #[serde(rename = "compareFilter")]
    pub compare_filter: CompareFilter,
    /// What is made of the series.
    #[serde(rename = "trendsFilter")]
    pub trends_filter: TrendsFilter,
    /// Instead of the chart the persons behind one of its points.
    pub persons: Option<Point>,
}

/// Member `compareFilter`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CompareFilter {
    /// Whether it is.
    pub compare: bool,
    /// How long ago, as `-1w`; just before where nothing is said.
    pub compare_to: Option<String>,
}

/// Member `trendsFilter`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TrendsFilter {
    /// How it is shown, which decides whether it is one value or many.
    pub display: Display,
    /// Arithmetic between the series.
    pub formula: Option<String>,
    /// Several.
    pub formulas: Option<Vec<String>>,
    /// Several, with names.
    #[serde(rename = "formulaNodes")]
    pub formula_nodes: Option<Vec<FormulaNode>>,
    /// Over how many points each one is averaged.
    #[serde(rename = "smoothingIntervals")]
    pub smoothing_intervals: Option<usize>,
}

/// A formula with a name.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FormulaNode {
    /// As in `formula`.
    pub formula: String,
    /// How answers call it.
    pub custom_name: Option<String>,
}

/// A request with all that is settled.
struct Trend<'a> {
    request: &'a Trends,
    asking: &'a Asking,
    clock: Clock,
    earliest: Timestamp,
}

/// Answers a request: the chart, or persons of it.
pub(super) async fn answer(request: Trends, asking: &Asking) -> Result<Json, Error> {
    let trend = Trend::settle(&request, asking).await?;
    match &request.persons {
        None => trend.chart().await,
        Some(point) => trend.persons(point).await,
    }
}

impl<'a> Trend<'a> {
    async fn settle(request: &'a Trends, asking: &'a Asking) -> Result<Self, Error> {
        let count = request.series.len();
        if !(1..=MOST_SERIES).contains(&count) {
            let message = format!("{count} is not from 1 to {MOST_SERIES}");
            return Err(wrong("series", message).into());
        }
        let display = request.trends_filter.display;
        // A single value knows no spans.
        let interval = if display.is_total() { Interval::Day } else { request.interval };
        let is_exact = display == Display::BoldNumber;
        let clock = asking.clock(interval, is_exact);
        let earliest = asking.earliest_of(&request.date_range, &clock, &request.series).await?;
        Ok(Self { request, asking, clock, earliest })
    }

    fn range(&self, period: Period) -> Result<Range, Wrong> {
        let (asked, compared) = (&self.request.date_range, &self.request.compare_filter);
        match (period, &compared.compare_to) {
            (Period::Current, _) => asked.resolve(&self.clock, self.earliest),
            (Period::Previous, None) => asked.resolve_previous(&self.clock, self.earliest),
            (Period::Previous, Some(ago)) => asked.resolve_shifted(&self.clock, self.earliest, ago),
        }
    }

    fn periods(&self) -> &'static [Period] {
        match self.request.compare_filter.compare {
            true => &[Period::Current, Period::Previous],
            false => &[Period::Current],
        }
    }

    fn scope(&self) -> Scope<'_> {
        Scope {
            properties: self.request.properties.as_ref(),
            filter_test_accounts: self.request.filter_test_accounts,
            filter_bots: self.request.filter_bots,
        }
    }

    fn asked(&self, series: usize, range: &Range) -> Result<Asked, Wrong> {
        let Some(node) = self.request.series.get(series) else {
            return Err(wrong("persons.series", format!("there is no series {series}")));
        };
        let mut conditions = Conditions::new(&self.clock);
        let scope = self.scope().conditions(&self.asking.project, &mut conditions)?;
        let (events, filters) = node.conditions(&mut conditions, &field(series))?;
        let math = math::Aggregate::of(
            node,
            self.clock.calendar.interval,
            &mut conditions.joins,
            &field(series),
        )?;
        let mut broken = self.request.breakdown_filter.broken(&mut conditions.joins)?;
        let limit = self.request.trends_filter.display.breakdown_limit();
        if let (Some(broken), Some(limit)) = (&mut broken, limit) {
            broken.limit = limit;
        }
        Ok(Asked {
            scope,
            events,
            filters,
            joins: conditions.joins,
            math,
            broken,
            range: range.clone(),
            display: self.request.trends_filter.display,
        })
    }

    async fn chart(&self) -> Result<Json, Error> {
        let (mut periods, mut statements, mut has_more) = (Vec::new(), Vec::new(), false);
        for &period in self.periods() {
            let range = self.range(period)?;
            let mut series = Vec::new();
            for index in 0..self.request.series.len() {
                let (lines, sql) = self.lines(index, &range).await?;
                statements.push(sql);
                series.push(lines);
            }
            periods.push((period, range, series));
        }
        let mut results = Vec::new();
        for (period, range, series) in &periods {
            has_more |=
                series.iter().flatten().any(|line| line.breakdown.as_deref() == Some(OTHER));
            results.extend(self.results(*period, range, series)?);
        }
        let range = self.range(Period::Current)?;
        Ok(json!({
            "results": results,
            "hasMore": has_more,
            "interval": self.clock.calendar.interval,
            "timezone": self.clock.calendar.zone.iana_name().unwrap_or("UTC"),
            "resolved_date_range": range.resolved(),
            "sql": statements,
        }))
    }

    /// The lines of a series, and what they were asked with.
    async fn lines(&self, series: usize, range: &Range) -> Result<(Vec<Line>, String), Error> {
        let asked = self.asked(series, range)?;
        let statement = Statement::of(&asked).values();
        let rows = match Statement::of(&asked).events() {
            Some(events) => uniques::rows(self.asking, &events, &asked).await?,
            None => self.asking.rows(&statement).await?,
        };
        let lines = values::read(&rows, &asked, self.request.trends_filter.smoothing_intervals)?;
        Ok((lines, statement))
    }

    fn results(
        &self,
        period: Period,
        range: &Range,
        series: &[Vec<Line>],
    ) -> Result<Vec<Json>, Wrong> {
        let formulas = formulas::of(&self.request.trends_filter, series.len())?;
        let made = match formulas.is_empty() {
            true => series.to_vec(),
            false => formulas.iter().map(|formula| formula.lines(series)).collect(),
        };
        let labels: Vec<String> = match formulas.is_empty() {
            true => self.request.series.iter().map(Node::label).collect(),
            false => formulas.iter().map(|formula| formula.label()).collect(),
        };
        let broken = self.asked(0, range)?.broken;
        let mut results = Vec::new();
        for (order, (lines, label)) in made.iter().zip(&labels).enumerate() {
            let shown = lines.iter().filter(|line| line.is_shown(broken.as_ref()));
            results.extend(shown.map(|line| {
                let mut result = line.told(self.request.trends_filter.display, range);
                result["order"] = json!(order);
                result["label"] = json!(label);
                if formulas.is_empty() {
                    result["action"] = self.action(order);
                }
                if let (Some(broken), Some(value)) = (&broken, &line.breakdown) {
                    result["breakdown_value"] = broken.told(value);
                }
                if self.request.compare_filter.compare {
                    result["compare"] = json!(true);
                    result["compare_label"] = json!(match period {
                        Period::Current => "current",
                        Period::Previous => "previous",
                    });
                }
                result
            }));
        }
        Ok(results)
    }

    fn action(&self, order: usize) -> Json {
        let node = self.request.series.get(order);
        json!({
            "order": order,
            "type": "events",
            "id": node.and_then(|node| node.event.as_ref()),
            "name": node.map(Node::label),
        })
    }

    async fn persons(&self, point: &Point) -> Result<Json, Error> {
        let range = self.range(point.compare)?;
        let asked = self.asked(point.series, &range)?;
        let bucket = match point.day()? {
            None => None,
            Some(day) => Some(
                range
                    .place_of(day)
                    .ok_or_else(|| wrong("persons.day", format!("{day} is not in the range")))?,
            ),
        };
        let value = match (&asked.broken, &point.breakdown) {
            (Some(broken), Some(value)) => {
                let wrong = || wrong("persons.breakdown", "it is no value of the breakdown");
                Some(broken.asked(value).ok_or_else(wrong)?)
            }
            (None, Some(_)) => {
                return Err(wrong("persons.breakdown", "there is no breakdown").into());
            }
            _ => None,
        };
        let kept = match value.as_deref() {
            // Whoever has none of the values that have a line.
            Some(OTHER) => {
                let (lines, _) = self.lines(point.series, &range).await?;
                let named = lines.into_iter().filter_map(|line| line.breakdown);
                statement::Kept::Other(named.filter(|value| value != OTHER).collect())
            }
            Some(value) => statement::Kept::One(value.to_owned()),
            None => statement::Kept::All,
        };
        let found = Statement::of(&asked).persons(bucket, &kept);
        persons::page(self.asking, point, &found).await
    }
}
