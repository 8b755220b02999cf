//! CORS for SDKs in browsers: pages are cross-origin, and beacons come with credentials.
//!
//! The origin and the requested headers are mirrored, on errors too, or a browser would hide them
//! from the SDK.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_HEADERS, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode};

/// Marks an answer that is for our own pages.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OwnPagesOnly;

const METHODS: HeaderValue = HeaderValue::from_static("GET,POST,OPTIONS");
const EXPOSED: HeaderValue = HeaderValue::from_static("Retry-After, PostHog-Request-Id");
const MAX_AGE_SECONDS: HeaderValue = HeaderValue::from_static("86400");
const VARY_ON: HeaderValue = HeaderValue::from_static(
    "origin, access-control-request-method, access-control-request-headers",
);

/// Answers preflights, and lets the page that asked read the answer.
pub(crate) async fn mirror(request: Request, next: Next) -> Response {
    let origin = request.headers().get(ORIGIN).cloned();
    let mut response = match *request.method() {
        Method::OPTIONS => preflight(request.headers()),
        _ => next.run(request).await,
    };
    if response.extensions().get::<OwnPagesOnly>().is_some() {
        return response;
    }
    let headers = response.headers_mut();
    // Beside what the handler says that its answer varies on.
    headers.append(VARY, VARY_ON);
    if let Some(origin) = origin {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    }
    response
}

fn preflight(asked: &HeaderMap) -> Response {
    let mut response = StatusCode::OK.into_response();
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    headers.insert(ACCESS_CONTROL_MAX_AGE, MAX_AGE_SECONDS);
    if let Some(wanted) = asked.get(ACCESS_CONTROL_REQUEST_HEADERS) {
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, wanted.clone());
    }
    response
}
