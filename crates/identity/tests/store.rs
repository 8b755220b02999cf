//! Wherever groups end, whatever is discarded, and whenever the process dies: the store makes of a
//! history what the fold makes of it in memory, in one go.

#![allow(clippy::unwrap_used)]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use event::{Change, Event, PersonId, TeamId};
use hogflare_identity::{
    Claim, Cursor, Error, GroupKey, Keeper, Lookup, Search, Settings, Store, StoreOptions,
};
use proptest::prelude::*;
use rusqlite::Connection;
use support::history::{History, history_with_erasures};
use support::{ERASE, Memory, Step, TEAM, erasure, event, target};
use tempfile::TempDir;
use uuid::Uuid;

const JOURNAL: Uuid = Uuid::from_u128(77);

/// A row of the journal, as far as persons are concerned.
enum Row {
    Event { team: TeamId, distinct_id: String, is_personless: bool },
    Change(Change),
}

/// A store, and the journal that outlives it.
struct World {
    dir: TempDir,
    copies: usize,
    path: PathBuf,
    options: StoreOptions,
    store: Option<Store>,
    journal: Vec<Row>,
}

fn options(cache_bytes: usize) -> StoreOptions {
    // Checkpoints are written when a test asks for one.
    StoreOptions {
        cache_bytes,
        checkpoint_interval: Duration::from_secs(3_600),
        retry_interval: Duration::from_millis(1),
        ..StoreOptions::default()
    }
}

fn settings() -> Settings {
    Settings { person_properties_on_events: true, ..Settings::default() }
}

impl World {
    fn new(options: StoreOptions) -> Self {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("state.db");
        let mut world = Self { dir, copies: 0, path, options, store: None, journal: Vec::new() };
        world.start();
        world
    }

    fn store(&mut self) -> &mut Store {
        self.store.as_mut().unwrap()
    }

    /// Opens the store and takes over what its tables lack.
    fn start(&mut self) {
        let mut store = Store::open(&self.path, JOURNAL, settings(), self.options).unwrap();
        let cursor = store.cursor().map_or(0, |cursor| cursor.offset);
        for row in &self.journal[usize::try_from(cursor).unwrap()..] {
            match row {
                Row::Change(change) => store.apply(change).unwrap(),
                Row::Event { team, distinct_id, is_personless: true } => {
                    store.note_personless(*team, distinct_id).unwrap();
                }
                Row::Event { .. } => {}
            }
        }
        store.publish(self.journal.len() as u64);
        self.store = Some(store);
    }

    /// The process dies: nothing more is written.
    fn kill(&mut self) {
        self.store = None;
        self.start();
    }

    fn restart(&mut self) {
        Box::new(self.store.take().unwrap()).close().unwrap();
        self.start();
    }

    /// The power fails: of the database's log, only so much is there.
    fn cut_power(&mut self, permille: u64) {
        self.copies += 1;
        let to = self.dir.path().join(format!("{}.db", self.copies));
        fs::copy(&self.path, &to).unwrap();
        let wal = |path: &Path| PathBuf::from(format!("{}-wal", path.display()));
        if let Ok(log) = fs::read(wal(&self.path)) {
            let kept = usize::try_from(log.len() as u64 * permille / 1000).unwrap();
            fs::write(wal(&to), &log[..kept]).unwrap();
        }
        self.store = None;
        self.path = to;
        self.start();
    }

    /// Settles a group, and stores it or not.
    fn group(&mut self, events: &[(TeamId, Event)], is_stored: bool) -> Vec<Step> {
        let mut steps = Vec::new();
        // A group may be settled in parts; what is erased is one of its own.
        for part in events.chunk_by(|(_, one), (_, next)| one.event != ERASE && next.event != ERASE)
        {
            match part {
                [(team, event)] if event.event == ERASE => {
                    let forgotten = self.store().erase(&erasure(*team, &target(event))).unwrap();
                    steps.push(Step::Erased(forgotten.unwrap()));
                }
                part => {
                    let claim = |(team, event): &(TeamId, Event)| Claim::new(event, *team);
                    let claims: Vec<Claim> = part.iter().map(claim).collect();
                    for claims in claims.chunks(claims.len().div_ceil(2)) {
                        let settled = self.store().settle(claims).unwrap();
                        steps.extend(settled.into_iter().map(Step::Settled));
                    }
                }
            }
        }
        if !is_stored {
            self.store().discard();
            return steps;
        }
        for ((team, event), step) in events.iter().zip(&steps) {
            let is_kept = *team != TeamId::UNCLAIMED && event.table == event::Table::Events;
            let is_propertyless = matches!(
                step,
                Step::Settled(settled) if settled.mode == event::PersonMode::Propertyless
            );
            self.journal.push(Row::Event {
                team: *team,
                distinct_id: event.distinct_id.as_str().to_owned(),
                is_personless: is_kept && is_propertyless,
            });
            self.journal.extend(step.changes().iter().cloned().map(Row::Change));
        }
        let end = self.journal.len() as u64;
        self.store().publish(end);
        steps
    }

    /// All that is known is what memory knows, by key at once and in the tables after a checkpoint.
    fn assert_knows(&mut self, memory: &Memory) {
        let path = self.path.clone();
        let reader = self.store().reader(&path).unwrap();
        for _ in 0..2 {
            for ((team, id), person) in memory.layer.persons() {
                let found = reader.person(*team, *id, 100).unwrap();
                if person.is_deleted {
                    // Part of another, or forgotten.
                    let to = memory.layer.overrides().get(&(*team, *id)).map(|to| to.person);
                    assert_eq!(found.map(|found| found.person.id), to.filter(|to| to != id));
                    continue;
                }
                let found = found.unwrap();
                assert_eq!(found.person, *person);
                let ids = memory.layer.ids().iter();
                let ids = ids.filter(|(key, known)| key.team == *team && known.person == Some(*id));
                let mut ids: Vec<_> = ids.map(|(key, _)| key.id.clone()).collect();
                ids.sort();
                assert_eq!(found.distinct_ids, ids);
            }
            for (key, known) in memory.layer.ids() {
                let person = reader.person_of(key.team, &key.id).unwrap();
                assert_eq!(person.map(|person| person.id), known.person);
            }
            for (key, group) in memory.layer.groups() {
                assert_eq!(reader.group(key).unwrap().unwrap(), *group);
            }
            for (team, types) in memory.layer.group_types() {
                assert_eq!(reader.group_types(*team).unwrap(), *types);
            }
            self.store().checkpoint().unwrap();
        }
        let end = self.journal.len() as u64;
        assert_eq!(self.store().cursor(), Some(Cursor { journal_id: JOURNAL, offset: end }));
        let database = Connection::open(&self.path).unwrap();
        let count = |table: &str| {
            let sql = format!("SELECT count(*) FROM {table}");
            database.query_row(&sql, [], |row| row.get::<_, i64>(0)).unwrap()
        };
        assert_eq!(count("persons"), i64::try_from(memory.layer.persons().len()).unwrap());
        assert_eq!(count("person_distinct_ids"), i64::try_from(memory.layer.ids().len()).unwrap());
        let overrides = i64::try_from(memory.layer.overrides().len()).unwrap();
        assert_eq!(count("person_overrides"), overrides);
        assert_eq!(count("groups"), i64::try_from(memory.layer.groups().len()).unwrap());
    }
}

/// What happens after a group.
#[derive(Clone, Copy, Debug)]
enum Then {
    Nothing,
    Checkpoint,
    Kill,
    Restart,
    CutPower(u64),
}

fn groups() -> impl Strategy<Value = Vec<(usize, bool, Then)>> {
    let then = prop_oneof![
        4 => Just(Then::Nothing),
        3 => Just(Then::Checkpoint),
        2 => Just(Then::Kill),
        1 => Just(Then::Restart),
        2 => (0..=1000_u64).prop_map(Then::CutPower),
    ];
    prop::collection::vec((1..9_usize, prop::bool::weighted(0.2), then), 1..12)
}

fn check(history: &History, groups: &[(usize, bool, Then)], options: StoreOptions) {
    let mut world = World::new(options);
    let mut memory = Memory { settings: settings(), ..Memory::default() };
    let mut rest = history.as_slice();
    for (size, is_discarded, then) in groups.iter().cycle() {
        let (events, later) = rest.split_at((*size).min(rest.len()));
        rest = later;
        let expected: Vec<_> =
            events.iter().map(|(team, event)| memory.step(event, *team)).collect();
        if *is_discarded {
            assert_eq!(world.group(events, false), expected);
        }
        assert_eq!(world.group(events, true), expected);
        match then {
            Then::Nothing => {}
            Then::Checkpoint => world.store().checkpoint().unwrap(),
            Then::Kill => world.kill(),
            Then::Restart => world.restart(),
            Then::CutPower(permille) => world.cut_power(*permille),
        }
        if rest.is_empty() {
            break;
        }
    }
    world.assert_knows(&memory);
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 48,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn groups_checkpoints_and_deaths_change_nothing(
        history in history_with_erasures(70),
        groups in groups(),
        cache_bytes in prop::sample::select(vec![0, 4_000, 1 << 20]),
    ) {
        check(&history, &groups, options(cache_bytes));
    }

    #[test]
    fn a_checkpoint_at_any_moment_changes_nothing(
        history in history_with_erasures(70),
        mut groups in groups(),
        cache_bytes in prop::sample::select(vec![0, 1 << 20]),
    ) {
        for (_, _, then) in &mut groups {
            // A file cannot be copied while it is written.
            if let Then::CutPower(_) = then {
                *then = Then::Kill;
            }
        }
        check(&history, &groups, StoreOptions { checkpoint_bytes: 0, ..options(cache_bytes) });
    }
}

fn seen(id: &str, seconds: i64) -> (TeamId, Event) {
    (TEAM, event("seen", id, seconds, &format!(r#"{{"$set":{{"name":"Name of {id}"}}}}"#)))
}

#[test]
fn a_person_that_is_not_published_is_nobodys() {
    let mut world = World::new(options(1 << 20));
    let path = world.path.clone();
    let reader = world.store().reader(&path).unwrap();
    let claims = [Claim::new(&seen("a", 1).1, TEAM)];
    world.store().settle(&claims).unwrap();
    assert_eq!(reader.person_of(TEAM, "a").unwrap(), None);
    world.store().publish(2);
    assert!(reader.person_of(TEAM, "a").unwrap().is_some());
}

#[test]
fn a_store_moves_to_its_thread_and_a_reader_is_everybodys() {
    fn moves<T: Send>(_: &T) {}
    fn is_shared<T: Send + Sync + Clone>(_: &T) {}
    let mut world = World::new(options(0));
    let path = world.path.clone();
    moves(world.store());
    is_shared(&world.store().reader(&path).unwrap());
}

#[test]
fn strangers_leave_the_database_empty() {
    let mut world = World::new(options(1 << 20));
    let groups = r#"{"$groups":{"company":"acme"},"$anon_distinct_id":"b","$set":{"a":1}}"#;
    let personless = r#"{"$process_person_profile":false}"#;
    let events = [
        (TeamId::UNCLAIMED, event("$identify", "a", 1, groups)),
        (TeamId::UNCLAIMED, event("seen", "c", 2, personless)),
    ];
    world.group(&events, true);
    world.assert_knows(&Memory::default());
}

#[test]
fn a_checkpoint_has_nothing_newer_than_its_offset() {
    let mut world = World::new(options(1 << 20));
    world.group(&[seen("a", 1)], true);
    world.store().checkpoint().unwrap();
    let offset = world.store().cursor().unwrap().offset;
    world.group(&[seen("b", 2)], true);
    let claims = [Claim::new(&seen("c", 3).1, TEAM)];
    world.store().settle(&claims).unwrap();
    let database = Connection::open(&world.path).unwrap();
    let ids: Vec<String> = database
        .prepare("SELECT distinct_id FROM person_distinct_ids")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert_eq!(ids, ["a"]);
    assert_eq!(world.store().cursor().unwrap().offset, offset);
}

#[test]
fn a_checkpoint_that_fails_is_tried_again_and_memory_stays_bounded() {
    let mut world =
        World::new(StoreOptions { unwritten_bytes: 20_000, checkpoint_bytes: 0, ..options(0) });
    world.group(&[seen("first", 0)], true);
    world.store().checkpoint().unwrap();
    let database = Connection::open(&world.path).unwrap();
    let refuse = "CREATE TRIGGER refuse BEFORE INSERT ON persons
        BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END";
    database.execute_batch(refuse).unwrap();
    let mut stored = 0;
    let refused = loop {
        let claims = [Claim::new(&seen(&format!("id {stored}"), stored).1, TEAM)];
        match world.store().settle(&claims) {
            Ok(_) => world.store().publish(stored.cast_unsigned() + 10),
            Err(error) => break error,
        }
        stored += 1;
        assert!(stored < 1_000, "what is not written is bounded");
    };
    assert!(matches!(refused, Error::Behind(_)), "{refused}");
    world.store().discard();
    database.execute_batch("DROP TRIGGER refuse").unwrap();
    // Asked for, it is tried at once.
    while world.store().checkpoint().is_err() {}
    world.store().settle(&[Claim::new(&seen("last", 9_999).1, TEAM)]).unwrap();
    let persons: i64 =
        database.query_row("SELECT count(*) FROM persons", [], |row| row.get(0)).unwrap();
    assert_eq!(persons, stored + 1);
}

#[test]
fn groups_that_end_at_the_same_offset_are_all_written() {
    let mut world =
        World::new(StoreOptions { unwritten_bytes: 4_000, checkpoint_bytes: 0, ..options(0) });
    let mut memory = Memory::default();
    for number in 0..50 {
        let (team, event) = seen(&format!("id {number}"), number);
        for change in memory.settle(&event, team).changes {
            world.store().apply(&change).unwrap();
        }
        world.store().publish(0);
        world.store().checkpoint().unwrap();
        let database = Connection::open(&world.path).unwrap();
        let persons: i64 =
            database.query_row("SELECT count(*) FROM persons", [], |row| row.get(0)).unwrap();
        assert_eq!(persons, number + 1);
    }
}

#[test]
fn a_newer_format_is_refused() {
    let mut world = World::new(options(0));
    world.store = None;
    let database = Connection::open(&world.path).unwrap();
    database.execute("UPDATE identity_format SET format = 99", []).unwrap();
    let error = Store::open(&world.path, JOURNAL, settings(), world.options).unwrap_err();
    assert!(matches!(error, Error::NewerFormat { found: 99, .. }), "{error}");
}

#[test]
fn a_checkpoint_says_of_which_journal_it_is() {
    let mut world = World::new(options(0));
    world.group(&[seen("a", 1)], true);
    Box::new(world.store.take().unwrap()).close().unwrap();
    let other = Uuid::from_u128(78);
    let store = Store::open(&world.path, other, settings(), world.options).unwrap();
    assert_eq!(store.cursor().unwrap().journal_id, JOURNAL);
}

#[test]
fn persons_are_found_by_what_they_are_called() {
    let mut world = World::new(options(0));
    let named = r#"{"$set":{"email":"Ann@Example.com"}}"#;
    let events: Vec<_> = (0..5).map(|number| seen(&format!("user {number}"), number)).collect();
    world.group(&events, true);
    let identify = r#"{"$anon_distinct_id":"user 3"}"#;
    world.group(
        &[(TEAM, event("$set", "ann", 9, named)), (TEAM, event("$identify", "ann", 10, identify))],
        true,
    );
    world.group(&[(TeamId(7), event("$set", "ann", 9, named))], true);
    world.store().checkpoint().unwrap();
    let path = world.path.clone();
    let reader = world.store().reader(&path).unwrap();
    let search = |text: &str, after, limit| {
        let search = Search { text: text.to_owned(), after, limit };
        let page = reader.search(TEAM, &search).unwrap();
        (page.persons.iter().map(|person| person.id).collect::<Vec<_>>(), page.next)
    };
    let of = |id: &str| PersonId::in_project(TEAM, id);
    assert_eq!(search("ann@", None, 10), (vec![of("ann")], None));
    assert_eq!(search("NAME of user 4", None, 10), (vec![of("user 4")], None));
    assert_eq!(search("user 3", None, 10), (vec![of("ann")], None));
    let (first, next) = search("", None, 3);
    let (second, last) = search("", next, 3);
    assert_eq!((first.len(), second.len(), last), (3, 2, None));
    let group = GroupKey { team: TEAM, type_index: 0, key: "acme".into() };
    assert_eq!(reader.group(&group).unwrap(), None);
}

#[test]
fn what_is_published_is_never_out_of_a_readers_sight() {
    let mut world = World::new(StoreOptions { checkpoint_bytes: 0, ..options(0) });
    let path = world.path.clone();
    let reader = world.store().reader(&path).unwrap();
    let published = std::sync::atomic::AtomicI64::new(0);
    let order = std::sync::atomic::Ordering::SeqCst;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut number = 0;
            while number < 400 {
                let newest = published.load(order);
                for id in [newest, newest / 2, number % (newest + 1)] {
                    let person = reader.person_of(TEAM, &format!("id {id}")).unwrap();
                    assert!(id == 0 || person.is_some(), "id {id} of {newest}");
                }
                number = newest;
            }
        });
        for number in 1..=400 {
            world.group(&[seen(&format!("id {number}"), number)], true);
            published.store(number, order);
        }
    });
}

#[test]
fn what_is_written_while_a_group_is_settled_is_not_lost_to_it() {
    // Nothing is cached, so that everything is looked for wherever it is by then.
    let mut world = World::new(StoreOptions { checkpoint_bytes: 0, ..options(0) });
    world.group(&[seen("old", 0)], true);
    world.store().checkpoint().unwrap();
    for round in 0..5 {
        let events: Vec<_> =
            (0..400).map(|number| seen(&format!("id {round} {number}"), number)).collect();
        world.group(&events, true);
        let claims = std::iter::once(&seen("old", 0))
            .chain(events.iter().cycle().take(20_000))
            .map(|(team, event)| Claim::new(event, *team))
            .collect::<Vec<_>>();
        let settled = world.store().settle(&claims).unwrap();
        assert!(settled.iter().all(|settled| settled.changes.is_empty()), "round {round}");
        world.store().discard();
    }
}
