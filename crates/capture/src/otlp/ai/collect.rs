//! From a request to its AI spans, within limits.

use std::cell::OnceCell;

use event::Event;

use super::build::Builder;
use super::provider::Provider;
use super::span::{Attributes, Span};
use crate::memory::Budget;
use crate::otlp::documents::Documents;
use crate::otlp::output::Output;
use crate::otlp::payload::Payload;
use crate::otlp::protobuf::{self, Fields, Transcoder, Wire};
use crate::otlp::walk::{items, members};
use crate::otlp::{Request, Signal, Signals, token};
use crate::payload::Source;
use crate::query::Query;
use crate::{Error, Memory, Note, Notes, Settings};

/// Largest body, as sent and inflated.
const BODY_BYTES: usize = 4 * 1024 * 1024;
/// Spans of any kind: AI libraries send theirs among those of HTTP calls and databases.
const MOST_SPANS: usize = 1_000;
const MOST_AI_SPANS: usize = 100;
/// Each event repeats its resource's attributes, so that events can outgrow the body.
const EVENT_BYTES: usize = 900_000;
const ALL_EVENTS_BYTES: usize = 8 * 1024 * 1024;

/// Decodes a request to `/i/v0/ai/otel`. Spans that are not of AI are passed over, and noted.
///
/// An exporter sends a span with the same ids when it tries again; the event's uuid is made of them,
/// so that it is not a second event.
///
/// # Errors
/// With PostHog's status and text. Nothing is taken of a request that fails.
pub fn decode_ai(
    request: &Request<'_>,
    settings: &Settings,
    memory: &mut dyn Memory,
) -> Result<Signals, Error> {
    let settings = Settings {
        wire_limit: settings.wire_limit.min(BODY_BYTES),
        inflated_limit: settings.inflated_limit.min(BODY_BYTES),
        ..settings.clone()
    };
    let mut notes = Notes::default();
    let mut budget = Budget::new(memory, &settings, request.body.len());
    let token = token::resolve(request.headers, None, &settings)?;
    let query = Query::default();
    let source = Source { query: &query, headers: request.headers, body: &request.body };
    let payload = Payload::of(&source, &settings, &mut budget, &mut notes)?;
    let builder = Builder::new(token.clone(), request.received_at, request.client_ip);
    let mut collector = Collector { builder, spans: 0, bytes: 0, events: Vec::new() };
    match &payload {
        Payload::Json(text) => collector.json(text, &mut budget, &mut notes)?,
        Payload::Protobuf(bytes) => collector.protobuf(bytes, &mut budget, &mut notes)?,
    }
    Ok(Signals { token, events: collector.events, notes })
}

struct Collector {
    builder: Builder,
    /// Spans seen, of any kind.
    spans: usize,
    /// Bytes of the events' properties.
    bytes: usize,
    events: Vec<Event>,
}

impl Collector {
    fn json(
        &mut self,
        text: &str,
        budget: &mut Budget<'_>,
        notes: &mut Notes,
    ) -> Result<(), Error> {
        let repaired = OnceCell::new();
        let documents = Documents::check(text, &repaired, budget, notes)?;
        documents.resources(Signal::Traces, &mut |entry| self.entry(entry, budget, notes))
    }

    fn protobuf(
        &mut self,
        request: &[u8],
        budget: &mut Budget<'_>,
        notes: &mut Notes,
    ) -> Result<(), Error> {
        for field in Fields::of(request) {
            let (1, Wire::Bytes(entry)) = field? else {
                continue;
            };
            let mut output = Output::new(budget);
            Transcoder::new(&mut output, notes).message(protobuf::resource_spans(), entry)?;
            let entry = output.into_text();
            self.entry(&entry, budget, notes)?;
        }
        Ok(())
    }

    /// The spans of a resource.
    fn entry(
        &mut self,
        entry: &str,
        budget: &mut Budget<'_>,
        notes: &mut Notes,
    ) -> Result<(), Error> {
        let (mut resource, mut scopes) = (None, None);
        members(entry, &mut |name, value| {
            match name.as_ref() {
                "resource" => resource = Some(value),
                "scopeSpans" | "scope_spans" => scopes = Some(value),
                _ => {}
            }
            Ok(())
        })?;
        let mut resource = Attributes::of_holder(resource)?;
        items(scopes.unwrap_or("null"), &mut |scope| {
            self.scope(scope, &mut resource, budget, notes)
        })
    }

    /// The spans of a library within a resource.
    fn scope(
        &mut self,
        scope: &str,
        resource: &mut Attributes<'_>,
        budget: &mut Budget<'_>,
        notes: &mut Notes,
    ) -> Result<(), Error> {
        let (mut library, mut spans) = (None, None);
        members(scope, &mut |name, value| {
            match name.as_ref() {
                "scope" => library = Some(value),
                "spans" => spans = Some(value),
                _ => {}
            }
            Ok(())
        })?;
        items(spans.unwrap_or("null"), &mut |span| {
            self.spans += 1;
            check_count("spans", self.spans, MOST_SPANS)?;
            let span = Span::of(span, library)?;
            match Provider::of(&span)? {
                None => notes.take(Note::OtherSpan),
                Some(provider) => {
                    check_count("AI spans", self.events.len() + 1, MOST_AI_SPANS)?;
                    let resource = resource.read(budget)?;
                    let event = self.builder.build(&span, provider, resource, budget, notes)?;
                    self.push(event, budget)?;
                }
            }
            Ok(())
        })
    }

    fn push(&mut self, event: Event, budget: &mut Budget<'_>) -> Result<(), Error> {
        let bytes = event.properties.len();
        self.bytes += bytes;
        check_bytes("AI span", bytes, EVENT_BYTES)?;
        check_bytes("AI spans together", self.bytes, ALL_EVENTS_BYTES)?;
        budget.reserve(size_of::<Event>())?;
        self.events.push(event);
        Ok(())
    }
}

fn check_count(what: &str, count: usize, limit: usize) -> Result<(), Error> {
    match count > limit {
        true => Err(Error::unparsable(format!("Too many {what}: more than the limit of {limit}"))),
        false => Ok(()),
    }
}

fn check_bytes(what: &str, bytes: usize, limit: usize) -> Result<(), Error> {
    match bytes > limit {
        true => Err(Error::TooLarge { detail: format!("{what} would exceed {limit} bytes") }),
        false => Ok(()),
    }
}
