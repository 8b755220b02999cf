//! All that is known of persons and groups, wherever it is, so that it can be compared.

use std::collections::BTreeMap;

use hogflare_identity::Layer;
use uuid::Uuid;

use super::postgres::Sql;

#[derive(Debug, Default, PartialEq)]
pub(crate) struct State {
    pub(crate) ids: BTreeMap<(i64, String), (Option<Uuid>, i64)>,
    pub(crate) persons: BTreeMap<(i64, Uuid), Person>,
    pub(crate) overrides: BTreeMap<(i64, Uuid), (Uuid, i64)>,
    pub(crate) groups: BTreeMap<(i64, i16, String), Group>,
    pub(crate) types: BTreeMap<(i64, i16), String>,
}

#[derive(Debug, PartialEq)]
pub(crate) struct Person {
    version: i64,
    created_at: i64,
    is_identified: bool,
    last_seen_at: Option<i64>,
    properties: String,
    is_deleted: bool,
}

#[derive(Debug, PartialEq)]
pub(crate) struct Group {
    created_at: i64,
    properties: String,
    version: i64,
    is_deleted: bool,
}

impl State {
    /// What the tables have.
    pub(crate) fn of_tables(sql: &Sql) -> Self {
        let mut state = Self::default();
        for row in sql.query(
            "SELECT team_id, distinct_id, person_id, version FROM hogflare.person_distinct_ids",
        ) {
            state.ids.insert((row.get(0), row.get(1)), (row.get(2), row.get(3)));
        }
        let persons = "SELECT team_id, person_id, version, created_at, is_identified, last_seen_at,
            properties, is_deleted FROM hogflare.persons";
        for row in sql.query(persons) {
            let person = Person {
                version: row.get(2),
                created_at: row.get(3),
                is_identified: row.get(4),
                last_seen_at: row.get(5),
                properties: row.get(6),
                is_deleted: row.get(7),
            };
            state.persons.insert((row.get(0), row.get(1)), person);
        }
        for row in sql.query(
            "SELECT team_id, old_person_id, person_id, version FROM hogflare.person_overrides",
        ) {
            state.overrides.insert((row.get(0), row.get(1)), (row.get(2), row.get(3)));
        }
        let groups = "SELECT team_id, type_index, group_key, created_at, properties, version,
            is_deleted FROM hogflare.groups";
        for row in sql.query(groups) {
            let group = Group {
                created_at: row.get(3),
                properties: row.get(4),
                version: row.get(5),
                is_deleted: row.get(6),
            };
            state.groups.insert((row.get(0), row.get(1), row.get(2)), group);
        }
        for row in sql.query("SELECT team_id, type_index, name FROM hogflare.group_types") {
            state.types.insert((row.get(0), row.get(1)), row.get(2));
        }
        state
    }

    /// What a layer over nothing has.
    pub(crate) fn of_layer(layer: &Layer) -> Self {
        let mut state = Self::default();
        for (key, id) in layer.ids() {
            let person = id.person.map(|person| person.0);
            state.ids.insert((key.team.0, key.id.to_string()), (person, id.version));
        }
        for ((team, id), person) in layer.persons() {
            let person = Person {
                version: person.version,
                created_at: person.created_at.as_micros(),
                is_identified: person.is_identified,
                last_seen_at: person.last_seen_at.map(event::Timestamp::as_micros),
                properties: person.properties.as_str().to_owned(),
                is_deleted: person.is_deleted,
            };
            state.persons.insert((team.0, id.0), person);
        }
        for ((team, former), to) in layer.overrides() {
            state.overrides.insert((team.0, former.0), (to.person.0, to.version));
        }
        for (key, group) in layer.groups() {
            let group_key = (key.team.0, key.type_index.into(), key.key.to_string());
            let group = Group {
                created_at: group.created_at.as_micros(),
                properties: group.properties.as_str().to_owned(),
                version: group.version,
                is_deleted: group.is_deleted,
            };
            state.groups.insert(group_key, group);
        }
        for (team, types) in layer.group_types() {
            for (index, name) in (0..).zip(types.iter()) {
                if let Some(name) = name {
                    state.types.insert((team.0, index), name.to_string());
                }
            }
        }
        state
    }

    /// Without the ids that were only used without a person, which no table of the lake has.
    pub(crate) fn without_personless(mut self) -> Self {
        self.ids.retain(|_, (person, version)| person.is_some() || *version > 0);
        self
    }
}
