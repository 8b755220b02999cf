//! What changed of persons and groups.
//!
//! An event may change its person: create it, set properties, name another id of it, merge it into
//! another. Each change is a row of the journal, in the record of the event that caused it, so that
//! whoever reads the journal needs no rules of identity: it takes for each key the row with the
//! highest version.
//!
//! | change | table | key |
//! |---|---|---|
//! | [`Change::Person`] | `persons` | (team, id) |
//! | [`Change::DistinctId`] | `person_distinct_ids` | (team, distinct id) |
//! | [`Change::Override`] | `person_overrides` | (team, old person id) |
//! | [`Change::Group`] | `groups` | (team, type index, key) |
//! | [`Change::GroupType`] | `group_types` | (team, index) |

use crate::row::ChangeFields;
use crate::{PersonId, Row, Table, TeamId, Timestamp};

/// The state of a person, or of something about persons, after an event.
///
/// A change is complete: it needs none of those before it. Versions of a key grow; a row of a
/// lower one, wherever it is read, counts for nothing. A deletion is a version, too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A person, whole.
    Person {
        /// The project.
        team: TeamId,
        /// The person.
        id: PersonId,
        /// Grows with each change of the person.
        version: i64,
        /// When the person came to be.
        created_at: Timestamp,
        /// Whether the application ever said who it is.
        is_identified: bool,
        /// When an event of it came last, where that is kept.
        last_seen_at: Option<Timestamp>,
        /// JSON object of its properties.
        properties: String,
        /// Whether it is gone, merged into another or deleted.
        is_deleted: bool,
    },
    /// Whose a distinct id is.
    DistinctId {
        /// The project.
        team: TeamId,
        /// The distinct id.
        distinct_id: String,
        /// The person that it belongs to.
        person_id: PersonId,
        /// Grows with each move from one person to another.
        version: i64,
        /// Whether it belongs to nobody any more.
        is_deleted: bool,
    },
    /// Rows that were written with one person belong to another.
    ///
    /// One join on it must give every row its present person, without following chains. So a merge
    /// makes an override for every id that a row of the moved person may have, each to the person
    /// that is kept: for the moved person's own id, for every id that was overridden to it before,
    /// and for the id that each distinct id moved has as a person of its own
    /// ([`PersonId::of_first_distinct_id`]), by which rows without a person profile go. An id that
    /// is a person again is overridden to itself.
    Override {
        /// The project.
        team: TeamId,
        /// The person of the rows as written.
        old_person_id: PersonId,
        /// The person that they belong to.
        person_id: PersonId,
        /// Grows with each override of the old id.
        version: i64,
    },
    /// A group, whole.
    Group {
        /// The project.
        team: TeamId,
        /// The index of its type.
        type_index: i64,
        /// Its key within the type.
        key: String,
        /// When the group came to be.
        created_at: Timestamp,
        /// JSON object of its properties.
        properties: String,
        /// Grows with each change of the group.
        version: i64,
        /// Whether it is gone.
        is_deleted: bool,
    },
    /// The name of a type of groups.
    GroupType {
        /// The project.
        team: TeamId,
        /// Its index, 0 to 4.
        index: i64,
        /// The name that SDKs give it in `$groups`.
        name: String,
    },
}

impl Change {
    /// The table that has its row.
    pub const fn table(&self) -> Table {
        match self {
            Self::Person { .. } => Table::Persons,
            Self::DistinctId { .. } => Table::PersonDistinctIds,
            Self::Override { .. } => Table::PersonOverrides,
            Self::Group { .. } => Table::Groups,
            Self::GroupType { .. } => Table::GroupTypes,
        }
    }

    /// The row of the journal that says so, with the time at which the server received the cause.
    pub fn into_row(self, changed_at: Timestamp) -> Row {
        let row = Row {
            table_number: self.table().into(),
            timestamp_micros: changed_at.as_micros(),
            created_at_micros: changed_at.as_micros(),
            ..Row::default()
        };
        match self {
            Self::Person {
                team,
                id,
                version,
                created_at,
                is_identified,
                last_seen_at,
                properties,
                is_deleted,
            } => {
                let fields = ChangeFields {
                    version,
                    is_deleted,
                    is_identified,
                    since_micros: created_at.as_micros(),
                    last_seen_at_micros: last_seen_at.map(Timestamp::as_micros),
                    ..ChangeFields::default()
                };
                Row { properties, ..row.about(team, id, fields) }
            }
            Self::DistinctId { team, distinct_id, person_id, version, is_deleted } => {
                let fields = ChangeFields { version, is_deleted, ..ChangeFields::default() };
                Row { distinct_id, ..row.about(team, person_id, fields) }
            }
            Self::Override { team, old_person_id, person_id, version } => {
                let (old_person_id_high, old_person_id_low) = old_person_id.0.as_u64_pair();
                let fields = ChangeFields {
                    version,
                    old_person_id_high,
                    old_person_id_low,
                    ..ChangeFields::default()
                };
                row.about(team, person_id, fields)
            }
            Self::Group { team, type_index, key, created_at, properties, version, is_deleted } => {
                let fields = ChangeFields {
                    version,
                    is_deleted,
                    since_micros: created_at.as_micros(),
                    group_type_index: type_index,
                    group: key,
                    ..ChangeFields::default()
                };
                Row { properties, ..row.about(team, PersonId::default(), fields) }
            }
            Self::GroupType { team, index, name } => {
                let fields = ChangeFields {
                    group_type_index: index,
                    group: name,
                    ..ChangeFields::default()
                };
                row.about(team, PersonId::default(), fields)
            }
        }
    }

    /// What a row of the journal says; `None` for a row of another kind.
    pub fn of_row(row: &Row) -> Option<Self> {
        let fields = row.change.as_deref()?;
        let ChangeFields { version, is_deleted, .. } = *fields;
        let team = TeamId(row.team_id);
        let since = Timestamp::from_micros(fields.since_micros);
        Some(match row.table() {
            Table::Persons => Self::Person {
                team,
                id: row.person_id(),
                version,
                created_at: since,
                is_identified: fields.is_identified,
                last_seen_at: fields.last_seen_at_micros.map(Timestamp::from_micros),
                properties: row.properties.clone(),
                is_deleted,
            },
            Table::PersonDistinctIds => Self::DistinctId {
                team,
                distinct_id: row.distinct_id.clone(),
                person_id: row.person_id(),
                version,
                is_deleted,
            },
            Table::PersonOverrides => Self::Override {
                team,
                old_person_id: fields.old_person_id(),
                person_id: row.person_id(),
                version,
            },
            Table::Groups => Self::Group {
                team,
                type_index: fields.group_type_index,
                key: fields.group.clone(),
                created_at: since,
                properties: row.properties.clone(),
                version,
                is_deleted,
            },
            Table::GroupTypes => {
                Self::GroupType { team, index: fields.group_type_index, name: fields.group.clone() }
            }
            Table::Events | Table::Heatmaps | Table::Quarantine | Table::Otel | Table::Erasures => {
                return None;
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use prost::Message;
    use uuid::Uuid;

    use super::*;

    fn person(number: u128) -> PersonId {
        PersonId(Uuid::from_u128(number << 64 | 7))
    }

    fn changes() -> [Change; 6] {
        let at = Timestamp::from_micros;
        [
            Change::Person {
                team: TeamId(2),
                id: person(1),
                version: 3,
                created_at: at(-5),
                is_identified: true,
                last_seen_at: Some(at(0)),
                properties: r#"{"plan":"pro"}"#.to_owned(),
                is_deleted: false,
            },
            Change::Person {
                team: TeamId(2),
                id: person(1),
                version: i64::MAX,
                created_at: at(9),
                is_identified: false,
                last_seen_at: None,
                properties: "{}".to_owned(),
                is_deleted: true,
            },
            Change::DistinctId {
                team: TeamId(2),
                distinct_id: "user-1".to_owned(),
                person_id: person(1),
                version: 0,
                is_deleted: true,
            },
            Change::Override {
                team: TeamId(2),
                old_person_id: person(8),
                person_id: person(1),
                version: 4,
            },
            Change::Group {
                team: TeamId(2),
                type_index: 4,
                key: "acme".to_owned(),
                created_at: at(11),
                properties: "{}".to_owned(),
                version: 12,
                is_deleted: true,
            },
            Change::GroupType { team: TeamId(2), index: 0, name: "company".to_owned() },
        ]
    }

    #[test]
    fn a_row_gives_its_change_back() {
        for change in changes() {
            let row = change.clone().into_row(Timestamp::from_micros(70));
            let stored = Row::decode(row.encode_to_vec().as_slice()).unwrap();
            assert_eq!(stored.table(), change.table());
            assert_eq!(stored.created_at(), Timestamp::from_micros(70));
            assert_eq!(Change::of_row(&stored), Some(change));
        }
    }

    #[test]
    fn a_row_without_a_change_gives_none() {
        assert_eq!(Change::of_row(&Row::default()), None);
        // Every default is one that protobuf leaves out, and the row is a change all the same.
        let least = Change::GroupType { team: TeamId(0), index: 0, name: String::new() };
        let row = least.clone().into_row(Timestamp::EPOCH);
        let stored = Row::decode(row.encode_to_vec().as_slice()).unwrap();
        assert_eq!(Change::of_row(&stored), Some(least));
    }

    #[test]
    fn an_event_is_no_byte_longer_for_it() {
        let event = Row { event: "$pageview".to_owned(), ..Row::default() };
        assert_eq!(event.encoded_len(), "$pageview".len() + 2);
    }
}
