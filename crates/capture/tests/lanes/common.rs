//! Requests as tests write them.

use std::io::Write;

use bytes::Bytes;
use event::{Event, Timestamp, Token};
use flate2::Compression;
use flate2::write::GzEncoder;
use hogflare_capture::{Captured, Error, Lane, Recorded, Request, Settings, Unbounded};
use http::{HeaderMap, HeaderName};
use serde_json::Value;

pub(crate) const NOW: &str = "2025-07-01T11:00:00.000000Z";

/// A request in the making.
pub(crate) struct Posted {
    lane: Lane,
    body: Bytes,
    query: Option<String>,
    headers: HeaderMap,
    settings: Settings,
    is_ip_known: bool,
}

/// Posts a body to a lane; the token, where none is sent, is `phc_default`.
pub(crate) fn post(lane: Lane, body: impl Into<Bytes>) -> Posted {
    let settings =
        Settings { default_token: Some(Token::new("phc_default")), ..Settings::default() };
    Posted {
        lane,
        body: body.into(),
        query: None,
        headers: HeaderMap::new(),
        settings,
        is_ip_known: false,
    }
}

impl Posted {
    pub(crate) fn query(mut self, query: &str) -> Self {
        self.query = Some(query.to_owned());
        self
    }

    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        let name = HeaderName::from_static(name);
        self.headers.append(name, value.parse().unwrap());
        self
    }

    pub(crate) fn at_a_known_address(mut self) -> Self {
        self.is_ip_known = true;
        self
    }

    pub(crate) fn without_default_token(mut self) -> Self {
        self.settings.default_token = None;
        self
    }

    pub(crate) fn with_settings(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(&mut self.settings);
        self
    }

    pub(crate) fn decode(&self) -> Result<Captured, Error> {
        hogflare_capture::decode_events(&self.request(), &self.settings, &mut Unbounded)
    }

    pub(crate) fn record(&self) -> Result<Recorded, Error> {
        hogflare_capture::decode_recording(&self.request(), &self.settings, &mut Unbounded)
    }

    pub(crate) fn events(&self) -> Vec<Event> {
        self.decode().unwrap().events
    }

    /// The only event.
    pub(crate) fn event(&self) -> Event {
        let mut events = self.events();
        assert_eq!(events.len(), 1);
        events.remove(0)
    }

    pub(crate) fn error(&self) -> String {
        self.decode().unwrap_err().to_string()
    }

    pub(crate) fn request(&self) -> Request<'_> {
        Request {
            lane: self.lane,
            path: "/any",
            query: self.query.as_deref(),
            headers: &self.headers,
            body: self.body.clone(),
            received_at: NOW.parse::<Timestamp>().unwrap(),
            client_ip: self.is_ip_known.then_some([203, 0, 113, 7].into()),
        }
    }
}

pub(crate) fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

pub(crate) fn optional_json(text: &Option<String>) -> Value {
    text.as_deref().map_or(Value::Null, json)
}
