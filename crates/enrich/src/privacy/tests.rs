//! What rules do to events, and what they leave alone.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::json::Members;
use crate::samples::{self, tree};

fn privacy(rules: Value) -> Privacy {
    Privacy::try_from(&serde_json::from_value::<Rules>(rules).unwrap()).unwrap()
}

fn applied(rules: Value, properties: &str) -> String {
    let mut event = samples::event("e", properties);
    privacy(rules).apply(&mut event);
    event.properties
}

#[test]
fn no_rules_change_nothing() {
    assert!(Rules::default().is_empty() && privacy(json!({})).is_empty());
    assert!(!serde_json::from_str::<Rules>(r#"{"mask_url_query":true}"#).unwrap().is_empty());
    let text = r#"{ "a" : 1.0 }"#;
    assert_eq!(applied(json!({}), text), text);
}

#[test]
fn blocked_names_are_gone_everywhere() {
    let text = r#"{"email":"a@b.c","z": 1.0,"$set":{"email":"a@b.c","plan":"x"},"user_email":1}"#;
    let rules = json!({"block": ["email", "user_*"]});
    assert_eq!(applied(rules.clone(), text), r#"{"z": 1.0,"$set":{"plan":"x"}}"#);
    let mut event = samples::event("e", "{}");
    event.set_once = Some(r#"{"$initial_email":"a@b.c","$initial_plan":1}"#.into());
    event.group_set = Some(r#"{"email":"a@b.c"}"#.into());
    event.context = Some(r#"{"email":"a@b.c"}"#.into());
    event.extra = Some(r#"{"email":"a@b.c","offset":1}"#.into());
    privacy(rules).apply(&mut event);
    assert_eq!(event.set_once.as_deref(), Some(r#"{"$initial_plan":1}"#));
    assert_eq!(event.group_set.as_deref(), Some("{}"));
    assert_eq!(event.context.as_deref(), Some("{}"));
    assert_eq!(event.extra.as_deref(), Some(r#"{"offset":1}"#));
}

#[test]
fn blocked_and_hashed_names_are_found_at_any_depth_beside_properties_and_in_persons() {
    let rules = json!({"block": ["email"], "hash": ["phone"], "hash_key": "key"});
    let inner = r#"{"a":[{"email":"a@b.c","phone":"ab","n":null}]}"#;
    let hash = "5c1c0c948cbef5ad7d191e46e5901fa0395f85f694fa4633f665a1a637017b65";
    let hidden = format!(r#"{{"a":[{{"phone":"{hash}","n":null}}]}}"#);
    let mut event = samples::event("e", "{}");
    let names = ["traits", "$set", "$set_once", "$group_set"];
    let object = |value: &str| {
        let members: Vec<String> = names.iter().map(|name| format!("\"{name}\":{value}")).collect();
        format!("{{\"a\":{inner},{}}}", members.join(","))
    };
    event.properties = object(inner);
    for place in [&mut event.set, &mut event.set_once, &mut event.group_set, &mut event.extra] {
        *place = Some(inner.to_owned());
    }
    event.context = Some(format!("[{inner}]"));
    privacy(rules).apply(&mut event);
    assert_eq!(event.properties, object(&hidden), "a property's own members alone");
    for object in [&event.set, &event.set_once, &event.group_set, &event.extra] {
        assert_eq!(object.as_deref(), Some(hidden.as_str()));
    }
    assert_eq!(event.context, Some(format!("[{hidden}]")));
}

#[test]
fn what_is_set_within_what_is_set_is_not_allowed_by_its_place() {
    let text = r#"{"$set":{"plan":1,"$set":{"email":"a"}}}"#;
    assert_eq!(applied(json!({"allow": ["plan"]}), text), r#"{"$set":{"plan":1}}"#);
}

#[test]
fn a_rule_for_a_property_holds_for_the_persons_first_value() {
    let text = r#"{"$initial_browser":"x","$initial_utm_source":"y","$initial_os":"z"}"#;
    let blocked = applied(json!({"block": ["$browser", "utm_*"]}), text);
    assert_eq!(blocked, r#"{"$initial_os":"z"}"#);
}

#[test]
fn only_allowed_names_stay_and_those_that_events_need() {
    let text = r#"{"plan":1,"email":"a","distinct_id":"d","$session_id":"s","$ip":"::1",
                   "$set":{"plan":1,"email":"a"}}"#;
    let expected = json!({"plan": 1, "distinct_id": "d", "$session_id": "s", "$set": {"plan": 1}});
    assert_eq!(tree(&applied(json!({"allow": ["plan"]}), text)), expected);
    let blocked = applied(json!({"allow": ["plan"], "block": ["$session_id", "$set"]}), text);
    assert_eq!(blocked, r#"{"plan":1,"distinct_id":"d"}"#);
    let mut event = samples::event("e", "{}");
    event.context = Some("[1]".into());
    event.extra = Some(r#"{"original_timestamp":"x","email":"a"}"#.into());
    event.elements_chain = "a:text=\"Ann\"".into();
    privacy(json!({"allow": ["plan"]})).apply(&mut event);
    assert_eq!(event.context, None);
    assert_eq!(event.extra.as_deref(), Some(r#"{"original_timestamp":"x"}"#));
    assert_eq!(event.elements_chain, "");
}

#[test]
fn ids_with_a_column_share_their_propertys_fate() {
    let mut event = samples::event("e", r#"{"$session_id":"s","$window_id":"w"}"#);
    event.session_id = Some("s".into());
    event.window_id = Some("w".into());
    let rules = json!({"block": ["$window_id"], "hash": ["$session_id"], "hash_key": "k"});
    privacy(rules).apply(&mut event);
    assert_eq!(event.window_id, None);
    let stored = tree(&event.properties);
    assert_eq!(stored, json!({"$session_id": event.session_id.unwrap()}));
    assert_ne!(stored["$session_id"], "s");
}

#[test]
fn hashes_are_hmacs_of_the_text() {
    let rules = json!({"allow": ["x"], "hash": ["email", "n"], "hash_key": "key"});
    let hashed = tree(&applied(rules, r#"{"email":"a\u0062","n":null,"\u006e2":1}"#));
    // echo -n ab | openssl dgst -sha256 -hmac key
    let expected = "5c1c0c948cbef5ad7d191e46e5901fa0395f85f694fa4633f665a1a637017b65";
    assert_eq!(hashed, json!({"email": expected, "n": null}));
}

#[test]
fn rules_that_cannot_be_followed_are_refused() {
    let refused = |rules| Privacy::try_from(&serde_json::from_value::<Rules>(rules).unwrap()).err();
    assert_eq!(refused(json!({"hash": ["a"]})), Some(RulesError::NoKey));
    assert_eq!(refused(json!({"hash": ["a"], "hash_key": ""})), Some(RulesError::NoKey));
    let name = |name: &str| Some(RulesError::Name { name: name.into() });
    assert_eq!(refused(json!({"block": ["a*b"]})), name("a*b"));
    assert_eq!(refused(json!({"allow": [""]})), name(""));
    assert!(serde_json::from_value::<Rules>(json!({"blocks": []})).is_err());
}

fn masked(properties: &str) -> String {
    let rules = json!({"mask_url_query": true, "keep_url_query": ["utm_*", "page"]});
    applied(rules, properties)
}

#[test]
fn values_in_queries_are_hidden_and_names_stay() {
    let is = |url: &str, expected: &str| {
        let text = format!(r#"{{"a": 1.0,"$current_url":"{url}"}}"#);
        assert_eq!(masked(&text), format!(r#"{{"a": 1.0,"$current_url":"{expected}"}}"#));
    };
    is("https://x.example/a?email=a@b.c&page=2&b=", "https://x.example/a?email=<masked>&page=2&b=");
    is("https://x.example/?utm_source=g&t=1", "https://x.example/?utm_source=g&t=<masked>");
    is("https://x.example/a?b#access_token=1", "https://x.example/a?b#access_token=<masked>");
    is("https://x.example/#/users?id=7", "https://x.example/#/users?id=<masked>");
    is("/a?id=1?id=2;c", "/a?id=<masked>?id=<masked>;c");
    is("https://x.example/a=b#part", "https://x.example/a=b#part");
}

#[test]
fn addresses_are_found_at_any_depth_and_behind_escapes() {
    let text = r#"{"$heatmap_data":{"https:\/\/x.example\/?a=1":[{"x":1}]},"q":["HTTP://y/?b=2"],
        "note":"what? a=1","$set":{"$initial_referrer":"http://z/?c=3"},"d":{"url":"/?e=5","f":"/?g=6"}}"#;
    let expected = json!({
        "$heatmap_data": {"https://x.example/?a=<masked>": [{"x": 1}]}, "q": ["HTTP://y/?b=<masked>"],
        "note": "what? a=1", "$set": {"$initial_referrer": "http://z/?c=<masked>"},
        "d": {"url": "/?e=<masked>", "f": "/?g=6"},
    });
    assert_eq!(tree(&masked(text)), expected);
}

#[test]
fn addresses_of_clicked_elements_are_masked() {
    let mut event = samples::event("e", "{}");
    event.elements_chain =
        r#"a:href="/i?k=1"attr__href="https://x/?k=1&page=2"text="a?b=c""#.into();
    privacy(json!({"mask_url_query": true, "keep_url_query": ["page"]})).apply(&mut event);
    let expected = r#"a:href="/i?k=<masked>"attr__href="https://x/?k=<masked>&page=2"text="a?b=c""#;
    assert_eq!(event.elements_chain, expected);
}

proptest! {
    #[test]
    fn rules_leave_valid_json_and_what_they_do_not_name(
        object in prop::collection::btree_map("[a-d$\\\\\"é]{0,3}|\\$set|\\$current_url", samples::json(), 0..8),
        is_pretty: bool,
        block in prop::collection::vec("[a-d]{1,2}\\*?", 0..3),
        hash in prop::collection::vec("[a-d]{1,2}\\*?", 0..3),
        mask_url_query: bool,
    ) {
        let text = match is_pretty {
            true => serde_json::to_string_pretty(&object).unwrap(),
            false => serde_json::to_string(&object).unwrap(),
        };
        let rules = json!({"block": block, "hash": hash, "hash_key": "k", "mask_url_query": mask_url_query});
        let privacy = privacy(rules);
        let after = applied(
            json!({"block": block, "hash": hash, "hash_key": "k", "mask_url_query": mask_url_query}),
            &text,
        );
        tree(&after);
        let kept: Vec<(String, String)> = Members::of(&after)
            .map(|member| (member.name().into_owned(), member.value.to_owned()))
            .collect();
        for member in Members::of(&text) {
            let name = member.name();
            let found = kept.iter().find(|(kept, _)| *kept == name).map(|(_, raw)| raw.as_str());
            match privacy.fate_of(&name, &[]) {
                Fate::Drop => prop_assert_eq!(found, None),
                Fate::Hash => prop_assert!(found.is_some_and(|raw| raw == "null" || raw.len() == 66)),
                Fate::Keep if name == "$set" => prop_assert!(found.is_some()),
                Fate::Keep if !mask_url_query => prop_assert_eq!(found, Some(member.value)),
                Fate::Keep => prop_assert!(found.is_some()),
            }
        }
    }

    #[test]
    fn masking_never_breaks_json_nor_touches_text_without_a_query(value in samples::json()) {
        let text = serde_json::to_string(&json!({"v": value})).unwrap();
        let after = masked(&text);
        tree(&after);
        if !text.contains("://") {
            prop_assert_eq!(after, text);
        }
    }
}
