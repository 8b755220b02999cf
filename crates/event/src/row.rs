//! What is stored.

use std::borrow::Cow;

use uuid::Uuid;

use crate::erasure::ErasureFields;
use crate::{Event, PersonId, Table, TeamId, Timestamp};

/// How an event's person was treated; the values of PostHog's `person_mode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, prost::Enumeration)]
#[repr(i32)]
pub enum PersonMode {
    /// The event has a person with properties.
    Full = 0,
    /// The SDK asked for no person.
    Propertyless = 1,
    /// The SDK asked for none, but there was one already.
    ForceUpgrade = 2,
}

impl PersonMode {
    /// PostHog's name of the mode.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Propertyless => "propertyless",
            Self::ForceUpgrade => "force_upgrade",
        }
    }
}

/// The property that has the key of a group, by the index of the group's type.
fn quoted(index: usize) -> String {
    format!("\"$group_{index}\"")
}

/// A finished row, as the journal holds it in protobuf.
///
/// Field numbers are a disk format: never reuse one. Members that only copy a property
/// ([`crate::Promoted`]) and the row's place in the journal are not in it; [`crate::StoredRow`]
/// adds them.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Row {
    /// Upper half of the uuid.
    #[prost(fixed64, tag = "1")]
    pub uuid_high: u64,
    /// Lower half of the uuid.
    #[prost(fixed64, tag = "2")]
    pub uuid_low: u64,
    /// Event name.
    #[prost(string, tag = "3")]
    pub event: String,
    /// Distinct id.
    #[prost(string, tag = "4")]
    pub distinct_id: String,
    /// Event time, UTC microseconds.
    #[prost(sfixed64, tag = "5")]
    pub timestamp_micros: i64,
    /// Receipt time, UTC microseconds.
    #[prost(sfixed64, tag = "6")]
    pub created_at_micros: i64,
    /// Project number, 0 for none.
    #[prost(int64, tag = "7")]
    pub team_id: i64,
    /// Project API key.
    #[prost(string, tag = "8")]
    pub token: String,
    /// Upper half of the person's id.
    #[prost(fixed64, tag = "9")]
    pub person_id_high: u64,
    /// Lower half of the person's id.
    #[prost(fixed64, tag = "10")]
    pub person_id_low: u64,
    /// How the person was treated.
    #[prost(enumeration = "PersonMode", tag = "11")]
    pub person_mode: i32,
    /// When the person came to be, UTC microseconds.
    #[prost(sfixed64, optional, tag = "12")]
    pub person_created_at_micros: Option<i64>,
    /// JSON object: the person's properties after the event, where they are known.
    #[prost(string, optional, tag = "13")]
    pub person_properties: Option<String>,
    /// JSON object of event properties.
    #[prost(string, tag = "14")]
    pub properties: String,
    /// PostHog's text form of the clicked elements.
    #[prost(string, tag = "15")]
    pub elements_chain: String,
    /// Keys of the groups by the index of their type, at most five; empty for none.
    #[prost(string, repeated, tag = "16")]
    pub groups: Vec<String>,
    /// JSON object of group properties.
    #[prost(string, optional, tag = "17")]
    pub group_properties: Option<String>,
    /// Session.
    #[prost(string, optional, tag = "18")]
    pub session_id: Option<String>,
    /// Window or tab within the session.
    #[prost(string, optional, tag = "19")]
    pub window_id: Option<String>,
    /// JSON value of the request's context.
    #[prost(string, optional, tag = "20")]
    pub context: Option<String>,
    /// JSON object of what fits nowhere else.
    #[prost(string, optional, tag = "21")]
    pub extra: Option<String>,
    /// When the client says it sent the event, UTC microseconds by its own clock.
    #[prost(sfixed64, optional, tag = "22")]
    pub sent_at_micros: Option<i64>,
    /// JSON object of what the event sets of its person.
    #[prost(string, optional, tag = "23")]
    pub set: Option<String>,
    /// JSON object of what it sets where the person has nothing yet.
    #[prost(string, optional, tag = "24")]
    pub set_once: Option<String>,
    /// The number of the [`Table`] that it belongs to; [`Row::table`] reads it.
    #[prost(int32, tag = "25")]
    pub table_number: i32,
    /// Why it is quarantined.
    #[prost(string, optional, tag = "26")]
    pub reason: Option<String>,
    /// What a row of persons' and groups' tables has beside; no event has it.
    #[prost(message, optional, boxed, tag = "27")]
    pub change: Option<Box<ChangeFields>>,
    /// What an erasure's row has beside; no other has it.
    #[prost(message, optional, boxed, tag = "28")]
    pub erasure: Option<Box<ErasureFields>>,
}

/// Members that only a [`Change`](crate::Change) has.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ChangeFields {
    /// Grows with each change of the same key.
    #[prost(int64, tag = "1")]
    pub version: i64,
    /// Whether what it tells of is gone.
    #[prost(bool, tag = "2")]
    pub is_deleted: bool,
    /// Whether the person is identified.
    #[prost(bool, tag = "3")]
    pub is_identified: bool,
    /// When the person or group came to be, UTC microseconds.
    #[prost(sfixed64, tag = "4")]
    pub since_micros: i64,
    /// When an event of the person came last, UTC microseconds.
    #[prost(sfixed64, optional, tag = "5")]
    pub last_seen_at_micros: Option<i64>,
    /// Upper half of the id that is overridden.
    #[prost(fixed64, tag = "6")]
    pub old_person_id_high: u64,
    /// Lower half of it.
    #[prost(fixed64, tag = "7")]
    pub old_person_id_low: u64,
    /// The index of a group's type.
    #[prost(int64, tag = "8")]
    pub group_type_index: i64,
    /// The key of a group, or the name of a type.
    #[prost(string, tag = "9")]
    pub group: String,
}

impl ChangeFields {
    /// What a row has that is no change.
    pub(crate) const NONE: Self = Self {
        version: 0,
        is_deleted: false,
        is_identified: false,
        since_micros: 0,
        last_seen_at_micros: None,
        old_person_id_high: 0,
        old_person_id_low: 0,
        group_type_index: 0,
        group: String::new(),
    };

    /// The id that is overridden.
    pub fn old_person_id(&self) -> PersonId {
        PersonId(Uuid::from_u64_pair(self.old_person_id_high, self.old_person_id_low))
    }
}

impl Row {
    /// Joins an event with its project and person.
    pub fn new(event: Event, team: TeamId, person: PersonId) -> Self {
        let (uuid_high, uuid_low) = event.uuid.as_u64_pair();
        let (person_id_high, person_id_low) = person.0.as_u64_pair();
        let mode = match event.process_person_profile {
            true => PersonMode::Full,
            false => PersonMode::Propertyless,
        };
        let (set, set_once) = match mode {
            PersonMode::Propertyless if event.table != Table::Quarantine => (None, None),
            _ => (event.set, event.set_once),
        };
        Self {
            uuid_high,
            uuid_low,
            event: event.event,
            distinct_id: event.distinct_id.into_string(),
            timestamp_micros: event.timestamp.as_micros(),
            created_at_micros: event.created_at.as_micros(),
            team_id: team.0,
            token: event.token.as_str().to_owned(),
            person_id_high,
            person_id_low,
            person_mode: mode.into(),
            person_created_at_micros: None,
            person_properties: None,
            properties: event.properties,
            elements_chain: event.elements_chain,
            groups: Vec::new(),
            group_properties: event.group_set,
            session_id: event.session_id,
            window_id: event.window_id,
            context: event.context,
            extra: event.extra,
            sent_at_micros: event.sent_at.map(Timestamp::as_micros),
            set,
            set_once,
            table_number: event.table.into(),
            reason: event.reason.map(str::to_owned),
            change: None,
            erasure: None,
        }
    }

    /// The row as one of a change that concerns a person of a project.
    pub(crate) fn about(self, team: TeamId, person: PersonId, fields: ChangeFields) -> Self {
        let (person_id_high, person_id_low) = person.0.as_u64_pair();
        let change = Some(Box::new(fields));
        Self { team_id: team.0, person_id_high, person_id_low, change, ..self }
    }

    /// The person's properties as far as the row knows them: those after the event, else what the
    /// event itself sets, `set` winning over `set_once`. Of a person that it does not have, nothing.
    pub fn known_person_properties(&self) -> Option<Cow<'_, str>> {
        match &self.person_properties {
            Some(known) => Some(Cow::Borrowed(known)),
            None if self.person_mode != i32::from(PersonMode::Full) => None,
            None => crate::rows::overlay(self.set_once.as_deref(), self.set.as_deref()),
        }
    }

    /// The event's properties: those sent, and the keys of its groups as `$group_0` to `$group_4`
    /// where they do not say them themselves.
    pub fn properties_with_groups(&self) -> Cow<'_, str> {
        let keys = self.groups.iter().enumerate().filter(|(_, key)| !key.is_empty());
        let mut missing =
            keys.filter(|(index, _)| !self.properties.contains(&quoted(*index))).peekable();
        let members = self.properties.strip_suffix('}').filter(|_| missing.peek().is_some());
        let Some(members) = members else { return Cow::Borrowed(&self.properties) };
        let mut with = members.trim_end().to_owned();
        for (index, key) in missing {
            let comma = if with.ends_with('{') { "" } else { "," };
            let key = serde_json::Value::from(key.as_str());
            with.push_str(&format!("{comma}{}:{key}", quoted(index)));
        }
        with.push('}');
        Cow::Owned(with)
    }

    /// The event's uuid.
    pub fn uuid(&self) -> Uuid {
        Uuid::from_u64_pair(self.uuid_high, self.uuid_low)
    }

    /// The person's id.
    pub fn person_id(&self) -> PersonId {
        PersonId(Uuid::from_u64_pair(self.person_id_high, self.person_id_low))
    }

    /// When the event happened.
    pub fn timestamp(&self) -> Timestamp {
        Timestamp::from_micros(self.timestamp_micros)
    }

    /// When the server received it.
    pub fn created_at(&self) -> Timestamp {
        Timestamp::from_micros(self.created_at_micros)
    }
}
