//! What persons cost: `cargo run --release -p hogflare-identity --example persons_cost -- 1000000`.
//!
//! The event is a page view as posthog-js sends it.

#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::time::{Duration, Instant};

use event::{DistinctId, Event, Table, TeamId, Timestamp, Token, UuidOrigin};
use hogflare_identity::{Claim, Keeper, Settings, Store, StoreOptions};
use uuid::Uuid;

const TEAM: TeamId = TeamId(1);
const BATCH: usize = 100;
const START: i64 = 1_751_367_540_000_000;

fn main() {
    let persons = std::env::args().nth(1).map_or(10_000, |count| count.parse().unwrap());
    let dir = std::env::current_dir().unwrap();
    let dir = std::env::args().nth(2).map_or(dir, Into::into);
    let path = dir.join(format!("cost-{}.db", std::process::id()));
    parsing();
    hot(&path, 100);
    remove(&path);
    many(&path, persons);
    remove(&path);
}

fn remove(path: &Path) {
    for suffix in ["", "-wal", "-shm"] {
        std::fs::remove_file(format!("{}{suffix}", path.display())).ok();
    }
}

fn page_view(user: usize, number: usize) -> Event {
    let timestamp = Timestamp::from_micros(START + i64::try_from(number).unwrap() * 1_000);
    let place = format!(
        r#""$current_url":"https://example.com/page/{number}","$pathname":"/page/{number}","#
    );
    let device = r#""$browser":"Chrome","$browser_version":138,"$os":"Mac OS X","$os_version":"10.15.7","$device_type":"Desktop","$screen_width":1728,"$screen_height":1117,"$viewport_width":1728,"$viewport_height":963,"$raw_user_agent":"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36","$referrer":"https://www.google.com/","$referring_domain":"www.google.com","utm_source":"google","utm_medium":"cpc","utm_campaign":"spring""#;
    let rest = r#","$host":"example.com","$device_id":"0197c5a0-6a4c-7b0e-8f6b-0d2a2f5c8a11","$session_id":"0197c5a0-6a4c-7b0e-8f6b-0d2b3c4d5e6f","$window_id":"0197c5a0-6a4c-7b0e-8f6b-0d2c4d5e6f70","$lib":"web","$lib_version":"1.257.0","$insert_id":"k2j3h4g5f6d7s8a9","$time":1751367540.123,"title":"Example","$is_identified":false,"$lib_rate_limit_remaining_tokens":99,"$autocapture_disabled_server_side":false,"$web_vitals_enabled_server_side":true,"$exception_capture_enabled_server_side":false,"$dead_clicks_enabled_server_side":false,"$pageview_id":"0197c5a0-6a4c-7b0e-8f6b-0d2d5e6f7081""#;
    Event {
        uuid: Uuid::from_u128(number as u128),
        uuid_origin: UuidOrigin::Client,
        token: Token::new("phc_cost"),
        event: "$pageview".to_owned(),
        distinct_id: DistinctId::new(format!("0197c5a0-6a4c-7b0e-8f6b-{user:012}")),
        timestamp,
        created_at: timestamp,
        sent_at: None,
        properties: format!("{{{place}{device}{rest}}}"),
        set: None,
        set_once: None,
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

fn parsing() {
    let events: Vec<Event> = (0..1_000).map(|number| page_view(number, number)).collect();
    let bytes = events[0].properties.len();
    let started = cpu();
    let mut claims = 0;
    while cpu() - started < Duration::from_secs(1) {
        for event in &events {
            std::hint::black_box(Claim::new(event, TEAM));
        }
        claims += events.len();
    }
    let each = (cpu() - started).as_secs_f64() * 1e6 / claims as f64;
    println!("claim of an event with {bytes} bytes of properties: {each:.2} µs");
}

fn open(path: &Path) -> Store {
    let journal_id = Uuid::from_u128(1);
    Store::open(path, journal_id, Settings::default(), StoreOptions::default()).unwrap()
}

/// The processor's time that this thread took; others may have kept the machine busy.
fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(stat.split(' ').next().unwrap().parse().unwrap())
}

/// Settles and publishes events of these users in groups, and says what it took.
fn run(what: &str, store: &mut Store, end: &mut u64, users: impl Iterator<Item = usize>) {
    let (mut busy, mut elapsed, mut events) = (Duration::ZERO, Duration::ZERO, 0);
    let mut users = users.peekable();
    while users.peek().is_some() {
        let of = |user| Claim::new(&page_view(user, usize::try_from(*end).unwrap()), TEAM);
        let claims: Vec<Claim> = users.by_ref().take(100 * BATCH).map(of).collect();
        let (started, at) = (Instant::now(), cpu());
        for claims in claims.chunks(BATCH) {
            let settled = store.settle(claims).unwrap();
            *end += settled.iter().map(|one| 1 + one.changes.len() as u64).sum::<u64>();
            store.publish(*end);
        }
        busy += cpu() - at;
        elapsed += started.elapsed();
        events += claims.len();
    }
    let each = |time: Duration| time.as_secs_f64() * 1e6 / events as f64;
    let (busy, elapsed) = (each(busy), each(elapsed));
    println!("{what}: {busy:.2} µs of processor, {elapsed:.2} µs in all, of {events} events");
}

fn hot(path: &Path, users: usize) {
    let (mut store, mut end) = (open(path), 0);
    run("100 new persons", &mut store, &mut end, 0..users);
    run("hot, 100 persons", &mut store, &mut end, (0..300_000).map(|event| event % users));
}

fn many(path: &Path, persons: usize) {
    let (mut store, mut end) = (open(path), 0);
    run(&format!("{persons} new persons"), &mut store, &mut end, 0..persons);
    let started = Instant::now();
    store.checkpoint().unwrap();
    let seconds = started.elapsed().as_secs_f64();
    println!("last checkpoint: {seconds:.1} s, {}, {}", memory(), on_disk(path));
    // As good as random, and the same every time.
    let scattered = |event: usize| (event.wrapping_mul(2_654_435_761)) % persons;
    let events = persons.min(300_000);
    run("scattered", &mut store, &mut end, (0..events).map(scattered));
    drop(store);
    let mut store = open(path);
    run("cold", &mut store, &mut end, (0..events).map(scattered));
    run("hot", &mut store, &mut end, (0..events).map(|event| scattered(event % 10_000)));
    let cached = store.cached_bytes() >> 20;
    println!("{}, cache {cached} MB, {}", memory(), on_disk(path));
}

fn on_disk(path: &Path) -> String {
    let megabytes = |suffix: &str| {
        let file = std::fs::metadata(format!("{}{suffix}", path.display()));
        file.map_or(0, |file| file.len()) >> 20
    };
    format!("database {} MB, its log {} MB", megabytes(""), megabytes("-wal"))
}

fn memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = |name| status.lines().find(|line| line.starts_with(name)).unwrap_or_default();
    format!("{}, {}", line("VmRSS"), line("VmHWM")).split_whitespace().collect::<Vec<_>>().join(" ")
}
