//! Events, a window of time after the other.

use std::sync::Arc;

use anyhow::Context;
use event::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::api::Api;
use super::{Part, PostHogOptions};
use crate::batch::{Batch, Persons};
use crate::day::{self, Days};
use crate::import::Batches;
use crate::item::Item;
use crate::record::{Cell, Record};

const COLUMNS: &[&str] =
    &["uuid", "event", "properties", "distinct_id", "timestamp", "created_at", "elements_chain"];
const HOUR_MICROS: i64 = 3_600_000_000;
const FIRST_WINDOW: i64 = 24 * HOUR_MICROS;
const LONGEST_WINDOW: i64 = 30 * 24 * HOUR_MICROS;

#[derive(Debug, Deserialize)]
struct Answer {
    results: Vec<Vec<Value>>,
}

/// Counts by day, as PostHog does.
pub(super) async fn count(api: &Api, options: &PostHogOptions) -> anyhow::Result<Days> {
    let when = within(options.from, options.to);
    let query = format!(
        "select toString(toDate(toTimeZone(timestamp, 'UTC'))) as day, count() as n from events \
         where {when} and event != '$$heatmap' group by day order by day limit 50000"
    );
    let counted = ask(api, options, &query).await?.into_iter().map(|row| {
        let day = row.first().and_then(Value::as_str).and_then(day::parse);
        let rows = row.get(1).and_then(Value::as_u64);
        day.zip(rows).context("PostHog's count by day is not what was asked for")
    });
    counted.collect()
}

async fn ask(api: &Api, options: &PostHogOptions, query: &str) -> anyhow::Result<Vec<Vec<Value>>> {
    let path = format!("/api/projects/{}/query/", options.project_id);
    let question = json!({ "query": { "kind": "HogQLQuery", "query": query } });
    Ok(api.post::<Answer>(&path, &question).await?.results)
}

/// HogQL for a span, to the microsecond.
fn within(from: Timestamp, until: Timestamp) -> String {
    let written = |moment: Timestamp| {
        let text = moment.to_string().replace('T', " ");
        format!("toDateTime64('{}', 6, 'UTC')", text.trim_end_matches('Z'))
    };
    format!("timestamp >= {} and timestamp < {}", written(from), written(until))
}

/// Reads what the ledger does not have of the span.
pub(super) async fn read(part: &Part<'_>, batches: &Batches) -> anyhow::Result<()> {
    let Part { import, options, .. } = part;
    let (source, mark, standing) = import.source(&part.fingerprint("events"), "events")?;
    let is_resumed = !standing.position.is_empty();
    if !is_resumed {
        let begun = crate::ledger::Progress { position: Some("0".into()), ..Default::default() };
        import.ledger().advance(source, &begun)?;
    }
    let span = (options.from.as_micros(), options.to.as_micros());
    let gaps = import.ledger().gaps(source, span)?;
    let missing: i64 = gaps.iter().map(|(since, until)| until - since).sum();
    import.bar.read((span.1 - span.0 - missing).unsigned_abs() / 1_000_000);
    let mut width = FIRST_WINDOW;
    for (since, end) in gaps {
        let (mut from, mut is_first) = (since, true);
        while from < end {
            let until = from.saturating_add(width).min(end);
            let window = Window { from, until };
            let Some(rows) = window.rows(part).await? else {
                width = ((until - from) / 2).max(1);
                continue;
            };
            let found = rows.len();
            let new_batch = || {
                let mut batch = Batch::new(source, Arc::from("events"), Persons::Keep);
                batch.is_repeated = is_resumed && is_first;
                batch
            };
            let (maker, mut batch) = (part.maker(&mark), new_batch());
            for row in rows {
                match maker.event(&row, 0) {
                    Ok(item) => put(&mut batch, item),
                    Err(reject) => {
                        batch.progress.rejected += 1;
                        import.rejects().put("events", 0, &reject, &row.json())?;
                    }
                }
                if batch.is_full(import.sender.most_bytes()) {
                    send(batches, std::mem::replace(&mut batch, new_batch())).await?;
                }
            }
            batch.progress.covered = Some((from, until));
            send(batches, batch).await?;
            import.bar.read((until - from).unsigned_abs() / 1_000_000);
            if found < options.rows_per_query / 3 {
                width = width.saturating_mul(2).min(LONGEST_WINDOW);
            }
            (from, is_first) = (until, false);
        }
    }
    Ok(())
}

fn put(batch: &mut Batch, item: Item) {
    batch.push(0, item);
}

async fn send(batches: &Batches, batch: Batch) -> anyhow::Result<()> {
    batches.send(batch).await.ok().context("sending ended")
}

/// A span that is asked for at once.
struct Window {
    from: i64,
    until: i64,
}

impl Window {
    /// Its events; `None` where there are more than one answer has, and a shorter one is to be tried.
    async fn rows(&self, part: &Part<'_>) -> anyhow::Result<Option<Vec<Record>>> {
        let limit = part.options.rows_per_query;
        let mut all = self.page(part, 0).await?;
        if all.len() < limit {
            return Ok(Some(all));
        }
        if self.until - self.from > 1 {
            return Ok(None);
        }
        // As many in a microsecond: a backfill without times, most likely.
        loop {
            let page = self.page(part, all.len()).await?;
            let is_last = page.len() < limit;
            all.extend(page);
            if is_last {
                return Ok(Some(all));
            }
        }
    }

    async fn page(&self, part: &Part<'_>, offset: usize) -> anyhow::Result<Vec<Record>> {
        let when = within(Timestamp::from_micros(self.from), Timestamp::from_micros(self.until));
        let (columns, limit) = (COLUMNS.join(", "), part.options.rows_per_query);
        let query = format!(
            "select {columns} from events where {when} order by timestamp, uuid limit {limit} offset {offset}"
        );
        Ok(ask(part.api, part.options, &query).await?.into_iter().map(record).collect())
    }
}

fn record(row: Vec<Value>) -> Record {
    let cells = COLUMNS.iter().zip(row).filter_map(|(name, value)| {
        let cell = match value {
            Value::Null => return None,
            Value::String(text) => Cell::Text(text),
            other => Cell::Json(other.to_string()),
        };
        Some(((*name).to_owned(), cell))
    });
    Record(cells.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_asked_for_to_the_microsecond() {
        let asked =
            within(Timestamp::from_micros(1), Timestamp::from_micros(1_706_704_496_123_456));
        assert_eq!(
            asked,
            "timestamp >= toDateTime64('1970-01-01 00:00:00.000001', 6, 'UTC') and \
             timestamp < toDateTime64('2024-01-31 12:34:56.123456', 6, 'UTC')"
        );
    }
}
