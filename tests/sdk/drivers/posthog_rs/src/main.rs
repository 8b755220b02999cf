//! Drives the Rust SDK through everything it can send and prints what its own hook saw.

use std::env::var;
use std::error::Error;

use chrono::{FixedOffset, TimeZone, Utc};
use posthog_rs::{
    CaptureCompression, CaptureExceptionOptions, Client, ClientOptionsBuilder,
    EvaluateFlagsOptions, Event,
};
use serde_json::{Value, json};
use uuid::Uuid;

const USER: &str = "rust-user";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let client = connect().await?;
    send_events(&client)?;
    let flags = client.evaluate_flags(USER, EvaluateFlagsOptions::default()).await?;
    if flags.is_enabled("rust-flag") {
        eprintln!("a flag that nobody defined is on");
    }
    client
        .capture_exception_with(&broken(), CaptureExceptionOptions::new().distinct_id(USER))
        .await?;
    client.capture_immediate(event("rust immediate", json!({ "now": true }))?).await?;
    for index in 0..150 {
        let mut many = Event::new("rust many".to_owned(), format!("rust-batch-{}", index % 7));
        many.insert_prop("index", index)?;
        client.capture(many);
    }
    client.flush().await;
    client.capture(event("rust last before shutdown", json!({ "last": true }))?);
    client.shutdown().await;
    Ok(())
}

async fn connect() -> Result<Client, Box<dyn Error>> {
    let mut options = ClientOptionsBuilder::default();
    options
        .api_key(var("TOKEN")?)
        .host(var("POSTHOG_HOST")?)
        .flush_at(20)
        .flush_interval_ms(200)
        .before_send(|event| {
            println!("{}", json!({ "event": event.event_name() }));
            Some(event)
        })
        .on_error(|error| eprintln!("posthog-rs reports {error:?}"));
    match var("COMPRESSION")?.as_str() {
        "gzip" => options.capture_compression(CaptureCompression::Gzip),
        "deflate" => options.capture_compression(CaptureCompression::Deflate),
        "br" => options.capture_compression(CaptureCompression::Br),
        "zstd" => options.capture_compression(CaptureCompression::Zstd),
        _ => &mut options,
    };
    Ok(posthog_rs::client(options.build()?).await)
}

fn send_events(client: &Client) -> Result<(), Box<dyn Error>> {
    let text = "héllo — 🦔 日本語 \u{7} \"quoted\" \\ </script>";
    client.capture(event("rust unicode 🎉", json!({ "text": text, "ключ": "値" }))?);
    let nested = json!({ "a": { "b": { "c": [1, { "d": [] }, "x", [[]]] } }, "empty": {}, "list": [null, true, false] });
    client.capture(event("rust nested", nested)?);
    let numbers = json!({ "int": 42, "big": u64::MAX, "negative": -7, "float": 29.99, "tiny": 1e-9, "huge": 1.5e300 });
    client.capture(event("rust numbers", numbers)?);
    client.capture(event("rust null", json!({ "nothing": null, "text": "null", "no": false }))?);
    let person = json!({ "$set": { "plan": "pro", "seats": 3 }, "$set_once": { "first_seen": "today" }, "$unset": ["trial"] });
    client.capture(event("rust person", person)?);
    client.capture(event(
        "$identify",
        json!({ "$anon_distinct_id": "rust-anonymous", "$set": { "name": "Łucja" } }),
    )?);
    client.capture(event(
        "$set",
        json!({ "$set": { "city": "Łódź" }, "$set_once": { "signup": "web" } }),
    )?);
    client.capture(event("$screen", json!({ "$screen_name": "Home" }))?);
    client.capture(timed("rust explicit time", &Utc, 4, 5)?);
    let east = FixedOffset::east_opt(5 * 3600 + 1800).ok_or("no such zone")?;
    client.capture(timed("rust other zone", &east, 9, 35)?);
    let mut explicit = event("rust explicit uuid", json!({}))?;
    explicit.set_uuid(Uuid::parse_str(&var("EXPLICIT_UUID")?)?);
    client.capture(explicit);
    client.alias(USER, "rust-alias");
    client.group_identify("company", "acme", json!({ "name": "Acme ✨", "employees": 11 }))?;
    let mut in_group = event("rust in group", json!({}))?;
    in_group.add_group("company", "acme");
    client.capture(in_group);
    let mut anonymous = Event::new_anon("rust anonymous");
    anonymous.insert_prop("who", "nobody")?;
    client.capture(anonymous);
    client.capture_batch(vec![event("rust historical", json!({ "old": true }))?], true);
    Ok(())
}

fn event(name: &str, properties: Value) -> Result<Event, Box<dyn Error>> {
    let mut event = Event::new(name, USER);
    for (key, value) in properties.as_object().into_iter().flatten() {
        event.insert_prop(key, value)?;
    }
    Ok(event)
}

fn timed<Zone: TimeZone>(
    name: &str,
    zone: &Zone,
    hour: u32,
    minute: u32,
) -> Result<Event, Box<dyn Error>> {
    let mut event = event(name, json!({ "when": "then" }))?;
    let time = zone.with_ymd_and_hms(2026, 2, 3, hour, minute, 6).single().ok_or("no such time")?;
    event.set_timestamp(time)?;
    Ok(event)
}

fn broken() -> std::io::Error {
    std::io::Error::other("rust is broken 💥")
}
