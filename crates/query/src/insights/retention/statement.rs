//! Retention in SQL: the events that are read, and the same table without an operator.

use super::super::asking::Asking;
use super::super::breakdown::Broken;
use super::super::condition::Conditions;
use super::super::range::Range;
use super::super::scope::{Scope, Source};
use super::super::series::Node;
use super::super::sql;
use super::super::wrong::Wrong;
use super::gather::{CAME, CAME_AGAIN, NAMED, Shape};
use super::{Retention, RetentionType};

/// The events by which people come, and come again: whose, when, which of both, and its value.
pub(super) fn events(
    request: &Retention,
    asking: &Asking,
    mut conditions: Conditions<'_>,
    [target, returning]: [&Node; 2],
    range: &Range,
    broken: &Option<Broken>,
) -> Result<String, Wrong> {
    let scope = Scope {
        properties: request.properties.as_ref(),
        filter_test_accounts: request.filter_test_accounts,
        filter_bots: request.filter_bots,
    };
    let found = scope.conditions(&asking.project, &mut conditions)?;
    let came = target.condition(&mut conditions, "retentionFilter.targetEntity")?;
    let (named, _) = target.conditions(&mut conditions, "retentionFilter.targetEntity")?;
    let again = returning.condition(&mut conditions, "retentionFilter.returningEntity")?;
    let of = request.retention_filter.retention_type;
    let mut steps = vec![(&came, CAME), (&again, CAME_AGAIN)];
    if of == RetentionType::FirstEver {
        steps.push((&named, NAMED));
    }
    let steps = steps.iter().map(|(is_it, bit)| format!("CASE WHEN {is_it} THEN {bit} ELSE 0 END"));
    let steps: Vec<String> = steps.collect();
    let since = format!("e.timestamp >= {}", sql::moment(range.since));
    // What was before the range says who came for the first time.
    let source = match of {
        RetentionType::Recurring => {
            let either = match came == again {
                true => came.clone(),
                false => any([came.clone(), again]),
            };
            Source::new(found, conditions.joins).and(since).and(either)
        }
        RetentionType::FirstTime | RetentionType::FirstEver => {
            let first = if of == RetentionType::FirstTime { came.clone() } else { named };
            let again = sql::all([again, since].into_iter().filter(|part| part != "TRUE"));
            Source::new(found, conditions.joins).and(any([first, again]))
        }
    };
    let source = source.and(format!("e.timestamp < {}", sql::moment(range.until)));
    let value = broken.as_ref().map_or("''", |broken| broken.value.as_str());
    Ok(format!(
        "SELECT e.person_id AS person_id, e.timestamp AS moment, {} AS steps, \
         {value} AS breakdown_value\n{}",
        steps.join(" + "),
        source.sql()
    ))
}

fn any(conditions: [String; 2]) -> String {
    match conditions.iter().any(|condition| condition == "TRUE") {
        true => sql::all([]),
        false => sql::any(conditions),
    }
}

/// By value, the span in which they came, and how much later it was, how many came.
pub(super) fn table(events: &str, shape: Shape, range: &Range) -> String {
    let periods = range.buckets.iter().enumerate();
    let periods = periods.map(|(number, span)| format!("({number}, {})", sql::moment(span.start)));
    let periods = periods.collect::<Vec<_>>().join(", ");
    let (came, again) = (came(shape, range), again(shape, range));
    let same_value = match shape.of {
        RetentionType::FirstEver => "",
        _ => " AND again.breakdown_value = came.breakdown_value",
    };
    let spans = shape.spans;
    let counted = match shape.is_cumulative {
        false => "counted AS (SELECT breakdown_value, came, later FROM followed)".to_owned(),
        true => {
            let distances: Vec<String> = (0..spans).map(|later| format!("({later})")).collect();
            format!(
                "distance(later) AS (VALUES {}), counted AS (\n\
                 SELECT reached.breakdown_value AS breakdown_value, reached.came AS came, \
                 distance.later AS later\nFROM (\n\
                 SELECT person_id, breakdown_value, came, max(later) AS last FROM followed \
                 GROUP BY 1, 2, 3\n\
                 ) AS reached JOIN distance ON distance.later <= reached.last\n)",
                distances.join(", ")
            )
        }
    };
    format!(
        "WITH period(number, day) AS (VALUES {periods}), seen AS (\n{events}\n\
         ), came AS (\n{came}\n), again AS (\n{again}\n), followed AS (\n\
         SELECT came.person_id AS person_id, came.breakdown_value AS breakdown_value, \
         came.number AS came, again.number - came.number AS later\n\
         FROM came JOIN again ON again.person_id = came.person_id{same_value}\n\
         \x20 AND again.number > came.number AND again.number < came.number + {spans}\n\
         UNION ALL\nSELECT person_id, breakdown_value, number AS came, 0 AS later FROM came\n\
         ), {counted}\n\
         SELECT breakdown_value, came, later, count(*) AS total FROM counted\n\
         GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
    )
}

/// SQL for who came when.
fn came(shape: Shape, range: &Range) -> String {
    let day = range.bucket_of("seen.moment");
    let of_first = |first: String| {
        format!(
            "SELECT seen.person_id AS person_id, seen.breakdown_value AS breakdown_value, \
             period.number AS number\nFROM (\n{first}\n) AS seen JOIN period ON period.day = {day}"
        )
    };
    match shape.of {
        RetentionType::Recurring => format!(
            "SELECT DISTINCT seen.person_id AS person_id, \
             seen.breakdown_value AS breakdown_value, period.number AS number\n\
             FROM seen JOIN period ON period.day = {day}\nWHERE (seen.steps & {CAME}) <> 0"
        ),
        RetentionType::FirstTime => of_first(format!(
            "SELECT person_id, breakdown_value, min(moment) AS moment FROM seen\n\
             WHERE (steps & {CAME}) <> 0 GROUP BY 1, 2"
        )),
        RetentionType::FirstEver => of_first(format!(
            "SELECT person_id, moment, min(breakdown_value) AS breakdown_value FROM (\n\
             SELECT person_id, moment, breakdown_value, steps, \
             min(moment) OVER (PARTITION BY person_id) AS earliest\n\
             FROM seen WHERE (steps & {NAMED}) <> 0\n\
             ) AS named WHERE moment = earliest\n\
             GROUP BY 1, 2 HAVING max(steps & {CAME}) <> 0"
        )),
    }
}

/// SQL for who came again when.
fn again(shape: Shape, range: &Range) -> String {
    let day = range.bucket_of("seen.moment");
    let (value, group) = match shape.of {
        RetentionType::FirstEver => ("", "1, 2"),
        _ => (", seen.breakdown_value AS breakdown_value", "1, 2, 3"),
    };
    let having = match shape.least {
        0 | 1 => String::new(),
        least => format!(" HAVING count(*) >= {least}"),
    };
    format!(
        "SELECT seen.person_id AS person_id, period.number AS number{value}\n\
         FROM seen JOIN period ON period.day = {day}\n\
         WHERE (seen.steps & {CAME_AGAIN}) <> 0\nGROUP BY {group}{having}"
    )
}
