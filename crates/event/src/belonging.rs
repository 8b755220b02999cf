//! Whose a row is, which is known only once everything before it is settled.
//!
//! A row is encoded where there is time for it, and [`Belonging`] is put behind its bytes by the one
//! thread that knows: a protobuf message may be followed by more of its members.

use prost::{Message, encode_length_delimiter, length_delimiter_len};

use crate::{Event, PersonId, PersonMode, Row, TeamId, Timestamp};

/// The members of a [`Row`] that say whose it is.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Belonging {
    #[prost(fixed64, tag = "9")]
    person_id_high: u64,
    #[prost(fixed64, tag = "10")]
    person_id_low: u64,
    // Optional, so that it is written even where it is 0 and the row said otherwise.
    #[prost(enumeration = "PersonMode", optional, tag = "11")]
    person_mode: Option<i32>,
    #[prost(sfixed64, optional, tag = "12")]
    person_created_at_micros: Option<i64>,
    /// JSON object: the person's properties after the event, where they are asked for.
    #[prost(string, optional, tag = "13")]
    pub person_properties: Option<String>,
    /// Keys of the event's groups by the index of their type, at most five; empty for none.
    #[prost(string, repeated, tag = "16")]
    pub groups: Vec<String>,
}

impl Belonging {
    /// A person's, who came to be at this time, treated so.
    pub fn to(person: PersonId, mode: PersonMode, created_at: Option<Timestamp>) -> Self {
        let (person_id_high, person_id_low) = person.0.as_u64_pair();
        Self {
            person_id_high,
            person_id_low,
            person_mode: Some(mode.into()),
            person_created_at_micros: created_at.map(Timestamp::as_micros),
            ..Self::default()
        }
    }
}

/// Appends what an event's row has whoever it belongs to.
pub fn encode_row_body(event: Event, team: TeamId, body: &mut Vec<u8>) {
    let row = Row::new(event, team, PersonId::default());
    row.encode(body).expect("a Vec grows as needed");
}

/// Appends the row that a body becomes to a record's payload.
pub fn encode_row_of(body: &[u8], belonging: &Belonging, payload: &mut Vec<u8>) {
    let bytes = body.len() + belonging.encoded_len();
    payload.reserve(length_delimiter_len(bytes) + bytes);
    encode_length_delimiter(bytes, payload).expect("a Vec grows as needed");
    payload.extend_from_slice(body);
    belonging.encode(payload).expect("a Vec grows as needed");
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::{DistinctId, Token, UuidOrigin, decode_rows};

    fn event() -> Event {
        let now = Timestamp::from_micros(1_750_000_000_000_000);
        Event {
            uuid: uuid::Uuid::from_u128(1),
            uuid_origin: UuidOrigin::Client,
            token: Token::new("phc_test"),
            event: "purchase".into(),
            distinct_id: DistinctId::new("user-1"),
            timestamp: now,
            created_at: now,
            sent_at: None,
            properties: r#"{"price":12.5}"#.into(),
            set: Some(r#"{"plan":"pro"}"#.into()),
            set_once: None,
            group_set: None,
            elements_chain: String::new(),
            session_id: None,
            window_id: None,
            process_person_profile: true,
            cookieless: false,
            has_place: false,
            keeps_persons: false,
            context: None,
            extra: None,
            table: Default::default(),
            reason: None,
        }
    }

    fn row_of(event: Event, belonging: &Belonging) -> Row {
        let (mut body, mut payload) = (Vec::new(), Vec::new());
        encode_row_body(event, TeamId(1), &mut body);
        encode_row_of(&body, belonging, &mut payload);
        let mut rows = decode_rows(Bytes::from(payload)).unwrap();
        assert_eq!(rows.len(), 1);
        rows.pop().unwrap()
    }

    #[test]
    fn a_body_and_whose_it_is_are_a_row() {
        let person = PersonId(uuid::Uuid::from_u128(7));
        let created_at = Timestamp::from_micros(5);
        let belonging = Belonging {
            groups: vec![String::new(), "acme".into()],
            person_properties: Some("{}".into()),
            ..Belonging::to(person, PersonMode::Full, Some(created_at))
        };
        let expected = Row {
            person_created_at_micros: Some(5),
            person_properties: Some("{}".into()),
            groups: vec![String::new(), "acme".into()],
            ..Row::new(event(), TeamId(1), person)
        };
        assert_eq!(row_of(event(), &belonging), expected);
    }

    #[test]
    fn what_is_settled_counts_whatever_the_body_said() {
        let propertyless = Event { process_person_profile: false, ..event() };
        let person = PersonId(uuid::Uuid::from_u128(7));
        for mode in [PersonMode::Full, PersonMode::Propertyless, PersonMode::ForceUpgrade] {
            let belonging = Belonging::to(person, mode, None);
            assert_eq!(row_of(propertyless.clone(), &belonging).person_mode, i32::from(mode));
            assert_eq!(row_of(event(), &belonging).person_mode, i32::from(mode));
        }
    }

    #[test]
    fn an_event_without_a_person_tells_nothing_of_one() {
        let person = PersonId(uuid::Uuid::from_u128(7));
        let with = |mode| row_of(event(), &Belonging::to(person, mode, None));
        assert_eq!(with(PersonMode::Full).known_person_properties().unwrap(), r#"{"plan":"pro"}"#);
        assert_eq!(with(PersonMode::Propertyless).known_person_properties(), None);
    }
}
