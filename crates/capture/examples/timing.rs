//! Prints how long decoding takes per event, for payloads shaped like those of posthog-node,
//! posthog-js and a single capture. Run by hand: `cargo run --release --example timing`.

use std::hint::black_box;
use std::io::Write;
use std::time::Instant;

use bytes::Bytes;
use event::Timestamp;
use flate2::Compression;
use flate2::write::GzEncoder;
use hogflare_capture::{Lane, Request, Settings, Unbounded, decode_events};
use http::HeaderMap;
use serde_json::{Value, json};

const TOKEN: &str = "phc_benchmarkbenchmarkbenchmarkbenchmark123";
const ROUNDS: usize = 7;

fn main() {
    let node = json!({
        "api_key": TOKEN,
        "batch": (0..100).map(node_event).collect::<Vec<_>>(),
        "sent_at": "2024-06-07T11:00:00.000Z",
    });
    let js: Vec<Value> = (0..20).map(js_event).collect();
    let single = json!({
        "api_key": TOKEN, "event": "purchase", "distinct_id": uuid(1),
        "timestamp": "2024-06-07T10:00:00.000Z", "uuid": uuid(2),
        "properties": {"amount": 29.99, "currency": "EUR", "product_id": "widget-001",
            "$lib": "python", "$lib_version": "3.5.0",
            "$current_url": "https://app.example.com/pricing", "quantity": 3},
    });
    measure("node100 gzip", Lane::Batch, 100, gzip(&node));
    measure("node100 plain", Lane::Batch, 100, node.to_string().into());
    measure("js20 gzip", Lane::Capture, 20, gzip(&js.into()));
    measure("single", Lane::Capture, 1, single.to_string().into());
}

fn measure(name: &str, lane: Lane, events: usize, body: Bytes) {
    let headers = HeaderMap::new();
    let request = Request {
        lane,
        path: "/e/",
        query: Some("ip=1&_=1717750000000&ver=1.138.1"),
        headers: &headers,
        body,
        received_at: Timestamp::from_millis(1_717_758_000_000),
        client_ip: Some([203, 0, 113, 7].into()),
    };
    let settings = Settings::default();
    let repeats = 40_000 / events;
    let best = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            for _ in 0..repeats {
                let decoded = decode_events(black_box(&request), &settings, &mut Unbounded);
                black_box(decoded.expect("the payload is valid").events);
            }
            start.elapsed()
        })
        .min()
        .unwrap_or_default();
    let micros = best.as_secs_f64() * 1e6 / (repeats * events) as f64;
    println!("{name:14} {micros:6.2} µs/event, {} bytes", request.body.len());
}

fn gzip(body: &Value) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder
        .write_all(body.to_string().as_bytes())
        .and_then(|()| encoder.finish())
        .expect("a Vec takes all bytes")
        .into()
}

/// Different for each number, and always the same: compression must have something to do.
fn uuid(number: u64) -> String {
    let mixed = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    uuid::Builder::from_random_bytes(
        (u128::from(mixed ^ mixed >> 31) << 64 | u128::from(mixed.wrapping_mul(mixed)))
            .to_be_bytes(),
    )
    .into_uuid()
    .to_string()
}

fn node_event(number: u64) -> Value {
    json!({
        "distinct_id": format!("user_{:06}", number * 7919 % 1_000_000), "event": "order created",
        "properties": {
            "$lib": "posthog-node", "$lib_version": "4.0.1", "$geoip_disable": true, "plan": "team",
            "request_id": uuid(number), "duration_ms": number * 31 % 5000, "amount": 123.45,
            "currency": "EUR", "route": "/app/projects/4711/dashboards/123", "status": 200,
            "region": "eu-central-1", "tags": ["alpha", "export", "funnel", "metric"],
            "$groups": {"company": format!("company_{:04}", number * 13 % 10_000)},
            "note": "alpha bravo checkout dashboard export funnel insight journey launch metric",
        },
        "type": "capture", "library": "posthog-node", "library_version": "4.0.1",
        "timestamp": format!("2024-06-07T10:{:02}:{:02}.123Z", number / 60 % 60, number % 60),
        "uuid": uuid(number + 1_000),
    })
}

fn js_event(number: u64) -> Value {
    let mut event = json!({
        "uuid": uuid(number + 2_000), "event": "$pageview",
        "timestamp": format!("2024-06-07T10:00:{:02}.123Z", number % 60),
        "properties": {
            "$os": "Mac OS X", "$os_version": "10.15.7", "$browser": "Chrome",
            "$device_type": "Desktop", "$timezone": "Europe/Berlin",
            "$current_url": "https://app.example.com/pricing?utm_source=newsletter&ref=funnel",
            "$host": "app.example.com", "$pathname": "/pricing",
            "$raw_user_agent": "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 \
                (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
            "$browser_version": 126, "$browser_language": "en-US", "$screen_height": 1117,
            "$screen_width": 1728, "$viewport_height": 900, "$viewport_width": 1700,
            "$lib": "web", "$lib_version": "1.138.1", "$insert_id": format!("{number:016x}"),
            "$time": 1_717_750_000.123, "distinct_id": uuid(3), "$device_id": uuid(4),
            "$initial_referrer": "https://www.google.com/",
            "$initial_referring_domain": "www.google.com", "$referrer": "$direct",
            "$referring_domain": "$direct", "$is_identified": true,
            "$process_person_profile": true, "$session_id": uuid(5), "$window_id": uuid(6),
            "token": TOKEN, "title": "Export funnel | Example",
        },
    });
    if number % 5 < 2 {
        event["event"] = "$autocapture".into();
        event["properties"]["$elements"] = json!([{
            "tag_name": "button", "$el_text": "alpha export", "classes": ["btn", "btn-primary"],
            "attr__class": "btn btn-primary", "attr__data-attr": "funnel", "nth_child": 3,
            "nth_of_type": 1,
        }]);
    }
    event
}
