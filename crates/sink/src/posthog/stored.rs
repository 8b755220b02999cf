//! A request as the tee's journal and its dead letters hold it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use prost::Message;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use xxhash_rust::xxh3::Xxh3;

/// A request that was accepted, as it came: one row of the tee's journal, in protobuf.
#[derive(Clone, PartialEq, prost::Message)]
pub struct RawRequest {
    /// `GET` or `POST`.
    #[prost(string, tag = "1")]
    pub method: String,
    /// Path and query.
    #[prost(string, tag = "2")]
    pub target: String,
    /// The headers that go on, in their order.
    #[prost(message, repeated, tag = "3")]
    pub headers: Vec<RawHeader>,
    /// Body as sent.
    #[prost(bytes = "bytes", tag = "4")]
    pub body: Bytes,
    /// Project API key, as we read it.
    #[prost(string, tag = "5")]
    pub token: String,
    /// The client's address; empty where it is not known.
    #[prost(string, tag = "6")]
    pub client_ip: String,
    /// Receipt time, UTC microseconds.
    #[prost(sfixed64, tag = "7")]
    pub received_at_micros: i64,
    /// Whose events it has, where all are of one distinct id; else empty.
    #[prost(string, tag = "8")]
    pub distinct_id: String,
}

/// A header's name and value.
#[derive(Clone, PartialEq, prost::Message)]
pub struct RawHeader {
    /// In lower case.
    #[prost(string, tag = "1")]
    pub name: String,
    /// As sent.
    #[prost(bytes = "vec", tag = "2")]
    pub value: Vec<u8>,
}

impl RawRequest {
    /// The request as the payload of a journal record.
    pub fn encode_record(&self) -> Bytes {
        self.encode_to_vec().into()
    }

    /// Decodes a journal record's payload.
    ///
    /// # Errors
    /// When it is not protobuf.
    pub fn decode_record(payload: Bytes) -> Result<Self, prost::DecodeError> {
        Self::decode(payload)
    }

    /// Whose it is, as far as order goes: requests of one client with one project are sent one after
    /// the other. A page is one visitor, whose distinct id changes; a server sends for many.
    pub(super) fn sender(&self) -> u64 {
        let is_of_page = ["origin", "referer"].iter().any(|name| self.header(name).is_some());
        let visitor = if is_of_page { "" } else { &self.distinct_id };
        let agent = self.header("user-agent").unwrap_or_default();
        let mut hasher = Xxh3::new();
        for part in [self.token.as_bytes(), self.client_ip.as_bytes(), agent, visitor.as_bytes()] {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        hasher.digest()
    }

    fn header(&self, name: &str) -> Option<&[u8]> {
        let header = self.headers.iter().find(|header| header.name == name);
        header.map(|header| header.value.as_slice())
    }

    /// The request as a dead letter holds it.
    pub(super) fn to_letter(&self) -> Box<RawValue> {
        let headers = self.headers.iter();
        let letter = Letter {
            method: self.method.clone(),
            target: self.target.clone(),
            headers: headers
                .map(|header| (header.name.clone(), STANDARD.encode(&header.value)))
                .collect(),
            body: STANDARD.encode(&self.body),
            token: self.token.clone(),
            client_ip: self.client_ip.clone(),
            received_at_micros: self.received_at_micros,
        };
        serde_json::value::to_raw_value(&letter).expect("a letter is JSON")
    }

    /// The request of a dead letter; `None` where it is none.
    pub(super) fn of_letter(row: &RawValue) -> Option<Self> {
        let letter: Letter = serde_json::from_str(row.get()).ok()?;
        let header = |(name, value): (String, String)| {
            Some(RawHeader { name, value: STANDARD.decode(value).ok()? })
        };
        Some(Self {
            method: letter.method,
            target: letter.target,
            headers: letter.headers.into_iter().map(header).collect::<Option<_>>()?,
            body: STANDARD.decode(letter.body).ok()?.into(),
            token: letter.token,
            client_ip: letter.client_ip,
            received_at_micros: letter.received_at_micros,
            // Letters are sent one by one.
            distinct_id: String::new(),
        })
    }
}

/// Bytes are base64: a body may be gzip.
#[derive(Deserialize, Serialize)]
struct Letter {
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: String,
    token: String,
    client_ip: String,
    received_at_micros: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> RawRequest {
        RawRequest {
            method: "POST".into(),
            target: "/e/?compression=gzip-js&_=1".into(),
            headers: vec![RawHeader { name: "user-agent".into(), value: b"caf\xe9".to_vec() }],
            body: Bytes::from_static(b"\x1f\x8b\0\xff"),
            token: "phc_a".into(),
            client_ip: "203.0.113.7".into(),
            received_at_micros: 7,
            distinct_id: String::new(),
        }
    }

    #[test]
    fn journal_and_dead_letters_keep_every_byte() {
        let request = request();
        assert_eq!(RawRequest::decode_record(request.encode_record()).unwrap(), request);
        assert_eq!(RawRequest::of_letter(&request.to_letter()), Some(request));
    }

    #[test]
    fn senders_are_told_apart_by_token_address_and_agent() {
        let (one, mut other) = (request(), request());
        other.target = "/batch/".into();
        assert_eq!(one.sender(), other.sender());
        other.distinct_id = "jane".into();
        assert_ne!(one.sender(), other.sender(), "a server sends for many");
        let page = RawHeader { name: "origin".into(), value: b"https://a.example".to_vec() };
        other.headers.push(page);
        assert_eq!(one.sender(), other.sender(), "a page is one visitor");
        other.client_ip = "203.0.113.8".into();
        assert_ne!(one.sender(), other.sender());
    }
}
