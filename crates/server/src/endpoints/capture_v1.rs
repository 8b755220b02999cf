//! Capture V1: `/i/v1/analytics/events` and `/i/v1/ai/events`, a verdict for each event.

use std::time::Duration;

use axum::extract::{Request, State};
use axum::response::Response;
use capture::v1::{self, Batch, Error, Lane, Outcome, Verdict, tag};
use event::Event;
use event::limits::RECORD_BYTES;
use http::header::RETRY_AFTER;
use http::{HeaderName, HeaderValue, StatusCode};
use sequencer::Rejected;

use crate::admission::{self, Admission};
use crate::answer::{self, Failure};
use crate::intake::{Incoming, Received, Refusal};
use crate::store::store;
use crate::tee::{Copy, Whose};
use crate::{EdgeState, metrics};

/// SDKs find their request by it in their logs.
const REQUEST_ID: HeaderName = HeaderName::from_static("posthog-request-id");
/// What a row has beside its text members.
const ROW_OVERHEAD_BYTES: usize = 64 * 1_024;

/// Any events.
pub(crate) async fn analytics(State(state): State<EdgeState>, request: Request) -> Response {
    respond(&state, Lane::Analytics, request).await
}

/// Events about language models.
pub(crate) async fn ai(State(state): State<EdgeState>, request: Request) -> Response {
    respond(&state, Lane::Ai, request).await
}

async fn respond(state: &EdgeState, lane: Lane, request: Request) -> Response {
    let request_id = v1::request_id(request.headers()).cloned();
    let mut response = match take(state, lane, request).await {
        Ok(outcomes) => {
            metrics::REQUESTS_ACCEPTED.increment(1);
            let answer = answer::json(StatusCode::OK, v1::results_body(&outcomes));
            with_retry_after(answer, v1::retry_after(&outcomes))
        }
        Err(error) => {
            metrics::request_rejected(error.tag());
            let answer = answer::json(error.status(), error.body());
            with_retry_after(answer, error.retry_after())
        }
    };
    if let Some(request_id) = request_id {
        response.headers_mut().insert(REQUEST_ID, request_id);
    }
    response
}

fn with_retry_after(mut response: Response, after: Option<Duration>) -> Response {
    if let Some(after) = after {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(after.as_secs()));
    }
    response
}

async fn take(state: &EdgeState, lane: Lane, request: Request) -> Result<Vec<Outcome>, Error> {
    // What is wrong with the headers is said before the body is read.
    let head = v1::check_headers(request.headers())?;
    admission::of_token(state, &head.token).map_err(error_of)?;
    let incoming = Incoming::read_signed(state, request, v1::WIRE_LIMIT).await.map_err(error_of)?;
    let (client, now) = (incoming.received().client.clone(), incoming.received().received_at);
    let copy = Copy::of(state, incoming.received());
    let settings = state.capture.clone();
    let decode = move |received: &Received, memory: &mut dyn capture::Memory| {
        let request = v1::Request {
            lane,
            headers: received.headers(),
            body: received.body.clone(),
            received_at: received.received_at,
            client_ip: received.client.ip,
        };
        v1::decode(&request, &settings, memory)
    };
    let (mut batch, _reservation) = incoming.decode(decode).await?;
    metrics::EVENTS_RECEIVED.increment(batch.outcomes.len() as u64);
    metrics::note(&batch.notes);
    drop_too_big(&mut batch);
    metrics::verdicts(&batch.outcomes);
    let Batch { token, mut outcomes, events, .. } = batch;
    if events.is_empty() {
        return Ok(outcomes);
    }
    match admission::of_events(state, &token, client.ip, events.len(), now).map_err(error_of)? {
        Admission::OverQuota => Err(Error::BillingLimitExceeded),
        Admission::Welcome(admitted) => match copy
            .keep_beside(
                state,
                Whose::of(&token, &events),
                store(state, &admitted, &client, events),
            )
            .await
        {
            Ok(dropped) => {
                let ours = outcomes.iter_mut().filter(|outcome| dropped.contains(&outcome.uuid));
                ours.for_each(|outcome| {
                    outcome.verdict = Verdict::Drop(tag::EVENT_RESTRICTION_DROP)
                });
                Ok(outcomes)
            }
            Err(Failure::RefusedByPipeline) => {
                let stored = outcomes.iter_mut().filter(|outcome| outcome.verdict.is_stored());
                stored.for_each(|outcome| outcome.verdict = Verdict::Drop(tag::REJECTED));
                Ok(outcomes)
            }
            Err(failure) => Err(error_of(failure)),
        },
    }
}

/// Drops events that no record can hold, so that they cost the others nothing.
fn drop_too_big(batch: &mut Batch) {
    let is_too_big = |event: &Event| bytes_of(event) > RECORD_BYTES - ROW_OVERHEAD_BYTES;
    let stored = batch.outcomes.iter_mut().filter(|outcome| outcome.verdict.is_stored());
    for (outcome, event) in stored.zip(&batch.events) {
        if is_too_big(event) {
            outcome.verdict = Verdict::Drop(tag::EVENT_TOO_BIG);
        }
    }
    batch.events.retain(|event| !is_too_big(event));
}

fn bytes_of(event: &Event) -> usize {
    let optional = [&event.set, &event.set_once, &event.group_set, &event.context, &event.extra];
    let optional = optional.into_iter().flatten().map(String::len).sum::<usize>();
    let ids = [&event.session_id, &event.window_id].into_iter().flatten().map(String::len);
    event.properties.len() + event.elements_chain.len() + optional + ids.sum::<usize>()
}

impl Refusal for Error {
    fn is_busy(&self) -> bool {
        matches!(self, Self::ServiceUnavailable)
    }

    fn overloaded() -> Self {
        Self::ServiceUnavailable
    }
}

/// A failure in V1's words.
fn error_of(failure: Failure) -> Error {
    match failure {
        Failure::Capture(error) => error.into(),
        Failure::Journal(Rejected::RowTooLarge { bytes, .. }) => Error::body_too_large(bytes),
        Failure::ClientStopped => Error::BodyReadTimeout,
        _ => Error::ServiceUnavailable,
    }
}
