//! The lanes of v0 that take events.

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use capture::{Captured, Lane};

use crate::admission::{self, Admission};
use crate::answer::{self, Failure};
use crate::intake::{Incoming, Received};
use crate::store::store;
use crate::tee::{Copy, Whose};
use crate::{EdgeState, metrics};

/// `/e`, `/i/v0/e`, `/capture`, `/track`: events in any of PostHog's shapes.
pub(crate) async fn capture(State(state): State<EdgeState>, request: Request) -> Response {
    respond(&state, Lane::Capture, request).await
}

/// `/batch`: what server SDKs send.
pub(crate) async fn batch(State(state): State<EdgeState>, request: Request) -> Response {
    respond(&state, Lane::Batch, request).await
}

/// `/engage`: person properties without an event name.
pub(crate) async fn engage(State(state): State<EdgeState>, request: Request) -> Response {
    respond(&state, Lane::Engage, request).await
}

/// `/identify`: the given properties are the person's.
pub(crate) async fn identify(State(state): State<EdgeState>, request: Request) -> Response {
    respond(&state, Lane::Identify, request).await
}

/// `/alias`: two distinct ids are one person's.
pub(crate) async fn alias(State(state): State<EdgeState>, request: Request) -> Response {
    respond(&state, Lane::Alias, request).await
}

/// `/groups`: the given properties are a group's.
pub(crate) async fn groups(State(state): State<EdgeState>, request: Request) -> Response {
    respond(&state, Lane::Groups, request).await
}

async fn respond(state: &EdgeState, lane: Lane, request: Request) -> Response {
    match take(state, lane, request).await {
        Ok(beacon) => {
            metrics::REQUESTS_ACCEPTED.increment(1);
            answer::success(beacon)
        }
        Err(failure) => failure.into_response(),
    }
}

/// Takes events: decodes them, stores them, and acknowledges.
async fn take(state: &EdgeState, lane: Lane, request: Request) -> Result<bool, Failure> {
    let settings = &state.capture;
    let incoming = Incoming::read_signed(state, request, settings.wire_limit).await?;
    let (client, now) = (incoming.received().client.clone(), incoming.received().received_at);
    let copy = Copy::of(state, incoming.received());
    let decoder = state.clone();
    let decode = move |received: &Received, memory: &mut dyn capture::Memory| {
        capture::decode_events(&request_on(lane, received), &decoder.capture, memory)
            .map_err(Failure::from)
    };
    let (captured, _reservation) = incoming.decode(decode).await?;
    let Captured { token, events, beacon, notes } = captured;
    metrics::EVENTS_RECEIVED.increment(events.len() as u64);
    metrics::note(&notes);
    // There is no token where nothing is left to store.
    let Some(token) = token else { return Ok(beacon) };
    match admission::of_events(state, &token, client.ip, events.len(), now)? {
        Admission::OverQuota => Ok(false),
        Admission::Welcome(admitted) => {
            let whose = Whose::of(&token, &events);
            let storing = store(state, &admitted, &client, events);
            copy.keep_beside(state, whose, storing).await?;
            Ok(beacon)
        }
    }
}

/// What was received, as a lane's decoder takes it.
pub(crate) fn request_on(lane: Lane, received: &Received) -> capture::Request<'_> {
    capture::Request {
        lane,
        path: received.path(),
        query: received.query(),
        headers: received.headers(),
        body: received.body.clone(),
        received_at: received.received_at,
        client_ip: received.client.ip,
    }
}
