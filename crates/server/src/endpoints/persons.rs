//! `/api/persons`: who there is, and what each did.

use std::str::FromStr;
use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use event::{PersonId, TeamId};
use http::StatusCode;
use identity::{Error, Found, Lookup, Person, Search};
use query::Format;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use serde_json::{json, to_string};
use tokio::task;
use tracing::warn;
use uuid::Uuid;

use crate::access::{Principal, Reader};
use crate::{EdgeState, answer};

/// Most persons or events of one answer.
const MOST: usize = 1_000;
/// How many distinct ids a person is shown with in a list, and by itself.
const IDS_IN_LIST: usize = 10;
const IDS_OF_ONE: usize = 10_000;

/// What to list.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Listing {
    #[serde(default = "first_project")]
    project: i64,
    #[serde(default)]
    search: String,
    after: Option<i64>,
    #[serde(default = "usual")]
    limit: usize,
}

/// Whose.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Whose {
    #[serde(default = "first_project")]
    pub(crate) project: i64,
}

/// How many events to show, and which.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Span {
    #[serde(default = "first_project")]
    project: i64,
    before: Option<String>,
    #[serde(default = "usual")]
    limit: usize,
}

/// The project of `POSTHOG_API_KEY`.
const fn first_project() -> i64 {
    1
}

const fn usual() -> usize {
    100
}

/// A person as readers see it.
#[derive(Debug, Serialize)]
struct Shown<'a> {
    id: Uuid,
    distinct_ids: &'a [Arc<str>],
    properties: &'a RawValue,
    created_at: String,
    last_seen_at: Option<String>,
    is_identified: bool,
}

/// An event of a person's, as the engine writes it; `properties` is JSON within a string there.
#[derive(Debug, Deserialize, Serialize)]
struct Happened {
    uuid: String,
    event: String,
    distinct_id: String,
    timestamp: String,
    session_id: Option<String>,
    current_url: Option<String>,
    #[serde(deserialize_with = "unquoted")]
    properties: Box<RawValue>,
}

fn unquoted<'de, D: Deserializer<'de>>(properties: D) -> Result<Box<RawValue>, D::Error> {
    RawValue::from_string(String::deserialize(properties)?).map_err(D::Error::custom)
}

/// Some of what a person did.
#[derive(Debug, Serialize)]
struct Timeline<'a> {
    events: &'a [Happened],
    /// `before` of the next page, if there may be one.
    next: Option<String>,
}

/// Where a page of events begins: a time, or just behind an event.
#[derive(Clone, Copy, Debug)]
struct Before {
    time: event::Timestamp,
    uuid: Option<Uuid>,
}

/// In the year 2255. Every event is before that, and SQL reads no later literal than one of 2262.
const LATEST_MICROS: i64 = 9_000_000_000_000_000;

impl FromStr for Before {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (time, uuid) = match text.split_once('~') {
            Some((time, uuid)) => (time, Some(uuid.parse().map_err(drop)?)),
            None => (text, None),
        };
        let time: event::Timestamp = time.parse().map_err(drop)?;
        let micros = time.as_micros().clamp(0, LATEST_MICROS);
        Ok(Self { time: event::Timestamp::from_micros(micros), uuid })
    }
}

/// `GET /api/persons?search=…`: the newest first.
pub(crate) async fn list(
    State(state): State<EdgeState>,
    Reader(reader): Reader,
    listing: Result<Query<Listing>, axum::extract::rejection::QueryRejection>,
) -> Response {
    let Query(listing) = match listing {
        Ok(listing) => listing,
        Err(wrong) => return failure(StatusCode::BAD_REQUEST, &wrong.body_text()),
    };
    let team = TeamId(listing.project);
    let limit = listing.limit.clamp(1, MOST);
    let search = Search { text: listing.search, after: listing.after, limit };
    read(&state, (&reader, team), move |reader| {
        let page = reader.search(team, &search)?;
        let next = page.next;
        let found = reader.with_ids(team, page.persons, IDS_IN_LIST)?;
        let shown: Vec<Shown<'_>> = found.iter().filter_map(shown).collect();
        Ok(Some(to_string(&json!({ "persons": shown, "next": next })).unwrap_or_default()))
    })
    .await
}

/// `GET /api/persons/:id`: by its id, by one that it had before a merge, or by a distinct id.
pub(crate) async fn one(
    State(state): State<EdgeState>,
    Reader(reader): Reader,
    Path(id): Path<String>,
    whose: Result<Query<Whose>, axum::extract::rejection::QueryRejection>,
) -> Response {
    let Query(whose) = match whose {
        Ok(whose) => whose,
        Err(wrong) => return failure(StatusCode::BAD_REQUEST, &wrong.body_text()),
    };
    let team = TeamId(whose.project);
    read(&state, (&reader, team), move |reader| {
        let found = find(reader, team, &id)?;
        Ok(found.as_ref().and_then(shown).map(|shown| to_string(&shown).unwrap_or_default()))
    })
    .await
}

/// `GET /api/persons/:id/events`: what the person did, the last first.
pub(crate) async fn events(
    State(state): State<EdgeState>,
    Reader(reader): Reader,
    Path(id): Path<String>,
    span: Result<Query<Span>, axum::extract::rejection::QueryRejection>,
) -> Response {
    let span = match span {
        Ok(Query(span)) => span,
        Err(wrong) => return failure(StatusCode::BAD_REQUEST, &wrong.body_text()),
    };
    let before = span.before.as_deref().map(str::parse::<Before>).transpose();
    let Ok(before) = before else {
        let message = "before must be an RFC 3339 time, or the `next` of another answer";
        return failure(StatusCode::BAD_REQUEST, message);
    };
    let limit = span.limit.clamp(1, MOST);
    let team = TeamId(span.project);
    let find = move |reader: &dyn Lookup| {
        let found = find(reader, team, &id)?;
        let of = |found: Found| {
            let mut persons = reader.former_of(team, found.person.id)?;
            persons.push(found.person.id);
            Ok::<_, Error>(persons)
        };
        found.map(of).transpose()
    };
    let found = match looked_up(&state, (&reader, team), find).await {
        Ok(found) => found,
        Err(response) => return response,
    };
    let Some(persons) = found else { return nobody() };
    let Some(questions) = &state.questions else {
        return failure(StatusCode::NOT_FOUND, "the lake is off (HOGFLARE_LAKE=off)");
    };
    questions.catch_up().await;
    let sql = timeline(team, &persons, before, limit);
    match questions.engine.answer(&sql, Format::Json).await {
        Ok(rows) => match serde_json::from_slice::<Vec<Happened>>(&rows) {
            Ok(events) => {
                let last = events.last().filter(|_| events.len() == limit);
                let next = last.map(|last| format!("{}~{}", last.timestamp, last.uuid));
                let page = Timeline { events: &events, next };
                answer::json(StatusCode::OK, to_string(&page).unwrap_or_default())
            }
            Err(error) => failure(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
        },
        Err(error) => failure(StatusCode::SERVICE_UNAVAILABLE, &error.to_string()),
    }
}

/// Numbers and a uuid: nothing of it comes from a client as text.
fn timeline(team: TeamId, persons: &[PersonId], before: Option<Before>, limit: usize) -> String {
    let persons: Vec<String> = persons.iter().map(|person| format!("'{}'", person.0)).collect();
    let before = before.map(|Before { time, uuid }| match uuid {
        None => format!(" and timestamp < timestamp '{time}'"),
        Some(uuid) => format!(
            " and (timestamp < timestamp '{time}' or timestamp = timestamp '{time}' and uuid > '{uuid}')"
        ),
    });
    format!(
        "select uuid, event, distinct_id, timestamp, session_id, current_url, properties from events \
         where team_id = {} and person_id in ({}){} order by timestamp desc, uuid limit {limit}",
        team.0,
        persons.join(","),
        before.unwrap_or_default()
    )
}

/// Reads persons of a project for whoever may; not on the async threads, since a disk is asked.
async fn looked_up<T: Send + 'static>(
    state: &EdgeState,
    (asks, team): (&Principal, TeamId),
    look: impl FnOnce(&dyn Lookup) -> Result<T, Error> + Send + 'static,
) -> Result<T, Response> {
    asks.needs_project(team).map_err(IntoResponse::into_response)?;
    let Some(reader) = state.persons.clone() else {
        return Err(failure(StatusCode::NOT_FOUND, "no persons are kept (HOGFLARE_STATE=none)"));
    };
    match task::spawn_blocking(move || look(&*reader)).await {
        Ok(Ok(found)) => Ok(found),
        Ok(Err(error)) => {
            warn!(%error, "persons cannot be read");
            Err(failure(StatusCode::SERVICE_UNAVAILABLE, "persons cannot be read now"))
        }
        Err(_) => Err(failure(StatusCode::SERVICE_UNAVAILABLE, "persons cannot be read now")),
    }
}

async fn read(
    state: &EdgeState,
    whose: (&Principal, TeamId),
    look: impl FnOnce(&dyn Lookup) -> Result<Option<String>, Error> + Send + 'static,
) -> Response {
    match looked_up(state, whose, look).await {
        Ok(Some(body)) => answer::json(StatusCode::OK, body),
        Ok(None) => nobody(),
        Err(response) => response,
    }
}

fn find(reader: &dyn Lookup, team: TeamId, id: &str) -> Result<Option<Found>, Error> {
    let by_id = match Uuid::try_parse(id) {
        Ok(uuid) => reader.person(team, PersonId(uuid), IDS_OF_ONE)?,
        Err(_) => None,
    };
    match (by_id, reader.person_of(team, id)?) {
        (Some(found), _) => Ok(Some(found)),
        (None, Some(person)) => reader.person(team, person.id, IDS_OF_ONE),
        (None, None) => Ok(None),
    }
}

fn shown(found: &Found) -> Option<Shown<'_>> {
    let person: &Person = &found.person;
    Some(Shown {
        id: person.id.0,
        distinct_ids: &found.distinct_ids,
        properties: serde_json::from_str(person.properties.as_str()).ok()?,
        created_at: person.created_at.to_string(),
        last_seen_at: person.last_seen_at.map(|time| time.to_string()),
        is_identified: person.is_identified,
    })
}

fn nobody() -> Response {
    failure(StatusCode::NOT_FOUND, "no such person")
}

fn failure(status: StatusCode, message: &str) -> Response {
    answer::json(status, json!({ "error": message }).to_string())
}
