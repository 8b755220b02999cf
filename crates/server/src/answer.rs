//! Answers: the one place where a failure becomes a status, a body and a count.
//!
//! SDKs drop what gets a 4xx and send again what gets a 5xx, so whatever may succeed later is 503
//! with `Retry-After`, never 429: posthog-js and Capture V1 give up on that one.

use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, StatusCode};
use sequencer::Rejected;

use crate::metrics;

/// Seconds after which a client may try again.
const RETRY_SECONDS: HeaderValue = HeaderValue::from_static("5");

/// `{"status":1}`, or 204 where a beacon asked for it.
pub(crate) fn success(beacon: bool) -> Response {
    match beacon {
        true => StatusCode::NO_CONTENT.into_response(),
        false => json(StatusCode::OK, capture::SUCCESS_BODY),
    }
}

/// A success that tells posthog-js to pause its recordings.
pub(crate) fn recordings_over_quota() -> Response {
    json(StatusCode::OK, r#"{"status":1,"quota_limited":["recordings"]}"#)
}

/// A JSON answer.
pub(crate) fn json(status: StatusCode, body: impl Into<axum::body::Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// Why a request to a write lane was not acknowledged.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It is wrong, or too large.
    Capture(capture::Error),
    /// The journal could not take it.
    Journal(Rejected),
    /// The client stopped sending, or went away.
    ClientStopped,
    /// Memory for requests in flight is spent.
    Overloaded,
    /// More comes than was agreed.
    RateLimited,
    /// The day's events are spent, on a lane that says so.
    OverQuota,
    /// What is kept in the lake alone, which is off.
    OnlyInLake,
    /// The pipeline refused a row for good.
    RefusedByPipeline,
    /// The pipeline has not taken the rows in time; they are in the journal.
    NotYetDelivered,
}

impl From<capture::Error> for Failure {
    fn from(error: capture::Error) -> Self {
        Self::Capture(error)
    }
}

impl From<Rejected> for Failure {
    fn from(rejected: Rejected) -> Self {
        Self::Journal(rejected)
    }
}

impl Failure {
    fn status(&self) -> StatusCode {
        match self {
            Self::Capture(error) => error.status(),
            Self::Journal(Rejected::RowTooLarge { .. }) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::ClientStopped => StatusCode::REQUEST_TIMEOUT,
            Self::RefusedByPipeline => StatusCode::BAD_REQUEST,
            Self::OnlyInLake => StatusCode::NOT_FOUND,
            Self::OverQuota => StatusCode::TOO_MANY_REQUESTS,
            Self::Journal(_) | Self::Overloaded | Self::RateLimited | Self::NotYetDelivered => {
                StatusCode::SERVICE_UNAVAILABLE
            }
        }
    }

    fn message(&self) -> String {
        match self {
            Self::Capture(error) => error.to_string(),
            Self::Journal(Rejected::RowTooLarge { .. }) => {
                "maximum event size exceeded: event does not fit a journal record".to_owned()
            }
            Self::ClientStopped => "client stopped sending data".to_owned(),
            Self::OnlyInLake => "kept in the lake alone, which is off (HOGFLARE_LAKE)".to_owned(),
            Self::RateLimited => "rate limit exceeded, please retry".to_owned(),
            Self::OverQuota => "billing limit reached".to_owned(),
            Self::RefusedByPipeline => "event refused by the pipeline".to_owned(),
            // Causes are for logs; a stranger learns only that trying again may help.
            Self::Journal(_) | Self::NotYetDelivered => "transient error, please retry".to_owned(),
            Self::Overloaded => "service unavailable: too much data in flight".to_owned(),
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::Capture(error) => error.reason(),
            Self::Journal(rejected) => rejected.reason(),
            Self::ClientStopped => "body_read_timeout",
            Self::Overloaded => "overloaded",
            Self::RateLimited => "rate_limited",
            Self::OverQuota => "over_quota",
            Self::OnlyInLake => "lake_off",
            Self::RefusedByPipeline => "refused_by_pipeline",
            Self::NotYetDelivered => "not_yet_delivered",
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        metrics::request_rejected(self.reason());
        let status = self.status();
        let mut response = json(status, capture::error_body(self.message()));
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(RETRY_AFTER, RETRY_SECONDS);
        }
        response
    }
}
