//! What the wire protocol yields.

use uuid::Uuid;

use crate::{DistinctId, Table, Timestamp, Token};

/// Where an event's uuid came from; only the client's own says that two sendings are one event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UuidOrigin {
    /// The SDK sent it, and sends the same again when it retries.
    Client,
    /// The server made it, because the SDK sent none.
    Server,
}

/// Why an event is quarantined that nobody sent: it tells what another system knew of a person or a
/// group, and changes these here.
pub const BROUGHT_PERSON: &str = "brought_person";

/// One decoded and normalized event.
///
/// JSON members hold compact or verbatim JSON text; it is valid JSON of the stated kind.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Identifies the event, together with token, name and distinct id.
    pub uuid: Uuid,
    /// Whether `uuid` may be used to recognize a retry.
    pub uuid_origin: UuidOrigin,
    /// The project API key.
    pub token: Token,
    /// The event's name, never empty.
    pub event: String,
    /// Whose event it is.
    pub distinct_id: DistinctId,
    /// When it happened, corrected for the client's clock.
    pub timestamp: Timestamp,
    /// When the server received it.
    pub created_at: Timestamp,
    /// When the client says it sent it, by the client's clock.
    pub sent_at: Option<Timestamp>,
    /// JSON object: the sent members byte for byte, less the documented ones, plus appended ones.
    pub properties: String,
    /// JSON object: `$set` of properties overlaid with the event's own; `None` when neither is there.
    /// What is lifted out of the properties (`$browser`, say) is not in it.
    pub set: Option<String>,
    /// JSON object: `$set_once`, likewise.
    pub set_once: Option<String>,
    /// JSON object: `$group_set` of a `$groupidentify`.
    pub group_set: Option<String>,
    /// PostHog's text form of the clicked elements; empty when there are none.
    pub elements_chain: String,
    /// `$session_id` where it is a string.
    pub session_id: Option<String>,
    /// `$window_id` where it is a string.
    pub window_id: Option<String>,
    /// `false` when the SDK asked for no person (`$process_person_profile: false`).
    pub process_person_profile: bool,
    /// Whether the SDK keeps no id of its own (`$cookieless_mode: true`): the distinct id is then a
    /// placeholder, and the server makes one.
    pub cookieless: bool,
    /// Whether its `$geoip_*` were looked up here: the place is its person's, too.
    pub has_place: bool,
    /// Whether persons and groups that are known stay as they are: it is of the past, and what it
    /// sets of them may be older than what they have.
    pub keeps_persons: bool,
    /// JSON value of the request's `context` member, where one was sent.
    pub context: Option<String>,
    /// JSON object of what fits nowhere else, such as unknown top-level members.
    pub extra: Option<String>,
    /// The table that it belongs to.
    pub table: Table,
    /// Why it is quarantined.
    pub reason: Option<&'static str>,
}

impl Event {
    /// Keeps it out of `events`, for this reason; the first reason stays.
    pub fn quarantine(&mut self, reason: &'static str) {
        self.table = Table::Quarantine;
        self.reason.get_or_insert(reason);
    }
}
