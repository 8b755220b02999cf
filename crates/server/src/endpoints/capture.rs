//! The lanes that take events.

use axum::extract::{Request, State};
use axum::response::Response;
use capture::Lane;

use crate::EdgeState;
use crate::intake;

/// `/e`, `/i/v0/e`, `/capture`, `/track`: events in any of PostHog's shapes.
pub(crate) async fn capture(State(state): State<EdgeState>, request: Request) -> Response {
    intake::events(state, Lane::Capture, request).await
}

/// `/batch`: what server SDKs send.
pub(crate) async fn batch(State(state): State<EdgeState>, request: Request) -> Response {
    intake::events(state, Lane::Batch, request).await
}

/// `/engage`: person properties without an event name.
pub(crate) async fn engage(State(state): State<EdgeState>, request: Request) -> Response {
    intake::events(state, Lane::Engage, request).await
}

/// `/identify`: the given properties are the person's.
pub(crate) async fn identify(State(state): State<EdgeState>, request: Request) -> Response {
    intake::events(state, Lane::Identify, request).await
}

/// `/alias`: two distinct ids are one person's.
pub(crate) async fn alias(State(state): State<EdgeState>, request: Request) -> Response {
    intake::events(state, Lane::Alias, request).await
}

/// `/groups`: the given properties are a group's.
pub(crate) async fn groups(State(state): State<EdgeState>, request: Request) -> Response {
    intake::events(state, Lane::Groups, request).await
}
