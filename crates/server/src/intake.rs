//! From a request on a write lane to its rows in the journal.

use std::net::IpAddr;

use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use capture::Lane;
use enrich::Place;
use event::Timestamp;
use http::HeaderMap;
use http::request::Parts;
use sequencer::Submitted;

use crate::ack;
use crate::answer::{self, Failure};
use crate::body::{self, MEMORY_PATIENCE};
use crate::budget::Reservation;
use crate::listener::Peer;
use crate::{EdgeState, edge_headers, metrics};

/// Larger bodies are decoded on a thread that may block.
const INLINE_BYTES: usize = 32 * 1_024;

/// A request with its body read and its signature checked.
pub(crate) struct Incoming {
    parts: Parts,
    body: Bytes,
    received_at: Timestamp,
    client_ip: Option<IpAddr>,
    /// Where the client is, if the edge in front says so.
    place: Option<Place>,
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
    let mut incoming = Incoming::read(&state, request).await?;
    let place = incoming.place.take();
    let (captured, _reservation) = incoming.decode(&state, lane, capture::decode_events).await?;
    metrics::EVENTS_RECEIVED.increment(captured.events.len() as u64);
    metrics::note(&captured.notes);
    if captured.events.is_empty() {
        return Ok(captured.beacon);
    }
    let submitted = captured.events.into_iter().map(|mut event| {
        if let Some(place) = &place {
            place.add_to(&mut event);
        }
        let team = state.projects.team_of(&event.token);
        Submitted { event, team }
    });
    let submitted: Vec<Submitted> = submitted.collect();
    let owed = state.ack.owed_for(submitted.iter().map(|submitted| &submitted.event));
    let receipt = state.sequencer.submit(submitted).await?;
    metrics::EVENTS_DUPLICATE.increment(receipt.duplicates.into());
    metrics::EVENTS_ACCEPTED.increment(receipt.appended.into());
    ack::settle(&owed, &receipt.resolve_by.iter().collect::<Vec<_>>()).await?;
    Ok(captured.beacon)
}

/// The client's address and place, as far as those who say so are believed.
fn client(state: &EdgeState, parts: &Parts) -> (Option<IpAddr>, Option<Place>) {
    let peer = parts.extensions.get::<Peer>().and_then(Peer::ip);
    let said = edge_headers::client_ip(&parts.headers);
    match said.filter(|_| state.trusted_proxies.trusts_worker()) {
        Some(ip) => (Some(ip), edge_headers::place(ip, &parts.headers)),
        None => (state.trusted_proxies.client_ip(peer, &parts.headers), None),
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
        let (client_ip, place) = client(state, &parts);
        let mut reservation = state.budget.reservation();
        let body = body::read(body, state.capture.wire_limit, &mut reservation).await?;
        Ok(Self { parts, body, received_at, client_ip, place, reservation, missing: 0 })
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

    /// What is asked of `/flags` or `/decide`.
    pub(crate) fn question(
        &mut self,
        state: &EdgeState,
        endpoint: capture::flags::Endpoint,
    ) -> capture::flags::Question {
        let request = capture::flags::Request {
            endpoint,
            method: &self.parts.method,
            query: self.parts.uri.query(),
            headers: &self.parts.headers,
            body: self.body.clone(),
            received_at: self.received_at,
        };
        let mut memory = Inflating { reservation: &mut self.reservation, missing: 0 };
        capture::flags::read(&request, &state.capture, &mut memory)
    }

    /// The request's headers.
    pub(crate) fn headers(&self) -> &HeaderMap {
        &self.parts.headers
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
            client_ip: self.client_ip,
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
