//! From a request on an event lane to its events.

use std::cell::OnceCell;

use ::event::{Event, Token};

use crate::builder::{Builder, Origin, SentAt};
use crate::document::Document;
use crate::memory::Budget;
use crate::parse::{self, Nesting};
use crate::payload::Source;
use crate::query::Query;
use crate::shape::Role;
use crate::{Error, Memory, Note, Notes, Request, Settings, token};

/// posthog-js once sent these; PostHog accepts and forgets them.
const PERFORMANCE_EVENT: &str = "\"$performance_event\"";

/// What a request on an event lane holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Captured {
    /// Whose events they are; `None` where PostHog would not have looked, as nothing is left.
    pub token: Option<Token>,
    /// The events, in order; empty where all were such as PostHog forgets.
    pub events: Vec<Event>,
    /// Whether success is 204 without a body.
    pub beacon: bool,
    /// What was left out or changed.
    pub notes: Notes,
}

/// Decodes a request on any lane but [`Lane::Recording`](crate::Lane::Recording).
///
/// One bad event fails the whole request, as in PostHog: v0 has no way to tell the SDK which.
///
/// # Errors
/// With PostHog's status and text, in PostHog's order: size, payload, encoding, JSON and shape, no
/// events, token, and only then each event's name, cookieless mode and distinct id.
pub fn decode_events(
    request: &Request<'_>,
    settings: &Settings,
    memory: &mut dyn Memory,
) -> Result<Captured, Error> {
    let mut notes = Notes::default();
    let mut budget = Budget::new(memory, settings, request.body.len());
    let query = Query::parse(request.query);
    let source = Source { query: &query, headers: request.headers, body: &request.body };
    let text = source.text(settings, &mut budget, &mut notes)?;
    let repaired = OnceCell::new();
    let limited = Nesting::Limited;
    let mut document = parse::parse(&text, &repaired, limited, &mut budget, &mut notes)?;
    settle_roles(&mut document, request, &mut notes)?;
    let (mut events, mut token) = (Vec::new(), None);
    if !document.items.is_empty() {
        let settled = token::resolve(&document, request.headers, &query, settings)?;
        let origin = origin(&document, request, &query, settled.clone());
        let mut builder = Builder::new(&document, origin, &mut notes);
        events.reserve_exact(document.items.len());
        for item in &document.items {
            events.push(builder.build(item)?);
        }
        token = Some(settled);
    }
    Ok(Captured { token, events, beacon: query.beacon, notes })
}

pub(crate) fn origin(
    document: &Document<'_>,
    request: &Request<'_>,
    query: &Query<'_>,
    token: Token,
) -> Origin {
    let migration = document.envelope.as_ref().and_then(|item| item.historical_migration);
    Origin {
        token,
        received_at: request.received_at,
        client_ip: request.client_ip,
        sent_at: SentAt::of(document, request.headers, query),
        is_historical: migration == Some("true"),
    }
}

/// Says what each item means, and forgets what PostHog forgets.
fn settle_roles(
    document: &mut Document<'_>,
    request: &Request<'_>,
    notes: &mut Notes,
) -> Result<(), Error> {
    if document.items.is_empty() {
        return Err(Error::NoEvents);
    }
    for item in &mut document.items {
        item.role = Role::of(request.lane, item)?;
    }
    let before = document.items.len();
    document.items.retain(|item| item.role != Role::Event || item.event != Some(PERFORMANCE_EVENT));
    notes.take_many(Note::PerformanceEvent, before - document.items.len());
    Ok(())
}
