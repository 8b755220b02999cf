//! Lakes of earlier versions open, with their rows and their Iceberg metadata.

use rusqlite::Connection;

use super::projection::{assert_metadata_shows, metadata_of};
use super::*;

/// The catalog of version 1: one table, which nothing names.
const VERSION_1: &str = "
CREATE TABLE lake (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    table_uuid TEXT NOT NULL,
    generation INTEGER NOT NULL,
    root TEXT,
    projected_generation INTEGER NOT NULL,
    metadata_version INTEGER NOT NULL,
    sequence_number INTEGER NOT NULL
) STRICT;
CREATE TABLE cursors (
    journal_id TEXT PRIMARY KEY,
    next_offset INTEGER NOT NULL
) STRICT;
CREATE TABLE files (
    path TEXT PRIMARY KEY,
    day INTEGER,
    rows INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    min_timestamp INTEGER NOT NULL,
    max_timestamp INTEGER NOT NULL,
    added_at INTEGER NOT NULL,
    metrics TEXT NOT NULL,
    generation INTEGER NOT NULL,
    snapshot_id INTEGER,
    sequence_number INTEGER
) STRICT;
CREATE INDEX files_by_day ON files (day);
CREATE TABLE partitions (
    day INTEGER UNIQUE,
    generation INTEGER NOT NULL,
    manifest TEXT,
    manifest_generation INTEGER
) STRICT;
CREATE TABLE snapshots (
    snapshot_id INTEGER PRIMARY KEY,
    generation INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    manifest_list TEXT NOT NULL
) STRICT;
CREATE TABLE removed_files (
    path TEXT PRIMARY KEY,
    generation INTEGER NOT NULL,
    unlisted_at INTEGER,
    added_generation INTEGER,
    rows INTEGER,
    bytes INTEGER
) STRICT;
CREATE TABLE iceberg_tables (
    catalog_name VARCHAR(255) NOT NULL,
    table_namespace VARCHAR(255) NOT NULL,
    table_name VARCHAR(255) NOT NULL,
    metadata_location VARCHAR(1000),
    previous_metadata_location VARCHAR(1000),
    iceberg_type VARCHAR(5),
    PRIMARY KEY (catalog_name, table_namespace, table_name)
);
CREATE TABLE iceberg_namespace_properties (
    catalog_name VARCHAR(255) NOT NULL,
    namespace VARCHAR(255) NOT NULL,
    property_key VARCHAR(255) NOT NULL,
    property_value VARCHAR(1000) NOT NULL,
    PRIMARY KEY (catalog_name, namespace, property_key)
);
PRAGMA user_version = 1;
";

/// Fills it from a catalog of today, attached as `now`.
const FILL: &str = "
INSERT INTO lake SELECT 1, table_uuid, generation, root, projected_generation, metadata_version,
    sequence_number FROM now.tables WHERE table_name = 'events';
INSERT INTO cursors SELECT * FROM now.cursors;
INSERT INTO files SELECT path, day, rows, bytes, min_timestamp, max_timestamp, added_at, metrics,
    generation, snapshot_id, sequence_number FROM now.files;
INSERT INTO partitions SELECT day, generation, manifest, manifest_generation FROM now.partitions;
INSERT INTO snapshots SELECT snapshot_id, generation, created_at, manifest_list FROM now.snapshots;
INSERT INTO removed_files SELECT path, generation, unlisted_at, added_generation, rows, bytes
    FROM now.removed_files;
INSERT INTO iceberg_tables SELECT * FROM now.iceberg_tables WHERE table_name = 'events';
INSERT INTO iceberg_namespace_properties SELECT * FROM now.iceberg_namespace_properties;
";

/// What version 4 added.
const WITHOUT_ERASURES: &str = "
DROP TABLE erasures;
DROP TABLE erased_rows;
ALTER TABLE files DROP COLUMN free_of;
ALTER TABLE tables DROP COLUMN erased_generation;
";

/// A lake as version 1 left it: files of two days and shared ones, merged ones, and a commit that
/// Iceberg's metadata does not show yet.
async fn of_version_1() -> TestLake {
    let mut lake = TestLake::open().await;
    for number in 0..10 {
        lake.write(rows_at(NOON - (number % 2) * DAY_MICROS, 10)).await;
        lake.write(rows_at(NOON - 5 * DAY_MICROS, 3)).await;
        lake.flush().await;
        lake.lake.project_metadata().await.unwrap();
        lake.lake.compact_once().await.unwrap();
    }
    let catalog = lake.path().join("catalog.db");
    let now = lake.path().join("now.db");
    let today = Connection::open(&catalog).unwrap();
    today.execute("VACUUM INTO ?1", [now.to_str().unwrap()]).unwrap();
    drop(today);
    lake.lake = Lake::open_read_only(&lake.path()).await.unwrap().unwrap();
    lake.sink = TestLake::open().await.sink;
    for file in ["catalog.db", "catalog.db-wal", "catalog.db-shm"] {
        drop(std::fs::remove_file(lake.path().join(file)));
    }
    for table in Table::all().iter().filter(|table| *table != events()) {
        std::fs::remove_dir_all(lake.path().join("data").join(table.name())).unwrap();
    }
    let version_1 = Connection::open(&catalog).unwrap();
    version_1.execute_batch(VERSION_1).unwrap();
    version_1.execute("ATTACH ?1 AS now", [now.to_str().unwrap()]).unwrap();
    version_1.execute_batch(FILL).unwrap();
    version_1.execute_batch("DETACH now").unwrap();
    std::fs::remove_file(now).unwrap();
    lake
}

/// A lake as version 2 left it: without tables that keep the latest.
async fn of_version_2() -> TestLake {
    of_version(2, |table| table.keeps_latest() || table == event::Table::Erasures).await
}

/// A lake as version 3 left it: nothing was ever erased.
async fn of_version_3() -> TestLake {
    of_version(3, |table| table == event::Table::Erasures).await
}

/// A lake as an older version left it, without the tables that came later.
async fn of_version(number: i64, came_later: fn(event::Table) -> bool) -> TestLake {
    let mut lake = TestLake::open().await;
    let rows = rows_of_all_tables(NOON, 90).into_iter();
    lake.write(rows.filter(|row| !came_later(row.table())).collect()).await;
    lake.flush().await;
    lake.lake.project_metadata().await.unwrap();
    lake.sink = TestLake::open().await.sink;
    let sqlite = Connection::open(lake.path().join("catalog.db")).unwrap();
    sqlite.execute_batch(WITHOUT_ERASURES).unwrap();
    for table in Table::all().iter().filter(|table| came_later(table.rows())) {
        std::fs::remove_dir_all(lake.path().join("data").join(table.name())).unwrap();
        for catalog in ["tables", "iceberg_tables"] {
            let delete = format!("DELETE FROM {catalog} WHERE table_name = ?1");
            assert_eq!(sqlite.execute(&delete, [table.name()]).unwrap(), 1);
        }
    }
    sqlite.pragma_update(None, "user_version", number).unwrap();
    lake
}

#[tokio::test]
async fn a_lake_of_version_2_takes_rows_of_tables_that_keep_the_latest() {
    let mut lake = of_version_2().await;
    let reader = Lake::open_read_only(&lake.path()).await.unwrap().unwrap();
    assert_eq!(reader.version().row_count(), 36, "a reader sees it as it is");
    lake.restart().await;
    for _ in 0..8 {
        lake.write(rows_of_all_tables(NOON, 90)).await;
        lake.flush().await;
    }
    while lake.lake.compact_once().await.unwrap() {}
    lake.lake.project_metadata().await.unwrap();
    lake.assert_whole();
    assert_metadata_shows(&lake).await;
    assert!(!lake.lake.version().files(Table::of(event::Table::Groups)).is_empty());
}

#[tokio::test]
async fn somebody_is_erased_from_a_lake_of_version_3() {
    let mut lake = of_version_3().await;
    let reader = Lake::open_read_only(&lake.path()).await.unwrap().unwrap();
    assert_eq!(reader.version().row_count(), 81, "a reader sees it as it is");
    lake.restart().await;
    lake.write(vec![erasures::asked(0, vec!["user 10".into(), "user 11".into()], false)]).await;
    lake.flush().await;
    lake.assert_whole();
    while lake.lake.erase_once().await.unwrap() {}
    lake.lake.project_metadata().await.unwrap();
    lake.assert_whole();
    assert_metadata_shows(&lake).await;
    let rows = &lake.lake.erasures().await.unwrap()[0].rows;
    let rows: Vec<_> = rows.iter().map(|rows| (rows.table.as_str(), rows.removed)).collect();
    assert_eq!(rows, [("events", 1), ("heatmaps", 1)]);
}

#[tokio::test]
async fn an_older_program_would_refuse_the_migrated_catalog() {
    let mut lake = of_version_2().await;
    lake.restart().await;
    let sqlite = Connection::open(lake.path().join("catalog.db")).unwrap();
    let version = sqlite.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0));
    assert_eq!(version.unwrap(), 4, "an older one would put persons in quarantine");
}

#[tokio::test]
async fn a_lake_of_version_1_opens_with_its_rows_and_its_metadata() {
    let mut lake = of_version_1().await;
    let before = metadata_of(&lake, events());
    lake.restart().await;
    lake.assert_whole();
    assert_metadata_shows(&lake).await;
    let after = metadata_of(&lake, events());
    assert_eq!(after.uuid(), before.uuid());
    assert!(after.last_sequence_number() >= before.last_sequence_number());
    assert_eq!(after.current_schema(), before.current_schema());
}

#[tokio::test]
async fn a_lake_of_version_1_goes_on_where_it_was_and_takes_rows_of_all_tables() {
    let mut lake = of_version_1().await;
    lake.restart().await;
    lake.write(rows_of_all_tables(NOON, 40)).await;
    lake.flush().await;
    while lake.lake.compact_once().await.unwrap() {}
    lake.lake.project_metadata().await.unwrap();
    lake.lake.remove_expired().await.unwrap();
    lake.restart().await;
    lake.assert_whole();
    assert_metadata_shows(&lake).await;
}

#[tokio::test]
async fn a_reader_sees_a_lake_of_version_1_and_leaves_it_as_it_is() {
    let lake = of_version_1().await;
    let reader = Lake::open_read_only(&lake.path()).await.unwrap().unwrap();
    assert_eq!(offsets(&reader.version()), (0..130).collect::<Vec<_>>());
    let version: i64 = Connection::open(lake.path().join("catalog.db"))
        .unwrap()
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .unwrap();
    assert_eq!(version, 1);
}

#[tokio::test]
async fn a_migrated_catalog_has_the_tables_of_a_new_one() {
    let columns = |lake: &TestLake| -> Vec<(String, String, String)> {
        let sqlite = Connection::open(lake.path().join("catalog.db")).unwrap();
        let columns = "SELECT t.name, c.name, c.type FROM sqlite_schema t,
                       pragma_table_info(t.name) c ORDER BY 1, 2";
        let mut select = sqlite.prepare(columns).unwrap();
        let rows = select.query_map((), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
        rows.unwrap().map(|row| row.unwrap()).collect()
    };
    let mut migrated = of_version_1().await;
    migrated.restart().await;
    assert_eq!(columns(&migrated), columns(&TestLake::open().await));
}
