//! What the source has and what the lake has, day by day.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::day::{self, Days};
use crate::target::Target;

/// Days that are counted with one question.
const DAYS_AT_ONCE: i32 = 31;
/// How often rows that are not there yet are looked for, a second apart.
const LOOKS: u32 = 20;

/// What an import came to.
#[derive(Debug, Default)]
pub struct Outcome {
    /// What there is to read of it.
    pub text: String,
    /// Whether the lake has what the source has.
    pub is_whole: bool,
}

/// What was counted on the way.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    /// Rows of the source by day.
    pub(crate) source: Days,
    pub(crate) duplicates: u64,
    pub(crate) uncertain: u64,
    pub(crate) dropped: u64,
    pub(crate) rejected: u64,
    pub(crate) reasons: BTreeMap<String, u64>,
    pub(crate) rejects_file: String,
}

/// Counts the rows that came from these sources, by day.
async fn lake_days(target: &Target, marks: &[String], days: &Days) -> anyhow::Result<Days> {
    let mut counted = Days::new();
    let (Some((first, _)), Some((last, _))) = (days.first_key_value(), days.last_key_value())
    else {
        return Ok(counted);
    };
    let mut from = *first;
    while from <= *last {
        let until = (from + DAYS_AT_ONCE).min(*last + 1);
        if days.range(from..until).next().is_some() {
            for row in target.ask(&statement(from, until)).await? {
                let is_ours =
                    row["mark"].as_str().is_some_and(|mark| marks.iter().any(|ours| ours == mark));
                let day = row["day"].as_str().and_then(day::parse);
                if let (true, Some(day), Some(rows)) = (is_ours, day, row["n"].as_u64()) {
                    *counted.entry(day).or_default() += rows;
                }
            }
        }
        from = until;
    }
    Ok(counted)
}

fn statement(from: i32, until: i32) -> String {
    let (from, until) = (day::text(from), day::text(until));
    let of = |table: &str| {
        format!(
            "select extra->>'import' as mark, cast(date_trunc('day', timestamp) as varchar) as day \
             from {table} where timestamp >= '{from}T00:00:00Z' and timestamp < '{until}T00:00:00Z' \
             and extra like '%\"import\":\"%'"
        )
    };
    let (events, quarantine) = (of("events"), of("quarantine"));
    format!(
        "select mark, day, count(*) as n from ({events} union all {quarantine}) group by mark, day"
    )
}

/// Compares, and waits a moment for rows that the lake is about to have.
pub(crate) async fn compare(target: &Target, marks: &[String], counts: Counts) -> Outcome {
    let mut lake = lake_days(target, marks, &counts.source).await;
    for _ in 0..LOOKS {
        match &lake {
            Ok(days) if !counts.source.is_empty() && explanation(&counts, days).is_none() => {
                tokio::time::sleep(std::time::Duration::from_secs(1)).await;
                lake = lake_days(target, marks, &counts.source).await;
            }
            _ => break,
        }
    }
    match lake {
        Ok(lake) => told(&counts, &lake),
        Err(error) => {
            let mut text = table(&counts.source, None);
            text.push_str(&rejected(&counts));
            let total: u64 = counts.source.values().sum();
            line(
                &mut text,
                &format!("{total} rows were acknowledged; the lake cannot be asked: {error:#}"),
            );
            Outcome { text, is_whole: false }
        }
    }
}

/// Why the lake's counts are right; `None` where they are not.
fn explanation(counts: &Counts, lake: &Days) -> Option<String> {
    let mut missing = 0;
    for day in counts.source.keys().chain(lake.keys()) {
        let (source, lake) = (count(&counts.source, *day), count(lake, *day));
        if lake > source {
            return None;
        }
    }
    for (day, rows) in &counts.source {
        missing += rows - count(lake, *day);
    }
    let known = counts.duplicates + counts.dropped;
    if counts.source.is_empty() && counts.rejected > 0 {
        return None;
    }
    if missing == 0 {
        return Some("the lake has them all".to_owned());
    }
    let is_explained = missing >= known && missing <= known + counts.uncertain;
    is_explained.then(|| {
        let elsewhere = missing.saturating_sub(counts.dropped);
        format!(
            "the lake has them all: {elsewhere} have uuid, event and distinct id of rows that were there already, \
             {} fit drop rules",
            counts.dropped
        )
    })
}

fn told(counts: &Counts, lake: &Days) -> Outcome {
    let mut text = table(&counts.source, Some(lake));
    text.push_str(&rejected(counts));
    let explanation = explanation(counts, lake);
    let is_whole = explanation.is_some();
    let verdict = explanation.unwrap_or_else(|| {
        if counts.source.is_empty() {
            return "nothing could be brought".to_owned();
        }
        format!(
            "the lake differs; the server knew {} rows from elsewhere, and {} that were sent more than once",
            counts.duplicates, counts.uncertain
        )
    });
    line(&mut text, &verdict);
    Outcome { text, is_whole }
}

fn rejected(counts: &Counts) -> String {
    let mut text = String::new();
    if counts.rejected > 0 {
        line(
            &mut text,
            &format!("{} rows cannot be brought; see {}", counts.rejected, counts.rejects_file),
        );
    }
    for (reason, rows) in &counts.reasons {
        line(&mut text, &format!("  {rows:>10}  {reason}"));
    }
    text
}

/// Counts by day, for people.
pub(crate) fn table(source: &Days, lake: Option<&Days>) -> String {
    let mut text = String::new();
    let mut row = |name: &str, source: u64, lake: Option<u64>| match lake {
        Some(lake) => {
            let difference = i128::from(lake) - i128::from(source);
            line(&mut text, &format!("{name:<10}  {source:>12}  {lake:>12}  {difference:>12}"));
        }
        None => line(&mut text, &format!("{name:<10}  {source:>12}")),
    };
    for day in source.keys() {
        row(&day::text(*day), count(source, *day), lake.map(|lake| count(lake, *day)));
    }
    let total = |days: &Days| days.values().sum::<u64>();
    row("total", total(source), lake.map(total));
    let head = match lake {
        Some(_) => {
            format!("{:<10}  {:>12}  {:>12}  {:>12}\n", "day", "source", "lake", "difference")
        }
        None => format!("{:<10}  {:>12}\n", "day", "source"),
    };
    head + &text
}

fn count(days: &Days, day: i32) -> u64 {
    days.get(&day).copied().unwrap_or(0)
}

fn line(text: &mut String, line: &str) {
    // Writing to a string does not fail.
    writeln!(text, "{line}").ok();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(source: &[(i32, u64)], duplicates: u64, uncertain: u64) -> Counts {
        let source = source.iter().copied().collect();
        Counts { source, duplicates, uncertain, ..Counts::default() }
    }

    #[test]
    fn a_difference_is_right_only_where_the_server_knew_as_many_rows() {
        let lake = Days::from([(1, 10), (2, 8)]);
        assert!(explanation(&counts(&[(1, 10), (2, 8)], 0, 5), &lake).is_some());
        assert!(explanation(&counts(&[(1, 10), (2, 10)], 2, 0), &lake).is_some());
        assert!(explanation(&counts(&[(1, 10), (2, 10)], 1, 5), &lake).is_some());
        assert!(
            explanation(&counts(&[(1, 10), (2, 10)], 0, 0), &lake).is_none(),
            "rows are missing"
        );
        assert!(
            explanation(&counts(&[(1, 10), (2, 10)], 3, 0), &lake).is_none(),
            "too few are missing"
        );
        assert!(
            explanation(&counts(&[(1, 12), (2, 7)], 1, 9), &lake).is_none(),
            "a day has too many"
        );
    }
}
