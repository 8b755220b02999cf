//! From a request on a write lane to what it holds: its body read within the budget, its signature
//! checked, its bytes decoded.

use axum::body::Body;
use axum::extract::Request;
use bytes::Bytes;
use event::Timestamp;
use http::HeaderMap;
use http::request::Parts;

use crate::answer::Failure;
use crate::body::{self, MEMORY_PATIENCE};
use crate::budget::Reservation;
use crate::client::Client;
use crate::{EdgeState, admission};

/// Larger bodies are decoded on a thread that may block.
const INLINE_BYTES: usize = 32 * 1_024;

/// A request that was read to its end.
#[derive(Debug)]
pub(crate) struct Received {
    parts: Parts,
    /// Its body as sent.
    pub(crate) body: Bytes,
    /// When it was received.
    pub(crate) received_at: Timestamp,
    /// Who sent it.
    pub(crate) client: Client,
}

impl Received {
    /// Its headers.
    pub(crate) fn headers(&self) -> &HeaderMap {
        &self.parts.headers
    }

    /// Its method.
    pub(crate) fn method(&self) -> &http::Method {
        &self.parts.method
    }

    /// Its path.
    pub(crate) fn path(&self) -> &str {
        self.parts.uri.path()
    }

    /// Its query string.
    pub(crate) fn query(&self) -> Option<&str> {
        self.parts.uri.query()
    }
}

/// A received request, with its share of the memory for requests in flight.
#[derive(Debug)]
pub(crate) struct Incoming {
    received: Received,
    reservation: Reservation,
    /// Memory that the decoder asked for in vain.
    missing: usize,
}

/// What a decoder says of a request that it refuses.
pub(crate) trait Refusal: Send + 'static {
    /// Whether memory was all that it lacked.
    fn is_busy(&self) -> bool;
    /// What is said where there is none for long.
    fn overloaded() -> Self;
}

impl Refusal for Failure {
    fn is_busy(&self) -> bool {
        matches!(self, Self::Capture(capture::Error::Busy))
    }

    fn overloaded() -> Self {
        Self::Overloaded
    }
}

impl Incoming {
    /// Reads a body of at most so many bytes.
    pub(crate) async fn read(
        state: &EdgeState,
        request: Request,
        most_bytes: usize,
    ) -> Result<Self, Failure> {
        let (parts, body) = request.into_parts();
        let client = Client::of(state, &parts);
        Self::read_of(state, client, (parts, body), most_bytes).await
    }

    /// Reads a body that is to be stored: of a client that may send, and with a valid signature where
    /// requests are signed.
    pub(crate) async fn read_signed(
        state: &EdgeState,
        request: Request,
        most_bytes: usize,
    ) -> Result<Self, Failure> {
        let (parts, body) = request.into_parts();
        let client = Client::of(state, &parts);
        admission::of_client(state, client.ip)?;
        let incoming = Self::read_of(state, client, (parts, body), most_bytes).await?;
        if let Some(secret) = &state.signing_secret {
            let Received { parts, body, .. } = &incoming.received;
            capture::signature::verify(secret.as_bytes(), &parts.headers, body)?;
        }
        Ok(incoming)
    }

    async fn read_of(
        state: &EdgeState,
        client: Client,
        (parts, body): (Parts, Body),
        most_bytes: usize,
    ) -> Result<Self, Failure> {
        let received_at = Timestamp::now();
        let mut reservation = state.budget.reservation();
        let most_bytes = most_bytes.min(state.capture.memory_budget);
        let body = body::read(body, most_bytes, &mut reservation).await?;
        let received = Received { parts, body, received_at, client };
        Ok(Self { received, reservation, missing: 0 })
    }

    /// The request.
    pub(crate) fn received(&self) -> &Received {
        &self.received
    }

    /// Decodes it, again after a wait when memory to inflate was short. The reservation is to be kept
    /// as long as what was decoded.
    pub(crate) async fn decode<T: Send + 'static, E: Refusal>(
        mut self,
        decode: impl Fn(&Received, &mut dyn capture::Memory) -> Result<T, E> + Clone + Send + 'static,
    ) -> Result<(T, Reservation), E> {
        let body_bytes = self.reservation.used();
        loop {
            let decoded;
            (self, decoded) = match self.received.body.len() > INLINE_BYTES {
                false => self.decode_once(decode.clone()),
                true => {
                    let decode = decode.clone();
                    tokio::task::spawn_blocking(move || self.decode_once(decode))
                        .await
                        .map_err(|_| E::overloaded())?
                }
            };
            match decoded {
                Err(error) if error.is_busy() => {
                    if !self.wait_for_memory(body_bytes).await {
                        return Err(E::overloaded());
                    }
                }
                Err(error) => return Err(error),
                Ok(decoded) => return Ok((decoded, self.reservation)),
            }
        }
    }

    fn decode_once<T, E>(
        mut self,
        decode: impl Fn(&Received, &mut dyn capture::Memory) -> Result<T, E>,
    ) -> (Self, Result<T, E>) {
        let mut memory = Inflating { reservation: &mut self.reservation, missing: 0 };
        let decoded = decode(&self.received, &mut memory);
        self.missing = memory.missing;
        (self, decoded)
    }

    /// Waits until what the decoder had and what it lacked is free, and keeps it for another try.
    ///
    /// What it had inflated is given back first: two requests that each wait for the other's would
    /// wait in vain.
    async fn wait_for_memory(&mut self, body_bytes: usize) -> bool {
        let inflated = self.reservation.used() - body_bytes;
        let wanted = inflated.saturating_add(self.missing);
        self.reservation.shrink(body_bytes);
        let has_room = self.reservation.grow(wanted, MEMORY_PATIENCE).await;
        if has_room {
            self.reservation.rewind(body_bytes);
        }
        has_room
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
