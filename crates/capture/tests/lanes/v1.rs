//! Capture V1: verdicts, what is put into properties, and what fails a request as a whole.

use bytes::Bytes;
use event::{Table, UuidOrigin};
use hogflare_capture::v1::{
    Batch, Error, INFLATED_LIMIT, Lane, Request, Verdict, WIRE_LIMIT, decode, results_body,
    retry_after, tag,
};
use hogflare_capture::{Busy, Memory, Note, Settings, Unbounded};
use http::{HeaderMap, HeaderName};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::common::{NOW, gzip, json, optional_json};

const UUID: &str = "0197c5a0-0000-7000-8000-00000000000";

fn headers() -> HeaderMap {
    [
        ("authorization", "Bearer phc_a"),
        ("content-type", "application/json"),
        ("user-agent", "u"),
        ("posthog-sdk-info", "posthog-\"test\"/1.2.3"),
        ("posthog-attempt", "1"),
        ("posthog-request-id", "0197c5a0-9999-7000-8000-000000000001"),
        ("posthog-request-timestamp", NOW),
    ]
    .into_iter()
    .map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()))
    .collect()
}

fn request(headers: &HeaderMap, body: impl Into<Bytes>) -> Request<'_> {
    Request {
        lane: Lane::Analytics,
        headers,
        body: body.into(),
        received_at: NOW.parse().unwrap(),
        client_ip: Some([203, 0, 113, 7].into()),
    }
}

fn decoded(body: impl Into<Bytes>) -> Result<Batch, Error> {
    decode(&request(&headers(), body), &Settings::default(), &mut Unbounded)
}

/// A batch of events with these members besides the required ones.
fn batch(events: &[Value]) -> String {
    let events: Vec<Value> = events
        .iter()
        .enumerate()
        .map(|(index, members)| {
            let mut event = json!({
                "event": "e", "uuid": format!("{UUID}{index}"), "distinct_id": "d",
                "timestamp": "2025-07-01T10:00:00Z",
            });
            for (name, value) in members.as_object().unwrap() {
                event[name] = value.clone();
            }
            event
        })
        .collect();
    json!({"created_at": "2025-07-01T11:00:00Z", "batch": events}).to_string()
}

/// The batch of one event.
fn one(members: Value) -> Batch {
    decoded(batch(&[members])).unwrap()
}

fn properties(members: Value) -> Value {
    json(&one(members).events[0].properties)
}

fn dropped(members: Value) -> &'static str {
    let batch = one(members);
    assert!(batch.events.is_empty());
    match batch.outcomes[0].verdict {
        Verdict::Drop(tag) => tag,
        other => panic!("{other:?}"),
    }
}

fn tag_of(body: impl Into<Bytes>) -> &'static str {
    decoded(body).unwrap_err().tag()
}

#[test]
fn an_event_is_stored_as_it_was_sent_and_what_stood_outside_is_appended() {
    let sent = r#"{ "z":1.10,"a":"\u00e9","$lib":"other" }"#;
    let body = batch(&[json!({})]).replace(
        "\"uuid\"",
        &format!("\"properties\":{sent},\"session_id\":\"S\",\"window_id\":\"W\",\"uuid\""),
    );
    let batch = decoded(body).unwrap();
    let event = &batch.events[0];
    assert_eq!(
        event.properties,
        r#"{"z":1.10,"a":"\u00e9","$ip":"203.0.113.7","$sent_at":"2025-07-01T11:00:00.000000Z","$session_id":"S","$window_id":"W","$lib":"posthog-\"test\"","$lib_version":"1.2.3"}"#
    );
    assert_eq!(event.session_id.as_deref(), Some("S"));
    assert_eq!(event.window_id.as_deref(), Some("W"));
    assert_eq!(event.uuid_origin, UuidOrigin::Client);
    assert_eq!(event.token.as_str(), "phc_a");
    assert_eq!(event.sent_at, Some(NOW.parse().unwrap()));
}

#[test]
fn options_win_over_properties_of_their_names() {
    let batch = one(json!({
        "session_id": "0197C5A0-0000-7000-8000-00000000000A",
        "options": {"cookieless_mode": "1", "disable_skew_correction": 1,
            "process_person_profile": "FALSE", "product_tour_id": 7},
        "properties": {"$cookieless_mode": false, "$process_person_profile": true,
            "$session_id": "old", "$ignore_sent_at": null},
    }));
    let event = &batch.events[0];
    let stored = json(&event.properties);
    assert_eq!(stored["$cookieless_mode"], true);
    assert_eq!(stored["$ignore_sent_at"], true);
    assert_eq!(stored["$process_person_profile"], false);
    assert_eq!(stored["$product_tour_id"], 7);
    assert_eq!(event.properties.matches("\"$session_id\"").count(), 1);
    assert_eq!(event.session_id.as_deref(), Some("0197c5a0-0000-7000-8000-00000000000a"));
    assert!(event.cookieless);
    assert!(!event.process_person_profile);
}

#[test]
fn what_is_too_long_for_an_id_is_kept_beside_the_event() {
    let (id, long) = ("i".repeat(200), "é".repeat(101));
    let batch = one(json!({"session_id": long, "window_id": id}));
    let event = &batch.events[0];
    assert_eq!((&event.session_id, &event.window_id), (&None, &Some(id)));
    assert!(!event.properties.contains("$session_id"));
    assert_eq!(optional_json(&event.extra), json!({"session_id": long}));
}

#[test]
fn properties_say_what_no_option_says() {
    let batch = one(json!({
        "session_id": null, "window_id": "", "options": null,
        "properties": {"$cookieless_mode": true, "$process_person_profile": false,
            "$session_id": "s", "$window_id": "w"},
    }));
    let event = &batch.events[0];
    assert!(event.cookieless && !event.process_person_profile);
    assert_eq!(event.session_id.as_deref(), Some("s"));
    assert_eq!(event.window_id.as_deref(), Some("w"));
}

#[test]
fn what_has_no_place_is_kept() {
    let batch = one(json!({"library": "x", "empty": "", "options": {"new": 1}}));
    let extra = optional_json(&batch.events[0].extra);
    assert_eq!(extra, json!({"library": "x", "options": {"new": 1}}));
    let body = batch_with("\"historical_migration\":true,\"capture_internal\":null,\"new\":1");
    let batch = decoded(body).unwrap();
    assert_eq!(optional_json(&batch.events[0].extra), json!({"historical_migration": true}));
    assert_eq!(batch.notes.count(Note::IgnoredEnvelopeMember), 1);
}

fn batch_with(members: &str) -> String {
    batch(&[json!({})]).replacen('{', &format!("{{{members},"), 1)
}

#[test]
fn persons_elements_and_tables_are_as_in_v0() {
    let batch = one(json!({"properties": {
        "$browser": "Chrome", "$set": {"a": 1}, "$elements": [{"tag_name": "a"}],
    }}));
    let event = &batch.events[0];
    assert_eq!(optional_json(&event.set), json!({"a": 1}));
    assert!(event.elements_chain.starts_with("a:"));
    let warning = one(json!({"event": "$$client_ingestion_warning"}));
    assert_eq!(warning.events[0].table, Table::Quarantine);
    assert_eq!(warning.outcomes[0].verdict, Verdict::Ok);
    let declined = json!({"event": "$identify", "options": {"process_person_profile": false}});
    assert_eq!(one(declined).events[0].table, Table::Quarantine);
}

#[test]
fn each_event_is_judged_on_its_own() {
    for (members, expected) in [
        (json!({"event": ""}), tag::MISSING_EVENT_NAME),
        (json!({"event": "é".repeat(101)}), tag::EVENT_NAME_TOO_LONG),
        (json!({"distinct_id": " \n"}), tag::MISSING_DISTINCT_ID),
        (json!({"distinct_id": "é".repeat(101)}), tag::DISTINCT_ID_TOO_LARGE),
        (json!({"timestamp": "2025-07-01"}), tag::INVALID_EVENT_TIMESTAMP),
        (json!({"timestamp": ""}), tag::INVALID_EVENT_TIMESTAMP),
        (json!({"properties": null}), tag::MALFORMED_EVENT_PROPERTIES),
        (json!({"properties": [1]}), tag::MALFORMED_EVENT_PROPERTIES),
        (json!({"properties": "x"}), tag::MALFORMED_EVENT_PROPERTIES),
        (json!({"properties": 1.5}), tag::MALFORMED_EVENT_PROPERTIES),
        (json!({"properties": -1}), tag::MALFORMED_EVENT_PROPERTIES),
        (json!({"properties": true}), tag::MALFORMED_EVENT_PROPERTIES),
        (json!({"event": "$performance_event"}), tag::DROPPED_PERFORMANCE_EVENT),
        (json!({"options": []}), tag::INVALID_OPTIONS),
    ] {
        assert_eq!(dropped(members.clone()), expected, "{members}");
    }
    let batch = decoded(batch(&[json!({"event": ""}), json!({}), json!({"options": 1})])).unwrap();
    let stored: Vec<bool> =
        batch.outcomes.iter().map(|outcome| outcome.verdict.is_stored()).collect();
    assert_eq!(stored, [false, true, false]);
    assert_eq!(batch.events.len(), 1);
    assert_eq!(batch.events[0].uuid, batch.outcomes[1].uuid);
}

#[test]
fn two_hundred_bytes_are_not_too_many() {
    let batch = one(json!({"event": "é".repeat(100), "distinct_id": "é".repeat(100)}));
    assert_eq!(batch.outcomes[0].verdict, Verdict::Ok);
    assert_eq!(batch.events[0].event, "é".repeat(100));
}

#[test]
fn an_id_of_nobody_is_stored_without_a_person() {
    for id in ["Undefined", " NULL ", "[object Object]", "0", "Anonymous-User"] {
        let batch = one(json!({"distinct_id": id, "event": "$identify",
            "properties": {"$browser": "Chrome"}}));
        let said = Verdict::OkWith(tag::PERSON_PROCESSING_DISABLED);
        assert_eq!(batch.outcomes[0].verdict, said, "{id}");
        let event = &batch.events[0];
        assert!(!event.process_person_profile);
        assert_eq!((event.table, &event.set), (Table::Events, &None));
        assert_eq!(event.distinct_id.as_str(), id.trim());
    }
    let real = one(json!({"distinct_id": "users"}));
    assert_eq!(real.outcomes[0].verdict, Verdict::Ok);
}

#[test]
fn ids_are_trimmed_and_uuids_answered_in_lower_case() {
    let batch = one(json!({
        "uuid": " 0197C5A0-0000-7000-8000-00000000000A\n", "distinct_id": " a\0b ",
    }));
    let expected = "0197c5a0-0000-7000-8000-00000000000a";
    assert_eq!(batch.events[0].uuid.to_string(), expected);
    assert_eq!(batch.events[0].distinct_id.as_str(), "a\u{fffd}b");
    let results: Value = serde_json::from_str(&results_body(&batch.outcomes)).unwrap();
    assert_eq!(results, json!({"results": {expected: {"result": "ok"}}}));
}

#[test]
fn times_are_corrected_unless_the_event_asks_for_its_own() {
    let mut headers = headers();
    headers.insert("posthog-request-timestamp", "2025-07-01T11:00:10Z".parse().unwrap());
    let time = |members: Value| {
        let request = request(&headers, batch(&[members]));
        let batch = decode(&request, &Settings::default(), &mut Unbounded).unwrap();
        batch.events[0].timestamp.to_string()
    };
    assert_eq!(time(json!({})), "2025-07-01T09:59:50.000000Z");
    let exact = json!({"disable_skew_correction": true});
    assert_eq!(time(json!({"options": exact})), "2025-07-01T10:00:00.000000Z");
    let ahead = "2031-01-01T00:00:00Z";
    assert_eq!(time(json!({"timestamp": ahead})), NOW);
    let taken = time(json!({"timestamp": ahead, "options": exact}));
    assert_eq!(taken, "2031-01-01T00:00:00.000000Z");
    let old = one(json!({"timestamp": "1969-07-20T20:17:00Z", "options": exact}));
    assert_eq!(old.events[0].timestamp.to_string(), NOW);
    let kept = optional_json(&old.events[0].extra);
    assert_eq!(kept, json!({"original_timestamp": "1969-07-20T20:17:00Z"}));
    assert_eq!(old.notes.count(Note::ClampedTimestamp), 1);
}

#[test]
fn the_lane_for_ai_takes_nothing_else() {
    let body = batch(&[json!({"event": "$ai_span"}), json!({"event": "$pageview"})]);
    let headers = headers();
    let request = Request { lane: Lane::Ai, ..request(&headers, body) };
    let batch = decode(&request, &Settings::default(), &mut Unbounded).unwrap();
    assert_eq!(batch.outcomes[0].verdict, Verdict::Ok);
    assert_eq!(batch.outcomes[1].verdict, Verdict::Drop(tag::MISROUTED_EVENT));
    assert_eq!(batch.events.len(), 1);
}

#[test]
fn what_could_not_be_stored_is_to_be_sent_again_and_what_was_dropped_is_not() {
    let mut batch = decoded(batch(&[json!({}), json!({"event": ""})])).unwrap();
    assert_eq!(retry_after(&batch.outcomes), None);
    batch.not_persisted();
    assert_eq!(batch.outcomes[0].verdict, Verdict::Retry(tag::NOT_PERSISTED));
    assert_eq!(batch.outcomes[1].verdict, Verdict::Drop(tag::MISSING_EVENT_NAME));
    assert!(retry_after(&batch.outcomes).is_some());
}

#[test]
fn a_member_of_another_type_fails_the_request() {
    for members in [
        json!({"event": 1}),
        json!({"uuid": null}),
        json!({"distinct_id": 7}),
        json!({"timestamp": 1_751_364_000}),
        json!({"session_id": 1}),
        json!({"window_id": {}}),
    ] {
        assert_eq!(
            tag_of(batch(std::slice::from_ref(&members))),
            "request_parsing_error",
            "{members}"
        );
    }
    let whole = format!(
        r#"{{"created_at":"{NOW}","batch":[{{"event":"e","uuid":"{UUID}0","distinct_id":"d","timestamp":"{NOW}"}}]}}"#
    );
    assert!(decoded(whole.clone()).is_ok());
    for (from, to) in [
        ("\"event\":\"e\"", "\"name\":\"e\""),
        ("\"event\":\"e\"", "\"event\":\"e\",\"event\":\"f\""),
        ("\"distinct_id\"", "\"$distinct_id\""),
        ("\"created_at\":", "\"created_at\":1,\"x\":"),
        ("\"created_at\":", "\"x\":"),
        ("\"created_at\":", "\"historical_migration\":\"yes\",\"created_at\":"),
        ("\"batch\":[", "\"batch\":[null,"),
        ("\"batch\":", "\"events\":"),
    ] {
        let body = whole.replace(from, to);
        assert_ne!(body, whole);
        assert_eq!(tag_of(body), "request_parsing_error", "{from} {to}");
    }
    for body in ["[]", "7", "null", "{", "{} x"] {
        assert_eq!(tag_of(body), "request_parsing_error", "{body}");
    }
}

#[test]
fn a_batch_that_cannot_be_answered_is_refused() {
    assert_eq!(tag_of(""), "empty_body");
    assert_eq!(tag_of(batch(&[])), "empty_batch");
    assert_eq!(tag_of(batch(&[json!({"uuid": " "})])), "missing_event_uuid");
    assert_eq!(tag_of(batch(&[json!({"uuid": "x"})])), "invalid_event_uuid");
    let same = json!({"uuid": format!("{UUID}0").to_uppercase()});
    assert_eq!(tag_of(batch(&[json!({}), same])), "duplicate_event_uuid");
    let body = batch(&[json!({})]).replace("T11:00:00Z", "");
    assert_eq!(tag_of(body), "invalid_batch");
}

#[test]
fn the_body_is_what_its_encoding_says() {
    let tag = |encoding: &str, body: Vec<u8>| {
        let mut headers = headers();
        headers.insert("content-encoding", encoding.parse().unwrap());
        let decoded = decode(&request(&headers, body), &Settings::default(), &mut Unbounded);
        decoded.map_or_else(|error| error.tag(), |_| "ok")
    };
    let plain = || batch(&[json!({})]).into_bytes();
    assert_eq!(tag("identity", plain()), "ok");
    assert_eq!(tag("gzip", gzip(&plain())), "ok");
    assert_eq!(tag("zstd", zstd::encode_all(plain().as_slice(), 1).unwrap()), "ok");
    for encoding in ["gzip", "deflate", "br", "zstd"] {
        assert_eq!(tag(encoding, plain()), "request_decoding_error", "{encoding}");
    }
    // Without the header nothing is sniffed.
    assert_eq!(tag_of(gzip(&plain())), "request_parsing_error");
}

#[test]
fn bodies_end_at_ten_mebibytes_and_below_fifty_inflated() {
    assert_eq!(tag_of(vec![b' '; WIRE_LIMIT]), "request_parsing_error");
    assert_eq!(tag_of(vec![b' '; WIRE_LIMIT + 1]), "payload_too_large");
    let mut headers = headers();
    headers.insert("content-encoding", "gzip".parse().unwrap());
    for (length, expected) in
        [(INFLATED_LIMIT - 1, "request_parsing_error"), (INFLATED_LIMIT, "payload_too_large")]
    {
        let body = gzip(&vec![b' '; length]);
        let refused = decode(&request(&headers, body), &Settings::default(), &mut Unbounded);
        assert_eq!(refused.unwrap_err().tag(), expected);
    }
}

#[test]
fn memory_is_asked_for_and_its_lack_may_pass() {
    struct Nothing;
    impl Memory for Nothing {
        fn reserve(&mut self, _bytes: usize) -> Result<(), Busy> {
            Err(Busy)
        }
    }
    let many: Vec<Value> =
        (0..1_000).map(|n| json!({"uuid": uuid::Uuid::from_u128(n).to_string()})).collect();
    let headers = headers();
    let request = request(&headers, batch(&many));
    let error = decode(&request, &Settings::default(), &mut Nothing).unwrap_err();
    assert_eq!(error, Error::ServiceUnavailable);
    assert!(error.retry_after().is_some());
}

#[test]
fn deep_json_and_control_characters_are_met_as_in_v0() {
    let nested = |levels: usize| {
        let value = "[".repeat(levels) + &"]".repeat(levels);
        batch(&[json!({})])
            .replace("\"uuid\"", &format!("\"properties\":{{\"a\":{value}}},\"uuid\""))
    };
    assert!(decoded(nested(124)).is_ok());
    assert_eq!(tag_of(nested(1_000_000)), "request_parsing_error");
    let raw = batch(&[json!({})]).replace("\"d\"", "\"d\ty\"");
    assert_eq!(decoded(raw).unwrap().notes.count(Note::RawControlCharacter), 1);
    assert_eq!(properties(json!({"properties": {"a": "x"}}))["a"], "x");
}

fn any_member() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        Just(json!({})),
        Just(json!("")),
        Just(json!("$pageview")),
        Just(json!("2025-07-01T10:00:00Z")),
        Just(json!({"cookieless_mode": true, "$browser": "x"})),
        any::<f64>().prop_map(Value::from),
        "[a-z\"\\\\é ]{0,220}".prop_map(Value::from),
    ]
}

proptest! {
    #[test]
    fn a_batch_that_is_taken_answers_for_every_uuid_once(events in proptest::collection::vec(
        proptest::collection::btree_map(
            proptest::sample::select(vec![
                "event", "distinct_id", "timestamp", "properties", "options", "session_id", "other",
            ]),
            any_member(),
            0..3,
        ),
        1..9,
    )) {
        let events: Vec<Value> = events.into_iter().map(|members| json!(members)).collect();
        match decoded(batch(&events)) {
            Err(error) => prop_assert_eq!(error.tag(), "request_parsing_error"),
            Ok(batch) => {
                let answered: Vec<String> =
                    batch.outcomes.iter().map(|outcome| outcome.uuid.to_string()).collect();
                let sent: Vec<String> =
                    (0..events.len()).map(|index| format!("{UUID}{index}")).collect();
                prop_assert_eq!(answered, sent);
                let stored = batch.outcomes.iter().filter(|outcome| outcome.verdict.is_stored());
                let stored: Vec<_> = stored.map(|outcome| outcome.uuid).collect();
                let events: Vec<_> = batch.events.iter().map(|event| event.uuid).collect();
                prop_assert_eq!(stored, events);
                for event in &batch.events {
                    json(&event.properties);
                    optional_json(&event.extra);
                }
            }
        }
    }

    #[test]
    fn no_bytes_panic(
        body in proptest::collection::vec(any::<u8>(), 0..200),
        encoding in proptest::sample::select(vec!["gzip", "deflate", "br", "zstd", "identity", "x"]),
        value in "[ -~]{0,20}",
    ) {
        let mut headers = headers();
        headers.insert("content-encoding", encoding.parse().unwrap());
        drop(decode(&request(&headers, body.clone()), &Settings::default(), &mut Unbounded));
        for name in ["authorization", "posthog-attempt", "posthog-sdk-info"] {
            headers.insert(name, value.parse().unwrap());
            drop(decode(&request(&headers, body.clone()), &Settings::default(), &mut Unbounded));
        }
    }

    #[test]
    fn no_broken_batch_panics(cut in 0usize..400, at in 0usize..400, byte: u8) {
        let whole = batch(&[json!({"properties": {"$set": {"a": 1}}, "options": {}}), json!({})]);
        let mut bytes = whole.into_bytes();
        let length = bytes.len();
        bytes[at % length] = byte;
        bytes.truncate(length - cut % 50);
        drop(decoded(bytes));
    }
}
