//! The fold makes of any history what a plain model of the rules makes of it.

#![allow(clippy::unwrap_used)]

mod support;

use std::collections::{BTreeMap, HashMap};

use event::{Change, PersonId, TeamId};
use hogflare_identity::{GroupKey, Layer, Settings, Settled, Warning};
use proptest::prelude::*;
use serde_json::Value;
use support::history::{History, history};
use support::model::{Model, Outcome};
use support::{Memory, TEAM, event};

fn on_events() -> Memory {
    let settings = Settings { person_properties_on_events: true, ..Settings::default() };
    Memory { settings, ..Memory::default() }
}

/// What the model knows of an event's person.
fn outcome(settled: &Settled) -> Outcome {
    Outcome {
        person: settled.person_id.0,
        mode: settled.mode,
        created_at: settled.person_created_at.map(event::Timestamp::as_micros),
        properties: settled
            .person_properties
            .as_deref()
            .map(|all| serde_json::from_str(all).unwrap()),
        groups: settled.groups.clone(),
    }
}

/// Persons and groups of a layer are those of the model.
fn assert_same(layer: &Layer, model: &Model) {
    let mut persons = 0;
    for (team, project) in &model.projects {
        let team = TeamId(*team);
        for expected in &project.persons {
            let person = &layer.persons()[&(team, PersonId(expected.uuid))];
            assert!(!person.is_deleted);
            let properties: Value = serde_json::from_str(person.properties.as_str()).unwrap();
            assert_eq!(properties, Value::Object(expected.properties.clone()));
            assert_eq!(person.created_at.as_micros(), expected.created_at);
            assert_eq!(person.is_identified, expected.is_identified);
            let last_seen_at = person.last_seen_at.map(event::Timestamp::as_micros);
            assert_eq!(last_seen_at, expected.last_seen_at);
            let ids = layer
                .ids()
                .iter()
                .filter(|(key, id)| key.team == team && id.person == Some(PersonId(expected.uuid)));
            let ids: std::collections::BTreeSet<String> =
                ids.map(|(key, _)| key.id.to_string()).collect();
            assert_eq!(ids, expected.ids);
            persons += 1;
        }
        let mut groups = 0;
        for (key, group) in layer.groups().iter().filter(|(key, _)| key.team == team) {
            let expected = &project.groups[&(key.type_index.into(), key.key.to_string())];
            let properties: Value = serde_json::from_str(group.properties.as_str()).unwrap();
            assert_eq!(properties, Value::Object(expected.properties.clone()));
            assert_eq!(group.created_at.as_micros(), expected.created_at);
            groups += 1;
        }
        assert_eq!(groups, project.groups.len());
        let names = layer.group_types().get(&team).map(|types| types.iter().flatten().cloned());
        let names: Vec<String> = names.into_iter().flatten().map(|name| name.to_string()).collect();
        assert_eq!(names, project.types);
    }
    assert_eq!(layer.persons().values().filter(|person| !person.is_deleted).count(), persons);
}

/// Every row's person, by one join on the overrides, is the person that its distinct id has now.
fn assert_joined(layer: &Layer, rows: &[(TeamId, String, PersonId)]) {
    for (team, distinct_id, written) in rows {
        let key = hogflare_identity::IdKey::new(*team, distinct_id.as_str());
        let now = layer.ids().get(&key).and_then(|id| id.person).unwrap_or(*written);
        let joined = layer.overrides().get(&(*team, *written)).map_or(*written, |to| to.person);
        assert_eq!(joined, now, "{distinct_id}");
    }
}

/// Versions of a key grow.
fn assert_grows(versions: &mut HashMap<String, i64>, change: &Change) {
    let (key, version) = match change {
        Change::Person { team, id, version, .. } => (format!("p{team:?}{id:?}"), *version),
        Change::DistinctId { team, distinct_id, version, .. } => {
            (format!("d{team:?}{distinct_id}"), *version)
        }
        Change::Override { team, old_person_id, version, .. } => {
            (format!("o{team:?}{old_person_id:?}"), *version)
        }
        Change::Group { team, type_index, key, version, .. } => {
            (format!("g{team:?}{type_index}{key}"), *version)
        }
        Change::GroupType { team, index, .. } => (format!("t{team:?}{index}"), 0),
    };
    let before = versions.insert(key, version);
    assert!(before.is_none_or(|before| before < version), "{change:?}");
}

fn check(history: &History) {
    let (mut memory, mut model) = (on_events(), Model::default());
    let (mut versions, mut rows) = (HashMap::new(), Vec::new());
    let mut again = Layer::default();
    for (team, event) in history {
        let settled = memory.settle(event, *team);
        let mut expected = model.settle(event, *team);
        if expected.created_at.is_none() || event.table != event::Table::Events {
            expected.properties = None;
        }
        assert_eq!(outcome(&settled), expected, "{event:?}");
        for change in &settled.changes {
            assert_grows(&mut versions, change);
            hogflare_identity::apply(change, &mut again, &mut support::Nothing).unwrap();
        }
        let is_kept = event.table == event::Table::Events && *team != TeamId::UNCLAIMED;
        if is_kept && settled.person_created_at.is_none() {
            let id = event.distinct_id.as_str();
            hogflare_identity::note_personless(*team, id, &mut again, &mut support::Nothing)
                .unwrap();
        }
        if is_kept {
            rows.push((*team, event.distinct_id.as_str().to_owned(), settled.person_id));
        }
        // Before all this nothing was remembered, and each id was a person by itself.
        for key in memory.layer.ids().keys() {
            rows.push((key.team, key.id.to_string(), key.own_person()));
        }
        rows.sort_unstable();
        rows.dedup();
        assert_joined(&memory.layer, &rows);
    }
    assert_same(&memory.layer, &model);
    // What changed is all that there is to know.
    assert_same(&again, &model);
    assert_eq!(again.ids(), memory.layer.ids());
    assert_eq!(again.overrides(), memory.layer.overrides());
    assert_eq!(again.persons(), memory.layer.persons());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_history_makes_what_the_model_makes_of_it(history in history(60)) {
        check(&history);
    }
}

fn identify(id: &str, anon: &str, seconds: i64) -> event::Event {
    event("$identify", id, seconds, &format!(r#"{{"$anon_distinct_id":"{anon}"}}"#))
}

fn alias(name: &str, id: &str, alias: &str, seconds: i64) -> event::Event {
    event(name, id, seconds, &format!(r#"{{"alias":"{alias}"}}"#))
}

fn seen(id: &str, seconds: i64) -> event::Event {
    event("seen", id, seconds, "{}")
}

fn personless(id: &str, seconds: i64) -> event::Event {
    event("seen", id, seconds, r#"{"$process_person_profile":false}"#)
}

#[test]
fn identifying_makes_an_anonymous_person_part_of_the_user() {
    let mut memory = Memory::default();
    memory.settle_all(&[seen("anon", 1), seen("user", 2), identify("user", "anon", 3)]);
    let (anon, user) = (memory.person_of("anon").unwrap(), memory.person_of("user").unwrap());
    assert_eq!(anon, user);
    assert!(user.is_identified);
    assert_eq!(user.created_at, seen("anon", 1).timestamp);
    assert_eq!(user.id, PersonId::in_project(TEAM, "user"));
}

#[test]
fn identifying_twice_changes_nothing_the_second_time() {
    let mut memory = Memory::default();
    memory.settle_all(&[seen("anon", 1), identify("user", "anon", 2)]);
    let settled = memory.settle(&identify("user", "anon", 3), TEAM);
    assert_eq!((settled.changes, settled.warnings), (vec![], vec![]));
}

#[test]
fn a_refused_merge_keeps_both_and_identifies_the_one() {
    let mut memory = Memory::default();
    memory.settle_all(&[identify("one", "a", 1), seen("two", 2)]);
    let settled = memory.settle(&identify("two", "one", 3), TEAM);
    assert_eq!(settled.warnings, [Warning::AlreadyIdentified]);
    assert_ne!(memory.person_of("one").unwrap().id, memory.person_of("two").unwrap().id);
    assert!(memory.person_of("two").unwrap().is_identified);
}

#[test]
fn a_dangerous_merge_is_never_refused() {
    let mut memory = Memory::default();
    memory.settle_all(&[identify("one", "a", 1), identify("two", "b", 2)]);
    memory.settle(&alias("$merge_dangerously", "two", "one", 3), TEAM);
    let two = memory.person_of("two").unwrap();
    for id in ["one", "a", "b"] {
        assert_eq!(memory.person_of(id).unwrap(), two);
    }
}

#[test]
fn an_alias_of_an_alias_is_the_same_person() {
    let mut memory = Memory::default();
    let events = [
        alias("$create_alias", "a", "b", 1),
        alias("$create_alias", "b", "c", 2),
        alias("$create_alias", "d", "c", 3),
    ];
    memory.settle_all(&events);
    let person = memory.person_of("a").unwrap();
    assert_eq!(person.id, PersonId::in_project(TEAM, "a"));
    for id in ["b", "c", "d"] {
        assert_eq!(memory.person_of(id).unwrap(), person);
    }
}

#[test]
fn merging_one_after_the_other_needs_one_join() {
    let mut memory = Memory::default();
    memory.settle_all(&[seen("a", 1), seen("b", 2), seen("c", 3)]);
    memory.settle_all(&[
        alias("$merge_dangerously", "b", "a", 4),
        alias("$merge_dangerously", "c", "b", 5),
    ]);
    let of = |id| PersonId::in_project(TEAM, id);
    let joined: BTreeMap<PersonId, PersonId> =
        memory.layer.overrides().iter().map(|((_, old), to)| (*old, to.person)).collect();
    assert_eq!(joined, BTreeMap::from([(of("a"), of("c")), (of("b"), of("c"))]));
}

#[test]
fn an_id_of_which_there_are_rows_gives_the_person_its_id() {
    let mut memory = Memory::default();
    let settled = memory.settle_all(&[personless("anon", 1), identify("user", "anon", 2)]);
    assert_eq!(settled[1].person_id, settled[0].person_id);
    assert!(!memory.layer.overrides().contains_key(&(TEAM, settled[0].person_id)));
}

#[test]
fn rows_of_a_time_without_memory_are_found_once_there_is_a_person() {
    let mut memory = Memory::default();
    let of = |id| PersonId::in_project(TEAM, id);
    // Nothing is known of any of these ids, and of each there may be rows with its own person.
    let settled = memory.settle_all(&[identify("user", "anon", 1), identify("user", "phone", 2)]);
    assert!(settled.iter().all(|settled| settled.person_id == of("user")));
    let rows = ["user", "anon", "phone"].map(|id| (TEAM, id.to_owned(), of(id)));
    assert_joined(&memory.layer, &rows);
}

#[test]
fn rows_without_a_person_are_found_once_there_is_one() {
    let mut memory = Memory::default();
    let settled =
        memory.settle_all(&[seen("user", 0), personless("anon", 1), identify("user", "anon", 2)]);
    assert_eq!(settled[2].person_id, settled[0].person_id);
    let to = memory.layer.overrides()[&(TEAM, settled[1].person_id)];
    assert_eq!(to.person, settled[0].person_id);
}

#[test]
fn what_stands_for_everyone_merges_nobody() {
    let mut memory = Memory::default();
    let settled = memory.settle_all(&[identify("user", "anonymous", 1), identify("null", "b", 2)]);
    assert!(settled.iter().all(|one| one.warnings == [Warning::IllegalDistinctId]));
    assert!(memory.person_of("anonymous").is_none() && memory.person_of("b").is_none());
    assert!(!memory.person_of("user").unwrap().is_identified);
}

#[test]
fn projects_share_no_person_and_strangers_leave_nothing() {
    let mut memory = Memory::default();
    let event = event("seen", "user", 1, r#"{"$set":{"a":1},"$groups":{"company":"acme"}}"#);
    let first = memory.settle(&event, TEAM);
    let second = memory.settle(&event, TeamId(7));
    assert_ne!(first.person_id, second.person_id);
    let known = memory.layer.bytes();
    let stranger = memory.settle(&event, TeamId::UNCLAIMED);
    assert_eq!((memory.layer.bytes(), stranger.changes), (known, vec![]));
    assert_eq!(stranger.person_id, {
        let (token, id) = (&event.token, &event.distinct_id);
        PersonId::of_first_distinct_id(TeamId::UNCLAIMED, token, id)
    });
}

#[test]
fn an_event_without_a_person_is_upgraded_a_minute_after_there_is_one() {
    let mut memory = Memory::default();
    memory.settle(&seen("user", 0), TEAM);
    let mode =
        |memory: &mut Memory, seconds| memory.settle(&personless("user", seconds), TEAM).mode;
    assert_eq!(mode(&mut memory, 60), event::PersonMode::Propertyless);
    assert_eq!(mode(&mut memory, 61), event::PersonMode::ForceUpgrade);
}

#[test]
fn noise_alone_is_not_written_but_is_on_the_event() {
    let mut memory = on_events();
    let page = |seconds, url: &str, plan: &str| {
        let set = format!(r#"{{"$set":{{"$current_url":"{url}","plan":"{plan}"}}}}"#);
        event("$pageview", "user", seconds, &set)
    };
    memory.settle(&page(0, "/a", "free"), TEAM);
    let settled = memory.settle(&page(1, "/b", "free"), TEAM);
    assert_eq!(settled.changes, []);
    assert!(settled.person_properties.unwrap().contains(r#""$current_url":"/b""#));
    assert_eq!(memory.person_of("user").unwrap().properties.get("$current_url"), Some("\"/a\""));
    memory.settle(&page(2, "/c", "pro"), TEAM);
    assert_eq!(memory.person_of("user").unwrap().properties.get("$current_url"), Some("\"/c\""));
}

#[test]
fn what_a_person_lacks_is_not_taken_from_the_event_that_gives_it() {
    let mut memory = Memory::default();
    memory.settle(&seen("user", 0), TEAM);
    let both = r#"{"$set":{"a":1},"$unset":["a"]}"#;
    memory.settle(&event("seen", "user", 1, both), TEAM);
    assert_eq!(memory.person_of("user").unwrap().properties.get("a"), Some("1"));
    memory.settle(&event("seen", "user", 2, both), TEAM);
    assert_eq!(memory.person_of("user").unwrap().properties.get("a"), None);
}

#[test]
fn properties_beyond_the_limit_are_refused_and_the_rest_stays() {
    let mut memory = Memory::default();
    memory.settle(&event("seen", "user", 0, r#"{"$set":{"plan":"pro"}}"#), TEAM);
    let large = "x".repeat(hogflare_identity::PERSON_PROPERTIES_BYTES);
    let settled =
        memory.settle(&event("$set", "user", 1, &format!(r#"{{"$set":{{"a":"{large}"}}}}"#)), TEAM);
    assert_eq!((settled.warnings, settled.changes), (vec![Warning::PropertiesTooLarge], vec![]));
    assert_eq!(memory.person_of("user").unwrap().properties.get("plan"), Some("\"pro\""));
}

#[test]
fn configured_group_types_keep_their_index() {
    let mut settings = Settings::default();
    settings.group_types[1] = Some("company".into());
    let mut memory = Memory { settings, ..Memory::default() };
    let groups = r#"{"$groups":{"team":"t","company":"acme","club":"c"}}"#;
    let settled = memory.settle(&event("seen", "user", 1, groups), TEAM);
    assert_eq!(settled.groups, ["t", "acme", "c"]);
    let names = memory.layer.group_types()[&TEAM].clone();
    let names: Vec<_> = names.iter().flatten().map(|name| name.to_string()).collect();
    assert_eq!(names, ["team", "company", "club"]);
}

#[test]
fn a_person_of_more_ids_than_a_merge_moves_stays_what_it_is() {
    let mut memory = Memory::default();
    memory.settle_all(&[seen("user", 0), seen("crowd", 1)]);
    for number in 0..hogflare_identity::MERGED_DISTINCT_IDS {
        memory.settle(&alias("$create_alias", "crowd", &format!("id {number}"), 2), TEAM);
    }
    let settled = memory.settle(&alias("$merge_dangerously", "user", "crowd", 3), TEAM);
    assert_eq!(settled.warnings, [Warning::TooManyDistinctIds]);
    assert_ne!(memory.person_of("user").unwrap().id, memory.person_of("crowd").unwrap().id);
}

#[test]
fn a_person_of_longer_ids_than_a_merge_moves_stays_what_it_is() {
    let (mut memory, long) = (Memory::default(), "é".repeat(380));
    memory.settle_all(&[seen("user", 0), seen("crowd", 1)]);
    for number in 0..hogflare_identity::MERGED_DISTINCT_ID_BYTES / long.len() {
        memory.settle(&alias("$create_alias", "crowd", &format!("{long} {number}"), 2), TEAM);
    }
    let settled = memory.settle(&alias("$merge_dangerously", "user", "crowd", 3), TEAM);
    assert_eq!(settled.warnings, [Warning::TooManyDistinctIds]);
    assert_ne!(memory.person_of("user").unwrap().id, memory.person_of("crowd").unwrap().id);
}

fn groupidentify(key: &str, seconds: i64, set: &str) -> event::Event {
    let said = format!(r#"{{"$group_type":"company","$group_key":"{key}","$group_set":{set}}}"#);
    event("$groupidentify", "user", seconds, &said)
}

#[test]
fn properties_of_a_group_beyond_the_limit_are_refused_and_the_rest_stays() {
    let mut memory = Memory::default();
    let large = format!(r#"{{"a":"{}"}}"#, "x".repeat(hogflare_identity::PERSON_PROPERTIES_BYTES));
    memory.settle(&groupidentify("acme", 1, r#"{"plan":"pro"}"#), TEAM);
    for key in ["acme", "globex"] {
        let settled = memory.settle(&groupidentify(key, 2, &large), TEAM);
        assert_eq!(settled.warnings, [Warning::GroupPropertiesTooLarge]);
    }
    let group = |key: &str| {
        let key = GroupKey { team: TEAM, type_index: 0, key: key.into() };
        let group = &memory.layer.groups()[&key];
        (group.properties.as_str(), group.version)
    };
    assert_eq!(group("acme"), (r#"{"plan":"pro"}"#, 1));
    assert_eq!(group("globex"), ("{}", 1));
}

#[test]
fn a_key_of_a_group_that_is_too_long_is_none() {
    let mut memory = Memory::default();
    let (longest, longer) = ("é".repeat(400), "é".repeat(401));
    let groups = format!(r#"{{"$groups":{{"team":"{longer}","company":"{longest}"}}}}"#);
    let settled = memory.settle(&event("seen", "user", 1, &groups), TEAM);
    assert_eq!(settled.groups, [longest.as_str()]);
    memory.settle_all(&[groupidentify(&longer, 2, "{}"), groupidentify(&longest, 3, "{}")]);
    let keys: Vec<_> = memory.layer.groups().keys().map(|key| &*key.key).collect();
    assert_eq!(keys, [longest.as_str()]);
}

#[test]
fn a_person_that_comes_back_goes_on_where_it_was() {
    let mut memory = Memory::default();
    memory.settle_all(&[seen("b", 0), seen("a", 0), identify("b", "a", 1)]);
    let (person, former) = (memory.person_of("b").unwrap(), PersonId::in_project(TEAM, "a"));
    assert_eq!(memory.layer.overrides()[&(TEAM, former)].person, person.id);
    // Taken from its person, as whoever splits it does.
    let taken = Change::DistinctId {
        team: TEAM,
        distinct_id: "a".to_owned(),
        person_id: person.id,
        version: 7,
        is_deleted: true,
    };
    hogflare_identity::apply(&taken, &mut memory.layer, &mut support::Nothing).unwrap();
    let remains = memory.layer.persons()[&(TEAM, former)].version;
    let settled = memory.settle(&seen("a", 2), TEAM);
    assert_eq!(settled.person_id, former);
    assert_eq!(memory.layer.overrides()[&(TEAM, former)].person, former);
    assert!(memory.person_of("a").unwrap().version > remains);
    let id = memory.layer.ids()[&hogflare_identity::IdKey::new(TEAM, "a")];
    assert_eq!(id.version, 8);
}

#[test]
fn rows_of_a_person_with_an_id_from_elsewhere_are_found_after_any_merge() {
    let mut memory = Memory::default();
    memory.settle_all(&[seen("b", 0), seen("c", 1)]);
    let imported = PersonId(uuid::Uuid::from_u128(5));
    let person = hogflare_identity::Person {
        id: imported,
        ..hogflare_identity::Person::clone(&memory.person_of("b").unwrap())
    };
    let id = Change::DistinctId {
        team: TEAM,
        distinct_id: "a".to_owned(),
        person_id: imported,
        version: 3,
        is_deleted: false,
    };
    for change in [person.to_change(TEAM), id] {
        hogflare_identity::apply(&change, &mut memory.layer, &mut support::Nothing).unwrap();
    }
    memory.settle_all(&[
        alias("$merge_dangerously", "b", "a", 2),
        alias("$merge_dangerously", "c", "b", 3),
    ]);
    let to = memory.layer.overrides()[&(TEAM, imported)];
    assert_eq!((to.person, to.version), (PersonId::in_project(TEAM, "c"), 1));
}

#[test]
fn engage_sets_properties_of_the_one_group_that_it_names() {
    let mut memory = Memory::default();
    let said = r#"{"$groups":{"company":"acme"},"$group_set":{"plan":"pro"}}"#;
    memory.settle(&event("$identify", "user", 1, said), TEAM);
    let both = r#"{"$groups":{"company":"acme","team":"t"},"$group_set":{"plan":"free"}}"#;
    memory.settle(&event("$identify", "user", 2, both), TEAM);
    memory.settle(&event("seen", "user", 3, said), TEAM);
    let groups: Vec<_> = memory.layer.groups().iter().collect();
    let [(key, group)] = groups.as_slice() else { panic!("one group is known") };
    assert_eq!((key.type_index, &*key.key), (0, "acme"));
    assert_eq!((group.properties.as_str(), group.version), (r#"{"plan":"pro"}"#, 1));
}
