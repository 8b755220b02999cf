//! Errors: the `$exception` events of a range, by issue.
//!
//! An issue is what has the same fingerprint: `$exception_fingerprint`, or, where none was sent, type,
//! message and the frame that threw it. Told are how often it happened within the range, to how many
//! users and in how many sessions, and when last; and when it was first seen at all, by the filters of
//! the request. Its type, message and sample are those of the last event of the range, of events at
//! the same moment the one whose uuid is first.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use utoipa::ToSchema;

use super::asking::{Asking, Rows};
use super::condition::Conditions;
use super::filter::Filters;
use super::persons::{self, Point};
use super::range::{DateRange, Range};
use super::scope::{self, Scope, Source};
use super::series::Node;
use super::sql;
use super::wrong::{Wrong, wrong};
use crate::{Error, Interval};

/// Issues, where nothing is said, and at most.
const USUAL: usize = 50;
const MOST: usize = 1_000;
/// The event.
const EXCEPTION: &str = "$exception";

/// PostHog's `ErrorTrackingQuery`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Errors {
    /// From when until when.
    #[serde(rename = "dateRange")]
    pub date_range: DateRange,
    /// How long a point of an issue's line is; a day where nothing is said.
    pub interval: Interval,
    /// Filters on every event.
    pub properties: Option<Filters>,
    /// Leaves out internal and test users, as the project defines them.
    #[serde(rename = "filterTestAccounts")]
    pub filter_test_accounts: bool,
    /// Leaves out what bots sent.
    #[serde(rename = "filterBots")]
    pub filter_bots: bool,
    /// What type, message or fingerprint has in it, in upper or lower case.
    #[serde(rename = "searchQuery")]
    pub search: Option<String>,
    /// One issue alone.
    pub fingerprint: Option<String>,
    /// By what issues are sorted.
    #[serde(rename = "orderBy")]
    pub order_by: ErrorOrder,
    /// Which way.
    #[serde(rename = "orderDirection")]
    pub order_direction: ErrorDirection,
    /// How many issues; 50 where nothing is said.
    pub limit: Option<usize>,
    /// After so many.
    pub offset: usize,
    /// Instead of issues the persons who met them.
    pub persons: Option<Point>,
}

/// By what issues are sorted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "they are what they are called")]
pub enum ErrorOrder {
    #[default]
    LastSeen,
    FirstSeen,
    Occurrences,
    Users,
    Sessions,
}

/// Which way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum ErrorDirection {
    /// The least, or the earliest, first.
    Asc,
    /// The most, or the latest, first.
    #[default]
    Desc,
}

/// Answers a request: the issues, or persons who met them.
pub(super) async fn answer(request: Errors, asking: &Asking) -> Result<Json, Error> {
    let limit = request.limit.unwrap_or(USUAL);
    if !(1..=MOST).contains(&limit) {
        return Err(wrong("limit", format!("{limit} is not from 1 to {MOST}")).into());
    }
    let clock = asking.clock(request.interval, false);
    let series = [Node { event: Some(EXCEPTION.to_owned()), ..Node::default() }];
    let earliest = asking.earliest_of(&request.date_range, &clock, &series).await?;
    let range = request.date_range.resolve(&clock, earliest)?;
    let mut conditions = Conditions::new(&clock);
    let scope = Scope {
        properties: request.properties.as_ref(),
        filter_test_accounts: request.filter_test_accounts,
        filter_bots: request.filter_bots,
    };
    let found = scope.conditions(&asking.project, &mut conditions)?;
    let source = Source::new(found, conditions.joins)
        .and(format!("e.event = {}", sql::text(EXCEPTION)))
        .and(wanted(&request));
    let issues = Issues { request: &request, asking, range, source, limit };
    match &request.persons {
        None => issues.list().await,
        Some(point) => {
            let found = issues.behind(point)?;
            persons::page(asking, point, &found).await
        }
    }
}

/// The condition on issues.
fn wanted(request: &Errors) -> String {
    let fingerprint = "exception_fingerprint(e.properties)";
    let one = request.fingerprint.iter().map(|one| format!("{fingerprint} = {}", sql::text(one)));
    let search = request.search.iter().filter(|search| !search.is_empty()).map(|search| {
        let parts =
            ["exception_type(e.properties)", "exception_message(e.properties)", fingerprint];
        let search = sql::text(&search.to_lowercase());
        sql::any(parts.map(|part| format!("contains(lower({part}), {search})")))
    });
    sql::all(one.chain(search))
}

struct Issues<'a> {
    request: &'a Errors,
    asking: &'a Asking,
    range: Range,
    /// All such events, whenever they were.
    source: Source,
    limit: usize,
}

impl Issues<'_> {
    /// The events of the range.
    fn in_range(&self) -> String {
        self.source.clone().and(scope::in_range(&self.range)).sql()
    }

    async fn list(&self) -> Result<Json, Error> {
        let statement = self.statement();
        let rows = self.asking.rows(&statement).await?;
        let fingerprints = rows.texts("fingerprint")?;
        let shown = fingerprints.len().min(self.limit);
        let fingerprints = fingerprints.get(..shown).unwrap_or_default();
        let mut statements = vec![statement];
        let (mut lines, mut samples) = (HashMap::new(), HashMap::new());
        if shown > 0 {
            let line = self.line(fingerprints);
            lines = self.lines(&self.asking.rows(&line).await?)?;
            statements.push(line);
            let uuids = rows.texts("uuid")?;
            let sample = self.sample(uuids.get(..shown).unwrap_or_default());
            samples = sampled(&self.asking.rows(&sample).await?, &self.range)?;
            statements.push(sample);
        }
        Ok(json!({
            "results": self.told(&rows, shown, &lines, &samples)?,
            "days": self.range.days(),
            "hasMore": rows.len() > self.limit,
            "interval": self.range.calendar.interval,
            "timezone": self.range.calendar.zone.iana_name().unwrap_or("UTC"),
            "resolved_date_range": self.range.resolved(),
            "sql": statements,
        }))
    }

    /// SQL for the issues of the page.
    fn statement(&self) -> String {
        let order = match self.request.order_by {
            ErrorOrder::LastSeen => "last_seen",
            ErrorOrder::FirstSeen => "first_seen",
            ErrorOrder::Occurrences => "occurrences",
            ErrorOrder::Users => "users",
            ErrorOrder::Sessions => "sessions",
        };
        let direction = match self.request.order_direction {
            ErrorDirection::Asc => "",
            ErrorDirection::Desc => " DESC",
        };
        let last =
            |column: &str| format!("max(CASE WHEN placed.place = 1 THEN placed.{column} END)");
        format!(
            "WITH seen AS (\n\
             SELECT exception_fingerprint(e.properties) AS fingerprint, \
             exception_type(e.properties) AS error_type,\n\
             \x20 exception_message(e.properties) AS message, e.uuid AS uuid, \
             e.person_id AS person_id,\n\
             \x20 nullif(e.session_id, '') AS session_id, e.timestamp AS moment\n{}\n\
             ), placed AS (\n\
             SELECT seen.*, row_number() OVER (PARTITION BY fingerprint \
             ORDER BY moment DESC, uuid) AS place FROM seen\n\
             ), earliest AS (\n\
             SELECT exception_fingerprint(e.properties) AS fingerprint, \
             min(e.timestamp) AS first_seen\n{}\nGROUP BY 1\n)\n\
             SELECT placed.fingerprint AS fingerprint, {} AS error_type, {} AS message, \
             {} AS uuid,\n\
             \x20 count(*) AS occurrences, count(DISTINCT placed.person_id) AS users, \
             count(DISTINCT placed.session_id) AS sessions,\n\
             \x20 min(earliest.first_seen) AS first_seen, max(placed.moment) AS last_seen\n\
             FROM placed JOIN earliest ON earliest.fingerprint = placed.fingerprint\n\
             GROUP BY 1 ORDER BY {order}{direction}, fingerprint LIMIT {} OFFSET {}",
            self.in_range(),
            self.source.sql(),
            last("error_type"),
            last("message"),
            last("uuid"),
            self.limit + 1,
            self.request.offset,
        )
    }

    /// SQL for how often issues happened when.
    fn line(&self, fingerprints: &[String]) -> String {
        let day = self.range.bucket_of("e.timestamp");
        let known = sql::texts(fingerprints.iter().map(String::as_str));
        let source = self.source.clone().and(scope::in_range(&self.range));
        let source = source.and(format!("exception_fingerprint(e.properties) IN ({known})"));
        format!(
            "SELECT exception_fingerprint(e.properties) AS fingerprint, {day} AS day, \
             count(*) AS total\n{}\nGROUP BY 1, 2 ORDER BY 1, 2",
            source.sql()
        )
    }

    /// SQL for the last event of each issue.
    fn sample(&self, uuids: &[String]) -> String {
        let known = sql::texts(uuids.iter().map(String::as_str));
        let source = self.source.clone().and(scope::in_range(&self.range));
        format!(
            "SELECT e.uuid AS uuid, e.timestamp AS moment, e.distinct_id AS distinct_id, \
             e.person_id AS person_id, e.session_id AS session_id, e.properties AS properties,\n\
             \x20 exception_frame(e.properties) AS frame\n{}",
            source.and(format!("e.uuid IN ({known})")).sql()
        )
    }

    fn lines(&self, rows: &Rows) -> Result<HashMap<String, Vec<f64>>, Error> {
        let mut lines: HashMap<String, Vec<f64>> = HashMap::new();
        let days = rows.moments("day")?;
        let totals = rows.numbers("total")?;
        for ((fingerprint, day), total) in
            rows.texts("fingerprint")?.into_iter().zip(days).zip(totals)
        {
            let buckets = &self.range.buckets;
            let place = day.and_then(|day| buckets.iter().position(|bucket| bucket.start == day));
            let line = lines.entry(fingerprint).or_insert_with(|| vec![0.0; self.range.len()]);
            if let Some(value) = place.and_then(|place| line.get_mut(place)) {
                *value += total;
            }
        }
        Ok(lines)
    }

    fn told(
        &self,
        rows: &Rows,
        shown: usize,
        lines: &HashMap<String, Vec<f64>>,
        samples: &HashMap<String, Json>,
    ) -> Result<Vec<Json>, Error> {
        let (fingerprints, uuids) = (rows.texts("fingerprint")?, rows.texts("uuid")?);
        let (types, messages) = (rows.texts("error_type")?, rows.texts("message")?);
        let (occurrences, users) = (rows.numbers("occurrences")?, rows.numbers("users")?);
        let sessions = rows.numbers("sessions")?;
        let moments = |name: &str| {
            let moments = rows.moments(name)?.into_iter();
            let told = moments.map(|moment| Some(self.range.moment_name(moment?)));
            Ok::<Vec<Option<String>>, Error>(told.collect())
        };
        let (first_seen, last_seen) = (moments("first_seen")?, moments("last_seen")?);
        let told = (0..shown).map(|row| {
            let sample = samples.get(&uuids[row]);
            json!({
                "id": fingerprints[row],
                "fingerprint": fingerprints[row],
                "name": types[row],
                "description": messages[row],
                "frame": sample.map(|sample| &sample["frame"]),
                "first_seen": first_seen[row],
                "last_seen": last_seen[row],
                "aggregations": {
                    "occurrences": occurrences[row],
                    "users": users[row],
                    "sessions": sessions[row],
                    "volumeRange": lines.get(&fingerprints[row]),
                },
                "last_event": sample.map(|sample| &sample["event"]),
            })
        });
        Ok(told.collect())
    }

    fn behind(&self, point: &Point) -> Result<String, Wrong> {
        let mut source = self.source.clone();
        source = match point.day()? {
            None => source.and(scope::in_range(&self.range)),
            Some(day) => {
                let place = self.range.place_of(day);
                let bucket = place.and_then(|place| self.range.buckets.get(place));
                let bucket = bucket
                    .ok_or_else(|| wrong("persons.day", format!("{day} is not in the range")))?;
                source
                    .and(scope::in_range(&self.range))
                    .and(scope::within(bucket.start, bucket.end))
            }
        };
        Ok(format!(
            "SELECT e.person_id AS person_id, count(*) AS total\n{}\nGROUP BY 1",
            source.sql()
        ))
    }
}

/// The last events by their uuid.
fn sampled(rows: &Rows, range: &Range) -> Result<HashMap<String, Json>, Error> {
    let (uuids, frames) = (rows.texts("uuid")?, rows.texts("frame")?);
    let (distinct_ids, people) = (rows.texts("distinct_id")?, rows.texts("person_id")?);
    let (sessions, properties) = (rows.texts("session_id")?, rows.texts("properties")?);
    let moments = rows.moments("moment")?;
    let samples = (0..rows.len()).map(|row| {
        let properties: Json = serde_json::from_str(&properties[row]).unwrap_or_default();
        let event = json!({
            "uuid": uuids[row],
            "timestamp": moments[row].map(|moment| range.moment_name(moment)),
            "distinct_id": distinct_ids[row],
            "person_id": people[row],
            "session_id": sessions[row],
            "properties": properties,
        });
        (uuids[row].clone(), json!({ "event": event, "frame": frames[row] }))
    });
    Ok(samples.collect())
}
