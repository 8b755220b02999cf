//! On PostgreSQL, a history makes what it makes in memory; of several nodes at once, what it makes in
//! the order in which PostgreSQL has it, whatever dies in between.

#![allow(clippy::unwrap_used)]

mod support;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use event::{Event, TeamId};
use hogflare_identity::postgres::{Inbox, News, Options, Outbox, Store};
use hogflare_identity::{
    Claim, ErasureRequest, Error, Forgotten, Keeper, Layer, Settings, Settled, Target, apply,
    postgres,
};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use support::history::{History, history, history_with_erasures};
use support::postgres::{Server, Sql, address_at, shared};
use support::round_trips::RoundTrips;
use support::state::State;
use support::{ERASE, Memory, Nothing, Step, TEAM, erasure, event, target};
use tokio::runtime::{Builder, Runtime};
use uuid::Uuid;

/// How long PostgreSQL is waited for where it never answers.
const SHORT: Duration = Duration::from_secs(2);

fn settings() -> Settings {
    Settings { person_properties_on_events: true, ..Settings::default() }
}

fn options() -> Options {
    Options {
        retry_interval: Duration::from_millis(1),
        longest_retry_interval: Duration::from_millis(10),
        poll_interval: Duration::from_millis(1),
        ..Options::default()
    }
}

fn store(server: &Server, database: &str, application: &str, options: Options) -> Store {
    Store::open(server.address(database, application), None, settings(), options).unwrap()
}

fn memory() -> Memory {
    Memory { settings: settings(), ..Memory::default() }
}

fn claims(events: &[(TeamId, Event)]) -> Vec<Claim> {
    events.iter().map(|(team, event)| Claim::new(event, *team)).collect()
}

/// What the rules make of a group in memory; what changed is not given back.
fn expected(memory: &mut Memory, events: &[(TeamId, Event)]) -> Vec<Settled> {
    let settle = |(team, event): &(TeamId, Event)| {
        let settled = memory.settle(event, *team);
        Settled { changes: Vec::new(), ..settled }
    };
    events.iter().map(settle).collect()
}

fn terminate(sql: &Sql, application: &str) {
    sql.execute(&format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = '{application}'"
    ));
}

/// The tables of the lake, as far as they were handed what changed.
struct Lake {
    runtime: Runtime,
    outbox: Outbox,
    layer: Layer,
}

impl Lake {
    fn new(outbox: Outbox) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        Self { runtime, outbox, layer: Layer::default() }
    }

    /// Takes over all that changed; where it is not confirmed, it comes again.
    fn drain(&mut self, sql: &Sql, is_confirmed: &[bool]) {
        let mut is_confirmed = is_confirmed.iter().chain(std::iter::repeat(&true));
        let is_done = "SELECT (o.at = c.at)::int4::int8 FROM hogflare.outbox o, hogflare.clock c";
        while sql.number(is_done) == 0 {
            let parcel = self.runtime.block_on(self.outbox.next_changes()).unwrap();
            for change in &parcel.changes {
                apply(change, &mut self.layer, &mut Nothing).unwrap();
            }
            if *is_confirmed.next().unwrap() {
                self.runtime.block_on(self.outbox.confirm(parcel)).unwrap();
            }
        }
    }
}

/// What happens after a group.
#[derive(Clone, Copy, Debug)]
enum Then {
    Nothing,
    Restart,
    Terminate,
    Drain,
}

fn groups() -> impl Strategy<Value = Vec<(usize, bool, Then)>> {
    let then = prop_oneof![
        4 => Just(Then::Nothing),
        1 => Just(Then::Restart),
        1 => Just(Then::Terminate),
        2 => Just(Then::Drain),
    ];
    prop::collection::vec((1..9_usize, prop::bool::weighted(0.2), then), 1..12)
}

/// What the store makes of events, some of which ask for somebody to be forgotten.
fn steps(store: &mut Store, events: &[(TeamId, Event)]) -> Vec<Step> {
    let parts = events.chunk_by(|(_, one), (_, next)| one.event != ERASE && next.event != ERASE);
    let step = |part: &[(TeamId, Event)]| match part {
        [(team, event)] if event.event == ERASE => {
            let forgotten = store.erase(&erasure(*team, &target(event))).unwrap();
            vec![Step::Erased(forgotten.unwrap())]
        }
        part => store.settle(&claims(part)).unwrap().into_iter().map(Step::Settled).collect(),
    };
    parts.flat_map(step).collect()
}

/// What the rules make of them in memory; what changed is not given back.
fn expected_steps(memory: &mut Memory, events: &[(TeamId, Event)]) -> Vec<Step> {
    let step = |(team, event): &(TeamId, Event)| match memory.step(event, *team) {
        Step::Settled(settled) => Step::Settled(Settled { changes: Vec::new(), ..settled }),
        Step::Erased(forgotten) => Step::Erased(Forgotten { changes: Vec::new(), ..forgotten }),
    };
    events.iter().map(step).collect()
}

fn check_alone(history: &History, groups: &[(usize, bool, Then)], options: Options) {
    let server = shared();
    let database = server.database();
    let mut store = store(&server, &database, "alone", options);
    let mut lake = Lake::new(Outbox::new(server.address(&database, "outbox"), options));
    let sql = server.connect(&database);
    let mut memory = memory();
    let mut rest = history.as_slice();
    for (size, is_twice, then) in groups.iter().cycle() {
        let (events, later) = rest.split_at((*size).min(rest.len()));
        rest = later;
        assert_eq!(steps(&mut store, events), expected_steps(&mut memory, events));
        store.discard();
        if *is_twice {
            // The journal failed, and the events were sent again.
            assert_eq!(steps(&mut store, events), expected_steps(&mut memory, events));
        }
        store.publish(0);
        match then {
            Then::Nothing => {}
            Then::Restart => store = self::store(&server, &database, "alone", options),
            Then::Terminate => terminate(&sql, "alone"),
            Then::Drain => lake.drain(&sql, &[*is_twice, true, *is_twice]),
        }
        if rest.is_empty() {
            break;
        }
    }
    assert_eq!(State::of_tables(&sql), State::of_layer(&memory.layer));
    lake.drain(&sql, &[]);
    assert_eq!(State::of_layer(&lake.layer), State::of_layer(&memory.layer).without_personless());
}

/// Checks so many cases, all on one server.
fn check_cases<S: Strategy>(cases: u32, strategy: &S, check: impl Fn(S::Value)) {
    let _server = shared();
    let config = ProptestConfig {
        cases,
        failure_persistence: None,
        max_shrink_iters: 30,
        ..Default::default()
    };
    let checked = TestRunner::new(config).run(strategy, |case| {
        check(case);
        Ok(())
    });
    checked.unwrap_or_else(|failure| panic!("{failure}"));
}

#[test]
fn a_history_makes_what_it_makes_in_memory() {
    let caches = prop::sample::select(vec![0, 4_000, 1 << 20]);
    let (attempts, rows) =
        (prop::sample::select(vec![0, 3]), prop::sample::select(vec![1, 3, 1_000]));
    check_cases(10, &(history_with_erasures(70), groups(), caches, attempts, rows), |case| {
        let (history, groups, cache_bytes, optimistic_attempts, rows_at_once) = case;
        let bytes_at_once = rows_at_once * 20;
        let options =
            Options { cache_bytes, optimistic_attempts, rows_at_once, bytes_at_once, ..options() };
        check_alone(&history, &groups, options);
    });
}

/// What became of a group that one of several nodes settled.
struct Outcome {
    events: History,
    settled: Vec<Settled>,
    /// The times at which it was written: once, or again where it was not known whether it was.
    written: Vec<i64>,
    /// The clock before the first attempt, and after the last.
    between: (i64, i64),
    /// Whether there was one attempt, as far as the node knows.
    is_plain: bool,
}

const CLOCK: &str = "SELECT at FROM hogflare.clock";

/// Has PostgreSQL note who wrote at which time.
fn note_writers(sql: &Sql) {
    sql.execute(
        "CREATE TABLE written (at bigint, application text);
        CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            INSERT INTO written VALUES (NEW.at, current_setting('application_name'));
            RETURN NULL;
        END $$;
        CREATE TRIGGER note AFTER UPDATE ON hogflare.clock FOR EACH ROW EXECUTE FUNCTION note()",
    );
}

/// One of several nodes.
struct Node<'a> {
    name: &'a str,
    sql: Sql,
    /// How many groups all of them have settled.
    progress: &'a AtomicUsize,
}

/// Settles groups one after the other, each as often as it takes.
fn work(
    store: &mut Store,
    Node { name, sql, progress }: &Node<'_>,
    groups: Vec<History>,
) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    for events in groups {
        let before = sql.number(CLOCK);
        let mut is_plain = true;
        let settled = loop {
            match store.settle(&claims(&events)) {
                Ok(settled) => break settled,
                Err(Error::Unreachable(_)) => is_plain = false,
                Err(error) => panic!("{error}"),
            }
        };
        progress.fetch_add(1, Ordering::SeqCst);
        let after = sql.number(CLOCK);
        let written = format!(
            "SELECT at FROM written WHERE application = '{name}' AND at > {before} AND at <= {after}
            ORDER BY at"
        );
        let written: Vec<i64> = sql.query(&written).iter().map(|row| row.get(0)).collect();
        outcomes.push(Outcome { events, settled, written, between: (before, after), is_plain });
    }
    outcomes
}

/// Deals a history out to nodes, in groups.
fn dealt(history: History, sizes: &[usize], nodes: usize) -> Vec<Vec<History>> {
    let mut dealt = vec![Vec::new(); nodes];
    let mut rest = history.into_iter().peekable();
    for (number, size) in sizes.iter().cycle().enumerate() {
        if rest.peek().is_none() {
            break;
        }
        dealt[number % nodes].push(rest.by_ref().take(*size).collect());
    }
    dealt
}

fn check_together(history: History, sizes: &[usize], options: Options, is_disturbed: bool) {
    let server = shared();
    let database = server.database();
    let names = ["one", "two", "three"];
    let stores = names.map(|name| store(&server, &database, name, options));
    let sql = server.connect(&database);
    note_writers(&sql);
    let (is_over, progress) = (AtomicBool::new(false), AtomicUsize::new(0));
    let dealt = dealt(history, sizes, names.len());
    let outcomes: Vec<Outcome> = thread::scope(|scope| {
        let disturbing = is_disturbed.then(|| {
            scope.spawn(|| {
                let sql = server.connect(&database);
                for name in names.iter().cycle() {
                    // Between two ends, there is time for something to happen.
                    let settled = progress.load(Ordering::SeqCst);
                    while progress.load(Ordering::SeqCst) < settled + 2 {
                        if is_over.load(Ordering::SeqCst) {
                            return;
                        }
                        thread::sleep(Duration::from_millis(1));
                    }
                    terminate(&sql, name);
                }
            })
        });
        let work = |((mut store, name), groups)| {
            let (server, database, progress) = (&server, &database, &progress);
            scope.spawn(move || {
                let node = Node { name, sql: server.connect(database), progress };
                work(&mut store, &node, groups)
            })
        };
        let working: Vec<_> = stores.into_iter().zip(names).zip(dealt).map(work).collect();
        let outcomes = working.into_iter().map(|node| node.join()).collect::<Vec<_>>();
        is_over.store(true, Ordering::SeqCst);
        disturbing.into_iter().for_each(|node| node.join().unwrap());
        outcomes.into_iter().flat_map(Result::unwrap).collect()
    });
    let order = written_order(&outcomes);
    let mut memory = memory();
    order.iter().for_each(|events| drop(expected(&mut memory, events)));
    assert_eq!(State::of_tables(&sql), State::of_layer(&memory.layer));
    for outcome in &outcomes {
        assert_allowed(outcome, &order);
    }
}

/// Groups in the order in which PostgreSQL has them.
fn written_order(outcomes: &[Outcome]) -> Vec<&[(TeamId, Event)]> {
    let written = |outcome: &'_ Outcome| outcome.written.clone();
    let mut order: Vec<(i64, &[(TeamId, Event)])> = outcomes
        .iter()
        .flat_map(|outcome| written(outcome).into_iter().map(|at| (at, outcome.events.as_slice())))
        .collect();
    order.sort_by_key(|(at, _)| *at);
    let times: Vec<i64> = order.iter().map(|(at, _)| *at).collect();
    let count = i64::try_from(times.len()).unwrap();
    assert_eq!(times, (1..=count).collect::<Vec<_>>(), "whatever was written is somebody's");
    order.into_iter().map(|(_, events)| events).collect()
}

/// A group's outcome is what the rules make of it at a place in the order that it can have had.
fn assert_allowed(outcome: &Outcome, order: &[&[(TeamId, Event)]]) {
    let places = match (outcome.is_plain, outcome.written.as_slice()) {
        (true, [at]) => at - 1..=at - 1,
        _ => outcome.between.0..=outcome.between.1,
    };
    let is_there = |place: i64| {
        let mut memory = memory();
        let before = order.iter().take(usize::try_from(place).unwrap());
        before.for_each(|events| drop(expected(&mut memory, events)));
        let known = State::of_layer(&memory.layer);
        let settled = expected(&mut memory, &outcome.events);
        let changes_nothing = State::of_layer(&memory.layer) == known;
        settled == outcome.settled && (changes_nothing || !outcome.written.is_empty())
    };
    assert!(places.clone().any(is_there), "{:?} at {places:?}", outcome.settled);
}

fn sizes() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(1..7_usize, 1..9)
}

#[test]
fn nodes_that_write_at_once_make_what_one_makes_in_their_order() {
    let caches = prop::sample::select(vec![0, 1 << 20]);
    let attempts = prop::sample::select(vec![0, 1, 3]);
    check_cases(6, &(history(120), sizes(), caches, attempts), |case| {
        let (history, sizes, cache_bytes, optimistic_attempts) = case;
        let options = Options { cache_bytes, optimistic_attempts, ..options() };
        check_together(history, &sizes, options, false);
    });
}

#[test]
fn nodes_that_lose_their_connections_make_it_too() {
    let attempts = prop::sample::select(vec![0, 3]);
    check_cases(6, &(history(120), sizes(), attempts), |(history, sizes, optimistic_attempts)| {
        check_together(history, &sizes, Options { optimistic_attempts, ..options() }, true);
    });
}

fn seen(id: &str, seconds: i64) -> (TeamId, Event) {
    (TEAM, event("seen", id, seconds, r#"{"$set":{"plan":"free"}}"#))
}

fn identify(id: &str, anonymous: &str, seconds: i64) -> (TeamId, Event) {
    let properties = format!(r#"{{"$anon_distinct_id":"{anonymous}"}}"#);
    (TEAM, event("$identify", id, seconds, &properties))
}

/// Whether a node waits for another that writes.
fn is_waiting(sql: &Sql, application: &str) -> bool {
    let waiting = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
        AND application_name = '{application}' AND wait_event_type = 'Lock'"
    );
    sql.number(&waiting) > 0
}

fn await_waiting(sql: &Sql, application: &str) {
    while !is_waiting(sql, application) {
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn conflicting_merges_of_two_nodes_end_in_one_person() {
    let server = shared();
    let database = server.database();
    let [mut one, mut two] = ["one", "two"].map(|name| store(&server, &database, name, options()));
    let sql = server.connect(&database);
    one.settle(&claims(&[seen("phone", 1), seen("laptop", 2)])).unwrap();
    // Both have read that neither visitor is anybody's before either writes.
    let blocking = server.connect(&database);
    blocking.execute("BEGIN; SELECT FROM hogflare.clock FOR UPDATE");
    let (first, second) = thread::scope(|scope| {
        let first = scope.spawn(|| one.settle(&claims(&[identify("user", "phone", 3)])));
        await_waiting(&sql, "one");
        let second = scope.spawn(|| two.settle(&claims(&[identify("user", "laptop", 4)])));
        await_waiting(&sql, "two");
        blocking.execute("COMMIT");
        (first.join().unwrap().unwrap(), second.join().unwrap().unwrap())
    });
    let person = first[0].person_id;
    assert_eq!(second[0].person_id, person);
    let known = one.settle(&claims(&["user", "phone", "laptop"].map(|id| seen(id, 5)))).unwrap();
    assert!(known.iter().all(|settled| settled.person_id == person), "{known:?}");
    assert_eq!(sql.number("SELECT count(*) FROM hogflare.persons WHERE NOT is_deleted"), 1);
    // Of the ids that the first visitor's person took.
    assert_eq!(sql.number("SELECT count(*) FROM hogflare.person_overrides"), 2);
    assert_eq!(sql.number(CLOCK), 3);
}

#[test]
fn who_is_overtaken_each_time_has_the_others_wait() {
    let server = shared();
    let database = server.database();
    let options = Options { optimistic_attempts: 2, ..options() };
    let mut store = store(&server, &database, "slow", options);
    let sql = server.connect(&database);
    store.settle(&claims(&[seen("a", 1)])).unwrap();
    let change = "UPDATE hogflare.persons SET version = version + 1,
        changed = (SELECT at FROM hogflare.clock)";
    let settled = thread::scope(|scope| {
        let others = server.connect(&database);
        let take = "BEGIN; UPDATE hogflare.clock SET at = at + 1";
        others.execute(take);
        let slow = scope.spawn(|| store.settle(&claims(&[(TEAM, upgrade("a"))])).unwrap());
        for _ in 0..2 {
            // It may have been quicker than this one, which then has nothing to overtake.
            while !slow.is_finished() && !is_waiting(&sql, "slow") {
                thread::sleep(Duration::from_millis(1));
            }
            others.execute(change);
            // Once more, the other node is first.
            others.execute("COMMIT AND CHAIN; UPDATE hogflare.clock SET at = at + 1");
        }
        others.execute("COMMIT");
        slow.join().unwrap()
    });
    assert_eq!(settled.len(), 1);
    let plan = "SELECT properties FROM hogflare.persons";
    assert!(sql.query(plan)[0].get::<_, &str>(0).contains("\"pro\""));
}

fn upgrade(id: &str) -> Event {
    event("$set", id, 9, r#"{"$set":{"plan":"pro"}}"#)
}

#[test]
fn a_group_that_changes_nothing_is_one_round_trip_and_any_other_two() {
    let server = shared();
    let database = server.database();
    let way = RoundTrips::to(&server.socket());
    let options = Options { statement_timeout: SHORT, ..options() };
    let address = address_at(way.folder.path(), &database, "counted");
    let mut store = Store::open(address, None, settings(), options).unwrap();
    let group =
        claims(&(0..200).map(|number| seen(&format!("id {number}"), number)).collect::<Vec<_>>());
    let before = way.count();
    store.settle(&group).unwrap();
    assert_eq!(way.count() - before, 2);
    store.settle(&group).unwrap();
    assert_eq!(way.count() - before, 3);
}

#[test]
fn what_takes_too_long_is_refused_and_done_when_it_comes_again() {
    let server = shared();
    let database = server.database();
    let short = Options { statement_timeout: Duration::from_millis(100), ..options() };
    let sql = server.connect(&database);
    let events = [seen("a", 1), identify("user", "a", 2)];
    for optimistic_attempts in [0, 3] {
        let short = Options { optimistic_attempts, ..short };
        let mut store = store(&server, &database, "hasty", short);
        let blocking = server.connect(&database);
        blocking.execute("BEGIN; SELECT FROM hogflare.clock FOR UPDATE");
        let error = store.settle(&claims(&events)).unwrap_err();
        assert!(matches!(error, Error::Postgres { .. }), "{error}");
        blocking.execute("COMMIT");
    }
    let (mut store, mut memory) = (store(&server, &database, "patient", options()), memory());
    // The second time as if the answer had been lost.
    for _ in 0..2 {
        assert_eq!(store.settle(&claims(&events)).unwrap(), expected(&mut memory, &events));
    }
    assert_eq!(State::of_tables(&sql), State::of_layer(&memory.layer));
    assert_eq!(sql.number(CLOCK), 1);
}

#[test]
fn strangers_need_no_postgres_and_leave_nothing_there() {
    let server = shared();
    let database = server.database();
    let mut store = store(&server, &database, "strangers", options());
    let events = [(TeamId::UNCLAIMED, identify("a", "b", 1).1), (TeamId::UNCLAIMED, upgrade("c"))];
    assert_eq!(store.settle(&claims(&events)).unwrap(), expected(&mut memory(), &events));
    let sql = server.connect(&database);
    assert_eq!(State::of_tables(&sql), State::default());
    assert_eq!(sql.number(CLOCK), 0);
    let nowhere = "postgres://postgres@%2Fnowhere/persons".parse().unwrap();
    let mut store = Store::open(nowhere, None, settings(), options()).unwrap();
    assert_eq!(store.settle(&claims(&events)).unwrap().len(), 2);
    let error = store.settle(&claims(&[seen("a", 1)])).unwrap_err();
    assert!(matches!(error, Error::Unreachable(_)), "{error}");
}

#[test]
fn text_that_postgres_does_not_take_harms_nobody() {
    let server = shared();
    let database = server.database();
    let mut store = store(&server, &database, "odd", options());
    let set = r#"{"$set":{"nul":"a\u0000b","\u0000":"\ud83d"}}"#;
    let set = set.replace("\\ud83d", "\\ufffd");
    let groups =
        r#"{"$groups":{"com\u0000pany":"a\u0000"},"$group_type":"t\u0000","$group_key":"k\u0000"}"#;
    let long = format!(r#"{{"$group_type":"shop","$group_key":"{}"}}"#, "k".repeat(9_000));
    let events = [
        (TEAM, event("$set", "a", 1, &set)),
        (TEAM, event("$groupidentify", "a", 2, groups)),
        (TEAM, event("$groupidentify", "a", 3, &long)),
        identify("a", "b\\u0000", 4),
        identify("a", &"b".repeat(9_000), 5),
        (TEAM, event("$set", &"é".repeat(200), 6, "{}")),
    ];
    let mut memory = memory();
    for event in &events {
        let event = std::slice::from_ref(event);
        assert_eq!(store.settle(&claims(event)).unwrap(), expected(&mut memory, event));
    }
    let sql = server.connect(&database);
    assert_eq!(State::of_tables(&sql), State::of_layer(&memory.layer));
}

#[test]
fn nodes_that_start_at_once_make_the_tables_once() {
    let server = shared();
    let database = server.database();
    thread::scope(|scope| {
        for name in ["one", "two", "three", "four"] {
            let (server, database) = (&server, &database);
            scope.spawn(move || {
                let mut store = store(server, database, name, options());
                store.settle(&claims(&[seen(name, 1)])).unwrap();
            });
        }
    });
    let sql = server.connect(&database);
    assert_eq!(sql.number("SELECT count(*) FROM hogflare.persons"), 4);
}

#[test]
fn a_newer_format_is_refused() {
    let server = shared();
    let database = server.database();
    drop(store(&server, &database, "older", options()));
    let sql = server.connect(&database);
    sql.execute(
        "INSERT INTO hogflare.migrations VALUES (99, 'newer', '2030-01-01T00:00:00Z', '1')",
    );
    let address = server.address(&database, "older");
    let error = Store::open(address, None, settings(), options()).unwrap_err();
    assert!(matches!(error, Error::NewerSchema { found: 99, .. }), "{error}");
}

#[test]
fn a_database_that_has_not_every_character_is_refused() {
    let server = shared();
    let sql = server.connect("postgres");
    sql.execute("CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'");
    let address = server.address("latin", "any");
    let error = Store::open(address, None, settings(), options()).unwrap_err();
    sql.execute("DROP DATABASE latin WITH (FORCE)");
    assert!(matches!(error, Error::Encoding(_)), "{error}");
}

#[test]
fn a_database_that_is_not_there_is_not_waited_for() {
    let server = shared();
    let address = server.address("nobodys", "any");
    let error = Store::open(address, None, settings(), options()).unwrap_err();
    assert!(matches!(error, Error::Postgres { .. }), "{error}");
}

#[test]
fn without_postgres_nothing_is_settled_and_with_it_everything_goes_on() {
    let server = Server::start();
    let database = server.database();
    let mut store = store(&server, &database, "node", options());
    let first = store.settle(&claims(&[seen("a", 1), identify("user", "a", 2)])).unwrap();
    for _ in 0..2 {
        server.kill();
        for number in 0..3 {
            let error = store.settle(&claims(&[seen("user", 3 + number)])).unwrap_err();
            assert!(matches!(error, Error::Unreachable(_)), "{error}");
        }
        server.resume();
        let settled = loop {
            match store.settle(&claims(&[seen("user", 9)])) {
                Ok(settled) => break settled,
                Err(Error::Unreachable(_)) => thread::sleep(Duration::from_millis(5)),
                Err(error) => panic!("{error}"),
            }
        };
        assert_eq!(settled[0].person_id, first[0].person_id);
    }
}

#[tokio::test]
async fn one_node_hands_changes_on_until_it_is_gone() {
    let server = shared();
    let (database, sql) = tokio::task::spawn_blocking({
        let server = shared();
        move || {
            let database = server.database();
            let mut store = store(&server, &database, "node", options());
            store.settle(&claims(&[seen("a", 1)])).unwrap();
            let sql = server.connect(&database);
            (database, sql)
        }
    })
    .await
    .unwrap();
    let [mut one, mut two] =
        ["one", "two"].map(|name| Outbox::new(server.address(&database, name), options()));
    let parcel = one.next_changes().await.unwrap();
    assert_eq!(parcel.changes.len(), 2);
    assert!(tokio::time::timeout(Duration::from_millis(200), two.next_changes()).await.is_err());
    assert!(one.has_turn() && !two.has_turn());
    // Nothing was confirmed, so that the other one begins where this one did.
    drop(one);
    let again = two.next_changes().await.unwrap();
    assert_eq!(again.changes, parcel.changes);
    two.confirm(again).await.unwrap();
    assert!(tokio::time::timeout(Duration::from_millis(200), two.next_changes()).await.is_err());
    tokio::task::spawn_blocking(move || drop(sql)).await.unwrap();
}

/// Whom a node learned to be forgotten.
fn learned(news: &News) -> Vec<(Uuid, Vec<&str>)> {
    news.erasures.iter().map(|request| (request.id, names(request))).collect()
}

fn names(request: &ErasureRequest) -> Vec<&str> {
    match &request.target {
        Target::Forgotten(forgotten) => forgotten.distinct_ids.iter().map(AsRef::as_ref).collect(),
        other => panic!("{other:?}"),
    }
}

fn inbox(server: &Server, database: &str, journal: u128, is_new: bool) -> Inbox {
    let address = server.address(database, &format!("inbox-{journal}"));
    let node = postgres::Node { journal_id: Uuid::from_u128(journal), is_new };
    Inbox::new(address, options(), node)
}

/// How many erasures PostgreSQL knows the names of.
const NAMED: &str = "SELECT count(*) FROM hogflare.erasures WHERE distinct_ids IS NOT NULL";

#[test]
fn every_node_learns_once_whom_one_forgot_and_then_nobody_knows() {
    let server = shared();
    let database = server.database();
    let mut store = store(&server, &database, "node", options());
    let sql = server.connect(&database);
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let inbox = |journal| inbox(&server, &database, journal, true);
    let (mut one, mut two) = (inbox(1), inbox(2));
    assert!(runtime.block_on(one.look()).unwrap().is_none());
    assert!(runtime.block_on(two.look()).unwrap().is_none());
    let alone = erasure(TEAM, &Target::DistinctId("nul\0".into()));
    store.settle(&claims(&[identify("user", "phone", 3)])).unwrap();
    let request = erasure(TEAM, &Target::DistinctId("phone".into()));
    store.erase(&request).unwrap().unwrap();
    store.erase(&alone).unwrap().unwrap();
    let expected = [(request.id, vec!["phone", "user"]), (alone.id, vec!["nul\0"])];
    let news = runtime.block_on(one.look()).unwrap().unwrap();
    assert_eq!(learned(&news), expected);
    // Not confirmed: it comes again, also to whoever takes the node's place.
    let again = runtime.block_on(inbox(1).look()).unwrap().unwrap();
    assert_eq!(again.erasures, news.erasures);
    runtime.block_on(one.confirm(news)).unwrap();
    assert!(runtime.block_on(one.look()).unwrap().is_none());
    assert_eq!(sql.number(NAMED), 2, "the other node does not know yet");
    let news = runtime.block_on(two.look()).unwrap().unwrap();
    assert_eq!(learned(&news), expected);
    runtime.block_on(two.confirm(news)).unwrap();
    assert_eq!(sql.number(NAMED), 0);
    // Its folder may be older than what it confirmed.
    let news = runtime.block_on(inbox(1).look()).unwrap().unwrap();
    assert_eq!((news.erasures.len(), news.nameless), (0, vec![request.id, alone.id]));
    assert_eq!(runtime.block_on(one.unknown(&[request.id, Uuid::max()])).unwrap(), [Uuid::max()]);
    // One that is new has no rows of them, one that only was not known has.
    assert!(runtime.block_on(inbox(3).look()).unwrap().is_none());
    let old = self::inbox(&server, &database, 4, false);
    assert_eq!(runtime.block_on({ old }.look()).unwrap().unwrap().nameless.len(), 2);
    // What is adopted is not told again.
    let adopted = erasure(TEAM, &Target::Forgotten(Forgotten::default()));
    store.erase(&adopted).unwrap().unwrap();
    assert!(runtime.block_on(one.look()).unwrap().is_none());
}

#[test]
fn a_node_is_waited_for_from_its_first_row_on() {
    let server = shared();
    let database = server.database();
    let node = |journal| postgres::Node { journal_id: Uuid::from_u128(journal), is_new: true };
    let open = |journal| {
        let address = server.address(&database, "node");
        Store::open(address, Some(node(journal)), settings(), options()).unwrap()
    };
    let (mut here, mut died) = (open(1), open(2));
    died.settle(&claims(&[seen("jane", 1)])).unwrap();
    drop(died);
    let request = erasure(TEAM, &Target::DistinctId("jane".into()));
    here.erase(&request).unwrap().unwrap();
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let mut inbox_here = inbox(&server, &database, 1, false);
    let news = runtime.block_on(inbox_here.look()).unwrap().unwrap();
    runtime.block_on(inbox_here.confirm(news)).unwrap();
    let news = runtime.block_on(inbox(&server, &database, 2, false).look()).unwrap().unwrap();
    assert_eq!(learned(&news), [(request.id, vec!["jane"])]);
}

#[test]
fn a_node_that_was_away_for_long_is_not_waited_for() {
    let server = shared();
    let database = server.database();
    let mut store = store(&server, &database, "node", options());
    let sql = server.connect(&database);
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let inbox = |journal| inbox(&server, &database, journal, true);
    let (mut one, mut away) = (inbox(1), inbox(2));
    for node in [&mut one, &mut away] {
        assert!(runtime.block_on(node.look()).unwrap().is_none());
    }
    sql.execute(&format!(
        "UPDATE hogflare.nodes SET seen_at = now() - interval '31 days' WHERE journal_id = '{}'",
        Uuid::from_u128(2)
    ));
    let request = erasure(TEAM, &Target::DistinctId("jane".into()));
    store.erase(&request).unwrap().unwrap();
    let news = runtime.block_on(one.look()).unwrap().unwrap();
    runtime.block_on(one.confirm(news)).unwrap();
    assert_eq!(sql.number(NAMED), 0);
    let news = runtime.block_on(away.look()).unwrap().unwrap();
    assert_eq!((news.erasures.len(), news.nameless), (0, vec![request.id]));
}

#[test]
fn an_erasure_whose_answer_was_lost_is_what_it_was() {
    let server = shared();
    let database = server.database();
    let mut store = store(&server, &database, "node", options());
    store.settle(&claims(&[identify("user", "phone", 3)])).unwrap();
    let request = erasure(TEAM, &Target::DistinctId("phone".into()));
    let first = store.erase(&request).unwrap().unwrap();
    store.settle(&claims(&[seen("phone", 4)])).unwrap();
    assert_eq!(store.erase(&request).unwrap().unwrap(), first);
    let again = erasure(TEAM, &Target::DistinctId("phone".into()));
    assert_eq!(store.erase(&again).unwrap().unwrap().distinct_ids.len(), 1);
}
