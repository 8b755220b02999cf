//! Opening a lake, and refusing to.

use super::*;

async fn filled() -> TestLake {
    let mut lake = TestLake::open().await;
    lake.write(rows_at(NOON, 10)).await;
    lake.flush().await;
    lake
}

async fn open_error(lake: &TestLake) -> Error {
    Lake::open(&lake.path(), lake.options.clone()).await.unwrap_err()
}

#[tokio::test]
async fn a_reader_that_finds_no_lake_creates_none() {
    let dir = tempfile::tempdir().unwrap();
    let lake = dir.path().join("lake");
    assert!(Lake::open_read_only(&lake).await.unwrap().is_none());
    std::fs::create_dir(&lake).unwrap();
    assert!(Lake::open_read_only(&lake).await.unwrap().is_none());
    assert_eq!(std::fs::read_dir(&lake).unwrap().count(), 0);
}

#[tokio::test]
async fn a_reader_sees_what_is_committed_and_the_rest_from_the_journal() {
    let mut lake = filled().await;
    lake.write(rows_at(NOON, 5)).await;
    let reader = Lake::open_read_only(&lake.path()).await.unwrap().unwrap();
    assert_eq!(reader.row_count(), 10);
    assert_eq!(reader.cursor(JOURNAL).unwrap().offset, Offset::new(10));
    let reader = reader.with_tail(lake.journal.clone(), JOURNAL).await.unwrap();
    let reader = reader.with_tail(lake.journal.clone(), JOURNAL).await.unwrap();
    assert_eq!(offsets(&reader.version()), (0..15).collect::<Vec<_>>());
    assert!(matches!(reader.compact_once().await, Err(Error::ReadOnly)));
}

#[tokio::test]
async fn data_without_a_catalog_is_refused_and_left_alone() {
    let lake = filled().await;
    let file = lake.files()[0].path.clone();
    let path = lake.path();
    let (_dir, options) = (lake.dir, lake.options);
    drop((lake.lake, lake.sink));
    std::fs::remove_file(path.join("catalog.db")).unwrap();
    for _ in 0..2 {
        let error = Lake::open(&path, options.clone()).await.unwrap_err();
        assert!(matches!(error, Error::CatalogMissing { .. }), "{error}");
        assert!(file.try_exists().unwrap());
    }
}

#[tokio::test]
async fn a_catalog_of_a_later_version_is_refused() {
    let lake = filled().await;
    let sqlite = rusqlite::Connection::open(lake.path().join("catalog.db")).unwrap();
    sqlite.pragma_update(None, "user_version", 99).unwrap();
    assert!(matches!(open_error(&lake).await, Error::NewerFormat { found: 99, .. }));
    let reading = Lake::open_read_only(&lake.path()).await;
    assert!(matches!(reading, Err(Error::NewerFormat { found: 99, .. })));
}

#[tokio::test]
async fn a_commit_of_another_program_stops_the_start() {
    let mut lake = filled().await;
    let sqlite = rusqlite::Connection::open(lake.path().join("catalog.db")).unwrap();
    let foreign = "UPDATE iceberg_tables SET metadata_location = 'file:///elsewhere.json'
                   WHERE table_name IN ('heatmaps', 'events')";
    sqlite.execute_batch(foreign).unwrap();
    for table in ["events", "heatmaps"] {
        let error = open_error(&lake).await;
        assert!(error.to_string().contains("file:///elsewhere.json"), "{error}");
        assert!(error.to_string().contains(&format!("default.{table}")), "{error}");
        let projected = lake.lake.project_metadata().await;
        assert_eq!(projected.is_err(), table == "events", "what changed is not written over it");
        let dropped = "DELETE FROM iceberg_tables WHERE table_name = ?1";
        sqlite.execute(dropped, [table]).unwrap();
    }
    lake.restart().await;
    lake.assert_whole();
}

#[tokio::test]
async fn a_registration_that_was_dropped_is_made_again() {
    let mut lake = filled().await;
    let sqlite = rusqlite::Connection::open(lake.path().join("catalog.db")).unwrap();
    sqlite.execute_batch("DELETE FROM iceberg_tables").unwrap();
    lake.restart().await;
    let count = |table: &str| -> i64 {
        let count = format!("SELECT count(*) FROM {table}");
        sqlite.query_row(&count, (), |row| row.get(0)).unwrap()
    };
    assert_eq!((count("iceberg_tables"), count("iceberg_namespace_properties")), (10, 1));
}
