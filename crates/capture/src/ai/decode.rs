//! From a multipart request to its event.

use std::borrow::Cow;
use std::cell::OnceCell;

use ::event::{Event, Token};
use bytes::Bytes;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use serde::de::IgnoredAny;
use uuid::Uuid;

use super::parts::Parts;
use super::{Part, WIRE_LIMIT};
use crate::builder::Builder;
use crate::document::{Document, Item};
use crate::encoding::undo_content_encoding;
use crate::events::origin;
use crate::json::{self, Members};
use crate::memory::Budget;
use crate::parse::{self, Nesting};
use crate::query::Query;
use crate::{Error, Memory, Note, Notes, Request, Settings, repair, token};

/// What all events here are named like.
const PREFIX: &str = "$ai_";

/// What a request holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Submitted {
    /// The event.
    pub event: Event,
    /// The parts that it came in.
    pub parts: Vec<Part>,
    /// What was left out or changed.
    pub notes: Notes,
}

/// Decodes a request to `/i/v0/ai`, whatever lane it says.
///
/// # Errors
/// With PostHog's status and text, in PostHog's order: size, payload, token, encoding, parts, and then
/// what the event must have.
pub fn decode(
    request: &Request<'_>,
    settings: &Settings,
    memory: &mut dyn Memory,
) -> Result<Submitted, Error> {
    if request.body.len() > WIRE_LIMIT {
        return Err(Error::body_too_large(WIRE_LIMIT));
    }
    if request.body.is_empty() {
        return Err(Error::EmptyPayload);
    }
    let token = bearer(request.headers)?;
    let mut notes = Notes::default();
    let mut budget = Budget::new(memory, settings, request.body.len());
    let sent = Cow::Borrowed(request.body.as_ref());
    let limit = WIRE_LIMIT.min(settings.inflated_limit);
    let body = match undo_content_encoding(request.headers, sent, limit, &mut budget)? {
        Cow::Borrowed(_) => request.body.clone(),
        Cow::Owned(inflated) => inflated.into(),
    };
    let parts = Parts::of(request.headers, body, &mut budget)?;
    let (text, replaced) = repair::lone_surrogates(text(&parts, &mut budget)?);
    notes.take_many(Note::LoneSurrogate, replaced);
    let repaired = OnceCell::new();
    let limited = Nesting::Limited;
    let mut document = parse::parse(&text, &repaired, limited, &mut budget, &mut notes)?;
    // How long ago it was does not count here; when it was does.
    document.items.iter_mut().for_each(|item| item.offset = None);
    let (None, [item]) = (&document.envelope, document.items.as_slice()) else {
        return Err(Error::unparsable("Event must be a JSON object"));
    };
    check(&document, item)?;
    let origin = origin(&document, request, &Query::default(), token);
    let event = Builder::new(&document, origin, &mut notes).build(item)?;
    Ok(Submitted { event, parts: parts.accepted, notes })
}

/// The token, which stands in the header alone.
fn bearer(headers: &HeaderMap) -> Result<Token, Error> {
    let authorization = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let (scheme, token) =
        authorization.and_then(|value| value.split_once(' ')).ok_or(Error::MissingToken)?;
    match scheme.eq_ignore_ascii_case("bearer") {
        true => token::validate(token),
        false => Err(Error::MissingToken),
    }
}

/// The event as one JSON text, its properties within.
fn text<'p>(parts: &'p Parts, budget: &mut Budget<'_>) -> Result<Cow<'p, str>, Error> {
    let event = utf8(&parts.event, "Event")?;
    if !json::is_object(event) {
        return Err(Error::unparsable("Event must be a JSON object"));
    }
    let Some(properties) = &parts.properties else {
        return Ok(Cow::Borrowed(event));
    };
    let properties = utf8(properties, "Properties")?;
    for (text, part) in [(event, "Event"), (properties, "Properties")] {
        if !json::is_object(text) || serde_json::from_str::<IgnoredAny>(text).is_err() {
            return Err(Error::unparsable(format!("{part} part must be valid JSON")));
        }
    }
    let members = Members::of(event).0;
    let is_embedded = |(key, raw): &(&str, &str)| {
        *raw != "null" && json::string(key).as_deref() == Some("properties")
    };
    if members.iter().any(is_embedded) {
        return Err(Error::unparsable(
            "Event cannot have both embedded properties and a separate 'event.properties' part",
        ));
    }
    budget.reserve(event.len() + properties.len() + 16)?;
    let open = event.strip_suffix('}').unwrap_or_default();
    let comma = if members.is_empty() { "" } else { "," };
    Ok(Cow::Owned(format!("{open}{comma}\"properties\":{properties}}}")))
}

fn utf8<'p>(bytes: &'p Bytes, part: &str) -> Result<&'p str, Error> {
    let text = std::str::from_utf8(bytes).map(str::trim_ascii);
    text.map_err(|_| Error::unparsable(format!("{part} part must be valid UTF-8")))
}

/// Checks what an event here must have.
fn check(document: &Document<'_>, item: &Item<'_>) -> Result<(), Error> {
    let refuse = |why: &str| Err(Error::unparsable(why));
    let text = |raw: Option<&str>| raw.map(|raw| json::string(raw).map(Cow::into_owned));
    match text(item.event) {
        None => return refuse("Event missing 'event' field"),
        Some(None) => return refuse("Event name is required"),
        Some(Some(name)) if name.is_empty() => return refuse("Event name cannot be empty"),
        Some(Some(name)) if !name.starts_with(PREFIX) => {
            return refuse(&format!("Event name must start with '{PREFIX}', got '{name}'"));
        }
        Some(Some(_)) => {}
    }
    match text(item.distinct_id) {
        None => return refuse("Event missing 'distinct_id' field"),
        Some(None) => return refuse("distinct_id is required"),
        Some(Some(id)) if id.trim().is_empty() => return refuse("distinct_id cannot be empty"),
        Some(Some(_)) => {}
    }
    match text(item.uuid).flatten().filter(|uuid| !uuid.is_empty()) {
        None => return refuse("Event UUID is required"),
        Some(uuid) if Uuid::try_parse(uuid.trim()).is_err() => {
            return refuse("Invalid UUID format");
        }
        Some(_) => {}
    }
    match text(document.property(item, "$ai_model")) {
        None => refuse("Event properties must contain '$ai_model'"),
        Some(None) => refuse("$ai_model must be a string"),
        Some(Some(model)) if model.is_empty() => refuse("$ai_model cannot be empty"),
        Some(Some(_)) => Ok(()),
    }
}
