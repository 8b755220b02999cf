//! Signals as they came: an event for each resource, in the table of raw signals.
//!
//! The resource is the event's context; what it has to tell is the event's properties.

use std::cell::OnceCell;

use event::{DistinctId, Event, Table, Timestamp, Token};

use super::documents::{Documents, snake_case};
use super::output::Output;
use super::payload::Payload;
use super::protobuf::{self, Fields, Transcoder, Wire};
use super::walk::members;
use super::{Request, Signal, Signals, token};
use crate::builder::settle_uuid;
use crate::document::Item;
use crate::memory::Budget;
use crate::payload::Source;
use crate::query::Query;
use crate::{Error, Memory, Notes, Settings, json};

/// An entry has three members, or what a later version of OTLP may add.
const MOST_MEMBERS: usize = 32;
/// What an event costs beside its texts.
const EVENT_BYTES: usize = size_of::<Event>() + 256;

/// Decodes a request to `/v1/logs`, `/v1/traces` or `/v1/metrics`.
///
/// # Errors
/// With a status by which an exporter knows whether to send the same again: it does so on 429 and
/// 502 to 504 alone. Nothing is taken of a request that fails.
pub fn decode(
    request: &Request<'_>,
    settings: &Settings,
    memory: &mut dyn Memory,
) -> Result<Signals, Error> {
    let mut notes = Notes::default();
    let mut budget = Budget::new(memory, settings, request.body.len());
    let query = Query { data: None, ..Query::parse(request.query) };
    let token = token::resolve(request.headers, Some(&query), settings)?;
    let source = Source { query: &query, headers: request.headers, body: &request.body };
    let payload = Payload::of(&source, settings, &mut budget, &mut notes)?;
    let mut builder = Builder {
        signal: request.signal,
        token: token.clone(),
        received_at: request.received_at,
        events: Vec::new(),
    };
    match &payload {
        Payload::Json(text) => builder.json(text, &mut budget, &mut notes)?,
        Payload::Protobuf(bytes) => builder.protobuf(bytes, &mut budget, &mut notes)?,
    }
    Ok(Signals { token, events: builder.events, notes })
}

struct Builder {
    signal: Signal,
    token: Token,
    received_at: Timestamp,
    events: Vec<Event>,
}

impl Builder {
    fn json(
        &mut self,
        text: &str,
        budget: &mut Budget<'_>,
        notes: &mut Notes,
    ) -> Result<(), Error> {
        let repaired = OnceCell::new();
        let documents = Documents::check(text, &repaired, budget, notes)?;
        documents.resources(self.signal, &mut |entry| {
            let entry = Entry::of(entry)?;
            if entry.tells_nothing() {
                return Ok(());
            }
            let texts = entry.resource.map_or(0, str::len) + entry.told_length();
            budget.reserve(EVENT_BYTES + texts)?;
            self.push(entry.resource.map(str::to_owned), entry.told(), notes);
            Ok(())
        })
    }

    fn protobuf(
        &mut self,
        request: &[u8],
        budget: &mut Budget<'_>,
        notes: &mut Notes,
    ) -> Result<(), Error> {
        let (resource_schema, told_schema) = protobuf::entry(self.signal);
        for field in Fields::of(request) {
            let (1, Wire::Bytes(entry)) = field? else {
                continue;
            };
            budget.reserve(EVENT_BYTES)?;
            let mut told = Output::new(budget);
            Transcoder::new(&mut told, notes).message(told_schema, entry)?;
            let told = told.into_text();
            if json::is_empty(&told) {
                continue;
            }
            let mut resource = None;
            if let Some(message) = resource_of(entry)? {
                let mut output = Output::new(budget);
                Transcoder::new(&mut output, notes).message(resource_schema, message)?;
                resource = Some(output.into_text());
            }
            self.push(resource, told, notes);
        }
        Ok(())
    }

    fn push(&mut self, resource: Option<String>, told: String, notes: &mut Notes) {
        let (uuid, uuid_origin) = settle_uuid(&Item::default(), self.received_at, notes);
        self.events.push(Event {
            uuid,
            uuid_origin,
            token: self.token.clone(),
            event: self.signal.name().to_owned(),
            distinct_id: DistinctId::new(""),
            timestamp: self.received_at,
            created_at: self.received_at,
            sent_at: None,
            properties: told,
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
            context: resource,
            extra: None,
            table: Table::Otel,
            reason: None,
        });
    }
}

/// The message of an entry's resource.
fn resource_of(entry: &[u8]) -> Result<Option<&[u8]>, Error> {
    let mut found = None;
    for field in Fields::of(entry) {
        if let (1, Wire::Bytes(message)) = field?
            && found.replace(message).is_some()
        {
            return Err(Error::unparsable("invalid protobuf: `resource` is there twice"));
        }
    }
    Ok(found)
}

/// The members of an entry, as raw values under their quoted names in JSON; the last one where a name is
/// repeated.
struct Entry<'a> {
    resource: Option<&'a str>,
    others: Vec<(String, &'a str)>,
}

impl<'a> Entry<'a> {
    fn of(raw: &'a str) -> Result<Self, Error> {
        let mut entry = Self { resource: None, others: Vec::new() };
        members(raw, &mut |name, value| {
            match name.as_ref() {
                _ if value == "null" => {}
                "resource" => entry.resource = Some(value),
                name => entry.put(name_in_json(name), value)?,
            }
            Ok(())
        })?;
        Ok(entry)
    }

    fn put(&mut self, name: &str, value: &'a str) -> Result<(), Error> {
        let name = json::quote(name);
        self.others.retain(|(other, _)| *other != name);
        self.others.push((name, value));
        match self.others.len() > MOST_MEMBERS {
            true => Err(Error::unparsable("a resource has too many members")),
            false => Ok(()),
        }
    }

    fn tells_nothing(&self) -> bool {
        self.others.iter().all(|(_, value)| json::is_empty(value))
    }

    fn told_length(&self) -> usize {
        self.others.iter().map(|(name, value)| name.len() + value.len() + 2).sum::<usize>() + 1
    }

    fn told(&self) -> String {
        let mut told = String::with_capacity(self.told_length());
        for (name, value) in &self.others {
            told.push(if told.is_empty() { '{' } else { ',' });
            told.push_str(name);
            told.push(':');
            told.push_str(value);
        }
        told.push('}');
        told
    }
}

/// The name of a known member in JSON, where it is sent as it stands in the `.proto` file.
fn name_in_json(name: &str) -> &str {
    let known = ["scopeLogs", "scopeSpans", "scopeMetrics", "schemaUrl"];
    known.into_iter().find(|known| snake_case(known) == name).unwrap_or(name)
}
