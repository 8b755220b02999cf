//! Paths in SQL: the events that are read, and the same edges without an operator.

use super::super::asking::Asking;
use super::super::condition::Conditions;
use super::super::range::{Clock, Range};
use super::super::scope::{self, Scope, Source};
use super::super::sql;
use super::super::wrong::Wrong;
use super::gather::CUT;
use super::{PathType, Paths, PathsFilter, Shape};

/// The events that paths are made of: whose, when, and their item.
pub(super) fn seen(
    request: &Paths,
    asking: &Asking,
    clock: &Clock,
    range: &Range,
) -> Result<String, Wrong> {
    let mut conditions = Conditions::new(clock);
    let scope = Scope {
        properties: request.properties.as_ref(),
        filter_test_accounts: request.filter_test_accounts,
        filter_bots: request.filter_bots,
    };
    let found = scope.conditions(&asking.project, &mut conditions)?;
    let filter = &request.paths_filter;
    let source = Source::new(found, conditions.joins)
        .and(included(filter))
        .and(scope::in_range(range))
        .sql();
    let mut statement = format!(
        "SELECT e.person_id AS person_id, e.timestamp AS moment, 0 AS steps, {} AS item\n{source}",
        item()
    );
    for rule in filter.cleaning.iter().flatten() {
        let changed = format!(
            "regexp_replace(item, {}, {}, 'g')",
            sql::text(&rule.regex),
            sql::text(&rule.alias)
        );
        statement = with_item(&statement, &changed);
    }
    let groupings = filter.groupings.iter().flatten().map(|grouping| {
        let pattern = regex::escape(grouping).replace("\\*", ".*");
        format!("WHEN regexp_like(item, {}) THEN {} ", sql::text(&pattern), sql::text(grouping))
    });
    let groupings: String = groupings.collect();
    if !groupings.is_empty() {
        statement = with_item(&statement, &format!("CASE {groupings}ELSE item END"));
    }
    let excluded: Vec<&str> = filter.exclude.iter().flatten().map(String::as_str).collect();
    let kept = match excluded.as_slice() {
        [] => String::new(),
        excluded => format!("\nWHERE item NOT IN ({})", sql::texts(excluded.iter().copied())),
    };
    Ok(format!(
        "SELECT person_id, moment, steps, item AS breakdown_value FROM (\n{statement}\n) AS \
         items{kept}"
    ))
}

fn with_item(statement: &str, item: &str) -> String {
    format!("SELECT person_id, moment, steps, {item} AS item FROM (\n{statement}\n) AS items")
}

/// SQL for an event's item.
fn item() -> String {
    let url = "CASE WHEN e.current_url LIKE '_%/' THEN left(e.current_url, \
               length(e.current_url) - 1) ELSE coalesce(e.current_url, '') END";
    format!(
        "CASE WHEN e.event = '$pageview' THEN {url} WHEN e.event = '$screen' \
         THEN coalesce(e.screen_name, '') ELSE e.event END"
    )
}

/// The condition on names.
fn included(filter: &PathsFilter) -> String {
    let types = filter.include.iter().flatten();
    let types: Vec<String> = types
        .map(|of| match of {
            PathType::Pageview => "e.event = '$pageview'".to_owned(),
            PathType::Screen => "e.event = '$screen'".to_owned(),
            PathType::Custom => "NOT starts_with(e.event, '$')".to_owned(),
        })
        .collect();
    match types.is_empty() {
        true => sql::all([]),
        false => sql::any(types),
    }
}

/// The edges: `source`, `target`, `value`, `average_conversion_time`.
pub(super) fn edges(seen: &str, shape: &Shape) -> String {
    let by_time = "ORDER BY moment, item";
    let having = match (shape.least, shape.most) {
        (0, None) => String::new(),
        (least, None) => format!(" HAVING count(*) >= {least}"),
        (least, Some(most)) => format!(" HAVING count(*) BETWEEN {least} AND {most}"),
    };
    format!(
        "WITH seen AS (\nSELECT person_id, moment, breakdown_value AS item FROM (\n{seen}\n) AS seen\n\
         ), placed AS (\n\
         SELECT person_id, moment, item, \
         lag(moment) OVER (PARTITION BY person_id {by_time}) AS before FROM seen\n\
         ), visits AS (\n\
         SELECT person_id, moment, item, \
         sum(CASE WHEN moment < before + INTERVAL '30 minutes' THEN 0 ELSE 1 END) \
         OVER (PARTITION BY person_id {by_time} ROWS UNBOUNDED PRECEDING) AS visit FROM placed\n\
         ), followed AS (\n\
         SELECT person_id, visit, moment, item, \
         lead(item) OVER (PARTITION BY person_id, visit {by_time}) AS following FROM visits\n\
         ), path AS (\n\
         SELECT person_id, visit, moment, item, \
         row_number() OVER (PARTITION BY person_id, visit {by_time}) AS place\n\
         FROM followed WHERE item <> coalesce(following, '')\n\
         ), {steps}, keyed AS (\n\
         SELECT CAST(step AS VARCHAR) || '_' || item AS target,\n\
         \x20 CAST(step - 1 AS VARCHAR) || '_' || lag(item) OVER way AS source,\n\
         \x20 epoch_us(moment) - epoch_us(lag(moment) OVER way) AS took\n\
         FROM steps WINDOW way AS (PARTITION BY person_id, visit ORDER BY step)\n)\n\
         SELECT source, target, count(*) AS value, avg(took) / 1000 AS average_conversion_time\n\
         FROM keyed WHERE source IS NOT NULL GROUP BY 1, 2{having}\n\
         ORDER BY 3 DESC, 1, 2 LIMIT {edges}",
        steps = steps(shape),
        edges = shape.edges,
    )
}

/// SQL for the steps that are shown.
fn steps(shape: &Shape) -> String {
    let count = shape.steps;
    let first = |name: &str, item: &str, from: &str| {
        format!(
            "{name} AS (SELECT path.person_id AS person_id, path.visit AS visit, \
             min(path.place) AS place FROM path{from} path.item = {} GROUP BY 1, 2)",
            sql::text(item)
        )
    };
    let join = |name: &str| {
        format!("JOIN {name} ON {name}.person_id = path.person_id AND {name}.visit = path.visit")
    };
    let steps = |step: &str, from: &str, condition: &str| {
        format!(
            "steps AS (SELECT path.person_id AS person_id, path.visit AS visit, \
             path.moment AS moment, path.item AS item, {step} AS step\nFROM path {from}\n\
             WHERE {condition})"
        )
    };
    match (&shape.start, &shape.end) {
        (None, None) => steps("path.place", "", &format!("path.place <= {count}")),
        (Some(start), None) => {
            let step = "path.place - origin.place + 1";
            let condition = format!("{step} BETWEEN 1 AND {count}");
            let start = first("origin", start, " WHERE");
            format!("{start}, {}", steps(step, &join("origin"), &condition))
        }
        (None, Some(end)) => {
            let step = format!("path.place - greatest(goal.place - {count}, 0)");
            let condition = format!("path.place <= goal.place AND {step} >= 1");
            let end = first("goal", end, " WHERE");
            format!("{end}, {}", steps(&step, &join("goal"), &condition))
        }
        (Some(start), Some(end)) => {
            let half = count / 2;
            let from = format!(" {} WHERE path.place >= origin.place AND", join("origin"));
            let length = "goal.place - origin.place + 1";
            let step = "path.place - origin.place + 1";
            // What is behind the middle moves up to it.
            let moved = format!(
                "CASE WHEN {length} > {count} AND {step} > {half} + 1 \
                 THEN {step} - ({length} - {half}) + {half} + 1 ELSE {step} END"
            );
            let item = format!(
                "CASE WHEN {length} > {count} AND {step} = {half} + 1 THEN {} ELSE path.item END",
                sql::text(CUT)
            );
            format!(
                "{}, {}, steps AS (SELECT path.person_id AS person_id, path.visit AS visit, \
                 path.moment AS moment, {item} AS item, {moved} AS step\nFROM path {} {}\n\
                 WHERE path.place BETWEEN origin.place AND goal.place AND ({length} <= {count} \
                 OR {step} <= {half} + 1 OR {step} > {length} - {half}))",
                first("origin", start, " WHERE"),
                first("goal", end, &from),
                join("origin"),
                join("goal"),
            )
        }
    }
}
