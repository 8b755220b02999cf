//! Answers of `/flags` and `/decide` while no flags are evaluated: none, in the shape asked for.
//!
//! SDKs tell the shapes apart by version, and a wrong one breaks them: posthog-ios takes an answer
//! without `flags` for a failed load. `/decide` also keeps the keys of the original Hogflare.

mod token;

use bytes::Bytes;
use event::{Timestamp, Token};
use http::{HeaderMap, Method};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::{Error, Memory, Settings, form};

/// Which of the two was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// `/flags`.
    Flags,
    /// `/decide`, which older SDKs ask.
    Decide,
}

/// A request for flags.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// Which endpoint it is for.
    pub endpoint: Endpoint,
    /// GET and POST are answered differently.
    pub method: &'a Method,
    /// Its query string as sent, without the question mark.
    pub query: Option<&'a str>,
    /// Its headers.
    pub headers: &'a HeaderMap,
    /// Its body as sent.
    pub body: Bytes,
    /// When the server received it.
    pub received_at: Timestamp,
}

/// Reads what a request asks for. Nothing that is sent can make it fail: SDKs take any status but
/// 200 for an outage, and ask again and again.
///
/// # Errors
/// [`Error::Busy`] alone, when memory to read the body was short: whoever asks must not be answered
/// with what another project has set.
pub fn read(
    request: &Request<'_>,
    settings: &Settings,
    memory: &mut dyn Memory,
) -> Result<Question, Error> {
    Ok(Question {
        asked: Asked::of(request),
        endpoint: request.endpoint,
        is_get: *request.method == Method::GET,
        token: token::find(request, settings, memory)?,
        request_id: request_id(request.headers),
        received_at: request.received_at,
    })
}

/// A question for flags, understood.
#[derive(Clone, Debug)]
pub struct Question {
    asked: Asked,
    endpoint: Endpoint,
    is_get: bool,
    token: Option<Token>,
    request_id: Uuid,
    received_at: Timestamp,
}

impl Question {
    /// Whose flags are asked for, if the request says it.
    pub fn token(&self) -> Option<&Token> {
        self.token.as_ref()
    }

    /// Answers without any flags, with as much of the project's remote configuration as was asked for.
    pub fn answer(&self, remote_config: Map<String, Value>) -> Value {
        let recording = remote_config.get("sessionRecording").cloned().unwrap_or(false.into());
        let mut answer = self.asked.shape.without_flags();
        answer.insert("requestId".into(), self.request_id.to_string().into());
        answer.insert("evaluatedAt".into(), self.received_at.as_millis().into());
        match (self.is_get, self.asked.wants_config) {
            (true, _) => answer.extend(minimal_config()),
            (false, true) => answer.extend(remote_config),
            (false, false) => {}
        }
        if self.endpoint == Endpoint::Decide {
            answer.extend(originals_keys(self.token(), recording));
        }
        answer.into()
    }
}

/// The four shapes of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    /// Decide v1: a list of enabled flags.
    List,
    /// Decide v2: a map of enabled flags.
    Map,
    /// Decide v3 and flags v1: a map of all flags, and their payloads.
    MapWithPayloads,
    /// Decide v4 and flags v2: a record of each flag.
    Records,
}

impl Shape {
    fn without_flags(self) -> Map<String, Value> {
        members(match self {
            Self::List => json!({"featureFlags": []}),
            Self::Map => json!({"featureFlags": {}}),
            Self::MapWithPayloads => json!({
                "errorsWhileComputingFlags": false,
                "featureFlags": {},
                "featureFlagPayloads": {},
            }),
            Self::Records => json!({"errorsWhileComputingFlags": false, "flags": {}}),
        })
    }
}

/// What the query asks for.
#[derive(Clone, Copy, Debug)]
struct Asked {
    shape: Shape,
    wants_config: bool,
}

impl Asked {
    fn of(request: &Request<'_>) -> Self {
        let (mut version, mut config) = (None, None);
        for (name, value) in form::pairs(request.query.unwrap_or_default().as_bytes()) {
            match name.as_ref() {
                b"v" | b"version" if !value.is_empty() => version = Some(number(&value)),
                b"config" => config = Some(is_true(&value)),
                _ => {}
            }
        }
        if version.is_none() && config.is_none() && request.endpoint == Endpoint::Flags {
            (version, config) = (Some(2), Some(true));
        }
        let shape = match (request.endpoint, version.unwrap_or(1)) {
            (Endpoint::Flags, ..2) => Shape::MapWithPayloads,
            (Endpoint::Flags, 2..) | (Endpoint::Decide, 4..) => Shape::Records,
            (Endpoint::Decide, 3) => Shape::MapWithPayloads,
            (Endpoint::Decide, 2) => Shape::Map,
            (Endpoint::Decide, ..2) => Shape::List,
        };
        Self { shape, wants_config: config.unwrap_or(request.endpoint == Endpoint::Decide) }
    }
}

/// A version; what is no number is version 1.
fn number(value: &[u8]) -> i64 {
    let text = std::str::from_utf8(value).unwrap_or_default();
    text.parse().unwrap_or(1)
}

/// A boolean as PostHog reads it: a bare key, and any other text, is true.
fn is_true(value: &[u8]) -> bool {
    let no: [&[u8]; 4] = [b"false", b"0", b"no", b"off"];
    !no.iter().any(|word| value.eq_ignore_ascii_case(word))
}

fn request_id(headers: &HeaderMap) -> Uuid {
    headers
        .get("x-request-id")
        .and_then(|value| Uuid::try_parse_ascii(value.as_bytes()).ok())
        .unwrap_or_else(Uuid::new_v4)
}

/// What a GET is told, which is the same for everyone.
fn minimal_config() -> Map<String, Value> {
    members(json!({
        "supportedCompression": ["gzip", "gzip-js"],
        "config": {"enable_collect_everything": true},
        "toolbarParams": {},
        "isAuthenticated": false,
        "sessionRecording": false,
    }))
}

/// What the original Hogflare answered to `/decide`, whether or not configuration was asked for.
fn originals_keys(token: Option<&Token>, mut recording: Value) -> Map<String, Value> {
    if let Value::Object(recording) = &mut recording {
        recording.insert("proxy".into(), true.into());
    }
    members(json!({
        "config": {"enable_collect_everything": true, "apiToken": token.map(Token::as_str)},
        "sessionRecording": recording,
        "supportedCompression": ["gzip", "gzip-js"],
        "status": 200,
    }))
}

fn members(object: Value) -> Map<String, Value> {
    match object {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}
