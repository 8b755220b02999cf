//! Looking after a lake: what it has, whether all of it is well, merging and letting go at once.

use std::path::Path;

use journal::{Fs, Journal, RealFs};

use super::projection::assert_metadata_shows;
use super::*;
use crate::{Compacted, Expired, Problem, TableStats};

/// A lake whose files stay as they are unless somebody asks.
async fn left_alone() -> TestLake {
    let mut lake = TestLake::open_with(Options::new(JOURNAL)).await;
    for days_ago in [0, 0, 0, 1] {
        lake.write(rows_of_all_tables(NOON - days_ago * DAY_MICROS, 400)).await;
        lake.flush().await;
        lake.lake.project_metadata().await.unwrap();
    }
    lake
}

async fn events_of(lake: &Lake) -> TableStats {
    let stats = lake.stats().await.unwrap();
    stats.tables.into_iter().find(|table| table.table == "events").unwrap()
}

fn sqlite(lake: &TestLake) -> rusqlite::Connection {
    rusqlite::Connection::open(lake.path().join("catalog.db")).unwrap()
}

#[tokio::test]
async fn stats_count_what_is_in_files_and_in_the_tail() {
    let mut lake = left_alone().await;
    lake.write(rows_at(NOON, 7)).await;
    let events = events_of(&lake.lake).await;
    let files = lake.files();
    let bytes: u64 = files.iter().map(|file| file.bytes).sum();
    assert_eq!((events.rows, events.tail_rows), (167, 7));
    assert_eq!((events.files, events.days, events.shared_files), (4, 2, 0));
    assert_eq!((events.bytes, events.bytes_per_row), (bytes, Some(bytes as f64 / 160.0)));
    assert_eq!((events.small_files, events.snapshots, events.replaced_files), (3, 4, 0));
    assert_eq!(events.oldest.as_deref(), Some("2024-10-03T12:00:00.000000Z"));
    assert!(events.newest.is_some_and(|newest| newest.starts_with("2024-10-04T12:00:00.0003")));
    assert!(events.metadata_bytes > 1_000);
    let reader = Lake::open_read_only(&lake.path()).await.unwrap().unwrap();
    assert_eq!(events_of(&reader).await.rows, 160, "without the tail, which nobody gave it");
}

#[tokio::test]
async fn a_merge_at_once_takes_what_would_be_left_alone() {
    let mut lake = left_alone().await;
    assert!(!lake.lake.compact_once().await.unwrap());
    let merged = lake.lake.compact_now().await.unwrap();
    assert!(merged.files_in >= 6 && merged.files_out < merged.files_in, "{merged:?}");
    while lake.lake.compact_now().await.unwrap() != Compacted::default() {}
    lake.assert_whole();
    assert_eq!(files_by_day(&lake.lake.version()), [(Some(19_999), 1), (Some(20_000), 1)].into());
    let events = events_of(&lake.lake).await;
    assert_eq!((events.files, events.small_files, events.replaced_files), (2, 0, 3));
    lake.lake.project_metadata().await.unwrap();
    assert_metadata_shows(&lake).await;
    assert_sound(&lake.lake).await;
    lake.restart().await;
    lake.assert_whole();
}

#[tokio::test]
async fn snapshots_and_their_files_go_when_somebody_says_so() {
    let lake = left_alone().await;
    while lake.lake.compact_now().await.unwrap() != Compacted::default() {}
    let hour = Duration::from_hours(1);
    assert_eq!(lake.lake.expire(hour).await.unwrap(), Expired::default(), "readers may have them");
    let held = lake.lake.version();
    let expired = lake.lake.expire(Duration::ZERO).await.unwrap();
    assert!(expired.snapshots > 0 && expired.files > 0 && expired.bytes > 0, "{expired:?}");
    let events = events_of(&lake.lake).await;
    assert_eq!((events.snapshots, events.replaced_files), (1, 0));
    assert!(held.all_files().all(|file| file.path.exists()));
    assert_metadata_shows(&lake).await;
    assert_sound(&lake.lake).await;
}

#[tokio::test]
async fn a_lake_is_sound_before_during_and_after_its_work() {
    let mut lake = TestLake::open().await;
    assert_sound(&lake.lake).await;
    for days_ago in [0, 1, 2] {
        lake.write(rows_of_all_tables(NOON - days_ago * DAY_MICROS, 1_500)).await;
        lake.flush().await;
        assert_sound(&lake.lake).await;
        lake.lake.project_metadata().await.unwrap();
        assert_sound(&lake.lake).await;
    }
    while lake.lake.compact_once().await.unwrap() {
        assert_sound(&lake.lake).await;
    }
    lake.lake.project_metadata().await.unwrap();
    lake.lake.remove_expired().await.unwrap();
    assert_sound(&lake.lake).await;
    let reader = Lake::open_read_only(&lake.path()).await.unwrap().unwrap();
    assert_sound(&reader).await;
    let verified = reader.verify(Verify::default()).await.unwrap();
    let counts: u64 = verified.tables.iter().map(|table| table.rows).sum();
    assert_eq!(counts, lake.lake.row_count());
    assert!(verified.tables.iter().all(|table| table.files == 0 || table.manifests > 0));
}

/// What is found wrong after some damage, by a reader of the lake.
async fn found(damage: impl FnOnce(&TestLake, &Path)) -> Vec<Problem> {
    let lake = left_alone().await;
    let file = lake.files()[0].path.clone();
    damage(&lake, &file);
    let reader = Lake::open_read_only(&lake.path()).await.unwrap().unwrap();
    let how = Verify { reads_rows: true, ..Verify::default() };
    reader.verify(how).await.unwrap().problems
}

/// There is a problem of which this is said.
fn assert_says(problems: &[Problem], what: &str) {
    assert!(problems.iter().any(|problem| problem.what.contains(what)), "{what}: {problems:?}");
}

fn change(lake: &TestLake, statement: &str) {
    assert!(sqlite(lake).execute(statement, ()).unwrap() > 0, "{statement}");
}

#[tokio::test]
async fn damage_to_data_files_is_found() {
    let gone = found(|_, file| std::fs::remove_file(file).unwrap()).await;
    assert_says(&gone, "No such file");
    assert_says(&gone, "a snapshot shows it, and it is not there");
    let short = found(|_, file| {
        let file = File::options().write(true).open(file).unwrap();
        file.set_len(file.metadata().unwrap().len() - 1).unwrap();
    });
    assert_says(&short.await, "bytes, and has");
    let flipped = found(|_, file| {
        let mut bytes = std::fs::read(file).unwrap();
        bytes[200..400].iter_mut().for_each(|byte| *byte ^= 0x55);
        std::fs::write(file, bytes).unwrap();
    });
    assert_eq!(flipped.await.len(), 1, "only reading the rows finds it");
    let stray = found(|_, file| {
        std::fs::copy(file, file.with_file_name("stray.parquet")).unwrap();
    });
    assert_says(&stray.await, "it is in no table");
}

#[tokio::test]
async fn a_catalog_that_says_otherwise_than_the_files_is_found() {
    let of_events = "WHERE table_name = 'events'";
    let (shown, alone) = (true, false);
    for (set, what, is_shown) in [
        ("rows = rows + 1", "rows, and has", shown),
        ("metrics = replace(metrics, 'signup', 'signups')", "statistics of column event", shown),
        ("max_timestamp = max_timestamp + 1", "other times", alone),
    ] {
        let statement = format!("UPDATE files SET {set} {of_events}");
        let problems = found(|lake, _| change(lake, &statement)).await;
        assert_says(&problems, what);
        let says_otherwise =
            |problem: &Problem| problem.what.contains("its manifest says otherwise");
        assert_eq!(problems.iter().any(says_otherwise), is_shown, "{set}");
    }
    let day = found(|lake, _| change(lake, &format!("UPDATE files SET day = 1 {of_events}"))).await;
    assert_says(&day, "rows of other days than 1970-01-02");
    let unknown = found(|lake, _| change(lake, &format!("DELETE FROM files {of_events}"))).await;
    assert_says(&unknown, "the catalog does not know it");
    assert_says(&unknown, "it is in no table");
}

#[tokio::test]
async fn damage_to_metadata_is_found() {
    let metadata = |lake: &TestLake| lake.path().join("data/events/metadata");
    let hint = found(|lake, _| {
        std::fs::write(metadata(lake).join("version-hint.text"), "1").unwrap();
    });
    assert_says(&hint.await, "does not name the newest metadata");
    let manifests = found(|lake, _| {
        for entry in std::fs::read_dir(metadata(lake)).unwrap() {
            let path = entry.unwrap().path();
            if path.to_str().unwrap().ends_with("-m0.avro") {
                std::fs::remove_file(path).unwrap();
            }
        }
    });
    assert_says(&manifests.await, "-m0.avro");
    let foreign = found(|lake, _| {
        let elsewhere = "UPDATE iceberg_tables SET metadata_location = 'file:///elsewhere.json'
                         WHERE table_name = 'events'";
        change(lake, elsewhere);
    });
    assert_says(&foreign.await, "file:///elsewhere.json is registered");
    let snapshots = found(|lake, _| {
        change(lake, "DELETE FROM snapshots WHERE table_name = 'events'");
    });
    assert_says(&snapshots.await, "other snapshots than the catalog knows");
    let uuid = found(|lake, _| change(lake, "UPDATE tables SET table_uuid = 'another'")).await;
    assert_says(&uuid, "another uuid");
}

#[tokio::test]
async fn what_changes_while_a_server_looks_is_no_fault() {
    let mut lake = left_alone().await;
    let reader = lake.lake.clone();
    let work = async {
        for _ in 0..10 {
            lake.write(rows_of_all_tables(NOON, 200)).await;
            lake.flush().await;
            lake.lake.compact_now().await.unwrap();
            lake.lake.expire(Duration::ZERO).await.unwrap();
        }
    };
    let look = async {
        for _ in 0..10 {
            assert_sound(&reader).await;
        }
    };
    tokio::join!(work, look);
}

#[tokio::test]
async fn a_journal_that_the_lake_does_not_fit_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let fs: std::sync::Arc<dyn Fs> = std::sync::Arc::new(RealFs);
    let options = journal::Options { segment_bytes: 1 << 20, ..journal::Options::default() };
    let (_writer, journal) = Journal::open(fs, dir.path(), options).unwrap();
    let mut lake = TestLake::open_with(Options::new(journal.id())).await;
    let how = Verify { journal: Some(journal), ..Verify::default() };
    assert_eq!(lake.lake.verify(how.clone()).await.unwrap().problems, []);
    lake.write(rows_at(NOON, 10)).await;
    lake.flush().await;
    let problems = lake.lake.verify(how).await.unwrap().problems;
    assert_says(&problems, "the lake has rows up to offset 10, and the journal only up to 0");
}

#[tokio::test]
async fn nothing_is_deleted_while_somebody_keeps_the_files() {
    let lake = left_alone().await;
    let copy = tempfile::tempdir().unwrap();
    sqlite(&lake)
        .execute("VACUUM INTO ?1", [copy.path().join("catalog.db").to_str().unwrap()])
        .unwrap();
    let named = crate::files_of_copy(copy.path()).unwrap();
    assert_eq!(named.event_rows, 160);
    let is_there = |name: &String| lake.path().join(name).is_file();

    let kept = lake.lake.keep_files();
    while lake.lake.compact_now().await.unwrap() != Compacted::default() {}
    lake.lake.project_metadata().await.unwrap();
    assert_eq!(lake.lake.expire(Duration::ZERO).await.unwrap().files, 0);
    assert!(named.files.iter().all(is_there), "all that the copy names can still be copied");
    drop(kept);
    assert!(lake.lake.expire(Duration::ZERO).await.unwrap().files > 0);
    assert!(!named.files.iter().all(is_there));
}
