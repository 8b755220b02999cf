//! A request as a fuzz input: readable text, so that seeds, mutations and findings can be read.
//!
//! ```text
//! POST /batch/?compression=gzip-js
//! content-type: text/plain
//! x-forwarded-for: 203.0.113.7
//!
//! the body, any bytes
//! ```
//!
//! Every input is a request; what cannot be a header is left out. Two headers are the harness's own
//! and are not passed on: `x-forwarded-for` is the client's address, and `settings` may name
//! `signed` and `token`, for a service that checks signatures and one that has a default token.

use std::net::IpAddr;

use bytes::Bytes;
use capture::otlp::{self, Signal};
use capture::{Lane, Request, Settings, v1};
use event::{Timestamp, Token};
use http::{HeaderMap, HeaderName, HeaderValue, Method};

/// Large enough for every seed, small enough that a bomb is quickly at its limit.
const INFLATED_LIMIT_BYTES: usize = 16 << 10;
/// One zstd window, and a second one that is refused.
const MEMORY_BUDGET_BYTES: usize = 12 << 20;
/// 2025-07-01T11:00:00Z.
const NOW_MICROS: i64 = 1_751_367_600_000_000;

/// A parsed input.
#[derive(Clone, Debug)]
pub struct Sent {
    /// GET, or POST for whatever is none.
    pub method: Method,
    /// The path, which says the lane.
    pub path: String,
    /// What follows the question mark.
    pub query: Option<String>,
    /// The headers that are passed on.
    pub headers: HeaderMap,
    /// The rest of the input.
    pub body: Bytes,
    /// The client's address.
    pub client_ip: Option<IpAddr>,
    /// What is configured.
    pub settings: Settings,
}

impl Sent {
    /// Reads an input.
    pub fn parse(input: &[u8]) -> Self {
        let (line, mut rest) = next_line(input);
        let line = String::from_utf8_lossy(line);
        let (method, target) = line.split_once(' ').unwrap_or(("POST", &line));
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query.to_owned())),
            None => (target, None),
        };
        let mut sent = Self {
            method: if method == "GET" { Method::GET } else { Method::POST },
            path: path.to_owned(),
            query,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            client_ip: None,
            settings: settings(),
        };
        loop {
            let (line, after) = next_line(rest);
            rest = after;
            match line.is_empty() {
                true => break,
                false => sent.header(line),
            }
        }
        sent.body = Bytes::copy_from_slice(rest);
        sent
    }

    fn header(&mut self, line: &[u8]) {
        let colon = memchr::memchr(b':', line).unwrap_or(line.len());
        let (name, value) = line.split_at(colon);
        let value = value.get(1..).unwrap_or_default().trim_ascii();
        let text = || std::str::from_utf8(value).unwrap_or_default();
        match name {
            b"x-forwarded-for" => self.client_ip = text().parse().ok(),
            b"settings" => {
                self.settings.signed |= text().contains("signed");
                if text().contains("token") {
                    self.settings.default_token = Some(Token::new("phc_default"));
                }
            }
            _ => {
                let name = HeaderName::from_bytes(name);
                if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(value)) {
                    self.headers.append(name, value);
                }
            }
        }
    }

    /// The request to a lane of Capture V1.
    pub(crate) fn v1(&self) -> v1::Request<'_> {
        v1::Request {
            lane: match self.path.contains("/ai/") {
                true => v1::Lane::Ai,
                false => v1::Lane::Analytics,
            },
            headers: &self.headers,
            body: self.body.clone(),
            received_at: self.now(),
            client_ip: self.client_ip,
        }
    }

    /// The request to an OpenTelemetry endpoint.
    pub(crate) fn otlp(&self) -> otlp::Request<'_> {
        otlp::Request {
            signal: match self.path.trim_end_matches('/') {
                path if path.ends_with("logs") => Signal::Logs,
                path if path.ends_with("metrics") => Signal::Metrics,
                _ => Signal::Traces,
            },
            query: self.query.as_deref(),
            headers: &self.headers,
            body: self.body.clone(),
            received_at: self.now(),
            client_ip: self.client_ip,
        }
    }

    /// The request to an event lane, or to that of recordings.
    pub fn request(&self) -> Request<'_> {
        Request {
            lane: self.lane(),
            path: &self.path,
            query: self.query.as_deref(),
            headers: &self.headers,
            body: self.body.clone(),
            received_at: self.now(),
            client_ip: self.client_ip,
        }
    }

    /// When every request is received.
    pub fn now(&self) -> Timestamp {
        Timestamp::from_micros(NOW_MICROS)
    }

    fn lane(&self) -> Lane {
        match self.path.trim_end_matches('/') {
            "/batch" | "/i/v0/ai/batch" => Lane::Batch,
            "/engage" => Lane::Engage,
            "/identify" => Lane::Identify,
            "/groups" => Lane::Groups,
            "/alias" => Lane::Alias,
            "/s" => Lane::Recording,
            _ => Lane::Capture,
        }
    }

    /// A number that the input alone decides, for whatever is not done for every input.
    pub(crate) fn choice(&self) -> usize {
        let bytes = self.path.bytes().chain(self.body.iter().copied());
        bytes.fold(0, |sum, byte| (sum * 31 + usize::from(byte)) & 0xffff_ffff)
    }

    /// How much text the client sent, in whatever form.
    pub fn len(&self) -> usize {
        self.body.len() + self.query.as_ref().map_or(0, String::len)
    }

    /// Whether nothing was sent.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The body where it is taken as it stands: JSON by its looks, and nothing says otherwise.
    pub fn plain_body(&self) -> Option<&str> {
        let is_json = matches!(self.body.trim_ascii_start(), [b'{' | b'[', ..]);
        // Whatever may be a `data`, however it is spelled.
        let has_data = self.query.as_ref().is_some_and(|query| query.contains(['d', '%']));
        match is_json && !has_data && !self.headers.contains_key("content-encoding") {
            true => std::str::from_utf8(&self.body).ok(),
            false => None,
        }
    }
}

fn settings() -> Settings {
    Settings {
        default_token: None,
        inflated_limit: INFLATED_LIMIT_BYTES,
        memory_budget: MEMORY_BUDGET_BYTES,
        ..Settings::default()
    }
}

fn next_line(input: &[u8]) -> (&[u8], &[u8]) {
    let end = memchr::memchr(b'\n', input).unwrap_or(input.len());
    let (line, rest) = input.split_at(end);
    (line, rest.get(1..).unwrap_or_default())
}
