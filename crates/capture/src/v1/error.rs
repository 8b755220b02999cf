//! Why a V1 request is refused as a whole, in PostHog's words.

use std::time::Duration;

use http::StatusCode;

use crate::TokenFault;

/// A refused request. It displays as the `error_description` of the answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Required headers that are not there.
    #[error("request is missing required headers: {}", names.join(", "))]
    MissingRequiredHeaders {
        /// Their names.
        names: Vec<&'static str>,
    },
    /// A header that is not what it must be.
    #[error("invalid header value: {name} must be {expected}")]
    InvalidHeaderValue {
        /// Its name.
        name: &'static str,
        /// What it must be.
        expected: &'static str,
    },
    /// A content encoding that contradicts the body.
    #[error("failed to decode request body: {why}")]
    RequestDecoding {
        /// What is wrong with it.
        why: String,
    },
    /// JSON that is none, or not what a batch is.
    #[error("failed to parse request body: {why}")]
    RequestParsing {
        /// What is wrong with it, and where.
        why: String,
    },
    /// No body.
    #[error("request body is empty")]
    EmptyBody,
    /// No events.
    #[error("request batch is empty")]
    EmptyBatch,
    /// A batch whose own members are wrong.
    #[error("invalid batch: {why}")]
    InvalidBatch {
        /// What is wrong with them.
        why: &'static str,
    },
    /// An event whose uuid is blank.
    #[error("event submitted without a uuid")]
    MissingEventUuid,
    /// An event whose uuid is none.
    #[error("event submitted with an invalid uuid")]
    InvalidEventUuid,
    /// Two events of one uuid, which no answer could tell apart.
    #[error("duplicate event uuid: {uuid}")]
    DuplicateEventUuid {
        /// The uuid.
        uuid: uuid::Uuid,
    },
    /// No `Authorization`.
    #[error("request is missing the Authorization header")]
    MissingAuthorization,
    /// A token that cannot be one.
    #[error("the provided API token is not valid: {fault}")]
    InvalidApiToken {
        /// What is wrong with it.
        fault: TokenFault,
    },
    /// A project that may send no more; for the server to say.
    #[error("billing limit exceeded")]
    BillingLimitExceeded,
    /// A client that stopped sending; for the server to say.
    #[error("body read timed out")]
    BodyReadTimeout,
    /// More bytes than may be.
    #[error("payload too large: {detail}")]
    PayloadTooLarge {
        /// Which limit, and by what.
        detail: String,
    },
    /// A content type other than JSON.
    #[error("unsupported content type: only application/json is taken")]
    UnsupportedContentType,
    /// An unknown content encoding.
    #[error("unsupported content encoding: only gzip, deflate, br and zstd are taken")]
    UnsupportedEncoding,
    /// A fault of the server; for the server to say.
    #[error("Internal Server Error")]
    Internal,
    /// Nothing can be stored now.
    #[error("Service Unavailable")]
    ServiceUnavailable,
    /// The server took too long; for the server to say.
    #[error("Gateway Timeout")]
    GatewayTimeout,
}

impl Error {
    /// PostHog's text for a body over its limit; the server uses it too, while still reading.
    pub fn body_too_large(limit: usize) -> Self {
        crate::Error::body_too_large(limit).into()
    }

    /// The status to answer with.
    pub const fn status(&self) -> StatusCode {
        match self {
            Self::MissingAuthorization | Self::InvalidApiToken { .. } => StatusCode::UNAUTHORIZED,
            Self::BillingLimitExceeded => StatusCode::PAYMENT_REQUIRED,
            Self::BodyReadTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::PayloadTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedContentType | Self::UnsupportedEncoding => {
                StatusCode::UNSUPPORTED_MEDIA_TYPE
            }
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::ServiceUnavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::GatewayTimeout => StatusCode::GATEWAY_TIMEOUT,
            _ => StatusCode::BAD_REQUEST,
        }
    }

    /// Its name on the wire, and as a metric label.
    pub const fn tag(&self) -> &'static str {
        match self {
            Self::MissingRequiredHeaders { .. } => "missing_required_headers",
            Self::InvalidHeaderValue { .. } => "invalid_header_value",
            Self::RequestDecoding { .. } => "request_decoding_error",
            Self::RequestParsing { .. } => "request_parsing_error",
            Self::EmptyBody => "empty_body",
            Self::EmptyBatch => "empty_batch",
            Self::InvalidBatch { .. } => "invalid_batch",
            Self::MissingEventUuid => "missing_event_uuid",
            Self::InvalidEventUuid => "invalid_event_uuid",
            Self::DuplicateEventUuid { .. } => "duplicate_event_uuid",
            Self::MissingAuthorization => "missing_authorization",
            Self::InvalidApiToken { .. } => "invalid_api_token",
            Self::BillingLimitExceeded => "billing_limit_exceeded",
            Self::BodyReadTimeout => "body_read_timeout",
            Self::PayloadTooLarge { .. } => "payload_too_large",
            Self::UnsupportedContentType => "unsupported_content_type",
            Self::UnsupportedEncoding => "unsupported_encoding",
            Self::Internal => "internal_error",
            Self::ServiceUnavailable => "service_unavailable",
            Self::GatewayTimeout => "gateway_timeout",
        }
    }

    /// What is wrong, for people.
    pub fn description(&self) -> String {
        self.to_string()
    }

    /// The body of the answer.
    pub fn body(&self) -> String {
        let uri = match self {
            Self::BillingLimitExceeded => "https://posthog.com/docs/billing/limits",
            _ => "https://posthog.com/docs/api",
        };
        serde_json::json!({
            "error": self.tag(),
            "error_description": self.description(),
            "error_uri": uri,
        })
        .to_string()
    }

    /// How long the client should wait before it sends the same again; `None` when that is no use.
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::BodyReadTimeout
            | Self::Internal
            | Self::ServiceUnavailable
            | Self::GatewayTimeout => Some(Duration::from_secs(1)),
            _ => None,
        }
    }
}

impl From<crate::Error> for Error {
    /// What the layers that both protocols share may say.
    fn from(error: crate::Error) -> Self {
        match error {
            crate::Error::Undecodable { why } => Self::RequestDecoding { why: why.to_owned() },
            crate::Error::TooLarge { detail } => Self::PayloadTooLarge { detail },
            crate::Error::Busy => Self::ServiceUnavailable,
            crate::Error::InvalidToken { fault } => Self::InvalidApiToken { fault },
            crate::Error::MissingSignature | crate::Error::InvalidSignature => {
                Self::MissingAuthorization
            }
            crate::Error::EmptyPayload => Self::EmptyBody,
            crate::Error::NoEvents => Self::EmptyBatch,
            crate::Error::Unparsable { why } => Self::RequestParsing { why },
            other => Self::RequestParsing { why: other.to_string() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_names_describes_and_links_the_error() {
        let names = vec!["User-Agent", "PostHog-Attempt"];
        let body: serde_json::Value =
            serde_json::from_str(&Error::MissingRequiredHeaders { names }.body()).unwrap();
        let expected = serde_json::json!({
            "error": "missing_required_headers",
            "error_description": "request is missing required headers: User-Agent, PostHog-Attempt",
            "error_uri": "https://posthog.com/docs/api",
        });
        assert_eq!(body, expected);
    }

    #[test]
    fn an_sdk_is_asked_to_wait_exactly_where_it_may_try_again() {
        let may_retry = |error: &Error| [408, 500, 503, 504].contains(&error.status().as_u16());
        let errors = [
            Error::EmptyBody,
            Error::MissingAuthorization,
            Error::BillingLimitExceeded,
            Error::BodyReadTimeout,
            Error::body_too_large(1),
            Error::UnsupportedEncoding,
            Error::Internal,
            Error::ServiceUnavailable,
            Error::GatewayTimeout,
        ];
        for error in errors {
            assert_eq!(error.retry_after().is_some(), may_retry(&error), "{error:?}");
        }
    }
}
