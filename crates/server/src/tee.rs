//! The tee's part of a request: what was accepted is kept for PostHog, too, as it came.
//!
//! Capture does not depend on it. What cannot be kept is counted with a reason, and the request is
//! answered as if there were no tee. That the copy is durable is waited for, beside the storing of the
//! events, so that what was acknowledged goes on even through a crash; but not for long.

use std::collections::HashSet;
use std::future::Future;
use std::time::Duration;

use event::{Event, Token};
use sequencer::TeeAppender;
use sink::posthog::{FORWARDED_HEADER, RawRequest, forwarded_headers};

use crate::intake::Received;
use crate::{EdgeState, metrics};

/// How much longer than for the events an acknowledgement waits for the copy. Both are on one disk, so
/// that it is rarely late.
const PATIENCE: Duration = Duration::from_secs(2);

/// Where OpenTelemetry is taken without PostHog's prefix.
const OUR_OWN: &str = "/v1/";

/// What is kept for PostHog, and how.
#[derive(Debug)]
pub struct Tee {
    /// The way into the tee's journal.
    pub appender: TeeAppender,
    /// `HOGFLARE_TEE_TOKENS`: whose requests go on; everybody's where none are named.
    pub tokens: Option<HashSet<String>>,
    /// `HOGFLARE_TEE_RECORDINGS`: whether session recordings go on.
    pub recordings: bool,
}

/// A request that may go on, once it is known whose it is.
#[derive(Debug)]
pub(crate) struct Copy(Option<RawRequest>);

impl Copy {
    /// A copy of a request with events.
    pub(crate) fn of(state: &EdgeState, received: &Received) -> Self {
        match &state.tee {
            Some(_) => Self(copied(received)),
            None => Self(None),
        }
    }

    /// A copy of a request with recordings, where these go on.
    pub(crate) fn of_recording(state: &EdgeState, received: &Received) -> Self {
        match &state.tee {
            Some(tee) if tee.recordings => Self(copied(received)),
            _ => Self(None),
        }
    }

    /// Keeps the copy while what the request holds is stored, and returns what came of that.
    pub(crate) async fn keep_beside<T>(
        self,
        state: &EdgeState,
        whose: Whose,
        storing: impl Future<Output = T>,
    ) -> T {
        let Some((tee, request)) = state.tee.as_ref().zip(self.0) else { return storing.await };
        let Whose { token, distinct_id } = whose;
        if tee.tokens.as_ref().is_some_and(|tokens| !tokens.contains(token.as_str())) {
            return storing.await;
        }
        let request = RawRequest { token: token.as_str().to_owned(), distinct_id, ..request };
        // A task of its own: a client that goes away takes the storing with it at most.
        let keeping = tokio::spawn(keep(tee.appender.clone(), request));
        let stored = storing.await;
        if tokio::time::timeout(PATIENCE, keeping).await.is_err() {
            metrics::TEE_LATE.increment(1);
        }
        stored
    }
}

/// Whose events a request has.
#[derive(Debug)]
pub(crate) struct Whose {
    token: Token,
    /// Empty where they are of several.
    distinct_id: String,
}

impl Whose {
    /// Whose these events are.
    pub(crate) fn of(token: &Token, events: &[Event]) -> Self {
        let ids = events.windows(2).all(|two| two[0].distinct_id == two[1].distinct_id);
        let first = events.first().filter(|_| ids).map(|event| event.distinct_id.as_str());
        Self { token: token.clone(), distinct_id: first.unwrap_or_default().to_owned() }
    }
}

fn copied(received: &Received) -> Option<RawRequest> {
    if received.headers().contains_key(FORWARDED_HEADER) {
        // Two servers that forward to each other would never end.
        metrics::tee_skipped("loop");
        return None;
    }
    let path = received.path();
    if path.starts_with(OUR_OWN) {
        metrics::tee_skipped("path");
        return None;
    }
    Some(RawRequest {
        method: received.method().as_str().to_owned(),
        target: received.query().map_or_else(|| path.to_owned(), |query| format!("{path}?{query}")),
        headers: forwarded_headers(received.headers()),
        body: received.body.clone(),
        token: String::new(),
        client_ip: received.client.ip.map(|ip| ip.to_string()).unwrap_or_default(),
        received_at_micros: received.received_at.as_micros(),
        distinct_id: String::new(),
    })
}

async fn keep(appender: TeeAppender, request: RawRequest) {
    let row = request.encode_record();
    drop(request);
    match appender.append(row).await {
        Ok(()) => metrics::TEE_KEPT.increment(1),
        Err(rejected) => metrics::tee_skipped(rejected.reason()),
    }
}
