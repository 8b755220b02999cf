//! Web analytics: visitors, views, sessions, how long they last and how many bounce; and all that by
//! page, by where visitors come from, and by what they use.
//!
//! - **view**: a `$pageview` or `$screen` that passes the filters. Events without a session are not
//!   looked at.
//! - **session**: what has the same `$session_id`. It counts where it began within the period and has
//!   views there. When it began, how long it lasted and whether it bounced is said by all of its
//!   events, filters or not, from a day before the range to a day after it.
//! - **bounce**: a session with one `$pageview`, `$screen` or `$autocapture`, shorter than ten seconds;
//!   one with none of them neither bounces nor does not.
//! - **visitor**: the person of a session's views; of several the first in the order of ids.
//!
//! What a session began with (entry page, channel, referrer, campaign) is said by its first page view
//! or screen that says it, else by its first event that does; the exit page likewise by the last.
//! A table by page has the bounces of the sessions that began there.
//!
//! Events are read once, for all tables together. `sql` says the same in SQL alone.

mod cut;
mod statement;
mod visits;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};
use utoipa::ToSchema;

pub use self::cut::WebBreakdown;

use self::cut::Cut;
use self::visits::{Counted, Periods, Visits};
use super::asking::Asking;
use super::filter::Filters;
use super::persons::{self, Period, Point};
use super::range::{Clock, DateRange, Range};
use super::scope::Scope;
use super::series::Node;
use super::trends::CompareFilter;
use super::wrong::{Wrong, wrong};
use super::{scope, sql};
use crate::{Error, Interval};

/// Rows of a table, where nothing is said, and at most.
const USUAL_ROWS: usize = 10;
const MOST_ROWS: usize = 10_000;
/// Tables at once.
const MOST_TABLES: usize = 12;
/// Who did something in so many minutes is here now.
const NOW_MINUTES: i64 = 5;

/// PostHog's `WebOverviewQuery`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct WebOverview {
    /// From when until when sessions begin.
    #[serde(rename = "dateRange")]
    pub date_range: DateRange,
    /// Filters on every view.
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
    /// Tables to answer as well, which costs less than asking for each.
    pub tables: Vec<WebBreakdown>,
    /// How many rows a table has; 10 where nothing is said.
    pub limit: Option<usize>,
    /// Instead of the numbers the persons behind them.
    pub persons: Option<Point>,
}

/// PostHog's `WebStatsTableQuery`.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WebTable {
    /// By what.
    #[serde(rename = "breakdownBy")]
    pub breakdown_by: WebBreakdown,
    /// From when until when sessions begin.
    #[serde(default, rename = "dateRange")]
    pub date_range: DateRange,
    /// Filters on every view.
    #[serde(default)]
    pub properties: Option<Filters>,
    /// Leaves out internal and test users, as the project defines them.
    #[serde(default, rename = "filterTestAccounts")]
    pub filter_test_accounts: bool,
    /// Leaves out what bots sent.
    #[serde(default, rename = "filterBots")]
    pub filter_bots: bool,
    /// What the range is compared with.
    #[serde(default, rename = "compareFilter")]
    pub compare_filter: CompareFilter,
    /// Bounces are always told.
    #[serde(default, rename = "includeBounceRate")]
    pub include_bounce_rate: bool,
    /// By which column rows are sorted, and which way; visitors, the most first, where nothing is said.
    #[serde(default, rename = "orderBy")]
    pub order_by: Option<(WebColumn, WebDirection)>,
    /// How many rows; 10 where nothing is said.
    #[serde(default)]
    pub limit: Option<usize>,
    /// After so many.
    #[serde(default)]
    pub offset: usize,
    /// Instead of the table the persons behind one of its rows.
    #[serde(default)]
    pub persons: Option<Point>,
}

/// A column of a table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[allow(missing_docs, reason = "they are what they are called")]
pub enum WebColumn {
    #[default]
    Visitors,
    Views,
    Sessions,
    BounceRate,
}

/// Which way rows are sorted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum WebDirection {
    /// The least first.
    Asc,
    /// The most first.
    #[default]
    Desc,
}

/// What both requests ask for.
struct Asked<'a> {
    asking: &'a Asking,
    date_range: &'a DateRange,
    scope: Scope<'a>,
    compare_filter: &'a CompareFilter,
}

/// How rows of a table are sorted, and which of them are shown.
#[derive(Clone, Copy, Debug)]
struct Page {
    column: WebColumn,
    direction: WebDirection,
    limit: usize,
    offset: usize,
}

impl Page {
    fn of(limit: Option<usize>, offset: usize) -> Result<Self, Wrong> {
        let limit = limit.unwrap_or(USUAL_ROWS);
        if !(1..=MOST_ROWS).contains(&limit) {
            return Err(wrong("limit", format!("{limit} is not from 1 to {MOST_ROWS}")));
        }
        let (column, direction) = Default::default();
        Ok(Self { column, direction, limit, offset })
    }
}

/// Answers a request of the overview.
pub(super) async fn overview(request: WebOverview, asking: &Asking) -> Result<Json, Error> {
    if request.tables.len() > MOST_TABLES {
        let message = format!("{} are more than {MOST_TABLES}", request.tables.len());
        return Err(wrong("tables", message).into());
    }
    let page = Page::of(request.limit, 0)?;
    let asked = Asked {
        asking,
        date_range: &request.date_range,
        scope: Scope {
            properties: request.properties.as_ref(),
            filter_test_accounts: request.filter_test_accounts,
            filter_bots: request.filter_bots,
        },
        compare_filter: &request.compare_filter,
    };
    let cuts: Vec<Cut> = request.tables.iter().map(|table| table.cut()).collect();
    let looked = asked.look(&cuts).await?;
    if let Some(point) = &request.persons {
        return looked.behind(&asked, point, None, looked.overview_statement()).await;
    }
    let mut tables = Map::new();
    for (place, table) in request.tables.iter().enumerate() {
        tables.insert(table.name(), looked.table(&cuts, place, page)["results"].take());
    }
    let mut answer = json!({
        "results": looked.overview(),
        "visitors_now": asked.visitors_now().await?,
        "timezone": looked.range.calendar.zone.iana_name().unwrap_or("UTC"),
        "resolved_date_range": looked.range.resolved(),
        "sql": [looked.overview_statement()],
    });
    if !request.tables.is_empty() {
        answer["tables"] = Json::Object(tables);
    }
    Ok(answer)
}

/// Answers a request of a table.
pub(super) async fn table(request: WebTable, asking: &Asking) -> Result<Json, Error> {
    let mut page = Page::of(request.limit, request.offset)?;
    (page.column, page.direction) = request.order_by.unwrap_or_default();
    let asked = Asked {
        asking,
        date_range: &request.date_range,
        scope: Scope {
            properties: request.properties.as_ref(),
            filter_test_accounts: request.filter_test_accounts,
            filter_bots: request.filter_bots,
        },
        compare_filter: &request.compare_filter,
    };
    let cuts = [request.breakdown_by.cut()];
    let looked = asked.look(&cuts).await?;
    let statement = looked.table_statement(&cuts[0]);
    if let Some(point) = &request.persons {
        return looked.behind(&asked, point, Some(&cuts[0]), statement).await;
    }
    let mut answer = looked.table(&cuts, 0, page);
    answer["timezone"] = json!(looked.range.calendar.zone.iana_name().unwrap_or("UTC"));
    answer["resolved_date_range"] = json!(looked.range.resolved());
    answer["sql"] = json!([statement]);
    Ok(answer)
}

impl Asked<'_> {
    async fn look(&self, cuts: &[Cut]) -> Result<Looked, Error> {
        let clock = self.asking.clock(Interval::Day, false);
        let range = self.range(Period::Current, &clock).await?;
        let previous = match self.compare_filter.compare {
            true => Some(self.range(Period::Previous, &clock).await?),
            false => None,
        };
        let periods = Periods::of(&range, previous.as_ref());
        let seen = statement::seen(self, &clock, &periods, cuts)?;
        let visits = Visits::of(self.asking, &seen, periods, cuts).await?;
        Ok(Looked { range, periods, visits, asked: statement::Parts::of(self, &clock)? })
    }

    async fn range(&self, period: Period, clock: &Clock) -> Result<Range, Error> {
        let of = |event: &str| Node { event: Some(event.to_owned()), ..Node::default() };
        let views = [of("$pageview"), of("$screen")];
        let earliest = self.asking.earliest_of(self.date_range, clock, &views).await?;
        let range = match (period, &self.compare_filter.compare_to) {
            (Period::Current, _) => self.date_range.resolve(clock, earliest)?,
            (Period::Previous, None) => self.date_range.resolve_previous(clock, earliest)?,
            (Period::Previous, Some(ago)) => {
                self.date_range.resolve_shifted(clock, earliest, ago)?
            }
        };
        Ok(range)
    }

    /// How many did anything in the last minutes.
    async fn visitors_now(&self) -> Result<f64, Error> {
        let now = self.asking.now;
        let since = now.checked_sub(jiff::SignedDuration::from_mins(NOW_MINUTES));
        let since = since.map_err(Wrong::range)?;
        let bots = if self.scope.filter_bots { " AND e.bot IS NULL" } else { "" };
        let statement = format!(
            "SELECT count(DISTINCT e.person_id) AS visitors FROM events AS e\n\
             WHERE e.team_id = {} AND {}{bots}",
            self.asking.project.team,
            scope::within(since, now),
        );
        let rows = self.asking.rows(&statement).await?;
        Ok(rows.numbers("visitors")?.first().copied().unwrap_or(0.0))
    }
}

/// All that was seen.
struct Looked {
    range: Range,
    periods: Periods,
    visits: Visits,
    asked: statement::Parts,
}

impl Looked {
    fn overview_statement(&self) -> String {
        statement::overview(&self.asked, &self.periods)
    }

    fn table_statement(&self, cut: &Cut) -> String {
        statement::table(&self.asked, &self.periods, cut)
    }

    fn overview(&self) -> Json {
        let [current, previous] = self.visits.total();
        let previous = self.periods.previous.map(|_| previous);
        let item = |key: &str, kind: &str, value: fn(&Counted) -> Option<f64>| {
            let (value, before) = (value(&current), previous.as_ref().and_then(value));
            let change = value.zip(before.filter(|before| *before != 0.0));
            let change = change.map(|(value, before)| (100.0 * (value - before) / before).round());
            json!({
                "key": key, "kind": kind, "value": value, "previous": before,
                "changeFromPreviousPct": change, "isIncreaseBad": key == "bounce rate",
            })
        };
        json!([
            item("visitors", "unit", |counted| Some(counted.visitors as f64)),
            item("views", "unit", |counted| Some(counted.views as f64)),
            item("sessions", "unit", |counted| Some(counted.sessions as f64)),
            item("session duration", "duration_s", Counted::duration),
            item("bounce rate", "percentage", |counted| {
                counted.bounce_rate().map(|rate| rate * 100.0)
            }),
        ])
    }

    fn table(&self, cuts: &[Cut], place: usize, page: Page) -> Json {
        let cut = &cuts[place];
        let mut rows = self.visits.rows(cuts, place);
        let rank = |counted: &Counted| match page.column {
            WebColumn::Visitors => Some(counted.visitors as f64),
            WebColumn::Views => Some(counted.views as f64),
            WebColumn::Sessions => Some(counted.sessions as f64),
            WebColumn::BounceRate => counted.bounce_rate(),
        };
        rows.sort_by(|(left_value, [left, _]), (right_value, [right, _])| {
            // What has no rate is last, whichever way rows are sorted.
            let (left_rank, right_rank) = (rank(left), rank(right));
            let of_rank = match (left_rank, right_rank, page.direction) {
                (Some(left), Some(right), WebDirection::Asc) => left.total_cmp(&right),
                (Some(left), Some(right), WebDirection::Desc) => right.total_cmp(&left),
                (left, right, _) => right.is_some().cmp(&left.is_some()),
            };
            of_rank
                .then_with(|| right.visitors.cmp(&left.visitors))
                .then_with(|| right.views.cmp(&left.views))
                .then_with(|| left_value.cmp(right_value))
        });
        let has_more = rows.len() > page.offset.saturating_add(page.limit);
        let shown = rows.into_iter().skip(page.offset).take(page.limit);
        let told = shown.map(|(value, [current, previous])| {
            let mut told = numbers(&current);
            told["breakdown_value"] = cut.told(value.as_deref());
            if self.periods.previous.is_some() {
                told["previous"] = numbers(&previous);
            }
            told
        });
        json!({ "results": told.collect::<Vec<_>>(), "hasMore": has_more })
    }

    async fn behind(
        &self,
        asked: &Asked<'_>,
        point: &Point,
        cut: Option<&Cut>,
        statement: String,
    ) -> Result<Json, Error> {
        let period = match (point.compare, self.periods.previous) {
            (Period::Previous, None) => {
                return Err(wrong("persons.compare", "nothing is compared").into());
            }
            (Period::Previous, Some(_)) => 1,
            (Period::Current, _) => 0,
        };
        let value = match (cut, &point.breakdown) {
            (Some(cut), Some(value)) => Some((
                cut,
                cut.asked(value)
                    .ok_or_else(|| wrong("persons.breakdown", "it is no value of the table"))?,
            )),
            (None, Some(_)) => {
                return Err(wrong("persons.breakdown", "there is no table").into());
            }
            _ => None,
        };
        let ids = self.visits.behind(period, value);
        persons::page_of(asked.asking, point, &ids, &statement).await
    }
}

fn numbers(counted: &Counted) -> Json {
    json!({
        "visitors": counted.visitors,
        "views": counted.views,
        "sessions": counted.sessions,
        "bounce_rate": counted.bounce_rate(),
    })
}

/// The events that are views, filters apart.
fn is_page() -> String {
    format!("e.event IN ({})", sql::texts(["$pageview", "$screen"]))
}
