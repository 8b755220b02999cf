//! The rules once more, plain and slow, written from the specification of the protocol.
//!
//! It shares nothing with the fold but events. Every person has a list of its distinct ids, every
//! event parses all of its properties, and nothing is kept of what was.

use std::collections::{BTreeMap, BTreeSet};

use event::{Event, PersonId, PersonMode, TeamId};
use serde_json::{Map, Value};
use uuid::Uuid;

const MINUTE: i64 = 60_000_000;
const HOUR: i64 = 60 * MINUTE;

/// PostHog's namespace of persons.
const NAMESPACE: Uuid = Uuid::from_u128(0x932979b4_65c3_4424_8467_0b66ec27bc22);

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ModelPerson {
    pub(crate) uuid: Uuid,
    pub(crate) ids: BTreeSet<String>,
    pub(crate) properties: Map<String, Value>,
    pub(crate) created_at: i64,
    pub(crate) is_identified: bool,
    pub(crate) last_seen_at: Option<i64>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ModelGroup {
    pub(crate) properties: Map<String, Value>,
    pub(crate) created_at: i64,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Project {
    pub(crate) persons: Vec<ModelPerson>,
    /// Distinct ids that were used without a person while they had none.
    pub(crate) personless: BTreeSet<String>,
    pub(crate) types: Vec<String>,
    pub(crate) groups: BTreeMap<(usize, String), ModelGroup>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Model {
    pub(crate) projects: BTreeMap<i64, Project>,
}

/// Whose an event is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Outcome {
    pub(crate) person: Uuid,
    pub(crate) mode: PersonMode,
    pub(crate) created_at: Option<i64>,
    /// The person's properties after the event.
    pub(crate) properties: Option<Map<String, Value>>,
    pub(crate) groups: Vec<String>,
}

pub(crate) fn uuid_of(team: i64, id: &str) -> Uuid {
    Uuid::new_v5(&NAMESPACE, format!("{team}:{id}").as_bytes())
}

impl Model {
    pub(crate) fn settle(&mut self, event: &Event, team: TeamId) -> Outcome {
        let full = event.process_person_profile;
        if team == TeamId::UNCLAIMED {
            let id = PersonId::of_first_distinct_id(team, &event.token, &event.distinct_id).0;
            let mode = if full { PersonMode::Full } else { PersonMode::Propertyless };
            return Outcome {
                person: id,
                mode,
                created_at: None,
                properties: None,
                groups: vec![],
            };
        }
        let project = self.projects.entry(team.0).or_default();
        if event.table != event::Table::Events {
            let mode = if full { PersonMode::Full } else { PersonMode::Propertyless };
            let found = project.find(event.distinct_id.as_str());
            return Outcome {
                person: found.map_or(uuid_of(team.0, event.distinct_id.as_str()), |at| {
                    project.persons[at].uuid
                }),
                mode,
                created_at: found.map(|at| project.persons[at].created_at),
                properties: None,
                groups: vec![],
            };
        }
        project.settle(team.0, event)
    }
}

impl Model {
    /// Forgets whose id this is, and returns all that was forgotten.
    pub(crate) fn erase(&mut self, team: TeamId, id: &str) -> BTreeSet<String> {
        let project = self.projects.entry(team.0).or_default();
        let Some(at) = project.find(id) else { return BTreeSet::from([id.to_owned()]) };
        let gone = project.persons.remove(at);
        // That an id was used is not forgotten.
        project.personless.extend(gone.ids.clone());
        gone.ids
    }
}

impl Project {
    fn find(&self, id: &str) -> Option<usize> {
        self.persons.iter().position(|person| person.ids.contains(id))
    }

    fn settle(&mut self, team: i64, event: &Event) -> Outcome {
        let properties: Map<String, Value> = serde_json::from_str(&event.properties).unwrap();
        let id = event.distinct_id.as_str();
        let has_groups =
            matches!(properties.get("$groups"), Some(Value::Object(groups)) if !groups.is_empty());
        let is_flag_call = event.event == "$feature_flag_called"
            && properties.get("$process_person_profile") != Some(&Value::Bool(true))
            && !has_groups;
        if !event.process_person_profile || is_flag_call && self.find(id).is_none() {
            return self.personless(team, event);
        }
        let at = self.process(team, event, &properties);
        let set = object(event.set.as_deref());
        let person = &self.persons[at];
        let mut shown = person.properties.clone();
        if event.event != "$groupidentify" {
            shown.extend(set);
        }
        let (person, created_at) = (person.uuid, person.created_at);
        let groups = self.groups(event, &properties);
        Outcome {
            person,
            mode: PersonMode::Full,
            created_at: Some(created_at),
            properties: Some(shown),
            groups,
        }
    }

    fn personless(&mut self, team: i64, event: &Event) -> Outcome {
        let id = event.distinct_id.as_str();
        let timestamp = event.timestamp.as_micros();
        let Some(at) = self.find(id) else {
            self.personless.insert(id.to_owned());
            return Outcome {
                person: uuid_of(team, id),
                mode: PersonMode::Propertyless,
                created_at: None,
                properties: None,
                groups: vec![],
            };
        };
        let person = &mut self.persons[at];
        let mut mode = PersonMode::Propertyless;
        if timestamp > person.created_at + MINUTE {
            mode = PersonMode::ForceUpgrade;
            person.last_seen_at = person.last_seen_at.max(Some(timestamp.div_euclid(HOUR) * HOUR));
        }
        Outcome {
            person: person.uuid,
            mode,
            created_at: Some(person.created_at),
            properties: Some(Map::new()),
            groups: vec![],
        }
    }

    /// Returns the place of the event's person.
    fn process(&mut self, team: i64, event: &Event, properties: &Map<String, Value>) -> usize {
        let id = event.distinct_id.as_str();
        let other = match event.event.as_str() {
            "$identify" => properties.get("$anon_distinct_id").map(string),
            "$create_alias" | "$merge_dangerously" => {
                properties.get("alias").filter(|alias| truthy(alias)).map(string)
            }
            _ => None,
        };
        let mut identifies = false;
        let is_merge = |other: &String| other != id && legal(id) && legal(other);
        if let Some(other) = other.filter(is_merge) {
            identifies = true;
            let is_known = |project: &Self, id: &str| project.find(id).is_some();
            match (is_known(self, id), is_known(self, &other)) {
                (false, false) => {
                    let swap = !self.personless.contains(id) && self.personless.contains(&other);
                    let first = if swap { &other } else { id };
                    let at = self.create(team, event, first, properties);
                    self.persons[at].is_identified = true;
                    self.persons[at].ids.extend([id.to_owned(), other]);
                    return at;
                }
                (true, false) => {
                    let at = self.find(id).unwrap();
                    self.persons[at].ids.insert(other);
                }
                (false, true) => {
                    let at = self.find(&other).unwrap();
                    self.persons[at].ids.insert(id.to_owned());
                }
                (true, true) => self.unite(event, properties, id, &other),
            }
        }
        let Some(at) = self.find(id) else {
            return self.create(team, event, id, properties);
        };
        update(&mut self.persons[at], event, properties, identifies);
        at
    }

    fn unite(&mut self, event: &Event, properties: &Map<String, Value>, id: &str, other: &str) {
        let (into, from) = (self.find(id).unwrap(), self.find(other).unwrap());
        let is_refused = self.persons[from].is_identified && event.event != "$merge_dangerously";
        if into == from || is_refused {
            return;
        }
        let gone = self.persons[from].clone();
        let kept = &mut self.persons[into];
        let mut merged = gone.properties;
        merged.extend(kept.properties.clone());
        kept.properties = merged;
        kept.ids.extend(gone.ids);
        kept.created_at = kept.created_at.min(gone.created_at);
        kept.last_seen_at = kept.last_seen_at.max(gone.last_seen_at);
        kept.is_identified = true;
        update(kept, event, properties, true);
        self.persons.remove(from);
    }

    fn create(
        &mut self,
        team: i64,
        event: &Event,
        first: &str,
        properties: &Map<String, Value>,
    ) -> usize {
        let timestamp = event.timestamp.as_micros();
        let mut all = Map::new();
        if event.event != "$groupidentify" {
            all.extend(object(event.set_once.as_deref()));
            all.extend(object(event.set.as_deref()));
        }
        all.insert("$creator_event_uuid".to_owned(), event.uuid.to_string().into());
        let is_seen = properties.get("$update_person_last_seen_at") != Some(&Value::Bool(false));
        self.persons.push(ModelPerson {
            uuid: uuid_of(team, first),
            ids: BTreeSet::from([first.to_owned()]),
            properties: all,
            created_at: timestamp,
            is_identified: false,
            last_seen_at: is_seen.then_some(timestamp.div_euclid(HOUR) * HOUR),
        });
        self.persons.len() - 1
    }

    fn groups(&mut self, event: &Event, properties: &Map<String, Value>) -> Vec<String> {
        let mut keys = Vec::new();
        if let Some(Value::Object(groups)) = properties.get("$groups") {
            // The order of the text, which a map does not keep.
            let mut names: Vec<&String> = groups.keys().collect();
            let place = |name: &String| event.properties.find(&format!("\"{name}\":")).unwrap();
            names.sort_by_key(|name| place(name));
            for name in names {
                if let Some(index) = self.type_index(name) {
                    keys.resize(keys.len().max(index + 1), String::new());
                    keys[index] = string(&groups[name]);
                }
            }
        }
        let named = |name: &str| properties.get(name).filter(|value| truthy(value)).map(string);
        if event.event == "$groupidentify"
            && let (Some(name), Some(key)) = (named("$group_type"), named("$group_key"))
            && let Some(index) = self.type_index(&name)
        {
            let created_at = event.timestamp.as_micros();
            let group = self.groups.entry((index, key));
            let group = group.or_insert(ModelGroup { properties: Map::new(), created_at });
            group.properties.extend(object(event.group_set.as_deref()));
        }
        keys
    }

    fn type_index(&mut self, name: &str) -> Option<usize> {
        if let Some(index) = self.types.iter().position(|known| known == name) {
            return Some(index);
        }
        if self.types.len() == 5 {
            return None;
        }
        self.types.push(name.to_owned());
        Some(self.types.len() - 1)
    }
}

/// An event on a person that is there.
fn update(
    person: &mut ModelPerson,
    event: &Event,
    properties: &Map<String, Value>,
    identifies: bool,
) {
    let hour = event.timestamp.as_micros().div_euclid(HOUR) * HOUR;
    let mut is_written = false;
    if identifies && !person.is_identified {
        person.is_identified = true;
        is_written = true;
    }
    let is_seen = properties.get("$update_person_last_seen_at") != Some(&Value::Bool(false));
    if is_seen && person.last_seen_at.is_none_or(|last| last < hour) {
        person.last_seen_at = Some(hour);
        is_written = true;
    }
    if matches!(event.event.as_str(), "$exception" | "$groupidentify") {
        return;
    }
    let set = object(event.set.as_deref());
    let set_once = object(event.set_once.as_deref());
    let unset: Vec<String> = match properties.get("$unset") {
        Some(Value::Array(names)) => {
            names.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect()
        }
        Some(Value::Object(names)) => names.keys().cloned().collect(),
        _ => Vec::new(),
    };
    let before = person.properties.clone();
    let mut after = before.clone();
    for (key, value) in set_once {
        if !before.contains_key(&key) {
            after.insert(key, value);
            is_written = true;
        }
    }
    let is_about_person = matches!(
        event.event.as_str(),
        "$identify" | "$create_alias" | "$merge_dangerously" | "$set"
    );
    for (key, value) in set {
        let is_noise = ["$current_url", "$browser"].contains(&key.as_str());
        match before.get(&key) {
            None => is_written = true,
            Some(known) if *known == value => {}
            Some(_) if is_noise && !is_about_person => {}
            Some(_) => is_written = true,
        }
        after.insert(key, value);
    }
    for key in unset {
        if before.contains_key(&key) {
            after.remove(&key);
            is_written = true;
        }
    }
    if is_written {
        person.properties = after;
    }
}

fn object(text: Option<&str>) -> Map<String, Value> {
    text.map(|text| serde_json::from_str(text).unwrap()).unwrap_or_default()
}

fn string(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Object(_) => "[object Object]".to_owned(),
        other => other.to_string(),
    }
}

fn truthy(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.is_empty(),
        Value::Number(number) => number.as_f64() != Some(0.0),
        _ => true,
    }
}

fn legal(id: &str) -> bool {
    let any_case = "anonymous guest distinctid distinct_id id not_authenticated email undefined true \
        false";
    let as_spelt = ["[object Object]", "NaN", "None", "none", "null", "0", "undefined"];
    let mut illegal: Vec<String> = Vec::new();
    for quote in ["", "'", "\""] {
        illegal.extend(as_spelt.map(|word| format!("{quote}{word}{quote}")));
        let words = any_case.split_whitespace().map(|word| format!("{quote}{word}{quote}"));
        if words.into_iter().any(|word| word == id.to_lowercase()) {
            return false;
        }
    }
    !illegal.iter().any(|word| word == id)
        && !id.trim().is_empty()
        && !id.contains('\0')
        && id.chars().count() <= 400
}
