//! `POST /api/import`: events of the past, brought from elsewhere by whoever looks after projects.
//!
//! The body is that of `/batch`. What SDKs are subject to does not apply: there is no client, so
//! nothing is added that is known of one; there is no limit and no quota. What a project does not want
//! stored goes here, too.

use axum::extract::{Query, Request, State};
use axum::response::{IntoResponse, Response};
use capture::{Captured, Lane};
use event::{BROUGHT_PERSON, Event};
use http::StatusCode;
use serde::Deserialize;
use serde_json::json;

use crate::access::{Denied, Principal};
use crate::answer::Failure;
use crate::endpoints::capture::request_on;
use crate::intake::{Incoming, Received};
use crate::store::{Brought, store_brought};
use crate::{EdgeState, admission, answer, metrics};

/// `?persons=keep`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct How {
    #[serde(default)]
    persons: Persons,
}

/// What becomes of persons and groups that are known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Persons {
    /// They change, as if the events came now.
    #[default]
    Change,
    /// They keep their properties.
    Keep,
    /// They change, and that is all that the events are for: they are kept apart from others.
    Only,
}

type Asked = Result<Query<How>, axum::extract::rejection::QueryRejection>;

/// For whoever looks after the project.
pub(crate) async fn bring(
    State(state): State<EdgeState>,
    principal: Principal,
    how: Asked,
    request: Request,
) -> Result<Response, Denied> {
    principal.needs_import()?;
    let Query(how) = how?;
    answered(take(&state, Some(&principal), &how, request).await)
}

/// For whoever may open the data folder's socket.
pub(crate) async fn bring_locally(
    State(state): State<EdgeState>,
    how: Asked,
    request: Request,
) -> Result<Response, Denied> {
    let Query(how) = how?;
    answered(take(&state, None, &how, request).await)
}

fn answered(taken: Result<Brought, Refused>) -> Result<Response, Denied> {
    match taken {
        Ok(Brought { stored, duplicates, dropped }) => {
            metrics::REQUESTS_ACCEPTED.increment(1);
            let told = json!({
                "status": 1, "stored": stored, "duplicates": duplicates, "dropped": dropped,
            });
            Ok(answer::json(StatusCode::OK, told.to_string()))
        }
        Err(Refused::Failed(failure)) => Ok(failure.into_response()),
        Err(Refused::Denied(denied)) => Err(denied),
    }
}

enum Refused {
    Failed(Failure),
    Denied(Denied),
}

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

async fn take(
    state: &EdgeState,
    principal: Option<&Principal>,
    how: &How,
    request: Request,
) -> Result<Brought, Refused> {
    let incoming = Incoming::read(state, request, state.capture.wire_limit).await?;
    let now = incoming.received().received_at;
    let decoder = state.clone();
    let decode = move |received: &Received, memory: &mut dyn capture::Memory| {
        let request = capture::Request { client_ip: None, ..request_on(Lane::Batch, received) };
        capture::decode_events(&request, &decoder.capture, memory).map_err(Failure::from)
    };
    let (captured, _reservation) = incoming.decode(decode).await?;
    let Captured { token, mut events, notes, .. } = captured;
    metrics::EVENTS_RECEIVED.increment(events.len() as u64);
    metrics::note(&notes);
    let Some(token) = token else { return Ok(Brought::default()) };
    let admitted = admission::of_history(state, &token, now)?;
    if let Some(principal) = principal {
        principal.needs_project(admitted.project.team).map_err(Refused::Denied)?;
    }
    events.iter_mut().for_each(|event| settle(event, how));
    Ok(store_brought(state, &admitted, events).await?)
}

fn settle(event: &mut Event, how: &How) {
    event.keeps_persons = how.persons == Persons::Keep;
    if how.persons == Persons::Only {
        event.quarantine(BROUGHT_PERSON);
    }
    // Whoever took it first has given it a distinct id.
    event.cookieless = false;
}
