//! Persons, a page after the other.

use std::sync::Arc;

use anyhow::Context;
use event::{PersonId, TeamId, Timestamp};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{END, Part};
use crate::batch::{Batch, Persons};
use crate::files::{merge, told};
use crate::import::Batches;
use crate::item::Maker;

/// Persons of a page.
const PAGE: usize = 200;

#[derive(Debug, Deserialize)]
struct Page {
    results: Vec<Person>,
    next: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Person {
    uuid: Option<String>,
    #[serde(default)]
    id: serde_json::Value,
    #[serde(default)]
    distinct_ids: Vec<String>,
    properties: Option<Box<RawValue>>,
    created_at: Option<String>,
}

/// Reads persons from where the ledger stands.
pub(super) async fn read(part: &Part<'_>, batches: &Batches) -> anyhow::Result<()> {
    let import = part.import;
    let (source, mark, standing) = import.source(&part.fingerprint("persons"), "persons")?;
    if standing.is_done || standing.position == END {
        return Ok(());
    }
    let first = format!("/api/projects/{}/persons/?limit={PAGE}", part.options.project_id);
    let mut path = Some(standing.position).filter(|path| !path.is_empty()).unwrap_or(first);
    let mut is_repeated = true;
    loop {
        let page: Page = part.api.get(&path).await?;
        let mut batch = Batch::new(source, Arc::from("persons"), Persons::Only);
        // The page where a run before ended may have been taken.
        batch.is_repeated = std::mem::take(&mut is_repeated);
        let maker = part.maker(&mark);
        for person in page.results {
            add(&mut batch, part, &maker, person);
        }
        let next = page.next.map(|next| part.api.path_of(&next)).transpose()?;
        batch.progress.position = Some(next.clone().unwrap_or_else(|| END.to_owned()));
        batches.send(batch).await.ok().context("sending ended")?;
        match next {
            Some(next) => path = next,
            None => return Ok(()),
        }
    }
}

fn add(batch: &mut Batch, part: &Part<'_>, maker: &Maker<'_>, mut person: Person) {
    let number = || person.id.as_str().map_or_else(|| person.id.to_string(), str::to_owned);
    let id = person.uuid.clone().unwrap_or_else(number);
    put_first(&mut person.distinct_ids, &id, part);
    let mut distinct_ids = person.distinct_ids.iter().filter(|id| !id.is_empty());
    let Some(first) = distinct_ids.next() else { return };
    let since = since(maker, person.created_at.as_deref());
    let properties = person.properties.as_deref().map_or("{}", RawValue::get);
    let properties = if properties == "null" { "{}" } else { properties };
    let keeps = part.import.options.keeps_persons;
    batch.push(0, told(maker, &id, first, since, properties, keeps));
    for other in distinct_ids {
        batch.push(0, merge(maker, &id, first, other, since));
    }
}

/// When it came to be, where that can be.
pub(super) fn since(maker: &Maker<'_>, created_at: Option<&str>) -> Timestamp {
    let read = created_at.and_then(|text| maker.times.read(text));
    read.filter(|time| crate::time::trouble(*time, maker.now).is_none()).unwrap_or(maker.now)
}

/// The distinct id that PostHog made the person's id of goes first: the person then has the same id here,
/// if the project has the same number.
fn put_first(distinct_ids: &mut [String], person: &str, part: &Part<'_>) {
    let Ok(team) = i64::try_from(part.options.project_id) else { return };
    let is_first = |id: &String| PersonId::in_project(TeamId(team), id).0.to_string() == person;
    if let Some(at) = distinct_ids.iter().position(is_first) {
        distinct_ids.swap(0, at);
    }
}
