//! Several nodes, one truth.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use hogflare_state::{Connect, Connecting, Error, NewProject, Store};

use crate::people::{PASSWORD, by, email, password};
use crate::server::shared;
use crate::support::TestStore;

#[test]
fn nodes_that_start_at_once_make_one_owner() {
    let test = TestStore::new();
    let made: usize = thread::scope(|scope| {
        let nodes = (0..4).map(|number| {
            let node = test.reopened();
            scope.spawn(move || {
                let email = email(&format!("owner-{number}@example.com"));
                let made = node.create_owner(&email, &password(PASSWORD), &by("hogflare", 0));
                usize::from(made.unwrap().is_some())
            })
        });
        let nodes: Vec<_> = nodes.collect();
        nodes.into_iter().map(|node| node.join().unwrap()).sum()
    });
    assert_eq!(made, 1);
    assert_eq!(test.store.users().unwrap().len(), 1);
}

#[test]
fn nodes_give_each_number_once() {
    let test = TestStore::new();
    thread::scope(|scope| {
        for _ in 0..4 {
            let node = test.reopened();
            scope.spawn(move || {
                for _ in 0..10 {
                    let (name, time_zone) = ("Shop".to_owned(), "UTC".to_owned());
                    let wanted = NewProject { name, time_zone, token: None };
                    node.create_project(&wanted, &by("?", 0)).unwrap();
                }
            });
        }
    });
    let numbers: Vec<_> =
        test.store.projects().unwrap().into_iter().map(|project| project.team_id).collect();
    assert_eq!(numbers, (1..=40).collect::<Vec<_>>());
    assert_eq!(test.store.projects_version().unwrap(), 40);
}

#[test]
fn a_node_opens_before_postgresql_is_there() {
    let server = shared();
    let database = server.database();
    let is_there = Arc::new(AtomicBool::new(false));
    let (real, asked) = (server.connect(&database), Arc::clone(&is_there));
    let open = move || -> Connecting {
        match asked.load(Ordering::Relaxed) {
            true => (real.open)(),
            false => Box::pin(async { Err("nobody is there".to_owned()) }),
        }
    };
    let connect = Connect { place: database, open: Arc::new(open) };
    let store = Store::open_shared(connect).unwrap();
    assert!(matches!(store.users(), Err(Error::Unreachable(cause)) if cause.contains("nobody")));
    is_there.store(true, Ordering::Relaxed);
    assert!(store.users().unwrap().is_empty());
}

#[test]
fn a_connection_that_ends_is_made_again() {
    let (test, _) = TestStore::with_owner();
    test.cut();
    // The first may find out that the connection has ended.
    let users = test.store.users().or_else(|_| test.store.users()).unwrap();
    assert_eq!(users.len(), 1);
}
