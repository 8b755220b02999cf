//! Requests to OpenTelemetry's endpoints: three signals in JSON and protobuf, and spans of AI.
//!
//! - Decoding does not panic, and the same request, also as gzip, gives the same rows.
//! - Rows are JSON within the depth that rows may have, take no more than what was asked for, and
//!   survive the journal.
//! - Rows written down as JSON and sent again are the same rows: what came as protobuf lost nothing
//!   that JSON can say.
//! - Spans of AI become events of AI within their limits, the same from protobuf and from its JSON, and
//!   with the same uuids when they are sent again.

use capture::Error;
use capture::otlp::{Signal, Signals, decode, decode_ai};
use event::limits::JSON_DEPTH;
use event::{DistinctId, Event, Table, UuidOrigin};
use http::HeaderValue;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use uuid::Uuid;

use crate::json::{self, Object};
use crate::meter::Meter;
use crate::opinion::decoded;
use crate::wrap::declared_gzip;
use crate::{Sent, stored};

/// How deep a row's members stand in a request: in an entry, in a list, in the request.
const LEVEL: usize = 2;

/// Decodes a request to the endpoint of one signal, by its path.
pub fn otlp(input: &[u8]) {
    let sent = Sent::parse(input);
    let (outcome, reserved) = decoded(&sent, signals, &[declared_gzip]);
    let Ok(signals) = outcome else { return };
    for event in &signals.events {
        stored::check(event, sent.now());
        assert_eq!((event.table, event.event.as_str()), (Table::Otel, sent.otlp().signal.name()));
        assert!(event.context.as_deref().is_none_or(|json| json::depth(json) <= JSON_DEPTH));
    }
    let taken: usize = signals.events.iter().map(stored::bytes_of).sum();
    assert!(taken <= reserved, "{taken} bytes of rows, {reserved} were asked for");
    match sent.choice() % 3 {
        0 => signals.events.iter().for_each(stored::survives),
        1 => same_in_json(&sent, &signals),
        _ => {}
    }
}

/// Decodes a request to the endpoint for spans of AI, whatever its path says.
pub fn otlp_ai(input: &[u8]) {
    let sent = Sent::parse(input);
    let (outcome, reserved) = decoded(&sent, ai_spans, &[declared_gzip]);
    let Ok(spans) = outcome else { return };
    for event in &spans.events {
        stored::check(event, sent.now());
        assert!(event.event.starts_with("$ai_"), "of another kind: {}", event.event);
        assert_eq!(event.token, spans.token);
    }
    stored::bounded(&spans.events, &sent, reserved);
    match sent.choice() % 3 {
        0 => spans.events.iter().for_each(stored::survives),
        1 => same_spans_in_json(&sent, &spans),
        _ => {}
    }
}

fn signals(sent: &Sent, meter: &mut Meter) -> Result<Signals, Error> {
    decode(&sent.otlp(), &sent.settings, meter).map(without_chance)
}

fn ai_spans(sent: &Sent, meter: &mut Meter) -> Result<Signals, Error> {
    decode_ai(&sent.otlp(), &sent.settings, meter).map(without_chance)
}

fn without_chance(mut signals: Signals) -> Signals {
    for event in &mut signals.events {
        if event.uuid_origin == UuidOrigin::Server {
            event.uuid = Uuid::nil();
            // A span of no trace and of nobody has an id of its own.
            let id = Uuid::try_parse(event.distinct_id.as_str());
            if id.is_ok_and(|id| id.get_version_num() == 4) {
                event.distinct_id = DistinctId::new("nobody");
            }
        }
    }
    signals
}

fn same_in_json(sent: &Sent, signals: &Signals) {
    let Some(again) = in_json(sent, &signals.events) else { return };
    let again = self::signals(&again, &mut Meter::unbounded()).expect("rows that were written");
    let texts = |event: &Event| (event.properties.clone(), event.context.clone());
    let [before, after] =
        [&signals.events, &again.events].map(|events| events.iter().map(texts).collect::<Vec<_>>());
    assert_eq!(after, before, "a row changed when it was sent again");
}

fn same_spans_in_json(sent: &Sent, spans: &Signals) {
    let mut traces = sent.clone();
    traces.path = "/v1/traces".to_owned();
    // There the token may be elsewhere too, but not here.
    let Ok(raw) = signals(&traces, &mut Meter::unbounded()) else { return };
    let Some(again) = in_json(&traces, &raw.events) else { return };
    let again = ai_spans(&again, &mut Meter::unbounded()).expect("spans that were written");
    assert_eq!(again.events, spans.events, "a span changed when it was sent again");
}

/// A request in JSON with these rows; nothing where it would be too deep.
fn in_json(sent: &Sent, events: &[Event]) -> Option<Sent> {
    let mut entries = Vec::new();
    for event in events {
        let resource = event.context.as_deref().unwrap_or("null");
        let told = event.properties.strip_prefix('{')?;
        if json::depth(resource).max(json::depth(&event.properties)) + LEVEL > JSON_DEPTH {
            return None;
        }
        // A member with the name of the resource would be taken for it.
        if Object::parse(&event.properties)?.get("resource").is_some() {
            return None;
        }
        entries.push(format!("{{\"resource\":{resource},{told}"));
    }
    let name = match sent.otlp().signal {
        Signal::Logs => "resourceLogs",
        Signal::Traces => "resourceSpans",
        Signal::Metrics => "resourceMetrics",
    };
    let mut again = sent.clone();
    again.headers.remove(CONTENT_ENCODING);
    again.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    again.body = format!("{{\"{name}\":[{}]}}", entries.join(",")).into();
    again.settings.inflated_limit = again.settings.inflated_limit.max(again.body.len());
    Some(again)
}
