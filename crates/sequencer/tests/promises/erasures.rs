//! Who is erased is erased durably, with everything before it, and comes back as somebody new.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use event::{
    Change, DistinctId, Erased, Erasure, ErasureKind, Erasures, Fate, PersonId, Place, Placed,
    Pseudonym, Table, TeamId,
};
use identity::{ErasureRequest, NotErased, Settings, Store, StoreOptions, Target};
use journal::sim::{Fault, Op, SimFs};
use journal::{Fs, Journal, Offset};
use proptest::prelude::*;
use sequencer::{Erase, Options, Submitted};
use tempfile::TempDir;
use uuid::Uuid;

use crate::persons::Counting;
use crate::support::{
    NOW, Running, event, journal_options, number_of, options, records_from, start_keeping,
};

struct World {
    folder: TempDir,
    fs: SimFs,
    erasures: Erasures,
    /// Whether a group's events are settled at once.
    is_gathered: bool,
}

impl World {
    fn new() -> Self {
        let (folder, erasures) = (tempfile::tempdir().unwrap(), Erasures::default());
        Self { folder, fs: SimFs::new(1), erasures, is_gathered: false }
    }

    fn database(&self) -> PathBuf {
        self.folder.path().join("state.db")
    }

    fn start(&self) -> Running {
        let keeper = |journal: &Journal| -> Box<dyn identity::Keeper> {
            let keeper = keeper(&self.database(), journal.id().as_uuid());
            match self.is_gathered {
                true => Box::new(Counting { keeper, settled: Arc::default() }),
                false => keeper,
            }
        };
        let options = Options { erasures: self.erasures.clone(), ..options() };
        start_keeping(Arc::new(self.fs.clone()), journal_options(), options, keeper).unwrap()
    }

    /// Ends as a killed process does, and begins again.
    fn kill(&mut self, running: Running) -> Running {
        self.fs = self.fs.kill();
        drop(running);
        self.start()
    }
}

fn keeper(path: &Path, journal_id: Uuid) -> Box<dyn identity::Keeper> {
    Box::new(Store::open(path, journal_id, Settings::default(), StoreOptions::default()).unwrap())
}

fn by(number: u64, distinct_id: &str) -> Submitted {
    let mut submitted = event(number);
    submitted.event.distinct_id = DistinctId::new(distinct_id);
    submitted.event.set = Some(format!(r#"{{"number":{number}}}"#));
    submitted
}

fn of_team(team: i64, submitted: Submitted) -> Submitted {
    Submitted { team: TeamId(team), ..submitted }
}

fn erase(number: u128, distinct_id: &str) -> Erase {
    let request = ErasureRequest {
        id: Uuid::from_u128(number),
        team: TeamId(1),
        target: Target::DistinctId(distinct_id.into()),
        kind: ErasureKind::Delete,
        requested_at: NOW,
    };
    Erase { request, tokens: vec!["phc_test".to_owned()], recordings_end: None }
}

async fn erased(running: &Running, erase: Erase) -> Placed {
    running.handle.submit_erasure(erase).await.unwrap().unwrap()
}

/// The newest version of a person in the journal, and whether it is there.
fn person(running: &Running, id: PersonId) -> Option<(i64, bool)> {
    let changes = running.rows().iter().filter_map(Change::of_row).collect::<Vec<_>>();
    let versions = changes.iter().filter_map(|change| match change {
        Change::Person { id: of, version, is_deleted, .. } if *of == id => {
            Some((*version, !is_deleted))
        }
        _ => None,
    });
    versions.max()
}

fn own(distinct_id: &str) -> PersonId {
    PersonId::in_project(TeamId(1), distinct_id)
}

/// Numbers of the events that are left when erasures are applied.
fn left(running: &Running, erasures: &Erasures) -> Vec<u64> {
    let journal_id = running.journal.id().as_uuid();
    let erased = erasures.view().unwrap_or_else(|| Arc::new(Erased::default()));
    let stays = |(offset, row): &(Offset, event::Row)| {
        let place = Place { journal_id, offset: offset.get(), received_at: row.created_at() };
        row.table() == Table::Events && erased.fate(row, place) == Fate::Stays
    };
    let rows = running.numbered_rows().into_iter().filter(stays);
    rows.map(|(_, row)| number_of(&row)).collect()
}

#[tokio::test]
async fn who_is_erased_is_erased_durably_and_in_one_record() {
    let mut world = World::new();
    let running = world.start();
    running.submit(&[by(1, "jane"), by(2, "joe")]).await.unwrap();
    let placed = erased(&running, erase(9, "jane")).await;
    assert_eq!(placed.erasure.distinct_ids, ["jane"]);
    assert_eq!(world.erasures.view().unwrap().all(), [Arc::new(placed.clone())]);
    let running = world.kill(running);
    let records = records_from(&running.journal, Offset::new(placed.offset));
    assert_eq!(records.len(), 1);
    let rows = event::decode_rows(records[0].payload.clone()).unwrap();
    assert_eq!(Erasure::of_row(&rows[0]), Some(placed.erasure));
    let tables: Vec<Table> = rows.iter().map(event::Row::table).collect();
    assert_eq!(tables, [Table::Erasures, Table::Persons, Table::PersonDistinctIds]);
    assert_eq!(person(&running, own("jane")), Some((1, false)));
    assert_eq!(person(&running, own("joe")), Some((0, true)));
}

#[tokio::test]
async fn events_behind_it_are_a_new_persons_after_any_end() {
    let mut world = World::new();
    let mut running = world.start();
    running.submit(&[by(1, "jane")]).await.unwrap();
    erased(&running, erase(9, "jane")).await;
    for (number, version) in [(2, 2), (3, 3)] {
        running = world.kill(running);
        running.submit(&[by(number, "jane")]).await.unwrap();
        assert_eq!(person(&running, own("jane")), Some((version, true)));
        running.stop();
        running = world.start();
    }
    assert_eq!(left(&running, &world.erasures), [2, 3]);
}

#[tokio::test]
async fn the_retry_of_an_erased_event_brings_nobody_back() {
    let mut world = World::new();
    let running = world.start();
    running.submit(&[by(1, "jane")]).await.unwrap();
    erased(&running, erase(9, "jane")).await;
    assert_eq!(running.counts(&[by(1, "jane")]).await, (0, 1));
    let running = world.kill(running);
    assert_eq!(running.counts(&[by(1, "jane")]).await, (0, 1));
    assert_eq!(left(&running, &world.erasures), [] as [u64; 0]);
    assert_eq!(person(&running, own("jane")), Some((1, false)));
}

#[tokio::test]
async fn what_is_not_stored_erases_nobody() {
    let world = World::new();
    let running = world.start();
    running.submit(&[by(1, "jane")]).await.unwrap();
    world.fs.fail(Op::SyncData, 0, Fault::Io);
    running.handle.submit_erasure(erase(9, "jane")).await.unwrap_err();
    assert!(world.erasures.view().is_none());
    running.submit(&[by(2, "jane")]).await.unwrap();
    assert_eq!(person(&running, own("jane")), Some((1, true)), "the same person goes on");
    erased(&running, erase(9, "jane")).await;
    assert_eq!(left(&running, &world.erasures), [] as [u64; 0]);
}

#[tokio::test]
async fn a_refusal_stores_nothing_and_harms_nobody() {
    let world = World::new();
    let running = world.start();
    running.submit(&[by(1, "jane")]).await.unwrap();
    let end = running.journal.synced();
    let mut nobody = erase(9, "");
    nobody.request.target = Target::Person(own("joe"));
    let refused = running.handle.submit_erasure(nobody).await.unwrap();
    assert_eq!(refused, Err(NotErased::NoSuchPerson));
    assert_eq!(running.journal.synced(), end);
    assert!(world.erasures.view().is_none());
}

#[tokio::test]
async fn of_two_projects_one_loses() {
    let world = World::new();
    let running = world.start();
    running.submit(&[by(1, "jane"), of_team(2, by(2, "jane"))]).await.unwrap();
    erased(&running, erase(9, "jane")).await;
    assert_eq!(left(&running, &world.erasures), [2]);
    assert_eq!(person(&running, PersonId::in_project(TeamId(2), "jane")), Some((0, true)));
}

#[tokio::test]
async fn without_memory_a_distinct_id_is_erased_by_itself() {
    let (fs, erasures) = (SimFs::new(1), Erasures::default());
    let options = Options { erasures: erasures.clone(), ..options() };
    let running = crate::support::start_on(Arc::new(fs), journal_options(), options);
    running.submit(&[by(1, "jane"), by(2, "joe")]).await.unwrap();
    erased(&running, erase(9, "jane")).await;
    running.submit(&[by(3, "jane")]).await.unwrap();
    assert_eq!(left(&running, &erasures), [2, 3]);
}

#[tokio::test]
async fn the_segment_that_has_the_rows_ends_with_the_erasure() {
    let world = World::new();
    let running = world.start();
    running.submit(&[by(1, "jane")]).await.unwrap();
    let segments = || {
        let names = world.fs.read_dir(Path::new("data/journal")).unwrap();
        names.iter().filter(|name| name.to_string_lossy().ends_with(".segment")).count()
    };
    let before = segments();
    erased(&running, erase(9, "jane")).await;
    assert_eq!(segments(), before + 1, "what comes next is in another");
    running.submit(&[by(2, "jane")]).await.unwrap();
    assert_eq!(segments(), before + 1);
}

#[tokio::test]
async fn the_segment_goes_once_keys_and_persons_are_written() {
    let world = World::new();
    let running = world.start();
    running.submit(&[by(1, "jane")]).await.unwrap();
    let placed = erased(&running, erase(9, "jane")).await;
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    let mut number = 1;
    while running.journal.first() <= Offset::new(placed.offset) {
        number += 1;
        assert!(std::time::Instant::now() < deadline, "{:?}", running.journal.holds());
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        // Whatever is published lets go of what is written by then.
        running.submit(&[by(number, "joe")]).await.unwrap();
        running.journal.trim().unwrap();
    }
    assert_eq!(running.counts(&[by(1, "jane")]).await, (0, 1), "keys outlive rows");
}

#[tokio::test]
async fn a_pseudonym_is_in_the_record_and_counts_for_what_was() {
    let world = World::new();
    let running = world.start();
    running.submit(&[by(1, "jane")]).await.unwrap();
    let pseudonym = Pseudonym::of(Uuid::from_u128(3), Uuid::from_u128(4));
    let mut erase = erase(9, "jane");
    erase.request.kind = ErasureKind::Anonymize(pseudonym.clone());
    let placed = erased(&running, erase).await;
    running.submit(&[by(2, "jane")]).await.unwrap();
    assert_eq!(left(&running, &world.erasures), [2]);
    let erased = world.erasures.view().unwrap();
    let journal_id = placed.journal_id;
    let fate =
        |offset| erased.of_event(TeamId(1), "jane", Place { journal_id, offset, received_at: NOW });
    assert_eq!(fate(placed.offset - 1), Fate::Anonymous(&pseudonym));
    assert_eq!(fate(placed.offset), Fate::Stays);
}

/// What happens, one after the other or within one group.
#[derive(Clone, Debug)]
enum Step {
    Event(&'static str),
    Erase(&'static str),
    Kill,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let id = || prop::sample::select(vec!["a", "b", "c"]);
    let step = prop_oneof![
        6 => id().prop_map(Step::Event),
        2 => id().prop_map(Step::Erase),
        1 => Just(Step::Kill),
    ];
    prop::collection::vec(step, 1..30)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 32,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn what_is_left_is_what_came_after(steps in steps(), is_gathered in any::<bool>()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(check(steps, is_gathered));
    }
}

async fn check(steps: Vec<Step>, is_gathered: bool) {
    let mut world = World { is_gathered, ..World::new() };
    let mut running = world.start();
    let mut expected: Vec<(u64, &str)> = Vec::new();
    let mut waiting = Vec::new();
    for (number, step) in (0_u64..).zip(steps) {
        let handle = running.handle.clone();
        match step {
            Step::Event(id) => {
                expected.push((number, id));
                waiting.push(tokio::spawn(async move {
                    handle.submit(vec![by(number, id)]).await.unwrap();
                }));
            }
            Step::Erase(id) => {
                expected.retain(|(_, of)| *of != id);
                waiting.push(tokio::spawn(async move {
                    let erase = erase(u128::from(number) + 1, id);
                    handle.submit_erasure(erase).await.unwrap().unwrap();
                }));
            }
            Step::Kill => {
                for task in std::mem::take(&mut waiting) {
                    task.await.unwrap();
                }
                drop(handle);
                running = world.kill(running);
            }
        }
        // Lets the task hand in, so that the order is that of the steps.
        tokio::task::yield_now().await;
    }
    for task in waiting {
        task.await.unwrap();
    }
    let expected: Vec<u64> = expected.into_iter().map(|(number, _)| number).collect();
    assert_eq!(left(&running, &world.erasures), expected);
}
