//! From a request on a write lane to its rows in the journal.

use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use capture::{Captured, Lane};
use event::Timestamp;
use http::request::Parts;

use crate::admission::{self, Admission};
use crate::answer::{self, Failure};
use crate::body::{self, MEMORY_PATIENCE};
use crate::budget::Reservation;
use crate::client::Client;
use crate::store::store;
use crate::{EdgeState, metrics};

/// Larger bodies are decoded on a thread that may block.
const INLINE_BYTES: usize = 32 * 1_024;

/// A request with its body read and its signature checked.
pub(crate) struct Incoming {
    parts: Parts,
    body: Bytes,
    pub(crate) received_at: Timestamp,
    pub(crate) client: Client,
    reservation: Reservation,
    /// Memory that the decoder asked for in vain.
    missing: usize,
}

/// Decodes a request of a lane.
type Decode<T> = fn(
    &capture::Request<'_>,
    &capture::Settings,
    &mut dyn capture::Memory,
) -> Result<T, capture::Error>;

/// Takes events: decodes them, stores them, and acknowledges.
pub(crate) async fn events(state: EdgeState, lane: Lane, request: Request) -> Response {
    match try_events(state, lane, request).await {
        Ok(beacon) => {
            metrics::REQUESTS_ACCEPTED.increment(1);
            answer::success(beacon)
        }
        Err(failure) => failure.into_response(),
    }
}

async fn try_events(state: EdgeState, lane: Lane, request: Request) -> Result<bool, Failure> {
    let incoming = Incoming::read(&state, request).await?;
    let (client, now) = (incoming.client.clone(), incoming.received_at);
    let (captured, _reservation) = incoming.decode(&state, lane, capture::decode_events).await?;
    let Captured { token, events, beacon, notes } = captured;
    metrics::EVENTS_RECEIVED.increment(events.len() as u64);
    metrics::note(&notes);
    // There is no token where nothing is left to store.
    let Some(token) = token else { return Ok(beacon) };
    match admission::of_events(&state, &token, client.ip, events.len(), now)? {
        Admission::OverQuota => Ok(false),
        Admission::Welcome(admitted) => {
            store(&state, &admitted, &client, events).await?;
            Ok(beacon)
        }
    }
}

impl Incoming {
    /// Reads the body and checks the signature over it.
    pub(crate) async fn read(state: &EdgeState, request: Request) -> Result<Self, Failure> {
        let incoming = Self::read_unsigned(state, request).await?;
        if let Some(secret) = &state.signing_secret {
            let headers = &incoming.parts.headers;
            capture::signature::verify(secret.as_bytes(), headers, &incoming.body)?;
        }
        Ok(incoming)
    }

    /// Reads the body; for lanes that store nothing.
    pub(crate) async fn read_unsigned(
        state: &EdgeState,
        request: Request,
    ) -> Result<Self, Failure> {
        let received_at = Timestamp::now();
        let (parts, body): (Parts, Body) = request.into_parts();
        let client = Client::of(state, &parts);
        let mut reservation = state.budget.reservation();
        let body = body::read(body, state.capture.wire_limit, &mut reservation).await?;
        Ok(Self { parts, body, received_at, client, reservation, missing: 0 })
    }

    /// Decodes by this function, again after a wait when memory to inflate was short.
    pub(crate) async fn decode<T: Send + 'static>(
        mut self,
        state: &EdgeState,
        lane: Lane,
        decode: Decode<T>,
    ) -> Result<(T, Reservation), Failure> {
        let body_bytes = self.reservation.used();
        loop {
            let decoded;
            (self, decoded) = match self.body.len() > INLINE_BYTES {
                false => self.decode_once(state, lane, decode),
                true => {
                    let state = state.clone();
                    tokio::task::spawn_blocking(move || self.decode_once(&state, lane, decode))
                        .await
                        .map_err(|_| Failure::Overloaded)?
                }
            };
            match decoded {
                Err(capture::Error::Busy) => self.wait_for_memory(body_bytes).await?,
                Err(error) => return Err(error.into()),
                Ok(decoded) => return Ok((decoded, self.reservation)),
            }
        }
    }

    /// The answer to a question for flags.
    pub(crate) fn flags(
        &mut self,
        state: &EdgeState,
        endpoint: capture::flags::Endpoint,
    ) -> serde_json::Value {
        let request = capture::flags::Request {
            endpoint,
            method: &self.parts.method,
            query: self.parts.uri.query(),
            headers: &self.parts.headers,
            body: self.body.clone(),
            received_at: self.received_at,
        };
        let recording_endpoint = state.recording_endpoint.as_deref();
        let mut memory = Inflating { reservation: &mut self.reservation, missing: 0 };
        capture::flags::placeholder(&request, &state.capture, recording_endpoint, &mut memory)
    }

    fn decode_once<T>(
        mut self,
        state: &EdgeState,
        lane: Lane,
        decode: Decode<T>,
    ) -> (Self, Result<T, capture::Error>) {
        let request = capture::Request {
            lane,
            path: self.parts.uri.path(),
            query: self.parts.uri.query(),
            headers: &self.parts.headers,
            body: self.body.clone(),
            received_at: self.received_at,
            client_ip: self.client.ip,
        };
        let mut memory = Inflating { reservation: &mut self.reservation, missing: 0 };
        let decoded = decode(&request, &state.capture, &mut memory);
        self.missing = memory.missing;
        (self, decoded)
    }

    /// Waits until what the decoder had and what it lacked is free, and keeps it for another try.
    ///
    /// What it had inflated is given back first: two requests that each wait for the other's would
    /// wait in vain.
    async fn wait_for_memory(&mut self, body_bytes: usize) -> Result<(), Failure> {
        let inflated = self.reservation.used() - body_bytes;
        let wanted = inflated.saturating_add(self.missing);
        self.reservation.shrink(body_bytes);
        match self.reservation.grow(wanted, MEMORY_PATIENCE).await {
            true => {
                self.reservation.rewind(body_bytes);
                Ok(())
            }
            false => Err(Failure::Overloaded),
        }
    }
}

/// Lets the decoder reserve from the request's share of the budget.
struct Inflating<'a> {
    reservation: &'a mut Reservation,
    /// What was asked for and not free.
    missing: usize,
}

impl capture::Memory for Inflating<'_> {
    fn reserve(&mut self, bytes: usize) -> Result<(), capture::Busy> {
        if self.reservation.try_grow(bytes) {
            return Ok(());
        }
        self.missing = bytes;
        Err(capture::Busy)
    }
}
