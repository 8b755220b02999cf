//! From an item to its event.

use std::borrow::Cow;
use std::net::IpAddr;

use ::event::limits::EVENT_NAME_UTF16_UNITS;
use ::event::{DistinctId, Event, Table, Timestamp, Token, UuidOrigin};
use http::HeaderMap;
use uuid::{NoContext, Uuid};

use crate::document::{Document, Item, Member};
use crate::placement::{self, Facts};
use crate::properties::{Known, Name};
use crate::query::Query;
use crate::shape::Draft;
use crate::splice::{Repetitions, gather, splice};
use crate::text::cut_utf16;
use crate::time::{self, Followed, Said};
use crate::{Error, Note, Notes, distinct_id, elements, json};

/// The original Hogflare's header for what is `sent_at` elsewhere.
const SENT_AT_HEADER: &str = "x-posthog-sent-at";

/// Longest id of a session or window that has a column.
pub(crate) const MOST_ID_BYTES: usize = 200;

/// When the client says it sent the request, but for what its items say.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SentAt {
    /// Beside `batch`: this wins over an item's own.
    envelope: Option<Timestamp>,
    /// In header or query: an item's own wins over this.
    outside: Option<Timestamp>,
}

impl SentAt {
    pub(crate) fn of(document: &Document<'_>, headers: &HeaderMap, query: &Query<'_>) -> Self {
        let envelope = document.envelope.as_ref();
        let header = || {
            let text = headers.get(SENT_AT_HEADER)?.to_str().ok()?;
            time::read_text(text.trim())
        };
        Self {
            envelope: envelope.and_then(|item| read_sent_at(item.sent_at?)),
            outside: header().or(query.sent_at),
        }
    }

    /// One time for all items, whatever they say.
    pub(crate) const fn of_all(sent_at: Timestamp) -> Self {
        Self { envelope: Some(sent_at), outside: None }
    }

    pub(crate) fn of_item(&self, item: &Item<'_>) -> Option<Timestamp> {
        self.envelope.or_else(|| read_sent_at(item.sent_at?)).or(self.outside)
    }
}

/// A time that every reader of the lake can express, or nothing.
fn read_sent_at(raw: &str) -> Option<Timestamp> {
    time::read(raw).filter(|sent_at| sent_at.has_four_digit_year())
}

/// The uuid that the client sent, or one of the server's making: version 7, as old as the event.
pub(crate) fn settle_uuid(
    item: &Item<'_>,
    timestamp: Timestamp,
    notes: &mut Notes,
) -> (Uuid, UuidOrigin) {
    if let Some(text) = item.uuid.and_then(json::string) {
        match Uuid::try_parse(text.trim()) {
            Ok(uuid) => return (uuid, UuidOrigin::Client),
            Err(_) if text.is_empty() => {}
            Err(_) => notes.take(Note::UnreadableUuid),
        }
    }
    let micros = u64::try_from(timestamp.as_micros()).unwrap_or(0);
    let nanos = (micros % 1_000_000 * 1_000) as u32;
    let seed = uuid::Timestamp::from_unix(NoContext, micros / 1_000_000, nanos);
    (Uuid::new_v7(seed), UuidOrigin::Server)
}

/// Checks `$cookieless_mode`, which must be a boolean where it is sent.
pub(crate) fn check_cookieless_mode(known: &Known<'_, '_>) -> Result<(), Error> {
    match known.present(Name::CookielessMode) {
        None | Some("true" | "false") => Ok(()),
        Some(_) => Err(Error::InvalidCookielessMode),
    }
}

/// What all events of a request have in common.
pub(crate) struct Origin {
    pub(crate) token: Token,
    pub(crate) received_at: Timestamp,
    pub(crate) client_ip: Option<IpAddr>,
    pub(crate) sent_at: SentAt,
    /// Whether the request says that it migrates old events.
    pub(crate) is_historical: bool,
}

/// What is settled of an event before the rest follows from its text.
pub(crate) struct Settled {
    pub(crate) distinct_id: DistinctId,
    pub(crate) sent_at: Option<Timestamp>,
    pub(crate) timestamp: Timestamp,
    pub(crate) followed: Followed,
    pub(crate) uuid: Uuid,
    pub(crate) uuid_origin: UuidOrigin,
    /// Whether its distinct id can be that of a person.
    pub(crate) has_person: bool,
}

/// Builds the events of one request.
pub(crate) struct Builder<'d, 'a> {
    document: &'d Document<'a>,
    origin: Origin,
    /// `"$ip":"…"`, or nothing.
    ip: String,
    /// `"$sent_at":"…"` of the last event that had one: nearly always the same.
    sent_at_member: Option<(Timestamp, String)>,
    repetitions: Repetitions,
    /// Indexes of members to leave out; reused.
    dropped: Vec<u32>,
    notes: &'d mut Notes,
}

impl<'d, 'a> Builder<'d, 'a> {
    pub(crate) fn new(document: &'d Document<'a>, origin: Origin, notes: &'d mut Notes) -> Self {
        let ip = origin.client_ip.map(|ip| format!("\"$ip\":\"{ip}\""));
        Self {
            document,
            origin,
            ip: ip.unwrap_or_default(),
            sent_at_member: None,
            repetitions: Repetitions::default(),
            dropped: Vec::new(),
            notes,
        }
    }

    /// The event that an item is.
    pub(crate) fn build(&mut self, item: &Item<'a>) -> Result<Event, Error> {
        let members = self.document.properties(item);
        let known = Known::find(self.document.source, members);
        let draft = Draft::of(self.document, item, &known)?;
        if draft.event.is_empty() {
            return Err(Error::EmptyEventName);
        }
        check_cookieless_mode(&known)?;
        let distinct_id = distinct_id::of(&draft.distinct_ids, self.notes)?;
        let sent_at = self.origin.sent_at.of_item(item);
        let (timestamp, followed) = self.settle_time(item, sent_at, &known);
        let (uuid, uuid_origin) = settle_uuid(item, timestamp, self.notes);
        let settled = Settled {
            distinct_id,
            sent_at,
            timestamp,
            followed,
            uuid,
            uuid_origin,
            has_person: true,
        };
        Ok(self.finish(item, &known, draft, settled))
    }

    /// The event of what is settled, and of what its item and draft say.
    pub(crate) fn finish(
        &mut self,
        item: &Item<'a>,
        known: &Known<'_, 'a>,
        mut draft: Draft<'a>,
        settled: Settled,
    ) -> Event {
        self.dropped.clear();
        let elements_chain = self.elements_chain(known);
        let members = self.document.properties(item);
        let properties = self.properties(members, known, &draft, settled.sent_at);
        let extra = self.extra(item, &draft, settled.followed);
        let is_person_declined = draft.value(known, Name::ProcessPersonProfile) == Some("false");
        let mut event = Event {
            uuid: settled.uuid,
            uuid_origin: settled.uuid_origin,
            token: self.origin.token.clone(),
            event: self.event_name(std::mem::take(&mut draft.event)),
            distinct_id: settled.distinct_id,
            timestamp: settled.timestamp,
            created_at: self.origin.received_at,
            sent_at: settled.sent_at,
            properties,
            set: draft.set.take().map(Cow::into_owned),
            set_once: draft.set_once.take().map(Cow::into_owned),
            group_set: draft.group_set.take().map(Cow::into_owned),
            elements_chain,
            session_id: draft.value(known, Name::SessionId).and_then(id).map(lowercased_uuid),
            window_id: draft.value(known, Name::WindowId).and_then(id),
            process_person_profile: !is_person_declined && settled.has_person,
            cookieless: draft.value(known, Name::CookielessMode) == Some("true"),
            has_place: false,
            keeps_persons: false,
            context: item.context.map(str::to_owned),
            extra,
            table: Table::Events,
            reason: None,
        };
        let group_key = draft.value(known, Name::GroupKey);
        placement::settle(&mut event, Facts { group_key, is_person_declined });
        event
    }

    fn event_name(&mut self, sent: Cow<'_, str>) -> String {
        let length = sent.len();
        let name = cut_utf16(sent, EVENT_NAME_UTF16_UNITS);
        if name.len() < length {
            self.notes.take(Note::CutEventName);
        }
        name.into_owned()
    }

    fn settle_time(
        &mut self,
        item: &Item<'_>,
        sent_at: Option<Timestamp>,
        known: &Known<'_, '_>,
    ) -> (Timestamp, Followed) {
        let is_ignored = known.get(Name::IgnoreSentAt) == Some("true");
        let said = Said {
            timestamp: item.timestamp,
            offset: item.offset,
            sent_at: sent_at.filter(|_| !is_ignored),
        };
        self.noted(said.settle(self.origin.received_at))
    }

    /// A time, noted where it was not followed.
    pub(crate) fn noted(&mut self, settled: (Timestamp, Followed)) -> (Timestamp, Followed) {
        if let Some(note) = settled.1.note() {
            self.notes.take(note);
        }
        settled
    }

    /// The text form of the clicked elements; the properties that it comes from are left out.
    fn elements_chain(&mut self, known: &Known<'_, '_>) -> String {
        let sent = known.get(Name::ElementsChain).and_then(json::string);
        if sent.is_some() {
            self.dropped.extend(known.index(Name::ElementsChain));
        }
        let elements = known.get(Name::Elements).filter(|raw| raw.starts_with('['));
        let chain = match (&sent, elements) {
            (Some(_), _) | (_, None) => None,
            (None, Some(raw)) => elements::chain(raw),
        };
        if elements.is_some() && (sent.is_some() || chain.is_some()) {
            self.dropped.extend(known.index(Name::Elements));
        }
        sent.map(Cow::into_owned).or(chain).unwrap_or_default()
    }

    /// The members as sent, less those left out, plus those appended.
    fn properties(
        &mut self,
        members: &[Member],
        known: &Known<'_, '_>,
        draft: &Draft<'_>,
        sent_at: Option<Timestamp>,
    ) -> String {
        let source = self.document.source;
        let already_dropped = self.dropped.len();
        self.repetitions.find(source, members, &mut self.dropped);
        let repeated = self.dropped.len() - already_dropped;
        self.notes.take_many(Note::RepeatedKey, repeated);
        let is_ip_sent = known.get(Name::Ip).is_some_and(|raw| !json::is_falsy(raw));
        let mut appended = ["", "", ""];
        if !self.ip.is_empty() && !is_ip_sent {
            self.dropped.extend(known.index(Name::Ip));
            appended[0] = &self.ip;
        }
        if let Some(sent_at) = sent_at {
            self.dropped.extend(known.index(Name::SentAt));
            let stale = self.sent_at_member.take_if(|(of, _)| *of != sent_at);
            drop(stale);
            let write = || (sent_at, format!("\"$sent_at\":\"{sent_at}\""));
            appended[1] = &self.sent_at_member.get_or_insert_with(write).1;
        }
        let drafted = joined(draft.appended.iter().map(|(name, raw)| (name.text(), raw)));
        let names = draft.appended.iter().map(|&(name, _)| name);
        self.dropped.extend(names.filter_map(|name| known.index(name)));
        appended[2] = &drafted;
        self.dropped.sort_unstable();
        self.dropped.dedup();
        splice(source, members, &self.dropped, &appended)
    }

    /// What fits nowhere else: unknown members, and what was said but could not be followed.
    fn extra(&mut self, item: &Item<'_>, draft: &Draft<'_>, followed: Followed) -> Option<String> {
        let members = self.document.extras(item);
        let source = self.document.source;
        let is_followed = followed == Followed::Fully;
        let is_historical = self.origin.is_historical || item.historical_migration == Some("true");
        let is_offset_lost = |raw: &&str| !is_followed || !time::is_offset(raw);
        let own = [
            ("original_timestamp", item.timestamp.filter(|_| !is_followed)),
            ("offset", item.offset.filter(is_offset_lost)),
            ("sent_at", item.sent_at.filter(|raw| read_sent_at(raw).is_none())),
            ("historical_migration", is_historical.then_some("true")),
        ];
        let own = own.iter().filter_map(|&(name, raw)| Some((name, raw?)));
        let drafted = draft.extra.iter().map(|(name, raw)| (*name, raw.as_ref()));
        let added: Vec<(&'static str, &str)> = own.chain(drafted).collect();
        if members.is_empty() && added.is_empty() {
            return None;
        }
        self.dropped.clear();
        self.repetitions.find(source, members, &mut self.dropped);
        if !added.is_empty() {
            let is_added = |member| added.iter().any(|(name, _)| *name == source.name(member));
            let indexed = (0u32..).zip(members);
            let replaced = indexed.filter(|(_, member)| is_added(member));
            self.dropped.extend(replaced.map(|(index, _)| index));
        }
        self.dropped.sort_unstable();
        self.dropped.dedup();
        Some(gather(source, members, &self.dropped, &[&joined(added)]))
    }
}

/// Members as they stand in an object.
fn joined(members: impl IntoIterator<Item = (&'static str, impl AsRef<str>)>) -> String {
    let mut text = String::new();
    for (name, raw) in members {
        let separator = if text.is_empty() { "" } else { "," };
        for piece in [separator, "\"", name, "\":", raw.as_ref()] {
            text.push_str(piece);
        }
    }
    text
}

/// The id of a session or window that a raw value is, if it is a string of a length that ids have.
/// Others are properties and nothing more.
fn id(raw: &str) -> Option<String> {
    json::string(raw).filter(|id| (1..=MOST_ID_BYTES).contains(&id.len())).map(Cow::into_owned)
}

/// PostHog writes session ids that are uuids in lower case.
fn lowercased_uuid(mut id: String) -> String {
    if id.bytes().any(|byte| byte.is_ascii_uppercase()) && Uuid::try_parse(&id).is_ok() {
        id.make_ascii_lowercase();
    }
    id
}
