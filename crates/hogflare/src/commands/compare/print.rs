//! A comparison as text.

use std::fmt::Write;

use anyhow::bail;
use serde_json::json;

use super::difference::{Comparison, Line};

/// The comparison in the format that was asked for: as a table what differs, else every line.
pub(super) fn as_asked(comparison: &Comparison, format: &str) -> anyhow::Result<String> {
    match format {
        "table" => Ok(table(comparison)),
        "csv" => Ok(csv(comparison)),
        "json" => Ok(json_of(comparison)),
        other => bail!("--format {other}: expected table, csv or json"),
    }
}

fn table(comparison: &Comparison) -> String {
    let header = ["day", "event", "hogflare", "posthog", "difference"].map(str::to_owned);
    let mut rows = vec![header];
    rows.extend(comparison.differing().map(cells));
    rows.push(cells(&comparison.total));
    let width =
        |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..5).map(width).collect();
    let mut text = String::new();
    for [day, event, ours, theirs, difference] in &rows {
        let line = writeln!(
            text,
            "{day:<a$}  {event:<b$}  {ours:>c$}  {theirs:>d$}  {difference:>e$}",
            a = widths[0],
            b = widths[1],
            c = widths[2],
            d = widths[3],
            e = widths[4],
        );
        line.expect("a String grows");
    }
    let (all, differing) = (comparison.lines.len(), comparison.differing().count());
    match differing {
        0 => writeln!(text, "\nequal: {all} days and events").expect("a String grows"),
        _ => {
            writeln!(text, "\n{differing} of {all} days and events differ").expect("a String grows")
        }
    }
    for reason in &comparison.reasons {
        writeln!(text, "- {reason}").expect("a String grows");
    }
    text
}

fn cells(line: &Line) -> [String; 5] {
    // What strangers named must not move the cursor of a terminal.
    let event = line.event.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    let difference = format!("{:+}", line.difference());
    [line.day.clone(), event, line.ours.to_string(), line.theirs.to_string(), difference]
}

fn csv(comparison: &Comparison) -> String {
    let mut text = String::from("day,event,hogflare,posthog,difference,equal\n");
    for line in &comparison.lines {
        let event = line.event.replace('"', "\"\"");
        let Line { day, ours, theirs, is_equal, .. } = line;
        writeln!(text, "{day},\"{event}\",{ours},{theirs},{},{is_equal}", line.difference())
            .expect("a String grows");
    }
    text
}

fn json_of(comparison: &Comparison) -> String {
    let object = |line: &Line| {
        json!({
            "day": line.day,
            "event": line.event,
            "hogflare": line.ours,
            "posthog": line.theirs,
            "equal": line.is_equal,
        })
    };
    let document = json!({
        "equal": comparison.is_equal(),
        "hogflare": comparison.total.ours,
        "posthog": comparison.total.theirs,
        "lines": comparison.lines.iter().map(object).collect::<Vec<_>>(),
        "reasons": comparison.reasons,
    });
    format!("{document:#}\n")
}
