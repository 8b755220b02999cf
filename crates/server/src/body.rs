//! Reading a request's body: within a cap, within the budget, and not for ever.

use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::Body as _;

use crate::answer::Failure;
use crate::budget::Reservation;

/// How long a client may send nothing before it gets 408.
const CHUNK_PATIENCE: Duration = Duration::from_secs(30);
/// How long a request waits for memory before it gets 503.
pub(crate) const MEMORY_PATIENCE: Duration = Duration::from_secs(1);

/// Reads the whole body, reserving its bytes as they come.
///
/// A body over the cap is read on, up to twice the cap in all, and thrown away: hyper would otherwise reset
/// the connection before the client has read its 413.
pub(crate) async fn read(
    mut body: Body,
    cap: usize,
    reservation: &mut Reservation,
) -> Result<Bytes, Failure> {
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > cap {
        drain(body, cap.saturating_mul(2)).await;
        return Err(capture::Error::body_too_large(cap).into());
    }
    reserve(reservation, announced).await?;
    let mut reserved = announced;
    let mut collected: Option<Bytes> = None;
    let mut joined = BytesMut::new();
    while let Some(chunk) = next_chunk(&mut body).await? {
        let length = joined.len() + collected.as_ref().map_or(0, Bytes::len) + chunk.len();
        if length > cap {
            drop((joined, collected, chunk));
            drain(body, cap).await;
            return Err(capture::Error::body_too_large(cap).into());
        }
        reserve(reservation, length.saturating_sub(reserved)).await?;
        reserved = reserved.max(length);
        // Most bodies are one chunk, which is then passed on without a copy.
        match collected.take() {
            None if joined.is_empty() => collected = Some(chunk),
            first => {
                joined.reserve(announced.saturating_sub(joined.len()));
                joined.extend_from_slice(first.as_deref().unwrap_or_default());
                joined.extend_from_slice(&chunk);
            }
        }
    }
    Ok(collected.unwrap_or_else(|| joined.freeze()))
}

async fn reserve(reservation: &mut Reservation, bytes: usize) -> Result<(), Failure> {
    match reservation.grow(bytes, MEMORY_PATIENCE).await {
        true => Ok(()),
        false => Err(Failure::Overloaded),
    }
}

async fn next_chunk(body: &mut Body) -> Result<Option<Bytes>, Failure> {
    loop {
        match tokio::time::timeout(CHUNK_PATIENCE, body.frame()).await {
            Ok(Some(Ok(frame))) => {
                if let Ok(data) = frame.into_data() {
                    return Ok(Some(data));
                }
            }
            Ok(None) => return Ok(None),
            Ok(Some(Err(_))) | Err(_) => return Err(Failure::ClientStopped),
        }
    }
}

/// Reads at most about `limit` bytes and throws them away.
async fn drain(mut body: Body, limit: usize) {
    let mut drained = 0;
    while drained <= limit {
        match next_chunk(&mut body).await {
            Ok(Some(chunk)) => drained += chunk.len(),
            Ok(None) | Err(_) => return,
        }
    }
}
