//! The persons behind a point of a chart.
//!
//! A request with `persons` is answered with a page of them instead, those with the most events first.

use std::cmp::Reverse;
use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use utoipa::ToSchema;
use uuid::Uuid;

use super::asking::Asking;
use super::filter::Value;
use super::sql;
use super::wrong::{Wrong, wrong};
use crate::Error;

/// Persons of a page, where nothing is said, and at most.
const USUAL: usize = 100;
const MOST: usize = 1_000;

/// Which of two periods that are compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Period {
    /// The one asked for.
    #[default]
    Current,
    /// The one before.
    Previous,
}

/// Member `persons`: a point, and which page.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Point {
    /// Which of the series, from 0 on.
    pub series: usize,
    /// One of `days`, in lifecycle and trends; a number of spans in stickiness. All where it is not said.
    pub day: Option<Value>,
    /// One of the breakdown's values.
    pub breakdown: Option<Value>,
    /// Of which period.
    pub compare: Period,
    /// Of lifecycle: `new`, `returning`, `resurrecting` or `dormant`.
    pub status: Option<String>,
    /// Of a funnel: persons that reached the step, from 1 on; with a minus those that got no further
    /// than the one before it.
    #[serde(rename = "funnelStep")]
    pub funnel_step: Option<i64>,
    /// Of retention: which span after the first, from 0 on.
    pub interval: Option<usize>,
    /// Of paths: the step that an edge comes from, as `source` tells it.
    #[serde(rename = "pathStartKey")]
    pub path_start_key: Option<String>,
    /// The step that it leads to, as `target` does.
    #[serde(rename = "pathEndKey")]
    pub path_end_key: Option<String>,
    /// The step that is the last of a visit.
    #[serde(rename = "pathDropoffKey")]
    pub path_dropoff_key: Option<String>,
    /// How many.
    pub limit: Option<usize>,
    /// After so many.
    pub offset: usize,
}

impl Point {
    /// The day's name.
    pub(crate) fn day(&self) -> Result<Option<&str>, Wrong> {
        match &self.day {
            None => Ok(None),
            Some(Value::Text(day)) => Ok(Some(day)),
            Some(_) => Err(wrong("persons.day", "it is one of `days`")),
        }
    }

    fn limit(&self) -> usize {
        self.limit.unwrap_or(USUAL).clamp(1, MOST)
    }
}

/// Lists a page of these persons, which are in the order of their ids.
pub(crate) async fn page_of(
    asking: &Asking,
    point: &Point,
    ids: &[String],
    found: &str,
) -> Result<Json, Error> {
    let shown: Vec<&str> =
        ids.iter().skip(point.offset).take(point.limit()).map(String::as_str).collect();
    let mut properties = properties_of(asking, &shown).await?;
    let next = Some(point.offset + shown.len()).filter(|next| *next < ids.len());
    let told = |id: &str| json!({ "id": id, "properties": take_properties(&mut properties, id) });
    let persons: Vec<Json> = shown.into_iter().map(told).collect();
    Ok(json!({ "persons": persons, "next": next, "sql": [found] }))
}

/// Likewise of persons with a number each; those with the highest come first.
pub(crate) async fn page_of_counted(
    asking: &Asking,
    point: &Point,
    mut counted: Vec<(Uuid, usize)>,
    found: &str,
) -> Result<Json, Error> {
    counted.sort_unstable_by_key(|(id, count)| (Reverse(*count), *id));
    let shown = counted.iter().skip(point.offset).take(point.limit());
    let shown: Vec<(String, usize)> = shown.map(|(id, count)| (id.to_string(), *count)).collect();
    let ids: Vec<&str> = shown.iter().map(|(id, _)| id.as_str()).collect();
    let mut properties = properties_of(asking, &ids).await?;
    let persons = shown.iter().map(|(id, count)| {
        let properties = take_properties(&mut properties, id);
        json!({ "id": id, "event_count": count, "properties": properties })
    });
    let persons: Vec<Json> = persons.collect();
    let next = Some(point.offset + shown.len()).filter(|next| *next < counted.len());
    Ok(json!({ "persons": persons, "next": next, "sql": [found] }))
}

/// The properties of those who have any, by id.
async fn properties_of(asking: &Asking, ids: &[&str]) -> Result<HashMap<String, String>, Error> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let statement = format!(
        "SELECT p.id AS id, p.properties AS properties FROM persons AS p\n\
         WHERE p.team_id = {} AND p.id IN ({})",
        asking.project.team,
        sql::texts(ids.iter().copied())
    );
    let rows = asking.rows(&statement).await?;
    Ok(rows.texts("id")?.into_iter().zip(rows.texts("properties")?).collect())
}

fn take_properties(properties: &mut HashMap<String, String>, id: &str) -> Json {
    let text = properties.remove(id).unwrap_or_default();
    serde_json::from_str(&text).unwrap_or_else(|_| json!({}))
}

/// Lists the persons that a statement finds: `person_id` and `total`, a row each.
pub(crate) async fn page(asking: &Asking, point: &Point, found: &str) -> Result<Json, Error> {
    let (limit, team) = (point.limit(), asking.project.team);
    let statement = format!(
        "SELECT found.person_id AS person_id, found.total AS total, p.properties AS properties\n\
         FROM (\n{found}\n) AS found\n\
         LEFT JOIN persons AS p ON p.team_id = {team} AND p.id = found.person_id\n\
         ORDER BY found.total DESC, found.person_id\nLIMIT {} OFFSET {}",
        limit + 1,
        point.offset
    );
    let rows = asking.rows(&statement).await?;
    let (ids, totals) = (rows.texts("person_id")?, rows.numbers("total")?);
    let properties = rows.texts("properties")?;
    let persons = ids.iter().zip(totals).zip(&properties).take(limit);
    let persons: Vec<Json> = persons
        .map(|((id, total), properties)| {
            let properties: Json = serde_json::from_str(properties).unwrap_or_else(|_| json!({}));
            json!({ "id": id, "event_count": total, "properties": properties })
        })
        .collect();
    let next = (rows.len() > limit).then_some(point.offset + limit);
    Ok(json!({ "persons": persons, "next": next, "sql": [found] }))
}
