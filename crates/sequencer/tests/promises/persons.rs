//! Whose rows are is settled once, stored with them, and known after any end.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use event::{Change, DistinctId, PersonId, Row, Table, TeamId};
use identity::{Claim, Keeper, Settings, Settled, Store, StoreOptions};
use journal::sim::{Fault, Op, SimFs};
use journal::{Journal, Offset};
use sequencer::Submitted;
use tempfile::TempDir;

use crate::gate::Gate;
use crate::overlay::queue;
use crate::support::{
    Running, event, journal_options, number_of, options, records_from, start_keeping,
};

/// A folder for the database of persons, which is not on the simulated disk.
struct World {
    folder: TempDir,
    fs: SimFs,
}

impl World {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), fs: SimFs::new(1) }
    }

    fn database(&self) -> PathBuf {
        self.folder.path().join("state.db")
    }

    fn start(&self) -> Running {
        let keeper = |journal: &Journal| keeper(&self.database(), journal);
        start_keeping(Arc::new(self.fs.clone()), journal_options(), options(), keeper).unwrap()
    }

    /// Ends as a killed process does, and begins again.
    fn kill(&mut self, running: Running) -> Running {
        self.fs = self.fs.kill();
        drop(running);
        self.start()
    }
}

fn keeper(path: &Path, journal: &Journal) -> Box<dyn Keeper> {
    let (id, settings) = (journal.id().as_uuid(), Settings::default());
    Box::new(Store::open(path, id, settings, StoreOptions::default()).unwrap())
}

fn by(number: u64, distinct_id: &str) -> Submitted {
    let mut submitted = event(number);
    submitted.event.distinct_id = DistinctId::new(distinct_id);
    submitted
}

fn identify(number: u64, distinct_id: &str, anonymous: &str) -> Submitted {
    let mut submitted = by(number, distinct_id);
    submitted.event.event = "$identify".into();
    submitted.event.properties = format!(r#"{{"$anon_distinct_id":"{anonymous}"}}"#);
    submitted
}

fn setting(number: u64, distinct_id: &str, set: &str) -> Submitted {
    let mut submitted = by(number, distinct_id);
    submitted.event.set = Some(set.to_owned());
    submitted
}

fn own(distinct_id: &str) -> PersonId {
    let token = event(0).event.token;
    PersonId::of_first_distinct_id(TeamId(1), &token, &DistinctId::new(distinct_id))
}

/// Rows of events, by their number, with their person.
fn events_of(running: &Running) -> Vec<(u64, PersonId)> {
    let rows = running.rows().into_iter().filter(|row| row.table() == Table::Events);
    rows.map(|row| (number_of(&row), row.person_id())).collect()
}

fn changes_of(running: &Running) -> Vec<Change> {
    running.rows().iter().filter_map(Change::of_row).collect()
}

/// The person of a distinct id, as the next event finds it.
async fn person_of(running: &Running, number: u64, distinct_id: &str) -> PersonId {
    running.submit(&[by(number, distinct_id)]).await.unwrap();
    let rows = events_of(running);
    rows.into_iter().find(|(found, _)| *found == number).unwrap().1
}

#[tokio::test]
async fn merged_ids_are_one_person_after_any_end() {
    let mut world = World::new();
    let running = world.start();
    running.submit(&[by(1, "visitor"), identify(2, "user", "visitor")]).await.unwrap();
    let person = own("visitor");
    assert_eq!(events_of(&running), [(1, person), (2, person)]);
    let running = world.kill(running);
    assert_eq!(person_of(&running, 3, "user").await, person);
    running.stop();
    let running = world.start();
    assert_eq!(person_of(&running, 4, "user").await, person);
    let running = world.kill(running);
    assert_eq!(person_of(&running, 5, "visitor").await, person);
}

#[tokio::test]
async fn a_lost_database_is_made_again_from_the_journal() {
    let mut world = World::new();
    let running = world.start();
    running
        .submit(&[by(1, "a"), identify(2, "b", "a"), setting(3, "b", "{\"plan\":\"pro\"}")])
        .await
        .unwrap();
    let running = {
        world.folder = tempfile::tempdir().unwrap();
        world.kill(running)
    };
    let before = changes_of(&running).len();
    running.submit(&[setting(4, "b", "{\"plan\":\"pro\"}")]).await.unwrap();
    assert_eq!(events_of(&running).last(), Some(&(4, own("a"))));
    assert_eq!(changes_of(&running).len(), before, "the plan was known");
}

#[tokio::test]
async fn what_events_change_is_behind_them_in_their_record() {
    let world = World::new();
    let running = world.start();
    running.submit(&[by(1, "a"), by(2, "a"), by(3, "b")]).await.unwrap();
    assert_eq!(records_from(&running.journal, Offset::ZERO).len(), 1);
    let tables: Vec<Table> = running.rows().iter().map(Row::table).collect();
    use Table::{Events, PersonDistinctIds, Persons};
    assert_eq!(
        tables,
        [Events, Events, Events, PersonDistinctIds, Persons, PersonDistinctIds, Persons]
    );
}

#[tokio::test]
async fn receipts_name_the_rows_of_events_between_changes() {
    let world = World::new();
    let running = world.start();
    let receipt = running.submit(&[by(1, "a"), by(2, "b"), by(2, "b")]).await.unwrap();
    assert_eq!((receipt.appended, receipt.duplicates), (2, 1));
    let places = |numbers: &[u64]| -> Vec<Offset> {
        let rows = running.numbered_rows().into_iter();
        let events = rows.filter(|(_, row)| row.table() == Table::Events);
        let wanted = events.filter(|(_, row)| numbers.contains(&number_of(row)));
        wanted.map(|(offset, _)| offset).collect()
    };
    assert_eq!(receipt.resolve_by.originals().collect::<Vec<_>>(), places(&[2]));
    let again = running.submit(&[by(1, "a"), by(2, "b")]).await.unwrap();
    assert_eq!(again.resolve_by.originals().collect::<Vec<_>>(), places(&[1, 2]));
}

#[tokio::test]
async fn a_duplicate_changes_nobody() {
    let world = World::new();
    let running = world.start();
    running.submit(&[setting(1, "a", r#"{"plan":"free"}"#)]).await.unwrap();
    running.submit(&[setting(2, "a", r#"{"plan":"pro"}"#)]).await.unwrap();
    let before = changes_of(&running).len();
    let receipt =
        running.submit(&[setting(1, "a", r#"{"plan":"free"}"#), by(3, "a")]).await.unwrap();
    assert_eq!((receipt.appended, receipt.duplicates), (1, 1));
    assert_eq!(changes_of(&running).len(), before);
}

#[tokio::test]
async fn a_group_that_is_not_stored_merges_nobody() {
    let world = World::new();
    let running = world.start();
    running.submit(&[by(1, "a"), by(2, "b")]).await.unwrap();
    world.fs.fail(Op::SyncData, 0, Fault::Io);
    running.submit(&[identify(3, "b", "a")]).await.unwrap_err();
    assert_eq!(person_of(&running, 4, "a").await, own("a"));
    running.submit(&[identify(3, "b", "a")]).await.unwrap();
    assert_eq!(person_of(&running, 5, "a").await, own("b"));
}

#[tokio::test]
async fn the_journal_is_held_until_persons_are_written() {
    let world = World::new();
    let running = world.start();
    let holds = running.journal.holds();
    assert!(holds.iter().any(|hold| hold.name == "persons" && hold.at == Offset::ZERO));
    running.submit(&[by(1, "a")]).await.unwrap();
    running.stop();
    let running = world.start();
    let end = running.journal.synced();
    let holds = running.journal.holds();
    assert!(holds.iter().any(|hold| hold.name == "persons" && hold.at == end), "{holds:?}");
}

/// Settles all that it can at once, and counts how often it is asked.
#[derive(Debug)]
pub(crate) struct Counting {
    pub(crate) keeper: Box<dyn Keeper>,
    pub(crate) settled: Arc<Mutex<Vec<usize>>>,
}

impl Keeper for Counting {
    fn settle(&mut self, claims: &[Claim]) -> Result<Vec<Settled>, identity::Error> {
        self.settled.lock().unwrap().push(claims.len());
        self.keeper.settle(claims)
    }

    fn claims_at_once(&self) -> usize {
        usize::MAX
    }

    fn erase(
        &mut self,
        request: &identity::ErasureRequest,
    ) -> Result<Result<identity::Forgotten, identity::NotErased>, identity::Error> {
        self.keeper.erase(request)
    }

    fn publish(&mut self, end: u64) {
        self.keeper.publish(end);
    }

    fn discard(&mut self) {
        self.keeper.discard();
    }

    fn apply(&mut self, change: &Change) -> Result<(), identity::Error> {
        self.keeper.apply(change)
    }

    fn note_personless(&mut self, team: TeamId, id: &str) -> Result<(), identity::Error> {
        self.keeper.note_personless(team, id)
    }

    fn needed_from(&self) -> u64 {
        self.keeper.needed_from()
    }

    fn close(self: Box<Self>) -> Result<(), identity::Error> {
        self.keeper.close()
    }
}

#[tokio::test]
async fn a_group_is_settled_at_once_and_its_duplicates_find_their_originals() {
    let world = World::new();
    let (gate, settled) = (Gate::new(&world.fs), Arc::new(Mutex::new(Vec::new())));
    let counting = |journal: &Journal| -> Box<dyn Keeper> {
        let keeper = keeper(&world.database(), journal);
        Box::new(Counting { keeper, settled: Arc::clone(&settled) })
    };
    let (fs, journal) = (Arc::new(gate.clone()), journal_options());
    let running = Arc::new(start_keeping(fs, journal, options(), counting).unwrap());
    gate.close();
    let first = queue(&running, vec![by(1, "a")]).await;
    gate.wait_for_sync();
    let second = queue(&running, vec![by(2, "b"), by(3, "c"), by(3, "c")]).await;
    let third = queue(&running, vec![identify(4, "b", "d"), by(3, "c")]).await;
    let fourth = queue(&running, vec![by(1, "a"), by(4, "b"), by(5, "e"), by(2, "b")]).await;
    gate.open();
    let mut originals = Vec::new();
    for task in [first, second, third, fourth] {
        let receipt = task.await.unwrap().unwrap();
        originals.push(receipt.resolve_by.originals().collect::<Vec<_>>());
    }
    assert_eq!(*settled.lock().unwrap(), [1, 5]);
    let rows = running.numbered_rows();
    let place = |number| {
        let is_it = |row: &Row| row.table() == Table::Events && number_of(row) == number;
        rows.iter().find(|(_, row)| is_it(row)).unwrap().0
    };
    let expected: [&[u64]; 4] = [&[], &[3], &[3], &[1, 2]];
    for (originals, numbers) in originals.into_iter().zip(expected) {
        assert_eq!(originals, numbers.iter().copied().map(place).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn changes_of_elsewhere_are_stored_as_they_are() {
    let world = World::new();
    let running = world.start();
    running.submit(&[by(1, "a")]).await.unwrap();
    let known = changes_of(&running);
    let received_at = event(0).event.created_at;
    let receipt = running.handle.submit_changes(known.clone(), received_at).await.unwrap();
    assert_eq!(receipt.resolve_by.iter().count(), known.len());
    assert_eq!(changes_of(&running), [known.clone(), known.clone()].concat());
    running.submit(&[by(2, "a"), by(1, "a")]).await.unwrap();
    let places = events_of(&running);
    assert_eq!(places.len(), 2);
    world.fs.fail(Op::SyncData, 0, Fault::Io);
    running.handle.submit_changes(known.clone(), received_at).await.unwrap_err();
    assert_eq!(changes_of(&running).len(), 2 * known.len());
}

#[tokio::test]
async fn a_full_journal_is_let_go_of_once_persons_are_written() {
    let world = World::new();
    let options = journal::Options { budget_bytes: 4 * (64 << 10), ..journal_options() };
    let keeper = |journal: &Journal| keeper(&world.database(), journal);
    let fs = Arc::new(world.fs.clone());
    let running = start_keeping(fs, options, crate::support::options(), keeper).unwrap();
    let fill = |number| crate::support::event_of_bytes(number, 8_000);
    let mut number = 0;
    while running.submit(&[fill(number)]).await.is_ok() {
        number += 1;
    }
    assert!(number > 10, "{number}");
    // Refused until what holds the journal has been written, which takes a moment.
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
    while running.submit(&[fill(number)]).await.is_err() {
        assert!(std::time::Instant::now() < deadline, "{:?}", running.journal.holds());
        running.journal.trim().unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_thousand_changes_of_a_person_are_stored_once() {
    let world = World::new();
    let running = world.start();
    let large = format!(r#"{{"text":"{}"}}"#, "x".repeat(500_000));
    running.submit(&[setting(0, "a", &large)]).await.unwrap();
    let end = running.journal.synced();
    let many: Vec<Submitted> =
        (1..=1_000).map(|number| setting(number, "a", &format!(r#"{{"n":{number}}}"#))).collect();
    assert_eq!(running.counts(&many).await, (1_000, 0));
    let bytes: usize =
        records_from(&running.journal, end).iter().map(|record| record.payload.len()).sum();
    assert!(bytes < 2_000_000, "{bytes} bytes");
    let Some(Change::Person { version, properties, .. }) = changes_of(&running).pop() else {
        panic!("the last change is the person's");
    };
    assert_eq!(version, 1_000);
    assert!(properties.contains(r#""n":1000"#));
}

#[tokio::test]
async fn a_lost_database_is_not_taken_for_a_new_one() {
    let mut world = World::new();
    let running = world.start();
    for number in 0..40 {
        running.submit(&[crate::support::event_of_bytes(number, 8_000)]).await.unwrap();
    }
    running.stop();
    let running = world.start();
    running.journal.trim().unwrap();
    assert!(running.journal.first() > Offset::ZERO);
    running.stop();
    world.folder = tempfile::tempdir().unwrap();
    let keeper = |journal: &Journal| keeper(&world.database(), journal);
    let again = start_keeping(Arc::new(world.fs.clone()), journal_options(), options(), keeper);
    let error = again.err().unwrap().to_string();
    assert!(error.contains("hogflare rebuild identity"), "{error}");
}
