//! Several tables in one lake: one cursor for all, and a life of its own for each.

use std::collections::BTreeSet;

use super::projection::{assert_metadata_shows, metadata_of};
use super::*;
use crate::failpoint::{AFTER_COMMIT, AFTER_METADATA, AFTER_PARQUET_SYNC};

fn of(table: event::Table) -> &'static Table {
    Table::of(table)
}

/// Rows of one table only.
fn rows_of(table: event::Table, count: usize) -> Vec<Row> {
    let row = |row: Row| Row {
        created_at_micros: row.timestamp_micros,
        table_number: table.into(),
        ..row
    };
    rows_at(NOON, count).into_iter().map(row).collect()
}

#[tokio::test]
async fn rows_of_one_record_go_to_their_tables() {
    let mut lake = TestLake::open().await;
    lake.write(rows_of_all_tables(NOON, 20)).await;
    let counts = |lake: &TestLake| {
        let version = lake.lake.version();
        event::Table::ALL.map(|table| offsets_in(&version, of(table)).len())
    };
    assert_eq!(counts(&lake), [2; 10], "in the tail");
    lake.flush().await;
    assert_eq!(counts(&lake), [2; 10], "in files");
    for table in Table::all() {
        let version = lake.lake.version();
        let folder = lake.path().join("data").join(table.name());
        assert!(version.files(table).iter().all(|file| file.path.starts_with(&folder)));
        assert_eq!(version.files(table).len(), 1);
    }
    lake.restart().await;
    lake.assert_whole();
}

#[tokio::test]
async fn a_crash_in_a_commit_of_several_tables_loses_nothing_and_doubles_nothing() {
    for failpoint in [AFTER_PARQUET_SYNC, AFTER_COMMIT] {
        let mut lake = TestLake::open().await;
        lake.write(rows_of_all_tables(NOON, 20)).await;
        lake.arm(failpoint);
        assert!(lake.sink.flush().await.is_err());
        lake.restart().await;
        lake.assert_whole();
        lake.flush().await;
        lake.assert_whole();
        assert_eq!(lake.lake.version().all_files().count(), 10);
    }
}

#[tokio::test]
async fn a_commit_that_fails_for_one_table_changes_none() {
    let mut lake = TestLake::open().await;
    lake.write(rows_of_all_tables(NOON, 20)).await;
    let sqlite = rusqlite::Connection::open(lake.path().join("catalog.db")).unwrap();
    let refuse = "CREATE TRIGGER refuse BEFORE INSERT ON files WHEN new.table_name = 'otel'
                  BEGIN SELECT RAISE(ABORT, 'no'); END";
    sqlite.execute_batch(refuse).unwrap();
    assert!(lake.sink.flush().await.is_err());
    assert_eq!(lake.lake.version().all_files().count(), 0);
    assert_eq!(lake.sink.load_cursor().await.unwrap(), None);
    lake.assert_whole();
    let days = lake.path().join("data/events/timestamp_day=2024-10-04");
    assert_eq!(std::fs::read_dir(days).unwrap().count(), 0, "its files were removed again");
    sqlite.execute_batch("DROP TRIGGER refuse").unwrap();
    lake.flush().await;
    lake.assert_whole();
}

#[tokio::test]
async fn a_table_that_cannot_be_written_leaves_no_files_of_the_others() {
    let mut lake = TestLake::open().await;
    let in_the_way = lake.path().join("data/otel/received_at_day=2024-10-04");
    std::fs::write(&in_the_way, "a file where a folder should be").unwrap();
    lake.write(rows_of_all_tables(NOON, 20)).await;
    assert!(lake.sink.flush().await.is_err());
    let days = lake.path().join("data/events/timestamp_day=2024-10-04");
    assert_eq!(std::fs::read_dir(days).unwrap().count(), 0);
    std::fs::remove_file(in_the_way).unwrap();
    lake.flush().await;
    lake.assert_whole();
}

#[tokio::test]
async fn each_table_is_projected_when_it_changed_and_only_then() {
    let mut lake = TestLake::open().await;
    let versions = |lake: &TestLake| {
        Table::all().iter().map(|table| metadata_of(lake, table).metadata_log().len()).collect()
    };
    let empty: Vec<usize> = versions(&lake);
    assert_eq!(empty, [0; 10], "an empty table is there from the start");
    lake.write(rows_of(event::Table::Heatmaps, 5)).await;
    lake.flush().await;
    assert!(lake.lake.project_metadata().await.unwrap());
    assert_eq!(versions(&lake), [0, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
    lake.write(rows_of_all_tables(NOON, 20)).await;
    lake.flush().await;
    assert!(lake.lake.project_metadata().await.unwrap());
    assert_eq!(versions(&lake), [1, 2, 1, 1, 1, 1, 1, 1, 1, 1]);
    assert_metadata_shows(&lake).await;
    assert!(!lake.lake.project_metadata().await.unwrap());
    let rows = |table| {
        let metadata = metadata_of(&lake, of(table));
        let summary = metadata.current_snapshot().unwrap().summary().clone();
        summary.additional_properties["total-records"].clone()
    };
    assert_eq!(event::Table::ALL.map(rows), ["2", "7", "2", "2", "2", "2", "2", "2", "2", "2"]);
    let uuids = Table::all().iter().map(|table| metadata_of(&lake, table).uuid());
    assert_eq!(uuids.collect::<BTreeSet<_>>().len(), 10);
}

#[tokio::test]
async fn trouble_with_one_table_does_not_hold_up_the_others() {
    let mut lake = TestLake::open().await;
    lake.write(rows_of_all_tables(NOON, 20)).await;
    lake.flush().await;
    let sqlite = rusqlite::Connection::open(lake.path().join("catalog.db")).unwrap();
    let foreign = "UPDATE iceberg_tables SET metadata_location = 'file:///elsewhere.json'
                   WHERE table_name = 'events'";
    sqlite.execute_batch(foreign).unwrap();
    let error = lake.lake.project_metadata().await.unwrap_err();
    assert!(matches!(error, Error::ForeignMetadata { table: "events", .. }), "{error}");
    assert!(metadata_of(&lake, of(event::Table::Otel)).current_snapshot().is_some());
}

#[tokio::test]
async fn a_crash_between_two_tables_projections_is_made_up_for() {
    let mut lake = TestLake::open().await;
    lake.write(rows_of_all_tables(NOON, 20)).await;
    lake.flush().await;
    lake.arm(AFTER_METADATA);
    assert_crashed(lake.lake.project_metadata().await);
    assert!(metadata_of(&lake, of(event::Table::Otel)).current_snapshot().is_none());
    lake.restart().await;
    assert_metadata_shows(&lake).await;
}

#[tokio::test]
async fn each_table_is_merged_by_itself() {
    let mut lake = TestLake::open().await;
    for number in 0..8 {
        lake.write(rows_of(event::Table::Events, 10)).await;
        if number % 2 == 0 {
            lake.write(rows_of(event::Table::Quarantine, 10)).await;
        }
        lake.write(rows_of(event::Table::Otel, 10)).await;
        lake.flush().await;
    }
    while lake.lake.compact_once().await.unwrap() {}
    lake.lake.project_metadata().await.unwrap();
    lake.lake.remove_expired().await.unwrap();
    let version = lake.lake.version();
    let files = event::Table::ALL.map(|table| version.files(of(table)).len());
    // The day is long over and the grace is none, so the four of quarantine are merged, too.
    assert_eq!(files, [1, 0, 1, 1, 0, 0, 0, 0, 0, 0]);
    lake.assert_whole();
    assert_metadata_shows(&lake).await;
    lake.restart().await;
    lake.assert_whole();
}

/// Snapshots of one table say nothing of the files of another, whose generations differ.
#[tokio::test]
async fn files_expire_by_the_snapshots_of_their_own_table() {
    let mut lake = TestLake::open().await;
    lake.write(rows_of(event::Table::Otel, 10)).await;
    lake.flush().await;
    lake.lake.project_metadata().await.unwrap();
    for _ in 0..8 {
        lake.write(rows_of(event::Table::Events, 10)).await;
        lake.flush().await;
    }
    let replaced: Vec<_> = lake.files().iter().map(|file| file.path.clone()).collect();
    assert!(lake.lake.compact_once().await.unwrap());
    // The oldest snapshot of `otel` is of an earlier generation than the merge and never leaves.
    lake.lake.project_metadata().await.unwrap();
    lake.lake.remove_expired().await.unwrap();
    assert!(replaced.iter().all(|path| !path.try_exists().unwrap()));
    assert_metadata_shows(&lake).await;
}

#[tokio::test]
async fn orphans_of_every_table_are_put_aside() {
    let mut lake = TestLake::open().await;
    lake.write(rows_of_all_tables(NOON, 20)).await;
    lake.arm(AFTER_PARQUET_SYNC);
    assert!(lake.sink.flush().await.is_err());
    lake.restart().await;
    let orphans = std::fs::read_dir(lake.path().join("orphans")).unwrap();
    assert_eq!(orphans.count(), 10);
    lake.assert_whole();
}

#[tokio::test]
async fn the_tail_of_all_tables_together_takes_no_more_memory_than_allowed() {
    let tail_bytes = 512 << 10;
    let mut lake = TestLake::open_with(Options { tail_bytes, ..Options::new(JOURNAL) }).await;
    for _ in 0..40 {
        lake.write(rows_of_all_tables(NOON, 200)).await;
        assert!(lake.lake.version().tail_bytes() <= tail_bytes);
    }
    let version = lake.lake.version();
    assert!(Table::all().iter().all(|table| !version.files(table).is_empty()));
    lake.assert_whole();
}

#[tokio::test]
async fn a_lake_without_other_tables_is_refused_without_its_catalog_too() {
    let mut lake = TestLake::open().await;
    lake.write(rows_of(event::Table::Otel, 5)).await;
    lake.flush().await;
    let (path, options) = (lake.path(), lake.options.clone());
    let _dir = lake.dir;
    drop((lake.lake, lake.sink));
    std::fs::remove_file(path.join("catalog.db")).unwrap();
    let error = Lake::open(&path, options).await.unwrap_err();
    assert!(matches!(error, Error::CatalogMissing { .. }), "{error}");
}
