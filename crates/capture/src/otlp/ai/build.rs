//! From an AI span to its event.

use std::net::IpAddr;

use event::{DistinctId, Event, Table, Timestamp, Token, UuidOrigin};
use serde_json::Value;
use uuid::Uuid;

use super::draft::Draft;
use super::library::Library;
use super::provider::Provider;
use super::span::Span;
use super::value::Properties;
use super::{failure, identity, naming};
use crate::builder::settle_uuid;
use crate::document::Item;
use crate::memory::Budget;
use crate::time::{Followed, Said};
use crate::{Error, Notes, distinct_id, json};

/// Names the uuids of events that are made of spans.
const SPANS: Uuid = Uuid::from_u128(0x9b0e6f0c_51a7_4d3e_8a55_0f3c4be6d2a1);
/// Attributes of the machine, which OpenTelemetry's SDKs add on their own.
const OF_MACHINE: [&str; 4] = ["host.", "process.", "os.", "telemetry."];
const LIB: &str = "posthog-otel";

/// Builds the events of one request.
pub(super) struct Builder {
    token: Token,
    received_at: Timestamp,
    client_ip: Option<IpAddr>,
}

impl Builder {
    pub(super) fn new(token: Token, received_at: Timestamp, client_ip: Option<IpAddr>) -> Self {
        Self { token, received_at, client_ip }
    }

    /// The event that a span is.
    pub(super) fn build(
        &self,
        span: &Span<'_>,
        provider: Provider,
        resource: &Properties,
        budget: &mut Budget<'_>,
        notes: &mut Notes,
    ) -> Result<Event, Error> {
        budget.reserve(size_of_all(resource))?;
        let attributes = span.attributes(budget)?;
        let trace_id = span.trace_id();
        let named = identity::distinct_id(&attributes, resource, trace_id.as_deref());
        let session = identity::session_id(&attributes, resource).map(str::to_owned);
        let event = provider.event(&attributes);
        let mut draft = Draft { event, properties: combined(resource, attributes) };
        self.describe(span, &mut draft)?;
        failure::apply(span, &mut draft, budget)?;
        match Library::of(&draft) {
            Some(library) => library.around(&mut draft, budget, naming::apply)?,
            None => naming::apply(&mut draft, budget)?,
        }
        if let Some(session) = session {
            draft.set_absent("$ai_session_id", session);
        }
        let (timestamp, extra) = self.settle_time(span, notes);
        let (uuid, uuid_origin) = self.settle_uuid(trace_id, span.span_id(), notes);
        let distinct_id = distinct_id::of(&[Some(&json::quote(&named))], notes)?;
        let text = |key: &str| draft.text(key).map(str::to_owned);
        let (session_id, window_id) = (text("$session_id"), text("$window_id"));
        let no_person = draft.properties.get("$process_person_profile");
        let process_person_profile = no_person != Some(&Value::Bool(false));
        let properties = Value::Object(draft.properties).to_string();
        budget.reserve(properties.len())?;
        Ok(Event {
            uuid,
            uuid_origin,
            token: self.token.clone(),
            event: draft.event.to_owned(),
            distinct_id: DistinctId::new(distinct_id.into_string()),
            timestamp,
            created_at: self.received_at,
            sent_at: None,
            properties,
            set: None,
            set_once: None,
            group_set: None,
            elements_chain: String::new(),
            session_id,
            window_id,
            process_person_profile,
            cookieless: false,
            has_place: false,
            keeps_persons: false,
            context: None,
            extra,
            table: Table::Events,
            reason: None,
        })
    }

    /// What the span is, besides its attributes.
    fn describe(&self, span: &Span<'_>, draft: &mut Draft) -> Result<(), Error> {
        // The address is that of an application's server, and not of whoever uses it.
        let geoip = draft.take("posthog.geoip_disable").unwrap_or(Value::Bool(true));
        draft.set_absent("$geoip_disable", geoip);
        if let Some(ip) = self.client_ip {
            draft.set_absent("$ip", ip.to_string());
        }
        let ids = [
            ("$ai_trace_id", span.trace_id()),
            ("$ai_span_id", span.span_id()),
            ("$ai_parent_id", span.parent_span_id()),
        ];
        for (key, id) in ids {
            if let Some(id) = id {
                draft.set(key, id);
            }
        }
        draft.set("$ai_ingestion_source", "otel");
        draft.set_absent("$lib", LIB);
        if let Some(version) = span.scope_version()? {
            draft.set_absent("$lib_version", version);
        }
        if let Some(name) = span.name() {
            draft.set("$ai_span_name", name);
        }
        let nanos = span.end().saturating_sub(span.start());
        if span.start() > 0 && nanos > 0 {
            draft.set("$ai_latency", nanos as f64 / 1e9);
        }
        Ok(())
    }

    /// When the span began, and what it said where that cannot be meant.
    fn settle_time(&self, span: &Span<'_>, notes: &mut Notes) -> (Timestamp, Option<String>) {
        let micros = i64::try_from(span.start() / 1_000).unwrap_or(i64::MAX);
        if micros == 0 {
            return (self.received_at, None);
        }
        let sent = json::quote(&Timestamp::from_micros(micros).to_string());
        let said = Said { timestamp: Some(&sent), ..Said::default() };
        let (timestamp, followed) = said.settle(self.received_at);
        if let Some(note) = followed.note() {
            notes.take(note);
        }
        let is_followed = followed == Followed::Fully;
        (timestamp, (!is_followed).then(|| format!("{{\"original_timestamp\":{sent}}}")))
    }

    /// The uuid of a span by its ids, which are the same when it is sent again.
    fn settle_uuid(
        &self,
        trace_id: Option<String>,
        span_id: Option<String>,
        notes: &mut Notes,
    ) -> (Uuid, UuidOrigin) {
        match (trace_id, span_id) {
            (Some(trace), Some(span)) => {
                let name = format!("{trace}:{span}");
                (Uuid::new_v5(&SPANS, name.as_bytes()), UuidOrigin::Client)
            }
            _ => settle_uuid(&Item::default(), self.received_at, notes),
        }
    }
}

/// The attributes of a resource, less those of the machine, and of a span, which win.
fn combined(resource: &Properties, span: Properties) -> Properties {
    let is_wanted = |key: &str| !OF_MACHINE.iter().any(|prefix| key.starts_with(prefix));
    let mut both: Properties = resource
        .iter()
        .filter(|(key, _)| is_wanted(key))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    both.extend(span);
    both
}

/// What a copy of these takes, by the length of their text and the places of their values.
fn size_of_all(properties: &Properties) -> usize {
    fn size(value: &Value) -> usize {
        size_of::<Value>()
            + match value {
                Value::String(text) => text.len(),
                Value::Array(items) => items.iter().map(size).sum(),
                Value::Object(members) => size_of_all(members),
                _ => 0,
            }
    }
    const PLACE: usize = 3 * size_of::<String>();
    properties.iter().map(|(key, value)| PLACE + key.len() + size(value)).sum()
}
