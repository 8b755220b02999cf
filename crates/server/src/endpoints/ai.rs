//! `/i/v0/ai`: an event about a language model, in parts.

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use capture::Lane;
use capture::ai::{self, Submitted};
use http::StatusCode;

use crate::admission::{self, Admission};
use crate::answer::{self, Failure};
use crate::endpoints::capture::request_on;
use crate::intake::{Incoming, Received};
use crate::store::store;
use crate::tee::{Copy, Whose};
use crate::{EdgeState, metrics};

/// Takes one event.
pub(crate) async fn event(State(state): State<EdgeState>, request: Request) -> Response {
    match take(&state, request).await {
        Ok(body) => {
            metrics::REQUESTS_ACCEPTED.increment(1);
            answer::json(StatusCode::OK, body)
        }
        Err(failure) => failure.into_response(),
    }
}

/// Stores the event; returns the answer's body.
async fn take(state: &EdgeState, request: Request) -> Result<String, Failure> {
    let incoming = Incoming::read_signed(state, request, ai::WIRE_LIMIT).await?;
    let (client, now) = (incoming.received().client.clone(), incoming.received().received_at);
    let copy = Copy::of(state, incoming.received());
    let settings = state.capture.clone();
    let decode = move |received: &Received, memory: &mut dyn capture::Memory| {
        ai::decode(&request_on(Lane::Batch, received), &settings, memory).map_err(Failure::from)
    };
    let (submitted, _reservation) = incoming.decode(decode).await?;
    let Submitted { event, parts, notes } = submitted;
    metrics::EVENTS_RECEIVED.increment(1);
    metrics::note(&notes);
    match admission::of_events(state, &event.token, client.ip, 1, now)? {
        Admission::OverQuota => Err(Failure::OverQuota),
        Admission::Welcome(admitted) => {
            // What PostHog says of events that it leaves out.
            let whose = Whose::of(&event.token, std::slice::from_ref(&event));
            let storing = store(state, &admitted, &client, vec![event]);
            let dropped = copy.keep_beside(state, whose, storing).await?;
            Ok(ai::accepted_body(if dropped.is_empty() { &parts } else { &[] }))
        }
    }
}
