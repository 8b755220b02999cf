//! Projects, tokens, and what is kept of them.

use crate::people::by;
use crate::support::TestStore;
use hogflare_state::{Error, NewProject, Refusal, SavedKind, Secret, Wanted};
use serde_json::value::RawValue;

fn project(name: &str, token: Option<&str>) -> NewProject {
    let token = token.map(str::to_owned);
    NewProject { name: name.to_owned(), time_zone: "UTC".to_owned(), token }
}

#[test]
fn a_number_is_given_once_and_none_of_the_configuration_is() {
    let test = TestStore::new();
    let make = |name| test.store.create_project(&project(name, None), &by("?", 0)).unwrap();
    assert_eq!(make("First").team_id, 1);
    test.store.reserve_teams(41).unwrap();
    test.store.reserve_teams(7).unwrap();
    let shop = make(" Shop ");
    assert_eq!((shop.team_id, shop.name.as_str()), (42, "Shop"));
    assert!(shop.token.starts_with("phc_") && shop.token.len() == 47);
    assert_eq!(test.reopened().projects().unwrap().len(), 2);
}

#[test]
fn a_token_has_one_project_and_is_no_secret() {
    let test = TestStore::new();
    let make = |token: &str| test.store.create_project(&project("Shop", Some(token)), &by("?", 0));
    make("phc_shop").unwrap();
    let again = make("phc_shop").unwrap_err();
    assert!(matches!(again, Error::Refused(Refusal::Taken("project"))));
    let long = "x".repeat(201);
    for wrong in ["", "phx_secret", "phc_ü", "a b", &long] {
        assert!(make(wrong).is_err(), "{wrong}");
    }
    assert!(make("anything-goes").is_ok());
}

#[test]
fn every_change_has_projects_read_again() {
    let test = TestStore::new();
    let store = &test.store;
    let mut versions = vec![store.projects_version().unwrap()];
    let mut note = || versions.push(store.projects_version().unwrap());
    let made = store.create_project(&project("Shop", None), &by("?", 0)).unwrap();
    note();
    let changed =
        store.change_project(made.team_id, "Store", "Europe/Berlin", &by("?", 1)).unwrap();
    note();
    store.block_token("phc_stranger", &by("?", 1)).unwrap();
    note();
    store.unblock_token("phc_stranger", &by("?", 1)).unwrap();
    note();
    assert!(versions.is_sorted_by(|one, next| one < next), "{versions:?}");
    assert_eq!((changed.name.as_str(), changed.time_zone.as_str()), ("Store", "Europe/Berlin"));
    assert!(store.change_project(99, "Store", "UTC", &by("?", 1)).is_err());
    assert!(store.unblock_token("phc_stranger", &by("?", 1)).is_err());
}

#[test]
fn a_token_is_blocked_or_has_a_project() {
    let test = TestStore::new();
    let store = &test.store;
    store.block_token("phc_stranger", &by("jane@example.com", 0)).unwrap();
    store.block_token("phc_stranger", &by("joe@example.com", 1)).unwrap();
    let blocked = store.blocked_tokens().unwrap();
    assert_eq!(blocked.len(), 1);
    assert_eq!(blocked[0].created_by, "jane@example.com");
    store.create_project(&project("Friend", Some("phc_stranger")), &by("?", 2)).unwrap();
    assert!(store.blocked_tokens().unwrap().is_empty());
    assert!(store.block_token("phc_stranger", &by("?", 3)).is_err());
}

fn wanted(name: &str, definition: &str) -> Wanted {
    let definition = RawValue::from_string(definition.to_owned()).unwrap();
    Wanted { name: name.to_owned(), description: String::new(), definition }
}

#[test]
fn what_is_saved_stays_with_its_project() {
    let (test, owner) = TestStore::with_owner();
    let store = &test.store;
    let by_owner = by("owner@example.com", 1);
    let (insight, dashboard) = (SavedKind::Insight, SavedKind::Dashboard);
    let kept = store
        .save((insight, 7), &wanted("Signups", r#"{"a": 1.0}"#), Some(&owner), &by_owner)
        .unwrap();
    assert_eq!(kept.definition.get(), r#"{"a": 1.0}"#, "as it was sent");
    assert_eq!(kept.owner.as_deref(), Some("owner@example.com"));
    assert_eq!(store.saved(insight, 7).unwrap().len(), 1);
    assert!(store.saved(insight, 8).unwrap().is_empty());
    assert!(store.saved(dashboard, 7).unwrap().is_empty());
    assert!(store.saved_one(dashboard, kept.id).is_err(), "not under another name");
    let changed = store
        .change_saved(insight, kept.id, &wanted("Sign-ups", "[]"), &by("owner@example.com", 2))
        .unwrap();
    assert_eq!((changed.name.as_str(), changed.definition.get()), ("Sign-ups", "[]"));
    assert!(changed.updated_at > changed.created_at);
    store.delete_saved(insight, kept.id, &by_owner).unwrap();
    assert!(store.saved_one(insight, kept.id).is_err());
    assert!(store.save((insight, 7), &wanted("", "1"), None, &by_owner).is_err());
    let long = format!("\"{}\"", "x".repeat(256 << 10));
    assert!(store.save((insight, 7), &wanted("Long", &long), None, &by_owner).is_err());
}

#[test]
fn a_shared_dashboard_is_open_until_it_is_not() {
    let (test, owner) = TestStore::with_owner();
    let store = &test.store;
    let by_owner = by("owner@example.com", 1);
    let kind = SavedKind::Dashboard;
    let kept = store.save((kind, 1), &wanted("Sales", "{}"), Some(&owner), &by_owner).unwrap();
    let [first, second] = [(); 2].map(|()| store.share(kind, kept.id, &by_owner).unwrap());
    assert!(store.shared(&first).unwrap().is_none(), "one link at a time");
    assert_eq!(store.shared(&second).unwrap().unwrap().id, kept.id);
    assert!(store.saved_one(kind, kept.id).unwrap().is_shared);
    store.unshare(kind, kept.id, &by_owner).unwrap();
    assert!(store.shared(&second).unwrap().is_none());
    assert!(store.shared(&Secret::shown("hfp_x")).unwrap().is_none());
}
