//! Lifecycle: of those who came in a span, who is new, who came again and who came back; and who did
//! not come after having come before.
//!
//! - **new**: the person came to be in this very span;
//! - **returning**: it came in the span just before, too;
//! - **resurrecting**: it came, and neither holds;
//! - **dormant**: it came in the span before and not in this one. Told as a number below zero.
//!
//! Whole spans count, the one before the range as well, to know who returns. Persons are those that
//! have a profile. What a person did before the range is not looked at, so that who is not new and was
//! not there just before is resurrecting, as in PostHog.
//!
//! Events are read once; of a person is kept a bit for each span. `sql` says the same in SQL alone.

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use utoipa::ToSchema;

use super::asking::Asking;
use super::condition::Conditions;
use super::filter::Filters;
use super::persons::{self, Point};
use super::presence::{Besides, Presence};
use super::range::{Clock, DateRange, Range};
use super::scope::{self, Scope, Source};
use super::series::{Node, field};
use super::spans::Spans;
use super::sql;
use super::wrong::{Wrong, wrong};
use crate::interval::Bucket;
use crate::{Error, Interval};

const NEW: &str = "new";
const RETURNING: &str = "returning";
const RESURRECTING: &str = "resurrecting";
const DORMANT: &str = "dormant";

/// What answers list, in this order.
const STATUSES: [&str; 4] = [NEW, RETURNING, RESURRECTING, DORMANT];

/// PostHog's `LifecycleQuery`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Lifecycle {
    /// What counts as coming; exactly one.
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
    /// How it is shown.
    #[serde(rename = "lifecycleFilter")]
    pub lifecycle_filter: LifecycleFilter,
    /// Instead of the chart the persons behind one of its points.
    pub persons: Option<Point>,
}

/// Member `lifecycleFilter`, which has nothing that decides what is counted.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LifecycleFilter {}

/// Answers a request: the chart, or persons of it.
pub(super) async fn answer(request: Lifecycle, asking: &Asking) -> Result<Json, Error> {
    let [node] = request.series.as_slice() else {
        let message = format!("one is expected, not {}", request.series.len());
        return Err(wrong("series", message).into());
    };
    let clock = asking.clock(request.interval, false);
    let earliest = asking.earliest_of(&request.date_range, &clock, &request.series).await?;
    let range = request.date_range.resolve(&clock, earliest)?;
    let spans = with_the_one_before(&range)?;
    let source = source(&request, node, asking, &clock, &spans)?;
    let statuses = statuses(asking, &range, &spans, &source);
    let events = format!(
        "SELECT e.person_id AS person_id, e.timestamp AS moment, e.person_created_at AS created\n{source}"
    );
    let presence = Presence::of(asking, &events, Spans::over(&spans), Besides::Created).await?;
    match &request.persons {
        None => Ok(chart(node, &range, presence, &statuses)),
        Some(point) => behind(point, &range, presence, &statuses, asking).await,
    }
}

/// What people do to come, in these spans.
fn source(
    request: &Lifecycle,
    node: &Node,
    asking: &Asking,
    clock: &Clock,
    spans: &[Bucket],
) -> Result<String, Wrong> {
    let mut conditions = Conditions::new(clock);
    let scope = Scope {
        properties: request.properties.as_ref(),
        filter_test_accounts: request.filter_test_accounts,
        filter_bots: request.filter_bots,
    };
    let found = scope.conditions(&asking.project, &mut conditions)?;
    let event = node.condition(&mut conditions, &field(0))?;
    let (Some(first), Some(last)) = (spans.first(), spans.last()) else {
        return Err(wrong("dateRange", "it is empty"));
    };
    let source = Source::new(found, conditions.joins)
        .and("e.person_mode <> 'propertyless'".to_owned())
        .and(event)
        .and(scope::within(first.start, last.end));
    Ok(source.sql())
}

/// SQL for `number`, `status` and `person_id`: what each person is in each span, counted from 1.
fn statuses(asking: &Asking, range: &Range, spans: &[Bucket], source: &str) -> String {
    let periods = spans.iter().enumerate();
    let periods = periods.map(|(number, span)| format!("({number}, {})", sql::moment(span.start)));
    let periods = periods.collect::<Vec<_>>().join(", ");
    let (day, created) = (range.bucket_of("e.timestamp"), range.bucket_of("born.created_at"));
    let team = asking.project.team;
    format!(
        "WITH period(number, day) AS (VALUES {periods}), active AS (\n\
         SELECT e.person_id AS person_id, {day} AS day, min(e.person_created_at) AS created_at\n\
         {source}\nGROUP BY 1, 2\n\
         ), born AS (\n\
         SELECT active.person_id AS person_id, \
         coalesce(max(p.created_at), min(active.created_at)) AS created_at\n\
         FROM active LEFT JOIN persons AS p ON p.team_id = {team} AND p.id = active.person_id\n\
         GROUP BY 1\n\
         ), placed AS (\n\
         SELECT active.person_id AS person_id, period.number AS number,\n\
         \x20 lag(period.number) OVER (PARTITION BY active.person_id ORDER BY period.number) AS previous,\n\
         \x20 lead(period.number) OVER (PARTITION BY active.person_id ORDER BY period.number) AS following,\n\
         \x20 {created} = active.day AS is_new\n\
         FROM active\n\
         JOIN period ON period.day = active.day\n\
         JOIN born ON born.person_id = active.person_id\n\
         ), statuses AS (\n\
         SELECT number, person_id, CASE WHEN previous IS NULL AND is_new THEN 'new' \
         WHEN previous = number - 1 THEN 'returning' ELSE 'resurrecting' END AS status FROM placed\n\
         UNION ALL\n\
         SELECT number + 1 AS number, person_id, 'dormant' AS status FROM placed \
         WHERE following IS NULL OR following <> number + 1\n)"
    )
}

/// The spans of a range, and before them the one that tells who returns.
fn with_the_one_before(range: &Range) -> Result<Vec<Bucket>, Wrong> {
    let first = range.buckets.first().map_or(range.since, |bucket| bucket.start);
    let before = first
        .checked_sub(jiff::SignedDuration::from_micros(1))
        .and_then(|moment| range.calendar.bucket(moment))
        .map_err(Wrong::range)?;
    Ok([before].into_iter().chain(range.buckets.iter().copied()).collect())
}

/// What a person is in each span of the range, counted from 1.
fn statuses_of(presence: &mut Presence, person: usize, mut take: impl FnMut(usize, &'static str)) {
    let born = presence.span_of_creation(person);
    let mut before = None;
    for span in presence.spans_of(person) {
        if let Some(before) = before.filter(|before| before + 1 != span) {
            take(before + 1, DORMANT);
        }
        take(
            span,
            match before {
                None if born == Some(span) => NEW,
                Some(before) if before + 1 == span => RETURNING,
                _ => RESURRECTING,
            },
        );
        before = Some(span);
    }
    if let Some(last) = before {
        take(last + 1, DORMANT);
    }
}

fn chart(node: &Node, range: &Range, mut presence: Presence, statuses: &str) -> Json {
    let mut totals = STATUSES.map(|_| vec![0.0; range.len()]);
    for person in presence.persons() {
        statuses_of(&mut presence, person, |number, status| {
            let of_status = STATUSES.iter().zip(&mut totals).find(|(name, _)| **name == status);
            let place = number.checked_sub(1);
            if let Some((_, totals)) = of_status
                && let Some(total) = place.and_then(|place| totals.get_mut(place))
            {
                *total += if status == DORMANT { -1.0 } else { 1.0 };
            }
        });
    }
    let results: Vec<Json> = STATUSES
        .iter()
        .zip(totals)
        .map(|(status, data)| {
            json!({
                "status": status,
                "label": format!("{} - {status}", node.label()),
                "count": data.iter().sum::<f64>(),
                "data": data,
                "days": range.days(),
                "action": { "id": node.event, "name": node.label(), "type": "events", "order": 0 },
            })
        })
        .collect();
    let statement = format!(
        "{statuses}\nSELECT number, status, count(*) AS total FROM statuses\n\
         WHERE number BETWEEN 1 AND {} GROUP BY 1, 2 ORDER BY 1, 2",
        range.len()
    );
    json!({
        "results": results,
        "interval": range.calendar.interval,
        "timezone": range.calendar.zone.iana_name().unwrap_or("UTC"),
        "resolved_date_range": range.resolved(),
        "sql": [statement],
    })
}

async fn behind(
    point: &Point,
    range: &Range,
    mut presence: Presence,
    statuses: &str,
    asking: &Asking,
) -> Result<Json, Error> {
    let mut conditions = vec![format!("number BETWEEN 1 AND {}", range.len())];
    let mut numbers = 1..=range.len();
    if let Some(day) = point.day()? {
        let place = range.place_of(day);
        let place =
            place.ok_or_else(|| wrong("persons.day", format!("{day} is not in the range")))?;
        conditions.push(format!("number = {}", place + 1));
        numbers = place + 1..=place + 1;
    }
    if let Some(status) = &point.status {
        if !STATUSES.contains(&status.as_str()) {
            let message = format!("{status} is none of {}", STATUSES.join(", "));
            return Err(wrong("persons.status", message).into());
        }
        conditions.push(format!("status = {}", sql::text(status)));
    }
    let mut counted = Vec::new();
    for person in presence.persons() {
        let mut count = 0;
        statuses_of(&mut presence, person, |number, status| {
            let is_asked = point.status.as_ref().is_none_or(|asked| asked == status);
            count += usize::from(is_asked && numbers.contains(&number));
        });
        if count > 0 {
            counted.push((presence.id(person), count));
        }
    }
    let found = format!(
        "{statuses}\nSELECT person_id, count(*) AS total FROM statuses\nWHERE {} GROUP BY 1",
        conditions.join(" AND ")
    );
    persons::page_of_counted(asking, point, counted, &found).await
}
