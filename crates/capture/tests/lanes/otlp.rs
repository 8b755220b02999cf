//! OpenTelemetry's signals as they came: logs, traces and metrics, in protobuf and JSON.

use bytes::Bytes;
use event::{Event, Table, Token, UuidOrigin};
use hogflare_capture::otlp::{Encoding, Request, Signal, Signals, decode, success_body};
use hogflare_capture::{Busy, Error, Memory, Note, Settings, Unbounded};
use http::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderName};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::common::{NOW, gzip, json, optional_json};

const PROTOBUF: &str = "application/x-protobuf";
const LOGS_JSON: &str = include_str!("../fixtures/otlp/logs.json");
/// The fixtures in protobuf were written by the `opentelemetry-proto` crate, which read them from JSON.
const FIXTURES: [(Signal, &str, &[u8]); 3] = [
    (Signal::Logs, LOGS_JSON, include_bytes!("../fixtures/otlp/logs.pb")),
    (
        Signal::Traces,
        include_str!("../fixtures/otlp/traces.json"),
        include_bytes!("../fixtures/otlp/traces.pb"),
    ),
    (
        Signal::Metrics,
        include_str!("../fixtures/otlp/metrics.json"),
        include_bytes!("../fixtures/otlp/metrics.pb"),
    ),
];

/// A request in the making; its token is in the query, as posthog-js has it.
struct Sent {
    signal: Signal,
    body: Bytes,
    query: &'static str,
    headers: HeaderMap,
    settings: Settings,
}

fn send(signal: Signal, body: impl Into<Bytes>) -> Sent {
    Sent {
        signal,
        body: body.into(),
        query: "token=phc_q",
        headers: HeaderMap::new(),
        settings: Settings::default(),
    }
}

impl Sent {
    fn header(mut self, name: HeaderName, value: &str) -> Self {
        self.headers.insert(name, value.parse().unwrap());
        self
    }

    fn settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    fn query(mut self, query: &'static str) -> Self {
        self.query = query;
        self
    }

    fn decode_with(&self, memory: &mut dyn Memory) -> Result<Signals, Error> {
        let request = Request {
            signal: self.signal,
            query: Some(self.query),
            headers: &self.headers,
            body: self.body.clone(),
            received_at: NOW.parse().unwrap(),
            client_ip: None,
        };
        decode(&request, &self.settings, memory)
    }

    fn decode(&self) -> Result<Signals, Error> {
        self.decode_with(&mut Unbounded)
    }

    fn events(&self) -> Vec<Event> {
        self.decode().unwrap().events
    }

    fn status(&self) -> u16 {
        self.decode().unwrap_err().status().as_u16()
    }
}

/// What rows are made of: signal, resource, and what it tells.
fn rows(events: &[Event]) -> Vec<(String, Value, Value)> {
    let row = |event: &Event| {
        (event.event.clone(), optional_json(&event.context), json(&event.properties))
    };
    events.iter().map(row).collect()
}

#[test]
fn both_encodings_give_the_same_rows() {
    for (signal, text, protobuf) in FIXTURES {
        let of_json = send(signal, text).events();
        let of_protobuf = send(signal, protobuf).header(CONTENT_TYPE, PROTOBUF).events();
        assert_eq!(rows(&of_json), rows(&of_protobuf));
        let list = json(text)[format!("resource{}", of_json_name(signal))].clone();
        assert_eq!(of_json.len(), list.as_array().unwrap().len());
    }
}

fn of_json_name(signal: Signal) -> &'static str {
    match signal {
        Signal::Logs => "Logs",
        Signal::Traces => "Spans",
        Signal::Metrics => "Metrics",
    }
}

#[test]
fn a_row_is_a_resource_and_its_text_is_the_senders() {
    let events = send(Signal::Logs, LOGS_JSON).events();
    let [first, second] = events.as_slice() else {
        panic!("two resources");
    };
    assert_eq!(first.table, Table::Otel);
    assert_eq!(first.event, "logs");
    assert_eq!(first.token.as_str(), "phc_q");
    assert_eq!(first.distinct_id.as_str(), "");
    assert_eq!(first.uuid_origin, UuidOrigin::Server);
    assert_ne!(first.uuid, second.uuid);
    assert_eq!(first.timestamp.to_string(), NOW);
    assert_eq!(first.created_at.to_string(), NOW);
    let resource = first.context.as_deref().unwrap();
    assert!(LOGS_JSON.contains(&format!("{{\"resource\":{resource},")));
    let told = first.properties.strip_prefix('{').unwrap();
    assert!(LOGS_JSON.contains(&format!(",{told},")), "{told}");
    assert_eq!(json(&first.properties)["schemaUrl"], "https://opentelemetry.io/schemas/1.30.0");
    assert_eq!(second.context, None);
}

#[test]
fn gzip_is_undone_with_and_without_a_header() {
    let plain = rows(&send(Signal::Logs, LOGS_JSON).events());
    let unmarked = send(Signal::Logs, gzip(LOGS_JSON.as_bytes()));
    assert_eq!(rows(&unmarked.header(CONTENT_TYPE, "text/plain").events()), plain);
    let protobuf = || send(Signal::Logs, gzip(FIXTURES[0].2)).header(CONTENT_TYPE, PROTOBUF);
    assert_eq!(rows(&protobuf().events()), plain);
    assert_eq!(rows(&protobuf().header(CONTENT_ENCODING, "gzip").events()), plain);
}

#[test]
fn json_of_others_is_understood() {
    let snake = json!({"resource_logs": [
        {"resource": null, "scope_logs": [{"logRecords": [{}]}], "schema_url": "u"},
    ]});
    let events = send(Signal::Logs, snake.to_string()).events();
    let told = json!({"scopeLogs": [{"logRecords": [{}]}], "schemaUrl": "u"});
    assert_eq!(rows(&events), [("logs".to_owned(), Value::Null, told)]);
    let lines = format!("{LOGS_JSON}\n{LOGS_JSON}");
    assert_eq!(send(Signal::Logs, lines).events().len(), 4);
    let mislabelled = send(Signal::Logs, LOGS_JSON).header(CONTENT_TYPE, PROTOBUF);
    assert_eq!(mislabelled.events().len(), 2);
    let raw_tab = LOGS_JSON.replace("failed", "fai\tled");
    let sent = send(Signal::Logs, raw_tab).decode().unwrap();
    assert_eq!(sent.notes.count(Note::RawControlCharacter), 1);
    assert_eq!(
        json(&sent.events[0].properties)["scopeLogs"][0]["logRecords"][1]["body"]["stringValue"],
        "fai\tled"
    );
}

#[test]
fn a_repeated_member_counts_once() {
    let text = r#"{"resourceLogs":[{"scopeLogs":[1],"resource":{},"scopeLogs":[2],"x":{"y":1}}]}"#;
    let events = send(Signal::Logs, text).events();
    assert_eq!(events[0].properties, r#"{"scopeLogs":[2],"x":{"y":1}}"#);
}

#[test]
fn nothing_sent_is_a_success_without_rows() {
    for text in ["{}", r#"{"resourceLogs":[]}"#, r#"{"resourceLogs":[{"scopeLogs":[]}]}"#] {
        assert!(send(Signal::Logs, text).events().is_empty(), "{text}");
    }
    let of_a_resource_alone = [0x0a, 0x02, 0x0a, 0x00];
    let sent = send(Signal::Logs, of_a_resource_alone.to_vec()).header(CONTENT_TYPE, PROTOBUF);
    assert!(sent.events().is_empty());
}

#[test]
fn what_is_wrong_is_refused_whole() {
    for text in ["", "[]", "7", "{", "{}x", r#"{"resourceLogs":{}}"#, r#"{"resourceLogs":[7]}"#] {
        assert_eq!(send(Signal::Logs, text).status(), 400, "{text}");
    }
    let another = send(Signal::Traces, LOGS_JSON).decode().unwrap_err();
    let why = "failed to parse request: missing field `resourceSpans`";
    assert_eq!(another.to_string(), why);
    let half = &FIXTURES[0].2[..FIXTURES[0].2.len() / 2];
    assert_eq!(send(Signal::Logs, half).header(CONTENT_TYPE, PROTOBUF).status(), 400);
    let not_utf8 = send(Signal::Logs, &b"{\"resourceLogs\":\"\xff\"}"[..]);
    assert_eq!(not_utf8.status(), 400);
}

#[test]
fn the_token_is_found_where_exporters_put_it() {
    let token = |sent: Sent| sent.decode().map(|signals| signals.token.to_string());
    let logs = || send(Signal::Logs, LOGS_JSON);
    assert_eq!(token(logs()).unwrap(), "phc_q");
    assert_eq!(token(logs().header(AUTHORIZATION, "Bearer phc_h")).unwrap(), "phc_h");
    assert_eq!(token(logs().query("")), Err(Error::MissingToken));
    let default_token = Some(Token::new("phc_default"));
    let settings = Settings { default_token, ..Settings::default() };
    assert_eq!(token(logs().query("").settings(settings)).unwrap(), "phc_default");
    assert_eq!(logs().header(AUTHORIZATION, "Bearer phx_secret").status(), 401);
}

#[test]
fn deep_nesting_is_refused_in_both_encodings() {
    let deep = format!(r#"{{"resourceLogs":[{}{}]}}"#, "[".repeat(200), "]".repeat(200));
    let refused = |sent: Sent| sent.decode().unwrap_err().to_string().contains("nests deeper");
    assert!(refused(send(Signal::Logs, deep)));
    // AnyValue { array_value { values { … } } }
    let mut message = Vec::new();
    for _ in 0..60 {
        message = field(5, &field(1, &message));
    }
    let record = field(5, &message);
    let request = field(1, &field(2, &field(2, &record)));
    assert!(refused(send(Signal::Logs, request).header(CONTENT_TYPE, PROTOBUF)));
}

/// A field of bytes, longer than a byte of length can say.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let length = [bytes.len() as u8 | 0x80, (bytes.len() >> 7) as u8];
    [&[number << 3 | 2], &length[..], bytes].concat()
}

struct Small {
    left: usize,
}

impl Memory for Small {
    fn reserve(&mut self, bytes: usize) -> Result<(), Busy> {
        self.left = self.left.checked_sub(bytes).ok_or(Busy)?;
        Ok(())
    }
}

#[test]
fn small_bodies_that_stand_for_much_are_paid_for_first() {
    let empty_records = [0x12, 0x00].repeat(100_000);
    let length = empty_records.len();
    let varint = [length as u8 | 0x80, (length >> 7) as u8 | 0x80, (length >> 14) as u8];
    let scope = [&[0x12], &varint[..], &empty_records].concat();
    let length = scope.len();
    let varint = [length as u8 | 0x80, (length >> 7) as u8 | 0x80, (length >> 14) as u8];
    let request = [&[0x0a], &varint[..], &scope].concat();
    let sent = send(Signal::Logs, request).header(CONTENT_TYPE, PROTOBUF);
    assert_eq!(sent.events().len(), 1);
    assert_eq!(sent.decode_with(&mut Small { left: 100_000 }), Err(Error::Busy));
    let many = format!(r#"{{"resourceLogs":[{}{{}}]}}"#, r#"{"a":1},"#.repeat(10_000));
    let many = send(Signal::Logs, many);
    assert_eq!(many.decode_with(&mut Small { left: 1 << 20 }), Err(Error::Busy));
}

#[test]
fn broken_text_in_protobuf_is_mended_and_noted() {
    let body = field(5, &field(1, b"a\xff\"b"));
    let request = field(1, &field(2, &field(2, &body)));
    let sent = send(Signal::Logs, request).header(CONTENT_TYPE, PROTOBUF).decode().unwrap();
    let record = json!({"body": {"stringValue": "a\u{fffd}\"b"}});
    assert_eq!(json(&sent.events[0].properties), json!({"scopeLogs": [{"logRecords": [record]}]}));
    assert_eq!(sent.notes.count(Note::BrokenText), 1);
}

#[test]
fn of_a_choice_the_last_counts_and_a_repeated_message_is_refused() {
    let told = |value: &[u8]| {
        let request = field(1, &field(2, &field(2, &field(5, value))));
        let sent = send(Signal::Logs, request).header(CONTENT_TYPE, PROTOBUF).decode()?;
        let told = json(&sent.events[0].properties);
        Ok::<Value, Error>(told["scopeLogs"][0]["logRecords"][0]["body"].clone())
    };
    let text_then_flag = [&field(1, b"a")[..], &[0x10, 0x01]].concat();
    assert_eq!(told(&text_then_flag), Ok(json!({"boolValue": true})));
    let twice = [field(5, b""), field(5, b"")].concat();
    assert!(matches!(told(&twice), Err(Error::Unparsable { .. })));
    assert!(matches!(told(&[0x08, 0x01]), Err(Error::Unparsable { .. })), "a text is no number");
    let not_a_number = [&[0x21][..], &f64::NAN.to_le_bytes()].concat();
    assert_eq!(told(&not_a_number), Ok(json!({"doubleValue": "NaN"})));
}

#[test]
fn success_says_nothing_of_partial_success() {
    assert_eq!(success_body(Encoding::Json), ("application/json", &b"{}"[..]));
    assert_eq!(success_body(Encoding::Protobuf), (PROTOBUF, &b""[..]));
}

proptest! {
    #[test]
    fn garbage_never_panics(
        (fixture, at, byte) in (0usize..3, any::<proptest::sample::Index>(), any::<u8>()),
        garbage in proptest::collection::vec(any::<u8>(), 0..60),
    ) {
        let (signal, text, protobuf) = FIXTURES[fixture];
        for (body, content_type) in
            [(text.as_bytes(), "text/plain"), (protobuf, PROTOBUF), (&garbage, PROTOBUF)]
        {
            let mut body = body.to_vec();
            if !body.is_empty() {
                let at = at.index(body.len());
                body[at] = byte;
            }
            let sent = send(signal, body).header(CONTENT_TYPE, content_type);
            if let Ok(signals) = sent.decode() {
                for event in signals.events {
                    prop_assert!(json(&event.properties).is_object());
                    optional_json(&event.context);
                }
            }
        }
    }
}
