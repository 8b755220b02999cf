//! From a V1 request to its events, and to a verdict on each.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::HashSet;
use std::net::IpAddr;

use ::event::limits::EARLIEST_EVENT_MICROS;
use ::event::{DistinctId, Event, Timestamp, Token, UuidOrigin};
use bytes::Bytes;
use http::HeaderMap;
use uuid::Uuid;

use super::options::Options;
use super::parse::{self, Sent};
use super::{Error, Outcome, Verdict, body, check_headers, tag};
use crate::builder::{Builder, MOST_ID_BYTES, Origin, SentAt, Settled};
use crate::document::{Document, Item};
use crate::memory::Budget;
use crate::properties::{Known, Name};
use crate::shape::Draft;
use crate::time::{Followed, Said};
use crate::{Memory, Notes, Settings, distinct_id, json};

const MOST_NAME_BYTES: usize = 200;
const MOST_DISTINCT_ID_BYTES: usize = 200;

/// posthog-js once sent these; PostHog refuses them.
const PERFORMANCE_EVENT: &str = "$performance_event";

/// The paths of V1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lane {
    /// `/i/v1/analytics/events`: any event.
    Analytics,
    /// `/i/v1/ai/events`: `$ai_…` alone.
    Ai,
}

/// One V1 request.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// The lane that its path belongs to.
    pub lane: Lane,
    /// Its headers.
    pub headers: &'a HeaderMap,
    /// Its body as sent.
    pub body: Bytes,
    /// When the server received it.
    pub received_at: Timestamp,
    /// The client's address, where it is known and may be kept.
    pub client_ip: Option<IpAddr>,
}

/// What a V1 request holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// Whose events they are.
    pub token: Token,
    /// A verdict on each event of the request, in order.
    pub outcomes: Vec<Outcome>,
    /// The events to store, in order: those of the outcomes that say so.
    pub events: Vec<Event>,
    /// What was left out or changed.
    pub notes: Notes,
}

impl Batch {
    /// Says that nothing could be stored: the SDK is to send again what would have been.
    pub fn not_persisted(&mut self) {
        for outcome in self.outcomes.iter_mut().filter(|outcome| outcome.verdict.is_stored()) {
            outcome.verdict = Verdict::Retry(tag::NOT_PERSISTED);
        }
    }
}

/// Decodes a V1 request.
///
/// # Errors
/// With PostHog's status and tag when the request as a whole cannot be judged event by event.
pub fn decode(
    request: &Request<'_>,
    settings: &Settings,
    memory: &mut dyn Memory,
) -> Result<Batch, Error> {
    let head = check_headers(request.headers)?;
    let mut notes = Notes::default();
    let mut budget = Budget::new(memory, settings, request.body.len());
    let text = body::text(&request.body, head.encoding, settings, &mut budget, &mut notes)?;
    let repaired = OnceCell::new();
    let (document, batch) = parse::parse(&text, &repaired, &mut budget, &mut notes)?;
    if document.items.is_empty() {
        return Err(Error::EmptyBatch);
    }
    if rfc3339(batch.created_at).is_none() {
        return Err(Error::InvalidBatch { why: "created_at must be an RFC 3339 time" });
    }
    let uuids = uuids(&document)?;
    let origin = Origin {
        token: head.token.clone(),
        received_at: request.received_at,
        client_ip: request.client_ip,
        sent_at: SentAt::of_all(head.sent_at),
        is_historical: batch.is_historical,
    };
    let mut decoder = Decoder {
        lane: request.lane,
        document: &document,
        sdk: head.sdk.as_ref().map(|(lib, version)| [json::quote(lib), json::quote(version)]),
        sent_at: head.sent_at,
        received_at: request.received_at,
        builder: Builder::new(&document, origin, &mut notes),
    };
    let (mut outcomes, mut events) = (Vec::with_capacity(uuids.len()), Vec::new());
    for ((item, sent), uuid) in document.items.iter().zip(&batch.sent).zip(uuids) {
        let verdict = match decoder.event(item, sent, uuid) {
            Err(tag) => Verdict::Drop(tag),
            Ok((event, verdict)) => {
                events.push(event);
                verdict
            }
        };
        outcomes.push(Outcome { uuid, verdict });
    }
    Ok(Batch { token: head.token, outcomes, events, notes })
}

/// The uuids of all events, each a different one.
fn uuids(document: &Document<'_>) -> Result<Vec<Uuid>, Error> {
    let mut seen = HashSet::with_capacity(document.items.len());
    let uuid = |item: &Item<'_>| {
        let text = item.uuid.and_then(json::string).unwrap_or_default();
        let text = text.trim();
        if text.is_empty() {
            return Err(Error::MissingEventUuid);
        }
        let uuid = Uuid::try_parse(text).map_err(|_| Error::InvalidEventUuid)?;
        match seen.insert(uuid) {
            true => Ok(uuid),
            false => Err(Error::DuplicateEventUuid { uuid }),
        }
    };
    document.items.iter().map(uuid).collect()
}

/// Decodes the events of one request.
struct Decoder<'d, 'a> {
    lane: Lane,
    document: &'d Document<'a>,
    /// The SDK's name and version as raw strings.
    sdk: Option<[String; 2]>,
    sent_at: Timestamp,
    received_at: Timestamp,
    builder: Builder<'d, 'a>,
}

impl<'a> Decoder<'_, 'a> {
    /// An event and the verdict on it, or why it is dropped.
    fn event(
        &mut self,
        item: &Item<'a>,
        sent: &Sent<'a>,
        uuid: Uuid,
    ) -> Result<(Event, Verdict), &'static str> {
        let name = self.name(item)?;
        let distinct_id = distinct_id(item)?;
        let said = item.timestamp.and_then(rfc3339).ok_or(tag::INVALID_EVENT_TIMESTAMP)?;
        if sent.has_malformed_properties {
            return Err(tag::MALFORMED_EVENT_PROPERTIES);
        }
        let options = sent.options.map_or(Ok(Options::default()), Options::of);
        let options = options.map_err(|_| tag::INVALID_OPTIONS)?;
        if self.lane == Lane::Ai && !name.starts_with("$ai_") {
            return Err(tag::MISROUTED_EVENT);
        }
        let known = Known::find(self.document.source, self.document.properties(item));
        let draft = self.draft(item, sent, &options, &known);
        let (timestamp, followed) = self.settle_time(item, said, &options);
        let has_person = !distinct_id::is_illegal(distinct_id.as_str());
        let settled = Settled {
            distinct_id,
            sent_at: Some(self.sent_at),
            timestamp,
            followed,
            uuid,
            uuid_origin: UuidOrigin::Client,
            has_person,
        };
        let event = self.builder.finish(item, &known, draft, settled);
        let verdict = match has_person {
            true => Verdict::Ok,
            false => Verdict::OkWith(tag::PERSON_PROCESSING_DISABLED),
        };
        Ok((event, verdict))
    }

    fn name(&self, item: &Item<'a>) -> Result<Cow<'a, str>, &'static str> {
        let name = item.event.and_then(json::string).unwrap_or_default();
        match name.as_ref() {
            "" => Err(tag::MISSING_EVENT_NAME),
            name if name.len() > MOST_NAME_BYTES => Err(tag::EVENT_NAME_TOO_LONG),
            PERFORMANCE_EVENT => Err(tag::DROPPED_PERFORMANCE_EVENT),
            _ => Ok(name),
        }
    }

    /// What the event says, with what V1 says outside its properties put into them as in v0.
    fn draft(
        &self,
        item: &Item<'a>,
        sent: &Sent<'a>,
        options: &Options<'a>,
        known: &Known<'_, 'a>,
    ) -> Draft<'a> {
        let mut draft = Draft::of_event(item, known);
        let ids = [
            (Name::SessionId, "session_id", sent.session_id),
            (Name::WindowId, "window_id", sent.window_id),
        ];
        let ids = ids.into_iter().filter_map(|(name, member, raw)| Some((name, member, raw?)));
        let ids = ids.filter(|(_, _, raw)| !json::is_empty(raw));
        let is_id = |raw| json::string(raw).is_some_and(|id| id.len() <= MOST_ID_BYTES);
        let (ids, others): (Vec<_>, Vec<_>) = ids.partition(|(_, _, raw)| is_id(*raw));
        draft.extra.extend(others.into_iter().map(|(_, member, raw)| (member, Cow::Borrowed(raw))));
        let said = ids.into_iter().map(|(name, _, raw)| (name, raw)).chain(options.properties());
        draft.appended.extend(said.map(|(name, raw)| (name, Cow::Borrowed(raw))));
        if let Some([lib, version]) = &self.sdk {
            draft.appended.push((Name::Lib, Cow::Owned(lib.clone())));
            draft.appended.push((Name::LibVersion, Cow::Owned(version.clone())));
        }
        if let Some(raw) = sent.options.filter(|_| options.has_unknown) {
            draft.extra.push(("options", Cow::Borrowed(raw)));
        }
        draft
    }

    /// The event's time. One that asks for no correction is taken at its word, however far ahead.
    fn settle_time(
        &mut self,
        item: &Item<'a>,
        said: Timestamp,
        options: &Options<'a>,
    ) -> (Timestamp, Followed) {
        let is_uncorrected = options.disable_skew_correction == Some(true);
        if is_uncorrected && said.as_micros() >= EARLIEST_EVENT_MICROS {
            return (said, Followed::Fully);
        }
        let sent_at = Some(self.sent_at).filter(|_| !is_uncorrected);
        let said = Said { timestamp: item.timestamp, offset: None, sent_at };
        self.builder.noted(said.settle(self.received_at))
    }
}

/// The distinct id, less the whitespace around it.
fn distinct_id(item: &Item<'_>) -> Result<DistinctId, &'static str> {
    let text = item.distinct_id.and_then(json::string).unwrap_or_default();
    match text.trim() {
        "" => Err(tag::MISSING_DISTINCT_ID),
        text if text.len() > MOST_DISTINCT_ID_BYTES => Err(tag::DISTINCT_ID_TOO_LARGE),
        text => Ok(distinct_id::without_nul(text)),
    }
}

/// The time that a raw string is.
fn rfc3339(raw: &str) -> Option<Timestamp> {
    json::string(raw)?.trim().parse().ok()
}
