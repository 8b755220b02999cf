//! Paths: from where to where people go.
//!
//! - **item**: the address of a `$pageview` without a `/` at its end, the name of a `$screen`, and the
//!   name of any other event. Cleaning rules change it, then the first of `pathGroupings` that is
//!   somewhere in it takes its place.
//! - **visit**: what a person does until it does nothing for 30 minutes. Events at the same moment are
//!   in the order of their items.
//! - **step**: items that follow each other and are the same are one, which happened when the last
//!   of them did; a visit does not end with an item that is empty.
//!
//! With a start point a visit counts from the first such item on, with an end point to the first such
//! item, and without either from its beginning; without that item it does not count. The first
//! `stepLimit` steps are shown, or the last before an end point. Between two points, what is too long
//! has its middle cut out, and `...` stands there.
//!
//! An edge goes from a step to the next. The edges with the most are answered, without those that no
//! shown edge leads to. Events are read once; `sql` says the same in SQL alone.

mod gather;
mod statement;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use regex::Regex;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use utoipa::ToSchema;

use self::gather::{Edge, Gathered};
use super::asking::Asking;
use super::filter::Filters;
use super::persons::{self, Point};
use super::range::{DateRange, Range};
use super::series::Node;
use super::wrong::{Wrong, wrong};
use crate::{Error, Interval};

/// Steps of a visit, and edges, where nothing is said, and at most.
const USUAL_STEPS: usize = 5;
const MOST_STEPS: usize = 50;
const USUAL_EDGES: usize = 50;
const MOST_EDGES: usize = 10_000;

/// PostHog's `PathsQuery`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Paths {
    /// From when until when.
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
    /// What counts.
    #[serde(rename = "pathsFilter")]
    pub paths_filter: PathsFilter,
    /// Instead of the edges the persons behind one of them.
    pub persons: Option<Point>,
}

/// Member `pathsFilter`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PathsFilter {
    /// Which events are read; all where nothing is said.
    #[serde(rename = "includeEventTypes")]
    pub include: Option<Vec<PathType>>,
    /// Items that are left out.
    #[serde(rename = "excludeEvents")]
    pub exclude: Option<Vec<String>>,
    /// The item with which paths begin.
    #[serde(rename = "startPoint")]
    pub start: Option<String>,
    /// The item with which they end.
    #[serde(rename = "endPoint")]
    pub end: Option<String>,
    /// Patterns that stand for the items which have them, `*` being any text.
    #[serde(rename = "pathGroupings")]
    pub groupings: Option<Vec<String>>,
    /// Rules that change items, one after the other.
    #[serde(rename = "localPathCleaningFilters")]
    pub cleaning: Option<Vec<PathCleaning>>,
    /// The project's own rules, of which there are none.
    #[serde(rename = "pathReplacements")]
    pub replacements: Option<bool>,
    /// How many steps of a visit; 5 where nothing is said.
    #[serde(rename = "stepLimit")]
    pub step_limit: Option<usize>,
    /// How many edges; 50 where nothing is said.
    #[serde(rename = "edgeLimit")]
    pub edge_limit: Option<usize>,
    /// How often an edge is gone at least.
    #[serde(rename = "minEdgeWeight")]
    pub least: Option<u64>,
    /// And at most.
    #[serde(rename = "maxEdgeWeight")]
    pub most: Option<u64>,
    /// How it is shown.
    #[serde(rename = "showFullUrls")]
    pub shows_urls: Option<bool>,
}

/// Events that paths are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
pub enum PathType {
    /// Page views.
    #[serde(rename = "$pageview")]
    Pageview,
    /// Screens.
    #[serde(rename = "$screen")]
    Screen,
    /// Events whose names do not begin with `$`.
    #[serde(rename = "custom_event")]
    Custom,
}

/// A rule that changes items.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PathCleaning {
    /// What is replaced, wherever it is in the item.
    pub regex: String,
    /// With what.
    pub alias: String,
    /// Its place among others.
    pub order: Option<u32>,
}

/// What a request comes down to.
#[derive(Clone, Debug)]
struct Shape {
    start: Option<String>,
    end: Option<String>,
    steps: usize,
    edges: usize,
    least: u64,
    most: Option<u64>,
}

impl Shape {
    fn of(filter: &PathsFilter) -> Result<Self, Wrong> {
        let within = |asked: Option<usize>, usual: usize, most: usize, name: &str| {
            let asked = asked.unwrap_or(usual);
            match (1..=most).contains(&asked) {
                true => Ok(asked),
                false => {
                    let message = format!("{asked} is not from 1 to {most}");
                    Err(wrong(format!("pathsFilter.{name}"), message))
                }
            }
        };
        Ok(Self {
            start: point(filter.start.as_deref()),
            end: point(filter.end.as_deref()),
            steps: within(filter.step_limit, USUAL_STEPS, MOST_STEPS, "stepLimit")?,
            edges: within(filter.edge_limit, USUAL_EDGES, MOST_EDGES, "edgeLimit")?,
            least: filter.least.unwrap_or(0),
            most: filter.most,
        })
    }

    /// Whether an edge is gone as often as is asked for.
    fn holds(&self, count: u64) -> bool {
        count >= self.least && self.most.is_none_or(|most| count <= most)
    }
}

/// A start or an end; items have no `/` at their end.
fn point(asked: Option<&str>) -> Option<String> {
    let asked = asked.filter(|asked| !asked.is_empty())?;
    let stripped = asked.strip_suffix('/').filter(|stripped| !stripped.is_empty());
    Some(stripped.unwrap_or(asked).to_owned())
}

/// Answers a request: the edges, or persons of one.
pub(super) async fn answer(request: Paths, asking: &Asking) -> Result<Json, Error> {
    let shape = Shape::of(&request.paths_filter)?;
    for (place, rule) in request.paths_filter.cleaning.iter().flatten().enumerate() {
        Regex::new(&rule.regex).map_err(|error| {
            let field = format!("pathsFilter.localPathCleaningFilters[{place}].regex");
            wrong(field, error.to_string())
        })?;
    }
    let clock = asking.clock(Interval::Day, false);
    let any = [Node::default()];
    let earliest = asking.earliest_of(&request.date_range, &clock, &any).await?;
    let range = request.date_range.resolve(&clock, earliest)?;
    let seen = statement::seen(&request, asking, &clock, &range)?;
    let statement = statement::edges(&seen, &shape);
    let gathered = Gathered::of(asking, &seen).await?;
    match &request.persons {
        None => Ok(chart(&gathered, &shape, &range, &statement)),
        Some(point) => behind(&gathered, &shape, asking, point, &statement).await,
    }
}

fn chart(gathered: &Gathered, shape: &Shape, range: &Range, statement: &str) -> Json {
    let mut counted: HashMap<Edge, (u64, i64)> = HashMap::new();
    gathered.walk(shape, |_, path| {
        for (step, pair) in path.windows(2).enumerate() {
            let [(from, began), (to, ended)] = pair else { continue };
            let (count, took) = counted.entry(Edge { step, from: *from, to: *to }).or_default();
            *count += 1;
            *took += ended - began;
        }
    });
    let edges = counted.into_iter().filter(|(_, (count, _))| shape.holds(*count));
    let mut edges: Vec<Shown> = edges
        .map(|(edge, (count, took))| Shown {
            source: key(edge.step + 1, gathered.item(edge.from)),
            target: key(edge.step + 2, gathered.item(edge.to)),
            count,
            took: took as f64 / 1e3 / count as f64,
        })
        .collect();
    edges.sort_by(|left, right| {
        let order = |edge: &Shown| (std::cmp::Reverse(edge.count), edge.source.clone());
        order(left).cmp(&order(right)).then_with(|| left.target.cmp(&right.target))
    });
    edges.truncate(shape.edges);
    let reached = reached(&edges);
    let results = edges.iter().filter(|edge| reached.contains(edge.source.as_str()));
    let results = results.map(|edge| {
        json!({
            "source": edge.source,
            "target": edge.target,
            "value": edge.count,
            "average_conversion_time": edge.took,
        })
    });
    json!({
        "results": results.collect::<Vec<_>>(),
        "timezone": range.calendar.zone.iana_name().unwrap_or("UTC"),
        "resolved_date_range": range.resolved(),
        "sql": [statement],
    })
}

/// An edge of the answer.
#[derive(Clone, Debug)]
struct Shown {
    source: String,
    target: String,
    count: u64,
    /// In milliseconds, on average.
    took: f64,
}

/// How an answer calls a step.
fn key(step: usize, item: &str) -> String {
    format!("{step}_{item}")
}

/// The steps that shown edges lead to from a first one.
fn reached(edges: &[Shown]) -> BTreeSet<&str> {
    let mut targets: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for edge in edges {
        targets.entry(&edge.source).or_default().push(&edge.target);
    }
    let mut waiting: Vec<&str> =
        targets.keys().copied().filter(|source| source.starts_with("1_")).collect();
    let mut reached = BTreeSet::new();
    while let Some(step) = waiting.pop() {
        if reached.insert(step) {
            waiting.extend(targets.get(step).into_iter().flatten());
        }
    }
    reached
}

async fn behind(
    gathered: &Gathered,
    shape: &Shape,
    asking: &Asking,
    point: &Point,
    statement: &str,
) -> Result<Json, Error> {
    let mut people: BTreeMap<String, u64> = BTreeMap::new();
    gathered.walk(shape, |person, path| {
        let keys = path.iter().enumerate();
        let keys: Vec<String> =
            keys.map(|(step, (item, _))| key(step + 1, gathered.item(*item))).collect();
        let is_meant = |step: usize| {
            let is = |asked: &Option<String>, key: Option<&String>| {
                asked.as_ref().is_none_or(|asked| Some(asked) == key)
            };
            let before = step.checked_sub(1).and_then(|before| keys.get(before));
            match &point.path_dropoff_key {
                Some(_) => step + 1 == keys.len() && is(&point.path_dropoff_key, keys.get(step)),
                None => {
                    is(&point.path_start_key, before) && is(&point.path_end_key, keys.get(step))
                }
            }
        };
        let count = (0..keys.len()).filter(|step| is_meant(*step)).count();
        if count > 0 {
            *people.entry(person.to_string()).or_default() += count as u64;
        }
    });
    let mut order: Vec<(String, u64)> = people.into_iter().collect();
    order.sort_by(|left, right| right.1.cmp(&left.1).then_with(|| left.0.cmp(&right.0)));
    let ids: Vec<String> = order.iter().map(|(id, _)| id.clone()).collect();
    let mut page = persons::page_of(asking, point, &ids, statement).await?;
    let counts: HashMap<String, u64> = order.into_iter().collect();
    for person in page["persons"].as_array_mut().into_iter().flatten() {
        let count = person["id"].as_str().and_then(|id| counts.get(id));
        person["event_count"] = json!(count);
    }
    Ok(page)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_edges_that_a_first_step_leads_to_are_shown() {
        let edge = |source: &str, target: &str| Shown {
            source: source.to_owned(),
            target: target.to_owned(),
            count: 1,
            took: 0.0,
        };
        let edges =
            [edge("1_a", "2_b"), edge("3_c", "4_d"), edge("2_b", "3_x"), edge("3_x", "4_y")];
        let reached = reached(&edges);
        assert!(reached.contains("3_x") && !reached.contains("3_c"));
    }

    #[test]
    fn points_have_no_slash_at_their_end_unless_they_are_one() {
        let of = |asked| point(Some(asked));
        assert_eq!(of("https://a.b/c/").as_deref(), Some("https://a.b/c"));
        assert_eq!((of("/").as_deref(), of("")), (Some("/"), None));
    }
}
