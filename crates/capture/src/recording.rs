//! Session recordings: `/s`.
//!
//! posthog-js sends an array of `$snapshot` events, mobile SDKs too, old ones one object; all
//! become one [`Recording`] per session and window, or several where one would be too long for a
//! record. The original Hogflare also took a chunk,
//! `{"data": {"chunk_id", "chunk", "metadata": {"distinct_id"}}}`, which names no session.

mod items;

use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::HashMap;

use event::{Recording, Timestamp, Token};
use http::HeaderMap;
use http::header::USER_AGENT;
use uuid::Uuid;

use crate::builder::{SentAt, check_cookieless_mode, settle_uuid};
use crate::document::{Document, Item};
use crate::json::{self, Members};
use crate::memory::Budget;
use crate::parse::{self, Nesting};
use crate::payload::Source;
use crate::properties::{Known, Name};
use crate::query::Query;
use crate::splice::splice;
use crate::time::Said;
use crate::{Error, Memory, Notes, Request, Settings, distinct_id, token};

/// Sessions and windows that one request may hold; a browser's has one, or two when a session ends.
const MOST_SESSIONS: usize = 50;
const LONGEST_SESSION_ID: usize = 70;
/// Longer than any library's name: every recording of the request gets a copy.
const LONGEST_LIB: usize = 64;
/// Whose a chunk is that does not say.
const NOBODY: &str = "session-recording";
/// Properties that a [`Recording`] has a place for, or that only repeat what it has.
const PLACED: [&str; 8] = [
    "$snapshot_data",
    "$snapshot_bytes",
    "$snapshot_source",
    "$session_id",
    "$window_id",
    "$lib",
    "distinct_id",
    "token",
];

/// What a request to `/s` holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded {
    /// Whose recordings they are.
    pub token: Token,
    /// Those of each session and window, in order.
    pub recordings: Vec<Recording>,
    /// Whether success is 204 without a body.
    pub beacon: bool,
    /// What was left out or changed.
    pub notes: Notes,
}

/// Decodes a request to `/s`.
///
/// Its JSON may nest without limit: recordings hold DOM trees, and stay text.
///
/// # Errors
/// With PostHog's status and text, as for events.
pub fn decode_recording(
    request: &Request<'_>,
    settings: &Settings,
    memory: &mut dyn Memory,
) -> Result<Recorded, Error> {
    let mut notes = Notes::default();
    let mut budget = Budget::new(memory, settings, request.body.len());
    let query = Query::parse(request.query);
    let source = Source { query: &query, headers: request.headers, body: &request.body };
    let text = source.text(settings, &mut budget, &mut notes)?;
    let (repaired, again) = (OnceCell::new(), OnceCell::new());
    let unlimited = Nesting::Unlimited;
    let mut document = parse::parse(&text, &repaired, unlimited, &mut budget, &mut notes)?;
    if let Some(list) = data(&document).filter(|raw| raw.starts_with('[')) {
        document = parse::parse(list, &again, unlimited, &mut budget, &mut notes)?;
    }
    if document.items.is_empty() {
        return Err(Error::NoEvents);
    }
    let token = token::resolve(&document, request.headers, &query, settings)?;
    let mut builder = Builder {
        document: &document,
        headers: request.headers,
        token: &token,
        now: request.received_at,
        sent_at: SentAt::of(&document, request.headers, &query),
        notes: &mut notes,
        budget: &mut budget,
    };
    let recordings = match data(&document).filter(|raw| json::is_object(raw)) {
        Some(chunk) => vec![builder.chunk(chunk)?],
        None => builder.sessions()?,
    };
    Ok(Recorded { token, recordings, beacon: query.beacon, notes })
}

/// The raw member `data` of a single item that is not a `$snapshot` itself.
fn data<'a>(document: &Document<'a>) -> Option<&'a str> {
    match document.items.as_slice() {
        [item] if document.property(item, "$snapshot_data").is_none() => {
            member(document, item, "data")
        }
        _ => None,
    }
}

fn member<'a>(document: &Document<'a>, item: &Item<'_>, name: &str) -> Option<&'a str> {
    let mut extras = document.extras(item).iter();
    let found = extras.find(|member| document.source.name(member) == name)?;
    Some(document.source.get(found.value))
}

struct Builder<'r, 'm, 'a> {
    document: &'r Document<'a>,
    headers: &'r HeaderMap,
    token: &'r Token,
    now: Timestamp,
    sent_at: SentAt,
    notes: &'r mut Notes,
    budget: &'r mut Budget<'m>,
}

/// What is recorded of one session in one window.
struct Session<'a> {
    session_id: Cow<'a, str>,
    window_id: Cow<'a, str>,
    first: usize,
    snapshots: Vec<&'a str>,
}

impl<'a> Builder<'_, '_, 'a> {
    fn sessions(&mut self) -> Result<Vec<Recording>, Error> {
        let mut recordings = Vec::new();
        for session in self.group()? {
            let mut arrays = items::arrays(&session.snapshots);
            let first = self.recording(&session, arrays.next().unwrap_or_default())?;
            let further = self.further(&first, arrays)?;
            recordings.push(first);
            recordings.extend(further);
        }
        Ok(recordings)
    }

    /// Gathers items by session and window. PostHog takes the first item's for all of them, but
    /// posthog-js may end one session and begin another within one request.
    fn group(&self) -> Result<Vec<Session<'a>>, Error> {
        let mut sessions: Vec<Session<'a>> = Vec::new();
        let mut places = HashMap::new();
        for (index, item) in self.document.items.iter().enumerate() {
            let known = Known::find(self.document.source, self.document.properties(item));
            let first = sessions.first().map(|session| &session.session_id);
            let session_id = match (known.present(Name::SessionId), first) {
                (Some(raw), _) => session_id(raw)?,
                (None, Some(first)) => first.clone(),
                (None, None) => return Err(Error::MissingSessionId),
            };
            let window = known.get(Name::WindowId).and_then(json::string);
            let window_id =
                window.filter(|id| !id.is_empty()).unwrap_or_else(|| session_id.clone());
            let key = (session_id.clone(), window_id.clone());
            let place = *places.entry(key).or_insert_with(|| {
                sessions.push(Session {
                    session_id,
                    window_id,
                    first: index,
                    snapshots: Vec::new(),
                });
                sessions.len() - 1
            });
            if place >= MOST_SESSIONS {
                return Err(too_many_sessions());
            }
            let snapshots = self.snapshots(item)?;
            if let Some(session) = sessions.get_mut(place) {
                session.snapshots.push(snapshots);
            }
        }
        Ok(sessions)
    }

    fn snapshots(&self, item: &Item<'_>) -> Result<&'a str, Error> {
        self.document
            .property(item, "$snapshot_data")
            .filter(|raw| raw.starts_with(['[', '{']))
            .ok_or(Error::MissingSnapshotData)
    }

    fn recording(&mut self, session: &Session<'a>, items: String) -> Result<Recording, Error> {
        let Some(first) = self.document.items.get(session.first) else {
            return Err(Error::NoEvents);
        };
        let known = Known::find(self.document.source, self.document.properties(first));
        check_cookieless_mode(&known)?;
        let ids = [first.distinct_id, known.get(Name::DistinctId)];
        let distinct_id = distinct_id::of(&ids, self.notes)?;
        let is_ignored = known.get(Name::IgnoreSentAt) == Some("true");
        let mut recording = self.stamped(first, is_ignored);
        recording.distinct_id = distinct_id.into_string();
        recording.session_id = session.session_id.to_string();
        recording.window_id = session.window_id.to_string();
        recording.snapshot_source = self.text(first, "$snapshot_source").unwrap_or("web".into());
        recording.lib = self.text(first, "$lib").unwrap_or_else(|| lib(self.headers));
        recording.items = items;
        recording.extra = self.unplaced(first);
        Ok(recording)
    }

    /// The rest of a session in recordings of its own. What was said beside the items is with the
    /// first; their uuids follow from its uuid, so that a retry's are the same.
    fn further(
        &mut self,
        first: &Recording,
        arrays: impl Iterator<Item = String>,
    ) -> Result<Vec<Recording>, Error> {
        let uuid = Uuid::from_u64_pair(first.uuid_high, first.uuid_low);
        let part = |(number, items): (u32, String)| {
            let copied = [&first.window_id, &first.snapshot_source, &first.lib];
            self.budget.reserve(copied.into_iter().map(String::len).sum())?;
            let name = format!("recording {number}");
            let (uuid_high, uuid_low) = Uuid::new_v5(&uuid, name.as_bytes()).as_u64_pair();
            Ok(Recording {
                uuid_high,
                uuid_low,
                token: first.token.clone(),
                distinct_id: first.distinct_id.clone(),
                session_id: first.session_id.clone(),
                window_id: first.window_id.clone(),
                snapshot_source: first.snapshot_source.clone(),
                lib: first.lib.clone(),
                items,
                timestamp_micros: first.timestamp_micros,
                created_at_micros: first.created_at_micros,
                extra: None,
            })
        };
        (2..).zip(arrays).map(part).collect()
    }

    /// The original's chunk: its `data` is the only item, as it is.
    fn chunk(&mut self, data: &'a str) -> Result<Recording, Error> {
        let Some(item) = self.document.items.first() else {
            return Err(Error::NoEvents);
        };
        let of = |object: &'a str, name: &str| {
            let members = Members::of(object).0.into_iter();
            let mut named = members.filter(|(key, _)| json::string(key).as_deref() == Some(name));
            named.next().map(|(_, raw)| raw)
        };
        let metadata = of(data, "metadata");
        let metadata_id = metadata.and_then(|metadata| of(metadata, "distinct_id"));
        let nobody = json::quote(NOBODY);
        let ids = [metadata_id, item.distinct_id, Some(nobody.as_str())];
        let mut recording = self.stamped(item, false);
        recording.distinct_id = distinct_id::of(&ids, self.notes)?.into_string();
        recording.snapshot_source = "web".into();
        recording.lib = lib(self.headers);
        recording.items = items::arrays(&[data]).collect();
        recording.extra = metadata.map(|metadata| format!("{{\"metadata\":{metadata}}}"));
        Ok(recording)
    }

    /// A recording with the uuid and times of an item.
    fn stamped(&mut self, item: &Item<'_>, is_sent_at_ignored: bool) -> Recording {
        let sent_at = self.sent_at.of_item(item);
        let said = Said {
            timestamp: item.timestamp,
            offset: item.offset,
            sent_at: sent_at.filter(|_| !is_sent_at_ignored),
        };
        let (timestamp, followed) = said.settle(self.now);
        if let Some(note) = followed.note() {
            self.notes.take(note);
        }
        let (uuid, _) = settle_uuid(item, timestamp, self.notes);
        let (uuid_high, uuid_low) = uuid.as_u64_pair();
        Recording {
            uuid_high,
            uuid_low,
            token: self.token.to_string(),
            timestamp_micros: timestamp.as_micros(),
            created_at_micros: self.now.as_micros(),
            ..Recording::default()
        }
    }

    fn text(&self, item: &Item<'_>, property: &str) -> Option<String> {
        let text = json::string(self.document.property(item, property)?)?;
        (!text.is_empty()).then(|| text.into_owned())
    }

    /// Properties without a place of their own, such as `$lib_version` and `$snapshot_host`.
    fn unplaced(&self, item: &Item<'_>) -> Option<String> {
        let members = self.document.properties(item);
        let is_placed = |member| PLACED.contains(&&*self.document.source.name(member));
        let placed: Vec<u32> = (0u32..)
            .zip(members)
            .filter(|(_, member)| is_placed(member))
            .map(|(index, _)| index)
            .collect();
        (placed.len() < members.len()).then(|| splice(self.document.source, members, &placed, &[]))
    }
}

fn too_many_sessions() -> Error {
    Error::unparsable(format!("a recording holds more than {MOST_SESSIONS} sessions and windows"))
}

/// 1 to 70 of `[A-Za-z0-9-]`: it becomes part of object names.
fn session_id(raw: &str) -> Result<Cow<'_, str>, Error> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    json::string(raw)
        .filter(|id| (1..=LONGEST_SESSION_ID).contains(&id.len()) && id.bytes().all(is_plain))
        .ok_or(Error::InvalidSessionId)
}

/// The library by the user agent, where it does not say so itself.
fn lib(headers: &HeaderMap) -> String {
    let agent = headers.get(USER_AGENT).and_then(|value| value.to_str().ok());
    match agent {
        None => "unknown",
        Some(agent) => match agent.split('/').next() {
            Some(name) if name.contains("posthog") && name.len() <= LONGEST_LIB => name,
            _ => "web",
        },
    }
    .to_owned()
}
