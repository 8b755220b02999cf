//! Answers to SDKs that ask for flags.

use base64::Engine;
use event::{Timestamp, Token};
use hogflare_capture::flags::{Endpoint, Request, read};
use hogflare_capture::{Busy, Error, Memory, Settings, Unbounded};
use http::{HeaderMap, Method};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::common::gzip;

struct Asking<'a> {
    endpoint: Endpoint,
    method: Method,
    query: &'a str,
    body: Vec<u8>,
    recording: Value,
}

impl Asking<'_> {
    fn answer(&self) -> Value {
        let mut headers = HeaderMap::new();
        let id = "0197c5a0-0000-4000-8000-000000000000";
        headers.insert("x-request-id", id.parse().unwrap());
        let request = Request {
            endpoint: self.endpoint,
            method: &self.method,
            query: Some(self.query),
            headers: &headers,
            body: self.body.clone().into(),
            received_at: Timestamp::from_millis(1_755_850_000_000),
        };
        let settings =
            Settings { default_token: Some(Token::new("phc_default")), ..Settings::default() };
        let question = read(&request, &settings, &mut Unbounded).unwrap();
        let answer = question.answer(remote_config(&self.recording));
        assert_eq!(answer["requestId"], id);
        assert_eq!(answer["evaluatedAt"], 1_755_850_000_000_u64);
        answer
    }
}

fn ask(endpoint: Endpoint, query: &str) -> Asking<'_> {
    Asking {
        endpoint,
        method: Method::POST,
        query,
        body: br#"{"token":"phc_body","distinct_id":"d"}"#.to_vec(),
        recording: false.into(),
    }
}

/// Stands for a project's configuration.
fn remote_config(recording: &Value) -> Map<String, Value> {
    let members = [("heatmaps", &json!(true)), ("sessionRecording", recording)];
    members.into_iter().map(|(name, value)| (name.to_owned(), value.clone())).collect()
}

#[test]
fn flags_come_in_the_shape_of_their_version() {
    for query in ["v=2", "v=3&ip=1", "v=4", "", "ip=1"] {
        let answer = ask(Endpoint::Flags, query).answer();
        assert_eq!(answer["flags"], json!({}), "{query}");
        assert_eq!(answer["errorsWhileComputingFlags"], false);
        assert!(answer.get("featureFlags").is_none());
    }
    for query in ["v=1", "v=0", "v=x", "config=true", "version=1"] {
        let answer = ask(Endpoint::Flags, query).answer();
        assert_eq!(answer["featureFlags"], json!({}), "{query}");
        assert_eq!(answer["featureFlagPayloads"], json!({}));
    }
}

#[test]
fn decide_comes_in_the_shape_of_its_version() {
    let decide = |query: &str| ask(Endpoint::Decide, query).answer();
    assert_eq!(decide("")["featureFlags"], json!([]));
    assert_eq!(decide("v=1")["featureFlags"], json!([]));
    assert_eq!(decide("v=2")["featureFlags"], json!({}));
    assert!(decide("v=2").get("errorsWhileComputingFlags").is_none());
    assert_eq!(decide("v=3")["featureFlagPayloads"], json!({}));
    assert_eq!(decide("v=4")["flags"], json!({}));
}

#[test]
fn configuration_comes_when_asked_for() {
    let has_config = |endpoint, query| {
        let answer = ask(endpoint, query).answer();
        answer.get("heatmaps") == Some(&json!(true))
    };
    assert!(has_config(Endpoint::Flags, "v=2&config=true"));
    assert!(has_config(Endpoint::Flags, "v=2&config"));
    assert!(has_config(Endpoint::Flags, ""));
    assert!(!has_config(Endpoint::Flags, "v=2"));
    assert!(!has_config(Endpoint::Flags, "v=2&config=false"));
    assert!(has_config(Endpoint::Decide, "v=3"));
    assert!(!has_config(Endpoint::Decide, "v=3&config=0"));
}

#[test]
fn decide_keeps_the_keys_of_the_original() {
    let answer = ask(Endpoint::Decide, "v=3&config=false").answer();
    assert_eq!(answer["config"]["apiToken"], "phc_body");
    assert_eq!(answer["sessionRecording"], false);
    assert_eq!(answer["supportedCompression"], json!(["gzip", "gzip-js"]));
    assert_eq!(answer["status"], 200);
    let mut recording = ask(Endpoint::Decide, "v=3");
    recording.recording = json!({"endpoint": "https://example.com/s/", "version": 1});
    let expected = json!({"endpoint": "https://example.com/s/", "version": 1, "proxy": true});
    assert_eq!(recording.answer()["sessionRecording"], expected);
    recording.query = "v=3&config=false";
    assert_eq!(recording.answer()["sessionRecording"], expected);
}

#[test]
fn the_token_is_found_in_any_encoding_or_elsewhere() {
    let token = |body: &[u8], query| {
        let mut asking = ask(Endpoint::Decide, query);
        asking.body = body.to_vec();
        asking.answer()["config"]["apiToken"].clone()
    };
    let json = br#"{"api_key":"phc_body"}"#;
    let base64 = base64::engine::general_purpose::STANDARD.encode(json);
    for body in [json.to_vec(), gzip(json), format!("data={base64}").into_bytes()] {
        assert_eq!(token(&body, "v=3"), "phc_body");
    }
    assert_eq!(token(b"", "v=3&token=phc_query"), "phc_query");
    assert_eq!(token(b"\xff", "v=3"), "phc_default");
    assert_eq!(token(br#"{"token":"phx_secret"}"#, "v=3"), "phc_default");
    assert_eq!(token(br#"{"token":7,"$token":"phc_body"}"#, "v=3"), "phc_body");
    assert_eq!(token(json, "v=3&token=phc_query"), "phc_query");
    assert_eq!(token(json, "v=3&token=phx_secret"), "phc_body");
}

/// The token found in a body while there is only so much memory.
fn token_within(memory: &mut dyn Memory, body: Vec<u8>, query: &str) -> Result<String, Error> {
    let settings =
        Settings { default_token: Some(Token::new("phc_default")), ..Settings::default() };
    let request = Request {
        endpoint: Endpoint::Flags,
        method: &Method::POST,
        query: Some(query),
        headers: &HeaderMap::new(),
        body: body.into(),
        received_at: Timestamp::from_millis(0),
    };
    let question = read(&request, &settings, memory)?;
    Ok(question.token().unwrap().to_string())
}

/// Memory of so many bytes.
struct Small(usize);

impl Memory for Small {
    fn reserve(&mut self, bytes: usize) -> Result<(), Busy> {
        self.0 = self.0.checked_sub(bytes).ok_or(Busy)?;
        Ok(())
    }
}

#[test]
fn nobody_is_taken_for_another_project_while_memory_is_short() {
    let body = gzip(br#"{"token":"phc_body"}"#);
    let token = |memory: usize, query| token_within(&mut Small(memory), body.clone(), query);
    assert_eq!(token(0, "v=2"), Err(Error::Busy));
    assert_eq!(token(1 << 20, "v=2").unwrap(), "phc_body");
    assert_eq!(token(0, "v=2&token=phc_query").unwrap(), "phc_query");
}

#[test]
fn a_body_is_inflated_to_four_megabytes_and_no_further() {
    let body = |megabytes: usize| {
        let numbers = "1,".repeat(megabytes << 19);
        gzip(format!(r#"{{"a":[{numbers}1],"token":"phc_body"}}"#).as_bytes())
    };
    let memory = || Small(10 << 20);
    assert_eq!(token_within(&mut memory(), body(3), "v=2").unwrap(), "phc_body");
    assert_eq!(token_within(&mut memory(), body(60), "v=2").unwrap(), "phc_default");
}

#[test]
fn what_stands_beside_the_token_may_nest_as_deep_as_it_likes() {
    let deep = "[".repeat(100_000) + &"]".repeat(100_000);
    let body = format!(r#"{{"person_properties":{deep},"token":"phc_body"}}"#);
    assert_eq!(token_within(&mut Unbounded, body.into(), "v=2").unwrap(), "phc_body");
}

#[test]
fn a_get_is_answered_with_the_least_that_sdks_need() {
    for query in ["v=2", "", "v=2&config=true"] {
        let mut get = ask(Endpoint::Flags, query);
        (get.method, get.body) = (Method::GET, Vec::new());
        get.recording = json!({"endpoint": "/s/"});
        let answer = get.answer();
        assert_eq!(answer["flags"], json!({}), "{query}");
        assert_eq!(answer["sessionRecording"], false);
        assert_eq!(answer["config"], json!({"enable_collect_everything": true}));
        assert!(answer.get("heatmaps").is_none());
    }
}

proptest! {
    #[test]
    fn whatever_is_asked_one_shape_is_answered(
        query in "(v|version|config|token|data|_)?=?[0-9a-z%&=-]{0,20}",
        body: Vec<u8>,
        is_decide: bool,
        is_get: bool,
    ) {
        let endpoint = if is_decide { Endpoint::Decide } else { Endpoint::Flags };
        let method = if is_get { Method::GET } else { Method::POST };
        let answer = Asking { endpoint, method, query: &query, body, recording: false.into() }.answer();
        let shapes = ["flags", "featureFlags"].map(|name| answer.get(name).is_some());
        prop_assert!(shapes[0] != shapes[1], "{answer}");
    }
}
