//! What events tell of their persons, and which table they belong to.

use event::{Event, Table};
use hogflare_capture::Lane;
use serde_json::{Value, json};

use crate::common::{json, optional_json, post};

fn event(name: &str, properties: &Value) -> Event {
    event_with(name, properties, json!({}))
}

fn event_with(name: &str, properties: &Value, members: Value) -> Event {
    let mut sent = members;
    sent["event"] = name.into();
    sent["distinct_id"] = "d".into();
    sent["properties"] = properties.clone();
    post(Lane::Capture, sent.to_string()).event()
}

#[test]
fn what_the_event_sets_is_what_it_says() {
    let properties = json!({
        "$browser": "Chrome", "$set": {"$browser": "mine", "plan": "pro"}, "$set_once": {"first": 1},
    });
    let event = event_with("$pageview", &properties, json!({"$set": {"utm_source": "top"}}));
    assert_eq!(
        optional_json(&event.set),
        json!({"$browser": "mine", "plan": "pro", "utm_source": "top"})
    );
    assert_eq!(optional_json(&event.set_once), json!({"first": 1}));
    assert_eq!(json(&event.properties), properties);
}

#[test]
fn what_is_no_object_sets_nothing() {
    for set in [json!([]), json!("x"), Value::Null] {
        assert_eq!(event("e", &json!({"$set": set})).set, None);
    }
}

fn place(name: &str, properties: &Value) -> (Table, Option<&'static str>) {
    let event = event(name, properties);
    (event.table, event.reason)
}

#[test]
fn what_posthog_would_drop_is_quarantined_with_its_reason() {
    let none = json!({});
    assert_eq!(place("$pageview", &none), (Table::Events, None));
    assert_eq!(place("$$heatmap", &none), (Table::Heatmaps, None));
    let quarantined = |reason| (Table::Quarantine, Some(reason));
    let warning = "client_ingestion_warning";
    assert_eq!(place("$$client_ingestion_warning", &none), quarantined(warning));

    let personless = json!({"$process_person_profile": false, "alias": "a", "$group_key": "k"});
    let reason = "invalid_event_when_process_person_profile_is_false";
    for name in ["$identify", "$create_alias", "$merge_dangerously", "$groupidentify"] {
        assert_eq!(place(name, &personless), quarantined(reason), "{name}");
        assert_eq!(place(name, &none), (Table::Events, None), "{name}");
    }
    assert_eq!(place("$set", &personless), (Table::Events, None));

    let cookieless = json!({"$cookieless_mode": true, "$process_person_profile": false});
    let merge = quarantined("cookieless_unsupported_event");
    assert_eq!(place("$create_alias", &cookieless), merge);
    assert_eq!(place("$merge_dangerously", &cookieless), merge);
    let identify = quarantined("cookieless_stateless_no_identify");
    assert_eq!(place("$identify", &cookieless), identify);
    assert_eq!(place("$pageview", &cookieless), (Table::Events, None));
}

#[test]
fn a_groups_key_has_four_hundred_units_at_most() {
    let key = |key: &str| place("$groupidentify", &json!({"$group_key": key}));
    assert_eq!(key(&"é".repeat(400)), (Table::Events, None));
    assert_eq!(key(&"é".repeat(401)), (Table::Quarantine, Some("group_key_too_long")));
    let other = place("$pageview", &json!({"$group_key": "k".repeat(401)}));
    assert_eq!(other, (Table::Events, None));
}

#[test]
fn lanes_of_their_own_follow_the_same_rules() {
    let personless = r#""properties":{"$process_person_profile":false}"#;
    let reason = Some("invalid_event_when_process_person_profile_is_false");
    let identify = format!(r#"{{"distinct_id":"d",{personless}}}"#);
    assert_eq!(post(Lane::Identify, identify).event().reason, reason);
    let alias = format!(r#"{{"distinct_id":"d","alias":"a",{personless}}}"#);
    assert_eq!(post(Lane::Alias, alias).event().reason, reason);
    let group = format!(r#"{{"group_type":"t","group_key":"k",{personless}}}"#);
    assert_eq!(post(Lane::Groups, group).event().reason, reason);
    let long = format!(r#"{{"group_type":"t","group_key":"{}"}}"#, "k".repeat(401));
    let long = post(Lane::Groups, long).event();
    assert_eq!(long.reason, Some("group_key_too_long"));
    assert!(json(&long.properties)["$group_key"].as_str().unwrap().len() == 401);
}

#[test]
fn cookieless_is_what_says_true() {
    for (mode, expected) in [(json!(true), true), (json!(false), false), (Value::Null, false)] {
        assert_eq!(event("e", &json!({"$cookieless_mode": mode})).cookieless, expected);
    }
    assert!(!event("e", &json!({})).cookieless);
}
