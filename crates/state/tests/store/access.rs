//! Who gets in, and who stays out.

use std::time::Duration;

use crate::people::{PASSWORD, SCOPES, at, by, email, holds, password};
use crate::support::TestStore;
use hogflare_state::{
    Error, KeyKind, NewKey, Permission, Refusal, Role, Secret, SessionTerms, Store,
};

const TERMS: SessionTerms =
    SessionTerms { idle: Duration::from_secs(100), lifetime: Duration::from_secs(1_000) };

fn refusal<T: std::fmt::Debug>(result: Result<T, Error>) -> Refusal {
    match result.unwrap_err() {
        Error::Refused(refusal) => refusal,
        error => panic!("{error}"),
    }
}

#[test]
fn the_first_owner_follows_a_link_that_works_once() {
    let test = TestStore::new();
    let store = &test.store;
    assert!(!store.is_set_up().unwrap());
    let link = store.new_setup_link().unwrap().unwrap().secret;
    let jane = email("jane@example.com");
    let nobody = store.follow(&link, None, &password(PASSWORD), &by("?", 0));
    assert!(matches!(refusal(nobody), Refusal::Wrong { field: "email", .. }));
    let owner = store.follow(&link, Some(&jane), &password(PASSWORD), &by("?", 0)).unwrap();
    assert_eq!((owner.role, owner.email.as_str()), (Role::Owner, "jane@example.com"));
    let joe = email("joe@example.com");
    let again = store.follow(&link, Some(&joe), &password(PASSWORD), &by("?", 1));
    assert_eq!(refusal(again), Refusal::LinkUnknown);
    assert!(store.new_setup_link().unwrap().is_none(), "never again");
    assert_eq!(store.users().unwrap().len(), 1);
}

#[test]
fn only_the_newest_setup_link_is_valid_and_none_once_an_owner_was_made_otherwise() {
    let test = TestStore::new();
    let store = &test.store;
    let [first, second] = [(); 2].map(|()| store.new_setup_link().unwrap().unwrap().secret);
    assert!(!store.knows_link(&first, at(0)).unwrap());
    assert!(store.knows_link(&second, at(0)).unwrap());
    let owner = |address: &str| {
        store.create_owner(&email(address), &password(PASSWORD), &by("hogflare", 0)).unwrap()
    };
    assert!(owner("admin@localhost").is_some());
    assert!(owner("other@localhost").is_none(), "an unattended start changes nobody's password");
    let late = store.follow(&second, Some(&email("x@y")), &password(PASSWORD), &by("?", 1));
    assert_eq!(refusal(late), Refusal::LinkUnknown);
}

#[test]
fn an_invitation_is_followed_within_a_week() {
    let (test, _) = TestStore::with_owner();
    let store = &test.store;
    let by_owner = by("owner@example.com", 0);
    let viewer = email("viewer@example.com");
    let (invited, link) = store.invite(&viewer, Role::Viewer, Role::Owner, &by_owner).unwrap();
    assert!(invited.is_invited);
    let log_in = |password: &str| store.log_in("viewer@example.com", password, TERMS, &by("?", 0));
    assert_eq!(refusal(log_in("")), Refusal::NotRecognized, "no password is no password");
    let week = 7 * 86_400;
    let late = store.follow(&link.secret, None, &password(PASSWORD), &by("?", week));
    assert_eq!(refusal(late), Refusal::LinkUnknown);
    let other = store.follow(&link.secret, Some(&email("x@y")), &password(PASSWORD), &by("?", 1));
    assert!(matches!(refusal(other), Refusal::Wrong { field: "email", .. }));
    store.follow(&link.secret, Some(&viewer), &password(PASSWORD), &by("?", week - 1)).unwrap();
    assert!(log_in(PASSWORD).is_ok());
    let twice = store.invite(&viewer, Role::Admin, Role::Owner, &by_owner);
    assert_eq!(refusal(twice), Refusal::Taken("user"));
}

#[test]
fn a_wrong_password_and_no_user_are_told_alike() {
    let (test, _) = TestStore::with_owner();
    let log_in =
        |email: &str, password: &str| test.store.log_in(email, password, TERMS, &by("?", 0));
    assert_eq!(refusal(log_in("owner@example.com", "another password")), Refusal::NotRecognized);
    assert_eq!(refusal(log_in("nobody@example.com", PASSWORD)), Refusal::NotRecognized);
    assert_eq!(refusal(log_in("no address", PASSWORD)), Refusal::NotRecognized);
    let (_, user) = log_in(" Owner@Example.com", PASSWORD).unwrap();
    assert_eq!(user.email.as_str(), "owner@example.com");
}

fn session_of(store: &Store, address: &str, seconds: i64) -> Secret {
    store.log_in(address, PASSWORD, TERMS, &by("?", seconds)).unwrap().0
}

#[test]
fn a_session_is_over_when_it_is_idle_or_old() {
    let (test, _) = TestStore::with_owner();
    let session = session_of(&test.store, "owner@example.com", 0);
    let holds = |seconds: i64| test.store.session(&session, TERMS, at(seconds)).unwrap().is_some();
    assert!(holds(99));
    for seconds in (150..1_000).step_by(50) {
        assert!(holds(seconds), "used at {seconds}");
    }
    assert!(!holds(1_000), "as old as it may be");
    let idle = session_of(&test.store, "owner@example.com", 0);
    assert!(test.store.session(&idle, TERMS, at(100)).unwrap().is_none());
    assert!(test.store.session(&Secret::shown("hfs_x"), TERMS, at(0)).unwrap().is_none());
}

#[test]
fn a_session_ends_when_its_user_leaves() {
    let (test, owner) = TestStore::with_owner();
    let viewer = test.user("viewer@example.com", Role::Viewer);
    let store = &test.store;
    let [left, ended] = [0, 0].map(|at| session_of(store, "viewer@example.com", at));
    store.end_session(&ended, &by("viewer@example.com", 1)).unwrap();
    assert!(store.session(&ended, TERMS, at(1)).unwrap().is_none());
    assert!(store.session(&left, TERMS, at(1)).unwrap().is_some());
    store.remove_user(viewer.id, Role::Owner, &by("owner@example.com", 2)).unwrap();
    assert!(store.session(&left, TERMS, at(2)).unwrap().is_none());
    assert_ne!(viewer.id, owner.id);
}

#[test]
fn another_password_ends_all_other_sessions() {
    let (test, owner) = TestStore::with_owner();
    let store = &test.store;
    let [here, elsewhere] = [0, 0].map(|at| session_of(store, "owner@example.com", at));
    let next = password("another long password");
    let by_owner = by("owner@example.com", 1);
    let wrong = store.change_password(owner.id, "not the password", &next, &here, &by_owner);
    assert_eq!(refusal(wrong), Refusal::NotRecognized);
    store.change_password(owner.id, PASSWORD, &next, &here, &by_owner).unwrap();
    assert!(store.session(&here, TERMS, at(1)).unwrap().is_some());
    assert!(store.session(&elsewhere, TERMS, at(1)).unwrap().is_none());
    let old = store.log_in("owner@example.com", PASSWORD, TERMS, &by("?", 2));
    assert_eq!(refusal(old), Refusal::NotRecognized);
}

#[test]
fn a_link_to_choose_a_password_ends_all_sessions() {
    let (test, _) = TestStore::with_owner();
    let store = &test.store;
    let session = session_of(store, "owner@example.com", 0);
    let by_program = by("hogflare", 1);
    let first = store.new_link_for(&email("owner@example.com"), &by_program).unwrap();
    let link = store.new_link_for(&email("owner@example.com"), &by_program).unwrap();
    assert!(!store.knows_link(&first.secret, at(1)).unwrap(), "the newest alone");
    assert!(store.session(&session, TERMS, at(1)).unwrap().is_some());
    store.follow(&link.secret, None, &password("another long password"), &by("?", 2)).unwrap();
    assert!(store.session(&session, TERMS, at(2)).unwrap().is_none());
    assert!(store.new_link_for(&email("nobody@example.com"), &by_program).is_err());
}

#[test]
fn only_owners_make_and_change_owners_and_one_stays() {
    let (test, owner) = TestStore::with_owner();
    let admin = test.user("admin@example.com", Role::Admin);
    let store = &test.store;
    let by_admin = by("admin@example.com", 1);
    let not_allowed = Refusal::NotAllowed(Role::Admin);
    let invited = store.invite(&email("x@y"), Role::Owner, Role::Admin, &by_admin);
    assert_eq!(refusal(invited), not_allowed);
    let raised = store.set_role(admin.id, Role::Owner, Role::Admin, &by_admin);
    assert_eq!(refusal(raised), not_allowed);
    assert_eq!(refusal(store.new_link(owner.id, Role::Admin, &by_admin)), not_allowed);
    assert_eq!(refusal(store.remove_user(owner.id, Role::Admin, &by_admin)), not_allowed);
    let viewer = store.set_role(admin.id, Role::Viewer, Role::Viewer, &by_admin);
    assert_eq!(refusal(viewer), Refusal::NotAllowed(Role::Viewer));

    let by_owner = by("owner@example.com", 2);
    let demoted = store.set_role(owner.id, Role::Admin, Role::Owner, &by_owner);
    assert_eq!(refusal(demoted), Refusal::LastOwner);
    assert_eq!(refusal(store.remove_user(owner.id, Role::Owner, &by_owner)), Refusal::LastOwner);
    store.invite(&email("late@example.com"), Role::Owner, Role::Owner, &by_owner).unwrap();
    assert_eq!(
        refusal(store.remove_user(owner.id, Role::Owner, &by_owner)),
        Refusal::LastOwner,
        "whoever has not come yet cannot be the only one"
    );
    store.set_role(admin.id, Role::Owner, Role::Owner, &by_owner).unwrap();
    store.set_role(owner.id, Role::Viewer, Role::Owner, &by_owner).unwrap();
    assert!(store.is_set_up().unwrap());
}

fn key(kind: KeyKind, scopes: &[Permission], projects: &[i64]) -> NewKey {
    let (scopes, projects) = (scopes.to_vec(), projects.to_vec());
    NewKey { kind, label: "ci".to_owned(), scopes, projects, expires_at: None }
}

#[test]
fn a_key_can_do_no_more_than_its_maker() {
    let (test, owner) = TestStore::with_owner();
    let viewer = test.user("viewer@example.com", Role::Viewer);
    let store = &test.store;
    let make = |wanted: &NewKey, maker| store.create_key(wanted, maker, &by("?", 0));
    for scope in [Permission::Save, Permission::Erase, Permission::Projects, Permission::Audit] {
        let wide = make(&key(KeyKind::Personal, &[Permission::Read, scope], &[]), &viewer);
        assert_eq!(refusal(wide), Refusal::ScopeTooWide(scope.to_string()));
    }
    for scope in [Permission::Users, Permission::Owners] {
        let wide = make(&key(KeyKind::Personal, &[scope], &[]), &owner);
        assert_eq!(refusal(wide), Refusal::ScopeTooWide(scope.to_string()), "no key has it");
    }
    let secure = make(&key(KeyKind::Secure, &[Permission::Read], &[1]), &viewer);
    assert_eq!(refusal(secure), Refusal::NotAllowed(Role::Viewer));
    assert!(make(&key(KeyKind::Secure, &[Permission::Read], &[]), &owner).is_err());
    assert!(make(&key(KeyKind::Personal, &[], &[]), &owner).is_err());
    assert!(make(&key(KeyKind::Personal, &SCOPES, &[]), &owner).is_ok());
    assert!(make(&key(KeyKind::Personal, &[Permission::Read], &[]), &viewer).is_ok());
}

#[test]
fn a_personal_key_does_what_its_owner_may_now() {
    let (test, _) = TestStore::with_owner();
    let admin = test.user("admin@example.com", Role::Admin);
    let store = &test.store;
    let wanted = key(KeyKind::Personal, &[Permission::Read, Permission::Erase], &[]);
    let (_, secret) = store.create_key(&wanted, &admin, &by("admin@example.com", 0)).unwrap();
    assert!(secret.reveal().starts_with("phx_"));
    let may = |permission| store.key(&secret, at(1)).unwrap().unwrap().may(permission);
    assert!(may(Permission::Read) && may(Permission::Erase));
    assert!(!may(Permission::Save), "not among its scopes");
    let by_owner = by("owner@example.com", 1);
    store.set_role(admin.id, Role::Viewer, Role::Owner, &by_owner).unwrap();
    assert!(may(Permission::Read) && !may(Permission::Erase));
    store.remove_user(admin.id, Role::Owner, &by_owner).unwrap();
    assert!(store.key(&secret, at(1)).unwrap().is_none());
}

#[test]
fn a_secure_key_outlives_its_maker_but_not_its_time() {
    let (test, _) = TestStore::with_owner();
    let admin = test.user("admin@example.com", Role::Admin);
    let store = &test.store;
    let wanted =
        NewKey { expires_at: Some(at(100)), ..key(KeyKind::Secure, &[Permission::Read], &[7]) };
    let (made, secret) = store.create_key(&wanted, &admin, &by("admin@example.com", 0)).unwrap();
    assert!(secret.reveal().starts_with("phs_") && secret.reveal().ends_with(&made.hint));
    store.remove_user(admin.id, Role::Owner, &by("owner@example.com", 1)).unwrap();
    let known = store.key(&secret, at(99)).unwrap().unwrap();
    assert!(known.may(Permission::Read) && known.key.projects == [7] && known.user.is_none());
    assert_eq!(store.keys(None).unwrap()[0].used_at, Some(at(99)));
    assert!(store.key(&secret, at(100)).unwrap().is_none());
    let late = store.create_key(&wanted, &test.user("b@x", Role::Admin), &by("b@x", 100));
    assert!(matches!(refusal(late), Refusal::Wrong { field: "expires_at", .. }));
}

#[test]
fn somebody_deletes_no_keys_of_others() {
    let (test, owner) = TestStore::with_owner();
    let viewer = test.user("viewer@example.com", Role::Viewer);
    let store = &test.store;
    let wanted = key(KeyKind::Personal, &[Permission::Read], &[]);
    let (of_owner, secret) = store.create_key(&wanted, &owner, &by("?", 0)).unwrap();
    store.create_key(&wanted, &viewer, &by("?", 0)).unwrap();
    assert_eq!(store.keys(Some(viewer.id)).unwrap().len(), 1);
    assert_eq!(store.keys(None).unwrap().len(), 2);
    let deleted = store.delete_key(of_owner.id, Some(viewer.id), &by("?", 1));
    assert_eq!(refusal(deleted), Refusal::NoSuch("key"));
    assert!(store.key(&secret, at(1)).unwrap().is_some());
    store.delete_key(of_owner.id, Some(owner.id), &by("?", 1)).unwrap();
    assert!(store.key(&secret, at(1)).unwrap().is_none());
}

#[test]
fn nothing_that_opens_anything_is_in_the_file() {
    let (test, owner) = TestStore::with_owner();
    let store = &test.store;
    let session = session_of(store, "owner@example.com", 0);
    let wanted = key(KeyKind::Personal, &[Permission::Read], &[]);
    let (_, api_key) = store.create_key(&wanted, &owner, &by("?", 0)).unwrap();
    let link = store.new_link_for(&owner.email, &by("?", 0)).unwrap().secret;
    let bytes = test.bytes();
    for secret in [&session, &api_key, &link, &Secret::shown(PASSWORD)] {
        assert!(!holds(&bytes, secret));
    }
    assert!(holds(&bytes, &Secret::shown("owner@example.com")), "or the test sees nothing");
}

#[test]
fn another_process_knows_the_same() {
    let (test, _) = TestStore::with_owner();
    let session = session_of(&test.store, "owner@example.com", 0);
    let other = test.reopened();
    assert!(other.session(&session, TERMS, at(1)).unwrap().is_some());
    other.end_session(&session, &by("owner@example.com", 1)).unwrap();
    assert!(test.store.session(&session, TERMS, at(1)).unwrap().is_none());
}

#[test]
fn the_log_tells_who_did_what() {
    let (test, owner) = TestStore::with_owner();
    let store = &test.store;
    let session = session_of(store, "owner@example.com", 5);
    store.end_session(&session, &by("owner@example.com", 6)).unwrap();
    store.end_session(&session, &by("owner@example.com", 7)).unwrap();
    let page = store.audit(None, 2).unwrap();
    let told: Vec<_> = page.entries.iter().map(|entry| entry.action.as_str()).collect();
    assert_eq!(told, ["session.end", "session.begin"], "what changed nothing is not told");
    let last = &page.entries[0];
    assert_eq!((last.who.as_str(), last.at), (owner.email.as_str(), at(6)));
    assert_eq!(last.address.as_deref(), Some("203.0.113.7"));
    let rest = store.audit(page.next, 100).unwrap();
    assert_eq!(rest.entries.last().unwrap().action, "setup");
    assert!(rest.next.is_none());
}
