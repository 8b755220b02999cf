//! What events become, and in which order.

use event::Table;
use serde_json::json;

use super::*;
use crate::samples::{self, NOON, mmdb, tree};
use crate::{Geography, Rules};

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0";
const GPT_BOT: &str = "Mozilla/5.0 AppleWebKit/537.36; compatible; GPTBot/1.2";

fn germany() -> GeoIp {
    let record = json!({"country": {"iso_code": "DE"}});
    GeoIp::from_bytes(mmdb(&[("81.2.69.0", 24, record)])).unwrap()
}

fn enricher() -> Enricher {
    Enricher::new(Settings { geoip: Some(germany()), ..Settings::default() })
}

fn enriched_with(enricher: &Enricher, agent: &str, mut event: Event, policy: &Policy) -> Event {
    let ip = Some("81.2.69.7".parse().unwrap());
    enricher.client(ip, Some(agent), None).enrich(&mut event, policy);
    event
}

fn enriched(agent: &str, name: &str, properties: &str) -> Event {
    let event = samples::event(name, properties);
    enriched_with(&enricher(), agent, event, &Policy::default())
}

fn privacy(rules: serde_json::Value) -> Privacy {
    Privacy::try_from(&serde_json::from_value::<Rules>(rules).unwrap()).unwrap()
}

#[test]
fn an_event_that_says_everything_stays_as_it_is() {
    let properties = format!(
        r#"{{ "$browser":"Firefox","$os":"Linux" , "$raw_user_agent":"{FIREFOX}","$lib":"web","$ip":"::1"}}"#
    );
    let event = enriched(FIREFOX, "$pageview", &properties);
    assert_eq!(event, samples::event("$pageview", &properties));
}

#[test]
fn the_place_is_that_of_the_events_own_address() {
    let country = |properties: &str| {
        tree(&enriched("x", "e", properties).properties)["$geoip_country_code"].clone()
    };
    assert_eq!(country(r#"{"$ip":"81.2.69.7"}"#), "DE");
    assert_eq!(country(r#"{"$ip":"81.2.69.9"}"#), "DE", "not only of the client's");
    assert_eq!(country(r#"{"$ip":"8.8.8.8"}"#), json!(null));
    assert_eq!(country(r#"{"$ip":"81.2.69.7","$geoip_disable":true}"#), json!(null));
    assert_eq!(country("{}"), json!(null));
}

#[test]
fn the_edge_knows_its_client_better_than_a_database() {
    let ip = "81.2.69.7".parse().unwrap();
    let geography = Geography { country_code: Some("FR".into()), ..Geography::default() };
    let enricher = enricher();
    let client = enricher.client(Some(ip), None, Place::new(ip, &geography));
    let country = |sent: &str| {
        let mut event = samples::event("e", sent);
        client.enrich(&mut event, &Policy::default());
        tree(&event.properties)["$geoip_country_code"].clone()
    };
    assert_eq!(country(r#"{"$ip":"81.2.69.7"}"#), "FR");
    assert_eq!(country(r#"{"$ip":"81.2.69.9"}"#), "DE");
}

#[test]
fn a_browser_is_read_where_no_sdk_looked() {
    let event = enriched(FIREFOX, "e", r#"{"$os":null,"a":1}"#);
    let expected = json!({"a": 1, "$browser": "Firefox", "$browser_version": 130, "$os": "Linux",
                          "$device_type": "Desktop", "$raw_user_agent": FIREFOX});
    assert_eq!(tree(&event.properties), expected);
    assert_eq!(event.properties.matches("\"$os\"").count(), 1);

    let server = format!(r#"{{"$lib":"posthog-node","$raw_user_agent":"{FIREFOX}"}}"#);
    let event = enriched("posthog-node/5", "e", &server);
    assert_eq!(tree(&event.properties)["$browser"], "Firefox", "a visitor's that a server names");
    assert_eq!(event.properties.matches("$raw_user_agent").count(), 1);
}

#[test]
fn a_servers_own_agent_is_nobodys_browser() {
    for (agent, properties) in [
        ("posthog-node/5", r#"{"$lib":"posthog-node"}"#),
        ("curl/8.5.0", "{}"),
        (FIREFOX, r#"{"$lib":"posthog-python"}"#),
        (GPT_BOT, r#"{"$lib":"posthog-python"}"#),
        (FIREFOX, r#"{"$device_type":"Mobile"}"#),
    ] {
        assert_eq!(enriched(agent, "e", properties), samples::event("e", properties));
    }
}

#[test]
fn a_person_that_is_not_wanted_learns_nothing() {
    let mut event = samples::event("e", "{}");
    event.process_person_profile = false;
    let event = enriched_with(&enricher(), FIREFOX, event, &Policy::default());
    assert!(event.properties.contains("Firefox"));
    assert_eq!((event.set, event.set_once), (None, None));
}

#[test]
fn bots_are_labelled_and_kept() {
    let labelled = |agent: &str, properties: &str| {
        let event = enriched(agent, "e", properties);
        assert_eq!(event.table, Table::Events);
        let properties = tree(&event.properties);
        (properties["$bot"].clone(), properties["$bot_category"].clone())
    };
    let gpt = (json!("GPTBot"), json!("ai_crawler"));
    assert_eq!(labelled(GPT_BOT, "{}"), gpt);
    assert_eq!(labelled(GPT_BOT, r#"{"$lib":"web","$browser":"Chrome","$bot":null}"#), gpt);
    let said = format!(r#"{{"$lib":"posthog-python","$user_agent":"{GPT_BOT}"}}"#);
    assert_eq!(labelled("posthog-python/7", &said), gpt);
    let curl = r#"{"$raw_user_agent":"curl/8.5.0"}"#;
    assert_eq!(labelled("x", curl), (json!("curl"), json!("tool")));
    assert_eq!(labelled(GPT_BOT, r#"{"$bot":"mine"}"#), (json!("mine"), json!(null)));
}

#[test]
fn page_views_have_a_channel() {
    let channel = |name: &str, properties: &str| {
        tree(&enriched("x", name, properties).properties)["$channel_type"].clone()
    };
    let direct = r#"{"$referring_domain":"$direct"}"#;
    assert_eq!(channel("$pageview", direct), "Direct");
    assert_eq!(channel("$pageleave", direct), json!(null));
    let own = r#"{"$referring_domain":"$direct","$channel_type":"Mine"}"#;
    assert_eq!(channel("$pageview", own), "Mine");
    let empty = enriched("x", "$pageview", &own.replace("\"Mine\"", "null")).properties;
    assert_eq!(empty, r#"{"$referring_domain":"$direct","$channel_type":"Direct"}"#);
}

#[test]
fn what_was_needed_to_find_out_is_removed_after() {
    let policy =
        Policy { ip: IpPolicy::Drop, privacy: privacy(json!({"block": ["$os"]})), time_zone: None };
    let event = samples::event("e", r#"{"$ip":"81.2.69.7"}"#);
    let event = enriched_with(&enricher(), FIREFOX, event, &policy);
    let properties = tree(&event.properties);
    assert_eq!(properties["$geoip_country_code"], "DE");
    assert_eq!(properties["$browser"], "Firefox");
    assert_eq!((&properties["$ip"], &properties["$os"]), (&json!(null), &json!(null)));
}

#[test]
fn what_stands_beside_a_recording_is_scrubbed() {
    let ip = IpPolicy::Drop;
    let policy = Policy { ip, privacy: privacy(json!({"block": ["email"]})), time_zone: None };
    let scrubbed = |policy: &Policy, text: &str| {
        let mut object = Some(text.to_owned());
        policy.scrub(&mut object);
        object.unwrap()
    };
    let extra = r#"{"$lib_version":"1","$ip":"::1","metadata":{"clientIp":"::1","email":"a"}}"#;
    assert_eq!(scrubbed(&policy, extra), r#"{"$lib_version":"1","metadata":{}}"#);
    assert_eq!(scrubbed(&Policy::default(), extra), extra);
    let allowed = Policy { privacy: privacy(json!({"allow": ["plan"]})), ..Policy::default() };
    assert_eq!(scrubbed(&allowed, extra), r#"{"$lib_version":"1"}"#);
    let deep = r#"{"$set":"#.repeat(100_000) + r#"{"ip":"::1","a":1}"# + &"}".repeat(100_000);
    assert!(!scrubbed(&policy, &deep).contains("ip"));
    let mut nothing = None;
    policy.scrub(&mut nothing);
    assert_eq!(nothing, None);
}

#[test]
fn a_cookieless_visitor_has_a_place_and_no_address() {
    let enricher = enricher();
    let mut salts = Salts::default();
    salts.renew(NOON, || [1; 32]);
    enricher.set_salts(salts);
    let sent = r#"{"$cookieless_mode":true,"$ip":"81.2.69.7","$host":"x.example"}"#;
    let event = |sent| {
        let event = Event { cookieless: true, ..samples::event("e", sent) };
        enriched_with(&enricher, FIREFOX, event, &Policy::default())
    };
    let resolved = event(sent);
    assert_eq!((resolved.table, resolved.reason), (Table::Events, None));
    assert!(resolved.distinct_id.as_str().starts_with("cookieless_"));
    let properties = tree(&resolved.properties);
    assert_eq!(properties["$geoip_country_code"], "DE");
    assert_eq!(properties["$browser"], "Firefox");
    assert_eq!(properties["$session_id"], resolved.session_id.clone().unwrap());
    let everything = format!("{resolved:?}");
    assert!(!everything.contains("81.2.69.7") && !everything.contains("Gecko"));
    assert_eq!(event(sent).session_id, resolved.session_id, "one session");
    assert_eq!(event(&sent.replace("$host", "host")).reason, Some("cookieless_missing_host"));
}

#[test]
fn heatmaps_learn_nothing_and_are_rid_of_what_is_not_wanted() {
    let policy = Policy { ip: IpPolicy::Truncate, ..Policy::default() };
    let of = |table: Table| {
        let event = samples::event("e", r#"{"$ip":"81.2.69.7"}"#);
        enriched_with(&enricher(), FIREFOX, Event { table, ..event }, &policy).properties
    };
    assert_eq!(of(Table::Heatmaps), r#"{"$ip":"81.2.69.0"}"#);
    assert_eq!(of(Table::Quarantine), r#"{"$ip":"81.2.69.0"}"#);
    assert_eq!(of(Table::Otel), r#"{"$ip":"81.2.69.7"}"#);
}

#[test]
fn everything_can_be_turned_off() {
    let settings =
        Settings { geoip: None, reads_browsers: false, labels_bots: false, finds_channels: false };
    let enricher = Enricher::new(settings);
    let sent = r#"{"$ip":"81.2.69.7","$referring_domain":"$direct"}"#;
    for agent in [FIREFOX, GPT_BOT] {
        let event = samples::event("$pageview", sent);
        assert_eq!(enriched_with(&enricher, agent, event.clone(), &Policy::default()), event);
    }
}
