//! What events tell of their persons, and which table they belong to.

#![allow(clippy::unwrap_used)]

mod common;

use common::{json, optional_json, post};
use event::{Event, Table};
use hogflare_capture::Lane;
use proptest::prelude::*;
use serde_json::{Value, json};

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

/// What is set, and what is set once.
fn lifted(properties: &Value) -> (Value, Value) {
    let event = event("$pageview", properties);
    (optional_json(&event.set), optional_json(&event.set_once))
}

#[test]
fn device_page_and_campaign_are_lifted_as_they_are_and_as_they_first_were() {
    let (set, set_once) = lifted(&json!({
        "$browser": "Chrome", "$current_url": "https://a/?b=\"c\"", "$screen_width": 1280.0,
        "utm_source": "x", "_kx": {"a": [1]}, "$host": "a", "title": "t",
    }));
    assert_eq!(
        set,
        json!({"$browser": "Chrome", "$current_url": "https://a/?b=\"c\"", "$screen_width": 1280.0,
            "utm_source": "x", "_kx": {"a": [1]}})
    );
    assert_eq!(
        set_once,
        json!({"$initial_browser": "Chrome", "$initial_current_url": "https://a/?b=\"c\"",
            "$initial_screen_width": 1280.0, "$initial_utm_source": "x",
            "$initial__kx": {"a": [1]}})
    );
}

#[test]
fn an_event_without_any_of_it_sets_nothing() {
    assert_eq!(lifted(&json!({"$host": "a"})), (Value::Null, Value::Null));
}

#[test]
fn a_null_is_set_but_was_never_the_first() {
    let (set, set_once) = lifted(&json!({"gclid": null, "utm_term": null}));
    assert_eq!(set, json!({"gclid": null, "utm_term": null}));
    assert_eq!(set_once, Value::Null);
    let (_, set_once) = lifted(&json!({"gclid": null, "utm_term": "t"}));
    assert_eq!(set_once, json!({"$initial_utm_term": "t"}));
}

#[test]
fn what_the_event_sets_itself_wins() {
    let properties = json!({
        "$browser": "Chrome", "utm_source": "x", "$os": "iOS",
        "$set": {"$browser": "mine", "plan": "pro"},
        "$set_once": {"$initial_utm_source": null, "$initial_os": "mine", "first": 1},
    });
    let event = event_with("$pageview", &properties, json!({"$set": {"utm_source": "top"}}));
    assert_eq!(
        optional_json(&event.set),
        json!({"$browser": "mine", "plan": "pro", "utm_source": "top", "$os": "iOS"})
    );
    assert_eq!(
        optional_json(&event.set_once),
        json!({"$initial_utm_source": null, "$initial_os": "mine", "first": 1,
            "$initial_browser": "Chrome"})
    );
    assert_eq!(json(&event.properties), properties);
}

#[test]
fn an_empty_set_is_filled_and_one_that_is_no_object_replaced() {
    for set in [json!({}), json!([]), json!("x"), Value::Null] {
        let (set, _) = lifted(&json!({"$set": set, "$browser": "Chrome"}));
        assert_eq!(set, json!({"$browser": "Chrome"}));
    }
}

#[test]
fn the_last_of_a_repeated_property_is_lifted() {
    let body = r#"{"event":"e","distinct_id":"d","properties":{"$browser":1,"\u0024browser":2}}"#;
    let event = post(Lane::Capture, body).event();
    assert_eq!(event.set.as_deref(), Some(r#"{"$browser":2}"#));
}

#[test]
fn os_name_is_another_name_of_os() {
    let iphone = json!({"$os": "iOS"});
    let first = json!({"$initial_os": "iOS"});
    assert_eq!(lifted(&json!({"$os_name": "iOS"})), (iphone.clone(), first.clone()));
    assert_eq!(lifted(&json!({"$os": null, "$os_name": "iOS"})), (iphone.clone(), first.clone()));
    assert_eq!(lifted(&json!({"$os": "iOS", "$os_name": "x"})), (iphone, first));
    assert_eq!(lifted(&json!({"$os_name": null})), (Value::Null, Value::Null));
}

#[test]
fn the_system_of_a_server_is_not_the_persons() {
    let sent = json!({"$os": "Linux", "$os_version": "6", "$os_name": "Linux", "$is_server": true,
        "$app_version": "1"});
    let (set, set_once) = lifted(&sent);
    assert_eq!(set, json!({"$app_version": "1"}));
    assert_eq!(set_once, json!({"$initial_app_version": "1"}));
    let (set, _) = lifted(&json!({"$os": "iOS", "$is_server": false}));
    assert_eq!(set, json!({"$os": "iOS"}));
}

#[test]
fn nothing_is_lifted_where_there_is_no_person_to_lift_it_to() {
    let browser = |more: Value| {
        let mut properties = more;
        properties["$browser"] = "Chrome".into();
        properties
    };
    let personless = event("e", &browser(json!({"$process_person_profile": false})));
    assert!(!personless.process_person_profile);
    let of_a_group = event("$groupidentify", &browser(json!({"$group_key": "k"})));
    let snapshot = event("$snapshot", &browser(json!({})));
    let heatmap = event("$$heatmap", &browser(json!({})));
    for event in [personless, of_a_group, snapshot, heatmap] {
        assert_eq!((event.set, event.set_once), (None, None), "{}", event.event);
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

const LIFTED: &[&str] = &["$os", "$os_name", "$os_version", "utm_source", "$browser", "gclid"];

/// The same rules over a tree.
fn model(properties: &Value) -> (Value, Value) {
    let object = |name: &str| properties[name].as_object().cloned().unwrap_or_default();
    let (mut set, mut once) = (object("$set"), object("$set_once"));
    let mut sent = properties.as_object().unwrap().clone();
    let os_name = sent.remove("$os_name").filter(|name| !name.is_null());
    if sent.get("$os").is_none_or(Value::is_null)
        && let Some(os_name) = os_name
    {
        sent.insert("$os".into(), os_name);
    }
    if properties["$is_server"] == true {
        sent.remove("$os");
        sent.remove("$os_version");
    }
    for name in LIFTED {
        let Some(value) = sent.get(*name) else { continue };
        set.entry(*name).or_insert(value.clone());
        if !value.is_null() {
            let initial = format!("$initial_{}", name.trim_start_matches('$'));
            once.entry(initial).or_insert(value.clone());
        }
    }
    let some = |name: &str, object: serde_json::Map<String, Value>| match object.is_empty()
        && !properties[name].is_object()
    {
        true => Value::Null,
        false => object.into(),
    };
    (some("$set", set), some("$set_once", once))
}

fn any_properties() -> impl Strategy<Value = Value> {
    let value = || {
        prop_oneof![
            Just(Value::Null),
            Just(json!(true)),
            "[a-z\"\\\\é]{0,4}".prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
        ]
    };
    let name = || {
        proptest::sample::select(
            [LIFTED, &["$is_server", "$initial_os", "$initial_gclid", "other"]].concat(),
        )
    };
    let object = move || proptest::collection::btree_map(name(), value(), 0..8);
    (object(), proptest::option::of(object()), proptest::option::of(object())).prop_map(
        |(members, set, set_once)| {
            let mut properties = json!(members);
            for (name, object) in [("$set", set), ("$set_once", set_once)] {
                if let Some(object) = object {
                    properties[name] = json!(object);
                }
            }
            properties
        },
    )
}

proptest! {
    #[test]
    fn lifting_equals_a_plain_model_and_leaves_properties_alone(properties in any_properties()) {
        let event = event("e", &properties);
        prop_assert_eq!(&event.properties, &properties.to_string());
        let found = (optional_json(&event.set), optional_json(&event.set_once));
        prop_assert_eq!(found, model(&properties));
    }
}
