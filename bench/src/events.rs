//! Events as SDKs send them, made up from a seed, each with a uuid that was never used before.

use fastrand::Rng;
use jiff::Timestamp;
use uuid::Uuid;

use crate::case::Case;
use crate::json_text::{Object, array};

/// The project's token.
pub(crate) const TOKEN: &str = "phc_bench";

const PAGES: [&str; 7] = [
    "/",
    "/pricing",
    "/docs/getting-started",
    "/blog/2024/06/why-event-pipelines-matter",
    "/app/projects/4711/dashboards/123",
    "/checkout/step/2",
    "/signup",
];
const WORDS: [&str; 14] = [
    "alpha",
    "bravo",
    "checkout",
    "dashboard",
    "export",
    "funnel",
    "insight",
    "journey",
    "launch",
    "metric",
    "onboarding",
    "plan",
    "report",
    "upgrade",
];
const PLANS: [&str; 3] = ["free", "team", "scale"];
const BROWSERS: [(&str, u32, &str, &str); 4] = [
    ("Chrome", 126, "Mac OS X", "10.15.7"),
    ("Firefox", 127, "Windows", "10.0"),
    ("Safari", 17, "iOS", "17.5.1"),
    ("Microsoft Edge", 125, "Windows", "11.0"),
];
const BROWSER_EVENTS: [&str; 5] =
    ["$pageview", "$autocapture", "$autocapture", "$pageleave", "button clicked"];
const NODE_EVENTS: [&str; 4] = ["order created", "invoice paid", "api request", "job finished"];

/// Makes up the JSON of requests.
#[derive(Debug)]
pub(crate) struct Composer {
    rng: Rng,
    now: Timestamp,
    /// How many people events are about; without it most are about somebody new.
    persons: Option<u32>,
}

/// What a browser says of itself with every event.
struct Visit {
    browser: (&'static str, u32, &'static str, &'static str),
    distinct_id: Uuid,
    device_id: Uuid,
    session_id: Uuid,
    window_id: Uuid,
}

impl Composer {
    /// Values follow the seed; uuids and times do not.
    pub(crate) fn new(seed: u64, persons: Option<u32>) -> Self {
        Self { rng: Rng::with_seed(seed), now: Timestamp::now(), persons }
    }

    /// The body of a request of this case.
    pub(crate) fn body(&mut self, case: Case) -> String {
        match case {
            Case::Single => self.single(),
            Case::Browser20 => {
                let visit = self.visit();
                let events: Vec<String> =
                    (0..case.events()).map(|event| self.browser_event(&visit, event)).collect();
                self.batch(events)
            }
            Case::Node100 => {
                let events = (0..case.events()).map(|event| self.node_event(event)).collect();
                self.batch(events)
            }
        }
    }

    fn single(&mut self) -> String {
        let properties = Object::new()
            .json("amount", self.price(100))
            .text("currency", "EUR")
            .text("product_id", format_args!("widget-{:03}", self.rng.u32(..1_000)))
            .text("$lib", "posthog-python")
            .text("$lib_version", "3.5.0")
            .text("$current_url", format_args!("https://app.example.com{}", self.pick(&PAGES)))
            .json("quantity", self.rng.u32(1..10))
            .finish();
        Object::new()
            .text("api_key", TOKEN)
            .text("event", "purchase")
            .text("distinct_id", self.person())
            .text("timestamp", self.time(0))
            .text("uuid", Uuid::now_v7())
            .json("properties", properties)
            .finish()
    }

    fn visit(&mut self) -> Visit {
        Visit {
            browser: self.pick(&BROWSERS),
            distinct_id: self.person(),
            device_id: self.id(),
            session_id: self.id(),
            window_id: self.id(),
        }
    }

    fn browser_event(&mut self, visit: &Visit, index: u64) -> String {
        let name = self.pick(&BROWSER_EVENTS);
        let properties = self.browser_properties(visit);
        let properties = self.specifics(properties, name).finish();
        Object::new()
            .text("uuid", Uuid::now_v7())
            .text("event", name)
            .json("properties", properties)
            .text("timestamp", self.time(index * 137))
            .finish()
    }

    fn browser_properties(&mut self, visit: &Visit) -> Object {
        let (browser, version, os, os_version) = visit.browser;
        let page = self.pick(&PAGES);
        let word = self.pick(&WORDS);
        let device = if os == "iOS" { "Mobile" } else { "Desktop" };
        Object::new()
            .text("$os", os)
            .text("$os_version", os_version)
            .text("$browser", browser)
            .text("$device_type", device)
            .text("$timezone", "Europe/Berlin")
            .text(
                "$current_url",
                format_args!("https://app.example.com{page}?utm_source=newsletter&ref={word}"),
            )
            .text("$host", "app.example.com")
            .text("$pathname", page)
            .text(
                "$raw_user_agent",
                format_args!(
                    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 \
                     (KHTML, like Gecko) Chrome/{version}.0.0.0 Safari/537.36"
                ),
            )
            .json("$browser_version", version)
            .text("$browser_language", "en-US")
            .json("$screen_height", 1_117)
            .json("$screen_width", 1_728)
            .json("$viewport_height", self.rng.u32(600..1_000))
            .json("$viewport_width", self.rng.u32(900..1_728))
            .text("$lib", "web")
            .text("$lib_version", "1.138.1")
            .text("$insert_id", format_args!("{:016x}", self.rng.u64(..)))
            .json("$time", format_args!("{}.{:03}", self.now.as_second(), self.rng.u32(..1_000)))
            .text("distinct_id", visit.distinct_id)
            .text("$device_id", visit.device_id)
            .text("$initial_referrer", "https://www.google.com/")
            .text("$initial_referring_domain", "www.google.com")
            .text("$referrer", "$direct")
            .text("$referring_domain", "$direct")
            .json("$is_identified", true)
            .json("$process_person_profile", true)
            .text("$session_id", visit.session_id)
            .text("$window_id", visit.window_id)
            .text("token", TOKEN)
    }

    fn specifics(&mut self, properties: Object, event: &str) -> Object {
        match event {
            "$autocapture" => {
                let element = Object::new()
                    .text("tag_name", "button")
                    .text("$el_text", self.words(2))
                    .json("classes", r#"["btn","btn-primary"]"#)
                    .text("attr__class", "btn btn-primary")
                    .text("attr__data-attr", self.pick(&WORDS))
                    .json("nth_child", self.rng.u32(1..10))
                    .json("nth_of_type", 1)
                    .finish();
                properties
                    .text("$event_type", "click")
                    .json("$ce_version", 1)
                    .json("$elements", array([element]))
            }
            "button clicked" => properties
                .text("plan", self.pick(&PLANS))
                .json("price", self.price(100))
                .json("labels", self.tags(3)),
            "$pageview" => properties.text("title", format_args!("{} | Example", self.words(2))),
            _ => properties,
        }
    }

    fn node_event(&mut self, index: u64) -> String {
        let company = format!("company_{:04}", self.rng.u32(..10_000));
        let properties = Object::new()
            .text("$lib", "posthog-node")
            .text("$lib_version", "4.0.1")
            .json("$geoip_disable", true)
            .text("plan", self.pick(&PLANS))
            .text("request_id", self.id())
            .json("duration_ms", self.rng.u32(1..5_000))
            .json("amount", self.price(500))
            .text("currency", "EUR")
            .text("route", self.pick(&PAGES))
            .json("status", self.pick(&[200, 200, 200, 404, 500]))
            .text("region", self.pick(&["eu-central-1", "us-east-1"]))
            .json("tags", self.tags(4))
            .json("$groups", Object::new().text("company", company).finish())
            .text("note", self.words(12))
            .finish();
        Object::new()
            .text("distinct_id", format_args!("user_{:06}", self.user()))
            .text("event", self.pick(&NODE_EVENTS))
            .json("properties", properties)
            .text("type", "capture")
            .text("library", "posthog-node")
            .text("library_version", "4.0.1")
            .text("timestamp", self.time(index * 41))
            .text("uuid", Uuid::now_v7())
            .finish()
    }

    fn batch(&self, events: Vec<String>) -> String {
        Object::new()
            .text("api_key", TOKEN)
            .json("batch", array(events))
            .text("sent_at", self.time(0))
            .finish()
    }

    fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.rng.usize(..choices.len())]
    }

    /// An id that is no event's.
    fn id(&mut self) -> Uuid {
        uuid::Builder::from_random_bytes(self.rng.u128(..).to_be_bytes()).into_uuid()
    }

    /// The distinct id of a visitor.
    fn person(&mut self) -> Uuid {
        match self.persons {
            None => self.id(),
            Some(persons) => {
                let visitor = u128::from(self.rng.u32(..persons)) << 64;
                uuid::Builder::from_random_bytes(visitor.to_be_bytes()).into_uuid()
            }
        }
    }

    /// The number of a user that the application names.
    fn user(&mut self) -> u32 {
        self.rng.u32(..self.persons.unwrap_or(1_000_000))
    }

    fn price(&mut self, below: u32) -> impl std::fmt::Display + use<> {
        let (whole, cents) = (self.rng.u32(..below), self.rng.u32(10..100));
        format!("{whole}.{cents}")
    }

    fn words(&mut self, count: usize) -> String {
        let words: Vec<&str> = (0..count).map(|_| self.pick(&WORDS)).collect();
        words.join(" ")
    }

    fn tags(&mut self, count: usize) -> String {
        array((0..count).map(|_| format!("\"{}\"", self.pick(&WORDS))))
    }

    /// So many milliseconds ago, as JavaScript writes it.
    fn time(&self, ago_ms: u64) -> impl std::fmt::Display + use<> {
        let ago = jiff::SignedDuration::from_millis(ago_ms.cast_signed());
        format!("{:.3}", self.now - ago)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use serde_json::Value;

    use super::*;

    fn composed(case: Case) -> Value {
        serde_json::from_str(&Composer::new(7, None).body(case)).unwrap()
    }

    #[test]
    fn bodies_are_json_of_the_promised_size() {
        let single = Composer::new(7, None).body(Case::Single).len();
        assert!((360..440).contains(&single), "{single}");
        for (case, bytes) in [(Case::Browser20, 1_200..1_400), (Case::Node100, 560..700)] {
            let body = composed(case);
            let events = body["batch"].as_array().unwrap();
            assert_eq!(events.len() as u64, case.events());
            let mean =
                events.iter().map(|event| event.to_string().len()).sum::<usize>() / events.len();
            assert!(bytes.contains(&mean), "{case}: {mean}");
        }
    }

    #[test]
    fn no_uuid_comes_twice_even_from_one_seed() {
        let mut seen = HashSet::new();
        for _ in 0..3 {
            for event in composed(Case::Node100)["batch"].as_array().unwrap() {
                assert!(seen.insert(event["uuid"].as_str().unwrap().to_owned()));
            }
        }
        assert_eq!(seen.len(), 300);
    }

    #[test]
    fn times_are_as_javascript_writes_them() {
        let time = composed(Case::Single)["timestamp"].as_str().unwrap().to_owned();
        assert_eq!(time.len(), "2024-06-07T10:20:30.123Z".len());
        assert!(time.ends_with('Z'));
    }
}
