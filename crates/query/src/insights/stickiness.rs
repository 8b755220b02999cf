//! Stickiness: how many persons came in one span of the range, how many in two, and so on.
//!
//! A span counts for a person who did at least one of the events in it, or as many as the criteria
//! say. The spans are those of the range; where weeks begin before the range, what was before it does
//! not count, as in trends.
//!
//! Events are read once; of a person is kept a bit for each span. `sql` says the same in SQL alone, by which
//! groups are counted.

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use utoipa::ToSchema;

use super::asking::Asking;
use super::condition::Conditions;
use super::filter::{Filters, Value};
use super::persons::{self, Period, Point};
use super::presence::{Besides, Presence};
use super::range::{Clock, DateRange, Range};
use super::scope::{self, Scope, Source};
use super::series::{Math, Node, field};
use super::spans::Spans;
use super::trends::CompareFilter;
use super::wrong::{Wrong, wrong};
use crate::{Error, Interval};

/// Whom events are of.
const PERSON: &str = "e.person_id";

/// PostHog's `StickinessQuery`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Stickiness {
    /// What is counted, each by itself.
    pub series: Vec<Node>,
    /// From when until when.
    #[serde(rename = "dateRange")]
    pub date_range: DateRange,
    /// What is counted of a person; days where nothing is said.
    pub interval: Interval,
    /// Filters on every event.
    pub properties: Option<Filters>,
    /// Leaves out internal and test users, as the project defines them.
    #[serde(rename = "filterTestAccounts")]
    pub filter_test_accounts: bool,
    /// Leaves out what bots sent.
    #[serde(rename = "filterBots")]
    pub filter_bots: bool,
    /// What the range is compared with.
    #[serde(rename = "compareFilter")]
    pub compare_filter: CompareFilter,
    /// When a span counts, and how spans are added up.
    #[serde(rename = "stickinessFilter")]
    pub stickiness_filter: StickinessFilter,
    /// Instead of the chart the persons behind one of its points.
    pub persons: Option<Point>,
}

/// Member `stickinessFilter`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct StickinessFilter {
    /// How it is shown.
    pub display: Option<String>,
    /// Whether a number of spans means just as many, or as many at least.
    #[serde(rename = "computedAs")]
    pub computed_as: ComputedAs,
    /// How often a person does it in a span that counts.
    #[serde(rename = "stickinessCriteria")]
    pub criteria: Option<StickinessCriteria>,
}

/// How numbers of spans are told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ComputedAs {
    /// Just as many.
    #[default]
    NonCumulative,
    /// As many or more.
    Cumulative,
}

/// Member `stickinessCriteria`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StickinessCriteria {
    /// How.
    pub operator: CountOperator,
    /// With what.
    pub value: u64,
}

/// How a count is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum CountOperator {
    /// So many.
    Exact,
    /// So many or more.
    Gte,
    /// So many or fewer.
    Lte,
}

impl StickinessCriteria {
    fn passes(self, times: u64) -> bool {
        match self.operator {
            CountOperator::Exact => times == self.value,
            CountOperator::Gte => times >= self.value,
            CountOperator::Lte => times <= self.value,
        }
    }

    fn condition(self) -> String {
        let operator = match self.operator {
            CountOperator::Exact => "=",
            CountOperator::Gte => ">=",
            CountOperator::Lte => "<=",
        };
        format!("count(*) {operator} {}", self.value)
    }
}

/// Answers a request: the chart, or persons of it.
pub(super) async fn answer(request: Stickiness, asking: &Asking) -> Result<Json, Error> {
    if request.series.is_empty() {
        return Err(wrong("series", "there is none").into());
    }
    let clock = asking.clock(request.interval, false);
    let earliest = asking.earliest_of(&request.date_range, &clock, &request.series).await?;
    let sticking = Sticking { request: &request, asking, clock: &clock, earliest };
    match &request.persons {
        None => sticking.chart().await,
        Some(point) => sticking.behind(point).await,
    }
}

struct Sticking<'a> {
    request: &'a Stickiness,
    asking: &'a Asking,
    clock: &'a Clock,
    earliest: jiff::Timestamp,
}

impl Sticking<'_> {
    fn range(&self, period: Period) -> Result<Range, Wrong> {
        let (asked, compared) = (&self.request.date_range, &self.request.compare_filter);
        match (period, &compared.compare_to) {
            (Period::Current, _) => asked.resolve(self.clock, self.earliest),
            (Period::Previous, None) => asked.resolve_previous(self.clock, self.earliest),
            (Period::Previous, Some(ago)) => asked.resolve_shifted(self.clock, self.earliest, ago),
        }
    }

    fn is_cumulative(&self) -> bool {
        self.request.stickiness_filter.computed_as == ComputedAs::Cumulative
    }

    fn asked(&self, index: usize, range: &Range) -> Result<Asked, Wrong> {
        let series = self.request.series.get(index);
        let node =
            series.ok_or_else(|| wrong("persons.series", format!("there is no series {index}")))?;
        let mut conditions = Conditions::new(self.clock);
        let scope = Scope {
            properties: self.request.properties.as_ref(),
            filter_test_accounts: self.request.filter_test_accounts,
            filter_bots: self.request.filter_bots,
        };
        let found = scope.conditions(&self.asking.project, &mut conditions)?;
        let event = node.condition(&mut conditions, &field(index))?;
        let actor = actor(node, &field(index))?;
        let source = Source::new(found, conditions.joins).and(event).and(scope::in_range(range));
        Ok(Asked { actor, source })
    }

    /// SQL for `person_id` and `total`, the spans of each person or group.
    fn spans(&self, Asked { actor, source }: &Asked, range: &Range) -> String {
        let source = source.clone().and(format!("{actor} IS NOT NULL")).sql();
        let criteria = self.request.stickiness_filter.criteria;
        let having = criteria.map(|criteria| format!("\nHAVING {}", criteria.condition()));
        let day = range.bucket_of("e.timestamp");
        format!(
            "SELECT person_id, count(*) AS total FROM (\n\
             SELECT {actor} AS person_id, {day} AS day\n{source}\nGROUP BY 1, 2{}\n\
             ) AS spans\nGROUP BY 1",
            having.unwrap_or_default()
        )
    }

    /// Who came in which spans; `None` where groups are counted, of which there are fewer than SQL can bear.
    async fn presence(&self, asked: &Asked, range: &Range) -> Result<Option<Presence>, Error> {
        if asked.actor != PERSON {
            return Ok(None);
        }
        let source = asked.source.clone().sql();
        let events = format!("SELECT {PERSON} AS person_id, e.timestamp AS moment\n{source}");
        let criteria = self.request.stickiness_filter.criteria;
        let besides = if criteria.is_some() { Besides::Times } else { Besides::Nothing };
        let mut presence = Presence::of(self.asking, &events, Spans::of(range), besides).await?;
        if let Some(criteria) = criteria {
            presence.keep_times(|times| criteria.passes(times));
        }
        Ok(Some(presence))
    }

    /// By number of spans how many came in as many; without those who came in none.
    async fn totals(
        &self,
        asked: &Asked,
        range: &Range,
        statement: &str,
    ) -> Result<Vec<f64>, Error> {
        let mut totals = vec![0.0; range.len()];
        let mut add = |spans: usize, more: f64| {
            let place = spans.checked_sub(1);
            if let Some(total) = place.and_then(|place| totals.get_mut(place)) {
                *total += more;
            }
        };
        if let Some(presence) = self.presence(asked, range).await? {
            presence.persons().for_each(|person| add(presence.span_count(person), 1.0));
        } else {
            let rows = self.asking.rows(statement).await?;
            for (spans, more) in rows.numbers("spans")?.into_iter().zip(rows.numbers("total")?) {
                add(spans as usize, more);
            }
        }
        Ok(totals)
    }

    async fn chart(&self) -> Result<Json, Error> {
        let periods: &[Period] = match self.request.compare_filter.compare {
            true => &[Period::Current, Period::Previous],
            false => &[Period::Current],
        };
        let (mut results, mut statements) = (Vec::new(), Vec::new());
        for &period in periods {
            let range = self.range(period)?;
            for (order, node) in self.request.series.iter().enumerate() {
                let asked = self.asked(order, &range)?;
                let statement = format!(
                    "SELECT total AS spans, count(*) AS total FROM (\n{}\n) AS persons\n\
                     GROUP BY 1 ORDER BY 1",
                    self.spans(&asked, &range)
                );
                let totals = self.totals(&asked, &range, &statement).await?;
                let mut result = self.result(node, totals);
                result["action"] = json!({
                    "order": order, "type": "events", "id": node.event, "name": node.label(),
                });
                if self.request.compare_filter.compare {
                    result["compare"] = json!(true);
                    result["compare_label"] = json!(match period {
                        Period::Current => "current",
                        Period::Previous => "previous",
                    });
                }
                results.push(result);
                statements.push(statement);
            }
        }
        Ok(json!({
            "results": results,
            "interval": self.clock.calendar.interval,
            "timezone": self.clock.calendar.zone.iana_name().unwrap_or("UTC"),
            "resolved_date_range": self.range(Period::Current)?.resolved(),
            "sql": statements,
        }))
    }

    fn result(&self, node: &Node, mut data: Vec<f64>) -> Json {
        let count: f64 = data.iter().sum();
        if self.is_cumulative() {
            let mut more = 0.0;
            for value in data.iter_mut().rev() {
                more += *value;
                *value = more;
            }
        }
        let days: Vec<usize> = (1..=data.len()).collect();
        let interval = self.clock.calendar.interval.name();
        let suffix = if self.is_cumulative() { " or more" } else { "" };
        let labels = days.iter().map(|day| match day {
            1 => format!("1 {interval}{suffix}"),
            day => format!("{day} {interval}s{suffix}"),
        });
        json!({
            "label": node.label(),
            "count": count,
            "data": data,
            "labels": labels.collect::<Vec<_>>(),
            "days": days,
        })
    }

    async fn behind(&self, point: &Point) -> Result<Json, Error> {
        let range = self.range(point.compare)?;
        let asked = self.asked(point.series, &range)?;
        let day = match &point.day {
            None => None,
            Some(Value::Number(day)) => Some(*day as usize),
            Some(_) => return Err(wrong("persons.day", "it is a number of spans").into()),
        };
        let is_cumulative = self.is_cumulative();
        let spans = self.spans(&asked, &range);
        let statement = day.map(|day| {
            let operator = if is_cumulative { ">=" } else { "=" };
            format!(
                "SELECT person_id, total FROM (\n{spans}\n) AS persons\nWHERE total {operator} {day}"
            )
        });
        let statement = statement.unwrap_or(spans);
        let Some(presence) = self.presence(&asked, &range).await? else {
            return persons::page(self.asking, point, &statement).await;
        };
        let counted = presence.persons().map(|person| (person, presence.span_count(person)));
        let is_asked = |count: usize| match day {
            None => count > 0,
            Some(day) if is_cumulative => count >= day.max(1),
            Some(day) => count == day && day > 0,
        };
        let counted = counted
            .filter(|(_, count)| is_asked(*count))
            .map(|(person, count)| (presence.id(person), count));
        persons::page_of_counted(self.asking, point, counted.collect(), &statement).await
    }
}

/// What a series counts, and which events.
struct Asked {
    /// In SQL, persons or groups.
    actor: String,
    source: Source,
}

fn actor(node: &Node, field: &str) -> Result<String, Wrong> {
    match (node.math(), node.math_group_type_index) {
        (Math::Total | Math::Dau, _) => Ok(PERSON.to_owned()),
        (Math::UniqueGroup, Some(index @ 0..=4)) => Ok(format!("e.group_{index}")),
        (Math::UniqueGroup, _) => {
            Err(wrong(format!("{field}.math_group_type_index"), "it is from 0 to 4"))
        }
        _ => Err(wrong(format!("{field}.math"), "persons or groups are counted")),
    }
}
