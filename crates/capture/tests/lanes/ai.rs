//! `/i/v0/ai`: one event in parts.

use event::UuidOrigin;
use hogflare_capture::ai::{Part, Submitted, WIRE_LIMIT, decode};
use hogflare_capture::{Busy, Error, Lane, Memory, Note, Settings, Unbounded};
use proptest::prelude::*;
use serde_json::json;

use crate::common::{Posted, gzip, json, optional_json, post};

const EVENT: &str = r#"{"event":"$ai_generation","distinct_id":"d","uuid":"0197c5a0-0000-7000-8000-000000000000","timestamp":"2025-07-01T10:00:00Z"}"#;
const PROPERTIES: &str = r#"{ "$ai_model":"m", "cost":1.10 }"#;

fn form(parts: &[(&str, &str)]) -> Vec<u8> {
    let mut body = String::new();
    for (name, text) in parts {
        body.push_str(&format!(
            "--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\
             Content-Type: application/json\r\n\r\n{text}\r\n"
        ));
    }
    (body + "--b--\r\n").into_bytes()
}

fn posted(body: Vec<u8>) -> Posted {
    post(Lane::Batch, body)
        .header("authorization", "Bearer phc_a")
        .header("content-type", "multipart/form-data; boundary=b")
        .at_a_known_address()
}

fn submit(posted: &Posted) -> Result<Submitted, Error> {
    decode(&posted.request(), &Settings::default(), &mut Unbounded)
}

fn submitted(parts: &[(&str, &str)]) -> Result<Submitted, Error> {
    submit(&posted(form(parts)))
}

fn why(parts: &[(&str, &str)]) -> String {
    submitted(parts).unwrap_err().to_string()
}

#[test]
fn an_event_and_its_properties_are_joined_as_they_were_sent() {
    let submitted = submitted(&[("event", EVENT), ("event.properties", PROPERTIES)]).unwrap();
    let event = submitted.event;
    assert_eq!(event.properties, r#"{"$ai_model":"m", "cost":1.10,"$ip":"203.0.113.7"}"#);
    assert_eq!(event.event, "$ai_generation");
    assert_eq!(event.token.as_str(), "phc_a");
    assert_eq!(event.uuid_origin, UuidOrigin::Client);
    assert_eq!(event.timestamp.to_string(), "2025-07-01T10:00:00.000000Z");
    let part = |name, length| Part {
        name,
        length,
        content_type: Some("application/json".to_owned()),
        content_encoding: None,
    };
    let expected = [part("event", EVENT.len()), part("event.properties", PROPERTIES.len())];
    assert_eq!(submitted.parts, expected);
}

#[test]
fn properties_may_be_within_the_event() {
    let whole = EVENT.replace('}', &format!(",\"properties\":{PROPERTIES},\"more\":1}}"));
    let event = submitted(&[("event", &whole)]).unwrap().event;
    assert_eq!(json(&event.properties)["$ai_model"], "m");
    assert_eq!(optional_json(&event.extra), json!({"more": 1}));
    let null = EVENT.replace('}', ",\"properties\":null}");
    let event = submitted(&[("event", &null), ("event.properties", PROPERTIES)]).unwrap().event;
    assert_eq!(json(&event.properties)["cost"], 1.1);
}

#[test]
fn half_a_surrogate_pair_is_replaced_wherever_it_stands() {
    let properties = r#"{"$ai_model":"m","a\ud83d":"\udf89"}"#;
    let submitted = submitted(&[("event", EVENT), ("event.properties", properties)]).unwrap();
    assert_eq!(json(&submitted.event.properties)["a\u{fffd}"], "\u{fffd}");
    assert_eq!(submitted.notes.count(Note::LoneSurrogate), 2);
}

#[test]
fn its_time_is_corrected_and_its_offset_is_not_looked_at() {
    let sent = EVENT.replace('}', ",\"sent_at\":\"2025-07-01T11:00:10Z\",\"offset\":5}");
    let event = submitted(&[("event", &sent), ("event.properties", PROPERTIES)]).unwrap().event;
    assert_eq!(event.timestamp.to_string(), "2025-07-01T09:59:50.000000Z");
}

#[test]
fn any_name_of_the_family_is_taken_and_no_other() {
    let named = |name: &str| EVENT.replace("$ai_generation", name);
    let properties = ("event.properties", PROPERTIES);
    assert!(submitted(&[("event", &named("$ai_new_thing")), properties]).is_ok());
    let refused = why(&[("event", &named("$pageview")), properties]);
    let expected = "failed to parse request: Event name must start with '$ai_', got '$pageview'";
    assert_eq!(refused, expected);
}

#[test]
fn parts_that_do_not_belong_are_named() {
    let both = EVENT.replace('}', ",\"properties\":{}}");
    let (event, properties) = (("event", EVENT), ("event.properties", PROPERTIES));
    for (parts, expected) in [
        (vec![], "Missing required 'event' part in multipart data"),
        (vec![properties, event], "First part must be 'event', got 'event.properties'"),
        (vec![event, event], "Duplicate 'event' part found"),
        (vec![event, properties, properties], "Duplicate 'event.properties' part found"),
        (
            vec![event, ("x", "1")],
            "Unknown multipart field: 'x'. Expected 'event' or 'event.properties'",
        ),
        (
            vec![("event", &both), properties],
            "Event cannot have both embedded properties and a \
            separate 'event.properties' part",
        ),
        (vec![("event", "[1]")], "Event must be a JSON object"),
        (vec![event, ("event.properties", "[1]")], "Properties part must be valid JSON"),
        (vec![event, ("event.properties", "{\"a\":1},{")], "Properties part must be valid JSON"),
        (vec![("event", "{\"a\":{}"), properties], "Event part must be valid JSON"),
        (vec![("event", "{\"batch\":[]}")], "Event must be a JSON object"),
    ] {
        assert_eq!(why(&parts), format!("failed to parse request: {expected}"), "{parts:?}");
    }
}

#[test]
fn what_an_event_must_have_is_checked_in_order() {
    for (event, expected) in [
        (r#"{}"#, "Event missing 'event' field"),
        (r#"{"event":1}"#, "Event name is required"),
        (r#"{"event":""}"#, "Event name cannot be empty"),
        (r#"{"event":"$ai_x"}"#, "Event missing 'distinct_id' field"),
        (r#"{"event":"$ai_x","distinct_id":7}"#, "distinct_id is required"),
        (r#"{"event":"$ai_x","distinct_id":" "}"#, "distinct_id cannot be empty"),
        (r#"{"event":"$ai_x","distinct_id":"d"}"#, "Event UUID is required"),
        (r#"{"event":"$ai_x","distinct_id":"d","uuid":7}"#, "Event UUID is required"),
        (r#"{"event":"$ai_x","distinct_id":"d","uuid":"x"}"#, "Invalid UUID format"),
    ] {
        let parts = [("event", event), ("event.properties", PROPERTIES)];
        assert_eq!(why(&parts), format!("failed to parse request: {expected}"), "{event}");
    }
    for (properties, expected) in [
        ("{}", "Event properties must contain '$ai_model'"),
        (r#"{"$ai_model":1}"#, "$ai_model must be a string"),
        (r#"{"$ai_model":""}"#, "$ai_model cannot be empty"),
    ] {
        let parts = [("event", EVENT), ("event.properties", properties)];
        assert_eq!(why(&parts), format!("failed to parse request: {expected}"));
    }
}

#[test]
fn the_token_stands_in_the_header_alone() {
    let body = form(&[("event", EVENT), ("event.properties", PROPERTIES)]);
    let with = |authorization: Option<&str>| {
        let posted = post(Lane::Batch, body.clone())
            .header("content-type", "multipart/form-data; boundary=b")
            .query("api_key=phc_query");
        let posted = match authorization {
            Some(value) => posted.header("authorization", value),
            None => posted,
        };
        submit(&posted).map(|submitted| submitted.event.token.to_string())
    };
    assert_eq!(with(Some("Bearer phc_b")).unwrap(), "phc_b");
    assert_eq!(with(None), Err(Error::MissingToken));
    assert_eq!(with(Some("Basic phc_b")), Err(Error::MissingToken));
    let personal = with(Some("Bearer phx_b")).unwrap_err().to_string();
    assert_eq!(personal, "API key is not valid: personal_api_key");
}

#[test]
fn a_body_may_be_gzip_and_must_be_multipart() {
    let body = form(&[("event", EVENT), ("event.properties", PROPERTIES)]);
    let zipped = posted(gzip(&body)).header("content-encoding", "gzip");
    assert!(submit(&zipped).is_ok());
    let refused = |body: &[u8], content_type: &str| {
        let posted = post(Lane::Batch, body.to_vec())
            .header("authorization", "Bearer phc_a")
            .header("content-type", content_type);
        submit(&posted).unwrap_err().to_string()
    };
    let multipart = "multipart/form-data";
    assert_eq!(refused(b"", multipart), "request missing data payload");
    for (body, content_type, expected) in [
        (body.as_slice(), "application/json", "Content-Type must be multipart/form-data"),
        (&body, multipart, "Invalid boundary in Content-Type"),
        (&body[..body.len() - 9], "multipart/form-data; boundary=b", "Multipart parsing failed"),
        (&body, "multipart/form-data; boundary=c", "Multipart parsing failed"),
    ] {
        let error = refused(body, content_type);
        assert_eq!(error, format!("failed to decode request: {expected}"), "{content_type}");
    }
}

#[test]
fn limits_are_told_with_their_sizes() {
    let long = EVENT.replace('}', &format!(",\"x\":\"{}\"}}", "x".repeat(32 * 1024)));
    let error = submitted(&[("event", &long)]).unwrap_err();
    assert_eq!(error.status().as_u16(), 413);
    let expected = format!(
        "maximum event size exceeded: Event part size ({} bytes) exceeds maximum allowed size \
         (32768 bytes)",
        long.len()
    );
    assert_eq!(error.to_string(), expected);
    let large = format!("{{\"$ai_model\":\"{}\"}}", "x".repeat(8 * 1024 * 1024));
    let error = submitted(&[("event", EVENT), ("event.properties", &large)]).unwrap_err();
    assert!(error.to_string().contains("Combined event and properties size"), "{error}");
    let error = submit(&posted(vec![b'x'; WIRE_LIMIT + 1])).unwrap_err();
    assert!(error.to_string().ends_with("limit of 28835840 bytes"), "{error}");
    let bomb = posted(gzip(&vec![b'x'; WIRE_LIMIT + 1])).header("content-encoding", "gzip");
    assert_eq!(submit(&bomb).unwrap_err().status().as_u16(), 413);
}

#[test]
fn memory_is_asked_for_first() {
    struct Nothing;
    impl Memory for Nothing {
        fn reserve(&mut self, _bytes: usize) -> Result<(), Busy> {
            Err(Busy)
        }
    }
    let posted = posted(form(&[("event", EVENT)]));
    let error = decode(&posted.request(), &Settings::default(), &mut Nothing);
    assert_eq!(error, Err(Error::Busy));
}

const PIECES: &[&str] = &[
    "--b",
    "--b--",
    "\r\n",
    "\r\n\r\n",
    "Content-Disposition: form-data; name=\"event\"",
    "Content-Disposition: form-data; name=\"event.properties\"",
    "Content-Type: application/json",
    EVENT,
    PROPERTIES,
    "{",
    "}",
    "\0",
    "name=",
];

proptest! {
    #[test]
    fn no_pieces_panic(
        pieces in proptest::collection::vec(proptest::sample::select(PIECES), 0..20),
        noise in proptest::collection::vec(any::<u8>(), 0..40),
    ) {
        let mut body = pieces.concat().into_bytes();
        drop(submit(&posted(body.clone())));
        body.extend(noise);
        drop(submit(&posted(body)));
    }
}
