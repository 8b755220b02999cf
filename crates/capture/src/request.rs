//! What a request brings, and what is configured.

use std::net::IpAddr;

use bytes::Bytes;
use event::{Timestamp, Token};
use http::HeaderMap;

use crate::Lane;

/// One request to a lane.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// The lane that its path belongs to.
    pub lane: Lane,
    /// Its path, with or without a trailing slash.
    pub path: &'a str,
    /// Its query string as sent, without the question mark.
    pub query: Option<&'a str>,
    /// Its headers.
    pub headers: &'a HeaderMap,
    /// Its body as sent.
    pub body: Bytes,
    /// When the server received it.
    pub received_at: Timestamp,
    /// The client's address, where it is known and may be kept.
    pub client_ip: Option<IpAddr>,
}

/// What decoding depends on besides the request.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The token of requests that bring none (`POSTHOG_API_KEY`).
    pub default_token: Option<Token>,
    /// Largest body as sent, in bytes.
    pub wire_limit: usize,
    /// Largest payload after any one decompression, in bytes; at most 4 GiB counts.
    pub inflated_limit: usize,
    /// The whole memory budget of decoded requests, in bytes: a request that needs more than this
    /// can never be served and is refused for good.
    pub memory_budget: usize,
    /// Whether requests are signed. The signature covers the body alone, so a payload in the query
    /// (`?data=`) is then not read.
    pub signed: bool,
}

impl Default for Settings {
    /// PostHog's limits: 20 MiB on the wire, five times as much inflated.
    fn default() -> Self {
        Self {
            default_token: None,
            wire_limit: 20 * 1024 * 1024,
            inflated_limit: 100 * 1024 * 1024,
            memory_budget: 128 * 1024 * 1024,
            signed: false,
        }
    }
}
