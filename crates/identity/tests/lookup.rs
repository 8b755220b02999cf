//! Whoever looks a person up finds the same, wherever persons are kept.

#![allow(clippy::unwrap_used)]

mod support;

use std::collections::BTreeSet;
use std::time::Duration;

use event::{Event, PersonId, TeamId};
use hogflare_identity::postgres::{self, Availability, Outbox};
use hogflare_identity::{
    Claim, Error, Found, Keeper, Lookup, Search, Settings, Store, StoreOptions,
};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use support::history::{History, history};
use support::postgres::{Server, shared};
use support::{TEAM, event};
use tempfile::TempDir;
use tokio::runtime::Builder;
use uuid::Uuid;

/// What is searched for: ids, what properties have, what only escapes have, and what nobody has.
const TEXTS: [&str; 12] =
    ["", "a", "É", "é", "GUEST", "ann@", "ÅSA", "åsa", "pro", "\"", "\\", "a\0"];

fn claims(events: &[(TeamId, Event)]) -> Vec<Claim> {
    events.iter().map(|(team, event)| Claim::new(event, *team)).collect()
}

fn postgres(server: &Server, database: &str) -> (postgres::Store, postgres::Reader) {
    let address = server.address(database, "settles");
    let options = postgres::Options::default();
    let store = postgres::Store::open(address, None, Settings::default(), options).unwrap();
    let address = server.address(database, "reads");
    (store, postgres::Reader::new(address, options, Availability::default()).unwrap())
}

/// Persons that say in several ways who they are.
fn named() -> History {
    let sets = [
        r#"{"email":"Ann@example.com","name":"guest"}"#,
        r#"{"name":"\u00c5sa \u0000","plan":"pro"}"#,
        r#"{"name":"åsa \"the\" other","email":null}"#,
        r#"{"plan":"name of nobody","email":7}"#,
    ];
    let event = |(number, set): (i64, &&str)| {
        event("$set", &format!("named {number}"), number, &format!(r#"{{"$set":{set}}}"#))
    };
    (0..).zip(&sets).map(event).map(|event| (TEAM, event)).collect()
}

/// Every page of a search, so many at a time.
fn pages(reader: &dyn Lookup, team: TeamId, text: &str, limit: usize) -> BTreeSet<PersonId> {
    let mut found = BTreeSet::new();
    let mut after = None;
    loop {
        let search = Search { text: text.to_owned(), after, limit };
        let page = reader.search(team, &search).unwrap();
        assert!(page.persons.len() <= limit);
        for person in page.persons {
            assert!(!person.is_deleted && found.insert(person.id), "once");
        }
        after = page.next;
        if after.is_none() {
            return found;
        }
    }
}

fn check(history: &History, limit: usize) {
    let server = shared();
    let database = server.database();
    let (mut in_postgres, elsewhere) = postgres(&server, &database);
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("state.db");
    let options = StoreOptions::default();
    let mut here = Store::open(&path, Uuid::from_u128(7), Settings::default(), options).unwrap();
    let reader = here.reader(&path).unwrap();
    let events: History = history.iter().cloned().chain(named()).collect();
    let mut persons = Vec::new();
    for (end, group) in (1..).zip(events.chunks(9)) {
        let settled = here.settle(&claims(group)).unwrap();
        persons.extend(
            group.iter().map(|(team, _)| *team).zip(settled.iter().map(|one| one.person_id)),
        );
        here.publish(end);
        in_postgres.settle(&claims(group)).unwrap();
    }
    for (team, event) in &events {
        let id = event.distinct_id.as_str();
        let found = elsewhere.person_of(*team, id).unwrap();
        assert_eq!(found, reader.person_of(*team, id).unwrap(), "{id}");
    }
    for (team, id) in persons {
        let found: Option<Found> = elsewhere.person(team, id, 100).unwrap();
        assert_eq!(found, reader.person(team, id, 100).unwrap());
        let Some(found) = found else { continue };
        let fewer = elsewhere.person(team, id, 1).unwrap().unwrap();
        assert_eq!(fewer.distinct_ids, found.distinct_ids[..1]);
        let former = elsewhere.former_of(team, found.person.id).unwrap();
        assert!(id == found.person.id || former.contains(&id), "{id:?} of {former:?}");
    }
    for text in TEXTS {
        let found = pages(&elsewhere, TEAM, text, limit);
        assert_eq!(found, pages(&reader, TEAM, text, limit), "{text:?}");
    }
    assert!(!pages(&elsewhere, TEAM, "åsa", limit).is_empty());
}

#[test]
fn persons_are_found_in_postgres_as_in_the_data_folder() {
    let config = ProptestConfig {
        cases: 5,
        failure_persistence: None,
        max_shrink_iters: 30,
        ..Default::default()
    };
    let checked = TestRunner::new(config).run(&(history(60), 1..8_usize), |(history, limit)| {
        check(&history, limit);
        Ok(())
    });
    checked.unwrap_or_else(|failure| panic!("{failure}"));
}

#[test]
fn a_search_goes_on_until_it_has_found_enough() {
    let server = shared();
    let database = server.database();
    let (mut store, reader) = postgres(&server, &database);
    // None but the first is meant, and all may be.
    let person = |number: i64| {
        let name = if number == 0 { "wanted" } else { "\\u0041" };
        let set = format!(r#"{{"$set":{{"name":"{name}"}}}}"#);
        (TEAM, event("$set", &format!("id {number}"), number, &set))
    };
    store.settle(&claims(&[person(0)])).unwrap();
    store.settle(&claims(&(1..2_500).map(person).collect::<Vec<_>>())).unwrap();
    assert_eq!(pages(&reader, TEAM, "wanted", 3), [PersonId::in_project(TEAM, "id 0")].into());
    assert_eq!(pages(&reader, TEAM, "", 1_000).len(), 2_500);
}

#[test]
fn a_reader_outlives_its_connections() {
    let server = Server::start();
    let database = server.database();
    let (mut store, reader) = postgres(&server, &database);
    store.settle(&claims(&[(TEAM, event("seen", "a", 1, "{}"))])).unwrap();
    assert!(reader.check().unwrap());
    assert!(reader.person_of(TEAM, "a").unwrap().is_some());
    server.kill();
    let error = reader.person_of(TEAM, "a").unwrap_err();
    assert!(matches!(error, Error::Unreachable(_)), "{error}");
    server.resume();
    assert!(reader.person_of(TEAM, "a").unwrap().is_some());
}

#[test]
fn trouble_is_told_while_there_is_any() {
    let server = Server::start();
    let address = server.address("postgres", "outbox");
    let mut outbox = Outbox::new(address, postgres::Options::default());
    let availability = outbox.availability();
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    server.kill();
    let refused = runtime.block_on(outbox.next_changes());
    assert!(matches!(refused, Err(Error::Unreachable(_))));
    assert!(availability.trouble().is_some());
    server.resume();
    runtime.block_on(async {
        tokio::select! {
            changes = outbox.next_changes() => panic!("nothing changed: {changes:?}"),
            () = async {
                while availability.trouble().is_some() {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            } => {}
        }
    });
    assert!(outbox.has_turn());
    let sql = server.connect("postgres");
    sql.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'outbox'",
    );
    // The lock ends with its connection, and is then another's.
    while !sql.query("SELECT pg_try_advisory_lock(7525347191962038785)")[0].get::<_, bool>(0) {
        std::thread::sleep(Duration::from_millis(5));
    }
    let long_enough = Duration::from_millis(1_500);
    let waited =
        runtime.block_on(async { tokio::time::timeout(long_enough, outbox.next_changes()).await });
    assert!(waited.is_err() && !outbox.has_turn() && availability.trouble().is_none());
}
