//! What enriching an event of posthog-js costs: `cargo run --release -p hogflare-enrich --example
//! cost`. The budget for one that has everything is about a microsecond.

use std::hint::black_box;
use std::time::Instant;

use event::{DistinctId, Event, Timestamp, Token, UuidOrigin};
use hogflare_enrich::{Enricher, Geography, IpPolicy, Place, Policy, Privacy, Rules};

const EVENTS: u32 = 200;
const RUNS: u32 = 1_000;

const AGENT: &str = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, \
                     like Gecko) Chrome/129.0.0.0 Safari/537.36";

/// Members as posthog-js sends them with a page view, some 1.8 kB.
const PROPERTIES: &str = r#"{"$os":"Mac OS X","$os_version":"10.15.7","$browser":"Chrome","$device_type":"Desktop","$timezone":"Europe/Berlin","$timezone_offset":-60,"$current_url":"https://shop.example.com/products/chairs?page=2&sort=price","$host":"shop.example.com","$pathname":"/products/chairs","$raw_user_agent":"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/129.0.0.0 Safari/537.36","$browser_version":129,"$browser_language":"en-GB","$browser_language_prefix":"en","$screen_height":1080,"$screen_width":1920,"$viewport_height":963,"$viewport_width":1883,"$lib":"web","$lib_version":"1.300.0","$insert_id":"k3jx8d1v7a2p9q0z","$time":1772712000.123,"distinct_id":"0195a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b","$device_id":"0195a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b","$console_log_recording_enabled_server_side":false,"$autocapture_disabled_server_side":false,"$web_vitals_enabled_server_side":true,"$exception_capture_enabled_server_side":false,"$dead_clicks_enabled_server_side":false,"$feature_flag_payloads":{"banner":{"text":"Hello"}},"$feature/banner":"test","$feature/checkout":true,"$active_feature_flags":["banner","checkout"],"$referrer":"https://www.google.com/","$referring_domain":"www.google.com","token":"phc_abcdefghijklmnopqrstuvwxyz0123456789ABCDEF","$session_id":"0195a1b2-c3d4-7e5f-8a9b-1c1d2e3f4a5b","$window_id":"0195a1b2-c3d4-7e5f-8a9b-2c1d2e3f4a5b","$pageview_id":"0195a1b2-c3d4-7e5f-8a9b-3c1d2e3f4a5b","title":"Chairs \u2013 Shop","$lib_custom_api_host":"https://events.example.com","$is_identified":false,"$process_person_profile":false,"$lib_rate_limit_remaining_tokens":99,"$ip":"203.0.113.7","$sent_at":"2026-03-05T12:00:00.000Z"}"#;

fn main() {
    let ip = "203.0.113.7".parse().expect("an address");
    let geography = Geography {
        country_code: Some("DE".into()),
        country_name: Some("Germany".into()),
        city_name: Some("Berlin".into()),
        latitude: Some(52.52),
        longitude: Some(13.4),
        ..Geography::default()
    };
    let rules = Rules {
        block: vec!["title".into()],
        mask_url_query: true,
        keep_url_query: vec!["utm_*".into()],
        ..Rules::default()
    };
    let strict = Policy {
        ip: IpPolicy::Truncate,
        privacy: Privacy::try_from(&rules).expect("rules that can be followed"),
        time_zone: None,
    };
    let enricher = Enricher::default();
    let stranger = enricher.client(Some(ip), Some(AGENT), None);
    let located = enricher.client(Some(ip), Some(AGENT), Place::new(ip, &geography));
    let lax = Policy::default();
    measure("nothing to add", "click", |event| stranger.enrich(event, &lax));
    measure("channel", "$pageview", |event| stranger.enrich(event, &lax));
    measure("place and channel", "$pageview", |event| located.enrich(event, &lax));
    measure("and a strict policy", "$pageview", |event| located.enrich(event, &strict));
    measure("a client", "click", |_| {
        black_box(enricher.client(Some(ip), Some(black_box(AGENT)), None));
    });
}

/// Prints what a step costs in the best of many short runs: the others had a busy machine.
fn measure(what: &str, name: &str, enrich: impl Fn(&mut Event)) {
    let events: Vec<Event> = (0..EVENTS).map(|_| event(name)).collect();
    let best = (0..RUNS).map(|_| {
        let mut events = events.clone();
        let started = Instant::now();
        for event in &mut events {
            enrich(black_box(event));
        }
        nanos_each(started)
    });
    println!("{:>7.0} ns  {what}", best.fold(f64::INFINITY, f64::min));
}

fn nanos_each(started: Instant) -> f64 {
    started.elapsed().as_nanos() as f64 / f64::from(EVENTS)
}

fn event(name: &str) -> Event {
    Event {
        uuid: Default::default(),
        uuid_origin: UuidOrigin::Client,
        token: Token::new("phc_a"),
        event: name.into(),
        distinct_id: DistinctId::new("d"),
        timestamp: Timestamp::EPOCH,
        created_at: Timestamp::EPOCH,
        sent_at: None,
        properties: PROPERTIES.into(),
        set: None,
        set_once: None,
        group_set: None,
        elements_chain: String::new(),
        session_id: None,
        window_id: None,
        process_person_profile: false,
        cookieless: false,
        has_place: false,
        keeps_persons: false,
        context: None,
        extra: None,
        table: Default::default(),
        reason: None,
    }
}
