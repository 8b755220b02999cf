//! OpenTelemetry: logs, traces and metrics as they come, and AI spans as events.

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use capture::otlp::{self, Encoding, Signal, Signals};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use serde_json::json;

use crate::admission::{self, Admission};
use crate::answer::{self, Failure};
use crate::intake::{Incoming, Received};
use crate::store::store;
use crate::tee::{Copy, Whose};
use crate::{EdgeState, metrics};

/// Largest body of AI spans as sent, PostHog's.
const AI_WIRE_BYTES: usize = 4 << 20;

/// Decodes a request, as one of [`otlp`]'s functions.
type Decode = fn(
    &otlp::Request<'_>,
    &capture::Settings,
    &mut dyn capture::Memory,
) -> Result<Signals, capture::Error>;

/// `/i/v1/logs`, `/v1/logs`.
pub(crate) async fn logs(State(state): State<EdgeState>, request: Request) -> Response {
    respond(&state, Signal::Logs, request).await
}

/// `/i/v1/traces`, `/v1/traces`.
pub(crate) async fn traces(State(state): State<EdgeState>, request: Request) -> Response {
    respond(&state, Signal::Traces, request).await
}

/// `/i/v1/metrics`, `/v1/metrics`.
pub(crate) async fn metrics(State(state): State<EdgeState>, request: Request) -> Response {
    respond(&state, Signal::Metrics, request).await
}

/// `/i/v0/ai/otel`: traces of AI libraries, whose spans become `$ai_…` events.
pub(crate) async fn ai(State(state): State<EdgeState>, request: Request) -> Response {
    match take(&state, Signal::Traces, request, AI_WIRE_BYTES, otlp::decode_ai).await {
        Ok(Taken::Stored) => answer::json(StatusCode::OK, "{}"),
        // OTLP exporters send everything again but what gets a 400.
        Ok(Taken::OverQuota) => {
            let body = json!({ "error": "quota exceeded" });
            answer::json(StatusCode::BAD_REQUEST, body.to_string())
        }
        Err(failure) => failure.into_response(),
    }
}

async fn respond(state: &EdgeState, signal: Signal, request: Request) -> Response {
    // Pipelines take events only.
    if state.questions.is_none() {
        return Failure::OnlyInLake.into_response();
    }
    let encoding = Encoding::declared(request.headers());
    let most_bytes = state.capture.wire_limit;
    match take(state, signal, request, most_bytes, otlp::decode).await {
        Ok(Taken::Stored | Taken::OverQuota) => {
            let (media_type, body) = otlp::success_body(encoding);
            let media_type = HeaderValue::from_static(media_type);
            ([(CONTENT_TYPE, media_type)], body).into_response()
        }
        Err(failure) => failure.into_response(),
    }
}

/// What became of a request.
enum Taken {
    Stored,
    OverQuota,
}

async fn take(
    state: &EdgeState,
    signal: Signal,
    request: Request,
    most_bytes: usize,
    decode: Decode,
) -> Result<Taken, Failure> {
    let incoming = Incoming::read_signed(state, request, most_bytes).await?;
    let (client, now) = (incoming.received().client.clone(), incoming.received().received_at);
    let copy = Copy::of(state, incoming.received());
    let settings = state.capture.clone();
    let decode = move |received: &Received, memory: &mut dyn capture::Memory| {
        let request = otlp::Request {
            signal,
            query: received.query(),
            headers: received.headers(),
            body: received.body.clone(),
            received_at: received.received_at,
            client_ip: received.client.ip,
        };
        decode(&request, &settings, memory).map_err(Failure::from)
    };
    let (signals, _reservation) = incoming.decode(decode).await?;
    let Signals { token, events, notes } = signals;
    metrics::EVENTS_RECEIVED.increment(events.len() as u64);
    metrics::note(&notes);
    match admission::of_events(state, &token, client.ip, events.len(), now)? {
        Admission::OverQuota => return Ok(Taken::OverQuota),
        Admission::Welcome(admitted) => {
            let whose = Whose::of(&token, &events);
            let storing = store(state, &admitted, &client, events);
            copy.keep_beside(state, whose, storing).await?;
        }
    }
    metrics::REQUESTS_ACCEPTED.increment(1);
    Ok(Taken::Stored)
}
