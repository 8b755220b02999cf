//! Reading a request's body: within a cap, within the budget, and not for ever.

use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::Body as _;
use tokio::time::{Instant, timeout_at};

use crate::answer::Failure;
use crate::budget::Reservation;

/// How long a client may send nothing before it gets 408.
const CHUNK_PATIENCE: Duration = Duration::from_secs(30);
/// How long a body may take in all, or slow clients would keep the budget for ever.
const BODY_PATIENCE: Duration = Duration::from_secs(120);
/// How long a request waits for memory before it gets 503.
pub(crate) const MEMORY_PATIENCE: Duration = Duration::from_secs(1);

/// Reads the whole body, reserving its bytes as they come.
///
/// A body over the cap is read on, up to twice the cap in all, and thrown away: hyper would otherwise
/// reset the connection before the client has read its 413.
pub(crate) async fn read(
    body: Body,
    cap: usize,
    reservation: &mut Reservation,
) -> Result<Bytes, Failure> {
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    let mut chunks = Chunks { body, deadline: Instant::now() + BODY_PATIENCE };
    if announced > cap {
        chunks.drain(cap.saturating_mul(2)).await;
        return Err(capture::Error::body_too_large(cap).into());
    }
    let Some(first) = chunks.next().await? else { return Ok(Bytes::new()) };
    let mut joined = BytesMut::new();
    let mut length = 0;
    let mut next = Some(first.clone());
    while let Some(chunk) = next {
        length += chunk.len();
        if length > cap {
            drop((joined, first, chunk));
            chunks.drain(cap).await;
            return Err(capture::Error::body_too_large(cap).into());
        }
        if !reservation.grow(chunk.len(), MEMORY_PATIENCE).await {
            return Err(Failure::Overloaded);
        }
        // Most bodies are one chunk, which is then passed on without a copy.
        if length > chunk.len() {
            if joined.is_empty() {
                joined.extend_from_slice(&first);
            }
            joined.extend_from_slice(&chunk);
        }
        next = chunks.next().await?;
    }
    Ok(if joined.is_empty() { first } else { joined.freeze() })
}

/// A body on its way.
struct Chunks {
    body: Body,
    deadline: Instant,
}

impl Chunks {
    async fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        loop {
            let patience = self.deadline.min(Instant::now() + CHUNK_PATIENCE);
            match timeout_at(patience, self.body.frame()).await {
                Ok(Some(Ok(frame))) => {
                    if let Ok(data) = frame.into_data().map_err(drop)
                        && !data.is_empty()
                    {
                        return Ok(Some(data));
                    }
                }
                Ok(None) => return Ok(None),
                Ok(Some(Err(_))) | Err(_) => return Err(Failure::ClientStopped),
            }
        }
    }

    /// Reads at most about `limit` bytes and throws them away.
    async fn drain(mut self, limit: usize) {
        let mut drained = 0;
        while drained <= limit {
            match self.next().await {
                Ok(Some(chunk)) => drained += chunk.len(),
                Ok(None) | Err(_) => return,
            }
        }
    }
}
