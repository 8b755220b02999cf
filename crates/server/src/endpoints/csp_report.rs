//! `/report`: what browsers report of a page's content security policy. Reports are not stored, only
//! counted; the answer keeps browsers from holding them back.

use axum::response::{IntoResponse, Response};
use http::StatusCode;

use crate::metrics;

/// Counts a report.
pub(crate) async fn ignore() -> Response {
    metrics::CSP_REPORTS_IGNORED.increment(1);
    StatusCode::NO_CONTENT.into_response()
}
