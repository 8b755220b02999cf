//! Why a request is refused, in PostHog's words.

use std::time::Duration;

use http::StatusCode;

/// A refused request. It displays as the exact text that PostHog answers.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Neither a body nor `?data=`.
    #[error("request missing data payload")]
    EmptyPayload,
    /// The bytes are not what their form, compression or character set says.
    #[error("failed to decode request: {why}")]
    Undecodable {
        /// What is wrong with them.
        why: &'static str,
    },
    /// The text is not JSON, or not JSON of a known shape.
    #[error("failed to parse request: {why}")]
    Unparsable {
        /// What is wrong with it, and where.
        why: String,
    },
    /// An item names no event where it must.
    #[error(
        "failed to hydrate events from request: non-engage request missing event name attribute"
    )]
    MissingEventName,
    /// No items.
    #[error("request holds no event")]
    NoEvents,
    /// An event named `""`.
    #[error("event submitted with an empty event name")]
    EmptyEventName,
    /// No distinct id, or a blank one.
    #[error("event submitted without a distinct_id")]
    MissingDistinctId,
    /// `$cookieless_mode` is not a boolean.
    #[error("event submitted with invalid cookieless mode")]
    InvalidCookielessMode,
    /// A recording without `$snapshot_data`.
    #[error("replay event submitted without snapshot data")]
    MissingSnapshotData,
    /// A recording without `$session_id`.
    #[error("replay event submitted without session id")]
    MissingSessionId,
    /// A recording whose `$session_id` is not 1 to 70 of `[A-Za-z0-9-]`.
    #[error("replay event has invalid session id")]
    InvalidSessionId,
    /// No token anywhere.
    #[error("event submitted without an api_key")]
    MissingToken,
    /// Events with different tokens in one request.
    #[error("batch submitted with inconsistent api_key values")]
    InconsistentTokens,
    /// A token that cannot be one.
    #[error("API key is not valid: {fault}")]
    InvalidToken {
        /// What is wrong with it.
        fault: TokenFault,
    },
    /// A signature is required, and there is none.
    #[error("request is not signed")]
    MissingSignature,
    /// No signature fits the body.
    #[error("request signature is not valid")]
    InvalidSignature,
    /// More bytes than may be.
    #[error("maximum event size exceeded: {detail}")]
    TooLarge {
        /// Which limit, and by what.
        detail: String,
    },
    /// The memory budget is spent for now.
    #[error("transient error, please retry")]
    Busy,
}

/// Why a token cannot be one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenFault {
    /// Nothing but whitespace.
    #[error("empty")]
    Empty,
    /// More than 64 bytes.
    #[error("too_long")]
    TooLong,
    /// Bytes beyond ASCII.
    #[error("not_ascii")]
    NotAscii,
    /// A personal API key (`phx_…`), which is a secret and must not be here.
    #[error("personal_api_key")]
    PersonalApiKey,
    /// A NUL.
    #[error("null_byte")]
    NullByte,
    /// No project's, where only those are taken; for the server to say.
    #[error("unknown")]
    Unknown,
}

impl Error {
    /// The status to answer with.
    pub const fn status(&self) -> StatusCode {
        match self {
            Self::MissingToken
            | Self::InconsistentTokens
            | Self::InvalidToken { .. }
            | Self::MissingSignature
            | Self::InvalidSignature => StatusCode::UNAUTHORIZED,
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::BAD_REQUEST,
        }
    }

    /// Its name as a metric label, PostHog's where PostHog has one.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::EmptyPayload => "empty_payload",
            Self::Undecodable { .. } => "req_decoding",
            Self::Unparsable { .. } => "req_parsing",
            Self::MissingEventName => "req_hydration",
            Self::NoEvents => "empty_batch",
            Self::EmptyEventName => "no_event_name",
            Self::MissingDistinctId => "no_distinct_id",
            Self::InvalidCookielessMode => "invalid_cookieless",
            Self::MissingSnapshotData => "no_snapshot",
            Self::MissingSessionId => "no_session_id",
            Self::InvalidSessionId => "invalid_session",
            Self::MissingToken => "no_token",
            Self::InconsistentTokens => "multiple_tokens",
            Self::InvalidToken { .. } => "invalid_token",
            Self::MissingSignature => "no_signature",
            Self::InvalidSignature => "invalid_signature",
            Self::TooLarge { .. } => "oversize_event",
            Self::Busy => "service_unavailable",
        }
    }

    /// How long the client should wait before it sends the same again; `None` when that is no use.
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Busy => Some(Duration::from_secs(1)),
            _ => None,
        }
    }

    pub(crate) const fn undecodable(why: &'static str) -> Self {
        Self::Undecodable { why }
    }

    pub(crate) fn unparsable(why: impl Into<String>) -> Self {
        Self::Unparsable { why: why.into() }
    }

    /// PostHog's text for a body over its limit; the server uses it too, while still reading.
    pub fn body_too_large(limit: usize) -> Self {
        Self::TooLarge { detail: format!("Request body exceeds limit of {limit} bytes") }
    }

    pub(crate) fn part_too_large(part: &str, size: usize, limit: usize) -> Self {
        Self::TooLarge {
            detail: format!(
                "{part} size ({size} bytes) exceeds maximum allowed size ({limit} bytes)"
            ),
        }
    }

    pub(crate) fn inflated_too_large(limit: usize, got: usize) -> Self {
        Self::TooLarge {
            detail: format!("Decompressed payload would exceed {limit} bytes (got {got} bytes)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_busy_server_asks_for_a_retry() {
        assert!(Error::Busy.retry_after().is_some());
        assert!(Error::Busy.status().is_server_error());
        assert!(Error::MissingToken.retry_after().is_none());
        assert_eq!(Error::body_too_large(1).status().as_u16(), 413);
    }

    #[test]
    fn texts_are_posthogs() {
        let fault = TokenFault::PersonalApiKey;
        assert_eq!(
            Error::InvalidToken { fault }.to_string(),
            "API key is not valid: personal_api_key"
        );
        assert_eq!(
            Error::body_too_large(20).to_string(),
            "maximum event size exceeded: Request body exceeds limit of 20 bytes"
        );
    }
}
