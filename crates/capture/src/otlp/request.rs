//! What a request to an OpenTelemetry endpoint brings, and what it holds.

use std::net::IpAddr;

use bytes::Bytes;
use event::{Event, Timestamp, Token};
use http::HeaderMap;

use super::Signal;
use crate::Notes;

/// One request to an OpenTelemetry endpoint.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// What its path says that it brings.
    pub signal: Signal,
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

/// What a request to an OpenTelemetry endpoint holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Signals {
    /// Whose they are.
    pub token: Token,
    /// The events, in order; empty where nothing was sent, or nothing that concerns the endpoint.
    pub events: Vec<Event>,
    /// What was left out or changed.
    pub notes: Notes,
}
