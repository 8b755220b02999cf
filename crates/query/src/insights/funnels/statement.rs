//! Funnels in SQL: the events that are read, and where SQL can tell it, how many get to each step.

use super::super::asking::Asking;
use super::super::breakdown::{Broken, NONE};
use super::super::condition::Conditions;
use super::super::range::Range;
use super::super::scope::{self, Scope, Source};
use super::super::series::{NodeKind, field};
use super::super::sql;
use super::super::wrong::Wrong;
use super::gather::EXCLUSIONS;
use super::{Attribution, Funnels, Order, Shown};

/// SQL for every event of the funnel: whose, when, which steps it can be, and its value.
pub(super) fn events(
    request: &Funnels,
    asking: &Asking,
    mut conditions: Conditions<'_>,
    broken: Option<&Broken>,
    range: &Range,
) -> Result<String, Wrong> {
    let scope = Scope {
        properties: request.properties.as_ref(),
        filter_test_accounts: request.filter_test_accounts,
        filter_bots: request.filter_bots,
    };
    let found = scope.conditions(&asking.project, &mut conditions)?;
    let mut meant: Vec<(String, u64)> = Vec::new();
    for (step, node) in request.series.iter().enumerate() {
        meant.push((node.condition(&mut conditions, &field(step))?, 1 << step));
    }
    for (place, exclusion) in request.funnels_filter.exclusions.iter().enumerate() {
        let name = format!("funnelsFilter.exclusions[{place}]");
        let before = exclusion.steps(request.series.len(), &name)?;
        let bits = before.map(|step| 1_u64 << (EXCLUSIONS as usize + step)).sum();
        meant.push((exclusion.node().condition(&mut conditions, &name)?, bits));
    }
    let bits =
        meant.iter().map(|(is_it, bits)| format!("CASE WHEN {is_it} THEN {bits} ELSE 0 END"));
    let bits = bits.collect::<Vec<_>>().join(if has_overlaps(request) { " | " } else { " + " });
    let value = broken.map_or("''", |broken| broken.value.as_str());
    let mut source =
        Source::new(found, conditions.joins).and(scope::within(range.exact_since(), range.until));
    if request.funnels_filter.order != Order::Strict {
        source = source.and(sql::any(meant.into_iter().map(|(is_it, _)| is_it)));
    }
    Ok(format!(
        "SELECT e.person_id AS person_id, e.timestamp AS moment, {bits} AS steps, \
         {value} AS breakdown_value\n{}",
        source.sql()
    ))
}

/// Whether two conditions may set the same bit.
fn has_overlaps(request: &Funnels) -> bool {
    request.funnels_filter.exclusions.len() > 1
}

/// The same counts without an operator; `None` where SQL cannot tell them: of funnels that are not
/// ordered, with exclusions, or of which an event may be two steps.
pub(super) fn counts(request: &Funnels, events: &str, is_broken: bool) -> Option<String> {
    let filter = &request.funnels_filter;
    let names: Option<std::collections::BTreeSet<&str>> = request
        .series
        .iter()
        .map(|node| node.event.as_deref().filter(|_| node.kind == NodeKind::EventsNode))
        .collect();
    let are_apart = names.is_some_and(|names| names.len() == request.series.len());
    let is_touch = matches!(filter.attribution, Attribution::FirstTouch | Attribution::LastTouch);
    let is_told = filter.order == Order::Ordered
        && filter.shown == Shown::Steps
        && filter.exclusions.is_empty()
        && are_apart
        && (is_touch || !is_broken);
    is_told.then(|| counted(request, events, is_broken))
}

fn counted(request: &Funnels, events: &str, is_broken: bool) -> String {
    let steps = request.series.len();
    let window = request.funnels_filter.window() / 1_000_000;
    let mut parts = vec![
        format!("seen AS (\n{events}\n)"),
        "step_1 AS (SELECT DISTINCT person_id, moment AS began, moment FROM seen \
         WHERE (steps & 1) <> 0)"
            .to_owned(),
    ];
    for step in 2..=steps {
        let (bit, before) = (1 << (step - 1), step - 1);
        parts.push(format!(
            "step_{step} AS (\nSELECT step_{before}.person_id AS person_id, \
             step_{before}.began AS began, min(seen.moment) AS moment\n\
             FROM step_{before} JOIN seen ON seen.person_id = step_{before}.person_id \
             AND (seen.steps & {bit}) <> 0\n\
             \x20 AND seen.moment >= step_{before}.moment \
             AND seen.moment <= step_{before}.began + INTERVAL '{window} seconds'\nGROUP BY 1, 2\n)"
        ));
    }
    let each = (1..=steps).map(|step| format!("SELECT person_id, {step} AS step FROM step_{step}"));
    let each = each.collect::<Vec<_>>().join("\nUNION ALL ");
    parts.push(format!(
        "reached AS (\nSELECT person_id, max(step) AS steps FROM (\n{each}\n) AS done GROUP BY 1\n)"
    ));
    let counts = (1..=steps).map(|step| {
        format!("sum(CASE WHEN reached.steps >= {step} THEN 1 ELSE 0 END) AS step_{step}")
    });
    let counts = counts.collect::<Vec<_>>().join(", ");
    if !is_broken {
        return format!("WITH {}\nSELECT {counts} FROM reached", parts.join(", "));
    }
    let direction = match request.funnels_filter.attribution {
        Attribution::LastTouch => " DESC",
        _ => "",
    };
    let none = sql::text(NONE);
    parts.push(format!(
        "touched AS (\nSELECT person_id, breakdown_value FROM (\n\
         SELECT person_id, breakdown_value, row_number() OVER (PARTITION BY person_id \
         ORDER BY moment{direction}, breakdown_value) AS place\n\
         FROM seen WHERE breakdown_value <> {none}\n) AS placed WHERE place = 1\n)"
    ));
    format!(
        "WITH {}\nSELECT coalesce(touched.breakdown_value, {none}) AS breakdown_value, {counts}\n\
         FROM reached LEFT JOIN touched ON touched.person_id = reached.person_id\n\
         GROUP BY 1 ORDER BY 1",
        parts.join(", ")
    )
}
