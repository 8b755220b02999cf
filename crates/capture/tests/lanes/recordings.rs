//! What becomes of session recordings.

use std::collections::BTreeSet;

use event::Recording;
use event::limits::RECORD_BYTES;
use hogflare_capture::Lane;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::common::{gzip, json, post};

const SESSION: &str = "0197c5a0-1111-7000-8000-000000000001";

fn snapshot(session: &str, window: &str, data: &Value) -> Value {
    json!({
        "event": "$snapshot", "sent_at": "2025-07-01T11:00:10Z", "timestamp": "2025-07-01T10:00:00Z",
        "properties": {
            "$snapshot_data": data, "$session_id": session, "$window_id": window, "$lib": "web",
            "$lib_version": "1.449.2", "token": "phc_a", "distinct_id": "d", "$snapshot_bytes": 9,
        },
    })
}

fn record(body: &Value) -> Vec<Recording> {
    post(Lane::Recording, body.to_string()).record().unwrap().recordings
}

#[test]
fn items_of_one_session_are_one_recording() {
    let body = json!([
        snapshot(SESSION, "w", &json!([{"type": 4}, {"type": 2}])),
        snapshot(SESSION, "w", &json!([])),
        snapshot(SESSION, "w", &json!({"type": 3})),
    ]);
    let posted = post(Lane::Recording, gzip(body.to_string().as_bytes()));
    let recorded = posted.record().unwrap();
    assert_eq!(recorded.token.as_str(), "phc_a");
    let [recording] = recorded.recordings.as_slice() else {
        panic!("one recording, not {}", recorded.recordings.len());
    };
    assert_eq!(json(&recording.items), json!([{"type": 4}, {"type": 2}, {"type": 3}]));
    assert_eq!(recording.session_id, SESSION);
    assert_eq!(recording.window_id, "w");
    assert_eq!(recording.distinct_id, "d");
    assert_eq!(recording.snapshot_source, "web");
    assert_eq!(recording.extra.as_deref(), Some(r#"{"$lib_version":"1.449.2"}"#));
    // Ten seconds fast, by the item's own sent_at.
    assert_eq!(recording.timestamp_micros, 1_751_363_990_000_000);
}

#[test]
fn sessions_and_windows_are_kept_apart() {
    let recordings = record(&json!([
        snapshot(SESSION, "w", &json!([1])),
        snapshot("other", "w", &json!([2])),
        snapshot(SESSION, "v", &json!([3])),
        snapshot(SESSION, "w", &json!([4])),
    ]));
    let items: Vec<&str> = recordings.iter().map(|one| one.items.as_str()).collect();
    assert_eq!(items, ["[1,4]", "[2]", "[3]"]);
}

#[test]
fn a_request_holds_fifty_sessions_and_windows_at_most() {
    let recorded = |count: u32| {
        let window = |number: u32| snapshot(SESSION, &format!("w-{number}"), &json!([number]));
        let items: Vec<Value> = (0..count).map(window).collect();
        post(Lane::Recording, json!(items).to_string()).record()
    };
    assert_eq!(recorded(50).unwrap().recordings.len(), 50);
    let refused = recorded(51).unwrap_err();
    assert_eq!(refused.status().as_u16(), 400);
    assert!(refused.to_string().contains("more than 50 sessions"), "{refused}");
}

#[test]
fn a_session_too_long_for_a_record_is_several_recordings() {
    let piece = |letter: &str| snapshot(SESSION, "w", &json!([letter.repeat(3 << 20)]));
    let mut items = json!([piece("a"), piece("b"), piece("c"), piece("d"), piece("e")]);
    items[0]["uuid"] = "0197c5a0-0000-7000-8000-000000000007".into();
    let recordings = record(&items);
    let joined: Vec<usize> =
        recordings.iter().map(|one| json(&one.items).as_array().unwrap().len()).collect();
    assert_eq!(joined, [2, 2, 1]);
    assert!(recordings.iter().all(|one| one.items.len() < RECORD_BYTES));
    let ids = |recordings: &[Recording]| -> BTreeSet<(u64, u64)> {
        recordings.iter().map(|one| (one.uuid_high, one.uuid_low)).collect()
    };
    assert_eq!(ids(&recordings).len(), 3);
    assert_eq!(ids(&recordings), ids(&record(&items)), "a retry's are the same");
    let [first, rest @ ..] = recordings.as_slice() else { panic!("no recording") };
    for one in rest {
        let same = Recording {
            uuid_high: one.uuid_high,
            uuid_low: one.uuid_low,
            items: one.items.clone(),
            extra: None,
            ..first.clone()
        };
        assert_eq!(*one, same);
    }
    assert!(first.extra.is_some(), "said once");
}

#[test]
fn envelopes_of_mobile_sdks_are_opened() {
    let item = snapshot(SESSION, "w", &json!([1]));
    for body in
        [json!({"api_key": "phc_a", "batch": [item]}), json!({"data": [item]}), item.clone()]
    {
        assert_eq!(record(&body)[0].items, "[1]");
    }
}

#[test]
fn a_dom_may_nest_as_deep_as_it_likes() {
    let deep = "[".repeat(5_000) + &"]".repeat(5_000);
    let body = snapshot(SESSION, "w", &json!("DEEP")).to_string().replace("\"DEEP\"", &deep);
    let recorded = post(Lane::Recording, body).record().unwrap();
    assert_eq!(recorded.recordings[0].items, deep);
}

#[test]
fn the_library_is_guessed_from_the_user_agent() {
    let mut item = snapshot(SESSION, "", &json!([1]));
    item["properties"].as_object_mut().unwrap().remove("$lib");
    let by = |agent: Option<&str>| {
        let posted = post(Lane::Recording, item.to_string());
        let posted = match agent {
            Some(agent) => posted.header("user-agent", agent),
            None => posted,
        };
        let recording = posted.record().unwrap().recordings.remove(0);
        assert_eq!(recording.window_id, SESSION);
        recording.lib
    };
    assert_eq!(by(Some("posthog-ios/3.1")), "posthog-ios");
    assert_eq!(by(Some("Mozilla/5.0")), "web");
    assert_eq!(by(Some(&format!("posthog{}", "A".repeat(58)))), "web");
    assert_eq!(by(None), "unknown");
}

#[test]
fn a_chunk_of_the_original_is_taken() {
    let chunk =
        json!({"data": {"chunk_id": "c", "chunk": "abc", "metadata": {"distinct_id": "m"}}});
    let recording = record(&chunk).remove(0);
    assert_eq!(recording.distinct_id, "m");
    assert_eq!(recording.session_id, "");
    assert_eq!(json(&recording.items), json!([chunk["data"]]));
    assert_eq!(
        json(recording.extra.as_deref().unwrap()),
        json!({"metadata": {"distinct_id": "m"}})
    );
    let nobodys = record(&json!({"data": {"chunk": "abc"}})).remove(0);
    assert_eq!(nobodys.distinct_id, "session-recording");
}

#[test]
fn what_a_recording_lacks_is_said() {
    let without = |property: &str, value: Value| {
        let mut item = snapshot(SESSION, "w", &json!([1]));
        item["properties"][property] = value;
        post(Lane::Recording, item.to_string()).record().unwrap_err().to_string()
    };
    let invalid = "replay event has invalid session id";
    let missing = "replay event submitted without session id";
    assert_eq!(without("$session_id", Value::Null), missing);
    assert_eq!(without("$session_id", json!(7)), invalid);
    assert_eq!(without("$session_id", json!("a/../b")), invalid);
    assert_eq!(without("$session_id", json!("")), invalid);
    assert_eq!(
        without("$snapshot_data", json!("x")),
        "replay event submitted without snapshot data"
    );
    assert_eq!(without("distinct_id", Value::Null), "event submitted without a distinct_id");
    let empty = post(Lane::Recording, "[]").record().unwrap_err();
    assert_eq!(empty.to_string(), "request holds no event");
}

proptest! {
    #[test]
    fn no_item_is_lost_whatever_sessions_are_mixed(
        sent in proptest::collection::vec((0..3u8, 0..3u8, 0..4usize), 1..12),
    ) {
        let mut serial = 0;
        let mut body = Vec::new();
        let mut expected = std::collections::BTreeMap::new();
        for (session, window, count) in sent {
            let items: Vec<u32> = (serial..).take(count).collect();
            serial += 100;
            let (session, window) = (format!("s-{session}"), format!("w-{window}"));
            body.push(snapshot(&session, &window, &json!(items)));
            expected.entry((session, window)).or_insert_with(Vec::new).extend(items);
        }
        let recordings = record(&body.into());
        prop_assert_eq!(recordings.len(), expected.len());
        for recording in recordings {
            let items = expected.remove(&(recording.session_id, recording.window_id));
            prop_assert_eq!(json(&recording.items), json!(items.unwrap()));
        }
    }
}
