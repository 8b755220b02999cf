//! What becomes of events, member by member.

use event::UuidOrigin;
use hogflare_capture::{Busy, Lane, Memory, Note, Settings, decode_events};
use proptest::prelude::*;
use serde_json::json;

use crate::common::{NOW, Posted, gzip, json, optional_json, post};

fn capture(body: &str) -> Posted {
    post(Lane::Capture, body.to_owned())
}

/// An event with these properties, as JSON text.
fn with_properties(properties: &str) -> Posted {
    capture(&format!(r#"{{"event":"e","distinct_id":"d","properties":{properties}}}"#))
}

#[test]
fn properties_are_stored_as_they_were_sent() {
    let sent = r#"{ "z":1.10,"a":"\u00e9\u0000", "n":{"y":[ 1 ,2],"x":1e400},"big":12345678901234567890123}"#;
    assert_eq!(
        with_properties(sent).event().properties,
        r#"{"z":1.10,"a":"\u00e9\u0000", "n":{"y":[ 1 ,2],"x":1e400},"big":12345678901234567890123}"#
    );
}

#[test]
fn only_members_without_a_place_are_kept_as_extra() {
    let body = r#"{"a":1,"event":"e","distinct_id":"d","properties":{"p":2},"b":3}"#;
    assert_eq!(capture(body).event().extra.as_deref(), Some(r#"{"a":1,"b":3}"#));
}

#[test]
fn the_clients_address_is_appended_where_the_event_has_none() {
    let properties = |sent: &str| {
        let posted = with_properties(sent).at_a_known_address();
        json(&posted.event().properties)
    };
    for falsy in ["", r#""$ip":null,"#, r#""$ip":"","#, r#""$ip":false,"#, r#""$ip":0,"#] {
        let stored = properties(&format!(r#"{{{falsy}"a":1}}"#));
        assert_eq!(stored, json!({"a": 1, "$ip": "203.0.113.7"}));
    }
    assert_eq!(properties(r#"{"$ip":"10.0.0.1"}"#), json!({"$ip": "10.0.0.1"}));
    let unknown = with_properties(r#"{"$ip":null}"#).event().properties;
    assert_eq!(unknown, r#"{"$ip":null}"#);
}

#[test]
fn the_send_time_is_appended_and_kept() {
    let event = capture(
        r#"{"batch":[{"event":"e","distinct_id":"d","properties":{"$sent_at":"x"}}],
            "sentAt":"2025-07-01T10:59:00+00:00"}"#,
    )
    .event();
    assert_eq!(json(&event.properties), json!({"$sent_at": "2025-07-01T10:59:00.000000Z"}));
    assert_eq!(event.sent_at, Some("2025-07-01T10:59:00Z".parse().unwrap()));
}

#[test]
fn the_send_time_comes_from_wherever_it_is_said() {
    let shifted = |posted: Posted| posted.event().timestamp.to_string();
    let item = r#"{"event":"e","distinct_id":"d","timestamp":"2025-07-01T10:00:00Z"}"#;
    let ten_ahead = "2025-07-01T11:00:10Z";
    let expected = "2025-07-01T09:59:50.000000Z";
    let header = "x-posthog-sent-at";
    assert_eq!(shifted(capture(item).header(header, ten_ahead)), expected);
    assert_eq!(shifted(capture(item).query("_=1751367610000")), expected);
    let own = item.replace('}', &format!(",\"sent_at\":\"{ten_ahead}\"}}"));
    assert_eq!(shifted(capture(&own).query("_=1751367600000")), expected);
    let enveloped = format!("{{\"sent_at\":\"{ten_ahead}\",\"batch\":[{item}]}}");
    assert_eq!(shifted(capture(&enveloped).header(header, NOW)), expected);
}

#[test]
fn a_repeated_key_is_stored_once_with_its_last_value() {
    let posted = with_properties(r#"{"a":1,"b":2,"a":3,"\u0061":4}"#);
    assert_eq!(posted.event().properties, r#"{"b":2,"\u0061":4}"#);
    assert_eq!(posted.decode().unwrap().notes.count(Note::RepeatedKey), 2);
}

#[test]
fn set_stays_in_properties_and_the_top_level_wins() {
    let event = capture(
        r#"{"event":"e","distinct_id":"d","properties":{"$set":{"a":1,"b":1},"$set_once":{"c":1}},
            "$set":{"b":2}}"#,
    )
    .event();
    assert_eq!(optional_json(&event.set), json!({"a": 1, "b": 2}));
    assert_eq!(optional_json(&event.set_once), json!({"c": 1}));
    assert_eq!(event.properties, r#"{"$set":{"a":1,"b":1},"$set_once":{"c":1}}"#);
}

#[test]
fn a_set_that_is_no_object_is_kept_but_not_applied() {
    let event =
        capture(r#"{"event":"e","distinct_id":"d","$set":"x","properties":{"$set":[]}}"#).event();
    assert_eq!(event.set, None);
    assert_eq!(event.extra.as_deref(), Some(r#"{"$set":"x"}"#));
}

#[test]
fn elements_become_a_chain() {
    let of = |properties: &str| {
        let event = with_properties(properties).event();
        (event.elements_chain, event.properties)
    };
    let link = "a:nth-child=\"0\"nth-of-type=\"0\"".to_owned();
    assert_eq!(of(r#"{"x":1,"$elements":[{"tag_name":"a"}]}"#), (link, r#"{"x":1}"#.into()));
    assert_eq!(
        of(r#"{"$elements_chain":"b:","$elements":[{"tag_name":"a"}],"x":1}"#),
        ("b:".into(), r#"{"x":1}"#.into())
    );
    let odd = r#"{"$elements":[1],"$elements_chain":2}"#;
    assert_eq!(of(odd), (String::new(), odd.into()));
}

#[test]
fn unknown_members_and_context_are_kept() {
    let event = post(
        Lane::Batch,
        r#"{"batch":[{"event":"e","distinct_id":"d","context":{"app": "x"},"type":"capture",
            "library":"posthog-node","messageId":"m","empty":"","none":null,"alias":"b"}],
            "api_key":"phc_a","stray":1}"#,
    );
    let captured = event.decode().unwrap();
    assert_eq!(captured.notes.count(Note::IgnoredEnvelopeMember), 1);
    let event = &captured.events[0];
    assert_eq!(event.context.as_deref(), Some(r#"{"app": "x"}"#));
    assert_eq!(
        optional_json(&event.extra),
        json!({"library": "posthog-node", "messageId": "m", "alias": "b"})
    );
}

#[test]
fn a_time_that_was_not_followed_is_kept_as_sent() {
    let of = |timestamp: &str| {
        capture(&format!(r#"{{"event":"e","distinct_id":"d","timestamp":{timestamp}}}"#))
    };
    for sent in ["\"2030-01-01\"", "12", "\"tomorrow\"", "\"1969-07-20T20:17:00Z\""] {
        let event = of(sent).event();
        assert_eq!(event.timestamp.to_string(), NOW);
        let extra = event.extra.unwrap();
        assert_eq!(extra, format!("{{\"original_timestamp\":{sent}}}"));
    }
    let good = of("1751364000").event();
    assert_eq!(good.timestamp.to_string(), "2025-07-01T10:00:00.000000Z");
    assert_eq!(good.extra, None);
}

#[test]
fn no_time_is_so_odd_that_its_event_is_lost() {
    let of =
        |members: &str| capture(&format!(r#"{{"event":"e","distinct_id":"d",{members}}}"#)).event();
    for sent in [
        "\"+010000-01-01T00:00:00Z\"",
        "\"-000001-01-01T00:00:00Z\"",
        "\"9999-12-31T23:59:59Z\"",
        "\"0000-01-01T00:00:00Z\"",
        "\"2025-02-30T00:00:00Z\"",
        "9223372036854775807",
        "-9223372036854775808",
        "99999999999999999999999999",
        "1e308",
        "-1",
        "{}",
        "[]",
        "true",
    ] {
        let event = of(&format!("\"timestamp\":{sent}"));
        assert_eq!(event.timestamp.to_string(), NOW, "{sent}");
        assert_eq!(event.extra, Some(format!("{{\"original_timestamp\":{sent}}}")), "{sent}");
    }
    for offset in ["1e300", "-9223372036854775808", "9223372036854775807", "\"1e19\""] {
        let event = of(&format!("\"offset\":{offset}"));
        assert_eq!(event.timestamp.to_string(), NOW, "{offset}");
        assert_eq!(event.extra, Some(format!("{{\"offset\":{offset}}}")), "{offset}");
    }
    let event = of(r#""offset":"soon","timestamp":"2025-07-01T10:00:00Z""#);
    assert_eq!(event.timestamp.to_string(), "2025-07-01T10:00:00.000000Z");
    assert_eq!(event.extra.as_deref(), Some(r#"{"offset":"soon"}"#));
    for sent_at in ["1e300", "-1e300", "\"never\""] {
        let event = of(&format!("\"sent_at\":{sent_at}"));
        assert_eq!(event.timestamp.to_string(), NOW, "{sent_at}");
        assert_eq!(event.sent_at, None, "{sent_at}");
        assert_eq!(event.extra, Some(format!("{{\"sent_at\":{sent_at}}}")), "{sent_at}");
        assert_eq!(event.properties, "{}");
    }
}

#[test]
fn a_made_uuid_is_as_old_as_its_event() {
    let event =
        capture(r#"{"event":"e","distinct_id":"d","timestamp":"2025-07-01T10:00:00.123Z"}"#)
            .event();
    assert_eq!(event.uuid_origin, UuidOrigin::Server);
    let (seconds, nanos) = event.uuid.get_timestamp().unwrap().to_unix();
    let millis = seconds * 1_000 + u64::from(nanos) / 1_000_000;
    assert_eq!(i64::try_from(millis).unwrap(), event.timestamp.as_millis());

    let sent =
        capture(r#"{"event":"e","distinct_id":"d","uuid":"0197C5A0-0000-7000-8000-000000000000"}"#)
            .event();
    assert_eq!(sent.uuid_origin, UuidOrigin::Client);
    assert_eq!(sent.uuid.to_string(), "0197c5a0-0000-7000-8000-000000000000");

    let bad = capture(r#"{"event":"e","distinct_id":"d","uuid":"x"}"#).decode().unwrap();
    assert_eq!(bad.events[0].uuid_origin, UuidOrigin::Server);
    assert_eq!(bad.notes.count(Note::UnreadableUuid), 1);
}

#[test]
fn ids_of_session_and_person_mode_are_lifted() {
    let event = with_properties(
        r#"{"$session_id":"0197C5A0-0000-7000-8000-00000000000A","$window_id":"W",
            "$process_person_profile":false}"#,
    )
    .event();
    assert_eq!(event.session_id.as_deref(), Some("0197c5a0-0000-7000-8000-00000000000a"));
    assert_eq!(event.window_id.as_deref(), Some("W"));
    assert!(!event.process_person_profile);
    let odd = with_properties(r#"{"$session_id":7,"$process_person_profile":"false"}"#).event();
    assert_eq!(odd.session_id, None);
    assert!(odd.process_person_profile);
}

#[test]
fn what_is_too_long_for_an_id_stays_a_property() {
    let of = |length: usize| {
        let id = "i".repeat(length);
        let sent = json!({"$session_id": id, "$window_id": id});
        let event = with_properties(&sent.to_string()).event();
        assert_eq!(json(&event.properties), sent);
        (event.session_id.is_some(), event.window_id.is_some())
    };
    assert_eq!(of(200), (true, true));
    assert_eq!(of(201), (false, false));
}

#[test]
fn a_long_name_is_cut() {
    let name = "é".repeat(201);
    let posted = capture(&format!(r#"{{"event":"{name}","distinct_id":"d"}}"#));
    assert_eq!(posted.event().event, "é".repeat(200));
    assert_eq!(posted.decode().unwrap().notes.count(Note::CutEventName), 1);
}

#[test]
fn properties_may_be_null_or_phps_empty_array() {
    for empty in ["null", "[]", "{}"] {
        assert_eq!(with_properties(empty).event().properties, "{}");
    }
    for wrong in ["[1]", "\"x\"", "7"] {
        let error = with_properties(wrong).error();
        assert!(error.starts_with("failed to parse request: "), "{error}");
        assert!(error.contains("properties"), "{error}");
    }
}

#[test]
fn a_historical_migration_is_remembered() {
    let item = r#"{"event":"e","distinct_id":"d"}"#;
    let of = |body: &str| capture(body).event().extra;
    let kept = Some(r#"{"historical_migration":true}"#.to_owned());
    assert_eq!(of(&format!(r#"{{"historical_migration":true,"batch":[{item}]}}"#)), kept);
    assert_eq!(of(r#"{"event":"e","distinct_id":"d","historical_migration":true}"#), kept);
    assert_eq!(of(&format!(r#"{{"historical_migration":false,"batch":[{item}]}}"#)), None);
    assert_eq!(of(r#"{"event":"e","distinct_id":"d","batch":null}"#), None);
}

#[test]
fn null_items_are_skipped_and_noted() {
    let posted = capture(r#"{"batch":[null,{"event":"e","distinct_id":"d"},null]}"#);
    assert_eq!(posted.events().len(), 1);
    assert_eq!(posted.decode().unwrap().notes.count(Note::NullItem), 2);
    assert_eq!(capture("[null]").error(), "request holds no event");
}

#[test]
fn a_batch_of_ten_thousand_is_taken_in_order() {
    let items: Vec<String> =
        (0..10_000).map(|number| format!(r#"{{"event":"e{number}","distinct_id":"d"}}"#)).collect();
    let events = capture(&format!("[{}]", items.join(","))).events();
    assert_eq!(events.len(), 10_000);
    assert_eq!(events[9_999].event, "e9999");
}

#[test]
fn a_token_is_looked_for_everywhere_in_order() {
    let token = |posted: Posted| posted.event().token.to_string();
    let item = r#"{"event":"e","distinct_id":"d"}"#;
    let with = |member: &str| item.replace("\"e\"", &format!("\"e\",{member}"));
    assert_eq!(token(capture(item)), "phc_default");
    let query = |body: &str| capture(body).query("api_key=phc_query");
    assert_eq!(token(query(item)), "phc_query");
    let bearer = |body: &str| query(body).header("authorization", "Bearer phc_bearer");
    assert_eq!(token(bearer(item)), "phc_bearer");
    let header = |body: &str| bearer(body).header("x-posthog-api-key", "phc_header");
    assert_eq!(token(header(item)), "phc_header");
    let in_api_key = with(r#""properties":{"api_key":"phc_property"}"#);
    assert_eq!(token(header(&in_api_key)), "phc_property");
    let in_token = with(r#""properties":{"api_key":"x","token":"phc_property"}"#);
    assert_eq!(token(header(&in_token)), "phc_property");
    let own = with(r#""token":"","api_key":"phc_own","$token":"phc_third""#);
    assert_eq!(token(header(&own)), "phc_own");
    let enveloped = format!(r#"{{"batch":[{own}],"token":"phc_envelope"}}"#);
    assert_eq!(token(header(&enveloped)), "phc_envelope");
}

#[test]
fn no_token_and_a_blank_one_are_told_apart() {
    let item = r#"{"event":"e","distinct_id":"d"}"#;
    let none = capture(item).without_default_token();
    assert_eq!(none.error(), "event submitted without an api_key");
    let blank = format!(r#"{{"api_key":"  ","batch":[{item}]}}"#);
    let blank = capture(&blank).without_default_token();
    assert_eq!(blank.error(), "API key is not valid: empty");
}

#[test]
fn errors_come_in_posthogs_order() {
    let no_token = capture(r#"{"event":"","distinct_id":null}"#).without_default_token();
    assert_eq!(no_token.error(), "event submitted without an api_key");
    let no_name = capture(r#"{"event":"","properties":{"$cookieless_mode":"x"}}"#);
    assert_eq!(no_name.error(), "event submitted with an empty event name");
    let no_id = capture(r#"{"event":"e","properties":{"$cookieless_mode":"x"}}"#);
    assert_eq!(no_id.error(), "event submitted with invalid cookieless mode");
    let no_id = capture(r#"{"event":"e","distinct_id":" "}"#);
    assert_eq!(no_id.error(), "event submitted without a distinct_id");
    let mixed = capture(r#"[{"event":"a","token":"a"},{"event":"a","token":"b"}]"#);
    assert_eq!(mixed.error(), "batch submitted with inconsistent api_key values");
}

#[test]
fn json_that_is_no_event_is_refused_with_a_reason() {
    let no_shape = "failed to parse request: data did not match any variant of untagged enum \
                    RawRequest";
    for body in ["1", "true", "\"text\"", "null"] {
        assert!(capture(body).error().starts_with(no_shape), "{body}");
    }
    for (body, part) in [
        (r#"{"event":"e","properties":{"a":NaN}}"#, "NaN is not JSON"),
        (r#"{"event":"e","properties":{"a":-Infinity}}"#, "-Infinity is not JSON"),
        (r#"{"event":"e","properties":{"a":Infinity}}"#, "Infinity is not JSON"),
        (r#"{"event":"#, "EOF"),
        (r#"{"event":7}"#, "event must be a string"),
        (r#"{"event":"e"} x"#, "trailing"),
        (r#"[7]"#, "expected an event object"),
    ] {
        let error = capture(body).error();
        assert!(error.starts_with("failed to parse request: "), "{error}");
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn deep_json_is_refused_before_it_can_hurt() {
    let nested = |levels: usize| {
        let value = "[".repeat(levels) + &"]".repeat(levels);
        with_properties(&format!(r#"{{"a":{value}}}"#))
    };
    // The event and its properties are two levels of the 128.
    assert_eq!(nested(126).events().len(), 1);
    assert!(nested(127).error().contains("deeper than 128 levels"));
    assert!(nested(1_000_000).error().contains("deeper than 128 levels"));
    let unclosed = capture(&format!("{{\"event\":\"e\",\"a\":{}", "[".repeat(1_000_000)));
    assert!(unclosed.error().starts_with("failed to parse request: "));
    let on_top = capture(&"[".repeat(1_000_000));
    assert!(on_top.error().starts_with("failed to parse request: "));
}

#[test]
fn lone_surrogates_and_raw_control_characters_are_repaired() {
    let posted = with_properties("{\"a\":\"\\ud83d\",\"b\":\"x\ty\0\"}");
    let captured = posted.decode().unwrap();
    let stored = json(&captured.events[0].properties);
    assert_eq!(stored, json!({"a": "\u{fffd}", "b": "x\ty\0"}));
    assert_eq!(captured.notes.count(Note::LoneSurrogate), 1);
    assert_eq!(captured.notes.count(Note::RawControlCharacter), 2);
}

#[test]
fn identify_sets_person_properties() {
    let event = post(
        Lane::Identify,
        r#"{"distinct_id":"d","properties":{"email":"a@b.c","$set":{"plan":"pro"}},"event":"x"}"#,
    )
    .event();
    assert_eq!(event.event, "$identify");
    assert_eq!(optional_json(&event.set), json!({"email": "a@b.c", "plan": "pro"}));
    assert_eq!(event.extra.as_deref(), Some(r#"{"event":"x"}"#));
}

#[test]
fn groups_set_group_properties() {
    let event =
        post(Lane::Groups, r#"{"group_type":"company","group_key":7,"properties":{"size":3}}"#)
            .event();
    assert_eq!(event.event, "$groupidentify");
    assert_eq!(event.distinct_id.as_str(), "7");
    assert_eq!(optional_json(&event.group_set), json!({"size": 3}));
    assert_eq!(
        json(&event.properties),
        json!({"size": 3, "$group_type": "company", "$group_key": "7"})
    );
    let lacking = post(Lane::Groups, r#"{"group_type":"company"}"#).error();
    assert_eq!(lacking, "failed to parse request: group_key is required");
}

#[test]
fn alias_names_a_person_twice() {
    let event = post(Lane::Alias, r#"{"distinct_id":"d","alias":"a\"b","more":1}"#).event();
    assert_eq!(event.event, "$create_alias");
    assert_eq!(event.distinct_id.as_str(), "d");
    assert_eq!(json(&event.properties), json!({"alias": "a\"b", "distinct_id": "d"}));
    assert_eq!(optional_json(&event.extra), json!({"alias": "a\"b", "more": 1}));
    let lacking = post(Lane::Alias, r#"{"distinct_id":"d"}"#).error();
    assert_eq!(lacking, "failed to parse request: alias is required");
}

#[test]
fn engage_changes_a_person_and_says_where_it_came_from() {
    let event = post(
        Lane::Engage,
        r#"{"$distinct_id":"d","$set":{"a":1},"$set_once":{"b":1},"$unset":["c"],
            "$group_set":{"g":1},"$add":{"n":1}}"#,
    )
    .event();
    assert_eq!(event.event, "$identify");
    assert_eq!(optional_json(&event.set), json!({"a": 1}));
    assert_eq!(optional_json(&event.set_once), json!({"b": 1}));
    assert_eq!(optional_json(&event.group_set), json!({"g": 1}));
    assert_eq!(json(&event.properties), json!({"$unset": ["c"]}));
    assert_eq!(optional_json(&event.extra), json!({"$add": {"n": 1}, "source_path": "/engage"}));
}

#[test]
fn batch_tells_items_apart() {
    let events = post(
        Lane::Batch,
        r#"{"api_key":"phc_a","batch":[
            {"event":"e","distinct_id":"d","type":"identify"},
            {"type":"identify","distinct_id":"d","properties":{"a":1}},
            {"type":"group_identify","group_type":"t","group_key":"k"},
            {"type":"groupidentify","group_type":"t","group_key":"k","distinct_id":"d"},
            {"type":"alias","distinct_id":"d","alias":"b"},
            {"distinct_id":"d","alias":"b"},
            {"type":"engage","distinct_id":"d","$set":{"a":1}}]}"#,
    )
    .events();
    let names: Vec<&str> = events.iter().map(|event| event.event.as_str()).collect();
    let expected = [
        "e",
        "$identify",
        "$groupidentify",
        "$groupidentify",
        "$create_alias",
        "$create_alias",
        "$identify",
    ];
    assert_eq!(names, expected);
    let nameless = post(Lane::Batch, r#"{"batch":[{"type":"capture","distinct_id":"d"}]}"#);
    assert!(nameless.error().contains("missing event name attribute"));
}

#[test]
fn an_announced_gzip_is_not_decompressed_twice() {
    let body = gzip(br#"{"event":"e","distinct_id":"d"}"#);
    let posted =
        post(Lane::Batch, body).query("compression=gzip").header("content-encoding", "gzip");
    assert_eq!(posted.event().event, "e");
}

#[test]
fn lz_string_may_be_announced_in_the_header() {
    // What lz-string 1.5 makes of `{"event":"héllo 🎉 hello hello"}`.
    let body = "N4IgpgbmB2AuIC4QAsCXAbdB7ABIHg3BI/Z2TE1xLJAF8g==";
    let posted = capture(body).header("content-encoding", "lz64");
    assert_eq!(posted.error(), "event submitted without a distinct_id");
    assert!(capture(body).error().starts_with("failed to parse request: "));
}

#[test]
fn limits_are_told_with_their_size() {
    let small = |settings: &mut Settings| {
        (settings.wire_limit, settings.inflated_limit) = (40, 100);
    };
    let wire = capture(&" ".repeat(41)).with_settings(small);
    assert_eq!(wire.error(), "maximum event size exceeded: Request body exceeds limit of 40 bytes");
    let inflated = post(Lane::Capture, gzip(&[b' '; 101])).with_settings(small);
    assert_eq!(inflated.decode().unwrap_err().status().as_u16(), 413);
}

#[test]
fn memory_is_asked_for_and_its_lack_is_no_fault_of_the_client() {
    struct Nothing;
    impl Memory for Nothing {
        fn reserve(&mut self, _bytes: usize) -> Result<(), Busy> {
            Err(Busy)
        }
    }
    let settings = Settings::default();
    let tiny = vec![r#"{"event":"e","distinct_id":"d"}"#; 1_000].join(",");
    for body in [gzip(b"[]"), format!("[{tiny}]").into_bytes()] {
        let posted = post(Lane::Capture, body);
        let error = decode_events(&posted.request(), &settings, &mut Nothing).unwrap_err();
        assert_eq!(error.status().as_u16(), 503);
    }
}

/// Any JSON value, its numbers such as every parser reads alike.
fn any_value() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        ".{0,8}".prop_map(Into::into),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
            proptest::collection::btree_map(".{0,6}", inner, 0..4)
                .prop_map(|members| members.into_iter().collect()),
        ]
    })
}

proptest! {
    #[test]
    fn any_properties_come_back_equal(
        members in proptest::collection::btree_map("[a-zA-Z\"\\\\é😀 ]{0,8}", any_value(), 0..12),
        escape_all: bool,
    ) {
        let sent = serde_json::Value::from_iter(members);
        let mut text = json!({"event": "e", "distinct_id": "d", "properties": sent}).to_string();
        if escape_all {
            text = text
                .chars()
                .flat_map(|character| match character.is_ascii() {
                    true => vec![character.to_string()],
                    false => character
                        .encode_utf16(&mut [0; 2])
                        .iter()
                        .map(|unit| format!("\\u{unit:04x}"))
                        .collect(),
                })
                .collect();
        }
        prop_assert_eq!(json(&capture(&text).event().properties), sent);
    }

    #[test]
    fn random_bytes_never_panic(
        body in proptest::collection::vec(any::<u8>(), 0..200),
        query in ".{0,40}",
    ) {
        for lane in LANES {
            let posted = post(lane, body.clone()).query(&query);
            drop((posted.decode(), posted.record()));
        }
    }

    #[test]
    fn nearly_events_never_panic(
        pieces in proptest::collection::vec(proptest::sample::select(PIECES), 0..30),
        is_gzip: bool,
    ) {
        let text = pieces.concat();
        let body = if is_gzip { gzip(text.as_bytes()) } else { text.into_bytes() };
        for lane in LANES {
            let posted = post(lane, body.clone()).at_a_known_address();
            if let Ok(captured) = posted.decode() {
                for event in captured.events {
                    json(&event.properties);
                    optional_json(&event.extra);
                    optional_json(&event.set);
                }
            }
            drop(posted.record());
        }
    }
}

const LANES: [Lane; 7] = [
    Lane::Capture,
    Lane::Batch,
    Lane::Engage,
    Lane::Identify,
    Lane::Groups,
    Lane::Alias,
    Lane::Recording,
];

const PIECES: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "null",
    "1e999",
    "\"",
    "\\",
    "\\ud83d",
    "\0",
    "\"event\":\"e\"",
    "\"distinct_id\":\"d\"",
    "\"properties\":{",
    "\"batch\":[",
    "\"$set\":{\"a\":1}",
    "\"a\":1",
    "\"a\":[]",
    "\"timestamp\":1e300",
    "\"offset\":-9e99",
    "\"alias\":1",
    "\"group_key\":{}",
    "\"group_type\":\"t\"",
    "\"$elements\":[{\"attr__class\":[1]}]",
    "\"$snapshot_data\":[1]",
    "\"$session_id\":\"s\"",
    "\"uuid\":\"u\"",
    "data=",
    "%7B",
    "eyJh",
    "\u{1f600}",
];
