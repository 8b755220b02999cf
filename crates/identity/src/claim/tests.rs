//! What events are understood to set, over a tree.

use event::{DistinctId, Table, Timestamp, Token, UuidOrigin};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;

fn event(name: &str, properties: &Value) -> Event {
    let own = |name: &str| properties.get(name).filter(|value| value.is_object());
    let at = Timestamp::from_micros(1_750_000_000_000_000);
    Event {
        uuid: Uuid::from_u128(1),
        uuid_origin: UuidOrigin::Client,
        token: Token::new("phc_test"),
        event: name.into(),
        distinct_id: DistinctId::new("d"),
        timestamp: at,
        created_at: at,
        sent_at: None,
        properties: properties.to_string(),
        set: own("$set").map(Value::to_string),
        set_once: own("$set_once").map(Value::to_string),
        group_set: None,
        elements_chain: String::new(),
        session_id: None,
        window_id: None,
        process_person_profile: true,
        cookieless: false,
        has_place: false,
        keeps_persons: false,
        context: None,
        extra: None,
        table: Table::Events,
        reason: None,
    }
}

fn set_by(event: &Event) -> (Value, Value) {
    let Part::Full(full) = Claim::new(event, TeamId(1)).part else { panic!("it has a person") };
    let json = |object: &Object| serde_json::from_str(object.as_str()).unwrap();
    (json(&full.set), json(&full.set_once))
}

fn set(properties: &Value) -> (Value, Value) {
    set_by(&event("$pageview", properties))
}

#[test]
fn device_page_and_campaign_are_lifted_as_they_are_and_as_they_first_were() {
    let (set, set_once) = set(&json!({
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
    assert_eq!(set(&json!({"$host": "a"})), (json!({}), json!({})));
}

#[test]
fn a_null_is_set_but_was_never_the_first() {
    let (now, first) = set(&json!({"gclid": null, "utm_term": null}));
    assert_eq!((now, first), (json!({"gclid": null, "utm_term": null}), json!({})));
    let (_, first) = set(&json!({"gclid": null, "utm_term": "t"}));
    assert_eq!(first, json!({"$initial_utm_term": "t"}));
}

#[test]
fn what_the_event_sets_itself_wins() {
    let (now, first) = set(&json!({
        "$browser": "Chrome", "utm_source": "x", "$os": "iOS",
        "$set": {"$browser": "mine", "plan": "pro"},
        "$set_once": {"$initial_utm_source": null, "$initial_os": "mine", "first": 1},
    }));
    assert_eq!(now, json!({"$browser": "mine", "plan": "pro", "utm_source": "x", "$os": "iOS"}));
    assert_eq!(
        first,
        json!({"$initial_utm_source": null, "$initial_os": "mine", "first": 1,
            "$initial_browser": "Chrome"})
    );
}

#[test]
fn the_last_of_a_repeated_property_is_lifted() {
    let repeated = Event {
        properties: r#"{"$browser":1,"\u0024browser":2}"#.into(),
        ..event("e", &json!({}))
    };
    assert_eq!(set_by(&repeated).0, json!({"$browser": 2}));
}

#[test]
fn os_name_is_another_name_of_os() {
    let iphone = (json!({"$os": "iOS"}), json!({"$initial_os": "iOS"}));
    assert_eq!(set(&json!({"$os_name": "iOS"})), iphone);
    assert_eq!(set(&json!({"$os": null, "$os_name": "iOS"})), iphone);
    assert_eq!(set(&json!({"$os": "iOS", "$os_name": "x"})), iphone);
    assert_eq!(set(&json!({"$os_name": null})), (json!({}), json!({})));
}

#[test]
fn the_system_of_a_server_is_not_the_persons() {
    let sent = json!({"$os": "Linux", "$os_version": "6", "$os_name": "Linux", "$is_server": true,
        "$app_version": "1"});
    assert_eq!(set(&sent), (json!({"$app_version": "1"}), json!({"$initial_app_version": "1"})));
    let (now, _) = set(&json!({"$os": "iOS", "$is_server": false}));
    assert_eq!(now, json!({"$os": "iOS"}));
}

#[test]
fn a_place_is_the_persons_where_it_was_looked_up_here() {
    let sent = json!({"$geoip_city_name": "Lyon", "$set": {"$geoip_city_name": "Rome", "a": 1}});
    let said = event("e", &sent);
    assert_eq!(set_by(&said).0, json!({"$geoip_city_name": "Rome", "a": 1}));
    let found = Event { has_place: true, ..said };
    let (now, first) = set_by(&found);
    assert_eq!(now, json!({"$geoip_city_name": "Lyon", "a": 1}));
    assert_eq!(first, json!({"$initial_geoip_city_name": "Lyon"}));
}

#[test]
fn nothing_is_lifted_to_who_is_not_there() {
    let browser = json!({"$browser": "Chrome", "$group_type": "t", "$group_key": "k"});
    assert_eq!(set_by(&event("$groupidentify", &browser)), (json!({}), json!({})));
    let personless = Event { process_person_profile: false, ..event("e", &browser) };
    assert!(matches!(Claim::new(&personless, TeamId(1)).part, Part::Personless));
    let heatmap = Event { table: Table::Heatmaps, ..event("$$heatmap", &browser) };
    assert!(matches!(Claim::new(&heatmap, TeamId(1)).part, Part::Bystander(_)));
}

const LIFTED: &[&str] = &["$os", "$os_name", "$os_version", "utm_source", "$browser", "gclid"];

/// The same rules over a tree.
fn model(properties: &Value) -> (Value, Value) {
    let object = |name: &str| properties[name].as_object().cloned().unwrap_or_default();
    let (mut set, mut once): (Map<_, _>, Map<_, _>) = (object("$set"), object("$set_once"));
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
    (set.into(), once.into())
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
    let names = [LIFTED, &["$is_server", "$initial_os", "$initial_gclid", "other"]].concat();
    let name = move || proptest::sample::select(names.clone());
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
    fn lifting_equals_a_plain_model(properties in any_properties()) {
        prop_assert_eq!(set(&properties), model(&properties));
    }
}
